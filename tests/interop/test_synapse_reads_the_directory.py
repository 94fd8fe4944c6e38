"""Synapse's own reader finds in a directory that easycert made whatever it would find in one of its own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

pytest.importorskip("synapse", reason="scripts/interop runs this inside Synapse's environment")
pytestmark = pytest.mark.real

CAS = ["vertex", "other", "sub"]
HOSTS = ["cortex.vertex.link", "axon.vertex.link"]
USERS = ["visi@vertex.link", "intruder@vertex.link"]
CODERS = ["Build Pipeline", "Sub Pipeline"]
NAMES = [("Ca", name) for name in CAS] + [("Host", name) for name in HOSTS]
NAMES += [("User", name) for name in USERS] + [("Code", name) for name in CODERS]


@pytest.fixture
def certs(ours_once, reader):
    return reader(ours_once)


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_a_certificate_is_found_under_its_name(certs, kind, name):
    cert = getattr(certs, f"get{kind}Cert")(name)
    assert certs._getCertName(cert) == name
    assert getattr(certs, f"is{kind}Cert")(name)


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_a_key_is_found_and_belongs_to_its_certificate(certs, kind, name):
    key = getattr(certs, f"get{kind}Key")(name)
    key = getattr(key, "priv", key)  # Synapse wraps the keys of code signers
    assert key.public_key() == getattr(certs, f"get{kind}Cert")(name).public_key()


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_files_are_what_synapse_itself_would_write_for_them(certs, kind, name):
    """The PEM forms are the same to the byte, so that Synapse's comparisons of bytes hold."""
    key = Path(getattr(certs, f"get{kind}KeyPath")(name))
    assert certs._pkeyToByts(certs._loadKeyPath(key)) == key.read_bytes()
    cert = Path(getattr(certs, f"get{kind}CertPath")(name))
    assert cert.read_bytes().startswith(certs._certToByts(certs._loadCertPath(cert)))


def test_a_ca_file_is_one_bare_block(certs):
    for name in CAS:
        assert certs.getCaCertBytes(name) == certs._certToByts(certs.getCaCert(name))


def test_every_ca_is_found(certs):
    assert sorted(certs._getCertName(cert) for cert in certs.getCaCerts()) == sorted(CAS)


def test_the_ca_of_a_host_and_of_a_user_is_found(certs):
    assert Path(certs.getHostCaPath("axon.vertex.link")).name == "sub.crt"
    assert Path(certs.getUserCaPath("visi@vertex.link")).name == "vertex.crt"


def test_the_hash_that_clients_pin_is_that_of_the_leaf(certs):
    for name in HOSTS:
        der = certs.getHostCert(name).public_bytes(_der())
        assert certs.getHostCertHash(name) == hashlib.sha256(der).hexdigest()


def test_a_user_is_found_for_a_host_below_its_domain(certs):
    assert certs.getUserForHost("visi", "cortex.vertex.link") == "visi@vertex.link"


def test_a_client_bundle_opens_without_a_passphrase_and_is_whole(certs):
    bundle = certs.getClientCert("visi@vertex.link")
    assert bundle.cert.certificate == certs.getUserCert("visi@vertex.link")
    assert bundle.key.public_key() == certs.getUserCert("visi@vertex.link").public_key()
    assert [extra.certificate for extra in bundle.additional_certs] == [certs.getCaCert("vertex")]


@pytest.mark.parametrize(("kind", "name"), [("User", "asked@vertex.link"), ("Host", "asked.vertex.link")])
def test_a_request_loads(certs, kind, name):
    request = certs._loadCsrPath(getattr(certs, f"get{kind}CsrPath")(name))
    assert request.is_signature_valid
    assert certs._getCertName(request) == name


@pytest.mark.parametrize("name", CODERS)
def test_a_code_certificate_verifies(certs, name):
    certs.valCodeCert(Path(certs.getCodeCertPath(name)).read_bytes())


def test_a_code_signature_by_our_key_verifies_against_our_certificate(certs):
    import synapse.lib.crypto.rsa as s_rsa

    signature = certs.getCodeKey("Build Pipeline").signitem({"package": "demo"})
    public = s_rsa.PubKey(certs.getCodeCert("Build Pipeline").public_key())
    assert public.verifyitem({"package": "demo"}, signature)
    assert not public.verifyitem({"package": "other"}, signature)


def test_tls_contexts_load(certs):
    certs.getServerSSLContext(hostname="cortex.vertex.link,axon.vertex.link", caname="vertex")
    certs.getClientSSLContext(certname="visi@cortex.vertex.link")


def _der():
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER
