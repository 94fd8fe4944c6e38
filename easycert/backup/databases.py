"""SQLite databases of a live service, copied by SQLite's own online backup (https://sqlite.org/backup.html)."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
from contextlib import closing, suppress
from urllib.parse import quote

from easycert.backup.headers import HEAD, is_write_ahead
from easycert.errors import BackupRefused, printable

#: How long a writer that holds the whole database is waited for.
_PATIENCE = 30.0
#: How often a database that nobody could lock is copied again because it changed meanwhile.
_ATTEMPTS = 3
_WAL, _JOURNAL = "-wal", "-journal"
_NOT_A_DATABASE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


class NotADatabase(Exception):
    """A file that begins like a SQLite database, but that SQLite itself cannot read."""


def snapshot(path: str, target: str, scratch: str, owner: int) -> None:
    """Copy the database *path*, as it is at one moment, to *target*, which does not exist; alone, without a log.

    *scratch* is a private directory for copies of what only a writer could open. What root reads must belong to
    *owner*: SQLite opens files by their names, and whoever may rename them could have others' files read.

    Raises BackupRefused when SQLite cannot read it, NotADatabase when there is nothing to read, FileNotFoundError when
    it has vanished, and OSError when *target* cannot be written.
    """
    _require_regular(path)
    quiet = is_write_ahead(_head(path)) and not _has_content(path + _WAL)
    if quiet and _copied_undisturbed(path, target, owner):
        return
    try:
        _copy(path, f"{_uri(path)}?mode=ro", target, owner)
    except _Unopened as error:
        _copied_apart(path, target, scratch, error, owner)


class _Unopened(Exception):
    """SQLite cannot read a database without writing: it has to be rolled back, or its log be indexed, first."""


def _copied_undisturbed(path: str, target: str, owner: int) -> bool:
    """Copy a database whose log is empty: all of it is in one file, so nothing is made beside it. False if it changed.

    Whoever begins to write makes the log first; so if there is none afterwards, nobody has written.
    """
    before = _stamp(path)
    _copy(path, f"{_uri(path)}?immutable=1", target, owner)
    if _stamp(path) == before and not _has_content(path + _WAL):
        return True
    os.unlink(target)
    return False


def _copied_apart(path: str, target: str, scratch: str, reason: Exception, owner: int) -> None:
    """Copy the files of a database that only a writer can open, and let SQLite repair that copy.

    So a transaction that a killed service left half written (a hot journal) is rolled back, as the service itself
    would; and where its directory cannot be written to, its log is read.
    """
    apart = os.path.join(scratch, "apart")
    for _ in range(_ATTEMPTS):
        before = _stamp(path), _stamp(path + _WAL), _stamp(path + _JOURNAL)
        for suffix in ("", _WAL, _JOURNAL):
            _copied_file(path + suffix, apart + suffix, owner)
        if (_stamp(path), _stamp(path + _WAL), _stamp(path + _JOURNAL)) == before:
            break
        _removed(apart)
    else:
        raise BackupRefused(path, f"SQLite cannot open it ({printable(reason)}), and it does not stay as it is")
    try:
        _copy(path, _uri(apart), target, os.geteuid())
    except _Unopened as error:
        raise BackupRefused(path, f"SQLite cannot open it: {printable(error)}") from error
    finally:
        _removed(apart)


def _copy(path: str, uri: str, target: str, owner: int) -> None:
    """Copy the database *uri*, which is that of *path*, to *target*."""
    before = _open_files()
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE)) as source:
            _look(source)
            _require_owner(path, [status for number, status in _open_files().items() if number not in before], owner)
            try:
                with closing(sqlite3.connect(_uri(target), uri=True)) as copy:
                    copy.execute("PRAGMA synchronous=OFF")  # all of the backup is made durable at once, in the end
                    source.backup(copy)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
                raise
    except sqlite3.DatabaseError as error:
        if os.path.lexists(target):
            _removed(target)
        if not os.path.exists(path):
            raise FileNotFoundError(path) from error
        if (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _NOT_A_DATABASE:
            raise NotADatabase(str(error)) from error
        raise BackupRefused(path, f"SQLite cannot copy it: {printable(error)}") from error


def _look(source: sqlite3.Connection) -> None:
    """Read something. Raises _Unopened for a database that cannot be read without writing."""
    try:
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            raise _Unopened(str(error)) from error
        raise


def _open_files() -> dict[str, os.stat_result]:
    """Return what this process has open, by descriptor, for root on Linux; nobody else can read files of others."""
    found = {}
    for number in os.listdir("/proc/self/fd") if os.geteuid() == 0 and os.path.isdir("/proc/self/fd") else ():
        with suppress(OSError):  # that of the listing itself is closed again
            found[number] = os.fstat(int(number))
    return found


def _require_owner(path: str, opened: list[os.stat_result], owner: int) -> None:
    if opened and not any(stat.S_ISREG(status.st_mode) and status.st_uid == owner for status in opened):
        raise BackupRefused(path, "a file of another user took its place while it was copied")


def _uri(path: str) -> str:
    return f"file:{quote(os.fsencode(os.path.abspath(path)))}"


def _head(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read(HEAD)


def _require_regular(path: str) -> None:
    """Refuse what SQLite, or a copy, would wait at for ever, or follow to files of others. Raises BackupRefused."""
    for name in (path, path + _WAL, path + _JOURNAL):
        if os.path.lexists(name) and not stat.S_ISREG(os.lstat(name).st_mode):
            raise BackupRefused(name, "it belongs to a SQLite database, and is not a regular file")


def _has_content(path: str) -> bool:
    stamp = _stamp(path)
    return stamp is not None and stamp[0] > 0


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _copied_file(path: str, target: str, owner: int) -> None:
    try:
        with open(path, "rb") as source, open(target, "xb") as copy:
            _require_owner(path, [os.fstat(source.fileno())] if os.geteuid() == 0 else [], owner)
            shutil.copyfileobj(source, copy)
    except FileNotFoundError:
        if not target.endswith((_WAL, _JOURNAL)):
            raise


def _removed(path: str) -> None:
    for suffix in ("", _WAL, _JOURNAL, "-shm"):
        if os.path.lexists(path + suffix):
            os.unlink(path + suffix)
