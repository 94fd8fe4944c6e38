"""Signing requests: what a stranger may ask for, what is granted, and what of it is said (hazards B1 to B17)."""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import AttributeOID, ExtendedKeyUsageOID, NameOID

from easycert.certdir import CertDir
from easycert.errors import (
    AlreadyExists,
    EasycertError,
    InvalidInput,
    KeyMismatch,
    Malformed,
    NotPermitted,
    RequestRefused,
    WeakKey,
)
from easycert.model import Kind
from easycert.pki.certificates import load_certificates
from easycert.pki.constraints import name_constraints, parse_constraint
from easycert.pki.keys import KeyType, key_name
from easycert.pki.names import NAMES, HostName
from easycert.pki.profiles import SYNAPSE
from easycert.pki.sans import parse_san
from easycert.pki.subjects import parse_subject
from easycert.workflows.csr import CsrRequest, make_requests
from tests.workflows.examples import (
    AS_CA,
    chain_of_cas,
    csr,
    directory,
    dn,
    files,
    key_pem,
    make,
    new_key,
    pem,
    sans,
    signed,
    stranger,
)

DNS, IP = x509.DNSName, x509.IPAddress


@pytest.fixture
def certdir() -> CertDir:
    """Return a directory with one CA, root."""
    made = directory()
    make(made, Kind.CA, "root")
    return made


def dns_names(certificate: x509.Certificate) -> list[str]:
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return extension.value.get_values_for_type(x509.DNSName)


def assert_refused(
    certdir: CertDir, data: bytes, error: type[EasycertError], match: str | None = None, **wishes: Any
) -> None:
    """Assert that nothing is signed, nothing is written, and the sentence names the file."""
    before = dict(files(certdir))
    with pytest.raises(error, match=match) as caught:
        signed(certdir, data, **wishes)
    assert str(caught.value).startswith("req.csr")
    assert files(certdir) == before


# --- B1, B2: what else is asked for -----------------------------------------------------------------------------------

UNGRANTED: list[tuple[x509.ExtensionType, bool, str]] = [
    (x509.BasicConstraints(ca=True, path_length=None), True, "basicConstraints CA:TRUE"),
    (
        x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        ),
        True,
        "extension keyUsage",
    ),
    (x509.NameConstraints([x509.DNSName("example.com")], None), True, "extension nameConstraints"),
    (x509.SubjectKeyIdentifier(b"mine"), False, "extension subjectKeyIdentifier"),
    (x509.PrecertPoison(), True, "extension ctPoison"),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False, "extension extendedKeyUsage"),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), True, "extension extendedKeyUsage"),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False, "extension extendedKeyUsage"),
    (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True, "extension 1.2.3.4"),
    (x509.OCSPNoCheck(), False, "extension OCSPNoCheck"),
]


@pytest.mark.parametrize(("extension", "critical", "said"), UNGRANTED)
def test_what_a_request_must_not_have_is_not_granted_and_said(
    certdir: CertDir, extension: x509.ExtensionType, critical: bool, said: str
) -> None:
    plain = signed(certdir, csr("plain.example")).certificate
    issued = signed(certdir, csr("www.example.com", [(extension, critical)]))
    assert issued.notes == (f"ignored: {said}",)
    assert [item.oid for item in issued.certificate.extensions] == [item.oid for item in plain.extensions]
    assert not issued.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = issued.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert not usage.key_cert_sign
    assert not usage.crl_sign


def test_plain_ca_false_is_not_worth_a_word(certdir: CertDir) -> None:
    assert signed(certdir, csr("a.example", [(x509.BasicConstraints(ca=False, path_length=None), True)])).notes == ()


def test_a_challenge_password_is_ignored_and_never_shown(certdir: CertDir) -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(dn(cn="a.example"))
    request = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, b"hunter2").sign(new_key(), hashes.SHA256())
    (note,) = signed(certdir, request.public_bytes(serialization.Encoding.PEM)).notes
    assert note == "ignored: attribute challengePassword"


def test_a_request_for_a_ca_becomes_one_only_when_the_operator_says_so(certdir: CertDir) -> None:
    issued = signed(certdir, csr("sub", AS_CA), Kind.CA)
    assert issued.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert issued.notes == ()


