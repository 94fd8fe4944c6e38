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
        self._begun = time.monotonic()
        self._next = self._begun + _PATIENCE
        self._drawn = False

    def __call__(self, doing: str, done: int, total: int) -> None:
        """Take note that *done* of *total* are done, and draw it if that is due."""
        if self._wanted and time.monotonic() >= self._next:
            print(f"{_CLEAR}{doing}: {done} of {total}", end="", file=sys.stderr, flush=True)
            self._next, self._drawn = time.monotonic() + _INTERVAL, True

    def bytes(self, doing: str, done: int, total: int) -> None:
        """Take note that so many bytes are done, and draw it with the time that is left; a *total* of 0 is unknown."""
        if not self._wanted or time.monotonic() < self._next:
            return
        text = readable_size(done)
        if total > done > 0:
            left = (time.monotonic() - self._begun) * (total - done) / done
            text += f" of {readable_size(total)}, {readable_time(left)} left"
        print(f"{_CLEAR}{doing}: {text}", end="", file=sys.stderr, flush=True)
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


def readable_size(count: int) -> str:
    """Return so many bytes for a person: ``4.2 MB``."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def readable_time(seconds: float) -> str:
    """Return so much time for a person: ``75 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
