"""What lint says of Synapse's own certificates: what RFC 5280 asks for and they lack, and no more."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("synapse", reason="scripts/interop runs this inside Synapse's environment")
pytestmark = pytest.mark.real

#: RFC 5280 sections 4.2.1.2, 4.2.1.3 and 4.2.1.9.
OF_A_CA = {"ca-ski", "ca-key-usage", "ca-basic-constraints-critical"}
FILES = {
    "cas/vertex.crt": OF_A_CA,
    "cas/sub.crt": OF_A_CA | {"aki-missing"},
    "hosts/cortex.vertex.link.crt": {"aki-missing"},
    "hosts/axon.vertex.link.crt": {"aki-missing"},
    "users/visi@vertex.link.crt": {"aki-missing"},
    "code/Build Pipeline.crt": {"aki-missing"},
}


def broken(easycert, home, file):
    """Return the rules of level error that what is in *file* breaks, and the exit code."""
    outcome = easycert(home, "lint", "-o", "json", f".syn/certs/{file}")
    items = json.loads(outcome.stdout)["lint"]["items"]
    return {found["rule"] for item in items for found in item["findings"] if found["severity"] == "error"}, outcome.code


@pytest.mark.parametrize("file", FILES)
def test_Synapses_certificates_lack_what_is_known_and_no_more(theirs_once, easycert, file):
    assert broken(easycert, theirs_once, file) == (FILES[file], 4)


@pytest.mark.parametrize("file", FILES)
def test_ours_lack_nothing(ours_once, easycert, file):
    assert broken(easycert, ours_once, file) == (set(), 0)


def test_what_we_sign_with_a_CA_of_Synapse_lacks_nothing(theirs, easycert):
    assert easycert(theirs, "--server", "new.vertex.link", "--signas", "vertex").code == 0
    assert broken(easycert, theirs, "hosts/new.vertex.link.crt") == (set(), 0)
