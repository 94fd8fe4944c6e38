"""Verification of certificates: RFC 5280 section 6, one broken rule at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from easycert.errors import InvalidSan, VerificationFailed
from easycert.pki.verify import Policy, Purpose, Verified, verify
from tests.pki import foreign
from tests.pki.chainmaker import DAY, NOW, Made, ca, corrupted, crl, name, resigned, server, shared_key, usage

ROOT = ca()
LOWER = ca("lower", ROOT)
LEAF = server(LOWER)
OID = x509.ObjectIdentifier


def judged(leaf: Made, *above: Made, **policy: Any) -> Verified:
    """Verify *leaf*; the last of *above* is the anchor, the others are intermediates."""
    *intermediates, anchor = (made.certificate for made in above)
    base = Policy((anchor,), NOW, tuple(intermediates))
    return verify(leaf.certificate, base._replace(**policy))


def reasons(leaf: Made, *above: Made, **policy: Any) -> tuple[str, ...]:
    with pytest.raises(VerificationFailed) as failed:
        judged(leaf, *above, **policy)
    return tuple(map(str, failed.value.reasons))


def notes(leaf: Made, *above: Made, **policy: Any) -> Sequence[str]:
    return [note for note in judged(leaf, *above, **policy).notes if "revocation not checked" not in note]


# --- good ones -------------------------------------------------------------------------------------------------------


def test_a_good_certificate_comes_back_with_its_path() -> None:
    found = judged(LEAF, LOWER, ROOT, purpose=Purpose.SERVER, hostname="www.example.com")
    assert found.path == (LEAF.certificate, LOWER.certificate, ROOT.certificate)


def test_a_sound_path_with_crls_leaves_nothing_to_note() -> None:
    crls = (crl(ROOT), crl(LOWER))
    assert judged(LEAF, LOWER, ROOT, purpose=Purpose.SERVER, hostname="www.example.com", crls=crls).notes == ()


@pytest.mark.parametrize("kind", ["ec384", "rsa2048", "ed25519", "ed448", "mldsa65"])
def test_authorities_with_every_kind_of_key_work(kind: str) -> None:
    root = ca(key=shared_key(kind))
    assert judged(server(root), root, purpose=Purpose.SERVER)


def test_a_certificate_of_synapse_is_accepted_and_its_oddities_are_noted() -> None:
    """Synapse's CAs have no key usage or key identifiers, and basicConstraints that are not critical."""
    root = ca(key_usage=None, key_ids=False, basic_critical=False)
    leaf = server(root, key_usage=None, key_ids=False)
    assert notes(leaf, root, purpose=Purpose.SERVER, hostname="www.example.com") == [
        "its CA 'CN=root' lacks what RFC 5280 asks of a CA: critical basicConstraints [4.2.1.9], keyUsage [4.2.1.3], "
        "subjectKeyIdentifier [4.2.1.2]",
    ]


def test_a_small_rsa_exponent_is_noted() -> None:
    leaf = server(ROOT, key=shared_key("rsa_e3"))
    assert notes(leaf, ROOT) == ["the certificate has the small RSA exponent 3 [CA/B Forum BR 6.1.6]"]


def test_a_leaf_that_is_an_anchor_is_trusted_as_it_stands() -> None:
    leaf = server(None)
    assert judged(leaf, leaf, purpose=Purpose.SERVER).path == (leaf.certificate,)


def test_a_leaf_that_is_an_anchor_still_expires() -> None:
    leaf = server(None, not_after=NOW - DAY)
    assert reasons(leaf, leaf) == ("expired on 2026-05-31T12:00:00Z [RFC 5280 6.1.3 (a)(2)]",)


def test_the_second_of_its_last_instant_still_counts() -> None:
    leaf = server(ROOT, not_after=NOW)
    assert judged(leaf, ROOT, at=NOW + timedelta(microseconds=999_999))


def test_a_good_path_is_found_behind_a_bad_shorter_one() -> None:
    new = ca("new", not_after=NOW - DAY)
    old = ca("old")
    cross = ca("new", old, key=new.key)
    leaf = server(new)
    policy = Policy((new.certificate, old.certificate), NOW, (cross.certificate,))
    assert verify(leaf.certificate, policy).path == (leaf.certificate, cross.certificate, old.certificate)


