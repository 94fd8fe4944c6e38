"""``doctor``: which clients refuse what is here, why, and what mends it."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easycert.cli import exits
from easycert.cli.options import ExitZeroOption, Habits, Output, argument, complete_certificates, option
from easycert.cli.remedies import Advice
from easycert.cli.render import Palette, as_json
from easycert.errors import InvalidInput
from easycert.pki.doctor.findings import COMMON, Client, Finding, Severity
from easycert.pki.wording import one_line, readable_name

if TYPE_CHECKING:
    from easycert.workflows.doctor import Diagnosis, Mended
    from easycert.workflows.examination import Patient

Target = Annotated[
    str | None,
    argument(
        metavar="[NAME|FILE|DIR]",
        help="A certificate or a directory; by default the certificate directory.",
        autocompletion=complete_certificates,
    ),
]
ClientOption = Annotated[list[Client] | None, option("--client", help="Only what this client would say; repeatable.")]
SeverityOption = Annotated[Severity | None, option("--severity", help="Show only what is as bad as this, or worse.")]
FixOption = Annotated[
    bool, option("--fix", help="Mend what loses nothing: modes, and CAs of old form, which keep their key and name.")
]
DryRunOption = Annotated[bool, option("--dry-run", help="Say what --fix would do, and do nothing.")]
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
_INDENT = " " * 11


def doctor(
    target: Target = None,
    client: ClientOption = None,
    severity: SeverityOption = None,
    fix: FixOption = False,
    dry_run: DryRunOption = False,
    exit_zero: ExitZeroOption = False,
    *,
    habits: Habits,
) -> None:
    """Say which real clients refuse the certificates here, why, and with what command that is mended.

    Without an argument it looks at the whole certificate directory: modes, keys, chains and CRLs, too. It exits 4 when
    a client refuses a certificate that is for it, or a secret is in danger; 3 when something is due; else 0.
    """
    from easycert.workflows.doctor import DoctorRequest, diagnose, is_certificate_directory, mend

    if dry_run and not fix:
        raise InvalidInput("option", "--dry-run", "says what --fix would do; give both")
    if target is not None and os.path.isdir(target) and is_certificate_directory(target):
        target, habits = None, habits._replace(certdir=target)
    certdir = habits.open()
    request = DoctorRequest(target, tuple(client or ()))
    diagnosis = diagnose(certdir, request)
    mended = mend(certdir, diagnosis, dry_run=dry_run) if fix else ()
    if mended and not dry_run:
        diagnosis = diagnose(certdir, request)
    # What only others would refuse is shown to whoever asks for it, and to programs, which choose for themselves.
    notes_wanted = bool(client) or habits.output is Output.JSON
    least = severity or (Severity.NOTE if notes_wanted else Severity.WARNING)
    _tell(diagnosis, mended, _Wish(least, dry_run, Advice(habits.certdir, diagnosis.patients)), habits)
    if not exit_zero:
        raise typer.Exit(_code(diagnosis))


class _Wish:
    """How a diagnosis is to be told."""

    def __init__(self, least: Severity, dry_run: bool, advice: Advice) -> None:
        self.least = least
        self.dry_run = dry_run
        self.advice = advice

    def wants(self, finding: Finding) -> bool:
        order = tuple(Severity)
        return order.index(finding.severity) <= order.index(self.least)


def _code(diagnosis: "Diagnosis") -> int:
    if diagnosis.count(Severity.ERROR):
        return exits.NOT_VERIFIED
    return exits.DUE if diagnosis.count(Severity.WARNING) else exits.DONE


def _tell(diagnosis: "Diagnosis", mended: "tuple[Mended, ...]", wish: _Wish, habits: Habits) -> None:
    for problem in diagnosis.problems:
        habits.say(f"{one_line(problem.path)} is left out: {problem.reason}")
    if habits.output is Output.JSON:
        print(as_json("diagnosis", _fields(diagnosis, mended, wish)))
    elif not habits.quiet:
        from easycert.workflows.doctor import mendable

        palette = Palette.of(sys.stdout)
        for line in _lines(diagnosis, mended, wish, palette):
            print(line)
        if not diagnosis.patients:
            habits.say("there are no certificates here")
        elif (count := mendable(diagnosis)) and not mended:
            habits.say(f"--fix mends {'one' if count == 1 else count} of these without losing anything")


def _fields(diagnosis: "Diagnosis", mended: "tuple[Mended, ...]", wish: _Wish) -> dict[str, Any]:
    return {
        "patients": [_patient_fields(patient, wish) for patient in diagnosis.patients],
        "problems": diagnosis.problems,
        "mended": mended,
        "errors": diagnosis.count(Severity.ERROR),
        "warnings": diagnosis.count(Severity.WARNING),
        "notes": diagnosis.count(Severity.NOTE),
    }


def _patient_fields(patient: "Patient", wish: _Wish) -> dict[str, Any]:
    findings = [
        {
            "rule": finding.rule,
            "severity": finding.severity,
            "clients": finding.clients,
            "why": finding.why,
            "fix": wish.advice.command(patient, finding.remedy) or None,
            "sources": finding.sources,
        }
        for finding in patient.findings
        if wish.wants(finding)
    ]
    head = {name: getattr(patient, name) for name in ("path", "kind", "name", "subject", "issuer")}
    return {**head, "findings": findings}


def _lines(diagnosis: "Diagnosis", mended: "tuple[Mended, ...]", wish: _Wish, palette: Palette) -> Iterator[str]:
    for patient in diagnosis.patients:
        findings = [finding for finding in patient.findings if wish.wants(finding)]
        if findings:
            yield _heading(patient, palette)
            yield from _finding_lines(patient, findings, wish, palette)
    for one in mended:
        verb = "could not get" if one.problem else "would get" if wish.dry_run else "got"
        yield f"{one_line(one.path)} {verb} a new {one.what}{f': {one_line(one.problem)}' if one.problem else ''}"
    yield _summary(diagnosis, wish)


def _heading(patient: "Patient", palette: Palette) -> str:
    if patient.kind is None:
        return palette.paint(one_line(patient.path), "bold")
    name = readable_name(patient.name) if patient.filed and patient.name else one_line(patient.name or patient.subject)
    return f"{patient.kind.value} {palette.paint(name, 'bold')}  {palette.paint(one_line(patient.path), 'dim')}"


def _finding_lines(patient: "Patient", findings: list[Finding], wish: _Wish, palette: Palette) -> Iterator[str]:
    """Yield the lines of *findings*; what the same clients refuse for, and the same command mends, is one."""
    from itertools import groupby

    def likeness(finding: Finding) -> tuple[object, ...]:
        alone = None if finding.clients else finding.why
        return finding.severity, finding.clients, alone, wish.advice.command(patient, finding.remedy)

    groups = [(list(alike), fix) for (*_, fix), alike in groupby(findings, key=likeness)]
    for number, (together, fix) in enumerate(groups):
        level = palette.paint(f"{together[0].severity.value:<7}", _COLOURS[together[0].severity])
        rules = palette.paint(f"[{', '.join(dict.fromkeys(finding.rule for finding in together))}]", "dim")
        yield f"  {level}  {_sentence(together)} {rules}"
        is_last = number + 1 == len(groups) or groups[number + 1][1] != fix
        if fix and is_last:
            yield f"{_INDENT}fix: {fix}"


def _sentence(findings: list[Finding]) -> str:
    clients, why = findings[0].clients, "; ".join(finding.why for finding in findings)
    if not clients:
        return why
    return f"{_named(clients)} {'refuses' if len(clients) == 1 else 'refuse'} it: {why}"


def _named(clients: Iterable[Client]) -> str:
    shown = [client.shown for client in clients]
    if frozenset(clients) >= COMMON:
        return "all clients"
    return ", ".join(shown[:-1]) + f" and {shown[-1]}" if len(shown) > 1 else shown[0]


def _summary(diagnosis: "Diagnosis", wish: _Wish) -> str:
    examined = sum(patient.kind is not None for patient in diagnosis.patients)
    certificates = "1 certificate" if examined == 1 else f"{examined} certificates"
    counts = [(diagnosis.count(severity), severity.value) for severity in Severity]
    told = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count]
    hidden = " (--severity note shows notes)" if wish.least is Severity.WARNING and counts[-1][0] else ""
    return f"{', '.join(told) if told else 'nothing is wrong'}; {certificates} examined{hidden}"
