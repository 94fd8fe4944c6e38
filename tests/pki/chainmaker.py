"""Certificates for the tests of path building and verification, made with cryptography alone and never with easycert.

``Maker`` makes a certificate of anything: each keyword changes one fact, so that a test says only what it is about.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
SERVER = [ExtendedKeyUsageOID.SERVER_AUTH]
_SERIALS = count(1000)

Extension = tuple[x509.ExtensionType, bool]


@dataclass(frozen=True)
class Made:
    """A certificate with its private key, and what it was made from."""

    certificate: x509.Certificate
    key: Any
    name: x509.Name = field(repr=False)


def name(common_name: str | None, **attributes: str) -> x509.Name:
    oids = {"o": NameOID.ORGANIZATION_NAME, "email": NameOID.EMAIL_ADDRESS}
    pairs = [x509.NameAttribute(oids[key], value) for key, value in attributes.items()]
    return x509.Name([*pairs, *([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])])


def usage(*bits: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{bit: bit in bits for bit in USAGES})


def sans(*names: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([general_name(text) for text in names])


def general_name(text: str) -> x509.GeneralName:
    if "@" in text:
        return x509.RFC822Name(text)
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


@cache
def shared_key(kind: str, number: int = 0) -> Any:
    """Return one key for each kind and number: keys are slow to make, and few tests are about them."""
    makers = {
        "ec256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ec384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "k256": lambda: ec.generate_private_key(ec.SECP256K1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ed448": ed448.Ed448PrivateKey.generate,
        "mldsa65": mldsa.MLDSA65PrivateKey.generate,
        "rsa1024": lambda: rsa.generate_private_key(65537, 1024),
        "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
        "rsa_e3": lambda: rsa.generate_private_key(3, 2048),
    }
    return makers[kind]()


@dataclass(frozen=True)
class Recipe:
    """Everything about one certificate; :meth:`make` signs it."""

    subject: x509.Name
    ca: bool | None = False
    path_length: int | None = None
    key: Any = None
    not_before: datetime = NOW - 10 * DAY
    not_after: datetime = NOW + 10 * DAY
    key_usage: x509.KeyUsage | None = None
    extended: Sequence[x509.ObjectIdentifier] = ()
    names: Sequence[str] = ()
    constraints: x509.NameConstraints | None = None
    more: Sequence[Extension] = ()
    key_ids: bool = True
    basic_critical: bool = True
    issuer_name: x509.Name | None = None
    serial: int | None = None

    def make(self, issuer: Made | None = None) -> Made:
        """Sign the certificate by *issuer*, or by its own key."""
        key = self.key or ec.generate_private_key(ec.SECP256R1())
        signer = issuer.key if issuer else key
        builder = x509.CertificateBuilder(
            issuer_name=self.issuer_name or (issuer.name if issuer else self.subject),
            subject_name=self.subject,
            public_key=key.public_key(),
            serial_number=self.serial or next(_SERIALS),
            not_valid_before=self.not_before.replace(tzinfo=None),
            not_valid_after=self.not_after.replace(tzinfo=None),
        )
        for extension, critical in self._extensions(key.public_key(), signer.public_key()):
            builder = builder.add_extension(extension, critical)
        return Made(builder.sign(signer, hash_for(signer)), key, self.subject)

    def _extensions(self, public_key: Any, signer: Any) -> list[Extension]:
        found: list[Extension] = list(self.more)
        if self.ca is not None:
            found.append((x509.BasicConstraints(self.ca, self.path_length), self.basic_critical))
        if self.key_ids:
            found.append((x509.SubjectKeyIdentifier.from_public_key(public_key), False))
            found.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), False))
        if self.key_usage:
            found.append((self.key_usage, True))
        if self.extended:
            found.append((x509.ExtendedKeyUsage(self.extended), False))
        if self.names:
            found.append((sans(*self.names), not list(self.subject)))
        if self.constraints:
            found.append((self.constraints, True))
        return found


def hash_for(key: Any) -> Any:
    return hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) else None


def ca(common_name: str = "root", issuer: Made | None = None, **changes: Any) -> Made:
    """Return a sound CA certificate, but for *changes* (fields of ``Recipe``)."""
    recipe = Recipe(name(common_name), ca=True, key_usage=usage("key_cert_sign", "crl_sign"))
    return replace(recipe, **changes).make(issuer)


def server(issuer: Made | None, *names: str, **changes: Any) -> Made:
    """Return a sound server certificate for ``www.example.com`` or *names*, but for *changes*."""
    names = names or ("www.example.com",)
    recipe = Recipe(name(names[0]), key_usage=usage("digital_signature"), extended=SERVER, names=names)
    return replace(recipe, **changes).make(issuer)


def crl(issuer: Made, *revoked: x509.Certificate, key: Any = None, **changes: Any) -> x509.CertificateRevocationList:
    """Return a CRL of *issuer* that revokes these certificates for keyCompromise; *key* signs instead of its own."""
    signer = key or issuer.key
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=issuer.name,
        last_update=changes.get("this_update", NOW - DAY).replace(tzinfo=None),
        next_update=changes.get("next_update", NOW + DAY).replace(tzinfo=None),
        revoked_certificates=[_entry(certificate, changes) for certificate in revoked],
    )
    if changes.get("key_ids", True):
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    for extension, critical in changes.get("more", ()):
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hash_for(signer))


def _entry(certificate: x509.Certificate, changes: dict[str, Any]) -> x509.RevokedCertificate:
    date = changes.get("revoked_at", NOW - DAY).replace(tzinfo=None)
    builder = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(date)
    reason = changes.get("reason", x509.ReasonFlags.key_compromise)
    return (builder.add_extension(x509.CRLReason(reason), False) if reason else builder).build()


def pem(*certificates: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    return b"".join(item.public_bytes(serialization.Encoding.PEM) for item in certificates)


def corrupted(certificate: x509.Certificate) -> x509.Certificate:
    """Return the certificate with the last bit of its signature turned over."""
    der = bytearray(certificate.public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_certificate(bytes(der))


def resigned(made: Made, issuer: Made, old: bytes, new: bytes) -> Made:
    """Return the certificate with *old* replaced by *new* in what is signed, signed again by the Ed25519 *issuer*."""
    signed = made.certificate.tbs_certificate_bytes
    assert old in signed
    changed = signed.replace(old, new)
    der = made.certificate.public_bytes(serialization.Encoding.DER).replace(signed, changed)
    return Made(x509.load_der_x509_certificate(der[:-64] + issuer.key.sign(changed)), made.key, made.name)


def certificates(*made: Made) -> list[x509.Certificate]:
    return [each.certificate for each in made]


def ladder(height: int) -> list[Made]:
    """Return a root and *height* CAs, each signed by the one before it."""
    steps = [ca("root")]
    for number in range(height):
        steps.append(ca(f"ca {number}", steps[-1]))
    return steps


def loop() -> tuple[Made, Made]:
    """Return two CAs that signed each other, which goes round for ever."""
    keys = shared_key("ec256", 1), shared_key("ec256", 2)
    first = ca("first", key=keys[0], issuer=Made(ca().certificate, keys[1], name("second")))
    second = ca("second", key=keys[1], issuer=Made(ca().certificate, keys[0], name("first")))
    return first, second


def mesh(size: int) -> list[Made]:
    """Return certificates of *size* names, every one of which signed every other."""
    keys = {f"ca {number}": shared_key("ec256", number) for number in range(size)}
    return [
        ca(subject, Made(ca().certificate, keys[issuer], name(issuer)), key=keys[subject])
        for subject in keys
        for issuer in keys
    ]
