"""CRLs: the number rises, nothing is lost, nothing of a stranger's is taken over (RFC 5280 section 5)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from easycert.certdir import CertDir
from easycert.errors import MissingAuthority, Refused
from easycert.model import Kind
from easycert.pki.crl import CrlSpec, Revocation, crl_pem, load_crl, sign_crl
from easycert.pki.keys import KeyType
from easycert.pki.names import SafeName
from easycert.pki.profiles import SYNAPSE
from easycert.pki.validity import Validity
from easycert.store import layout
from easycert.store.files import FileStore
from easycert.workflows import authorities
from easycert.workflows.publish import publish
from tests.workflows.examples import NOW, Clock, directory, files, make

ROOT = SafeName("root")
FAST_KEYS = [item for item in KeyType if item not in (KeyType.RSA3072, KeyType.RSA4096)]


@pytest.fixture
def certdir() -> CertDir:
    """Return a directory with one CA, root."""
    made = directory()
    make(made, Kind.CA, "root")
    return made


def stored(certdir: CertDir) -> x509.CertificateRevocationList:
    return load_crl(files(certdir)["crls/root.crl"], "it")


def serials(crl: x509.CertificateRevocationList) -> list[int]:
    return [entry.serial_number for entry in crl]


def number(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def test_the_first_crl_is_empty_and_has_number_one(certdir: CertDir) -> None:
    published = publish(certdir, ROOT)
    assert (published.path, published.number, published.added) == ("/certs/crls/root.crl", 1, 0)
    assert serials(stored(certdir)) == []


def test_the_number_rises_with_each(certdir: CertDir) -> None:
    assert [publish(certdir, ROOT).number for _ in range(3)] == [1, 2, 3]
    assert number(stored(certdir)) == 3


def test_the_number_rises_when_the_clock_goes_back() -> None:
    clock = Clock()
    certdir = directory(clock)
    make(certdir, Kind.CA, "root")
    publish(certdir, ROOT)
    clock.move(days=-300)
    assert publish(certdir, ROOT).number == 2


def test_entries_are_kept_with_date_and_reason(certdir: CertDir) -> None:
    old = Revocation(7, NOW - timedelta(days=3), x509.ReasonFlags.key_compromise)
    publish(certdir, ROOT, revocations=(old,))
    publish(certdir, ROOT, revocations=(Revocation(8, NOW),))
    first, second = stored(certdir)
    assert (first.serial_number, first.revocation_date_utc) == (7, NOW - timedelta(days=3))
    assert first.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise
    assert second.serial_number == 8
    assert list(second.extensions) == []  # RFC 5280 section 5.3.1: no reason at all instead of "unspecified"


def test_what_is_revoked_already_is_not_added_again(certdir: CertDir) -> None:
    publish(certdir, ROOT, revocations=(Revocation(7, NOW, x509.ReasonFlags.superseded),))
    published = publish(certdir, ROOT, revocations=(Revocation(7, NOW + timedelta(days=1)), Revocation(9, NOW)))
    assert published.added == 1
    assert serials(stored(certdir)) == [7, 9]


@pytest.mark.parametrize("serial", [0x80, 0xFF, 1 << 158, (1 << 159) - 1])
def test_serials_with_their_high_bit_set_are_found_again(certdir: CertDir, serial: int) -> None:
    """OPNsense core#10558, cfssl#604."""
    publish(certdir, ROOT, revocations=(Revocation(serial, NOW),))
    assert publish(certdir, ROOT, revocations=(Revocation(serial, NOW),)).added == 0
    assert serials(stored(certdir)) == [serial]


@pytest.mark.parametrize("key_type", FAST_KEYS)
def test_a_ca_of_every_key_type_signs_its_crl(key_type: KeyType) -> None:
    certdir = directory()
    root = make(certdir, Kind.CA, "root", key_type=key_type)
    publish(certdir, ROOT)
    assert stored(certdir).is_signature_valid(root.certificate.public_key())


