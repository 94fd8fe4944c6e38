"""The store that is a dictionary: the twin of :mod:`easycert.store.files` for tests and dry runs."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from easycert.errors import AlreadyExists, StoreBusy, StoreFailure
from easycert.store.layout import Entry

if TYPE_CHECKING:
    from easycert.store.pairs import Pair
    from easycert.store.protocol import Mark, Settlement, Stamp
    from easycert.store.survey import Seen


class MemoryStore:
    """Files of one certificate directory that exists only in memory; see :class:`easycert.store.protocol.Store`.

    ``files`` maps a relative path (``hosts/NAME.crt``) to its bytes and ``modes`` the same path to its mode; both may
    be looked at and changed freely.
    """

    def __init__(self, directory: str = "/certs", *, lock_timeout: float = 10.0) -> None:
        """Begin empty; *directory* is where the files pretend to be, *lock_timeout* how long a writer waits."""
        self.files: dict[str, bytes] = {}
        self.modes: dict[str, int] = {}
        self.directory = directory
        self._lock = threading.Lock()
        self._lock_timeout = lock_timeout
        #: Keeps the notes of transactions; set by whoever binds the store to a ledger.
        self.settlement: Settlement | None = None

    def read(self, entry: Entry) -> bytes | None:
        """Return the bytes of *entry*, or None."""
        return self.files.get(entry.path)

    def find(self, entry: Entry) -> str | None:
        """Return the path of *entry* if it exists, or None."""
        return self.path(entry) if entry.path in self.files else None

    def path(self, entry: Entry) -> str:
        """Return the path at which *entry* pretends to be."""
        return f"{self.directory}/{entry.path}"

    def entries(self, folder: str) -> list[Entry]:
        """Return the files of *folder* that could be a certificate's, sorted."""
        found = sorted(path.partition("/")[2] for path in self.files if path.startswith(f"{folder}/"))
        return [entry for entry in (Entry(folder, name) for name in found) if entry.is_named]

    def each(self, folder: str, suffix: str) -> Iterator[Entry]:
        """Yield the files of *folder* with this suffix, sorted."""
        return (entry for entry in self.entries(folder) if entry.suffix == suffix)

    def stamp(self, entry: Entry) -> Stamp | None:
        """Return what tells whether *entry* has changed, or None when there is none."""
        data = self.files.get(entry.path)
        return None if data is None else (len(data), hash(data), 0)

    def stamps(self, folder: str) -> dict[str, Stamp]:
        """Return the stamps of all files of *folder*, by file name."""
        found = (path.partition("/")[2] for path in self.files if path.startswith(f"{folder}/"))
        stamps = ((name, self.stamp(Entry(folder, name))) for name in found if not name.startswith("."))
        return {name: stamp for name, stamp in stamps if stamp is not None}

    def marks(self, folder: str, suffix: str) -> tuple[Mark, ...]:
        """Return the marks of the files of *folder* with this suffix."""
        files = self.stamps(folder).items()
        return tuple(
            (f"{self.directory}/{folder}/{name}", 0, 0, size, changed)
            for name, (size, changed, _) in sorted(files)
            if name.endswith(f".{suffix}")
        )

    def pairs(self, folder: str) -> Iterator[Pair]:
        """Yield the certificate files of *folder*, and what there is to know of their keys."""
        from easycert.store.pairs import Pair

        for filename, stamp in self.stamps(folder).items():
            name, dot, suffix = filename.rpartition(".")
            if dot and suffix == "crt":
                key = Entry(folder, f"{name}.key")
                yield Pair(name, self.directory, True, stamp, key.path in self.files, self.exposed(key))

    def exposed(self, entry: Entry) -> bool:
        """Return whether others than its owner may read or write *entry*; False when there is none."""
        return bool(self.modes.get(entry.path, 0o600) & 0o066)

    def survey(self) -> list[Seen]:
        """Return everything there is; directories are as private as they are made on disk."""
        from easycert.store.survey import Seen

        folders = sorted({path.partition("/")[0] for path in self.files})
        found = [Seen(self.directory, "", "", self._mode("", 0o700), True, True)]
        found += [Seen(f"{self.directory}/{name}", name, "", self._mode(name, 0o700), True, True) for name in folders]
        for path in sorted(self.files):
            folder, _, filename = path.partition("/")
            found.append(Seen(f"{self.directory}/{path}", folder, filename, self._mode(path, 0o600), True, False))
        return found

    def tighten(self, path: str, mode: int) -> None:
        """Give *path* the mode *mode*. Raises StoreFailure for what there is not."""
        relative = path.removeprefix(self.directory).lstrip("/")
        if relative and relative not in self.files and not any(name.startswith(f"{relative}/") for name in self.files):
            raise StoreFailure(path, "change the mode of", "No such file or directory")
        self.modes[relative] = mode

    def _mode(self, path: str, default: int) -> int:
        return self.modes.get(path, default)

    def require_absent(self, entries: Iterable[Entry]) -> None:
        """Raise AlreadyExists for the first of *entries* that exists."""
        for entry in entries:
            if entry.path in self.files:
                raise AlreadyExists(self.path(entry))

    def unfinished(self) -> int:
        """Return 0: what is in memory ends with its process."""
        return 0

    def transaction(self, *, wait: bool = True) -> MemoryTransaction:
        """Return a transaction; another one that is open makes it wait, and raise StoreBusy in the end."""
        return MemoryTransaction(self, self._lock, self._lock_timeout if wait else 0)


class MemoryTransaction:
    """A set of files for a :class:`MemoryStore`; see :class:`easycert.store.protocol.Transaction`."""

    def __init__(self, store: MemoryStore, lock: threading.Lock, timeout: float) -> None:
        """Take the store, and the lock that its transactions share."""
        self._store = store
        self._lock = lock
        self._timeout = timeout
        self._staged: dict[Entry, tuple[bytes, int]] = {}
        self._note = b""

    def create(self, entry: Entry, data: bytes, *, private: bool = False) -> None:
        """Stage a new file. Raises AlreadyExists."""
        if entry in self._staged:
            raise AlreadyExists(self._store.path(entry))
        self._store.require_absent([entry])
        self.replace(entry, data, private=private)

    def replace(self, entry: Entry, data: bytes, *, private: bool = False) -> None:
        """Stage a file that takes the place of whatever is there."""
        entry.require_plain()
        self._staged[entry] = bytes(data), 0o600 if private else 0o644

    def attach(self, note: bytes) -> None:
        """Give the transaction its note."""
        self._note = note

    def __enter__(self) -> MemoryTransaction:
        """Wait for other writers. Raises StoreBusy."""
        if not self._lock.acquire(timeout=self._timeout):
            raise StoreBusy(self._store.directory, "another transaction", self._timeout)
        self._staged.clear()
        self._note = b""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the files in place, and settle the note, unless the block raised."""
        try:
            if kind is None:
                self._place()
        finally:
            self._lock.release()

    def _place(self) -> None:
        store, before = self._store, (dict(self._store.files), dict(self._store.modes))
        for entry, (data, mode) in self._staged.items():
            store.files[entry.path], store.modes[entry.path] = data, mode
        try:
            if self._note and store.settlement:
                store.settlement.settle(self._note, list(self._staged))
        except BaseException:
            store.files, store.modes = before
            raise
