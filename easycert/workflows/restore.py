"""Restoring, and looking whether a backup is still what it was: a directory, or one sealed file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import IO

from easycert.backup import manifest
from easycert.backup.attributes import Attributes
from easycert.backup.copying import Copying, Progress
from easycert.backup.headers import What
from easycert.backup.manifest import Difference, Manifest, Record, escaped
from easycert.backup.sinks import Directory, Nowhere, Sink
from easycert.backup.source import Source
from easycert.backup.staging import Staging, failures, require_apart, require_free
from easycert.backup.survey import Item, Selection, Survey, survey
from easycert.errors import BackupDamaged, BackupRefused, UnreadableFile
from easycert.model import Value
from easycert.workflows.backup import manifest_suffix

_MANIFEST_MAX = 1 << 30


class RestoreRequest(Value):
    """Which backup, a directory or a sealed file, and where to; the *passphrase* of one that is sealed."""

    backup: str
    destination: str
    passphrase: bytes | None = None


class Restored(Value):
    """A backup that was restored."""

    backup: str
    destination: str
    created: str
    files: int
    size: int


class Verified(Value):
    """A backup that was read again: when it was made, how much it is, and what is not as its manifest says."""

    backup: str
    created: str
    files: int
    size: int
    differences: tuple[Difference, ...]


def restore(request: RestoreRequest, progress: Progress) -> Restored:
    """Copy a backup to a new directory: complete, each file compared with its digest, or not at all.

    Raises DestinationExists, BackupRefused, BackupDamaged, EncryptedKey, Malformed, UnreadableFile and StoreFailure.
    """
    destination = os.path.abspath(request.destination)
    require_free(destination)
    opened = _opened(request.backup, request.passphrase, progress)
    if isinstance(opened, _Plain):
        _require_none(opened.path, opened.look(destination))
    with Staging(destination, with_manifest=False) as staging, failures(destination):
        sink = Directory(staging.copy)
        told, found = opened.read(sink)
        _require_none(request.backup, manifest.differences(told.records, found))
        staging.place(sink.own_mode())
    backup = escaped(os.path.abspath(request.backup))
    return Restored(backup, escaped(destination), told.created, *_amount(told.records))


def verify(path: str, passphrase: bytes | None, progress: Progress) -> Verified:
    """Read the backup *path* whole, and return every difference from its manifest.

    Raises EncryptedKey, Malformed and UnreadableFile.
    """
    told, found = _opened(path, passphrase, progress).read(Nowhere())
    differing = [item._replace(path=escaped(item.path)) for item in manifest.differences(told.records, found)]
    return Verified(escaped(os.path.abspath(path)), told.created, *_amount(told.records), tuple(differing))


class _Plain:
    """A backup that is a directory, with its manifest beside it."""

    def __init__(self, path: str, progress: Progress) -> None:
        self.path = os.path.abspath(path)
        self._progress = progress
        self._told = _read_manifest(self.path)

    def look(self, destination: str) -> list[Difference]:
        """Return what can be seen without reading the files. Raises BackupRefused for a *destination* in it."""
        with Source(self.path) as source:
            there = self._survey(source)
            require_apart(destination, self.path, there.directories())
            found = [_seen(source, item) for item in there.items]
            return manifest.differences(self._told.records, [*found, *_strange(there)], contents=False)

    def read(self, sink: Sink) -> tuple[Manifest, list[Record]]:
        """Return the manifest, and the records of what went into *sink*."""
        with Source(self.path) as source:
            there = self._survey(source)
            records = Copying(source, sink, self._progress).run(there.items).records
            return self._told, [*records, *_strange(there)]

    @staticmethod
    def _survey(source: Source) -> Survey:
        return survey(source, Selection())


class _Sealed:
    """A backup that is one sealed file."""

    def __init__(self, path: str, passphrase: bytes | None, progress: Progress) -> None:
        self._path = path
        self._passphrase = passphrase
        self._progress = progress

    def read(self, sink: Sink) -> tuple[Manifest, list[Record]]:
        """Return the manifest, and the records of what went into *sink*."""
        from easycert.backup.archive import Unpacking
        from easycert.backup.sealing import Opener

        with self._file() as file:
            total = os.fstat(file.fileno()).st_size
            opener = Opener(file.read, self._passphrase, self._path)
            unpacking = Unpacking(opener, self._path, lambda _, __: self._progress(file.tell(), total))
            records, told = unpacking.run(sink)
        return manifest.parsed(told, self._path), records

    def _file(self) -> IO[bytes]:
        try:
            return open(self._path, "rb")
        except OSError as error:
            raise UnreadableFile(self._path, error.strerror or str(error)) from error


def _opened(path: str, passphrase: bytes | None, progress: Progress) -> _Plain | _Sealed:
    if os.path.isdir(path):
        return _Plain(path, progress)
    if os.path.isfile(path):
        return _Sealed(path, passphrase, progress)
    raise UnreadableFile(path, "there is no backup of that name")


def _read_manifest(path: str) -> Manifest:
    from easycert.store.files import read_file

    beside = path + manifest_suffix()
    if not os.path.lexists(beside):
        raise BackupRefused(path, f"it is no backup, or an incomplete one: there is no {beside}")
    return manifest.parsed(read_file(beside, limit=_MANIFEST_MAX), beside)


def _seen(source: Source, item: Item) -> Record:
    attributes = Attributes.of(item.status)
    is_file = item.what is What.FILE
    target = source.readlink(item.path) if item.what is What.LINK else ""
    size = item.status.st_size if is_file else 0
    return Record(item.path, item.what, attributes.mode, attributes.mtime_ns, size, "", target)


def _strange(there: Survey) -> list[Record]:
    """Return records of what no backup has: sockets, FIFOs, devices."""
    return [Record(item.path, What.FILE, 0, 0) for item in there.left_out]


def _require_none(path: str, differing: list[Difference]) -> None:
    if differing:
        raise BackupDamaged(path, tuple(f"{escaped(item.path)} ({item.what})" for item in differing))


def _amount(records: Iterable[Record]) -> tuple[int, int]:
    sizes = [item.size for item in records if item.sha256]
    return len(sizes), sum(sizes)
