"""A revocation list is read, believed and carried on, whichever of the two tools wrote it last."""

from __future__ import annotations

import pytest

pytest.importorskip("synapse", reason="scripts/interop runs this inside Synapse's environment")
pytestmark = pytest.mark.real


def code_certificate(home, name="Build Pipeline"):
    return (home / ".syn/certs/code" / f"{name}.crt").read_bytes()


def revoked_serials(home, reader):
    (crl,) = reader(home)._getCaCrls()
    return sorted(entry.serial_number for entry in crl)


def refusal():
    import synapse.exc as s_exc

    return pytest.raises(s_exc.BadCertVerify, match="certificate revoked")


def test_an_empty_list_revokes_nothing(either, tool, reader):
    assert tool(either, "--crl", "vertex").code == 0
    reader(either).valCodeCert(code_certificate(either))


def test_synapse_refuses_what_either_tool_revoked(either, tool, reader):
    certs = reader(either)
    certs.valCodeCert(code_certificate(either))
    assert tool(either, "--revokeas", "vertex", "--code", "Build Pipeline").code == 0
    with refusal():
        certs.valCodeCert(code_certificate(either))


def test_synapse_refuses_what_stands_under_a_revoked_intermediate(either, tool, reader):
    certs = reader(either)
    certs.valCodeCert(code_certificate(either, "Sub Pipeline"))
    assert tool(either, "--revokeas", "vertex", "--ca", "sub").code == 0
    with refusal():
        certs.valCodeCert(code_certificate(either, "Sub Pipeline"))


@pytest.mark.parametrize("order", ["ours first", "theirs first"])
def test_each_keeps_the_entries_of_the_other(either, easycert, synapse_tool, reader, order):
    first, second = (easycert, synapse_tool) if order == "ours first" else (synapse_tool, easycert)
    certs = reader(either)
    assert first(either, "--revokeas", "vertex", "visi@vertex.link").code == 0
    assert second(either, "--revokeas", "vertex", "--server", "cortex.vertex.link").code == 0
    assert first(either, "--revokeas", "vertex", "--code", "Build Pipeline").code == 0
    assert second(either, "--crl", "vertex").code == 0
    expected = [certs.getUserCert("visi@vertex.link"), certs.getHostCert("cortex.vertex.link")]
    expected.append(certs.getCodeCert("Build Pipeline"))
    assert revoked_serials(either, reader) == sorted(cert.serial_number for cert in expected)


def test_a_list_that_synapse_rewrote_gets_its_number_and_key_identifier_back(ours, easycert, synapse_tool, reader):
    """Synapse drops the extensions of the list; the next command of ours writes them again."""
    from cryptography import x509

    assert easycert(ours, "--revokeas", "vertex", "visi@vertex.link").code == 0
    assert synapse_tool(ours, "--crl", "vertex").code == 0
    (bare,) = reader(ours)._getCaCrls()
    assert not list(bare.extensions)
    assert easycert(ours, "--crl", "vertex").code == 0
    (crl,) = reader(ours)._getCaCrls()
    assert crl.extensions.get_extension_for_class(x509.CRLNumber)
    assert crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)


def test_what_synapse_revoked_is_not_listed_twice(either, easycert, synapse_tool, reader):
    assert synapse_tool(either, "--revokeas", "vertex", "visi@vertex.link").code == 0
    assert easycert(either, "--revokeas", "vertex", "visi@vertex.link").code == 0
    assert len(revoked_serials(either, reader)) == 1
