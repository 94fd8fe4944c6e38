"""The store that is a dictionary: the twin of :mod:`easycert.store.files` for tests and dry runs."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from types import TracebackType

from easycert.errors import AlreadyExists, StoreBusy
from easycert.store.layout import Entry


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

    def exposed(self, entry: Entry) -> bool:
        """Return whether others than its owner may read or write *entry*; False when there is none."""
        return bool(self.modes.get(entry.path, 0o600) & 0o066)

    def require_absent(self, entries: Iterable[Entry]) -> None:
        """Raise AlreadyExists for the first of *entries* that exists."""
        for entry in entries:
            if entry.path in self.files:
                raise AlreadyExists(self.path(entry))

    def transaction(self) -> MemoryTransaction:
        """Return a transaction; another one that is open makes it wait, and raise StoreBusy in the end."""
        return MemoryTransaction(self, self._lock, self._lock_timeout)


class MemoryTransaction:
    """A set of files for a :class:`MemoryStore`; see :class:`easycert.store.protocol.Transaction`."""

    def __init__(self, store: MemoryStore, lock: threading.Lock, timeout: float) -> None:
        """Take the store, and the lock that its transactions share."""
        self._store = store
        self._lock = lock
        self._timeout = timeout
        self._staged: dict[Entry, tuple[bytes, int]] = {}

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

    def __enter__(self) -> MemoryTransaction:
        """Wait for other writers. Raises StoreBusy."""
        if not self._lock.acquire(timeout=self._timeout):
            raise StoreBusy(self._store.directory, "another transaction", self._timeout)
        self._staged.clear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the files in place unless the block raised."""
        try:
            if kind is None:
                for entry, (data, mode) in self._staged.items():
                    self._store.files[entry.path], self._store.modes[entry.path] = data, mode
        finally:
            self._lock.release()
