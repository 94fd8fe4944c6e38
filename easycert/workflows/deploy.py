"""Telling a program of the operator's that certificates were renewed, so that servers take them up: the deploy hook.

It is run once for all that was renewed, by the shell, as those of certbot, acme.sh and lego are.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO, Protocol

from easycert.errors import HookFailed
from easycert.model import Kind, Value
from easycert.processes import end_session

#: What a hook must not see (hazard F2), or would start again when it calls easycert itself.
_WITHHELD = (
    *("EASYCERT_PASSPHRASE", "EASYCERT_PASSPHRASE_FILE", "EASYCERT_PASSPHRASE_FD"),
    *("EASYCERT_DEPLOY_HOOK", "EASYCERT_HOOK"),
)
#: Linux takes no longer string into an environment (MAX_ARG_STRLEN is 128 KiB).
_LONGEST = 100_000
#: Seconds between asking a hook to end and ending it.
_GRACE = 5.0


class Hook(Value):
    """A command line for ``/bin/sh``, the *environment* that it begins with, and how many seconds it may take.

    What it prints goes to the file descriptor *output*.
    """

    command: str
    environment: Mapping[str, str]
    timeout: float
    output: int = 2


class Deployed(Protocol):
    """What a hook is told of a certificate: kind, name, and the absolute paths of certificate and key."""

    @property
    def kind(self) -> Kind:
        """What it is for."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def certificate_path(self) -> str:
        """Where the certificate lies."""

    @property
    def key_path(self) -> str | None:
        """Where its key lies, if it is here."""


def run_hook(hook: Hook, renewed: Sequence[Deployed]) -> None:
    """Run *hook* for what was *renewed*.

    In its environment, in the same order and one a line: ``EASYCERT_RENEWED``, the names, ``EASYCERT_RENEWED_PATHS``,
    the certificates. Both are empty when there is too much for an environment; ``EASYCERT_RENEWED_LIST`` always names a
    file with a line for each: kind, name, certificate and key, with tabs between them. Raises HookFailed when it cannot
    be started, fails, or takes too long; it is ended then.
    """
    with tempfile.NamedTemporaryFile("w", prefix="easycert-renewed-", encoding="utf-8") as listed:
        listed.writelines(_line(item) for item in renewed)
        listed.flush()
        try:
            process = subprocess.Popen(  # noqa: S603  (the operator's own command line is what this is for)
                ["/bin/sh", "-c", hook.command],
                env=_environment(hook, renewed, listed),
                stdin=subprocess.DEVNULL,
                stdout=hook.output,
                stderr=hook.output,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise HookFailed(hook.command, f"cannot be started: {reason}") from error
        _wait(process, hook)


def _environment(hook: Hook, renewed: Sequence[Deployed], listed: IO[str]) -> dict[str, str]:
    names = "\n".join(item.name for item in renewed)
    paths = "\n".join(item.certificate_path for item in renewed)
    fits = len(os.fsencode(names)) <= _LONGEST and len(os.fsencode(paths)) <= _LONGEST
    kept = {name: text for name, text in hook.environment.items() if name not in _WITHHELD}
    return kept | {
        "EASYCERT_RENEWED": names if fits else "",
        "EASYCERT_RENEWED_PATHS": paths if fits else "",
        "EASYCERT_RENEWED_LIST": listed.name,
    }


def _line(item: Deployed) -> str:
    return f"{item.kind.value}\t{item.name}\t{item.certificate_path}\t{item.key_path or ''}\n"


def _wait(process: subprocess.Popen[bytes], hook: Hook) -> None:
    try:
        code = process.wait(hook.timeout)
    except subprocess.TimeoutExpired:
        end_session(process)
        raise HookFailed(hook.command, f"took more than {hook.timeout:g} s and was ended") from None
    except BaseException:  # an interrupt: it stands in a session of its own, so nobody else tells it
        end_session(process)
        raise
    if code:
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit status {code}"
        raise HookFailed(hook.command, how)
