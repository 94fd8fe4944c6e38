"""What is in a directory that is to be backed up, and what is left out and why."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from easycert.backup.headers import MAGIC, What, recognised
from easycert.backup.source import Source
from easycert.errors import BackupRefused, UnreadableFile

#: What Synapse's own tool never copies, at any depth: directories of these names.
_PASSING = {"tmp": "temporary files", "backups": "backups"}
#: LMDB's data file in a directory that is an environment, and its locks.
LMDB_DATA, LMDB_LOCK = "data.mdb", "lock.mdb"
LMDB_LOCK_SUFFIX = "-lock"  # of an environment that is a single file
_SQLITE_SUFFIXES = ("-wal", "-shm", "-journal")
_UNREADABLE_LMDB = "it is no LMDB database that can be read: empty, damaged, encrypted, or of another program"
_SPECIAL = {
    stat.S_IFSOCK: "it is a socket",
    stat.S_IFIFO: "it is a FIFO",
    stat.S_IFCHR: "it is a device",
    stat.S_IFBLK: "it is a device",
}


class Item(NamedTuple):
    """One thing to copy: its path relative to the source (``""`` is the source itself), what it is, and its status."""

    path: str
    what: What
    status: os.stat_result


class LeftOut(NamedTuple):
    """Something that is not copied, and why."""

    path: str
    reason: str


class Survey(NamedTuple):
    """What is to be copied, and what is left out.

    A directory is followed by all that is in it, files first: tar gives it its time when something else follows.
    """

    items: list[Item]
    left_out: list[LeftOut]

    def directories(self) -> list[os.stat_result]:
        """Return the status of each directory that is to be copied."""
        return [item.status for item in self.items if item.what is What.DIRECTORY]


class Selection(NamedTuple):
    """What of a directory to copy: a live service's as it needs it (:func:`live`), or all of it, byte for byte."""

    #: Says why a directory, given as its path and name, is left out; empty for one that is not.
    passes_over: Callable[[str], str] = lambda _: ""
    #: Whether LMDB and SQLite databases are looked for, which must not be copied as files.
    databases: bool = False
    #: Paths of files that are left out, such as the lock that this process holds itself.
    files: frozenset[str] = frozenset()


def live(patterns: Sequence[str], files: frozenset[str] = frozenset()) -> Selection:
    """Return how a live service's directory is copied; *patterns* (fnmatch) of paths are directories to leave out.

    A pattern is held against ``./name`` too, as Synapse's tool has it for directories at the top.
    """

    def passes_over(path: str) -> str:
        name = os.path.basename(path)
        if name in _PASSING:
            return _PASSING[name]
        if any(fnmatchcase(path, pattern) or fnmatchcase(f"./{path}", pattern) for pattern in patterns):
            return "by --skipdirs"
        return ""

    return Selection(passes_over, True, files)


def survey(source: Source, selection: Selection) -> Survey:
    """Return what is in *source*. Raises UnreadableFile and BackupRefused; what vanishes meanwhile is no error."""
    found = Survey([], [])
    waiting = [Item("", What.DIRECTORY, os.fstat(source.directory("")))]
    while waiting:
        found.items.append(waiting.pop())
        path = found.items[-1].path
        try:
            seen = sorted(_listed(source, path))
            items = list(_items(source, seen, selection, found.left_out))
        except FileNotFoundError:
            if not path:
                raise
            continue
        except OSError as error:
            raise UnreadableFile(source.absolute(path), error.strerror or str(error)) from error
        found.items.extend(item for item in items if item.what is not What.DIRECTORY)
        waiting.extend(item for item in reversed(items) if item.what is What.DIRECTORY)
    return found


def _listed(source: Source, path: str) -> Iterator[tuple[str, os.stat_result]]:
    folder = source.directory(path)
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield os.path.join(path, entry.name), status


def _items(
    source: Source, seen: list[tuple[str, os.stat_result]], selection: Selection, left_out: list[LeftOut]
) -> Iterator[Item]:
    items = []
    for path, status in seen:
        form = stat.S_IFMT(status.st_mode)
        reason = _SPECIAL.get(form, "")
        if form == stat.S_IFDIR:
            reason = selection.passes_over(path)
        elif path in selection.files:
            reason = "the lock of this command"
        if reason:
            left_out.append(LeftOut(path, reason))
        elif form == stat.S_IFDIR:
            items.append(Item(path, What.DIRECTORY, status))
        elif form == stat.S_IFLNK:
            items.append(Item(path, What.LINK, status))
        elif form == stat.S_IFREG:
            items.append(Item(path, _what(source, path) if selection.databases else What.FILE, status))
        else:
            left_out.append(LeftOut(path, "it is of no kind that is known"))
    companions = set(_companions(items))
    for item in items:
        if item.path in companions:
            left_out.append(LeftOut(item.path, "part of the database beside it"))
        else:
            yield item


def _what(source: Source, path: str) -> What:
    try:
        descriptor = source.open(path)
    except FileNotFoundError:
        return What.FILE  # gone: whoever copies it will say so
    except OSError as error:
        raise UnreadableFile(source.absolute(path), error.strerror or str(error)) from error
    try:
        what = recognised(os.pread(descriptor, MAGIC, 0))
    finally:
        os.close(descriptor)
    if what is not What.LMDB and os.path.basename(path) == LMDB_DATA:
        raise BackupRefused(source.absolute(path), _UNREADABLE_LMDB)
    return what


def _companions(items: list[Item]) -> Iterator[str]:
    """Yield what belongs to the databases among *items*, which are of one directory: their locks and logs."""
    for item in items:
        if item.what is What.LMDB:
            folder, name = os.path.split(item.path)
            yield os.path.join(folder, LMDB_LOCK) if name == LMDB_DATA else item.path + LMDB_LOCK_SUFFIX
        elif item.what is What.SQLITE:
            yield from (item.path + suffix for suffix in _SQLITE_SUFFIXES)
