"""Files and ledger change together, and a directory without a ledger is adopted as it stands."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from easycert.certdir import CertDir
from easycert.errors import AlreadyExists, LedgerUnusable
from easycert.ledger.entries import Event
from easycert.ledger.records import Query
from easycert.model import Kind
from easycert.pki import crl as crls
from easycert.pki.certificates import authority_issuer, load_certificate
from easycert.pki.encodings import Encoding
from easycert.pki.facts import facts_of
from easycert.pki.names import SafeName
from easycert.pki.validity import Validity
from easycert.store import layout
from easycert.workflows.audit import audit
from easycert.workflows.issue import IssueRequest, issue
from easycert.workflows.rebuild import rebuild
from easycert.workflows.revoke import revoke
from tests.workflows.examples import Clock, make
from tests.workflows.ledgers import opened

ROOT = SafeName("root")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["files", "memory"])
def certdir(request: pytest.FixtureRequest, tmp_path: Path) -> CertDir:
    return CertDir.in_memory() if request.param == "memory" else CertDir.open(tmp_path / "certs")


def made(certdir: CertDir, kind: Kind, name: str, *, replace: bool = False) -> bytes:
    (item,) = issue(certdir, [IssueRequest(kind, SafeName(name), None if kind is Kind.CA else ROOT)], replace=replace)
    return item.certificate.public_bytes(Encoding.DER)


def events(certdir: CertDir) -> list[tuple[str, str]]:
    return [(item.entry.event.value, item.entry.name) for item in certdir.ledger.entries()]


def test_a_certificate_is_meant_then_issued(certdir: CertDir) -> None:
    der = made(certdir, Kind.CA, "root")
    intended, issued = [item.entry for item in certdir.ledger.entries()]
    assert (intended.event, issued.event) == (Event.INTENDED, Event.ISSUED)
    assert intended.detail("name") == issued.name == "root"
    assert certdir.ledger.der(issued.fingerprint) == der
    facts = facts_of(load_certificate(der, "it"))
    assert (intended.detail("serial"), intended.detail("issuer_id")) == (facts.serial, facts.issuer_id)


def test_the_ledger_knows_which_file_holds_it(certdir: CertDir) -> None:
    made(certdir, Kind.CA, "root")
    ((located, record),) = certdir.ledger.located()
    entry = layout.certificate(Kind.CA, ROOT)
    assert (located.path, record.name) == ("cas/root.crt", "root")
    assert (located.size, located.mtime_ns, located.inode) == certdir.store.stamp(entry)


def test_one_that_is_replaced_stays_in_the_ledger(certdir: CertDir) -> None:
    made(certdir, Kind.CA, "root")
    first, second = made(certdir, Kind.HOST, "a.example"), made(certdir, Kind.HOST, "a.example", replace=True)
    records = certdir.ledger.records(Query(name="a.example"))
    assert [certdir.ledger.der(record.fingerprint) for record in records] == [second, first]
    assert records[1].replaced_by == records[0].fingerprint


def test_a_block_that_fails_leaves_neither_files_nor_entries(certdir: CertDir) -> None:
    made(certdir, Kind.CA, "root")
    before = events(certdir)
    der = certdir.ledger.der(certdir.ledger.records()[0].fingerprint)
    with pytest.raises(RuntimeError), certdir.change(NOW) as change:
        change.create(layout.certificate(Kind.HOST, SafeName("a")), b"data")
        change.record(Event.IMPORTED, kind="host", name="a", fingerprint="00", der=der)
        raise RuntimeError
    assert events(certdir) == before
    assert certdir.store.read(layout.certificate(Kind.HOST, SafeName("a"))) is None


def test_entries_that_cannot_be_kept_take_their_files_back(certdir: CertDir) -> None:
    made(certdir, Kind.CA, "root")
    before = events(certdir)
    with pytest.raises(Exception, match="is not a certificate"), certdir.change(NOW) as change:
        change.create(layout.certificate(Kind.HOST, SafeName("a")), b"data")
        change.record(Event.IMPORTED, kind="host", name="a", fingerprint="00", der=b"no certificate")
    assert events(certdir) == before
    assert certdir.store.read(layout.certificate(Kind.HOST, SafeName("a"))) is None


def test_a_file_that_is_in_the_way_keeps_its_certificate_out_of_the_ledger(certdir: CertDir) -> None:
    made(certdir, Kind.CA, "root")
    made(certdir, Kind.HOST, "a.example")
    before = events(certdir)
    with pytest.raises(AlreadyExists):
        made(certdir, Kind.HOST, "a.example")
    assert events(certdir) == before


def test_a_directory_without_a_ledger_is_adopted_by_the_first_that_writes(tmp_path: Path) -> None:
    certs = tmp_path / "certs"
    made(CertDir.open(certs), Kind.CA, "root")
    made(CertDir.open(certs), Kind.HOST, "a.example")
    made(CertDir.open(certs), Kind.HOST, "b.example")
    revoke(CertDir.open(certs), Kind.HOST, SafeName("a.example"), ROOT)
    shutil.rmtree(certs / ".easycert")
    before = {path: path.read_bytes() for path in certs.rglob("*") if path.is_file()}
    certdir = CertDir.open(certs)
    assert not certdir.ledger.exists()
    made(certdir, Kind.HOST, "c.example")
    assert all(path.read_bytes() == data for path, data in before.items())
    found = {record.name: (record.origin, bool(record.revoked_at)) for record in certdir.ledger.records()}
    assert found == {
        "root": ("adoption", False),
        "a.example": ("adoption", True),
        "b.example": ("adoption", False),
        "c.example": ("fresh", False),
    }
    assert {located.path for located, _ in certdir.ledger.located()} == {
        path.relative_to(certs).as_posix() for path in certs.rglob("*.crt")
    }


def test_what_cannot_be_read_is_left_out_of_an_adopted_ledger(tmp_path: Path) -> None:
    certs = tmp_path / "certs"
    made(CertDir.open(certs), Kind.CA, "root")
    shutil.rmtree(certs / ".easycert")
    (certs / "cas" / "broken.crt").write_bytes(b"broken")
    (certs / "crls").mkdir()
    (certs / "crls" / "root.crl").write_bytes(b"broken")
    certdir = CertDir.open(certs)
    made(certdir, Kind.HOST, "a.example")
    assert sorted(record.name for record in certdir.ledger.records()) == ["a.example", "root"]


def test_nothing_is_signed_that_cannot_be_recorded(tmp_path: Path) -> None:
    certs = tmp_path / "certs"
    made(CertDir.open(certs), Kind.CA, "root")
    (certs / ".easycert" / "ledger.sqlite").write_bytes(b"")
    with pytest.raises(LedgerUnusable):
        made(CertDir.open(certs), Kind.HOST, "a.example")
    assert not (certs / "hosts" / "a.example.crt").exists()


def test_a_request_needs_no_ledger(tmp_path: Path) -> None:
    from easycert.workflows.csr import CsrRequest, make_requests

    make_requests(CertDir.open(tmp_path / "certs"), [CsrRequest(Kind.HOST, SafeName("a.example"))])
    assert not (tmp_path / "certs" / ".easycert" / "ledger.sqlite").exists()


@pytest.mark.parametrize(("behind", "said"), [(timedelta(days=1), True), (timedelta(seconds=30), False)])
def test_a_clock_that_is_behind_the_ledger_is_told_once(tmp_path: Path, behind: timedelta, said: bool) -> None:
    """Hazard E10; commands that waited for each other may have read the clock in another order."""
    make(opened(tmp_path / "certs"), Kind.CA, "root")
    told: list[str] = []
    certdir = opened(tmp_path / "certs", Clock(Clock().now - behind), told.append)
    for name in ("one", "two"):
        with certdir.change() as change:
            change.intend([(("name", name),)])
            change.record(Event.PUBLISHED, kind="ca", name="root", details=(("issuer_id", "aa"), ("number", "1")))
    expected = ["the clock is behind: there is an entry in the ledger of 2026-06-01T12:00:00Z; set it first"]
    assert told == expected * said


def test_a_file_that_adoption_cannot_read_is_told(tmp_path: Path) -> None:
    certs = tmp_path / "certs"
    make(opened(certs), Kind.CA, "root")
    shutil.rmtree(certs / ".easycert")
    (certs / "cas" / "broken.crt").write_bytes(b"broken")
    told: list[str] = []
    make(opened(certs, report=told.append), Kind.HOST, "a.example", "root")
    assert told == ["cas/broken.crt is left out of the ledger: it cannot be decoded"]


@pytest.mark.parametrize("whole", [True, False])
def test_a_revocation_names_the_ca_as_its_certificate_does(tmp_path: Path, whole: bool) -> None:
    """A certificate without an authority key identifier names its CA by its name only."""
    certdir = opened(tmp_path / "certs")
    authority = make(certdir, Kind.CA, "root")
    key = certdir.signers.key(Kind.CA, ROOT)
    builder = x509.CertificateBuilder(authority.certificate.subject, x509.Name([]), key.public_key(), 7)  # type: ignore[union-attr]
    builder = builder.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=999))
    plain = builder.sign(key, hashes.SHA256())  # type: ignore[arg-type]
    hosts = tmp_path / "certs" / "hosts"
    hosts.mkdir(mode=0o700)
    (hosts / "plain.example.crt").write_bytes(plain.public_bytes(Encoding.PEM))
    revocation = crls.Revocation(7, NOW)
    spec = crls.CrlSpec(1, Validity(NOW, NOW + timedelta(days=9)), (crls.revoked_certificate(revocation),))
    (tmp_path / "certs" / "crls").mkdir(mode=0o700)
    signed = crls.signed_crl(spec, authority_issuer(authority.certificate, key))  # type: ignore[arg-type]
    (tmp_path / "certs" / "crls" / "root.crl").write_bytes(crls.crl_pem(signed))
    if whole:
        shutil.rmtree(tmp_path / "certs" / ".easycert")
    rebuild(opened(tmp_path / "certs"))
    (record,) = opened(tmp_path / "certs").ledger.records(Query(name="plain.example"))
    assert record.issuer_id.startswith("name-")
    assert record.revoked_at
    assert audit(opened(tmp_path / "certs")).findings == ()
    rebuild(opened(tmp_path / "certs"))
    assert len(opened(tmp_path / "certs").ledger.revocations()) == 1
