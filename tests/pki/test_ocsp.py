"""OCSP: every request is understood or refused, every response is what cryptography makes (RFC 6960, RFC 9654)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ReasonFlags, ocsp
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import EasycertError, Malformed, Refused
from easycert.pki import der
from easycert.pki.keys import KeyType, PrivateKey, generate, signature_hash
from easycert.pki.ocsp import (
    CertId,
    ErrorStatus,
    Responder,
    ResponseSpec,
    State,
    Status,
    error_response,
    load_request,
    require_may_respond,
    sign_response,
)
from tests.pki.chainmaker import DAY, NOW, ca, server, usage

HASHES = [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()]
ROOT = ca("root")
LEAF = server(ROOT)
LATER = NOW + 4 * DAY
NONCE = bytes.fromhex("06092b0601050507300102")


@functools.cache
def key(key_type: KeyType) -> PrivateKey:
    return generate(key_type)


def asked(*, algorithm: hashes.HashAlgorithm = HASHES[0], nonce: bytes | None = None, extension: Any = None) -> bytes:
    """Return a request for the leaf as cryptography makes it."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(LEAF.certificate, ROOT.certificate, algorithm)
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    if extension is not None:
        builder = builder.add_extension(*extension)
    return builder.build().public_bytes(Encoding.DER)


def cert_id(algorithm: hashes.HashAlgorithm = HASHES[0]) -> CertId:
    return load_request(asked(algorithm=algorithm), "it").wanted[0]


# --- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", HASHES, ids=lambda item: item.name)
def test_G11_an_issuer_is_named_by_any_of_four_hashes(algorithm: hashes.HashAlgorithm) -> None:
    wanted = cert_id(algorithm)
    assert wanted.serial == LEAF.certificate.serial_number
    assert wanted.is_issued_by(ROOT.certificate)
    assert not wanted.is_issued_by(ca("other").certificate)
    assert not wanted.is_issued_by(LEAF.certificate)


def test_G11_another_key_of_the_same_name_is_another_issuer() -> None:
    twin = ca("root", key=key(KeyType.EC256))
    assert twin.certificate.subject == ROOT.certificate.subject
    assert not cert_id().is_issued_by(twin.certificate)


def test_G11_a_hash_that_nobody_knows_names_no_issuer() -> None:
    md5 = bytes.fromhex("06082a864886f70d0205")
    assert not cert_id()._replace(algorithm=md5).is_issued_by(ROOT.certificate)


@pytest.mark.parametrize("size", [1, 16, 32, 33, 128])
def test_G11_a_nonce_has_1_to_128_octets(size: int) -> None:
    assert load_request(asked(nonce=b"x" * size), "it").nonce == der.tlv(der.OCTET_STRING, b"x" * size)


@pytest.mark.parametrize("size", [0, 129, 1000])
def test_G11_any_other_nonce_is_refused(size: int) -> None:
    with pytest.raises(Malformed, match=rf"req\.der is not an OCSP request: its nonce has {size} octets"):
        load_request(asked(nonce=b"x" * size), "req.der")


def test_a_nonce_that_is_no_octet_string_is_refused() -> None:
    with pytest.raises(Malformed):
        load_request(
            asked(nonce=b"xxxx").replace(bytes.fromhex("0406040478787878"), bytes.fromhex("0406050478787878")), ""
        )


def test_an_unknown_extension_is_ignored_unless_it_is_critical() -> None:
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert load_request(asked(extension=(strange, False)), "it").nonce is None
    with pytest.raises(Malformed, match="critical"):
        load_request(asked(extension=(strange, True)), "it")


def request_of(*singles: bytes, before: bytes = b"", behind: bytes = b"", outside: bytes = b"") -> bytes:
    """Return a request written by hand: CertIDs, and what stands before and behind their list and behind it all."""
    listed = der.tlv(der.SEQUENCE, *(der.tlv(der.SEQUENCE, item) for item in singles))
    return der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, before, listed, behind), outside)


def test_several_certificates_are_asked_for_at_once() -> None:
    first, second = cert_id().encoded, cert_id(HASHES[1]).encoded
    assert [item.encoded for item in load_request(request_of(first, second, first), "it").wanted] == [
        first,
        second,
        first,
    ]


def test_version_requestor_and_signature_are_no_hindrance() -> None:
    """RFC 6960 section 4.1.1: all optional."""
    version = der.tlv(der.context(0), der.integer(0))
    requestor = der.tlv(der.context(1), der.tlv(der.context(4), der.tlv(der.SEQUENCE)))
    signature = der.tlv(der.context(0), der.tlv(der.SEQUENCE))
    found = load_request(request_of(cert_id().encoded, before=version + requestor, outside=signature), "it")
    assert found.wanted == (cert_id(),)


def test_parameters_of_a_hash_may_be_absent() -> None:
    bare = cert_id().encoded.replace(bytes.fromhex("300906052b0e03021a0500"), bytes.fromhex("300706052b0e03021a"))
    bare = der.tlv(der.SEQUENCE, bare[2:])
    (found,) = load_request(request_of(bare), "it").wanted
    assert found.is_issued_by(ROOT.certificate)
    assert found.encoded == bare


