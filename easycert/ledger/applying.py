"""What an entry does to the ledger in SQLite: to the chain, and to the tables that are derived from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from easycert.ledger.entries import BRINGS_CERTIFICATE, GENESIS, Entry, Event, Located, chained, written_instant
from easycert.pki.certificates import load_certificate
from easycert.pki.facts import Facts, facts_of

#: Among so many of the newest entries the latest time is looked for: a clock that is behind is noticed for that long.
LATELY = 200
_NO_FACTS: Mapping[str, Facts] = {}


def has(connection: sqlite3.Connection, entry_id: str) -> bool:
    """Return whether the entry with this id is there."""
    return connection.execute("SELECT 1 FROM entries WHERE id = ?", (entry_id,)).fetchone() is not None


def extend(connection: sqlite3.Connection, entries: Iterable[Entry], facts: Mapping[str, Facts] = _NO_FACTS) -> str:
    """Add *entries*, in the caller's transaction; return the latest time among those before them, "" without any.

    *facts* are those of certificates, by fingerprint, that the caller knows already.
    """
    last = connection.execute("SELECT number, digest FROM entries ORDER BY number DESC LIMIT 1").fetchone()
    number, digest = last or (0, GENESIS)
    (latest,) = connection.execute("SELECT max(at) FROM entries WHERE number > ?", (number - LATELY,)).fetchone()
    for entry in entries:
        number, digest = number + 1, chained(digest, entry)
        _insert(connection, number, entry, digest)
        if entry.event in BRINGS_CERTIFICATE:
            _bring(connection, number, entry, facts.get(entry.fingerprint))
        else:
            _APPLY.get(entry.event, _nothing)(connection, entry)
    return latest or ""


def locate(connection: sqlite3.Connection, located: Iterable[Located], gone: Iterable[str] = ()) -> None:
    """Note which file holds which certificate, and which hold none any more, in the caller's transaction."""
    connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", located)
    connection.executemany("DELETE FROM files WHERE path = ?", ((path,) for path in gone))


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


def _bring(connection: sqlite3.Connection, number: int, entry: Entry, known: Facts | None) -> None:
    """Add the certificate; it takes the place of those of its name, unless the entry says by which it was replaced."""
    facts = known or facts_of(load_certificate(entry.der, "the certificate in the ledger"))
    if facts.fingerprint != entry.fingerprint:
        raise ValueError("an entry brings another certificate than the one that it names")
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
            entry.detail("at") or written_instant(entry.at),
            entry.detail("actor") or entry.actor,
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


def _nothing(_connection: sqlite3.Connection, _entry: Entry) -> None:
    pass


def _revoke(connection: sqlite3.Connection, entry: Entry) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO revocations VALUES (?, ?, ?, ?)",
        tuple(entry.detail(key) for key in ("issuer_id", "serial", "date", "reason")),
    )


def _release(connection: sqlite3.Connection, entry: Entry) -> None:
    revoked = entry.detail("issuer_id"), entry.detail("serial")
    connection.execute("DELETE FROM revocations WHERE issuer_id = ? AND serial = ?", revoked)


def _publish(connection: sqlite3.Connection, entry: Entry) -> None:
    issuer, number = entry.detail("issuer_id"), int(entry.detail("number"))
    row = connection.execute("SELECT number FROM crl_numbers WHERE issuer_id = ?", (issuer,)).fetchone()
    highest = max(number, int(row[0]) if row else 0)
    connection.execute("INSERT OR REPLACE INTO crl_numbers VALUES (?, ?)", (issuer, str(highest)))


def _export(connection: sqlite3.Connection, entry: Entry) -> None:
    from easycert.ledger.records import export_of  # few commands write to other places

    export = export_of(entry)
    connection.execute(f"INSERT OR REPLACE INTO exports VALUES ({','.join('?' * len(export))})", export)


def _forget(connection: sqlite3.Connection, entry: Entry) -> None:
    from easycert.ledger.records import export_of

    question = "DELETE FROM exports WHERE destination = ? AND recipe = ? AND kind = ? AND name = ?"
    connection.execute(question, export_of(entry).key)


_APPLY = {
    Event.REVOKED: _revoke,
    Event.RELEASED: _release,
    Event.PUBLISHED: _publish,
    Event.EXPORTED: _export,
    Event.FORGOTTEN: _forget,
}
