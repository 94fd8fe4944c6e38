"""How a ledger in SQLite begins, or begins anew: it is filled under another name and put in place when it is whole."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import suppress

from easycert.ledger.upgrade import make_tables

#: What SQLite keeps beside a database.
COMPANIONS = ("-wal", "-shm", "-journal")
_PAGES_IN_MEMORY = -32 * 1024  # KiB: the indexes of a hundred thousand certificates are written in no order
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def draft_of(path: str) -> str:
    """Return where the ledger at *path* is filled; what a killed process left there is in nobody's way."""
    return f"{path}.draft"


def begin(draft: str) -> None:
    """Make the empty file *draft*, which only its owner may read. Raises OSError."""
    sweep(draft)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))


def opened(uri: str, timeout: float) -> sqlite3.Connection:
    """Return a connection to an empty database, with the tables made in it; ``""`` is one that no file has.

    Nothing is synced: until it is finished nobody relies on it. Raises sqlite3.Error.
    """
    connection = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)
    try:
        for pragma in ("journal_mode=MEMORY", "synchronous=OFF", f"cache_size={_PAGES_IN_MEMORY}"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        make_tables(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def finish(connection: sqlite3.Connection | None) -> None:
    """Make what was filled durable, as a database in WAL mode, and close it. Raises sqlite3.Error."""
    assert connection is not None, "a draft is finished by the block that began it"
    try:
        connection.execute("PRAGMA fullfsync=1")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_mode=WAL")  # writes to the file, and so syncs all of it
    finally:
        connection.close()


def put_in_place(path: str, kept: str) -> None:
    """Give the finished draft its name, at once; what had that name before is kept at *kept* if that is given.

    Raises OSError.
    """
    if kept:
        _settle(path)
        _second_name(path, kept)
    for companion in COMPANIONS:  # of a ledger that is damaged or gone; the new one must not be taken for its database
        with suppress(FileNotFoundError):
            if kept:
                os.rename(path + companion, kept + companion)
            else:
                os.unlink(path + companion)
    os.rename(draft_of(path), path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def sweep(draft: str) -> None:
    """Remove a draft and what lies beside it, as far as it is there and can be."""
    for companion in ("", *COMPANIONS):
        with suppress(OSError):
            os.unlink(draft + companion)


def spare(path: str, suffix: str) -> str:
    """Return ``PATH.SUFFIX``, or the first of ``PATH.SUFFIX-2``, ``-3``, ... that is free."""
    candidate, number = f"{path}.{suffix}", 1
    while any(os.path.lexists(candidate + companion) for companion in ("", *COMPANIONS)):
        number += 1
        candidate = f"{path}.{suffix}-{number}"
    return candidate


def _settle(path: str) -> None:
    """Bring everything that SQLite keeps beside a database into its file, as far as it is one."""
    with suppress(sqlite3.Error):
        connection = sqlite3.connect(path, timeout=0)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()


def _second_name(path: str, kept: str) -> None:
    try:
        os.link(path, kept, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.rename(path, kept)