# --- B3, B16: possession ----------------------------------------------------------------------------------------------


def tampered(data: bytes) -> bytes:
    """Flip the last bit of the signature."""
    der = bytearray(x509.load_pem_x509_csr(data).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    return bytes(der)


def test_a_broken_signature_is_no_proof_of_possession(certdir: CertDir) -> None:
    assert_refused(certdir, tampered(csr("a.example")), RequestRefused, "no proof of possession")


def test_somebody_elses_public_key_is_no_proof_of_possession(certdir: CertDir) -> None:
    mine, other = new_key(), new_key()

    def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return key.public_key().public_bytes(serialization.Encoding.DER, form)

    swapped = csr("a.example", key=mine, form="DER").replace(spki(mine), spki(other))
    assert_refused(certdir, swapped, RequestRefused, "no proof of possession")


@pytest.mark.real
@pytest.mark.parametrize("digest", ["md5", "sha1"])
def test_a_broken_hash_is_refused(certdir: CertDir, need: Callable[[str], str], tmp_path: Path, digest: str) -> None:
    path = tmp_path / "it.csr"
    command = [need("openssl"), "req", "-new", "-newkey", "rsa:2048", "-nodes", f"-{digest}", "-subj", "/CN=a.example"]
    subprocess.run([*command, "-keyout", str(tmp_path / "it.key"), "-out", str(path)], check=True, capture_output=True)
    assert_refused(certdir, path.read_bytes(), EasycertError, "broken|decoded")


# --- B4, B5, B6: keys -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make_key", "match"),
    [
        (lambda: rsa.generate_private_key(65537, 1024), "1024 bits"),
        (lambda: rsa.generate_private_key(65537, 2047), "2047 bits"),
        (lambda: rsa.generate_private_key(3, 2048), "exponent 3"),
        (lambda: ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
        (lambda: ec.generate_private_key(ec.SECP192R1()), "secp192r1"),
        (lambda: ec.generate_private_key(ec.BrainpoolP256R1()), "brainpoolP256r1"),
    ],
)
def test_a_weak_key_is_refused_by_name(certdir: CertDir, make_key: Callable[[], Any], match: str) -> None:
    assert_refused(certdir, csr("a.example", key=make_key()), WeakKey, match)


def test_a_dsa_key_is_refused(certdir: CertDir) -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(dn(cn="a.example"))
    request = builder.sign(dsa.generate_private_key(1024), hashes.SHA256())
    assert_refused(certdir, request.public_bytes(serialization.Encoding.PEM), WeakKey, "dsa")


@pytest.mark.real
def test_explicit_curve_parameters_are_refused(certdir: CertDir, need: Callable[[str], str], tmp_path: Path) -> None:
    """CVE-2020-0601: a curve that the key itself describes."""
    openssl, key, path = need("openssl"), str(tmp_path / "it.key"), tmp_path / "it.csr"
    explicit = ["-name", "prime256v1", "-genkey", "-noout", "-param_enc", "explicit"]
    subprocess.run([openssl, "ecparam", *explicit, "-out", key], check=True, capture_output=True)
    subject = ["-subj", "/CN=a.example", "-out", str(path)]
    subprocess.run([openssl, "req", "-new", "-key", key, *subject], check=True, capture_output=True)
    assert_refused(certdir, path.read_bytes(), EasycertError)


def close_primes() -> rsa.RSAPrivateKey:
    """Return a key whose primes are neighbours, which Fermat's method finds at once (CVE-2022-26320)."""
    p, q = NEIGHBOURS
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p,
        q,
        d,
        rsa.rsa_crt_dmp1(d, p),
        rsa.rsa_crt_dmq1(d, q),
        rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(65537, p * q),
    )
    return numbers.private_key()


#: Two primes of 1024 bits, the smallest above 3 * 2**1022.
_START = 3 << 1022


def _is_prime(number: int) -> bool:
    """Fermat's test, good enough for numbers that nobody chose to fool it."""
    return all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7))


def _next_prime(number: int) -> int:
    number |= 1
    while not (number % 65537 != 1 and all(number % small for small in (3, 5, 7, 11, 13, 17)) and _is_prime(number)):
        number += 2
    return number


