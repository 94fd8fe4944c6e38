"""One PKI for all tests of TLS, and a copy for those that change it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from easycert import CertDir
from tests.tls import pki


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate directory: read it, do not change it."""
    path = tmp_path_factory.mktemp("tls") / "certs"
    pki.everything(CertDir.open(path))
    return path


@pytest.fixture
def certs(made_once: Path, tmp_path: Path) -> Path:
    """Return a copy of it to change."""
    return Path(shutil.copytree(made_once, tmp_path / "certs"))


@pytest.fixture
def said() -> list[str]:
    """Return a list; its ``append`` is what reports go to."""
    return []
