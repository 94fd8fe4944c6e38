"""``list``, ``tree``, ``show``: look at what is there. None of them changes anything."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from easycert.cli.options import (
    Habits,
    Output,
    Passphrase,
    argument,
    option,
    with_passphrase,
)
from easycert.cli.render import Palette, as_json, fits
from easycert.errors import InvalidInput
from easycert.model import Kind
from easycert.pki.wording import one_line

if TYPE_CHECKING:
    from easycert.workflows.inventory import Problem

Target = Annotated[str, argument(metavar="NAME|FILE", help="A name in the certificate directory, or a file.")]
KindOption = Annotated[Kind | None, option("--kind", help="Which one, where several kinds have this name.")]
KindsOption = Annotated[list[Kind] | None, option("--kind", help="Only certificates of this kind; repeatable.")]
PemOption = Annotated[bool, option("--pem", help="Print it in PEM instead; private keys never.")]


def list_(kind: KindsOption = None, *, habits: Habits) -> None:
    """List the certificates of the directory, with the days that each has left.

    On a terminal a table; into a pipe, lines with tabs between: kind, name, end, state, days left, key type, key here,
    issuer, file.
    """
    from easycert.cli.overviews import listing_lines, listing_table
    from easycert.workflows.inventory import listed

    listing = listed(habits.open(), kinds=kind or tuple(Kind))
    _tell_problems(listing.problems, habits)
    if habits.output is Output.JSON:
        print(as_json("listing", listing))
    elif not listing.items:
        habits.say("there are no certificates here yet; begin with: easycert ca NAME")
    elif not habits.quiet:
        drawn = sys.stdout.isatty()
        print(listing_table(listing, Palette.of(sys.stdout)) if drawn else listing_lines(listing))


def tree(habits: Habits) -> None:
    """Show what each CA has signed, judged by signatures, never by file names."""
    from easycert.cli.overviews import ASCII, UNICODE, tree_text
    from easycert.workflows.inventory import tree as grown

    found = grown(habits.open())
    _tell_problems(found.problems, habits)
    if habits.output is Output.JSON:
        print(as_json("tree", found))
    elif not (found.roots or found.self_signed or found.unknown_issuer):
        habits.say("there are no certificates here yet; begin with: easycert ca NAME")
    elif not habits.quiet:
        lines = UNICODE if fits("".join(UNICODE), sys.stdout) else ASCII
        print(tree_text(found, Palette.of(sys.stdout), lines))


def show(
    target: Target,
    kind: KindOption = None,
    pem: PemOption = False,
    *,
    passphrase: Passphrase,
    habits: Habits,
) -> None:
    """Show what a person wants to know about a certificate, key, signing request, CRL or PKCS#12 file.

    A passphrase, where one is needed, comes from --passphrase-file, --passphrase-fd, EASYCERT_PASSPHRASE or a prompt.
    """
    from easycert.workflows.inventory import public_pem, shown

    if pem:
        if habits.output is Output.JSON:
            raise InvalidInput("option", "--pem", "cannot stand beside -o json: both say how to print")
        print(public_pem(habits.open(), target, kind=kind).decode("ascii"), end="")
        return
    certdir = habits.open()
    found = with_passphrase(passphrase, lambda secret: shown(certdir, target, kind=kind, passphrase=secret))
    if habits.output is Output.JSON:
        print(as_json("contents", found))
    elif not habits.quiet:
        from easycert.cli.sheets import shown_text

        print(shown_text(found, Palette.of(sys.stdout)))


def _tell_problems(problems: "Iterable[Problem]", habits: Habits) -> None:
    for problem in problems:
        habits.say(f"{one_line(problem.path)} is left out: {problem.reason}")
