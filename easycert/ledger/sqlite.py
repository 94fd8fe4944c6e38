"""The ledger in SQLite: one file, one writer (whoever holds the directory's lock), any number of readers.

WAL with ``synchronous=FULL``: what was appended is durable, and readers are not held up. Where the directory is
read-only the file is read as it lies there. Damage is never mended in silence: see LedgerUnusable.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from easycert.errors import LedgerUnusable, StoreBusy, StoreFailure
from easycert.ledger.entries import BRINGS_CERTIFICATE, GENESIS, Entry, Event, Located, chained, written_instant
from easycert.ledger.migrations import APPLICATION_ID, MIGRATIONS
from easycert.pki.certificates import load_certificate
from easycert.pki.facts import facts_of

if TYPE_CHECKING:
    from easycert.ledger.records import Chained, Head, Index, Query, Record, Revocation

#: Seconds that we wait for a foreign program that holds the database; easycert's own writers wait for their lock.
_PATIENCE = 10.0
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_SCHEMA", "SQLITE_ERROR", "SQLITE_MISMATCH")
_COMPANIONS = ("-wal", "-shm", "-journal")


class SqliteLedger:
    """A ledger at *path*, whose folder must exist before it is created; see :class:`~easycert.ledger.protocol.Ledger`.

    Beside what is named there, StoreFailure is raised when the file system refuses, and StoreBusy when a foreign
    program holds the database for ten seconds.
    """

    def __init__(self, path: str) -> None:
        """Take the absolute *path* of the database; nothing is opened before it is needed."""
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._writable = False

    def exists(self) -> bool:
        """Return whether there is a ledger."""
        return os.path.lexists(self._path)

    def create(self, entries: Iterable[Entry], located: Iterable[Located] = ()) -> None:
        """Begin the ledger with *entries*: it gets its name when it is whole."""
        draft = f"{self._path}.draft"
        with self._told():
            self._sweep(draft)
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
            try:
                self._fill(draft, entries, located)
                os.rename(draft, self._path)
            except BaseException:
                self._sweep(draft)
                raise
            folder = os.open(os.path.dirname(self._path), os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def set_aside(self, suffix: str) -> str | None:
        """Rename the ledger, and what SQLite keeps beside it, so that a new one can be made."""
        self.close()
        if not self.exists():
            return None
        kept = f"{self._path}.{suffix}"
        with self._told():
            for companion in ("", *_COMPANIONS):
                with suppress(FileNotFoundError):
                    os.rename(self._path + companion, kept + companion)
        return kept

    def append(self, entries: Sequence[Entry], located: Iterable[Located] = ()) -> None:
        """Add *entries* in one transaction; those whose first is there already are not added again."""
        with self._writing() as connection:
            if entries and not _has(connection, entries[0].id):
                _extend(connection, entries)
            _locate(connection, located)

    def locate(self, located: Iterable[Located], gone: Iterable[str] = ()) -> None:
        """Note which file holds which certificate."""
        with self._writing() as connection:
            _locate(connection, located)
            connection.executemany("DELETE FROM files WHERE path = ?", ((path,) for path in gone))

    def has(self, entry_id: str) -> bool:
        """Return whether the entry with this id is in the ledger."""
        with self._told():
            return _has(self._reading(), entry_id)

    def head(self) -> Head:
        """Return how many entries there are, and digest and time of the last."""
        from easycert.ledger import queries

        with self._told():
            return queries.head(self._reading())

    def entries(self) -> Iterator[Chained]:
        """Yield every entry (without certificates) in its order."""
        from easycert.ledger import queries

        with self._told():
            yield from queries.entries(self._reading())

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

    def revocations(self, issuer_ids: Sequence[str] | None = None) -> list[Revocation]:
        """Return what is revoked, under these issuers only where given."""
        from easycert.ledger import queries

        with self._told():
            return queries.revocations(self._reading(), issuer_ids)

    def last_crl_number(self, issuer_ids: Sequence[str]) -> int:
        """Return the highest number of a CRL published by the CA with these ids; 0 without one."""
        with self._told():
            marks = ",".join("?" * len(issuer_ids))
            rows = self._reading().execute(f"SELECT number FROM crl_numbers WHERE issuer_id IN ({marks})", issuer_ids)
            return max((int(number) for (number,) in rows), default=0)

    def close(self) -> None:
        """Close the database; SQLite then tidies up what lies beside it."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(sqlite3.Error):
                connection.close()

    # --- opening -----------------------------------------------------------------------------------------------------

    def _reading(self) -> sqlite3.Connection:
        if self._connection is None:
            self._writable = os.access(self._path, os.W_OK) and os.access(os.path.dirname(self._path), os.W_OK)
            # Where nothing can be written, neither can the index that readers of a WAL share.
            mode = "mode=rw" if self._writable else "mode=ro&immutable=1"
            self._connection = self._opened(mode)
        return self._connection

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
        if version > len(MIGRATIONS):
            raise LedgerUnusable(
                self._path, f"its version is {version} and this easycert knows {len(MIGRATIONS)}", newer=True
            )
        if version < len(MIGRATIONS) and self._writable:
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

    def _fill(self, draft: str, entries: Iterable[Entry], located: Iterable[Located]) -> None:
        connection = _connected(_uri(draft, "mode=rw"))
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("BEGIN IMMEDIATE")
            from easycert.ledger.upgrade import make_tables

            make_tables(connection)
            _extend(connection, entries)
            _locate(connection, located)
            connection.execute("COMMIT")
        finally:
            connection.close()

    @staticmethod
    def _sweep(draft: str) -> None:
        for companion in ("", *_COMPANIONS):
            with suppress(FileNotFoundError):
                os.unlink(draft + companion)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raise what SQLite and the system say in easycert's words."""
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", None) or "SQLITE_ERROR"
            if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise StoreBusy(self._path, "another program", _PATIENCE) from error
            if name.startswith(_DAMAGE):
                raise LedgerUnusable(self._path, str(error)) from error
            raise StoreFailure(self._path, "use", str(error)) from error
        except OSError as error:
            raise StoreFailure(self._path, "write to", error.strerror or str(error)) from error


