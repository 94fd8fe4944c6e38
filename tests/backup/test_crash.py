"""Killed, failed or interrupted at any call that changes a file: whole under its final name, or absent; and swept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from easycert.backup.staging import PREFIX, Staging
from easycert.errors import EasycertError
from tests.backup.trees import PASSPHRASE, backup, restore, seen, sqlite_in, verify
from tests.faults import Fault, Outcome, forked, injected, sweep

KINDS = pytest.mark.parametrize("kind", ["plain", "sealed", "restore"])


class Runs:
    """Runs of one command, each with a fault, each into a directory of its own."""

    def __init__(self, top: Path, kind: str) -> None:
        self.top = top
        self.kind = kind
        self.out = top / "out"
        (top / "svc/sub").mkdir(parents=True)
        (top / "svc/file").write_text("content")
        (top / "svc/sub/other").write_text("other")
        (top / "svc/link").symlink_to("file")
        sqlite_in(top / "svc/db")
        backup(top / "svc", top / "done")
        self.before = seen(top / "svc")

    @property
    def passphrase(self) -> bytes | None:
        return PASSPHRASE if self.kind == "sealed" else None

    @property
    def final(self) -> Path:
        return self.out / ("copy.tar.age" if self.kind == "sealed" else "copy")

    def go(self) -> None:
        if self.kind == "restore":
            restore(self.top / "done", self.out / "copy")
        else:
            backup(self.top / "svc", self.out / "copy", passphrase=self.passphrase)

    def swept(self, action: str) -> Iterator[Outcome]:
        for outcome in sweep(lambda at: forked(self.go, Fault(action, at))):
            yield outcome
            remove(self.out)

    def assert_whole_or_absent(self) -> bool:
        """Return whether it is there; what is there is whole."""
        if not os.path.lexists(self.final):
            return False
        if self.kind == "restore":
            assert seen(self.final).keys() == self.before.keys()
        else:
            assert verify(self.final, self.passphrase).differences == ()
        return True

    def left(self) -> set[str]:
        return {path.name for path in self.out.iterdir()}


def remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.fixture
def runs(tmp_path: Path, kind: str) -> Runs:
    (tmp_path / "out").mkdir()
    return Runs(tmp_path, kind)


@KINDS
@pytest.mark.parametrize("action", ["kill-before", pytest.param("kill-after", marks=pytest.mark.slow)])
def test_a_killed_run_leaves_all_or_nothing_and_the_next_one_cleans_up(runs: Runs, action: str) -> None:
    ended = set()
    for outcome in runs.swept(action):
        assert outcome.killed == outcome.met
        is_there = runs.assert_whole_or_absent()
        ended.add(is_there)
        if is_there:
            with Staging(str(runs.out / "another"), with_manifest=False):
                pass
        else:
            runs.go()
            assert runs.assert_whole_or_absent()
        assert runs.left() - {"copy.manifest.json"} == {runs.final.name}
    assert ended == {False, True}


@KINDS
@pytest.mark.parametrize(
    "action", ["full", *(pytest.param(name, marks=pytest.mark.slow) for name in ("EIO", "interrupt"))]
)
def test_a_failing_call_fails_the_command_and_leaves_nothing(runs: Runs, action: str) -> None:
    for outcome in runs.swept(action):
        if runs.assert_whole_or_absent():
            continue
        assert outcome.error
        assert issubclass(_error(outcome.error), (EasycertError, KeyboardInterrupt)), outcome
        if action != "EIO" or not runs.left():  # the call that fails may be the one that takes it away
            assert runs.left() <= set()


def _error(name: str) -> type[BaseException]:
    from easycert import errors

    found: type[BaseException] = getattr(errors, name, None) or getattr(__builtins__, name, None) or KeyboardInterrupt
    return found


@KINDS
def test_a_read_only_place_is_refused(runs: Runs) -> None:
    with injected(Fault("read-only")), pytest.raises(EasycertError):
        runs.go()
    assert runs.left() == set()


def test_a_run_that_is_alive_is_not_swept(tmp_path: Path) -> None:
    with Staging(str(tmp_path / "one"), with_manifest=True) as first:
        with Staging(str(tmp_path / "two"), with_manifest=True):
            assert Path(first.path).is_dir()
        assert Path(first.path).is_dir()
    assert list(tmp_path.iterdir()) == []


def test_what_only_looks_like_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}file").touch()
    (tmp_path / f"{PREFIX}full").mkdir()
    (tmp_path / f"{PREFIX}full/something").touch()
    with Staging(str(tmp_path / "one"), with_manifest=False):
        pass
    assert sorted(path.name for path in tmp_path.rglob("*")) == [f"{PREFIX}file", f"{PREFIX}full", "something"]


def test_somebody_who_is_faster_is_not_overwritten(tmp_path: Path) -> None:
    from easycert.errors import AlreadyExists

    with pytest.raises(AlreadyExists), Staging(str(tmp_path / "one"), with_manifest=True) as staging:
        Path(staging.copy).mkdir()
        Path(staging.manifest).touch()
        (tmp_path / "one").mkdir()
        staging.place(0o755)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
