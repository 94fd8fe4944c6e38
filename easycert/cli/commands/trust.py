"""``trust install``, ``trust remove`` and ``trust status``: which programs of this machine trust a CA."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easycert.cli import exits
from easycert.cli.options import SETTINGS, Habits, Output, argument, complete_authorities, option
from easycert.cli.render import as_json
from easycert.cli.spread import spread
from easycert.errors import InvalidInput
from easycert.model import Value
from easycert.pki.wording import one_line

if TYPE_CHECKING:
    from easycert.trust.verbs import Told
    from easycert.workflows.trust import Trust, TrustRequest

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Have this machine's programs trust a CA, no longer trust it, or see which do.",
    context_settings=SETTINGS,
)

Authority = Annotated[
    str,
    argument(metavar="CA|FILE", help="A CA of the directory, or its certificate.", autocompletion=complete_authorities),
]
DryRunOption = Annotated[
    bool, option("--dry-run", help="Print the commands that would be run, for a shell, and change nothing.")
]


class Stores(Value):
    """Which stores are meant; without any, all that are here."""

    system: Annotated[bool, option("--system", help="The operating system's own store.")] = False
    nss: Annotated[bool, option("--nss", help="NSS databases: yours, and the system's if there is one.")] = False
    chrome: Annotated[bool, option("--chrome", help="Chrome, Chromium and their kin.")] = False
    firefox: Annotated[bool, option("--firefox", help="Each profile of Firefox.")] = False
    java: Annotated[bool, option("--java", help="The store of the Java in JAVA_HOME, or on PATH.")] = False
    node: Annotated[bool, option("--node", help="Node.js, which has no store but a variable.")] = False
    nss_dir: Annotated[
        list[str] | None, option("--nss-dir", metavar="DIR", help="The NSS database in this directory; repeatable.")
    ] = None
    store_password_file: Annotated[
        str | None,
        option("--store-password-file", metavar="FILE", help="A file with the password of the Java or NSS store."),
    ] = None


def install(authority: Authority, dry_run: DryRunOption = False, *, stores: Stores, habits: Habits) -> None:
    """Have this machine's programs trust a CA: in the stores that are named, or in all that are here.

    What is trusted already is left as it is, and so is everything that easycert did not put there. An older certificate
    of the same CA is replaced. It exits with 1 when something could not be done, and says what would do it.
    """
    from easycert.workflows import trust

    _finish(trust.install(habits.open(), _request(authority, stores, dry_run=dry_run)), habits)


def remove(authority: Authority, dry_run: DryRunOption = False, *, stores: Stores, habits: Habits) -> None:
    """Take a CA out of the stores again, with older certificates of it, as far as easycert put them there.

    It exits with 1 when a store still trusts it.
    """
    from easycert.workflows import trust

    _finish(trust.remove(habits.open(), _request(authority, stores, dry_run=dry_run)), habits)


def status(authority: Authority, *, stores: Stores, habits: Habits) -> None:
    """Say which stores trust a CA.

    It exits with 5 unless all of them do, those that were named or those that are here; Node counts when it is named.
    """
    from easycert.workflows import trust

    found = trust.status(habits.open(), _request(authority, stores, dry_run=False))
    _finish(found, habits)
    if not found.trusted_everywhere:
        raise typer.Exit(exits.DRIFT)


def _request(authority: str, stores: Stores, *, dry_run: bool) -> "TrustRequest":
    from easycert.store.files import read_file
    from easycert.trust.finding import Wanted
    from easycert.trust.machine import Machine
    from easycert.trust.protocol import StoreKind
    from easycert.workflows.trust import TrustRequest

    password_file = stores.store_password_file
    if password_file is not None:
        read_file(password_file)  # so that a wrong path is said by us, and not by each program in its way
        password_file = os.path.abspath(password_file)
    if not all(stores.nss_dir or ()):
        raise InvalidInput("NSS directory", "", "is empty")
    kinds = frozenset(kind for kind in StoreKind if getattr(stores, kind.value))
    machine = Machine(home=os.environ.get("HOME", ""), environment=dict(os.environ), system=sys.platform)
    wanted = Wanted(kinds, tuple(stores.nss_dir or ()), password_file)
    return TrustRequest(authority, machine, wanted, dry_run)


def _finish(done: "Trust", habits: Habits) -> None:
    """Print what was done, and leave with 1 where something was not."""
    from easycert.trust.verbs import UNDONE

    for note in done.notes:
        habits.say(note)
    if habits.output is Output.JSON:
        print(as_json("trust", done))
    elif not habits.quiet:
        for told in done.stores:
            if told.outcome not in UNDONE:
                for line in _script(told) if done.dry_run else _lines(told):
                    print(line)
    for told in done.stores:
        if told.outcome in UNDONE:
            _complain(told)
    if done.undone:
        raise typer.Exit(exits.FAILED)


def _lines(told: "Told") -> Iterator[str]:
    yield _sentence(told)
    for command in told.commands:
        yield f"  {command}"


def _script(told: "Told") -> Iterator[str]:
    """Yield the lines of *told* for a shell: what is no command is a comment."""
    from easycert.trust.verbs import Outcome

    if told.outcome is Outcome.PLANNED:
        yield f"# {_where(told)}"
        yield from told.commands
    else:
        for line in _lines(told):
            yield f"# {line}"


def _complain(told: "Told") -> None:
    print(f"error: {_sentence(told)}", file=sys.stderr)
    fit_one_line = not any("\n" in command for command in told.commands)
    hint = (" && " if fit_one_line else "\n").join(told.commands) or told.advice
    if not hint and "password" in told.detail.lower():
        hint = "give the password of the store with --store-password-file FILE"
    if hint:
        print(f"hint: {hint}", file=sys.stderr)


def _sentence(told: "Told") -> str:
    detail = f": {told.detail}" if told.detail else ""
    return f"{_where(told)}: {told.outcome.value}{detail}"


def _where(told: "Told") -> str:
    return " ".join(part for part in (told.store.value, one_line(told.place)) if part)


#: The line of each command in the overview of the group.
_LINES: dict[str, tuple[Callable[..., Any], str]] = {
    "install": (install, "Have programs trust a CA."),
    "remove": (remove, "Have them no longer trust it."),
    "status": (status, "Say which programs trust a CA."),
}
for _name, (_command, _line) in _LINES.items():
    app.command(_name, context_settings=SETTINGS, short_help=_line)(spread(_command))
