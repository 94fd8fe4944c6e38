"""How the tests ask a foreign program: files in, output and exit code out."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple


class Verdict(NamedTuple):
    """What a program said, both streams together, and whether it was content."""

    text: str
    good: bool


def ask(*argv: str | Path, stdin: bytes = b"") -> Verdict:
    """Run a program and return its verdict; none of them may take a minute."""
    done = subprocess.run([str(part) for part in argv], check=False, input=stdin, capture_output=True, timeout=60)
    return Verdict((done.stdout + done.stderr).decode("utf-8", "replace"), done.returncode == 0)
