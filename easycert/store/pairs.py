"""The certificates of a folder and the keys beside them, as the system sees them: asked once for a whole folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from easycert.errors import UnreadableFile

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OTHERS_READ_OR_WRITE = 0o066
_NOTHING = 0, 0, 0
_SUFFIX = ".crt"


class Pair(NamedTuple):
    """A file ``NAME.crt``, or what a link of that name leads to, and what is known of ``NAME.key``.

    *directory* is the one of the search path in which it lies, *written* whether that is the one that is written to.
    The *stamp* is that of :data:`easycert.store.protocol.Stamp`, zeros for a file of which nothing can be learned.
    """

    name: str
    directory: str
    written: bool
    stamp: tuple[int, int, int]
    has_key: bool
    key_exposed: bool


def pairs(directories: Sequence[str], folder: str) -> Iterator[Pair]:
    """Yield the certificate files of *folder* along a search path, each name once, hidden ones left out.

    Raises UnreadableFile when the folder may not be looked into.
    """
    with ExitStack() as closing:
        opened = [
            place
            for number, directory in enumerate(directories)
            if (place := _opened(directory, folder, closing, written=number == 0))
        ]
        seen: set[str] = set()
        for number, place in enumerate(opened):
            for filename in place.filenames:
                if filename[-4:] == _SUFFIX and filename[0] != "." and filename not in seen:
                    pair = place.pair(filename, opened)
                    if pair is not None:
                        yield pair
            if number + 1 < len(opened):
                seen |= place.filenames


class _Place:
    """A folder in one directory of the search path, opened."""

    def __init__(self, descriptor: int, directory: str, *, written: bool) -> None:
        self._descriptor = descriptor
        self._directory = directory
        self._written = written
        self.filenames = frozenset(os.listdir(descriptor))

    def pair(self, filename: str, places: Sequence[_Place]) -> Pair | None:
        """Return what there is to know of the certificate *filename*, or None where it is no file."""
        try:
            status = os.stat(filename, dir_fd=self._descriptor)
        except FileNotFoundError:  # a link that leads nowhere, or a file that has just gone
            return None
        except OSError:  # a loop of links, or a link to where we may not look: reading it will say so
            stamp = _NOTHING
        else:
            if not stat.S_ISREG(status.st_mode):
                return None
            stamp = status.st_size, status.st_mtime_ns, status.st_ino
        name = filename[:-4]
        key, mode = f"{name}.key", None
        for place in places:
            if key in place.filenames:
                mode = place.mode(key)
                break
        exposed = mode is not None and mode & _OTHERS_READ_OR_WRITE != 0
        return Pair(name, self._directory, self._written, stamp, mode is not None, exposed)

    def mode(self, filename: str) -> int | None:
        """Return the mode of a file, or None where it leads nowhere."""
        try:
            return os.stat(filename, dir_fd=self._descriptor).st_mode
        except FileNotFoundError:
            return None
        except OSError:
            return 0


def _opened(directory: str, folder: str, closing: ExitStack, *, written: bool) -> _Place | None:
    path = os.path.join(directory, folder)
    try:
        descriptor = os.open(path, _FOLDER)
        closing.callback(os.close, descriptor)
        return _Place(descriptor, directory, written=written)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnreadableFile(path, error.strerror or str(error)) from error
