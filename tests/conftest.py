"""What every test stands on: nothing of the real home, the same examples in each run, and foreign tools by name."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import freezegun
import hypothesis
import pytest

#: Programs that their packages do not put on PATH.
OUTSIDE_PATH = {"easyrsa": "/usr/share/easy-rsa/easyrsa"}
#: Inherited from the shell of whoever runs the tests, each of these changes what a terminal program prints.
TERMINAL_VARIABLES = ("CI", "COLUMNS", "FORCE_COLOR", "GITHUB_ACTIONS", "NO_COLOR", "PY_COLORS")
#: They measure time themselves; a stopped clock would confuse them.
CLOCKS_OF_THEIR_OWN = ["hypothesis", "xdist", "execnet"]

#: What a person says to the tests, not to easycert; the second lets coverage write its figures when a child ends.
KEPT = ("EASYCERT_REQUIRE_REAL", "EASYCERT_SLOW_EXIT")

_REQUIRED = os.environ.get("EASYCERT_REQUIRE_REAL") == "1"

hypothesis.settings.register_profile("same", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("search", deadline=None, max_examples=2000, print_blob=True)
hypothesis.settings.load_profile("same")  # `--hypothesis-profile=search` looks for new examples
freezegun.configure(extend_ignore_list=CLOCKS_OF_THEIR_OWN)


def _as_from_a_terminal() -> None:
    """Let children start with signals as a shell in a terminal leaves them.

    ``nohup`` and the jobs of a script ignore some, and all children would inherit that; what is caught, they do not.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            # A terminal that is closed still does not end these tests: only Ctrl-C means what it does elsewhere.
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else lambda *_: None)


_as_from_a_terminal()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test, and every child it starts, an empty home beside ``tmp_path`` and none of easycert's variables."""
    home = tmp_path.with_name(f"{tmp_path.name}-home")
    home.mkdir(mode=0o700)
    for name in [name for name in os.environ if name.startswith(("EASYCERT_", "XDG_")) and name not in KEPT]:
        monkeypatch.delenv(name)
    for name in ("SYN_CERT_DIR", "SOURCE_DATE_EPOCH", *TERMINAL_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture(scope="session")
def need() -> Callable[[str], str]:
    """Return a function that finds a foreign program and returns its path: ``openssl = need("openssl")``.

    Where it is missing the test is skipped, and says why; under ``EASYCERT_REQUIRE_REAL=1`` it fails instead.
    """

    def find(tool: str) -> str:
        path = shutil.which(tool) or shutil.which(OUTSIDE_PATH.get(tool, tool))
        if path is None:
            _without(f"the program {tool} is not installed")
        return path

    return find


@pytest.fixture(scope="session")
def need_module() -> Callable[[str], ModuleType]:
    """Return a function that imports a foreign Python package by the rules of ``need``: ``need_module("pkilint")``."""

    def load(name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            _without(f"the Python package {name} is not installed")

    return load


def _without(reason: str) -> NoReturn:
    if _REQUIRED:
        pytest.fail(f"{reason}, and EASYCERT_REQUIRE_REAL=1 asks for it")
    pytest.skip(f"{reason} (EASYCERT_REQUIRE_REAL=1 would make this a failure)")
