"""Foreign programs read the plain formats."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from easycert.model import Kind
from easycert.recipes.catalogue import recipe
from easycert.recipes.rendering import render
from easycert.recipes.values import Wanted
from tests.recipes.examples import PASSPHRASE, material

pytestmark = pytest.mark.real
Need = Callable[[str], str]
LEGACY = pytest.mark.parametrize("legacy", [False, True])


def written(name: str, to: Path, legacy: bool = False, passphrase: bytes | None = PASSPHRASE) -> Path:
    (file,) = render(recipe(name), material(Kind.USER), Wanted("/", passphrase, legacy)).files
    path = to / file.name
    path.write_bytes(file.data)
    return path


@LEGACY
def test_openssl_opens_pkcs12(tmp_path: Path, need: Need, legacy: bool) -> None:
    argv = [
        need("openssl"),
        "pkcs12",
        "-in",
        written("p12", tmp_path, legacy),
        "-passin",
        "pass:correct horse",
        "-noenc",
    ]
    shown = subprocess.run([*argv, "-info", *(["-legacy"] * legacy)], capture_output=True, text=True, check=True)
    assert shown.stdout.count("BEGIN CERTIFICATE") == 2
    assert "BEGIN PRIVATE KEY" in shown.stdout
    assert ("PBES2, PBKDF2, AES-256-CBC" in shown.stderr) is not legacy
    assert ("pbeWithSHA1And3-KeyTripleDES-CBC" in shown.stderr) is legacy


@LEGACY
def test_gnutls_opens_pkcs12(tmp_path: Path, need: Need, legacy: bool) -> None:
    path = written("p12", tmp_path, legacy)
    argv = [need("certtool"), "--p12-info", "--inder", "--infile", path, "--password", "correct horse"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert shown.count("BEGIN CERTIFICATE") == 2
    assert "PRIVATE KEY" in shown


@pytest.mark.parametrize("name", ["p12", "macos", "windows"])
def test_nss_takes_pkcs12_into_its_database(tmp_path: Path, need: Need, name: str) -> None:
    """The database is that of Firefox and Chromium."""
    database = f"sql:{tmp_path}"
    subprocess.run([need("certutil"), "-N", "-d", database, "--empty-password"], check=True)
    path = written(name, tmp_path)
    subprocess.run(
        [need("pk12util"), "-i", path, "-d", database, "-W", "correct horse"], check=True, capture_output=True
    )
    listed = subprocess.check_output([need("certutil"), "-L", "-d", database], text=True)
    assert "alice" in listed
    assert "u,u,u" in listed  # its key is there


def test_openssl_reads_der(tmp_path: Path, need: Need) -> None:
    argv = [need("openssl"), "x509", "-inform", "DER", "-noout", "-subject"]
    shown = subprocess.check_output([*argv, "-in", written("der", tmp_path, passphrase=None)], text=True)
    assert shown == "subject=CN = alice\n"
    key = written("key-der", tmp_path, passphrase=None)
    subprocess.run([need("openssl"), "pkey", "-inform", "DER", "-in", key, "-noout"], check=True)


def test_json_in_double_quotes_is_what_dotenv_has(tmp_path: Path) -> None:
    """Readers turn backslash and n into a line end, as JSON does; there is nothing else that any of them could mean."""
    lines = written("dotenv", tmp_path, passphrase=None).read_text().splitlines()
    values = {name: json.loads(value) for name, value in (line.split("=", 1) for line in lines)}
    assert list(values) == ["TLS_CERTIFICATE", "TLS_PRIVATE_KEY", "TLS_CA"]
    assert all(value.startswith("-----BEGIN ") and value.endswith("-----\n") for value in values.values())
