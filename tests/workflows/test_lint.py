"""Linting files: each certificate and CRL in them beside its CA, from the file or from the directory."""

from __future__ import annotations

from base64 import encodebytes
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from easycert.certdir import CertDir
from easycert.errors import AmbiguousName, Malformed, NotFound
from easycert.model import Kind
from easycert.pki.lint import Severity
from easycert.workflows.lint import Linted, LintReport, lint
from tests.pki.chainmaker import ca, crl, pem, server
from tests.pki.lint.maker import CA, SERVER, number
from tests.workflows.examples import NOW, chain_of_cas, directory, files, make, new_key

ROOT = ca()
ISSUING = ca("issuing", ROOT)
WWW = server(ISSUING)


def written(der: bytes, label: str = "CERTIFICATE") -> bytes:
    return f"-----BEGIN {label}-----\n".encode() + encodebytes(der) + f"-----END {label}-----\n".encode()


def linted(path: Path, data: bytes, certdir: CertDir | None = None) -> tuple[Linted, ...]:
    path = path / "file.pem"
    path.write_bytes(data)
    return lint(certdir or directory(), [str(path)]).items


def errors(item: Linted) -> set[str]:
    return {finding.rule for finding in item.findings if finding.severity is Severity.ERROR}


@pytest.fixture
def certdir() -> CertDir:
    made = directory()
    chain_of_cas(made, "root", "issuing")
    make(made, Kind.HOST, "www.example.com", "issuing")
    return made


def test_a_name_is_its_certificate_and_those_that_follow(certdir: CertDir) -> None:
    report = lint(certdir, ["www.example.com"])
    assert [(item.kind, item.name, item.number, item.issuer) for item in report.items] == [
        (Kind.HOST, "www.example.com", 1, "CN=issuing"),
        (None, None, 2, "CN=root"),
    ]
    assert report.count(Severity.ERROR) == 0
    assert report.count(Severity.WARNING) == 1


def test_what_signed_itself_has_no_CA(certdir: CertDir) -> None:
    (root,) = lint(certdir, ["root"]).items
    assert (root.subject, root.issuer, root.findings) == ("CN=root", None, ())


def test_a_certificate_in_a_file_is_held_against_the_CA_of_the_directory(tmp_path: Path, certdir: CertDir) -> None:
    leaf = files(certdir)["hosts/www.example.com.crt"].partition(b"-----END CERTIFICATE-----\n")
    (item,) = linted(tmp_path, leaf[0] + leaf[1], certdir)
    assert item.issuer == "CN=issuing"


def test_without_its_CA_a_certificate_is_judged_alone(tmp_path: Path) -> None:
    (item,) = linted(tmp_path, pem(WWW.certificate))
    assert item.issuer is None
    assert errors(item) == set()


def test_the_order_in_a_file_does_not_matter(tmp_path: Path) -> None:
    items = linted(tmp_path, pem(ROOT.certificate, WWW.certificate, ISSUING.certificate))
    assert [(item.subject, item.issuer) for item in items] == [
        ("CN=root", None),
        ("CN=www.example.com", "CN=issuing"),
        ("CN=issuing", "CN=root"),
    ]


def test_of_two_CAs_of_one_name_the_one_that_signed_is_taken(tmp_path: Path) -> None:
    """A re-keyed CA: the other one's key identifier would be an error."""
    other = ca("issuing")
    items = linted(tmp_path, pem(WWW.certificate, other.certificate, ISSUING.certificate))
    assert errors(items[0]) == set()


def test_a_name_that_is_written_otherwise_is_found_and_is_an_error(tmp_path: Path) -> None:
    """RFC 5280 section 4.1.2.4 wants the same bytes; the CA is found although they differ."""
    key = new_key()
    printable = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuing", _ASN1Type.PrintableString)])
    builder = x509.CertificateBuilder(printable, printable, key.public_key(), 1 << 100, NOW, NOW + timedelta(days=9))
    leaf = builder.sign(ISSUING.key, hashes.SHA256())  # type: ignore[arg-type]
    item, _ = linted(tmp_path, pem(leaf, ISSUING.certificate))
    assert item.issuer == "CN=issuing"
    assert "issuer-name" in errors(item)


def test_a_CRL_is_held_against_the_CA_that_signed_it(tmp_path: Path) -> None:
    made = crl(ISSUING)
    text = made.public_bytes(serialization.Encoding.PEM)
    _, item = linted(tmp_path, pem(ISSUING.certificate) + text)
    assert (item.type, item.subject, item.issuer, item.number) == ("crl", "CN=issuing", "CN=issuing", 2)
    (alone,) = linted(tmp_path, made.public_bytes(serialization.Encoding.DER))
    assert (alone.type, alone.issuer) == ("crl", None)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_what_cryptography_does_not_load_is_judged_all_the_same(tmp_path: Path) -> None:
    broken = SERVER.but(version=bytes.fromhex("a003020107"), serial=number(0))
    first, second = linted(tmp_path, written(broken.der) + written(b"\x30\x03\x02\x01"))
    assert first.subject is None
    assert {"version-3", "serial-positive"} <= errors(first)
    assert errors(second) == {"undecodable"}


def test_DER_is_read_too(tmp_path: Path) -> None:
    (item,) = linted(tmp_path, CA.der)
    assert (item.type, item.subject) == ("certificate", "CN=ca")


def test_keys_and_requests_beside_a_certificate_are_passed_over(tmp_path: Path) -> None:
    data = written(b"secret", "PRIVATE KEY") + pem(WWW.certificate) + written(b"x", "CERTIFICATE REQUEST")
    (item,) = linted(tmp_path, data)
    assert (item.subject, item.number) == ("CN=www.example.com", 1)


@pytest.mark.parametrize("data", [written(b"x", "PRIVATE KEY"), b"\x30\x03\x02\x01\x05", b"text", b""])
def test_a_file_without_either_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Malformed):
        linted(tmp_path, data)


def test_a_CA_file_that_cannot_be_read_is_told_and_left_out(certdir: CertDir) -> None:
    files(certdir)["cas/broken.crt"] = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    report = lint(certdir, ["www.example.com"])
    assert [note for note in report.notes if "broken.crt" in note]
    assert report.items[0].issuer == "CN=issuing"


def test_several_are_judged_in_their_order(certdir: CertDir) -> None:
    report = lint(certdir, ["issuing", "root"])
    assert [item.name for item in report.items] == ["issuing", "root"]


def test_a_name_of_several_kinds_needs_a_kind(certdir: CertDir) -> None:
    make(certdir, Kind.USER, "root", "issuing")
    with pytest.raises(AmbiguousName):
        lint(certdir, ["root"])
    assert lint(certdir, ["root"], kind=Kind.USER).items[0].kind is Kind.USER


def test_what_is_not_there_is_not_found(certdir: CertDir) -> None:
    with pytest.raises(NotFound):
        lint(certdir, ["nobody"])


def test_the_kind_of_the_directory_is_what_a_certificate_must_be(certdir: CertDir) -> None:
    held = files(certdir)
    held["users/odd.crt"] = held["hosts/www.example.com.crt"]
    report: LintReport = lint(certdir, ["odd"])
    assert "kind-usage" in errors(report.items[0])
