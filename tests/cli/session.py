"""Shell sessions that read as documentation and run as tests: how they are written, performed and judged.

| line             | meaning                                                                                         |
|------------------|-------------------------------------------------------------------------------------------------|
| ``$ command``    | a command; easycert runs in this process, anything else in a shell; a final ``\\`` continues it  |
| ``text``         | what it prints on stdout                                                                        |
| ``! text``       | what it prints on stderr                                                                        |
| ``? 4``          | its exit code, where that is not 0                                                              |
| ``@ 2036-03-01`` | the clock stands at this time from here on                                                      |
| ``# text``       | a comment                                                                                       |

In what is printed, ``...`` stands for any text, alone on a line for any number of lines, and ``~`` for the home
directory, in which a session begins; empty lines do not count. An easycert command may begin with variables
(``EASYCERT_DAYS=9 easycert ...``) and end with one ``| filter`` or ``> file``. ``easycert run``, which becomes another
program, is a process of its own, and its clock is the machine's.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from easycert.cli.entry import run as run_easycert
from easycert.trust.variables import VARIABLES

_REDIRECTION = re.compile(r" (\||>) ")
_VARIABLE = re.compile(r"([A-Z_]+)=(.*)", re.DOTALL)
_Pieces = list[tuple[str, str]]


class Step(NamedTuple):
    """One command (or, with ``@``, a time), what it must print and the exit code with which it must end."""

    line: int
    command: str
    printed: tuple[str, ...] = ()
    code: int = 0


class Ran(NamedTuple):
    """What a command printed, lines on stderr with their mark, and its exit code."""

    printed: tuple[str, ...]
    code: int


def steps(text: str) -> list[Step]:
    """Return the steps of a transcript, as the table above says."""
    found: list[Step] = []
    for number, line in enumerate(text.splitlines(), start=1):
        last = found[-1] if found else None
        if last and last.command.endswith("\\"):
            found[-1] = last._replace(command=f"{last.command.removesuffix(chr(92)).rstrip()} {line.lstrip('> ')}")
        elif line.startswith("$ "):
            found.append(Step(number, line.removeprefix("$ ")))
        elif line.startswith("@ "):
            found.append(Step(number, line))
        elif last and line.startswith("? "):
            found[-1] = last._replace(code=int(line.removeprefix("? ")))
        elif last and line and not line.startswith("#"):
            found[-1] = last._replace(printed=(*last.printed, line))
    return found


def matches(expected: tuple[str, ...], printed: tuple[str, ...]) -> bool:
    """Return whether *printed* is what is *expected*, with ``...`` in *expected* as described above."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
        for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None


class Session:
    """A person's shell in an empty home: performs commands and keeps what ``export`` says."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, *, stderr_mark: str = "! ") -> None:
        """Begin in *home*; what commands print on stderr is shown behind *stderr_mark*."""
        self._home = home
        self._monkeypatch = monkeypatch
        self._mark = stderr_mark
        self._last = 0
        monkeypatch.chdir(home)
        monkeypatch.setenv("COLUMNS", "80")  # help is as wide as the terminal, whoever runs the tests
        monkeypatch.setenv("PATH", os.path.dirname(sys.executable), prepend=os.pathsep)
        for variable in VARIABLES:
            monkeypatch.delenv(variable.name, raising=False)

    def perform(self, command: str) -> Ran:
        """Return how *command* went."""
        word, *rest = shlex.split(command, comments=True)
        if word == "export":
            self._monkeypatch.setenv(*rest[0].split("=", 1))
            return Ran((), 0)
        if command == "echo $?":
            return Ran((str(self._last),), 0)
        pieces, self._last = self._easycert(command) if _is_easycert([word, *rest]) else _shell(command)
        return Ran(tuple(self._lines(pieces)), self._last)

    def _easycert(self, command: str) -> tuple[_Pieces, int]:
        ours, operator, others = [part.strip() for part in (*_REDIRECTION.split(command, maxsplit=1), "", "")[:3]]
        words = shlex.split(ours, comments=True)
        with self._monkeypatch.context() as variables:
            while match := _VARIABLE.fullmatch(words[0]):
                variables.setenv(match[1], match[2])
                del words[0]
            pieces, code = _captured(lambda: run_easycert(words[1:]))
        if not operator:
            return pieces, code
        stdout = "".join(text for stream, text in pieces if stream == "stdout")
        behind = others if operator == "|" else f"cat > {others}"
        shown, _ = _shell(behind, stdout)
        return [*(piece for piece in pieces if piece[0] == "stderr"), *shown], code

    def _lines(self, pieces: _Pieces) -> list[str]:
        lines = []
        for stream, text in _joined(pieces):
            mark = self._mark if stream == "stderr" else ""
            lines += [f"{mark}{line}".rstrip() for line in text.replace(str(self._home), "~").splitlines() if line]
        return lines


class _Stream(io.StringIO):
    """Stands for stdout or stderr and notes what is written in the order in which a terminal would show it."""

    encoding = "utf-8"

    def __init__(self, name: str, pieces: _Pieces) -> None:
        super().__init__()
        self._name, self._pieces = name, pieces

    def write(self, text: str) -> int:
        written = super().write(text)  # refuses bytes, by which Click tells text from binary streams
        self._pieces.append((self._name, text))
        return written


def _is_easycert(words: list[str]) -> bool:
    command = [word for word in words if not _VARIABLE.fullmatch(word)]
    return command[0] == "easycert" and command[1:2] != ["run"]


def _captured(run: Callable[[], int]) -> tuple[_Pieces, int]:
    pieces: _Pieces = []
    with redirect_stdout(_Stream("stdout", pieces)), redirect_stderr(_Stream("stderr", pieces)):
        code = run()
    return pieces, code


def _shell(command: str, stdin: str = "") -> tuple[_Pieces, int]:
    done = subprocess.run(["sh", "-c", command], check=False, input=stdin, capture_output=True, encoding="utf-8")
    return [("stdout", done.stdout), ("stderr", done.stderr)], done.returncode


def _joined(pieces: _Pieces) -> _Pieces:
    """Return *pieces* with neighbours of one stream joined: a line may be written in several."""
    joined: _Pieces = []
    for stream, text in pieces:
        if joined and joined[-1][0] == stream:
            joined[-1] = (stream, joined[-1][1] + text)
        else:
            joined.append((stream, text))
    return joined
