"""Certificates right and wrong, for tests: written in DER, because no good tool signs the wrong ones.

:class:`Forged` says everything about one certificate; change a field with :meth:`~Forged.but` and you have its
neighbour. What easycert issues for real goes another way (:mod:`easycert.workflows.issue`) and refuses most of this.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from easycert.pki.certificates import certificate_pem, key_usage
from easycert.pki.der import BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, OID, SEQUENCE, context, instant, tlv
from easycert.pki.encodings import Encoding
from easycert.pki.keys import private_pem, public_der

DAY = timedelta(days=1)
HOST = "www.example.com"
#: AlgorithmIdentifiers in DER: RFC 4055, RFC 5758, RFC 8410, RFC 9881.
_ALGORITHMS = {
    ("rsa", "md5"): "300d06092a864886f70d0101040500",
    ("rsa", "sha1"): "300d06092a864886f70d0101050500",
    ("rsa", "sha256"): "300d06092a864886f70d01010b0500",
    ("ec", "sha1"): "300906072a8648ce3d0401",
    ("ec", "sha256"): "300a06082a8648ce3d040302",
    ("ed25519", "sha256"): "300506032b6570",
    ("ed448", "sha256"): "300506032b6571",
    ("mldsa", "sha256"): "300b0609608648016503040312",
}
_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "md5": hashes.MD5,
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
}
_FAMILIES: tuple[tuple[type, str], ...] = (
    (rsa.RSAPrivateKey, "rsa"),
    (ec.EllipticCurvePrivateKey, "ec"),
    (ed25519.Ed25519PrivateKey, "ed25519"),
    (ed448.Ed448PrivateKey, "ed448"),
    (mldsa.MLDSA65PrivateKey, "mldsa"),
)
_SERIALS = count(0x1001)

Extension = tuple[x509.ExtensionType, bool]


@cache
def key(kind: str, number: int = 0) -> Any:  # noqa: ARG001  (the cache tells keys of one kind apart by it)
    """Return one private key for each *kind* and *number*: keys are slow to make, and few tests are about them."""
    makers: dict[str, Callable[[], Any]] = {
        "ec256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ec384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ec521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "k256": lambda: ec.generate_private_key(ec.SECP256K1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ed448": ed448.Ed448PrivateKey.generate,
        "mldsa65": mldsa.MLDSA65PrivateKey.generate,
        "rsa1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505  (to be refused)
        "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
    }
    return makers[kind]()


def name(common_name: str | None, **attributes: str) -> x509.Name:
    """Return a distinguished name: ``o=`` and ``c=`` before the common name, if there is one."""
    oids = {"o": NameOID.ORGANIZATION_NAME, "c": NameOID.COUNTRY_NAME}
    pairs = [x509.NameAttribute(oids[one], value) for one, value in attributes.items()]
    return x509.Name([*pairs, *([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])])


def general_name(text: str) -> x509.GeneralName:
    """Return a mailbox, an address or whatever else as a DNS name, unchecked."""
    if "@" in text:
        return x509.RFC822Name(text)
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


@dataclass(frozen=True)
class Made:
    """A certificate with its private key, and the one that signed it (None where it signed itself)."""

    certificate: x509.Certificate
    key: Any
    issuer: Made | None = field(default=None, repr=False)

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return certificate_pem(self.certificate)

    @property
    def key_pem(self) -> bytes:
        """The private key in PKCS#8 PEM."""
        return private_pem(self.key)


