"""CRL and ledger make good what the other has lost: nothing that was revoked is ever forgotten (hazards E15, G5)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509 import ReasonFlags

from easycert.certdir import CertDir
from easycert.ledger.entries import Event
from easycert.ledger.memory import MemoryLedger
from easycert.model import Kind
from easycert.pki.crl import CrlSpec, Revocation, crl_pem, load_crl, revoked_certificate
from easycert.pki.names import SafeName
from easycert.pki.revision import Outcome
from easycert.pki.validity import Validity, days
from easycert.workflows import authorities, next_crl
from easycert.workflows.next_crl import CrlOptions
from easycert.workflows.publish import publish
from easycert.workflows.revoke import Why, revoke
from tests.pki.crls import sign_crl
from tests.workflows.examples import NOW, Clock, directory, files, make

ROOT = SafeName("root")


@pytest.fixture
def clock() -> Clock:
    """Return the clock of ``certdir``."""
    return Clock()


@pytest.fixture
def certdir(clock: Clock) -> CertDir:
    """Return a directory with root and two hosts below it, of which a.example was revoked."""
    made = directory(clock)
    make(made, Kind.CA, "root")
    for name in ("a.example", "b.example"):
        make(made, Kind.HOST, name, "root")
    revoke(made, Kind.HOST, SafeName("a.example"), ROOT, Why(ReasonFlags.superseded))
    return made


def listed(certdir: CertDir) -> dict[int, tuple[object, ReasonFlags]]:
    crl = load_crl(files(certdir)["crls/root.crl"], "it")
    return {
        entry.serial_number: (
            entry.revocation_date_utc,
            entry.extensions.get_extension_for_class(x509.CRLReason).value.reason,
        )
        for entry in crl
    }


def put(certdir: CertDir, *revocations: Revocation, number: int = 1) -> None:
    """Let another tool write the CRL of root."""
    spec = CrlSpec(number, Validity(NOW, NOW + timedelta(days=7)), tuple(map(revoked_certificate, revocations)))
    files(certdir)["crls/root.crl"] = crl_pem(sign_crl(spec, authorities.load(certdir, ROOT).issuer))


def test_E15_a_crl_that_was_lost_gets_all_its_entries_back(certdir: CertDir, clock: Clock) -> None:
    before = listed(certdir)
    del files(certdir)["crls/root.crl"]
    clock.move(days=1)
    published = publish(certdir, ROOT)
    assert published.notes == ("1 revoked in the ledger were not on the CRL; they are again",)
    assert listed(certdir) == before


def test_E15_a_crl_of_an_older_state_gets_back_what_it_lacks(certdir: CertDir) -> None:
    older = files(certdir)["crls/root.crl"]
    revoke(certdir, Kind.HOST, SafeName("b.example"), ROOT, Why(ReasonFlags.key_compromise))
    newer = listed(certdir)
    files(certdir)["crls/root.crl"] = older
    again = revoke(certdir, Kind.HOST, SafeName("b.example"), ROOT)
    assert again.outcome is Outcome.ALREADY
    assert listed(certdir) == newer


def test_G5_the_number_is_above_the_highest_that_the_ledger_knows(certdir: CertDir) -> None:
    """Also when the CRL was restored and the clock stands still."""
    older = files(certdir)["crls/root.crl"]
    numbers = [publish(certdir, ROOT).number for _ in range(3)]
    files(certdir)["crls/root.crl"] = older
    assert publish(certdir, ROOT).number == max(numbers) + 1
    del files(certdir)["crls/root.crl"]
    assert publish(certdir, ROOT).number == max(numbers) + 2


def test_a_lifted_hold_does_not_come_back(certdir: CertDir) -> None:
    revoke(certdir, Kind.HOST, SafeName("b.example"), ROOT, Why(ReasonFlags.certificate_hold))
    revoke(certdir, Kind.HOST, SafeName("b.example"), ROOT, Why(unhold=True))
    before = listed(certdir)
    del files(certdir)["crls/root.crl"]
    publish(certdir, ROOT)
    assert listed(certdir) == before


def test_what_another_tool_revoked_is_recorded(certdir: CertDir) -> None:
    """Synapse's, for example, which knows of no ledger."""
    theirs = make(certdir, Kind.HOST, "c.example", "root").certificate.serial_number
    known = [Revocation(serial, NOW, ReasonFlags.superseded) for serial in listed(certdir)]
    put(certdir, *known, Revocation(theirs, NOW - timedelta(days=2), ReasonFlags.key_compromise), Revocation(7, NOW))
    publish(certdir, ROOT)
    recorded = {item.serial: (item.at, item.reason) for item in certdir.ledger.revocations()}
    assert len(recorded) == 3
    assert recorded[f"{theirs:040x}"] == ("2026-05-30T12:00:00Z", "keyCompromise")
    assert recorded["07"] == ("2026-06-01T12:00:00Z", "unspecified")


def test_what_another_tool_revoked_in_masses_is_left_to_a_rebuild(
    certdir: CertDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(next_crl, "_TAKEN_IN_AT_MOST", 2)
    put(certdir, *(Revocation(serial, NOW) for serial in range(1, 4)))
    published = publish(certdir, ROOT)
    assert "the ledger lacks 3 entries of the CRL; easycert ledger rebuild adds them" in published.notes
    assert published.entries == 4
    assert len(certdir.ledger.revocations()) == 1


def test_G8_what_was_pruned_does_not_come_back(clock: Clock) -> None:
    certdir = directory(clock)
    make(certdir, Kind.CA, "root")
    make(certdir, Kind.HOST, "a.example", "root", end=days(10))
    revoke(certdir, Kind.HOST, SafeName("a.example"), ROOT, Why(ReasonFlags.superseded))
    for passed in (11, 1):
        clock.move(days=passed)
        publish(certdir, ROOT)
    assert publish(certdir, ROOT, CrlOptions(prune=True)).pruned == 1
    assert publish(certdir, ROOT).entries == 0


def test_G8_the_expiry_of_a_replaced_certificate_is_known_too(clock: Clock) -> None:
    """Its file is gone, the ledger remembers it."""
    certdir = directory(clock)
    make(certdir, Kind.CA, "root")
    make(certdir, Kind.HOST, "a.example", "root", end=days(10))
    revoke(certdir, Kind.HOST, SafeName("a.example"), ROOT, Why(ReasonFlags.superseded))
    del files(certdir)["hosts/a.example.crt"]
    for passed in (11, 1):
        clock.move(days=passed)
        publish(certdir, ROOT)
    assert publish(certdir, ROOT, CrlOptions(prune=True)).pruned == 1


def test_a_ledger_that_is_begun_knows_the_crl_that_is_there(certdir: CertDir) -> None:
    fresh = CertDir(certdir.store, clock=Clock(), ledger=MemoryLedger)
    publish(fresh, ROOT)
    assert [item.reason for item in fresh.ledger.revocations()] == ["superseded"]
    assert len([item for item in fresh.ledger.entries() if item.entry.event is Event.REVOKED]) == 1


def test_revocations_of_another_ca_are_not_mixed_up(certdir: CertDir) -> None:
    make(certdir, Kind.CA, "other")
    assert publish(certdir, SafeName("other")).entries == 0
