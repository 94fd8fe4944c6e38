"""``index.txt`` of openssl ca: every line is a row or a flaw, whatever the bytes are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.x509 import ReasonFlags
from hypothesis import given
from hypothesis import strategies as st

from easycert.pki.formats.index_txt import Flaw, Row, Status, parse_index

VALID = b"V\t290227174930Z\t\t7CE0\tunknown\t/CN=www.example.com\n"
REVOKED = b"R\t290227174930Z\t261125174932Z,keyCompromise\t92E3\tunknown\t/CN=bob\n"
EXPIRED = b"E\t19991231235959Z\t\t00\tunknown\t/CN=gone\n"


def only(line: bytes) -> Row:
    """Return the one row of an index of one line."""
    index = parse_index(line)
    assert index.flaws == ()
    (row,) = index.rows
    return row


def flaw(line: bytes) -> Flaw:
    """Return the one flaw of an index of one line."""
    index = parse_index(line)
    assert index.rows == ()
    (found,) = index.flaws
    return found


def test_a_valid_certificate_has_serial_end_and_subject() -> None:
    assert only(VALID) == Row(
        line=1,
        status=Status.VALID,
        serial=0x7CE0,
        not_after=datetime(2029, 2, 27, 17, 49, 30, tzinfo=UTC),
        revoked=None,
        reason=ReasonFlags.unspecified,
        subject="/CN=www.example.com",
    )


def test_a_revoked_certificate_has_date_and_reason() -> None:
    row = only(REVOKED)
    assert row.revoked == datetime(2026, 11, 25, 17, 49, 32, tzinfo=UTC)
    assert row.reason is ReasonFlags.key_compromise


def test_an_expired_certificate_has_its_four_digit_year() -> None:
    assert only(EXPIRED).not_after == datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(("digits", "year"), [(b"49", 2049), (b"50", 1950), (b"99", 1999), (b"00", 2000)])
def test_two_digits_are_years_from_1950_to_2049(digits: bytes, year: int) -> None:
    end = only(b"V\t" + digits + b"0101000000Z\t\t01\tunknown\t/CN=x").not_after
    assert end is not None
    assert end.year == year


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (b"", ReasonFlags.unspecified),
        (b",unspecified", ReasonFlags.unspecified),
        (b",KEYCOMPROMISE", ReasonFlags.key_compromise),
        (b",CACompromise", ReasonFlags.ca_compromise),
        (b",affiliationChanged", ReasonFlags.affiliation_changed),
        (b",superseded", ReasonFlags.superseded),
        (b",cessationOfOperation", ReasonFlags.cessation_of_operation),
        (b",certificateHold", ReasonFlags.certificate_hold),
        (b",holdInstruction,holdInstructionReject", ReasonFlags.certificate_hold),
        (b",keyTime,20261101000000Z", ReasonFlags.key_compromise),
        (b",CAkeyTime,20261101000000Z", ReasonFlags.ca_compromise),
        (b",because", ReasonFlags.unspecified),
    ],
)
def test_every_reason_that_openssl_writes_is_known_and_no_other_loses_the_revocation(
    written: bytes, reason: ReasonFlags
) -> None:
    row = only(REVOKED.replace(b",keyCompromise", written))
    assert row.status is Status.REVOKED
    assert row.reason is reason


def test_comments_blank_lines_and_carriage_returns_are_no_rows() -> None:
    index = parse_index(b"# comment\r\n\r\n" + VALID.replace(b"\n", b"\r\n") + b"\n")
    assert [(row.line, row.subject) for row in index.rows] == [(3, "/CN=www.example.com")]
    assert index.flaws == ()


def test_a_tab_within_a_field_has_a_backslash_before_it() -> None:
    assert only(b"V\t290227174930Z\t\t01\tunknown\t/CN=a\\\tb").subject == r"/CN=a\tb"


def test_a_subject_that_is_no_text_is_shown_harmless() -> None:
    assert only(b"V\t290227174930Z\t\t01\tunknown\t/CN=\xff\x1b[2J").subject == "/CN=\\xff\\x1b[2J"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"V\t290227174930Z\t\t01\tunknown", "it has 5 fields, not 6"),
        (b"X\t290227174930Z\t\t01\tunknown\t/CN=x", "it begins with 'X', not with V, R or E"),
        (b"V\t290227174930Z\t\t-1\tunknown\t/CN=x", "its serial number is '-1'"),
        (b"V\t290227174930Z\t\t\tunknown\t/CN=x", "its serial number is ''"),
        (b"R\t290227174930Z\t\t01\tunknown\t/CN=x", "its time is ''"),
        (b"R\t290227174930Z\t261325174932Z\t01\tunknown\t/CN=x", "its time is '261325174932Z'"),
        (b"garbage", "it has 1 fields, not 6"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(line: bytes, reason: str) -> None:
    found = flaw(line)
    assert found.reason == reason
    assert found.revoked is line.startswith(b"R")


def test_an_end_that_cannot_be_read_loses_no_row() -> None:
    assert only(b"V\tnever\t\t01\tunknown\t/CN=x").not_after is None


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    parse_index(data)


FIELD = st.sampled_from([b"V", b"R", b"E", b"", b"01", b"290227174930Z", b"261125174932Z,superseded", b"/CN=x", b"\\"])


@given(st.lists(st.lists(FIELD, min_size=1, max_size=8).map(b"\t".join), max_size=6))
def test_every_line_is_a_row_or_a_flaw(lines: list[bytes]) -> None:
    index = parse_index(b"\n".join(lines))
    told = sorted([*(row.line for row in index.rows), *(item.line for item in index.flaws)])
    assert told == [number for number, line in enumerate(lines, start=1) if line.strip()]
    assert all(row.revoked is not None for row in index.rows if row.status is Status.REVOKED)
