"""What easycert needs of a ledger.

Two implementations ship: :class:`easycert.ledger.sqlite.SqliteLedger` and :class:`easycert.ledger.memory.MemoryLedger`,
its twin for tests and dry runs. The same contract tests run over both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from easycert.ledger.entries import Entry, Located
from easycert.ledger.records import Chained, Head, Index, Query, Record, Revocation


class Ledger(Protocol):
    """An append-only record. Reading takes no lock; whoever appends holds the certificate directory's.

    Every method raises LedgerUnusable for a ledger that is damaged or of a newer version, and all but :meth:`exists`,
    :meth:`create` and :meth:`set_aside` where there is none yet.
    """

    def exists(self) -> bool:
        """Return whether there is a ledger."""

    def create(self, entries: Iterable[Entry], located: Iterable[Located] = ()) -> None:
        """Begin the ledger with *entries*, wholly or not at all; *located* as in :meth:`append`."""

    def set_aside(self, suffix: str) -> str | None:
        """Take the ledger away so that a new one can be made, and return where it is kept; None when there is none."""

    def append(self, entries: Sequence[Entry], located: Iterable[Located] = ()) -> None:
        """Add *entries* in one transaction, and note which certificate each of *located* holds.

        Entries that were handed over before, which the id of the first tells, are not added again.
        """

    def locate(self, located: Iterable[Located], gone: Iterable[str] = ()) -> None:
        """Note which file holds which certificate, and that the files *gone* (relative paths) hold none any more."""

    def has(self, entry_id: str) -> bool:
        """Return whether the entry with this id is in the ledger."""

    def head(self) -> Head:
        """Return how many entries there are, and digest and time of the last."""

    def entries(self) -> Iterator[Chained]:
        """Yield every entry (without certificates) in its order."""

    def records(self, query: Query = ...) -> list[Record]:
        """Return the certificates that *query* asks for, the newest first."""

    def names_of_key(self, kind: str, key_sha256: str) -> list[str]:
        """Return the names of the current certificates of *kind* that carry the public key with this SHA-256."""

    def der(self, fingerprint: str) -> bytes | None:
        """Return the certificate with this fingerprint in DER, or None."""

    def located(self) -> list[tuple[Located, Record]]:
        """Return every file that is known, with the record of its certificate."""

    def index(self) -> Index:
        """Return for each file that is known its stamp, and as much of its certificate's record as a list needs.

        What :meth:`located` returns, several times as fast.
        """

    def revocations(self, issuer_ids: Sequence[str] | None = None) -> list[Revocation]:
        """Return what is revoked, under these issuers only where given."""

    def last_crl_number(self, issuer_ids: Sequence[str]) -> int:
        """Return the highest number of a CRL published by the CA with these ids; 0 without one."""

    def close(self) -> None:
        """Give back what is open; a later call opens it again."""
