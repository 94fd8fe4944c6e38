"""What the shell completes: the names of CAs and certificates, and the flags of Synapse's form.

Names are read from directories, no file is opened, and whatever goes wrong is nothing to complete: a person who presses
Tab wants no error. The shell's request is made of variables, which Typer reads; here they are only rearranged.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, redirect_stdout
from typing import Any, NamedTuple

from easycert.certdir import directories
from easycert.cli import SUBCOMMANDS_FIRST
from easycert.cli.table import COMMANDS, COMPLETION_VARIABLE
from easycert.model import Kind
from easycert.store.layout import FOLDERS

#: Stands in a line of the flag form for the subcommand that such a line lacks, while it is completed.
FLAG_FORM = "flag-form"
#: What names a CA or a certificate: its certificate first of all, but a request or a key that waits is shown, too.
_CERTIFICATES = (".crt",)
_ANYTHING = (".crt", ".csr", ".key", ".p12")
#: What bash takes for a word of its own inside of names (of its COMP_WORDBREAKS), and between an option and its value.
_BREAKS, _ASSIGNS = "@:", "="
#: What bash has cut off from the word that is completed, passed on to the completers.
_BEFORE = "_EASYCERT_COMPLETE_BEFORE"


class Item(NamedTuple):
    """A subcommand as Typer hands it to the shell; *type* ``plain`` is a word as it stands."""

    value: str
    help: str
    type: str = "plain"


def authorities(parameters: Mapping[str, Any], incomplete: str) -> list[str]:
    """Return the CAs whose names begin with *incomplete*; *parameters* are those of the command line so far."""
    return _completed(parameters, [Kind.CA], _CERTIFICATES, incomplete)


def certificates(parameters: Mapping[str, Any], incomplete: str) -> list[str]:
    """Return the certificates whose names begin with *incomplete*, of the ``--kind`` that was asked for."""
    return _completed(parameters, _kinds(parameters), _CERTIFICATES, incomplete)


def hosts(parameters: Mapping[str, Any], incomplete: str) -> list[str]:
    """Return the hosts whose names begin with *incomplete*."""
    return _completed(parameters, [Kind.HOST], _CERTIFICATES, incomplete)


def users(parameters: Mapping[str, Any], incomplete: str) -> list[str]:
    """Return the users whose names begin with *incomplete*."""
    return _completed(parameters, [Kind.USER], _CERTIFICATES, incomplete)


def anything(parameters: Mapping[str, Any], incomplete: str) -> list[str]:
    """Return as :func:`certificates`, and also requests, keys and PKCS#12 files that stand alone."""
    return _completed(parameters, _kinds(parameters), _ANYTHING, incomplete)


def subcommands(incomplete: str) -> list[Item]:
    """Return the subcommands that begin with *incomplete*, none of which is imported for that."""
    return [Item(name, command.help) for name, command in COMMANDS.items() if name.startswith(incomplete)]


def _kinds(parameters: Mapping[str, Any]) -> list[Kind]:
    wanted = parameters.get("kind")
    given = wanted if isinstance(wanted, list | tuple) else [wanted] if wanted else []
    words = {getattr(kind, "value", kind) for kind in given}
    return [kind for kind in Kind if kind.value in words or not words]


def _completed(
    parameters: Mapping[str, Any], kinds: Iterable[Kind], suffixes: tuple[str, ...], incomplete: str
) -> list[str]:
    try:
        found = set(_names(parameters.get("certdir"), kinds, suffixes))
    except Exception:  # whatever it is: no error is worth breaking into somebody's typing
        return []
    before = os.environ.get(_BEFORE, "")
    return sorted(name[len(before) :] for name in found if name.startswith(before + incomplete) and name.isprintable())


def _names(certdir: str | None, kinds: Iterable[Kind], suffixes: tuple[str, ...]) -> Iterator[str]:
    for directory in directories(certdir):
        for kind in kinds:
            try:
                files = os.listdir(os.path.join(directory, FOLDERS[kind]))
            except OSError:
                continue
            for file in files:
                if file.endswith(suffixes) and not file.startswith("."):
                    yield file.rpartition(".")[0]


# --- between the shell and Typer -------------------------------------------------------------------------------------


@contextmanager
def conversation(environ: MutableMapping[str, str]) -> Iterator[None]:
    """Make of what the shell asks what Typer understands, and of the answer what the shell does."""
    rearrange(environ)
    if environ.get(COMPLETION_VARIABLE) != "complete_bash":
        yield
        return
    answer = io.StringIO()
    try:
        with redirect_stdout(answer):
            yield
    finally:
        print("\n".join(map(_typed, answer.getvalue().splitlines())))


def _typed(word: str) -> str:
    """Return *word* as it is typed: bash puts completions on the line as they are, other shells see to that."""
    return "".join(char if char.isalnum() or char in "._+-@%,:/=" else f"\\{char}" for char in word)


def rearrange(environ: MutableMapping[str, str]) -> None:
    """Make of what the shell asks what Typer understands: a subcommand in front of flags, and whole words in bash."""
    if "COMP_WORDS" in environ and "COMP_CWORD" in environ:
        _rearrange_bash(environ)
    elif "_TYPER_COMPLETE_ARGS" in environ:
        program, space, rest = environ["_TYPER_COMPLETE_ARGS"].partition(" ")
        first, gap, _ = rest.lstrip().partition(" ")
        if space and gap and _is_flag_form(first):
            environ["_TYPER_COMPLETE_ARGS"] = f"{program} {FLAG_FORM} {rest}"


def _rearrange_bash(environ: MutableMapping[str, str]) -> None:
    words, at = environ["COMP_WORDS"].split("\n"), environ["COMP_CWORD"]
    if not at.isdecimal() or not 0 < int(at) <= len(words):
        return
    whole, before = _joined([*words, ""][: int(at) + 1])
    if len(whole) > 2 and _is_flag_form(whole[1]):
        whole.insert(1, FLAG_FORM)
    environ["COMP_WORDS"] = "\n".join(whole)
    environ["COMP_CWORD"] = str(len(whole) - 1)
    environ[_BEFORE] = before


def _joined(words: list[str]) -> tuple[list[str], str]:
    """Return *words* as they were typed, the last one without what bash has cut off from its beginning, and that.

    What is completed takes the place of an @ before it, too (readline's rl_special_prefixes), but of no other break.
    """
    whole = [""]
    before, glue = "", True
    for word in words:
        if word == _ASSIGNS:
            whole.append("")
            before, glue = "", True
        elif word and not word.strip(_BREAKS):
            before += whole[-1] + word
            whole[-1], glue = "", True
        elif glue:
            whole[-1] = word
            glue = False
        else:
            whole[-1] = before + whole[-1]
            whole.append(word)
            before = ""
    if before.endswith("@"):
        whole[-1], before = f"@{whole[-1]}", before[:-1]
    return whole, before


def _is_flag_form(first: str) -> bool:
    return bool(first) and first not in COMMANDS and first not in SUBCOMMANDS_FIRST
