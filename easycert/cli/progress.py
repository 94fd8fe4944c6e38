"""A line on the terminal that says how far a long command is; only for a person, and only after a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_PATIENCE = 1.0
_INTERVAL = 0.1
_CLEAR = "\r\x1b[K"


class ProgressLine:
    """Draws ``made keys: 12 of 100`` on stderr where that is a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        """Draw nothing when *quiet*, or when nobody looks."""
        self._wanted = not quiet and sys.stderr.isatty()
        self._next = time.monotonic() + _PATIENCE
        self._drawn = False

    def __call__(self, doing: str, done: int, total: int) -> None:
        """Take note that *done* of *total* are done, and draw it if that is due."""
        if self._wanted and time.monotonic() >= self._next:
            print(f"{_CLEAR}{doing}: {done} of {total}", end="", file=sys.stderr, flush=True)
            self._next, self._drawn = time.monotonic() + _INTERVAL, True

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn:
            print(_CLEAR, end="", file=sys.stderr, flush=True)
            self._drawn = False


@contextmanager
def progress_line(*, quiet: bool) -> Iterator[ProgressLine]:
    """Give a block a line to draw, and take it away in the end."""
    line = ProgressLine(quiet=quiet)
    try:
        yield line
    finally:
        line.clear()
