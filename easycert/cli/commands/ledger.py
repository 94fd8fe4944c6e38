"""``ledger``: the record of every certificate there ever was; made again, audited, exported, looked at."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from easycert.cli import exits
from easycert.cli.options import (
    SETTINGS,
    Habits,
    Output,
    TableHabits,
    TableOutput,
    argument,
    complete_certificates,
    option,
)
from easycert.cli.spread import spread
from easycert.errors import InvalidInput
from easycert.model import Kind
from easycert.pki.names import SafeName

if TYPE_CHECKING:
    from easycert.workflows.audit import Audit
    from easycert.workflows.rebuild import Rebuilt

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look at the record of every certificate there ever was, audit it, export it, or make it again.",
    context_settings=SETTINGS,
)

FromFilesOnlyOption = Annotated[
    bool, option("--from-files-only", help="Take nothing over from the ledger that is there.")
]
ExpectOption = Annotated[
    str | None,
    option("--expect", metavar="DIGEST", help="A digest noted down earlier, which must still be in the chain."),
]
EntriesOption = Annotated[bool, option("--entries", help="The entries, with their digests, instead of certificates.")]
CsvOption = Annotated[bool, option("--csv", help="Print CSV, with a header, for spreadsheets.")]
NameArgument = Annotated[
    str | None,
    argument(
        metavar="NAME",
        help="A certificate's name; all of them without one.",
        autocompletion=complete_certificates,
    ),
]
KindOption = Annotated[Kind | None, option("--kind", help="Which one, where several kinds have this name.")]


def rebuild(from_files_only: FromFilesOnlyOption = False, *, habits: Habits) -> None:
    """Make the ledger again from the certificates and CRLs that are here, and say what nobody can know any more.

    What can be read of the ledger that is there is taken over: all of it where its history is whole. It is set aside,
    never deleted. A command that was killed, and could not be finished because of it, is finished.
    """
    from easycert.workflows.rebuild import rebuild as made_again

    rebuilt = made_again(habits.open(), from_files_only=from_files_only)
    for path, reason in rebuilt.unread:
        habits.say(f"{path} is left out: {reason}")
    if habits.output is Output.JSON:
        _print_rebuilt(rebuilt)
    elif not habits.quiet:
        from easycert.cli.books import rebuilt_text

        print(rebuilt_text(rebuilt))


def verify(expect: ExpectOption = None, *, habits: Habits) -> None:
    """Compare the ledger with itself, entry by entry, and with the certificates and CRLs that are here.

    Exits with 5 when they differ. Note down the digest that it prints: with --expect it tells later whether anything
    that was recorded before has been changed since.
    """
    from easycert.ledger.chain import is_digest
    from easycert.workflows.audit import audit

    digest = (expect or "").strip().lower()
    if expect is not None and not is_digest(digest):
        raise InvalidInput("digest", expect, "is not one: it has 64 hexadecimal digits")
    found = audit(habits.open(), digest)
    for path, reason in found.unread:
        habits.say(f"{path} is left out: {reason}")
    if habits.output is Output.JSON:
        _print_audit(found)
    elif not habits.quiet:
        from easycert.cli.books import audit_text

        print(audit_text(found))
    if found.findings:
        raise typer.Exit(exits.DRIFT)


def export(entries: EntriesOption = False, csv: CsvOption = False, *, habits: TableHabits) -> None:
    """Print every certificate there ever was, with who made it, when, and what became of it: for an audit.

    With --entries the record itself, entry by entry, as it is chained. Lines with tabs between; --csv, or -o csv, for
    spreadsheets; -o json for programs.
    """
    from easycert.cli import books
    from easycert.workflows import history

    form = habits.output
    if csv and form is TableOutput.JSON:
        raise InvalidInput("option", "--csv", "cannot stand beside -o json: both say how to print")
    certdir = habits.open()
    rows = books.entry_rows(history.entries(certdir)) if entries else books.record_rows(history.certificates(certdir))
    columns = books.ENTRY_COLUMNS if entries else books.RECORD_COLUMNS
    if form is TableOutput.JSON:
        _write(books.json_lines("entries" if entries else "certificates", columns, rows))
    elif not habits.quiet:
        _write(books.csv_lines(columns, rows) if csv or form is TableOutput.CSV else books.tabbed_lines(rows))


def log(name: NameArgument = None, kind: KindOption = None, *, habits: Habits) -> None:
    """Tell what happened to a certificate of this name, when, and by whom; the newest first."""
    from easycert.cli import books
    from easycert.workflows.history import happened

    if kind is not None and name is None:
        raise InvalidInput("option", "--kind", "says which one, so it stands beside a NAME")
    told = happened(habits.open(), None if name is None else SafeName(name), kind)
    if habits.output is Output.JSON:
        _write(books.json_lines("log", books.HAPPENED_COLUMNS, books.happened_rows(told)))
    elif not habits.quiet:
        _write(books.happened_lines(told))


def _print_rebuilt(rebuilt: "Rebuilt") -> None:
    from easycert.cli.render import as_json

    print(as_json("rebuilt", rebuilt))


def _print_audit(found: "Audit") -> None:
    from easycert.cli.render import as_json

    print(as_json("audit", {"agrees": not found.findings, **vars(found)}))


def _write(lines: Iterable[str]) -> None:
    """Print *lines* one by one: there may be many."""
    for line in lines:
        sys.stdout.write(f"{line}\n")


#: The line of each command in the overview of the group.
_LINES: dict[str, tuple[Callable[..., None], str]] = {
    "verify": (verify, "Compare the record with itself and with the files."),
    "rebuild": (rebuild, "Make the record again from what is there."),
    "export": (export, "Print every certificate there ever was."),
    "log": (log, "Tell what happened to a certificate."),
}
for _name, (_command, _line) in _LINES.items():
    app.command(_name, context_settings=SETTINGS, short_help=_line)(spread(_command))
