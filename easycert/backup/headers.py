"""What a file holds, by its first bytes: an LMDB environment, a SQLite database, or anything else. Pure."""

from __future__ import annotations

from enum import Enum
from struct import calcsize, unpack_from
from typing import NamedTuple

#: As much of a file as is needed to know what it is, and to read both meta pages of LMDB.
MAGIC, HEAD = 32, 8192

_SQLITE = b"SQLite format 3\0"  # https://sqlite.org/fileformat.html, section 1.3
_SQLITE_WAL = b"\x02"
_SQLITE_READ_VERSION = 19
#: lmdb.h and mdb.c of LMDB 0.9: the page's header, then the meta page's magic number.
_LMDB_MAGIC = (b"\xde\xc0\xef\xbe", b"\xbe\xef\xc0\xde")
_LMDB_PAGE_HEADERS = (16, 12)  # 64 and 32 bit
#: Magic, version, address, size of the map, and of each of two databases its record; last page, transaction.
_LMDB_META = "=IIQQ I44x I44x QQ"
_LMDB_VERSION = 1


class What(Enum):
    """The kinds of thing in a backup; the value is the word in the manifest."""

    DIRECTORY = "dir"
    FILE = "file"
    LINK = "link"
    LMDB = "lmdb"
    SQLITE = "sqlite"


class Meta(NamedTuple):
    """What the meta pages of an LMDB environment tell: sizes in bytes, and the number of its last page."""

    page_size: int
    map_size: int
    last_page: int

    @property
    def size(self) -> int:
        """How large the file is that it describes."""
        return (self.last_page + 1) * self.page_size


def recognised(head: bytes) -> What:
    """Return LMDB, SQLITE or FILE, by the first bytes of a file."""
    if head.startswith(_SQLITE):
        return What.SQLITE
    return What.LMDB if any(head[at : at + 4] in _LMDB_MAGIC for at in _LMDB_PAGE_HEADERS) else What.FILE


def is_write_ahead(head: bytes) -> bool:
    """Return whether a SQLite database keeps a write-ahead log."""
    return head[_SQLITE_READ_VERSION : _SQLITE_READ_VERSION + 1] == _SQLITE_WAL


def lmdb_meta(head: bytes) -> Meta | None:
    """Return what the newer of the two meta pages says, or None for those that this machine's LMDB does not write."""
    first = _meta(head, 0)
    if first is None:
        return None
    second = _meta(head, first[0].page_size)
    return max(first, second or first, key=lambda found: found[1])[0]


def _meta(head: bytes, page: int) -> tuple[Meta, int] | None:
    at = page + _LMDB_PAGE_HEADERS[0]
    if len(head) < at + calcsize(_LMDB_META):
        return None
    magic, version, _, map_size, page_size, _, last_page, transaction = unpack_from(_LMDB_META, head, at)
    if magic != int.from_bytes(_LMDB_MAGIC[1], "big") or version != _LMDB_VERSION:
        return None
    return Meta(page_size, map_size, last_page), transaction
