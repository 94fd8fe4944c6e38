"""What the ledger tells: every certificate there ever was, every entry, and the history of one name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from easycert.certdir import CertDir
from easycert.errors import NotFound
from easycert.ledger.entries import Entry, Event
from easycert.ledger.records import Chained, Order, Query, Record
from easycert.model import Kind, Value
from easycert.pki.names import SafeName

_Item = TypeVar("_Item")


class Happened(Value):
    """Something that happened to a certificate, or to the directory: an entry in its place, and the serial it is of."""

    number: int
    entry: Entry
    serial: str


def certificates(certdir: CertDir) -> Iterator[Record]:
    """Yield every certificate ever, the oldest first. Raises LedgerUnusable, also where there is no ledger."""
    return _closing(certdir, certdir.ledger.every(Order.OLDEST))


def entries(certdir: CertDir) -> Iterator[Chained]:
    """Yield every entry, the oldest first. Raises LedgerUnusable, also where there is no ledger."""
    return _closing(certdir, certdir.ledger.entries())


def happened(certdir: CertDir, name: SafeName | None = None, kind: Kind | None = None) -> Iterator[Happened]:
    """Yield what happened to certificates of this *name* (and *kind*), or all that happened, the newest first.

    What happened to a CA includes the CRLs that it signed. Raises NotFound for a name that the ledger never heard of,
    LedgerUnusable.
    """
    ledger = certdir.ledger
    told = ledger.entries(backwards=True)
    if name is not None:
        records = ledger.records(Query(kind=kind.value if kind else "", name=name))
        if not records:
            ledger.close()
            raise NotFound("certificate in the ledger", name)
        about = _About(records, name, kind)
        told = (item for item in told if about.is_told(item.entry))
    for item in told:
        serial = item.entry.detail("serial")
        if not serial and item.entry.fingerprint:
            serial = next((record.serial for record in ledger.records(Query(fingerprint=item.entry.fingerprint))), "")
        yield Happened(item.number, item.entry, serial)
    ledger.close()


class _About:
    """Which entries are about certificates of one name, and perhaps of one kind."""

    def __init__(self, records: list[Record], name: SafeName, kind: Kind | None) -> None:
        self._name = name
        self._kind = kind
        self._serials = {(record.issuer_id, record.serial) for record in records}

    def is_told(self, entry: Entry) -> bool:
        if entry.event in (Event.REVOKED, Event.RELEASED):
            return (entry.detail("issuer_id"), entry.detail("serial")) in self._serials
        intended = entry.event is Event.INTENDED
        name, kind = (entry.detail("name"), entry.detail("kind")) if intended else (entry.name, entry.kind)
        return self._name == name and (self._kind is None or self._kind.value == kind)


def _closing(certdir: CertDir, items: Iterator[_Item]) -> Iterator[_Item]:
    try:
        yield from items
    finally:
        certdir.ledger.close()
