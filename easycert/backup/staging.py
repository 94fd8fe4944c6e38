"""Where a copy grows, hidden beside its final name, until it is whole; and what killed runs left there.

A staging directory lies in the directory that the copy is to appear in. Its owner holds a kernel lock on a file in it,
so whoever can take that lock knows that the owner is dead, and takes everything away: also a manifest that already had
its final name when the owner died before its backup got one.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from easycert.errors import BackupRefused, DestinationExists, StoreFailure

PREFIX = ".easycert-staging-"
MANIFEST_SUFFIX = ".manifest.json"
_OWNER, _TREE, _MANIFEST = "owner", "copy", "manifest"
_LOCK = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_ATTEMPTS = 20
_NO_REPLACE, _AT_FDCWD = 1, -100  # linux/fs.h, fcntl.h
_EXCLUSIVE = 4  # RENAME_EXCL of macOS, sys/stdio.h
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


class Staging:
    """A private directory beside *target*, used as a block; nothing of it is left afterwards.

    Whatever the file system refuses on entering is raised as StoreFailure. It raises DestinationExists when *target*
    exists, and removes what killed runs left beside it.
    """

    def __init__(self, target: str, *, with_manifest: bool) -> None:
        """Take the final name of the copy, in a directory that exists; *with_manifest* reserves its name too."""
        self.target = os.path.abspath(target)
        self.manifest_target = f"{self.target}{MANIFEST_SUFFIX}" if with_manifest else None
        self._parent = os.path.dirname(self.target)
        #: By what the directory is reached: where others could put another one in its place, by its descriptor.
        self.path = ""
        self._home = ""
        self._lock, self._pinned = -1, -1

    @property
    def copy(self) -> str:
        """Where the copy grows: a file or a directory, made by whoever fills it."""
        return os.path.join(self.path, _TREE)

    @property
    def manifest(self) -> str:
        """Where the manifest is written."""
        return os.path.join(self.path, _MANIFEST)

    def __enter__(self) -> Staging:
        """Make the directory. Raises DestinationExists and StoreFailure."""
        require_free(self.target)
        with failures(self.target):
            sweep(self._parent)
            self._require_absent()
            for _ in range(_ATTEMPTS):
                if self._begun():
                    return self
        raise StoreFailure(self.target, "write", "somebody takes away what is made beside it")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take away what is left."""
        try:
            with suppress(OSError):
                remove(self._home)
        finally:
            os.close(self._lock)
            if self._pinned >= 0:
                os.close(self._pinned)

    def place(self, mode: int | None = None) -> None:
        """Give the copy, and the manifest before it, their final names, durably; *mode* is that of the directory.

        So a backup without a manifest is never seen; and a manifest without a backup is taken away by the next run.
        Raises DestinationExists when somebody was faster, and StoreFailure.
        """
        sync_file_system(self.path)
        placed = None if mode is None else os.open(self.copy, _DIRECTORY | os.O_NOFOLLOW)
        try:
            self._renamed(placed, mode)
        finally:
            if placed is not None:
                os.close(placed)
        descriptor = os.open(self._parent, _DIRECTORY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
        finally:
            os.close(descriptor)

    def _renamed(self, placed: int | None, mode: int | None) -> None:
        if self.manifest_target:
            self._link(self.manifest, self.manifest_target)
        try:
            rename_to_new(self.copy, self.target)
        except BaseException:
            if self.manifest_target:
                os.unlink(self.manifest_target)
            raise
        if placed is not None and mode is not None:
            os.fchmod(placed, mode)  # by its name it could be another one already

    def _require_absent(self) -> None:
        for path in (self.target, self.manifest_target):
            if path and os.path.lexists(path):
                raise DestinationExists(path)

    def _begun(self) -> bool:
        self.path = self._home = os.path.join(self._parent, f"{PREFIX}{os.urandom(6).hex()}")
        os.mkdir(self._home, 0o700)
        owner = os.path.join(self.path, _OWNER)
        try:
            self._lock = os.open(owner, _LOCK | os.O_CREAT | os.O_EXCL, 0o600)
        except FileNotFoundError:  # another run took it for a dead one's
            return False
        except BaseException:
            os.rmdir(self._home)
            raise
        try:
            if not _locked(self._lock, lockless=True) or not os.path.exists(owner):
                os.close(self._lock)
                return False
            os.write(self._lock, os.fsencode(os.path.basename(self.target)))
            self._pin()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return True

    def _pin(self) -> None:
        """Where somebody else could move the directory away, reach it by its descriptor (of Linux) from now on."""
        if os.geteuid() != 0 or os.stat(self._parent).st_uid == 0:
            return
        self._pinned = os.open(self._home, _DIRECTORY | os.O_NOFOLLOW)
        pinned = f"/proc/self/fd/{self._pinned}"
        _require_same(self._lock, os.path.join(pinned, _OWNER))
        self.path = pinned

    @staticmethod
    def _link(path: str, target: str) -> None:
        try:
            os.link(path, target)
        except FileExistsError:
            raise DestinationExists(target) from None
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
                raise
            rename_to_new(path, target)  # a file system without hard links


def require_free(target: str) -> None:
    """Raise DestinationExists or StoreFailure for a *target* that cannot be made; nothing is changed."""
    parent = os.path.dirname(os.path.abspath(target))
    if os.path.lexists(target):
        raise DestinationExists(target)
    if not os.path.isdir(parent):
        raise StoreFailure(target, "write", f"there is no directory {parent}")
    if len(os.fsencode(os.path.basename(target))) + len(MANIFEST_SUFFIX) > 255:
        raise StoreFailure(target, "write", "its name is too long")


def require_apart(target: str, source: str, directories: Iterable[os.stat_result]) -> None:
    """Raise BackupRefused when *target* would lie in *source*, of which all *directories* are told.

    However it is reached: by a symbolic link, or by another mount of a directory that is somewhere in *source*.
    """
    inside = {(status.st_dev, status.st_ino) for status in (os.stat(source), *directories)}
    parent = os.path.realpath(os.path.dirname(os.path.abspath(target)))
    while True:
        status = os.stat(parent)
        if (status.st_dev, status.st_ino) in inside:
            raise BackupRefused(target, f"it lies inside of what is to be copied, {source}")
        above = os.path.dirname(parent)
        if above == parent:
            return
        parent = above


@contextmanager
def failures(path: str) -> Iterator[None]:
    """Raise what the file system refuses as StoreFailure about *path*."""
    try:
        yield
    except OSError as error:
        raise StoreFailure(path, "write", error.strerror or str(error)) from error


def sweep(folder: str) -> None:
    """Remove what killed runs of this user left in *folder*; what others made there, and name so, is theirs."""
    with os.scandir(folder) as found:
        left = [entry.path for entry in found if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False)]
    for path in left:
        with suppress(OSError):  # somebody is at it, too
            if os.lstat(path).st_uid == os.geteuid():
                _swept(path)


