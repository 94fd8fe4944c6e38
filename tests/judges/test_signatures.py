"""Every key type signs every other: 121 pairs, checked by cryptography; and its verifier judges whole chains."""

from __future__ import annotations

import ipaddress

import pytest
from cryptography import x509
from cryptography.x509 import verification

from easycert.model import Kind
from easycert.pki.keys import KeyType
from tests.judges.authority import EDWARDS, HOST, NOW, USER, Family, Made, Wish, family, make

#: cryptography's verifier takes no Ed25519 or Ed448 CA: BR 6.1.5 knows none.
WEB_KEYS = [key_type for key_type in KeyType if key_type not in EDWARDS]
#: RFC 8017 (sha256WithRSAEncryption), RFC 5758 section 3.2, RFC 8410 section 3, RFC 9881 section 2.
ALGORITHMS = {
    KeyType.RSA2048: "1.2.840.113549.1.1.11",
    KeyType.RSA3072: "1.2.840.113549.1.1.11",
    KeyType.RSA4096: "1.2.840.113549.1.1.11",
    KeyType.EC256: "1.2.840.10045.4.3.2",
    KeyType.EC384: "1.2.840.10045.4.3.3",
    KeyType.EC521: "1.2.840.10045.4.3.4",
    KeyType.ED25519: "1.3.101.112",
    KeyType.ED448: "1.3.101.113",
    KeyType.MLDSA44: "2.16.840.1.101.3.4.3.17",
    KeyType.MLDSA65: "2.16.840.1.101.3.4.3.18",
    KeyType.MLDSA87: "2.16.840.1.101.3.4.3.19",
}


@pytest.mark.parametrize("subject", KeyType)
@pytest.mark.parametrize("issuer", KeyType)
def test_D12_every_issuer_key_signs_every_subject_key(issuer: KeyType, subject: KeyType) -> None:
    root = family("modern", issuer).root
    leaf = make(Wish(Kind.HOST, HOST, key_type=subject), root).certificate
    leaf.verify_directly_issued_by(root.certificate)
    assert leaf.signature_algorithm_oid.dotted_string == ALGORITHMS[issuer]


def policy(kin: Family) -> verification.PolicyBuilder:
    return verification.PolicyBuilder().store(verification.Store([kin.root.certificate])).time(NOW)


def hierarchies() -> list[tuple[str, KeyType]]:
    return [*(("modern", key_type) for key_type in WEB_KEYS), ("synapse", KeyType.RSA4096)]


@pytest.mark.parametrize(("profile", "key_type"), hierarchies())
def test_the_server_verifier_takes_the_host_and_nothing_else(profile: str, key_type: KeyType) -> None:
    kin = family(profile, key_type)
    verifier = policy(kin).build_server_verifier(x509.DNSName(HOST))
    chain = verifier.verify(kin.host.certificate, [kin.intermediate.certificate])
    assert [item.subject for item in chain] == [
        made.certificate.subject for made in (kin.host, kin.intermediate, kin.root)
    ]
    for other in (kin.user, kin.code, kin.intermediate):
        with pytest.raises(verification.VerificationError):
            verifier.verify(other.certificate, [kin.intermediate.certificate])


def test_the_server_verifier_matches_addresses_and_wildcards() -> None:
    kin = family("modern", KeyType.EC256)
    for name in (
        x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
        x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
        x509.DNSName("x.apps.example.com"),
    ):
        assert policy(kin).build_server_verifier(name).verify(kin.host.certificate, [kin.intermediate.certificate])
    with pytest.raises(verification.VerificationError):
        policy(kin).build_server_verifier(x509.DNSName("example.com")).verify(
            kin.host.certificate, [kin.intermediate.certificate]
        )


@pytest.mark.parametrize("key_type", WEB_KEYS)
def test_the_client_verifier_takes_a_user_with_a_mailbox(key_type: KeyType) -> None:
    kin = family("modern", key_type)
    client = policy(kin).build_client_verifier().verify(kin.user.certificate, [kin.intermediate.certificate])
    assert client.subjects == [x509.RFC822Name(USER)]


def test_the_client_verifier_wants_a_SAN_that_plain_users_lack() -> None:
    """BR 7.1.2.7.12; easycert gives a user named `alice` none, and Synapse's users have none at all."""
    kin = family("modern", KeyType.EC256)
    plain = make(Wish(Kind.USER, "alice"), kin.root)
    with pytest.raises(verification.VerificationError, match=r"2\.5\.29\.17"):
        policy(kin).build_client_verifier().verify(plain.certificate, [])


@pytest.mark.parametrize("key_type", sorted(EDWARDS, key=str))
def test_the_web_knows_no_CA_on_an_Edwards_curve(key_type: KeyType) -> None:
    """Told by docs/standards.md: what browsers refuse, cryptography's verifier refuses, too."""
    kin = family("modern", key_type)
    with pytest.raises(verification.VerificationError):
        policy(kin).build_server_verifier(x509.DNSName(HOST)).verify(
            kin.host.certificate, [kin.intermediate.certificate]
        )


def test_a_chain_without_its_intermediate_does_not_verify() -> None:
    kin = family("modern", KeyType.EC256)
    with pytest.raises(verification.VerificationError):
        policy(kin).build_server_verifier(x509.DNSName(HOST)).verify(kin.host.certificate, [])


def test_a_host_directly_below_its_root_verifies() -> None:
    kin = family("modern", KeyType.EC256)
    host: Made = make(Wish(Kind.HOST, "direct.example.com"), kin.root)
    assert policy(kin).build_server_verifier(x509.DNSName("direct.example.com")).verify(host.certificate, [])
