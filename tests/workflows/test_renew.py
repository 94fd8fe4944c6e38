"""Renewal of what is in a directory: what is due, who signs, which key, and what must not be renewed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from easycert.certdir import CertDir
from easycert.errors import (
    IssuerUnusable,
    KeyMismatch,
    LintRefused,
    MissingAuthority,
    NotFound,
    NotPermitted,
    RenewalRefused,
)
from easycert.ledger.records import Query
from easycert.model import Kind
from easycert.pki import certificates, keys
from easycert.pki.certificates import (
    CertificateSpec,
    certificate_pem,
    load_certificate,
    load_certificates,
    new_serial,
)
from easycert.pki.constraints import name_constraints, parse_constraint
from easycert.pki.crl import load_crl
from easycert.pki.encodings import Encoding
from easycert.pki.facts import fingerprint_of
from easycert.pki.keys import KeyType, key_name, public_der
from easycert.pki.names import SafeName
from easycert.pki.profiles import MODERN, SYNAPSE
from easycert.pki.validity import Validity
from easycert.store import layout
from easycert.workflows import authorities
from easycert.workflows.csr import CsrRequest, make_requests
from easycert.workflows.issue import issue
from easycert.workflows.renew.run import preview, renew
from easycert.workflows.renew.values import Renewed, RenewRequest, RenewRun
from easycert.workflows.revoke import Why, revoke
from tests.pki.test_renewal import _EXTENSIONS, _NAMES
from tests.workflows.examples import (
    AS_CA,
    NOW,
    Clock,
    directory,
    dn,
    files,
    key_pem,
    make,
    new_key,
    pem,
    signed,
    stranger,
    wanted,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def certdir(clock: Clock) -> CertDir:
    """Return a directory with a root, an intermediate, two hosts and a user."""
    made = directory(clock)
    make(made, Kind.CA, "root")
    make(made, Kind.CA, "issuing", "root")
    make(made, Kind.HOST, "www.example.com", "issuing")
    make(made, Kind.HOST, "api.example.com", "root")
    make(made, Kind.USER, "alice", "root")
    return made


def run(certdir: CertDir, *names: str, **wishes: Any) -> RenewRun:
    return renew(certdir, RenewRequest(names, **wishes))


def one(certdir: CertDir, name: str, **wishes: Any) -> Renewed:
    """Renew one name, which must succeed."""
    found = run(certdir, name, **wishes)
    assert not found.failed, found.failed[0].error
    (renewed,) = found.renewed
    return renewed


def error(certdir: CertDir, name: str, **wishes: Any) -> Exception:
    """Return why one name is not renewed; nothing must have changed."""
    before = dict(files(certdir))
    found = run(certdir, name, **wishes)
    assert not found.renewed
    assert files(certdir) == before
    (failed,) = found.failed
    return failed.error


def names(run: RenewRun) -> list[str]:
    return [item.name for item in run.renewed]


def certificate(certdir: CertDir, path: str) -> x509.Certificate:
    return load_certificate(files(certdir)[path], path)


# --- what is kept, what is new --------------------------------------------------------------------------------------


def test_key_and_certificate_are_new_and_belong_together(certdir: CertDir) -> None:
    before = certificate(certdir, "hosts/www.example.com.crt")
    renewed = one(certdir, "www.example.com")
    after = certificate(certdir, "hosts/www.example.com.crt")
    assert after == renewed.certificate
    assert renewed.old == before
    assert after.serial_number != before.serial_number
    key = certdir.signers.key(Kind.HOST, SafeName("www.example.com"))
    assert key is not None
    assert public_der(key.public_key()) == public_der(after.public_key())  # type: ignore[arg-type]
    assert before.public_key() != after.public_key()


def test_the_file_of_a_host_holds_the_chain_again(certdir: CertDir) -> None:
    one(certdir, "www.example.com")
    leaf, above = load_certificates(files(certdir)["hosts/www.example.com.crt"], "it")
    assert above == certificate(certdir, "cas/issuing.crt")
    leaf.verify_directly_issued_by(above)


def test_it_lives_as_long_as_before_from_now(certdir: CertDir, clock: Clock) -> None:
    clock.move(days=100, seconds=7)
    renewed = one(certdir, "alice")
    length = renewed.old.not_valid_after_utc - renewed.old.not_valid_before_utc
    assert renewed.certificate.not_valid_before_utc == clock.now - timedelta(minutes=5)
    assert renewed.certificate.not_valid_after_utc == renewed.certificate.not_valid_before_utc + length


def test_a_kept_key_is_not_written_again(certdir: CertDir) -> None:
    before = files(certdir)["users/alice.key"]
    renewed = one(certdir, "alice", reuse_key=True)
    assert files(certdir)["users/alice.key"] == before
    assert not renewed.new_key
    assert renewed.certificate.public_key() == renewed.old.public_key()


def test_renewing_twice_gives_two_successors(certdir: CertDir) -> None:
    first, second = one(certdir, "alice"), one(certdir, "alice")
    assert second.old == first.certificate
    assert len({first.old.serial_number, first.certificate.serial_number, second.certificate.serial_number}) == 3


@pytest.mark.parametrize("key_type", [KeyType.EC384, KeyType.ED25519, KeyType.RSA3072, KeyType.MLDSA65])
def test_the_new_key_is_of_the_type_of_the_old(certdir: CertDir, key_type: KeyType) -> None:
    make(certdir, Kind.HOST, "k.example.com", "root", key_type=key_type)
    renewed = one(certdir, "k.example.com")
    assert renewed.new_key
    assert key_name(renewed.certificate.public_key()) == key_type.value


def test_a_key_stays_in_the_form_in_which_it_was_written(certdir: CertDir) -> None:
    make(certdir, Kind.HOST, "old.example.com", "root", profile=SYNAPSE, key_type=KeyType.RSA2048)
    assert files(certdir)["hosts/old.example.com.key"].startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    one(certdir, "old.example.com")
    one(certdir, "alice")
    assert files(certdir)["hosts/old.example.com.key"].startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    assert files(certdir)["users/alice.key"].startswith(b"-----BEGIN PRIVATE KEY-----")


def test_a_certificate_that_signs_itself_does_so_again_with_its_new_key(certdir: CertDir) -> None:
    make(certdir, Kind.HOST, "self.example.com")
    renewed = one(certdir, "self.example.com")
    assert renewed.new_key
    renewed.certificate.verify_directly_issued_by(renewed.certificate)


def test_the_key_of_somebody_else_is_kept_and_that_is_said(certdir: CertDir) -> None:
    elsewhere = directory()
    make_requests(elsewhere, [CsrRequest(Kind.HOST, SafeName("far.example.com"))])
    signed(certdir, files(elsewhere)["hosts/far.example.com.csr"])
    renewed = one(certdir, "far.example.com")
    assert renewed.certificate.public_key() == renewed.old.public_key()
    assert renewed.key_path is None
    assert renewed.notes == ("its private key is not here, so its key is kept",)


# --- the ledger -----------------------------------------------------------------------------------------------------


def test_the_ledger_knows_both_and_which_replaced_which(certdir: CertDir) -> None:
    make(certdir, Kind.HOST, "s.example.com", "root", profile=SYNAPSE, key_type=KeyType.EC256)
    renewed = one(certdir, "s.example.com")
    new, old = certdir.ledger.records(Query(kind="host", name="s.example.com"))
    assert new.origin == "renewal"
    assert new.renewal_of == old.fingerprint
    assert old.replaced_by == new.fingerprint
    assert new.profile == old.profile == "synapse"
    assert new.fingerprint == fingerprint_of(renewed.certificate.public_bytes(Encoding.DER))


# --- what is due ----------------------------------------------------------------------------------------------------


def test_nothing_is_due_while_more_than_a_third_is_left(certdir: CertDir, clock: Clock) -> None:
    clock.move(days=264)
    assert run(certdir, due=True) == RenewRun()
    clock.move(days=1)
    assert set(names(run(certdir, due=True))) == {"www.example.com", "api.example.com", "alice"}
    assert run(certdir, due=True) == RenewRun()


def test_due_may_be_what_ends_within_a_time(certdir: CertDir) -> None:
    make(certdir, Kind.USER, "bob", "root", end=None)
    assert names(run(certdir, due=True, within=timedelta(days=397), kind=Kind.USER)) == ["alice", "bob"]


def test_of_names_that_are_not_due_that_is_said(certdir: CertDir) -> None:
    found = run(certdir, "alice", due=True)
    assert not found.renewed
    assert [item.reason for item in found.skipped] == ["it is not due: it ends on 2027-07-03T11:59:59Z"]


def test_a_name_given_twice_is_renewed_once(certdir: CertDir) -> None:
    assert names(run(certdir, "alice", "alice")) == ["alice"]


def test_one_that_fails_does_not_keep_the_others_from_theirs(certdir: CertDir) -> None:
    files(certdir)["hosts/api.example.com.crt"] = b"broken"
    found = run(certdir, "nobody", "api.example.com", "alice")
    assert names(found) == ["alice"]
    assert [(item.kind, item.name, type(item.error).__name__) for item in found.failed] == [
        (None, "nobody", "NotFound"),
        (None, "api.example.com", "Malformed"),
    ]


def test_a_broken_file_is_named_since_nobody_can_tell_whether_it_is_due(certdir: CertDir, clock: Clock) -> None:
    files(certdir)["hosts/api.example.com.crt"] = b"broken"
    clock.move(days=300)
    found = run(certdir, due=True)
    assert names(found) == ["www.example.com", "alice"]
    (failed,) = found.failed
    assert (failed.kind, failed.name) == (Kind.HOST, "api.example.com")
    assert str(failed.error) == "/certs/hosts/api.example.com.crt is not a certificate: it cannot be decoded"


def test_a_key_or_a_request_alone_is_no_certificate(certdir: CertDir) -> None:
    make_requests(certdir, [CsrRequest(Kind.USER, SafeName("carol"))])
    assert isinstance(error(certdir, "carol"), NotFound)


def test_a_preview_writes_nothing_and_says_the_same(certdir: CertDir, clock: Clock) -> None:
    clock.move(days=3000)
    before = dict(files(certdir))
    wanted = RenewRequest(due=True)
    foreseen = preview(certdir, wanted)
    assert files(certdir) == before
    done = renew(certdir, wanted)
    for item, made in zip(foreseen.renewed, done.renewed, strict=True):
        assert (item.kind, item.name, item.new_key, item.notes) == (made.kind, made.name, made.new_key, made.notes)
        assert item.certificate.not_valid_after_utc == made.certificate.not_valid_after_utc
    assert foreseen.notes == done.notes


# --- who signs ------------------------------------------------------------------------------------------------------


def test_the_CA_that_signed_signs_again_whatever_it_is_called(certdir: CertDir) -> None:
    """Two CAs of one name (hazard D8): the key decides."""
    for suffix in ("crt", "key"):
        files(certdir)[f"cas/first.{suffix}"] = files(certdir).pop(f"cas/root.{suffix}")
    make(certdir, Kind.CA, "root")
    renewed = one(certdir, "alice")
    renewed.certificate.verify_directly_issued_by(certificate(certdir, "cas/first.crt"))


def test_without_the_CA_there_is_no_renewal(certdir: CertDir) -> None:
    del files(certdir)["cas/root.crt"]
    found = error(certdir, "alice")
    assert isinstance(found, RenewalRefused)
    assert str(found) == "alice: the CA that signed it ('CN=root') is not in this certificate directory"


def test_without_the_key_of_the_CA_there_is_no_renewal(certdir: CertDir) -> None:
    del files(certdir)["cas/root.key"]
    assert isinstance(error(certdir, "alice"), MissingAuthority)
    assert isinstance(error(certdir, "root"), MissingAuthority)


def test_an_expired_CA_renews_nothing(certdir: CertDir, clock: Clock) -> None:
    clock.move(days=4000)
    assert isinstance(error(certdir, "alice"), IssuerUnusable)


def test_a_CA_whose_constraints_have_changed_is_asked_again(certdir: CertDir) -> None:
    make(certdir, Kind.CA, "narrow", "root")
    make(certdir, Kind.HOST, "a.example.com", "narrow")
    key, crt = files(certdir)["cas/narrow.key"], certificate(certdir, "cas/narrow.crt")
    _constrain(certdir, "narrow", "example.org")
    files(certdir)["cas/narrow.key"] = key
    assert certificate(certdir, "cas/narrow.crt").public_key() == crt.public_key()
    assert isinstance(error(certdir, "a.example.com"), NotPermitted)


def test_a_revoked_CA_renews_nothing(certdir: CertDir) -> None:
    revoke(certdir, Kind.CA, SafeName("issuing"), SafeName("root"))
    assert isinstance(error(certdir, "www.example.com"), IssuerUnusable)


def test_a_successor_never_outlives_its_CA_and_that_is_said(certdir: CertDir, clock: Clock) -> None:
    clock.move(days=3600)
    make(certdir, Kind.USER, "late", "root")
    clock.move(days=10)
    renewed = one(certdir, "alice")
    root = certificate(certdir, "cas/root.crt")
    assert renewed.certificate.not_valid_after_utc == root.not_valid_after_utc
    assert renewed.notes == ("valid until 2036-05-29T11:59:59Z only, when the CA 'root' expires",)


def test_what_is_due_and_would_end_no_later_waits_for_its_CA(certdir: CertDir, clock: Clock) -> None:
    clock.move(days=3600)
    make(certdir, Kind.USER, "late", "root")
    clock.move(days=45)
    found = error(certdir, "late", due=True)
    assert str(found) == "late: the CA 'root' ends on 2036-05-29T11:59:59Z, too; renew the CA first"
    assert {"root", "late"} <= set(names(run(certdir, due=True)))


def test_under_a_CA_that_was_just_renewed_nothing_waits(certdir: CertDir) -> None:
    found = run(certdir, due=True, within=timedelta(days=9000))
    assert not found.failed
    assert len(found.renewed) == 5


def test_what_was_named_is_renewed_even_if_it_ends_no_later(certdir: CertDir, clock: Clock) -> None:
    clock.move(days=3600)
    make(certdir, Kind.USER, "late", "root")
    clock.move(days=45)
    assert (
        one(certdir, "late").certificate.not_valid_after_utc == certificate(certdir, "cas/root.crt").not_valid_after_utc
    )


def test_no_key_is_made_for_one_that_nobody_here_can_sign(certdir: CertDir, monkeypatch: pytest.MonkeyPatch) -> None:
    del files(certdir)["cas/root.key"]
    made: list[KeyType] = []
    generate = keys.generate
    monkeypatch.setattr(keys, "generate", lambda key_type: (made.append(key_type), generate(key_type))[1])
    found = run(certdir, "alice", "api.example.com", "www.example.com")
    assert names(found) == ["www.example.com"]
    assert made == [KeyType.EC256, KeyType.EC256], "for the draft, and for the successor"


# --- what must not be renewed ----------------------------------------------------------------------------------------


def test_what_was_revoked_is_renewed_only_when_that_is_meant(certdir: CertDir, clock: Clock) -> None:
    revoke(certdir, Kind.USER, SafeName("alice"), SafeName("root"))
    assert str(error(certdir, "alice")) == "alice: it was revoked on 2026-06-01 (unspecified)"
    clock.move(days=300)
    found = run(certdir, due=True, kind=Kind.USER)
    assert not found.failed
    assert [(item.name, item.reason) for item in found.skipped] == [("alice", "it was revoked on 2026-06-01")]
    assert one(certdir, "alice", revoked=True).new_key


def test_a_compromised_key_is_not_certified_again(certdir: CertDir) -> None:
    revoke(certdir, Kind.USER, SafeName("alice"), SafeName("root"), Why(x509.ReasonFlags.key_compromise))
    assert isinstance(error(certdir, "alice", revoked=True, reuse_key=True), RenewalRefused)
    assert one(certdir, "alice", revoked=True)


def test_a_key_that_waits_for_another_certificate_is_not_overwritten(certdir: CertDir) -> None:
    make_requests(certdir, [CsrRequest(Kind.USER, SafeName("alice"))], replace=True)
    assert isinstance(error(certdir, "alice"), KeyMismatch)


# --- CAs -------------------------------------------------------------------------------------------------------------


def test_a_CA_keeps_its_key_and_what_it_signed_stays_valid(certdir: CertDir, clock: Clock) -> None:
    clock.move(days=30)
    key = files(certdir)["cas/root.key"]
    renewed = one(certdir, "root")
    assert files(certdir)["cas/root.key"] == key
    for path in ("cas/issuing.crt", "users/alice.crt", "hosts/api.example.com.crt"):
        certificate(certdir, path).verify_directly_issued_by(renewed.certificate)
    assert renewed.certificate.serial_number != renewed.old.serial_number


def test_a_root_is_to_be_handed_out(certdir: CertDir) -> None:
    assert run(certdir, "root").notes == (
        "hand out /certs/cas/root.crt: who trusts the old certificate does so until 2036-05-29T11:59:59Z",
    )


def test_a_CA_comes_before_what_it_signs_and_signs_with_its_new_certificate(certdir: CertDir, clock: Clock) -> None:
    clock.move(days=3500)
    found = run(certdir, "www.example.com", "issuing", "root")
    assert names(found) == ["root", "issuing", "www.example.com"]
    assert not found.failed
    root, issuing, leaf = (item.certificate for item in found.renewed)
    issuing.verify_directly_issued_by(root)
    leaf.verify_directly_issued_by(issuing)
    assert load_certificates(files(certdir)["hosts/www.example.com.crt"], "it") == [leaf, issuing]
    assert leaf.not_valid_after_utc > found.renewed[0].old.not_valid_after_utc


def test_files_with_the_old_certificate_of_a_CA_are_named_or_renewed(certdir: CertDir) -> None:
    found = run(certdir, "issuing")
    assert found.notes == ("the file of host www.example.com holds the old certificate of the CA; --cascade renews it",)
    found = run(certdir, "issuing", cascade=True)  # also of one that is older than the last
    assert names(found) == ["issuing", "www.example.com"]
    _, above = load_certificates(files(certdir)["hosts/www.example.com.crt"], "it")
    assert above == certificate(certdir, "cas/issuing.crt")
    assert run(certdir, "root", cascade=True).renewed[1:] == ()


def test_a_cascade_passes_over_what_is_revoked_or_expired(certdir: CertDir, clock: Clock) -> None:
    make(certdir, Kind.HOST, "gone.example.com", "issuing")
    revoke(certdir, Kind.HOST, SafeName("gone.example.com"), SafeName("issuing"))
    clock.move(days=390)
    make(certdir, Kind.HOST, "new.example.com", "issuing")
    clock.move(days=10)
    found = run(certdir, "issuing", cascade=True)
    assert names(found) == ["issuing", "new.example.com"]
    assert not found.failed


def test_what_stands_behind_a_CA_in_its_file_stays(certdir: CertDir) -> None:
    files(certdir)["cas/issuing.crt"] += files(certdir)["cas/root.crt"]
    run(certdir, "root", "issuing")
    first, behind = load_certificates(files(certdir)["cas/issuing.crt"], "it")
    assert behind == certificate(certdir, "cas/root.crt")
    first.verify_directly_issued_by(behind)


def test_a_bundle_that_holds_the_old_certificate_is_named(certdir: CertDir) -> None:
    files(certdir)["users/alice.p12"] = b"whatever"
    assert one(certdir, "alice").notes == ("/certs/users/alice.p12 holds the old one; make it anew",)


# --- two at once -----------------------------------------------------------------------------------------------------


def test_what_another_command_renewed_meanwhile_is_left_alone(
    certdir: CertDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and locking another run renews the same."""
    change = certdir.change

    def overtaken(now: Any) -> Any:
        monkeypatch.undo()
        assert names(run(certdir, "alice", "api.example.com")) == ["alice", "api.example.com"]
        return change(now)

    monkeypatch.setattr(certdir, "change", overtaken)
    found = run(certdir, "alice")
    assert not found.renewed
    assert [item.reason for item in found.skipped] == ["another command has changed it meanwhile"]


