"""The journal: how several files appear together or not at all, whatever happens in between.

A set of files is first written to ``.easycert/journal/ID/`` as ``0``, ``1``, ... and made durable. Then the *record*,
which says what goes where, gets its name: from that moment on the set will appear. Each file is then put in place, in
the order given, and the entry is removed.

- A new file is put in place by a hard link, which fails when the name is taken: nothing is ever overwritten, even when
  a foreign program is faster than we are. A file that replaces another is put in place by renaming a second link to it;
  the one it replaces stays in the journal (``N.old``) until all is done.
- So the staged file keeps its name to the end and is the proof of what is ours, and each step can be repeated or
  undone any number of times, by the process that began or by the next one.
- An entry without a record was never promised to anyone and is swept. An entry with a record is finished by the next
  command, unless a foreign file sits in its way: then it is undone.
- A file system without hard links gets renames instead, and a look before them.
- One new file alone, without a note, needs no record: that it is put in place is one step already.
- A note rides in the record: what the ledger has to know. It is handed to the store's settlement once all files are in
  place, by whoever put them there; when it cannot be settled the files are taken back.

The record is a list of NUL-terminated fields, since a file name may hold anything else, and behind it the note.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from easycert.errors import AlreadyExists, EasycertError, printable
from easycert.model import Value
from easycert.store.directories import WritableDirectory, sync_directory, sync_file, write_all
from easycert.store.layout import STATE, Entry

if TYPE_CHECKING:
    from easycert.store.protocol import Settlement

JOURNAL = f"{STATE}/journal"
_RECORD, _RECORD_DRAFT = "record", "record.draft"
_FORMAT = "easycert-journal-1"
_END = b"\0end\0"
#: A record brings along the certificates of its files; a hundred thousand of them are 70 MB.
_READ_MAX = 1 << 30
_ID = r"[0-9a-f]{16}"
_OURS = r"[0-9]+(\.old|\.new)?|record(\.draft)?"
_VERBS = {"create": False, "replace": True}
_PRIVATE, _PUBLIC = 0o600, 0o644
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
#: What link(2) says where there are no hard links, or none to this file (Linux: fs.protected_hardlinks).
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
#: From this many files on, one sync(2) is cheaper than an fsync(2) of each; only Linux waits for it to finish.
_SYNC_ALL_FROM = 100 if sys.platform == "linux" else sys.maxsize


class Placement(Value):
    """Where one staged file goes, and whether it may take the place of another."""

    entry: Entry
    replaces: bool


class StagedFile(Value):
    """One file of a transaction: its place, its bytes and whether only its owner may read it."""

    placement: Placement
    data: bytes
    private: bool


class Journal:
    """The journal of a certificate directory that this process has locked.

    Functions raise OSError as the system does, after they have put everything back.
    """

    def __init__(
        self, directory: WritableDirectory, report: Callable[[str], None], settlement: Settlement | None = None
    ) -> None:
        """Take the locked *directory*, whom to tell what in the journal cannot be understood, and who keeps notes."""
        self._directory = directory
        self._report = report
        self._settlement = settlement

    def write(self, files: Sequence[StagedFile], note: bytes = b"") -> None:
        """Put all of *files* in place, in their order, and settle the *note*, or neither.

        Raises AlreadyExists, OSError, and what the settlement raises.
        """
        if not files:
            self._settle(note, [])
            return
        placements = [file.placement for file in files]
        for folder in {placement.entry.folder for placement in placements}:
            self._directory.descriptor(folder)  # made and judged before anything is written
        unfinished = _Unfinished.begun(self._directory)
        try:
            unfinished.stage(files)
            if note or len(files) > 1 or placements[0].replaces:
                unfinished.promise(_written(placements) + note, synced=len(files) >= _SYNC_ALL_FROM)
            unfinished.finish(placements)
            self._settle(note, placements)
        except BaseException:
            # If it cannot be undone now, or nobody can tell whether it was settled, the record stays, and the next
            # command finishes it.
            with suppress(OSError, EasycertError):
                if not self._is_settled(note):
                    unfinished.undo(placements)
                unfinished.discard()
            raise
        else:
            with suppress(OSError):  # all is done; the next command will find nothing to do but this
                unfinished.discard()
        finally:
            unfinished.close()

    def recover(self) -> None:
        """Finish what an earlier process promised and sweep what it did not.

        Raises OSError, or what the settlement raises, when it cannot.
        """
        for name in sorted(os.listdir(self._directory.descriptor(JOURNAL))):
            if not self._recovered(name):
                shown = printable(os.path.join(self._directory.path, JOURNAL, name))
                self._report(f"{shown} is no journal entry that easycert understands; it is left alone")

    def _recovered(self, name: str) -> bool:
        if not re.fullmatch(_ID, name):
            return False
        try:
            unfinished = _Unfinished(self._directory, name)
        except (NotADirectoryError, FileNotFoundError):
            return False
        try:
            return self._settled(unfinished)
        finally:
            unfinished.close()

    def _settled(self, unfinished: _Unfinished) -> bool:
        record = unfinished.record()
        fields, end, note = (record or b"").partition(_END)
        placements = [] if record is None else _parsed(fields) if end else None
        if placements is None:
            return False
        if not self._is_settled(note):
            try:
                unfinished.finish(placements)
                self._settle(note, placements)
            except AlreadyExists as conflict:  # and for no other reason: the command may have reported success
                unfinished.undo(placements)
                self._report(f"an interrupted command was undone: {conflict}")
        unfinished.discard()
        return True

    def _settle(self, note: bytes, placements: Sequence[Placement]) -> None:
        if note and self._settlement:
            self._settlement.settle(note, [placement.entry for placement in placements])

    def _is_settled(self, note: bytes) -> bool:
        return bool(note) and self._settlement is not None and self._settlement.is_settled(note)


class _Unfinished:
    """One entry of the journal: a set of files on its way to its places."""

    def __init__(self, directory: WritableDirectory, name: str) -> None:
        self._directory = directory
        self._name = name
        self._journal = directory.descriptor(JOURNAL)
        self._placed = False
        self._here = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._journal)

    @classmethod
    def begun(cls, directory: WritableDirectory) -> _Unfinished:
        name = os.urandom(8).hex()
        os.mkdir(name, 0o700, dir_fd=directory.descriptor(JOURNAL))
        try:
            return cls(directory, name)
        except BaseException:
            os.rmdir(name, dir_fd=directory.descriptor(JOURNAL))
            raise

    def close(self) -> None:
        os.close(self._here)

    def stage(self, files: Sequence[StagedFile]) -> None:
        durable = len(files) < _SYNC_ALL_FROM
        for number, file in enumerate(files):
            self._write(str(number), file.data, mode=_PRIVATE if file.private else _PUBLIC, durable=durable)

    def promise(self, record: bytes, *, synced: bool) -> None:
        self._write(_RECORD_DRAFT, record, mode=_PRIVATE, durable=not synced)
        if synced:
            os.sync()
        os.rename(_RECORD_DRAFT, _RECORD, src_dir_fd=self._here, dst_dir_fd=self._here)
        sync_directory(self._here)
        sync_directory(self._journal)

    def record(self) -> bytes | None:
        return _bytes(_RECORD, self._here)

    def finish(self, placements: Sequence[Placement]) -> None:
        """Put the files in place. Raises AlreadyExists or OSError, and leaves it to the caller to go on or back."""
        for number, placement in enumerate(placements):
            self._place(str(number), placement)
        self._sync_places(placements)

    def undo(self, placements: Sequence[Placement]) -> None:
        """Take back what was put in place. Raises OSError."""
        if _identity(_RECORD, self._here) is None and not self._placed:
            return  # nothing was promised, so nothing is in place
        for number, placement in reversed(list(enumerate(placements))):
            self._withdraw(str(number), placement.entry)
        self._sync_places(placements)

    def discard(self) -> None:
        """Remove the entry. Raises OSError when its record cannot be; the next command sweeps what else is left."""
        with suppress(FileNotFoundError):
            os.unlink(_RECORD, dir_fd=self._here)
        with suppress(OSError):
            for name in os.listdir(self._here):
                if re.fullmatch(_OURS, name):
                    os.unlink(name, dir_fd=self._here)
            os.rmdir(self._name, dir_fd=self._journal)

    def _write(self, name: str, data: bytes, *, mode: int, durable: bool) -> None:
        descriptor = os.open(name, _NEW_FILE, _PRIVATE, dir_fd=self._here)
        try:
            write_all(descriptor, data)
            os.fchmod(descriptor, mode)  # whatever the umask left
            if durable:
                sync_file(descriptor)
        finally:
            os.close(descriptor)

    def _place(self, staged: str, placement: Placement) -> None:
        folder, filename = self._directory.descriptor(placement.entry.folder), placement.entry.filename
        mine = _identity(staged, self._here)
        if mine is None or mine == _identity(filename, folder):
            return  # moved or linked before this was interrupted
        if placement.replaces:
            self._keep_old(staged, folder, filename)
            self._replace(staged, folder, filename)
        else:
            self._create(staged, folder, placement.entry)
            self._placed = True

    def _create(self, staged: str, folder: int, entry: Entry) -> None:
        try:
            if not self._linked(staged, self._here, entry.filename, folder):
                if _identity(entry.filename, folder) is not None:
                    raise FileExistsError
                os.rename(staged, entry.filename, src_dir_fd=self._here, dst_dir_fd=folder)
        except FileExistsError:
            if self._same_bytes(staged, folder, entry.filename):
                return  # a directory that was copied half-way has lost the links between its files
            raise AlreadyExists(os.path.join(self._directory.path, entry.folder, entry.filename)) from None

    def _same_bytes(self, staged: str, folder: int, filename: str) -> bool:
        return _bytes(staged, self._here) == _bytes(filename, folder)

    def _replace(self, staged: str, folder: int, filename: str) -> None:
        second = f"{staged}.new"
        if _identity(second, self._here) is None and not self._linked(staged, self._here, second, self._here):
            second = staged
        os.rename(second, filename, src_dir_fd=self._here, dst_dir_fd=folder)

    def _keep_old(self, staged: str, folder: int, filename: str) -> None:
        old = f"{staged}.old"
        if _identity(filename, folder) is None or _identity(old, self._here) is not None:
            return
        if not self._linked(filename, folder, old, self._here):
            os.rename(filename, old, src_dir_fd=folder, dst_dir_fd=self._here)

    @staticmethod
    def _linked(source: str, source_folder: int, target: str, target_folder: int) -> bool:
        try:
            os.link(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder, follow_symlinks=False)
        except OSError as error:
            if error.errno in _NO_LINKS:
                return False
            raise
        return True

    def _withdraw(self, staged: str, entry: Entry) -> None:
        folder, filename = self._directory.descriptor(entry.folder), entry.filename
        mine, there = _identity(staged, self._here), _identity(filename, folder)
        if mine is None and there is not None:  # it was moved, for lack of hard links
            os.rename(filename, staged, src_dir_fd=folder, dst_dir_fd=self._here)
            there = None
        elif there not in (None, mine):
            return  # not ours
        if _identity(f"{staged}.old", self._here) is not None:
            os.rename(f"{staged}.old", filename, src_dir_fd=self._here, dst_dir_fd=folder)
        elif there is not None:
            os.unlink(filename, dir_fd=folder)

    def _sync_places(self, placements: Sequence[Placement]) -> None:
        self._directory.sync(sorted({placement.entry.folder for placement in placements}))


def _identity(name: str, folder: int) -> tuple[int, int] | None:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENAMETOOLONG):
            return None
        raise
    return status.st_dev, status.st_ino


def _bytes(name: str, folder: int) -> bytes | None:
    """Return what a file holds, as far as it can be one of ours; None when there is none or only a symbolic link."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):
            return None
        raise
    with open(descriptor, "rb") as file:
        return file.read(_READ_MAX) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def _written(placements: Sequence[Placement]) -> bytes:
    fields = [_FORMAT]
    for placement in placements:
        verb = "replace" if placement.replaces else "create"
        fields += [verb, placement.entry.folder, placement.entry.filename]
    return b"\0".join(map(os.fsencode, fields)) + _END


def _parsed(record: bytes) -> list[Placement] | None:
    """Return what a record says; None when it is not one, or names a place outside the certificate directory."""
    first, *fields = os.fsdecode(record).split("\0")
    if first != _FORMAT or len(fields) % 3:
        return None
    steps = list(zip(fields[0::3], fields[1::3], fields[2::3], strict=True))
    try:
        for _, folder, name in steps:
            Entry(folder, name).require_plain()
        return [Placement(Entry(folder, name), _VERBS[verb]) for verb, folder, name in steps]
    except (KeyError, ValueError):
        return None
