"""``export``: certificates in the form that a program reads, in its own place, and again when they are renewed."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import os
import sys
from collections.abc import Sequence
from math import isnan
from shutil import get_terminal_size
from typing import Annotated, Any

import typer

from easycert.cli import exits
from easycert.cli.commands.results import put
from easycert.cli.exported import (
    described,
    drift_lines,
    hook_terms,
    refreshed_rows,
    refreshed_text,
    say_failures,
    state_row,
    state_word,
)
from easycert.cli.options import (
    ForceOption,
    Habits,
    HookTimeoutOption,
    KindOption,
    Output,
    Passphrase,
    argument,
    complete_certificates,
    complete_recipes,
    option,
    passphrase,
)
from easycert.cli.render import aligned, glossary, tab_separated
from easycert.errors import InvalidInput, NotFound, printable
from easycert.model import Kind, Value
from easycert.recipes import catalogue
from easycert.recipes.values import Recipe, Secret
from easycert.workflows.exports import checking, refreshing, writing
from easycert.workflows.exports.remembered import remembered_exports
from easycert.workflows.exports.values import ExportedFiles, ExportRequest, ExportState

_HELP = "help"

NameArgument = Annotated[
    str | None, argument(metavar="NAME", help="The certificate.", autocompletion=complete_certificates)
]
ForOption = Annotated[
    str | None,
    option(
        "--for",
        envvar="EASYCERT_FOR",
        metavar="RECIPE",
        help="The program that is to read it, or a format; --recipes lists them.",
        autocompletion=complete_recipes,
    ),
]
ToOption = Annotated[
    str | None,
    option("--to", metavar="DIR", help="Where the files go; without it, or with -, one file goes to stdout."),
]
OwnerOption = Annotated[str, option("--owner", metavar="USER", help="To whom the files belong.")]
GroupOption = Annotated[str, option("--group", metavar="GROUP", help="The group of the files; some keys it may read.")]
HookOption = Annotated[
    str, option("--hook", metavar="CMD", help="Run this by the shell whenever the files were written again.")
]
LegacyOption = Annotated[bool, option("--legacy", help="PKCS#12 as old programs read it, weakly encrypted.")]
NoRememberOption = Annotated[bool, option("--no-remember", help="Do not write it again when it is renewed.")]
RecipesOption = Annotated[bool, option("--recipes", help="List the recipes.")]
ListOption = Annotated[bool, option("--list", help="List what is exported, and whether it is as it should be.")]
CheckOption = Annotated[bool, option("--check", help="Say what is not as it should be; exit with 5 then.")]
RefreshOption = Annotated[bool, option("--refresh", help="Write again what is not, and run its hooks.")]
ForgetOption = Annotated[bool, option("--forget", help="Do not write it again; its files stay as they are.")]


class Files(Value):
    """How files are written."""

    to: ToOption = None
    owner: OwnerOption = ""
    group: GroupOption = ""
    hook: HookOption = ""
    legacy: LegacyOption = False
    force: ForceOption = False
    no_remember: NoRememberOption = False


class Actions(Value):
    """What is done instead of writing."""

    recipes: RecipesOption = False
    list: ListOption = False
    check: CheckOption = False
    refresh: RefreshOption = False
    forget: ForgetOption = False
    hook_timeout: HookTimeoutOption = 300.0


def export(
    name: NameArgument = None,
    for_: ForOption = None,
    kind: KindOption = None,
    *,
    files: Files,
    actions: Actions,
    secret: Passphrase,
    habits: Habits,
) -> None:
    """Write a certificate, its key and its chain where a program reads them, in the form in which it does.

    What is written is remembered: renew writes it again, and then runs --hook. --list, --check, --refresh and --forget
    are about what is remembered, of this NAME, RECIPE and DIR where they are given.
    """
    chosen = [field for field in Actions._fields[:-1] if getattr(actions, field)]
    if len(chosen) > 1:
        raise InvalidInput("option", f"--{chosen[1]}", f"cannot stand beside --{chosen[0]}")
    if for_ == _HELP or actions.recipes:
        _put_recipes(habits)
    elif chosen:
        _Remembered(habits, actions).do(chosen[0], name, kind, for_, files.to)
    else:
        _write(_request(name, for_, kind, files, secret), files, habits)


def _request(
    name: str | None, for_: str | None, kind: Kind | None, files: Files, secret: Passphrase
) -> tuple[ExportRequest, Recipe]:
    """Return what the options ask for."""
    if for_ is None:
        raise InvalidInput("option", "--for", "is missing: say what is to read it, such as nginx; --recipes lists them")
    if name is None:
        raise InvalidInput("argument", "NAME", "is missing: say which certificate")
    if files.to == "":
        raise InvalidInput("option", "--to", "is empty: name a directory")
    recipe = catalogue.recipe(for_)
    given = _passphrase(recipe, secret, files)
    kept = secret.passphrase_file
    request = ExportRequest(
        name=name,
        recipe=recipe.name,
        destination="/" if _to_stdout(files) else os.path.abspath(os.path.expanduser(files.to or "")),
        kind=kind,
        owner=files.owner,
        group=files.group,
        hook=files.hook,
        legacy=files.legacy,
        passphrase=given,
        passphrase_file="" if kept is None else os.path.abspath(kept),
        remember=not files.no_remember,
    )
    return request, recipe


def _passphrase(recipe: Recipe, secret: Passphrase, files: Files) -> bytes | None:
    """Return the passphrase of a recipe that takes one; a person at a terminal is asked for one that it needs."""
    explicit = secret.passphrase_file is not None or secret.passphrase_fd is not None
    if recipe.secret is Secret.NONE and not explicit:
        return None
    given = passphrase(secret)
    needed = recipe.secret is Secret.REQUIRED and not (recipe.default_passphrase or recipe.password_file)
    if given is not None or not needed:
        return given
    if not sys.stdin.isatty() or not files.no_remember:
        reason = f"is missing: the recipe {recipe.name} protects the private key with a passphrase"
        raise InvalidInput("option", "--passphrase-file", reason)
    from getpass import getpass

    first, again = (os.fsencode(getpass(f"{which} for {recipe.name}: ")) for which in ("Passphrase", "The same"))
    if not first or first != again:
        raise InvalidInput("passphrase", "***", "is empty, or was not typed twice the same")
    return first


def _to_stdout(files: Files) -> bool:
    return files.to in (None, "-")


def _write(asked: tuple[ExportRequest, Recipe], files: Files, habits: Habits) -> None:
    request, recipe = asked
    if not _to_stdout(files):
        _put_written(writing.export(habits.open(), request, replace=files.force), request, habits)
        return
    for field in ("owner", "group", "hook"):
        if getattr(files, field):
            raise InvalidInput("option", f"--{field}", "is for files: name their directory with --to")
    _require_outlet(recipe, habits, asked=files.to == "-")
    data, notes = writing.rendered(habits.open(), request)
    for note in notes:
        habits.say(note)
    if not recipe.is_text:
        sys.stdout.buffer.write(data)
    else:
        sys.stdout.write(data.decode())


def _require_outlet(recipe: Recipe, habits: Habits, *, asked: bool) -> None:
    """Refuse to print a key, or what is no text, where a person or JSON would be looking at it."""
    if habits.output is Output.JSON:
        raise InvalidInput("option", "--output json", "needs --to DIR: stdout cannot hold the file, too")
    if asked or not recipe.is_single or not sys.stdout.isatty():
        return
    if recipe.needs_key:
        raise InvalidInput("option", "--to", "is needed on a terminal: it is a private key; --to - shows it")
    if not recipe.is_text:
        raise InvalidInput("option", "--to", "is needed on a terminal: it is no text")


def _put_written(done: ExportedFiles, request: ExportRequest, habits: Habits) -> None:
    for note in done.notes:
        habits.say(note)
    put(habits, "exported", [_written_row(done, request)], [_written_text(done)])
    if done.remembered:
        what = f"renew writes it again{' and runs the hook' if request.hook else ''}"
        habits.say(f"{what}; easycert export --list shows what is remembered")
    if done.reload and not request.hook:
        habits.say(f"for the program to read new files: {done.reload}")


def _written_row(done: ExportedFiles, request: ExportRequest) -> dict[str, Any]:
    return {
        "kind": done.kind.value,
        "name": done.name,
        "recipe": done.recipe,
        "destination": done.destination,
        "files": list(done.files),
        "snippet": done.snippet,
        "reload": done.reload,
        "hook": request.hook or None,
        "remembered": done.remembered,
        "notes": list(done.notes),
    }


def _written_text(done: ExportedFiles) -> str:
    lines = [f"{done.kind.value} {done.name} for {done.recipe}:", *(f"  file  {path}" for path in done.files)]
    return "\n".join([*lines, "", done.snippet.rstrip()] if done.snippet else lines)


def _put_recipes(habits: Habits) -> None:
    recipes = [catalogue.recipe(name) for name in catalogue.names()]
    rows = (
        {
            "name": item.name,
            "summary": item.summary,
            "group": item.group.value,
            "kinds": [kind.value for kind in item.kinds],
            "sources": list(item.sources),
        }
        for item in recipes
    )
    told = [(item.name, item.summary) for item in recipes]
    seen = sys.stdout.isatty()
    put(habits, "recipes", rows, glossary(told, get_terminal_size().columns) if seen else aligned(told))


class _Remembered:
    """What is done about what is remembered."""

    def __init__(self, habits: Habits, actions: Actions) -> None:
        self._habits = habits
        self._timeout = actions.hook_timeout

    def do(self, action: str, name: str | None, kind: Kind | None, recipe: str | None, to: str | None) -> None:
        if isnan(self._timeout):
            raise InvalidInput("hook timeout", str(self._timeout), "is not a number of seconds")
        asked = any(item is not None for item in (name, recipe, to))
        if action == "forget" and not asked:
            raise InvalidInput("option", "--forget", "forgets nothing unnamed: give a NAME, --for or --to")
        self._certdir = self._habits.open()
        destination = os.path.abspath(os.path.expanduser(to)) if to else ""
        found = remembered_exports(
            self._certdir, name or "", kind=kind, recipe=(recipe or "").lower(), destination=destination
        )
        if asked and not found:
            raise NotFound("remembered export", name or destination or recipe or "")
        if not found:
            self._habits.say("nothing is remembered")
        if action == "refresh":
            self._refresh(found)
        elif action == "forget":
            refreshing.forget(self._certdir, found)
            put(self._habits, "forgotten", map(state_row, map(ExportState, found)), map(_forgotten_text, found))
        else:
            self._states(checking.states(self._certdir, found), check=action == "check")

    def _states(self, states: Sequence[ExportState], *, check: bool) -> None:
        shown = [item for item in states if not (check and item.is_current)]
        rows = [(*_cells(item), state_word(item)) for item in shown]
        lines = [line for item in shown for line in drift_lines(item)] if check else _table(rows)
        put(self._habits, "exports", map(state_row, shown), lines)
        if check and shown:
            raise typer.Exit(exits.DRIFT)

    def _refresh(self, found: Sequence[Any]) -> None:
        run = refreshing.refresh_exports(self._certdir, found, hook_terms(self._habits, self._timeout))
        say_failures(run)
        put(self._habits, "refreshed", refreshed_rows(run), map(refreshed_text, run.written))
        if run.has_failed:
            raise typer.Exit(exits.FAILED)
        if not run.written and found:
            self._habits.say("everything is as it should be")


def _cells(item: ExportState) -> tuple[str, str, str, str]:
    export = item.export
    return export.kind, printable(export.name), printable(export.recipe), printable(export.destination)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    return aligned(rows) if sys.stdout.isatty() else [tab_separated(rows)]


def _forgotten_text(export: Any) -> str:
    return f"{described(ExportState(export))}: forgotten; its files stay as they are"