_P = _next_prime(_START)
NEIGHBOURS = (_P, _next_prime(_P + 2))


def test_an_rsa_key_with_close_primes_is_refused(certdir: CertDir) -> None:
    assert_refused(certdir, csr("a.example", key=close_primes()), WeakKey, "Fermat")


def test_an_rsa_key_that_shares_a_prime_with_one_of_ours_is_refused(certdir: CertDir) -> None:
    ours = rsa.generate_private_key(65537, 2048)
    numbers = ours.private_numbers()
    p, q = numbers.p, rsa.generate_private_key(65537, 2048).private_numbers().p
    d = pow(65537, -1, (p - 1) * (q - 1))
    related = rsa.RSAPrivateNumbers(
        p,
        q,
        d,
        rsa.rsa_crt_dmp1(d, p),
        rsa.rsa_crt_dmq1(d, q),
        rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(65537, p * q),
    ).private_key()
    signed(certdir, csr("ours.example", key=ours))
    assert_refused(
        certdir, csr("a.example", key=related), WeakKey, "shares a prime with that of hosts/ours.example.crt"
    )


def test_the_key_of_a_ca_is_refused(certdir: CertDir) -> None:
    key = certdir.signers.key(Kind.CA, NAMES[Kind.CA]("root"))
    assert_refused(certdir, csr("a.example", key=key), RequestRefused, "already that of cas/root.crt")


@pytest.mark.parametrize("kind", [Kind.HOST, Kind.USER])
def test_the_key_of_another_name_is_refused(certdir: CertDir, kind: Kind) -> None:
    key = new_key()
    signed(certdir, csr("first", key=key))
    assert_refused(certdir, csr("second", key=key), RequestRefused, "already that of hosts/first.crt", kind=kind)


def test_a_name_may_be_renewed_with_its_own_key(certdir: CertDir) -> None:
    key = new_key()
    first = signed(certdir, csr("a.example", key=key))
    again = signed(certdir, csr("a.example", key=key), replace=True)
    assert again.certificate.serial_number != first.certificate.serial_number


def test_a_ca_may_be_renewed_with_its_own_key(certdir: CertDir) -> None:
    key = new_key()
    first = signed(certdir, csr("sub", AS_CA, key=key), Kind.CA)
    again = signed(certdir, csr("sub", AS_CA, key=key), Kind.CA, replace=True)
    assert again.certificate.serial_number != first.certificate.serial_number


@pytest.mark.parametrize("kinds", [(Kind.CA, Kind.HOST), (Kind.HOST, Kind.CA)])
def test_a_ca_and_a_host_never_share_a_key_even_under_one_name(certdir: CertDir, kinds: tuple[Kind, Kind]) -> None:
    key = new_key()
    signed(certdir, csr("same", key=key), kinds[0])
    assert_refused(certdir, csr("same", key=key), RequestRefused, "already that of", kind=kinds[1])


@pytest.mark.parametrize("replace", [False, True])
def test_a_certificate_is_not_put_beside_a_key_that_is_not_its_own(certdir: CertDir, replace: bool) -> None:
    make_requests(certdir, [CsrRequest(Kind.HOST, HostName("a.example"))])
    data = csr("a.example")
    assert_refused(certdir, data, KeyMismatch, "another key than /certs/hosts/a.example.key", replace=replace)


def test_a_broken_certificate_in_the_directory_does_not_stop_the_search(certdir: CertDir) -> None:
    files(certdir)["hosts/broken.crt"] = b"not a certificate"
    signed(certdir, csr("a.example"))


# --- B7, B8, B9, B10, B12: names --------------------------------------------------------------------------------------


def test_a_hundred_names_are_signed(certdir: CertDir) -> None:
    names = [DNS(f"h{number}.example") for number in range(100)]
    assert len(dns_names(signed(certdir, csr("h0.example", [sans(*names)])).certificate)) == 100


@pytest.mark.parametrize("count", [101, 10_000])
def test_more_than_a_hundred_names_are_refused(certdir: CertDir, count: int) -> None:
    data = csr("h0.example", [sans(*(DNS(f"h{number}.example") for number in range(count)))])
    assert_refused(certdir, data, RequestRefused, f"asks for {count} names; at most 100")


