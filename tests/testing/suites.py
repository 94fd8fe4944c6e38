"""Other people's test suites: written into a folder, and run by a pytest of their own, as they would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
#: Plugins that other people may not have; and nothing is written beside the tests.
ALONE = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:xdist")
_OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED) (\S+)", re.MULTILINE)


class Report(NamedTuple):
    """What became of a run: the outcome of each test by its id, and all that was printed."""

    outcomes: dict[str, str]
    text: str

    def passed(self, prefix: str) -> int:
        """Return how many tests passed whose ids begin so; a failure among them is an AssertionError with the text."""
        found = {test: outcome for test, outcome in self.outcomes.items() if test.startswith(prefix)}
        assert set(found.values()) == {"PASSED"}, self.text
        return len(found)


def run(folder: Path, files: Mapping[str, str], *options: str) -> Report:
    """Write *files* into *folder* and run pytest over them; warnings are errors."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    words = [sys.executable, "-m", "pytest", "-rA", "-W", "error", "--strict-markers", *options, "."]
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=folder, env=settings, timeout=300)
    text = done.stdout + done.stderr
    return Report({test: outcome for outcome, test in _OUTCOME.findall(text)}, text)
