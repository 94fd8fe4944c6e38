"""A ledger that is made again keeps what can be kept, loses nothing, and says what nobody can know any more."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from easycert.certdir import CertDir
from easycert.errors import LedgerUnusable, StoreFailure
from easycert.ledger.entries import Event
from easycert.ledger.records import Query, Record
from easycert.model import Kind
from easycert.pki.names import SafeName
from easycert.store import layout
from easycert.workflows.audit import audit
from easycert.workflows.issue import issue
from easycert.workflows.rebuild import Source, rebuild
from easycert.workflows.revoke import revoke
from tests.faults import Fault, forked, injected
from tests.workflows.examples import Clock, directory, files, make, wanted
from tests.workflows.ledgers import ROOT, exporting, ledger_path, newer, opened, tampered, used

LATER = Clock()
LATER.move(hours=1)


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    used(tmp_path / "certs")
    return tmp_path / "certs"


def records(certs: Path) -> dict[str, Record]:
    """Return the certificates of a ledger by fingerprint."""
    return {record.fingerprint: record for record in opened(certs).ledger.records()}


def revoked(certs: Path) -> set[tuple[str, str, str]]:
    return {(item.serial, item.at, item.reason) for item in opened(certs).ledger.revocations()}


def events(certs: Path) -> list[Event]:
    return [item.entry.event for item in opened(certs).ledger.entries()]


def test_a_whole_history_goes_on(certs: Path) -> None:
    before, known, entries = opened(certs).ledger.head(), records(certs), list(opened(certs).ledger.entries())
    rebuilt = rebuild(opened(certs, LATER))
    assert rebuilt.source is Source.CONTINUED
    assert rebuilt.unknown == ()
    assert records(certs) == known
    assert list(opened(certs).ledger.entries())[:-1] == entries
    assert audit(opened(certs), before.digest).proven == before.number
    last = opened(certs).ledger.entries(backwards=True)
    told = next(last).entry
    assert (told.event, told.detail("digest")) == (Event.REBUILT, before.digest)


def test_what_the_files_know_beyond_it_is_added(certs: Path) -> None:
    backup = ledger_path(certs).read_bytes()
    make(opened(certs), Kind.HOST, "later.example", "root")
    revoke(opened(certs), Kind.HOST, SafeName("c.example"), ROOT)
    expected = revoked(certs)
    ledger_path(certs).write_bytes(backup)
    rebuilt = rebuild(opened(certs, LATER))
    assert (rebuilt.source, rebuilt.found) == (Source.CONTINUED, 3)
    assert opened(certs).ledger.records(Query(name="later.example"))[0].origin == "adoption"
    assert revoked(certs) == expected
    assert audit(opened(certs)).findings == ()


def test_a_history_that_is_not_whole_is_salvaged(certs: Path) -> None:
    known, revocations = records(certs), revoked(certs)
    tampered(certs, "UPDATE entries SET actor = 'eve' WHERE number = 3")
    rebuilt = rebuild(opened(certs, LATER))
    assert rebuilt.source is Source.SALVAGED
    assert rebuilt.reason == "entry 3 does not follow from those before it"
    assert rebuilt.salvage.certificates == 5
    assert records(certs) == known, "also those that were replaced, and by whom and when they were made"
    assert revoked(certs) == revocations
    assert set(events(certs)) == {Event.ADOPTED, Event.REVOKED, Event.PUBLISHED, Event.REBUILT}
    assert audit(opened(certs)).findings == ()
    assert "who did what before now, and when, is told by the old ledger only" in rebuilt.unknown


def test_numbers_of_crls_are_salvaged(certs: Path) -> None:
    numbers = opened(certs).ledger.crl_numbers()
    (certs / "crls" / "root.crl").unlink()
    tampered(certs, "UPDATE entries SET actor = 'eve' WHERE number = 3")
    rebuild(opened(certs, LATER))
    assert opened(certs).ledger.crl_numbers() == numbers


def test_what_was_meant_and_never_came_is_salvaged(certs: Path) -> None:
    with opened(certs).change() as change:
        change.intend([(("kind", "host"), ("name", "z.example"), ("serial", "07"), ("issuer_id", "aa"))])
    tampered(certs, "UPDATE entries SET actor = 'eve' WHERE number = 3")
    rebuild(opened(certs, LATER))
    (intent,) = audit(opened(certs)).intents
    assert (intent.name, intent.at) == ("z.example", "2026-06-01T12:00:00Z")


@pytest.mark.parametrize("statement", ["SELECT 1", "UPDATE entries SET actor = 'eve' WHERE number = 3"])
def test_what_is_exported_goes_on_as_the_entries_say(certs: Path, statement: str) -> None:
    expected = exporting(certs).ledger.exports()
    tampered(certs, statement, "UPDATE exports SET hook = 'rm -rf /'")
    assert rebuild(opened(certs, LATER)).salvage.exports == 1
    assert opened(certs).ledger.exports() == expected
    assert audit(opened(certs)).findings == ()


def test_a_hold_that_was_lifted_is_not_salvaged_and_a_revocation_is_also_if_a_table_lacks_it(certs: Path) -> None:
    certdir = opened(certs)
    with certdir.change() as change:
        for event, serial in ((Event.REVOKED, "01"), (Event.REVOKED, "02"), (Event.RELEASED, "01")):
            details = (("issuer_id", "aa"), ("serial", serial), ("date", "2026-06-01T12:00:00Z"))
            change.record(event, kind="ca", name="root", details=(*details, ("reason", "certificateHold")))
    tampered(certs, "UPDATE entries SET actor = 'eve' WHERE number = 3", "DELETE FROM revocations")
    rebuild(opened(certs, LATER))
    assert {item.serial for item in opened(certs).ledger.revocations(["aa"])} == {"02"}


def test_a_certificate_whose_bytes_are_damaged_is_not_believed(certs: Path) -> None:
    tampered(certs, "UPDATE certificates SET der = x'3000' WHERE name = 'a.example'")
    rebuilt = rebuild(opened(certs, LATER))
    assert rebuilt.salvage.damaged == 2
    assert [record.name for record in records(certs).values()].count("a.example") == 1, "the one that has its file"
    assert "what 2 certificates were whose bytes in the old ledger are damaged or missing" in rebuilt.unknown


def test_serial_numbers_that_somebody_made_the_same_do_not_stop_it(certs: Path) -> None:
    statements = ("DROP INDEX serials_given", "UPDATE certificates SET serial = '07'")
    tampered(certs, *statements, "UPDATE entries SET actor = 'eve' WHERE number = 3")
    rebuild(opened(certs, LATER))
    assert audit(opened(certs)).findings == ()


# --- hazard H1: missing, empty, no database, half a page, newer -------------------------------------------------------


def half(path: Path) -> None:
    """Cut a file in the middle of a page."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 - 100])


