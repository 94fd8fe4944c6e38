"""Sets of files outside of the certificate directory, such as a server's key and certificate, put in place together.

All are written beside their places first, complete and durable, private ones never readable by others for a moment, and
then renamed one after the other, keys first: no file system renames two at once. A link is replaced, never followed
(hazard C5); everything is reached through the open directory, which is locked meanwhile.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from types import TracebackType
from typing import NamedTuple

from easycert.errors import AlreadyExists, HalfWritten, InvalidInput, StoreBusy, StoreFailure, UnreadableFile
from easycert.store.directories import sync_directory, sync_file, write_all

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PRIVATE = 0o600
_LIMIT = 4 << 20
_OTHERS = 0o007
#: Seconds to wait for another easycert that writes to the same directory.
_PATIENCE, _PAUSE = 10.0, 0.02
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EINVAL})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})
#: A file name has at most 255 bytes.
_STEM = 200


class Placed(NamedTuple):
    """A file that is to be put in place: its name in the directory, what it holds, and its mode."""

    name: str
    data: bytes
    mode: int

    @property
    def is_private(self) -> bool:
        """Whether others may not read it, as is the case with keys."""
        return not self.mode & _OTHERS


class Ownership(NamedTuple):
    """To whom files are given: user and group by their numbers; -1 leaves it at who writes them."""

    uid: int = -1
    gid: int = -1


class Seen(NamedTuple):
    """A file as it lies there."""

    data: bytes
    mode: int
    uid: int
    gid: int


def ownership(owner: str, group: str) -> Ownership:
    """Return the numbers of user and group, named or numbered; empty texts leave it. Raises InvalidInput."""
    import grp
    import pwd

    try:
        uid = -1 if not owner else int(owner) if owner.isascii() and owner.isdigit() else pwd.getpwnam(owner).pw_uid
    except (KeyError, ValueError):
        raise InvalidInput("owner", owner, "is no user of this machine") from None
    try:
        gid = -1 if not group else int(group) if group.isascii() and group.isdigit() else grp.getgrnam(group).gr_gid
    except (KeyError, ValueError):
        raise InvalidInput("group", group, "is no group of this machine") from None
    return Ownership(uid, gid)


def look(path: str) -> Seen | None:
    """Return what lies at *path*, or None. Raises UnreadableFile for anything but a regular file that may be read."""
    try:
        descriptor = os.open(path, _READ)
    except FileNotFoundError:
        return None
    except OSError as error:
        linked = error.errno == errno.ELOOP or os.path.islink(path)
        raise UnreadableFile(path, "it is a symbolic link" if linked else _reason(error)) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFile(path, "it is not a regular file")
        data = b""
        while len(data) <= _LIMIT and (chunk := os.read(descriptor, _LIMIT)):
            data += chunk
        return Seen(data, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    except OSError as error:
        raise UnreadableFile(path, _reason(error)) from error
    finally:
        os.close(descriptor)


def link(directory: str, targets: Mapping[str, str], *, replace: bool) -> None:
    """Make symbolic links in *directory*, to absolute paths, by their names; in this order, each at once.

    Raises AlreadyExists unless what is there is to be *replace*d, StoreFailure and StoreBusy.
    """
    with Placing(directory, Ownership(), replace=replace) as placing:
        placing.link(targets)


def has_leftover(path: str) -> bool:
    """Return whether beside *path* lies what a process left that was killed in a :class:`Placing`."""
    folder, name = os.path.split(path)
    return os.path.lexists(os.path.join(folder, _draft(name)))


class Placing:
    """A block in which files are staged for one directory, and then put in place.

    Nothing is there under its name before :meth:`put`, and what was not put is gone when the block ends. Every method
    raises StoreFailure where the file system refuses.
    """

    def __init__(self, directory: str, to: Ownership, *, replace: bool) -> None:
        """Take the absolute *directory*, made if it is missing; existing files are refused unless *replace*."""
        self._path = directory
        self._to = to
        #: Whether what is there may be replaced.
        self.replace = replace
        self._made: list[str] = []
        self._descriptor = -1
        self._staged: list[Placed] = []

    def __enter__(self) -> Placing:
        """Open and lock the directory. Raises StoreBusy."""
        try:
            with self._told(self._path, "write to"):
                self._make(self._path)
                self._descriptor = os.open(self._path, _DIRECTORY)
            self._lock()
        except BaseException:
            self._close(failed=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was staged and not put, and directories made for nothing."""
        for item in self._staged:
            with suppress(OSError):
                os.unlink(_draft(item.name), dir_fd=self._descriptor)
        self._close(failed=kind is not None)

    def stage(self, files: Sequence[Placed]) -> None:
        """Write *files* beside their places. Raises AlreadyExists before anything is written."""
        for item in files:
            self._require_place(item.name)
        for item in sorted(files, key=lambda item: not item.is_private):
            with self._told(self._at(item.name), "write"), suppress(FileNotFoundError):
                os.unlink(_draft(item.name), dir_fd=self._descriptor)  # of a process that was killed
            self._staged.append(item)
            self._write(item)
        with self._told(self._path, "write to"):
            sync_directory(self._descriptor)

    def put(self) -> None:
        """Give the staged files their names, keys first. Raises AlreadyExists, HalfWritten if some have theirs."""
        done: list[str] = []
        try:
            while self._staged:
                with self._told(self._at(self._staged[0].name), "write"):
                    self._name(self._staged[0].name)
                done.append(self._staged.pop(0).name)
            with self._told(self._path, "write to"):
                sync_directory(self._descriptor)
        except (AlreadyExists, StoreFailure) as error:
            if not done:
                raise
            if self.replace:
                raise HalfWritten(self._path, str(error)) from error
            for name in done:
                with suppress(OSError):
                    os.unlink(name, dir_fd=self._descriptor)
            raise

    def link(self, targets: Mapping[str, str]) -> None:
        """Make symbolic links to *targets*, each at once. Raises AlreadyExists before anything is made."""
        for name in targets:
            self._require_place(name)
        for name, target in targets.items():
            with self._told(self._at(name), "link"):
                self._symlink(target, name)
        with self._told(self._path, "write to"):
            sync_directory(self._descriptor)

    def _symlink(self, target: str, name: str) -> None:
        here = self._descriptor
        if not self.replace:
            os.symlink(target, name, dir_fd=here)
            return
        with suppress(FileNotFoundError):
            os.unlink(_draft(name), dir_fd=here)
        os.symlink(target, _draft(name), dir_fd=here)
        os.rename(_draft(name), name, src_dir_fd=here, dst_dir_fd=here)

    # --- one by one ---------------------------------------------------------------------------------------------------

    def _require_place(self, name: str) -> None:
        with self._told(self._at(name), "write"):
            try:
                status = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
            except FileNotFoundError:
                return
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            raise StoreFailure(self._at(name), "write", "it is there, and not a regular file")
        if not self.replace:
            raise AlreadyExists(self._at(name))

    def _write(self, item: Placed) -> None:
        with self._told(self._at(item.name), "write"):
            descriptor = os.open(_draft(item.name), _NEW_FILE, _PRIVATE, dir_fd=self._descriptor)
        try:
            self._give(descriptor, item.name)
            with self._told(self._at(item.name), "write"):
                write_all(descriptor, item.data)
                os.fchmod(descriptor, item.mode)  # whatever the umask left
                sync_file(descriptor)
        finally:
            os.close(descriptor)

    def _give(self, descriptor: int, name: str) -> None:
        if self._to == Ownership():
            return
        try:
            os.fchown(descriptor, *self._to)
        except OSError as error:
            whom = "its user and group" if -1 not in self._to else "its group" if self._to.uid == -1 else "its user"
            denied = "only root may give files to others, and to groups that it is not in"
            reason = denied if error.errno == errno.EPERM else _reason(error)
            raise StoreFailure(self._at(name), f"set {whom} of", reason) from error

    def _name(self, name: str) -> None:
        draft, here = _draft(name), self._descriptor
        if not self.replace:
            try:
                # It fails when somebody was faster; a link that took the draft's place is not followed.
                os.link(draft, name, src_dir_fd=here, dst_dir_fd=here, follow_symlinks=False)
            except FileExistsError:
                raise AlreadyExists(self._at(name)) from None
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
            else:
                os.unlink(draft, dir_fd=here)
                return
        os.rename(draft, name, src_dir_fd=here, dst_dir_fd=here)

    # --- the directory ------------------------------------------------------------------------------------------------

    def _make(self, path: str) -> None:
        if os.path.lexists(path):
            return
        self._make(os.path.dirname(path))
        try:
            os.mkdir(path, 0o755)
        except FileExistsError:
            return
        self._made.append(path)
        if path == self._path and self._to != Ownership():
            with suppress(OSError):  # the files tell, in words that fit
                os.chown(path, *self._to, follow_symlinks=False)
        above = os.open(os.path.dirname(path), _DIRECTORY)
        try:
            sync_directory(above)
        finally:
            os.close(above)

    def _lock(self) -> None:
        waited = 0.0
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if waited >= _PATIENCE:
                    raise StoreBusy(self._path, "another process", _PATIENCE) from None
            except OSError as error:
                if error.errno in _NO_LOCKS:  # a network file system without locks
                    return
                raise StoreFailure(self._path, "lock", _reason(error)) from error
            time.sleep(_PAUSE)
            waited += _PAUSE

    def _close(self, *, failed: bool) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        for path in reversed(self._made) if failed else ():
            with suppress(OSError):  # not empty: somebody else has moved in
                os.rmdir(path)

    def _at(self, name: str) -> str:
        return os.path.join(self._path, name)

    @contextmanager
    def _told(self, path: str, action: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreFailure(path, action, _reason(error)) from error
        except ValueError as error:
            raise StoreFailure(path, action, "it is no path") from error


def _draft(name: str) -> str:
    stem = name if len(name.encode()) <= _STEM else sha256(name.encode()).hexdigest()
    return f".{stem}.easycert"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
