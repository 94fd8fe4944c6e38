"""The steps of a store, taken, taken back and written for a shell; and the programs that they run."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import TrustStoreUnusable
from easycert.trust.children import Children
from easycert.trust.steps import Delete, Directory, Place, Run, as_shell, take
from tests.daemons import wait_until

PEM = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
CHILDREN = Children({"PATH": os.environ["PATH"], "EASYCERT_PASSPHRASE": "secret", "LC_MESSAGES": "de_DE"})
FAILING = Run(("false",))


def test_a_placed_file_is_readable_for_everyone_and_nothing_else_is_left(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        take([Place(str(tmp_path / "a.crt"), PEM, None)], "store", CHILDREN)
    finally:
        os.umask(old)
    assert [path.name for path in tmp_path.iterdir()] == ["a.crt"]
    assert stat.S_IMODE((tmp_path / "a.crt").stat().st_mode) == 0o644


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.crt").write_text("somebody's")
    with pytest.raises(TrustStoreUnusable, match="File exists"):
        take([Place(str(tmp_path / "a.crt"), PEM, None)], "store", CHILDREN)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["somebody's"]


def test_files_are_as_before_when_the_program_behind_them_fails(tmp_path: Path) -> None:
    (tmp_path / "old.crt").write_bytes(PEM)
    steps = [Place(str(tmp_path / "new.crt"), PEM, None), Delete(str(tmp_path / "old.crt"), PEM), FAILING]
    with pytest.raises(TrustStoreUnusable, match=r"^store: false ended with exit status 1"):
        take(steps, "store", CHILDREN)
    assert [path.name for path in tmp_path.iterdir()] == ["old.crt"]


@pytest.mark.parametrize("step", ["place", "delete"])
def test_the_draft_of_one_who_was_killed_is_swept_by_the_next(tmp_path: Path, step: str) -> None:
    killed, not_ours, written = (tmp_path / name for name in (f".easycert-{'0' * 12}", ".easycert-mine", "a.crt"))
    killed.write_bytes(PEM)
    not_ours.write_bytes(PEM)
    if step == "delete":
        written.write_bytes(PEM)
    take([Place(str(written), PEM, None) if step == "place" else Delete(str(written), PEM)], "store", CHILDREN)
    left = [not_ours.name, *(["a.crt"] if step == "place" else [])]
    assert sorted(path.name for path in tmp_path.iterdir()) == left


def test_a_draft_that_somebody_is_at_stays(tmp_path: Path) -> None:
    draft = tmp_path / f".easycert-{'0' * 12}"
    with draft.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        take([Place(str(tmp_path / "a.crt"), PEM, None)], "store", CHILDREN)
    assert draft.exists()


def test_who_is_killed_in_the_middle_leaves_nothing_behind_the_next_step(tmp_path: Path) -> None:
    """Killed where a draft is there and the file is not."""
    script = (
        "import os, signal, sys\n"
        "from easycert.trust import steps\n"
        "os.link = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "steps.take([steps.Place(sys.argv[1], b'PEM', None)], 'store', None)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.crt")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    take([Place(str(tmp_path / "a.crt"), PEM, None)], "store", CHILDREN)
    assert [path.name for path in tmp_path.iterdir()] == ["a.crt"]


def test_a_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    take([Directory(str(tmp_path / "a" / "b"))], "store", CHILDREN)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_bash_reads_each_word_as_it_was_meant(word: str) -> None:
    line = as_shell(Run(("printf", "%s", word)))
    assert line.isprintable()
    assert subprocess.run(["bash", "-c", line], check=True, capture_output=True).stdout == word.encode()


def test_a_path_that_begins_with_a_hyphen_is_no_option() -> None:
    assert as_shell(Place("-x", PEM, "-y")) == "install -m 644 ./-y ./-x"
    assert as_shell(Delete("-rf", PEM), sudo=True) == "sudo rm ./-rf"


def test_a_certificate_without_a_file_is_written_into_the_line(tmp_path: Path) -> None:
    path = tmp_path / "it's.crt"
    subprocess.run(["sh", "-c", as_shell(Place(str(path), PEM, None))], check=True)
    assert path.read_bytes() == PEM


def test_a_program_reads_what_it_is_given_and_no_secret_of_ours() -> None:
    script = "import os, sys; print(sys.stdin.read(), sorted(os.environ))"
    ran = CHILDREN.run([sys.executable, "-c", script], stdin=PEM, variables={"MORE": "1"})
    assert PEM in ran.stdout.replace(b"\r", b"")
    assert b"MORE" in ran.stdout
    assert b"LC_ALL" in ran.stdout
    assert b"PASSPHRASE" not in ran.stdout
    assert b"LC_MESSAGES" not in ran.stdout


def test_a_program_that_reads_nothing_is_no_failure() -> None:
    assert CHILDREN.run(["true"], stdin=PEM * 10_000).code == 0


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(TrustStoreUnusable, match=r"^no-such-program: the program is not there"):
        CHILDREN.run(["no-such-program"])


def test_programs_for_the_superuser_are_found_without_its_path() -> None:
    assert Children({"PATH": "/nowhere"}).find("ldconfig") == "/usr/sbin/ldconfig"


def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(TrustStoreUnusable, match=r"it took more than 3 s and was ended"):
        CHILDREN.run(["sh", "-c", f"sleep 1000 & echo $! > {pid}; wait"], timeout=3)
    wait_until(lambda: _has_ended(pid.read_text().strip()), lambda: "what it started goes on")


def _has_ended(pid: str) -> bool:
    """Return whether there is no such process, or one that waits for process 1, which reaps it in its own time."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_an_interrupt_ends_the_program_too(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def interrupt() -> None:
        fifo.read_text()  # the program has begun
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        CHILDREN.run(["sh", "-c", f"echo $$ > {fifo}; exec sleep 1000"])