def a_directory(path: Path) -> None:
    """Put a directory in the place of a file."""
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "no database": lambda path: path.write_bytes(b"not a database at all, by far" * 300),
    "half": half,
    "zeros": lambda path: path.write_bytes(path.read_bytes()[:4096] + bytes(path.stat().st_size - 4096)),
    "a directory": a_directory,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_ledger_is_made_again_from_the_files(certs: Path, damage: str) -> None:
    on_crl = revoked(certs)
    DAMAGE[damage](ledger_path(certs))
    rebuilt = rebuild(opened(certs, LATER))
    assert rebuilt.source in (Source.NONE, Source.UNREADABLE, Source.SALVAGED)
    assert {record.name for record in records(certs).values()} == {"root", "a.example", "b.example", "c.example"}
    assert revoked(certs) == on_crl
    assert audit(opened(certs)).findings == ()
    assert rebuilt.unknown
    if damage != "missing":
        assert rebuilt.kept is not None
        assert Path(rebuilt.kept).exists()
    make(opened(certs), Kind.HOST, "d.example", "root")


@pytest.mark.parametrize("damage", [*DAMAGE, "newer"])
def test_a_damaged_ledger_stays_as_it_is_beside_the_new_one(certs: Path, damage: str) -> None:
    (newer(certs) and None) if damage == "newer" else DAMAGE[damage](ledger_path(certs))
    path = ledger_path(certs)
    before = path.read_bytes() if path.is_file() else None
    rebuilt = rebuild(opened(certs, LATER))
    if before is not None:
        assert rebuilt.kept is not None
        assert Path(rebuilt.kept).read_bytes() == before
        assert Path(rebuilt.kept).stat().st_mode & 0o077 == 0


