"""What the ledger in SQLite is asked: plain SELECTs, and rows as the records of :mod:`easycert.ledger.records`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence

from easycert.errors import LedgerUnusable
from easycert.ledger.entries import GENESIS, Located, entry_of
from easycert.ledger.records import Chained, Counts, Export, Head, Index, Indexed, Order, Query, Record, Revocation, Row

_COLUMNS = ", ".join(f"c.{field}" for field in Record._fields[:-2])
_RECORD = f"{_COLUMNS}, coalesce(r.at, ''), coalesce(r.reason, '')"
_JOINED = "certificates c LEFT JOIN revocations r ON r.issuer_id = c.issuer_id AND r.serial = c.serial"


def head(connection: sqlite3.Connection) -> Head:
    """Return the end of the chain."""
    row = connection.execute("SELECT number, digest, at FROM entries ORDER BY number DESC LIMIT 1").fetchone()
    return Head(*(row or (0, GENESIS, "")))


def rows(connection: sqlite3.Connection, *, backwards: bool = False) -> Iterator[Row]:
    """Yield every entry as it stands, in its order, or in the opposite one."""
    for number, digest, details, *parts in connection.execute(
        "SELECT number, digest, details, id, event, at, actor, kind, name, fingerprint FROM entries "
        f"ORDER BY number {'DESC' if backwards else 'ASC'}"
    ):
        yield Row(number, str(digest), (*map(str, parts), *_flat(details)))


def entries(connection: sqlite3.Connection, backwards: bool, path: str) -> Iterator[Chained]:
    """Yield every entry in its order. Raises LedgerUnusable, which names *path*, for one that is none."""
    for row in rows(connection, backwards=backwards):
        try:
            yield Chained(row.number, entry_of(row.parts), row.digest)
        except ValueError:
            raise LedgerUnusable(path, f"its entry {row.number} cannot be understood") from None


def _flat(details: object) -> Iterator[str]:
    """Yield names and values of details in JSON; what is no such thing as it is, which no digest fits."""
    try:
        for name, value in json.loads(str(details), object_pairs_hook=list):
            yield name
            yield value if isinstance(value, str) else repr(value)
    except (ValueError, TypeError):
        yield str(details)


def records(connection: sqlite3.Connection, query: Query | None) -> list[Record]:
    """Return the certificates that *query* asks for, the newest first."""
    wanted = {} if query is None else {field: value for field, value in query._asdict().items() if value}
    current = wanted.pop("current", False)
    conditions = [f"c.{field} = :{field}" for field in wanted] + ["c.replaced_by = ''"] * bool(current)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = connection.execute(f"SELECT {_RECORD} FROM {_JOINED} {where} ORDER BY c.number DESC", wanted)
    return list(map(Record._make, rows))


def every(connection: sqlite3.Connection, order: Order) -> Iterator[Record]:
    """Yield every certificate in this *order*."""
    # Rows are numbered as they come, and need no sorting: also of a damaged ledger there is something to be read.
    by = {Order.OLDEST: "c.rowid", Order.NEWEST: "c.rowid DESC", Order.FINGERPRINT: "c.fingerprint"}[order]
    return map(Record._make, connection.execute(f"SELECT {_RECORD} FROM {_JOINED} ORDER BY {by}"))


def counts(connection: sqlite3.Connection) -> Counts:
    """Return how much there is."""
    unknown = "NOT EXISTS (SELECT 1 FROM certificates c WHERE c.serial = r.serial AND c.issuer_id = r.issuer_id)"
    row = connection.execute(
        "SELECT (SELECT count(*) FROM certificates), (SELECT count(*) FROM revocations), "
        f"(SELECT count(*) FROM revocations r WHERE {unknown})"
    ).fetchone()
    return Counts._make(row)


def places(connection: sqlite3.Connection) -> Iterator[Located]:
    """Yield every file that is known, by path."""
    return map(Located._make, connection.execute("SELECT * FROM files ORDER BY path"))


def located(connection: sqlite3.Connection) -> list[tuple[Located, Record]]:
    """Return every file that is known, with the record of its certificate."""
    width = len(Located._fields)
    rows = connection.execute(
        f"SELECT f.path, f.fingerprint, f.size, f.mtime_ns, f.inode, {_RECORD} "
        f"FROM files f JOIN {_JOINED} WHERE c.fingerprint = f.fingerprint"
    )
    return [(Located._make(row[:width]), Record._make(row[width:])) for row in rows]


def index(connection: sqlite3.Connection) -> Index:
    """Return for each file its stamp, and what a list needs of its certificate.

    A hundred thousand look-ups of one row each take SQLite twice as long as reading both tables takes us.
    """
    rows = connection.execute(
        f"SELECT {', '.join(Indexed._fields)} FROM certificates "
        "WHERE replaced_by = '' OR fingerprint IN (SELECT fingerprint FROM files)"
    )
    certificates = {row[0]: Indexed._make(row) for row in rows}
    files = connection.execute("SELECT path, fingerprint, size, mtime_ns, inode FROM files")
    return {row[0]: (row[2:], certificates[row[1]]) for row in files if row[1] in certificates}


def revocations(connection: sqlite3.Connection, issuer_ids: Sequence[str] | None) -> list[Revocation]:
    """Return what is revoked, under these issuers only where given."""
    where, values = "", tuple(issuer_ids or ())
    if issuer_ids is not None:
        where = f"WHERE issuer_id IN ({','.join('?' * len(values))})"
    rows = connection.execute(f"SELECT issuer_id, serial, at, reason FROM revocations {where}", values)
    return list(map(Revocation._make, rows))


def revoked_until(connection: sqlite3.Connection, issuer_ids: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield the serial number of each certificate that these issuers have revoked, and when it ends; 0: not known."""
    yield from connection.execute(
        "SELECT r.serial, coalesce(max(c.not_after), 0) FROM revocations r "
        "LEFT JOIN certificates c ON c.serial = r.serial AND c.issuer_id = r.issuer_id "
        f"WHERE r.issuer_id IN ({','.join('?' * len(issuer_ids))}) GROUP BY r.issuer_id, r.serial",
        tuple(issuer_ids),
    )


def exports(connection: sqlite3.Connection) -> list[Export]:
    """Return what was written to other places; an older ledger that could not be brought up to date knows none."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'exports'").fetchone():
        return []
    rows = connection.execute("SELECT * FROM exports ORDER BY destination, recipe, kind, name")
    return [Export._make(row[: len(Export._fields)]) for row in rows]
