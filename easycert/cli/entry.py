"""Which door: subcommands (Typer) or the flag form (argparse), and how the process ends.

No argument, a subcommand's name, ``--help`` or ``--version`` first means subcommands; anything else is the flag form,
which never imports Typer.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from easycert.cli import SUBCOMMANDS_FIRST, exits

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def run(argv: list[str]) -> int:
    """Run one command line (without the program's name) and return its exit code; never raises, never exits."""
    import warnings

    subcommand = _is_subcommand(argv)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cryptography's, about strangers' certificates: what matters is refused
            return _door(subcommand)(argv)
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        return exits.FAILED
    except (OSError, MemoryError) as error:  # no place for output, no memory: whatever was begun is whole or undone
        return _refused_by_the_system(error)
    except SystemExit as ending:  # argparse and signal handlers end this way
        return ending.code if isinstance(ending.code, int) else exits.FAILED
    except Exception as error:
        return _unexpected(error, subcommand)
    finally:
        ledgers = sys.modules.get("easycert.ledger.sqlite")  # most commands that fail never came to open one
        if ledgers is not None:
            ledgers.close_all()


def _is_subcommand(argv: list[str]) -> bool:
    if not argv:
        return True
    if argv[0].startswith("-"):
        return argv[0] in SUBCOMMANDS_FIRST
    from easycert.cli.table import COMMANDS, COMPLETION_VARIABLE

    return argv[0] in COMMANDS or COMPLETION_VARIABLE in os.environ


def _door(subcommand: bool) -> Callable[[list[str]], int]:
    if subcommand:
        from easycert.cli.app import run_subcommand

        return run_subcommand
    from easycert.cli.flags import run_flags

    return run_flags


def main() -> NoReturn:
    """Run the console script and end the process."""
    _prepare()
    code = run(sys.argv[1:])
    _end(code)


def _prepare() -> None:
    """Make the process fit for holding keys and for being ended at any moment."""
    import gc
    import signal

    from easycert.cli import start_up

    _stand_in_for_closed_streams()
    gc.disable()  # a command lives for a fraction of a second: collecting would cost more than it frees
    start_up.forbid_core_dump()  # it would hold private keys (hazard F8)
    for name in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(name) is not signal.SIG_IGN:  # as nohup asks
            signal.signal(name, _terminated)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")  # a name that the locale cannot show is no reason to fail


def _stand_in_for_closed_streams() -> None:
    """Let nothing take the number of a standard stream that was closed: a key file would become standard output."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: the one of this stream
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w"))


def _refused_by_the_system(error: OSError | MemoryError) -> int:
    from contextlib import suppress

    reason = error.strerror if isinstance(error, OSError) else "out of memory"
    with suppress(OSError):
        print(f"error: the system refused to go on: {reason}", file=sys.stderr)
    return exits.FAILED


def _unexpected(error: Exception, subcommand: bool) -> int:
    """Say that easycert itself is at fault, by the error's type only: its text could hold anything, a key included."""
    if os.environ.get("EASYCERT_TRACEBACK"):
        raise error
    fault = f"easycert has a fault ({type(error).__name__}); EASYCERT_TRACEBACK=1 shows where, please report it"
    if subcommand:
        print(f"error: {fault}", file=sys.stderr)
    else:
        print(f"ERROR: {fault}")
    return exits.FAILED


def _terminated(signum: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)


def _end_by(number: int) -> None:
    """End as the program did that was run, so that Ctrl-C stops a shell's loop; but with no core dump of our own."""
    import signal

    if number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def _end(code: int) -> NoReturn:
    """Flush and leave at once: tearing the interpreter down costs a tenth of a whole command.

    ``EASYCERT_SLOW_EXIT=1`` leaves the usual way, for coverage and other tools that work at exit.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError as error:  # the exit code tells that something was lost (hazard H8)
        if not isinstance(error, BrokenPipeError):  # whoever read us has gone, and knows
            _refused_by_the_system(error)
        os._exit(code or exits.FAILED)
    if isinstance(code, exits.BySignal):
        _end_by(code.signal)
    if os.environ.get("EASYCERT_SLOW_EXIT") or sys.gettrace() is not None:
        sys.exit(code)
    os._exit(code)
