"""Whole commands killed, or failed, at every call that changes a file: pairs are whole or absent, a re-run is truthful.

The store's own sweeps (``tests/store/test_crash.py``) have made files; these are the real commands through both doors.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from easycert.certdir import CertDir
from easycert.model import Kind
from easycert.pki import keys
from easycert.pki.certificates import load_certificate
from easycert.pki.crl import load_crl
from easycert.pki.keys import KeyType
from easycert.store.layout import FOLDERS
from tests.cli.doors import Ended, Snapshot, snapshot, went
from tests.cli.whole import assert_ledger_agrees, assert_pairs_are_whole, pem_to_der
from tests.faults import Fault, Outcome, forked, injected, sweep


class Command(NamedTuple):
    """A command line; the new files it makes, which appear together; what running it again does."""

    argv: Sequence[str]
    makes: tuple[str, ...]
    again: int = 1


SEVERAL = (
    *("cas/sub.key", "cas/sub.crt"),
    *("cas/sub2.key", "cas/sub2.crt"),
    *("cas/sub3.key", "cas/sub3.crt"),
)
COMMANDS = {
    "first ca": Command(["ca", "first"], ("cas/first.key", "cas/first.crt")),
    "cas": Command(["ca", "sub", "sub2", "sub3", "--signas=root"], SEVERAL),
    "host": Command(["host", "b.example", "--signas=root"], ("hosts/b.example.key", "hosts/b.example.crt")),
    "csr": Command(["csr", "user", "bob"], ("users/bob.key", "users/bob.csr")),
    "sign": Command(["sign", "{top}/asked.csr", "--signas=root"], ("hosts/asked.example.crt",)),
    "import": Command(
        ["import", "{top}/alien.crt", "{top}/alien.key"],
        ("hosts/alien.example.key", "hosts/alien.example.crt"),
        again=0,
    ),
    "adopt": Command(
        ["import", "{top}/office"],
        ("cas/other.key", "cas/other.crt", "hosts/o.example.key", "hosts/o.example.crt", "crls/other.crl"),
        again=0,
    ),
    "flags": Command(["--server", "c.example", "--signas", "root"], ("hosts/c.example.key", "hosts/c.example.crt")),
    "flags p12": Command(["--p12", "alice"], ("users/alice.p12",)),
    "crl": Command(["crl", "root"], ("crls/root.crl",), again=0),
    "revoke": Command(["revoke", "a.example", "alice", "--reason=superseded"], ("crls/root.crl",), again=0),
    "ocsp-signer": Command(["ocsp-signer", "--signas=root"], ("ocsp/root-ocsp.key", "ocsp/root-ocsp.crt")),
    "flags crl": Command(["--crl", "root"], ("crls/root.crl",), again=0),
    "flags revoke": Command(["--server", "--revokeas", "root", "a.example"], ("crls/root.crl",), again=0),
    "renew": Command(["renew", "a.example", "alice"], (), again=0),
    "renew and revoke": Command(["renew", "a.example", "alice", "--revoke-old"], (), again=0),
    "renew ca": Command(["renew", "root", "a.example"], (), again=0),
    "rebuild": Command(["ledger", "rebuild"], (), again=0),
    "replace": Command(["host", "a.example", "--signas=root", "--force"], (), again=0),
}


@pytest.fixture(scope="module", autouse=True)
def quick_keys() -> Iterator[None]:
    """Hand out ready-made keys: the flag form's RSA-4096 would take seconds in each of hundreds of runs."""
    ready = itertools.cycle([keys.generate(KeyType.RSA2048) for _ in range(4)])
    really = keys.generate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "generate", lambda kind: next(ready) if kind is KeyType.RSA4096 else really(kind))
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a certificate directory in use, a request and a stranger's files: copy it."""
    top = tmp_path_factory.mktemp("crash") / "template"
    certs, elsewhere = top / "certs", top.parent / "elsewhere"
    for argv in (
        ["ca", "root"],
        ["host", "a.example", "--signas=root"],
        ["user", "alice", "--signas=root"],
    ):
        assert went(*argv, f"--certdir={certs}").code == 0
    assert went("csr", "host", "asked.example", f"--certdir={elsewhere}").code == 0
    assert went("host", "alien.example", f"--certdir={elsewhere}").code == 0
    for path, target in (
        ("asked.example.csr", "asked.csr"),
        ("alien.example.crt", "alien.crt"),
        ("alien.example.key", "alien.key"),
    ):
        shutil.copy(elsewhere / "hosts" / path, top / target)
    adoptable(top / "office", top.parent / "other")
    return top


