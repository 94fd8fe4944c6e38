"""A successor has everything that the old certificate had, byte for byte where it need not change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from easycert.model import Kind
from easycert.pki import keys
from easycert.pki.certificates import Issuer, key_identifier, key_usage, new_serial, signed
from easycert.pki.encodings import Encoding
from easycert.pki.keys import KeyType, successor_type
from easycert.pki.lint import Severity, lint_certificate
from easycert.pki.lint.fields import Certificate
from easycert.pki.renewal import Renewal, Terms, can_keep_serial, lifetime, names_by_serial, renewal
from easycert.pki.validity import BACKDATE, LATEST, Validity
from tests.pki.foreign import SHA1_LEAF, SHA1_ROOT, V1_ROOT

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
CA_KEY = ec.generate_private_key(ec.SECP256R1())
LEAF_KEY = ec.generate_private_key(ec.SECP256R1())
NEW_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
CA_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
#: What belongs to the keys and not to the certificate.
KEYED = (ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER)
SERVER = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
Extensions = list[tuple[x509.ExtensionType, bool]]


def name(cn: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def made(
    extensions: Extensions,
    *,
    subject: x509.Name | None = None,
    issuer: x509.Name = CA_NAME,
    key: Any = LEAF_KEY,
    signer: Any = CA_KEY,
    days: float = 90,
) -> x509.Certificate:
    """Return a certificate that somebody else has made."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name("www.example.com") if subject is None else subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(NOW - timedelta(days=60))
        .not_valid_after(NOW - timedelta(days=60) + timedelta(days=days))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def authority(*extensions: tuple[x509.ExtensionType, bool], days: float = 3650) -> x509.Certificate:
    """Return a self-signed CA."""
    return made(list(extensions), subject=CA_NAME, key=CA_KEY, days=days)


ISSUER = Issuer(CA_NAME, key_identifier(CA_KEY.public_key()), CA_KEY)


def renewed(old: x509.Certificate, kind: Kind = Kind.HOST, **changes: Any) -> tuple[Renewal, x509.Certificate]:
    """Return the renewal of *old*, and the certificate that its issuer makes of it."""
    terms = Terms(kind, NEW_KEY.public_key(), ISSUER, lifetime(old, NOW, None), new_serial())._replace(**changes)
    found = renewal(old, terms)
    return found, signed(found.tbs, terms.issuer.key)


def reissued(old: x509.Certificate) -> tuple[Renewal, x509.Certificate]:
    """Return the same for a CA that signs itself."""
    return renewed(old, Kind.CA, public_key=CA_KEY.public_key())


def raw(certificate: x509.Certificate) -> dict[str, tuple[bool, bytes]]:
    """Return what is written in each extension that does not belong to the keys, read by a reader of its own."""
    listed = Certificate(certificate.public_bytes(Encoding.DER)).extensions.all
    keyed = {oid.dotted_string for oid in KEYED}
    return {item.oid: (item.critical, item.value) for item in listed if item.oid not in keyed}


# --- random certificates ---------------------------------------------------------------------------------------------

_LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=10)
_DOMAIN = st.lists(_LABEL, min_size=2, max_size=4).map(".".join)
_OIDS = st.lists(st.integers(0, 2**28), min_size=1, max_size=5).map(
    lambda arcs: x509.ObjectIdentifier(".".join(["1.3.6.1.4.1", *map(str, arcs)]))
)
_STRINGS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
_NAMES = st.lists(
    st.lists(
        st.builds(
            x509.NameAttribute,
            st.sampled_from([NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.TITLE]),
            _STRINGS,
        ),
        min_size=1,
        max_size=2,
        unique_by=lambda item: item.oid,
    ).map(x509.RelativeDistinguishedName),
    max_size=4,
).map(x509.Name)
_GENERAL_NAMES: st.SearchStrategy[x509.GeneralName] = st.one_of(
    _DOMAIN.map(x509.DNSName),
    _DOMAIN.map(lambda domain: x509.RFC822Name(f"a@{domain}")),
    _DOMAIN.map(lambda domain: x509.UniformResourceIdentifier(f"https://{domain}/")),
    st.ip_addresses().map(x509.IPAddress),
    _NAMES.map(x509.DirectoryName),
    _OIDS.map(x509.RegisteredID),
    st.builds(x509.OtherName, _OIDS, st.binary(max_size=20).map(lambda data: bytes([4, len(data)]) + data)),
)
_UNKNOWN = st.builds(x509.UnrecognizedExtension, _OIDS, st.binary(min_size=1, max_size=300))
_KNOWN: st.SearchStrategy[x509.ExtensionType] = st.one_of(
    st.just(x509.BasicConstraints(ca=False, path_length=None)),
    st.just(key_usage({"digital_signature"})),
    st.just(key_usage({"digital_signature", "key_agreement", "content_commitment"})),
    st.lists(st.one_of(st.just(ExtendedKeyUsageOID.SERVER_AUTH), _OIDS), min_size=1, max_size=4).map(
        x509.ExtendedKeyUsage
    ),
    st.lists(_GENERAL_NAMES, min_size=1, max_size=5).map(x509.SubjectAlternativeName),
    st.lists(_GENERAL_NAMES, min_size=1, max_size=2).map(x509.IssuerAlternativeName),
    st.lists(_OIDS, min_size=1, max_size=3).map(
        lambda oids: x509.CertificatePolicies([x509.PolicyInformation(oid, None) for oid in oids])
    ),
    _DOMAIN.map(
        lambda domain: x509.CRLDistributionPoints(
            [x509.DistributionPoint([x509.UniformResourceIdentifier(f"http://{domain}/")], None, None, None)]
        )
    ),
    st.just(x509.TLSFeature([x509.TLSFeatureType.status_request])),
    st.just(x509.OCSPNoCheck()),
    st.binary(min_size=1, max_size=20).map(x509.SubjectKeyIdentifier),
    st.binary(min_size=1, max_size=20).map(lambda key_id: x509.AuthorityKeyIdentifier(key_id, None, None)),
    _UNKNOWN,
)
_EXTENSIONS = st.lists(st.tuples(_KNOWN, st.booleans()), max_size=6, unique_by=lambda item: item[0].oid)


@given(_EXTENSIONS, _NAMES)
@settings(deadline=None)
def test_every_extension_and_the_subject_are_kept_byte_for_byte(extensions: Extensions, subject: x509.Name) -> None:
    old = made(extensions, subject=subject)
    _, new = renewed(old)
    assert raw(new) == raw(old)
    assert new.subject.public_bytes() == old.subject.public_bytes()
    assert new.serial_number != old.serial_number
    order = [item.oid for item in old.extensions]
    assert [item.oid for item in new.extensions][: len(order)] == order
    ski = new.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    aki = new.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    assert (ski.critical, ski.value.digest) == (False, key_identifier(NEW_KEY.public_key()))
    assert (aki.critical, aki.value.key_identifier) == (False, ISSUER.key_identifier)


@given(_EXTENSIONS)
@settings(deadline=None)
def test_a_successor_of_a_successor_is_the_same_but_for_its_serial_number(extensions: Extensions) -> None:
    first, once = renewed(made(extensions))
    second, twice = renewed(once)
    assert [(item.oid, item.critical, item.value) for item in once.extensions] == [
        (item.oid, item.critical, item.value) for item in twice.extensions
    ]
    assert second.changes == ()
    assert second.content == first.content


# --- what is added, mended and left out ------------------------------------------------------------------------------


