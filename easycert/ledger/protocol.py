"""What easycert needs of a ledger.

Two implementations ship: :class:`easycert.ledger.sqlite.SqliteLedger` and :class:`easycert.ledger.memory.MemoryLedger`,
its twin for tests and dry runs. The same contract tests run over both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from easycert.ledger.entries import Entry, Located
from easycert.ledger.records import Chained, Counts, Export, Head, Index, Order, Query, Record, Revocation, Row
from easycert.pki.facts import Facts


class Ledger(Protocol):
    """An append-only record. Reading takes no lock; whoever appends holds the certificate directory's.

    Every method raises LedgerUnusable for a ledger that is damaged or of a newer version, and all but :meth:`exists`,
    :meth:`create`, :meth:`spare`, :meth:`fresh` and :meth:`scratch` where there is none yet.
    """

    def exists(self) -> bool:
        """Return whether there is a ledger."""

    def create(self, entries: Iterable[Entry], located: Iterable[Located] = ()) -> None:
        """Begin the ledger with *entries*, wholly or not at all; *located* as in :meth:`append`."""

    def spare(self, suffix: str) -> str:
        """Return where a ledger that is replaced can be kept: a path that ends in *suffix*, at which nothing lies."""

    def fresh(self, kept: str = "") -> AbstractContextManager[Ledger]:
        """Give a block an empty ledger to fill, which takes the place of this one, at once, when the block ends well.

        The one that is there is then found at *kept*, whatever state it is in; *kept* is given unless there is none.
        """

    def scratch(self) -> Ledger:
        """Return an empty ledger of the same make that is gone when it is closed."""

    def tidy(self) -> None:
        """Remove what a process left that was killed in :meth:`fresh`; the caller holds the directory's lock."""

    def any_version(self) -> Ledger:
        """Return this ledger, to be read as far as it is understood where a newer easycert wrote it."""

    def append(
        self, entries: Sequence[Entry], located: Iterable[Located] = (), *, facts: Mapping[str, Facts] | None = None
    ) -> str:
        """Add *entries* in one transaction, and note which certificate each of *located* holds.

        Entries that were handed over before, which the id of the first tells, are not added again. *facts* are those of
        certificates, by fingerprint, that the caller knows already. Returns the latest time (RFC 3339) among the newest
        entries before them; an empty string where there were none, or nothing was added.
        """

    def locate(self, located: Iterable[Located], gone: Iterable[str] = ()) -> None:
        """Note which file holds which certificate, and that the files *gone* (relative paths) hold none any more."""

    def has(self, entry_id: str) -> bool:
        """Return whether the entry with this id is in the ledger."""

    def head(self) -> Head:
        """Return how many entries there are, and digest and time of the last."""

    def entries(self, *, backwards: bool = False) -> Iterator[Chained]:
        """Yield every entry (without certificates) in its order, or in the opposite one."""

    def rows(self) -> Iterator[Row]:
        """Yield every entry as it stands, in its order, whatever somebody made of it."""

    def records(self, query: Query | None = None) -> list[Record]:
        """Return the certificates that *query* asks for, the newest first."""

    def names_of_key(self, kind: str, key_sha256: str) -> list[str]:
        """Return the names of the current certificates of *kind* that carry the public key with this SHA-256."""

    def every(self, order: Order) -> Iterator[Record]:
        """Yield every certificate in this *order*, one after the other."""

    def der(self, fingerprint: str) -> bytes | None:
        """Return the certificate with this fingerprint in DER, or None."""

    def located(self) -> list[tuple[Located, Record]]:
        """Return every file that is known, with the record of its certificate."""

    def index(self) -> Index:
        """Return for each file that is known its stamp, and as much of its certificate's record as a list needs.

        What :meth:`located` returns, several times as fast.
        """

    def places(self) -> Iterator[Located]:
        """Yield every file that is known, in the order of their paths."""

    def revocations(self, issuer_ids: Sequence[str] | None = None) -> list[Revocation]:
        """Return what is revoked, under these issuers only where given."""

    def revoked_until(self, issuer_ids: Sequence[str]) -> Iterator[tuple[str, int]]:
        """Yield the serial number of each certificate that these issuers have revoked, and when it ends.

        Seconds since 1970; 0 where the certificate is not known. For CAs that have revoked a great many.
        """

    def crl_numbers(self) -> dict[str, int]:
        """Return the highest number of a published CRL by the issuer id in its entry."""

    def counts(self) -> Counts:
        """Return how much there is."""

    def last_crl_number(self, issuer_ids: Sequence[str]) -> int:
        """Return the highest number of a CRL published by the CA with these ids; 0 without one."""

    def exports(self) -> list[Export]:
        """Return what was written to other places and is to be written again, by destination, recipe, kind and name."""

    def close(self) -> None:
        """Give back what is open; a later call opens it again."""
