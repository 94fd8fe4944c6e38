"""Directories to back up, and what is in one: everything that a backup must keep."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from easycert.certdir import CertDir
from easycert.workflows.backup import Backup, BackupRequest
from easycert.workflows.backup import backup as backed_up
from easycert.workflows.restore import Restored, RestoreRequest, Verified
from easycert.workflows.restore import restore as restored
from easycert.workflows.restore import verify as verified

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PASSPHRASE = b"correct horse"


class Seen(NamedTuple):
    """One path as it is: form, mode, time, content or target, and the other names of the same file."""

    mode: int
    mtime_ns: int
    content: bytes
    names: frozenset[str]


def seen(top: Path) -> dict[str, Seen]:
    """Return everything in *top*, itself included."""
    found: dict[str, tuple[Path, os.stat_result]] = {}
    inodes: dict[int, set[str]] = {}
    for folder, _, _ in os.walk(top):
        for name in ["", *os.listdir(folder)]:
            path = Path(folder, name)
            relative = os.path.relpath(path, top)
            found[relative] = path, path.lstat()
            inodes.setdefault(path.lstat().st_ino, set()).add(relative)
    return {
        name: Seen(status.st_mode, status.st_mtime_ns, _content(path), frozenset(inodes[status.st_ino]))
        for name, (path, status) in found.items()
    }


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return os.fsencode(os.readlink(path))
    return path.read_bytes() if path.is_file() else b""


def backup(source: Path, destination: Path, **fields: Any) -> Backup:
    """Back up *source* at NOW."""
    certdir = CertDir.open(source.parent / "no-certificates")
    certdir.now = lambda: NOW  # type: ignore[method-assign]
    return backed_up(certdir, BackupRequest(str(source), str(destination), **fields), _unseen)


def restore(source: Path, destination: Path, passphrase: bytes | None = None) -> Restored:
    """Restore *source*."""
    return restored(RestoreRequest(str(source), str(destination), passphrase), _unseen)


def verify(path: Path, passphrase: bytes | None = None) -> Verified:
    """Verify the backup *path*."""
    return verified(str(path), passphrase, _unseen)


def _unseen(_done: int, _total: int) -> None:
    pass


def lmdb_in(folder: Path, count: int = 300, *, lock: bool = True) -> Path:
    """Make an LMDB environment, by a process of its own as LMDB wants it, with *count* values."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    run_child(
        "import lmdb, sys\n"
        "environment = lmdb.open(sys.argv[1], map_size=1 << 26, max_dbs=4)\n"
        "for part in range(3):\n"
        "    with environment.begin(write=True, db=environment.open_db(b'part')) as change:\n"
        "        for number in range(int(sys.argv[2])): change.put(b'%d' % number, b'%d' % number * 40)\n",
        str(folder),
        str(count),
    )
    if not lock:
        (folder / "lock.mdb").unlink()
    return folder


def lmdb_values(folder: Path) -> dict[bytes, bytes]:
    """Return what is in the LMDB environment *folder*."""
    told = run_child(
        "import lmdb, sys\n"
        "environment = lmdb.open(sys.argv[1], max_dbs=4, lock=False, readonly=True)\n"
        "with environment.begin(db=environment.open_db(b'part', create=False)) as look:\n"
        "    print(dict((k, v) for k, v in look.cursor()))\n",
        str(folder),
    )
    values: dict[bytes, bytes] = eval(told)
    return values


def run_child(program: str, *arguments: str) -> str:
    """Run a Python program, and return what it prints."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sqlite_in(path: Path, *, wal: bool = True) -> Path:
    """Make a SQLite database with one row."""
    with closing(sqlite3.connect(path)) as database:
        if wal:
            database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE item (number INTEGER)")
        database.execute("INSERT INTO item VALUES (1)")
        database.commit()
    return path


def sqlite_rows(path: Path) -> list[int]:
    """Return the rows of a database, which must be sound."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in database.execute("SELECT number FROM item ORDER BY number")]


def is_sparse(path: Path) -> bool:
    """Return whether a file takes less room than it is long."""
    status = path.stat()
    return status.st_blocks * 512 < status.st_size and stat.S_ISREG(status.st_mode)
