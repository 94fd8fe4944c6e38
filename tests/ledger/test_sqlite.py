"""What is particular to the ledger in SQLite: one private file, damage is told, an older one is brought up to date."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from easycert.errors import LedgerUnusable, StoreBusy, StoreFailure
from easycert.ledger import migrations, sqlite, upgrade
from easycert.ledger.records import Query
from easycert.ledger.sqlite import SqliteLedger
from tests.faults import Fault, injected
from tests.ledger.examples import exported, issued

THIRD = ("0003-a-test", ("ALTER TABLE entries ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'",))
BROKEN = ("0003-a-test", ("ALTER TABLE entries ADD COLUMN colour TEXT", "ALTER TABLE nothing ADD COLUMN colour TEXT"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite"
    ledger = SqliteLedger(str(path))
    ledger.create([issued("a.example")])
    ledger.close()
    return path


def names(path: Path) -> list[str]:
    ledger = SqliteLedger(str(path))
    try:
        return [record.name for record in ledger.records(Query())]
    finally:
        ledger.close()


def test_only_its_owner_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ledger = SqliteLedger(str(tmp_path / "ledger.sqlite"))
        ledger.create([])
        ledger.append([issued("a.example")])
        assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    finally:
        os.umask(before)


def test_a_closed_one_is_a_single_file_in_wal_mode(path: Path) -> None:
    assert [file.name for file in path.parent.iterdir()] == ["ledger.sqlite"]
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_what_is_appended_is_synced_in_full(path: Path) -> None:
    ledger = SqliteLedger(str(path))
    assert ledger._reading().execute("PRAGMA synchronous").fetchone() == (2,)
    ledger.close()


@pytest.mark.parametrize("data", [b"", b"not a database at all, by far" * 100, b"SQLite format 3\0" + bytes(84)])
def test_one_that_is_damaged_is_refused_and_left_alone(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(LedgerUnusable, match=r"ledger\.sqlite cannot be used"):
        SqliteLedger(str(path)).append([issued("b.example")])
    assert path.read_bytes() == data


def test_half_of_one_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(LedgerUnusable):
        SqliteLedger(str(path)).append([issued("b.example")])


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE entries (number INTEGER)")
    connection.close()
    with pytest.raises(LedgerUnusable, match="not a ledger of easycert"):
        SqliteLedger(str(path)).head()


def test_a_newer_one_says_so_and_stays_as_it_is(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={len(migrations.MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerUnusable, match="its version is 3 and this easycert knows 2") as told:
        SqliteLedger(str(path)).append([issued("b.example")])
    assert told.value.newer
    assert path.read_bytes() == before


def test_an_older_one_is_brought_up_to_date_and_a_copy_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch, THIRD)
    ledger = SqliteLedger(str(path))
    assert ledger._reading().execute("SELECT colour FROM entries").fetchall() == [("blue",)]
    assert ledger._reading().execute("PRAGMA user_version").fetchone() == (3,)
    ledger.close()
    monkeypatch.undo()
    assert names(path.with_name("ledger.sqlite.before-0003-a-test")) == ["a.example"]


def test_each_step_is_recorded_with_its_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch, THIRD)
    ledger = SqliteLedger(str(path))
    rows = ledger._reading().execute("SELECT name, at FROM migrations ORDER BY name").fetchall()
    ledger.close()
    assert [name for name, _ in rows] == ["0001-first-tables", "0002-exports", "0003-a-test"]
    assert all(len(at) == len("2026-03-01T12:00:00Z") for _, at in rows)


def test_a_step_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch, BROKEN)
    with pytest.raises(LedgerUnusable):
        SqliteLedger(str(path)).head()
    monkeypatch.undo()
    assert names(path) == ["a.example"]


def test_a_reader_that_may_not_write_reads_an_older_one_as_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch, THIRD)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert names(path) == ["a.example"]
    assert [file.name for file in path.parent.iterdir()] == ["ledger.sqlite"]


def test_a_foreign_program_that_holds_it_is_waited_for_and_then_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.01)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        SqliteLedger(str(path)).append([issued("b.example")])
    holder.close()


def test_a_ledger_gets_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    ledger = SqliteLedger(str(tmp_path / "ledger.sqlite"))
    with pytest.raises(StoreFailure), injected(Fault("full")):
        ledger.create([issued("a.example")])
    with pytest.raises(LedgerUnusable), ledger.fresh() as draft:
        assert (tmp_path / "ledger.sqlite.draft").exists()
        draft._reading().execute("DROP TABLE entries")
        draft.append([issued("a.example")])
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_of_one_is_in_nobodys_way(tmp_path: Path) -> None:
    for suffix in (".draft", ".draft-wal", ".draft-shm"):
        (tmp_path / f"ledger.sqlite{suffix}").write_bytes(b"left over")
    ledger = SqliteLedger(str(tmp_path / "ledger.sqlite"))
    ledger.create([issued("a.example")])
    ledger.close()
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.sqlite"]


def test_a_directory_whose_name_has_signs_of_a_uri_is_a_directory(tmp_path: Path) -> None:
    folder = tmp_path / "a?mode=memory&b#c%20d"
    folder.mkdir()
    ledger = SqliteLedger(str(folder / "ledger.sqlite"))
    ledger.create([issued("a.example")])
    ledger.close()
    assert names(folder / "ledger.sqlite") == ["a.example"]


def test_hostile_text_stays_text(path: Path) -> None:
    ledger = SqliteLedger(str(path))
    name = "x'); DROP TABLE entries; --"
    ledger.append([issued("b.example")._replace(name=name, details=(("origin", name), (name, '"\\')))])
    assert ledger.records(Query(name=name))[0].origin == name
    assert [item.entry.detail(name) for item in ledger.entries()] == ["", '"\\']
    ledger.close()


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a ledger of the first version, as the easycert of that time made it."""
    path = tmp_path / "first" / "ledger.sqlite"
    path.parent.mkdir()
    with monkeypatch.context() as past:
        for module in (sqlite, upgrade):
            past.setattr(module, "MIGRATIONS", migrations.MIGRATIONS[:1])
        ledger = SqliteLedger(str(path))
        ledger.create([issued("a.example")])
        ledger.close()
    return path


def test_a_ledger_of_the_first_version_learns_of_exports(first: Path) -> None:
    ledger = SqliteLedger(str(first))
    ledger.append([exported("a.example")])
    assert [item.destination for item in ledger.exports()] == ["/srv/tls"]
    assert [record.name for record in ledger.records()] == ["a.example"]
    ledger.close()
    assert names(first.with_name("ledger.sqlite.before-0002-exports")) == ["a.example"]


def test_a_ledger_of_the_first_version_that_may_not_be_written_knows_of_no_exports(
    first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    ledger = SqliteLedger(str(first))
    assert ledger.exports() == []
    ledger.close()


def later(monkeypatch: pytest.MonkeyPatch, step: tuple[str, tuple[str, ...]]) -> None:
    """Put this process into a future in which there is one more migration."""
    for module in (sqlite, upgrade):
        monkeypatch.setattr(module, "MIGRATIONS", (*migrations.MIGRATIONS, step))
