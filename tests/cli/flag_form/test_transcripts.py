"""Every line that the flag form prints and every exit code, as transcripts; those in ``same/`` are Synapse's own words.

``tests/interop`` puts the command lines of ``same/`` to Synapse's own tool, too, which must answer them alike.
"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts" / "flag_form"


class Step(NamedTuple):
    """One command of a transcript, the lines that it must print and the code with which it must end."""

    command: str
    printed: tuple[str, ...]
    code: int


def steps(transcript: Path) -> list[Step]:
    """Parse ``$ command``, the lines that it prints, ``? code`` (0 where it is not given); ``#`` starts a comment."""
    read: list[Step] = []
    for line in transcript.read_text(encoding="utf-8").splitlines():
        if line.startswith("$ "):
            read.append(Step(line.removeprefix("$ "), (), 0))
        elif line.startswith("? "):
            read[-1] = read[-1]._replace(code=int(line.removeprefix("? ")))
        elif line and not line.startswith("#"):
            read[-1] = read[-1]._replace(printed=(*read[-1].printed, line))
    return read


def perform(command, easycert, home):
    """Return *command* as it went; whatever is not easycert is the shell's."""
    if not command.startswith("easycert "):
        done = subprocess.run(["sh", "-ec", command], cwd=home, check=True, capture_output=True, encoding="utf-8")
        return Step(command, tuple(done.stdout.splitlines()), 0)
    ran = easycert(*shlex.split(command)[1:])
    assert ran.code != 2 or ran.stderr.startswith("usage: "), ran.stderr
    return Step(command, tuple(line.replace(str(home), "~").rstrip() for line in ran.lines), ran.code)


@pytest.mark.parametrize(
    "transcript", sorted(TRANSCRIPTS.glob("*/*.txt")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_the_flag_form_says_what_the_transcript_says(transcript, easycert, own_home):
    for step in steps(transcript):
        assert perform(step.command, easycert, own_home) == step


@pytest.mark.parametrize("argv", [["--ca", "--help"], ["--certdir", "here", "-h"]])
def test_help_says_what_each_flag_does(easycert, argv):
    shown = easycert(*argv)
    assert shown.code == 0
    flags = "--certdir --ca --server --server-sans --code --signas --csr --sign-csr --p12 --importfile --crl --revokeas"
    for flag in flags.split():
        (described,) = [line for line in shown.lines if line.strip().startswith((f"{flag} ", flag + "\n"))] or [""]
        assert described, flag


def test_the_directory_may_come_from_the_environment(easycert, own_home, monkeypatch):
    monkeypatch.setenv("SYN_CERT_DIR", str(own_home / "synapse's"))
    assert easycert("--ca", "one").lines[0] == f"key saved: {own_home}/synapse's/cas/one.key"
    monkeypatch.setenv("EASYCERT_DIR", str(own_home / "ours"))
    assert easycert("--ca", "two").lines[0] == f"key saved: {own_home}/ours/cas/two.key"
    assert easycert("--certdir", "given", "--ca", "three").lines[0] == f"key saved: {own_home}/given/cas/three.key"