@pytest.mark.parametrize("key_type", FAST_KEYS)
def test_a_crl_of_another_ca_of_the_same_name_is_refused(certdir: CertDir, key_type: KeyType) -> None:
    other = directory()
    make(other, Kind.CA, "root", key_type=key_type)
    publish(other, ROOT, revocations=(Revocation(7, NOW),))
    files(certdir)["crls/root.crl"] = files(other)["crls/root.crl"]
    before = dict(files(certdir))
    with pytest.raises(Refused, match="not signed by this CA's key"):
        publish(certdir, ROOT)
    assert files(certdir) == before


@pytest.mark.parametrize("data", [b"", b"broken", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"])
def test_a_broken_crl_is_refused_and_stays(certdir: CertDir, data: bytes) -> None:
    files(certdir)["crls/root.crl"] = data
    with pytest.raises(Exception, match=r"/certs/crls/root\.crl is not a certificate revocation list"):
        publish(certdir, ROOT)
    assert files(certdir)["crls/root.crl"] == data


def test_a_crl_without_a_number_as_synapse_writes_it_is_continued(certdir: CertDir) -> None:
    issuer = authorities.load(certdir, ROOT).issuer
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.name)
        .last_update(NOW)
        .next_update(NOW + timedelta(days=1))
        .add_revoked_certificate(x509.RevokedCertificateBuilder(7, NOW).build())
    )
    files(certdir)["crls/root.crl"] = crl_pem(builder.sign(issuer.key, hashes.SHA256()))
    assert publish(certdir, ROOT).number == 1
    assert serials(stored(certdir)) == [7]


def test_a_crl_in_der_is_continued(certdir: CertDir) -> None:
    publish(certdir, ROOT, revocations=(Revocation(7, NOW),))
    files(certdir)["crls/root.crl"] = stored(certdir).public_bytes(Encoding.DER)
    assert publish(certdir, ROOT).number == 2
    assert serials(stored(certdir)) == [7]


def test_a_huge_number_still_rises(certdir: CertDir) -> None:
    spec = CrlSpec((1 << 158) - 1, Validity(NOW, NOW + timedelta(days=1)), ())
    files(certdir)["crls/root.crl"] = crl_pem(sign_crl(spec, authorities.load(certdir, ROOT).issuer))
    assert publish(certdir, ROOT).number == 1 << 158


def test_a_crl_lives_a_week_and_that_of_the_synapse_profile_ten_years(certdir: CertDir) -> None:
    publish(certdir, ROOT)
    assert stored(certdir).next_update_utc == NOW + timedelta(days=7, seconds=-1)
    publish(certdir, ROOT, profile=SYNAPSE)
    assert stored(certdir).next_update_utc == NOW + timedelta(days=3650, seconds=-1)


def test_a_ca_that_is_not_there_is_named(certdir: CertDir) -> None:
    with pytest.raises(MissingAuthority):
        publish(certdir, SafeName("nobody"))


def test_a_clock_that_cannot_be_right_dates_no_crl(certdir: CertDir) -> None:
    clock = Clock(datetime(1970, 1, 1, tzinfo=UTC))
    with pytest.raises(Refused, match="clock"):
        publish(CertDir(certdir.store, clock=clock), ROOT)


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_threads_that_revoke_at_once_lose_nothing(where: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("threads") / "certs"

    def opened() -> CertDir:
        return CertDir(FileStore([str(path)], lock_timeout=60), clock=Clock())

    shared = directory() if where == "memory" else opened()
    make(shared, Kind.CA, "root")

    def one(serial: int) -> int:
        certdir = shared if where == "memory" else opened()
        return publish(certdir, ROOT, revocations=(Revocation(serial, NOW),)).number

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(one, range(1, 13)))
    data = shared.store.read(layout.crl(ROOT))
    assert data is not None
    assert sorted(numbers) == list(range(1, 13))
    assert sorted(serials(load_crl(data, "it"))) == list(range(1, 13))
