"""Signing requests: what a stranger wrote is checked, names are hints, and the rest is said (hazards B1 to B16)."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Sequence

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AttributeOID, ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import EasycertError, Malformed, RequestRefused, WeakKey
from easycert.pki import keys
from easycert.pki.csr import SANS_MAX, Request, build_request, load_request, read_request, request_pem
from easycert.pki.keys import KeyType, PrivateKey
from easycert.pki.sans import SanType, parse_san
from easycert.pki.subjects import distinguished_name

HOST_SANS = frozenset({SanType.DNS, SanType.IP})
EVERY_SAN = frozenset(SanType)
DER = serialization.Encoding.DER
PEM = serialization.Encoding.PEM
GOOD = distinguished_name("www.example.com")


#: What cryptography refuses to make, from `openssl req -new -sha1` and from a key with `-param_enc explicit`.
SHA1_REQUEST = b"""\
-----BEGIN CERTIFICATE REQUEST-----
MIHSMHwCAQAwGjEYMBYGA1UEAwwPd3d3LmV4YW1wbGUuY29tMFkwEwYHKoZIzj0C
AQYIKoZIzj0DAQcDQgAE6WvDowqiM8QMu7bVdJxWKZEr4ZzJl/BBXlFcSSBU3pcg
XqIUVLDXItt8P0PHJAEiNpnfya49j29YTC724CWvP6AAMAkGByqGSM49BAEDRwAw
RAIgHi6MPUS0zqNtlRAhGV5koLm5p1LxHt/b6HppwBT7NuwCIDWaYYsFIFqZxElS
h3TWUuAsWQv9eGQyiNZAepGU2nvq
-----END CERTIFICATE REQUEST-----
"""
EXPLICIT_CURVE_REQUEST = b"""\
-----BEGIN CERTIFICATE REQUEST-----
MIIByTCCAXACAQAwGjEYMBYGA1UEAwwPd3d3LmV4YW1wbGUuY29tMIIBSzCCAQMG
ByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA
////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8
BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wSTamZ4
4ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li
/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+8
5vqtpxeehPO5ysL8YyVRAgEBA0IABP1I3QpsBCxGPuvZb3KDdJNS9xAu4F2xVYZ/
1S+y9oZvVOZYymcunExt0/CenfdUWORhRcKY2usn+DBPBsw4ph6gADAKBggqhkjO
PQQDAgNHADBEAiAOEiJIz02at17HF/vOd/fwOvOPXlqONki0gV6Ft5QIsQIgGi55
39xUOp97tcYItpdi+/9fyEvACiQc/LvWHyrxgIQ=
-----END CERTIFICATE REQUEST-----
"""


@functools.cache
def key(key_type: KeyType) -> PrivateKey:
    return keys.generate(key_type)


def request(
    *extensions: x509.ExtensionType,
    subject: x509.Name = GOOD,
    signer: PrivateKey | None = None,
    attributes: Sequence[tuple[x509.ObjectIdentifier, bytes]] = (),
    algorithm: hashes.HashAlgorithm | None = None,
) -> x509.CertificateSigningRequest:
    """Return a request with these extensions, as a foreign tool might make it."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    for oid, value in attributes:
        builder = builder.add_attribute(oid, value)
    chosen = signer or key(KeyType.EC256)
    return builder.sign(chosen, algorithm or keys.signature_hash(chosen))  # type: ignore[arg-type]


def san(*names: x509.GeneralName) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(names)


def read(csr: x509.CertificateSigningRequest, keep: frozenset[SanType] = HOST_SANS) -> Request:
    return read_request(load_request(csr.public_bytes(DER), "x.csr"), "x.csr", keep)


def altered(csr: x509.CertificateSigningRequest, old: bytes, new: bytes) -> x509.CertificateSigningRequest:
    der = csr.public_bytes(DER)
    assert old in der
    return load_request(der.replace(old, new, 1), "x.csr")