def adoptable(office: Path, certs: Path) -> None:
    """Make a directory as ``openssl ca`` leaves it: a CA, a host, and a user who was revoked."""
    for argv in (["ca", "other"], ["host", "o.example", "--signas=other"], ["user", "eve", "--signas=other"]):
        assert went(*argv, f"--certdir={certs}").code == 0
    (office / "private").mkdir(parents=True)
    for path in ("cas/other.crt", "hosts/o.example.crt", "users/eve.crt"):
        shutil.copy(certs / path, office)
    for path in ("cas/other.key", "hosts/o.example.key"):
        shutil.copy(certs / path, office / "private")
    eve = load_certificate((office / "eve.crt").read_bytes(), "eve")
    end = f"{eve.not_valid_after_utc:%y%m%d%H%M%SZ}"
    (office / "index.txt").write_text(f"R\t{end}\t260101000000Z\t{eve.serial_number:X}\tunknown\t/CN=eve\n")


class Runs:
    """Runs of one command, each with a fault, each in a copy of the template."""

    def __init__(self, template: Path, parent: Path, command: Command) -> None:
        self.command = command
        self.top = parent / "run"
        self._template = template
        self._renew()
        self.before = snapshot(self.top)

    @property
    def certs(self) -> Path:
        return self.top / "certs"

    def go(self) -> Ended:
        argv = [part.replace("{top}", str(self.top)) for part in self.command.argv]
        return went(*argv, f"--certdir={self.certs}")

    def swept(self, action: str) -> Iterator[Outcome]:
        for outcome in sweep(lambda at: forked(self._must_end_well, Fault(action, at))):
            yield outcome
            self._renew()

    def _must_end_well(self) -> None:
        ended = self.go()
        if "easycert has a fault" in ended.stdout + ended.stderr:
            raise AssertionError(ended)
        if ended.code:
            raise Failed(ended.stderr)

    def _renew(self) -> None:
        shutil.rmtree(self.top, ignore_errors=True)
        shutil.copytree(self._template, self.top, symlinks=True)


def without_ledger(files: Snapshot) -> Snapshot:
    """Return *files* without the ledger: it may have learned what was meant to be signed, before something failed."""
    return {path: seen for path, seen in files.items() if "/ledger.sqlite" not in path}


class Failed(Exception):
    """The command said that it failed."""


