"""From a directory into a sink: each thing as it must be copied, and a record of it for the manifest."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from easycert.backup.attributes import Attributes, extended_of
from easycert.backup.contents import CHUNK, Digested, FileContent
from easycert.backup.environments import Environments
from easycert.backup.headers import What
from easycert.backup.manifest import Record
from easycert.backup.sinks import Sink
from easycert.backup.source import Source
from easycert.backup.survey import Item
from easycert.errors import UnreadableFile

#: What the system says of something that is no longer what it was.
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

#: Told how many bytes have passed, and how many there will be.
Progress = Callable[[int, int], None]


class Copied(NamedTuple):
    """What was copied, which files were written to meanwhile, and which vanished before their turn."""

    records: list[Record]
    changed: list[str]
    vanished: list[str]
    #: Files that begin like SQLite databases, and are none.
    odd: list[str]


def _turn(item: Item) -> int:
    """Return when it is an item's turn, where that is free: LMDB keeps pages from being used until they are copied."""
    return {What.DIRECTORY: 0, What.LMDB: 1}.get(item.what, 2)


class Copying:
    """Copies one directory."""

    def __init__(self, source: Source, sink: Sink, progress: Progress) -> None:
        """Copy from *source* into *sink*."""
        self._source = source
        self._sink = sink
        self._progress = progress
        self._passed, self._total = 0, 0
        self._names: dict[tuple[int, int], Record] = {}
        self._environments: Environments | None = None
        self._scratch = ""
        self._copied = Copied([], [], [], [])

    def with_databases(self, environments: Environments, scratch: str) -> None:
        """Copy the LMDB data files from *environments*, and SQLite's by way of *scratch*, a private directory."""
        self._environments = environments
        self._scratch = scratch

    def run(self, items: list[Item]) -> Copied:
        """Copy *items*, parents first. Raises EasycertErrors of the source, and OSError of the sink."""
        self._total = sum(self._expected(item) for item in items)
        copy = {
            What.DIRECTORY: self._directory,
            What.LINK: self._link,
            What.FILE: self._file,
            What.LMDB: self._lmdb,
            What.SQLITE: self._sqlite,
        }
        for item in sorted(items, key=_turn) if self._sink.in_any_order else items:
            copy[item.what](item)
        self._sink.finish()
        self._copied.records.sort()
        return self._copied

    def _expected(self, item: Item) -> int:
        if item.what is What.LMDB and self._environments:
            return self._environments.size(self._source.absolute(item.path))
        return item.status.st_size if item.what in (What.FILE, What.SQLITE, What.LMDB) else 0

    def _directory(self, item: Item) -> None:
        extended: dict[str, bytes] = {}
        with self._unless_gone(item):
            extended = extended_of(self._source.directory(item.path))
        attributes = Attributes.of(item.status, extended)
        self._sink.directory(item.path, attributes)
        self._keep(item, attributes)

    def _link(self, item: Item) -> None:
        target = None
        with self._unless_gone(item):
            target = self._source.readlink(item.path)
        if target is not None:
            attributes = Attributes.of(item.status)
            self._sink.link(item.path, target, attributes)
            self._keep(item, attributes, target=target)

    def _file(self, item: Item) -> None:
        inode = (item.status.st_dev, item.status.st_ino)
        first = self._names.get(inode)
        if first is not None:
            self._sink.hard_link(item.path, first.path)
            self._copied.records.append(first._replace(path=item.path))
            self._pass(item.status.st_size)
            return
        descriptor = -1
        with self._unless_gone(item):
            descriptor = self._source.open(item.path)
        if descriptor < 0:
            return
        try:
            kept = self._steadily(item, descriptor)
        finally:
            os.close(descriptor)
        if item.status.st_nlink > 1:
            self._names[inode] = kept

    def _steadily(self, item: Item, descriptor: int) -> Record:
        """Copy an open file; once more if somebody wrote to it meanwhile, which is noted when it happens again."""
        reading = FileContent(descriptor, self._source.absolute(item.path))
        if not self._given(item, reading, descriptor) and self._sink.repeats:
            self._sink.drop(item.path)
            self._copied.records.pop()
            self._pass(-reading.status.st_size)
            reading = FileContent(descriptor, self._source.absolute(item.path))
            self._given(item, reading, descriptor)
        if not reading.is_steady():
            self._copied.changed.append(item.path)
        return self._copied.records[-1]

    def _given(self, item: Item, reading: FileContent, descriptor: int) -> bool:
        content = reading.content()
        if content.size <= CHUNK:  # read at once: so it is all of one moment
            content = content._replace(chunks=list(content.chunks))
            if not reading.is_steady():
                reading.status = os.fstat(descriptor)
                content = reading.content()
        attributes = Attributes.of(reading.status, extended_of(descriptor))
        digested = Digested(content, self._pass)
        self._sink.file(item.path, digested, attributes)
        self._keep(item, attributes, size=digested.size, sha256=digested.sha256)
        return reading.is_steady()

    def _lmdb(self, item: Item) -> None:
        assert self._environments is not None
        path = self._source.absolute(item.path)
        content = self._environments.content(path)
        self._total += content.size - self._environments.size(path)
        attributes = Attributes.of(item.status)
        digested = Digested(content, self._pass)
        self._sink.file(item.path, digested, attributes)
        self._environments.release(path)
        self._keep(item, attributes, size=digested.size, sha256=digested.sha256)

    def _sqlite(self, item: Item) -> None:
        from easycert.backup.databases import NotADatabase, snapshot  # few directories have one

        target = self._sink.place(item.path) or os.path.join(self._scratch, "snapshot")
        try:
            made = False
            with self._unless_gone(item):
                snapshot(self._source.absolute(item.path), target, self._scratch, item.status.st_uid)
                made = True
        except NotADatabase:
            self._copied.odd.append(item.path)
            self._file(item._replace(what=What.FILE))
            return
        if made:
            self._database(item, target)

    def _database(self, item: Item, made: str) -> None:
        """Take the copy of a SQLite database that was *made*."""
        attributes = Attributes.of(item.status)
        in_place = self._sink.place(item.path) == made
        descriptor = os.open(made, os.O_RDONLY | os.O_CLOEXEC)
        if not in_place:
            os.unlink(made)  # whatever happens from here on, nobody finds it
        try:
            digested = Digested(FileContent(descriptor, made).content(), self._pass)
            if in_place:
                for _ in digested.placed():
                    pass
            else:
                self._sink.file(item.path, digested, attributes)
        finally:
            os.close(descriptor)
        if in_place:
            self._sink.adopt(item.path, attributes)
        self._keep(item, attributes, size=digested.size, sha256=digested.sha256)

    def _keep(self, item: Item, attributes: Attributes, *, size: int = 0, sha256: str = "", target: str = "") -> None:
        self._copied.records.append(
            Record(item.path, item.what, attributes.mode, attributes.mtime_ns, size, sha256, target)
        )

    def _pass(self, count: int) -> None:
        self._passed += count
        self._progress(self._passed, self._total)

    @contextmanager
    def _unless_gone(self, item: Item) -> Iterator[None]:
        """Note what has vanished. Raises UnreadableFile for what is there and cannot be read."""
        try:
            yield
        except OSError as error:
            if error.errno in _GONE or isinstance(error, FileNotFoundError):
                self._copied.vanished.append(item.path)
                return
            if error.errno in _FULL:  # it was something on its way that could not be written
                raise
            raise UnreadableFile(self._source.absolute(item.path), error.strerror or str(error)) from error
