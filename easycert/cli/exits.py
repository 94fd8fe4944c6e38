"""Exit codes, one table. The flag form knows 0, 1 and 2 only."""

from __future__ import annotations

from easycert.errors import BackupDamaged, EasycertError, InvalidInput, VerificationFailed

DONE = 0
FAILED = 1
USAGE = 2
DUE = 3
NOT_VERIFIED = 4
DRIFT = 5
NOTHING_DUE = 6
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
    INTERRUPTED: "interrupted (SIGINT)",
    TERMINATED: "terminated (SIGTERM)",
}


def exit_code(error: EasycertError) -> int:
    """Return the exit code with which a subcommand reports *error*."""
    if isinstance(error, VerificationFailed):
        return NOT_VERIFIED
    if isinstance(error, BackupDamaged):
        return DRIFT
    return USAGE if isinstance(error, InvalidInput) else FAILED
