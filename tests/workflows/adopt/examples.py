"""The shortest words about adopting a directory, and about what is on a disk before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from easycert.certdir import CertDir
from easycert.workflows.adopt.adoption import AdoptRequest, adopt
from easycert.workflows.adopt.placing import Outcome
from easycert.workflows.adopt.results import Adopted


def adopted(here: CertDir, source: Path, **wishes: Any) -> Adopted:
    """Adopt the directory *source*."""
    return adopt(here, AdoptRequest(str(source), **wishes))


def tree(directory: Path) -> dict[str, tuple[bytes, int, int]]:
    """Return every file below *directory*: its bytes, mode and time of change."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns) for path in files}


def outcomes(result: Adopted) -> list[tuple[str, str, Outcome, bool | None]]:
    """Return kind, name, outcome and verdict of each certificate."""
    return [(item.kind.value, item.name, item.outcome, item.verified) for item in result.certificates]
