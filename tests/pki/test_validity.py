"""Validity periods: what people write becomes two instants that X.509 can hold (hazards D2, E11)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from easycert.errors import InvalidInput
from easycert.pki.validity import BACKDATE, Validity, When, days, is_due, parse_when, period, rfc3339

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "distance"),
    [
        ("90d", timedelta(days=90)),
        ("12h", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        ("45s", timedelta(seconds=45)),
        ("2w", timedelta(weeks=2)),
        ("1y", timedelta(days=365)),
        ("90 D", timedelta(days=90)),
        (" 1d ", timedelta(days=1)),
        ("0d", timedelta()),
    ],
)
def test_a_distance_is_a_number_and_a_unit(text: str, distance: timedelta) -> None:
    assert parse_when(text) == When(None, distance)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2027-03-15", "2027-03-15T00:00:00"),
        ("2027-03-15T12:30:00Z", "2027-03-15T12:30:00"),
        ("2027-03-15T12:30:00+02:00", "2027-03-15T10:30:00"),
        ("2027-03-15 12:30", "2027-03-15T12:30:00"),
        ("2027-03-15T12:30:00.999Z", "2027-03-15T12:30:00"),
    ],
)
def test_an_instant_is_a_date_or_RFC_3339_in_UTC_and_whole_seconds(text: str, instant: str) -> None:
    """RFC 5280 section 4.1.2.5: no fractions."""
    assert parse_when(text) == When(at(instant), None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "d",
        "90",
        "-1d",
        "1.5d",
        "1e3d",
        "90x",
        "1d2h",
        "tomorrow",
        "2027-13-01",
        "2027-02-30",
        "٣d",
        "1\nd",
        "1234567d",
        "2027-03-15T12:00:00+99:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "\x1b[2J",
        "x" * 100_000,
    ],
)
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidInput, match="90d, 12h, 1y") as refusal:
        parse_when(text)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize("count", [0, -1, 366 * 8001, 10**30])
def test_a_number_of_days_is_positive_and_imaginable(count: int) -> None:
    with pytest.raises(InvalidInput):
        days(count)


def test_a_period_starts_a_little_before_now_and_ends_a_second_early() -> None:
    """notAfter is inclusive (RFC 5280 section 4.1.2.5); a verifier's clock may be behind."""
    assert period(NOW, days(90)) == Validity(NOW - BACKDATE, NOW + timedelta(days=90) - SECOND)


def test_a_period_from_a_given_start_is_exactly_as_long_as_asked_for() -> None:
    start = parse_when("2027-01-01")
    assert period(NOW, days(30), start) == Validity(at("2027-01-01T00:00:00"), at("2027-01-30T23:59:59"))


def test_an_instant_as_the_end_is_kept_to_the_second() -> None:
    assert period(NOW, parse_when("2027-03-15T12:00:00Z")).not_after == at("2027-03-15T12:00:00")


def test_a_start_may_be_a_distance_from_now() -> None:
    assert period(NOW, days(1), parse_when("1h")).not_before == NOW + timedelta(hours=1)


def test_a_start_in_the_past_is_allowed_while_the_end_is_not() -> None:
    assert period(NOW, parse_when("2027-01-01"), parse_when("2020-01-01")).not_before == at("2020-01-01T00:00:00")


def test_fractions_and_other_zones_of_the_clock_do_not_show() -> None:
    tokyo = NOW.replace(microsecond=999_999).astimezone(timezone(timedelta(hours=9)))
    assert period(tokyo, days(1)) == period(NOW, days(1))


@pytest.mark.parametrize(
    ("end", "start"),
    [
        ("0d", None),
        ("2026-05-31", None),
        ("2020-01-01", None),
        ("0001-01-01", None),
        ("1949-12-31", "1949-01-01"),
        ("2027-01-01", "1949-12-31T23:59:59"),
        ("2027-01-01", "2027-01-01"),
        ("2027-01-01", "2028-01-01"),
        ("1d", "2020-01-01"),
        ("8000y", None),
        ("999999y", None),
        ("1d", "9999-12-31T23:00:00"),
    ],
)
def test_a_period_that_is_empty_over_or_unwritable_is_refused(end: str, start: str | None) -> None:
    with pytest.raises(InvalidInput) as refusal:
        period(NOW, parse_when(end), parse_when(start) if start else None)
    assert str(refusal.value).isprintable()


def test_E11_the_last_second_of_X509_can_be_said() -> None:
    """RFC 5280 section 4.1.2.5: 99991231235959Z means no well-defined end."""
    assert period(NOW, parse_when("9999-12-31T23:59:59Z")).not_after.year == 9999


def test_D2_a_period_is_clamped_to_its_issuer_and_never_stretched() -> None:
    whole = period(NOW, days(90))
    assert whole.clamped_to(NOW + timedelta(days=30)) == Validity(whole.not_before, NOW + timedelta(days=30))
    assert whole.clamped_to(NOW + timedelta(days=900)) == whole


@pytest.mark.parametrize(
    ("instant", "text"),
    [("2027-03-15T12:00:00", "2027-03-15T12:00:00Z"), ("0001-01-01T00:00:00", "0001-01-01T00:00:00Z")],
)
def test_an_instant_is_shown_as_RFC_3339(instant: str, text: str) -> None:
    assert rfc3339(at(instant)) == text


@given(st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(9999, 12, 31)))
def test_what_is_shown_can_be_typed(instant: datetime) -> None:
    shown = rfc3339(instant.replace(tzinfo=UTC))
    assert parse_when(shown).instant == instant.replace(tzinfo=UTC, microsecond=0)


@given(
    st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(9900, 1, 1)),
    st.integers(1, 999_999),
    st.sampled_from("smhdwy"),
)
@example(datetime(2049, 12, 31, 23, 59, 59), 1, "s")
def test_every_period_holds_now_and_whole_seconds(now: datetime, count: int, unit: str) -> None:
    now = now.replace(tzinfo=UTC)
    try:
        made = period(now, parse_when(f"{count}{unit}"))
    except InvalidInput:
        return
    assert made.not_before < now.replace(microsecond=0) <= made.not_after
    assert made.not_before.microsecond == made.not_after.microsecond == 0
    assert 1950 <= made.not_before.year <= made.not_after.year <= 9999


def test_what_has_a_third_of_its_life_left_is_due() -> None:
    begin, end = NOW, NOW + timedelta(days=90)
    assert is_due(begin, end, NOW + timedelta(days=60))
    assert not is_due(begin, end, NOW + timedelta(days=60) - SECOND)


def test_a_window_of_ones_own_takes_the_place_of_the_third() -> None:
    begin, end = NOW, NOW + timedelta(days=3650)
    assert not is_due(begin, end, end - timedelta(days=31), timedelta(days=30))
    assert is_due(begin, end, end - timedelta(days=30), timedelta(days=30))


@pytest.mark.parametrize("within", [None, timedelta(0), timedelta(days=30)])
def test_what_has_expired_is_due(within: timedelta | None) -> None:
    assert is_due(NOW - timedelta(days=2), NOW - SECOND, NOW, within)
