"""LMDB environments of a live service: one moment of all of them, each read as a compacted copy of itself.

LMDB is asked through py-lmdb, and reads beside whoever writes: a reader's place in ``lock.mdb`` keeps the pages of its
moment from being used again. A copy of the file, whatever tool makes it, is torn as soon as somebody writes.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from easycert.backup.contents import CHUNK, Content
from easycert.backup.headers import HEAD, Meta, lmdb_meta
from easycert.backup.survey import LMDB_DATA, LMDB_LOCK, LMDB_LOCK_SUFFIX
from easycert.errors import BackupRefused, LmdbMissing

if TYPE_CHECKING:
    import lmdb

#: How often a moment is looked for at which no environment was written to.
_ATTEMPTS = 50
_PIPE = 1 << 20
_DESCRIPTORS = 128  # for all else
_F_SETPIPE_SZ = 1031  # fcntl.F_SETPIPE_SZ, of Linux


class Environments:
    """The LMDB environments of a directory, each held at one moment until it is copied; used as a block."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Take the absolute *paths* of their data files. Raises LmdbMissing when there is one, and no py-lmdb."""
        self._paths = list(paths)
        self._held: dict[str, _Environment] = {}
        self._stack = ExitStack()
        #: Whether there was a moment at which none of them was written to.
        self.is_one_moment = True
        if self._paths:
            _require_lmdb(self._paths[0])

    def __enter__(self) -> Environments:
        """Open all of them at one moment. Raises BackupRefused for one that LMDB cannot read."""
        _allow_descriptors(len(self._paths))
        with self._stack:
            for path in self._paths:
                self._held[path] = self._stack.enter_context(_Environment(path))
            self._hold()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of them."""
        self._stack.close()

    def size(self, path: str) -> int:
        """Return how large the copy of *path* is at most."""
        return self._held[path].size

    def content(self, path: str) -> Content:
        """Return the copy of *path*, to be taken once; taking its pieces raises BackupRefused."""
        return self._held[path].content()

    def release(self, path: str) -> None:
        """Let go of *path*, which was copied. Raises BackupRefused when that copy cannot be relied on."""
        self._held[path].release()

    def _hold(self) -> None:
        """Begin reading everywhere, again and again until none was written to while the others were begun.

        Then all of them are as they were at one moment: the one between the last beginning and the first look back.
        """
        for _ in range(_ATTEMPTS):
            for environment in self._held.values():
                environment.hold()
            if all(environment.is_latest() for environment in self._held.values()):
                return
        self.is_one_moment = False


class _Environment:
    """One LMDB environment, opened for reading."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._is_folder = os.path.basename(path) == LMDB_DATA
        self._lock = os.path.join(os.path.dirname(path), LMDB_LOCK) if self._is_folder else path + LMDB_LOCK_SUFFIX
        self._locked = True
        self._environment: lmdb.Environment | None = None
        self._moment: lmdb.Transaction | None = None
        self._pipe: Generator[bytes, None, None] | None = None

    @property
    def size(self) -> int:
        assert self._environment is not None
        return self._environment.info()["last_pgno"] * self._environment.stat()["psize"]

    def __enter__(self) -> _Environment:
        # Whoever uses an environment makes its lock file first, and it stays: without one, nobody does.
        self._locked = os.path.lexists(self._lock)
        if self._locked and not stat.S_ISREG(os.lstat(self._lock).st_mode):  # LMDB would write to where it leads
            raise self._refused(f"{self._lock} is not a regular file")
        self._environment = self._opened()
        if self._locked:
            self._environment.reader_check()  # places of processes that were killed keep pages from being used again
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def hold(self) -> None:
        """Begin reading at this moment."""
        import lmdb

        assert self._environment is not None
        if self._moment is not None:
            self._moment.abort()
            self._moment = None
        try:
            self._moment = self._environment.begin()
        except lmdb.MapResizedError:  # the service has made more room meanwhile
            self._environment.set_mapsize(0)
            self._moment = self._environment.begin()
        except lmdb.Error as error:
            raise self._refused(str(error)) from error

    def is_latest(self) -> bool:
        """Return whether nothing was written since :meth:`hold`."""
        assert self._environment is not None
        assert self._moment is not None
        return bool(self._environment.info()["last_txnid"] == self._moment.id())

    def content(self) -> Content:
        """Return the compacted copy; its first pages tell how large it is."""
        self._pipe = chunks = _piped(self._copy_to)
        head = b""
        while len(head) < HEAD and (chunk := next(chunks, b"")):
            head += chunk
        size = _size(head)
        if size is None:
            for _ in chunks:  # what went wrong is told in the end
                pass
            raise self._refused("its copy is not what LMDB writes")
        return Content(size, [(0, size)], self._exactly(size, head, chunks))

    def release(self) -> None:
        """Let go of it."""
        self._close()
        if not self._locked and os.path.lexists(self._lock):
            raise self._refused("somebody began to use it while it was copied; run the command again")

    def _copy_to(self, descriptor: int) -> None:
        import lmdb

        assert self._environment is not None
        try:
            self._environment.copyfd(descriptor, compact=True, txn=self._moment)
        except lmdb.Error as error:
            raise self._refused(str(error)) from error

    def _exactly(self, size: int, head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
        yield head
        got = len(head)
        for chunk in chunks:
            got += len(chunk)
            if got > size:
                break
            yield chunk
        if got != size:
            raise self._refused(f"its copy has another size than LMDB said ({got} instead of {size} bytes)")

    def _opened(self) -> lmdb.Environment:
        import lmdb

        wanted: dict[str, Any] = {"subdir": self._is_folder, "readonly": True, "create": False, "max_dbs": 0}
        try:
            size = self._map_size()
            with _as_owner(os.path.dirname(self._path)) as folder:
                place = folder if self._is_folder else os.path.join(folder, os.path.basename(self._path))
                return lmdb.open(os.fsencode(place), map_size=size, lock=self._locked, **wanted)
        except (lmdb.Error, OSError) as error:
            raise self._refused(_told(error, self._lock)) from error

    def _map_size(self) -> int:
        """Return how much room the service has given it: the copy says the same to the next one that opens it."""
        with open(self._path, "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            meta = lmdb_meta(file.read(HEAD))
        if meta is None or not stat.S_ISREG(status.st_mode):
            raise self._refused("it is of a kind of LMDB that is not known here, or damaged")
        return max(meta.map_size, status.st_size)

    def _refused(self, reason: str) -> BackupRefused:
        return BackupRefused(self._path, f"LMDB cannot copy it: {reason}")

    def _close(self) -> None:
        if self._pipe is not None:
            self._pipe.close()  # else LMDB goes on writing, in a thread that needs what is closed below
            self._pipe = None
        if self._moment is not None:
            self._moment.abort()
            self._moment = None
        if self._environment is not None:
            self._environment.close()
            self._environment = None


@contextmanager
def _as_owner(folder: str) -> Iterator[str]:
    """Let root be the owner of *folder* for the block; yield a path to it that needs no directory above.

    LMDB follows links, and writes to its lock: whoever may put links there must not have root do what they cannot.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if os.geteuid() != 0 or status.st_uid == 0:
            yield folder
            return
        pinned, groups, group = f"/proc/self/fd/{descriptor}", os.getgroups(), os.getegid()
        pinned = pinned if os.path.isdir(pinned) else folder
        try:
            os.setgroups([])
            os.setegid(status.st_gid)
            os.seteuid(status.st_uid)
            yield pinned
        finally:
            os.seteuid(0)
            os.setegid(group)
            os.setgroups(groups)
    finally:
        os.close(descriptor)


def _allow_descriptors(environments: int) -> None:
    """Let this process have enough open files, where it may."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS + 3 * environments
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def _require_lmdb(path: str) -> None:
    try:
        import lmdb  # noqa: F401  # an extra: whoever has no LMDB needs none
    except ImportError as error:
        raise LmdbMissing(path) from error


def _told(error: Exception, lock: str) -> str:
    text = str(error).rsplit(": ", 1)[-1] if ": " in str(error) else str(error)
    if "ermission denied" in text and os.path.lexists(lock):
        return f"{text}; a reader needs to write to {lock}, so be the user of the service"
    return text


def _size(head: bytes) -> int | None:
    """Return how large a compacted copy is by its *head*: its second meta page is that of a copy, or it is empty."""
    meta: Meta | None = lmdb_meta(head)
    return None if meta is None else meta.size


def _piped(write: Callable[[int], None]) -> Generator[bytes, None, None]:
    """Yield what *write* writes to the descriptor that it is given, in pieces; it runs beside whoever takes them.

    What it raises is raised after the last piece.
    """
    reader, writer = os.pipe()
    failure: list[BaseException] = []

    def run() -> None:
        try:
            write(writer)
        except BaseException as error:  # told to whoever takes the pieces
            failure.append(error)
        finally:
            os.close(writer)

    with suppress(OSError):
        import fcntl

        fcntl.fcntl(writer, _F_SETPIPE_SZ, _PIPE)
    thread = threading.Thread(target=run, name="lmdb", daemon=True)
    thread.start()
    try:
        while chunk := os.read(reader, CHUNK):
            yield chunk
    finally:
        os.close(reader)  # whoever writes on gets EPIPE, and ends
        thread.join()
    if failure:
        raise failure[0]