def test_ten_thousand_look_alikes_do_not_hide_the_issuer() -> None:
    key = shared_key("ec256", 5)
    look_alike = ca("lower", key=key)
    assert judged(LEAF, *[look_alike] * 10_000, LOWER, ROOT)


# --- signatures and the way to an anchor -----------------------------------------------------------------------------


def test_a_stranger_is_told_which_issuer_is_missing() -> None:
    assert reasons(LEAF, ROOT) == ("has the issuer 'CN=lower', of which no certificate was given [RFC 5280 6.1.3 (a)]",)


def test_a_broken_signature_is_told() -> None:
    leaf = Made(corrupted(server(ROOT).certificate), None, name("x"))
    assert reasons(leaf, ROOT) == (
        "has a signature that the key of its issuer 'CN=root' does not verify [RFC 5280 6.1.3 (a)]",
    )


def test_a_self_signed_leaf_is_told_as_such() -> None:
    assert reasons(server(None), ROOT) == ("is self-signed and not a trust anchor [RFC 5280 6.1.3 (a)]",)


def test_a_root_that_is_not_an_anchor_is_told_as_such() -> None:
    assert reasons(LEAF, LOWER, ROOT, ca("other")) == (
        "its CA 'CN=root' is self-signed and not a trust anchor [RFC 5280 6.1.3 (a)]",
    )


def test_a_path_that_is_too_long_is_told_as_such() -> None:
    assert reasons(LEAF, LOWER, ROOT, max_depth=0) == ("is more than 0 CAs away from a trust anchor [RFC 5280 6.1]",)


def test_without_an_anchor_the_other_faults_are_told_too() -> None:
    leaf = server(LOWER, not_after=NOW - DAY)
    found = reasons(leaf, ROOT, hostname="other.test")
    assert [reason.partition(" ")[0] for reason in found] == ["has", "does", "expired"]


# --- each rule -------------------------------------------------------------------------------------------------------


def test_every_broken_rule_is_told_at_once() -> None:
    root = ca(not_after=NOW - DAY)
    leaf = server(root, not_before=NOW + DAY, extended=[Usage.CLIENT_AUTH])
    assert reasons(leaf, root, purpose=Purpose.SERVER, hostname="other.test", require_crl=True) == (
        "does not name other.test, only www.example.com [RFC 9525 6]",
        "is not valid before 2026-06-02T12:00:00Z [RFC 5280 6.1.3 (a)(2)]",
        "has an extended key usage without serverAuth [RFC 5280 4.2.1.12]",
        "its CA 'CN=root' expired on 2026-05-31T12:00:00Z [RFC 5280 6.1.3 (a)(2)]",
        "has the status unknown (no CRL of 'CN=root') [RFC 5280 6.3]",
    )


def permitted(*bases: str) -> x509.NameConstraints:
    return x509.NameConstraints([x509.DNSName(base) for base in bases], None)


def middle(**changes: Any) -> tuple[Made, Made, Made]:
    """Return a server certificate, its CA with *changes*, and the root."""
    lower = ca("lower", ROOT, **changes)
    return server(lower), lower, ROOT


def leaf_with(**changes: Any) -> tuple[Made, Made]:
    return server(ROOT, **changes), ROOT


def root_with(**changes: Any) -> tuple[Made, Made]:
    root = ca(**changes)
    return server(root), root


def below(lower: Made, *above: Made) -> tuple[Made, ...]:
    return server(lower), lower, *above


PATH_LENGTH_ROOT = ca(path_length=0)
CLIENT_ROOT = ca(extended=[Usage.CLIENT_AUTH])
LIMITED_ROOT = ca(constraints=permitted("example.com"))
UNKNOWN = (x509.UnrecognizedExtension(OID("1.2.3.4"), b"\5\0"), True)
POLICY_CONSTRAINTS = (x509.PolicyConstraints(0, None), True)
BROKEN = (x509.UnrecognizedExtension(OID("2.5.29.17"), b"\5\0"), False)

