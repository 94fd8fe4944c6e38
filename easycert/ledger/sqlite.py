"""The ledger in SQLite: one file, one writer (whoever holds the directory's lock), any number of readers.

WAL with ``synchronous=FULL``: what was appended is durable, and readers are not held up. Where the directory is
read-only the file is read as it lies there. Damage is never mended in silence: see LedgerUnusable.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from easycert.errors import LedgerUnusable, StoreBusy, StoreFailure
from easycert.ledger import applying
from easycert.ledger.entries import Entry, Located
from easycert.ledger.migrations import APPLICATION_ID, MIGRATIONS

if TYPE_CHECKING:
    from easycert.ledger.records import Chained, Counts, Export, Head, Index, Order, Query, Record, Revocation, Row
    from easycert.pki.facts import Facts

#: Seconds that we wait for a foreign program that holds the database; easycert's own writers wait for their lock.
_PATIENCE = 10.0
#: The ledgers of this process that are open.
_OPEN: set[SqliteLedger] = set()
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_SCHEMA", "SQLITE_ERROR", "SQLITE_MISMATCH")


class SqliteLedger:
    """A ledger at *path*, whose folder must exist before it is created; see :class:`~easycert.ledger.protocol.Ledger`.

    Beside what is named there, StoreFailure is raised when the file system refuses, and StoreBusy when a foreign
    program holds the database for ten seconds.
    """

    def __init__(self, path: str, *, any_version: bool = False) -> None:
        """Take the absolute *path* of the database; nothing is opened before it is needed.

        With *any_version* one that a newer easycert wrote is read as far as it is understood.
        """
        self._path = path
        self._any_version = any_version
        self._connection: sqlite3.Connection | None = None
        self._writable = False

    def exists(self) -> bool:
        """Return whether there is a ledger."""
        return os.path.lexists(self._path)

    def create(self, entries: Iterable[Entry], located: Iterable[Located] = ()) -> None:
        """Begin the ledger with *entries*."""
        with self.fresh() as draft, draft._writing() as connection:
            applying.extend(connection, entries)
            applying.locate(connection, located)

    def spare(self, suffix: str) -> str:
        """Return a path beside the ledger at which nothing lies."""
        from easycert.ledger.drafts import spare

        return spare(self._path, suffix)

    @contextmanager
    def fresh(self, kept: str = "") -> Iterator[SqliteLedger]:
        """Give the block an empty ledger that takes the place of this one, at once, when the block ends well."""
        from easycert.ledger import drafts

        self.close()
        path = drafts.draft_of(self._path)
        with self._told():
            drafts.begin(path)
        draft = SqliteLedger(path)
        try:
            with draft._told():
                draft._connection = drafts.opened(_uri(path, "mode=rw"), _PATIENCE)
            yield draft
            with draft._told():
                drafts.finish(draft._connection)
            draft._connection = None
            with self._told():
                drafts.put_in_place(self._path, kept)
        except BaseException:
            draft.close()
            drafts.sweep(path)
            raise

    def scratch(self) -> SqliteLedger:
        """Return an empty ledger that is gone when it is closed."""
        from easycert.ledger import drafts

        ledger = SqliteLedger(self._path)
        with self._told():
            ledger._connection = drafts.opened("", _PATIENCE)
        return ledger

    def tidy(self) -> None:
        """Remove what a process left that was killed while it filled a fresh ledger."""
        draft = f"{self._path}.draft"
        with suppress(OSError):
            os.unlink(draft)
            from easycert.ledger import drafts

            drafts.sweep(draft)

    def any_version(self) -> SqliteLedger:
        """Return this ledger, to be read as far as it is understood."""
        return SqliteLedger(self._path, any_version=True)

    def append(
        self, entries: Sequence[Entry], located: Iterable[Located] = (), *, facts: Mapping[str, Facts] | None = None
    ) -> str:
        """Add *entries* in one transaction; those whose first is there already are not added again."""
        before = ""
        with self._writing() as connection:
            if entries and not applying.has(connection, entries[0].id):
                before = applying.extend(connection, entries, facts or {})
            applying.locate(connection, located)
        return before

    def locate(self, located: Iterable[Located], gone: Iterable[str] = ()) -> None:
        """Note which file holds which certificate."""
        with self._writing() as connection:
            applying.locate(connection, located, gone)

    def has(self, entry_id: str) -> bool:
        """Return whether the entry with this id is in the ledger."""
        with self._told():
            return applying.has(self._reading(), entry_id)

    def head(self) -> Head:
        """Return how many entries there are, and digest and time of the last."""
        from easycert.ledger import queries

        with self._told():
            return queries.head(self._reading())

    def entries(self, *, backwards: bool = False) -> Iterator[Chained]:
        """Yield every entry (without certificates) in its order."""
        from easycert.ledger import queries

        with self._told():
            yield from queries.entries(self._reading(), backwards, self._path)

    def rows(self) -> Iterator[Row]:
        """Yield every entry as it stands."""
        from easycert.ledger import queries

        with self._told():
            yield from queries.rows(self._reading())

    def records(self, query: Query | None = None) -> list[Record]:
        """Return the certificates that *query* asks for (None: all), the newest first."""
        from easycert.ledger import queries

        with self._told():
            return queries.records(self._reading(), query)

    def names_of_key(self, kind: str, key_sha256: str) -> list[str]:
        """Return the names of the current certificates of *kind* that carry the public key with this SHA-256."""
        with self._told():
            question = "SELECT name FROM certificates WHERE key_sha256 = ? AND kind = ? AND replaced_by = ''"
            return [name for (name,) in self._reading().execute(question, (key_sha256, kind))]

    def every(self, order: Order) -> Iterator[Record]:
        """Yield every certificate in this *order*."""
        from easycert.ledger import queries

        with self._told():
            yield from queries.every(self._reading(), order)

    def der(self, fingerprint: str) -> bytes | None:
        """Return the certificate with this fingerprint in DER, or None."""
        with self._told():
            rows = self._reading().execute("SELECT der FROM certificates WHERE fingerprint = ?", (fingerprint,))
            return next((der for (der,) in rows), None)

    def located(self) -> list[tuple[Located, Record]]:
        """Return every file that is known, with the record of its certificate."""
        from easycert.ledger import queries

        with self._told():
            return queries.located(self._reading())

    def index(self) -> Index:
        """Return for each file its stamp, and as much of its certificate's record as a list needs."""
        from easycert.ledger import queries

        with self._told():
            return queries.index(self._reading())

    def places(self) -> Iterator[Located]:
        """Yield every file that is known, by path."""
        from easycert.ledger import queries

        with self._told():
            yield from queries.places(self._reading())

    def revocations(self, issuer_ids: Sequence[str] | None = None) -> list[Revocation]:
        """Return what is revoked, under these issuers only where given."""
        from easycert.ledger import queries

        with self._told():
            return queries.revocations(self._reading(), issuer_ids)

    def revoked_until(self, issuer_ids: Sequence[str]) -> Iterator[tuple[str, int]]:
        """Yield the serial number of each certificate that these issuers have revoked, and when it ends."""
        from easycert.ledger import queries

        with self._told():
            yield from queries.revoked_until(self._reading(), issuer_ids)

    def crl_numbers(self) -> dict[str, int]:
        """Return the highest number of a published CRL by issuer id."""
        with self._told():
            return {issuer: int(number) for issuer, number in self._reading().execute("SELECT * FROM crl_numbers")}

    def counts(self) -> Counts:
        """Return how much there is."""
        from easycert.ledger import queries

        with self._told():
            return queries.counts(self._reading())

    def last_crl_number(self, issuer_ids: Sequence[str]) -> int:
        """Return the highest number of a CRL published by the CA with these ids; 0 without one."""
        with self._told():
            marks = ",".join("?" * len(issuer_ids))
            rows = self._reading().execute(f"SELECT number FROM crl_numbers WHERE issuer_id IN ({marks})", issuer_ids)
            return max((int(number) for (number,) in rows), default=0)

    def exports(self) -> list[Export]:
        """Return what was written to other places and is to be written again."""
        from easycert.ledger import queries

        with self._told():
            return queries.exports(self._reading())

    def close(self) -> None:
        """Close the database; SQLite then tidies up what lies beside it."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            _OPEN.discard(self)
            with suppress(sqlite3.Error):
                connection.close()

    # --- opening -----------------------------------------------------------------------------------------------------

    def _reading(self) -> sqlite3.Connection:
        if self._connection is None:
            self._writable = os.access(self._path, os.W_OK) and os.access(os.path.dirname(self._path), os.W_OK)
            self._connection = self._opened("mode=rw" if self._writable else self._read_only())
            _OPEN.add(self)
        return self._connection

    def _read_only(self) -> str:
        """Return how to open a ledger where nothing can be written, not even the index that readers of a WAL share."""
        wal = f"{self._path}-wal"
        if not os.path.exists(wal) or os.stat(wal).st_size == 0:
            return "mode=ro&immutable=1"
        # A killed command, or one at work elsewhere, has entries there that are not yet in the file itself.
        if not os.path.exists(f"{self._path}-shm"):
            raise StoreFailure(wal, "read", "its index is gone, and can be made anew only where easycert may write")
        return "mode=ro"

    def _opened(self, mode: str) -> sqlite3.Connection:
        try:
            if os.stat(self._path).st_size == 0:
                raise LedgerUnusable(self._path, "it is empty")
        except FileNotFoundError:
            raise LedgerUnusable(self._path, "it is not there") from None
        connection = _connected(_uri(self._path, mode))
        try:
            self._require_version(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _require_version(self, connection: sqlite3.Connection) -> None:
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise LedgerUnusable(self._path, "it is a database, but not a ledger of easycert")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == len(MIGRATIONS) or self._any_version:
            return
        if version > len(MIGRATIONS):
            raise LedgerUnusable(
                self._path, f"its version is {version} and this easycert knows {len(MIGRATIONS)}", newer=True
            )
        if self._writable:
            from easycert.ledger.upgrade import upgrade  # almost no command meets an older ledger

            upgrade(connection, self._path, version)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._told():
            connection = self._reading()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raise what SQLite and the system say in easycert's words."""
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", None) or "SQLITE_ERROR"
            if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise StoreBusy(self._path, "another program", _PATIENCE) from error
            if name.startswith("SQLITE_CONSTRAINT"):
                raise LedgerUnusable(self._path, f"an entry contradicts what it says: {error}") from error
            if name.startswith(_DAMAGE):
                raise LedgerUnusable(self._path, str(error)) from error
            raise StoreFailure(self._path, "use", str(error)) from error
        except OSError as error:
            raise StoreFailure(self._path, "write to", error.strerror or str(error)) from error


def close_all() -> None:
    """Close every ledger that this process has open: a process that ends without it leaves files of SQLite's behind."""
    for ledger in tuple(_OPEN):
        ledger.close()


def _uri(path: str, mode: str) -> str:
    return f"file:{quote(os.fsencode(path))}?{mode}"


def _connected(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    if sys.platform == "darwin":
        connection.execute("PRAGMA fullfsync=1")  # fsync(2) of macOS leaves the data in the drive's cache
    return connection
