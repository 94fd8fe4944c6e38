"""What the console command spares itself at start, and that nothing else is different for it (docs/adr/0004)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from easycert.cli import start_up


@pytest.fixture
def spared(monkeypatch: pytest.MonkeyPatch) -> type[ec.ECDSA]:
    monkeypatch.setattr(ec.ECDSA, "__init__", ec.ECDSA.__init__)  # put back when the test is over
    start_up.spare_openssl_bindings()
    return ec.ECDSA


def test_what_it_makes_has_the_same_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    algorithm = hashes.SHA256()
    originals = [vars(ec.ECDSA(algorithm)), vars(ec.ECDSA(algorithm, deterministic_signing=False))]
    monkeypatch.setattr(ec.ECDSA, "__init__", ec.ECDSA.__init__)
    start_up.spare_openssl_bindings()
    assert [vars(ec.ECDSA(algorithm)), vars(ec.ECDSA(algorithm, deterministic_signing=False))] == originals


def test_signatures_are_made_and_checked_as_ever(spared: type[ec.ECDSA]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(b"data", spared(hashes.SHA256()))
    key.public_key().verify(signature, b"data", spared(hashes.SHA256()))


def test_a_deterministic_signature_is_asked_for_as_ever(spared: type[ec.ECDSA]) -> None:
    parameters = spared(hashes.SHA256(), deterministic_signing=True)
    key = ec.generate_private_key(ec.SECP256R1())
    assert key.sign(b"data", parameters) == key.sign(b"data", parameters)


def test_a_constructor_that_is_not_known_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(self: Any, algorithm: Any, more: Any = None) -> None:
        self._algorithm, self._more = algorithm, more

    monkeypatch.setattr(ec.ECDSA, "__init__", unknown)
    start_up.spare_openssl_bindings()
    assert ec.ECDSA.__init__ is unknown


def test_a_command_that_signs_loads_no_bindings(tmp_path: Path) -> None:
    child = (
        "import sys\nfrom easycert.cli.entry import run\n"
        f"assert run(['ca', 'root', '--certdir', {str(tmp_path / 'certs')!r}, '-q']) == 0\n"
        "print('cryptography.hazmat.bindings.openssl.binding' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