def test_a_thousand_are_one_change(certdir: CertDir) -> None:
    hosts = [f"h{number}.example.com" for number in range(150)]
    issue(certdir, [wanted(Kind.HOST, host, "root") for host in hosts])
    changes: list[object] = []
    original = certdir.store.transaction
    certdir.store.transaction = lambda: (changes.append(1), original())[1]  # type: ignore[method-assign]
    heard: list[tuple[str, int, int]] = []
    found = renew(certdir, RenewRequest(tuple(hosts)), lambda *told: heard.append(told))
    assert names(found) == hosts
    assert len(changes) == 1
    assert heard[-1] == ("signed certificates", 150, 150)
    assert ("made keys", 150, 150) in heard


def _constrain(certdir: CertDir, name: str, domain: str) -> None:
    """Make the CA *name* anew with its key, for names below *domain* only."""
    root = authorities.load(certdir, SafeName("root"))
    old, key = certificate(certdir, f"cas/{name}.crt"), certdir.signers.key(Kind.CA, SafeName(name))
    assert key is not None
    spec = CertificateSpec(
        kind=Kind.CA,
        subject=old.subject,
        sans=(),
        validity=Validity(old.not_valid_before_utc, old.not_valid_after_utc),
        profile=MODERN,
        serial=new_serial(),
        self_signed=False,
        path_length=0,
        name_constraints=name_constraints([parse_constraint(domain)], []),
    )
    made = certificates.sign(spec, key.public_key(), root.issuer)
    files(certdir)[f"cas/{name}.crt"] = certificate_pem(made)


