"""OCSP as files: what CRL and ledger know decides, and only who may answers (RFC 6960; hazards G11, G12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ReasonFlags, ocsp

from easycert.certdir import CertDir
from easycert.errors import (
    AlreadyExists,
    IssuerUnusable,
    KeyMismatch,
    Malformed,
    MissingAuthority,
    NameLength,
    Refused,
)
from easycert.ledger.memory import MemoryLedger
from easycert.model import Kind
from easycert.pki import der
from easycert.pki.keys import KeyType
from easycert.pki.names import SafeName
from easycert.pki.ocsp import State
from easycert.pki.validity import days, parse_when
from easycert.store import layout
from easycert.workflows.issue import issue
from easycert.workflows.ocsp import Responded, RespondRequest, SignerRequest, make_signer, respond, signer_name
from easycert.workflows.publish import publish
from easycert.workflows.revoke import Why, revoke
from tests.workflows.examples import NOW, Clock, directory, files, key_pem, make, new_key, pem, wanted

ROOT, ISSUING = SafeName("root"), SafeName("issuing")
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> Clock:
    """Return the clock of ``certdir``."""
    return Clock()


@pytest.fixture
def certdir(clock: Clock) -> CertDir:
    """Return a directory with root, issuing below it, and two hosts below that, b.example revoked."""
    made = directory(clock)
    make(made, Kind.CA, "root")
    make(made, Kind.CA, "issuing", "root")
    for name in ("a.example", "b.example"):
        make(made, Kind.HOST, name, "issuing")
    revoke(made, Kind.HOST, SafeName("b.example"), ISSUING, Why(ReasonFlags.key_compromise))
    return made


def certificate(certdir: CertDir, kind: Kind, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files(certdir)[layout.certificate(kind, SafeName(name)).path])


def about(certdir: CertDir, name: str, *, kind: Kind = Kind.HOST, ca: str = "issuing") -> bytes:
    """Return the request that asks about this certificate."""
    return about_serial(certdir, certificate(certdir, kind, name).serial_number, ca)


def about_serial(certdir: CertDir, serial: int, ca: str = "issuing", nonce: bytes | None = None) -> bytes:
    issuer = certificate(certdir, Kind.CA, ca)
    key = new_key()
    child = x509.CertificateBuilder(issuer.subject, x509.Name([]), key.public_key(), 1, NOW, NOW)
    signed = child.sign(key, hashes.SHA256())
    example = ocsp.OCSPRequestBuilder().add_certificate(signed, issuer, hashes.SHA256()).build()
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        example.issuer_name_hash, example.issuer_key_hash, serial, hashes.SHA256()
    )
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def answered(certdir: CertDir, request: bytes, **wishes: Any) -> Responded:
    return respond(certdir, RespondRequest(request, "req.der", **wishes))


def state(certdir: CertDir, request: bytes) -> State:
    (answer,) = answered(certdir, request).answers
    return answer.state


def parsed(responded: Responded) -> ocsp.OCSPResponse:
    return ocsp.load_der_ocsp_response(responded.response)


# --- what is known ---------------------------------------------------------------------------------------------------


def test_a_certificate_is_good_or_revoked_since_when_and_why(certdir: CertDir) -> None:
    assert parsed(answered(certdir, about(certdir, "a.example"))).certificate_status is ocsp.OCSPCertStatus.GOOD
    read = parsed(answered(certdir, about(certdir, "b.example")))
    assert read.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert (read.revocation_time_utc, read.revocation_reason) == (NOW, ReasonFlags.key_compromise)


def test_an_older_certificate_of_the_same_name_is_known_too(certdir: CertDir) -> None:
    request = about(certdir, "a.example")
    issue(certdir, [wanted(Kind.HOST, "a.example", "issuing")], replace=True)
    assert state(certdir, request) is State.GOOD


def test_G11_what_was_never_issued_is_never_good(certdir: CertDir) -> None:
    assert state(certdir, about_serial(certdir, 0x1234)) is State.UNKNOWN
    assert (
        state(certdir, about_serial(certdir, certificate(certdir, Kind.CA, "issuing").serial_number)) is State.UNKNOWN
    )


def test_G11_what_was_intended_and_never_signed_is_not_good(certdir: CertDir) -> None:
    intended = {dict(item.entry.details).get("serial", "") for item in certdir.ledger.entries()}
    with certdir.change(NOW) as change:
        change.intend([(("serial", "1234"), ("issuer_id", "x"))])
    assert "1234" not in intended
    assert state(certdir, about_serial(certdir, 0x1234)) is State.UNKNOWN


def test_without_a_ledger_the_files_and_the_crl_are_known(certdir: CertDir) -> None:
    bare = CertDir(certdir.store, clock=Clock(), ledger=MemoryLedger)
    assert state(bare, about(certdir, "a.example")) is State.GOOD
    assert state(bare, about(certdir, "b.example")) is State.REVOKED
    assert state(bare, about_serial(certdir, 0x1234)) is State.UNKNOWN
    assert not bare.ledger.exists()


def test_without_its_crl_the_ledger_is_believed(certdir: CertDir) -> None:
    del files(certdir)["crls/issuing.crl"]
    (answer,) = answered(certdir, about(certdir, "b.example")).answers
    assert (answer.state, answer.revoked_at, answer.reason) == (State.REVOKED, NOW, ReasonFlags.key_compromise)


def test_what_a_stranger_signed_under_the_name_of_the_ca_is_not_good(certdir: CertDir) -> None:
    """It lies in hosts/, names the CA and its key, and has a signature of another key."""
    real = certificate(certdir, Kind.HOST, "a.example")
    builder = x509.CertificateBuilder(
        real.issuer, real.subject, real.public_key(), 0x4711, real.not_valid_before_utc, real.not_valid_after_utc
    )
    for extension in real.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    files(certdir)["hosts/forged.crt"] = pem(builder.sign(new_key(), hashes.SHA256()))
    for here in (certdir, CertDir(certdir.store, clock=Clock()), CertDir(certdir.store, ledger=MemoryLedger)):
        assert state(here, about_serial(certdir, 0x4711)) is State.UNKNOWN


def test_a_crl_that_the_ca_did_not_sign_stops_everything(certdir: CertDir) -> None:
    publish(certdir, ROOT)
    files(certdir)["crls/issuing.crl"] = files(certdir)["crls/root.crl"]
    with pytest.raises(Refused, match="not signed by this CA's key"):
        answered(certdir, about(certdir, "a.example"))


def test_a_lifted_hold_is_good_again(certdir: CertDir) -> None:
    for why, expected in ((Why(ReasonFlags.certificate_hold), State.REVOKED), (Why(unhold=True), State.GOOD)):
        revoke(certdir, Kind.HOST, SafeName("a.example"), ISSUING, why)
        assert state(certdir, about(certdir, "a.example")) is expected


def test_of_an_expired_certificate_it_is_said_that_states_are_kept(certdir: CertDir, clock: Clock) -> None:
    """RFC 6960 section 4.4.4."""
    clock.move(days=400)
    responded = answered(certdir, about(certdir, "b.example"))
    assert responded.answers[0].state is State.REVOKED
    begin = certificate(certdir, Kind.CA, "issuing").not_valid_before_utc
    assert der.generalized_time(begin) in responded.response


# --- requests --------------------------------------------------------------------------------------------------------


def test_G11_of_a_ca_that_is_not_here_nothing_is_said(certdir: CertDir) -> None:
    elsewhere = directory()
    make(elsewhere, Kind.CA, "issuing")
    responded = answered(certdir, about_serial(elsewhere, 7))
    assert parsed(responded).response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED
    assert (responded.authority, responded.answers) == (None, ())
    assert "unauthorized" in responded.notes[0]


def test_G11_a_nonce_comes_back(certdir: CertDir) -> None:
    serial = certificate(certdir, Kind.HOST, "a.example").serial_number
    for size in (1, 33, 128):
        read = parsed(answered(certdir, about_serial(certdir, serial, nonce=b"n" * size)))
        assert read.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"n" * size
    assert list(parsed(answered(certdir, about_serial(certdir, serial))).extensions) == []
    for size in (0, 129):
        with pytest.raises(Malformed, match="nonce"):
            answered(certdir, about_serial(certdir, serial, nonce=b"n" * size))


def test_one_response_answers_for_one_ca(certdir: CertDir) -> None:
    """What else is asked in the same request is unknown to it."""
    leaf = der.Reader.whole(about(certdir, "a.example")).enter().enter()
    above = der.Reader.whole(about(certdir, "issuing", kind=Kind.CA, ca="root")).enter().enter()
    singles = leaf.raw(der.SEQUENCE), above.raw(der.SEQUENCE)
    both = der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, *singles)))
    responded = answered(certdir, both)
    assert (responded.authority, [item.state for item in responded.answers]) == ("issuing", [State.GOOD, State.UNKNOWN])
    swapped = der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, *reversed(singles))))
    responded = answered(certdir, swapped)
    assert (responded.authority, [item.state for item in responded.answers]) == ("root", [State.GOOD, State.UNKNOWN])


def test_what_is_no_request_is_refused(certdir: CertDir) -> None:
    with pytest.raises(Malformed, match=r"req\.der is not an OCSP request"):
        answered(certdir, b"nothing")


# --- who answers -----------------------------------------------------------------------------------------------------


def test_without_a_signer_the_ca_itself_answers_and_that_is_said(certdir: CertDir) -> None:
    responded = answered(certdir, about(certdir, "a.example"))
    assert responded.signer == "ca issuing"
    assert "digitalSignature" in responded.notes[0]
    assert parsed(responded).certificates == [certificate(certdir, Kind.CA, "issuing")]


def test_the_signer_answers_and_the_key_of_the_ca_may_be_elsewhere(certdir: CertDir) -> None:
    made = make_signer(certdir, SignerRequest(ISSUING))
    assert made is not None
    del files(certdir)["cas/issuing.key"]
    responded = answered(certdir, about(certdir, "a.example"))
    assert (responded.signer, responded.notes) == ("ocsp issuing-ocsp", ())
    read = parsed(responded)
    assert read.certificates == [made.certificate, certificate(certdir, Kind.CA, "issuing")]
    public: Any = made.certificate.public_key()
    assert read.responder_key_hash == x509.SubjectKeyIdentifier.from_public_key(public).digest


def test_a_ca_without_key_and_signer_cannot_answer(certdir: CertDir) -> None:
    del files(certdir)["cas/issuing.key"]
    with pytest.raises(MissingAuthority):
        answered(certdir, about(certdir, "a.example"))


def test_G12_an_expired_signer_is_refused(certdir: CertDir, clock: Clock) -> None:
    make_signer(certdir, SignerRequest(ISSUING))
    clock.move(days=31)
    with pytest.raises(Refused, match=r"ocsp/issuing-ocsp\.crt: it expired on 2026-07-01"):
        answered(certdir, about(certdir, "a.example"))


def test_G12_a_revoked_signer_is_refused(certdir: CertDir) -> None:
    make_signer(certdir, SignerRequest(ISSUING))
    revoke(certdir, Kind.OCSP, signer_name(ISSUING), ISSUING, Why(ReasonFlags.key_compromise))
    with pytest.raises(Refused, match="it was revoked"):
        answered(certdir, about(certdir, "a.example"))


def test_G12_a_signer_that_another_ca_issued_is_refused(certdir: CertDir) -> None:
    make_signer(certdir, SignerRequest(ROOT))
    for suffix in ("crt", "key"):
        files(certdir)[f"ocsp/issuing-ocsp.{suffix}"] = files(certdir)[f"ocsp/root-ocsp.{suffix}"]
    with pytest.raises(Refused, match="the CA did not sign it itself"):
        answered(certdir, about(certdir, "a.example"))


def test_G12_a_signer_that_is_for_something_else_is_refused(certdir: CertDir) -> None:
    for suffix in ("crt", "key"):
        files(certdir)[f"ocsp/issuing-ocsp.{suffix}"] = files(certdir)[f"hosts/a.example.{suffix}"]
    with pytest.raises(Refused, match="lacks OCSPSigning"):
        answered(certdir, about(certdir, "a.example"))


def test_G12_a_signer_needs_its_own_key(certdir: CertDir) -> None:
    make_signer(certdir, SignerRequest(ISSUING))
    files(certdir)["ocsp/issuing-ocsp.key"] = key_pem(new_key())
    with pytest.raises(KeyMismatch, match=r"ocsp/issuing-ocsp\.crt"):
        answered(certdir, about(certdir, "a.example"))
    del files(certdir)["ocsp/issuing-ocsp.key"]
    with pytest.raises(Refused, match="its private key is not here"):
        answered(certdir, about(certdir, "a.example"))


def test_an_expired_ca_answers_nothing(certdir: CertDir, clock: Clock) -> None:
    clock.move(days=2000)
    with pytest.raises(IssuerUnusable, match="it expired"):
        answered(certdir, about(certdir, "a.example"))


# --- how long --------------------------------------------------------------------------------------------------------


def test_answers_hold_four_days_unless_said_otherwise(certdir: CertDir) -> None:
    """BR 4.9.9: eight hours to ten days."""
    request = about(certdir, "a.example")
    assert answered(certdir, request).next_update == NOW + timedelta(days=4, seconds=-1)
    responded = answered(certdir, request, next_update=parse_when("12h"))
    assert parsed(responded).next_update_utc == NOW + timedelta(hours=12, seconds=-1)


def test_answers_do_not_outlive_who_gave_them(certdir: CertDir) -> None:
    made = make_signer(certdir, SignerRequest(ISSUING, end=days(2)))
    assert made is not None
    end = made.certificate.not_valid_after_utc
    assert answered(certdir, about(certdir, "a.example")).next_update == end


# --- the signer ------------------------------------------------------------------------------------------------------


def test_a_signer_is_for_nothing_else_for_30_days_and_never_checked_itself(certdir: CertDir) -> None:
    """RFC 6960 section 4.2.2.2.1, BR 7.1.2.8; also where the site has URLs for its certificates."""
    files(certdir)[layout.SETTINGS.path] = b'crl_url = "http://pki.example/{ca}.crl"\nocsp_url = "http://o.example"\n'
    site = CertDir(certdir.store, clock=Clock())
    made = make_signer(site, SignerRequest(ISSUING))
    assert made is not None
    found = {item.oid._name: item for item in made.certificate.extensions}
    assert set(found) == {
        *("basicConstraints", "keyUsage", "extendedKeyUsage", "OCSPNoCheck"),
        *("subjectKeyIdentifier", "authorityKeyIdentifier"),
    }
    assert made.certificate.not_valid_after_utc == NOW + timedelta(days=30, seconds=-1)
    assert (made.certificate_path, made.key_path) == ("/certs/ocsp/issuing-ocsp.crt", "/certs/ocsp/issuing-ocsp.key")
    (record,) = [item for item in site.ledger.records() if item.kind == "ocsp"]
    assert (record.name, record.origin) == ("issuing-ocsp", "fresh")


def test_a_signer_has_the_key_that_was_asked_for(certdir: CertDir) -> None:
    made = make_signer(certdir, SignerRequest(ISSUING, KeyType.ED25519))
    assert made is not None
    assert state(certdir, about(certdir, "a.example")) is State.GOOD


def test_a_signer_is_replaced_only_when_asked(certdir: CertDir) -> None:
    make_signer(certdir, SignerRequest(ISSUING))
    with pytest.raises(AlreadyExists):
        make_signer(certdir, SignerRequest(ISSUING))
    assert make_signer(certdir, SignerRequest(ISSUING), replace=True) is not None


def test_a_signer_is_due_when_a_third_of_its_life_is_left(certdir: CertDir, clock: Clock) -> None:
    due = SignerRequest(ISSUING, due=True)
    assert make_signer(certdir, due) is not None
    clock.move(days=19.9)
    assert make_signer(certdir, due) is None
    clock.move(days=0.2)
    assert make_signer(certdir, due) is not None


def test_a_signer_is_due_when_the_ca_was_made_anew(certdir: CertDir) -> None:
    due = SignerRequest(ROOT, due=True)
    assert make_signer(certdir, due) is not None
    issue(certdir, [wanted(Kind.CA, "root")], replace=True)
    assert make_signer(certdir, due) is not None
    assert make_signer(certdir, due) is None
    del files(certdir)["ocsp/root-ocsp.key"]
    assert make_signer(certdir, due) is not None


def test_a_ca_with_a_very_long_name_answers_itself(certdir: CertDir) -> None:
    name = SafeName("x" * 62)
    make(certdir, Kind.CA, name)
    make(certdir, Kind.HOST, "c.example", name)
    with pytest.raises(NameLength):
        make_signer(certdir, SignerRequest(name))
    assert answered(certdir, about(certdir, "c.example", ca=name)).signer == f"ca {name}"
