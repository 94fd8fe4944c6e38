"""``check``: whether something ends soon, for people, cron and CI."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easycert.cli import exits
from easycert.cli.options import ExitZeroOption, Habits, KindOption, Output, argument, complete_certificates, option
from easycert.cli.render import Palette, as_json
from easycert.pki.validity import parse_when, rfc3339
from easycert.pki.wording import one_line, readable_name

if TYPE_CHECKING:
    from easycert.workflows.check import Check, Checked

Targets = Annotated[
    list[str] | None,
    argument(
        metavar="[NAME|FILE|DIR]...",
        help="Certificates, PEM or DER files, or directories of such; else all.",
        autocompletion=complete_certificates,
    ),
]
FailWithinOption = Annotated[
    str | None,
    option("--fail-within", metavar="WHEN", help="Fail for what ends by then, such as 30d; else for what is due."),
]
PrometheusOption = Annotated[
    str | None,
    option("--prometheus", metavar="FILE", help="Write metrics for node_exporter's textfile collector to FILE."),
]


def check(
    targets: Targets = None,
    kind: KindOption = None,
    fail_within: FailWithinOption = None,
    exit_zero: ExitZeroOption = False,
    prometheus: PrometheusOption = None,
    *,
    habits: Habits,
) -> None:
    """Say which certificates end soon, and exit with 3 if one does: for cron, and for the fixtures of a test suite.

    Without an argument all of the certificate directory is checked. What ends soon is printed even under --quiet, and
    nothing else then. What is revoked is not counted. Files that cannot be read make the exit code 1 unless it is 3.
    """
    from easycert.workflows.check import CheckRequest
    from easycert.workflows.check import check as checked

    within = None if fail_within is None else parse_when(fail_within)
    if prometheus is not None:
        from easycert.store.outside import require_writable

        require_writable(prometheus, replace=True)
    found = checked(habits.open(), CheckRequest(tuple(targets or ()), kind, within))
    if prometheus is not None:
        _write(prometheus, found)
    _tell(found, habits)
    if found.failing and not exit_zero:
        raise typer.Exit(exits.DUE)
    if found.problems:
        raise typer.Exit(exits.FAILED)


def _write(path: str, found: "Check") -> None:
    from easycert.cli.prometheus import metrics
    from easycert.store.outside import write_file

    write_file(path, metrics(found).encode(), replace=True)


def _tell(found: "Check", habits: Habits) -> None:
    for note in found.notes:
        habits.say(note)
    for problem in found.problems:
        print(f"error: {one_line(problem.path)}: {problem.reason}", file=sys.stderr)
    if habits.output is Output.JSON:
        print(as_json("check", _fields(found)))
        return
    palette = Palette.of(sys.stdout)
    for item in found.failing:
        print(_line(item, palette))
    if not found.items:
        habits.say("there is no certificate to check")
    elif not found.failing:
        soon = f"ends by {rfc3339(found.until)}" if found.until else "is due for renewal"
        habits.say(f"{_counted(found)} checked; none {soon}")


def _fields(found: "Check") -> dict[str, Any]:
    return {
        "at": found.at,
        "until": found.until,
        "checked": len(found.items),
        "failing": found.failing,
        "problems": found.problems,
        "notes": found.notes,
    }


def _line(item: "Checked", palette: Palette) -> str:
    from easycert.cli.overviews import time_left, urgency

    left = time_left(item.state, item.days_left)
    verb = "expired" if item.state == "expired" else "expires"
    painted = palette.paint(left.removeprefix("expired "), urgency(item.state, due=True))
    return f"{' '.join(_subject(item, palette))} {verb} {rfc3339(item.not_after)} ({painted})"


def _subject(item: "Checked", palette: Palette) -> Iterator[str]:
    if item.kind and item.name:
        yield item.kind.value
        yield palette.paint(readable_name(item.name), "bold")
        if item.number == 1:
            return
    else:
        yield palette.paint(one_line(item.path), "bold")
    yield f"({item.subject})" if item.number == 1 else f"(number {item.number}, {item.subject})"


def _counted(found: "Check") -> str:
    return "1 certificate" if len(found.items) == 1 else f"{len(found.items)} certificates"
