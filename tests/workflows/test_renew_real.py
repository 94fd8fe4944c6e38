"""What other tools made is renewed, judged by OpenSSL: under re-issued CAs the old certificates verify as before."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from easycert.certdir import CertDir
from easycert.model import Kind
from easycert.pki.certificates import certificate_pem, load_certificates
from easycert.pki.names import SafeName
from easycert.store import layout
from easycert.workflows.renew.run import renew
from easycert.workflows.renew.values import RenewRequest, RenewRun
from tests.workflows.adopt.examples import adopted
from tests.workflows.adopt.tools import EasyRsa, Need, OpensslCa, mkcert
from tests.workflows.examples import make, signed

pytestmark = pytest.mark.real
KEYED = (ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER)
#: What OpenSSL says to one certificate: an empty text, or why not.
Verdict = Callable[..., str]


@pytest.fixture
def here(tmp_path: Path) -> CertDir:
    return CertDir.open(tmp_path / "certs")


@pytest.fixture
def verdict(need: Need, tmp_path: Path) -> Verdict:
    """Return a function that has OpenSSL verify a certificate under a root, and returns its complaint."""

    def verify(root: Path, leaf: bytes | Path, *options: str) -> str:
        path = tmp_path / "leaf.pem"
        path.write_bytes(leaf if isinstance(leaf, bytes) else leaf.read_bytes())
        command = [need("openssl"), "verify", *options, "-CAfile", str(root), "-untrusted", str(path), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    return verify


def run(certdir: CertDir, *names: str, **wishes: bool) -> RenewRun:
    """Renew *names*, all of which must succeed."""
    found = renew(certdir, RenewRequest(names, **wishes))
    assert not found.failed, found.failed[0].error
    return found


def place(certdir: CertDir, kind: Kind, name: str) -> Path:
    return Path(certdir.store.path(layout.certificate(kind, SafeName(name))))


def kept(certificate: x509.Certificate) -> dict[str, tuple[bool, x509.ExtensionType]]:
    """Return the extensions that belong to the certificate and not to its keys."""
    return {
        item.oid.dotted_string: (item.critical, item.value)
        for item in certificate.extensions
        if item.oid not in (*KEYED, ExtensionOID.KEY_USAGE)
    }


# --- easy-rsa --------------------------------------------------------------------------------------------------------


@pytest.fixture
def easyrsa(need: Need, tmp_path: Path) -> EasyRsa:
    made = EasyRsa(need, tmp_path / "easy-rsa")
    made("build-ca", "nopass")
    made("build-server-full", "www.example.com", "nopass")
    made("build-client-full", "alice", "nopass")
    return made


def test_what_easy_rsa_made_is_renewed_with_everything_that_it_had(
    here: CertDir, easyrsa: EasyRsa, verdict: Verdict
) -> None:
    adopted(here, easyrsa.pki)
    found = run(here, "www.example.com", "alice")
    for item in found.renewed:
        assert kept(item.certificate) == kept(item.old)
        assert item.certificate.subject.public_bytes() == item.old.subject.public_bytes()
        assert item.new_key
        assert verdict(easyrsa.pki / "ca.crt", Path(item.certificate_path)) == ""


def test_what_easy_rsa_signed_verifies_under_its_CA_when_that_was_renewed(
    here: CertDir, easyrsa: EasyRsa, verdict: Verdict
) -> None:
    """Its certificates name the CA's by issuer and serial number, and OpenSSL compares both: the number has to stay."""
    adopted(here, easyrsa.pki)
    ca = place(here, Kind.CA, "Easy-RSA CA")
    old = easyrsa.pki / "issued/www.example.com.crt"
    found = run(here, "Easy-RSA CA")
    (renewed,) = found.renewed
    assert renewed.certificate != renewed.old
    assert "its serial number is kept" in renewed.notes[-1]
    assert verdict(ca, old) == ""
    assert verdict(ca, easyrsa.pki / "issued/alice.crt") == ""
    (again,) = run(here, "Easy-RSA CA").renewed  # and once more: the ledger knows both under one number
    assert again.certificate.serial_number == renewed.old.serial_number
    assert verdict(ca, old) == ""
    run(here, "www.example.com", "alice")
    assert verdict(ca, place(here, Kind.HOST, "www.example.com"), "-x509_strict") == ""
    run(here, "Easy-RSA CA")  # nothing here names it by its number any more, but who knows what is elsewhere
    assert verdict(ca, old) == ""


