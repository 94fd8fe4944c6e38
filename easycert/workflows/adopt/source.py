"""A foreign directory, only read: its files below one root, within bounds, nothing followed out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from easycert.errors import Refused, UnreadableFile
from easycert.store.files import read_file

#: Folders below folders: a CA's tree has three (``pki/renewed/issued``), somebody's home has many.
_DEPTH = 4
#: A CA of a hundred thousand certificates keeps each twice.
_MOST_FILES = 500_000
#: What editors and tools leave of an earlier version.
_OUTDATED = (".old", ".bak", ".orig", "~", ".new", ".tmp")


class LeftOut(NamedTuple):
    """Something of the source that does not come in: its path below the source's root, and why."""

    path: str
    reason: str


class Source:
    """The files of a foreign directory; ``path`` names it to people."""

    def __init__(self, path: str) -> None:
        """Take the directory *path*; a symbolic link in its own place is followed. Raises UnreadableFile."""
        self.path = path
        try:
            self._root = os.path.realpath(path, strict=True)
        except (OSError, ValueError) as error:
            raise UnreadableFile(path, getattr(error, "strerror", None) or "it is no path") from None
        if not os.path.isdir(self._root):
            raise UnreadableFile(path, "it is not a directory")

    def below(self, name: str) -> Source:
        """Return the folder *name* of this directory as a source of its own."""
        return Source(os.path.join(self.path, name))

    def has(self, relative: str) -> bool:
        """Return whether there is a file or folder *relative* to the root."""
        return os.path.exists(os.path.join(self._root, relative))

    def shown(self, relative: str) -> str:
        """Return the path by which a person finds *relative*."""
        return os.path.join(self.path, relative)

    def files(self, skipped: tuple[str, ...], left_out: list[LeftOut]) -> list[str]:
        """Return the files below the root, relative, sorted; the folders *skipped* and hidden files are passed over.

        What cannot be a file of the source joins *left_out*. Raises UnreadableFile for a folder that cannot be looked
        into, and Refused for a directory of too many files to be a CA's.
        """
        found: list[str] = []
        for relative in self._walk("", 0, skipped, left_out):
            found.append(relative)
            if len(found) > _MOST_FILES:
                raise Refused(self.path, f"it holds more than {_MOST_FILES} files; name the CA's own directory")
        return sorted(found)

    def read(self, relative: str, limit: int) -> bytes:
        """Return the bytes of a file. Raises UnreadableFile for anything but a regular file of sane size."""
        try:
            return read_file(os.path.join(self._root, relative), limit=limit)
        except UnreadableFile as error:
            raise UnreadableFile(self.shown(relative), error.reason) from None

    def exposed(self, relative: str) -> bool:
        """Return whether others than its owner may read the file."""
        return bool(os.stat(os.path.join(self._root, relative)).st_mode & (stat.S_IRGRP | stat.S_IROTH))

    def _walk(self, folder: str, depth: int, skipped: tuple[str, ...], left_out: list[LeftOut]) -> Iterator[str]:
        for entry in self._entries(folder):
            relative = os.path.join(folder, entry.name)
            if entry.name.startswith(".") or entry.name.endswith(_OUTDATED) or relative in skipped:
                continue
            if entry.is_symlink() and not self._leads_inside(relative):
                left_out.append(LeftOut(relative, "it is a symbolic link that leads out of the directory"))
            elif entry.is_dir(follow_symlinks=False):
                if depth < _DEPTH:
                    yield from self._walk(relative, depth + 1, skipped, left_out)
            elif os.path.isfile(entry.path):
                yield relative
            elif not os.path.isdir(entry.path):
                left_out.append(LeftOut(relative, "it is not a regular file"))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(os.path.join(self._root, folder)) as found:
                return list(found)
        except OSError as error:
            raise UnreadableFile(self.shown(folder), error.strerror or str(error)) from error

    def _leads_inside(self, relative: str) -> bool:
        target = os.path.realpath(os.path.join(self._root, relative))
        return os.path.commonpath((target, self._root)) == self._root
