"""What comes out of the two doors is judged as well: files in a certificate directory, made by commands."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.judges.verdicts import ask

pytestmark = pytest.mark.real

FLAG_FORM = [
    ["--ca", "root"],
    ["--ca", "issuing", "--signas", "root"],
    ["--server", "www.example.com", "--signas", "issuing"],
    ["alice@example.com", "--signas", "issuing"],
    ["--code", "Build Pipeline", "--signas", "issuing"],
]
SUBCOMMANDS = [
    ["ca", "root"],
    ["ca", "issuing", "--signas", "root"],
    ["host", "www.example.com", "--signas", "issuing"],
    ["user", "alice@example.com", "--signas", "issuing"],
    ["code", "Build Pipeline", "--signas", "issuing"],
]
LEAVES = {"hosts/www.example.com": "sslserver", "users/alice@example.com": "sslclient", "code/Build Pipeline": "any"}


@pytest.fixture(params=["flag form", "subcommands"])
def certdir(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a directory with a root, an intermediate and a leaf of each kind."""
    folder = tmp_path / "certs"
    for argv in FLAG_FORM if request.param == "flag form" else SUBCOMMANDS:
        done = ask(sys.executable, "-m", "easycert", *argv, "--certdir", folder)
        assert done.good, done.text
    return folder


def test_openssl_verifies_every_file_strictly(certdir: Path, need: Callable[[str], str]) -> None:
    trust = ["-no-CApath", "-no-CAstore", "-CAfile", certdir / "cas" / "root.crt"]
    for name, purpose in LEAVES.items():
        verdict = ask(
            need("openssl"), "verify", "-x509_strict", *trust, "-untrusted", certdir / "cas" / "issuing.crt",
            "-purpose", purpose, certdir / f"{name}.crt",
        )  # fmt: skip
        assert verdict.good, verdict.text


def test_openssl_reads_every_key(certdir: Path, need: Callable[[str], str]) -> None:
    for path in sorted(certdir.glob("*/*.key")):
        verdict = ask(need("openssl"), "pkey", "-check", "-noout", "-in", path)
        assert verdict.good, (path, verdict.text)
