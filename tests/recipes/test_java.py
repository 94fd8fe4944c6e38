"""Java reads what the recipes for it wrote: keytool lists the stores, and a server and a client meet in mutual TLS."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from easycert.model import Kind
from tests.daemons import free_port, running
from tests.recipes.deployment import HOSTILE, Delivered, Pki, answer, changed, is_refused

pytestmark = [pytest.mark.real, pytest.mark.slow]
Need = Callable[[str], str]
PROGRAM = Path(__file__).with_name("Handshake.java")
#: What a file of options or properties must not take for its own.
PASSPHRASE = b"""it's "a\\b" #1 = $x: y!"""


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory, need: Need) -> Path:
    """Where the compiled program is."""
    place = tmp_path_factory.mktemp("classes")
    subprocess.run([need("javac"), "-d", place, PROGRAM], check=True)
    return place


def java(made: Delivered, classes: Path, *words: str) -> list[str]:
    """Return the command of the recipe, with the program that it is for."""
    arguments = shlex.join(["-cp", str(classes), "Handshake", *words])
    return ["sh", "-c", changed(made.snippet.rstrip(), ("java @", "exec java @")) + f" \\\n {arguments}"]


@pytest.mark.parametrize("recipe", ["java", "kafka"])
def test_keytool_lists_the_stores(pki: Pki, tmp_path: Path, need: Need, recipe: str) -> None:
    pki.deliver(recipe, tmp_path, passphrase=b"secret")
    listed = {
        store: subprocess.check_output(
            [need("keytool"), "-list", "-v", "-keystore", tmp_path / store, "-storepass", "secret"], text=True
        )
        for store in ("keystore.p12", "truststore.p12")
    }
    assert "Entry type: PrivateKeyEntry\nCertificate chain length: 2\n" in listed["keystore.p12"]
    assert "Entry type: trustedCertEntry" in listed["truststore.p12"]
    assert "Owner: CN=root" in listed["truststore.p12"]


def test_keytool_lists_the_trust_store_of_a_ca(pki: Pki, tmp_path: Path, need: Need) -> None:
    """Without a passphrase of one's own it is changeit, as Java's own store has it."""
    pki.deliver("truststore-p12", tmp_path)
    argv = [need("keytool"), "-list", "-keystore", tmp_path / "localhost.truststore.p12", "-storepass", "changeit"]
    assert "trustedCertEntry" in subprocess.check_output(argv, text=True)


def test_a_server_and_a_client_in_java(pki: Pki, tmp_path: Path, need: Need, classes: Path) -> None:
    need("java")
    server = pki.deliver("java", tmp_path / "server" / HOSTILE, passphrase=PASSPHRASE)
    client = pki.deliver("java", tmp_path / "client" / HOSTILE, Kind.USER, passphrase=PASSPHRASE)
    port = free_port()
    with running(java(server, classes, "serve", str(port)), port=port, log=tmp_path / "log"):
        assert subprocess.check_output(java(client, classes, "ask", str(port))) == b"CN=alice\n"
        # ... and clients that are not Java's, with and without a certificate
        assert answer(pki.context(with_certificate=True), port, b"\n", None) == b"CN=alice\n"
        assert is_refused(lambda: answer(pki.context(with_certificate=False), port, b"\n", None))


def test_java_reads_the_passphrase_from_kafkas_file(pki: Pki, tmp_path: Path, need: Need, classes: Path) -> None:
    passphrase = PASSPHRASE + " pässwörd \U0001f511".encode()
    pki.deliver("kafka", tmp_path, passphrase=passphrase)
    argv = [
        need("java"),
        "-Dfile.encoding=UTF-8",
        "-cp",
        classes,
        "Handshake",
        "property",
        tmp_path / "passphrase.properties",
    ]
    assert subprocess.check_output(argv) == passphrase
