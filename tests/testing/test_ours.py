"""Our own TLS contexts and ``probe`` in the zoo: what everybody refuses, and what is revoked, they refuse, too."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from easycert.certdir import CertDir
from easycert.pki.encodings import Encoding
from easycert.store.memory import MemoryStore
from easycert.testing import HttpsServer, Specimen, Zoo
from easycert.testing.breeding import Role
from easycert.testing.species import SPECIES, Species
from easycert.testing.zoo import names_refused_by_all
from easycert.tls import PeerRefused, client_context, server_context
from easycert.workflows.probe import ProbeRequest, probe
from tests.testing.handshake import shake_hands

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return Zoo(NOW, tmp_path_factory.mktemp("zoo"))


def directory(specimen: Specimen, **files: bytes) -> CertDir:
    """Return a certificate directory that trusts the root of *specimen*, with its CRLs."""
    store = MemoryStore()
    store.files["cas/zoo.crt"] = specimen.trust_pem
    for number, crl in enumerate(specimen.chain.crls):
        store.files[f"crls/{number}.crl"] = crl.public_bytes(Encoding.PEM)
    store.files |= {name.replace("__", "/").replace("_", "."): data for name, data in files.items()}
    return CertDir(store)


def client_says(specimen: Specimen) -> str:
    client = client_context("ssl://localhost/", directory(specimen))
    try:
        return shake_hands(client, specimen.presenting_context()).client
    except PeerRefused as error:
        return str(error)


def server_says(specimen: Specimen, zoo: Zoo) -> str:
    own = {"hosts__localhost_crt": zoo["good"].pem, "hosts__localhost_key": zoo["good"].key_pem}
    server = server_context("ssl://localhost/?ca=zoo", directory(specimen, **own))
    try:
        return shake_hands(specimen.presenting_context(), server).server
    except PeerRefused as error:
        return str(error)


@pytest.mark.parametrize("name", [*names_refused_by_all("server"), "revoked", "revoked-intermediate"])
def test_our_client_refuses(zoo: Zoo, name: str) -> None:
    assert client_says(zoo[name])


@pytest.mark.parametrize("name", [*names_refused_by_all("client"), "revoked-client"])
def test_our_server_refuses(zoo: Zoo, name: str) -> None:
    assert server_says(zoo[name], zoo)


def test_the_good_ones_are_accepted(zoo: Zoo) -> None:
    assert client_says(zoo["good"]) == ""
    assert server_says(zoo["good-client"], zoo) == ""


@pytest.mark.parametrize("name", ["revoked", "revoked-intermediate", "revoked-client"])
def test_what_is_revoked_is_refused_because_it_is(zoo: Zoo, name: str) -> None:
    specimen = zoo[name]
    assert "revoked" in (client_says(specimen) if specimen.hostname else server_says(specimen, zoo))


#: Of a CRL that is out of date ``probe`` says nothing: only ``--require-crl`` asks for a fresh one.
PROBED = [one for one in SPECIES if one.role is Role.SERVER and one.name != "stale-crl"]


@pytest.mark.parametrize("species", PROBED, ids=str)
def test_probe_says_what_verify_says(zoo: Zoo, species: Species) -> None:
    specimen = zoo[species.name]
    with HttpsServer(specimen.presenting_context()) as server:
        found = probe(directory(specimen), ProbeRequest("localhost", server.port))
    said = " | ".join(fault.rule for fault in found.faults)
    assert species.verify in said
    assert bool(said) is bool(species.verify), said
