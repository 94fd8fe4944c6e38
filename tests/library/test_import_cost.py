"""What each way into easycert loads: a start costs what it imports (docs/adr/0001)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

#: Prints every module that is loaded when the statement has been run.
CHILD = "import sys\ntry:\n    {statement}\nfinally:\n    print(*sorted(sys.modules), file=sys.stderr)\n"

LIBRARY = "import easycert, easycert.tls; [getattr(easycert, name) for name in easycert.__all__]"
FLAGS = "from easycert.cli.entry import run; assert run(['--csr', 'one', '--certdir', {certs!r}]) == 0"
SUBCOMMAND = "from easycert.cli.entry import run; assert run(['host', 'a.example', '--certdir', {certs!r}]) == 0"
REFUSED = "from easycert.cli.entry import run; assert run(['--ca', '../x', '--certdir', {certs!r}]) == 1"

NEVER = ("pydantic", "rich", "ssl", "asyncio", "logging", "multiprocessing", "click", "http")
#: The figures the budget of start-up time stands on: what is loaded for one purpose only stays out of the others.
FORBIDDEN = {
    LIBRARY: (*NEVER, "typer", "argparse", "subprocess", "tempfile", "sqlite3"),
    FLAGS: (*NEVER, "typer", "shutil", "tempfile", "subprocess", "json", "sqlite3"),
    REFUSED: (*NEVER, "typer", "shutil", "tempfile", "subprocess", "json", "sqlite3"),
    SUBCOMMAND: (*NEVER, "argparse", "json"),
}


@pytest.mark.parametrize("statement", FORBIDDEN, ids=["library", "flags", "refused", "subcommand"])
def test_nothing_heavy_is_loaded(tmp_path: Path, statement: str) -> None:
    child = CHILD.format(statement=statement.format(certs=str(tmp_path / "certs")))
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "cryptography" in loaded, done.stderr
    assert loaded & set(FORBIDDEN[statement]) == set()


def test_importing_the_library_alone_loads_no_cryptography() -> None:
    child = CHILD.format(statement="import easycert")
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
    assert "cryptography" not in done.stderr.split()
