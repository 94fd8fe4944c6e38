"""Making the ledger again: from the files and CRLs of the directory, and from what can be read of the ledger before.

Where the history in the old ledger is whole, all of it is kept, entry by entry, and what it lacks is added. Where it is
not, its certificates and revocations are taken over, each checked as far as it can be, as adopted. The old ledger is
never deleted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import Enum

from easycert.adoption import Survey, adopt
from easycert.certdir import CertDir
from easycert.errors import LedgerUnusable, StoreFailure, printable
from easycert.ledger.entries import Entry, Event, unpacked
from easycert.ledger.protocol import Ledger
from easycert.ledger.records import Counts, Head
from easycert.model import Value
from easycert.store import layout
from easycert.workflows.salvage import NotWhole, Salvage, copied, salvaged

_KEPT_AS = "replaced-%Y%m%dT%H%M%SZ"


class Source(Enum):
    """What became of the ledger before; the value is the word in output and in the ledger."""

    #: There was none.
    NONE = "none"
    #: Nothing was to be taken from it.
    LEFT = "left"
    #: It could not be read at all.
    UNREADABLE = "unreadable"
    #: Its history was not whole; what could be read was taken over.
    SALVAGED = "salvaged"
    #: Its history was whole, and goes on.
    CONTINUED = "continued"


class Rebuilt(Value):
    """A ledger that was made again.

    *kept* is where the one before lies, None where there was none, and *reason* what was wrong with it, if anything;
    *head* is the end of the new chain; *found* how many entries the files and CRLs made; *unread* has path and reason
    of each file that was left out; *unknown* is what nobody can know any more, a sentence each.
    """

    source: Source
    kept: str | None
    reason: str
    head: Head
    counts: Counts
    found: int
    salvage: Salvage
    unread: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]


def rebuild(certdir: CertDir, *, from_files_only: bool = False) -> Rebuilt:
    """Make the ledger of *certdir* again, and finish what a killed command left, which the old one may have prevented.

    With *from_files_only* nothing is taken from the old ledger. Raises StoreBusy and StoreFailure, and Refused for a
    clock that cannot be right; then the ledger is as it was.
    """
    rebuilding = _Rebuilding(certdir, from_files_only=from_files_only)
    usual, certdir.store.settlement = certdir.store.settlement, rebuilding
    try:
        with certdir.store.transaction():
            return rebuilding.done()
    finally:
        certdir.store.settlement = usual
        certdir.ledger.close()


class _Rebuilding:
    """Makes the ledger again, once, and settles in the new one what the old one may not have been able to take."""

    def __init__(self, certdir: CertDir, *, from_files_only: bool) -> None:
        self._certdir = certdir
        self._now = certdir.signing_time()
        self._from_files_only = from_files_only
        self._done: Rebuilt | None = None

    def done(self) -> Rebuilt:
        """Return the ledger, made again if it was not yet; the caller holds the store's lock."""
        if self._done is None:
            self._done = self._rebuilt()
        return self._done

    def settle(self, note: bytes, entries: Sequence[layout.Entry]) -> None:
        """Keep the note of a command that was killed, in a ledger that is made now: its files are in place."""
        self.done()
        noted = unpacked(note)
        self._certdir.ledger.append(noted, self._certdir.books.located(noted, entries))

    def is_settled(self, note: bytes) -> bool:
        """Return whether the note is in the ledger, as far as that can be read."""
        ledger = self._certdir.ledger.any_version()
        try:
            return ledger.exists() and ledger.has(unpacked(note)[0].id)
        except (LedgerUnusable, StoreFailure):
            return False
        finally:
            ledger.close()

    def _rebuilt(self) -> Rebuilt:
        ledger = self._certdir.ledger
        if not ledger.exists():
            return self._made("", Source.NONE)
        kept = ledger.spare(f"{self._now:{_KEPT_AS}}")
        if self._from_files_only:
            return self._made(kept, Source.LEFT)
        try:
            return self._made(kept, Source.CONTINUED)
        except NotWhole as error:
            return self._made(kept, Source.SALVAGED, error.reason)

    def _made(self, kept: str, source: Source, reason: str = "") -> Rebuilt:
        with self._certdir.ledger.fresh(kept) as draft:
            old = self._certdir.ledger.any_version()
            try:
                source, salvage = self._taken_over(old, draft, source)
                draft.append([self._entry(Event.REBUILT, details=tuple(_told(old, kept, source)))])
            finally:
                old.close()
            known = draft if salvage != Salvage() else None  # where nothing was taken over there is nothing to ask
            survey = Survey(self._certdir.store, self._entry, known)
            found = adopt(draft, survey)
            head, counts = draft.head(), draft.counts()
        unread = tuple(survey.unread)
        unknown = tuple(_unknown(source, salvage, counts))
        return Rebuilt(source, kept or None, reason, head, counts, found, salvage, unread, unknown)

    def _taken_over(self, old: Ledger, draft: Ledger, source: Source) -> tuple[Source, Salvage]:
        if source is Source.CONTINUED:
            return source, copied(old, draft)
        if source is not Source.SALVAGED:
            return source, Salvage()
        salvage = salvaged(old, draft, self._entry)
        nothing = not (salvage.certificates or salvage.revocations or salvage.intents or salvage.exports)
        return Source.UNREADABLE if salvage.broken_off and nothing else source, salvage

    def _entry(self, event: Event, **fields: object) -> Entry:
        return self._certdir.books.entry(event, self._now, **fields)


def _told(old: Ledger, kept: str, source: Source) -> Iterator[tuple[str, str]]:
    """Yield what the new ledger is to say about the old one: where it is, and what its chain ended with."""
    yield "before", source.value
    if kept:
        yield "kept", os.path.basename(kept)
        with suppress(LedgerUnusable, StoreFailure):
            head = old.head()
            yield "number", str(head.number)
            yield "digest", head.digest


def _unknown(source: Source, salvage: Salvage, counts: Counts) -> Iterator[str]:
    if source is Source.SALVAGED:
        yield "who did what before now, and when, is told by the old ledger only"
        yield "whether what was taken over from the old ledger is true: its history is not whole"
    elif source is not Source.CONTINUED:
        yield "who made the certificates, when and how: they are recorded as adopted now"
        yield "which certificates there were before that were replaced or removed: to revoke one, its file is needed"
        yield "what was revoked, or put on hold, and is on no CRL that is here"
        yield "what was exported, and where to: it is not written again before it is exported again"
        yield "which rules were waived, and what was about to be signed when a command failed"
    if salvage.damaged:
        yield f"what {salvage.damaged} certificates were whose bytes in the old ledger are damaged or missing"
    if salvage.broken_off and source is Source.SALVAGED:
        yield f"what else the old ledger held: reading it ended with '{printable(salvage.broken_off)}'"
    if counts.unknown_revoked:
        yield f"what {counts.unknown_revoked} revoked certificates were: only their serial numbers are known"