def test_with_another_serial_number_it_would_not(
    here: CertDir, easyrsa: EasyRsa, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("easycert.workflows.renew.plan.can_keep_serial", lambda _: False)
    adopted(here, easyrsa.pki)
    run(here, "Easy-RSA CA")
    assert verdict(place(here, Kind.CA, "Easy-RSA CA"), easyrsa.pki / "issued/alice.crt") != ""


def test_an_intermediate_of_easy_rsa_is_renewed_by_its_root(here: CertDir, need: Need, tmp_path: Path) -> None:
    easyrsa = EasyRsa(need, tmp_path / "easy-rsa", algorithm="rsa")
    easyrsa("build-ca", "nopass", EASYRSA_REQ_CN="root")
    adopted(here, easyrsa.pki)
    make(here, Kind.CA, "below", "root")
    assert [item.name for item in run(here, "below", "root").renewed] == ["root", "below"]


# --- mkcert ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["-ecdsa"]], ids=["rsa", "ecdsa"])
def test_what_mkcert_made_is_renewed(
    here: CertDir, need: Need, tmp_path: Path, verdict: Verdict, options: list[str]
) -> None:
    caroot = tmp_path / "caroot"
    mkcert(need, caroot, *options, "www.example.test", "localhost", "127.0.0.1")
    mkcert(need, caroot, "-client", "alice@example.test")
    result = adopted(here, caroot)
    ca = next(item.name for item in result.certificates if item.kind is Kind.CA)
    (renewed, user) = run(here, "www.example.test", "alice@example.test").renewed
    assert kept(renewed.certificate) == kept(renewed.old)
    assert user.new_key
    dropped = [note for note in renewed.notes if "keyUsage without keyEncipherment" in note]
    assert bool(dropped) == bool(options), "an EC key does not encipher (RFC 8813), and mkcert says it does"
    assert verdict(caroot / "rootCA.pem", Path(renewed.certificate_path), "-x509_strict") == ""
    (reissued,) = run(here, str(ca)).renewed
    assert "keyUsage with cRLSign" in reissued.notes[0]
    for path in (next(caroot.glob("www.example.test+2.pem")), Path(renewed.certificate_path)):
        assert verdict(Path(reissued.certificate_path), path, "-x509_strict") == ""
    run(here, "www.example.test", revoke_old=True)


# --- openssl ---------------------------------------------------------------------------------------------------------


def test_what_openssl_made_is_renewed(here: CertDir, need: Need, tmp_path: Path, verdict: Verdict) -> None:
    ca = OpensslCa(need, tmp_path / "ca")
    ca.issue("www.example.com")
    ca.issue("alice", "client")
    adopted(here, ca.directory)
    for item in run(here, "www.example.com", "alice").renewed:
        assert kept(item.certificate) == kept(item.old)
        assert verdict(ca.directory / "cacert.pem", Path(item.certificate_path), "-x509_strict") == ""
    run(here, "openssl root")
    root = place(here, Kind.CA, "openssl root")
    for path in (ca.directory / "newcerts").glob("*.pem"):
        assert verdict(root, path) == ""


def test_a_certificate_with_no_extension_at_all_is_renewed(
    here: CertDir, need: Need, tmp_path: Path, verdict: Verdict
) -> None:
    """``openssl x509 -req`` makes such ones, of version 1, still today."""
    ca = OpensslCa(need, tmp_path / "ca")
    adopted(here, ca.directory)
    ca.key("plain.key")
    ca.run("req", "-new", "-key", "plain.key", "-subj", "/CN=plain.example.com", "-out", "plain.csr")
    ca.run(
        *("x509", "-req", "-in", "plain.csr", "-CA", "cacert.pem", "-CAkey", "private/cakey.pem"),
        *("-set_serial", "99", "-days", "30", "-out", "plain.crt"),
    )
    hosts = tmp_path / "certs/hosts"
    hosts.mkdir(mode=0o700)
    for suffix in ("crt", "key"):
        (hosts / f"plain.example.com.{suffix}").write_bytes((ca.directory / f"plain.{suffix}").read_bytes())
    (hosts / "plain.example.com.key").chmod(0o600)
    (renewed,) = run(here, "plain.example.com").renewed
    assert renewed.old.version is x509.Version.v1
    assert verdict(ca.directory / "cacert.pem", Path(renewed.certificate_path), "-x509_strict") == ""


def test_a_CA_that_strict_clients_refuse_is_one_that_they_accept_when_it_was_renewed(
    here: CertDir, need: Need, tmp_path: Path, verdict: Verdict
) -> None:
    """As old scripts make CAs: no key usage, no key identifiers, constraints that are not critical."""
    ca = OpensslCa(need, tmp_path / "ca")
    configured = ca.directory / "openssl.cnf"
    configured.write_text(
        configured.read_text() + "[old_ca]\nbasicConstraints = CA:TRUE\nsubjectKeyIdentifier = none\n"
    )
    subject = ["-subj", "/CN=old", "-x509", "-days", "3650", "-extensions", "old_ca", "-sha256"]
    ca.run("req", "-new", "-key", "private/cakey.pem", *subject, "-out", "old.pem")
    cas = tmp_path / "certs/cas"
    cas.mkdir(parents=True, mode=0o700)
    (cas.parent).chmod(0o700)
    (cas / "old.crt").write_bytes((ca.directory / "old.pem").read_bytes())
    (cas / "old.key").write_bytes((ca.directory / "private/cakey.pem").read_bytes())
    (cas / "old.key").chmod(0o600)
    leaf = make(here, Kind.HOST, "www.example.com", "old")
    assert "error" in verdict(ca.directory / "old.pem", Path(leaf.certificate_path), "-x509_strict")
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(ca.directory / "old.pem", here, "www.example.com")
    run(here, "old")
    assert verdict(cas / "old.crt", Path(leaf.certificate_path), "-x509_strict") == ""
    _handshake(cas / "old.crt", here, "www.example.com")


# --- our own ---------------------------------------------------------------------------------------------------------


def test_old_leaves_verify_under_a_renewed_root_and_intermediate(here: CertDir, verdict: Verdict) -> None:
    make(here, Kind.CA, "root")
    make(here, Kind.CA, "issuing", "root")
    make(here, Kind.HOST, "www.example.com", "issuing")
    root, host = place(here, Kind.CA, "root"), place(here, Kind.HOST, "www.example.com")
    before_root, before_host = root.read_bytes(), host.read_bytes()
    run(here, "root", "issuing", cascade=True)
    old_root = root.with_name("old-root.pem")
    old_root.write_bytes(before_root)
    leaf, _ = load_certificates(before_host, "it")
    issuing = place(here, Kind.CA, "issuing").read_bytes()
    for trusted in (root, old_root):
        assert verdict(trusted, before_host, "-x509_strict") == "", "old leaf, old intermediate"
        assert verdict(trusted, certificate_pem(leaf) + issuing, "-x509_strict") == "", "old leaf, new intermediate"
        assert verdict(trusted, host, "-x509_strict") == "", "new leaf, new intermediate"


def test_a_request_of_somebody_else_is_renewed_for_its_key(here: CertDir, need: Need, tmp_path: Path) -> None:
    make(here, Kind.CA, "root")
    openssl = OpensslCa(need, tmp_path / "elsewhere")
    openssl.key("theirs.key")
    openssl.run("req", "-new", "-key", "theirs.key", "-subj", "/CN=far.example.com", "-out", "theirs.csr")
    signed(here, (openssl.directory / "theirs.csr").read_bytes())
    (renewed,) = run(here, "far.example.com").renewed
    path = renewed.certificate_path
    public = [
        subprocess.run([need("openssl"), *words], capture_output=True, check=True).stdout
        for words in (
            ["pkey", "-in", str(openssl.directory / "theirs.key"), "-pubout"],
            ["x509", "-in", path, "-noout", "-pubkey"],
        )
    ]
    assert public[0] == public[1]


def _handshake(root: Path, certdir: CertDir, host: str) -> None:
    """Have Python, as strict as 3.13 is, meet the host under *root*."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.load_verify_locations(root)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    path = place(certdir, Kind.HOST, host)
    server.load_cert_chain(path, path.with_suffix(".key"))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
