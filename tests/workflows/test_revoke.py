"""Revoking: once and for good, by the CA that signed (RFC 5280 section 5.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import ReasonFlags

from easycert.certdir import CertDir
from easycert.errors import InvalidInput, MissingAuthority, NotFound, Refused, WrongIssuer
from easycert.ledger.entries import Event
from easycert.ledger.memory import MemoryLedger
from easycert.ledger.records import Query
from easycert.model import Kind
from easycert.pki.crl import Revocation, load_crl
from easycert.pki.names import SafeName
from easycert.pki.revision import Outcome
from easycert.pki.wording import even_hex
from easycert.workflows.issue import issue
from easycert.workflows.revoke import RevokeRequest, Why, revoke, revoke_named
from tests.workflows.examples import NOW, Clock, chain_of_cas, directory, files, make, pem, wanted

ROOT = SafeName("root")


@pytest.fixture
def clock() -> Clock:
    """Return the clock of ``certdir``."""
    return Clock()


@pytest.fixture
def certdir(clock: Clock) -> CertDir:
    """Return a directory with root and, below it, something of each kind called one."""
    made = directory(clock)
    make(made, Kind.CA, "root")
    for kind in Kind:
        make(made, kind, "one", "root")
    return made


def entries(certdir: CertDir, ca: str = "root") -> list[x509.RevokedCertificate]:
    return list(load_crl(files(certdir)[f"crls/{ca}.crl"], "it"))


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_can_be_revoked(certdir: CertDir, kind: Kind) -> None:
    revoked = revoke(certdir, kind, SafeName("one"), ROOT)
    assert revoked.outcome is Outcome.REVOKED
    assert [entry.serial_number for entry in entries(certdir)] == [revoked.certificate.serial_number]
    assert entries(certdir)[0].revocation_date_utc == NOW


def test_revoking_twice_changes_neither_date_nor_reason(certdir: CertDir, clock: Clock) -> None:
    revoke(certdir, Kind.HOST, SafeName("one"), ROOT, why=Why(x509.ReasonFlags.key_compromise))
    clock.move(days=3)
    again = revoke(certdir, Kind.HOST, SafeName("one"), ROOT, why=Why(x509.ReasonFlags.superseded))
    assert again.outcome is Outcome.ALREADY
    (entry,) = entries(certdir)
    assert entry.revocation_date_utc == NOW
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise


def test_what_has_expired_can_be_revoked(certdir: CertDir, clock: Clock) -> None:
    clock.move(days=500)
    assert revoke(certdir, Kind.HOST, SafeName("one"), ROOT).outcome is Outcome.REVOKED


def test_an_unknown_certificate_is_named(certdir: CertDir) -> None:
    before = dict(files(certdir))
    with pytest.raises(NotFound, match="no host certificate named 'nobody'"):
        revoke(certdir, Kind.HOST, SafeName("nobody"), ROOT)
    assert files(certdir) == before


@pytest.mark.parametrize("ca", ["other", "nobody"])
def test_only_the_ca_that_signed_revokes(certdir: CertDir, ca: str) -> None:
    make(certdir, Kind.CA, "other")
    before = dict(files(certdir))
    with pytest.raises(WrongIssuer, match=f"the CA '{ca}' did not sign"):
        revoke(certdir, Kind.HOST, SafeName("one"), SafeName(ca))
    assert files(certdir) == before


def test_a_ca_of_the_same_name_with_another_key_does_not_revoke(certdir: CertDir) -> None:
    issue(certdir, [wanted(Kind.CA, "root")], replace=True)
    with pytest.raises(WrongIssuer):
        revoke(certdir, Kind.HOST, SafeName("one"), ROOT)


def test_a_grandparent_does_not_revoke() -> None:
    certdir = directory()
    chain_of_cas(certdir, "root", "sub")
    make(certdir, Kind.HOST, "a.example", "sub")
    with pytest.raises(WrongIssuer):
        revoke(certdir, Kind.HOST, SafeName("a.example"), ROOT)
    revoke(certdir, Kind.HOST, SafeName("a.example"), SafeName("sub"))


def test_a_ca_without_its_key_revokes_nothing(certdir: CertDir) -> None:
    del files(certdir)["cas/root.key"]
    with pytest.raises(MissingAuthority, match=r"\.key"):
        revoke(certdir, Kind.HOST, SafeName("one"), ROOT)


def test_a_clock_that_cannot_be_right_dates_no_revocation(certdir: CertDir) -> None:
    with pytest.raises(Refused, match="clock"):
        revoke(CertDir(certdir.store, clock=Clock(datetime(1970, 1, 1, tzinfo=UTC))), Kind.HOST, SafeName("one"), ROOT)


# --- as the subcommand revokes ---------------------------------------------------------------------------------------


def request(*targets: str, reason: ReasonFlags = ReasonFlags.unspecified, **wishes: Any) -> RevokeRequest:
    since, unhold = wishes.pop("since", None), wishes.pop("unhold", False)
    return RevokeRequest(targets, Why(reason, since, unhold), **wishes)


def told(certdir: CertDir, event: Event) -> list[dict[str, str]]:
    """Return what the ledger's entries of this event say: kind and name of the certificate, and the details."""
    entries = [item.entry for item in certdir.ledger.entries() if item.entry.event is event]
    return [{"kind": entry.kind, "name": entry.name, **dict(entry.details)} for entry in entries]