# --- revoking the old one --------------------------------------------------------------------------------------------


def listed(certdir: CertDir, name: str) -> set[int]:
    return {entry.serial_number for entry in load_crl(files(certdir)[f"crls/{name}.crl"], "it")}


def test_the_old_certificates_are_revoked_in_the_same_step(certdir: CertDir) -> None:
    found = run(certdir, "alice", "api.example.com", "www.example.com", revoke_old=True)
    alice, api, www = found.renewed
    assert all(item.old_revoked for item in found.renewed)
    assert listed(certdir, "root") == {alice.old.serial_number, api.old.serial_number}
    assert listed(certdir, "issuing") == {www.old.serial_number}
    records = certdir.ledger.records(Query(kind="user", name="alice"))
    assert [(record.reason, bool(record.revoked_at)) for record in records] == [("", False), ("superseded", True)]


def test_the_old_certificate_of_a_CA_or_of_one_that_signs_itself_is_not_revoked(certdir: CertDir) -> None:
    make(certdir, Kind.HOST, "self.example.com")
    found = run(certdir, "issuing", "self.example.com", revoke_old=True)
    assert [item.old_revoked for item in found.renewed] == [False, False]
    assert [item.notes for item in found.renewed] == [
        ("the old certificate is not revoked: what the CA signed is still sent out with it",),
        ("the old certificate is not revoked: it signed itself, and nobody could say so",),
    ]
    assert not any(path.startswith("crls/") for path in files(certdir))