@pytest.mark.parametrize("key_type", KeyType)
def test_a_request_of_ours_says_what_it_was_made_of(key_type: KeyType) -> None:
    sans = tuple(map(parse_san, ("www.example.com", "192.0.2.1")))
    made = build_request(GOOD, sans, key(key_type), ca=False)
    found = read_request(load_request(request_pem(made), "x.csr"), "x.csr", HOST_SANS)
    assert keys.public_der(found.public_key) == keys.public_der(key(key_type).public_key())
    assert found == Request(found.public_key, "www.example.com", (), sans, ())


def test_a_request_for_a_CA_says_so() -> None:
    assert read(build_request(GOOD, (), key(KeyType.EC256), ca=True)).ignored == ("basicConstraints CA:TRUE",)
    assert read(build_request(GOOD, (), key(KeyType.EC256), ca=False)).ignored == ()


def test_a_request_without_subject_has_a_critical_SAN() -> None:
    """RFC 5280 section 4.2.1.6, which the certificate will follow."""
    made = build_request(distinguished_name(None), [parse_san("www.example.com")], key(KeyType.EC256), ca=False)
    assert made.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


def test_B1_B2_whatever_else_is_asked_for_is_ignored_and_named() -> None:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    greedy = request(
        x509.BasicConstraints(True, 3),
        usage,
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]),
        x509.NameConstraints([x509.DNSName("example.com")], None),
        x509.SubjectKeyIdentifier(b"mine"),
        x509.PrecertPoison(),
        x509.OCSPNoCheck(),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
        attributes=[(AttributeOID.CHALLENGE_PASSWORD, b"secret")],
    )
    found = read(greedy)
    assert set(found.ignored) == {
        "basicConstraints CA:TRUE",
        "extension keyUsage",
        "extension extendedKeyUsage",
        "extension nameConstraints",
        "extension subjectKeyIdentifier",
        "extension ctPoison",
        "extension OCSPNoCheck",
        "extension 1.2.3.4",
        "attribute challengePassword",
    }
    assert "secret" not in str(found.ignored)


def test_B1_asking_for_no_CA_is_not_worth_a_word() -> None:
    assert read(request(x509.BasicConstraints(False, None))).ignored == ()


def test_B3_a_broken_signature_proves_nothing() -> None:
    der = bytearray(request().public_bytes(DER))
    der[-1] ^= 1
    with pytest.raises(RequestRefused, match="no proof of possession"):
        read_request(load_request(bytes(der), "x.csr"), "x.csr", HOST_SANS)


def test_B3_an_altered_name_proves_nothing() -> None:
    with pytest.raises(RequestRefused, match="no proof of possession"):
        read_request(altered(request(), b"www.example", b"www.evil-co"), "x.csr", HOST_SANS)


def test_B3_anothers_key_proves_nothing() -> None:
    """The signature is by one key and the request names another: somebody else's certificate would be the prize."""
    mine, theirs = keys.generate(KeyType.EC256), keys.generate(KeyType.EC256)
    point = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    swapped = altered(
        request(signer=mine), mine.public_key().public_bytes(*point), theirs.public_key().public_bytes(*point)
    )
    with pytest.raises(RequestRefused, match="no proof of possession"):
        read_request(swapped, "x.csr", HOST_SANS)


@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(65537, 1024),
        lambda: rsa.generate_private_key(3, 2048),
        lambda: ec.generate_private_key(ec.SECP192R1()),
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    ],
    ids=["rsa1024", "e3", "p192", "k1", "brainpool"],
)
def test_B4_a_weak_key_is_refused(make: object) -> None:
    weak = request(signer=make(), algorithm=hashes.SHA256())  # type: ignore[operator]
    with pytest.raises(WeakKey):
        read(weak)


def test_B4_a_spelled_out_curve_is_refused() -> None:
    """RFC 5480 section 2.1.1; the curve is P-256 as OpenSSL writes it with `-param_enc explicit`."""
    with pytest.raises(WeakKey, match="not named"):
        read_request(load_request(EXPLICIT_CURVE_REQUEST, "x.csr"), "x.csr", HOST_SANS)