def extension(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> x509.Extension[Any]:
    return certificate.extensions.get_extension_for_class(kind)


def test_key_identifiers_that_were_not_there_are_added() -> None:
    found, new = renewed(made([(SERVER, False)]))
    assert found.changes == ("subjectKeyIdentifier added", "authorityKeyIdentifier added")
    assert not [item for item in lint_certificate(new) if item.rule in ("aki-missing", "ca-ski")]


def test_a_kept_key_keeps_its_identifier_and_a_new_one_has_its_own() -> None:
    old = made([(x509.SubjectKeyIdentifier(b"as ever"), False)])
    assert (
        extension(renewed(old, public_key=LEAF_KEY.public_key())[1], x509.SubjectKeyIdentifier).value.digest
        == b"as ever"
    )
    own = key_identifier(NEW_KEY.public_key())
    assert extension(renewed(old)[1], x509.SubjectKeyIdentifier).value.digest == own


def test_the_issuer_is_named_by_its_key_alone() -> None:
    aki = x509.AuthorityKeyIdentifier(b"its key", [x509.DirectoryName(CA_NAME)], 99)
    value = extension(renewed(made([(aki, False)]))[1], x509.AuthorityKeyIdentifier).value
    assert value == x509.AuthorityKeyIdentifier(ISSUER.key_identifier, None, None)


@pytest.mark.parametrize(
    ("usage", "key", "left", "said"),
    [
        ({"digital_signature", "key_encipherment"}, NEW_KEY, {"digital_signature"}, "keyEncipherment"),
        ({"key_encipherment"}, NEW_KEY, {"digital_signature"}, "keyEncipherment"),
        ({"digital_signature", "key_agreement", "decipher_only"}, RSA_KEY, {"digital_signature"}, "keyAgreement"),
    ],
)
def test_what_a_key_of_its_type_cannot_do_is_left_out(usage: set[str], key: Any, left: set[str], said: str) -> None:
    old = made([(SERVER, False), (key_usage(usage), True)])
    found, new = renewed(old, public_key=key.public_key())
    assert extension(new, x509.KeyUsage).value == key_usage(left)
    assert extension(new, x509.KeyUsage).critical
    assert any("keyUsage without" in change and said in change for change in found.changes)


def test_a_CA_gets_the_extensions_that_it_lacks() -> None:
    found, new = reissued(authority((x509.BasicConstraints(ca=True, path_length=3), False)))
    assert found.changes == (
        "basicConstraints critical",
        "keyUsage added",
        "subjectKeyIdentifier added",
        "authorityKeyIdentifier added",
    )
    assert extension(new, x509.BasicConstraints).critical
    assert extension(new, x509.BasicConstraints).value == x509.BasicConstraints(ca=True, path_length=3)
    assert extension(new, x509.KeyUsage).value == key_usage({"key_cert_sign", "crl_sign"})
    assert not extension(new, x509.KeyUsage).critical, "Synapse, whose own CAs have none, would refuse it"
    assert not [item for item in lint_certificate(new, None, Kind.CA) if item.severity is Severity.ERROR]


def test_a_CA_that_may_sign_certificates_may_sign_CRLs() -> None:
    """mkcert's may not, and can take nothing back."""
    ca = x509.BasicConstraints(ca=True, path_length=0)
    found, new = reissued(authority((ca, True), (key_usage({"key_cert_sign"}), True)))
    assert "keyUsage with cRLSign" in found.changes
    assert extension(new, x509.KeyUsage).value == key_usage({"key_cert_sign", "crl_sign"})


def test_key_usage_of_a_CA_stays_as_critical_as_it_is() -> None:
    """Synapse refuses a CA whose keyUsage is critical."""
    ca = x509.BasicConstraints(ca=True, path_length=None)
    _, new = reissued(authority((ca, True), (key_usage({"key_cert_sign", "crl_sign"}), False)))
    assert not extension(new, x509.KeyUsage).critical


def test_a_CA_of_version_1_becomes_one_of_version_3() -> None:
    key = CA_KEY
    issuer = Issuer(V1_ROOT.subject, b"id", key)
    terms = Terms(Kind.CA, V1_ROOT.public_key(), issuer, Validity(NOW, NOW + timedelta(days=9)), 5)  # type: ignore[arg-type]
    found = renewal(V1_ROOT, terms)
    assert found.changes[:2] == ("basicConstraints added", "keyUsage added")
    assert (x509.BasicConstraints(ca=True, path_length=None), True) in found.tbs.extensions


def test_nothing_makes_a_CA_of_what_is_none() -> None:
    """A leaf among the CAs stays a leaf: signing itself is what makes a root of a certificate without constraints."""
    found, _ = renewed(made([(SERVER, False)]), Kind.CA)
    assert not any("basicConstraints" in change for change in found.changes)


@pytest.mark.parametrize("old", [SHA1_LEAF, SHA1_ROOT], ids=["leaf", "root"])
def test_SHA_1_is_not_used_again(old: x509.Certificate) -> None:
    _, new = renewed(old, Kind.CA if old is SHA1_ROOT else Kind.HOST)
    assert isinstance(new.signature_hash_algorithm, hashes.SHA256)
    assert raw(new) == raw(old)


def test_what_speaks_of_the_old_certificate_alone_is_left_out() -> None:
    period = x509.PrivateKeyUsagePeriod(NOW, NOW)
    found, new = renewed(made([(SERVER, False), (x509.PrecertPoison(), True), (period, False)]))
    assert set(found.changes) >= {"the poison of a precertificate left out", "privateKeyUsagePeriod left out"}
    assert [item.oid for item in new.extensions if item.oid not in KEYED] == [ExtensionOID.EXTENDED_KEY_USAGE]


def test_the_strings_of_a_subject_keep_their_types() -> None:
    """Issuers and subjects are compared as bytes (RFC 5280 section 4.1.2.4), and old tools wrote T61String."""
    from cryptography.x509.name import _ASN1Type

    kinds = (_ASN1Type.T61String, _ASN1Type.PrintableString, _ASN1Type.BMPString, _ASN1Type.UTF8String)
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme", kind) for kind in kinds])
    _, new = renewed(made([(SERVER, False)], subject=subject))
    assert new.subject.public_bytes() == subject.public_bytes()


# --- where things are found ------------------------------------------------------------------------------------------


def points(domain: str) -> x509.CRLDistributionPoints:
    return x509.CRLDistributionPoints(
        [x509.DistributionPoint([x509.UniformResourceIdentifier(f"http://{domain}/")], None, None, None)]
    )


def test_locations_are_the_sites_own_where_it_has_some() -> None:
    old = made([(points("old.example"), False), (SERVER, False)])
    found, new = renewed(old, locations=(points("new.example"),))
    assert extension(new, x509.CRLDistributionPoints).value == points("new.example")
    assert "cRLDistributionPoints as the site has them now" in found.changes
    found, new = renewed(made([(SERVER, False)]), locations=(points("new.example"),))
    assert extension(new, x509.CRLDistributionPoints).value == points("new.example")
    assert extension(renewed(old)[1], x509.CRLDistributionPoints).value == points("old.example")


def test_an_OCSP_signer_gets_no_locations() -> None:
    signer = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
    _, new = renewed(made([(signer, False)]), locations=(points("new.example"),))
    assert not [item for item in new.extensions if item.oid == ExtensionOID.CRL_DISTRIBUTION_POINTS]


# --- validity --------------------------------------------------------------------------------------------------------


@given(st.timedeltas(timedelta(minutes=11), timedelta(days=30000)), st.timedeltas(timedelta(0), timedelta(days=9000)))
def test_a_life_is_as_long_as_before_and_ends_with_the_issuer(length: timedelta, left: timedelta) -> None:
    old = made([], days=length.total_seconds() // 1 / 86400)
    whole = old.not_valid_after_utc - old.not_valid_before_utc
    validity = lifetime(old, NOW, None)
    assert validity == Validity(NOW - BACKDATE, NOW - BACKDATE + whole)
    assert lifetime(old, NOW, NOW + left).not_after == min(validity.not_after, NOW + left)


def test_a_life_shorter_than_the_backdating_begins_now() -> None:
    old = made([], days=2 / 1440)
    assert lifetime(old, NOW, None) == Validity(NOW, NOW + timedelta(minutes=2))


def test_a_certificate_without_an_end_has_none_again() -> None:
    builder = x509.CertificateBuilder().subject_name(CA_NAME).issuer_name(CA_NAME).public_key(CA_KEY.public_key())
    old = builder.serial_number(1).not_valid_before(NOW).not_valid_after(LATEST).sign(CA_KEY, hashes.SHA256())
    assert lifetime(old, NOW - timedelta(days=10), None).not_after == LATEST
    old = (
        builder.serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(LATEST - timedelta(1))
        .sign(CA_KEY, hashes.SHA256())
    )
    assert lifetime(old, NOW + timedelta(days=10), None).not_after == LATEST


# --- serial numbers and keys -----------------------------------------------------------------------------------------


def test_a_certificate_may_name_its_CA_by_serial_number() -> None:
    root = authority()
    by_serial = x509.AuthorityKeyIdentifier(b"id", [x509.DirectoryName(CA_NAME)], root.serial_number)
    assert names_by_serial(made([(by_serial, False)]), root)
    other = x509.AuthorityKeyIdentifier(b"id", [x509.DirectoryName(CA_NAME)], 1)
    assert not names_by_serial(made([(other, False)]), root)
    assert not names_by_serial(made([]), root)
    assert can_keep_serial(root)


@pytest.mark.parametrize(
    ("key", "successor"),
    [
        (LEAF_KEY, KeyType.EC256),
        (ec.generate_private_key(ec.SECP521R1()), KeyType.EC521),
        (ec.generate_private_key(ec.SECP192R1()), KeyType.EC256),
        (ec.generate_private_key(ec.SECP256K1()), KeyType.EC256),
        (ec.generate_private_key(ec.BrainpoolP384R1()), KeyType.EC384),
        (ec.generate_private_key(ec.BrainpoolP512R1()), KeyType.EC521),
        (rsa.generate_private_key(65537, 1024), KeyType.RSA3072),
        (RSA_KEY, KeyType.RSA2048),
        (rsa.generate_private_key(65537, 2560), KeyType.RSA3072),
        (dsa.generate_private_key(2048), KeyType.RSA3072),
        (keys.generate(KeyType.ED448), KeyType.ED448),
        (keys.generate(KeyType.MLDSA87), KeyType.MLDSA87),
    ],
    ids=lambda value: value.value if isinstance(value, KeyType) else type(value).__name__,
)
def test_a_key_is_followed_by_one_of_its_type_or_the_nearest_strong_one(key: Any, successor: KeyType) -> None:
    assert successor_type(key.public_key()) is successor
