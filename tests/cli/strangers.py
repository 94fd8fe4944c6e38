"""What other people send: signing requests, certificates and bundles, kind and unkind, for transcripts to take in.

All of it is made anew, under fixed names: ``received/greedy.csr`` and so on in a session's home.
"""

from __future__ import annotations

from base64 import encodebytes
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509 import ocsp
from cryptography.x509.oid import AttributeOID, ExtendedKeyUsageOID, NameOID

from tests.pki.lint.maker import AKI, CA, SAN, SERVER, dns, number, seq, utc

#: Before this day nobody's certificate is valid, after that one all have expired; transcripts begin in March 2026.
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
PASSPHRASE = b"correct horse"

_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_CA_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@cache
def received() -> dict[str, bytes]:
    """Return everything that can be received, by file name."""
    plain = _request("plain.example.com", [x509.DNSName("plain.example.com"), x509.DNSName("alias.example.com")])
    tampered = bytearray(plain.public_bytes(Encoding.DER))
    tampered[-1] ^= 1
    return {
        "plain.csr": plain.public_bytes(Encoding.PEM),
        "plain.der": plain.public_bytes(Encoding.DER),
        "tampered.csr": bytes(tampered),
        "greedy.csr": _greedy().public_bytes(Encoding.PEM),
        "wildcard.csr": _request("*.example.com", [x509.DNSName("*.example.com")]).public_bytes(Encoding.PEM),
        "weak.csr": _request("weak.example.com", [], _weak_key()).public_bytes(Encoding.PEM),
        "nameless.csr": _request(None, []).public_bytes(Encoding.PEM),
        "garbage.csr": b"\x00\xff" * 500,
        "letter.txt": b"Dear CA,\nplease sign this.\n",
        "passphrase.txt": PASSPHRASE + b"\n",
        "homemade.pem": _homemade(),
        **_elsewhere(),
        **_office(),
    }


def receive(home: Path) -> None:
    """Put everything that can be received into *home*, below ``received/``."""
    folder = home / "received"
    folder.mkdir()
    for name, data in received().items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)  # as whoever was sent a key keeps it


def _subject(name: str | None, *more: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    attributes = [x509.NameAttribute(oid, value) for oid, value in more]
    return x509.Name([*attributes, *([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])])


def _request(name: str | None, sans: list[x509.GeneralName], key: _Key | None = None) -> x509.CertificateSigningRequest:
    builder = x509.CertificateSigningRequestBuilder().subject_name(_subject(name))
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    return builder.sign(key or _key(), hashes.SHA256())


def _greedy() -> x509.CertificateSigningRequest:
    """Return a request that asks for everything that a CA should not give."""
    subject = _subject("greedy.example.com", (NameOID.ORGANIZATION_NAME, "Greedy Ltd"), (NameOID.TITLE, "King"))
    names = [x509.DNSName("greedy.example.com"), x509.RFC822Name("root@example.com")]
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=9), critical=True)
        .add_extension(_CA_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        .add_attribute(AttributeOID.CHALLENGE_PASSWORD, b"secret")
        .sign(_key(), hashes.SHA256())
    )


def _elsewhere() -> dict[str, bytes]:
    """Return what a CA elsewhere made: its root, an intermediate, a host with its chain, and the same as PKCS#12."""
    root_key, middle_key, host_key = _key(), _key(), _key()
    root = _certificate("elsewhere root", root_key, None, root_key)
    middle = _certificate("elsewhere", middle_key, root, root_key)
    host = _certificate("mail.example.org", host_key, middle, middle_key)
    bundle = pkcs12.serialize_key_and_certificates(
        b"mail", host_key, host, [middle, root], BestAvailableEncryption(PASSPHRASE)
    )
    return {
        "root.pem": root.public_bytes(Encoding.PEM),
        "elsewhere.pem": middle.public_bytes(Encoding.PEM),
        "mail.pem": host.public_bytes(Encoding.PEM),
        "mail.key": _key_pem(host_key),
        "other.key": _key_pem(_key()),
        "chain.pem": b"".join(item.public_bytes(Encoding.PEM) for item in (root, middle)),
        "mail.p12": bundle,
        "elsewhere.key": _key_pem(middle_key),
        "mail.ocsp": _question(host, middle),
    }


def _question(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """Return an OCSP request about a certificate."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256())
    return builder.add_extension(x509.OCSPNonce(b"n" * 32), critical=False).build().public_bytes(Encoding.DER)


def _homemade() -> bytes:
    """Return what somebody wrote by hand, not well: a host's certificate and its CA's."""
    host = SERVER.but(serial=number(0), end=utc("301231000000Z")).has(SAN, seq(dns("www example.com"))).lacks(AKI)
    return b"".join(
        b"-----BEGIN CERTIFICATE-----\n" + encodebytes(item.der) + b"-----END CERTIFICATE-----\n" for item in (host, CA)
    )


def _office() -> dict[str, bytes]:
    """Return the directory of a CA that ``openssl ca`` ran: a host, one that it revoked, and an unsigned request."""
    ca_key, host_key = _key(), _key()
    ca = _certificate("office elsewhere", ca_key, None, ca_key)
    host, user = (_certificate(name, host_key, ca, ca_key) for name in ("wiki.example.net", "eve"))
    index = (
        f"V\t{END:%y%m%d%H%M%SZ}\t\t{host.serial_number:X}\tunknown\t/CN=wiki.example.net\n"
        f"R\t{END:%y%m%d%H%M%SZ}\t{BEGIN:%y%m%d%H%M%SZ},keyCompromise\t{user.serial_number:X}\tunknown\t/CN=eve\n"
    )
    return {
        "office/index.txt": index.encode(),
        "office/cacert.pem": ca.public_bytes(Encoding.PEM),
        "office/private/cakey.pem": ca_key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(PASSPHRASE)
        ),
        "office/newcerts/01.pem": host.public_bytes(Encoding.PEM),
        "office/newcerts/02.pem": user.public_bytes(Encoding.PEM),
        "office/private/wiki.key": _key_pem(host_key),
        "legacy/cacert.pem": ca.public_bytes(Encoding.PEM),
        "legacy/01.pem": _certificate("intranet.example.net", host_key, ca, ca_key, sans=False).public_bytes(
            Encoding.PEM
        ),
        "office/mallory.csr": _request("mallory", []).public_bytes(Encoding.PEM),
    }


def _certificate(
    name: str, key: _Key, issuer: x509.Certificate | None, issuer_key: _Key, *, sans: bool = True
) -> x509.Certificate:
    is_ca = issuer is None or not issuer.subject.rfc4514_string().endswith("elsewhere")
    builder = (
        x509.CertificateBuilder(not_valid_before=BEGIN, not_valid_after=END)
        .subject_name(_subject(name))
        .issuer_name(issuer.subject if issuer else _subject(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if is_ca:
        builder = builder.add_extension(_CA_USAGE, critical=True)
    else:
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _weak_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


def _key_pem(key: _Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
