"""Variables as shells, ``.env`` files and CI systems read them; whatever is in a value, it stays a value."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from enum import Enum

from easycert.errors import InvalidInput

#: What no reader of .env files takes for anything else, without quotation marks, which some of them keep.
_PLAIN = re.compile(r"[\w@%+=:,./-]*", re.ASCII)
#: PowerShell takes all of these for a single quotation mark (about_Quoting_Rules).
_POWERSHELL_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")


class Shell(Enum):
    """The shells whose language is known; the value is what ``--shell`` takes."""

    SH = "sh"
    FISH = "fish"
    POWERSHELL = "powershell"


def script(shell: Shell, variables: Mapping[str, str]) -> str:
    """Return commands of *shell* that set *variables* for it and what it starts."""
    form = {Shell.SH: _sh, Shell.FISH: _fish, Shell.POWERSHELL: _powershell}[shell]
    return "".join(f"{form(name, value)}\n" for name, value in variables.items())


def dotenv(variables: Mapping[str, str]) -> str:
    """Return the lines of a ``.env`` file: bare where that is possible, as Docker and GitLab keep quotation marks.

    Raises InvalidInput for a value that has none of the forms on which readers agree.
    """
    return "".join(f"{name}={_dotenv(name, value)}\n" for name, value in variables.items())


def github(variables: Mapping[str, str]) -> str:
    """Return lines for the file that ``GITHUB_ENV`` names; a value of several lines stands between two marks.

    The form is that of GitHub's "Workflow commands": ``NAME=value``, or ``NAME<<MARK``, the lines, and ``MARK``.
    """
    return "".join(_github(name, value) for name, value in variables.items())


def _sh(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}"


def _fish(name: str, value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"set -gx {name} '{quoted}'"


def _powershell(name: str, value: str) -> str:
    quoted = _POWERSHELL_QUOTES.sub(r"\1\1", value)
    return f"${{env:{name}}} = '{quoted}'"


def _dotenv(name: str, value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    if value.isprintable() and "'" not in value:
        return f"'{value}'"
    if value.isprintable() and not re.search(r'["\\$`]', value):
        return f'"{value}"'
    raise InvalidInput(f"value of {name}", value, "cannot be written into a .env file that all programs read alike")


def _github(name: str, value: str) -> str:
    if "\n" not in value and "\r" not in value:
        return f"{name}={value}\n"
    mark = f"easycert_{os.urandom(16).hex()}"
    return f"{name}<<{mark}\n{value}\n{mark}\n"
