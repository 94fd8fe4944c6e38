"""Files that a person names one by one or by the directory that they lie in, wherever that is."""

from __future__ import annotations

import os
from collections.abc import Iterator

from easycert.errors import UnreadableFile
from easycert.store.files import read_file
from easycert.store.folders import seems_file

#: More than any trust store has; a directory of more is a mistake that should end soon.
_MOST_FILES = 4096


def read_pile(path: str, *, limit: int) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of the file *path*, or of each regular file in the directory *path*, sorted.

    Hidden files and what lies deeper are left out; a symbolic link counts as what it leads to. Raises UnreadableFile
    for a file larger than *limit* or one that cannot be read, and for a directory of more than 4096 files.
    """
    if not os.path.isdir(path):
        yield path, read_file(path, limit=limit)
        return
    for name in _names(path):
        file = os.path.join(path, name)
        yield file, read_file(file, limit=limit)


def _names(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as found:
            names = sorted(file.name for file in found if not file.name.startswith(".") and seems_file(file))
    except OSError as error:
        raise UnreadableFile(directory, error.strerror or str(error)) from error
    if len(names) > _MOST_FILES:
        raise UnreadableFile(directory, f"it holds more than {_MOST_FILES} files")
    return names
