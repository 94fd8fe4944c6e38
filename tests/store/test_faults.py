"""The harness that tests stand on: a whole command, in a process of its own, meets the fault that was asked for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os
for number in range(3):
    os.mkdir(f"{number}")
"""


@pytest.mark.parametrize(
    ("action", "left", "status"),
    [
        ("none", ["0", "1", "2"], 0),
        ("kill-before", ["0"], -signal.SIGKILL),
        ("kill-after", ["0", "1"], -signal.SIGKILL),
        ("ENOSPC", ["0"], 1),
    ],
)
def test_a_command_meets_its_fault_at_the_call_that_was_named(
    tmp_path: Path, action: str, left: list[str], status: int
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "here").mkdir()
    report = tmp_path / "report"
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", action, "2", "--", "program"],
        cwd=tmp_path / "here",
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}", "FAULTS_REPORT": str(report)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == status
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == left
    assert (report.read_text() if report.exists() else "") == ("" if action == "none" else f"{action} 2 mkdir\n")
