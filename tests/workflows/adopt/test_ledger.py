"""The ledger learns every certificate of a directory that is taken over, and which are revoked, filed here or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509

from easycert.certdir import CertDir
from easycert.ledger.entries import UNFILED, Event
from easycert.ledger.records import Query, Record
from easycert.model import Kind
from easycert.pki.facts import facts_of
from tests.workflows.adopt.examples import adopted
from tests.workflows.adopt.tools import EasyRsa, Need, OpensslCa
from tests.workflows.examples import make

pytestmark = pytest.mark.real


@pytest.fixture
def openssl(need: Need, tmp_path: Path) -> OpensslCa:
    return OpensslCa(need, tmp_path / "ca")


def records(here: CertDir) -> dict[tuple[str, str, str], Record]:
    """Return every record by kind, name and serial number."""
    return {(item.kind, item.name, item.serial): item for item in here.ledger.records()}


def test_every_certificate_that_easy_rsa_issued_is_recorded_with_its_fate(
    here: CertDir, need: Need, tmp_path: Path
) -> None:
    easyrsa = EasyRsa(need, tmp_path / "easy-rsa")
    easyrsa("build-ca", "nopass")
    easyrsa("build-server-full", "www.example.com", "nopass")
    easyrsa("build-client-full", "bob", "nopass")
    easyrsa("renew", "www.example.com", "nopass")
    easyrsa("revoke", "bob", "keyCompromise")
    easyrsa("gen-crl")
    adopted(here, easyrsa.pki)
    found = here.ledger.records()
    assert sorted((item.kind, item.name) for item in found) == [
        ("ca", "Easy-RSA CA"),
        ("host", "www.example.com"),
        ("host", "www.example.com"),
        ("user", "bob"),
    ]
    assert {item.origin for item in found} == {"import"}
    (current,) = here.ledger.records(Query(kind="host", current=True))
    (older,) = [item for item in found if item.kind == "host" and item != current]
    assert older.replaced_by == current.fingerprint
    (bob,) = here.ledger.records(Query(name="bob"))
    (entry,) = x509.load_pem_x509_crl((easyrsa.pki / "crl.pem").read_bytes())
    assert (bob.revoked_at, bob.reason) == (f"{entry.revocation_date_utc:%Y-%m-%dT%H:%M:%SZ}", "keyCompromise")
    assert bob.replaced_by == UNFILED
    for item in found:
        der = here.ledger.der(item.fingerprint)
        assert der is not None
        assert facts_of(x509.load_der_x509_certificate(der)).serial == item.serial


def test_the_files_that_came_are_known_to_hold_their_certificates(here: CertDir, openssl: OpensslCa) -> None:
    openssl.issue("www.example.com")
    adopted(here, openssl.directory)
    assert [located.path for located, _ in here.ledger.located()] == [
        "cas/openssl root.crt",
        "hosts/www.example.com.crt",
    ]


def test_a_second_time_nothing_is_recorded(here: CertDir, openssl: OpensslCa) -> None:
    openssl.issue("www.example.com")
    openssl.revoke(openssl.issue("bob", "client"))
    adopted(here, openssl.directory)
    before = here.ledger.head()
    adopted(here, openssl.directory)
    assert here.ledger.head() == before


def test_a_certificate_that_was_only_recorded_may_get_its_file_later(here: CertDir, openssl: OpensslCa) -> None:
    openssl.issue("www.example.com")
    adopted(here, openssl.directory)
    (Path(here.store.path(located := here.store.entries("hosts")[0]))).unlink()
    adopted(here, openssl.directory)
    assert here.store.read(located) is not None


def test_what_was_revoked_after_it_came_is_recorded_the_next_time(here: CertDir, openssl: OpensslCa) -> None:
    path = openssl.issue("bob", "client")
    adopted(here, openssl.directory)
    openssl.revoke(path, "-crl_reason", "superseded")
    adopted(here, openssl.directory)
    (bob,) = here.ledger.records(Query(name="bob"))
    assert bob.reason == "superseded"


def test_what_a_ca_without_its_key_revoked_is_recorded_though_no_crl_can_say_it(
    here: CertDir, openssl: OpensslCa
) -> None:
    path = openssl.issue("bob", "client")
    adopted(here, openssl.directory)
    openssl.revoke(path, "-crl_reason", "superseded")
    (openssl.directory / "private/cakey.pem").unlink()
    adopted(here, openssl.directory)
    (bob,) = here.ledger.records(Query(name="bob"))
    assert bob.reason == "superseded"


def test_a_crl_that_is_signed_is_recorded_with_its_number(here: CertDir, openssl: OpensslCa) -> None:
    openssl.revoke(openssl.issue("bob", "client"))
    result = adopted(here, openssl.directory)
    published = [item.entry for item in here.ledger.entries() if item.entry.event is Event.PUBLISHED]
    assert [item.detail("number") for item in published] == [str(result.crls[0].number)]


def test_a_live_certificate_here_is_not_replaced_by_a_revoked_one_of_its_name(
    here: CertDir, openssl: OpensslCa, need: Need
) -> None:
    make(here, Kind.CA, "ours")
    make(here, Kind.USER, "bob", "ours")
    openssl.revoke(openssl.issue("bob", "client"))
    adopted(here, openssl.directory)
    live, revoked = sorted(here.ledger.records(Query(name="bob")), key=lambda item: item.origin)
    assert (live.origin, live.replaced_by) == ("fresh", "")
    assert (revoked.origin, revoked.replaced_by) == ("import", live.fingerprint)


def test_a_certificate_whose_name_cannot_be_used_is_recorded_by_its_serial_number(
    here: CertDir, openssl: OpensslCa
) -> None:
    path = openssl.directory / openssl.issue("$(id)", "client")
    path.rename(path.with_name("$(id).crt"))
    adopted(here, openssl.directory)
    assert ("user", "1000", "1000") in records(here)


def test_a_dry_run_records_nothing(here: CertDir, openssl: OpensslCa, tmp_path: Path) -> None:
    openssl.issue("www.example.com")
    adopted(here, openssl.directory, dry_run=True)
    assert not here.ledger.exists()
    assert not (tmp_path / "certs").exists()
