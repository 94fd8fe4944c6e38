"""Backing up: a service's directory, or the certificate directory, as it is at one moment, beside who writes to it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial

from easycert.backup import manifest
from easycert.backup.copying import Copied, Copying, Progress
from easycert.backup.environments import Environments
from easycert.backup.headers import What
from easycert.backup.manifest import escaped
from easycert.backup.sinks import Directory
from easycert.backup.source import Source
from easycert.backup.staging import Staging, failures, require_apart, require_free
from easycert.backup.survey import LeftOut, Survey, live, survey
from easycert.backup.writing import write_all
from easycert.certdir import CertDir
from easycert.errors import BackupRefused, StoreFailure, UnreadableFile
from easycert.model import Value
from easycert.store import layout

#: What a sealed backup's name ends with.
SEALED_SUFFIX = ".tar.age"
_DATE = "{date}"
_LOCK = f"{layout.STATE}/lock"


class BackupRequest(Value):
    """What to back up (None: the certificate directory) and where to; patterns of directories to leave out.

    ``{date}`` in *destination* is filled in. With a *passphrase* the backup is one sealed file, else a directory.
    """

    source: str | None
    destination: str
    skip: tuple[str, ...] = ()
    passphrase: bytes | None = None


class Passed(Value):
    """A path of the source that is not in the backup, or not as it was at one moment, and why."""

    path: str
    reason: str


class Backup(Value):
    """A backup that was made: where it is, what is in it, and what of its source is not."""

    source: str
    destination: str
    manifest: str
    sealed: bool
    created: datetime
    files: int
    directories: int
    links: int
    lmdb: int
    sqlite: int
    size: int
    #: Whether all LMDB environments are of one moment; else each is of its own.
    one_moment: bool
    left_out: tuple[Passed, ...]
    vanished: tuple[str, ...]
    changed: tuple[str, ...]
    notes: tuple[str, ...]


def backup(certdir: CertDir, request: BackupRequest, progress: Progress) -> Backup:
    """Back up what *request* says.

    Raises, before anything is written, DestinationExists, BackupRefused and LmdbMissing. Also UnreadableFile,
    StoreBusy for a certificate directory that somebody writes to, and StoreFailure; then nothing is left.
    """
    now = certdir.now()
    destination = _destination(request, now)
    source, certificates = _source(certdir, request.source)
    require_free(destination)
    with ExitStack() as stack:
        opened = stack.enter_context(_opened(source))
        require_apart(destination, source, [])
        notes = stack.enter_context(_standing_still(certificates))
        found = survey(opened, live(request.skip, frozenset([_LOCK] if certificates else [])))
        require_apart(destination, source, found.directories())
        held = stack.enter_context(Environments(_lmdb_files(opened, found)))
        run = _Run(opened, found, held, progress, now)
        copied = run.sealed(destination, request.passphrase) if request.passphrase else run.plain(destination)
    return run.result(destination, copied, notes, sealed=request.passphrase is not None)


def manifest_suffix() -> str:
    """Return what the name of a manifest ends with, behind that of its backup."""
    from easycert.backup.staging import MANIFEST_SUFFIX

    return MANIFEST_SUFFIX


class _Run:
    """One backup, once all is open."""

    def __init__(self, source: Source, found: Survey, held: Environments, progress: Progress, now: datetime) -> None:
        self._source = source
        self._found = found
        self._held = held
        self._progress = progress
        self._now = now

    def plain(self, destination: str) -> Copied:
        """Make a directory, and its manifest beside it."""
        with Staging(destination, with_manifest=True) as staging, failures(destination):
            sink = Directory(staging.copy)
            copying = Copying(self._source, sink, self._progress)
            copying.with_databases(self._held, staging.path)
            copied = copying.run(self._found.items)
            with open(staging.manifest, "x", encoding="utf-8", opener=partial(os.open, mode=0o600)) as file:
                file.writelines(self._manifest(copied))
            self._own(staging.manifest)
            staging.place(sink.own_mode())
        return copied

    def sealed(self, destination: str, passphrase: bytes) -> Copied:
        """Make one sealed file."""
        from easycert.backup.archive import Archive
        from easycert.backup.sealing import Sealer

        name = os.path.basename(destination).removesuffix(SEALED_SUFFIX)
        with (
            Staging(destination, with_manifest=False) as staging,
            failures(destination),
            tempfile.TemporaryDirectory(prefix="easycert-") as scratch,
            _new_file(staging.copy) as file,
        ):
            sealer = Sealer(partial(write_all, file), passphrase)
            archive = Archive(sealer.write, name)
            copying = Copying(self._source, archive, self._progress)
            copying.with_databases(self._held, scratch)
            copied = copying.run(self._found.items)
            archive.close("".join(self._manifest(copied)).encode(), int(self._now.timestamp()) * 1_000_000_000)
            sealer.close()
            staging.place()
        return copied

    def result(self, destination: str, copied: Copied, notes: list[str], *, sealed: bool) -> Backup:
        """Return what was done."""
        kinds = [item.what for item in copied.records]
        odd = [f"{escaped(path)} begins like a SQLite database and is none: copied as it is" for path in copied.odd]
        return Backup(
            source=escaped(self._source.path),
            destination=escaped(destination),
            manifest="" if sealed else escaped(destination + manifest_suffix()),
            sealed=sealed,
            created=self._now,
            files=kinds.count(What.FILE),
            directories=kinds.count(What.DIRECTORY),
            links=kinds.count(What.LINK),
            lmdb=kinds.count(What.LMDB),
            sqlite=kinds.count(What.SQLITE),
            size=sum(item.size for item in copied.records),
            one_moment=self._held.is_one_moment,
            left_out=tuple(_passed(item) for item in sorted(self._found.left_out)),
            vanished=tuple(escaped(path) for path in copied.vanished),
            changed=tuple(escaped(path) for path in copied.changed),
            notes=(*notes, *odd),
        )

    def _manifest(self, copied: Copied) -> Iterator[str]:
        return manifest.written(self._source.path, self._now, copied.records)

    def _own(self, path: str) -> None:
        """Let the manifest belong to whom the source belongs to."""
        if os.geteuid() == 0:
            status = self._found.items[0].status
            os.chown(path, status.st_uid, status.st_gid)


def _destination(request: BackupRequest, now: datetime) -> str:
    filled = request.destination.replace(_DATE, f"{now:%Y%m%dT%H%M%SZ}")
    path = os.path.abspath(filled)
    if "\0" in path or not os.path.basename(path):
        raise BackupRefused(path, "it is no name for a backup")
    if request.passphrase is not None and not path.endswith(SEALED_SUFFIX):
        path += SEALED_SUFFIX
    return path


def _source(certdir: CertDir, given: str | None) -> tuple[str, CertDir | None]:
    """Return the path to copy, and the certificate directory that it is, if easycert has written to it."""
    own = os.path.dirname(certdir.store.path(layout.SETTINGS))
    path = own if given is None else os.path.abspath(given)
    if not os.path.isdir(os.path.join(path, layout.STATE)):
        return path, None
    return path, certdir if path == own else CertDir.open(path)


@contextmanager
def _new_file(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _opened(path: str) -> Iterator[Source]:
    try:
        source = Source(path)
    except (OSError, ValueError) as error:
        raise UnreadableFile(path, getattr(error, "strerror", None) or "it is no path") from error
    with source:
        yield source


@contextmanager
def _standing_still(certificates: CertDir | None) -> Iterator[list[str]]:
    """Keep others from changing a certificate directory; yield what to say where that cannot be."""
    if certificates is None:
        yield []
        return
    files = certificates.store.transaction()
    try:
        files.__enter__()
    except StoreFailure as error:
        yield [f"the certificate directory is copied without its lock: {error}"]
        return
    try:
        yield []
    finally:
        files.__exit__(None, None, None)


def _lmdb_files(source: Source, found: Survey) -> list[str]:
    return [source.absolute(item.path) for item in found.items if item.what is What.LMDB]


def _passed(item: LeftOut) -> Passed:
    return Passed(escaped(item.path), item.reason)
