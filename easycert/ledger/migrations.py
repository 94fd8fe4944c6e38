"""The ledger's tables, as named steps: each is made in one transaction together with its record.

A ledger's version is the number of steps made so far (``PRAGMA user_version``); the table ``migrations`` says when.
Steps are never edited once released: a change is a new step, told in the changelog under *Automated migrations*.
"""

from __future__ import annotations

#: "easycert" for ``file(1)`` and for us: a database that somebody else made is left alone.
APPLICATION_ID = 0x65617379

_FIRST = (
    """
    CREATE TABLE migrations (
        name TEXT PRIMARY KEY,
        at   TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE entries (
        number      INTEGER PRIMARY KEY,
        id          TEXT NOT NULL UNIQUE,
        event       TEXT NOT NULL,
        at          TEXT NOT NULL,
        actor       TEXT NOT NULL,
        kind        TEXT NOT NULL,
        name        TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        details     TEXT NOT NULL,
        digest      TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE certificates (
        fingerprint TEXT PRIMARY KEY,
        serial      TEXT NOT NULL,
        subject     TEXT NOT NULL,
        issuer      TEXT NOT NULL,
        issuer_id   TEXT NOT NULL,
        self_issued INTEGER NOT NULL,
        not_before  INTEGER NOT NULL,
        not_after   INTEGER NOT NULL,
        key_type    TEXT NOT NULL,
        key_sha256  TEXT NOT NULL,
        sans        TEXT NOT NULL,
        kind        TEXT NOT NULL,
        name        TEXT NOT NULL,
        origin      TEXT NOT NULL,
        profile     TEXT NOT NULL,
        renewal_of  TEXT NOT NULL,
        waived      TEXT NOT NULL,
        at          TEXT NOT NULL,
        actor       TEXT NOT NULL,
        replaced_by TEXT NOT NULL,
        number      INTEGER NOT NULL,
        der         BLOB NOT NULL
    )
    """,
    "CREATE INDEX certificates_by_name ON certificates (name, kind)",
    "CREATE INDEX certificates_by_serial ON certificates (serial)",
    "CREATE INDEX certificates_by_key ON certificates (key_sha256)",
    # Serial numbers that we give are unique under their issuer (RFC 5280 section 4.1.2.2); what came in may not be.
    """
    CREATE UNIQUE INDEX serials_given ON certificates (issuer_id, serial)
        WHERE origin IN ('fresh', 'csr', 'renewal')
    """,
    """
    CREATE TABLE revocations (
        issuer_id TEXT NOT NULL,
        serial    TEXT NOT NULL,
        at        TEXT NOT NULL,
        reason    TEXT NOT NULL,
        PRIMARY KEY (issuer_id, serial)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE crl_numbers (
        issuer_id TEXT PRIMARY KEY,
        number    TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE files (
        path        TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL,
        size        INTEGER NOT NULL,
        mtime_ns    INTEGER NOT NULL,
        inode       INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
)

_EXPORTS = (
    """
    CREATE TABLE exports (
        destination     TEXT NOT NULL,
        recipe          TEXT NOT NULL,
        kind            TEXT NOT NULL,
        name            TEXT NOT NULL,
        fingerprint     TEXT NOT NULL,
        owner           TEXT NOT NULL,
        "group"         TEXT NOT NULL,
        hook            TEXT NOT NULL,
        legacy          TEXT NOT NULL,
        passphrase_file TEXT NOT NULL,
        files           TEXT NOT NULL,
        at              TEXT NOT NULL,
        PRIMARY KEY (destination, recipe, kind, name)
    ) WITHOUT ROWID
    """,
)

#: Name and statements of each step, in the order in which they are made.
MIGRATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (("0001-first-tables", _FIRST), ("0002-exports", _EXPORTS))
