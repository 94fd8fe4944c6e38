"""What easycert needs of the place where its files live.

Two implementations ship: :class:`easycert.store.files.FileStore` (a directory) and
:class:`easycert.store.memory.MemoryStore` (its twin for tests and dry runs). The same contract tests run over both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TypeAlias

from easycert.store.layout import Entry

if TYPE_CHECKING:
    from easycert.store.pairs import Pair
    from easycert.store.survey import Seen

#: What tells a file that is unchanged: its size in bytes, time of change in nanoseconds, and inode number.
Stamp: TypeAlias = tuple[int, int, int]
#: The same, of a file wherever it lies: its path, times of change and of its inode's change, size and inode number.
Mark: TypeAlias = tuple[str, int, int, int, int]


class Settlement(Protocol):
    """What must happen exactly once together with the files of a transaction: its note is kept somewhere.

    The note is in the journal from the moment on in which the files are promised, so whoever finishes an interrupted
    transaction settles its note too.
    """

    def settle(self, note: bytes, entries: Sequence[Entry]) -> None:
        """Keep *note*, now that the files *entries* are in place; does nothing for one that is kept already.

        Raises an EasycertError when it cannot; the files are then taken back.
        """

    def is_settled(self, note: bytes) -> bool:
        """Return whether *note* is kept."""


class Transaction(Protocol):
    """A set of files that appear together or not at all. Leaving the block without an exception commits it.

    While the block is open the caller is the only writer of the certificate directory. Files appear in the order in
    which they were staged: stage a key before its certificate, and whoever reads without a lock never sees a
    certificate that has no key.
    """

    def create(self, entry: Entry, data: bytes, *, private: bool = False) -> None:
        """Stage a new file; *private* means that only its owner may read it.

        Raises AlreadyExists when the target exists (in this transaction too).
        """

    def replace(self, entry: Entry, data: bytes, *, private: bool = False) -> None:
        """Stage a file that takes the place of whatever is there."""

    def attach(self, note: bytes) -> None:
        """Give the transaction a *note*, which the store's :class:`Settlement` keeps together with the files."""

    def __enter__(self) -> Transaction: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Store(Protocol):
    """Files of one certificate directory, read along its search path, written to its first directory."""

    #: Keeps the notes of transactions; set by whoever binds the store to a ledger.
    settlement: Settlement | None

    def read(self, entry: Entry) -> bytes | None:
        """Return the bytes of *entry* from the first directory of the search path that has it, or None.

        Raises UnreadableFile for anything but a readable regular file of sane size.
        """

    def find(self, entry: Entry) -> str | None:
        """Return the absolute path at which :meth:`read` would find *entry*, or None."""

    def path(self, entry: Entry) -> str:
        """Return the absolute path at which *entry* is, or would be, written."""

    def entries(self, folder: str) -> list[Entry]:
        """Return the files of *folder* along the search path, sorted, each name once, hidden files left out."""

    def each(self, folder: str, suffix: str) -> Iterator[Entry]:
        """Yield those of :meth:`entries` that have this suffix, one by one: there may be many."""

    def stamp(self, entry: Entry) -> Stamp | None:
        """Return the stamp of *entry* where it is written, or None when there is none."""

    def stamps(self, folder: str) -> dict[str, Stamp]:
        """Return the stamps of the files of *folder* where it is written, by file name, hidden files left out."""

    def marks(self, folder: str, suffix: str) -> tuple[Mark, ...]:
        """Return the marks of the files of *folder* with this suffix along the search path, hidden ones left out.

        Raises UnreadableFile.
        """

    def pairs(self, folder: str) -> Iterator[Pair]:
        """Yield the certificate files of *folder* along the search path, and what there is to know of their keys.

        In no order, hidden files left out; of files of one name the one that :meth:`read` reads counts. Raises
        UnreadableFile.
        """

    def exposed(self, entry: Entry) -> bool:
        """Return whether people other than its owner may read or write *entry*."""

    def survey(self) -> list[Seen]:
        """Return everything in the directory written to: itself, folders and files, hidden ones too, with their modes.

        Raises UnreadableFile for a folder that may not be listed.
        """

    def tighten(self, path: str, mode: int) -> None:
        """Give *path*, an absolute one that :meth:`survey` named, the mode *mode*. Raises StoreFailure."""

    def require_absent(self, entries: Iterable[Entry]) -> None:
        """Raise AlreadyExists for the first of *entries*, in their order, that exists where it would be written."""

    def unfinished(self) -> int:
        """Return how many transactions were begun, ended in their middle, and could not be finished since."""

    def transaction(self, *, wait: bool = True) -> Transaction:
        """Return a transaction; entering it waits for other writers and raises StoreBusy when that takes too long.

        Without *wait* it is at once.
        """