@dataclass(frozen=True)
class Forged:
    """Everything about one certificate; :meth:`make` signs it."""

    at: datetime
    subject: x509.Name
    key: Any
    ca: bool | None = None
    path_length: int | None = None
    basic_critical: bool = True
    key_usage: tuple[str, ...] | None = None
    usage_critical: bool = True
    extended: tuple[x509.ObjectIdentifier, ...] = ()
    names: tuple[str, ...] = ()
    names_critical: bool = False
    ski: bool = True
    #: ``right``, ``none``, ``wrong`` (of another key) or ``serial`` (keyid, issuer and serial, as easy-rsa writes it).
    aki: str = "right"
    #: Days from ``at`` to the two ends of the validity.
    days: tuple[float, float] = (-1, 396)
    serial: int | None = None
    digest: str = "sha256"
    version: int = 3
    constraints: x509.NameConstraints | None = None
    more: tuple[Extension, ...] = ()
    issuer_name: x509.Name | None = None

    def but(self, **changes: Any) -> Forged:
        """Return the same, but for *changes* of fields."""
        return replace(self, **changes)

    def make(self, issuer: Made | None = None) -> Made:
        """Sign by *issuer*, or by its own key."""
        signer = issuer.key if issuer else self.key
        algorithm = bytes.fromhex(_ALGORITHMS[_family(signer), self.digest])
        to_be_signed = self._to_be_signed(algorithm, issuer)
        signature = _signature(signer, to_be_signed, self.digest)
        der = sequence(to_be_signed, algorithm, tlv(BIT_STRING, b"\0", signature))
        return Made(x509.load_der_x509_certificate(der), self.key, issuer)

    def _to_be_signed(self, algorithm: bytes, issuer: Made | None) -> bytes:
        issuer_name = self.issuer_name or (issuer.certificate.subject if issuer else self.subject)
        begin, end = (self.at + DAY * days for days in self.days)
        parts = [
            tlv(context(0), integer(self.version - 1)) if self.version > 1 else b"",
            integer(next(_SERIALS) if self.serial is None else self.serial),
            algorithm,
            issuer_name.public_bytes(),
            sequence(instant(begin), instant(end)),
            self.subject.public_bytes(),
            public_der(self.key.public_key()),
        ]
        extensions = [extension(value, critical) for value, critical in self._extensions(issuer)]
        if extensions and self.version == 3:
            parts.append(tlv(context(3), sequence(*extensions)))
        return sequence(*parts)

    def _extensions(self, issuer: Made | None) -> Iterable[Extension]:
        if self.ca is not None:
            yield x509.BasicConstraints(self.ca, self.path_length if self.ca else None), self.basic_critical
        if self.key_usage is not None:
            yield key_usage(self.key_usage), self.usage_critical
        if self.extended:
            yield x509.ExtendedKeyUsage(self.extended), False
        if self.names:
            yield x509.SubjectAlternativeName(map(general_name, self.names)), self.names_critical
        if self.constraints:
            yield self.constraints, True
        if self.ski:
            yield x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False
        if self.aki != "none":
            yield self._authority(issuer), False
        yield from self.more

    def _authority(self, issuer: Made | None) -> x509.AuthorityKeyIdentifier:
        signer = issuer.key if issuer else self.key
        right = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        if self.aki == "wrong":
            return x509.AuthorityKeyIdentifier(b"\x01" * 20, None, None)
        if self.aki == "serial" and issuer:
            above = issuer.certificate
            return x509.AuthorityKeyIdentifier(
                right.key_identifier, [x509.DirectoryName(above.issuer)], above.serial_number
            )
        return right


def root(at: datetime, kind: str = "ec256", **changes: Any) -> Forged:
    """Return a root CA that everybody accepts, but for *changes*."""
    plain = Forged(at, name("root"), key(kind, 1), ca=True, key_usage=("key_cert_sign", "crl_sign"), days=(-1, 3650))
    return plain.but(**changes)


def intermediate(at: datetime, kind: str = "ec256", **changes: Any) -> Forged:
    """Return an intermediate CA that everybody accepts, but for *changes*."""
    return root(at).but(subject=name("issuing"), key=key(kind, 2), path_length=0, days=(-1, 1800)).but(**changes)


def host(at: datetime, kind: str = "ec256", **changes: Any) -> Forged:
    """Return a certificate for :data:`HOST` that everybody accepts, but for *changes*."""
    plain = Forged(
        at,
        name(HOST),
        key(kind, 3),
        ca=False,
        key_usage=("digital_signature",),
        extended=(ExtendedKeyUsageOID.SERVER_AUTH,),
        names=(HOST,),
    )
    return plain.but(**changes)


def corrupted(made: Made) -> Made:
    """Return the certificate with one bit of its signature turned over."""
    der = bytearray(made.der)
    der[-1] ^= 1
    return Made(x509.load_der_x509_certificate(bytes(der)), made.key, made.issuer)


# --- DER -------------------------------------------------------------------------------------------------------------


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of *parts*."""
    return tlv(SEQUENCE, *parts)


def integer(value: int) -> bytes:
    """Return an INTEGER, which may be negative: serial numbers must not be (RFC 5280 section 4.1.2.2)."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def object_identifier(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    octets = b""
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.insert(0, 0x80 | arc & 0x7F)
        octets += bytes(groups)
    return tlv(OID, octets)


def extension(value: x509.ExtensionType, critical: bool) -> bytes:
    """Return an Extension (RFC 5280 section 4.1)."""
    flag = tlv(BOOLEAN, b"\xff") if critical else b""
    return sequence(object_identifier(value.oid.dotted_string), flag, tlv(OCTET_STRING, value.public_bytes()))


def _family(signer: object) -> str:
    return next(family for base, family in _FAMILIES if isinstance(signer, base))


def _signature(signer: Any, data: bytes, digest: str) -> bytes:
    algorithm = _HASHES[digest]()
    if _family(signer) == "rsa":
        return bytes(signer.sign(data, padding.PKCS1v15(), algorithm))
    return bytes(signer.sign(data, ec.ECDSA(algorithm)) if _family(signer) == "ec" else signer.sign(data))
