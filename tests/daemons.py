"""Real servers that tests start: on a free port of the loopback address, waited for, and ended with the test."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

#: Seconds that a server may take until it accepts connections: a Java or Chromium on a busy machine is slow.
STARTS_WITHIN = 60.0
#: Seconds between asking a server to end and ending it.
ENDS_WITHIN = 10.0
_PAUSE = 0.02


class DidNotStart(AssertionError):
    """A server ended, or did not listen in time; the message is what it printed."""


class Daemon:
    """A server that runs: its *process*, the *port* that it listens on, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self._log = log

    @property
    def output(self) -> str:
        """What it printed so far, on stdout and stderr."""
        return self._log.read_text(errors="replace")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(
    argv: Sequence[str | Path],
    *,
    port: int,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
) -> Iterator[Daemon]:
    """Start *argv*, wait until it accepts connections on *port*, hand it over, and end it and all its children.

    What it prints goes to the file *log*. It runs as *user* where one is named (PostgreSQL refuses to be root).
    Raises DidNotStart with its output.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [os.fspath(word) for word in argv],
            cwd=cwd,
            env=None if env is None else dict(env),
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    daemon = Daemon(process, port, log)
    try:
        wait_until(lambda: _is_listening(daemon), lambda: f"{argv[0]} did not listen on port {port}:\n{daemon.output}")
        yield daemon
    finally:
        _end(process)


def wait_until(happened: Callable[[], bool], otherwise: Callable[[], str], within: float = STARTS_WITHIN) -> None:
    """Wait until *happened* says yes. Raises DidNotStart with the text that *otherwise* returns when time is up."""
    deadline = time.monotonic() + within
    while not happened():
        if time.monotonic() > deadline:
            raise DidNotStart(otherwise())
        time.sleep(_PAUSE)


def _is_listening(daemon: Daemon) -> bool:
    if daemon.process.poll() is not None:
        raise DidNotStart(f"it ended with exit status {daemon.process.returncode}:\n{daemon.output}")
    with suppress(OSError), socket.create_connection(("127.0.0.1", daemon.port), timeout=1):
        return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(ENDS_WITHIN)
            return
