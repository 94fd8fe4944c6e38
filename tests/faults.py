"""Faults on purpose: kill a process at, or fail, the N-th call that changes a file.

Killing at random moments finds almost nothing; killing before and after each call that changes a file finds nearly all.
So a test sweeps: it runs the same command with the fault at call 1, 2, 3, ... until a run meets none.

In a test, with a forked child (fast) or in the test's own process::

    for outcome in sweep(lambda at: forked(command, Fault("kill-before", at))): ...
    with injected(Fault("read-only")): ...

From outside, for a whole command; the fault that was met is written to ``$FAULTS_REPORT`` when that is set::

    python -m tests.faults kill-before 7 -- easycert --ca vertex

Calls made inside C libraries (SQLite) cannot be met this way, nor the writes of a file object, only its opening.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import runpy
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

CHANGING = (
    *("open", "write", "pwrite", "writev", "truncate", "ftruncate", "fsync", "fdatasync", "sync"),
    *(
        "link",
        "symlink",
        "rename",
        "replace",
        "unlink",
        "remove",
        "mkdir",
        "rmdir",
        "chmod",
        "fchmod",
        "chown",
        "utime",
    ),
)
#: What a full disk refuses.
_ALLOCATING = frozenset({"open", "write", "pwrite", "writev", "link", "symlink", "mkdir"})
_DURABLE = frozenset({"fsync", "fdatasync", "sync"})
_WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_FIRST_OWN_DESCRIPTOR = 3


class Fault(NamedTuple):
    """What happens, and at which call that changes a file (the first is 1).

    ``kill-before``, ``kill-after``: SIGKILL. ``interrupt``: KeyboardInterrupt. The name of an errno (``EIO``): this one
    call fails. ``full``, ``dead``, ``read-only``: from this call on whatever needs space, or any, fails. ``none``.
    """

    action: str
    at: int = 1


class Outcome(NamedTuple):
    """How a run ended: whether the fault was met, whether the process was killed, the name of the error it raised."""

    at: int
    met: bool
    killed: bool
    error: str


class Injector:
    """Stands before each call that changes a file, counts them and does what the fault says."""

    def __init__(self, fault: Fault, report: Callable[[str], None] = lambda _: None) -> None:
        self.fault = fault
        self.calls: list[str] = []
        self.met = False
        self._report = report

    def call(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Do *function*, or what the fault says instead."""
        self.calls.append(name)
        if not self._is_met(name):
            return function(*args, **kwargs)
        self.met = True
        self._report(f"{self.fault.action} {len(self.calls)} {name}")
        if self.fault.action.startswith("kill-"):
            try:
                if self.fault.action == "kill-after":
                    function(*args, **kwargs)
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        if self.fault.action == "interrupt":
            raise KeyboardInterrupt
        if name == "write":
            function(args[0], bytes(args[1])[: len(args[1]) // 2])  # a full disk takes what fits
        number = {"full": errno.ENOSPC, "dead": errno.EIO, "read-only": errno.EROFS}.get(self.fault.action)
        number = number or getattr(errno, self.fault.action)
        raise OSError(number, os.strerror(number))

    def _is_met(self, name: str) -> bool:
        if self.fault.action == "none" or len(self.calls) < self.fault.at:
            return False
        if self.fault.action in ("dead", "read-only"):
            return True
        if self.fault.action == "full":
            return name in _ALLOCATING
        return len(self.calls) == self.fault.at


@contextmanager
def injected(fault: Fault, *, report: Callable[[str], None] = lambda _: None) -> Iterator[Injector]:
    """Put *fault* into this process for a while; nothing is synced meanwhile, since a kill loses no page cache."""
    injector = Injector(fault, report)
    originals = {name: getattr(os, name) for name in CHANGING}
    opener = builtins.open
    for name, function in originals.items():
        setattr(os, name, _wrapped(injector, name, _nothing if name in _DURABLE else function))
    builtins.open = io.open = _wrapped_open(injector, opener)
    try:
        yield injector
    finally:
        builtins.open = io.open = opener
        for name, function in originals.items():
            setattr(os, name, function)


def forked(command: Callable[[], object], fault: Fault) -> Outcome:
    """Run *command* in a child of this process with *fault* in it."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of the test runner: the child needs none of them
        child = os.fork()
    if child == 0:
        _run_and_tell(command, fault, writer)
    os.close(writer)
    with open(reader, encoding="utf-8") as told:
        met, _, error = told.read().partition(" ")
    status = os.waitpid(child, 0)[1]
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not killed and not met:
        raise AssertionError(f"the child ended with status {status} and said nothing")
    return Outcome(fault.at, killed or met == "met", killed, error)


def sweep(run: Callable[[int], Outcome]) -> Iterator[Outcome]:
    """Run with the fault at call 1, 2, 3, ...; yield the outcome of each, the last being that of a run without it."""
    at = 0
    while True:
        at += 1
        outcome = run(at)
        yield outcome
        if not outcome.met:
            return


def _run_and_tell(command: Callable[[], object], fault: Fault, writer: int) -> None:
    error = ""
    try:
        with injected(fault) as injector:
            try:
                command()
            except BaseException as raised:  # whatever it is, the parent judges it
                error = type(raised).__name__
        os.write(writer, f"{'met' if injector.met else 'missed'} {error}".encode())
    finally:
        os._exit(0)


def _wrapped(injector: Injector, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        reads_only = name == "open" and not args[1] & _WRITING_FLAGS
        to_terminal = name in ("write", "writev") and args[0] < _FIRST_OWN_DESCRIPTOR
        if reads_only or to_terminal:
            return function(*args, **kwargs)
        return injector.call(name, function, *args, **kwargs)

    return wrapper


def _wrapped_open(injector: Injector, opener: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if set(mode) & set("wax+") and not isinstance(file, int):
            return injector.call("open", opener, file, mode, *args, **kwargs)
        return opener(file, mode, *args, **kwargs)

    return wrapper


def _nothing(*_: object) -> None:
    pass


def _main(argv: list[str]) -> None:
    action, at, dashes, module, *arguments = argv
    assert dashes == "--", "python -m tests.faults ACTION N -- MODULE [ARGUMENT ...]"
    path, opener = os.environ.get("FAULTS_REPORT"), builtins.open

    def report(line: str) -> None:
        if path:
            with opener(path, "a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    sys.argv = [module, *arguments]
    with injected(Fault(action, int(at)), report=report):
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main(sys.argv[1:])
