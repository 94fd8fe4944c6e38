"""What the ledger is told of a foreign directory: every certificate that its CAs issued, and what is revoked."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509

from easycert.bookkeeping import Change
from easycert.ledger.entries import UNFILED, Event, written_instant
from easycert.ledger.protocol import Ledger
from easycert.model import Kind, Value
from easycert.pki.crl import Revocation
from easycert.pki.encodings import Encoding
from easycert.pki.facts import authority_ids, fingerprint_of, issuer_id
from easycert.pki.names import SafeName
from easycert.pki.wording import even_hex


class Remembered(Value):
    """A certificate for the ledger: its place here, whether it has the file there (a *new* one), or which one has."""

    kind: Kind
    name: SafeName
    certificate: x509.Certificate
    successor: x509.Certificate | None = None
    filed: bool = False
    new: bool = False

    @property
    def replaced_by(self) -> str:
        """The fingerprint of the certificate that has its file; empty where it has the file itself."""
        if self.successor is not None:
            return _fingerprint(self.successor)
        return "" if self.filed else UNFILED


class RevokedBy(Value):
    """What a CA, by its certificate and its name here, revoked; *number* is that of its CRL, 0 without one."""

    name: SafeName
    certificate: x509.Certificate
    revocations: tuple[Revocation, ...]
    number: int


def unknown_to(ledger: Ledger, certificates: Iterable[Remembered]) -> list[Remembered]:
    """Return what the *ledger* has to be told: what gets a file now, and what it has not heard of."""
    exists = ledger.exists()
    return [
        item for item in certificates if item.new or not exists or ledger.der(_fingerprint(item.certificate)) is None
    ]


def unrecorded(ledger: Ledger, authority: RevokedBy) -> list[Revocation]:
    """Return what *authority* revoked and the *ledger*, which exists, has not heard of."""
    recorded = {item.serial for item in ledger.revocations(authority_ids(authority.certificate))}
    return [item for item in authority.revocations if even_hex(item.serial) not in recorded]


def record(change: Change, certificates: Iterable[Remembered], revoked: Iterable[RevokedBy]) -> None:
    """Stage in *change* what its ledger does not know yet: certificates, those with a file last, and revocations."""
    told = unknown_to(change.ledger, certificates)
    for item in sorted(told, key=lambda item: item.filed):
        der = item.certificate.public_bytes(Encoding.DER)
        replaced = (("replaced_by", item.replaced_by),) if item.replaced_by else ()
        change.record(
            Event.IMPORTED,
            kind=item.kind.value,
            name=str(item.name),
            fingerprint=fingerprint_of(der),
            details=(("origin", "import"), *replaced),
            der=der,
        )
    known = {(issuer_id(item.certificate), even_hex(item.certificate.serial_number)) for item in certificates}
    for authority in revoked:
        _record_revocations(change, authority, known)


def _record_revocations(change: Change, authority: RevokedBy, known: set[tuple[str, str]]) -> None:
    ids = authority_ids(authority.certificate)
    for item in unrecorded(change.ledger, authority):
        serial = even_hex(item.serial)
        details = (
            ("issuer_id", next((found for found in ids if (found, serial) in known), ids[0])),
            ("serial", serial),
            ("date", written_instant(item.date)),
            ("reason", item.reason.value),
        )
        change.record(Event.REVOKED, kind=Kind.CA.value, name=str(authority.name), details=details)
    if authority.number > change.ledger.last_crl_number(ids):
        number = (("issuer_id", ids[0]), ("number", str(authority.number)))
        change.record(Event.PUBLISHED, kind=Kind.CA.value, name=str(authority.name), details=number)


def _fingerprint(certificate: x509.Certificate) -> str:
    return fingerprint_of(certificate.public_bytes(Encoding.DER))
