"""Faults inside of system calls, those of C libraries too: a child is traced, and killed or failed at one of them.

``tests.faults`` stands before Python's calls; what SQLite does in C it cannot meet. Here strace stands before the
kernel. The child is a fork of this process, so that nothing of Python's own start is counted or repeated, and runs a
whole command, from its arguments to its exit code::

    calls = recorded(strace, command, directory)                   # those that change something below the directory
    for call in calls: broken(strace, command, call, "SIGKILL")   # or "ENOSPC", "EIO"
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from easycert.cli.entry import run

#: All that easycert and SQLite use to change files, directories and what is durable of them.
CHANGING = (
    *("openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "sync", "mkdir", "mkdirat", "rmdir"),
    *("unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "chmod", "fchmod"),
)
#: Lets any process trace this one, where only parents may (Linux: ptrace_scope).
_PR_SET_PTRACER, _ANY = 0x59616D61, ctypes.c_ulong(-1)
_LINE = re.compile(r"^\d+ +(\w+)\((.*)")


class Call(NamedTuple):
    """One system call of a command: its name, and the how manyth of this name it is."""

    name: str
    number: int
    shown: str


class Ending(NamedTuple):
    """How a traced command ended: its exit code (None if it was killed), what it printed, whether the fault was met."""

    code: int | None
    printed: str
    met: bool


def recorded(strace: str, argv: list[str], directory: Path) -> list[Call]:
    """Run a command, and return its calls that change something below *directory*."""
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        code, printed = _traced(strace, argv, ["-y", "-s", "4096", "-o", str(log)])
        assert code == 0, printed
        counts: Counter[str] = Counter()
        found = []
        for line in log.read_text(errors="replace").splitlines():
            match = _LINE.match(line)
            if match is None or match[1] not in CHANGING:
                continue
            name, rest = match[1], match[2]
            counts[name] += 1
            changes = name != "openat" or "O_CREAT" in rest or "O_RDWR" in rest or "O_WRONLY" in rest
            if str(directory) in rest and changes:
                found.append(Call(name, counts[name], rest[:200]))
        return found


def broken(strace: str, argv: list[str], call: Call, fault: str) -> Ending:
    """Run a command that is killed at *call* (``SIGKILL``), or to which it fails (the name of an errno)."""
    injected = f"signal={fault}" if fault.startswith("SIG") else f"error={fault}"
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        options = ["-o", str(log), "-e", f"inject={call.name}:{injected}:when={call.number}"]
        code, printed = _traced(strace, argv, options)
        lines = log.read_text(errors="replace")
    return Ending(code, printed, "INJECTED" in lines or "killed by SIGKILL" in lines)


def _traced(strace: str, argv: list[str], options: list[str]) -> tuple[int | None, str]:
    with tempfile.TemporaryFile() as output:
        begin, child = _waiting(argv, output.fileno())
        tracer = subprocess.Popen(
            [strace, "-f", "-e", f"trace={','.join(CHANGING)},fcntl,mmap", *options, "-p", str(child)],
            stderr=subprocess.PIPE,
        )
        assert tracer.stderr is not None
        with tracer.stderr:
            said = tracer.stderr.readline()
            assert b"attached" in said, said + tracer.stderr.read()
            os.write(begin, b"go")
            os.close(begin)
            status = os.waitpid(child, 0)[1]
            tracer.stderr.read()
        tracer.wait()
        output.seek(0)
        printed = output.read().decode("utf-8", "replace")
    return (os.WEXITSTATUS(status) if os.WIFEXITED(status) else None), printed


def _waiting(argv: list[str], output: int) -> tuple[int, int]:
    """Return a pipe to write to, and a child that runs the command when something is written to it."""
    waiting, begin = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of the test runner: the child needs none of them
        child = os.fork()
    if child == 0:
        os.close(begin)
        _go_when_told(argv, waiting, output)
    os.close(waiting)
    return begin, child


def _go_when_told(argv: list[str], waiting: int, output: int) -> None:
    code = 99
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANY, 0, 0, 0)
        for stream in (1, 2):
            os.dup2(output, stream)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115  # pytest's own would keep it
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
        os.read(waiting, 2)
        code = run(argv)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def without(strace: str, argv: list[str], name: str, error: str) -> Ending:
    """Run a command on a machine on which every system call of this *name* fails."""
    code, printed = _traced(strace, argv, ["-o", os.devnull, "-e", f"inject={name}:error={error}"])
    return Ending(code, printed, True)
