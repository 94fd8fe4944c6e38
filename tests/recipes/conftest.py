"""What the tests of recipes share."""

from __future__ import annotations

import pytest

from easycert.pki.formats import pkcs12


@pytest.fixture(autouse=True)
def _quick_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Derive keys in few rounds: all those of a passphrase that people chose would be most of the tests' time."""
    monkeypatch.setattr(pkcs12, "_ROUNDS", 2048)