def test_names_that_are_the_same_are_signed_once(certdir: CertDir) -> None:
    data = csr("a.example", [sans(DNS("a.example"), DNS("A.EXAMPLE"), DNS("a.example."))])
    assert dns_names(signed(certdir, data).certificate) == ["a.example"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (x509.RFC822Name("ceo@example.com"), "email:ceo@example.com"),
        (x509.UniformResourceIdentifier("spiffe://example.com/x"), "URI:spiffe://example.com/x"),
        (x509.DirectoryName(dn(cn="x")), "DirectoryName"),
        (x509.RegisteredID(x509.ObjectIdentifier("1.2.3")), "RegisteredID"),
        (x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), "OtherName"),
    ],
)
def test_names_that_are_not_a_hosts_are_dropped_and_listed(certdir: CertDir, name: x509.GeneralName, said: str) -> None:
    issued = signed(certdir, csr("a.example", [sans(DNS("a.example"), name)]))
    assert issued.notes == (f"ignored: subject alternative name {said}",)
    (kept,) = issued.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert kept == DNS("a.example")


def test_addresses_are_kept(certdir: CertDir) -> None:
    issued = signed(certdir, csr("a.example", [sans(DNS("a.example"), IP(ipaddress.ip_address("10.0.0.1")))]))
    extension = issued.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(item) for item in extension.get_values_for_type(x509.IPAddress)] == ["10.0.0.1"]


def test_the_addresses_in_a_request_are_judged_by_the_name_constraints() -> None:
    """OpenBao GHSA-g892-p242-8g86: the policy looked at the flags and not at the addresses in the request."""
    certdir = directory()
    make(certdir, Kind.CA, "root", name_constraints=name_constraints([parse_constraint("10.0.0.0/8")], []))
    data = csr(None, [sans(IP(ipaddress.ip_address("192.168.0.1")))])
    with pytest.raises(NotPermitted):
        signed(certdir, data)


@pytest.mark.parametrize(
    "name", ["a b", "a\0b", "a..b", "*.*.com", "a.*.example", "*", "-a.example", "xn--a-", "x" * 300, ""]
)
def test_a_name_that_cannot_be_certified_is_refused(certdir: CertDir, name: str) -> None:
    assert_refused(certdir, csr(None, [sans(DNS(name))]), RequestRefused, "cannot be certified")


def test_a_wildcard_needs_to_be_allowed(certdir: CertDir) -> None:
    assert_refused(certdir, csr(None, [sans(DNS("*.example.com"))]), RequestRefused, r"wildcard \*\.example\.com")


def test_a_wildcard_in_the_common_name_needs_to_be_allowed_too(certdir: CertDir) -> None:
    assert_refused(certdir, csr("*.example.com"), RequestRefused, "wildcard")


def test_a_wildcard_that_is_allowed_is_signed(certdir: CertDir) -> None:
    issued = signed(certdir, csr("*.example.com"), allow_wildcard=True)
    assert dns_names(issued.certificate) == ["*.example.com"]


def test_a_common_name_becomes_the_name_where_no_other_is_asked_for(certdir: CertDir) -> None:
    assert dns_names(signed(certdir, csr("www.example.com")).certificate) == ["www.example.com"]


def test_a_common_name_that_is_not_among_the_names_is_refused(certdir: CertDir) -> None:
    data = csr("bank.example", [sans(DNS("mallory.example"))])
    assert_refused(certdir, data, RequestRefused, "bank.example is not among the names")


def test_an_address_as_common_name_alone_is_refused(certdir: CertDir) -> None:
    assert_refused(certdir, csr("10.0.0.1"), RequestRefused, "not among the names")


def test_an_address_as_common_name_is_signed_when_it_is_among_the_names(certdir: CertDir) -> None:
    issued = signed(certdir, csr("10.0.0.1", [sans(IP(ipaddress.ip_address("10.0.0.1")))]))
    assert issued.name == "10.0.0.1"


@pytest.mark.parametrize("kind", list(Kind))
def test_a_request_that_names_nothing_is_refused(certdir: CertDir, kind: Kind) -> None:
    assert_refused(certdir, csr(None), RequestRefused, "names nothing", kind=kind)