def test_one_whose_old_certificate_cannot_be_revoked_is_not_renewed(certdir: CertDir) -> None:
    make(certdir, Kind.CA, "other")
    make(certdir, Kind.USER, "bob", "other")
    files(certdir)["crls/root.crl"] = b"broken"
    found = run(certdir, "alice", "bob", revoke_old=True)
    assert names(found) == ["bob"]
    assert [item.name for item in found.failed] == ["alice"]
    assert listed(certdir, "other") == {found.renewed[0].old.serial_number}


# --- the rules, and the site -----------------------------------------------------------------------------------------


def test_one_that_would_break_a_rule_does_not_keep_the_others_from_theirs(certdir: CertDir) -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    _put(certdir, "odd.example.com", (odd, True))
    found = run(certdir, "odd.example.com", "alice")
    assert names(found) == ["alice"]
    (failed,) = found.failed
    assert isinstance(failed.error, LintRefused)
    assert failed.error.rule == "critical-unknown"


def test_a_rule_that_the_site_has_waived_is_waived_and_that_is_remembered(certdir: CertDir) -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    _put(certdir, "odd.example.com", (odd, True))
    _set(certdir, 'waive = ["critical-unknown"]')
    renewed = one(certdir, "odd.example.com")
    assert renewed.certificate.extensions.get_extension_for_oid(odd.oid).value == odd
    record = next(iter(certdir.ledger.records(Query(kind="host", name="odd.example.com"))))
    assert record.waived == "critical-unknown"


