"""What ``easycert doctor --client synapse`` says is refused, Synapse itself refuses; the neighbours it takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("synapse", reason="scripts/interop runs this inside Synapse's environment")
pytestmark = pytest.mark.real


@pytest.fixture
def rules(easycert):
    """Return a function that returns the rules by which Synapse refuses something in a home, by file name."""

    def asked(home, *target):
        outcome = easycert(home, "doctor", *target, "--client", "synapse", "-o", "json", "--exit-zero")
        assert outcome.code == 0, outcome
        found = {}
        for patient in json.loads(outcome.stdout)["diagnosis"]["patients"]:
            names = {finding["rule"] for finding in patient["findings"] if "synapse" in finding["clients"]}
            if names:
                found[Path(patient["path"]).name] = names
        return found

    return asked


@pytest.fixture
def made(easycert, tmp_path):
    """Return a function that runs easycert's commands in an empty home, which it returns."""
    home = tmp_path / "home"
    home.mkdir()

    def run(*commands):
        for command in commands:
            outcome = easycert(home, *command)
            assert outcome.code == 0, outcome
        return home

    return run


def certs(home):
    return home / ".syn" / "certs"


def test_what_either_tool_makes_for_synapse_is_fine(either, rules):
    assert rules(either) == {}


def test_a_key_that_is_not_rsa(made, rules, reader):
    import synapse.exc as s_exc

    home = made(("--ca", "vertex"), ("host", "ec.vertex.link", "--signas", "vertex"))
    made(("--server", "rsa.vertex.link", "--signas", "vertex"))
    assert rules(home) == {"ec.vertex.link.crt": {"synapse-rsa"}}
    with pytest.raises(s_exc.BadCertBytes):
        reader(home).getHostKey("ec.vertex.link")
    assert reader(home).getHostKey("rsa.vertex.link")


def test_a_critical_extension_of_a_code_signer_or_of_its_ca(made, rules, reader):
    import synapse.exc as s_exc

    rsa = ("--key-type", "rsa2048")
    home = made(("--ca", "vertex"), ("ca", "modern", *rsa), ("code", "strict", "--signas", "vertex", *rsa))
    made(("code", "below", "--signas", "modern", "--profile", "synapse"), ("--code", "plain", "--signas", "vertex"))
    assert rules(home) == {"strict.crt": {"synapse-critical"}, "modern.crt": {"synapse-critical"}}
    for name in ("strict", "below"):
        with pytest.raises(s_exc.BadCertVerify, match="critical"):
            reader(home).valCodeCert((certs(home) / "code" / f"{name}.crt").read_bytes())
    reader(home).valCodeCert((certs(home) / "code" / "plain.crt").read_bytes())


def test_a_subject_that_is_more_than_a_common_name(made, rules, reader, synapse_tool):
    home = made(("ca", "acme", "--subject", "O=Acme", "--key-type", "rsa2048"), ("--ca", "plain"))
    assert rules(home)["acme.crt"] >= {"synapse-ca-subject"}
    assert "plain.crt" not in rules(home)
    for ca, good in (("acme", False), ("plain", True)):
        assert synapse_tool(home, "--server", f"{ca}.vertex.link", "--signas", ca).code == 0
        host, issuer = reader(home).getHostCert(f"{ca}.vertex.link"), reader(home).getCaCert(ca)
        assert (host.issuer == issuer.subject) is good


def test_a_common_name_that_is_not_that_of_the_file(made, rules, reader):
    home = made(("--ca", "vertex"), ("--server", "a.vertex.link", "--signas", "vertex"))
    for suffix in ("crt", "key"):
        shutil.copy(
            certs(home) / "hosts" / f"a.vertex.link.{suffix}", certs(home) / "hosts" / f"b.vertex.link.{suffix}"
        )
    assert rules(home)["b.vertex.link.crt"] >= {"synapse-file-name"}
    assert "a.vertex.link.crt" not in rules(home)
    assert reader(home)._getCertName(reader(home).getHostCert("b.vertex.link")) != "b.vertex.link"


@pytest.mark.parametrize(("stray", "rule"), [(".swap.crt", "stray-file"), ("broken.crt", "unreadable")])
def test_a_broken_certificate_among_the_cas(made, rules, reader, stray, rule):
    import synapse.exc as s_exc

    home = made(("--ca", "vertex"))
    (certs(home) / "cas" / "README").write_text("not a .crt: nobody minds")
    assert rules(home) == {}
    assert len(reader(home).getCaCerts()) == 1
    (certs(home) / "cas" / stray).write_text("half a certi")
    assert rules(home) == {stray: {rule}}
    with pytest.raises(s_exc.BadCertBytes):
        reader(home).getCaCerts()


