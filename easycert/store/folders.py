"""What lies in one folder of a certificate directory, or of any other: a link counts as what it leads to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from easycert.errors import UnreadableFile
from easycert.store.directories import stamp_of

if TYPE_CHECKING:
    from easycert.store.protocol import Stamp


def file_names(folder: str) -> list[str]:
    """Return the names of the files in the directory *folder*, hidden ones left out. Raises UnreadableFile."""
    try:
        with os.scandir(folder) as found:
            return [file.name for file in found if not file.name.startswith(".") and seems_file(file)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnreadableFile(folder, error.strerror or str(error)) from error


def seems_file(file: os.DirEntry[str]) -> bool:
    """Return whether *file* is a regular file, or something that cannot be told: reading it will say what is wrong.

    A link that leads round in a circle, or to where we may not look, must not hide the files beside it.
    """
    try:
        return file.is_file()
    except OSError:
        return True


def stamps(folder: str) -> dict[str, Stamp]:
    """Return the stamp of each file in the directory *folder*, by name. Raises UnreadableFile."""
    try:
        with os.scandir(folder) as found:
            return dict(_stamped(found))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UnreadableFile(folder, error.strerror or str(error)) from error


def _stamped(found: Iterable[os.DirEntry[str]]) -> Iterator[tuple[str, Stamp]]:
    for file in found:
        with suppress(OSError):  # gone meanwhile, or a link that leads nowhere: reading it will say so
            if not file.name.startswith(".") and file.is_file():
                yield file.name, stamp_of(file.stat())