BAD: list[tuple[str, tuple[Made, ...], Purpose]] = [
    ("expired on", leaf_with(not_after=NOW - DAY), Purpose.ANY),
    ("is not valid before", leaf_with(not_before=NOW + DAY), Purpose.ANY),
    ("its CA 'CN=lower' expired on", middle(not_after=NOW - DAY), Purpose.ANY),
    ("its CA 'CN=root' expired on", root_with(not_after=NOW - DAY), Purpose.ANY),
    ("its CA 'CN=lower' has no basicConstraints", middle(ca=None), Purpose.ANY),
    ("its CA 'CN=lower' is not a CA: its basicConstraints say CA:FALSE", middle(ca=False), Purpose.ANY),
    ("is not a CA: its basicConstraints say CA:FALSE", leaf_with(key_usage=None), Purpose.CA),
    ("its CA 'CN=lower' may not sign certificates", middle(key_usage=usage("digital_signature")), Purpose.ANY),
    ("its CA 'CN=root' may not sign certificates", root_with(key_usage=usage("crl_sign")), Purpose.ANY),
    ("its CA 'CN=root' allows 0 CAs below it", below(ca("lower", PATH_LENGTH_ROOT), PATH_LENGTH_ROOT), Purpose.ANY),
    ("its CA 'CN=root' allows 0 CAs below it", (ca("lower", PATH_LENGTH_ROOT), PATH_LENGTH_ROOT), Purpose.CA),
    ("has the critical extension 1.2.3.4, not understood", leaf_with(more=[UNKNOWN]), Purpose.ANY),
    ("its CA 'CN=lower' has the critical extension 1.2.3.4,", middle(more=[UNKNOWN]), Purpose.ANY),
    ("has no certificate policy that goes through", middle(more=[POLICY_CONSTRAINTS]), Purpose.ANY),
    ("has extensions that cannot be read (ValueError", leaf_with(names=(), more=[BROKEN]), Purpose.ANY),
    ("its CA 'CN=lower' has extensions that cannot be read (ValueError", middle(more=[BROKEN]), Purpose.ANY),
    ("its CA 'CN=lower' has name constraints that forbid", middle(constraints=permitted("other.test")), Purpose.ANY),
    ("its CA 'CN=root' has name constraints that forbid", root_with(constraints=permitted("other.test")), Purpose.ANY),
    ("is a CA certificate, not one for servers", leaf_with(ca=True), Purpose.SERVER),
    ("is a CA certificate, not one for code signers", leaf_with(ca=True, extended=[Usage.CODE_SIGNING]), Purpose.CODE),
    (
        "has a keyUsage without digitalSignature or keyEncipherment or keyAgreement, which servers",
        leaf_with(key_usage=usage("data_encipherment")),
        Purpose.SERVER,
    ),
    ("has an extended key usage without clientAuth", leaf_with(), Purpose.CLIENT),
    ("has an extended key usage without codeSigning", leaf_with(), Purpose.CODE),
    ("has no extended key usage, which code signers need", leaf_with(extended=()), Purpose.CODE),
    (
        "its CA 'CN=root' has an extended key usage without serverAuth",
        (server(CLIENT_ROOT), CLIENT_ROOT),
        Purpose.SERVER,
    ),
    ("has a key that is not good enough: RSA of 1024 bits", leaf_with(key=shared_key("rsa1024")), Purpose.ANY),
    ("has a key that is not good enough: the curve secp256k1", leaf_with(key=shared_key("k256")), Purpose.ANY),
    ("its CA 'CN=lower' has a key that is not good enough", middle(key=shared_key("k256")), Purpose.ANY),
    ("its CA 'CN=root' has a key that is not good enough", root_with(key=shared_key("k256")), Purpose.ANY),
]


@pytest.mark.parametrize(("start", "path", "purpose"), BAD, ids=[f"{case[0]} {case[2].value}" for case in BAD])
def test_a_path_that_breaks_one_rule_fails_for_that_reason_alone(
    start: str, path: tuple[Made, ...], purpose: Purpose
) -> None:
    found = reasons(*path, purpose=purpose)
    assert [reason.startswith(start) for reason in found] == [True]


