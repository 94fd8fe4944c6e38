"""What a person wants to know: each fact of a certificate, key, request, CRL and PKCS#12 file, in the words of RFCs."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import EncryptedKey, Malformed
from easycert.model import Kind
from easycert.pki.describe import describe
from easycert.pki.describe.certificate import CertificateDescription, describe_certificate
from easycert.pki.formats.pem import StoredKey, StoredPkcs12, StoredPublicKey, identify
from easycert.pki.wording import even_hex, one_line, with_unicode
from tests.pki.chainmaker import DAY, NOW, Made, Recipe, ca, crl, name, sans, server, shared_key, usage

ROOT = ca(path_length=1)
ROOT_RSA = ca(key=shared_key("rsa2048"))
WWW = server(ROOT, "www.example.com", "10.0.0.1", "fd00::1")


def described(made: Made, **changes: Any) -> CertificateDescription:
    return describe_certificate(made.certificate, changes.pop("now", NOW), **changes)


def plain(common_name: str = "someone", **changes: Any) -> Made:
    return replace(Recipe(name(common_name)), **changes).make(ROOT)


def with_extension(extension: x509.ExtensionType, *, critical: bool = False) -> CertificateDescription:
    return described(plain(more=[(extension, critical)]))


# --- certificates


def test_subject_and_issuer_are_whole_names() -> None:
    assert (described(WWW).subject, described(WWW).issuer) == ("CN=www.example.com", "CN=root")


def test_the_serial_number_is_lower_case_hex_with_even_digits() -> None:
    shown = described(WWW).serial
    assert (int(shown, 16), len(shown) % 2, shown) == (WWW.certificate.serial_number, 0, shown.lower())


@pytest.mark.parametrize(("number", "shown"), [(0, "00"), (10, "0a"), (255, "ff"), (256, "0100"), (-10, "-0a")])
def test_hex_has_an_even_count_of_digits(number: int, shown: str) -> None:
    assert even_hex(number) == shown


def test_days_left_are_whole_days() -> None:
    assert described(WWW, now=WWW.certificate.not_valid_after_utc - 2.9 * DAY).days_left == 2


def test_days_left_are_negative_after_the_end() -> None:
    assert described(WWW, now=WWW.certificate.not_valid_after_utc + 0.1 * DAY).days_left == -1


@pytest.mark.parametrize(
    ("offset", "state"), [(-11, "not yet valid"), (-10, "valid"), (10, "valid"), (10.01, "expired")]
)
def test_the_state_counts_both_ends_as_valid(offset: float, state: str) -> None:
    assert described(WWW, now=NOW + offset * DAY).state == state


def test_names_carry_the_prefixes_of_openssl() -> None:
    assert described(WWW).sans == ("DNS:www.example.com", "IP:10.0.0.1", "IP:fd00::1")


def test_other_types_of_names_are_told_too() -> None:
    names = x509.SubjectAlternativeName(
        [
            x509.RFC822Name("a@example.com"),
            x509.UniformResourceIdentifier("urn:x"),
            x509.DirectoryName(name("someone")),
            x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
            x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), b"\x0c\x05j\xc3\xb6@x"),
            x509.OtherName(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
        ]
    )
    assert with_extension(names).sans == (
        "email:a@example.com",
        "URI:urn:x",
        "dirName:CN=someone",
        "RID:1.2.3",
        "email:jö@x",
        "otherName:1.2.3.4",
    )


def test_a_hostile_name_cannot_leave_its_line() -> None:
    assert with_extension(sans("a\nb\x1b[2J.example")).sans == ("DNS:a\\nb\\x1b[2J.example",)


def test_a_long_name_is_shown_whole() -> None:
    assert one_line("a" * 250 + "\n") == "a" * 250 + "\\n"


def test_a_label_has_its_u_label_beside_it() -> None:
    assert with_unicode("DNS:xn--bcher-kva.example") == "DNS:xn--bcher-kva.example (bücher.example)"


def test_an_ascii_name_stands_alone() -> None:
    assert with_unicode("DNS:www.example.com") == "DNS:www.example.com"


def test_key_usages_have_their_rfc_names() -> None:
    assert described(ROOT).key_usage == ("keyCertSign", "cRLSign")


def test_key_agreement_may_be_one_way() -> None:
    assert with_extension(usage("key_agreement", "encipher_only")).key_usage == ("keyAgreement", "encipherOnly")


def test_extended_key_usages_have_their_rfc_names() -> None:
    assert described(WWW).extended_key_usage == ("serverAuth",)


def test_an_unknown_extended_key_usage_is_its_number() -> None:
    assert with_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.2.3.4")])).extended_key_usage == ("1.2.3.4",)


def test_a_ca_says_how_many_may_stand_below_it() -> None:
    assert (described(ROOT).ca, described(ROOT).path_length) == (True, 1)


def test_name_constraints_are_told() -> None:
    constraints = x509.NameConstraints([x509.DNSName("example.com")], [x509.DNSName("secret.example.com")])
    told = with_extension(constraints, critical=True).name_constraints
    assert told is not None
    assert (told.permitted, told.excluded) == (("DNS:example.com",), ("DNS:secret.example.com",))


def test_the_authority_key_identifier_is_the_issuers_own() -> None:
    assert described(WWW).authority_key_identifier == described(ROOT).subject_key_identifier


def test_the_fingerprint_is_that_of_the_whole_certificate() -> None:
    assert described(WWW).sha256 == WWW.certificate.fingerprint(hashes.SHA256()).hex()


@pytest.mark.parametrize(
    ("kind", "told"), [("ec256", "ecdsa-with-SHA256"), ("ed25519", "ed25519"), ("mldsa65", "ML-DSA-65")]
)
def test_the_signature_algorithm_has_its_rfc_name(kind: str, told: str) -> None:
    assert described(server(None, key=shared_key(kind))).signature_algorithm == told


def test_urls_of_crl_ocsp_and_issuer_are_told() -> None:
    def at(url: str) -> x509.UniformResourceIdentifier:
        return x509.UniformResourceIdentifier(url)

    access = x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, at("http://o.example")),
            x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, at("http://i.example")),
        ]
    )
    points = x509.CRLDistributionPoints([x509.DistributionPoint([at("http://c.example")], None, None, None)])
    told = described(plain(more=[(access, False), (points, False)]))
    assert (told.crl_urls, told.ocsp_urls, told.issuer_urls) == (
        ("http://c.example",),
        ("http://o.example",),
        ("http://i.example",),
    )


def test_a_root_is_self_signed() -> None:
    assert described(ROOT).self_signed


def test_a_certificate_under_its_own_name_by_another_key_is_not_self_signed() -> None:
    assert not described(ca("root", ROOT)).self_signed


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"ca": True}, Kind.CA),
        ({"extended": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]}, Kind.HOST),
        ({"extended": [ExtendedKeyUsageOID.CLIENT_AUTH]}, Kind.USER),
        ({"extended": [ExtendedKeyUsageOID.CODE_SIGNING]}, Kind.CODE),
        ({"names": ["www.example.com"]}, Kind.HOST),
        ({"names": ["a@example.com"]}, Kind.USER),
        ({}, None),
    ],
)
def test_the_kind_is_guessed(changes: dict[str, Any], kind: Kind | None) -> None:
    assert described(plain(**changes)).kind is kind


def test_a_known_kind_is_not_guessed() -> None:
    assert described(WWW, kind=Kind.USER).kind is Kind.USER


# --- warnings


def test_a_sound_certificate_has_no_warning() -> None:
    assert described(WWW).warnings == described(ROOT).warnings == ()


@pytest.mark.parametrize(
    ("made", "warning"),
    [
        (server(ROOT, key=shared_key("rsa1024")), "RSA of 1024 bits"),
        (server(ROOT, key=shared_key("rsa_e3")), "RSA exponent 3"),
        (server(ROOT, key=shared_key("k256")), "curve secp256k1"),
        (server(ROOT, names=()), "no DNS or IP subject alternative name"),
        (server(ROOT, subject=name("other.example")), "CN other.example is not among"),
        (server(ROOT, "xn--pple-43d.example"), "mixes scripts"),
        (ca(key_usage=usage("crl_sign")), "lacks keyCertSign"),
        (ca(basic_critical=False), "not critical"),
        (
            plain(more=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)]),
            "unknown critical extension, 1.2.3.4",
        ),
    ],
)
def test_what_is_odd_is_said(made: Made, warning: str) -> None:
    (said,) = described(made).warnings
    assert warning in said


def test_a_broken_hash_is_said() -> None:
    sha256_with_rsa, sha1_with_rsa = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    der = server(ROOT_RSA).certificate.public_bytes(serialization.Encoding.DER)  # cryptography signs with SHA-1 no more
    old = x509.load_der_x509_certificate(der.replace(sha256_with_rsa, sha1_with_rsa))
    assert describe_certificate(old, NOW).warnings == ("it is signed with SHA1, which is broken",)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_whatever_can_be_decoded_can_be_described_on_one_line(position: int, octet: int) -> None:
    damaged = bytearray(WWW.certificate.public_bytes(serialization.Encoding.DER))
    damaged[position % len(damaged)] = octet
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cryptography's own, on serial numbers that are not positive
            (item,) = identify(bytes(damaged), "file").items
            told: Any = describe(item, NOW, "file")
    except Malformed:
        return
    assert all(text.isprintable() for text in (told.subject, told.issuer, *told.sans, *told.warnings))


# --- keys


def test_a_private_key_is_known_by_the_hash_of_its_public_half() -> None:
    private, public = shared_key("ec256"), shared_key("ec256").public_key()
    one = describe(StoredKey(private, "PKCS#8", False), NOW, "file")
    other = describe(StoredPublicKey(public), NOW, "file")
    assert one.sha256 == other.sha256  # type: ignore[union-attr]


def test_nothing_of_the_private_number_is_described() -> None:
    private = shared_key("ec256")
    shown = repr(describe(StoredKey(private, "PKCS#8", False), NOW, "file"))
    assert f"{private.private_numbers().private_value:x}" not in shown


def test_an_encrypted_key_keeps_its_type_to_itself() -> None:
    told: Any = describe(StoredKey(None, "PKCS#8", True), NOW, "file")
    assert (told.encrypted, told.key_type, told.sha256) == (True, None, None)


def test_a_weak_key_is_said_to_be_weak() -> None:
    told = describe(StoredKey(shared_key("rsa1024"), "PKCS#1", False), NOW, "file")
    assert "RSA of 1024 bits" in told.warnings[0]


# --- signing requests


def request(**changes: Any) -> x509.CertificateSigningRequest:
    builder = x509.CertificateSigningRequestBuilder().subject_name(name("asker"))
    for extension in changes.get("extensions", ()):
        builder = builder.add_extension(extension, critical=False)
    builder = builder.add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, b"tell-no-one")
    return builder.sign(shared_key("ec256"), hashes.SHA256())


def test_a_request_tells_the_names_that_it_asks_for() -> None:
    told: Any = describe(request(extensions=[sans("www.example.com")]), NOW, "file")
    assert (told.subject, told.sans) == ("CN=asker", ("DNS:www.example.com",))


def test_a_request_tells_which_extensions_it_asks_for() -> None:
    told: Any = describe(request(extensions=[x509.BasicConstraints(True, 0), usage("key_cert_sign")]), NOW, "file")
    assert (told.ca, told.key_usage, told.extensions) == (True, ("keyCertSign",), ("basicConstraints", "keyUsage"))


def test_a_request_with_a_good_signature_says_so() -> None:
    told: Any = describe(request(), NOW, "file")
    assert (told.signature_ok, told.warnings) == (True, ())


def test_a_request_with_a_bad_signature_proves_nothing() -> None:
    der = bytearray(request().public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    told: Any = describe(x509.load_der_x509_csr(bytes(der)), NOW, "file")
    assert (told.signature_ok, told.warnings[0][:22]) == (False, "its signature is wrong")


def test_the_challenge_password_is_never_told() -> None:
    assert "tell-no-one" not in repr(describe(request(), NOW, "file"))


# --- CRLs


def test_a_crl_tells_number_and_issuer() -> None:
    told: Any = describe(crl(ROOT, more=[(x509.CRLNumber(7), False)]), NOW, "file")
    assert (told.number, told.issuer) == (7, "CN=root")


def test_a_crl_without_a_number_says_none() -> None:
    told: Any = describe(crl(ROOT), NOW, "file")
    assert told.number is None


def test_a_crl_tells_who_was_revoked_when_and_why() -> None:
    told: Any = describe(crl(ROOT, WWW.certificate), NOW, "file")
    (entry,) = told.revoked
    assert (entry.serial, entry.date, entry.reason) == (described(WWW).serial, NOW - DAY, "keyCompromise")


def test_an_unspecified_reason_is_none() -> None:
    told: Any = describe(crl(ROOT, WWW.certificate, reason=None), NOW, "file")
    assert told.revoked[0].reason is None


@pytest.mark.parametrize(("offset", "state"), [(-2, "not yet valid"), (0, "current"), (2, "stale")])
def test_a_crl_tells_whether_it_is_current(offset: int, state: str) -> None:
    told: Any = describe(crl(ROOT), NOW + offset * DAY, "file")
    assert told.state == state


# --- PKCS#12


def bundle(encryption: serialization.KeySerializationEncryption) -> StoredPkcs12:
    return StoredPkcs12(
        pkcs12.serialize_key_and_certificates(b"m\xc3\xa9", WWW.key, WWW.certificate, [ROOT.certificate], encryption)
    )


LOCKED = serialization.BestAvailableEncryption(b"secret")


def test_an_open_pkcs12_file_is_listed_its_own_certificate_first() -> None:
    told: Any = describe(bundle(serialization.NoEncryption()), NOW, "file")
    assert [item.name for item in told.certificates] == ["www.example.com", "root"]


def test_an_open_pkcs12_file_is_warned_about() -> None:
    told: Any = describe(bundle(serialization.NoEncryption()), NOW, "file")
    assert told.warnings == ("it holds a private key that no passphrase protects",)


def test_a_locked_pkcs12_file_tells_that_it_is_locked() -> None:
    told: Any = describe(bundle(LOCKED), NOW, "file")
    assert (told.encrypted, told.opened, told.certificates) == (True, False, ())


def test_a_passphrase_opens_a_locked_pkcs12_file() -> None:
    told: Any = describe(bundle(LOCKED), NOW, "file", passphrase=b"secret")
    assert (told.opened, told.friendly_name, told.key.key_type) == (True, "mé", "ec256")


def test_a_wrong_passphrase_does_not() -> None:
    with pytest.raises(EncryptedKey, match="wrong"):
        describe(bundle(LOCKED), NOW, "file", passphrase=b"guess")


def test_a_broken_pkcs12_file_is_refused() -> None:
    with pytest.raises(Malformed, match=r"PKCS#12"):
        describe(StoredPkcs12(b"\x30\x05\x02\x01\x03\x30\x00"), NOW, "file")
