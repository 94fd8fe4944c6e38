"""What the tests of backups share."""

from __future__ import annotations

import pytest

from easycert.backup import sealing, staging


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seal with little work, and leave the machine's other dirty pages alone."""
    monkeypatch.setattr(sealing.Sealer.__init__, "__kwdefaults__", {"work_factor": 10})
    monkeypatch.setattr(staging, "sync_file_system", lambda _: None)
