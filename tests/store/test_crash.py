"""A command happens wholly or not at all, whichever of its calls that change a file is the last one or fails.

The command: a key and a certificate are made and a CRL is replaced, in a directory that has older files.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from easycert.errors import AlreadyExists
from easycert.store.files import FileStore
from easycert.store.layout import Entry
from tests.faults import Fault, Outcome, forked, injected, sweep

KEY, CERTIFICATE, CRL = Entry("hosts", "new.key"), Entry("hosts", "new.crt"), Entry("crls", "ca.crl")
OLD_KEY, OLD_CERTIFICATE = Entry("hosts", "old.key"), Entry("hosts", "old.crt")
STAGED = [(KEY, b"key" * 100), (CERTIFICATE, b"certificate" * 100), (CRL, b"newer crl" * 100)]
AFTER = dict(STAGED)

#: The command's files as a reader sees them.
Seen = dict[Entry, bytes | None]
#: Everything below a directory: relative path -> mode and bytes.
Snapshot = dict[str, tuple[int, bytes]]


class Run(NamedTuple):
    """The command run once with a fault: where, what was there before, and how it ended."""

    directory: Path
    before: Seen
    whole: Snapshot
    outcome: Outcome

    @property
    def now(self) -> Snapshot:
        return snapshot(self.directory.parent.parent)


def fresh(directory: Path) -> None:
    """There is no certificate directory, nor the one above it."""


def adopted(directory: Path) -> None:
    """Another tool made the directory."""
    for entry, data in [(OLD_KEY, b"old key"), (OLD_CERTIFICATE, b"old certificate"), (CRL, b"older crl")]:
        path = directory / entry.path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        path.write_bytes(data)


def used(directory: Path) -> None:
    """Easycert has written to the directory before."""
    adopted(directory)
    with FileStore([str(directory)]).transaction() as transaction:
        transaction.create(Entry("cas", "ca.key"), b"ca key", private=True)


@pytest.fixture(params=[fresh, adopted, used])
def begin(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Path]:
    """Return a function that makes a new directory to run the command in."""
    template = tmp_path / "template" / "deep" / "certs"
    template.parent.parent.mkdir()
    request.param(template)
    runs = iter(range(10**6))

    def make() -> Path:
        top = tmp_path / f"run{next(runs)}"
        shutil.copytree(template.parent.parent, top, symlinks=True)
        return top / "deep" / "certs"

    return make


@pytest.fixture(autouse=True)
def nothing_is_synced() -> Iterator[None]:
    """Take fsync(2) away, for speed: what a killed process wrote is in the page cache all the same."""
    with injected(Fault("none")):
        yield


@pytest.fixture
def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take hard links away, as FAT and some network file systems do."""

    def link(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)


def command(directory: Path) -> None:
    with FileStore([str(directory)]).transaction() as transaction:
        transaction.create(*STAGED[0], private=True)
        transaction.create(*STAGED[1])
        transaction.replace(*STAGED[2])


def snapshot(top: Path) -> Snapshot:
    def one(path: Path) -> tuple[int, bytes]:
        return path.lstat().st_mode, path.read_bytes() if path.is_file() else b""

    return {str(path.relative_to(top)): one(path) for path in sorted(top.rglob("*"))}


def visible(directory: Path) -> Seen:
    store = FileStore([str(directory)])
    return {entry: store.read(entry) for entry, _ in STAGED}


def runs(begin: Callable[[], Path], action: str) -> Iterator[Run]:
    """Run the command with the fault at each of its calls in turn, each time in a new directory."""
    directory = begin()
    before, whole = visible(directory), snapshot(directory.parent.parent)

    def run(at: int) -> Outcome:
        return forked(lambda: command(directory), Fault(action, at))

    for outcome in sweep(run):
        yield Run(directory, before, whole, outcome)
        directory = begin()


