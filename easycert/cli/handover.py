"""Starting somebody else's program: in the place of this process, or as a child of it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NoReturn

from easycert.cli import start_up
from easycert.workflows.supervise import started, supervise

_STDERR = 2


def become(argv: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Let this process become the program *argv*: no signal, terminal or exit code is ever in between.

    Raises CommandNotStarted; then this process is as it was.
    """

    def start(program: str, words: list[str]) -> NoReturn:
        os.execvpe(program, words, environ)  # noqa: S606  (to run what the caller asks for is what this is for)

    _withhold_passphrase(environ)
    sys.stdout.flush()
    sys.stderr.flush()
    start_up.allow_core_dump()
    ignored = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGPIPE, signal.SIGXFSZ)}
    try:
        started(start, argv, environ)
    finally:  # only a program that could not be started gets here
        for number, before in ignored.items():
            signal.signal(number, before)
        start_up.forbid_core_dump()
    raise AssertionError("a program that was started does not return")


def run_beside(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run *argv* as a child, to its end; return its exit status, negative for a signal. Raises CommandNotStarted."""
    _withhold_passphrase(environ)
    sys.stdout.flush()
    sys.stderr.flush()
    start_up.allow_core_dump()
    try:
        return supervise(argv, environ, start_up.forbid_core_dump)
    finally:
        start_up.forbid_core_dump()


def _withhold_passphrase(environ: Mapping[str, str]) -> None:
    """Keep the descriptor from which easycert would read a passphrase from the program (hazard F2)."""
    number = os.environ.get("EASYCERT_PASSPHRASE_FD", "")
    assert "EASYCERT_PASSPHRASE_FD" not in environ
    if number.isdecimal() and int(number) > _STDERR:
        with suppress(OSError, OverflowError):
            os.set_inheritable(int(number), False)
