"""What the ledger tells about a name: what happened, the newest first; and everything, one by one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from easycert.cli import books
from easycert.errors import LedgerUnusable, NotFound
from easycert.ledger.entries import Event
from easycert.model import Kind
from easycert.pki.names import SafeName
from easycert.workflows import history
from easycert.workflows.publish import publish
from tests.workflows.examples import directory, make
from tests.workflows.ledgers import ROOT, opened, used


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    used(tmp_path / "certs")
    return tmp_path / "certs"


def told(certs: Path, name: str, kind: Kind | None = None) -> list[str]:
    return [item.entry.event.value for item in history.happened(opened(certs), SafeName(name), kind)]


def test_what_happened_to_a_name_is_told_the_newest_first(certs: Path) -> None:
    assert told(certs, "a.example") == ["issued", "intended", "issued", "intended"]
    assert told(certs, "b.example") == ["revoked", "issued", "intended"]
    assert told(certs, "b.example", Kind.HOST) == ["revoked", "issued", "intended"]


def test_what_happened_to_a_ca_includes_its_crls(certs: Path) -> None:
    publish(opened(certs), ROOT)
    assert told(certs, "root")[:2] == ["published", "published"]


def test_all_that_happened_is_told_with_serial_numbers(certs: Path) -> None:
    items = list(history.happened(opened(certs)))
    assert [item.number for item in items] == list(range(len(items), 0, -1))
    assert all(item.serial for item in items if item.entry.event is not Event.PUBLISHED)


def test_a_name_that_never_was_is_not_found(certs: Path) -> None:
    with pytest.raises(NotFound):
        list(history.happened(opened(certs), SafeName("nobody")))
    with pytest.raises(NotFound):
        list(history.happened(opened(certs), SafeName("a.example"), Kind.USER))


def test_without_a_ledger_there_is_nothing_to_tell(tmp_path: Path) -> None:
    for tell in (history.certificates, history.entries, history.happened):
        with pytest.raises(LedgerUnusable):
            list(tell(opened(tmp_path / "certs")))


def test_certificates_come_the_oldest_first_those_that_were_replaced_too(certs: Path) -> None:
    names = [record.name for record in history.certificates(opened(certs))]
    assert names == ["root", "a.example", "b.example", "c.example", "a.example"]


def test_every_field_of_a_record_is_a_column_once() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root")
    (row,) = books.record_rows(history.certificates(certdir))
    assert len(row) == len(books.RECORD_COLUMNS) == len(set(books.RECORD_COLUMNS))


def test_json_is_whole_however_many_rows_there_are() -> None:
    for count in range(3):
        text = "\n".join(books.json_lines("log", ("number", "name"), [(number, "é\n") for number in range(count)]))
        assert json.loads(text)["log"] == [{"number": number, "name": "é\n"} for number in range(count)]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", " =1", "=cmd|' /C calc'!A0", "\t=1", "\r=1"])
def test_no_cell_is_a_formula_to_a_spreadsheet(cell: str) -> None:
    """Hazard H3."""
    header, line = books.csv_lines(("name", "number"), [(cell, 7)])
    assert header == "name,number"
    assert line.lstrip('"')[0] in "'\\"
    assert line.endswith(",7")


@pytest.mark.parametrize("cell", ["a\x1b[2Jb", "a\nb", "a\u202eb", 'a"b', "a,b"])
def test_what_a_stranger_wrote_stays_in_its_cell(cell: str) -> None:
    """Hazard H3."""
    import csv

    _, line = books.csv_lines(("name", "number"), [(cell, 7)])
    assert line.isprintable()
    ((first, second),) = csv.reader([line])
    assert second == "7"
    assert first.startswith("a")
    (tabbed,) = books.tabbed_lines([(cell, 7)])
    assert tabbed.count("\t") == 1
    assert tabbed.replace("\t", "").isprintable()
