"""Files outside of the certificate directory: written at once or not at all, and over nothing that was not meant."""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path

import pytest

from easycert.errors import AlreadyExists, StoreFailure
from easycert.store.outside import require_writable, write_file
from tests.faults import Fault, forked, injected, sweep


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


@pytest.mark.parametrize("replace", [False, True])
def test_a_new_file_is_readable_by_everyone(tmp_path: Path, *, replace: bool) -> None:
    write_file(str(tmp_path / "a.crl"), b"data", replace=replace)
    assert (tmp_path / "a.crl").read_bytes() == b"data"
    assert stat.S_IMODE((tmp_path / "a.crl").stat().st_mode) == 0o644
    assert names(tmp_path) == ["a.crl"]


def test_a_file_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.crl"
    path.write_bytes(b"old")
    with pytest.raises(AlreadyExists):
        write_file(str(path), b"new", replace=False)
    assert path.read_bytes() == b"old"
    write_file(str(path), b"new", replace=True)
    assert path.read_bytes() == b"new"


def test_a_relative_path_is_taken_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_file("a.crl", b"data", replace=False)
    assert names(tmp_path) == ["a.crl"]


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "link", "pipe"):
        with pytest.raises(StoreFailure, match="not a regular file"):
            write_file(str(tmp_path / name), b"data", replace=True)
    assert names(tmp_path) == ["folder", "link", "pipe"]


@pytest.mark.parametrize("path", ["missing/a.crl", "nul\0.crl", "x" * 300])
def test_a_path_that_cannot_be_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(StoreFailure):
        write_file(str(tmp_path / path), b"data", replace=True)
    with pytest.raises(StoreFailure):
        require_writable(str(tmp_path / path / "a"), replace=True)
    assert names(tmp_path) == []


def test_a_failure_at_any_call_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.crl"
    path.write_bytes(b"old")
    replace = partial(write_file, str(path), b"new", replace=True)
    for outcome in sweep(lambda at: forked(replace, Fault("ENOSPC", at))):
        assert outcome.error in ("", "StoreFailure")
        assert path.read_bytes() in (b"old", b"new")
        assert names(tmp_path) == ["a.crl"]


def test_killed_at_any_call_the_file_is_old_or_new(tmp_path: Path) -> None:
    path = tmp_path / "a.crl"
    path.write_bytes(b"old")
    for outcome in sweep(
        lambda at: forked(lambda: write_file(str(path), b"new", replace=True), Fault("kill-after", at))
    ):
        assert outcome.killed == outcome.met
        assert path.read_bytes() in (b"old", b"new")


def test_a_read_only_file_system_is_said(tmp_path: Path) -> None:
    with injected(Fault("read-only")), pytest.raises(StoreFailure, match="Read-only"):
        write_file(str(tmp_path / "a.crl"), b"data", replace=True)
