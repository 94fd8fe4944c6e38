"""What tells that files have changed, for whoever must notice it between two handshakes: none is read."""

from __future__ import annotations

import os
from collections.abc import Sequence

from easycert.errors import UnreadableFile
from easycert.store.protocol import Mark


def marks_in(directories: Sequence[str], folder: str, suffix: str) -> tuple[Mark, ...]:
    """Return the marks of the files of *folder* with this suffix in all *directories*, hidden ones left out.

    A file that cannot be looked at has a mark that says why. Raises UnreadableFile for a folder that may not be listed.
    """
    found: list[Mark] = []
    for directory in directories:
        path = os.path.join(directory, folder)
        try:
            with os.scandir(path) as files:
                found += [_mark(file) for file in files if file.name.endswith(f".{suffix}") and file.name[0] != "."]
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UnreadableFile(path, error.strerror or str(error)) from error
    return tuple(sorted(found))


def mark_of(path: str, status: os.stat_result) -> Mark:
    """Return the mark of the file at *path*: its times, its size and its inode."""
    return path, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _mark(file: os.DirEntry[str]) -> Mark:
    try:
        return mark_of(file.path, file.stat())
    except OSError as error:  # a link that leads nowhere, or a file that went meanwhile
        return file.path, error.errno or 0, 0, 0, 0