def test_the_ledger_remembers_what_was_revoked_when_and_why(certdir: CertDir) -> None:
    done = revoke_named(certdir, request("one", kind=Kind.HOST, reason=ReasonFlags.key_compromise))
    (revoked,) = done.revoked
    (entry,) = told(certdir, Event.REVOKED)
    assert (entry["kind"], entry["name"], entry["date"], entry["reason"]) == (
        "host",
        "one",
        "2026-06-01T12:00:00Z",
        "keyCompromise",
    )
    (record,) = certdir.ledger.records(Query(kind="host", name="one"))
    assert (record.revoked_at, record.reason) == ("2026-06-01T12:00:00Z", "keyCompromise")
    assert record.serial == even_hex(revoked.certificate.serial_number)


def test_the_ledger_remembers_the_number_of_each_crl(certdir: CertDir) -> None:
    done = revoke_named(certdir, request("one", kind=Kind.HOST))
    (published,) = told(certdir, Event.PUBLISHED)
    assert (published["name"], published["number"]) == ("root", str(done.published[0].number))


def test_several_are_revoked_in_one_crl_for_each_ca(certdir: CertDir) -> None:
    make(certdir, Kind.CA, "other")
    make(certdir, Kind.HOST, "b.example", "other")
    serial = make(certdir, Kind.HOST, "c.example", "root").certificate.serial_number
    done = revoke_named(certdir, request("b.example", "c.example", f"0x{serial:x}"))
    assert [item.outcome for item in done.revoked] == [Outcome.REVOKED, Outcome.REVOKED, Outcome.ALREADY]
    assert [(item.name, item.entries) for item in done.published] == [("other", 1), ("root", 1)]
    assert len(told(certdir, Event.REVOKED)) == 2


def test_all_are_revoked_or_none(certdir: CertDir) -> None:
    make(certdir, Kind.HOST, "b.example", "root")
    before = dict(files(certdir))
    count = certdir.ledger.head().number
    with pytest.raises(NotFound):
        revoke_named(certdir, request("b.example", "nobody"))
    revoke_named(certdir, request("b.example"))
    with pytest.raises(Refused):
        revoke_named(certdir, request("b.example", "one", kind=Kind.HOST, unhold=True))
    assert len(told(certdir, Event.REVOKED)) == 1
    assert certdir.ledger.head().number == count + 2
    assert {path for path in files(certdir) if files(certdir)[path] != before.get(path)} == {"crls/root.crl"}


def test_revoking_twice_is_recorded_once(certdir: CertDir, clock: Clock) -> None:
    revoke_named(certdir, request("one", kind=Kind.HOST, reason=ReasonFlags.superseded))
    clock.move(days=1)
    (again,) = revoke_named(certdir, request("one", kind=Kind.HOST)).revoked
    assert (again.outcome, again.revocation) == (
        Outcome.ALREADY,
        Revocation(again.certificate.serial_number, NOW, ReasonFlags.superseded),
    )
    assert len(told(certdir, Event.REVOKED)) == 1