@pytest.mark.parametrize("path", [case[1] for case in BAD], ids=[case[0] for case in BAD])
@pytest.mark.parametrize("purpose", Purpose)
def test_every_reason_ends_with_its_source(path: tuple[Made, ...], purpose: Purpose) -> None:
    try:
        judged(*path, purpose=purpose, hostname="other.test", email="x@other.test")
    except VerificationFailed as failed:
        assert all(str(reason).endswith("]") and " [" in str(reason) for reason in failed.reasons)


ROLLED = ca("root", ROOT)
CONSTRAINED = ca("lower", LIMITED_ROOT)
ANY_USE = ca(extended=[Usage.ANY_EXTENDED_KEY_USAGE])
POLICIES = (x509.CertificatePolicies([x509.PolicyInformation(OID("1.2.3"), None)]), True)

GOOD: list[tuple[str, tuple[Made, ...], Purpose]] = [
    ("path length 0 allows a leaf", (server(PATH_LENGTH_ROOT), PATH_LENGTH_ROOT), Purpose.SERVER),
    ("a CA leaf is no intermediate", (ca("lower", PATH_LENGTH_ROOT), PATH_LENGTH_ROOT), Purpose.ANY),
    ("a self-issued CA uses up no path length", below(ca("root", PATH_LENGTH_ROOT), PATH_LENGTH_ROOT), Purpose.ANY),
    ("a self-issued CA is the root's own", below(ROLLED, ROOT), Purpose.SERVER),
    ("permitted names", below(CONSTRAINED, LIMITED_ROOT), Purpose.SERVER),
    ("anyExtendedKeyUsage in the CA", (server(ANY_USE), ANY_USE), Purpose.SERVER),
    ("anyExtendedKeyUsage in the leaf", leaf_with(extended=[Usage.ANY_EXTENDED_KEY_USAGE]), Purpose.SERVER),
    ("no extended key usage in the leaf", leaf_with(extended=()), Purpose.CLIENT),
    ("no key usage in the leaf", leaf_with(key_usage=None), Purpose.SERVER),
    ("critical certificate policies", leaf_with(more=[POLICIES]), Purpose.SERVER),
    ("an unknown extension that is not critical", leaf_with(more=[(UNKNOWN[0], False)]), Purpose.SERVER),
    ("a CA as a CA", (LOWER, ROOT), Purpose.CA),
    ("a root as a CA", (ROOT, ROOT), Purpose.CA),
    ("an empty subject", leaf_with(subject=name(None)), Purpose.SERVER),
]