def test_B4_a_spelled_out_curve_with_another_generator_is_refused() -> None:
    """CVE-2020-0601: who may choose the generator may claim anybody's public key."""
    der = x509.load_pem_x509_csr(EXPLICIT_CURVE_REQUEST).public_bytes(DER)
    generator = bytes.fromhex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")
    assert generator in der
    with pytest.raises(EasycertError) as refusal:
        read_request(load_request(der.replace(generator, generator[:-1] + b"\x97"), "x.csr"), "x.csr", HOST_SANS)
    assert str(refusal.value).isprintable()


def test_B4_an_unknown_curve_is_refused() -> None:
    with pytest.raises(EasycertError):
        curve = bytes.fromhex("06082a8648ce3d030107")
        read_request(altered(request(), curve, bytes.fromhex("06082a8648ce3d03017f")), "x.csr", HOST_SANS)


def test_B7_names_are_counted() -> None:
    names = [x509.DNSName(f"h{number}.example.com") for number in range(SANS_MAX + 1)]
    assert len(read(request(san(*names[:-1]))).sans) == SANS_MAX
    with pytest.raises(RequestRefused, match=f"{SANS_MAX + 1} names"):
        read(request(san(*names)))


def test_B8_names_are_kept_once() -> None:
    names = [x509.DNSName("www.example.com"), x509.DNSName("WWW.EXAMPLE.COM"), x509.DNSName("www.example.com.")]
    assert read(request(san(*names))).sans == (parse_san("www.example.com"),)


def test_B9_names_of_other_types_are_dropped_and_named() -> None:
    odd = request(
        san(
            x509.DNSName("www.example.com"),
            x509.RFC822Name("bob@example.com"),
            x509.UniformResourceIdentifier("https://www.example.com/"),
            x509.DirectoryName(GOOD),
            x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
            x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"),
            x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
        )
    )
    found = read(odd)
    assert [str(each) for each in found.sans] == ["DNS:www.example.com", "IP:192.0.2.1"]
    assert found.ignored == (
        "subject alternative name email:bob@example.com",
        "subject alternative name URI:https://www.example.com/",
        "subject alternative name DirectoryName",
        "subject alternative name RegisteredID",
        "subject alternative name OtherName",
    )
    assert len(read(odd, EVERY_SAN).sans) == 4


@pytest.mark.parametrize(
    "name",
    [
        x509.DNSName("a b"),
        x509.DNSName("evil.example.com\0.example.org"),
        x509.DNSName("a..b"),
        x509.DNSName("*.*.com"),
        x509.DNSName("*.com"),
        x509.DNSName(""),
        x509.DNSName("x" * 300),
        x509.DNSName("\x1b[2J"),
        x509.RFC822Name("bob"),
        x509.UniformResourceIdentifier("https://a b/"),
    ],
    ids=str,
)
def test_A2_A11_a_name_that_cannot_be_certified_is_refused_in_one_line(name: x509.GeneralName) -> None:
    with pytest.raises(RequestRefused) as refusal:
        read(request(san(name)), EVERY_SAN)
    assert str(refusal.value).isprintable()


def test_A13_an_address_as_DNS_name_becomes_an_address() -> None:
    assert read(request(san(x509.DNSName("192.0.2.1")))).sans == (parse_san("IP:192.0.2.1"),)


def test_subject_attributes_are_kept_where_they_are_harmless() -> None:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "a\x1bb"),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, "bob@example.com"),
            x509.NameAttribute(NameOID.COMMON_NAME, "www.example.com"),
        ]
    )
    found = read(request(subject=subject))
    assert found.attributes == ((NameOID.COUNTRY_NAME, "FR"), (NameOID.ORGANIZATION_NAME, "Acme"))
    assert len(found.ignored) == 2
    assert found.common_name == "www.example.com"


def test_B11_an_extension_that_comes_twice_is_refused() -> None:
    twice = request(x509.BasicConstraints(False, None), x509.SubjectKeyIdentifier(b"x"), x509.OCSPNoCheck())
    oid_ski, oid_bc = bytes.fromhex("0603551d0e"), bytes.fromhex("0603551d13")
    with pytest.raises(EasycertError):
        read_request(altered(twice, oid_ski, oid_bc), "x.csr", HOST_SANS)


