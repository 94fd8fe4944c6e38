"""Writing large files beside a live service: past the page cache, which is the service's, and while the next is read.

What the service keeps in memory would have to make room for pages that nobody reads again, and copying into them costs
more than all else. Where a file system cannot do without (``O_DIRECT``), files are written as usual.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from queue import SimpleQueue

from easycert.backup.contents import CHUNK

#: From this size on it is worth it.
LARGE = 8 * CHUNK
_BLOCK = 4096
_BUFFERS = 3
_DIRECT = getattr(os, "O_DIRECT", 0)  # only Linux has it

#: A buffer, how much of it is filled, and where that belongs in the file.
_Filled = tuple[mmap.mmap, int, int]


def write(descriptor: int, path: str, pieces: Iterable[tuple[int, memoryview]], *, large: bool) -> None:
    """Write *pieces*, each with its offset, to the open new file *path*. Raises OSError, and what they raise."""
    direct = _opened(path) if large else -1
    if direct < 0:
        for offset, piece in pieces:
            _all(descriptor, piece, offset)
        return
    try:
        _past_the_cache(descriptor, direct, pieces)
    finally:
        os.close(direct)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of *data* where the open file stands. Raises OSError."""
    with memoryview(data) as view:
        written = 0
        while written < len(data):
            with view[written:] as rest:
                written += os.write(descriptor, rest)


def _opened(path: str) -> int:
    if _DIRECT:
        with suppress(OSError):
            return os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | _DIRECT)
    return -1


def _past_the_cache(descriptor: int, direct: int, pieces: Iterable[tuple[int, memoryview]]) -> None:
    writer = _Writer(descriptor, direct)
    try:
        for offset, piece in pieces:
            writer.put(offset, piece)
        writer.flush()
    finally:
        writer.end()
    if writer.failure is not None:
        raise writer.failure


class _Writer:
    """Gathers pieces in aligned buffers, which a thread of its own writes."""

    def __init__(self, descriptor: int, direct: int) -> None:
        self._descriptor = descriptor
        self._direct = direct
        self._free: SimpleQueue[mmap.mmap] = SimpleQueue()
        self._full: SimpleQueue[_Filled | None] = SimpleQueue()
        for _ in range(_BUFFERS):
            self._free.put(mmap.mmap(-1, CHUNK))  # begins at a page
        self._buffer = self._free.get()
        self._begin, self._count = 0, 0
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def put(self, offset: int, piece: memoryview) -> None:
        """Take *piece*, which belongs at *offset*. Raises what writing an earlier one raised."""
        if offset != self._begin + self._count:
            self.flush()
            self._begin = offset
        while piece:
            taken = min(CHUNK - self._count, len(piece))
            self._buffer[self._count : self._count + taken] = piece[:taken]
            self._count, piece = self._count + taken, piece[taken:]
            if self._count == CHUNK:
                self.flush()

    def flush(self) -> None:
        """Have what was gathered written."""
        if self.failure is not None:
            raise self.failure
        if self._count:
            self._full.put((self._buffer, self._count, self._begin))
            self._begin, self._count = self._begin + self._count, 0
            self._buffer = self._free.get()

    def end(self) -> None:
        """Wait until all is written."""
        self._full.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (filled := self._full.get()) is not None:
            buffer, count, offset = filled
            if self.failure is None:
                try:
                    with memoryview(buffer) as view:
                        self._write(view[:count], offset)
                except Exception as error:  # told to whoever gives the pieces
                    self.failure = error
            self._free.put(buffer)

    def _write(self, data: memoryview, offset: int) -> None:
        aligned = len(data) - len(data) % _BLOCK if offset % _BLOCK == 0 else 0
        with data[:aligned] as whole, data[aligned:] as rest:
            _all(self._direct, whole, offset)
            _all(self._descriptor, rest, offset + aligned)


def _all(descriptor: int, data: memoryview, offset: int) -> None:
    written = 0
    while written < len(data):
        with data[written:] as rest:
            written += os.pwrite(descriptor, rest, offset + written)
