"""What linting loads: it runs before every signature, so only the rules that can refuse the certificate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from easycert.pki.encodings import Encoding
from easycert.pki.keys import KeyType
from tests.judges.authority import family
from tests.pki.lint.maker import CA, SERVER

CHILD = """
import sys
from easycert.pki import certificates  # what whoever signs has loaded
before = set(sys.modules)
from easycert.pki.lint import lint_certificate_der
data, issuer = (open(path, "rb").read() for path in sys.argv[1:3])
found = lint_certificate_der(data, issuer, errors_only=True)
print(len(found), *sorted(set(sys.modules) - before))
"""
RULES = {"easycert.pki.lint", *(f"easycert.pki.lint.{name}" for name in ("der", "fields", "names", "extensions"))}


def loaded(folder: Path, data: bytes, issuer: bytes) -> tuple[int, set[str]]:
    """Return how many findings there are in a process of its own, and the modules that it loads for them."""
    (folder / "leaf.der").write_bytes(data)
    (folder / "ca.der").write_bytes(issuer)
    command = [sys.executable, "-c", CHILD, str(folder / "leaf.der"), str(folder / "ca.der")]
    found, *modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(found), set(modules)


def test_a_certificate_without_errors_loads_five_modules_and_nothing_else(tmp_path: Path) -> None:
    for profile in ("modern", "synapse"):
        made = family(profile, KeyType.RSA2048).host
        assert loaded(tmp_path, made.der, made.above[0].public_bytes(Encoding.DER)) == (0, RULES)


def test_distribution_points_load_their_rules_and_no_more(tmp_path: Path) -> None:
    assert loaded(tmp_path, SERVER.der, CA.der) == (0, RULES | {"easycert.pki.lint.locations"})


def test_an_error_loads_the_table_of_rules(tmp_path: Path) -> None:
    more = {"easycert.pki.lint.findings", "easycert.pki.lint.catalogue", "easycert.pki.lint.locations"}
    assert loaded(tmp_path, SERVER.lacks("2.5.29.35").der, CA.der) == (1, RULES | more)