def assert_settled(directory: Path, before: Seen) -> None:
    """Assert that all files are there or none, that nothing is left over, and that the command can be repeated."""
    seen = visible(directory)
    assert seen in (before, AFTER)
    assert list((directory / ".easycert").glob("journal/*")) == []
    if seen == AFTER:
        with pytest.raises(AlreadyExists):
            command(directory)
    else:
        command(directory)
    assert visible(directory) == AFTER
    assert stat.S_IMODE((directory / KEY.path).stat().st_mode) == 0o600
    assert (directory / ".easycert/lock").read_bytes() == b""


@pytest.mark.parametrize("action", ["kill-before", "kill-after"])
def test_a_kill_at_any_call_leaves_all_files_or_none(begin: Callable[[], Path], action: str) -> None:
    outcomes = []
    for run in runs(begin, action):
        assert run.outcome.killed == run.outcome.met
        assert_settled(run.directory, run.before)
        outcomes.append(run.outcome)
    assert len(outcomes) > 20, "the sweep met hardly any call: is the harness still in the way of them?"


@pytest.mark.parametrize("action", ["ENOSPC", "EIO", "full"])
def test_a_failing_call_fails_the_command_and_changes_nothing(begin: Callable[[], Path], action: str) -> None:
    failures = 0
    for run in runs(begin, action):
        assert run.outcome.error in ("", "StoreFailure")
        if run.outcome.error:
            failures += 1
            assert run.now == run.whole
        else:
            assert visible(run.directory) == AFTER
        assert_settled(run.directory, run.before)
    assert failures > 10


@pytest.mark.parametrize("action", ["interrupt", "dead"])
def test_an_interrupt_or_a_dying_disk_leaves_all_files_or_none(begin: Callable[[], Path], action: str) -> None:
    for run in runs(begin, action):
        assert run.outcome.error in ("", "StoreFailure", "KeyboardInterrupt")
        assert_settled(run.directory, run.before)


@pytest.mark.usefixtures("without_links")
@pytest.mark.parametrize("action", ["kill-before", "kill-after", "ENOSPC", "EIO"])
def test_without_hard_links_a_command_still_happens_wholly_or_not_at_all(
    begin: Callable[[], Path], action: str
) -> None:
    for run in runs(begin, action):
        if run.outcome.error:
            assert run.now == run.whole
        assert_settled(run.directory, run.before)


def test_a_reader_that_may_not_write_sees_the_files_in_the_order_they_were_staged(begin: Callable[[], Path]) -> None:
    """So it never sees a certificate without its key, nor half a file, at whatever point the writer was killed."""
    for run in runs(begin, "kill-before"):
        with injected(Fault("read-only")):
            seen = visible(run.directory)
        assert seen in [run.before | dict(STAGED[:placed]) for placed in range(len(STAGED) + 1)]


@pytest.mark.parametrize("action", ["kill-before", "kill-after"])
def test_a_kill_while_a_command_is_undone_leaves_none_of_its_files(tmp_path: Path, action: str) -> None:
    """Another program has been faster with the last file, so the command has to take back the two before it."""
    theirs = tmp_path / "theirs"

    def conflicting(directory: Path) -> None:
        with FileStore([str(directory)]).transaction() as transaction:
            for entry, data in STAGED:
                transaction.create(entry, data)
            os.link(theirs, directory / CRL.path)

    def run(at: int) -> Outcome:
        directory = tmp_path / f"run{at}"
        used(directory)
        (directory / CRL.path).rename(theirs)
        return forked(lambda: conflicting(directory), Fault(action, at))

    for outcome in sweep(run):
        directory = tmp_path / f"run{outcome.at}"
        none = dict.fromkeys(AFTER) | {CRL: b"older crl" if (directory / CRL.path).exists() else None}
        with injected(Fault("read-only")):
            assert visible(directory) in [none | dict(STAGED[:placed]) for placed in range(3)]
        assert visible(directory) == none
        assert list(directory.glob(".easycert/journal/*")) == []
    assert outcome.error == "AlreadyExists"