def _broken() -> dict[str, bytes]:
    good = asked(nonce=b"x" * 16)
    return {
        "empty": b"",
        "cut off": good[:-1],
        "trailing": good + b"\0",
        "no certificate": request_of(),
        "version 2": request_of(cert_id().encoded, before=der.tlv(der.context(0), der.integer(1))),
        "a certificate": LEAF.certificate.public_bytes(Encoding.DER),
        "PEM": LEAF.certificate.public_bytes(Encoding.PEM),
        "BER": b"\x30\x80" + good[2:] + b"\0\0",
        "two nonces": asked_twice(),
    }


def asked_twice() -> bytes:
    nonce = der.tlv(der.SEQUENCE, NONCE, der.tlv(der.OCTET_STRING, der.tlv(der.OCTET_STRING, b"x")))
    return request_of(cert_id().encoded, behind=der.tlv(der.context(2), der.tlv(der.SEQUENCE, nonce, nonce)))


@pytest.mark.parametrize("flaw", _broken())
def test_what_is_no_request_is_refused(flaw: str) -> None:
    with pytest.raises(Malformed) as refusal:
        load_request(_broken()[flaw], "req\x1b.der")
    assert str(refusal.value).startswith(r"req\x1b.der is not an OCSP request: ")
    assert str(refusal.value).isprintable()


@given(st.binary(max_size=200), st.integers(0, 150), st.integers(0, 255))
def test_any_bytes_are_read_or_refused_in_one_line(noise: bytes, at: int, octet: int) -> None:
    good = bytearray(asked(nonce=b"x" * 16))
    good[at % len(good)] = octet
    for data in (noise, bytes(good)):
        try:
            assert load_request(data, "it").wanted
        except EasycertError as refusal:
            assert str(refusal).isprintable()


@given(st.integers(0, 150), st.integers(0, 255))
def test_what_cryptography_reads_is_read_the_same(at: int, octet: int) -> None:
    data = bytearray(asked())
    data[at % len(data)] = octet
    try:
        theirs = ocsp.load_der_ocsp_request(bytes(data))
        expected = (theirs.serial_number, theirs.issuer_name_hash, theirs.issuer_key_hash)
        list(theirs.extensions)
    except Exception:  # whatever it says, it has not read it
        return
    try:
        (ours,) = load_request(bytes(data), "it").wanted
    except Malformed:
        return
    assert (ours.serial, ours.name_hash, ours.key_hash) == expected


# --- responses -------------------------------------------------------------------------------------------------------

STATES = {
    "good": Status(State.GOOD),
    "unknown": Status(State.UNKNOWN),
    "revoked": Status(State.REVOKED, NOW - DAY),
    **{
        reason.value: Status(State.REVOKED, NOW - DAY, reason)
        for reason in ReasonFlags
        if reason not in (ReasonFlags.unspecified, ReasonFlags.remove_from_crl)
    },
}


def theirs(status: Status, private: Any, nonce: bytes | None, delegate: x509.Certificate | None) -> bytes:
    """Return the response that cryptography makes."""
    state = {State.GOOD: ocsp.OCSPCertStatus.GOOD, State.UNKNOWN: ocsp.OCSPCertStatus.UNKNOWN}
    wanted = cert_id()
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        wanted.name_hash,
        wanted.key_hash,
        wanted.serial,
        HASHES[0],
        state.get(status.state, ocsp.OCSPCertStatus.REVOKED),
        NOW,
        LATER,
        status.revoked_at,
        None if status.reason is ReasonFlags.unspecified else status.reason,
    )
    who = delegate or x509.CertificateBuilder(x509.Name([]), x509.Name([]), private.public_key(), 1, NOW, LATER).sign(
        private, signature_hash(private)
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, who)
    if delegate:
        builder = builder.certificates([delegate])
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.sign(private, signature_hash(private)).public_bytes(Encoding.DER)


def response(status: Status, private: PrivateKey, **changes: Any) -> bytes:
    spec = ResponseSpec(((cert_id(), status),), NOW, LATER)
    return sign_response(spec._replace(**changes), Responder(private))