def test_a_request_without_a_common_name_is_named_by_its_first_name(certdir: CertDir) -> None:
    issued = signed(certdir, csr(None, [sans(DNS("a.example"), DNS("b.example"))]))
    assert issued.certificate_path == "/certs/hosts/a.example.crt"
    assert dns_names(issued.certificate) == ["a.example", "b.example"]


HOSTILE_NAMES = [
    "../../x",
    "/etc/x",
    "a/b",
    "a\\b",
    "..",
    ".hidden",
    "a\nb",
    "a\x1b[2J",
    "a\u202eb",
    "$(id)",
    "-rf",
    " ",
]


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_common_name_is_refused_and_shown_escaped(certdir: CertDir, kind: Kind, name: str) -> None:
    before = dict(files(certdir))
    with pytest.raises(RequestRefused, match=r"^req\.csr") as caught:
        signed(certdir, csr(name), kind)
    assert str(caught.value).isprintable()
    assert files(certdir) == before


@pytest.mark.parametrize("kind", [Kind.HOST, Kind.USER])
@pytest.mark.parametrize("name", [name for name in HOSTILE_NAMES if name not in ("-rf",)])
def test_a_hostile_common_name_is_refused_under_the_synapse_profile(certdir: CertDir, kind: Kind, name: str) -> None:
    before = dict(files(certdir))
    with pytest.raises(EasycertError) as caught:
        signed(certdir, csr(name), kind, profile=SYNAPSE)
    assert str(caught.value).isprintable()
    assert files(certdir) == before


def test_a_name_given_by_the_operator_replaces_the_one_asked_for(certdir: CertDir) -> None:
    issued = signed(certdir, csr("../../x"), name=HostName("good.example"))
    assert issued.certificate.subject == dn(cn="good.example")
    assert issued.certificate_path == "/certs/hosts/good.example.crt"


def test_names_of_the_operator_come_beside_those_asked_for(certdir: CertDir) -> None:
    issued = signed(certdir, csr("a.example", [sans(DNS("a.example"))]), sans=(parse_san("b.example"),))
    assert dns_names(issued.certificate) == ["a.example", "b.example"]


def test_an_international_name_is_kept_as_its_a_label(certdir: CertDir) -> None:
    assert dns_names(signed(certdir, csr("xn--bcher-kva.example")).certificate) == ["xn--bcher-kva.example"]


def test_a_users_mailbox_is_kept(certdir: CertDir) -> None:
    issued = signed(certdir, csr("alice@example.com", [sans(x509.RFC822Name("alice@example.com"))]), Kind.USER)
    extension = issued.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert extension.get_values_for_type(x509.RFC822Name) == ["alice@example.com"]
    assert issued.notes == ()


# --- the subject ------------------------------------------------------------------------------------------------------


def test_the_organisation_is_kept(certdir: CertDir) -> None:
    subject = dn((NameOID.ORGANIZATION_NAME, "Acme"), (NameOID.COUNTRY_NAME, "FR"), cn="a.example")
    issued = signed(certdir, csr(subject))
    assert [item.value for item in issued.certificate.subject] == ["Acme", "FR", "a.example"]
    assert issued.notes == ()


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ((NameOID.EMAIL_ADDRESS, "x@example.com"), "1.2.840.113549.1.9.1"),
        ((NameOID.ORGANIZATION_NAME, "Ac\x1bme"), "O"),
        ((NameOID.ORGANIZATION_NAME, "A" * 65), "O"),
        ((NameOID.SERIAL_NUMBER, "42"), "SERIALNUMBER"),
    ],
)
def test_subject_attributes_that_are_not_kept_are_said(
    certdir: CertDir, pair: tuple[x509.ObjectIdentifier, str], said: str
) -> None:
    issued = signed(certdir, csr(dn(pair, cn="a.example")))
    assert issued.notes == (f"ignored: subject attribute {said}",)
    assert issued.certificate.subject == dn(cn="a.example")


def test_under_the_synapse_profile_only_the_common_name_is_kept(certdir: CertDir) -> None:
    subject = dn((NameOID.ORGANIZATION_NAME, "Acme"), cn="a.example")
    issued = signed(certdir, csr(subject), profile=SYNAPSE)
    assert issued.certificate.subject == dn(cn="a.example")
    assert issued.notes == ("ignored: subject attribute organizationName=Acme",)