def test_a_ca_in_der(made, rules, reader):
    import synapse.exc as s_exc
    from cryptography.hazmat.primitives.serialization import Encoding

    home = made(("--ca", "vertex"))
    der = reader(home).getCaCert("vertex").public_bytes(Encoding.DER)
    (certs(home) / "cas" / "vertex.crt").write_bytes(der)
    assert rules(home) == {"vertex.crt": {"not-pem"}}
    with pytest.raises(s_exc.BadCertBytes):
        reader(home).getCaCert("vertex")


@pytest.mark.parametrize(("form", "rule"), [("DER", "not-pem"), ("broken", "unreadable")])
def test_a_crl_that_is_not_pem(made, rules, reader, form, rule):
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    home = made(("--ca", "vertex"), ("--crl", "vertex"), ("--code", "signer", "--signas", "vertex"))
    code, crl = (certs(home) / "code" / "signer.crt").read_bytes(), certs(home) / "crls" / "vertex.crl"
    (certs(home) / "crls" / "README").write_text("not a .crl: nobody minds")
    assert rules(home) == {}
    reader(home).valCodeCert(code)
    der = x509.load_pem_x509_crl(crl.read_bytes()).public_bytes(Encoding.DER)
    crl.write_bytes(der if form == "DER" else b"half a CR")
    assert rules(home) == {"vertex.crl": {rule}}
    with pytest.raises(ValueError):
        reader(home).valCodeCert(code)


def test_a_code_signer_that_has_expired(made, rules, reader):
    import synapse.exc as s_exc

    home = made(("--ca", "vertex"), ("--code", "old", "--signas", "vertex"))
    path = certs(home) / "code" / "old.crt"
    assert rules(home) == {}
    path.write_bytes(aged(reader(home), "old"))
    assert rules(home) == {"old.crt": {"validity"}}
    with pytest.raises(s_exc.BadCertVerify, match="expired"):
        reader(home).valCodeCert(path.read_bytes())


def aged(certs, name):
    """Return the code signer *name* as it would be had it ended in 2021."""
    from datetime import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    old = certs.getCodeCert(name)
    builder = x509.CertificateBuilder(
        issuer_name=old.issuer,
        subject_name=old.subject,
        public_key=old.public_key(),
        serial_number=old.serial_number,
        not_valid_before=datetime(2020, 1, 1),
        not_valid_after=datetime(2021, 1, 1),
    )
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(certs.getCaKey("vertex"), hashes.SHA256()).public_bytes(Encoding.PEM)


def test_a_private_key_with_a_passphrase(made, rules, reader):
    from cryptography.hazmat.primitives import serialization as form

    home = made(("--ca", "vertex"), ("--server", "a.vertex.link", "--signas", "vertex"))
    path = certs(home) / "hosts" / "a.vertex.link.key"
    key = reader(home).getHostKey("a.vertex.link")
    lock = form.BestAvailableEncryption(b"secret")
    path.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, lock))
    assert rules(home) == {"a.vertex.link.crt": {"key-encrypted"}}
    with pytest.raises(TypeError):
        reader(home).getHostKey("a.vertex.link")


def test_a_directory_of_synapses_own_is_mended_and_synapse_notices_nothing(theirs, easycert, rules, reader):
    """Its CAs get what OpenSSL's strict mode asks for, with their key and name; its leaves, once they are renewed."""
    code = (certs(theirs) / "code" / "Build Pipeline.crt").read_bytes()
    key = reader(theirs).getCaKey("vertex").private_numbers()
    strict = ("doctor", "--client", "openssl-strict", "-q")
    assert easycert(theirs, *strict).code == 4
    easycert(theirs, *strict, "--fix")
    assert reader(theirs).getCaKey("vertex").private_numbers() == key
    assert rules(theirs) == {}
    reader(theirs).valCodeCert(code)
    for name in ("cortex.vertex.link", "axon.vertex.link", "visi@vertex.link", "Build Pipeline", "Sub Pipeline"):
        assert easycert(theirs, "renew", name, "-q").code == 0, name
    assert easycert(theirs, "renew", "intruder@vertex.link", "-q").code == 0
    assert easycert(theirs, *strict[:-1]) == ("nothing is wrong; 9 certificates examined\n", 0)
    assert rules(theirs) == {}
    reader(theirs).valCodeCert((certs(theirs) / "code" / "Sub Pipeline.crt").read_bytes())
    reader(theirs).getServerSSLContext(hostname="axon.vertex.link", caname="vertex")
