"""What a ledger that is to be made again takes over from the one before it.

Nothing is believed that can be checked: a chain is followed digest by digest, a certificate must be the one whose
fingerprint it goes by. What cannot be checked is still taken over where losing it would be worse: a revocation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from easycert.adoption import Find, MakeEntry, fill
from easycert.errors import EasycertError, LedgerUnusable, Malformed, StoreFailure
from easycert.ledger.entries import (
    BRINGS_CERTIFICATE,
    GENESIS,
    GIVEN,
    Details,
    Entry,
    Event,
    chained_texts,
    entry_of,
    written_instant,
)
from easycert.ledger.protocol import Ledger
from easycert.ledger.records import Export, Order, Query, Record, Row, export_details, export_of
from easycert.model import Value
from easycert.pki.certificates import load_certificate
from easycert.pki.facts import Facts, facts_of, fingerprint_of

_Item = TypeVar("_Item")


class NotWhole(EasycertError):
    """A history that was changed, or that cannot be read to its end; ``reason`` says where."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the history of the ledger is not whole: {reason}")


class Salvage(Value):
    """How many certificates, revocations, intents and exports were taken over; how many certificates were damaged.

    *broken_off* says why not everything could be read, or is empty.
    """

    certificates: int = 0
    revocations: int = 0
    intents: int = 0
    damaged: int = 0
    exports: int = 0
    broken_off: str = ""


def copied(old: Ledger, draft: Ledger) -> Salvage:
    """Copy the history of *old* to *draft*, entry by entry. Raises NotWhole for one that is not as it was written."""
    try:
        fill(draft, map(Find, _whole(old)))
    except (Malformed, LedgerUnusable) as error:
        raise NotWhole(error.reason) from error
    counts = draft.counts()
    return Salvage(counts.certificates, counts.revocations, exports=len(draft.exports()))


def _whole(old: Ledger) -> Iterator[Entry]:
    digest, number = GENESIS, 0
    try:
        for row in old.rows():
            digest, number = chained_texts(digest, row.parts), number + 1
            if (row.number, row.digest) != (number, digest):
                raise NotWhole(f"entry {row.number} does not follow from those before it")
            yield _with_certificate(entry_of(row.parts), number, old)
    except (LedgerUnusable, StoreFailure) as error:  # of the old one: what goes wrong with the draft is not raised here
        raise NotWhole(error.reason) from error
    except ValueError:
        raise NotWhole(f"entry {number} cannot be understood") from None


def _with_certificate(entry: Entry, number: int, old: Ledger) -> Entry:
    if entry.event not in BRINGS_CERTIFICATE:
        return entry
    der = old.der(entry.fingerprint)
    if der is None or fingerprint_of(der) != entry.fingerprint:
        raise NotWhole(f"the certificate of entry {number} is missing or damaged")
    return entry._replace(der=der)


def salvaged(old: Ledger, draft: Ledger, make: MakeEntry) -> Salvage:
    """Take over to *draft* what can be read of *old*; *make* makes entries."""
    return _Salvaging(old, draft, make).salvage()


