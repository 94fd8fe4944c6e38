"""Other people's programs: found on the PATH that is given, run without a shell, in English, within a time."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from easycert.errors import TrustStoreUnusable
from easycert.model import Value
from easycert.processes import end_session

#: What no child has any business with (hazard F2).
_WITHHELD = "EASYCERT_PASSPHRASE"
#: Where programs for the superuser lie, which the PATH of others often leaves out.
_SUPERUSER_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")
#: Messages are English, and file names what they are: plain C would have Java see no letter beyond ASCII in one.
_LOCALE = "C.UTF-8"
_KEPT = 1 << 22


class Ran(Value):
    """How a program ended, and what it printed."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def how(self) -> str:
        """How it ended, as the end of a sentence."""
        return f"was ended by signal {-self.code}" if self.code < 0 else f"ended with exit status {self.code}"

    @property
    def complaint(self) -> str:
        """What it said was wrong: the last line that it printed, on stderr if there is one."""
        for stream in (self.stderr, self.stdout):
            lines = [line.strip() for line in stream.decode("utf-8", "replace").splitlines() if line.strip()]
            if lines:
                return lines[-1]
        return "it said nothing"


class Children:
    """Starts programs in one *environment*."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take the variables in which programs are looked for and run."""
        self._environment = {
            name: text
            for name, text in environment.items()
            if not name.startswith(_WITHHELD) and not name.startswith("LC_")
        } | {"LC_ALL": _LOCALE, "LANGUAGE": "en"}

    def find(self, tool: str) -> str | None:
        """Return the path of the program called *tool*, or None."""
        path = os.pathsep.join((self._environment.get("PATH", os.defpath), *_SUPERUSER_PATH))
        return shutil.which(tool, path=path)

    def run(
        self,
        words: Sequence[str],
        *,
        variables: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float = 60.0,
    ) -> Ran:
        """Run the program ``words[0]`` to its end, with *stdin* to read and no terminal to ask on.

        Raises TrustStoreUnusable when it is missing, cannot be started, or takes longer than *timeout* seconds; it is
        ended then, with all that it started.
        """
        tool = self.find(words[0])
        if tool is None:
            raise TrustStoreUnusable(words[0], "the program is not there")
        try:
            process = subprocess.Popen(  # noqa: S603  (a list of words, and no shell)
                [tool, *words[1:]],
                env={**self._environment, **(variables or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise TrustStoreUnusable(tool, f"it cannot be started: {error}") from error
        try:
            stdout, stderr = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            raise TrustStoreUnusable(tool, f"it took more than {timeout:g} s and was ended") from None
        except BaseException:  # an interrupt: it stands in a session of its own, so nobody else tells it
            _end(process)
            raise
        return Ran(process.returncode, stdout[:_KEPT], stderr[:_KEPT])


def _end(process: subprocess.Popen[bytes]) -> None:
    end_session(process)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()