# --- B11, B12, B13, B15: bytes ----------------------------------------------------------------------------------------


def test_der_is_accepted(certdir: CertDir) -> None:
    assert signed(certdir, csr("a.example", form="DER")).name == "a.example"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"),
        lambda data: b"Subject: CN=a.example\nwritten by hand\n\n" + data,
        lambda data: data.replace(b"BEGIN CERT", b"BEGIN NEW CERT").replace(b"END CERT", b"END NEW CERT"),
        lambda data: data + b"\n\n",
    ],
)
def test_what_other_programs_write_around_a_request_is_accepted(
    certdir: CertDir, change: Callable[[bytes], bytes]
) -> None:
    assert signed(certdir, change(csr("a.example"))).name == "a.example"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: b"\0" * 1000,
        lambda data: bytes(range(256)) * 4,
        lambda data: data[: len(data) // 2],
        lambda data: data + data,
        lambda data: data + b"trailing",
        lambda data: data.replace(b"CERTIFICATE REQUEST", b"CERTIFICATE"),
        lambda data: b"-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
        lambda data: b"-----BEGIN CERTIFICATE REQUEST-----\n" * 1000,
        lambda data: csr("a.example", form="DER") + b"\0",
        lambda data: csr("a.example", form="DER")[:-1],
        lambda data: pem(stranger(new_key(), "a.example")),
    ],
)
def test_what_is_no_request_is_refused(certdir: CertDir, change: Callable[[bytes], bytes]) -> None:
    assert_refused(certdir, change(csr("a.example")), Malformed)


def test_a_private_key_is_refused_and_never_echoed(certdir: CertDir) -> None:
    secret = key_pem(new_key())
    for data in (secret, csr("a.example") + secret, secret + csr("a.example")):
        with pytest.raises(Malformed, match="private key") as caught:
            signed(certdir, data)
        assert secret.split(b"\n")[1].decode() not in str(caught.value)


def der_replaced(old: bytes, new: bytes, subject: Any = "a.example", extensions: Any = ()) -> bytes:
    """Return a request with some bytes replaced by as many others: its signature does not fit any more."""
    data = csr(subject, extensions, form="DER")
    assert len(old) == len(new)
    assert data.count(old) >= 1
    return data.replace(old, new, 1)


def test_an_unknown_version_is_refused(certdir: CertDir) -> None:
    assert_refused(certdir, der_replaced(b"\x02\x01\x00", b"\x02\x01\x07"), Malformed)


def test_a_duplicate_extension_is_refused(certdir: CertDir) -> None:
    """cryptography tells only when the extensions are looked at."""
    ski, poison = (x509.SubjectKeyIdentifier(b"a"), False), (x509.AuthorityKeyIdentifier(b"a", None, None), False)
    ski_oid, aki_oid = bytes.fromhex("0603551d0e"), bytes.fromhex("0603551d23")
    assert_refused(certdir, der_replaced(aki_oid, ski_oid, extensions=[ski, poison]), EasycertError)


def test_a_common_name_that_is_not_utf8_is_refused(certdir: CertDir) -> None:
    assert_refused(certdir, der_replaced(b"\x0c\x09a.example", b"\x0c\x09a.ex\xff\xfeple"), EasycertError)


# --- B17 and the rest -------------------------------------------------------------------------------------------------


def test_what_exists_is_not_replaced_unasked(certdir: CertDir) -> None:
    data = csr("a.example")
    signed(certdir, data)
    before = dict(files(certdir))
    with pytest.raises(AlreadyExists):
        signed(certdir, data)
    assert files(certdir) == before


def test_one_request_signed_by_two_cas_has_two_serials(certdir: CertDir) -> None:
    make(certdir, Kind.CA, "other")
    data = csr("a.example")
    first = signed(certdir, data)
    del files(certdir)["hosts/a.example.crt"]
    assert signed(certdir, data, signas="other").certificate.serial_number != first.certificate.serial_number


def test_signing_writes_a_certificate_and_no_key(certdir: CertDir) -> None:
    before = set(files(certdir))
    issued = signed(certdir, csr("a.example"))
    assert issued.key_path is None
    assert set(files(certdir)) - before == {"hosts/a.example.crt"}


