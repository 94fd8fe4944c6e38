"""A directory on a file system that is read-only can be looked at, its ledger too (hazard E5)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.doors import Ended, went
from tests.faults import Fault, forked
from tests.workflows.ledgers import ledger_path, opened

pytestmark = pytest.mark.real
READERS = [
    ["list"],
    ["tree"],
    ["show", "a.example"],
    ["verify", "a.example"],
    ["env"],
    ["ledger", "verify"],
    ["ledger", "log", "a.example"],
    ["ledger", "export", "--csv"],
]
WRITERS = [["host", "b.example", "--signas=root"], ["revoke", "a.example"], ["ledger", "rebuild"]]
MOUNTED = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" "$0" && exec "$@"'


@pytest.fixture
def certs() -> Iterator[Path]:
    """Return a certificate directory in use, where every user may look."""
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        path = Path(parent) / "certs"
        assert went("ca", "root", f"--certdir={path}").code == 0
        assert went("host", "a.example", "--signas=root", f"--certdir={path}").code == 0
        yield path


@pytest.fixture(scope="module")
def mounted(need: Callable[[str], str]) -> Callable[[Path, list[str]], Ended]:
    """Return what runs a command in a world of its own in which a directory is on a read-only file system."""
    unshare = [need("unshare"), "--map-root-user", "--mount"]
    with tempfile.TemporaryDirectory() as trial:
        if subprocess.run([*unshare, "sh", "-c", MOUNTED, trial, "true"], capture_output=True, check=False).returncode:
            pytest.skip("this machine lets nobody mount anything")

    def run(certs: Path, command: list[str]) -> Ended:
        argv = [sys.executable, "-m", "easycert", *command, f"--certdir={certs}"]
        return run_in([*unshare, "sh", "-c", MOUNTED, str(certs), *argv])

    return run


Mounted = Callable[[Path, list[str]], Ended]


def run_in(argv: list[str], folder: Path | None = None) -> Ended:
    done = subprocess.run(argv, capture_output=True, check=False, text=True, cwd=folder)
    return Ended(done.returncode, done.stdout, done.stderr)


def contents(certs: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in certs.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_a_read_only_file_system_can_be_looked_at(mounted: Mounted, certs: Path, command: list[str]) -> None:
    before = contents(certs)
    ended = mounted(certs, command)
    assert ended.code == 0, ended
    if command != ["tree"]:  # whose lines depend on where they are drawn
        assert ended == went(*command, f"--certdir={certs}")
    assert contents(certs) == before


@pytest.mark.parametrize("command", WRITERS, ids=" ".join)
def test_a_writer_is_told_that_it_is_read_only(mounted: Mounted, certs: Path, command: list[str]) -> None:
    ended = mounted(certs, command)
    assert ended.code == 1
    assert "Read-only file system" in ended.stderr


def killed_writer(certs: Path) -> None:
    """Have a writer killed when its entry is in the log of the ledger, and not yet in its file."""

    def command() -> None:
        with opened(certs).change() as change:
            change.intend([(("kind", "host"), ("name", "z.example"), ("serial", "07"), ("issuer_id", "aa"))])
            os.kill(os.getpid(), 9)

    assert forked(command, Fault("none")).killed
    assert ledger_path(certs).with_name("ledger.sqlite-wal").stat().st_size > 0


def test_what_a_killed_command_recorded_last_is_read_too(mounted: Mounted, certs: Path) -> None:
    killed_writer(certs)
    ended = mounted(certs, ["ledger", "verify"])
    assert ended.code == 0, ended
    assert "meant, and never recorded as signed: host z.example, serial 07" in ended.stdout


def test_where_that_cannot_be_read_it_is_said_and_the_files_are_looked_at(mounted: Mounted, certs: Path) -> None:
    killed_writer(certs)
    ledger_path(certs).with_name("ledger.sqlite-shm").unlink()
    ended = mounted(certs, ["ledger", "verify"])
    assert ended.code == 1
    assert "ledger.sqlite-wal: its index is gone, and can be made anew only where easycert may write" in ended.stderr
    ended = mounted(certs, ["list"])
    assert ended.code == 0
    assert "a.example" in ended.stdout


def test_another_user_who_may_not_read_the_ledger_looks_at_the_files(need: Callable[[str], str], certs: Path) -> None:
    if os.getuid():
        pytest.skip("only root can become another user")
    for folder, _, files in os.walk(certs):
        os.chmod(folder, 0o755)
        for name in files:
            if name.endswith(".crt"):
                os.chmod(os.path.join(folder, name), 0o644)
    somewhere = Path(tempfile.mkdtemp(dir=certs.parent))
    shutil.copytree(Path(__file__).parents[2] / "easycert", somewhere / "easycert")
    become = [need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    somewhere.chmod(0o755)

    def run(*command: str) -> Ended:
        return run_in([*become, sys.executable, "-m", "easycert", *command, f"--certdir={certs}"], somewhere)

    if run("list", "--help").code:
        pytest.skip("another user cannot run the Python of this environment")
    for command in (["list"], ["tree"], ["show", "a.example"], ["verify", "a.example"]):
        ended = run(*command)
        assert ended.code == 0, ended
        assert "a.example" in ended.stdout
    ended = run("ledger", "verify")
    assert ended.code == 1
    assert ended.stderr.count("error: ") == 1
    assert run("host", "b.example", "--signas=root").code == 1