def _swept(path: str) -> None:
    try:
        lock = os.open(os.path.join(path, _OWNER), _LOCK)
    except FileNotFoundError:  # its owner died before it made one; or is about to, and will make another directory
        os.rmdir(path)
        return
    try:
        if os.fstat(lock).st_uid != os.geteuid() or not _locked(lock):
            return
        name = os.fsdecode(os.read(lock, 4096))
        if name and os.path.lexists(os.path.join(path, _TREE)):
            manifest = os.path.basename(name) + MANIFEST_SUFFIX
            _take_back(os.path.join(path, _MANIFEST), os.path.join(os.path.dirname(path), manifest))
        remove(path)
    finally:
        os.close(lock)


def _take_back(staged: str, placed: str) -> None:
    """Remove the manifest *placed* when it is the one that is *staged*."""
    with suppress(FileNotFoundError):
        if os.path.samestat(os.lstat(staged), os.lstat(placed)):
            os.unlink(placed)


def _require_same(descriptor: int, path: str) -> None:
    if not os.path.samestat(os.fstat(descriptor), os.lstat(path)):
        raise FileNotFoundError(errno.ENOENT, "somebody put another directory in its place", path)


def _locked(descriptor: int, *, lockless: bool = False) -> bool:
    """Return whether the lock is held now; under *lockless* a file system that has no locks is good enough."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        if not lockless:
            raise
    return True


def remove(path: str, above: int | None = None) -> None:
    """Remove the directory *path* and all that is in it, whatever its modes. The lock goes last. Raises OSError.

    *path* is relative to the open directory *above*, if there is one. Nothing that is put in the place of a directory
    meanwhile, such as a link, is followed.
    """
    try:
        descriptor = os.open(path, _DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
    except PermissionError:  # never root's
        os.chmod(path, 0o700, dir_fd=above)
        descriptor = os.open(path, _DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
    try:
        os.fchmod(descriptor, 0o700)
        with os.scandir(descriptor) as found:
            entries = sorted(found, key=lambda entry: entry.name == _OWNER)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                remove(entry.name, descriptor)
            else:
                os.unlink(entry.name, dir_fd=descriptor)
    finally:
        os.close(descriptor)
    os.rmdir(path, dir_fd=above)


def sync_file_system(path: str) -> None:
    """Make all that was written to the file system of *path* durable. Raises OSError."""
    flush = _function("syncfs") if sys.platform == "linux" else None
    if flush is None:
        os.sync()
        return
    descriptor = os.open(path, _DIRECTORY)
    try:
        if flush(descriptor):
            raise _failure(path)
    finally:
        os.close(descriptor)


def rename_to_new(path: str, target: str) -> None:
    """Rename *path* to *target*, and never over something. Raises DestinationExists and OSError."""
    try:
        if _renamed(os.fsencode(path), os.fsencode(target)):
            return
    except FileExistsError:
        raise DestinationExists(target) from None
    if os.path.lexists(target):
        raise DestinationExists(target)
    os.rename(path, target)  # a directory is never renamed over a file, or over a directory with something in it


def _renamed(path: bytes, target: bytes) -> bool:
    """Rename as the kernel can do it in one step; False where it cannot."""
    if sys.platform == "darwin":
        rename, arguments = _function("renamex_np"), (path, target, _EXCLUSIVE)
    else:
        rename, arguments = _function("renameat2"), (_AT_FDCWD, path, _AT_FDCWD, target, _NO_REPLACE)
    if rename is None:
        return False
    if rename(*arguments) == 0:
        return True
    failure = _failure(os.fsdecode(target))
    if failure.errno in _UNSUPPORTED:
        return False
    raise failure


def _function(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None, use_errno=True), name, None)


def _failure(path: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), path)
