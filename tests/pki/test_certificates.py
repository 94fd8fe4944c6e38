"""Certificates: what is described is what is signed, byte for byte where a rule says so (RFC 5280 section 4)."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtensionOID
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import KeyMismatch, Malformed
from easycert.model import Kind
from easycert.pki import certificates, keys
from easycert.pki.certificates import CertificateSpec, general_name, load_certificate, load_certificates
from easycert.pki.keys import KeyType, PrivateKey
from easycert.pki.profiles import MODERN, SYNAPSE, Profile
from easycert.pki.sans import SanType, SubjectAltName, parse_san
from easycert.pki.subjects import distinguished_name
from easycert.pki.validity import Validity

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DER = serialization.Encoding.DER
CRITICAL = {"modern": {"basicConstraints", "keyUsage"}, "synapse": {"basicConstraints"}}


@functools.cache
def numbered_key(key_type: KeyType, number: int) -> PrivateKey:
    return keys.generate(key_type)


def key(key_type: KeyType = KeyType.EC256, number: int = 0) -> PrivateKey:
    return numbered_key(key_type, number)


def spec(kind: Kind = Kind.CA, profile: Profile = MODERN, **changes: object) -> CertificateSpec:
    plain = CertificateSpec(
        kind=kind,
        subject=distinguished_name("x"),
        sans=(parse_san("www.example.com"),) if kind is Kind.HOST else (),
        validity=Validity(NOW, NOW + timedelta(days=30)),
        profile=profile,
        serial=certificates.new_serial(),
        self_signed=True,
    )
    return plain._replace(**changes)


def signed(wanted: CertificateSpec, key_type: KeyType = KeyType.EC256) -> x509.Certificate:
    return certificates.sign(wanted, key(key_type).public_key(), certificates.self_issuer(wanted, key(key_type)))


def extensions(certificate: x509.Certificate) -> dict[str, x509.Extension[x509.ExtensionType]]:
    return {item.oid._name: item for item in certificate.extensions}


@pytest.mark.parametrize("profile", [MODERN, SYNAPSE])
@pytest.mark.parametrize("kind", Kind)
def test_the_certificate_says_what_the_spec_said(kind: Kind, profile: Profile) -> None:
    wanted = spec(kind, profile)
    made = signed(wanted)
    assert made.version is x509.Version.v3
    assert (made.subject, made.serial_number) == (wanted.subject, wanted.serial)
    assert Validity(made.not_valid_before_utc, made.not_valid_after_utc) == wanted.validity
    assert keys.public_der(made.public_key()) == keys.public_der(key().public_key())  # type: ignore[arg-type]


@pytest.mark.parametrize("profile", [MODERN, SYNAPSE])
@pytest.mark.parametrize("kind", Kind)
def test_extensions_are_those_of_the_kind_and_critical_as_the_profile_says(kind: Kind, profile: Profile) -> None:
    """RFC 5280 section 4.2.1; a root's AKI equals its SKI."""
    found = extensions(signed(spec(kind, profile)))
    wanted = {"basicConstraints", "keyUsage", "subjectKeyIdentifier", "authorityKeyIdentifier"}
    if kind is not Kind.CA:
        wanted |= {"extendedKeyUsage"}
    if kind is Kind.OCSP:
        wanted |= {"OCSPNoCheck"}
    elif kind is not Kind.CA and profile is SYNAPSE:
        wanted |= {"Unknown OID"}
    if kind is Kind.HOST:
        wanted |= {"subjectAltName"}
    assert set(found) == wanted
    leaf_of_synapse = profile is SYNAPSE and kind is not Kind.CA
    assert {name for name, item in found.items() if item.critical} == (
        set() if leaf_of_synapse else CRITICAL[profile.name]
    )


@pytest.mark.parametrize("kind", Kind)
def test_only_a_CA_is_a_CA(kind: Kind) -> None:
    made = signed(spec(kind))
    assert certificates.is_ca(made) is (kind is Kind.CA)
    constraints = certificates.basic_constraints(made)
    assert constraints is not None
    assert constraints.path_length is None


@pytest.mark.parametrize("length", [0, 1, 7])
def test_a_path_length_is_written(length: int) -> None:
    constraints = certificates.basic_constraints(signed(spec(path_length=length)))
    assert constraints is not None
    assert constraints.path_length == length


@pytest.mark.parametrize("profile", [MODERN, SYNAPSE])
@pytest.mark.parametrize(
    ("key_type", "enciphers"),
    [(KeyType.RSA2048, True), (KeyType.EC256, False), (KeyType.ED25519, False), (KeyType.MLDSA44, False)],
)
def test_key_encipherment_is_for_RSA_servers_only(key_type: KeyType, enciphers: bool, profile: Profile) -> None:
    """BR 7.1.2.7.11; RFC 8813, RFC 9295 and RFC 9881 forbid it for the others."""
    usage = signed(spec(Kind.HOST, profile), key_type).extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.key_encipherment is enciphers
    assert not (usage.key_agreement or usage.data_encipherment or usage.key_cert_sign or usage.crl_sign)


