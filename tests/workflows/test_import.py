"""Bringing files in: only what belongs together comes in, and only to where it belongs (hazards C1 to C11)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from easycert.certdir import CertDir
from easycert.errors import (
    AlreadyExists,
    EasycertError,
    EncryptedKey,
    InvalidInput,
    InvalidName,
    KeyMismatch,
    Malformed,
    Refused,
    UnreadableFile,
    WeakKey,
)
from easycert.model import Kind
from easycert.pki.certificates import load_certificates
from easycert.pki.keys import KeyType, private_pem
from easycert.pki.names import CaName, HostName, SafeName
from easycert.pki.validity import days
from easycert.store.layout import Entry
from easycert.workflows.csr import CsrRequest, make_requests
from easycert.workflows.import_ import Imported, ImportRequest, copy_in, import_files
from tests.workflows.examples import (
    AS_CA,
    Clock,
    chain_of_cas,
    csr,
    directory,
    dn,
    files,
    key_pem,
    make,
    new_key,
    pem,
    signed,
    stranger,
)

END = b"-----END CERTIFICATE-----\n"


def brought(certdir: CertDir, *contents: bytes, **wishes: Any) -> Imported:
    """Import files called file0, file1, ..."""
    sources = tuple((f"file{number}", data) for number, data in enumerate(contents))
    return import_files(certdir, ImportRequest(sources, **wishes))


def assert_refused(
    certdir: CertDir, error: type[EasycertError], *contents: bytes, match: str = ".", **wishes: Any
) -> None:
    before = dict(files(certdir))
    with pytest.raises(error, match=match) as caught:
        brought(certdir, *contents, **wishes)
    assert str(caught.value).isprintable()
    assert files(certdir) == before


@pytest.fixture
def elsewhere() -> dict[str, bytes]:
    """Return the files of another machine: root > sub > a.example, and a user."""
    certdir = directory()
    chain_of_cas(certdir, "root", "sub")
    make(certdir, Kind.HOST, "a.example", "sub")
    make(certdir, Kind.USER, "alice", "root")
    make(certdir, Kind.CODE, "builder", "root")
    return files(certdir)


def blocks(data: bytes) -> list[bytes]:
    return [block + END for block in data.split(END) if block.strip()]


# --- what comes in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind"),
    [("hosts/a.example", Kind.HOST), ("users/alice", Kind.USER), ("code/builder", Kind.CODE), ("cas/root", Kind.CA)],
)
def test_the_certificate_says_what_it_is_and_what_it_is_called(
    elsewhere: dict[str, bytes], path: str, kind: Kind
) -> None:
    certdir = directory()
    imported = brought(certdir, elsewhere[f"{path}.crt"], elsewhere[f"{path}.key"])
    assert (imported.kind, imported.name) == (kind, path.split("/")[1])
    assert files(certdir)[f"{path}.crt"] == elsewhere[f"{path}.crt"]


def test_keys_come_in_private(elsewhere: dict[str, bytes]) -> None:
    certdir = directory()
    brought(certdir, elsewhere["hosts/a.example.crt"], elsewhere["hosts/a.example.key"])
    assert certdir.store.modes["hosts/a.example.key"] == 0o600


@pytest.mark.parametrize("encoding", [serialization.Encoding.PEM, serialization.Encoding.DER])
def test_pem_and_der_come_in_as_pem(encoding: serialization.Encoding) -> None:
    certdir, key = directory(), new_key()
    certificate = stranger(key, "a.example")
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    brought(certdir, certificate.public_bytes(encoding), key.private_bytes(encoding, *form), kind=Kind.HOST)
    assert files(certdir)["hosts/a.example.crt"] == pem(certificate)
    assert files(certdir)["hosts/a.example.key"].startswith(b"-----BEGIN PRIVATE KEY-----")


def test_rsa_keys_come_in_as_synapse_writes_them() -> None:
    certdir, key = directory(), rsa.generate_private_key(65537, 2048)
    brought(certdir, pem(stranger(key, "a.example")), key_pem(key), kind=Kind.HOST)
    assert files(certdir)["hosts/a.example.key"] == private_pem(key, traditional=True)


@pytest.mark.parametrize("name", ["root", "a.example"])
def test_importing_twice_changes_nothing(elsewhere: dict[str, bytes], name: str) -> None:
    certdir = directory()
    folder = "cas" if name == "root" else "hosts"
    together = elsewhere[f"{folder}/{name}.crt"], elsewhere[f"{folder}/{name}.key"]
    brought(certdir, *together)
    before = dict(files(certdir))
    assert brought(certdir, *together).paths == ()
    assert files(certdir) == before


def test_a_certificate_that_comes_back_for_a_request_is_put_beside_its_key() -> None:
    root, certdir = directory(), directory()
    make(root, Kind.CA, "root")
    make_requests(certdir, [CsrRequest(Kind.HOST, HostName("a.example"))])
    issued = signed(root, files(certdir)["hosts/a.example.csr"])
    imported = brought(certdir, pem(issued.certificate), files(root)["cas/root.crt"])
    assert imported.paths == ("/certs/hosts/a.example.crt",)


def test_a_certificate_that_comes_back_for_another_key_is_refused() -> None:
    certdir = directory()
    make_requests(certdir, [CsrRequest(Kind.HOST, HostName("a.example"))])
    other = stranger(new_key(), "a.example")
    assert_refused(
        certdir,
        KeyMismatch,
        pem(other),
        kind=Kind.HOST,
        match="does not belong to the private key /certs/hosts/a.example.key",
    )


def test_a_certificate_for_another_key_is_refused_by_force_too() -> None:
    certdir = directory()
    make_requests(certdir, [CsrRequest(Kind.HOST, HostName("a.example"))])
    assert_refused(certdir, KeyMismatch, pem(stranger(new_key(), "a.example")), kind=Kind.HOST, replace=True)


def test_a_ca_signed_elsewhere_comes_in_with_the_cas_above_it() -> None:
    root, certdir = directory(), directory()
    make(root, Kind.CA, "root")
    make_requests(certdir, [CsrRequest(Kind.CA, CaName("sub"))])
    issued = signed(root, files(certdir)["cas/sub.csr"], Kind.CA)
    imported = brought(certdir, files(root)["cas/root.crt"] + pem(issued.certificate))
    assert (imported.kind, imported.name) == (Kind.CA, "sub")
    assert imported.paths == ("/certs/cas/sub.crt", "/certs/cas/root.crt")
    make(certdir, Kind.HOST, "a.example", "sub")


def test_a_ca_that_is_here_is_kept_and_another_of_its_name_in_the_chain_is_said() -> None:
    root, certdir = directory(), directory()
    for each in (root, certdir):
        make(each, Kind.CA, "root")
    make(root, Kind.CA, "sub", "root")
    own = files(certdir)["cas/root.crt"]
    imported = brought(certdir, files(root)["cas/sub.crt"] + files(root)["cas/root.crt"], files(root)["cas/sub.key"])
    assert imported.notes == ("kept the CA 'root' that is here: the one in the chain is another of that name",)
    assert files(certdir)["cas/root.crt"] == own


# --- C1: keys that do not match ---------------------------------------------------------------------------------------


def test_a_key_of_something_else_is_refused(elsewhere: dict[str, bytes]) -> None:
    assert_refused(directory(), KeyMismatch, elsewhere["hosts/a.example.crt"], elsewhere["users/alice.key"])


def test_several_keys_are_refused(elsewhere: dict[str, bytes]) -> None:
    together = elsewhere["hosts/a.example.crt"], elsewhere["hosts/a.example.key"], elsewhere["users/alice.key"]
    assert_refused(directory(), Refused, *together, match="several private keys")


def test_a_key_alone_is_refused(elsewhere: dict[str, bytes]) -> None:
    assert_refused(directory(), Refused, elsewhere["hosts/a.example.key"], match="came alone")


def test_a_key_that_comes_late_is_put_beside_its_certificate(elsewhere: dict[str, bytes]) -> None:
    certdir = directory()
    brought(certdir, elsewhere["users/alice.crt"])
    imported = brought(certdir, elsewhere["users/alice.key"], kind=Kind.USER, name=SafeName("alice"))
    assert imported.paths == ("/certs/users/alice.key",)


def test_a_key_that_comes_late_must_belong_to_its_certificate(elsewhere: dict[str, bytes]) -> None:
    certdir = directory()
    brought(certdir, elsewhere["users/alice.crt"])
    late = {"kind": Kind.USER, "name": SafeName("alice")}
    assert_refused(certdir, KeyMismatch, elsewhere["hosts/a.example.key"], **late)


# --- C2: passphrases --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("passphrase", "said"), [(None, "missing"), (b"wrong", "wrong"), (b"x" * 5000, "wrong")])
def test_an_encrypted_key_needs_its_passphrase(passphrase: bytes | None, said: str) -> None:
    key = new_key()
    secret = key_pem(key, serialization.BestAvailableEncryption(b"right"))
    together = pem(stranger(key, "a.example")), secret
    assert_refused(directory(), EncryptedKey, *together, kind=Kind.HOST, passphrase=passphrase, match=said)


def test_an_encrypted_key_with_its_passphrase_comes_in_unencrypted() -> None:
    certdir, key = directory(), new_key()
    secret = key_pem(key, serialization.BestAvailableEncryption(b"right"))
    brought(certdir, pem(stranger(key, "a.example")), secret, kind=Kind.HOST, passphrase=b"right")
    assert files(certdir)["hosts/a.example.key"] == key_pem(key)


@pytest.mark.parametrize(
    ("passphrase", "error"), [(None, EncryptedKey), (b"wrong", EncryptedKey), (b"", EasycertError)]
)
def test_an_encrypted_pkcs12_file_needs_its_passphrase(passphrase: bytes | None, error: type[EasycertError]) -> None:
    key = new_key()
    certificate = stranger(key, "a.example")
    secret = pkcs12.serialize_key_and_certificates(
        b"x", key, certificate, None, serialization.BestAvailableEncryption(b"right")
    )
    assert_refused(directory(), error, secret, kind=Kind.HOST, passphrase=passphrase)


# --- C3: what is no good (any more) -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "said"), [((-10, -1), r"expired on 2026-05-31"), ((1, 10), "not valid before 2026-06-02")]
)
@pytest.mark.parametrize(("kind", "extensions"), [(Kind.HOST, ()), (Kind.CA, AS_CA)])
def test_what_is_not_valid_now_comes_in_by_force_only(
    period: tuple[float, float], said: str, kind: Kind, extensions: Any
) -> None:
    certdir, key = directory(), new_key()
    together = pem(stranger(key, "one", extensions=extensions, days=period)), key_pem(key)
    assert_refused(certdir, Refused, *together, kind=kind, match=rf"^file0, file1: it .*{said}")
    assert brought(certdir, *together, kind=kind, replace=True).paths


def test_a_leaf_is_no_ca() -> None:
    key = new_key()
    leaf = stranger(key, "one", extensions=[(x509.BasicConstraints(ca=False, path_length=None), True)])
    assert_refused(directory(), Refused, pem(leaf), key_pem(key), kind=Kind.CA, match="CA:TRUE")


def test_a_ca_that_may_not_sign_is_no_ca() -> None:
    key = new_key()
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    made = stranger(key, "one", extensions=[*AS_CA, (usage, True)])
    assert_refused(directory(), Refused, pem(made), key_pem(key), kind=Kind.CA, match="keyCertSign")


@pytest.mark.parametrize("kind", [Kind.HOST, Kind.USER, Kind.CODE])
def test_a_ca_is_no_leaf(elsewhere: dict[str, bytes], kind: Kind) -> None:
    assert_refused(directory(), Refused, elsewhere["cas/root.crt"], kind=kind, match="a CA's certificate")


def test_a_certificate_whose_purpose_is_unclear_needs_a_kind() -> None:
    assert_refused(directory(), InvalidInput, pem(stranger(new_key(), "one")), match="--kind|unclear")


# --- C8: PKCS#12 ------------------------------------------------------------------------------------------------------


def test_a_pkcs12_file_brings_key_certificate_and_chain(elsewhere: dict[str, bytes]) -> None:
    certdir = directory()
    leaf, sub = load_certificates(elsewhere["hosts/a.example.crt"], "it")
    key = serialization.load_pem_private_key(elsewhere["hosts/a.example.key"], None)
    data = pkcs12.serialize_key_and_certificates(b"it", key, leaf, [sub], serialization.BestAvailableEncryption(b"p"))
    brought(certdir, data, passphrase=b"p")
    assert files(certdir) == {path: elsewhere[path] for path in ("hosts/a.example.key", "hosts/a.example.crt")}


def test_a_pkcs12_file_whose_key_does_not_match_is_refused(elsewhere: dict[str, bytes]) -> None:
    (leaf,) = load_certificates(elsewhere["users/alice.crt"], "it")
    data = pkcs12.serialize_key_and_certificates(b"it", new_key(), None, [leaf], serialization.NoEncryption())
    assert_refused(directory(), EasycertError, data)


def test_a_pkcs12_file_without_a_key_is_refused(elsewhere: dict[str, bytes]) -> None:
    (leaf,) = load_certificates(elsewhere["users/alice.crt"], "it")
    data = pkcs12.serialize_key_and_certificates(b"it", None, leaf, None, serialization.NoEncryption())
    assert_refused(directory(), Malformed, data)


@pytest.mark.parametrize("cut", [10, 100, 500])
def test_half_a_pkcs12_file_is_refused(cut: int) -> None:
    key = new_key()
    data = pkcs12.serialize_key_and_certificates(b"x", key, stranger(key, "one"), None, serialization.NoEncryption())
    assert_refused(directory(), EasycertError, data[:cut])


# --- C9: weak and odd -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 1024), rsa.generate_private_key(3, 2048), ec.generate_private_key(ec.SECP256K1())],
)
@pytest.mark.parametrize("with_key", [True, False])
@pytest.mark.parametrize("replace", [True, False])
def test_a_weak_key_is_refused_by_force_too(key: Any, with_key: bool, replace: bool) -> None:
    together = [pem(stranger(key, "one")), *([key_pem(key)] if with_key else [])]
    assert_refused(directory(), WeakKey, *together, kind=Kind.HOST, replace=replace)


def test_a_weak_ca_above_is_refused() -> None:
    weak, key = rsa.generate_private_key(65537, 1024), new_key()
    root = stranger(weak, "root", extensions=AS_CA)
    sub = stranger(key, "sub", extensions=AS_CA, issuer=(root.subject, weak))
    assert_refused(directory(), WeakKey, pem(sub) + pem(root), key_pem(key), match="CN=root")


@pytest.mark.real
def test_explicit_curve_parameters_are_refused(need: Callable[[str], str], tmp_path: Path) -> None:
    openssl, key, path = need("openssl"), str(tmp_path / "it.key"), tmp_path / "it.crt"
    explicit = ["-name", "prime256v1", "-genkey", "-noout", "-param_enc", "explicit"]
    subprocess.run([openssl, "ecparam", *explicit, "-out", key], check=True, capture_output=True)
    rest = ["-key", key, "-subj", "/CN=one", "-days", "3650", "-out", str(path)]
    subprocess.run([openssl, "req", "-x509", "-new", *rest], check=True, capture_output=True)
    assert_refused(directory(), EasycertError, path.read_bytes(), kind=Kind.HOST, replace=True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_cannot_be_decoded_is_refused(data: bytes) -> None:
    assert_refused(directory(), Malformed, data)


@pytest.mark.parametrize("data", [csr("a.example"), key_pem(new_key()).replace(b"PRIVATE", b"PUBLIC")])
def test_what_is_neither_certificate_nor_key_is_refused(data: bytes) -> None:
    assert_refused(directory(), Malformed, data)


def test_a_private_key_is_never_echoed() -> None:
    secret = key_pem(new_key())
    damaged = secret.replace(b"-----END", b"!-----END")
    with pytest.raises(EasycertError) as caught:
        brought(directory(), damaged)
    assert secret.split(b"\n")[1].decode() not in str(caught.value)


# --- C10: chains ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (1, 0, 2), (2, 0, 1)])
@pytest.mark.parametrize("with_key", [True, False])
def test_a_chain_is_put_in_order(elsewhere: dict[str, bytes], order: tuple[int, ...], with_key: bool) -> None:
    certdir = directory()
    pile = [*blocks(elsewhere["hosts/a.example.crt"]), elsewhere["cas/root.crt"]]
    keys = [elsewhere["hosts/a.example.key"]] if with_key else []
    imported = brought(certdir, b"".join(pile[position] for position in order), *keys)
    assert imported.name == "a.example"
    assert files(certdir)["hosts/a.example.crt"] == elsewhere["hosts/a.example.crt"]


def test_a_chain_may_come_in_several_files(elsewhere: dict[str, bytes]) -> None:
    certdir = directory()
    leaf, sub = blocks(elsewhere["hosts/a.example.crt"])
    brought(certdir, sub, elsewhere["hosts/a.example.key"], leaf)
    assert files(certdir)["hosts/a.example.crt"] == leaf + sub


def test_what_does_not_belong_to_the_chain_is_left_out_and_said(elsewhere: dict[str, bytes]) -> None:
    certdir = directory()
    extra = pem(stranger(new_key(), "other\x1b[2J"))
    imported = brought(certdir, elsewhere["hosts/a.example.crt"] + extra, elsewhere["hosts/a.example.key"])
    assert imported.notes == ("left out CN=other\\x1b[2J: it is no part of the chain",)
    assert files(certdir)["hosts/a.example.crt"] == elsewhere["hosts/a.example.crt"]


def test_a_ca_with_a_hostile_name_above_is_refused() -> None:
    above, key = new_key(), new_key()
    root = stranger(above, "../../etc/cron.d/x", extensions=AS_CA)
    sub = stranger(key, "sub", extensions=AS_CA, issuer=(root.subject, above))
    assert_refused(directory(), EasycertError, pem(sub) + pem(root), key_pem(key))


# --- C11 and what exists ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["$(id)", "../x", "a/b", "a\x1bb", ".hidden", "a\nb"])
def test_a_hostile_name_in_the_certificate_is_refused(name: str) -> None:
    key = new_key()
    assert_refused(directory(), InvalidName, pem(stranger(key, name)), key_pem(key), kind=Kind.HOST)


def test_a_certificate_without_a_common_name_needs_a_name() -> None:
    key = new_key()
    nameless = stranger(key, "x", issuer=(dn(cn="x"), key))
    builder = x509.CertificateBuilder(
        issuer_name=dn(cn="x"),
        subject_name=dn(),
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=nameless.not_valid_before_utc,
        not_valid_after=nameless.not_valid_after_utc,
    )
    data = pem(builder.sign(key, hashes.SHA256()))
    assert_refused(directory(), InvalidInput, data, kind=Kind.HOST, match="without a common name")
    assert brought(directory(), data, kind=Kind.HOST, name=SafeName("named")).name == "named"


def test_what_is_there_is_not_replaced_unasked(elsewhere: dict[str, bytes]) -> None:
    certdir = directory()
    make(certdir, Kind.USER, "alice")
    assert_refused(certdir, AlreadyExists, elsewhere["users/alice.crt"], elsewhere["users/alice.key"])
    brought(certdir, elsewhere["users/alice.crt"], elsewhere["users/alice.key"], replace=True)
    assert files(certdir)["users/alice.crt"] == elsewhere["users/alice.crt"]


def test_an_imported_ca_signs() -> None:
    there, here = directory(), directory()
    make(there, Kind.CA, "root", key_type=KeyType.RSA2048)
    brought(here, files(there)["cas/root.crt"], files(there)["cas/root.key"])
    issued = make(here, Kind.HOST, "a.example", "root", key_type=KeyType.ED25519)
    assert isinstance(issued.certificate.public_key(), ed25519.Ed25519PublicKey)


def test_an_import_reads_the_clock_of_the_directory() -> None:
    clock = Clock()
    there, here = directory(), directory(clock)
    made = make(there, Kind.HOST, "a.example", end=days(30))
    clock.move(days=31)
    with pytest.raises(Refused, match="expired"):
        brought(here, pem(made.certificate), files(there)["hosts/a.example.key"])


# --- copying as it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("filename", "mode"), [("x.crt", 0o644), ("x.key", 0o600), ("x.p12", 0o600)])
def test_a_copy_is_the_same_bytes_and_keys_are_private(tmp_path: Path, filename: str, mode: int) -> None:
    certdir = directory()
    (tmp_path / filename).write_bytes(b"anything")
    copied = copy_in(certdir, str(tmp_path / filename), "users")
    assert copied.path == f"/certs/users/{filename}"
    assert certdir.store.read(Entry("users", filename)) == b"anything"
    assert certdir.store.modes[f"users/{filename}"] == mode


@pytest.mark.parametrize("filename", [".crt", "$(id).crt", "a\nb.crt", "..crt", "\x1b.key"])
def test_a_copy_with_a_hostile_name_is_refused(tmp_path: Path, filename: str) -> None:
    certdir = directory()
    (tmp_path / filename).write_bytes(b"anything")
    with pytest.raises(InvalidName):
        copy_in(certdir, str(tmp_path / filename), "users")
    assert files(certdir) == {}


@pytest.mark.parametrize("filename", ["x.pem", "x.CRT", "x", "x.crt.bak"])
def test_a_copy_with_another_suffix_is_refused(tmp_path: Path, filename: str) -> None:
    (tmp_path / filename).write_bytes(b"anything")
    with pytest.raises(InvalidInput):
        copy_in(directory(), str(tmp_path / filename), "users")


def test_a_copy_of_something_that_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.crt")
    (tmp_path / "d.crt").mkdir()
    (tmp_path / "l.crt").symlink_to("l.crt")
    with (tmp_path / "big.crt").open("wb") as big:
        big.truncate(10 << 20)
    for name in ("x.crt", "d.crt", "l.crt", "big.crt", "missing.crt"):
        with pytest.raises(UnreadableFile):
            copy_in(directory(), str(tmp_path / name), "users")


def test_a_copy_replaces_nothing(tmp_path: Path) -> None:
    certdir = directory()
    (tmp_path / "x.crt").write_bytes(b"anything")
    copy_in(certdir, str(tmp_path / "x.crt"), "users")
    with pytest.raises(AlreadyExists):
        copy_in(certdir, str(tmp_path / "x.crt"), "users")
