"""What binds the files of a certificate directory to its ledger: one change, in both or in neither.

A :class:`Change` collects files and entries. The entries travel as a note in the journal of the files; once the files
are in place they are appended to the ledger, by this process or by the one that finishes its work after a crash.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any

from easycert.errors import printable
from easycert.ledger.entries import (
    BRINGS_CERTIFICATE,
    Details,
    Entry,
    Event,
    Located,
    packed,
    unpacked,
    written_instant,
)
from easycert.model import Kind
from easycert.pki.names import SafeName
from easycert.store import layout

if TYPE_CHECKING:
    from easycert.ledger.protocol import Ledger
    from easycert.store.protocol import Store

#: Commands read the clock before they wait for each other: entries may stand in another order than their times.
_UNREMARKABLE = timedelta(minutes=1)
_KINDS = {kind.value: kind for kind in Kind}


class Bookkeeping:
    """The ledger of one store; it is begun, from what is in the directory, when it is first written to."""

    def __init__(
        self,
        store: Store,
        ledger: Callable[[], Ledger],
        actor: Callable[[], str],
        report: Callable[[str], None] | None = None,
    ) -> None:
        """Bind *ledger* to *store*, whose notes go into it from now on; *actor* names who does what is done.

        *report* is told, once, when the newest entry is of a time that is still to come.
        """
        self._store = store
        self._open = ledger
        self._actor = cache(actor)
        self._report = report or _say_nothing
        self._opened: Ledger | None = None
        store.settlement = self

    def entry(self, event: Event, at: datetime, **fields: Any) -> Entry:
        """Return a new entry by the user who runs this; *fields* are those of Entry."""
        return Entry(event, at, self._actor(), os.urandom(8).hex(), **fields)

    def ledger(self, now: datetime) -> Ledger:
        """Return the ledger to append to; the caller holds the store's lock. It is begun at *now* if there is none."""
        if self._opened is None:
            self._opened = self._open()
            self._opened.tidy()
        if not self._opened.exists():
            from easycert.adoption import Survey, adopt  # once in the life of a directory

            survey = Survey(self._store, lambda event, **fields: self.entry(event, now, **fields))
            with self._opened.fresh() as draft:
                adopt(draft, survey)
            for path, reason in survey.unread:
                self._report(f"{printable(path)} is left out of the ledger: {printable(reason)}")
        return self._opened

    def append(self, entries: Sequence[Entry], located: Iterable[Located] = ()) -> None:
        """Append *entries*, which are of one time; the caller holds the store's lock."""
        if not entries:
            return
        latest = self.ledger(entries[0].at).append(entries, located)
        if latest > written_instant(entries[0].at + _UNREMARKABLE):
            self._report(f"the clock is behind: there is an entry in the ledger of {latest}; set it first")
            self._report = _say_nothing

    def close(self) -> None:
        """Close the ledger if it was opened: between two commands it is one file, to be copied like any other."""
        if self._opened is not None:
            self._opened.close()

    def settle(self, note: bytes, entries: Sequence[layout.Entry]) -> None:
        """Append the entries in *note*. See :class:`easycert.store.protocol.Settlement`."""
        noted = unpacked(note)
        self.append(noted, self.located(noted, entries))

    def is_settled(self, note: bytes) -> bool:
        """Return whether the entries in *note* are in the ledger."""
        ledger = self._open()
        return ledger.exists() and ledger.has(unpacked(note)[0].id)

    def located(self, noted: Iterable[Entry], placed: Sequence[layout.Entry]) -> Iterable[Located]:
        """Yield which of the certificates that *noted* brings lies where, of the files that were *placed*."""
        paths = {entry.path for entry in placed}
        for item in noted:
            if item.event in BRINGS_CERTIFICATE:
                entry = layout.certificate(_KINDS[item.kind], SafeName(item.name))
                stamp = self._store.stamp(entry) if entry.path in paths else None
                if stamp is not None:
                    yield Located(entry.path, item.fingerprint, *stamp)


def _say_nothing(_: str) -> None:
    pass


class Change:
    """Files and ledger entries that appear together; used as a block, within which this process is the only writer."""

    def __init__(self, store: Store, books: Bookkeeping, now: datetime) -> None:
        """Take the *store* to change, its *books*, and the time at which all of it happens."""
        self._store = store
        self._books = books
        self._now = now
        self._files = store.transaction()
        self._entries: list[Entry] = []

    def create(self, entry: layout.Entry, data: bytes, *, private: bool = False) -> None:
        """Stage a new file. Raises AlreadyExists."""
        self._files.create(entry, data, private=private)

    def replace(self, entry: layout.Entry, data: bytes, *, private: bool = False) -> None:
        """Stage a file that takes the place of whatever is there."""
        self._files.replace(entry, data, private=private)

    def put(self, entry: layout.Entry, data: bytes, *, private: bool = False, replace: bool) -> None:
        """Stage a file as *replace* says: new, or in the place of another."""
        (self._files.replace if replace else self._files.create)(entry, data, private=private)

    def intend(self, intents: Sequence[Details]) -> None:
        """Record now, durably, what is about to be signed: whatever happens next, that it was meant is known."""
        self._books.append([self._books.entry(Event.INTENDED, self._now, details=details) for details in intents])

    def record(self, event: Event, **fields: Any) -> None:
        """Stage an entry, which is appended when the files are in place; *fields* are those of Entry."""
        self._entries.append(self._books.entry(event, self._now, **fields))

    @property
    def ledger(self) -> Ledger:
        """The ledger, begun if there is none."""
        return self._books.ledger(self._now)

    def __enter__(self) -> Change:
        """Lock the directory and finish what a killed command left, as the store's transaction does."""
        self._files.__enter__()
        self._entries.clear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put files and entries in place unless the block raised."""
        if kind is None and self._entries:
            self._files.attach(packed(self._entries))
        try:
            self._files.__exit__(kind, error, trace)
        finally:
            self._books.close()
