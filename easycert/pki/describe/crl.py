"""A certificate revocation list as a person wants to know it (RFC 5280 section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from easycert.pki.describe.certificate import authority_key_identifier, extension, signature_warnings
from easycert.pki.subjects import shown_name
from easycert.pki.wording import even_hex, oid_name


@dataclass(frozen=True)
class RevokedDescription:
    """One entry: serial number in hexadecimal, when it was revoked and why (None: not said)."""

    serial: str
    date: datetime
    reason: str | None


@dataclass(frozen=True)
class CrlDescription:
    """What a CRL says; ``next_update`` is None where it does not promise one."""

    type: str
    issuer: str
    number: int | None
    this_update: datetime
    next_update: datetime | None
    state: str
    signature_algorithm: str
    authority_key_identifier: str | None
    count: int
    revoked: tuple[RevokedDescription, ...]
    warnings: tuple[str, ...]


def describe_crl(crl: x509.CertificateRevocationList, now: datetime) -> CrlDescription:
    """Return what *crl* says, seen at *now*, with every entry in its order."""
    number = extension(crl.extensions, x509.CRLNumber)
    return CrlDescription(
        type="certificate revocation list",
        issuer=shown_name(crl.issuer),
        number=number.crl_number if number else None,
        this_update=crl.last_update_utc,
        next_update=crl.next_update_utc,
        state=_state(crl, now),
        signature_algorithm=oid_name(crl.signature_algorithm_oid),
        authority_key_identifier=authority_key_identifier(crl.extensions),
        count=len(crl),
        revoked=tuple(_entry(entry) for entry in crl),
        warnings=tuple(_warnings(crl)),
    )


def _state(crl: x509.CertificateRevocationList, now: datetime) -> str:
    if crl.next_update_utc is not None and now > crl.next_update_utc:
        return "stale"
    return "not yet valid" if now < crl.last_update_utc else "current"


def _entry(entry: x509.RevokedCertificate) -> RevokedDescription:
    reason = extension(entry.extensions, x509.CRLReason)
    shown = reason.reason.value if reason else None
    return RevokedDescription(even_hex(entry.serial_number), entry.revocation_date_utc, shown)


def _warnings(crl: x509.CertificateRevocationList) -> Iterator[str]:
    yield from signature_warnings(crl)
    if crl.next_update_utc is None:
        yield "no nextUpdate: nobody can tell when it is stale (RFC 5280 section 5.1.2.5)"
