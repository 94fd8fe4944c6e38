"""What the subcommands print, on which stream, and their exit codes: one transcript per topic, each one a test.

They are written to be read: ``tests/cli/transcripts/subcommands``; ``tests/cli/session.py`` says how to write them. The
clock stands still, in March 2026 unless they set it, so dates are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from easycert.certdir import CertDir
from easycert.cli.table import COMMANDS
from tests.cli.session import Session, matches, steps
from tests.cli.strangers import receive

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts" / "subcommands").glob("*.txt"))
BEGIN = "2026-03-01 12:00:00"


#: Programs without which a transcript cannot go as written.
FOREIGN = {"trust": "certutil"}


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.set(BEGIN)

    def set(self, time: str) -> None:
        self.now = datetime.fromisoformat(time).replace(tzinfo=UTC)


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_session_goes_as_written(
    transcript: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch, need: Callable[[str], str]
) -> None:
    if transcript.stem in FOREIGN:
        need(FOREIGN[transcript.stem])
    clock = Clock()
    monkeypatch.setattr(CertDir, "now", lambda _certdir: clock.now)
    receive(own_home)
    session = Session(own_home, monkeypatch)
    for step in steps(transcript.read_text(encoding="utf-8")):
        if step.command.startswith("@ "):
            clock.set(step.command.removeprefix("@ "))
            continue
        ran = session.perform(step.command)
        if not matches(step.printed, ran.printed):
            assert ran.printed == step.printed, f"{transcript.name}:{step.line}: {step.command}"
        assert ran.code == step.code, f"{transcript.name}:{step.line}: {step.command}"


def test_there_are_transcripts_for_every_subcommand() -> None:
    performed = {step.command for path in TRANSCRIPTS for step in steps(path.read_text(encoding="utf-8"))}
    for name in COMMANDS:
        assert any(f"easycert {name} " in f"{command} " for command in performed), name
