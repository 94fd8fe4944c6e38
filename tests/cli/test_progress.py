"""The line that says how far a long command is: for a person only, after a second only, and gone in the end."""

from __future__ import annotations

import io
import sys

import pytest

from easycert.cli import progress
from easycert.cli.progress import progress_line, readable_size, readable_time


class Terminal(io.StringIO):
    """Stands for stderr."""

    def __init__(self, *, tty: bool = True) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time in a list of one, to be changed."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def drawn(monkeypatch: pytest.MonkeyPatch, clock: list[float], *, tty: bool = True, quiet: bool = False) -> str:
    """Return what a command of three seconds draws that tells of its progress each second."""
    terminal = Terminal(tty=tty)
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_line(quiet=quiet) as line:
        for second in range(4):
            clock[0] = 100.5 + second
            line("signed certificates", second, 4)
            line("signed certificates", second, 4)  # at once again: too soon to draw
    return terminal.getvalue()


def test_it_is_drawn_after_a_second_over_itself_and_taken_away(
    monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    lines = drawn(monkeypatch, clock).split("\r\x1b[K")
    assert lines == ["", *(f"signed certificates: {done} of 4" for done in (1, 2, 3)), ""]


def test_a_command_that_is_quick_draws_nothing(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_line(quiet=False) as line:
        line("signed certificates", 1, 1)
    assert terminal.getvalue() == ""


def test_nobody_who_does_not_look_sees_it(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    assert drawn(monkeypatch, clock, tty=False) == ""
    assert drawn(monkeypatch, clock, quiet=True) == ""


def test_it_is_taken_away_when_the_command_fails(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with pytest.raises(RuntimeError), progress_line(quiet=False) as line:
        clock[0] += 2
        line("made keys", 1, 2)
        raise RuntimeError
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_bytes_are_drawn_with_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_line(quiet=False) as line:
        clock[0] += 2
        line.bytes("copied", 500_000_000, 2_000_000_000)
        clock[0] += 1
        line.bytes("read", 1_500, 0)  # of how much is not known
    assert terminal.getvalue().split("\r\x1b[K") == ["", "copied: 500.0 MB of 2.0 GB, 6 s left", "read: 1.5 kB", ""]


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (4_200_000, "4.2 MB"), (5 * 10**15, "5000.0 TB")],
)
def test_a_size_is_readable(size: int, shown: str) -> None:
    assert readable_size(size) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0 s"), (75, "75 s"), (720, "12 min"), (12_000, "3 h 20 min")])
def test_a_time_is_readable(seconds: float, shown: str) -> None:
    assert readable_time(seconds) == shown
