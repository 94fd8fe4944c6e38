"""``list``, ``tree``: the directory at a glance. Neither changes a certificate, or what the ledger says of one."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from easycert.cli.options import Habits, Output, Place, TableHabits, TableOutput, complete_authorities, option
from easycert.cli.render import Palette, as_json, fits
from easycert.model import Kind
from easycert.pki.wording import one_line

if TYPE_CHECKING:
    from easycert.workflows.holdings import Problem

KindsOption = Annotated[list[Kind] | None, option("--kind", help="Only certificates of this kind; repeatable.")]
IssuerOption = Annotated[
    str | None,
    option(
        "--issuer",
        metavar="CA",
        help="Only what this CA signed; else an issuer's common name.",
        autocompletion=complete_authorities,
    ),
]
ExpiresWithinOption = Annotated[
    str | None, option("--expires-within", metavar="WHEN", help="What ends from now until then, such as 30d.")
]
ExpiredOption = Annotated[bool, option("--expired", help="What has ended.")]
RevokedOption = Annotated[bool, option("--revoked", help="What is revoked.")]
SanPatternOption = Annotated[
    list[str] | None,
    option("--san", metavar="PATTERN", help="Only what has such a name; * stands for any text; repeatable."),
]
KeyPatternOption = Annotated[
    list[str] | None,
    option("--key-type", metavar="PATTERN", help="Only keys of this type, such as ec256 or rsa*; repeatable."),
]
AllOption = Annotated[
    bool, option("--all", envvar="EASYCERT_ALL", help="Also what only the ledger has: replaced and lost certificates.")
]
_NOTHING_YET = "there are no certificates here yet; begin with: easycert ca NAME"


def list_(
    kind: KindsOption = None,
    issuer: IssuerOption = None,
    expires_within: ExpiresWithinOption = None,
    expired: ExpiredOption = False,
    revoked: RevokedOption = False,
    san: SanPatternOption = None,
    key_type: KeyPatternOption = None,
    former: AllOption = False,
    *,
    habits: TableHabits,
) -> None:
    """List the certificates of the directory, those that end first before the others.

    On a terminal a table; into a pipe, lines with tabs between: kind, name, end, state, days left, key type, key here,
    issuer, file. --expires-within, --expired and --revoked add up; all else narrows the list down.
    """
    from easycert.cli.overviews import listing_csv, listing_lines, listing_table
    from easycert.pki.validity import parse_when
    from easycert.workflows.listing import Filter, listed

    ends_by = None if expires_within is None else parse_when(expires_within)
    wanted = Filter(
        kinds=tuple(kind or Kind),
        issuer=issuer,
        ends_by=ends_by,
        expired=expired,
        revoked=revoked,
        sans=tuple(san or ()),
        key_types=tuple(key_type or ()),
        former=former,
    )
    listing = listed(habits.open(), wanted)
    tell(listing.problems, listing.notes, habits)
    if habits.output is TableOutput.JSON:
        print(as_json("listing", listing))
    elif habits.output is TableOutput.CSV:
        print(listing_csv(listing))
    elif not listing.items:
        habits.say(_NOTHING_YET if wanted == Filter() else "no certificate here is like that")
    elif not habits.quiet:
        if sys.stdout.isatty():
            print(listing_table(listing, Palette.of(sys.stdout), shutil.get_terminal_size().columns))
        else:
            print(listing_lines(listing))


def tree(habits: Habits) -> None:
    """Show what each CA has signed, judged by signatures, never by file names."""
    from easycert.cli.overviews import ASCII, UNICODE, tree_text
    from easycert.workflows.tree import tree as grown

    found = grown(habits.open())
    tell(found.problems, found.notes, habits)
    if habits.output is Output.JSON:
        print(as_json("tree", found))
    elif not (found.roots or found.self_signed or found.unknown_issuer):
        habits.say(_NOTHING_YET)
    elif not habits.quiet:
        lines = UNICODE if fits("".join(UNICODE), sys.stdout) else ASCII
        print(tree_text(found, Palette.of(sys.stdout), lines))


def tell(problems: "Iterable[Problem]", notes: Iterable[str], habits: Place) -> None:
    """Say which files are of no use, and what else there is to say about how the directory was read."""
    for note in notes:
        habits.say(note)
    for problem in problems:
        habits.say(f"{one_line(problem.path)} is left out: {problem.reason}")
