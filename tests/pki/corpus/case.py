"""One case: certificates, a question, and the verdict; and the means to make what no library wants to make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from easycert.pki.rules import Purpose
from tests.pki.chainmaker import Made, Recipe, name, usage

#: When everything is judged.
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
BEGIN, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)
HOST = "www.example.com"
LIFE: dict[str, Any] = {"not_before": BEGIN, "not_after": END}
_EKU = {
    Purpose.SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
    Purpose.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH,
    Purpose.CODE: ExtendedKeyUsageOID.CODE_SIGNING,
}


@dataclass(frozen=True)
class Case:
    """What is asked, and what the answer must be.

    *why* is what some reason must say, where the verdict is bad. *differs* tells which other judges (``openssl``,
    ``gnutls``, ``cryptography``) rule otherwise, and why we do not follow them; a judge that is *unable* to be asked
    (it cannot be told about CRLs, say) is left out.
    """

    fact: str
    good: bool
    leaf: x509.Certificate
    anchors: tuple[x509.Certificate, ...]
    pile: tuple[x509.Certificate, ...] = ()
    why: str = ""
    purpose: Purpose = Purpose.SERVER
    host: str | None = HOST
    email: str | None = None
    crls: tuple[x509.CertificateRevocationList, ...] = ()
    require_crl: bool = False
    at: datetime = AT
    max_depth: int | None = None
    differs: Mapping[str, str] = field(default_factory=dict)
    unable: frozenset[str] = frozenset()


def chain(fact: str, good: bool, *made: Made, **more: Any) -> Case:
    """Return the case of a leaf, the CAs above it and, last, the anchor."""
    leaf, *pile, anchor = (one.certificate for one in made) if len(made) > 1 else (made[0].certificate,) * 2
    return Case(fact, good, leaf, (anchor,), tuple(pile), **more)


def authority(common_name: str = "root", issuer: Made | None = None, **changes: Any) -> Made:
    """Return a sound CA that lives long, but for *changes* (fields of ``Recipe``)."""
    recipe = Recipe(name(common_name), ca=True, key_usage=usage("key_cert_sign", "crl_sign"), **LIFE)
    return replace(recipe, **changes).make(issuer)


def leaf(issuer: Made | None, *names: str, purpose: Purpose = Purpose.SERVER, **changes: Any) -> Made:
    """Return a sound leaf for *names* that lives long, but for *changes*."""
    names = names or (HOST,)
    recipe = Recipe(name("leaf"), key_usage=usage("digital_signature"), extended=[_EKU[purpose]], names=names, **LIFE)
    return replace(recipe, **changes).make(issuer)


# --- certificates that no builder makes ------------------------------------------------------------------------------


@dataclass
class Body:
    """The parts of a TBSCertificate in DER, to be changed at will; ``extensions`` are whole Extension values."""

    version: bytes
    serial: bytes
    algorithm: bytes
    issuer: bytes
    validity: bytes
    subject: bytes
    key: bytes
    unique: bytes
    extensions: list[bytes]

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Body:
        """Take a certificate apart."""
        parts = parse(certificate.tbs_certificate_bytes)[0][1]
        items = [whole for _, _, whole in elements(parts)]
        version, serial, algorithm, issuer, validity, subject, key, *rest = items
        listed = [part for part in rest if part[0] == 0xA3]
        inner = parse(parse(listed[0])[0][1])[0][1] if listed else b""
        return cls(
            version, serial, algorithm, issuer, validity, subject, key, b"", [whole for _, _, whole in elements(inner)]
        )

    def der(self) -> bytes:
        """Put it together again."""
        extensions = tlv(0xA3, tlv(0x30, *self.extensions)) if self.extensions else b""
        head = (self.version, self.serial, self.algorithm, self.issuer, self.validity, self.subject, self.key)
        return tlv(0x30, *head, self.unique, extensions)


def reshaped(made: Made, issuer: Made, change: Callable[[Body], None], *, algorithm: bytes | None = None) -> Made:
    """Return the certificate after *change*, signed anew by the P-256 key of *issuer*.

    *algorithm* stands outside, instead of the one that stands inside.
    """
    return Made(x509.load_der_x509_certificate(reshaped_der(made, issuer, change, algorithm)), made.key, made.name)


def reshaped_der(made: Made, issuer: Made, change: Callable[[Body], None], algorithm: bytes | None = None) -> bytes:
    """Return what :func:`reshaped` makes, undecoded."""
    body = Body.of(made.certificate)
    change(body)
    signed = body.der()
    signature = issuer.key.sign(signed, ec.ECDSA(hashes.SHA256()))
    return tlv(0x30, signed, algorithm or body.algorithm, tlv(0x03, b"\0", signature))


def tlv(tag: int, *contents: bytes) -> bytes:
    """Return an element in DER."""
    body = b"".join(contents)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def extension(oid: str, value: bytes, *, critical: bool | bytes = False) -> bytes:
    """Return an Extension in DER; *critical* may also be the bytes of its BOOLEAN."""
    flag = critical if isinstance(critical, bytes) else (tlv(0x01, b"\xff") if critical else b"")
    return tlv(0x30, tlv(0x06, _oid(oid)), flag, tlv(0x04, value))


def parse(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """Return tag, contents and the whole of each element of *data*."""
    return list(elements(data))


def elements(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """Return tag, contents and the whole of each element of *data*."""
    found = []
    while data:
        size, start = data[1], 2
        if size >= 0x80:
            start += size & 0x7F
            size = int.from_bytes(data[2:start], "big")
        found.append((data[0], data[start : start + size], data[: start + size]))
        data = data[start + size :]
    return found


def _oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    out = bytearray()
    for number in (first * 40 + second, *rest):
        octets = [number & 0x7F]
        while number := number >> 7:
            octets.append(0x80 | number & 0x7F)
        out += bytes(reversed(octets))
    return bytes(out)


def der(certificate: x509.Certificate) -> bytes:
    """Return a certificate in DER."""
    return certificate.public_bytes(Encoding.DER)


def with_extension(value: x509.ExtensionType, *, critical: bool = False) -> dict[str, Sequence[Any]]:
    """Return the change that adds an extension."""
    return {"more": [(value, critical)]}
