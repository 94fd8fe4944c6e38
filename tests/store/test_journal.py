"""What a journal may hold when a command begins, and what becomes of it; test_crash.py makes the real thing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from easycert.store.files import FileStore
from easycert.store.layout import Entry
from tests.store.examples import CRL, KEY, everything, save, save_pair

HOSTILE = Entry("hosts", "$(id) 'a\" \udcff\u6771\t\n;.crt")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def used(certdir: Path, said: list[str]) -> FileStore:
    save(FileStore([str(certdir)]), CRL)
    return FileStore([str(certdir)], report=said.append)


def entry(certdir: Path, record: bytes | None, *files: bytes) -> Path:
    path = certdir / ".easycert/journal" / "0123456789abcdef"
    path.mkdir()
    for number, data in enumerate(files):
        (path / str(number)).write_bytes(data)
    if record is not None:
        (path / "record").write_bytes(record)
    return path


def test_what_was_never_promised_is_swept_by_the_first_read(used: FileStore, certdir: Path) -> None:
    left = entry(certdir, None, b"a key that a killed command left")
    assert used.read(KEY) is None
    assert not left.exists()


def test_what_was_promised_is_there_at_the_first_read(used: FileStore, certdir: Path) -> None:
    record = b"easycert-journal-1\0create\0hosts\0www.key\0replace\0crls\0ca.crl\0end\0"
    left = entry(certdir, record, b"key", b"crl")
    assert (used.read(KEY), used.read(CRL)) == (b"key", b"crl")
    assert not left.exists()


def test_what_was_promised_is_undone_when_a_foreign_file_came_before_it(
    used: FileStore, certdir: Path, said: list[str]
) -> None:
    entry(certdir, b"easycert-journal-1\0create\0crls\0b.crl\0create\0crls\0ca.crl\0end\0", b"b", b"ours")
    assert (used.read(Entry("crls", "b.crl")), used.read(CRL)) == (None, b"data")
    assert said == [f"an interrupted command was undone: {certdir}/crls/ca.crl exists already"]


def test_what_was_promised_in_a_directory_that_was_copied_meanwhile_is_finished(
    used: FileStore, certdir: Path, said: list[str]
) -> None:
    """The copy has lost the links by which we know our files; their bytes are the same."""
    left = entry(certdir, b"easycert-journal-1\0create\0crls\0ca.crl\0create\0crls\0b.crl\0end\0", b"data", b"b")
    assert (used.read(CRL), used.read(Entry("crls", "b.crl"))) == (b"data", b"b")
    assert (said, left.exists()) == ([], False)


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{}",
        b"easycert-journal-1\0create\0hosts\0www.key\0",
        b"easycert-journal-1\0create\0hosts\0end\0",
        b"easycert-journal-1\0destroy\0hosts\0www.key\0end\0",
        b"easycert-journal-1\0replace\0..\0www.key\0end\0",
        b"easycert-journal-1\0replace\0hosts\0../../www.key\0end\0",
        b"easycert-journal-1\0replace\0\0/etc/passwd\0end\0",
        b"easycert-journal-2\0create\0hosts\0www.key\0end\0",
        b"\xff\xfe\0",
    ],
)
def test_a_record_that_is_none_is_reported_and_wedges_nothing(
    used: FileStore, certdir: Path, said: list[str], record: bytes
) -> None:
    left = entry(certdir, record, b"key")
    assert used.read(KEY) is None
    save_pair(used)
    assert used.read(KEY) == b"key"
    assert left.exists()
    assert set(said) == {f"{left} is no journal entry that easycert understands; it is left alone"}


def test_foreign_files_in_the_journal_are_reported_and_wedge_nothing(
    used: FileStore, certdir: Path, said: list[str], tmp_path: Path
) -> None:
    journal = certdir / ".easycert/journal"
    (journal / "0123456789abcdef").write_bytes(b"")
    (journal / "fedcba9876543210").symlink_to(tmp_path)
    (journal / "notes\x1b.txt").write_bytes(b"")
    assert used.read(KEY) is None
    assert len(said) == 3
    assert "\x1b" not in "".join(said)
    save_pair(used)
    assert len(list(journal.iterdir())) == 3


def test_a_foreign_file_in_an_entry_is_kept(used: FileStore, certdir: Path) -> None:
    left = entry(certdir, None, b"key")
    (left / "theirs").write_bytes(b"")
    save_pair(used)
    assert everything(left) == {"theirs": b""}


def test_any_name_survives_the_record(used: FileStore, certdir: Path) -> None:
    entry(certdir, b"easycert-journal-1\0create\0hosts\0" + os.fsencode(HOSTILE.filename) + b"\0end\0", b"x")
    assert used.read(HOSTILE) == b"x"


def test_a_reader_goes_on_when_the_directory_is_not_safe_to_write_to(used: FileStore, certdir: Path) -> None:
    left = entry(certdir, b"easycert-journal-1\0replace\0crls\0ca.crl\0end\0", b"planted")
    left.parent.chmod(0o777)
    assert used.read(CRL) == b"data"
