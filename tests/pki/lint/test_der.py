"""The reader of DER: what it reads, what it refuses, and that nothing but its own error ever leaves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.pki.lint import der
from easycert.pki.lint.der import DerError

READERS: dict[str, Callable[[der.Node], object]] = {
    "integer": der.integer,
    "boolean": der.boolean,
    "oid": der.oid,
    "bits": der.bit_string,
    "named bits": der.named_bits,
    "zeros": der.ends_with_zeros,
    "time": der.time,
    "text": der.text,
    "children": lambda node: node.children(),
}
TAGS = st.sampled_from([0x01, 0x02, 0x03, 0x06, 0x0A, 0x0C, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1C, 0x1E, 0x30])


def node(hexadecimal: str) -> der.Node:
    return der.element(bytes.fromhex(hexadecimal))


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_only_its_own_error_is_raised(data: bytes) -> None:
    try:
        found = der.elements(data)
    except DerError:
        return
    assert b"".join(each.raw for each in found) == data
    for each in found:
        assert each.raw.endswith(each.body)


@given(TAGS, st.binary(max_size=100))
def test_every_reader_raises_only_its_own_error(tag: int, body: bytes) -> None:
    found = der.element(bytes([tag, len(body)]) + body)
    for read in READERS.values():
        try:
            read(found)
        except DerError:
            continue


@given(st.integers(min_value=-(1 << 200), max_value=1 << 200))
def test_every_integer_is_read(number: int) -> None:
    body = number.to_bytes((number if number >= 0 else ~number).bit_length() // 8 + 1, "big", signed=True)
    assert der.integer(der.element(bytes([2, len(body)]) + body)) == number


@pytest.mark.parametrize(
    ("hexadecimal", "reader", "value"),
    [
        ("0101ff", "boolean", True),
        ("010100", "boolean", False),
        ("06032a0304", "oid", "1.2.3.4"),
        ("0603550403", "oid", "2.5.4.3"),
        ("0603883703", "oid", "2.999.3"),
        ("06092a864886f70d010101", "oid", "1.2.840.113549.1.1.1"),
        ("03020780", "named bits", frozenset({0})),
        ("0303070080", "named bits", frozenset({8})),
        ("030100", "named bits", frozenset()),
        ("03020680", "named bits", frozenset({0})),
        ("030100", "zeros", False),
        ("03020780", "zeros", False),
        ("03020680", "zeros", True),
        ("0303000100", "zeros", True),
        ("0303000101", "bits", (b"\x01\x01", 0)),
        ("170d" + b"491231235959Z".hex(), "time", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("170d" + b"500101000000Z".hex(), "time", datetime(1950, 1, 1, tzinfo=UTC)),
        ("180f" + b"20500101000000Z".hex(), "time", datetime(2050, 1, 1, tzinfo=UTC)),
        ("0c02c3bc", "text", "ü"),
        ("1e0200fc", "text", "ü"),
        ("1c04000000fc", "text", "ü"),
        ("1401fc", "text", "ü"),
    ],
)
def test_a_value_is_read(hexadecimal: str, reader: str, value: object) -> None:
    assert READERS[reader](node(hexadecimal)) == value


@pytest.mark.parametrize(
    ("hexadecimal", "what"),
    [
        ("", "nothing"),
        ("30", "no length"),
        ("3080", "indefinite length"),
        ("30800000", "indefinite length with its end"),
        ("3002" + "05", "cut off"),
        ("308101" + "00", "long form of a short length"),
        ("30820001" + "00", "leading zero in a length"),
        ("3085ffffffffff", "a length of five octets"),
        ("3081", "length cut off"),
        ("1f8101" + "00", "a tag of several octets"),
        ("05000500", "two elements"),
    ],
)
def test_what_is_no_DER_is_refused(hexadecimal: str, what: str) -> None:
    with pytest.raises(DerError):
        node(hexadecimal)


@pytest.mark.parametrize(
    ("hexadecimal", "reader"),
    [
        ("010101", "boolean"),
        ("0100", "boolean"),
        ("0200", "integer"),
        ("02020001", "integer"),
        ("0202ff80", "integer"),
        ("0600", "oid"),
        ("060180", "oid"),
        ("06032a8001", "oid"),
        ("0681ff" + "2a" * 255, "oid"),
        ("0300", "bits"),
        ("030108", "bits"),
        ("030101", "bits"),
        ("03020781", "bits"),
        ("170b" + b"4912312359Z".hex(), "time"),
        ("1711" + b"491231235959+0000".hex(), "time"),
        ("170d" + b"491331235959Z".hex(), "time"),
        ("1811" + b"20491231235959.1Z".hex(), "time"),
        ("180f" + b"20490229000000Z".hex(), "time"),
        ("180f" + b"00000101000000Z".hex(), "time"),
        ("0c01ff", "text"),
        ("1301ff", "text"),
        ("1e0100", "text"),
        ("1c04ffffffff", "text"),
        ("0401ff", "text"),
        ("0500", "children"),
    ],
)
def test_what_is_written_in_another_way_is_refused(hexadecimal: str, reader: str) -> None:
    with pytest.raises(DerError):
        READERS[reader](node(hexadecimal))