def test_a_hold_is_lifted_and_recorded(certdir: CertDir) -> None:
    revoke_named(certdir, request("one", kind=Kind.USER, reason=ReasonFlags.certificate_hold))
    (released,) = revoke_named(certdir, request("one", kind=Kind.USER, unhold=True)).revoked
    assert (released.outcome, released.revocation, entries(certdir)) == (Outcome.RELEASED, None, [])
    assert [item["name"] for item in told(certdir, Event.RELEASED)] == ["one"]
    assert certdir.ledger.revocations() == []


def test_a_hold_becomes_final_and_keeps_its_date(certdir: CertDir, clock: Clock) -> None:
    revoke_named(certdir, request("one", kind=Kind.USER, reason=ReasonFlags.certificate_hold))
    clock.move(days=3)
    (final,) = revoke_named(certdir, request("one", kind=Kind.USER, reason=ReasonFlags.key_compromise)).revoked
    assert final.outcome is Outcome.FINAL
    (recorded,) = certdir.ledger.revocations()
    assert (recorded.at, recorded.reason) == ("2026-06-01T12:00:00Z", "keyCompromise")


def test_a_compromise_may_be_told_since_when(certdir: CertDir) -> None:
    since = NOW - timedelta(days=9)
    revoke_named(certdir, request("one", kind=Kind.HOST, reason=ReasonFlags.key_compromise, since=since))
    (entry,) = entries(certdir)
    assert entry.extensions.get_extension_for_class(x509.InvalidityDate).value.invalidity_date_utc == since
    assert told(certdir, Event.REVOKED)[0]["invalid_since"] == "2026-05-23T12:00:00Z"


def test_nobody_knows_what_will_be_compromised(certdir: CertDir) -> None:
    before = dict(files(certdir))
    with pytest.raises(InvalidInput, match="is not past"):
        revoke_named(certdir, request("one", kind=Kind.HOST, since=NOW + timedelta(seconds=1)))
    assert files(certdir) == before


def test_a_certificate_that_was_never_here_is_revoked_and_recorded(certdir: CertDir, tmp_path: Path) -> None:
    elsewhere = directory()
    files(elsewhere).update(files(certdir))
    lost = make(elsewhere, Kind.HOST, "lost.example", "root").certificate
    (tmp_path / "lost.pem").write_bytes(pem(lost))
    (revoked,) = revoke_named(certdir, request(str(tmp_path / "lost.pem"))).revoked
    assert [entry.serial_number for entry in entries(certdir)] == [lost.serial_number]
    assert (revoked.kind, revoked.name, revoked.shown) == (None, None, "CN=lost.example")
    (entry,) = told(certdir, Event.REVOKED)
    assert (entry["serial"], entry["name"]) == (even_hex(lost.serial_number), "root")


def test_a_revoked_serial_number_is_that_of_its_ca_only(certdir: CertDir) -> None:
    """What another CA gave the same number is not revoked with it."""
    make(certdir, Kind.CA, "other")
    serial = make(certdir, Kind.HOST, "b.example", "other").certificate.serial_number
    revoke_named(certdir, request("one", kind=Kind.HOST))
    assert even_hex(serial) not in {item.serial for item in certdir.ledger.revocations()}
    (record,) = certdir.ledger.records(Query(name="b.example"))
    assert record.revoked_at == ""


def test_a_refused_command_begins_no_ledger(certdir: CertDir) -> None:
    fresh = CertDir(certdir.store, clock=Clock(), ledger=MemoryLedger)
    for targets in (["nobody"], ["root"], ["0123456789"]):
        with pytest.raises(Refused if targets == ["root"] else NotFound):
            revoke_named(fresh, request(*targets))
    assert not fresh.ledger.exists()


def test_a_directory_without_a_ledger_gets_one(certdir: CertDir) -> None:
    fresh = CertDir(certdir.store, clock=Clock(), ledger=MemoryLedger)
    revoke_named(fresh, request("one", kind=Kind.HOST))
    (record,) = fresh.ledger.records(Query(kind="host", name="one"))
    assert (record.origin, record.revoked_at) == ("adoption", "2026-06-01T12:00:00Z")
