"""The handshake that the quickstart shows: it succeeds for the right reasons only."""

from __future__ import annotations

import datetime
import importlib.util
import ssl
from pathlib import Path
from types import ModuleType

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SCRIPT = Path(__file__).parents[2] / "scripts" / "handshake.py"


@pytest.fixture(scope="module")
def handshake() -> ModuleType:
    spec = importlib.util.spec_from_file_location("handshake", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Authority:
    """The least CA that OpenSSL's strict mode accepts; easycert's own code is not what is tested here."""

    def __init__(self, certdir: Path, name: str) -> None:
        self.certdir = certdir
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        for folder in ("cas", "hosts", "users"):
            (certdir / folder).mkdir(exist_ok=True)
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
        )
        usage |= {"digital_signature": False, "decipher_only": False, "key_cert_sign": True, "crl_sign": True}
        self._write("cas", name, self.key, [x509.KeyUsage(**usage)])

    def issue(self, folder: str, name: str, san: x509.GeneralName) -> None:
        """Write a key and a certificate for *name*."""
        self._write(folder, name, ec.generate_private_key(ec.SECP256R1()), [x509.SubjectAlternativeName([san])])

    def _write(
        self, folder: str, name: str, key: ec.EllipticCurvePrivateKey, extensions: list[x509.ExtensionType]
    ) -> None:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(
            subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
            issuer_name=self.name,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - datetime.timedelta(hours=1),
            not_valid_after=now + datetime.timedelta(days=1),
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=folder == "cas", path_length=None), critical=True)
        for extension in (
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
            *extensions,
        ):
            builder = builder.add_extension(extension, critical=False)
        pem = builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        (self.certdir / folder / f"{name}.crt").write_bytes(pem)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.certdir / folder / f"{name}.key").write_bytes(secret)


@pytest.fixture
def certdir(tmp_path: Path) -> Path:
    authority = Authority(tmp_path, "demo")
    authority.issue("hosts", "localhost", x509.DNSName("localhost"))
    authority.issue("users", "alice@demo.test", x509.RFC822Name("alice@demo.test"))
    Authority(tmp_path, "other").issue("users", "mallory", x509.RFC822Name("mallory@demo.test"))
    return tmp_path


def test_both_sides_verify_the_other(handshake: ModuleType, certdir: Path) -> None:
    server = handshake.server_context(certdir, "demo", "localhost")
    client = handshake.client_context(certdir, "demo", "alice@demo.test")
    server_saw, client_saw = handshake.meet(server, client, "localhost")
    assert (server_saw.peer, client_saw.peer) == ("alice@demo.test", "localhost")


def test_a_client_without_a_certificate_is_turned_away_by_the_server(handshake: ModuleType, certdir: Path) -> None:
    server = handshake.server_context(certdir, "demo", "localhost")
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        handshake.meet(server, handshake.client_context(certdir, "demo", None), "localhost")


def test_a_client_of_another_authority_is_turned_away(handshake: ModuleType, certdir: Path) -> None:
    server = handshake.server_context(certdir, "demo", "localhost")
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        handshake.meet(server, handshake.client_context(certdir, "demo", "mallory"), "localhost")


def test_a_server_by_another_name_is_not_talked_to(handshake: ModuleType, certdir: Path) -> None:
    server = handshake.server_context(certdir, "demo", "localhost")
    client = handshake.client_context(certdir, "demo", "alice@demo.test")
    with pytest.raises((ssl.SSLError, OSError)):
        handshake.meet(server, client, "elsewhere.test")


def test_no_protocol_below_tls_1_2_is_spoken(handshake: ModuleType, certdir: Path) -> None:
    server = handshake.server_context(certdir, "demo", "localhost")
    client = handshake.client_context(certdir, "demo", None)
    assert {server.minimum_version, client.minimum_version} == {ssl.TLSVersion.TLSv1_2}


def test_the_script_says_what_it_saw(handshake: ModuleType, certdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert handshake.main(certdir, "demo", "localhost", "alice@demo.test") == 0
    shown = capsys.readouterr().out
    assert "verified the client:   alice@demo.test" in shown
    assert "without a certificate:   refused" in shown


def test_the_script_fails_when_they_do_not_meet(handshake: ModuleType, certdir: Path) -> None:
    assert handshake.main(certdir, "demo", "localhost", "mallory") == 1