@pytest.fixture(params=COMMANDS)
def runs(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Runs:
    return Runs(template, tmp_path, COMMANDS[request.param])


def assert_settled(runs: Runs) -> None:
    """Assert all or nothing, that readers work, and that the same command again succeeds or tells why it need not."""
    assert_pairs_are_whole(runs.certs)
    there = [(runs.certs / path).exists() for path in runs.command.makes]
    assert len(set(there)) <= 1, runs.command.makes
    assert went("list", "-q", f"--certdir={runs.certs}").code == 0
    assert_ledger_agrees(runs.certs)
    with injected(Fault("none")):  # only for its speed
        ended = runs.go()
    if there and all(there) and runs.command.again:
        assert ended.code == runs.command.again
        assert "exist" in ended.stdout + ended.stderr
    else:
        assert ended.code == 0, ended
    assert all((runs.certs / path).exists() for path in runs.command.makes)
    assert_pairs_are_whole(runs.certs)
    assert_ledger_agrees(runs.certs)


def some(*names: str) -> Callable[..., object]:
    """Sweep a few commands always, and all of them when there is time."""
    slow = [pytest.param(name, marks=pytest.mark.slow) for name in COMMANDS if name not in names]
    return pytest.mark.parametrize("runs", [*names, *slow], indirect=True)


@some("cas", "flags revoke", "adopt")
@pytest.mark.parametrize("action", ["kill-before", pytest.param("kill-after", marks=pytest.mark.slow)])
def test_a_killed_command_leaves_whole_pairs_or_none(runs: Runs, action: str) -> None:
    met = 0
    for outcome in runs.swept(action):
        assert outcome.killed == outcome.met
        assert outcome.met or outcome.error == ""
        assert_settled(runs)
        met += outcome.met
    assert met > 5, "the sweep met hardly any call: is the harness still in the way of them?"


@some("host", "import", "renew")
@pytest.mark.parametrize(
    "action", ["ENOSPC", *(pytest.param(name, marks=pytest.mark.slow) for name in ("EIO", "EACCES", "full"))]
)
def test_a_failing_call_fails_the_command_in_one_sentence_and_changes_nothing(runs: Runs, action: str) -> None:
    for outcome in runs.swept(action):
        assert outcome.error in ("", "Failed")
        if outcome.error:
            assert without_ledger(snapshot(runs.top)) == without_ledger(runs.before)
            assert_ledger_agrees(runs.certs)
        assert_settled(runs)


@some("sign")
def test_an_interrupted_command_leaves_whole_pairs_or_none(runs: Runs) -> None:
    for outcome in runs.swept("interrupt"):
        assert outcome.error in ("", "Failed")
        assert_settled(runs)


@pytest.mark.parametrize("runs", COMMANDS, indirect=True)
def test_a_read_only_directory_refuses_the_command_and_stays_as_it_was(runs: Runs) -> None:
    with injected(Fault("read-only")):
        ended = runs.go()
    assert ended.code == 1
    assert "Read-only file system" in ended.stdout + ended.stderr
    assert "easycert has a fault" not in ended.stdout + ended.stderr
    assert snapshot(runs.top) == runs.before


@pytest.mark.parametrize(
    "argv", [["list"], ["tree"], ["show", "a.example"], ["verify", "a.example"], ["verify", "root"]]
)
def test_a_read_only_directory_can_be_looked_at(template: Path, argv: list[str]) -> None:
    with injected(Fault("read-only")) as injector:
        ended = went(*argv, f"--certdir={template / 'certs'}")
    assert ended.code == 0, ended
    assert not injector.met, "a reader changes nothing, so it never asks"


@pytest.mark.parametrize("killed", ["kill-before", "kill-after"])
def test_a_reader_that_may_not_write_reads_on_after_a_crash(template: Path, tmp_path: Path, killed: str) -> None:
    runs = Runs(template, tmp_path, COMMANDS["cas"])
    for at in range(10, 60, 7):
        forked(runs.go, Fault(killed, at))
        with injected(Fault("read-only")):
            assert went("list", "-q", f"--certdir={runs.certs}").code == 0
            assert went("verify", "a.example", f"--certdir={runs.certs}").code == 0


def test_revoking_is_never_lost_once_it_was_said(template: Path, tmp_path: Path) -> None:
    """Killed after any call, the CRL has the entry or the next run adds it; the number never falls."""
    runs = Runs(template, tmp_path, COMMANDS["flags revoke"])
    for outcome in runs.swept("kill-after"):
        assert outcome.killed == outcome.met
        assert went("--server", "--revokeas", "root", "a.example", f"--certdir={runs.certs}").code == 0
        crl = load_crl((runs.certs / "crls/root.crl").read_bytes(), "it")
        certificate = load_certificate((runs.certs / "hosts/a.example.crt").read_bytes(), "it")
        assert [entry.serial_number for entry in crl] == [certificate.serial_number]
        assert_crl_agrees(runs.certs)


def test_a_killed_revocation_is_on_the_crl_and_in_the_ledger_or_in_neither(template: Path, tmp_path: Path) -> None:
    runs = Runs(template, tmp_path, COMMANDS["revoke"])
    for outcome in runs.swept("kill-before"):
        assert outcome.killed == outcome.met
        went("list", "-q", f"--certdir={runs.certs}")  # a reader finishes what is unfinished
        assert_crl_agrees(runs.certs)


def assert_crl_agrees(certs: Path) -> None:
    """Assert that CRL and ledger say the same: all of it or nothing."""
    path = certs / "crls/root.crl"
    listed = {f"{entry.serial_number:040x}" for entry in load_crl(path.read_bytes(), "it")} if path.exists() else set()
    ledger = CertDir.open(certs).ledger
    recorded = {item.serial.zfill(40) for item in ledger.revocations()} if ledger.exists() else set()
    ledger.close()
    assert listed == recorded


def test_a_killed_renewal_leaves_the_old_ones_or_all_successors_with_the_old_ones_revoked(
    template: Path, tmp_path: Path
) -> None:
    """Key, certificate and CRL of all that a run renews change together (hazard E12)."""
    runs = Runs(template, tmp_path, COMMANDS["renew and revoke"])
    places = ("hosts/a.example.crt", "users/alice.crt")
    old = {path: pem_to_der(runs.certs / path) for path in places}
    ended = set()
    for outcome in runs.swept("kill-before"):
        assert outcome.killed == outcome.met
        assert_pairs_are_whole(runs.certs)
        assert_ledger_agrees(runs.certs)
        renewed = {path for path in places if pem_to_der(runs.certs / path) != old[path]}
        assert renewed in (set(), set(places))
        revoked = runs.certs / "crls/root.crl"
        listed = {item.serial_number for item in load_crl(revoked.read_bytes(), "it")} if revoked.exists() else set()
        assert listed == {load_certificate(old[path], path).serial_number for path in renewed}
        ended.add(bool(renewed))
    assert ended == {False, True}, "some kills came before the promise, and some after it"


def test_every_kind_has_a_folder_that_the_sweeps_look_at() -> None:
    assert set(FOLDERS) == set(Kind)
