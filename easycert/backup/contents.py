"""The bytes of a file on their way from one place to another: in pieces, holes left out, digested as they pass."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from easycert.errors import UnreadableFile

CHUNK = 1 << 20
_BLOCK = 512  # what st_blocks counts in
_ZEROS = bytes(CHUNK)

Extent = tuple[int, int]


class Content(NamedTuple):
    """What is in a file: its size, where it has data (offset and length, in order), and these data in pieces."""

    size: int
    extents: list[Extent]
    chunks: Iterable[bytes]


class Digested:
    """Content that is digested, holes as zeros, while somebody takes its pieces; ``sha256`` is whole afterwards."""

    def __init__(self, content: Content, passed: Callable[[int], None] = lambda _: None) -> None:
        """Take the *content*, whose pieces can be taken once; *passed* is told how many bytes went by."""
        self.size = content.size
        self.extents = content.extents
        self._chunks = content.chunks
        self._passed = passed
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The SHA-256 of what has passed, in hexadecimal."""
        return self._digest.hexdigest()

    def placed(self) -> Iterator[tuple[int, memoryview]]:
        """Yield each piece with its offset in the file; no piece spans a hole."""
        chunks = iter(self._chunks)
        rest = memoryview(b"")
        end = 0
        for offset, length in self.extents:
            self._pass_zeros(offset - end)
            at, end = offset, offset + length
            while at < end:
                rest = rest or memoryview(next(chunks, b""))
                if not rest:
                    raise EOFError
                piece, rest = rest[: end - at], rest[end - at :]
                self._digest.update(piece)
                self._passed(len(piece))
                yield at, piece
                at += len(piece)
        self._pass_zeros(self.size - end)

    def _pass_zeros(self, count: int) -> None:
        while count > 0:
            self._digest.update(_ZEROS if count >= CHUNK else _ZEROS[:count])
            self._passed(min(count, CHUNK))
            count -= CHUNK


def extents(descriptor: int, status: os.stat_result) -> list[Extent]:
    """Return where the open file has data: all of it, where it has no holes or its file system cannot tell."""
    whole = [(0, status.st_size)] if status.st_size else []
    if status.st_blocks * _BLOCK >= status.st_size:
        return whole
    found = []
    at = 0
    try:
        while at < status.st_size:
            begin = os.lseek(descriptor, at, os.SEEK_DATA)
            at = min(os.lseek(descriptor, begin, os.SEEK_HOLE), status.st_size)
            if begin < at:
                found.append((begin, at - begin))
    except OSError as error:
        if error.errno == errno.ENXIO:  # nothing but a hole from here on
            return found
        if error.errno in (errno.EINVAL, errno.ENOTSUP):
            return whole
        raise
    return found


class FileContent:
    """The content of an open regular file that others may write to: always as much as was said in the beginning.

    What a file lost meanwhile is zeros; :meth:`is_steady` tells afterwards whether it was left alone.
    """

    def __init__(self, descriptor: int, path: str) -> None:
        """Take an open file and the *path* that errors name; it stays the caller's to close."""
        self._descriptor = descriptor
        self._path = path
        self.status = os.fstat(descriptor)

    def content(self) -> Content:
        """Return what is in the file, to be taken once. Raises UnreadableFile, here and for each piece."""
        try:
            found = extents(self._descriptor, self.status)
        except OSError as error:
            raise UnreadableFile(self._path, error.strerror or str(error)) from error
        return Content(self.status.st_size, found, self._chunks(found))

    def is_steady(self) -> bool:
        """Return whether nothing in the file has changed since it was opened."""
        now = os.fstat(self._descriptor)
        return (now.st_size, now.st_mtime_ns) == (self.status.st_size, self.status.st_mtime_ns)

    def _chunks(self, found: list[Extent]) -> Iterator[bytes]:
        for offset, length in found:
            at, end = offset, offset + length
            while at < end:
                chunk = self._read(min(CHUNK, end - at), at)
                yield chunk
                at += len(chunk)

    def _read(self, count: int, offset: int) -> bytes:
        try:
            return os.pread(self._descriptor, count, offset) or bytes(count)
        except OSError as error:
            raise UnreadableFile(self._path, error.strerror or str(error)) from error
