"""Rules about time: what has expired, what will soon, and what lasts longer than a client allows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from easycert.model import Kind
from easycert.pki.doctor.exam import Exam
from easycert.pki.doctor.findings import (
    ANCHOR_JUDGES,
    APPLE_SINCE,
    COMMON,
    JUDGES,
    RENEW,
    Client,
    Clients,
    Cure,
    Reason,
    Remedy,
    Rule,
    Severity,
)
from easycert.pki.validity import is_due, rfc3339

_APPLE_MOST = timedelta(days=825)
#: Shorter than what Apple allows, and what browsers allowed public CAs until 2026.
_SHORTER_DAYS = 397


def _validity(exam: Exam) -> Iterator[Reason]:
    certificate, now = exam.certificate, exam.at.replace(microsecond=0)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    clients: Clients = (ANCHOR_JUDGES if exam.is_anchor else COMMON) & JUDGES[exam.kind]
    if now > end:
        yield Reason(clients, f"it expired on {rfc3339(end)}", RENEW)
    elif now < begin:
        yield Reason(clients, f"it is not valid before {rfc3339(begin)}", RENEW)
    elif is_due(begin, end, now):
        days = (end - now) // timedelta(days=1)
        why = f"it expires on {rfc3339(end)}, in {days} {'day' if days == 1 else 'days'}: less than a third of its life"
        yield Reason(frozenset(), why, RENEW, Severity.WARNING)


def _lifetime(exam: Exam) -> Iterator[Reason]:
    certificate = exam.certificate
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    lasts = end - begin + timedelta(seconds=1)  # notAfter is included: RFC 5280 section 4.1.2.5
    if exam.kind is Kind.HOST and begin >= APPLE_SINCE and lasts > _APPLE_MOST:
        why = f"it lasts {lasts // timedelta(days=1)} days, and 825 are the most"
        yield Reason(frozenset({Client.APPLE}), why, Remedy(Cure.REISSUE, days=_SHORTER_DAYS))


def _outlives(exam: Exam) -> Iterator[Reason]:
    end = exam.certificate.not_valid_after_utc
    ends = [member.certificate.not_valid_after_utc for member in exam.above]
    first = min(ends, default=end)
    if exam.at <= first < end:
        name = exam.above[ends.index(first)].name
        why = f"it lasts longer than its CA '{name}', with which it ends on {rfc3339(first)}"
        yield Reason(frozenset(), why, RENEW, Severity.NOTE)


RULES = (
    Rule(
        "validity",
        "A certificate that has expired, is not valid yet, or has less than a third of its life left",
        COMMON,
        (
            "RFC 5280 section 6.1.3 (a)(2)",
            "Java: an anchor's dates are not looked at (RFC 5280 section 6.1.1 (d))",
        ),
        _validity,
    ),
    Rule(
        "lifetime",
        "A host certificate of more than 825 days",
        frozenset({Client.APPLE}),
        ("Apple 103769 (earlier HT210176): 825 days or fewer, whoever signed it, since 2019-07-01",),
        _lifetime,
    ),
    Rule(
        "outlives-its-ca",
        "A certificate that lasts longer than a CA above it",
        frozenset(),
        ("RFC 5280 section 6.1.3 (a)(2)",),
        _outlives,
    ),
)
