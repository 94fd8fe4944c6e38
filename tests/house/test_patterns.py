"""Regular expressions that every Python from 3.11.0 on reads alike."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "easycert"
#: Before Python 3.11.5 (Debian 12 has 3.11.2) ``(...)*+`` may match what it should not, and not what it should:
#: https://github.com/python/cpython/issues/106052
POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{[0-9,]+\})\+")
ESCAPE_OR_CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


def patterns(path: Path) -> Iterator[str]:
    """Yield the text of every pattern that is handed to ``re``, its escapes and classes left out."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("re."):
            for node in ast.walk(call):
                if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
                    text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
                    yield ESCAPE_OR_CLASS.sub("", text)


def test_no_group_is_repeated_possessively() -> None:
    found = {str(path) for path in PACKAGE.rglob("*.py") for text in patterns(path) if POSSESSIVE_GROUP.search(text)}
    assert not found


def test_patterns_are_found() -> None:
    assert any("BEGIN" in text for text in patterns(PACKAGE / "pki" / "formats" / "bundle.py"))
