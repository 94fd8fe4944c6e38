"""Where a copy goes: into a directory, or nowhere, when it is only looked at. ``archive.py`` has the sealed file."""

from __future__ import annotations

import os
from typing import Protocol

from easycert.backup.attributes import Attributes
from easycert.backup.contents import Digested
from easycert.backup.writing import LARGE, write

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Sink(Protocol):
    """What takes a copy, parents before what is in them; paths are relative, ``""`` is the copy itself.

    Functions raise OSError as the system does, and whatever taking the content raises.
    """

    #: Whether :meth:`drop` works: what was read badly can be written again.
    repeats: bool
    #: Whether things may come in any order in which parents come first; else as a survey has them.
    in_any_order: bool

    def directory(self, path: str, attributes: Attributes, /) -> None:
        """Take a directory; it gets its attributes when all is in it."""

    def link(self, path: str, target: str, attributes: Attributes, /) -> None:
        """Take a symbolic link."""

    def file(self, path: str, content: Digested, attributes: Attributes, /) -> None:
        """Take a file."""

    def hard_link(self, path: str, first: str, /) -> None:
        """Take another name of the file *first*."""

    def drop(self, path: str, /) -> None:
        """Forget the file *path*, which will be given again."""

    def place(self, path: str, /) -> str | None:
        """Return the absolute path at which somebody else can make the file *path*, or None."""

    def adopt(self, path: str, attributes: Attributes, /) -> None:
        """Take the file that was made at :meth:`place`."""

    def finish(self) -> None:
        """All has been given."""


class Directory:
    """A copy that grows in a directory of its own."""

    repeats = True
    in_any_order = True

    def __init__(self, path: str) -> None:
        """Take the absolute *path* of the directory, which does not exist."""
        self._path = path
        self._directories: list[tuple[str, Attributes]] = []

    def directory(self, path: str, attributes: Attributes) -> None:
        """Make it, for nobody else to look into before it is whole."""
        os.mkdir(self._at(path), 0o700)
        self._directories.append((path, attributes))

    def link(self, path: str, target: str, attributes: Attributes) -> None:
        """Make it as it is, wherever it leads."""
        os.symlink(target, self._at(path))
        attributes.give_link(self._at(path))

    def file(self, path: str, content: Digested, attributes: Attributes) -> None:
        """Write it, with its holes; private until it has its own mode."""
        descriptor = os.open(self._at(path), _NEW, 0o600)
        try:
            write(descriptor, self._at(path), content.placed(), large=content.size >= LARGE)
            os.ftruncate(descriptor, content.size)
        finally:
            os.close(descriptor)
        attributes.give(self._at(path))

    def hard_link(self, path: str, first: str) -> None:
        """Link it."""
        os.link(self._at(first), self._at(path), follow_symlinks=False)

    def drop(self, path: str) -> None:
        """Remove the file."""
        os.unlink(self._at(path))

    def place(self, path: str) -> str | None:
        """Return where it belongs."""
        return self._at(path)

    def adopt(self, path: str, attributes: Attributes) -> None:
        """Give the file its attributes."""
        attributes.give(self._at(path))

    def finish(self) -> None:
        """Give the directories their attributes, but leave the copy itself movable: see :meth:`own_mode`."""
        for path, attributes in reversed(self._directories):
            wanted = attributes if path else attributes._replace(mode=attributes.mode | 0o700)
            wanted.give(self._at(path))

    def own_mode(self) -> int:
        """Return the mode of the copy itself, which its owner can only move while all of it is allowed to them."""
        return self._directories[0][1].mode

    def _at(self, path: str) -> str:
        return os.path.join(self._path, path) if path else self._path


class Nowhere:
    """A copy of which only the digests are wanted."""

    repeats = False
    in_any_order = False

    def directory(self, path: str, attributes: Attributes) -> None:
        """Do nothing."""

    def link(self, path: str, target: str, attributes: Attributes) -> None:
        """Do nothing."""

    def file(self, _path: str, content: Digested, _attributes: Attributes) -> None:
        """Take it, so that it is digested."""
        for _ in content.placed():
            pass

    def hard_link(self, path: str, first: str) -> None:
        """Do nothing."""

    def drop(self, path: str) -> None:
        """Do nothing."""

    def place(self, _path: str) -> str | None:
        """Return None."""
        return None

    def adopt(self, path: str, attributes: Attributes) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""
