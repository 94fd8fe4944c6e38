"""Both tools side by side, and Synapse's own reader as their judge; scripts/interop runs this in Synapse's environment.

``easycert`` is always a child process (it lives in an environment of its own); Synapse's tool runs in this process,
through the very wrapper that its console entry uses, because starting it takes a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

EASYCERT = os.environ.get("INTEROP_EASYCERT", "")
FOLDERS = ("cas", "hosts", "users", "code", "crls")


class Outcome(NamedTuple):
    """What a command printed on stdout, and its exit code."""

    stdout: str
    code: int


Tool = Callable[..., Outcome]


def run_easycert(home: Path, *argv: str) -> Outcome:
    """Run easycert in *home*, which is its home and working directory; no traceback may ever reach a person."""
    done = subprocess.run(
        [*shlex.split(EASYCERT), *argv],
        check=False,
        cwd=home,
        env=_environment(home),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return Outcome(done.stdout, done.returncode)


def run_synapse(home: Path, *argv: str) -> Outcome:
    """Run Synapse's own tool as ``python -m synapse.tools.utils.easycert`` would, in *home*."""
    import synapse.lib.cmd as s_cmd
    import synapse.tools.utils.easycert as s_easycert

    talk = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(home), contextlib.redirect_stderr(io.StringIO()):
        patch.setattr(sys, "argv", ["easycert", *argv])
        patch.setenv("HOME", str(home))
        with contextlib.redirect_stdout(talk):
            try:
                code = asyncio.run(s_cmd.wrapmain(s_easycert.main, logconf={"level": "CRITICAL"}))
            except SystemExit as end:  # argparse's own exits
                code = int(end.code or 0)
    return Outcome(talk.getvalue(), code)


def _environment(home: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("EASYCERT_", "SYN_", "PYTHON"))}
    return kept | {"HOME": str(home)}


def make(tool: Tool, home: Path, *commands: str) -> Path:
    """Run *commands* with *tool* in *home*, every one of which must succeed, and return the certificate directory."""
    home.mkdir(parents=True, exist_ok=True)
    for command in commands:
        outcome = tool(home, *shlex.split(command))
        assert outcome.code == 0, f"{command}: {outcome.stdout}"
    return home / ".syn" / "certs"


@pytest.fixture(scope="session")
def easycert() -> Tool:
    """Return ``easycert(home, *argv) -> Outcome``."""
    if not EASYCERT:
        pytest.skip("run by scripts/interop, which says where easycert is (INTEROP_EASYCERT)")
    return run_easycert


@pytest.fixture(scope="session")
def synapse_tool() -> Tool:
    """Return ``synapse_tool(home, *argv) -> Outcome``."""
    return run_synapse


EVERYTHING = (
    "--ca vertex",
    "--ca other",
    "--ca sub --signas vertex",
    "--server cortex.vertex.link --signas vertex --server-sans DNS:localhost",
    "--server axon.vertex.link --signas sub",
    "visi@vertex.link --signas vertex",
    "intruder@vertex.link --signas other",
    "--code 'Build Pipeline' --signas vertex",
    "--code 'Sub Pipeline' --signas sub",
    "--csr asked@vertex.link",
    "--csr --server asked.vertex.link",
    "--p12 visi@vertex.link",
)


@pytest.fixture(scope="session")
def ours_once(easycert: Tool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose certificate directory easycert made: read it, do not change it."""
    home = tmp_path_factory.mktemp("ours") / "home"
    make(easycert, home, *EVERYTHING)
    return home


@pytest.fixture(scope="session")
def theirs_once(synapse_tool: Tool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose certificate directory Synapse's tool made: read it, do not change it."""
    home = tmp_path_factory.mktemp("theirs") / "home"
    make(synapse_tool, home, *EVERYTHING)
    return home


@pytest.fixture
def ours(ours_once: Path, tmp_path: Path) -> Path:
    """Return a copy of ``ours_once`` to change."""
    return Path(shutil.copytree(ours_once, tmp_path / "ours"))


@pytest.fixture
def theirs(theirs_once: Path, tmp_path: Path) -> Path:
    """Return a copy of ``theirs_once`` to change."""
    return Path(shutil.copytree(theirs_once, tmp_path / "theirs"))


@pytest.fixture(params=["ours", "theirs"])
def either(request: pytest.FixtureRequest) -> Path:
    """Return a home made by easycert, then one made by Synapse's tool, to change."""
    return Path(request.getfixturevalue(request.param))


@pytest.fixture(params=["easycert", "synapse_tool"])
def tool(request: pytest.FixtureRequest) -> Tool:
    """Return easycert, then Synapse's tool."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def reader() -> Callable[[Path], Any]:
    """Return a function that opens a home's certificate directory with Synapse's ``CertDir``."""
    from synapse.lib.certdir import CertDir

    return lambda home: CertDir(path=str(home / ".syn" / "certs"))
