"""What a person wants to know on a Monday."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from easycert.certdir import CertDir
from easycert.ledger.sqlite import SqliteLedger
from easycert.model import Kind
from easycert.store.files import FileStore
from easycert.workflows.crl_states import CrlState
from easycert.workflows.csr import CsrRequest, make_requests
from easycert.workflows.status import LedgerState, Status, status
from tests.faults import Fault, forked
from tests.pki.chainmaker import DAY, NOW, ca, crl, pem, server
from tests.workflows import examples
from tests.workflows.certdirs import ROOT, directory, key_pem
from tests.workflows.examples import Clock, make

LONG = ca("long", not_before=NOW - DAY, not_after=NOW + 3000 * DAY)


def on_disk(path: Path) -> CertDir:
    ledger = partial(SqliteLedger, str(path / ".easycert" / "ledger.sqlite"))
    return CertDir(FileStore([str(path)]), clock=Clock(), ledger=ledger)


def test_an_empty_directory_needs_nothing() -> None:
    found = status(directory())
    assert (found.counts.certificates, found.ledger.state, found.is_due) == (0, LedgerState.NONE, False)


def test_certificates_are_counted_by_kind_and_state() -> None:
    certdir = directory(
        cas__long_crt=LONG,
        hosts__old_crt=server(LONG, "old", not_before=NOW - 9 * DAY, not_after=NOW - DAY),
        hosts__due_crt=server(LONG, "due", not_before=NOW - 9 * DAY, not_after=NOW + DAY),
        hosts__gone_crt=(gone := server(LONG, "gone", not_before=NOW - 9 * DAY, not_after=NOW - DAY)),
        users__al_crt=server(LONG, "al", not_before=NOW - DAY, not_after=NOW + 9 * DAY),
        crls__long_crl=pem(crl(LONG, gone.certificate)),
    )
    counts = status(certdir).counts
    assert (counts.certificates, counts.expired, counts.due, counts.revoked) == (5, 1, 1, 1)
    assert counts.kinds == {"ca": 1, "host": 3, "user": 1, "code": 0, "ocsp": 0}


def test_what_has_ended_or_is_due_comes_in_the_order_in_which_it_ends() -> None:
    certdir = directory(
        cas__long_crt=LONG,
        hosts__due_crt=server(LONG, "due", not_before=NOW - 9 * DAY, not_after=NOW + DAY),
        hosts__old_crt=server(LONG, "old", not_before=NOW - 9 * DAY, not_after=NOW - DAY),
        hosts__fine_crt=server(LONG, "fine", not_before=NOW - DAY, not_after=NOW + 9 * DAY),
        hosts__gone_crt=(gone := server(LONG, "gone", not_before=NOW - 9 * DAY, not_after=NOW + DAY)),
        crls__long_crl=pem(crl(LONG, gone.certificate, next_update=NOW + 9 * DAY)),
    )
    found = status(certdir)
    assert ([item.name for item in found.ending], found.is_due) == (["old", "due"], True)


def test_an_exposed_key_is_told_with_a_certificate_or_without() -> None:
    certdir = directory(
        hosts__www_crt=server(ROOT), hosts__www_key=key_pem(ROOT), users__lone_key=key_pem(ROOT), users__ok_key=b"key"
    )
    certdir.store.files["users/al.p12"] = b"p12"  # type: ignore[attr-defined]
    certdir.store.modes |= {"hosts/www.key": 0o644, "users/lone.key": 0o640, "users/al.p12": 0o604}  # type: ignore[attr-defined]
    assert status(certdir).exposed == ("/certs/hosts/www.key", "/certs/users/al.p12", "/certs/users/lone.key")


# --- CAs that end too early


def outlived(certdir: CertDir) -> dict[str, list[str]]:
    return {item.name: [one.name for one in item.below] for item in status(certdir).outlived}


def test_a_ca_that_ends_before_what_it_signed_is_told_with_it() -> None:
    certdir = directory(
        cas__root_crt=ROOT,
        cas__long_crt=LONG,
        hosts__b_crt=server(ROOT, "b", not_after=NOW + 50 * DAY),
        hosts__a_crt=server(ROOT, "a", not_after=NOW + 40 * DAY),
        hosts__within_crt=server(ROOT, "within", not_after=NOW + 5 * DAY),
        hosts__other_crt=server(LONG, "other", not_after=NOW + 50 * DAY),
    )
    assert outlived(certdir) == {"root": ["b", "a"]}


def test_what_it_did_not_sign_or_has_revoked_does_not_matter() -> None:
    certdir = directory(
        cas__root_crt=ROOT,
        hosts__strange_crt=server(ca("root"), not_after=NOW + 50 * DAY),
        hosts__gone_crt=(gone := server(ROOT, not_after=NOW + 50 * DAY)),
        crls__root_crl=pem(crl(ROOT, gone.certificate)),
    )
    assert outlived(certdir) == {}


def test_a_ca_that_signed_here_is_found_too() -> None:
    certdir = examples.directory()
    make(certdir, Kind.CA, "root")
    make(certdir, Kind.HOST, "www.example", "root")
    short = examples.stranger(examples.new_key(), "root", extensions=examples.AS_CA)
    examples.files(certdir)["cas/root.crt"] = examples.pem(short)  # of another key: not its issuer any more
    assert outlived(certdir) == {}


# --- CRLs


def test_a_ca_that_revoked_and_has_no_crl_lacks_one() -> None:
    certdir = examples.directory()
    make(certdir, Kind.CA, "root")
    make(certdir, Kind.HOST, "www.example", "root")
    from tests.workflows.test_listing import note_revocation

    note_revocation(certdir, "www.example")
    (found,) = status(certdir).crls
    assert (found.name, found.state, found.path) == ("root", CrlState.MISSING, None)
    assert status(certdir).is_due


def test_a_ca_that_revoked_nothing_needs_no_crl() -> None:
    assert status(directory(cas__root_crt=ROOT)).crls == ()


# --- what waits, and what was left half done


def test_a_request_waits_until_its_certificate_has_come() -> None:
    certdir = examples.directory()
    (made,) = make_requests(certdir, [CsrRequest(Kind.HOST, examples.wanted(Kind.HOST, "www.example").name)])
    (waiting,) = status(certdir).waiting
    assert (waiting.kind, waiting.name, waiting.path) == (Kind.HOST, "www.example", made.request_path)
    examples.files(certdir)["hosts/www.example.crt"] = pem(server(ROOT).certificate)
    assert status(certdir).waiting == ()


def half_done(path: Path) -> None:
    """Kill a command after it has promised its files."""
    on_disk(path)
    for at in range(1, 100):
        forked(lambda: make(on_disk(path), Kind.CA, "root"), Fault("kill-before", at))
        if any((path / ".easycert" / "journal").glob("*/record")):
            return
    raise AssertionError("no kill left a promise")


def test_a_killed_command_is_finished_by_looking(tmp_path: Path) -> None:
    half_done(tmp_path / "certs")
    found = status(on_disk(tmp_path / "certs"))
    assert (found.unfinished, found.counts.certificates) == (0, 1)


def test_a_command_that_nobody_can_finish_is_told(tmp_path: Path) -> None:
    half_done(tmp_path / "certs")
    (tmp_path / "certs").chmod(0o777)  # others can write there: nothing is finished in such a place
    assert status(on_disk(tmp_path / "certs")).unfinished == 1


def test_a_command_at_work_is_not_unfinished(tmp_path: Path) -> None:
    half_done(tmp_path / "certs")
    import fcntl

    descriptor = os.open(tmp_path / "certs" / ".easycert" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        assert status(on_disk(tmp_path / "certs")).unfinished == 0
    finally:
        os.close(descriptor)


# --- the ledger


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda _: None, LedgerState.GOOD),
        (lambda ledger: ledger.write_bytes(b"junk" * 500), LedgerState.UNUSABLE),
        (lambda ledger: ledger.write_bytes(b""), LedgerState.UNUSABLE),
        (lambda ledger: ledger.unlink(), LedgerState.NONE),
    ],
)
def test_the_state_of_the_ledger_is_told(tmp_path: Path, change: Callable[[Path], object], state: LedgerState) -> None:
    make(on_disk(tmp_path / "certs"), Kind.CA, "root")
    change(tmp_path / "certs" / ".easycert" / "ledger.sqlite")
    found: Status = status(on_disk(tmp_path / "certs"))
    assert (found.ledger.state, found.counts.certificates) == (state, 1)
    assert bool(found.ledger.reason) is (state is LedgerState.UNUSABLE)


def test_a_newer_ledger_is_told_as_such(tmp_path: Path) -> None:
    import sqlite3

    make(on_disk(tmp_path / "certs"), Kind.CA, "root")
    connection = sqlite3.connect(tmp_path / "certs" / ".easycert" / "ledger.sqlite")
    connection.execute("PRAGMA user_version=999")
    connection.close()
    assert status(on_disk(tmp_path / "certs")).ledger.state is LedgerState.NEWER


def test_looking_writes_nothing(tmp_path: Path) -> None:
    make(on_disk(tmp_path / "certs"), Kind.CA, "root")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.crt")}
    names = sorted(tmp_path.rglob("*"))
    status(on_disk(tmp_path / "certs"))
    assert (sorted(tmp_path.rglob("*")), {path: path.stat().st_mtime_ns for path in before}) == (names, before)
