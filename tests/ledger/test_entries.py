"""Entries travel as bytes, and nothing of one can change without its digest."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.ledger.entries import (
    GENESIS,
    Entry,
    Event,
    canonical,
    chained,
    packed,
    read_instant,
    unpacked,
    written_instant,
)
from tests.ledger.examples import issued, revoked

_TEXT = st.text(max_size=20)
_ENTRIES = st.builds(
    Entry,
    st.sampled_from(Event),
    st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 1, 1)).map(
        lambda when: when.replace(microsecond=0, tzinfo=UTC)
    ),
    *[_TEXT] * 5,
    st.lists(st.tuples(_TEXT, _TEXT), max_size=3).map(tuple),
    st.binary(max_size=20),
)


@given(st.lists(_ENTRIES, max_size=4))
def test_entries_survive_their_journey(entries: list[Entry]) -> None:
    assert unpacked(packed(entries)) == tuple(entries)


@given(st.binary(max_size=60))
def test_other_bytes_are_refused(data: bytes) -> None:
    try:
        entries = unpacked(data)
    except ValueError:
        return
    assert packed(entries) == data


@given(_ENTRIES, _ENTRIES)
def test_different_entries_have_different_forms(one: Entry, other: Entry) -> None:
    assert (canonical(one) == canonical(other)) == (one._replace(der=b"") == other._replace(der=b""))


@pytest.mark.parametrize("field", ["actor", "id", "kind", "name", "fingerprint"])
def test_every_field_counts_in_the_digest(field: str) -> None:
    entry = issued("a.example")
    assert chained(GENESIS, entry) != chained(GENESIS, entry._replace(**{field: "x"}))


def test_the_digest_of_the_entry_before_counts() -> None:
    entry = revoked("a.example")
    assert chained(GENESIS, entry) != chained("11" * 32, entry)


@given(st.datetimes(min_value=datetime(1000, 1, 1)).map(lambda when: when.replace(microsecond=0, tzinfo=UTC)))
def test_instants_survive_and_sort_as_text(instant: datetime) -> None:
    assert read_instant(written_instant(instant)) == instant
    assert (written_instant(instant) < "2026-03-01T12:00:00Z") == (instant < datetime(2026, 3, 1, 12, tzinfo=UTC))