def test_where_things_are_found_is_what_the_site_says_now(certdir: CertDir) -> None:
    _set(certdir, 'crl_url = "http://pki.example.com/{ca}.crl"')
    renewed = one(certdir, "alice")
    (point,) = renewed.certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert point.full_name == [x509.UniformResourceIdentifier("http://pki.example.com/root.crl")]
    assert renewed.notes == ("kept but for: cRLDistributionPoints as the site has them now",)
    assert one(certdir, "alice").notes == ()
    assert one(certdir, "root").notes == ()


# --- whatever lies there ---------------------------------------------------------------------------------------------

_STRANGE_KEYS: list[Any] = [
    ec.generate_private_key(ec.SECP256R1()),
    ec.generate_private_key(ec.SECP192R1()),
    ed25519.Ed25519PrivateKey.generate(),
    rsa.generate_private_key(65537, 1024),
    rsa.generate_private_key(3, 2048),
    dsa.generate_private_key(2048),
]


@given(
    _EXTENSIONS, _NAMES, st.sampled_from(_STRANGE_KEYS), st.sampled_from(list(Kind)), st.sets(st.sampled_from("skrc"))
)
@settings(deadline=None)
def test_whatever_lies_there_is_renewed_or_refused_in_a_sentence(
    extensions: Any, subject: x509.Name, key: Any, kind: Kind, ways: set[str]
) -> None:
    """Self-signed or not, with its private key or without, its key kept or not, under a CA that fits or does not."""
    certdir = directory()
    issuer = dn(cn="root") if "s" not in ways else subject
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), 5, NOW, NOW + timedelta(days=9))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signer = key if "s" in ways else _STRANGE_KEYS[0]
    made = builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    place = f"{layout.FOLDERS[kind]}/x"
    files(certdir)[f"{place}.crt"] = pem(made)
    if "k" in ways:
        files(certdir)[f"{place}.key"] = key_pem(key)
    if "c" in ways:
        root = stranger(_STRANGE_KEYS[0], "root", extensions=AS_CA)
        files(certdir)["cas/root.crt"], files(certdir)["cas/root.key"] = pem(root), key_pem(_STRANGE_KEYS[0])
    request = RenewRequest(("x",), reuse_key="r" in ways, revoke_old=True, cascade=True)
    foreseen, done = preview(certdir, request), renew(certdir, request)
    assert len(foreseen.renewed) == len(done.renewed)
    assert [str(item.error) for item in foreseen.failed] == [str(item.error) for item in done.failed]
    for item in done.renewed:
        new = certificate(certdir, f"{place}.crt")
        assert new == item.certificate
        found = certdir.signers.key(kind, SafeName("x"))
        assert found is None or public_der(found.public_key()) == public_der(new.public_key())  # type: ignore[arg-type]


def _set(certdir: CertDir, text: str) -> None:
    """Write ``easycert.toml``, which is read once."""
    files(certdir)[layout.SETTINGS.path] = text.encode()
    certdir.__dict__.pop("settings", None)


def _put(certdir: CertDir, name: str, *more: tuple[x509.ExtensionType, bool]) -> None:
    """Put a host certificate under root that another program has made, with its key."""
    root = authorities.load(certdir, SafeName("root"))
    key = new_key()
    extensions = [
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName([x509.DNSName(name)]), False),
        *more,
    ]
    made = stranger(key, name, extensions=extensions, issuer=(root.certificate.subject, root.issuer.key))
    files(certdir)[f"hosts/{name}.crt"], files(certdir)[f"hosts/{name}.key"] = pem(made), key_pem(key)
