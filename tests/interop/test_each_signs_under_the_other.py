"""A CA is a CA, whichever of the two tools made it, and whichever uses it."""

from __future__ import annotations

import pytest

pytest.importorskip("synapse", reason="scripts/interop runs this inside Synapse's environment")
pytestmark = pytest.mark.real


KIND_FLAGS = {"Host": ["--server"], "User": [], "Code": ["--code"], "Ca": ["--ca"]}


@pytest.mark.parametrize("kind", KIND_FLAGS)
def test_either_tool_signs_under_either_ca(either, tool, reader, kind):
    assert tool(either, *KIND_FLAGS[kind], "new.vertex.link", "--signas", "vertex").code == 0
    certs = reader(either)
    getattr(certs, f"get{kind}Cert")("new.vertex.link").verify_directly_issued_by(certs.getCaCert("vertex"))


@pytest.mark.parametrize(("kind", "name"), [("User", "asked@vertex.link"), ("Host", "asked.vertex.link")])
def test_either_tool_signs_the_others_request(either, tool, reader, kind, name):
    certs = reader(either)
    request = getattr(certs, f"get{kind}CsrPath")(name)
    assert tool(either, *KIND_FLAGS[kind], "--sign-csr", request, "--signas", "vertex").code == 0
    cert = getattr(certs, f"get{kind}Cert")(name)
    cert.verify_directly_issued_by(certs.getCaCert("vertex"))
    assert cert.public_key() == getattr(certs, f"get{kind}Key")(name).public_key()


def test_synapse_verifies_a_chain_of_both_tools(either, easycert, synapse_tool, reader):
    """root (either tool) > intermediate (Synapse's) > code certificate (ours), and the other way round."""
    assert synapse_tool(either, "--ca", "a", "--signas", "vertex").code == 0
    assert easycert(either, "--code", "under a", "--signas", "a").code == 0
    assert easycert(either, "--ca", "b", "--signas", "vertex").code == 0
    assert synapse_tool(either, "--code", "under b", "--signas", "b").code == 0
    certs = reader(either)
    for name in ("under a", "under b"):
        certs.valCodeCert((either / ".syn/certs/code" / f"{name}.crt").read_bytes())


def test_either_tool_makes_the_client_bundle_of_either(either, tool, reader):
    (either / ".syn/certs/users/visi@vertex.link.p12").unlink()
    assert tool(either, "--p12", "visi@vertex.link").code == 0
    certs = reader(either)
    bundle = certs.getClientCert("visi@vertex.link")
    assert bundle.cert.certificate == certs.getUserCert("visi@vertex.link")
    assert [extra.certificate for extra in bundle.additional_certs] == [certs.getCaCert("vertex")]