@pytest.mark.parametrize(("path", "purpose"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
def test_a_path_that_keeps_the_rules_is_good(path: tuple[Made, ...], purpose: Purpose) -> None:
    assert judged(*path, purpose=purpose)


def test_name_constraints_hold_for_the_subject_of_an_intermediate() -> None:
    constraints = x509.NameConstraints(None, [x509.DirectoryName(name("lower"))])
    root = ca(constraints=constraints)
    lower = ca("lower", root)
    assert reasons(server(lower), lower, root) == (
        "its CA 'CN=root' has name constraints that forbid this: dirName:CN=lower is inside the excluded "
        "dirName:CN=lower (in 'CN=lower') [RFC 5280 6.1.3 (b), (c)]",
    )


def test_name_constraints_do_not_hold_for_a_self_issued_intermediate() -> None:
    root = ca(constraints=x509.NameConstraints(None, [x509.DirectoryName(name("root"))]))
    rolled = ca("root", root)
    assert judged(server(rolled), rolled, root)


def test_name_constraints_hold_for_a_self_issued_leaf() -> None:
    root = ca(constraints=permitted("example.com"))
    leaf = server(root, "evil.test", subject=name("root"))
    assert "DNS:evil.test is outside the permitted DNS:example.com" in reasons(leaf, root)[0]


def test_every_authority_of_the_path_constrains_names() -> None:
    lower = ca("lower", LIMITED_ROOT, constraints=permitted("other.test"))
    found = reasons(server(lower), lower, LIMITED_ROOT)
    assert found[0].startswith("its CA 'CN=lower' has name constraints")


def test_a_duplicate_extension_is_a_reason() -> None:
    """cryptography raises DuplicateExtension, which is no ValueError, and only when the extensions are asked for."""
    root = ca(key=shared_key("ed25519"))
    twice = [(x509.UnrecognizedExtension(OID(f"1.2.3.{last}"), b"\5\0"), False) for last in (4, 5)]
    leaf = resigned(server(root, more=twice), root, b"\x06\x03\x2a\x03\x05", b"\x06\x03\x2a\x03\x04")
    assert reasons(leaf, root)[0].startswith("has extensions that cannot be read (DuplicateExtension")


def test_a_subject_that_cannot_be_decoded_is_a_reason() -> None:
    root = ca(key=shared_key("ed25519"))
    leaf = resigned(server(root, subject=name("broken")), root, b"\x0c\x06broken", b"\x0c\x06brok\xff\xff")
    assert reasons(leaf, root) == ("has a subject that cannot be read [RFC 5280 4.1.2.6]",)


def test_an_issuer_that_cannot_be_decoded_is_told() -> None:
    root = ca("broken", key=shared_key("ed25519"))
    leaf = resigned(server(root), root, b"\x0c\x06broken", b"\x0c\x06brok\xff\xff")
    assert reasons(leaf, root) == (
        "has the issuer '(unreadable)', of which no certificate was given [RFC 5280 6.1.3 (a)]",
    )


def test_a_key_of_unknown_type_is_a_reason() -> None:
    root = ca(key=shared_key("ed25519"))
    leaf = resigned(server(root, key=shared_key("ed448")), root, b"\x06\x03\x2b\x65\x71", b"\x06\x03\x2b\x65\x7f")
    [reason] = reasons(leaf, root)
    assert reason.startswith("cannot be decoded (UnsupportedAlgorithm")


def test_a_version_1_certificate_is_no_authority() -> None:
    policy = Policy((foreign.V1_ROOT,), foreign.WHEN)
    with pytest.raises(VerificationFailed) as failed:
        verify(foreign.V1_LEAF, policy)
    assert tuple(map(str, failed.value.reasons)) == (
        "its CA 'CN=root' is an X.509 version 1 certificate, which cannot be a CA's [RFC 5280 6.1.4 (k)]",
    )


def test_a_sha1_signature_is_told_as_such() -> None:
    with pytest.raises(VerificationFailed) as failed:
        verify(foreign.SHA1_LEAF, Policy((foreign.SHA1_ROOT,), foreign.WHEN))
    assert "is signed with SHA1, which can be forged [CA/B Forum BR 7.1.3.2]" in map(str, failed.value.reasons)


# --- names -----------------------------------------------------------------------------------------------------------


def test_a_common_name_does_not_name_a_host() -> None:
    [reason] = reasons(server(ROOT, subject=name("www.example.com"), names=()), ROOT, hostname="www.example.com")
    assert reason.startswith("has no subject alternative name, so it does not name www.example.com")


def test_a_server_whose_name_is_not_asked_for_gets_a_note() -> None:
    assert notes(LEAF, LOWER, ROOT, purpose=Purpose.SERVER) == ["name not checked: no host name was given"]


def test_an_address_is_verified_as_an_address() -> None:
    assert judged(server(ROOT, "10.0.0.1"), ROOT, hostname="10.0.0.1")


def test_a_mailbox_is_verified() -> None:
    assert judged(server(ROOT, "bob@example.com"), ROOT, email="bob@EXAMPLE.com")


def test_another_mailbox_fails() -> None:
    assert reasons(server(ROOT, "bob@example.com"), ROOT, email="eve@example.com") == (
        "does not name eve@example.com, only bob@example.com [RFC 8550 3]",
    )


def test_a_host_that_is_none_is_the_callers_mistake() -> None:
    with pytest.raises(InvalidSan):
        judged(LEAF, LOWER, ROOT, hostname="a b")


def test_the_error_names_the_subject() -> None:
    with pytest.raises(VerificationFailed, match=r"^CN=www\.example\.com does not verify: is self-signed"):
        judged(server(None), ROOT)
