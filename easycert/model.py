"""The few values that every layer shares. Pure: no I/O, no clock, nothing imported but the standard library."""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """The four kinds of certificate that easycert makes; the value is the word used in code, CLI, docs and output."""

    CA = "ca"
    HOST = "host"
    USER = "user"
    CODE = "code"
