"""Ending programs that easycert has started."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

#: Seconds between asking a program to end and ending it.
GRACE = 5.0


def end_session(process: subprocess.Popen[bytes]) -> None:
    """End *process*, which was started with a session of its own, and all that it started: kindly, then not."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