def test_B11_another_version_is_refused() -> None:
    """RFC 2986 section 4.1: version 1 is 0, and there is no other."""
    with pytest.raises(EasycertError):
        read_request(altered(request(), b"\x02\x01\x00\x30", b"\x02\x01\x01\x30"), "x.csr", HOST_SANS)


def test_B11_a_common_name_that_is_not_UTF8_is_refused() -> None:
    with pytest.raises(EasycertError) as refusal:
        read_request(altered(request(), b"www.example", b"www\xff\xfexampl"), "x.csr", HOST_SANS)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    "dress",
    [
        lambda pem: pem,
        lambda pem: pem.replace(b"\n", b"\r\n"),
        lambda pem: b"\xef\xbb\xbf" + pem,
        lambda pem: b"Subject: CN = www.example.com\n\n" + pem,
        lambda pem: pem.replace(b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST"),
        lambda pem: pem + b"\n\n  \n",
    ],
    ids=["plain", "CRLF", "BOM", "headers", "NEW", "blank lines"],
)
def test_B12_the_dress_of_a_request_does_not_matter(dress: object) -> None:
    data = dress(request().public_bytes(PEM))  # type: ignore[operator]
    assert read_request(load_request(data, "x.csr"), "x.csr", HOST_SANS).common_name == "www.example.com"


def test_B12_DER_is_read() -> None:
    assert load_request(request().public_bytes(DER), "x.csr").is_signature_valid


def _unreadable() -> dict[str, bytes]:
    pem, der = request().public_bytes(PEM), request().public_bytes(DER)
    return {
        "empty": b"",
        "blank": b"\n\n",
        "trailing bytes": der + b"\0",
        "half DER": der[:50],
        "half PEM": pem[:200],
        "two": pem + pem,
        "text behind": pem + b"hello\n",
        "random": bytes(range(256)) * 4,
        "zeros": b"\0" * 10_000,
        "a certificate": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "with a certificate": pem + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "with the key": pem + keys.private_pem(key(KeyType.EC256)),
        "bad base64": pem.replace(b"M", b"*"),
    }


@pytest.mark.parametrize("flaw", _unreadable())
def test_B13_what_is_not_one_request_is_refused_in_one_line(flaw: str) -> None:
    with pytest.raises(Malformed) as refusal:
        load_request(_unreadable()[flaw], "up\x1bload.csr")
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize("traditional", [False, True])
def test_B15_a_private_key_is_refused_and_never_shown(traditional: bool) -> None:
    pem = keys.private_pem(key(KeyType.EC256), traditional=traditional)
    with pytest.raises(Malformed, match="private key") as refusal:
        load_request(pem, "x.csr")
    assert pem.splitlines()[1].decode() not in str(refusal.value)


def test_B16_a_broken_hash_proves_nothing() -> None:
    with pytest.raises(RequestRefused, match="SHA1, which is broken"):
        read_request(load_request(SHA1_REQUEST, "x.csr"), "x.csr", HOST_SANS)


@pytest.mark.parametrize("flipped", range(0, 300, 7))
def test_no_flipped_bit_leads_to_anything_but_a_refusal(flipped: int) -> None:
    """Every byte of a request is covered by its signature or is its signature."""
    der = bytearray(request(san(x509.DNSName("a.example")), signer=key(KeyType.EC256)).public_bytes(DER))
    der[flipped % len(der)] ^= 0x10
    with pytest.raises(EasycertError) as refusal:
        read_request(load_request(bytes(der), "x.csr"), "x.csr", EVERY_SAN)
    assert str(refusal.value).isprintable()


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_one_line(data: bytes) -> None:
    for text in (data, b"\x30\x82" + data, b"-----BEGIN CERTIFICATE REQUEST-----\n" + data):
        with pytest.raises(Malformed) as refusal:
            load_request(text, "x.csr")
        assert str(refusal.value).isprintable()
