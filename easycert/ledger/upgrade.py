"""Making the ledger's tables, and bringing an older ledger up to date, a copy of it kept beside it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress

from easycert.errors import LedgerUnusable
from easycert.ledger.migrations import APPLICATION_ID, MIGRATIONS


def make_tables(connection: sqlite3.Connection) -> None:
    """Make all steps in an empty database, inside the caller's transaction."""
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    for version in range(1, len(MIGRATIONS) + 1):
        _step(connection, version)


def upgrade(connection: sqlite3.Connection, path: str, version: int) -> None:
    """Make the steps that the ledger at *path* lacks, each in a transaction of its own, after a copy was kept.

    Two processes may arrive here at once: each step is made by whoever is first, and so is the copy. Raises
    sqlite3.Error, OSError, and LedgerUnusable for a version that there never was.
    """
    if version < 1:
        raise LedgerUnusable(path, f"its version is {version}, which no easycert wrote")
    for following in range(version + 1, len(MIGRATIONS) + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] < following:
                if following == version + 1:
                    _keep_copy(path, f"{path}.before-{MIGRATIONS[version][0]}")
                _step(connection, following)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _step(connection: sqlite3.Connection, version: int) -> None:
    name, statements = MIGRATIONS[version - 1]
    for statement in statements:
        connection.execute(statement)
    connection.execute("INSERT INTO migrations VALUES (?, strftime('%Y-%m-%dT%H:%M:%SZ'))", (name,))
    connection.execute(f"PRAGMA user_version={version}")


def _keep_copy(path: str, kept: str) -> None:
    """Copy the ledger as it was before the transaction that is open: whoever opened it is the only one here."""
    draft = f"{kept}.draft"
    with suppress(FileNotFoundError):
        os.unlink(draft)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    ledger, copy = sqlite3.connect(path), sqlite3.connect(draft)
    try:
        ledger.backup(copy)
    finally:
        copy.close()
        ledger.close()
    os.rename(draft, kept)
