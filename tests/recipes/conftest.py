"""What the tests of recipes share."""

from __future__ import annotations

import pytest

from easycert.pki.formats import pkcs12
from tests.recipes.deployment import Pki, make


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Make a root, an intermediate, a host and a user, once."""
    return make(tmp_path_factory.mktemp("certs"))


@pytest.fixture(autouse=True)
def _quick_passphrases(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Derive keys in few rounds, but where foreign programs read them: that would be most of the tests' time."""
    if request.node.get_closest_marker("real") is None:
        monkeypatch.setattr(pkcs12, "ROUNDS", 2048)
