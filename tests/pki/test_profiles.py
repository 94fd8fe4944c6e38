"""Profiles: the rule book of each kind, held against RFC 5280 and the Baseline Requirements it was taken from."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from easycert.errors import InvalidInput
from easycert.model import Kind
from easycert.pki.keys import KeyType
from easycert.pki.profiles import MODERN, SYNAPSE, Profile, Rules, profile_named

BOTH = [MODERN, SYNAPSE]
LEAVES = [Kind.HOST, Kind.USER, Kind.CODE]


def all_rules(profile: Profile) -> dict[str, Rules]:
    return {name: getattr(profile, name) for name in ("root", "intermediate", "host", "user", "code")}


@pytest.mark.parametrize("profile", BOTH)
def test_a_profile_is_found_by_its_name(profile: Profile) -> None:
    assert profile_named(profile.name) is profile


@pytest.mark.parametrize("name", ["", "Modern", "webpki", "\x1b[2J"])
def test_an_unknown_profile_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(InvalidInput, match="modern, synapse") as refusal:
        profile_named(name)
    assert str(refusal.value).isprintable()


def test_a_ca_is_a_root_or_an_intermediate_by_who_signs_it() -> None:
    assert MODERN.rules(Kind.CA, self_signed=True) is MODERN.root
    assert MODERN.rules(Kind.CA, self_signed=False) is MODERN.intermediate


@pytest.mark.parametrize("self_signed", [True, False])
def test_a_leaf_has_the_same_rules_whoever_signs_it(self_signed: bool) -> None:
    assert [MODERN.rules(kind, self_signed=self_signed) for kind in LEAVES] == [MODERN.host, MODERN.user, MODERN.code]


@pytest.mark.parametrize("profile", BOTH)
def test_a_ca_signs_certificates_and_crls_and_nothing_else(profile: Profile) -> None:
    """RFC 5280 section 4.2.1.3; BR 7.1.2.10.7: digitalSignature only where it signs OCSP responses."""
    for rules in (profile.root, profile.intermediate):
        assert rules.key_usage == {"key_cert_sign", "crl_sign"}
        assert rules.extended_key_usage == ()


@pytest.mark.parametrize("profile", BOTH)
def test_no_leaf_signs_certificates_or_crls(profile: Profile) -> None:
    for name in ("host", "user", "code"):
        assert not all_rules(profile)[name].key_usage & {"key_cert_sign", "crl_sign"}


@pytest.mark.parametrize("profile", BOTH)
def test_each_leaf_has_exactly_one_purpose(profile: Profile) -> None:
    """BR 7.1.2.7.10, C 7.1.2.3; never anyExtendedKeyUsage."""
    assert profile.host.extended_key_usage == (ExtendedKeyUsageOID.SERVER_AUTH,)
    assert profile.user.extended_key_usage == (ExtendedKeyUsageOID.CLIENT_AUTH,)
    assert profile.code.extended_key_usage == (ExtendedKeyUsageOID.CODE_SIGNING,)


@pytest.mark.parametrize("profile", BOTH)
def test_a_root_has_no_path_length(profile: Profile) -> None:
    """BR 7.1.2.1.4."""
    assert profile.root.path_length is None


def test_a_modern_intermediate_signs_leaves_only() -> None:
    assert MODERN.intermediate.path_length == 0


def test_synapse_knows_no_path_length() -> None:
    assert SYNAPSE.intermediate.path_length is None


@pytest.mark.parametrize(
    ("name", "lifetime"), [("root", 3650), ("intermediate", 1826), ("host", 397), ("user", 397), ("code", 460)]
)
def test_modern_lifetimes(name: str, lifetime: int) -> None:
    assert all_rules(MODERN)[name].lifetime.distance == timedelta(days=lifetime)


def test_everything_of_synapse_lasts_ten_years() -> None:
    assert {rules.lifetime.distance for rules in all_rules(SYNAPSE).values()} == {timedelta(days=3650)}


def test_synapse_gets_what_it_loads() -> None:
    """RSA-4096, PKCS#1, no critical extension but basicConstraints and EKU, CN only."""
    assert SYNAPSE.key_type is KeyType.RSA4096
    assert SYNAPSE.traditional_keys
    assert not SYNAPSE.key_usage_critical
    assert not SYNAPSE.names_beyond_cn


def test_synapse_leaves_carry_netscape_types_and_modern_ones_do_not() -> None:
    """A BIT STRING each, as Synapse's own tool writes them."""
    found = [all_rules(SYNAPSE)[name].netscape_cert_type for name in ("host", "user", "code", "root", "intermediate")]
    assert found == [bytes.fromhex("03020640"), bytes.fromhex("03020780"), bytes.fromhex("03020410"), None, None]
    assert {rules.netscape_cert_type for rules in all_rules(MODERN).values()} == {None}


@pytest.mark.parametrize("profile", BOTH)
def test_only_hosts_may_encipher_keys(profile: Profile) -> None:
    """BR 7.1.2.7.11: keyEncipherment for RSA servers; never for users, code signers or CAs."""
    for name in ("root", "intermediate", "user", "code"):
        rules = all_rules(profile)[name]
        assert not rules.rsa_key_encipherment
        assert "key_encipherment" not in rules.key_usage


def test_a_site_varies_a_profile_without_changing_it() -> None:
    site = MODERN._replace(host=MODERN.host._replace(key_usage=frozenset({"digital_signature", "key_agreement"})))
    assert "key_agreement" in site.rules(Kind.HOST, self_signed=False).key_usage
    assert "key_agreement" not in MODERN.host.key_usage
