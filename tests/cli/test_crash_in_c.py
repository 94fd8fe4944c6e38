"""Whole commands killed, or failed, inside SQLite as well: at every system call that changes a file.

``test_crash.py`` stands before Python's calls; here strace stands before the kernel. After each fault the next command
works, files and ledger agree, and the chain is whole.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from easycert.ledger import migrations, sqlite, upgrade
from easycert.pki import keys
from easycert.pki.keys import KeyType
from tests.cli.doors import went
from tests.cli.whole import assert_ledger_agrees, assert_pairs_are_whole
from tests.strace import Call, Ending, broken, recorded, without

pytestmark = [pytest.mark.slow, pytest.mark.real]


class Command(NamedTuple):
    """A command line, and what is done to the directory before."""

    argv: tuple[str, ...]
    prepare: Callable[[Path], object] = lambda certs: None


def without_ledger(certs: Path) -> None:
    shutil.rmtree(certs / ".easycert")


def without_anything(certs: Path) -> None:
    shutil.rmtree(certs)


def damaged(certs: Path) -> None:
    (certs / ".easycert" / "ledger.sqlite").write_bytes(b"no database" * 500)


COMMANDS = {
    "first": Command(("ca", "first"), without_anything),
    "adoption": Command(("host", "b.example", "--signas=root"), without_ledger),
    "host": Command(("host", "b.example", "--signas=root")),
    "replace": Command(("host", "a.example", "--signas=root", "--force")),
    "sign": Command(("sign", "{top}/asked.csr", "--signas=root")),
    "revoke": Command(("revoke", "a.example")),
    "crl": Command(("crl", "root")),
    "import": Command(("import", "{top}/alien.crt", "{top}/alien.key")),
    "flags": Command(("--server", "c.example", "--signas", "root")),
    "rebuild": Command(("ledger", "rebuild")),
    "rebuild damaged": Command(("ledger", "rebuild"), damaged),
}
#: What a full or a dying disk says; an interrupted process is killed.
FAULTS = ("SIGKILL", "ENOSPC", "EIO")


@pytest.fixture(scope="module", autouse=True)
def quick_keys() -> Iterator[None]:
    """Hand out ready-made keys where the flag form would make some of RSA, which takes a second in each run."""
    ready = itertools.cycle([keys.generate(KeyType.RSA2048) for _ in range(2)])
    generate = keys.generate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "generate", lambda kind: next(ready) if kind is KeyType.RSA4096 else generate(kind))
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a certificate directory in use, a request and a stranger's files: copy it."""
    top = tmp_path_factory.mktemp("traced") / "template"
    certs, elsewhere = top / "certs", top.parent / "elsewhere"
    for argv in (
        ["ca", "root"],
        ["host", "a.example", "z.example", "--signas=root"],
        ["revoke", "z.example"],
    ):
        assert went(*argv, f"--certdir={certs}").code == 0
    assert went("csr", "host", "asked.example", f"--certdir={elsewhere}").code == 0
    assert went("host", "alien.example", f"--certdir={elsewhere}").code == 0
    shutil.copy(elsewhere / "hosts" / "asked.example.csr", top / "asked.csr")
    for suffix in ("crt", "key"):
        shutil.copy(elsewhere / "hosts" / f"alien.example.{suffix}", top / f"alien.{suffix}")
    return top


class Runs:
    """Runs of one command, each in a copy of the template, each with a fault at another call."""

    def __init__(self, strace: str, template: Path, parent: Path, command: Command) -> None:
        self._strace = strace
        self._template = template
        self._command = command
        self.top = parent / "run"
        self.certs = self.top / "certs"

    @property
    def argv(self) -> list[str]:
        return [*(part.replace("{top}", str(self.top)) for part in self._command.argv), f"--certdir={self.certs}"]

    def renew(self) -> None:
        shutil.rmtree(self.top, ignore_errors=True)
        shutil.copytree(self._template, self.top, symlinks=True)
        self._command.prepare(self.certs)

    def calls(self) -> list[Call]:
        self.renew()
        return recorded(self._strace, self.argv, self.top)

    def broken(self, call: Call, fault: str) -> Ending:
        self.renew()
        return broken(self._strace, self.argv, call, fault)


@pytest.fixture
def strace(need: Callable[[str], str]) -> str:
    return need("strace")


