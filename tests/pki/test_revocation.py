"""Revocation by CRL: RFC 5280 section 6.3."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from easycert.errors import VerificationFailed
from easycert.pki.crl_scope import read_once
from easycert.pki.verify import Policy, Verified, verify
from tests.pki.chainmaker import DAY, NOW, Made, ca, crl, server, shared_key, usage

ROOT = ca()
LOWER = ca("lower", ROOT)
LEAF = server(LOWER)
ROOT_CRL = crl(ROOT)


def reasons(*crls: x509.CertificateRevocationList, **policy: object) -> tuple[str, ...]:
    try:
        judged(*crls, **policy)
    except VerificationFailed as failed:
        return tuple(map(str, failed.reasons))
    return ()


def notes(*crls: x509.CertificateRevocationList, **policy: object) -> tuple[str, ...]:
    return judged(*crls, **policy).notes


def judged(*crls: x509.CertificateRevocationList, leaf: Made = LEAF, lower: Made = LOWER, **policy: object) -> Verified:
    """Return the verdict, which is the same when the CRLs were read before, for many certificates."""
    base = Policy((ROOT.certificate,), NOW, (lower.certificate,), crls=crls)._replace(**policy)
    kept = base._replace(crls=read_once(crls))
    first, *others = (verdict(leaf.certificate, each) for each in (base, kept, kept))
    assert others == [first, first]
    return verify(leaf.certificate, base)


def verdict(leaf: x509.Certificate, policy: Policy) -> tuple[object, ...]:
    try:
        return verify(leaf, policy)
    except VerificationFailed as failed:
        return failed.reasons


def test_fresh_crls_that_do_not_list_it_leave_nothing_to_say() -> None:
    assert notes(ROOT_CRL, crl(LOWER), require_crl=True) == ()


def test_a_revoked_leaf_fails_with_date_and_reason() -> None:
    assert reasons(ROOT_CRL, crl(LOWER, LEAF.certificate)) == (
        "was revoked on 2026-05-31T12:00:00Z (keyCompromise) [RFC 5280 6.3.3 (i)]",
    )


def test_an_entry_without_a_reason_is_unspecified() -> None:
    [reason] = reasons(ROOT_CRL, crl(LOWER, LEAF.certificate, reason=None))
    assert "(unspecified)" in reason


def test_a_revoked_intermediate_fails_what_it_issued() -> None:
    assert reasons(crl(ROOT, LOWER.certificate), crl(LOWER)) == (
        "its CA 'CN=lower' was revoked on 2026-05-31T12:00:00Z (keyCompromise) [RFC 5280 6.3.3 (i)]",
    )


def test_an_entry_whose_reason_cannot_be_read_still_revokes() -> None:
    lower = ca("lower", ROOT, key=shared_key("ed25519"))
    leaf = server(lower)
    listed = crl(lower, leaf.certificate)
    body = listed.tbs_certlist_bytes
    changed = body.replace(b"\x0a\x01\x01", b"\x0a\x01\x63")  # a CRLReason of 99
    der = listed.public_bytes(serialization.Encoding.DER).replace(body, changed)
    unreadable = x509.load_der_x509_crl(der[:-64] + lower.key.sign(changed))
    [reason] = reasons(ROOT_CRL, unreadable, leaf=leaf, lower=lower)
    assert "(unreadable reason)" in reason


def test_a_missing_crl_is_a_note() -> None:
    assert notes(ROOT_CRL) == ("no CRL of 'CN=lower': revocation not checked",)


def test_a_missing_crl_is_a_reason_where_crls_are_required() -> None:
    assert reasons(ROOT_CRL, require_crl=True) == ("has the status unknown (no CRL of 'CN=lower') [RFC 5280 6.3]",)


STALE = crl(LOWER, this_update=NOW - 3 * DAY, next_update=NOW - DAY)


def test_a_stale_crl_is_a_note() -> None:
    assert notes(ROOT_CRL, STALE) == (
        "status unknown (CRL of 'CN=lower' stale since 2026-05-31T12:00:00Z) [RFC 5280 6.3]",
    )


def test_a_stale_crl_is_a_reason_where_crls_are_required() -> None:
    assert reasons(ROOT_CRL, STALE, require_crl=True) == (
        "has the status unknown (CRL of 'CN=lower' stale since 2026-05-31T12:00:00Z) [RFC 5280 6.3]",
    )


def test_a_stale_crl_still_revokes() -> None:
    stale = crl(LOWER, LEAF.certificate, this_update=NOW - 3 * DAY, next_update=NOW - DAY)
    assert len(reasons(ROOT_CRL, stale)) == 1


def test_the_newest_crl_decides() -> None:
    """A certificate on hold may be released again."""
    hold = crl(LOWER, LEAF.certificate, this_update=NOW - 3 * DAY, reason=x509.ReasonFlags.certificate_hold)
    assert reasons(ROOT_CRL, hold, crl(LOWER)) == ()


def test_a_crl_from_the_future_says_nothing_about_what_it_does_not_list() -> None:
    future = crl(LOWER, this_update=NOW + DAY / 2)
    assert notes(ROOT_CRL, future) == (
        "status unknown (CRL of 'CN=lower' not valid before 2026-06-02T00:00:00Z) [RFC 5280 6.3]",
    )


def test_a_crl_from_the_future_revokes_what_was_revoked_by_now() -> None:
    assert len(reasons(ROOT_CRL, crl(LOWER, LEAF.certificate, this_update=NOW + DAY / 2))) == 1


def test_a_certificate_that_was_revoked_later_was_good() -> None:
    later = crl(LOWER, LEAF.certificate, this_update=NOW + DAY / 2, revoked_at=NOW + DAY / 4)
    assert reasons(ROOT_CRL, later) == ()


def test_the_crl_in_force_is_preferred_to_one_from_the_future() -> None:
    assert notes(ROOT_CRL, crl(LOWER, this_update=NOW + DAY / 2), crl(LOWER)) == ()


def ignored() -> Iterator[tuple[str, x509.CertificateRevocationList, str]]:
    other = shared_key("ec256", 7)
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")
    listed = LEAF.certificate
    yield "bad signature", crl(LOWER, listed, key=other, key_ids=False), "has a signature that was not made by"
    yield "other key", crl(LOWER, listed, key=other), "is of another key"
    yield "beyond us", crl(LOWER, more=[(unknown, True)]), "has a critical extension"


@pytest.mark.parametrize(("crl", "why"), [case[1:] for case in ignored()], ids=[case[0] for case in ignored()])
def test_a_crl_that_is_not_the_authoritys_own_is_ignored_with_the_reason(
    crl: x509.CertificateRevocationList, why: str
) -> None:
    found = notes(ROOT_CRL, crl)
    assert found[0].startswith(f"a CRL of 'CN=lower' was ignored: it {why}")
    assert found[1] == "no CRL of 'CN=lower': revocation not checked"


def test_a_crl_of_a_stranger_is_not_worth_a_word() -> None:
    assert notes(ROOT_CRL, crl(LOWER), crl(ca("stranger"))) == ()


def test_a_key_that_may_not_sign_crls_signs_none() -> None:
    lower = ca("lower", ROOT, key_usage=usage("key_cert_sign"))
    leaf = server(lower)
    found = notes(ROOT_CRL, crl(lower, leaf.certificate), leaf=leaf, lower=lower)
    assert found[0] == (
        "a CRL of 'CN=lower' was ignored: it was signed by a key whose keyUsage lacks cRLSign [RFC 5280 6.3.3 (f)]"
    )


def test_a_crl_without_key_identifiers_or_number_counts() -> None:
    """Synapse writes such CRLs."""
    assert len(reasons(ROOT_CRL, crl(LOWER, LEAF.certificate, key_ids=False))) == 1


def test_the_anchor_is_not_looked_up() -> None:
    assert reasons(crl(ROOT, ROOT.certificate), crl(LOWER)) == ()


@pytest.mark.parametrize("kind", ["ed25519", "ed448", "mldsa65"])
def test_crls_of_every_kind_of_key_are_read(kind: str) -> None:
    lower = ca("lower", ROOT, key=shared_key(kind))
    leaf = server(lower)
    assert len(reasons(ROOT_CRL, crl(lower, leaf.certificate), leaf=leaf, lower=lower)) == 1


def test_a_serial_number_with_the_high_bit_set_is_found() -> None:
    leaf = server(LOWER, serial=0xFF << 151)
    assert len(reasons(ROOT_CRL, crl(LOWER, leaf.certificate), leaf=leaf)) == 1
