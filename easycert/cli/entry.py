"""Which door: subcommands (Typer) or the flag form (argparse), and how the process ends.

No argument, a subcommand's name, ``--help`` or ``--version`` first means subcommands; anything else is the flag form,
which never imports Typer.
"""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import NoReturn

from easycert.cli import exits
from easycert.cli.table import COMMANDS

_TYPER_FIRST = frozenset({"--help", "--version", "--install-completion", "--show-completion"})
_COMPLETION_VARIABLE = "_EASYCERT_COMPLETE"


def run(argv: list[str]) -> int:
    """Run one command line (without the program's name) and return its exit code; never raises, never exits."""
    try:
        if not argv or argv[0] in COMMANDS or argv[0] in _TYPER_FIRST or _COMPLETION_VARIABLE in os.environ:
            from easycert.cli.app import run_subcommand

            return run_subcommand(argv)
        from easycert.cli.flags import run_flags

        return run_flags(argv)
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        return exits.FAILED
    except SystemExit as ending:  # argparse and signal handlers end this way
        return ending.code if isinstance(ending.code, int) else exits.FAILED


def main() -> NoReturn:
    """Run the console script and end the process."""
    _prepare()
    code = run(sys.argv[1:])
    _end(code)


def _prepare() -> None:
    """Make the process fit for holding keys and for being ended at any moment."""
    import gc
    import resource
    import signal

    gc.disable()  # a command lives for a fraction of a second: collecting would cost more than it frees
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold private keys (hazard F8)
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _terminated)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")  # a name that the locale cannot show is no reason to fail


def _terminated(signum: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)


def _end(code: int) -> NoReturn:
    """Flush and leave at once: tearing the interpreter down costs a tenth of a whole command.

    ``EASYCERT_SLOW_EXIT=1`` leaves the usual way, for coverage and other tools that work at exit.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # whoever read us has gone; the exit code still tells what was done (hazard H8)
        code = code or exits.FAILED
        os._exit(code)
    if os.environ.get("EASYCERT_SLOW_EXIT") or sys.gettrace() is not None:
        sys.exit(code)
    os._exit(code)
