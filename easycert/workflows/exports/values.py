"""What is asked of an export, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from easycert.errors import EasycertError
from easycert.ledger.records import Export
from easycert.model import Kind, Value


class ExportRequest(Value):
    """What is to be written: *name* (as people write it, of this *kind* where given), in the form of a *recipe*.

    *destination* is a directory, which is made if it is missing; *owner* and *group* are names or numbers of the
    operating system's. *hook* is a command line for the shell, which is run whenever a renewal has written the files
    again. The *passphrase* can be read again from *passphrase_file*, if that is given. With *remember* it is written
    again when it is renewed.
    """

    name: str
    recipe: str
    destination: str
    kind: Kind | None = None
    owner: str = ""
    group: str = ""
    hook: str = ""
    legacy: bool = False
    passphrase: bytes | None = None
    passphrase_file: str = ""
    remember: bool = True


class ExportedFiles(Value):
    """What was written: absolute paths, text for the program's configuration, and a command that has it read them."""

    kind: Kind
    name: str
    recipe: str
    destination: str
    files: tuple[str, ...]
    snippet: str
    reload: str
    remembered: bool
    notes: tuple[str, ...]


class Drift(Value):
    """One difference between an export and what lies there: the file, and a fragment that says what about it."""

    path: str
    what: str


class ExportState(Value):
    """A remembered export and what is different; *error* says why that cannot be told, or the files not be written."""

    export: Export
    drifts: tuple[Drift, ...] = ()
    error: EasycertError | None = None

    @property
    def is_current(self) -> bool:
        """Whether everything is there as it should be."""
        return not self.drifts and self.error is None


class Amiss(NamedTuple):
    """An export that is not as it should be, in a few words: for an overview."""

    kind: str
    name: str
    recipe: str
    destination: str
    what: tuple[str, ...]


class RefreshRun(Value):
    """What came of writing exports again: those that were written, those that failed, and how many were as they should.

    In *written* an ``error`` is that of the hook: the files are in place.
    """

    written: tuple[ExportState, ...] = ()
    failed: tuple[ExportState, ...] = ()
    current: int = 0

    @property
    def has_failed(self) -> bool:
        """Whether something has to be done again."""
        return bool(self.failed) or any(item.error for item in self.written)


def names_of(export: Export) -> tuple[str, ...]:
    """Return the names of the files that *export* consisted of when it was written last."""
    return tuple(line.partition(" ")[2] for line in export.files.splitlines())


def digests_of(export: Export) -> dict[str, str]:
    """Return the SHA-256 of each public file when it was written last, by its name."""
    lines = (line.partition(" ") for line in export.files.splitlines())
    return {name: digest for digest, _, name in lines if digest != "-"}


def overlapping(exports: Iterable[Export], destination: str, names: Collection[str]) -> list[Export]:
    """Return those of *exports* that have a file of one of these *names* in *destination*."""
    return [item for item in exports if item.destination == destination and {*names}.intersection(names_of(item))]


def told_forgotten(export: Export) -> str:
    """Return the note that *export* gave way to what lies there now."""
    return f"{export.kind} {export.name} for {export.recipe} lay here, and is not written again"
