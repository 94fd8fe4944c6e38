"""An audit names every difference: within the chain, between chain and tables, between ledger and files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from easycert.certdir import CertDir
from easycert.errors import LedgerUnusable
from easycert.ledger.entries import Event
from easycert.ledger.records import Query
from easycert.model import Kind
from easycert.pki.facts import issuer_id
from easycert.pki.names import SafeName
from easycert.pki.wording import even_hex
from easycert.workflows.audit import audit
from easycert.workflows.findings import Topic
from easycert.workflows.issue import issue
from easycert.workflows.publish import publish
from easycert.workflows.rebuild import rebuild
from easycert.workflows.revoke import revoke
from tests.faults import Fault, injected
from tests.workflows.examples import Clock, directory, files, make, wanted
from tests.workflows.ledgers import ROOT, exporting, ledger_path, opened, tampered, used

A = SafeName("a.example")


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    used(tmp_path / "certs")
    return tmp_path / "certs"


def found(certdir: CertDir) -> list[tuple[Topic, str]]:
    return [(finding.topic, finding.subject) for finding in audit(certdir).findings]


def sentences(certdir: CertDir) -> str:
    return "\n".join(finding.sentence for finding in audit(certdir).findings)


def test_a_directory_that_only_easycert_touched_agrees(certs: Path) -> None:
    told = audit(opened(certs))
    assert told.findings == ()
    assert told.intents == ()
    assert told.counts == (5, 1, 0)
    assert told.head == opened(certs).ledger.head()


def test_a_directory_in_memory_is_audited_too() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root")
    make(certdir, Kind.HOST, "a.example", "root")
    assert audit(certdir).findings == ()
    del files(certdir)["hosts/a.example.crt"]
    assert found(certdir) == [(Topic.FILE, "hosts/a.example.crt")]


def test_an_empty_directory_agrees(tmp_path: Path) -> None:
    assert audit(opened(tmp_path / "certs")).findings == ()
    assert not (tmp_path / "certs").exists()


def test_certificates_without_a_ledger_are_a_difference(certs: Path) -> None:
    ledger_path(certs).unlink()
    assert found(opened(certs)) == [(Topic.LEDGER, "the ledger")]


def test_an_audit_changes_nothing(certs: Path) -> None:
    (certs / "hosts" / "c.example.crt").unlink()
    before = {path: path.read_bytes() for path in certs.rglob("*") if path.is_file()}
    assert audit(opened(certs)).findings
    assert {path: path.read_bytes() for path in certs.rglob("*") if path.is_file()} == before


def test_what_is_exported_is_compared_with_the_entries(certs: Path) -> None:
    exporting(certs)
    assert audit(opened(certs)).findings == ()
    tampered(certs, "UPDATE exports SET hook = 'rm -rf /'")
    assert set(found(opened(certs))) == {(Topic.RECORD, "the export to /srv/tls")}
    assert "its record (nginx) is not that of the entries" in sentences(opened(certs))


# --- the chain --------------------------------------------------------------------------------------------------------

COLUMNS = {
    "id": "0123456789abcdef",
    "event": "imported",
    "at": "2026-06-01T12:00:01Z",
    "actor": "somebody else",
    "kind": "user",
    "name": "x.example",
    "fingerprint": "00",
    "details": '{"origin":"csr"}',
}


@pytest.mark.parametrize("column", COLUMNS)
def test_an_entry_that_was_edited_is_named(certs: Path, column: str) -> None:
    certdir = tampered(certs, f"UPDATE entries SET {column} = '{COLUMNS[column]}' WHERE number = 4")
    assert (Topic.CHAIN, "entry 4") in found(certdir)
    assert (Topic.CHAIN, "entry 5") not in found(certdir)


@pytest.mark.parametrize("column", ["event", "at", "actor", "details", "digest", "fingerprint", "id"])
@pytest.mark.parametrize("value", ["NULL", "x'ff00'", "'nonsense'", "'[1]'", "7"])
def test_no_nonsense_in_an_entry_stops_the_audit(certs: Path, column: str, value: str) -> None:
    if value == "NULL":
        value = "''"  # no column may be NULL
    assert (Topic.CHAIN, "entry 4") in found(tampered(certs, f"UPDATE entries SET {column} = {value} WHERE number = 4"))


def test_an_entry_that_is_missing_is_named(certs: Path) -> None:
    certdir = tampered(certs, "DELETE FROM entries WHERE number IN (4, 5)")
    assert (Topic.CHAIN, "entry 6") in found(certdir)
    assert "entries 4 to 5 are missing" in sentences(certdir)


def test_an_entry_that_is_missing_is_noticed_also_when_the_others_were_numbered_anew(certs: Path) -> None:
    certdir = tampered(
        certs,
        "DELETE FROM entries WHERE number = 4",
        "UPDATE entries SET number = -number WHERE number > 4",
        "UPDATE entries SET number = -number - 1 WHERE number < 0",
    )
    assert (Topic.CHAIN, "entry 4") in found(certdir)


def test_an_entry_that_was_put_in_is_named(certs: Path) -> None:
    columns = "event, at, actor, kind, name, fingerprint, details, digest"
    certdir = tampered(
        certs,
        "UPDATE entries SET number = -number WHERE number > 4",
        "UPDATE entries SET number = -number + 1 WHERE number < 0",
        f"INSERT INTO entries (number, id, {columns}) SELECT 5, 'new', {columns} FROM entries WHERE number = 4",
    )
    assert (Topic.CHAIN, "entry 5") in found(certdir)


def test_entries_in_another_order_are_named(certs: Path) -> None:
    certdir = tampered(
        certs,
        "UPDATE entries SET number = -1 WHERE number = 4",
        "UPDATE entries SET number = 4 WHERE number = 5",
        "UPDATE entries SET number = 5 WHERE number = -1",
    )
    assert {(Topic.CHAIN, "entry 4"), (Topic.CHAIN, "entry 5")} <= set(found(certdir))


def test_entries_missing_at_the_end_are_noticed_by_what_they_had_brought(certs: Path) -> None:
    (number,) = [item.number for item in opened(certs).ledger.entries() if item.entry.event is Event.REVOKED]
    told = sentences(tampered(certs, f"DELETE FROM entries WHERE number >= {number}"))
    assert "no entry says so" in told


def test_a_digest_that_was_noted_down_proves_what_was_before_it(certs: Path) -> None:
    head = opened(certs).ledger.head()
    make(opened(certs), Kind.HOST, "d.example", "root")
    told = audit(opened(certs), head.digest)
    assert (told.findings, told.proven) == ((), head.number)


def test_a_whole_chain_that_was_made_anew_does_not_have_the_digest(certs: Path, tmp_path: Path) -> None:
    head = opened(certs).ledger.head()
    rebuild(opened(certs), from_files_only=True)
    (finding,) = audit(opened(certs), head.digest).findings
    assert finding.topic is Topic.DIGEST
    assert "an earlier ledger ended with it, which was replaced and is kept as ledger.sqlite.replaced-" in finding.what
    used(tmp_path / "another")
    (finding,) = audit(opened(tmp_path / "another"), head.digest).findings
    assert "no entry has it" in finding.what


def test_a_digest_behind_a_change_proves_nothing(certs: Path) -> None:
    head = opened(certs).ledger.head()
    told = audit(tampered(certs, "UPDATE entries SET actor = 'eve' WHERE number = 3"), head.digest)
    assert told.proven == 0
    (finding,) = [finding for finding in told.findings if finding.topic is Topic.DIGEST]
    assert "what stands before that was changed" in finding.what


def test_what_was_meant_and_never_came_is_told_and_is_no_difference(certs: Path) -> None:
    certdir = opened(certs)
    with certdir.change() as change:
        change.intend([(("kind", "host"), ("name", "z.example"), ("serial", "07"), ("issuer_id", "aa"))])
    told = audit(opened(certs))
    assert told.findings == ()
    assert [(item.name, item.serial) for item in told.intents] == [("z.example", "07")]


# --- the tables -------------------------------------------------------------------------------------------------------

FIELDS = {
    "subject": "'CN=x'",
    "serial": "'07'",
    "not_after": "7",
    "name": "'x.example'",
    "replaced_by": "'00'",
    "origin": "'import'",
    "at": "'2020'",
    "actor": "'eve'",
    "sans": "'DNS:x'",
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_fact_that_was_changed_is_named(certs: Path, field: str) -> None:
    certdir = tampered(certs, f"UPDATE certificates SET {field} = {FIELDS[field]} WHERE name = 'c.example'")
    assert f"its {field} is" in sentences(certdir)
    assert {topic for topic, _ in found(certdir)} <= {Topic.RECORD, Topic.CRL}


def test_a_certificate_whose_bytes_were_changed_is_named(certs: Path) -> None:
    certdir = tampered(certs, "UPDATE certificates SET der = x'3000' WHERE name = 'c.example'")
    assert found(certdir) == [(Topic.RECORD, "host c.example")]


def test_a_certificate_that_was_put_in_or_taken_out_is_named(certs: Path) -> None:
    (record,) = opened(certs).ledger.records(Query(name="c.example"))
    certdir = tampered(certs, f"UPDATE certificates SET fingerprint = '00' WHERE fingerprint = '{record.fingerprint}'")
    assert "no entry brings it" in sentences(certdir)
    certdir = tampered(certs, "DELETE FROM certificates WHERE fingerprint = '00'")
    assert "its bytes in the ledger are missing" in sentences(certdir)


def test_revocations_that_were_put_in_or_taken_out_are_named(certs: Path) -> None:
    certdir = tampered(certs, "UPDATE revocations SET reason = 'superseded'")
    assert "it is revoked (superseded, 2026-06-01T12:00:00Z) in the list, and no entry says so" in sentences(certdir)
    certdir = tampered(certs, "DELETE FROM revocations")
    assert "by an entry, and not so in the list" in sentences(certdir)


def test_numbers_of_crls_that_were_changed_are_named(certs: Path) -> None:
    assert (Topic.RECORD, "the numbers of CRLs") in found(tampered(certs, "UPDATE crl_numbers SET number = '1'"))


# --- the files --------------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_in_the_ledger_is_named(certs: Path, tmp_path: Path) -> None:
    elsewhere = opened(tmp_path / "elsewhere")
    make(elsewhere, Kind.HOST, "new.example")
    shutil.copy(tmp_path / "elsewhere/hosts/new.example.crt", certs / "hosts")
    assert found(opened(certs)) == [(Topic.FILE, "hosts/new.example.crt")]
    assert "is not in the ledger" in sentences(opened(certs))


def test_a_file_that_is_gone_is_named(certs: Path) -> None:
    (certs / "hosts" / "c.example.crt").unlink()
    assert found(opened(certs)) == [(Topic.FILE, "hosts/c.example.crt")]
    assert "it is gone" in sentences(opened(certs))


def test_a_file_that_holds_another_certificate_is_named_whatever_its_time(certs: Path) -> None:
    path = certs / "hosts" / "c.example.crt"
    status = path.stat()
    path.write_bytes((certs / "hosts" / "b.example.crt").read_bytes())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert found(opened(certs)) == [(Topic.FILE, "hosts/c.example.crt")]
    assert "which the ledger has as that of host b.example" in sentences(opened(certs))


def test_an_earlier_generation_that_came_back_is_named(certs: Path) -> None:
    certdir = opened(certs)
    old = (certs / "hosts" / "c.example.crt").read_bytes()
    issue(certdir, [wanted(Kind.HOST, "c.example", "root")], replace=True)
    (certs / "hosts" / "c.example.crt").write_bytes(old)
    assert "which was replaced by" in sentences(opened(certs))


def test_a_file_that_became_unreadable_is_named_and_one_that_ever_was_is_not(certs: Path) -> None:
    (certs / "hosts" / "c.example.crt").write_bytes(b"broken")
    (certs / "hosts" / "never.crt").write_bytes(b"broken")
    told = audit(opened(certs))
    assert [finding.subject for finding in told.findings] == ["hosts/c.example.crt"]
    assert told.unread == (("hosts/never.crt", "it cannot be decoded"),)


def test_a_file_that_was_touched_only_is_no_difference(certs: Path) -> None:
    path = certs / "hosts" / "c.example.crt"
    path.write_bytes(path.read_bytes())
    assert audit(opened(certs)).findings == ()


def test_a_ledger_from_a_backup_is_noticed_by_certificates_newer_than_it(certs: Path) -> None:
    """Hazard E15."""
    backup = ledger_path(certs).read_bytes()
    clock = Clock()
    clock.move(days=2)
    make(opened(certs, clock), Kind.HOST, "later.example", "root")
    publish(opened(certs, clock), ROOT)
    ledger_path(certs).write_bytes(backup)
    told = sentences(opened(certs))
    assert "hosts/later.example.crt: its certificate" in told
    assert "newer than the newest entry (2026-06-01T12:00:00Z), so the ledger may be an older copy" in told
    assert "crls/root.crl: its number is" in told


def test_files_from_a_backup_are_noticed_by_an_older_crl(certs: Path) -> None:
    """Hazard E15."""
    backup = (certs / "crls" / "root.crl").read_bytes()
    revoke(opened(certs), Kind.HOST, A, ROOT)
    (certs / "crls" / "root.crl").write_bytes(backup)
    told = sentences(opened(certs))
    assert "it lacks " in told
    assert "was published already: it may be an older copy" in told


def test_after_a_backup_of_the_ledger_no_serial_and_no_crl_number_comes_twice(certs: Path) -> None:
    """Hazard E15: serial numbers are random, and CRL numbers follow the file, the ledger and the clock."""
    backup = ledger_path(certs).read_bytes()
    later = make(opened(certs), Kind.HOST, "later.example", "root").certificate
    number = publish(opened(certs), ROOT).number
    ledger_path(certs).write_bytes(backup)
    again = make(opened(certs), Kind.HOST, "again.example", "root").certificate
    assert again.serial_number != later.serial_number
    assert publish(opened(certs), ROOT).number > number


def test_a_crl_that_revokes_more_than_the_ledger_is_named(certs: Path) -> None:
    told = opened(certs).ledger.records(Query(name="b.example"))[0]
    without = f"entries SET event = 'intended' WHERE event = 'revoked' AND details LIKE '%{told.serial}%'"
    certdir = tampered(certs, f"UPDATE {without}", "DELETE FROM revocations")
    assert f"it revokes {told.serial}, of which the ledger knows nothing" in sentences(certdir)


def test_a_ca_that_revoked_and_has_no_crl_is_named(certs: Path) -> None:
    (certs / "crls" / "root.crl").unlink()
    assert found(opened(certs)) == [(Topic.CRL, "crls/root.crl")]


def test_a_crl_that_nobody_here_signed_is_left_out(certs: Path, tmp_path: Path) -> None:
    elsewhere = opened(tmp_path / "elsewhere")
    make(elsewhere, Kind.CA, "other")
    publish(elsewhere, SafeName("other"))
    shutil.copy(tmp_path / "elsewhere/crls/other.crl", certs / "crls")
    told = audit(opened(certs))
    assert (told.findings, told.unread) == ((), (("crls/other.crl", "no CA that is here signed it"),))


def test_a_revocation_of_what_has_expired_need_not_be_on_a_crl(certs: Path) -> None:
    (certs / "crls" / "root.crl").unlink()
    clock = Clock()
    clock.move(days=500)
    assert audit(opened(certs, clock)).findings == ()


def test_a_directory_that_cannot_be_written_to_is_audited(certs: Path) -> None:
    (certs / "hosts" / "c.example.crt").unlink()
    with injected(Fault("read-only")):
        assert found(opened(certs)) == [(Topic.FILE, "hosts/c.example.crt")]


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"x" * 9000)])
def test_a_ledger_that_cannot_be_read_is_an_error(certs: Path, spoil: Callable[[Path], object]) -> None:
    spoil(ledger_path(certs))
    with pytest.raises(LedgerUnusable):
        audit(opened(certs))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET actor = 'eve' WHERE number = 3",
        "DELETE FROM entries WHERE number = 4",
        "UPDATE certificates SET subject = 'CN=x'",
        "DELETE FROM revocations",
        "UPDATE crl_numbers SET number = '1'",
        "DELETE FROM files",
        "UPDATE certificates SET der = x'3000' WHERE name = 'c.example'",
        "DELETE FROM certificates WHERE name = 'c.example'",
    ],
)
def test_whatever_is_found_a_rebuilt_ledger_agrees(certs: Path, statement: str) -> None:
    assert audit(tampered(certs, statement)).findings
    rebuild(opened(certs))
    assert audit(opened(certs)).findings == ()
    (revoked,) = opened(certs).ledger.revocations()
    made = opened(certs).ledger.records(Query(name="b.example"))[0]
    assert (revoked.issuer_id, revoked.serial) == (made.issuer_id, made.serial)


def test_what_was_done_to_files_is_taken_in_by_a_rebuild(certs: Path, tmp_path: Path) -> None:
    elsewhere = opened(tmp_path / "elsewhere")
    stranger = make(elsewhere, Kind.HOST, "new.example").certificate
    shutil.copy(tmp_path / "elsewhere/hosts/new.example.crt", certs / "hosts" / "c.example.crt")
    shutil.copy(certs / "hosts" / "b.example.crt", certs / "hosts" / "copy.example.crt")
    (certs / "hosts" / "a.example.crt").rename(certs / "hosts" / "moved.example.crt")
    assert len(audit(opened(certs)).findings) == 4
    rebuild(opened(certs))
    assert audit(opened(certs)).findings == ()
    (current,) = opened(certs).ledger.records(Query(name="c.example", current=True))
    assert (current.serial, current.issuer_id) == (even_hex(stranger.serial_number), issuer_id(stranger))
    assert opened(certs).ledger.records(Query(name="moved.example", current=True))
    before = opened(certs).ledger.head().number
    rebuild(opened(certs))
    assert opened(certs).ledger.head().number == before + 1, "nothing is new but that it was made again"
