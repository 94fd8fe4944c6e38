"""What is exported for Synapse is what Synapse itself would have written into another certificate directory."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("synapse", reason="scripts/interop runs this inside Synapse's environment")
pytestmark = pytest.mark.real


def test_a_host_and_a_user_with_their_cas_fill_a_directory_that_synapse_reads(easycert, ours, reader, tmp_path):
    other = tmp_path / "other"
    certs = other / ".syn" / "certs"
    for name, recipe, kind, folder in (
        ("axon.vertex.link", "synapse", "host", "hosts"),
        ("visi@vertex.link", "synapse", "user", "users"),
        ("vertex", "cert", "ca", "cas"),
        ("sub", "cert", "ca", "cas"),
    ):
        done = easycert(ours, "export", name, "--for", recipe, "--kind", kind, "--to", str(certs / folder))
        assert done.code == 0, done
    found = reader(other)
    for kind, name in (("Host", "axon.vertex.link"), ("User", "visi@vertex.link")):
        key = Path(getattr(found, f"get{kind}KeyPath")(name))
        assert found._pkeyToByts(found._loadKeyPath(key)) == key.read_bytes()
        assert getattr(found, f"get{kind}Cert")(name) == getattr(reader(ours), f"get{kind}Cert")(name)
    assert Path(found.getHostCaPath("axon.vertex.link")).name == "sub.crt"
    assert sorted(path.name for path in certs.rglob("*") if path.is_file()) == [
        *("axon.vertex.link.crt", "axon.vertex.link.key", "sub.crt", "vertex.crt", "visi@vertex.link.crt"),
        "visi@vertex.link.key",
    ]