def test_a_newer_ledger_is_refused_and_can_be_made_again(certs: Path) -> None:
    known = records(certs)
    newer(certs)
    with pytest.raises(LedgerUnusable):
        make(opened(certs), Kind.HOST, "d.example", "root")
    assert rebuild(opened(certs, LATER)).source is Source.CONTINUED
    assert records(certs) == known


@pytest.mark.parametrize("page", range(2, 12))
def test_of_a_ledger_with_one_damaged_page_all_else_is_salvaged(tmp_path: Path, page: int) -> None:
    certs = tmp_path / "certs"
    used(certs)
    names = [f"h{number}.example" for number in range(40)]
    issue(opened(certs), [wanted(Kind.HOST, name, "root") for name in names])
    issue(opened(certs), [wanted(Kind.HOST, name, "root") for name in names], replace=True)
    known, on_crl = records(certs), revoked(certs)
    path = ledger_path(certs)
    data = bytearray(path.read_bytes())
    data[page * 4096 : (page + 1) * 4096] = os.urandom(4096)
    path.write_bytes(data)
    rebuilt = rebuild(opened(certs, LATER))
    assert audit(opened(certs)).findings == ()
    there = records(certs)
    assert {fingerprint for fingerprint, record in known.items() if not record.replaced_by} <= set(there)
    assert on_crl <= revoked(certs)
    assert rebuilt.source is not Source.LEFT


def test_with_files_only_nothing_is_taken_over(certs: Path) -> None:
    rebuilt = rebuild(opened(certs, LATER), from_files_only=True)
    assert rebuilt.source is Source.LEFT
    assert {record.origin for record in records(certs).values()} == {"adoption"}
    assert len(records(certs)) == 4
    assert audit(opened(certs)).findings == ()


def test_each_ledger_that_was_replaced_is_kept(certs: Path) -> None:
    kept = [rebuild(opened(certs)).kept for _ in range(3)]
    assert len(set(kept)) == 3
    assert all(path and Path(path).exists() for path in kept)


def test_files_that_cannot_be_read_are_told(certs: Path) -> None:
    (certs / "hosts" / "c.example.crt").write_bytes(b"broken")
    (certs / "crls" / "other.crl").write_bytes(b"broken")
    assert dict(rebuild(opened(certs, LATER)).unread).keys() == {"hosts/c.example.crt", "crls/other.crl"}


def test_nothing_is_begun_in_a_directory_that_cannot_be_written_to(certs: Path) -> None:
    before = ledger_path(certs).read_bytes()
    with injected(Fault("read-only")), pytest.raises(StoreFailure):
        rebuild(opened(certs, LATER))
    assert ledger_path(certs).read_bytes() == before


def test_a_directory_in_memory_is_made_again_too() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root")
    make(certdir, Kind.HOST, "a.example", "root")
    head = certdir.ledger.head()
    assert rebuild(certdir).source is Source.CONTINUED
    assert audit(certdir, head.digest).proven == head.number
    assert rebuild(certdir, from_files_only=True).source is Source.LEFT
    files(certdir)["hosts/a.example.crt"] = b"broken"
    assert rebuild(certdir).unread == (("hosts/a.example.crt", "it cannot be decoded"),)


def test_a_log_of_a_killed_command_beside_a_ledger_that_was_removed_is_not_taken_for_the_new_ones(certs: Path) -> None:
    """SQLite would take it for the log of any database that has the name."""
    leave_a_log(certs)
    assert ledger_path(certs).with_name("ledger.sqlite-wal").stat().st_size
    ledger_path(certs).unlink()
    make(opened(certs), Kind.HOST, "d.example", "root")
    assert audit(opened(certs)).findings == ()


