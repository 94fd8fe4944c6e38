"""A certificate directory on disk to adopt into."""

from __future__ import annotations

from pathlib import Path

import pytest

from easycert.certdir import CertDir


@pytest.fixture
def here(tmp_path: Path) -> CertDir:
    return CertDir.open(tmp_path / "certs")
