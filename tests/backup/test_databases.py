"""SQLite: a database is copied as it is at one moment, whoever has it open, and however its last writer ended."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from easycert.errors import BackupRefused
from tests.backup.trees import PASSPHRASE, backup, restore, run_child, seen, sqlite_in, sqlite_rows

#: Leaves a transaction that was half written when it died: pages in the database, and what they were in its journal.
DIES = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute(f"PRAGMA journal_mode={sys.argv[2]}")
database.execute("PRAGMA cache_size=5")
database.execute("CREATE TABLE IF NOT EXISTS filler (text)")
database.execute("BEGIN")
database.execute("INSERT INTO item VALUES (2)")
if sys.argv[2] == "wal":
    database.execute("COMMIT")
else:
    for _ in range(200):
        database.execute("INSERT INTO filler VALUES (?)", ("x" * 4000,))
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def svc(tmp_path: Path) -> Path:
    (tmp_path / "svc").mkdir()
    return tmp_path / "svc"


def kill_a_writer(path: Path, mode: str) -> None:
    with pytest.raises(AssertionError):
        run_child(DIES, str(path), mode)


@pytest.mark.parametrize("wal", [True, False], ids=["wal", "journal"])
@pytest.mark.parametrize("passphrase", [None, PASSPHRASE], ids=["plain", "sealed"])
def test_a_database_is_copied_alone_and_its_source_left_as_it_is(
    svc: Path, tmp_path: Path, wal: bool, passphrase: bytes | None
) -> None:
    sqlite_in(svc / "any.name", wal=wal).chmod(0o640)
    before = seen(svc)
    made = backup(svc, tmp_path / "copy", passphrase=passphrase)
    assert seen(svc) == before
    assert made.sqlite == 1
    restore(Path(made.destination), tmp_path / "back", passphrase)
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["any.name"]
    status, was = (tmp_path / "back/any.name").stat(), (svc / "any.name").stat()
    assert (status.st_mode, status.st_mtime_ns) == (was.st_mode, was.st_mtime_ns)
    with closing(sqlite3.connect(tmp_path / "back/any.name")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal" if wal else "delete",)
    assert sqlite_rows(tmp_path / "back/any.name") == [1]


@pytest.mark.parametrize("wal", [True, False], ids=["wal", "journal"])
def test_a_database_that_is_open_is_copied_with_what_is_committed(svc: Path, tmp_path: Path, wal: bool) -> None:
    path = sqlite_in(svc / "db", wal=wal)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("INSERT INTO item VALUES (2)")
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO item VALUES (3)")
        backup(svc, tmp_path / "copy")
        database.execute("COMMIT")
    assert sqlite_rows(tmp_path / "copy/db") == [1, 2]
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["db"]


@pytest.mark.parametrize(("mode", "rows"), [("delete", [1]), ("wal", [1, 2])])
def test_what_a_killed_writer_left_is_rolled_back_or_read_in_the_copy(
    svc: Path, tmp_path: Path, mode: str, rows: list[int]
) -> None:
    kill_a_writer(sqlite_in(svc / "db", wal=False), mode)
    before = seen(svc)
    assert len(before) > 2, "there is a journal beside it"
    made = backup(svc, tmp_path / "copy")
    assert made.sqlite == 1
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["db"]
    assert sqlite_rows(tmp_path / "copy/db") == rows
    if mode == "delete":
        assert seen(svc) == before, "the source is left to whoever it belongs to"


def test_a_database_with_a_log_and_no_index_is_read(svc: Path, tmp_path: Path) -> None:
    kill_a_writer(sqlite_in(svc / "db", wal=False), "wal")
    (svc / "db-shm").unlink()
    backup(svc, tmp_path / "copy")
    assert sqlite_rows(tmp_path / "copy/db") == [1, 2]


def test_a_file_that_only_begins_like_a_database_is_copied_as_it_is(svc: Path, tmp_path: Path) -> None:
    (svc / "odd").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    made = backup(svc, tmp_path / "copy")
    assert (tmp_path / "copy/odd").read_bytes() == (svc / "odd").read_bytes()
    assert "odd begins like a SQLite database and is none" in made.notes[0]


def test_a_name_that_is_not_utf_8_is_no_hindrance(svc: Path, tmp_path: Path) -> None:
    path = Path(os.fsdecode(bytes(svc) + b"/caf\xe9 %41?#.db"))
    sqlite_in(tmp_path / "made", wal=True)
    shutil.move(tmp_path / "made", path)
    backup(svc, tmp_path / "copy")
    assert sqlite_rows(tmp_path / "copy" / path.name) == [1]
    assert (svc / path.name).exists()


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path)], ids=["fifo", "link"])
def test_a_log_that_nobody_can_read_to_its_end_is_refused(
    svc: Path, tmp_path: Path, suffix: str, make: Callable[[str], None]
) -> None:
    sqlite_in(svc / "more.db")
    make(f"{svc}/more.db{suffix}")
    with pytest.raises(BackupRefused, match="not a regular file"):
        backup(svc, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