def _uri(path: str, mode: str) -> str:
    return f"file:{quote(os.fsencode(path))}?{mode}"


def _connected(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _has(connection: sqlite3.Connection, entry_id: str) -> bool:
    return connection.execute("SELECT 1 FROM entries WHERE id = ?", (entry_id,)).fetchone() is not None


def _extend(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    last = connection.execute("SELECT number, digest FROM entries ORDER BY number DESC LIMIT 1").fetchone()
    number, digest = last or (0, GENESIS)
    for entry in entries:
        number, digest = number + 1, chained(digest, entry)
        _insert(connection, number, entry, digest)
        _APPLY.get(entry.event, _nothing)(connection, number, entry)


def _insert(connection: sqlite3.Connection, number: int, entry: Entry, digest: str) -> None:
    flat = [text for pair in entry.details for text in pair]
    details = f"json_object({','.join('?' * len(flat))})"  # SQLite writes JSON itself: no module to import
    connection.execute(
        f"INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, {details}, ?)",
        (
            number,
            entry.id,
            entry.event.value,
            written_instant(entry.at),
            entry.actor,
            entry.kind,
            entry.name,
            entry.fingerprint,
            *flat,
            digest,
        ),
    )


def _locate(connection: sqlite3.Connection, located: Iterable[Located]) -> None:
    connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", located)


# --- what an entry does to the tables that are derived from the chain -------------------------------------------------


def _nothing(_connection: sqlite3.Connection, _number: int, _entry: Entry) -> None:
    pass


def _bring(connection: sqlite3.Connection, number: int, entry: Entry) -> None:
    """Add the certificate; it takes the place of those of its name, unless the entry says by which it was replaced."""
    facts = facts_of(load_certificate(entry.der, "the certificate in the ledger"))
    replaced_by = entry.detail("replaced_by")
    connection.execute(
        f"INSERT INTO certificates VALUES ({','.join('?' * 22)}) "
        "ON CONFLICT (fingerprint) DO UPDATE SET kind = excluded.kind, name = excluded.name, "
        "replaced_by = excluded.replaced_by",
        (
            *vars(facts).values(),
            entry.kind,
            entry.name,
            *(entry.detail(key) for key in ("origin", "profile", "renewal_of", "waived")),
            written_instant(entry.at),
            entry.actor,
            replaced_by,
            number,
            entry.der,
        ),
    )
    if not replaced_by:
        connection.execute(
            "UPDATE certificates SET replaced_by = ?1 "
            "WHERE kind = ?2 AND name = ?3 AND replaced_by = '' AND fingerprint <> ?1",
            (facts.fingerprint, entry.kind, entry.name),
        )


def _revoke(connection: sqlite3.Connection, _number: int, entry: Entry) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO revocations VALUES (?, ?, ?, ?)",
        tuple(entry.detail(key) for key in ("issuer_id", "serial", "date", "reason")),
    )


def _release(connection: sqlite3.Connection, _number: int, entry: Entry) -> None:
    revoked = entry.detail("issuer_id"), entry.detail("serial")
    connection.execute("DELETE FROM revocations WHERE issuer_id = ? AND serial = ?", revoked)


def _publish(connection: sqlite3.Connection, _number: int, entry: Entry) -> None:
    issuer, number = entry.detail("issuer_id"), int(entry.detail("number"))
    row = connection.execute("SELECT number FROM crl_numbers WHERE issuer_id = ?", (issuer,)).fetchone()
    highest = max(number, int(row[0]) if row else 0)
    connection.execute("INSERT OR REPLACE INTO crl_numbers VALUES (?, ?)", (issuer, str(highest)))


_APPLY = {
    **dict.fromkeys(BRINGS_CERTIFICATE, _bring),
    Event.REVOKED: _revoke,
    Event.RELEASED: _release,
    Event.PUBLISHED: _publish,
}
