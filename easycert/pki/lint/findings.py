"""Findings: what is made of broken rules."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from easycert.model import Value
from easycert.pki.lint.catalogue import CATALOGUE

#: How often a finding of one rule is told; a CRL may have a million entries, each with the same flaw.
_TOLD_AT_MOST = 10


class Severity(Enum):
    """How bad it is to break a rule, the worst first; the value is the word in output."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Rule(Value):
    """One rule: its name, how bad it is to break it, where it is written, and what it says."""

    rule: str
    severity: Severity
    clause: str
    text: str


class Finding(Value):
    """One broken rule: which, how bad that is, where it is written, and what breaks it here."""

    rule: str
    severity: Severity
    clause: str
    message: str


def all_rules() -> dict[str, Rule]:
    """Return every rule by its name."""
    return {name: Rule(name, Severity(row[0]), row[1], row[2]) for name, row in CATALOGUE.items()}


def findings(breaches: Iterable[tuple[str, str]], *, errors_only: bool = False) -> tuple[Finding, ...]:
    """Return what rules, named in *breaches*, are broken, the worst first; many breaches of one rule are cut short."""
    told: dict[str, dict[str, None]] = {}
    hidden: dict[str, int] = {}
    for rule, message in breaches:
        messages = told.setdefault(rule, {})
        if message not in messages and len(messages) == _TOLD_AT_MOST:
            hidden[rule] = hidden.get(rule, 0) + 1
        else:
            messages[message] = None
    found = []
    for rule, messages in told.items():
        severity, clause, _ = CATALOGUE[rule]
        if errors_only and severity != Severity.ERROR.value:
            continue
        more = (f"and {hidden[rule]} more like this",) if rule in hidden else ()
        found += [Finding(rule, Severity(severity), clause, message) for message in (*messages, *more)]
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))
