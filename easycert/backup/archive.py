"""A backup as one tar stream (POSIX.1-2001 pax, holes as GNU tar 1.26 has them): written and read without going back.

The members are ``NAME/...`` and, last, ``NAME.manifest.json``, so that unpacking it with tar gives what an unsealed
backup is.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator
from typing import IO, cast

from easycert.backup.attributes import Attributes
from easycert.backup.contents import CHUNK, Content, Digested
from easycert.backup.copying import Progress
from easycert.backup.headers import What
from easycert.backup.manifest import Record
from easycert.backup.sinks import Sink
from easycert.backup.staging import MANIFEST_SUFFIX
from easycert.errors import Malformed

_NANO = 1_000_000_000
_MANIFEST_MODE = 0o600
#: What those who know nothing of holes call such a file: all others read GNU.sparse.name.
_SPARSE_NAME = "GNUSparseFile.0/file"
_MANIFEST_MAX = 1 << 30
_A_BACKUP = "a sealed backup"


class Archive:
    """A sink that writes a tar stream."""

    repeats = False
    in_any_order = False

    def __init__(self, write: Callable[[bytes | memoryview], object], name: str) -> None:
        """Hand the stream to *write*; *name* is the directory that everything lies in."""
        self._write = write
        self._name = name

    def directory(self, path: str, attributes: Attributes) -> None:
        """Write it; whoever unpacks it gives a directory its time when all is in it."""
        self._header(self._info(path, attributes, tarfile.DIRTYPE))

    def link(self, path: str, target: str, attributes: Attributes) -> None:
        """Write it."""
        info = self._info(path, attributes, tarfile.SYMTYPE)
        info.linkname = target
        self._header(info)

    def file(self, path: str, content: Digested, attributes: Attributes) -> None:
        """Write it; only what is between its holes."""
        info = self._info(path, attributes, tarfile.REGTYPE)
        length = sum(size for _, size in content.extents)
        holes = b""
        if length < content.size:
            holes = _hole_map(content)
            info.pax_headers = {
                **info.pax_headers,
                "GNU.sparse.major": "1",
                "GNU.sparse.minor": "0",
                "GNU.sparse.name": info.name,
                "GNU.sparse.realsize": str(content.size),
            }
            info.name = _SPARSE_NAME
        info.size = len(holes) + length
        self._header(info)
        self._write(holes)
        for _, piece in content.placed():
            self._write(piece)
        self._pad(info.size)

    def hard_link(self, path: str, first: str) -> None:
        """Write it; whatever else there is to say of it was said of the first."""
        info = self._info(path, Attributes(0o600, 0, 0, 0, {}), tarfile.LNKTYPE)
        info.linkname = self._member(first)
        self._header(info)

    def drop(self, path: str) -> None:
        """Do nothing: what is written is written."""

    def place(self, _path: str) -> str | None:
        """Return None."""
        return None

    def adopt(self, path: str, attributes: Attributes) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing: the manifest follows."""

    def close(self, manifest: bytes, mtime_ns: int) -> None:
        """Write the manifest and the end."""
        info = self._info("", Attributes(_MANIFEST_MODE, mtime_ns, os.geteuid(), os.getegid(), {}), tarfile.REGTYPE)
        info.name = self._name + MANIFEST_SUFFIX
        info.size = len(manifest)
        self._header(info)
        self._write(manifest)
        self._pad(info.size)
        self._write(bytes(2 * tarfile.BLOCKSIZE))

    def _member(self, path: str) -> str:
        return f"{self._name}/{path}" if path else self._name

    def _info(self, path: str, attributes: Attributes, form: bytes) -> tarfile.TarInfo:
        info = tarfile.TarInfo(self._member(path))
        info.type = form
        info.mode = attributes.mode
        info.uid, info.gid = attributes.uid, attributes.gid
        info.mtime = max(attributes.mtime_ns // _NANO, 0)
        info.pax_headers = {"mtime": f"{attributes.mtime_ns // _NANO}.{attributes.mtime_ns % _NANO:09d}"}
        return info

    def _header(self, info: tarfile.TarInfo) -> None:
        self._write(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))

    def _pad(self, size: int) -> None:
        self._write(bytes(-size % tarfile.BLOCKSIZE))


def _hole_map(content: Digested) -> bytes:
    """Return where the data are, as numbers on lines (GNU tar manual, "PAX Format, Versions 0.0, 0.1, 1.0")."""
    extents = [*content.extents, (content.size, 0)]  # the last one says where a hole at the end ends
    numbers = [len(extents), *(number for extent in extents for number in extent)]
    text = "".join(f"{number}\n" for number in numbers).encode()
    return text + bytes(-len(text) % tarfile.BLOCKSIZE)


