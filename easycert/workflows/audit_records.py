"""Whether the tables of a ledger say what its entries say: they are made again from the entries, and compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter

from easycert.adoption import Find, fill
from easycert.errors import LedgerUnusable, Malformed, printable
from easycert.ledger.entries import BRINGS_CERTIFICATE, Entry, entry_of
from easycert.ledger.protocol import Ledger
from easycert.ledger.records import Order, Record, Revocation, Row
from easycert.pki.certificates import load_certificate
from easycert.pki.facts import facts_of, fingerprint_of
from easycert.workflows.findings import REBUILD, Finding, Topic, place

_MAKE_AGAIN = f"{REBUILD} makes it again from the entries"


def record_findings(ledger: Ledger, rows: Iterable[Row]) -> list[Finding]:
    """Return where the tables of *ledger* differ from what its *rows*, which are read to their end, make of them."""
    scratch = ledger.scratch()
    replay = _Replay(ledger)
    try:
        fill(scratch, replay.finds(rows))
        return [*replay.findings, *_differences(ledger, scratch, replay.lost)]
    except LedgerUnusable as error:
        for _ in rows:  # what was not reached is judged all the same
            pass
        finding = Finding(Topic.CHAIN, "the entries", printable(error.reason), _keep_aside())
        return [*replay.findings, finding]
    finally:
        scratch.close()


def _keep_aside() -> str:
    return f"{REBUILD} keeps this ledger aside and begins a new chain"


class _Replay:
    """Entries on their way into another ledger, each with its certificate, which is judged."""

    def __init__(self, ledger: Ledger) -> None:
        self.findings: list[Finding] = []
        #: Fingerprints of certificates that cannot be had any more.
        self.lost: set[str] = set()
        self._ledger = ledger

    def finds(self, rows: Iterable[Row]) -> Iterator[Find]:
        for row in rows:
            try:
                entry = entry_of(row.parts)
            except ValueError:
                self._tell(f"entry {row.number}", "what it says cannot be understood", _keep_aside())
                continue
            find = self._with_certificate(entry) if entry.event in BRINGS_CERTIFICATE else Find(entry)
            if find is not None:
                yield find

    def _with_certificate(self, entry: Entry) -> Find | None:
        der = self._ledger.der(entry.fingerprint)
        try:
            if der is None or fingerprint_of(der) != entry.fingerprint:
                raise Malformed(entry.name, "a certificate", "it is missing")
            return Find(entry._replace(der=der), None, facts_of(load_certificate(der, entry.name)))
        except Malformed:
            if entry.fingerprint not in self.lost:
                what = "its bytes in the ledger are missing or not those that its entry names"
                self._tell(place(entry.kind, entry.name), what, f"{REBUILD} takes them from its file, if that is there")
            self.lost.add(entry.fingerprint)
            return None

    def _tell(self, subject: str, what: str, advice: str) -> None:
        self.findings.append(Finding(Topic.RECORD, subject, what, advice))


_SAYS, _SHOULD = 0, 1


def _differences(ledger: Ledger, made: Ledger, lost: set[str]) -> Iterator[Finding]:
    for fingerprint, found in groupby(merge(_side(_SAYS, ledger), _side(_SHOULD, made)), key=itemgetter(0)):
        both = {side: record for _, side, record in found}
        if fingerprint not in lost:
            yield from _compared(both.get(_SAYS), both.get(_SHOULD))
    kept, should = set(ledger.revocations()), set(made.revocations())
    for item in sorted(kept - should):
        yield _table(f"serial {printable(item.serial)}", f"{_revoked(item)} in the list, and no entry says so")
    for item in sorted(should - kept):
        yield _table(f"serial {printable(item.serial)}", f"{_revoked(item)} by an entry, and not so in the list")
    exports, should_be = set(ledger.exports()), set(made.exports())
    for export in sorted(exports ^ should_be):
        says = "is not that of the entries" if export in exports else "is not in the list as an entry has it"
        yield _table(
            f"the export to {printable(export.destination)}", f"its record ({printable(export.recipe)}) {says}"
        )
    if ledger.crl_numbers() != made.crl_numbers():
        yield _table("the numbers of CRLs", "they are not those of the entries")


def _side(side: int, ledger: Ledger) -> Iterator[tuple[str, int, Record]]:
    return ((record.fingerprint, side, record) for record in ledger.every(Order.FINGERPRINT))


def _revoked(item: Revocation) -> str:
    return f"it is revoked ({printable(item.reason)}, {printable(item.at)})"


def _compared(says: Record | None, should: Record | None) -> Iterator[Finding]:
    if says is None and should is not None:
        yield _table(_named(should), "an entry brings it, and it is not in the list of certificates")
    elif should is None and says is not None:
        yield _table(_named(says), "it is in the list of certificates, and no entry brings it")
    elif says is not None and should is not None and says != should:
        for field, one, other in zip(Record._fields, says, should, strict=True):
            if one != other:
                yield _table(
                    _named(should), f"its {field} is '{printable(one)}' in the list, '{printable(other)}' in truth"
                )


def _named(record: Record) -> str:
    return f"{place(record.kind, record.name)} ({record.serial})"


def _table(subject: str, what: str) -> Finding:
    return Finding(Topic.RECORD, subject, what, _MAKE_AGAIN)
