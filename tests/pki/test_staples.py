"""A stapled OCSP response counts only as RFC 6960 section 3.2 has it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from easycert.pki.staples import judge_staple
from tests.pki.chainmaker import NOW, Made, Recipe, ca, name, server, shared_key

ROOT = ca()
OTHER = ca("other")
LEAF = server(ROOT)
NEIGHBOUR = server(ROOT)
HOUR = timedelta(hours=1)
GOOD, REVOKED = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED
LATER = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
RESPONDER = Recipe(name("responder"), extended=[ExtendedKeyUsageOID.OCSP_SIGNING], key=shared_key("ec256", 77))


def response(
    signer: Made = ROOT,
    *,
    about: Made = LEAF,
    issuer: Made = ROOT,
    status: ocsp.OCSPCertStatus = GOOD,
    begin: timedelta = -HOUR,
    end: timedelta = HOUR,
    included: tuple[Made, ...] = (),
) -> bytes:
    builder = ocsp.OCSPResponseBuilder().add_response(
        about.certificate,
        issuer.certificate,
        hashes.SHA1(),
        status,
        NOW + begin,
        NOW + end,
        NOW - HOUR if status is REVOKED else None,
        None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    if included:
        builder = builder.certificates([one.certificate for one in included])
    return builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def judged(data: bytes, issuer: Made | None = ROOT) -> tuple[str, str]:
    staple = judge_staple(data, LEAF.certificate, issuer and issuer.certificate, NOW)
    return staple.status, "; ".join(map(str, staple.reasons))


def test_a_response_of_the_ca_counts() -> None:
    assert judged(response()) == ("good", "")
    status, why = judged(response(status=REVOKED))
    assert status == "revoked"
    assert why.startswith("was revoked since 2026-06-01T11:00:00Z, says the OCSP response")


def test_a_response_of_whom_the_ca_delegated_that_to_counts() -> None:
    delegate = RESPONDER.make(ROOT)
    assert judged(response(delegate, included=(delegate,))) == ("good", "")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (response(OTHER), "its CA did not sign"),
        (response(NEIGHBOUR, included=(NEIGHBOUR,)), "its CA did not sign"),  # of the CA, but not for OCSP
        (response(RESPONDER.make(OTHER), included=(RESPONDER.make(OTHER),)), "its CA did not sign"),
        (response(about=NEIGHBOUR), "about another certificate"),
        (response(OTHER, issuer=OTHER), "of another CA"),
        (response(end=-HOUR / 2), "ended on 2026-06-01T11:30:00Z"),
        (response(begin=HOUR / 2), "begins on 2026-06-01T12:30:00Z"),
        (LATER.public_bytes(serialization.Encoding.DER), "is an error (try later)"),
        (b"", "cannot be decoded"),
    ],
)
def test_any_other_does_not(data: bytes, why: str) -> None:
    assert why in judged(data)[1]


def test_a_revocation_that_its_ca_did_not_sign_is_none() -> None:
    assert "was revoked" not in judged(response(OTHER, status=REVOKED))[1]


@given(st.binary(max_size=60), st.integers(0, 200))
def test_whatever_is_stapled_is_judged(data: bytes, cut: int) -> None:
    assert judged(data)[1]
    assert judged(response()[:cut])[1]
