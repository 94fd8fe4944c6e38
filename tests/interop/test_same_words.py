"""Both tools answer the same command lines with the same words, exit codes and files.

The command lines are those of ``tests/cli/transcripts/flag_form/same``, one transcript after the other, each in a home
of its own; what easycert alone must answer to them is tested by ``tests/cli/test_flag_form.py``.
"""

from __future__ import annotations

import itertools
import shlex
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("synapse", reason="scripts/interop runs this inside Synapse's environment")
pytestmark = pytest.mark.real

TRANSCRIPTS = Path(__file__).parent.parent / "cli" / "transcripts" / "flag_form" / "same"
STATE = ".easycert"


def commands(transcript):
    lines = (TRANSCRIPTS / transcript).read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def perform(command, tool, home):
    """Return what *command* said, with "~" for *home*; whatever is not easycert is the shell's."""
    if not command.startswith("easycert "):
        subprocess.run(["sh", "-ec", command], cwd=home, check=True)
        return "", 0
    outcome = tool(home, *shlex.split(command)[1:])
    return outcome.stdout.replace(str(home), "~"), outcome.code


def files(home):
    """Return every file and directory of *home*, but for easycert's own state."""
    paths = (path.relative_to(home) for path in home.rglob("*"))
    return sorted(str(path) for path in paths if STATE not in path.parts)


@pytest.fixture
def small_keys(monkeypatch):
    """Let Synapse's tool use ready-made keys: what it says does not depend on them, and making them takes seconds."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from synapse.lib.certdir import CertDir

    pool = itertools.cycle([rsa.generate_private_key(65537, 2048) for _ in range(8)])
    monkeypatch.setattr(CertDir, "_genPrivKey", lambda self: next(pool))


@pytest.mark.usefixtures("small_keys")
@pytest.mark.parametrize("transcript", sorted(path.name for path in TRANSCRIPTS.glob("*.txt")))
def test_both_tools_say_and_write_the_same(transcript, easycert, synapse_tool, tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    for command in commands(transcript):
        assert perform(command, easycert, ours) == perform(command, synapse_tool, theirs), command
        assert files(ours) == files(theirs), command


def test_the_transcripts_are_found():
    assert len([command for path in TRANSCRIPTS.glob("*.txt") for command in commands(path.name)]) > 40