class Unpacking:
    """Reads a tar stream that :class:`Archive` wrote, into a sink; nothing in it can lead outside of that."""

    def __init__(self, stream: object, source: str, progress: Progress) -> None:
        """Read from *stream* (which has ``read``); *source* is its name in errors."""
        self._stream = cast("IO[bytes]", stream)
        self._source = source
        self._progress = progress
        self._passed = 0
        self._seen: dict[str, Record] = {}

    def run(self, sink: Sink) -> tuple[list[Record], bytes]:
        """Fill *sink*, and return the records of what it got, and the manifest. Raises Malformed, and OSError of it."""
        manifest = b""
        try:
            with tarfile.open(fileobj=self._stream, mode="r|", bufsize=CHUNK, encoding="utf-8") as tar:
                for info in tar:
                    vars(tar)["members"] = []  # else it keeps all of them
                    if info.name.endswith(MANIFEST_SUFFIX) and "/" not in info.name:
                        manifest = self._content(tar, info).read(_MANIFEST_MAX)
                        break
                    self._take(tar, info, sink)
        except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
            raise Malformed(self._source, _A_BACKUP, str(error)) from error
        while self._stream.read(CHUNK):  # up to its end, which proves that it is whole
            pass
        if not manifest:
            raise Malformed(self._source, _A_BACKUP, "it has no manifest")
        sink.finish()
        return list(self._seen.values()), manifest

    def _take(self, tar: tarfile.TarFile, info: tarfile.TarInfo, sink: Sink) -> None:
        path = self._inside(info.name)
        attributes = Attributes(info.mode & 0o7777, _mtime(info), info.uid, info.gid, {})
        record = Record(path, What.FILE, attributes.mode, attributes.mtime_ns)
        if info.isdir():
            sink.directory(path, attributes)
            record = record._replace(what=What.DIRECTORY)
        elif info.issym():
            sink.link(path, info.linkname, attributes)
            record = record._replace(what=What.LINK, target=info.linkname)
        elif info.islnk():
            first = self._inside(info.linkname, new=False)
            sink.hard_link(path, first)
            record = self._seen[first]._replace(path=path)
        elif info.isreg():
            digested = Digested(self._data(tar, info), self._pass)
            sink.file(path, digested, attributes)
            record = record._replace(size=digested.size, sha256=digested.sha256)
        else:
            raise Malformed(self._source, _A_BACKUP, "it has something in it that no backup has")
        self._seen[path] = record

    def _data(self, tar: tarfile.TarFile, info: tarfile.TarInfo) -> Content:
        found = self._content(tar, info)
        extents = [(0, info.size)] if info.size else []
        if info.sparse is not None:
            holes = cast("list[tuple[int, int]]", info.sparse)
            extents = [(offset, size) for offset, size in holes if size]
        return Content(info.size, extents, _pieces(found, extents))

    def _content(self, tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
        found = tar.extractfile(info) if info.isreg() else None
        if found is None:
            raise Malformed(self._source, _A_BACKUP, "its manifest is no file")
        return found

    def _inside(self, name: str, *, new: bool = True) -> str:
        """Return the path in the backup of the member *name*, which must lie in a directory that was seen before."""
        _, _, path = name.rstrip("/").partition("/")
        parts = path.split("/") if path else []
        above = self._seen.get("/".join(parts[:-1]))
        is_known = path in self._seen
        is_placed = above is not None and above.what is What.DIRECTORY if parts else not self._seen
        if any(part in ("", ".", "..") for part in parts) or name.startswith("/") or is_known is new:
            is_placed = False
        if not new:
            is_placed = is_known and self._seen[path].what is What.FILE
        if not is_placed:
            raise Malformed(self._source, _A_BACKUP, f"it has a path that no backup has: {name}")
        return path

    def _pass(self, count: int) -> None:
        self._passed += count
        self._progress(self._passed, 0)


def _pieces(file: IO[bytes], extents: list[tuple[int, int]]) -> Iterator[bytes]:
    at = 0
    for offset, size in extents:
        while at < offset and (passed := file.read(min(offset - at, CHUNK))):  # a stream cannot seek; these are zeros
            at += len(passed)
        while at < offset + size and (piece := file.read(min(offset + size - at, CHUNK))):
            yield piece
            at += len(piece)


def _mtime(info: tarfile.TarInfo) -> int:
    whole, _, fraction = info.pax_headers.get("mtime", str(int(info.mtime))).partition(".")
    return int(whole) * _NANO + int((fraction or "0")[:9].ljust(9, "0"))
