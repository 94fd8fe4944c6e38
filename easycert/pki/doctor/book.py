"""The whole book of rules about certificates, and how a certificate is held against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from easycert.model import Kind
from easycert.pki.doctor import dates, keys, names, paths, synapse, usage
from easycert.pki.doctor.exam import Exam
from easycert.pki.doctor.findings import JUDGES, Client, Clients, Finding, Reason, Rule, Severity, in_order
from easycert.pki.signatures import UNREADABLE

RULES: tuple[Rule, ...] = (
    *dates.RULES,
    *names.RULES,
    *keys.RULES,
    *usage.RULES,
    *paths.RULES,
    *synapse.RULES,
)
_SEVERITIES = tuple(Severity)
#: Synapse's services are called by Synapse's own clients; browsers look at few of them.
_CALLERS_OF_SYNAPSE: Clients = frozenset(Client) - {Client.APPLE, Client.CHROME, Client.FIREFOX}
_BUT_SYNAPSE: Clients = frozenset(Client) - {Client.SYNAPSE}


def made_for(exam: Exam) -> Clients:
    """Return the clients for which the certificate was made: their refusal is an error, that of others a note."""
    if exam.kind is Kind.CA:
        return frozenset(Client) if exam.for_synapse else _BUT_SYNAPSE
    return _CALLERS_OF_SYNAPSE if exam.for_synapse else _BUT_SYNAPSE


def judge(exam: Exam, only: Iterable[Client] = ()) -> tuple[Finding, ...]:
    """Return what is wrong with one certificate, the worst first; with *only*, what these clients say is all.

    What concerns no client in particular (it expires soon, its key is known to be broken) is said in any case.
    """
    asked = frozenset(only)
    intended = asked or made_for(exam)
    found = [finding for rule in RULES for finding in _held_against(rule, exam, asked, intended)]
    return tuple(sorted(found, key=lambda finding: _SEVERITIES.index(finding.severity)))


def refusing(findings: Iterable[Finding]) -> Clients:
    """Return the clients that refuse a certificate with these findings."""
    return frozenset(client for finding in findings for client in finding.clients)


def _held_against(rule: Rule, exam: Exam, asked: Clients, intended: Clients) -> Iterator[Finding]:
    for reason in _reasons(rule, exam):
        judges = with_synapse(reason.clients, rule.name) & JUDGES[exam.kind]
        clients = judges & asked if asked else judges
        if reason.clients and not clients:
            continue
        severity = reason.severity or (Severity.ERROR if clients & intended else Severity.NOTE)
        yield Finding(rule.name, severity, in_order(clients), reason.why, reason.remedy, rule.sources)


def with_synapse(clients: Clients, rule: str) -> Clients:
    """Return *clients*, Synapse with OpenSSL, on which its TLS stands; it knows each CA of its directory."""
    through_openssl = Client.OPENSSL in clients and rule != "incomplete-chain"
    return clients | {Client.SYNAPSE} if through_openssl else clients


def _reasons(rule: Rule, exam: Exam) -> list[Reason]:
    """Return what *rule* says; a part of the certificate that cannot be decoded is the rule ``broken``'s to tell."""
    try:
        return list(rule.judge(exam))
    except UNREADABLE:
        return []
