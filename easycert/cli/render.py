"""From a result to what is printed: versioned JSON for programs, and the plain means of drawing for a person.

Colour is for a terminal only and bows to ``NO_COLOR`` (https://no-color.org); nothing here needs more than ANSI, so no
command loads Rich.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, TextIO

from easycert.pki.validity import rfc3339

SCHEMA_VERSION = 1
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
_GAP = "  "
#: As spreadsheets know them, and in full width, as some of them read.
_BEGIN_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class Palette:
    """Marks text as bold, dim, red, green or yellow where that can be seen, and leaves it alone elsewhere."""

    def __init__(self, *, colour: bool) -> None:
        """Paint only when *colour* is true."""
        self.colour = colour

    @classmethod
    def of(cls, stream: TextIO) -> Palette:
        """Return the palette for *stream*: colours on a terminal that can show them, unless NO_COLOR is set."""
        wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(colour=wanted and stream.isatty())

    def paint(self, text: str, *styles: str) -> str:
        """Return *text* in *styles*."""
        if not self.colour or not text or not styles:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def as_json(kind: str, result: object) -> str:
    """Return a frozen result as versioned JSON, under a key that says what it is."""
    import json

    return json.dumps({"version": SCHEMA_VERSION, "kind": kind, kind: plain(result)}, indent=2, ensure_ascii=False)


def plain(value: object) -> Any:
    """Return a frozen value in JSON's terms: records become objects, enums their words, times RFC 3339.

    Raises TypeError for anything else, bytes above all: secrets are bytes, and no result may carry them by accident.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return rfc3339(value)
    fields = getattr(value, "__dataclass_fields__", None) or getattr(value, "_fields", None)
    if fields:
        return {name: plain(getattr(value, name)) for name in fields}
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no place in a result")


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return *rows*, all of one length, as lines with aligned columns."""
    whole = list(rows)
    widths = [max(map(width, column)) for column in zip(*whole, strict=True)]
    return [_GAP.join(_padded(cell, size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in whole]


def glossary(rows: Iterable[tuple[str, str]], columns: int) -> list[str]:
    """Return *rows* of a word and what it means as lines, each meaning wrapped into its own part of *columns*."""
    from textwrap import wrap  # only a list that is looked at needs it

    whole = list(rows)
    indent = max(width(word) for word, _ in whole) + len(_GAP)
    room = max(columns - indent, 20)
    return [
        f"{_padded(word if first else '', indent)}{line}"
        for word, meaning in whole
        for first, line in zip(
            [True, *[False] * len(meaning)], wrap(meaning, room, break_on_hyphens=False), strict=False
        )
    ]


def tab_separated(rows: Iterable[Sequence[str]]) -> str:
    """Return *rows* for ``cut`` and ``awk``: one line each, tabs between the cells, no header."""
    return "\n".join("\t".join(row) for row in rows)


def comma_separated(rows: Iterable[Sequence[str | int]]) -> str:
    """Return *rows* as CSV (RFC 4180, lines ending as Unix has them), for spreadsheets too.

    A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, and certificates hold what
    strangers wrote: such text gets an apostrophe before it, which shows a spreadsheet that it is text. All text must
    be of one line (:func:`~easycert.pki.wording.one_line`).
    """
    import csv
    import io

    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([no_formula(cell) for cell in row] for row in rows)
    return written.getvalue().removesuffix("\n")


def no_formula(cell: str | int) -> str | int:
    """Return *cell* as a spreadsheet takes it for text: with an apostrophe before what would be a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip().startswith(_BEGIN_FORMULA) else cell


def fits(text: str, stream: TextIO) -> bool:
    """Return whether *stream* can show *text* in its encoding."""
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def width(text: str) -> int:
    """Return how many columns *text* takes on a terminal: ANSI marks none, wide characters two."""
    if text.isascii() and "\x1b" not in text:
        return len(text)
    import re
    import unicodedata

    shown = re.sub(r"\x1b\[[0-9;]*m", "", text)
    marks = sum(unicodedata.combining(char) != 0 for char in shown)
    return len(shown) - marks + sum(unicodedata.east_asian_width(char) in "WF" for char in shown)


def shortened(text: str, room: int) -> str:
    """Return *text*, which is not painted, cut to so many columns, its end replaced by ``...`` if it is longer."""
    if width(text) <= room:
        return text
    while width(text) > max(room - 3, 0):
        text = text[:-1]
    return f"{text}..."


def _padded(text: str, size: int) -> str:
    return text + " " * (size - width(text))
