"""``lint``: hold certificates and CRLs against the standards, rule by rule."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easycert.cli import exits
from easycert.cli.options import Habits, Output, argument, complete_certificates, option
from easycert.cli.render import Palette, as_json
from easycert.model import Kind
from easycert.pki.lint import Severity
from easycert.pki.wording import one_line, readable_name

if TYPE_CHECKING:
    from easycert.workflows.lint import Linted, LintReport

Targets = Annotated[
    list[str],
    argument(
        metavar="NAME|FILE...",
        help="Names in the certificate directory, or files; PEM or DER.",
        autocompletion=complete_certificates,
    ),
]
KindOption = Annotated[Kind | None, option("--kind", help="Which one, where several kinds have a name.")]
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTICE: "dim"}


def lint(targets: Targets, kind: KindOption = None, *, habits: Habits) -> None:
    """Hold certificates and CRLs against RFC 5280 and its kin, rule by rule; the clause of each broken rule is named.

    Every certificate and CRL in a file is judged, each beside the CA that signed it, if that is in the file or in the
    directory. Signatures and dates are for verify. It exits 4 when there is an error: what a client must not accept,
    and easycert would not sign. Warnings are what only public CAs are held to, or what merely should be.
    """
    from easycert.workflows.lint import lint as linted

    report = linted(habits.open(), targets, kind=kind)
    for note in report.notes:
        habits.say(note)
    if habits.output is Output.JSON:
        print(as_json("lint", _fields(report)))
    elif not habits.quiet:
        palette = Palette.of(sys.stdout)
        for line in _lines(report, palette):
            print(line)
    if report.count(Severity.ERROR):
        raise typer.Exit(exits.NOT_VERIFIED)


def _fields(report: "LintReport") -> dict[str, Any]:
    counts = {f"{severity.value}s": report.count(severity) for severity in Severity}
    return {"items": report.items, **counts}


def _lines(report: "LintReport", palette: Palette) -> Iterator[str]:
    for item in report.items:
        yield _heading(item, palette)
        for finding in item.findings:
            level = palette.paint(f"{finding.severity.value:<7}", _COLOURS[finding.severity])
            source = palette.paint(f"[{finding.rule}: {finding.clause}]", "dim")
            yield f"  {level}  {one_line(finding.message)} {source}"
    yield _summary(report)


def _heading(item: "Linted", palette: Palette) -> str:
    what = item.kind.value if item.kind else "CRL of" if item.type == "crl" else item.type
    called = readable_name(item.name) if item.name else item.subject or "(unreadable)"
    place = one_line(item.path) + (f", number {item.number}" if item.number > 1 else "")
    return f"{what} {palette.paint(called, 'bold')}  {palette.paint(place, 'dim')}"


def _summary(report: "LintReport") -> str:
    counts = [(report.count(severity), severity.value) for severity in Severity]
    told = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count]
    return f"{', '.join(told) if told else 'no rule is broken'}; {len(report.items)} judged"
