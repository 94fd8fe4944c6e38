"""The certificates of a folder and the keys beside them, as the system sees them: asked once for a whole folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence, Set
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

    Those of one directory come sorted: whoever joins them with other things that are walks through memory in its order.
    Raises UnreadableFile when the folder may not be looked into.
    """
    with ExitStack() as closing:
        places = [
            place
            for number, directory in enumerate(directories)
            if (place := _opened(directory, folder, closing, written=number == 0))
        ]
        seen: set[str] = set()
        for number, place in enumerate(places):
            yield from _pairs(place, places, seen)
            if number + 1 < len(places):
                seen |= place.filenames


class _Place(NamedTuple):
    """A folder in one directory of the search path, opened, with the names of its files."""

    descriptor: int
    directory: str
    written: bool
    filenames: frozenset[str]


def _pairs(place: _Place, places: Sequence[_Place], seen: Set[str]) -> Iterator[Pair]:
    descriptor, directory, written, filenames = place
    wanted = [name for name in filenames if name[-4:] == _SUFFIX and name[0] != "." and name not in seen]
    for filename in sorted(wanted):
        try:
            status = os.stat(filename, dir_fd=descriptor)
        except FileNotFoundError:  # a link that leads nowhere, or a file that has just gone
            continue
        except OSError:  # a loop of links, or a link to where we may not look: reading it will say so
            stamp = _NOTHING
        else:
            if not stat.S_ISREG(status.st_mode):
                continue
            stamp = status.st_size, status.st_mtime_ns, status.st_ino
        name = filename[:-4]
        mode = _mode(f"{name}.key", places)
        exposed = mode is not None and mode & _OTHERS_READ_OR_WRITE != 0
        yield Pair(name, directory, written, stamp, mode is not None, exposed)


def _mode(filename: str, places: Sequence[_Place]) -> int | None:
    """Return the mode of a file of this name, or None where there is none."""
    for place in places:
        if filename in place.filenames:
            try:
                return os.stat(filename, dir_fd=place.descriptor).st_mode
            except FileNotFoundError:
                continue
            except OSError:
                return 0
    return None


def _opened(directory: str, folder: str, closing: ExitStack, *, written: bool) -> _Place | None:
    path = os.path.join(directory, folder)
    try:
        descriptor = os.open(path, _FOLDER)
        closing.callback(os.close, descriptor)
        return _Place(descriptor, directory, written, frozenset(os.listdir(descriptor)))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnreadableFile(path, error.strerror or str(error)) from error
