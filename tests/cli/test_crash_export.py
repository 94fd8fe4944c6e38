"""Exports killed, or failed, at every call that changes a file: the old set, the new one, or one that is named."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from easycert.certdir import CertDir
from tests.cli.doors import Ended, went
from tests.cli.whole import assert_ledger_agrees, assert_pairs_are_whole
from tests.faults import Fault, Outcome, forked, injected

EXPORT = ("export", "a.example", "--for=nginx", "--to={top}/tls", "--hook=echo told >>{top}/told")
RENEW = ("renew", "a.example", "-q")
NAMES = {"ca.pem", "fullchain.pem", "privkey.pem"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a root and a host."""
    top = tmp_path_factory.mktemp("export") / "template"
    for argv in (["ca", "root"], ["host", "a.example", "--signas=root"]):
        assert went(*argv, f"--certdir={top / 'certs'}").code == 0
    return top


class Runs:
    """Runs of one command, each with a fault, each in a copy of the template."""

    def __init__(self, template: Path, parent: Path, command: tuple[str, ...], before: tuple[str, ...] = ()) -> None:
        self.top = parent / "run"
        self._template = template
        self._command = command
        self._before = before
        self.renew()

    @property
    def tls(self) -> Path:
        return self.top / "tls"

    def renew(self) -> None:
        shutil.rmtree(self.top, ignore_errors=True)
        shutil.copytree(self._template, self.top, symlinks=True)
        if self._before:
            assert self.go(*self._before).code == 0

    def go(self, *argv: str) -> Ended:
        words = [word.replace("{top}", str(self.top)) for word in argv or self._command]
        return went(*words, f"--certdir={self.top / 'certs'}")

    def calls(self) -> list[str]:
        """Return the calls that change a file, of a run without a fault."""
        with injected(Fault("none")) as injector:
            assert self.go().code == 0
        self.renew()
        return injector.calls

    def swept(self, action: str, first: int = 1, step: int = 1) -> Iterator[Outcome]:
        """Run with the fault at call *first* and those after it, until a run meets none; yield the outcomes before."""
        for at in count(first, step):
            outcome = forked(self._must_not_break, Fault(action, at))
            if not outcome.met:
                assert at > first + 5, "the sweep met hardly any call: is the harness still in the way of them?"
                return
            yield outcome
            self.renew()

    def _must_not_break(self) -> None:
        ended = self.go()
        assert "easycert has a fault" not in ended.stdout + ended.stderr
        assert ended.code in (0, 1), ended

    def whole(self) -> bool:
        """Return whether the export is as it should be; assert that whatever is not is named."""
        checked = self.go("export", "--check")
        assert checked.code in (0, 5), checked
        assert (checked.code == 5) == bool(checked.stdout)
        return checked.code == 0


def remembered(runs: Runs) -> int:
    ledger = CertDir.open(runs.top / "certs").ledger
    try:
        return len(ledger.exports())
    finally:
        ledger.close()


def assert_settled(runs: Runs) -> None:
    """Assert that the next run of the timer mends what is remembered, and leaves nothing else behind."""
    assert_pairs_are_whole(runs.top / "certs")
    assert_ledger_agrees(runs.top / "certs")
    with injected(Fault("none")):  # only for its speed
        assert runs.go("renew", "--due", "-q").code == 0
    assert runs.whole()
    assert {path.name for path in runs.tls.iterdir()} == NAMES
    assert_ledger_agrees(runs.top / "certs")


@pytest.mark.parametrize("action", ["kill-before", pytest.param("kill-after", marks=pytest.mark.slow)])
def test_a_killed_export_is_not_there_and_not_remembered_or_what_is_missing_is_named(
    template: Path, tmp_path: Path, action: str
) -> None:
    runs = Runs(template, tmp_path, EXPORT)
    seen = set()
    for outcome in runs.swept(action):
        assert outcome.killed
        lying = {path.name for path in runs.tls.iterdir()} if runs.tls.exists() else set()
        there, whole = lying & NAMES, runs.whole()
        if remembered(runs):
            assert whole == (lying == NAMES)
        else:
            assert there == set()
            assert runs.go().code == 0, "it can simply be said again"
        seen.add((remembered(runs), len(there)))
        assert_settled(runs)
    assert len({found for _, found in seen}) > 2, "some kills came between two files"


def after_the_renewal(calls: list[str]) -> int:
    """Return the first call that belongs to what is exported: the one after the journal of the renewal itself."""
    return calls.index("rmdir") + 1


@pytest.mark.parametrize("action", ["kill-before", pytest.param("kill-after", marks=pytest.mark.slow)])
def test_a_renewal_that_is_killed_before_its_export_is_made_good_by_the_next(
    template: Path, tmp_path: Path, action: str
) -> None:
    runs = Runs(template, tmp_path, RENEW, EXPORT)
    states = set()
    for outcome in runs.swept(action, after_the_renewal(runs.calls())):
        assert outcome.killed
        states.add(runs.whole())
        assert_settled(runs)
        assert (runs.top / "told").exists(), "its hook was run, then or now"
    assert states == {False, True} or action == "kill-before"


@pytest.mark.parametrize(
    ("action", "step"),
    [("ENOSPC", 4), pytest.param("ENOSPC", 1, marks=pytest.mark.slow), pytest.param("EIO", 1, marks=pytest.mark.slow)],
)
def test_an_export_that_fails_makes_the_renewal_fail_and_is_made_good_by_the_next(
    template: Path, tmp_path: Path, action: str, step: int
) -> None:
    runs = Runs(template, tmp_path, RENEW, EXPORT)
    for outcome in runs.swept(action, after_the_renewal(runs.calls()), step):
        assert outcome.met
        assert_settled(runs)


def test_what_is_remembered_can_be_looked_at_where_nothing_can_be_written(template: Path, tmp_path: Path) -> None:
    runs = Runs(template, tmp_path, EXPORT, EXPORT)
    for argv, code in (
        (("export", "--check"), 0),
        (("export", "--list"), 0),
        (("renew", "--due", "--dry-run"), 0),
        (("export", "a.example", "--for=fullchain"), 0),
        (("export", "--refresh"), 0),
        (("export", "--forget", "a.example"), 1),
        (("export", "a.example", "--for=pem", "--to={top}/pem"), 1),
    ):
        with injected(Fault("read-only")):
            ended = runs.go(*argv)
        assert ended.code == code, (argv, ended)
        assert "easycert has a fault" not in ended.stderr
    (runs.tls / "ca.pem").unlink()
    with injected(Fault("read-only")):
        ended = runs.go("renew", "--due")
    assert ended.code == 1
    assert "Read-only file system" in ended.stderr
    assert "easycert export a.example --refresh --for nginx --to" in ended.stderr
