"""The fixtures that every test relies on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import hypothesis
import pytest


def test_home_is_an_empty_directory_of_the_tests_own(own_home: Path, tmp_path: Path) -> None:
    assert Path.home() == own_home
    assert own_home.parent == tmp_path.parent
    assert list(own_home.iterdir()) == []


def test_tmp_path_is_left_empty(tmp_path: Path) -> None:
    assert list(tmp_path.iterdir()) == []


def test_no_variable_of_the_caller_reaches_easycert() -> None:
    ours = {name for name in os.environ if name.startswith("EASYCERT_") or name == "SYN_CERT_DIR"}
    assert ours <= {"EASYCERT_REQUIRE_REAL", "EASYCERT_SLOW_EXIT"}


def test_what_the_shell_of_the_tests_ignores_their_children_do_not() -> None:
    """Under nohup, or in the background of a script, signals would otherwise do nothing to whatever tests start."""
    child = "import signal; print([signal.getsignal(one).name for one in (signal.SIGHUP, signal.SIGQUIT)], end='')"
    child += "; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    tests = f"import tests.conftest, subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    words = ["sh", "-c", """trap '' INT QUIT HUP; exec "$@" """, "sh", sys.executable, "-c", tests]
    done = subprocess.run(words, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert done.stdout == "['SIG_DFL', 'SIG_DFL']True\n"


def test_examples_are_the_same_in_each_run() -> None:
    assert hypothesis.settings.get_profile("same").derandomize


def test_a_tool_that_is_there_is_found(need: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert need(Path(sys.executable).name) == shutil.which(Path(sys.executable).name)


def test_a_missing_tool_skips_or_fails_and_names_itself(need: Callable[[str], str]) -> None:
    with pytest.raises((pytest.skip.Exception, pytest.fail.Exception), match="no-such-tool is not installed"):
        need("no-such-tool")


def test_a_missing_package_skips_or_fails_and_names_itself(need_module: Callable[[str], ModuleType]) -> None:
    with pytest.raises((pytest.skip.Exception, pytest.fail.Exception), match="no_such_package is not installed"):
        need_module("no_such_package")
