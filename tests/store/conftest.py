"""A certificate directory that does not exist yet, and the store on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from easycert.store.files import FileStore


@pytest.fixture
def certdir(tmp_path: Path) -> Path:
    return tmp_path / "above" / "certs"


@pytest.fixture
def store(certdir: Path) -> FileStore:
    return FileStore([str(certdir)], lock_timeout=0)
