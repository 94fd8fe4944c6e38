"""DER: what is written is read back, and nothing that is not DER is read (X.690 sections 8 and 10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.pki import der
from easycert.pki.der import Reader


@given(st.lists(st.binary(max_size=300), max_size=4))
def test_what_is_written_is_read_back(contents: list[bytes]) -> None:
    data = der.tlv(der.SEQUENCE, *(der.tlv(der.OCTET_STRING, item) for item in contents))
    reader = Reader.whole(data)
    assert [reader.contents(der.OCTET_STRING) for _ in contents] == contents
    reader.finish()


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_lengths_are_in_their_shortest_form(size: int) -> None:
    data = der.tlv(der.OCTET_STRING, bytes(size))
    assert der.element(data, 0, len(data)) == (der.OCTET_STRING, 0, len(data) - size, len(data))


@given(st.integers(0, 1 << 200))
def test_numbers_are_read_back(number: int) -> None:
    assert Reader(der.integer(number)).number() == number


def test_numbers_have_their_shortest_form() -> None:
    assert der.integer(0) == bytes.fromhex("020100")
    assert der.integer(127) == bytes.fromhex("02017f")
    assert der.integer(128) == bytes.fromhex("02020080")


@pytest.mark.parametrize(
    "data",
    ["", "30", "3081", "308105", "30820005", "3005", "3080", "30850000000001", "30840000", "3f0100", "1f0100"],
)
def test_what_is_cut_off_or_not_DER_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match=r"an element|a length"):
        der.element(bytes.fromhex(data), 0, len(data) // 2)


@pytest.mark.parametrize("data", ["0200", "02020001", "0202ff80"])
def test_numbers_in_a_longer_form_are_refused(data: str) -> None:
    with pytest.raises(ValueError, match="integer"):
        Reader(bytes.fromhex(data)).number()


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = list(der.elements(data, 0, len(data)))
    except ValueError:
        return
    assert b"".join(data[item.start : item.end] for item in found) == data


def test_an_element_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        Reader(der.integer(1)).enter()


def test_what_is_left_over_is_refused() -> None:
    with pytest.raises(ValueError, match="more than was expected"):
        Reader.whole(der.tlv(der.SEQUENCE) + b"\0")


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), b"\x17\x0d491231235959Z"),
        (datetime(2050, 1, 1, tzinfo=UTC), b"\x18\x0f20500101000000Z"),
        (datetime(2026, 6, 1, 2, tzinfo=timezone(timedelta(hours=2))), b"\x17\x0d260601000000Z"),
    ],
)
def test_times_change_their_form_in_2050(moment: datetime, written: bytes) -> None:
    """RFC 5280 section 4.1.2.5."""
    assert der.instant(moment) == written


def test_a_generalized_time_has_no_fraction() -> None:
    """RFC 5280 section 4.1.2.5.2."""
    assert der.generalized_time(datetime(999, 1, 2, 3, 4, 5, 6, tzinfo=UTC)) == b"\x18\x0f09990102030405Z"
