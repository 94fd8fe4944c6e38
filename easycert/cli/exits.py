"""Exit codes, one table. The flag form knows 0, 1 and 2 only."""

from __future__ import annotations

from easycert.errors import BackupDamaged, CommandNotStarted, EasycertError, InvalidInput, VerificationFailed

DONE = 0
FAILED = 1
USAGE = 2
DUE = 3
NOT_VERIFIED = 4
DRIFT = 5
NOTHING_DUE = 6
NOT_EXECUTABLE = 126
NOT_FOUND = 127
INTERRUPTED = 130
TERMINATED = 143

#: What each code means, as the help and the documentation print it.
MEANINGS = {
    DONE: "done, or nothing to do",
    FAILED: "failed",
    USAGE: "wrong usage, or a value that cannot be understood",
    DUE: "due or expiring",
    NOT_VERIFIED: "verification failed",
    DRIFT: "drift: what is recorded and what is there differ",
    NOTHING_DUE: "nothing was due (under --detailed-exitcode)",
    NOT_EXECUTABLE: "run: the command cannot be executed",
    NOT_FOUND: "run: there is no such command",
    INTERRUPTED: "interrupted (SIGINT)",
    TERMINATED: "terminated (SIGTERM)",
}


class BySignal(int):
    """The exit code, 128 and the signal's number, of a command that ran a program which a signal ended."""

    @property
    def signal(self) -> int:
        """The number of the signal."""
        return self - 128


def exit_code(error: EasycertError) -> int:
    """Return the exit code with which a subcommand reports *error*."""
    if isinstance(error, VerificationFailed):
        return NOT_VERIFIED
    if isinstance(error, BackupDamaged):
        return DRIFT
    if isinstance(error, CommandNotStarted):
        return NOT_FOUND if error.missing else NOT_EXECUTABLE
    return USAGE if isinstance(error, InvalidInput) else FAILED
