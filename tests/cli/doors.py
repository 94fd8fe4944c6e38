"""Going through either door in this process, and seeing whether a directory changed on the way."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from easycert.cli.entry import run

#: Everything below a directory: relative path -> mode and bytes.
Snapshot = dict[str, tuple[int, bytes]]


class Ended(NamedTuple):
    """What one command printed, and its exit code."""

    code: int
    stdout: str
    stderr: str


def went(*argv: str) -> Ended:
    """Run one command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(list(argv))
    return Ended(code, out.getvalue(), err.getvalue())


def snapshot(directory: Path) -> Snapshot:
    """Return names, modes and contents of everything below *directory*."""

    def one(path: Path) -> tuple[int, bytes]:
        return path.lstat().st_mode, path.read_bytes() if path.is_file() else b""

    return {str(path.relative_to(directory)): one(path) for path in sorted(directory.rglob("*"))}
