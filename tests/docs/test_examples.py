"""Every example in the README and the documentation, performed: what a reader types does what the page says.

A document's blocks are one session, from its first line to its last, in an empty home:

- ``console``: ``$ command`` and what a terminal then shows, as ``tests/cli/session.py`` says, stderr unmarked; dates
  and hexadecimal numbers stand for any others. A command that fails shows its error.
- ``python``: run as it stands; a ``text`` block right below it is what it prints.
- ``sh``: how to install and try easycert, in a checkout; CI does that, here only the scripts are looked for.
- ``text``, or no language: an extract, not a command.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from easycert.cli import exits
from easycert.settings import parse_settings
from tests.cli.session import Session, matches, steps

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/how-to").glob("*.md"))]
LANGUAGES = {"", "console", "python", "sh", "text", "toml"}

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARYING = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\dZ)?|\b[0-9a-f]{32,64}\b")
#: Foreign programs, by how pages show them; where one is missing, its page is skipped.
_FOREIGN = {"/easyrsa ": "easyrsa", "certutil -": "certutil"}
#: Exit codes that answer a question: something is due, drifted, or nothing was due.
_ANSWERS = (exits.DUE, exits.DRIFT, exits.NOTHING_DUE)
_FAILURES = ("error: ", "ERROR: ", "file exists: ", "Error: ")
_INSTALLING = {"git", "cd", "pip", "python3", "source"}


class Block(NamedTuple):
    """One fenced block of a document."""

    language: str
    text: str
    line: int
    follows_at_once: bool


def blocks(document: Path) -> list[Block]:
    """Return the fenced blocks of *document* in their order."""
    text = document.read_text(encoding="utf-8")
    found, end = [], 0
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(match[1], match[2], line, follows_at_once=not text[end : match.start()].strip()))
        end = match.end()
    return found


def same_each_day(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return *lines* without what differs from run to run."""
    return tuple(_VARYING.sub("VARIES", line) for line in lines)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_the_examples_do_what_the_page_says(
    document: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch, need: Callable[[str], str]
) -> None:
    for typed, program in _FOREIGN.items():
        if typed in document.read_text(encoding="utf-8"):
            need(program)
    session = Session(own_home, monkeypatch, stderr_mark="")
    namespace: dict[str, object] = {"__name__": "__main__"}
    printed: tuple[str, ...] | None = None
    for block in blocks(document):
        where = f"{document.name}:{block.line}"
        if block.language == "console":
            perform(block, session, where)
        elif block.language == "text" and block.follows_at_once and printed is not None:
            expected = tuple(filter(None, block.text.splitlines()))
            assert same_each_day(printed) == same_each_day(expected), where
        printed = printed_by(block, namespace, where, own_home) if block.language == "python" else None


def perform(block: Block, session: Session, where: str) -> None:
    for step in steps(block.text):
        ran = session.perform(step.command)
        expected, printed = same_each_day(step.printed), same_each_day(ran.printed)
        if not matches(expected, printed):
            assert printed == expected, f"{where}: {step.command}"
        failed = any(line.startswith(_FAILURES) for line in printed)
        if ran.code not in _ANSWERS:
            assert bool(ran.code) == failed, f"{where}: {step.command} ended with {ran.code}"


def printed_by(block: Block, namespace: dict[str, object], where: str, home: Path) -> tuple[str, ...]:
    """Return what a block of Python prints."""
    with redirect_stdout(StringIO()) as output:
        exec(compile(block.text, where, "exec"), namespace)
    return tuple(filter(None, output.getvalue().replace(str(home), "~").splitlines()))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_every_block_says_what_it_is(document: Path) -> None:
    for block in blocks(document):
        assert block.language in LANGUAGES, f"{document.name}:{block.line}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_settings_that_are_shown_are_understood(document: Path) -> None:
    for block in blocks(document):
        if block.language == "toml":
            parse_settings(block.text.encode(), f"{document.name}:{block.line}")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_what_is_typed_in_a_checkout_is_there(document: Path) -> None:
    commands = [line for block in blocks(document) if block.language == "sh" for line in block.text.splitlines()]
    for command in filter(None, commands):
        word = command.split()[0]
        assert word in _INSTALLING or os.access(ROOT / word, os.X_OK), f"{document.name}: {command}"


@pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / "CHANGELOG.md"], ids=lambda path: path.stem)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
        if not target.startswith(("https:", "mailto:")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_readme_begins_with_quickstart_and_the_tests() -> None:
    first, second = [block.text.split()[0] for block in blocks(ROOT / "README.md")[:2]]
    assert (first, second) == ("scripts/quickstart", "scripts/test")
