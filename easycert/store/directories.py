"""The certificate directory opened for writing: what it is made of, whether it is safe, how it is made durable.

Everything below it is reached through descriptors of open directories, so that a directory that is swapped for another
while a command runs cannot redirect what is written. The only module besides its neighbours that knows POSIX modes.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterable
from enum import Enum
from typing import TYPE_CHECKING

from easycert.errors import UnsafeDirectory, printable
from easycert.model import Value

if TYPE_CHECKING:
    from easycert.store.protocol import Stamp

_PRIVATE_DIRECTORY = 0o700
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Strictness(Enum):
    """What to do about a directory that other people could change under us."""

    REFUSE = "refuse"
    WARN = "warn"
    ALLOW = "allow"


class StrictModes(Value):
    """The rule that OpenSSH calls StrictModes, and whom to tell."""

    strictness: Strictness
    report: Callable[[str], None]

    def check(self, path: str, descriptor: int) -> None:
        """Judge the open directory *descriptor*, shown as *path*. Raises UnsafeDirectory under ``REFUSE``."""
        if self.strictness is Strictness.ALLOW or not (reason := _unsafe(os.fstat(descriptor))):
            return
        if self.strictness is Strictness.REFUSE:
            raise UnsafeDirectory(path, reason)
        self.report(f"{printable(path)} is {reason}")


def stamp_of(status: os.stat_result) -> Stamp:
    """Return what changes when a file does."""
    return status.st_size, status.st_mtime_ns, status.st_ino


def _unsafe(status: os.stat_result) -> str:
    if status.st_uid not in (0, os.geteuid()):
        return f"owned by another user (uid {status.st_uid})"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"writable by others than its owner (mode {stat.S_IMODE(status.st_mode):04o})"
    return ""


def require_no_strangers(path: str) -> None:
    """Raise UnsafeDirectory when root is about to do what somebody else has written down in *path*, if that is there.

    Whatever was said about strictness: it would be that user's command, run as root.
    """
    try:
        owner = os.stat(path).st_uid
    except OSError:
        return
    if os.geteuid() == 0 != owner:
        reason = f"owned by another user (uid {owner}): what it says is to be written is not, by root"
        raise UnsafeDirectory(path, reason, acceptable=False)


class WritableDirectory:
    """One certificate directory opened for writing; it and its folders are made when they are first needed.

    Functions raise OSError as the system does; :class:`~easycert.errors.UnsafeDirectory` as :class:`StrictModes` says.
    """

    def __init__(self, path: str, strict: StrictModes) -> None:
        """Take *path*, which is absolute and need not exist; nothing is touched before the first descriptor."""
        self.path = path
        self._strict = strict
        self._descriptors: dict[str, int] = {}
        self._made: list[tuple[str, int | None]] = []

    @property
    def root(self) -> int:
        """The descriptor of the certificate directory itself."""
        return self.descriptor("")

    def descriptor(self, folder: str) -> int:
        """Return the descriptor of *folder* (relative; ``""`` is the directory itself), which is made if missing."""
        descriptor = self._descriptors.get(folder)
        if descriptor is None:
            descriptor = self._descriptors[folder] = self._checked(folder)
        return descriptor

    def sync(self, folders: Iterable[str]) -> None:
        """Make the names in *folders* durable."""
        for folder in folders:
            sync_directory(self.descriptor(folder))

    def take_back(self) -> None:
        """Remove the directories made here, as far as they are empty: a failed command leaves no trace."""
        for name, parent in reversed(self._made):
            try:
                os.rmdir(name, dir_fd=parent)
            except OSError:  # not empty: another command has moved in meanwhile
                continue
        self._made.clear()

    def close(self) -> None:
        """Close every descriptor."""
        while self._descriptors:
            os.close(self._descriptors.popitem()[1])

    def _checked(self, folder: str) -> int:
        descriptor = self._opened_or_made(folder)
        try:
            self._strict.check(os.path.join(self.path, folder) if folder else self.path, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _opened_or_made(self, folder: str) -> int:
        name, parent = (folder, self.root) if folder else (self.path, None)
        try:
            return os.open(name, _OPEN_DIRECTORY, dir_fd=parent)
        except FileNotFoundError:
            if not folder:
                self._make_parents(os.path.dirname(name))
            made = self._make(name, parent, _PRIVATE_DIRECTORY)
        descriptor = os.open(name, _OPEN_DIRECTORY, dir_fd=parent)
        if made:
            self._harden(descriptor)
        return descriptor

    def _make_parents(self, path: str) -> None:
        if not os.path.isdir(path):
            self._make_parents(os.path.dirname(path))
            self._make(path, None, 0o777)

    def _make(self, name: str, parent: int | None, mode: int) -> bool:
        try:
            os.mkdir(name, mode, dir_fd=parent)
        except FileExistsError:
            return False
        self._made.append((name, parent))
        above = os.open(os.path.dirname(name) or ".", _OPEN_DIRECTORY, dir_fd=parent)
        try:
            sync_directory(above)
        finally:
            os.close(above)
        return True

    @staticmethod
    def _harden(descriptor: int) -> None:
        try:
            os.fchmod(descriptor, _PRIVATE_DIRECTORY)  # whatever the umask left
        except BaseException:
            os.close(descriptor)
            raise


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of *data* to an open file, however much of it the system takes at once. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_file(descriptor: int) -> None:
    """Make the contents of an open file durable. Raises OSError."""
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # fsync(2) of macOS leaves the data in the drive's cache
            return
        except OSError:  # not every file system has it
            pass
    os.fsync(descriptor)


def sync_directory(descriptor: int) -> None:
    """Make the names in an open directory durable, where its file system can. Raises OSError."""
    try:
        sync_file(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
