"""Just enough DER (ITU-T X.690) for what cryptography's builders cannot make: long CRLs, OCSP with several answers.

Reading is strict: lengths are definite, minimal, and lie within what they are part of.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, ENUMERATED = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A
UTC_TIME, GENERALIZED_TIME, SEQUENCE = 0x17, 0x18, 0x30
_LONG_FORM = 0x80
#: Four octets of length: 4 GiB, more than any file that is read.
_LENGTH_OCTETS_MAX = 4
_GENERALIZED_FROM = 2050  # RFC 5280 section 4.1.2.5


class Element(NamedTuple):
    """One element of some data: its tag, where it begins, and where its contents begin and end."""

    tag: int
    start: int
    body: int
    end: int


def context(number: int, *, constructed: bool = True) -> int:
    """Return the context-specific tag ``[number]``."""
    return 0x80 | (0x20 if constructed else 0) | number


def tlv(tag: int, *contents: bytes) -> bytes:
    """Return the element with this tag and these contents."""
    size = sum(map(len, contents))
    return b"".join((_head(tag, size), *contents))


def integer(number: int, tag: int = INTEGER) -> bytes:
    """Return an INTEGER (or ENUMERATED) in its shortest form; *number* is not negative."""
    return tlv(tag, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def instant(moment: datetime) -> bytes:
    """Return a Time as certificates and CRLs carry it: UTCTime until 2049 (RFC 5280 section 4.1.2.5)."""
    if moment.year >= _GENERALIZED_FROM:
        return generalized_time(moment)
    return tlv(UTC_TIME, f"{moment.astimezone(UTC):%y%m%d%H%M%S}Z".encode("ascii"))


def generalized_time(moment: datetime) -> bytes:
    """Return a GeneralizedTime in UTC and whole seconds, as RFC 5280 and RFC 6960 want it."""
    text = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()  # strftime: no year 0999
    return tlv(GENERALIZED_TIME, f"{text.translate(_NO_MARKS)}Z".encode("ascii"))


_NO_MARKS = str.maketrans("", "", "-:T")


def element(data: bytes, at: int, limit: int) -> Element:
    """Return the element that begins at *at* and ends at *limit* or before. Raises ValueError."""
    if at + 2 > limit:
        raise ValueError("an element is cut off")
    tag, size, body = data[at], data[at + 1], at + 2
    if size >= _LONG_FORM:
        count = size - _LONG_FORM
        body += count
        size = int.from_bytes(data[at + 2 : body], "big")
        if not 0 < count <= _LENGTH_OCTETS_MAX or body > limit or data[at + 2] == 0 or size < _LONG_FORM:
            raise ValueError("a length is indefinite, not minimal or cut off")
    if tag & 0x1F == 0x1F or body + size > limit:
        raise ValueError("an element is longer than what it is part of, or has a tag of several octets")
    return Element(tag, at, body, body + size)


def elements(data: bytes, start: int, end: int) -> Iterator[Element]:
    """Yield the elements between *start* and *end*, which they must fill exactly. Raises ValueError."""
    while start < end:
        found = element(data, start, end)
        yield found
        start = found.end


class Reader:
    """Reads the elements within an element one after the other; every method raises ValueError for malformed data."""

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        """Begin at *start* of *data*."""
        self.data = data
        self._at = start
        self._end = len(data) if end is None else end

    @classmethod
    def whole(cls, data: bytes, tag: int = SEQUENCE) -> Reader:
        """Return a reader of the contents of the one element that *data* is."""
        outer = cls(data)
        inner = outer.enter(tag)
        outer.finish()
        return inner

    @property
    def tag(self) -> int | None:
        """The tag of the next element; None at the end."""
        return self.data[self._at] if self._at < self._end else None

    def next(self, tag: int) -> Element:
        """Return the next element, which must have this tag."""
        found = element(self.data, self._at, self._end)
        if found.tag != tag:
            raise ValueError(f"the tag {tag:#04x} was expected, not {found.tag:#04x}")
        self._at = found.end
        return found

    def enter(self, tag: int = SEQUENCE) -> Reader:
        """Return a reader of the contents of the next element."""
        found = self.next(tag)
        return Reader(self.data, found.body, found.end)

    def optional(self, tag: int) -> Reader | None:
        """Return a reader of the contents of the next element if it has this tag."""
        return self.enter(tag) if self.tag == tag else None

    def contents(self, tag: int) -> bytes:
        """Return the contents of the next element."""
        found = self.next(tag)
        return self.data[found.body : found.end]

    def raw(self, tag: int) -> bytes:
        """Return the next element as it stands."""
        found = self.next(tag)
        return self.data[found.start : found.end]

    def number(self, tag: int = INTEGER) -> int:
        """Return the next element, an INTEGER in its shortest form."""
        octets = self.contents(tag)
        if not octets or (len(octets) > 1 and octets[0] in (0, 0xFF) and (octets[0] ^ octets[1]) < _LONG_FORM):
            raise ValueError("an integer is empty or not in its shortest form")
        return int.from_bytes(octets, "big", signed=True)

    def finish(self) -> None:
        """Raise ValueError unless everything was read."""
        if self._at != self._end:
            raise ValueError("there is more than was expected")


def _head(tag: int, size: int) -> bytes:
    if size < _LONG_FORM:
        return bytes((tag, size))
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(octets))) + octets
