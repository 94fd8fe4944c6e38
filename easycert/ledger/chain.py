"""Following the chain of a ledger: which entries are as they were written, and which digest proves it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from easycert.ledger.entries import GENESIS, chained_texts
from easycert.ledger.records import Row

_DIGEST = r"[0-9a-f]{64}"


def is_digest(text: str) -> bool:
    """Return whether *text* is written as the digest of an entry is."""
    return re.fullmatch(_DIGEST, text) is not None


class Break(NamedTuple):
    """A place at which the chain is not whole: the number of an entry, and what is wrong there."""

    number: int
    what: str


class Chain:
    """Follows a chain from its beginning; ``breaks`` gathers where it is not whole.

    ``proven`` is the number of the entry with the digest that was to be looked for, if all up to it is whole;
    ``claimed`` the number of an entry that says that it has this digest, whole or not. 0 stands for none.
    """

    def __init__(self, wanted: str = "") -> None:
        """Look for the digest *wanted* on the way."""
        self.breaks: list[Break] = []
        self.proven = 0
        self.claimed = 0
        self._wanted = wanted
        self._number = 0
        #: The digest of the entry before, None where that is not known.
        self._before: str | None = GENESIS

    def follow(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield *rows* again, each judged."""
        for row in rows:
            self._step(row)
            yield row

    def _step(self, row: Row) -> None:
        if row.number != self._number + 1:
            self._break(row.number, f"{_missing(self._number + 1, row.number - 1)}, so {row.number} proves nothing")
        elif self._before is not None and chained_texts(self._before, row.parts) != row.digest:
            self._break(row.number, "it is not as it was written, or does not belong behind the entry before it")
        if row.digest == self._wanted:
            self.claimed = row.number
            if not self.breaks:
                self.proven = row.number
        self._number, self._before = row.number, row.digest if is_digest(row.digest) else None

    def _break(self, number: int, what: str) -> None:
        self.breaks.append(Break(number, what))


def _missing(first: int, last: int) -> str:
    if last < first:
        return "it stands out of its order"
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"
