"""CRLs: the number rises, nothing is lost, nothing of a stranger's is taken over (RFC 5280 section 5)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from easycert.certdir import CertDir
from easycert.errors import Malformed, MissingAuthority, NotFound, Refused
from easycert.ledger.entries import Event
from easycert.model import Kind
from easycert.pki.crl import (
    CrlSpec,
    Revocation,
    crl_pem,
    load_crl,
    read_crl,
    revoked_certificate,
    revoked_der,
)
from easycert.pki.keys import KeyType
from easycert.pki.names import SafeName
from easycert.pki.validity import Validity, days
from easycert.store import layout
from easycert.store.files import FileStore
from easycert.workflows import authorities
from easycert.workflows.next_crl import CrlOptions, NextCrl
from easycert.workflows.publish import DueRun, copy_crl, publish, publish_all, publish_due
from tests.pki.crls import sign_crl
from tests.workflows.examples import NOW, Clock, directory, files, make

ROOT = SafeName("root")
#: The number of a first CRL.
EPOCH = int(NOW.timestamp())
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


def put(certdir: CertDir, *revocations: Revocation, number_: int = 1, at: datetime = NOW) -> None:
    """Leave a CRL of root with these entries in the directory, as if published at that time."""
    spec = CrlSpec(number_, Validity(at, at + timedelta(days=7)), tuple(map(revoked_certificate, revocations)))
    files(certdir)["crls/root.crl"] = crl_pem(sign_crl(spec, authorities.load(certdir, ROOT).issuer))


def test_the_first_crl_is_empty(certdir: CertDir) -> None:
    published = publish(certdir, ROOT)
    assert (published.path, published.entries, published.pruned) == ("/certs/crls/root.crl", 0, 0)
    assert serials(stored(certdir)) == []
    assert published.der == stored(certdir).public_bytes(Encoding.DER)


def test_the_number_rises_with_each(certdir: CertDir) -> None:
    numbers = [publish(certdir, ROOT).number for _ in range(3)]
    assert numbers == [EPOCH, EPOCH + 1, EPOCH + 2]
    assert number(stored(certdir)) == EPOCH + 2


def test_the_number_rises_when_the_clock_goes_back_and_that_is_said() -> None:
    clock = Clock()
    certdir = directory(clock)
    make(certdir, Kind.CA, "root")
    publish(certdir, ROOT)
    clock.move(days=-0.5)
    published = publish(certdir, ROOT)
    assert published.number == EPOCH + 1
    assert published.notes == ("the clock is behind: the CRL before this one is of 2026-06-01T11:55:00Z",)


def test_the_number_rises_after_an_older_state_was_restored(certdir: CertDir) -> None:
    """Numbers are times: a CRL that was published meanwhile, and is forgotten, had a lower one."""
    clock = Clock()
    certdir = CertDir(certdir.store, clock=clock)
    publish(certdir, ROOT)
    backup = dict(files(certdir))
    clock.move(hours=1)
    lost = [publish(certdir, ROOT).number for _ in range(3)]
    files(certdir).clear()
    files(certdir).update(backup)
    clock.move(hours=1)
    assert publish(certdir, ROOT).number > max(lost)


def test_entries_are_kept_as_they_are(certdir: CertDir) -> None:
    put(certdir, Revocation(7, NOW - timedelta(days=3), x509.ReasonFlags.key_compromise), Revocation(8, NOW))
    before = revoked_der(read_crl(files(certdir)["crls/root.crl"], "it"))
    published = publish(certdir, ROOT)
    assert revoked_der(read_crl(files(certdir)["crls/root.crl"], "it")) == before
    assert published.entries == 2


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
    put(other, Revocation(7, NOW))
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
    assert publish(certdir, ROOT).number == EPOCH
    assert serials(stored(certdir)) == [7]


def test_a_crl_in_der_is_continued(certdir: CertDir) -> None:
    put(certdir, Revocation(7, NOW))
    files(certdir)["crls/root.crl"] = stored(certdir).public_bytes(Encoding.DER)
    assert publish(certdir, ROOT).number == EPOCH
    assert serials(stored(certdir)) == [7]


def test_a_huge_number_still_rises_until_20_octets_are_full(certdir: CertDir) -> None:
    put(certdir, number_=(1 << 159) - 2)
    assert publish(certdir, ROOT).number == (1 << 159) - 1
    before = dict(files(certdir))
    with pytest.raises(Refused, match="20 octets"):
        publish(certdir, ROOT)
    assert files(certdir) == before


def test_the_first_crl_lives_as_long_as_the_profile_says(certdir: CertDir) -> None:
    assert publish(certdir, ROOT).next_update == NOW + timedelta(days=7, seconds=-1)
    assert stored(certdir).next_update_utc == NOW + timedelta(days=7, seconds=-1)
    del files(certdir)["crls/root.crl"]
    synapse = with_settings(certdir, 'profile = "synapse"')
    assert publish(synapse, ROOT).next_update == NOW + timedelta(days=3650, seconds=-1)


def test_a_crl_lives_as_long_as_the_one_before_it_unless_said_otherwise(certdir: CertDir) -> None:
    publish(certdir, ROOT, CrlOptions(next_update=days(30)))
    assert publish(certdir, ROOT).next_update == NOW + timedelta(days=30, seconds=-1)
    synapse = with_settings(certdir, 'profile = "synapse"')
    assert publish(synapse, ROOT).next_update == NOW + timedelta(days=30, seconds=-1)
    assert publish(certdir, ROOT, CrlOptions(next_update=days(2))).next_update == NOW + timedelta(days=2, seconds=-1)


def test_the_site_may_say_how_long_a_crl_lives(certdir: CertDir) -> None:
    publish(certdir, ROOT)
    site = with_settings(certdir, '[validity]\ncrl = "14d"')
    assert publish(site, ROOT).next_update == NOW + timedelta(days=14, seconds=-1)
    assert publish(site, ROOT, CrlOptions(next_update=days(2))).next_update == NOW + timedelta(days=2, seconds=-1)


def with_settings(certdir: CertDir, toml: str) -> CertDir:
    """Return the directory opened anew, with these settings of the site."""
    files(certdir)[layout.SETTINGS.path] = toml.encode()
    return CertDir(certdir.store, clock=Clock())


def test_several_are_published_or_none(certdir: CertDir) -> None:
    make(certdir, Kind.CA, "sub", "root")
    published = publish_all(certdir, [ROOT, SafeName("sub"), ROOT])
    assert [item.name for item in published] == ["root", "sub"]
    files(certdir)["crls/sub.crl"] = b"broken"
    before = dict(files(certdir))
    with pytest.raises(Malformed):
        publish_all(certdir, [ROOT, SafeName("sub")])
    assert files(certdir) == before


# --- those that are due ----------------------------------------------------------------------------------------------


def test_what_has_less_than_a_third_of_its_life_left_is_due() -> None:
    clock = Clock()
    certdir = directory(clock)
    make(certdir, Kind.CA, "root")
    publish(certdir, ROOT)
    clock.move(days=4.66)
    run = publish_due(certdir)
    assert (run.published, run.fresh, run.failed) == ((), ("root",), ())
    clock.move(days=0.01)
    (published,) = publish_due(certdir).published
    assert published.next_update == clock.now + timedelta(days=7, seconds=-1)


def test_a_ca_without_a_crl_is_due_only_when_it_is_named(certdir: CertDir) -> None:
    assert publish_due(certdir) == DueRun((), (), ())
    assert [item.name for item in publish_due(certdir, [ROOT]).published] == ["root"]


def test_a_crl_that_does_not_say_when_the_next_comes_is_due(certdir: CertDir) -> None:
    der = sign_crl(CrlSpec(1, Validity(NOW, NOW), ()), authorities.load(certdir, ROOT).issuer)
    files(certdir)["crls/root.crl"] = crl_pem(der)
    assert len(publish_due(certdir).published) == 1


def test_one_that_fails_does_not_keep_the_others_from_theirs(certdir: CertDir) -> None:
    for name in ("a", "z"):
        make(certdir, Kind.CA, name)
        publish(certdir, SafeName(name))
    later = CertDir(certdir.store, clock=Clock(NOW + timedelta(days=6)))
    del files(certdir)["cas/a.key"]
    run = publish_due(later)
    assert [item.name for item in run.published] == ["z"]
    assert [(item.name, type(item.error)) for item in run.failed] == [("a", MissingAuthority)]


# --- what has expired ------------------------------------------------------------------------------------------------


def test_G8_pruning_waits_until_one_more_crl_has_carried_what_expired() -> None:
    clock = Clock()
    certdir = directory(clock)
    make(certdir, Kind.CA, "root")
    gone = make(certdir, Kind.HOST, "a.example", "root", end=days(10)).certificate.serial_number
    stays = make(certdir, Kind.HOST, "b.example", "root").certificate.serial_number
    put(certdir, Revocation(gone, NOW), Revocation(stays, NOW), Revocation(7, NOW))
    assert publish(certdir, ROOT).entries == 3
    clock.move(days=11)
    waiting = publish(certdir, ROOT, CrlOptions(prune=True))
    assert (waiting.pruned, waiting.entries) == (0, 3)
    assert waiting.notes == ("expired since the last CRL, so their entries stay this once: 1",)
    published = publish(certdir, ROOT, CrlOptions(prune=True))
    assert (published.pruned, published.entries) == (1, 2)
    assert serials(stored(certdir)) == [stays, 7]


def test_G8_an_expired_certificate_of_another_ca_prunes_nothing() -> None:
    """Serial numbers are a CA's own: the same one under another name or key says nothing."""
    clock = Clock()
    certdir = directory(clock)
    make(certdir, Kind.CA, "root")
    make(certdir, Kind.CA, "other")
    foreign = make(certdir, Kind.HOST, "a.example", "other", end=days(1)).certificate.serial_number
    put(certdir, Revocation(foreign, NOW), at=NOW + timedelta(days=20))
    clock.move(days=30)
    assert publish(certdir, ROOT, CrlOptions(prune=True)).pruned == 0


