"""What Synapse made is renewed, and Synapse, and a client as strict as Python 3.13, go on with it."""

from __future__ import annotations

import ssl

import pytest

pytest.importorskip("synapse", reason="scripts/interop runs this inside Synapse's environment")
pytestmark = pytest.mark.real


def strict(root, host):
    """Meet *host* (the path of its files without suffix) under *root*, as strict as Python 3.13 is."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.load_verify_locations(root)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(f"{host}.crt", f"{host}.key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    name = host.name
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


def test_a_ca_of_synapse_is_accepted_by_strict_clients_when_it_was_renewed(theirs, easycert):
    certs = theirs / ".syn/certs"
    assert easycert(theirs, "--server", "new.vertex.link", "--signas", "vertex").code == 0
    with pytest.raises(ssl.SSLCertVerificationError):
        strict(certs / "cas/vertex.crt", certs / "hosts/new.vertex.link")
    assert easycert(theirs, "renew", "vertex").code == 0
    strict(certs / "cas/vertex.crt", certs / "hosts/new.vertex.link")


def test_everything_of_synapse_is_renewed_and_accepted_by_strict_clients(theirs, easycert):
    certs = theirs / ".syn/certs"
    (certs / "users/visi@vertex.link.p12").unlink()
    assert easycert(theirs, "renew", "--within", "9000d").code == 0
    strict(certs / "cas/vertex.crt", certs / "hosts/cortex.vertex.link")
    strict(certs / "cas/vertex.crt", certs / "hosts/axon.vertex.link")


def test_synapse_reads_and_verifies_what_was_renewed(either, easycert, reader):
    before = reader(either).getHostCert("cortex.vertex.link")
    assert easycert(either, "renew", "--within", "9000d").code == 0
    certs = reader(either)
    host = certs.getHostCert("cortex.vertex.link")
    assert host.serial_number != before.serial_number
    assert host.subject == before.subject
    assert host.public_key() == certs.getHostKey("cortex.vertex.link").public_key()
    host.verify_directly_issued_by(certs.getCaCert("vertex"))
    certs.valCodeCert((either / ".syn/certs/code/Build Pipeline.crt").read_bytes())
    for name in ("cortex.vertex.link", "axon.vertex.link"):
        certs.getServerSSLContext(name)


def test_what_synapse_signed_is_valid_under_a_ca_that_was_renewed(theirs, easycert, reader):
    assert easycert(theirs, "renew", "vertex", "sub").code == 0
    certs = reader(theirs)
    certs.getUserCert("visi@vertex.link").verify_directly_issued_by(certs.getCaCert("vertex"))
    certs.valCodeCert((theirs / ".syn/certs/code/Sub Pipeline.crt").read_bytes())
    assert easycert(theirs, "verify", "axon.vertex.link").code == 0


def test_synapse_goes_on_signing_under_a_ca_that_was_renewed(theirs, easycert, synapse_tool, reader):
    assert easycert(theirs, "renew", "vertex").code == 0
    assert synapse_tool(theirs, "--code", "Later Pipeline", "--signas", "vertex").code == 0
    reader(theirs).valCodeCert((theirs / ".syn/certs/code/Later Pipeline.crt").read_bytes())
