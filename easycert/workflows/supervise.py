r"""Running a command as a child that does not notice: same terminal, same process group, every signal, its own ending.

For a command after which something has to be done. One process waits and passes signals on. What a terminal sends
(Ctrl-C, Ctrl-\, Ctrl-Z, a new size) goes to the whole foreground process group, so the child has it already: a second
one would make programs give up that clean up after the first.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from easycert.errors import CommandNotStarted

#: What is passed on; SIGKILL and SIGSTOP cannot be, and faults are this process's own.
_PASSED = {
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGWINCH,
    signal.SIGTSTP,
    signal.SIGCONT,
}
_FROM_TERMINAL = {signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGWINCH}
_WATCHED = {*_PASSED, signal.SIGCHLD}
#: Python ignores them, and a child would inherit that.
_IGNORED_BY_PYTHON = [signal.SIGPIPE, signal.SIGXFSZ]
#: Seconds after which the child is looked at without a signal: a thread of the caller's might have got it.
_AT_LEAST = 1.0


class _Received(NamedTuple):
    signal: int
    by_kernel: bool


def supervise(argv: Sequence[str], environ: Mapping[str, str], begin: Callable[[], None] | None = None) -> int:
    """Run the command *argv* to its end and return its exit status; negative: the signal that ended it.

    *begin* is called once it runs. Raises CommandNotStarted.
    """
    with _signals_held() as before:
        child = _spawn(argv, environ, before)
        if begin is not None:
            begin()
        return _watch(child)


@contextmanager
def _signals_held() -> Iterator[set[signal.Signals]]:
    """Block what is watched for; yield which signals were blocked before. What arrived too late goes nowhere."""
    handler = signal.signal(signal.SIGCHLD, lambda *_: None)  # ignored, children would not be waited for
    before = {signal.Signals(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)}
    try:
        yield before
    finally:
        while pending := signal.sigpending() & _WATCHED:
            signal.sigwait(pending)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGCHLD, handler)


def _spawn(argv: Sequence[str], environ: Mapping[str, str], mask: set[signal.Signals]) -> int:
    def start(program: str, words: list[str]) -> int:
        return os.posix_spawnp(program, words, environ, setsigmask=mask, setsigdef=_IGNORED_BY_PYTHON)

    return started(start, argv, environ)


def started(start: Callable[[str, list[str]], int], argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Return what *start* returns for *argv*; a file without ``#!`` is run by the shell. Raises CommandNotStarted."""
    from errno import ENOEXEC

    if not argv[0]:
        raise CommandNotStarted("''", "its name is empty", missing=True)
    try:
        try:
            return start(argv[0], list(argv))
        except OSError as error:
            if error.errno != ENOEXEC:
                raise
            return start("/bin/sh", ["/bin/sh", _found(argv[0], environ), *argv[1:]])
    except (OSError, ValueError) as error:  # ValueError: a NUL in it
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no path"
        raise CommandNotStarted(argv[0], reason, missing=missing) from error


def _found(program: str, environ: Mapping[str, str]) -> str:
    import shutil

    return shutil.which(program, path=environ.get("PATH")) or program


def _watch(child: int) -> int:
    while True:
        received = _next()
        if received is None or received.signal == signal.SIGCHLD:
            status = _changed(child)
            if status is not None and os.WIFSTOPPED(status):
                _stop_too()
            elif status is not None:
                return os.waitstatus_to_exitcode(status)
        elif not (received.by_kernel and received.signal in _FROM_TERMINAL):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(child, received.signal)


def _changed(child: int) -> int | None:
    """Return the status of *child* if it ended or stopped since it was last asked."""
    found, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
    return status if found else None


def _next() -> _Received | None:
    if hasattr(signal, "sigtimedwait"):
        info = signal.sigtimedwait(_WATCHED, _AT_LEAST)
        return info and _Received(info.si_signo, info.si_code > 0)  # what kill(2) sends has a code of 0 or less
    number = signal.sigwait(_WATCHED)  # macOS tells no more: what a terminal can send came from it if we are in front
    return _Received(number, _in_foreground())


def _in_foreground() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _is_a_job() -> bool:
    """Return whether a shell watches over our process group, from another group of the same session (POSIX 3.264)."""
    parent = os.getppid()
    try:
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    except OSError:
        return False


def _stop_too() -> None:
    """Stop as the child did, so that the shell takes over; not where there is no shell, which would continue us."""
    if not _is_a_job():
        return
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})
    os.kill(os.getpid(), signal.SIGTSTP)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
