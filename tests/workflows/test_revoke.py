"""Revoking: once and for good, by the CA that signed (RFC 5280 section 5.3)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import MissingAuthority, NotFound, Refused, WrongIssuer
from easycert.model import Kind
from easycert.pki.crl import load_crl
from easycert.pki.names import SafeName
from easycert.pki.revision import Outcome
from easycert.workflows.issue import issue
from easycert.workflows.revoke import revoke
from tests.workflows.examples import NOW, Clock, chain_of_cas, directory, files, make, wanted

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
    revoke(certdir, Kind.HOST, SafeName("one"), ROOT, reason=x509.ReasonFlags.key_compromise)
    clock.move(days=3)
    again = revoke(certdir, Kind.HOST, SafeName("one"), ROOT, reason=x509.ReasonFlags.superseded)
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