# --- refusals --------------------------------------------------------------------------------------------------------


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
        with certdir.change(NOW) as change:
            draft = NextCrl(certdir, change, authorities.load(certdir, ROOT))
            draft.revision.revoke(Revocation(serial, NOW))
            draft.record(Event.REVOKED, serial)
            return draft.stage(NOW, CrlOptions()).number

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(one, range(1, 13)))
    data = shared.store.read(layout.crl(ROOT))
    assert data is not None
    assert sorted(numbers) == list(range(EPOCH, EPOCH + 12))
    assert sorted(serials(load_crl(data, "it"))) == list(range(1, 13))


# --- for web servers -------------------------------------------------------------------------------------------------


def test_a_copy_is_in_DER_and_takes_the_place_of_an_older_one_only(certdir: CertDir, tmp_path: Path) -> None:
    path = tmp_path / "root.crl"
    for _ in range(2):
        published = publish(certdir, ROOT)
        copy_crl(certdir, ROOT, str(path))
        assert path.read_bytes() == published.der
    make(certdir, Kind.CA, "other")
    publish(certdir, SafeName("other"))
    for contents in (path.read_bytes(), b"notes"):
        path.write_bytes(contents)
        with pytest.raises(Refused, match="is no CRL of this CA"):
            copy_crl(certdir, SafeName("other"), str(path))
        assert path.read_bytes() == contents


def test_there_is_no_copy_of_a_crl_that_is_not_there(certdir: CertDir, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        copy_crl(certdir, ROOT, str(tmp_path / "root.crl"))
    assert list(tmp_path.iterdir()) == []
