"""What importing the library costs: nothing that only a terminal needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Each of them costs more at every start than issuing a certificate does (docs/adr/0001).
HEAVY = (
    "argparse",
    "asyncio",
    "lmdb",
    "logging",
    "pydantic",
    "rich",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "typer",
)


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """Everything that ``import easycert`` and a look at its public names load."""
    child = (
        "import sys, easycert\n"
        "for name in getattr(easycert, '__all__', ()): getattr(easycert, name)\n"
        "print(*sorted(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
    return set(shown.stdout.split())


@pytest.mark.parametrize("module", HEAVY)
def test_the_library_does_not_load(loaded: set[str], module: str) -> None:
    assert module not in loaded
