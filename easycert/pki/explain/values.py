"""The words of an explanation: a cause, and what mends it.

In commands, ``{host}``, ``{place}`` (HOST:PORT), ``{name}`` (of the host's certificate), ``{user}`` and ``{ca}`` stand
for what the text and the certificate directory tell; what they do not tell is in capitals.
"""

from __future__ import annotations

from typing import NamedTuple


class Fix(NamedTuple):
    """A command (empty: something that no command does) and what it is for."""

    why: str
    command: str = ""


class Cause(NamedTuple):
    """One cause: its name, what happened in a sentence or two, the clause behind it, and what mends it, best first."""

    name: str
    what: str
    section: str
    fixes: tuple[Fix, ...]
