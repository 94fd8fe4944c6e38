"""The subcommands as a Typer tree whose branches are imported when they are used."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from easycert.cli import exits, start_up
from easycert.cli.options import SETTINGS
from easycert.cli.spread import spread
from easycert.cli.table import COMMANDS, COMPLETION_VARIABLE
from easycert.errors import EasycertError

_ABOUT = """A private certificate authority in plain files: make CAs, issue host, user and code-signing certificates,
sign requests, and see what is there.

Everything lives in one certificate directory: --certdir, else EASYCERT_DIR, else SYN_CERT_DIR, else ~/.syn/certs.
Each option can also come from a variable: EASYCERT_DAYS for --days, EASYCERT_SIGNAS for --signas.

Synapse's flags work as ever: easycert --ca NAME, easycert --server HOST --signas CA, ... (easycert -h).
"""
_EPILOG = "Exit codes: " + " · ".join(f"{code} {meaning}" for code, meaning in exits.MEANINGS.items())
#: A Typer without Rich: drawing help and errors with it costs more than issuing a certificate.
_PLAIN: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}


class _LazyGroup(TyperGroup):
    """A group that knows its commands by :data:`~easycert.cli.table.COMMANDS` and imports the one that is asked for."""

    def list_commands(self, _ctx: object) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: object, name: str) -> Any:
        if name not in COMMANDS:
            return _flag_form(name)
        return _load(name)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        from easycert.cli.completion import FLAG_FORM, subcommands  # only a shell asks

        if not incomplete.startswith("-"):
            return list(subcommands(incomplete))
        flags = _flag_form(FLAG_FORM)
        found = flags.shell_complete(flags.make_context(FLAG_FORM, [], resilient_parsing=True), incomplete)
        return list({item.value: item for item in (*super().shell_complete(ctx, incomplete), *found)}.values())

    def format_commands(self, _ctx: object, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {}
        for name, command in COMMANDS.items():
            panels.setdefault(command.panel, []).append((name, command.help))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)


def _load(name: str) -> Any:
    row = COMMANDS[name]
    found = getattr(importlib.import_module(f"easycert.cli.commands.{row.module}"), row.function)
    start_up.spare_openssl_bindings()
    return _command(name, found)


def _flag_form(name: str) -> Any:
    """Return what stands for the flag form while a shell completes it; None for any other name."""
    from easycert.cli.completion import FLAG_FORM

    if name != FLAG_FORM or COMPLETION_VARIABLE not in os.environ:
        return None
    from easycert.cli.commands.flag_form import flag_form

    return _command(name, flag_form)


def _command(name: str, found: Any) -> Any:
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, context_settings=SETTINGS, **_PLAIN)
        single.command(name)(spread(found))
        found = single
    command = typer.main.get_command(found)
    command.name = name
    return command


def _print_version(wanted: bool) -> None:
    if wanted:
        from easycert import __version__

        typer.echo(f"easycert {__version__}")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            allow_from_autoenv=False,
            help="Print the version and leave.",
        ),
    ] = False,
) -> None:
    """Stand for the command itself; subcommands do the work."""


def application() -> Any:
    """Return the command behind ``easycert``, for running it and for completion."""
    app = typer.Typer(cls=_LazyGroup, context_settings=SETTINGS, no_args_is_help=True, epilog=_EPILOG, **_PLAIN)
    app.callback(help=_ABOUT)(_root)
    return typer.main.get_command(app)


def run_subcommand(argv: list[str]) -> int:
    """Run one subcommand and return its exit code; usage errors end in SystemExit, as Typer raises it."""
    if COMPLETION_VARIABLE in os.environ:
        return _answer_shell()
    try:
        if argv and argv[0] in COMMANDS:
            # Straight to the command: building the group around it costs more than signing a certificate.
            _load(argv[0]).main(args=argv[1:], prog_name=f"easycert {argv[0]}")
        else:
            # Always with an argument: a bare "easycert" is a person looking for help, not an error.
            application().main(args=argv or ["--help"], prog_name="easycert", complete_var=COMPLETION_VARIABLE)
    except EasycertError as error:
        report(error)
        return exits.exit_code(error)
    return exits.DONE


def _answer_shell() -> int:
    from easycert.cli.completion import conversation

    with conversation(os.environ):
        application().main(args=[], prog_name="easycert", complete_var=COMPLETION_VARIABLE)
    return exits.DONE


def report(error: EasycertError) -> None:
    """Tell a person on stderr what happened and what to do about it."""
    from easycert.cli.hints import advice  # most commands end well

    print(f"error: {error}", file=sys.stderr)
    hint = advice(error)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)
