"""Certificates and CRLs written by hand, DER by DER, with a signature of zeros, which lint never looks at.

:data:`SERVER`, :data:`CA`, :data:`ROOT` and :data:`CRL` break no rule; a test changes one thing about them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Self

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa

from easycert.pki.der import BIT_STRING, BOOLEAN, GENERALIZED_TIME, NULL, OCTET_STRING, OID, SEQUENCE, UTC_TIME, tlv
from easycert.pki.der import context as tagged
from easycert.pki.der import integer as number

UTF8, PRINTABLE, TELETEX, IA5, BMP, SET, ENUMERATED = 0x0C, 0x13, 0x14, 0x16, 0x1E, 0x31, 0x0A
CN, ORG, COUNTRY, EMAIL, DC = "2.5.4.3", "2.5.4.10", "2.5.4.6", "1.2.840.113549.1.9.1", "0.9.2342.19200300.100.1.25"
BASIC, USAGE, PURPOSES, SKI, AKI = "2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.14", "2.5.29.35"
SAN, IAN, CONSTRAINTS, POINTS, FRESHEST = "2.5.29.17", "2.5.29.18", "2.5.29.30", "2.5.29.31", "2.5.29.46"
POLICIES, MAPPINGS, POLICY_CONSTRAINTS, INHIBIT = "2.5.29.32", "2.5.29.33", "2.5.29.36", "2.5.29.54"
AIA, SIA, DIRECTORY, NO_CHECK = "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.11", "2.5.29.9", "1.3.6.1.5.5.7.48.1.5"
SERVER_AUTH, CLIENT_AUTH, CODE_SIGNING = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.3"
OCSP_SIGNING, ANY = "1.3.6.1.5.5.7.3.9", "2.5.29.37.0"
CRL_NUMBER, DELTA, IDP, REASON = "2.5.29.20", "2.5.29.27", "2.5.29.28", "2.5.29.21"
INVALIDITY, ENTRY_ISSUER = "2.5.29.24", "2.5.29.29"
#: What opens a certificate of version 3.
VERSION_3 = bytes.fromhex("a003020102")


def seq(*parts: bytes) -> bytes:
    return tlv(SEQUENCE, *parts)


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    body = b""
    for arc in (40 * first + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        body += bytes(reversed(digits))
    return tlv(OID, body)


def algorithm(dotted: str, *parameters: bytes) -> bytes:
    return seq(oid(dotted), *parameters)


def text(value: str, tag: int = UTF8) -> bytes:
    return tlv(tag, value.encode("utf-16-be" if tag == BMP else "utf-8"))


def rdn(*attributes: tuple[str, bytes]) -> bytes:
    return tlv(SET, *(seq(oid(kind), value) for kind, value in attributes))


def name(common_name: str) -> bytes:
    return seq(rdn((CN, text(common_name))))


def utc(moment: str) -> bytes:
    return tlv(UTC_TIME, moment.encode())


def generalized(moment: str) -> bytes:
    return tlv(GENERALIZED_TIME, moment.encode())


def bits(*numbers: int) -> bytes:
    """Return a BIT STRING of named bits."""
    value = sum(1 << (15 - bit) for bit in numbers).to_bytes(2, "big").rstrip(b"\0")
    unused = 7 - max(numbers) % 8 if numbers else 0
    return tlv(BIT_STRING, bytes([unused]), value)


def extension(kind: str, value: bytes, *, critical: bool = False) -> bytes:
    return seq(oid(kind), tlv(BOOLEAN, b"\xff") if critical else b"", tlv(OCTET_STRING, value))


def dns(value: str) -> bytes:
    return tlv(tagged(2, constructed=False), value.encode())


def email(value: str) -> bytes:
    return tlv(tagged(1, constructed=False), value.encode())


def uri(value: str) -> bytes:
    return tlv(tagged(6, constructed=False), value.encode())


def ip(octets: bytes) -> bytes:
    return tlv(tagged(7, constructed=False), octets)


def other(kind: str, value: bytes) -> bytes:
    return tlv(tagged(0), oid(kind), tlv(tagged(0), value))


def directory(value: bytes) -> bytes:
    return tlv(tagged(4), value)


def aki(identifier: bytes) -> bytes:
    return seq(tlv(tagged(0, constructed=False), identifier))


def eku(*purposes: str) -> bytes:
    return seq(*map(oid, purposes))


def point(*names: bytes) -> bytes:
    """Return a DistributionPoint of these names."""
    return seq(tlv(tagged(0), tlv(tagged(0), *names)))


def access(method: str, location: bytes) -> bytes:
    return seq(oid(method), location)


@cache
def private_key(kind: str, which: int = 0) -> Any:
    """Return a private key of this kind, always the same for the same *which*."""
    make: dict[str, Any] = {
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "k1": lambda: ec.generate_private_key(ec.SECP256K1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "mldsa": mldsa.MLDSA44PrivateKey.generate,
    }
    return make[kind]()


@cache
def spki(kind: str, which: int = 0) -> bytes:
    """Return the SubjectPublicKeyInfo of a :func:`private_key`."""
    public = private_key(kind, which).public_key()
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def rsa_spki(modulus: int, exponent: int = 65537, parameters: bytes = tlv(NULL)) -> bytes:
    key = seq(number(modulus), number(exponent))
    return seq(algorithm("1.2.840.113549.1.1.1", parameters), tlv(BIT_STRING, b"\0", key))


ECDSA_SHA256 = algorithm("1.2.840.10045.4.3.2")
RSA_SHA256 = algorithm("1.2.840.113549.1.1.11", tlv(NULL))


@dataclass(frozen=True)
class Written:
    """What certificates and CRLs have in common: extensions by their type, each with its value and whether critical."""

    extensions: dict[str, tuple[bytes, bool]] = field(default_factory=dict)
    #: Extensions as they stand, behind the others.
    raw: bytes = b""

    def has(self, kind: str, value: bytes, *, critical: bool = False) -> Self:
        """Return a copy with this extension, in place of the one of its type."""
        return replace(self, extensions={**self.extensions, kind: (value, critical)})

    def lacks(self, *kinds: str) -> Self:
        """Return a copy without these extensions."""
        return replace(self, extensions={key: value for key, value in self.extensions.items() if key not in kinds})

    def but(self, **changes: Any) -> Self:
        """Return a copy with other fields."""
        return replace(self, **changes)

    def _list(self) -> bytes:
        written = (extension(kind, value, critical=crit) for kind, (value, crit) in self.extensions.items())
        return seq(*written, self.raw)


@dataclass(frozen=True)
class Certificate(Written):
    """A certificate; each field is DER."""

    version: bytes = VERSION_3
    serial: bytes = number(0x1234567890ABCDEF1234567890ABCDEF)
    signature: bytes = ECDSA_SHA256
    outer: bytes | None = None
    issuer: bytes = b""
    begin: bytes = utc("260101000000Z")
    end: bytes = utc("260401000000Z")
    subject: bytes = b""
    key: bytes = b""
    #: What stands between the key and the extensions.
    ids: bytes = b""
    #: The extensions as a whole, where those above are not wanted.
    tail: bytes | None = None

    @property
    def tbs(self) -> bytes:
        tail = tlv(tagged(3), self._list()) if self.tail is None else self.tail
        validity = seq(self.begin, self.end)
        fields = (self.version, self.serial, self.signature, self.issuer, validity, self.subject, self.key)
        return seq(*fields, self.ids, tail)

    @property
    def der(self) -> bytes:
        return seq(self.tbs, self.outer or self.signature, tlv(BIT_STRING, bytes(65)))

    def signed(self, key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return it with a signature, made with SHA-256 whatever the certificate says."""
        made = key.sign(self.tbs, ec.ECDSA(hashes.SHA256()))
        return seq(self.tbs, self.outer or self.signature, tlv(BIT_STRING, b"\0", made))


