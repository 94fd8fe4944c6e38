"""Whoever owns the directory that root makes a copy in, cannot have root do what they could not do themselves."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from easycert.backup import databases, staging
from easycert.backup.attributes import Attributes
from easycert.backup.sinks import Directory
from easycert.backup.staging import PREFIX, Staging
from easycert.errors import BackupRefused
from tests.backup.trees import backup, sqlite_in, sqlite_rows

STRANGER = 65534


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", STRANGER, STRANGER)
    (tmp_path / "victim").mkdir(0o755)
    return tmp_path / "theirs"


def test_a_copy_is_not_led_elsewhere_by_a_link_in_its_place(theirs: Path, tmp_path: Path) -> None:
    with Staging(str(theirs / "copy"), with_manifest=False) as made:
        (grown,) = theirs.glob(f"{PREFIX}*")
        grown.rename(theirs / "elsewhere")
        grown.symlink_to(tmp_path / "victim")
        Directory(made.copy).directory("", Attributes(0o755, 0, STRANGER, STRANGER, {}))
    assert list((tmp_path / "victim").iterdir()) == []
    assert (tmp_path / "victim").stat().st_mode & 0o777 == 0o755


def test_the_mode_of_a_copy_is_not_given_to_what_took_its_place(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def and_replaced(path: str, target: str) -> None:
        os.rename(path, target)
        os.rename(target, theirs / "elsewhere")
        os.symlink(tmp_path / "victim", target)

    monkeypatch.setattr(staging, "rename_to_new", and_replaced)
    with Staging(str(theirs / "copy"), with_manifest=False) as made:
        os.mkdir(made.copy)
        made.place(0o4777)
    assert stat.S_IMODE((tmp_path / "victim").stat().st_mode) == 0o755


def test_what_strangers_left_beside_a_copy_is_not_swept(theirs: Path, tmp_path: Path) -> None:
    left = theirs / f"{PREFIX}0"
    left.mkdir()
    (left / "owner").write_text("")
    os.chown(left, STRANGER, STRANGER)
    staging.sweep(str(theirs))
    assert left.exists()


def test_nothing_is_removed_through_a_link(theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "victim/file").touch()
    (theirs / "link").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match=r"directory|links"):
        staging.remove(str(theirs / "link"))
    assert (tmp_path / "victim/file").exists()


def test_root_backs_up_into_a_directory_of_somebody_else(theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "svc").mkdir()
    (tmp_path / "svc/file").write_text("content")
    backup(tmp_path / "svc", theirs / "copy")
    assert (theirs / "copy/file").read_text() == "content"
    assert [path.name for path in theirs.iterdir() if path.name.startswith(PREFIX)] == []


@pytest.mark.parametrize(("whose", "kept"), [(0, 0o4755), (1, 0o755)], ids=["own", "another's"])
def test_a_program_of_somebody_else_does_not_run_as_whoever_copied_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whose: int, kept: int
) -> None:
    program = tmp_path / "program"
    program.touch()
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    Attributes(0o4755, 0, STRANGER + whose, os.getegid(), {}).give(str(program))
    assert stat.S_IMODE(program.stat().st_mode) == kept


def test_root_copies_no_database_of_another_user_that_took_the_place_of_one(theirs: Path, tmp_path: Path) -> None:
    sqlite_in(tmp_path / "victim/more.db")
    (theirs / "svc").symlink_to(tmp_path / "victim")  # the directory that the database was seen in
    for scratch in ("one", "two"):
        (tmp_path / scratch).mkdir()
    path, target = str(theirs / "svc/more.db"), str(tmp_path / "copy.db")
    with pytest.raises(BackupRefused, match="another user"):
        databases.snapshot(path, target, str(tmp_path / "one"), STRANGER)
    with pytest.raises(BackupRefused, match="another user"):
        databases._copied_apart(path, target, str(tmp_path / "two"), OSError("it is hot"), STRANGER)
    assert not Path(target).exists()
    databases.snapshot(path, target, str(tmp_path / "one"), 0)
    assert sqlite_rows(Path(target)) == sqlite_rows(tmp_path / "victim/more.db")
