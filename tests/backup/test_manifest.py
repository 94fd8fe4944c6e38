"""The manifest: whatever is written is read again; whatever else is in such a file is refused in a sentence."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.backup.headers import What, is_write_ahead, lmdb_meta, recognised
from easycert.backup.manifest import Record, differences, parsed, written
from easycert.errors import Malformed

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = (
    st.binary(min_size=1, max_size=8)
    .map(os.fsdecode)
    .filter(lambda name: name not in (".", "..") and "/" not in name and "\0" not in name)
)
PATHS = st.lists(NAMES, max_size=3).map("/".join)
TIMES = st.integers(-(10**18), 10**19)
MODES = st.integers(0, 0o7777)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
NONE = st.just("")
TARGETS = st.binary(max_size=20).map(os.fsdecode)
FILES = st.sampled_from([What.FILE, What.LMDB, What.SQLITE])
RECORDS = st.one_of(
    st.builds(Record, PATHS, st.just(What.DIRECTORY), MODES, TIMES, st.just(0), NONE, NONE),
    st.builds(Record, PATHS, st.just(What.LINK), MODES, TIMES, st.just(0), NONE, TARGETS),
    st.builds(Record, PATHS, FILES, MODES, TIMES, st.integers(0, 2**60), DIGESTS, NONE),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
)


@given(source=NAMES, records=st.lists(RECORDS, max_size=5, unique_by=lambda item: item.path))
def test_what_is_written_is_read(source: str, records: list[Record]) -> None:
    text = "".join(written(source, NOW, records))
    found = parsed(text.encode(), "it")
    assert (found.source, found.created, list(found.records)) == (source, "2026-03-01T12:00:00Z", records)
    assert json.loads(text)["version"] == 1


@given(st.binary(max_size=50) | JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_refused(data: bytes) -> None:
    try:
        parsed(data, "it")
    except Malformed:
        return
    raise AssertionError(data)


@given(entries=JSON, version=JSON, source=JSON)
def test_what_only_begins_like_one_is_refused_or_read(entries: object, version: object, source: object) -> None:
    head = {
        "kind": "easycert-backup",
        "created": "2026-03-01T12:00:00Z",
        "version": version,
        "source": source,
        "entries": entries,
    }
    with suppress(Malformed):
        assert isinstance(parsed(json.dumps(head).encode(), "it").records, tuple)


@given(st.binary(max_size=200), st.sampled_from([b"", b"SQLite format 3\0", b"\0" * 16 + b"\xde\xc0\xef\xbe\1\0\0\0"]))
def test_any_first_bytes_are_something(rest: bytes, begin: bytes) -> None:
    head = begin + rest
    assert recognised(head) in (What.FILE, What.LMDB, What.SQLITE)
    assert is_write_ahead(head) in (True, False)
    meta = lmdb_meta(head * 50)
    assert meta is None or meta.size >= 0


@pytest.mark.parametrize("size", ["Infinity", "-Infinity", "1e999", "NaN"])
def test_a_size_that_is_no_number_of_bytes_is_refused(size: str) -> None:
    text = "".join(written("svc", NOW, [Record("f", What.FILE, 0o600, 0, 12345, "0" * 64)]))
    with pytest.raises(Malformed):
        parsed(text.replace("12345", size).encode(), "it")


@pytest.mark.parametrize("created", ["\x1b]0;pwned\x07", "2026-03-01T12:00:00Z\x1b[2J", "yesterday", ""])
def test_a_time_that_is_none_is_refused(created: str) -> None:
    text = "".join(written("svc", NOW, []))
    with pytest.raises(Malformed):
        parsed(text.replace('"2026-03-01T12:00:00Z"', json.dumps(created)).encode(), "it")


def test_only_bits_that_lend_rights_may_be_lost() -> None:
    record = Record("f", What.FILE, 0o4755, 0)
    assert differences([record], [record._replace(mode=0o755)]) == []
    assert [item.what for item in differences([record._replace(mode=0o755)], [record])] == ["mode"]
    assert [item.what for item in differences([record], [record._replace(mode=0o711)])] == ["mode"]
