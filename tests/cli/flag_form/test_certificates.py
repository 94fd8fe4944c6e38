"""What the flag form's certificates are made of, so that Synapse loads them and strict TLS stacks accept them."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TEN_YEARS = timedelta(days=3650)
CA = "cas/vertex"
HOST = "hosts/cortex.vertex.link"
USER = "users/visi@vertex.link"
CODE = "code/Build Pipeline"
ALL = [CA, HOST, USER, CODE]
LEAVES = [HOST, USER, CODE]
CERT_TYPE = x509.ObjectIdentifier("2.16.840.1.113730.1.1")


def load(certs, what):
    return x509.load_pem_x509_certificate((certs / f"{what}.crt").read_bytes())


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind)


def alternative_names(certificate):
    return list(extension(certificate, x509.SubjectAlternativeName).value)


def name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def write_authority(certs, ca, ends, key=None):
    """Write a CA, as another tool might have made it, that lives until *ends*, and return its key."""
    key = key or rsa.generate_private_key(65537, 2048)
    builder = x509.CertificateBuilder(
        name(ca), name(ca), key.public_key(), x509.random_serial_number(), datetime.now(UTC) - timedelta(days=400), ends
    ).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (certs / f"cas/{ca}.key").write_bytes(pem)
    (certs / f"cas/{ca}.key").chmod(0o600)
    (certs / f"cas/{ca}.crt").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return key


@pytest.mark.parametrize("what", ALL)
def test_the_subject_is_one_common_name_in_utf8(certs_once, what):
    certificate = load(certs_once, what)
    (common_name,) = certificate.subject
    assert common_name.oid == NameOID.COMMON_NAME
    assert common_name.value == what.partition("/")[2]
    text = common_name.value.encode()
    assert bytes([0x0C, len(text)]) + text in certificate.subject.public_bytes()  # 0x0C: UTF8String


@pytest.mark.parametrize("what", ALL)
def test_it_is_valid_for_ten_years_from_five_minutes_ago(certs_once, what):
    certificate = load(certs_once, what)
    made = datetime.fromtimestamp((certs_once / f"{what}.crt").stat().st_mtime, UTC)
    assert timedelta(minutes=4) < made - certificate.not_valid_before_utc < timedelta(minutes=6)
    assert TEN_YEARS - timedelta(days=1) < certificate.not_valid_after_utc - made < TEN_YEARS + timedelta(days=4)


@pytest.mark.parametrize("what", LEAVES)
def test_it_does_not_outlive_its_ca(certs_once, what):
    assert load(certs_once, what).not_valid_after_utc <= load(certs_once, CA).not_valid_after_utc


def test_it_is_cut_to_the_life_of_an_older_ca_and_that_is_said_beside_synapses_lines(easycert, certs):
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=100)
    write_authority(certs, "aged", ends)
    made = easycert("--server", "late.vertex.link", "--signas", "aged")
    assert made.lines == [
        f"key saved: {certs}/hosts/late.vertex.link.key",
        f"cert saved: {certs}/hosts/late.vertex.link.crt",
    ]
    assert load(certs, "hosts/late.vertex.link").not_valid_after_utc == ends
    assert made.stderr.count("\n") == 1


@pytest.mark.usefixtures("certs")
def test_an_expired_ca_signs_nothing(easycert, certs, unchanged):
    write_authority(certs, "dead", datetime.now(UTC) - timedelta(days=1))
    with unchanged():
        refused = easycert("--server", "late.vertex.link", "--signas", "dead")
    assert (refused.code, len(refused.lines)) == (1, 1)
    assert refused.stdout.startswith("ERROR: ")


@pytest.mark.parametrize(
    ("what", "usage"),
    [
        (HOST, ExtendedKeyUsageOID.SERVER_AUTH),
        (USER, ExtendedKeyUsageOID.CLIENT_AUTH),
        (CODE, ExtendedKeyUsageOID.CODE_SIGNING),
    ],
)
def test_a_leaf_has_exactly_one_extended_key_usage(certs_once, what, usage):
    assert list(extension(load(certs_once, what), x509.ExtendedKeyUsage).value) == [usage]


def test_a_ca_has_no_extended_key_usage(certs_once):
    with pytest.raises(x509.ExtensionNotFound):
        extension(load(certs_once, CA), x509.ExtendedKeyUsage)


@pytest.mark.parametrize(("what", "der"), [(USER, "03020780"), (HOST, "03020640"), (CODE, "03020410")])
def test_a_leaf_has_the_netscape_type_that_synapse_writes(certs_once, what, der):
    found = load(certs_once, what).extensions.get_extension_for_oid(CERT_TYPE)
    assert found.value.value.hex() == der
    assert not found.critical


@pytest.mark.parametrize("what", ALL)
def test_nothing_is_critical_that_synapses_verifier_does_not_know(certs_once, what):
    critical = {item.oid for item in load(certs_once, what).extensions if item.critical}
    assert critical <= {x509.BasicConstraints.oid, x509.ExtendedKeyUsage.oid}


def test_a_ca_says_so_critically_and_may_sign_certificates_and_lists(certs_once):
    certificate = load(certs_once, CA)
    constraints = extension(certificate, x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=None)
    usage = extension(certificate, x509.KeyUsage).value
    assert usage.key_cert_sign
    assert usage.crl_sign


@pytest.mark.parametrize("what", LEAVES)
def test_a_leaf_is_no_ca_and_may_sign_but_not_certificates(certs_once, what):
    certificate = load(certs_once, what)
    assert not extension(certificate, x509.BasicConstraints).value.ca
    usage = extension(certificate, x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign
    assert not usage.crl_sign


@pytest.mark.parametrize("what", ALL)
def test_key_identifiers_lead_to_the_ca(certs_once, what):
    ca_identifier = extension(load(certs_once, CA), x509.SubjectKeyIdentifier).value.digest
    certificate = load(certs_once, what)
    assert extension(certificate, x509.SubjectKeyIdentifier).value.digest
    assert extension(certificate, x509.AuthorityKeyIdentifier).value.key_identifier == ca_identifier


def test_serials_are_long_positive_and_different(certs_once):
    serials = {load(certs_once, what).serial_number for what in ALL}
    assert len(serials) == len(ALL)
    assert all(128 < serial.bit_length() <= 159 for serial in serials)


@pytest.mark.parametrize("what", [CA, HOST, USER, CODE, "users/asked@vertex.link", "hosts/asked.vertex.link"])
def test_a_key_is_unencrypted_in_the_traditional_form(certs_once, what):
    pem = (certs_once / f"{what}.key").read_bytes()
    assert pem.startswith(b"-----BEGIN RSA PRIVATE KEY-----\n")
    assert b"ENCRYPTED" not in pem
    key = serialization.load_pem_private_key(pem, None)
    if (certs_once / f"{what}.crt").exists():
        assert key.public_key() == load(certs_once, what).public_key()


def test_a_ca_file_is_one_bare_block(certs_once):
    pem = (certs_once / f"{CA}.crt").read_bytes()
    assert pem == load(certs_once, CA).public_bytes(serialization.Encoding.PEM)


def test_a_leaf_under_an_intermediate_comes_with_the_intermediate_but_not_the_root(easycert, certs):
    assert easycert("--ca", "sub", "--signas", "vertex").code == 0
    assert easycert("--server", "deep.vertex.link", "--signas", "sub").code == 0
    leaf, issuer = x509.load_pem_x509_certificates((certs / "hosts/deep.vertex.link.crt").read_bytes())
    assert leaf.subject == name("deep.vertex.link")
    assert issuer == load(certs, "cas/sub")
    assert (certs / "cas/sub.crt").read_bytes().count(b"BEGIN CERTIFICATE") == 1


def test_keys_are_rsa_4096(process, own_home):
    assert process("--certdir", "c", "--code", "real").code == 0
    assert load(own_home / "c", "code/real").public_key().key_size == 4096


# --- alternative names -----------------------------------------------------------------------------------------------


def test_a_hosts_own_name_is_among_its_names(certs_once):
    assert alternative_names(load(certs_once, HOST)) == [x509.DNSName("cortex.vertex.link")]


@pytest.mark.parametrize("what", [USER, CODE, CA])
def test_others_have_no_alternative_names(certs_once, what):
    with pytest.raises(x509.ExtensionNotFound):
        alternative_names(load(certs_once, what))


def test_all_types_of_alternative_names_are_written_each_name_once(easycert, certs):
    wanted = (
        "DNS:www.vertex.link,IP:127.0.0.1,IP:::1,email:ops@vertex.link,URI:https://vertex.link/,DNS:www.vertex.link"
    )
    assert easycert("--server", "a.vertex.link", "--signas", "vertex", "--server-sans", wanted).code == 0
    assert set(alternative_names(load(certs, "hosts/a.vertex.link"))) == {
        x509.DNSName("a.vertex.link"),
        x509.DNSName("www.vertex.link"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
        x509.RFC822Name("ops@vertex.link"),
        x509.UniformResourceIdentifier("https://vertex.link/"),
    }
    assert len(alternative_names(load(certs, "hosts/a.vertex.link"))) == 6


@pytest.mark.usefixtures("certs")
@pytest.mark.parametrize(
    "item", ["IP:10.0.0.0/24", "IP:nowhere", "IP:", "DNS:a b", "DNS:a..b", "DNS:*.*.link", "email:nobody", "URI:a b"]
)
def test_an_alternative_name_that_is_none_is_refused(easycert, unchanged, item):
    with unchanged():
        refused = easycert("--server", "a.vertex.link", "--signas", "vertex", "--server-sans", f"DNS:ok.link,{item}")
    assert (refused.stdout, refused.code) == (f"ERROR: Unsupported san value: {item}\n", 1)


# --- requests --------------------------------------------------------------------------------------------------------


def write_request(path, common_name="asks.vertex.link", extensions=(), key=None, signer=None):
    """Write a request for *key*; another *signer* breaks its signature."""
    key = key or rsa.generate_private_key(65537, 2048)
    builder = x509.CertificateSigningRequestBuilder().subject_name(name(common_name))
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    der = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    if signer is not None:
        der = der[:-1] + bytes([der[-1] ^ 1])
    path.write_bytes(x509.load_der_x509_csr(der).public_bytes(serialization.Encoding.PEM))
    return key


def test_a_requests_names_and_those_of_the_command_are_kept(easycert, certs, own_home):
    asked = x509.SubjectAlternativeName([x509.DNSName("www.vertex.link"), x509.DNSName("asks.vertex.link")])
    key = write_request(own_home / "r.csr", extensions=[(asked, False)])
    signed = easycert(
        "--server", "--sign-csr", "r.csr", "--signas", "vertex", "--server-sans", "DNS:more.vertex.link,IP:10.0.0.1"
    )
    assert signed.lines == [f"cert saved: {certs}/hosts/asks.vertex.link.crt"]
    certificate = load(certs, "hosts/asks.vertex.link")
    assert set(alternative_names(certificate)) == {
        x509.DNSName("asks.vertex.link"),
        x509.DNSName("www.vertex.link"),
        x509.DNSName("more.vertex.link"),
        x509.IPAddress(ipaddress.ip_address("10.0.0.1")),
    }
    assert certificate.public_key() == key.public_key()


@pytest.mark.parametrize("flags", [[], ["--server"]], ids=["user", "host"])
def test_a_request_to_be_a_ca_never_makes_one(easycert, certs, own_home, flags):
    everything = x509.KeyUsage(*[True] * 7, encipher_only=False, decipher_only=False)
    wish = [(x509.BasicConstraints(ca=True, path_length=None), True), (everything, True)]
    write_request(own_home / "r.csr", extensions=wish)
    signed = easycert(*flags, "--sign-csr", "r.csr", "--signas", "vertex")
    saved = certs / ("hosts" if flags else "users") / "asks.vertex.link.crt"
    if signed.code == 0:
        certificate = x509.load_pem_x509_certificate(saved.read_bytes())
        assert not extension(certificate, x509.BasicConstraints).value.ca
        assert not extension(certificate, x509.KeyUsage).value.key_cert_sign
        assert signed.stderr, "what was not granted is said"
    else:
        assert signed.stdout.startswith("ERROR: ")
        assert not saved.exists()


def test_a_request_with_a_broken_signature_is_refused(easycert, certs, own_home, unchanged):
    write_request(own_home / "r.csr", signer="another")
    with unchanged():
        refused = easycert("--server", "--sign-csr", "r.csr", "--signas", "vertex")
    assert (refused.code, len(refused.lines)) == (1, 1)
    assert refused.stdout.startswith("ERROR: ")


def test_a_request_with_a_weak_key_is_refused(easycert, certs, own_home, unchanged):
    write_request(own_home / "r.csr", key=rsa.generate_private_key(65537, 1024))
    with unchanged():
        refused = easycert("--sign-csr", "r.csr", "--signas", "vertex")
    assert (refused.code, len(refused.lines)) == (1, 1)
    assert refused.stdout.startswith("ERROR: ")


def test_a_request_for_another_type_of_key_is_signed(easycert, certs, own_home):
    write_request(own_home / "r.csr", key=ec.generate_private_key(ec.SECP256R1()))
    assert easycert("--sign-csr", "r.csr", "--signas", "vertex").code == 0


def test_one_request_may_be_signed_for_a_user_and_for_a_host(easycert, certs, own_home):
    """As with Synapse's tool: a service may well be a host and a user with one key."""
    write_request(own_home / "r.csr")
    assert easycert("--sign-csr", "r.csr", "--signas", "vertex").code == 0
    assert easycert("--server", "--sign-csr", "r.csr", "--signas", "vertex").code == 0


# --- client bundles --------------------------------------------------------------------------------------------------


def test_a_client_bundle_holds_key_certificate_and_ca_without_a_passphrase(easycert, certs):
    assert easycert("--p12", "visi@vertex.link").code == 0
    bundle = pkcs12.load_pkcs12((certs / f"{USER}.p12").read_bytes(), None)
    assert bundle.cert.certificate == load(certs, USER)
    assert bundle.key.public_key() == load(certs, USER).public_key()
    assert [item.certificate for item in bundle.additional_certs] == [load(certs, CA)]
    assert (certs / f"{USER}.p12").stat().st_mode & 0o777 == 0o600