def leave_a_log(certs: Path) -> None:
    """Have a process killed that has written to the ledger."""

    def command() -> None:
        ledger = opened(certs).ledger
        ledger.append([ledger_entry(certs)])
        os.kill(os.getpid(), 9)

    forked(command, Fault("none"))


def ledger_entry(certs: Path) -> object:
    return opened(certs).books.entry(Event.INTENDED, Clock().now)


# --- what a killed command left ---------------------------------------------------------------------------------------


def interrupted(certs: Path, name: str) -> None:
    """Have a command killed after it promised its files, before its entries were in the ledger."""

    def command() -> None:
        certdir = opened(certs)
        settle = certdir.books.settle
        certdir.books.settle = lambda note, entries: os.kill(os.getpid(), 9)  # type: ignore[method-assign]
        assert settle
        make(certdir, Kind.HOST, name, "root")

    assert forked(command, Fault("none")).killed


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_command_that_a_damaged_ledger_kept_from_being_finished_is_finished(certs: Path, damage: str) -> None:
    interrupted(certs, "d.example")
    assert list((certs / ".easycert" / "journal").iterdir())
    DAMAGE[damage](ledger_path(certs))
    if damage != "missing":
        with pytest.raises((LedgerUnusable, StoreFailure)):
            make(opened(certs), Kind.HOST, "e.example", "root")
    rebuild(opened(certs, LATER))
    assert list((certs / ".easycert" / "journal").iterdir()) == []
    assert (certs / "hosts" / "d.example.key").exists()
    assert audit(opened(certs)).findings == ()
    issued = [item.entry for item in opened(certs).ledger.entries() if item.entry.event is Event.ISSUED]
    assert [entry.name for entry in issued if entry.name == "d.example"] == ["d.example"]
    make(opened(certs), Kind.HOST, "e.example", "root")


def test_a_command_that_was_recorded_before_it_was_killed_is_recorded_once(certs: Path) -> None:
    interrupted(certs, "d.example")
    opened(certs).store.entries("hosts")
    tampered(certs, "UPDATE entries SET actor = 'eve' WHERE number = 3")
    rebuild(opened(certs, LATER))
    assert [record.origin for record in records(certs).values() if record.name == "d.example"] == ["fresh"]


def test_a_command_that_cannot_be_finished_is_undone_and_is_in_no_ledger(certs: Path) -> None:
    interrupted(certs, "d.example")
    (staged,) = (certs / ".easycert" / "journal").iterdir()
    certificate, key = certs / "hosts" / "d.example.crt", certs / "hosts" / "d.example.key"
    certificate.unlink()
    key.unlink()
    certificate.write_bytes(b"a foreign file")
    assert staged.is_dir()
    ledger_path(certs).write_bytes(b"")
    rebuild(opened(certs, LATER))
    assert not key.exists()
    assert certificate.read_bytes() == b"a foreign file"
    assert not [record for record in records(certs).values() if record.name == "d.example"]
    certificate.unlink()
    assert audit(opened(certs)).findings == ()


def test_every_kind_of_certificate_is_made_again(tmp_path: Path) -> None:
    certdir = opened(tmp_path / "certs")
    make(certdir, Kind.CA, "root")
    for kind in Kind:
        make(certdir, kind, "one", "root")
    shutil.rmtree(tmp_path / "certs" / ".easycert")
    rebuild(opened(tmp_path / "certs"))
    located = {item.path for item in opened(tmp_path / "certs").ledger.places()}
    assert located == {"cas/root.crt", *(f"{folder}/one.crt" for folder in layout.FOLDERS.values())}


def test_only_the_directory_that_is_written_to_is_recorded(tmp_path: Path) -> None:
    make(opened(tmp_path / "second"), Kind.CA, "root")
    make(opened(tmp_path / "second"), Kind.HOST, "b.example", "root")
    (tmp_path / "first").mkdir(mode=0o700)
    certdir = CertDir.open([str(tmp_path / "first"), str(tmp_path / "second")])
    make(certdir, Kind.HOST, "a.example", "root")
    assert [record.name for record in certdir.ledger.records()] == ["a.example"]
    assert audit(certdir).findings == ()