@pytest.mark.parametrize("state", STATES)
def test_a_response_is_byte_for_byte_what_cryptography_makes(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An Ed25519 signature has nothing random in it; producedAt, which cryptography takes from the clock, apart."""
    private = key(KeyType.ED25519)
    made = theirs(STATES[state], private, b"x" * 32, None)
    produced = ocsp.load_der_ocsp_response(made).produced_at_utc
    expected = made.replace(der.generalized_time(produced), der.generalized_time(NOW), 1)
    ours = response(STATES[state], private, nonce=der.tlv(der.OCTET_STRING, b"x" * 32))
    assert ours[:-64] == expected[:-64]


def test_the_delegated_certificate_is_sent_along() -> None:
    private = key(KeyType.EC256)
    delegate = ca("delegate", key=private).certificate
    spec = ResponseSpec(((cert_id(), Status(State.GOOD)),), NOW, LATER)
    read = ocsp.load_der_ocsp_response(sign_response(spec, Responder(private, (delegate, ROOT.certificate))))
    assert read.certificates == [delegate, ROOT.certificate]
    assert read.responder_key_hash == x509.SubjectKeyIdentifier.from_public_key(private.public_key()).digest


@pytest.mark.parametrize("key_type", [item for item in KeyType if item not in (KeyType.RSA3072, KeyType.RSA4096)])
def test_every_key_type_signs(key_type: KeyType) -> None:
    private = key(key_type)
    read: Any = ocsp.load_der_ocsp_response(response(Status(State.GOOD), private))
    public: Any = private.public_key()
    if key_type.value.startswith("rsa"):
        from cryptography.hazmat.primitives.asymmetric import padding

        public.verify(read.signature, read.tbs_response_bytes, padding.PKCS1v15(), read.signature_hash_algorithm)
    elif key_type.value.startswith("ec"):
        from cryptography.hazmat.primitives.asymmetric import ec

        public.verify(read.signature, read.tbs_response_bytes, ec.ECDSA(read.signature_hash_algorithm))
    else:
        public.verify(read.signature, read.tbs_response_bytes)


def test_every_certificate_that_was_asked_for_is_answered() -> None:
    ids = [cert_id(), cert_id(HASHES[1])]
    answers = tuple(zip(ids, (Status(State.GOOD), STATES["keyCompromise"]), strict=True))
    read = ocsp.load_der_ocsp_response(sign_response(ResponseSpec(answers, NOW, LATER), Responder(key(KeyType.EC256))))
    assert [(item.hash_algorithm.name, item.certificate_status.name) for item in read.responses] == [
        ("sha1", "GOOD"),
        ("sha256", "REVOKED"),
    ]


def test_the_archive_cutoff_says_since_when_states_are_kept() -> None:
    """RFC 6960 section 4.4.4."""
    data = response(Status(State.GOOD, archive_cutoff=NOW - 900 * DAY), key(KeyType.EC256))
    cutoff = bytes.fromhex("06092b0601050507300106") + der.tlv(der.OCTET_STRING, der.generalized_time(NOW - 900 * DAY))
    assert cutoff in data


@pytest.mark.parametrize("status", ErrorStatus)
def test_an_error_is_a_status_alone(status: ErrorStatus) -> None:
    assert ocsp.load_der_ocsp_response(error_response(status)).response_status.value == status.value


# --- who may answer --------------------------------------------------------------------------------------------------

EKU = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING])


def delegate(
    *extensions: x509.ExtensionType, begin: timedelta = -DAY, end: timedelta = DAY, by: Any = ROOT
) -> x509.Certificate:
    """Return a certificate that the root (or another) delegates its answers to."""
    builder = x509.CertificateBuilder(
        by.certificate.subject,
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ocsp")]),
        key(KeyType.EC256).public_key(),  # type: ignore[arg-type]
        7,
        NOW + begin,
        NOW + end,
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(by.key, hashes.SHA256())


def test_G12_a_certificate_of_the_ca_with_OCSPSigning_may_answer() -> None:
    require_may_respond(delegate(EKU), ROOT.certificate, NOW, "it")
    require_may_respond(delegate(EKU, usage("digital_signature")), ROOT.certificate, NOW, "it")


REFUSED: dict[str, tuple[Callable[[], x509.Certificate], str]] = {
    "no EKU": (delegate, "lacks OCSPSigning"),
    "any EKU": (
        lambda: delegate(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])),
        "lacks OCSPSigning",
    ),
    "server": (lambda: LEAF.certificate, "lacks OCSPSigning"),
    "expired": (lambda: delegate(EKU, begin=-2 * DAY, end=-DAY), "it expired on"),
    "not yet valid": (lambda: delegate(EKU, begin=DAY, end=2 * DAY), "it is not valid before"),
    "another ca": (lambda: delegate(EKU, by=ca("other")), "did not sign it itself"),
    "another key of that name": (
        lambda: delegate(EKU, by=ca("root", key=key(KeyType.EC256))),
        "did not sign it itself",
    ),
    "key usage": (lambda: delegate(EKU, usage("key_encipherment")), "lacks digitalSignature"),
}


@pytest.mark.parametrize("flaw", REFUSED)
def test_G12_no_other_may(flaw: str) -> None:
    make, reason = REFUSED[flaw]
    with pytest.raises(Refused, match=f"ocsp.crt: .*{reason}"):
        require_may_respond(make(), ROOT.certificate, NOW, "ocsp.crt")


def test_the_answers_name_their_time_in_UTC() -> None:
    read = ocsp.load_der_ocsp_response(response(Status(State.GOOD), key(KeyType.EC256)))
    assert (read.produced_at_utc, read.this_update_utc, read.next_update_utc) == (NOW, NOW, LATER)
    assert NOW.tzinfo is UTC
    assert isinstance(NOW, datetime)