def test_a_request_for_a_host_below_an_intermediate_gets_the_chain() -> None:
    certdir = directory()
    chain_of_cas(certdir, "root", "sub")
    signed(certdir, csr("a.example"), signas="sub")
    subjects = [item.subject for item in load_certificates(files(certdir)["hosts/a.example.crt"], "it")]
    assert subjects == [dn(cn="a.example"), dn(cn="sub")]


def test_a_path_length_is_for_cas_only(certdir: CertDir) -> None:
    before = dict(files(certdir))
    with pytest.raises(InvalidInput, match="for CAs only"):
        signed(certdir, csr("a.example"), path_length=1)
    assert files(certdir) == before


def test_a_request_does_not_take_the_place_of_the_ca_that_signs_it(certdir: CertDir) -> None:
    before = dict(files(certdir))
    key = certdir.signers.key(Kind.CA, NAMES[Kind.CA]("root"))
    for data, reason in ((csr("root", AS_CA), "another key"), (csr("root", AS_CA, key=key), "own name")):
        with pytest.raises(EasycertError, match=reason):
            signed(certdir, data, Kind.CA, replace=True)
    assert files(certdir) == before


# --- making requests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(Kind))
def test_a_new_request_proves_possession_of_its_new_key(kind: Kind) -> None:
    certdir = directory()
    (made,) = make_requests(certdir, [CsrRequest(kind, NAMES[kind]("one"))])
    request = x509.load_pem_x509_csr(files(certdir)[made.request_path.removeprefix("/certs/")])
    assert request.is_signature_valid
    assert certdir.signers.key(kind, made.name).public_key() == request.public_key()
    assert request.extensions.get_extension_for_class(x509.BasicConstraints).value.ca == (kind is Kind.CA)


@pytest.mark.parametrize("key_type", [item for item in KeyType if item not in (KeyType.RSA3072, KeyType.RSA4096)])
def test_requests_of_every_key_type_are_made_and_signed(certdir: CertDir, key_type: KeyType) -> None:
    (made,) = make_requests(certdir, [CsrRequest(Kind.HOST, HostName("a.example"), key_type=key_type)])
    issued = signed(certdir, files(certdir)[made.request_path.removeprefix("/certs/")])
    assert key_name(issued.certificate.public_key()) == key_type.value
    assert issued.notes == ()


def test_a_request_of_ours_keeps_all_it_asks_for_when_it_is_signed(certdir: CertDir) -> None:
    wish = CsrRequest(
        Kind.HOST, HostName("a.example"), sans=(parse_san("b.example"),), attributes=parse_subject("O=Acme")
    )
    make_requests(certdir, [wish])
    issued = signed(certdir, files(certdir)["hosts/a.example.csr"])
    assert dns_names(issued.certificate) == ["a.example", "b.example"]
    assert [item.value for item in issued.certificate.subject] == ["Acme", "a.example"]


@pytest.mark.parametrize("suffix", ["key", "csr", "crt"])
def test_requests_are_made_all_or_none(suffix: str) -> None:
    certdir = directory()
    files(certdir)[f"hosts/b.example.{suffix}"] = b"there"
    before = dict(files(certdir))
    with pytest.raises(AlreadyExists):
        make_requests(certdir, [CsrRequest(Kind.HOST, HostName(name)) for name in ("a.example", "b.example")])
    assert files(certdir) == before


def test_one_name_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="given twice"):
        make_requests(directory(), [CsrRequest(Kind.HOST, HostName("a.example"))] * 2, replace=True)


def test_an_ed25519_request_is_signed(certdir: CertDir) -> None:
    assert signed(certdir, csr("a.example", key=ed25519.Ed25519PrivateKey.generate())).name == "a.example"


def test_a_request_under_the_synapse_profile_has_a_common_name_only() -> None:
    attributes = ((NameOID.ORGANIZATION_NAME, "Acme"),)
    with pytest.raises(InvalidInput, match="CN only"):
        make_requests(
            CertDir.in_memory(),
            [CsrRequest(Kind.HOST, HostName("www.example.com"), profile=SYNAPSE, attributes=attributes)],
        )