def test_A14_the_SAN_is_critical_exactly_when_the_subject_is_empty() -> None:
    """RFC 5280 section 4.2.1.6."""
    named, nameless = signed(spec(Kind.HOST)), signed(spec(Kind.HOST, subject=distinguished_name(None)))
    assert not named.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).critical
    assert nameless.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).critical


def test_name_constraints_are_critical() -> None:
    """RFC 5280 section 4.2.1.10: MUST."""
    constraints = x509.NameConstraints([x509.DNSName("example.com")], None)
    found = signed(spec(name_constraints=constraints)).extensions.get_extension_for_class(x509.NameConstraints)
    assert found.critical
    assert found.value == constraints


def test_D9_key_identifiers_lead_from_leaf_to_issuer() -> None:
    """RFC 5280 section 4.2.1.1: the AKI copies the issuer's SKI, which nobody derives again."""
    strange = x509.SubjectKeyIdentifier(b"made by another rule")
    root_spec = spec()
    plain = signed(root_spec)
    builder = x509.CertificateBuilder(plain.issuer, plain.subject, plain.public_key(), 7, NOW, NOW + timedelta(days=1))
    root = builder.add_extension(strange, critical=False).sign(key(), hashes.SHA256())  # type: ignore[arg-type]
    issuer = certificates.authority_issuer(root, key())
    leaf = certificates.sign(spec(Kind.HOST), key(number=1).public_key(), issuer)
    authority = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert authority.key_identifier == strange.digest
    assert (authority.authority_cert_issuer, authority.authority_cert_serial_number) == (None, None)


def test_a_CA_without_SKI_gets_one_derived_from_its_key() -> None:
    """Synapse's own CAs have none."""
    plain = signed(spec())
    builder = x509.CertificateBuilder(plain.issuer, plain.subject, plain.public_key(), 7, NOW, NOW + timedelta(days=1))
    bare = builder.sign(key(), hashes.SHA256())  # type: ignore[arg-type]
    assert certificates.subject_key_identifier(bare) == certificates.key_identifier(key().public_key())


def test_the_same_key_has_the_same_identifier_whatever_the_certificate() -> None:
    one, other = signed(spec()), signed(spec(Kind.HOST))
    assert certificates.subject_key_identifier(one) == certificates.subject_key_identifier(other)


def test_issuer_and_subject_are_the_same_bytes() -> None:
    """RFC 5280 section 4.1.2.4: chains are compared byte for byte."""
    root_spec = spec(subject=distinguished_name("Zürich CA"))
    root = signed(root_spec)
    issuer = certificates.authority_issuer(root, key())
    leaf = certificates.sign(spec(Kind.HOST), key(number=1).public_key(), issuer)
    assert leaf.issuer.public_bytes() == root.subject.public_bytes()


def test_D5_a_key_that_is_not_the_CAs_is_refused() -> None:
    with pytest.raises(KeyMismatch):
        certificates.authority_issuer(signed(spec()), key(number=1))


def test_D5_a_signature_that_the_CA_does_not_verify_is_refused() -> None:
    """Same name, another key: what a mismatched or damaged key file would make."""
    root = signed(spec())
    wrong = certificates.Issuer(root.subject, b"x" * 20, key(number=1))
    leaf = certificates.sign(spec(Kind.HOST), key(number=2).public_key(), wrong)
    with pytest.raises(KeyMismatch):
        certificates.require_signed_by(leaf, root, "the CA 'x'")


@pytest.mark.parametrize("key_type", KeyType)
def test_D5_a_right_signature_passes_for_every_key_type(key_type: KeyType) -> None:
    root = signed(spec(), key_type)
    certificates.require_signed_by(root, root, "itself")


def test_D13_serials_are_positive_long_and_never_alike() -> None:
    """RFC 5280 section 4.1.2.2: at most 20 octets; BR 7.1: at least 64 random bits."""
    serials = [certificates.new_serial() for _ in range(2000)]
    assert len(set(serials)) == 2000
    assert all(0 < serial < 1 << 159 for serial in serials)
    assert max(serial.bit_length() for serial in serials) >= 158


def test_D14_a_serial_with_its_high_bit_set_stays_positive() -> None:
    made = signed(spec(serial=(1 << 159) - 1))
    again = x509.load_der_x509_certificate(made.public_bytes(DER))
    assert again.serial_number == (1 << 159) - 1
    assert bytes.fromhex("02147f" + "ff" * 19) in made.public_bytes(DER)


@pytest.mark.parametrize(
    ("instant", "written"),
    [
        ("2049-12-31T23:59:59", b"\x17\x0d491231235959Z"),
        ("2050-01-01T00:00:00", b"\x18\x0f20500101000000Z"),
        ("9999-12-31T23:59:59", b"\x18\x0f99991231235959Z"),
    ],
)
def test_E11_UTCTime_until_2049_and_GeneralizedTime_from_2050(instant: str, written: bytes) -> None:
    """RFC 5280 section 4.1.2.5: in Z, with seconds, without fractions."""
    end = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert written in signed(spec(validity=Validity(NOW, end))).public_bytes(DER)


