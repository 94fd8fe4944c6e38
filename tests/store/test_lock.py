"""One writer at a time, between real processes that talk through pipes."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from easycert.errors import AlreadyExists, StoreBusy
from easycert.store.files import FileStore
from easycert.store.layout import Entry
from tests.store.examples import KEY, save, save_pair

HOLDER = """
import sys
from easycert.store.files import FileStore
from easycert.store.layout import Entry
with FileStore([sys.argv[1]]).transaction() as transaction:
    transaction.create(Entry("hosts", "held.key"), b"held", private=True)
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(certdir: Path) -> Iterator[subprocess.Popen[str]]:
    """Return another process that is in the middle of a transaction until it is sent a line."""
    child = [sys.executable, "-c", HOLDER, str(certdir)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(child, stdin=-1, stdout=-1, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def finish(holder: subprocess.Popen[str]) -> None:
    holder.communicate("go on\n")
    assert holder.returncode == 0


def test_who_waits_in_vain_is_told_who_holds_it(store: FileStore, certdir: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(StoreBusy) as caught:
        save_pair(store)
    assert caught.value.path == str(certdir)
    assert caught.value.holder.startswith(f"pid {holder.pid} (-c {certdir}, since 2")
    assert caught.value.waited == 0
    finish(holder)
    assert [entry.filename for entry in store.entries("hosts")] == ["held.key"]


def test_who_waits_goes_on_when_the_holder_is_done(
    store: FileStore, certdir: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: finish(holder) if holder.returncode is None else None)
    save_pair(FileStore([str(certdir)], lock_timeout=10))
    assert len(store.entries("hosts")) == 3


def test_a_killed_holder_holds_nothing(store: FileStore, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    save_pair(store)
    assert [entry.filename for entry in store.entries("hosts")] == ["www.crt", "www.key"]


def test_readers_need_no_lock(store: FileStore, certdir: Path, holder: subprocess.Popen[str]) -> None:
    (certdir / ".easycert/journal/0123456789abcdef").mkdir()
    assert store.read(KEY) is None
    assert (certdir / ".easycert/journal/0123456789abcdef").exists()


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(
    store: FileStore, certdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two processes could each hold a lock, one of them on a file that nobody else can see."""
    locked: list[int] = []
    flock = fcntl.flock

    def remove_at_first(descriptor: int, operation: int) -> None:
        flock(descriptor, operation)
        if not locked:
            (certdir / ".easycert/lock").unlink()
        locked.append(operation)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", remove_at_first)
        save_pair(FileStore([str(certdir)], lock_timeout=1))
    assert locked.count(fcntl.LOCK_EX | fcntl.LOCK_NB) == 2
    assert (certdir / ".easycert/lock").exists()


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # pytest-xdist has threads
def test_many_processes_that_make_the_same_name_make_it_once(certdir: Path) -> None:
    """And many that make names of their own all succeed."""
    children = []
    for number in range(8):
        if (child := os.fork()) == 0:
            try:
                store = FileStore([str(certdir)])
                save(store, Entry("hosts", f"{number}.crt"))
                save(store, KEY, b"%d" % number)
                os._exit(0)
            except AlreadyExists:
                os._exit(1)
            except BaseException:
                os._exit(2)
        children.append(child)
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    assert codes == [0] + 7 * [1]
    assert len(FileStore([str(certdir)]).entries("hosts")) == 9