def assert_works(certs: Path) -> None:
    """Assert that readers and writers go on, whatever happened, and that files and ledger agree."""
    assert went("list", "-q", f"--certdir={certs}").code == 0
    ended = went("ca", "next", f"--certdir={certs}")
    if "ledger rebuild" in ended.stderr:  # the rebuild that was broken was of a damaged one: it can be done again
        assert went("ledger", "rebuild", f"--certdir={certs}").code == 0
        ended = went("ca", "next", f"--certdir={certs}")
    assert ended.code == 0, ended
    assert_pairs_are_whole(certs)
    assert_ledger_agrees(certs)
    there = {path.name for path in (certs / ".easycert").glob("ledger.sqlite*")}
    assert {name for name in there if "replaced" not in name} == {"ledger.sqlite"}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", COMMANDS)
def test_at_whichever_call_a_command_is_broken_files_and_ledger_agree(
    strace: str, template: Path, tmp_path: Path, name: str, fault: str
) -> None:
    runs = Runs(strace, template, tmp_path, COMMANDS[name])
    had_ledger = "rebuild" in name
    met = 0
    calls = runs.calls()
    for call in calls:
        ended = runs.broken(call, fault)
        if not ended.met:  # what is done once all is done may be done in another order
            continue
        met += 1
        assert (ended.code is None) == (fault == "SIGKILL"), (call, ended)
        assert "easycert has a fault" not in ended.printed, (call, ended)
        assert "Traceback" not in ended.printed, (call, ended)
        if ended.code:
            assert ended.printed.count("error: ") + ended.printed.count("ERROR: ") <= 1, (call, ended)
            assert "cannot " in ended.printed, (call, ended)
        if had_ledger:
            assert (runs.certs / ".easycert" / "ledger.sqlite").exists(), "it is replaced in one step"
        if "left out" in ended.printed:  # a file that could not be read, as was said
            assert went("ledger", "rebuild", f"--certdir={runs.certs}").code == 0
        try:
            assert_works(runs.certs)
        except AssertionError as error:
            raise AssertionError(call, ended) from error
    assert met > max(40, len(calls) - 5), "hardly any call was met: is the harness still in the way of them?"


@pytest.mark.parametrize("fault", FAULTS)
def test_an_older_ledger_is_brought_up_to_date_or_stays_as_it_was(
    strace: str, template: Path, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = ("0003-a-test", ("ALTER TABLE files ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'",))
    runs = Runs(strace, template, tmp_path, Command(("ledger", "log")))
    with pytest.MonkeyPatch.context() as future:
        for module in (sqlite, upgrade):
            future.setattr(module, "MIGRATIONS", (*migrations.MIGRATIONS, step))
        calls = runs.calls()
        for call in calls:
            ended = runs.broken(call, fault)
            assert "easycert has a fault" not in ended.printed, (call, ended)
            assert went("ledger", "log", f"--certdir={runs.certs}").code == 0, (call, ended)
            kept = runs.certs / ".easycert" / "ledger.sqlite.before-0003-a-test"
            assert kept.exists(), call
            future.undo()
            kept.rename(runs.certs / ".easycert" / "ledger.sqlite")
            assert went("ledger", "verify", f"--certdir={runs.certs}").code == 0
            for module in (sqlite, upgrade):
                future.setattr(module, "MIGRATIONS", (*migrations.MIGRATIONS, step))
    assert len(calls) > 20


@pytest.mark.parametrize(
    ("name", "error"), [("fcntl", "ENOLCK"), ("fcntl", "EINVAL"), ("mmap", "ENODEV"), ("ftruncate", "EINVAL")]
)
@pytest.mark.parametrize("command", ["host", "adoption", "revoke", "rebuild"])
def test_a_file_system_that_lacks_what_sqlite_needs_is_told_in_one_sentence(
    strace: str, template: Path, tmp_path: Path, command: str, name: str, error: str
) -> None:
    """Hazard E9: no locks, no memory that processes share."""
    runs = Runs(strace, template, tmp_path, COMMANDS[command])
    runs.renew()
    ended = without(strace, runs.argv, name, error)
    assert "easycert has a fault" not in ended.printed
    if ended.code:
        assert ended.code == 1
        assert ended.printed.count("error: ") == 1
    assert_works(runs.certs)
