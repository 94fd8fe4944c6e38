"""What a person means when revoking: names, numbers in every spelling, files, and the CA that really signed."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from easycert.certdir import CertDir
from easycert.errors import AmbiguousIssuer, AmbiguousName, NotFound, SelfSigned, UnreadableFile, WrongIssuer
from easycert.ledger.memory import MemoryLedger
from easycert.model import Kind
from easycert.pki.facts import fingerprint_of
from easycert.pki.names import SafeName
from easycert.workflows import authorities
from easycert.workflows.issue import Issued, issue
from easycert.workflows.revocable import resolve, serial_numbers
from tests.workflows.examples import NOW, directory, files, make, new_key, pem, stranger, wanted

ROOT = SafeName("root")


@pytest.fixture
def certdir() -> CertDir:
    """Return a directory with root and, below it, a host."""
    made = directory()
    make(made, Kind.CA, "root")
    return made


def again(certdir: CertDir, kind: Kind, name: str, signas: str = "root") -> Issued:
    (issued,) = issue(certdir, [wanted(kind, name, signas)], replace=True)
    return issued


def der(issued: Issued) -> bytes:
    return issued.certificate.public_bytes(Encoding.DER)


def test_a_name_is_that_of_the_certificate_that_has_it_now(certdir: CertDir) -> None:
    make(certdir, Kind.HOST, "a.example", "root")
    now = again(certdir, Kind.HOST, "a.example")
    found = resolve(certdir, "a.example")
    assert (found.certificate, found.authority, found.kind, found.name) == (
        now.certificate,
        "root",
        Kind.HOST,
        "a.example",
    )
    assert resolve(certdir, "A.Example") == found


def test_a_name_is_that_of_the_last_one_when_its_file_is_gone(certdir: CertDir) -> None:
    made = make(certdir, Kind.HOST, "a.example", "root")
    del files(certdir)["hosts/a.example.crt"]
    assert resolve(certdir, "a.example").certificate == made.certificate  # its key alone is still there
    del files(certdir)["hosts/a.example.key"]
    assert resolve(certdir, "A.Example").certificate == made.certificate


def test_a_name_of_several_kinds_is_not_guessed(certdir: CertDir) -> None:
    make(certdir, Kind.HOST, "one", "root")
    user = make(certdir, Kind.USER, "one", "root")
    with pytest.raises(AmbiguousName, match="host one, user one"):
        resolve(certdir, "one")
    assert resolve(certdir, "one", kind=Kind.USER).certificate == user.certificate


def spellings(serial: int) -> list[str]:
    digits = f"{serial:x}"
    even = digits.zfill(len(digits) + len(digits) % 2)
    return [
        digits,
        digits.upper(),
        f"0x{digits}",
        f"00{even}",
        str(serial),
        ":".join(even[at : at + 2] for at in range(0, len(even), 2)).upper(),
    ]


@pytest.mark.parametrize("spelling", range(6))
def test_G13_an_older_certificate_is_found_by_its_serial_number_however_it_is_written(
    certdir: CertDir, spelling: int
) -> None:
    old = make(certdir, Kind.HOST, "a.example", "root")
    again(certdir, Kind.HOST, "a.example")
    found = resolve(certdir, spellings(old.certificate.serial_number)[spelling])
    assert (found.certificate, found.kind, found.name) == (old.certificate, Kind.HOST, "a.example")


def test_G13_and_by_its_fingerprint(certdir: CertDir) -> None:
    old = make(certdir, Kind.HOST, "a.example", "root")
    again(certdir, Kind.HOST, "a.example")
    fingerprint = fingerprint_of(der(old))
    with_colons = ":".join(fingerprint[at : at + 2] for at in range(0, 64, 2)).upper()
    for text in (fingerprint, with_colons):
        assert resolve(certdir, text).certificate == old.certificate


@pytest.mark.parametrize("serial", [0, 1, 0x7F, 0x80, 0xFF, 1 << 63, 1 << 158, (1 << 159) - 1])
def test_D14_hexadecimal_and_decimal_agree_also_with_the_high_bit_set(serial: int) -> None:
    assert all(serial in serial_numbers(text) for text in spellings(serial))


def test_digits_alone_may_be_either() -> None:
    assert serial_numbers("10") == (16, 10)
    assert serial_numbers("0x10") == (16,)
    assert serial_numbers("a0") == (160,)
    assert serial_numbers("5") == (5,)


@pytest.mark.parametrize("text", ["", "0x", "xyz", "1:234", "12:", "-5", "1" * 65, "٣", "a.example", "12 34"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert serial_numbers(text) == ()


def test_without_a_ledger_the_files_are_searched(certdir: CertDir) -> None:
    made = make(certdir, Kind.HOST, "a.example", "root")
    bare = CertDir(certdir.store, ledger=MemoryLedger)
    for text in (*spellings(made.certificate.serial_number), "a.example"):
        assert resolve(bare, text).certificate == made.certificate
    assert not bare.ledger.exists()


def test_G2_an_unknown_serial_number_is_refused(certdir: CertDir) -> None:
    with pytest.raises(NotFound, match="no certificate named '0123456789abcdef'"):
        resolve(certdir, "0123456789abcdef")


def test_a_certificate_that_was_never_here_comes_as_a_file(certdir: CertDir, tmp_path: Path) -> None:
    elsewhere = directory()
    files(elsewhere).update(files(certdir))
    lost = make(elsewhere, Kind.HOST, "lost.example", "root")
    for name, data in (("lost.pem", pem(lost.certificate)), ("lost.der", der(lost))):
        (tmp_path / name).write_bytes(data)
        found = resolve(certdir, str(tmp_path / name))
        assert (found.certificate, found.authority, found.kind, found.name) == (lost.certificate, "root", None, None)
        assert found.shown == "CN=lost.example"


def test_the_file_of_one_that_is_here_has_its_place(certdir: CertDir, tmp_path: Path) -> None:
    made = make(certdir, Kind.HOST, "a.example", "root")
    (tmp_path / "it.crt").write_bytes(pem(made.certificate))
    again(certdir, Kind.HOST, "a.example")
    found = resolve(certdir, str(tmp_path / "it.crt"))
    assert (found.certificate, found.kind, found.name) == (made.certificate, Kind.HOST, "a.example")


def test_a_file_that_is_not_there_is_said(certdir: CertDir, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        resolve(certdir, str(tmp_path / "nothing.pem"))


def test_G2_a_certificate_of_another_ca_is_refused(certdir: CertDir, tmp_path: Path) -> None:
    """One that calls itself by the name of a CA that is here, too."""
    key = new_key()
    for cn in ("other", "root"):
        foreign = stranger(new_key(), "x.example", issuer=(stranger(key, cn).subject, key))
        (tmp_path / "x.pem").write_bytes(pem(foreign))
        with pytest.raises(WrongIssuer, match=f"no CA that is here signed it; its issuer is CN={cn}"):
            resolve(certdir, str(tmp_path / "x.pem"))


def test_signas_must_be_the_one_that_signed(certdir: CertDir) -> None:
    make(certdir, Kind.CA, "other")
    make(certdir, Kind.HOST, "a.example", "root")
    assert resolve(certdir, "a.example", signas=ROOT).authority == "root"
    with pytest.raises(WrongIssuer, match="the CA 'other' did not sign it"):
        resolve(certdir, "a.example", signas=SafeName("other"))


def test_several_cas_with_one_key_are_told_apart_by_signas(certdir: CertDir) -> None:
    files(certdir)["cas/twin.crt"] = files(certdir)["cas/root.crt"]
    make(certdir, Kind.HOST, "a.example", "root")
    with pytest.raises(AmbiguousIssuer, match="root, twin"):
        resolve(certdir, "a.example")
    assert resolve(certdir, "a.example", signas=SafeName("twin")).authority == "twin"


@pytest.mark.parametrize("kind", [Kind.CA, Kind.HOST])
def test_what_signed_itself_cannot_be_revoked(certdir: CertDir, kind: Kind) -> None:
    make(certdir, kind, "alone.example")
    with pytest.raises(SelfSigned, match="it signed itself"):
        resolve(certdir, "alone.example")


def test_two_certificates_with_one_serial_number_are_told_apart(certdir: CertDir, tmp_path: Path) -> None:
    """They are of two CAs: a serial number is unique under its issuer only."""
    make(certdir, Kind.CA, "other")
    bare = CertDir(certdir.store, ledger=MemoryLedger)
    for ca in ("root", "other"):
        issuer = authorities.load(certdir, SafeName(ca)).issuer
        key = new_key()
        made = x509.CertificateBuilder(issuer.name, issuer.name, key.public_key(), 4660, NOW, NOW)
        files(certdir)[f"hosts/{ca}.example.crt"] = pem(made.sign(issuer.key, hashes.SHA256()))  # type: ignore[arg-type]
    with pytest.raises(AmbiguousName, match="serial 0x1234, issuer CN=other"):
        resolve(bare, "0x1234")
    assert resolve(bare, "4660", signas=ROOT).name == "root.example"
