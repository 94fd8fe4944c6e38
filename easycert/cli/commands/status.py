"""``status``: one screen about the whole directory, for Mondays."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import sys

import typer

from easycert.cli import exits
from easycert.cli.options import ExitZeroOption, Habits, Output
from easycert.cli.render import Palette, as_json


def status(exit_zero: ExitZeroOption = False, *, habits: Habits) -> None:
    """Show what needs doing: what ends, which CRLs are due, exposed keys, CAs that end too early, what waits.

    The exit code is 3 when a certificate or a CRL is due, or overdue.
    """
    from easycert.workflows.status import status as looked_at

    found = looked_at(habits.open())
    if habits.output is Output.JSON:
        print(as_json("status", found))
    elif not habits.quiet:
        from easycert.cli.glance import screen

        print(screen(found, Palette.of(sys.stdout)))
    if found.is_due and not exit_zero:
        raise typer.Exit(exits.DUE)
