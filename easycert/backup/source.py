"""A directory that is read: everything in it is reached through open directories, and no symbolic link is followed.

Whoever backs up a service's directory may be root while the service is not, and the service is alive: a directory that
is swapped for a link while it is read must not lead anywhere else.
"""

from __future__ import annotations

import os
import stat
from types import TracebackType

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Source:
    """An open directory; paths are relative to it, ``""`` is itself. Functions raise OSError as the system does."""

    def __init__(self, path: str) -> None:
        """Open *path*, which may itself be a symbolic link."""
        self.path = os.path.abspath(path)
        self._root = os.open(self.path, _DIRECTORY)
        self._near = ("", self._root)

    def directory(self, path: str) -> int:
        """Return the descriptor of the directory *path*, which stays open until another one is asked for."""
        if path != self._near[0]:
            descriptor = self._opened(path)
            self._forget()
            self._near = (path, descriptor)
        return self._near[1]

    def open(self, path: str) -> int:
        """Return a new descriptor for reading the regular file *path*. Raises OSError for anything else, too."""
        folder, name = os.path.split(path)
        descriptor = os.open(name, _FILE, dir_fd=self.directory(folder))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileNotFoundError(path)  # what was a regular file is gone
        return descriptor

    def readlink(self, path: str) -> str:
        """Return where the symbolic link *path* leads."""
        folder, name = os.path.split(path)
        return os.readlink(name, dir_fd=self.directory(folder))

    def absolute(self, path: str) -> str:
        """Return the absolute path of *path*."""
        return os.path.join(self.path, path) if path else self.path

    def __enter__(self) -> Source:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every descriptor."""
        self._forget()
        os.close(self._root)

    def _opened(self, path: str) -> int:
        at = self._root
        for part in path.split("/") if path else []:
            try:
                below = os.open(part, _DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            finally:
                if at != self._root:
                    os.close(at)
            at = below
        return at

    def _forget(self) -> None:
        if self._near[1] != self._root:
            os.close(self._near[1])
        self._near = ("", self._root)