class _Salvaging:
    def __init__(self, old: Ledger, draft: Ledger, make: MakeEntry) -> None:
        self._old = old
        self._draft = draft
        self._make = make
        self._broken_off = ""
        self._damaged = 0
        self._seen: set[str] = set()
        self._serials: set[tuple[str, str]] = set()

    def salvage(self) -> Salvage:
        certificates = fill(self._draft, self._certificates())
        fill(self._draft, map(Find, self._numbers()))
        revocations = fill(self._draft, map(Find, self._revocations()))
        intents = fill(self._draft, map(Find, self._intents()))
        exports = fill(self._draft, map(Find, self._exports()))
        return Salvage(certificates, revocations, intents, self._damaged, exports, self._broken_off)

    def _readable(self, read: Callable[[], Iterable[_Item]]) -> Iterator[_Item]:
        """Yield what can be read, and note why that ends before the end."""
        try:
            yield from read()
        except (LedgerUnusable, StoreFailure) as error:
            self._broken_off = self._broken_off or error.reason

    def _certificates(self) -> Iterator[Find]:
        """Yield the certificates from the first on and, where that breaks off, from the last back to there."""
        for order in (Order.OLDEST, Order.NEWEST):
            for record in self._readable(lambda order=order: self._old.every(order)):  # type: ignore[misc]
                if record.fingerprint in self._seen:
                    break
                self._seen.add(record.fingerprint)
                find = self._find(record)
                if find is not None:
                    yield find
            if not self._broken_off:
                return

    def _find(self, record: Record) -> Find | None:
        (der,) = list(self._readable(lambda: [self._old.der(record.fingerprint)])) or (None,)
        try:
            if der is None or fingerprint_of(der) != record.fingerprint:
                raise Malformed("the old ledger", "a certificate", "it is damaged")
            facts = facts_of(load_certificate(der, "the old ledger"))
        except Malformed:
            self._damaged += 1
            return None
        details = tuple(self._details(record, facts))
        where = {"kind": record.kind, "name": record.name, "fingerprint": facts.fingerprint}
        return Find(self._make(Event.ADOPTED, **where, details=details, der=der), None, facts)

    def _details(self, record: Record, facts: Facts) -> Iterator[tuple[str, str]]:
        serial = facts.issuer_id, facts.serial
        taken = record.origin in GIVEN and serial in self._serials
        self._serials.add(serial)
        yield "origin", "adoption" if taken else record.origin
        for field in ("profile", "renewal_of", "waived", "replaced_by", "at", "actor"):
            if getattr(record, field):
                yield field, getattr(record, field)

    def _numbers(self) -> Iterator[Entry]:
        for issuer_id, number in self._readable(lambda: self._old.crl_numbers().items()):
            yield self._make(Event.PUBLISHED, kind="ca", details=(("issuer_id", issuer_id), ("number", str(number))))

    def _revocations(self) -> Iterator[Entry]:
        """Yield what the table of revocations, or the history, says is revoked: rather too much than too little."""
        told: dict[tuple[str, str], Details] = {}
        for entry in self._history():
            key = entry.detail("issuer_id"), entry.detail("serial")
            if entry.event is Event.REVOKED:
                told[key] = entry.details
            elif entry.event is Event.RELEASED:
                told.pop(key, None)
        for item in self._readable(self._old.revocations):
            key = item.issuer_id, item.serial
            told[key] = (("issuer_id", key[0]), ("serial", key[1]), ("date", item.at), ("reason", item.reason))
        for details in told.values():
            yield self._make(Event.REVOKED, kind="ca", details=details)

    def _intents(self) -> Iterator[Entry]:
        """Yield what was about to be signed and never came: it may have been signed all the same."""
        for entry in self._history():
            serial, issuer_id = entry.detail("serial"), entry.detail("issuer_id")
            if entry.event is Event.INTENDED and not self._draft.records(Query(serial=serial, issuer_id=issuer_id)):
                before = (("at", written_instant(entry.at)), ("actor", entry.actor))
                yield self._make(Event.INTENDED, details=(*entry.details, *before))

    def _exports(self) -> Iterator[Entry]:
        """Yield what was written to other places by the entries that can be read: a table could name any command."""
        told: dict[tuple[str, str, str, str], Export] = {}
        for entry in self._history():
            if entry.event is Event.EXPORTED:
                told[export_of(entry).key] = export_of(entry)
            elif entry.event is Event.FORGOTTEN:
                told.pop(export_of(entry).key, None)
        for export in told.values():
            what = {"kind": export.kind, "name": export.name, "fingerprint": export.fingerprint}
            yield self._make(Event.EXPORTED, **what, details=(*export_details(export), ("at", export.at)))

    def _history(self) -> Iterator[Entry]:
        for row in self._readable(self._old.rows):
            entry = _entry_or_none(row)
            if entry is not None:
                yield entry


def _entry_or_none(row: Row) -> Entry | None:
    try:
        return entry_of(row.parts)
    except ValueError:
        return None