@pytest.mark.parametrize(
    ("san", "der"),
    [
        ("DNS:www.example.com", b"\x82\x0fwww.example.com"),
        ("IP:192.0.2.1", bytes.fromhex("8704c0000201")),
        ("IP:2001:db8::1", bytes.fromhex("871020010db8000000000000000000000001")),
        ("email:bob@example.com", b"\x81\x0fbob@example.com"),
        ("URI:spiffe://a/b", b"\x86\x0cspiffe://a/b"),
        (
            "email:jörg@example.com",
            b"\xa0\x1f\x06\x08+\x06\x01\x05\x05\x07\x08\x09\xa0\x13\x0c\x11" + "jörg@example.com".encode(),
        ),
    ],
)
def test_A13_A15_each_type_of_name_is_written_as_its_own(san: str, der: bytes) -> None:
    """RFC 5280 section 4.2.1.6; RFC 9598 section 3 for the mailbox that is not ASCII."""
    names = x509.SubjectAlternativeName([general_name(parse_san(san))])
    assert names.public_bytes() == b"\x30" + bytes([len(der)]) + der


@given(st.integers(1, 300))
def test_a_mailbox_of_any_length_is_written_in_the_shortest_form(length: int) -> None:
    """X.690 section 10.1: DER has one length octet up to 127, two up to 255, three above."""
    text = "ü" + "x" * length
    name = general_name(SubjectAltName(SanType.EMAIL, text))
    assert isinstance(name, x509.OtherName)
    size = len(text.encode())
    head = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    assert name.value == b"\x0c" + head + text.encode()


def test_certificates_survive_being_written_and_read_in_their_order() -> None:
    one, other = signed(spec()), signed(spec(Kind.HOST))
    pem = certificates.certificate_pem(one, other)
    assert pem.startswith(b"-----BEGIN CERTIFICATE-----\n")
    assert load_certificates(pem, "x.crt") == [one, other]
    assert load_certificate(pem, "x.crt") == one
    assert load_certificate(one.public_bytes(DER), "x.crt") == one


def _broken() -> dict[str, bytes]:
    whole = signed(spec())
    der = whole.public_bytes(DER)
    pem = certificates.certificate_pem(whole)
    return {
        "empty": b"",
        "half PEM": pem[: len(pem) // 2],
        "half DER": der[: len(der) // 2],
        "trailing DER": der + b"\0",
        "no certificate": b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "a key": keys.private_pem(key()),
        "random": bytes(range(256)),
        "version 1 with extensions": der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020100"), 1),
        "version 9": der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020109"), 1),
        "duplicate extension": der.replace(bytes.fromhex("0603551d0e"), bytes.fromhex("0603551d0f"), 1),
        "unknown curve": der.replace(bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d03017f"), 1),
        "name that is not UTF-8": der.replace(bytes.fromhex("0c0178"), bytes.fromhex("0c01ff")),
        "impossible date": der.replace(b"260601120000Z", b"269901120000Z", 1),
    }


@pytest.mark.parametrize("flaw", _broken())
def test_D7_a_broken_certificate_is_refused_and_its_file_named(flaw: str) -> None:
    """cryptography decodes lazily: what it would raise later, in the middle of something, is raised here."""
    with pytest.raises(Malformed) as refusal:
        load_certificates(_broken()[flaw], "cas/x\x1b.crt")
    assert str(refusal.value).startswith(r"cas/x\x1b.crt is not a certificate")
    assert str(refusal.value).isprintable()


def test_one_bad_certificate_spoils_the_file() -> None:
    pem = certificates.certificate_pem(signed(spec()))
    with pytest.raises(Malformed):
        load_certificates(pem + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "x.crt")


def test_self_issued_is_a_matter_of_names() -> None:
    """RFC 5280 section 3.2."""
    root = signed(spec())
    assert certificates.is_self_issued(root)
    issuer = certificates.Issuer(distinguished_name("other"), b"x" * 20, key())
    assert not certificates.is_self_issued(certificates.sign(spec(), key().public_key(), issuer))


@pytest.mark.parametrize("name", [b"\xa3\x02\x30\x00", b"\xa5\x04\xa1\x02\x0c\x00"], ids=["x400", "ediParty"])
def test_a_kind_of_name_that_cryptography_does_not_know_is_a_sentence(name: bytes) -> None:
    """It raises an error of its own for them, which is no ValueError."""
    names = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, bytes([0x30, len(name)]) + name)
    subject = distinguished_name("odd")
    odd = (
        x509.CertificateBuilder(subject, subject, key().public_key(), 5, NOW, NOW + timedelta(days=9))
        .add_extension(names, critical=False)
        .sign(key(), hashes.SHA256())  # type: ignore[arg-type]
    )
    with pytest.raises(Malformed):
        load_certificates(odd.public_bytes(DER), "odd.crt")
