"""One writer at a time: a lock that the kernel holds and that ends with its owner, however that ends."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from contextlib import suppress

from easycert.errors import StoreBusy, StoreFailure
from easycert.store.directories import StrictModes, WritableDirectory
from easycert.store.layout import STATE

_NAME = "lock"
_OPEN = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.1
_NOTE_AT_MOST = 200
#: How often a directory that vanished while it was being locked is made again.
_ATTEMPTS = 20


class Lock:
    """The lock of one certificate directory: ``flock`` on a file that says who holds it, and is empty when nobody does.

    The file may be removed by who holds it. Whoever gets a lock therefore looks whether the file still has its name,
    else two processes could each hold a lock, one of them on a file that is gone.
    """

    def __init__(self, state: int, path: str) -> None:
        """Take the open state directory and the *path* of the certificate directory, which errors name."""
        self._state = state
        self._path = path
        self._descriptor = -1
        self._made = False

    def acquire(self, timeout: float) -> None:
        """Wait up to *timeout* seconds for the lock. Raises StoreBusy (naming the holder), StoreFailure or OSError."""
        waited, pause = 0.0, _FIRST_PAUSE
        while not self._taken():
            if waited >= timeout:
                raise StoreBusy(self._path, self._holder(), timeout)
            time.sleep(pause)
            waited += pause
            pause = min(2 * pause, _LONGEST_PAUSE)
        self._sign()

    def release(self, *, remove: bool) -> None:
        """Give the lock back; *remove* its file as well if it was made here. Does nothing when it is not held."""
        if self._descriptor < 0:
            return
        try:
            with suppress(OSError):  # only the note is stale then
                os.ftruncate(self._descriptor, 0)
            if remove:
                self._unlink_if_made()
        finally:
            # Said outright: a child that was forked meanwhile shares the lock, and closing would leave it to the child.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = -1

    def _taken(self) -> bool:
        try:
            descriptor = self._opened()
        except FileExistsError:  # another process was just as quick
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._still_named(descriptor):
                self._descriptor = descriptor
                return True
        except BlockingIOError:
            pass
        except OSError as error:  # ENOLCK, ENOTSUP: a network file system without locks, so nobody else has one either
            self._unlink_if_made()
            raise StoreFailure(self._path, "lock", error.strerror or str(error)) from error
        finally:
            if self._descriptor < 0:
                os.close(descriptor)
        return False

    def _unlink_if_made(self) -> None:
        if self._made:
            with suppress(OSError):
                os.unlink(_NAME, dir_fd=self._state)

    def _opened(self) -> int:
        try:
            return os.open(_NAME, _OPEN, dir_fd=self._state)
        except FileNotFoundError:
            descriptor = os.open(_NAME, _OPEN | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self._state)
        self._made = True
        return descriptor

    def _still_named(self, descriptor: int) -> bool:
        try:
            named = os.stat(_NAME, dir_fd=self._state, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(descriptor))

    def _sign(self) -> None:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        command = " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])[:_NOTE_AT_MOST] if sys.argv else "python"
        note = f"pid {os.getpid()} ({command}, since {since})"
        with suppress(OSError):  # the lock is held all the same; a full disk will be noticed soon enough
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, note.encode("utf-8", "backslashreplace"), 0)

    def _holder(self) -> str:
        try:
            descriptor = os.open(_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._state)
        except OSError:
            return "another process"
        try:
            return os.read(descriptor, 4 * _NOTE_AT_MOST).decode("utf-8", "replace") or "another process"
        except OSError:
            return "another process"
        finally:
            os.close(descriptor)


class ExclusiveDirectory:
    """A certificate directory opened for writing by the one process that holds its lock."""

    def __init__(self, path: str, strict: StrictModes, timeout: float) -> None:
        """Open and lock *path*, making it if need be. Raises StoreBusy, StoreFailure, UnsafeDirectory or OSError."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._open(path, strict, timeout)
                break
            except FileNotFoundError:  # whoever made it has just taken it back
                if attempt == _ATTEMPTS:
                    raise

    def close(self, *, written: bool) -> None:
        """Give everything back; what was made on the way goes again unless something was *written*."""
        self._lock.release(remove=not written)
        if not written:
            self.directory.take_back()
        self.directory.close()

    def _open(self, path: str, strict: StrictModes, timeout: float) -> None:
        self.directory = WritableDirectory(path, strict)
        try:
            self._lock = Lock(self.directory.descriptor(STATE), path)
            self._lock.acquire(timeout)
        except BaseException:
            self.directory.take_back()
            self.directory.close()
            raise