@dataclass(frozen=True)
class Crl(Written):
    """A CRL; each field is DER, *entries* those of ``revokedCertificates``."""

    version: bytes = number(1)
    signature: bytes = ECDSA_SHA256
    issuer: bytes = b""
    this_update: bytes = utc("260101000000Z")
    next_update: bytes = utc("260108000000Z")
    entries: tuple[bytes, ...] = ()
    #: ``revokedCertificates`` as it stands, where entries are not wanted.
    revoked: bytes | None = None

    @property
    def der(self) -> bytes:
        revoked = (seq(*self.entries) if self.entries else b"") if self.revoked is None else self.revoked
        fields = (self.version, self.signature, self.issuer, self.this_update, self.next_update, revoked)
        tail = tlv(tagged(0), self._list())
        return seq(seq(*fields, tail), self.signature, tlv(BIT_STRING, bytes(65)))


def entry(serial: bytes = number(7), *extensions: bytes, date: bytes = utc("260101000000Z")) -> bytes:
    return seq(serial, date, seq(*extensions) if extensions else b"")


ROOT = Certificate(
    {
        BASIC: (seq(tlv(BOOLEAN, b"\xff")), True),
        USAGE: (bits(5, 6), True),
        SKI: (tlv(OCTET_STRING, b"root" * 5), False),
        AKI: (aki(b"root" * 5), False),
    },
    issuer=name("root"),
    subject=name("root"),
    key=spki("p256", 1),
    begin=utc("250101000000Z"),
    end=utc("350101000000Z"),
)
CA = Certificate(
    {
        BASIC: (seq(tlv(BOOLEAN, b"\xff"), number(0)), True),
        USAGE: (bits(5, 6), True),
        SKI: (tlv(OCTET_STRING, b"ca__" * 5), False),
        AKI: (aki(b"root" * 5), False),
        POINTS: (seq(point(uri("http://pki.example.com/root.crl"))), False),
    },
    issuer=name("root"),
    subject=name("ca"),
    key=spki("p256", 2),
    begin=utc("250101000000Z"),
    end=utc("300101000000Z"),
)
SERVER = Certificate(
    {
        USAGE: (bits(0), True),
        PURPOSES: (eku(SERVER_AUTH), False),
        SAN: (seq(dns("www.example.com")), False),
        SKI: (tlv(OCTET_STRING, b"leaf" * 5), False),
        AKI: (aki(b"ca__" * 5), False),
        POINTS: (seq(point(uri("http://pki.example.com/ca.crl"))), False),
    },
    issuer=name("ca"),
    subject=name("www.example.com"),
    key=spki("p256", 3),
)
CRL = Crl({AKI: (aki(b"ca__" * 5), False), CRL_NUMBER: (number(5), False)}, issuer=name("ca"))
