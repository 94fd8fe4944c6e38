"""A strict reader of DER (ITU-T X.690), for rules that look at how something is written and not only at what it says.

It reads one level at a time and never more than it is given: work is linear in the bytes looked at, nothing recurses,
and whatever the bytes are, all that is ever raised is :class:`DerError`.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
ENUMERATED, UTF8_STRING, SEQUENCE, SET = 0x0A, 0x0C, 0x30, 0x31
PRINTABLE_STRING, TELETEX_STRING, IA5_STRING, VISIBLE_STRING = 0x13, 0x14, 0x16, 0x1A
UNIVERSAL_STRING, BMP_STRING = 0x1C, 0x1E
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
_CONSTRUCTED = 0x20
_LENGTH_OCTETS_MAX = 4
#: No OID in a certificate is near as long; X.660 sets no limit, and a long one costs quadratic time to read.
_OID_OCTETS_MAX = 128
#: Numbers that are told to a person; Python refuses to write out those of some thousand digits.
_SMALL_OCTETS_MAX = 8


class DerError(ValueError):
    """Bytes that are not DER, or not of the type that stands in this place."""


class Node:
    """One element: its tag, the bytes in it, and the bytes that it is."""

    __slots__ = ("body", "raw", "tag")

    def __init__(self, tag: int, body: bytes, raw: bytes) -> None:
        self.tag = tag
        self.body = body
        self.raw = raw

    def children(self, tag: int = SEQUENCE) -> list[Node]:
        """Return the elements inside, for one that has the *tag*. Raises DerError."""
        if self.tag != tag:
            raise DerError(f"tag {self.tag:#04x} where {tag:#04x} belongs")
        return elements(self.body)

    def expect(self, tag: int) -> Node:
        """Return the node itself. Raises DerError unless it has the *tag*."""
        if self.tag != tag:
            raise DerError(f"tag {self.tag:#04x} where {tag:#04x} belongs")
        return self


def context(number: int, *, constructed: bool = True) -> int:
    """Return the context-specific tag of this *number*."""
    return 0x80 | number | (_CONSTRUCTED if constructed else 0)


def element(data: bytes) -> Node:
    """Return the one element that fills *data*. Raises DerError."""
    found = elements(data)
    if len(found) != 1:
        raise DerError("more than one element" if found else "no element")
    return found[0]


def elements(data: bytes) -> list[Node]:
    """Return the elements that stand in *data* one behind the other. Raises DerError."""
    found = []
    start, size = 0, len(data)
    while start < size:
        if size - start < 2:
            raise DerError("an element is cut off")
        tag, length, begin = data[start], data[start + 1], start + 2
        if length >= 0x80:
            octets = length & 0x7F
            length, begin = _long_length(data[begin : begin + octets], octets), begin + octets
        end = begin + length
        if end > size:
            raise DerError("an element is longer than what it stands in")
        if tag & 0x1F == 0x1F:
            raise DerError("a tag of several octets")
        found.append(Node(tag, data[begin:end], data[start:end]))
        start = end
    return found


def _long_length(octets: bytes, count: int) -> int:
    if count == 0:
        raise DerError("a length of indefinite form (X.690 10.1)")
    if count > _LENGTH_OCTETS_MAX or len(octets) < count:
        raise DerError("a length that cannot be")
    length = int.from_bytes(octets, "big")
    if length < 0x80 or octets[0] == 0:
        raise DerError("a length that is not written in its shortest form (X.690 10.1)")
    return length


def integer(node: Node, tag: int = INTEGER) -> int:
    """Return the value of an INTEGER (or of another *tag* in its form). Raises DerError."""
    body = node.expect(tag).body
    if not body:
        raise DerError("an integer without octets")
    if len(body) > 1 and ((body[0] == 0 and body[1] < 0x80) or (body[0] == 0xFF and body[1] >= 0x80)):
        raise DerError("an integer that is not written in its shortest form (X.690 8.3.2)")
    return int.from_bytes(body, "big", signed=True)


def small_integer(node: Node, tag: int = INTEGER) -> int:
    """Return the value of an INTEGER that is a count or a code. Raises DerError for more than eight octets."""
    if len(node.body) > _SMALL_OCTETS_MAX:
        raise DerError("a number that is too large to mean anything")
    return integer(node, tag)


def boolean(node: Node, tag: int = BOOLEAN) -> bool:
    """Return the value of a BOOLEAN (or of another *tag* in its form). Raises DerError."""
    body = node.expect(tag).body
    if body not in (b"\x00", b"\xff"):
        raise DerError("a boolean that is neither 00 nor FF (X.690 11.1)")
    return body == b"\xff"


def oid(node: Node, tag: int = OID) -> str:
    """Return an OBJECT IDENTIFIER (or another *tag* in its form) as dotted numbers. Raises DerError."""
    return _dotted(node.expect(tag).body)


@lru_cache(maxsize=256)  # the same few stand in every certificate, most of them several times
def _dotted(body: bytes) -> str:
    if not body or body[-1] >= 0x80 or len(body) > _OID_OCTETS_MAX:
        raise DerError("an object identifier that is cut off or too long")
    arcs = []
    value, fresh = 0, True
    for octet in body:
        if fresh and octet == 0x80:
            raise DerError("an object identifier that is not written in its shortest form (X.690 8.19.2)")
        value = value << 7 | octet & 0x7F
        fresh = octet < 0x80
        if fresh:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def bit_string(node: Node, tag: int = BIT_STRING) -> tuple[bytes, int]:
    """Return the octets of a BIT STRING and how many bits of the last are unused. Raises DerError."""
    body = node.expect(tag).body
    if not body or body[0] > 7 or (len(body) == 1 and body[0]):
        raise DerError("a bit string without its number of unused bits")
    if body[0] and body[-1] & ((1 << body[0]) - 1):
        raise DerError("a bit string whose unused bits are not zero (X.690 11.2.1)")
    return body[1:], body[0]


def named_bits(node: Node, tag: int = BIT_STRING) -> frozenset[int]:
    """Return the numbers of the bits that are set in a BIT STRING of named bits. Raises DerError."""
    octets, unused = bit_string(node, tag)
    return frozenset(at for at in range(len(octets) * 8 - unused) if octets[at >> 3] & (0x80 >> (at & 7)))


def ends_with_zeros(node: Node) -> bool:
    """Return whether named bits are written with zeros at their end, which DER leaves out (X.690 11.2.2)."""
    octets, unused = bit_string(node)
    return bool(octets) and not octets[-1] >> unused & 1


def time(node: Node) -> datetime:
    """Return a UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 has them written: seconds, Z, no fractions.

    Raises DerError for every other form.
    """
    digits, zone = node.body[:-1], node.body[-1:]
    wanted = {UTC_TIME: 12, GENERALIZED_TIME: 14}.get(node.tag)
    if wanted is None:
        raise DerError("no UTCTime or GeneralizedTime")
    if zone != b"Z" or len(digits) != wanted or not digits.isdigit():
        form = "YYMMDDHHMMSSZ" if wanted == 12 else "YYYYMMDDHHMMSSZ"
        raise DerError(f"a time that is not written as {form}")
    text = digits.decode("ascii")
    if wanted == 12:
        text = ("19" if text >= "50" else "20") + text
    try:
        if text[8:10] > "23":  # some Pythons take 24 for the next day's midnight
            raise ValueError
        return datetime.fromisoformat(f"{text[:8]}T{text[8:]}+00:00")
    except ValueError:
        raise DerError("a time that there is not") from None


_CODECS = {
    UTF8_STRING: "utf-8",
    PRINTABLE_STRING: "ascii",
    IA5_STRING: "ascii",
    VISIBLE_STRING: "ascii",
    TELETEX_STRING: "latin-1",
    BMP_STRING: "utf-16-be",
    UNIVERSAL_STRING: "utf-32-be",
}


def text(node: Node) -> str:
    """Return the text of a character string. Raises DerError for another type, and for octets that are not of it."""
    codec = _CODECS.get(node.tag)
    if codec is None:
        raise DerError(f"tag {node.tag:#04x} where a character string belongs")
    try:
        return node.body.decode(codec)
    except UnicodeDecodeError:
        raise DerError("a character string with octets that are not of its type") from None