def test_recovery_that_is_killed_or_fails_is_left_to_the_next_command(begin: Callable[[], Path]) -> None:
    """The first command dies when everything is promised and nothing is in place: the most there is to recover."""
    promised = next(at for at in range(1, 100) if _is_promised(begin, at))
    _disturb_recovery_everywhere(begin, Fault("kill-after", promised))


@pytest.mark.slow
def test_a_kill_anywhere_and_trouble_anywhere_in_recovery_leave_all_files_or_none(begin: Callable[[], Path]) -> None:
    """What a killed command leaves is what lies on the disk: a state is tried once, whatever calls lead to it."""
    tried: list[Snapshot] = []
    for run in runs(begin, "kill-after"):
        if run.now not in tried:
            tried.append(run.now)
            _disturb_recovery_everywhere(begin, Fault("kill-after", run.outcome.at))
    assert len(tried) > 10


def _is_promised(begin: Callable[[], Path], at: int) -> bool:
    directory = begin()
    forked(lambda: command(directory), Fault("kill-after", at))
    return bool(list(directory.glob(".easycert/journal/*/record")))


def _disturb_recovery_everywhere(begin: Callable[[], Path], first: Fault) -> None:
    for action in ("kill-after", "EIO"):  # a kill before a call leaves what a kill after the one before it leaves
        for _ in sweep(lambda at, action=action: _disturbed_twice(begin, first, Fault(action, at))):
            pass


def _disturbed_twice(begin: Callable[[], Path], first: Fault, second: Fault) -> Outcome:
    directory = begin()
    before = visible(directory)
    forked(lambda: command(directory), first)
    promised = list(directory.glob(".easycert/journal/*/record"))
    outcome = forked(lambda: FileStore([str(directory)]).recover(), second)
    if promised:
        assert visible(directory) == AFTER
    assert_settled(directory, before)
    return outcome


def lone(directory: Path) -> None:
    """One new file: the one command that needs no record in the journal."""
    with FileStore([str(directory)]).transaction() as transaction:
        transaction.create(CERTIFICATE, AFTER[CERTIFICATE])


def lone_runs(begin: Callable[[], Path], action: str) -> Iterator[Run]:
    directory = begin()
    before, whole = visible(directory), snapshot(directory.parent.parent)

    def run(at: int) -> Outcome:
        return forked(lambda: lone(directory), Fault(action, at))

    for outcome in sweep(run):
        yield Run(directory, before, whole, outcome)
        directory = begin()


def assert_lone_settled(run: Run) -> None:
    seen = visible(run.directory)
    assert seen in (run.before, run.before | {CERTIFICATE: AFTER[CERTIFICATE]})
    assert list((run.directory / ".easycert").glob("journal/*")) == []
    if seen == run.before:
        lone(run.directory)
    else:
        with pytest.raises(AlreadyExists):
            lone(run.directory)
    assert visible(run.directory)[CERTIFICATE] == AFTER[CERTIFICATE]


@pytest.mark.parametrize("action", ["kill-before", "kill-after"])
def test_a_kill_at_any_call_leaves_a_lone_file_whole_or_absent(begin: Callable[[], Path], action: str) -> None:
    for run in lone_runs(begin, action):
        assert_lone_settled(run)


@pytest.mark.parametrize("action", ["ENOSPC", "EIO", "full"])
def test_a_failing_call_takes_a_lone_file_back(begin: Callable[[], Path], action: str) -> None:
    for run in lone_runs(begin, action):
        if run.outcome.error:
            assert run.now == run.whole
        assert_lone_settled(run)


@pytest.mark.usefixtures("without_links")
@pytest.mark.parametrize("action", ["kill-before", "kill-after", "ENOSPC", "EIO"])
def test_without_hard_links_a_lone_file_is_whole_or_absent_too(begin: Callable[[], Path], action: str) -> None:
    for run in lone_runs(begin, action):
        if run.outcome.error:
            assert run.now == run.whole
        assert_lone_settled(run)
