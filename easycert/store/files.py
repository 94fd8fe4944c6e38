"""The store that is a certificate directory on disk (design: "The certificate directory").

What readers may count on, without a lock and on a read-only directory too: a file is seen whole or not at all, and the
files of one transaction appear in the order in which they were staged, so whoever sees a certificate finds its key.
What only a writer can promise, that *all* of them are there, holds again as soon as a command may write: before it
reads anything it finishes what a killed one left behind.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from easycert.errors import (
    AlreadyExists,
    EasycertError,
    StoreBusy,
    StoreFailure,
    UnreadableFile,
    UnsafeDirectory,
)
from easycert.store.directories import StrictModes, Strictness, stamp_of
from easycert.store.journal import JOURNAL, Journal, Placement, StagedFile
from easycert.store.layout import Entry
from easycert.store.lock import ExclusiveDirectory

if TYPE_CHECKING:
    from easycert.store.pairs import Pair
    from easycert.store.protocol import Mark, Settlement, Stamp
    from easycert.store.survey import Seen

__all__ = ["CRL_LIMIT", "FileStore", "FileTransaction", "Strictness", "read_file"]

_MIB = 1024 * 1024
_CHUNK = 64 * 1024
#: A million revoked certificates with their reasons.
CRL_LIMIT = 128 * _MIB
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
#: How long a reader waits for whoever is finishing an interrupted transaction, before it goes on with what is there.
_READER_PATIENCE = 0.2


class FileStore:
    """Files along a search path of certificate directories; see :class:`easycert.store.protocol.Store`."""

    def __init__(
        self,
        directories: Sequence[str],
        *,
        lock_timeout: float = 10.0,
        unsafe: Strictness = Strictness.REFUSE,
        report: Callable[[str], None] | None = None,
    ) -> None:
        """Read along *directories* and write to the first; nothing is made before a transaction writes.

        A writer waits *lock_timeout* seconds for another; *unsafe* says what to do about a directory that others could
        change; *report* is told, in one sentence each, what is odd but no error.
        """
        self._directories = [os.path.abspath(directory) for directory in directories]
        self._lock_timeout = lock_timeout
        self._report = report or _say_nothing
        self._strict = StrictModes(unsafe, self._report)
        self._recovered = False
        #: Keeps the notes of transactions; set by whoever binds the store to a ledger.
        self.settlement: Settlement | None = None

    def read(self, entry: Entry) -> bytes | None:
        """Return the bytes of *entry*, or None. Raises UnreadableFile."""
        self._recover_once()
        limit = CRL_LIMIT if entry.suffix == "crl" else _MIB
        for path in self._paths(entry):
            try:
                return _contents(path, limit)
            except FileNotFoundError:
                continue
        return None

    def find(self, entry: Entry) -> str | None:
        """Return the path at which *entry* is read, or None."""
        self._recover_once()
        return next(filter(_exists, self._paths(entry)), None)

    def path(self, entry: Entry) -> str:
        """Return the absolute path at which *entry* is written, no symbolic link resolved."""
        return os.path.join(self._directories[0], entry.folder, entry.filename)

    def entries(self, folder: str) -> list[Entry]:
        """Return the files of *folder* that could be a certificate's, sorted. Raises UnreadableFile."""
        from easycert.store.folders import file_names  # what makes one certificate lists nothing

        self._recover_once()
        names: set[str] = set()
        for directory in self._directories:
            names.update(file_names(os.path.join(directory, folder)))
        return [entry for entry in (Entry(folder, name) for name in sorted(names)) if entry.is_named]

    def each(self, folder: str, suffix: str) -> Iterator[Entry]:
        """Yield the files of *folder* with this suffix, sorted, one by one. Raises UnreadableFile."""
        from easycert.store.folders import file_names

        self._recover_once()
        names: set[str] = set()
        for directory in self._directories:
            found = file_names(os.path.join(directory, folder))
            names.update(name for name in found if name.endswith(f".{suffix}"))
        return (entry for entry in (Entry(folder, name) for name in sorted(names)) if entry.is_named)

    def stamp(self, entry: Entry) -> Stamp | None:
        """Return what tells whether *entry* has changed, or None when there is none. Raises UnreadableFile."""
        path = self.path(entry)
        try:
            return stamp_of(os.stat(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableFile(path, _reason(error)) from error

    def stamps(self, folder: str) -> dict[str, Stamp]:
        """Return the stamps of all files of *folder*, by file name. Raises UnreadableFile."""
        from easycert.store.folders import stamps

        self._recover_once()
        return stamps(os.path.join(self._directories[0], folder))

    def marks(self, folder: str, suffix: str) -> tuple[Mark, ...]:
        """Return the marks of the files of *folder* with this suffix, along the search path. Raises UnreadableFile."""
        from easycert.store.marks import marks_in  # only TLS contexts ask

        return marks_in(self._directories, folder, suffix)

    def pairs(self, folder: str) -> Iterator[Pair]:
        """Yield the certificate files of *folder*, and what there is to know of their keys. Raises UnreadableFile."""
        from easycert.store.pairs import pairs  # only lists ask

        self._recover_once()
        return pairs(self._directories, folder)

    def exposed(self, entry: Entry) -> bool:
        """Return whether others than its owner may read or write *entry*; False when there is none."""
        path = self.find(entry)
        try:
            return path is not None and bool(os.stat(path).st_mode & (stat.S_IRWXG | stat.S_IRWXO) & ~0o111)
        except OSError as error:
            raise UnreadableFile(path or "", _reason(error)) from error

    def survey(self) -> list[Seen]:
        """Return everything in the directory written to, with modes. Raises UnreadableFile."""
        from easycert.store.survey import survey  # only doctor asks

        self._recover_once()
        return survey(self._directories[0])

    def tighten(self, path: str, mode: int) -> None:
        """Give *path* the mode *mode*. Raises StoreFailure."""
        from easycert.store.survey import tighten

        tighten(path, mode)

    def require_absent(self, entries: Iterable[Entry]) -> None:
        """Raise AlreadyExists for the first of *entries* that exists in the directory written to."""
        self._recover_once()
        for entry in entries:
            if os.path.lexists(path := self.path(entry)):
                raise AlreadyExists(path)

    def transaction(self, *, wait: bool = True) -> FileTransaction:
        """Return a transaction on the first directory."""
        timeout = self._lock_timeout if wait else 0
        return FileTransaction(self._directories[0], self._strict, timeout, self._journal)

    def _journal(self, exclusive: ExclusiveDirectory) -> Journal:
        return Journal(exclusive.directory, self._report, self.settlement)

    def recover(self) -> None:
        """Finish what a killed command left unfinished, if there is anything and this process may."""
        path = self._directories[0]
        try:
            if not os.listdir(os.path.join(path, JOURNAL)):
                return
            exclusive = ExclusiveDirectory(path, self._strict, _READER_PATIENCE)
        except (OSError, StoreBusy, StoreFailure, UnsafeDirectory):
            return  # nothing to do, a live writer, or not ours to write: readers go on
        try:
            self._journal(exclusive).recover()
        except (OSError, EasycertError):
            return  # the next command that may write tries again, and says why it cannot
        finally:
            exclusive.close(written=True)

    def unfinished(self) -> int:
        """Return how many transactions nobody is at work on and nobody could finish."""
        self._recover_once()
        path = self._directories[0]
        try:
            found = os.listdir(os.path.join(path, JOURNAL))
            if found:
                ExclusiveDirectory(path, self._strict, 0).close(written=True)
        except FileNotFoundError:
            return 0
        except StoreBusy:  # a writer at work
            return 0
        except (OSError, StoreFailure, UnsafeDirectory):  # not ours to write: then neither to finish
            pass
        return len(found)

    def _recover_once(self) -> None:
        if not self._recovered:
            self._recovered = True
            self.recover()

    def _paths(self, entry: Entry) -> Iterator[str]:
        return (os.path.join(directory, entry.folder, entry.filename) for directory in self._directories)


class FileTransaction:
    """A set of files for one certificate directory; nothing is written before the block is left without an exception.

    See :class:`easycert.store.protocol.Transaction`. Besides what is named there, entering and leaving it raise
    UnsafeDirectory for a directory that others could change, and StoreFailure when the file system refuses; then the
    directory is as it was before.
    """

    def __init__(
        self, path: str, strict: StrictModes, lock_timeout: float, journal: Callable[[ExclusiveDirectory], Journal]
    ) -> None:
        """Take the absolute *path* of the certificate directory, which need not exist, and what opens its journal."""
        self._path = path
        self._strict = strict
        self._lock_timeout = lock_timeout
        self._journal = journal
        self._staged: dict[Entry, StagedFile] = {}
        self._note = b""
        self._exclusive: ExclusiveDirectory | None = None

    def create(self, entry: Entry, data: bytes, *, private: bool = False) -> None:
        """Stage a new file. Raises AlreadyExists."""
        if entry in self._staged or self._mode(entry) is not None:
            raise AlreadyExists(self._shown(entry))
        self._stage(entry, data, private, replaces=False)

    def replace(self, entry: Entry, data: bytes, *, private: bool = False) -> None:
        """Stage a file that takes the place of whatever is there, a symbolic link itself and never what it leads to.

        Raises StoreFailure when a directory is there.
        """
        mode = self._mode(entry)
        if mode is not None and stat.S_ISDIR(mode):
            raise StoreFailure(self._shown(entry), "replace", "it is a directory")
        earlier = self._staged.get(entry)
        self._stage(entry, data, private, replaces=earlier is None or earlier.placement.replaces)

    def attach(self, note: bytes) -> None:
        """Give the transaction its note."""
        self._note = note

    def __enter__(self) -> FileTransaction:
        """Lock the directory and finish what a killed command left. Raises StoreBusy, UnsafeDirectory, StoreFailure."""
        with self._as_failures():
            exclusive = ExclusiveDirectory(self._path, self._strict, self._lock_timeout)
            try:
                self._journal(exclusive).recover()
            except BaseException:
                exclusive.close(written=False)
                raise
        self._exclusive = exclusive
        self._staged.clear()
        self._note = b""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the files in place unless the block raised. Raises AlreadyExists, UnsafeDirectory, StoreFailure."""
        exclusive = self._opened()
        self._exclusive = None
        written = False
        try:
            if kind is None and (self._staged or self._note):
                with self._as_failures():
                    self._journal(exclusive).write(list(self._staged.values()), self._note)
                written = True
        finally:
            exclusive.close(written=written)

    def _stage(self, entry: Entry, data: bytes, private: bool, *, replaces: bool) -> None:
        self._staged[entry] = StagedFile(Placement(entry, replaces), bytes(data), private)

    def _mode(self, entry: Entry) -> int | None:
        entry.require_plain()
        root = self._opened().directory.root
        try:
            return os.stat(entry.path, dir_fd=root, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreFailure(self._shown(entry), "write to", _reason(error)) from error

    def _opened(self) -> ExclusiveDirectory:
        if self._exclusive is None:
            raise RuntimeError("a transaction is used outside of its block")
        return self._exclusive

    def _shown(self, entry: Entry) -> str:
        return os.path.join(self._path, entry.folder, entry.filename)

    @contextmanager
    def _as_failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreFailure(self._path, "write to", _reason(error)) from error


def read_file(path: str, *, limit: int = _MIB) -> bytes:
    """Return the bytes of the regular file *path*, wherever it is, at once or not at all.

    Raises UnreadableFile when it is missing, a directory, a FIFO, a device, larger than *limit* or not permitted.
    """
    try:
        return _contents(path, limit)
    except FileNotFoundError as error:
        raise UnreadableFile(path, _reason(error)) from error


def _contents(path: str, limit: int) -> bytes:
    """Return what *path* holds. Raises FileNotFoundError, and UnreadableFile for everything else."""
    try:
        descriptor = os.open(path, _READ)  # O_NONBLOCK: a FIFO that nobody writes to must not hold us
        try:
            return _regular(descriptor, path, limit)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableFile(path, _reason(error)) from error
    except ValueError as error:  # NUL or a lone surrogate in the path
        raise UnreadableFile(path, "it is no path") from error


def _regular(descriptor: int, path: str, limit: int) -> bytes:
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableFile(path, "it is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFile(path, "it is not a regular file")
    chunks: list[bytes] = []
    wanted = limit + 1  # the size that fstat tells can be outgrown, and is 0 in /proc
    while wanted > 0 and status.st_size <= limit and (chunk := os.read(descriptor, min(wanted, _CHUNK))):
        chunks.append(chunk)
        wanted -= len(chunk)
    if status.st_size > limit or wanted <= 0:
        raise UnreadableFile(path, f"it is larger than {limit // _MIB} MiB" if limit >= _MIB else "it is too large")
    return b"".join(chunks)


def _exists(path: str) -> bool:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # there is something; reading it will say what is wrong
    return True


def _reason(error: OSError) -> str:
    if error.errno == errno.EXDEV:
        return "its folders must all be on one file system"
    return error.strerror or str(error)


def _say_nothing(_: str) -> None:
    pass
