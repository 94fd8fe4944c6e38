"""Each rule for CRLs: one that breaks exactly this rule, and what is right."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from easycert.pki.lint import RULES, Finding, Severity, lint_crl_der
from tests.pki.lint.maker import (
    AIA,
    AKI,
    BOOLEAN,
    CA,
    CRL,
    CRL_NUMBER,
    DELTA,
    ENTRY_ISSUER,
    ENUMERATED,
    FRESHEST,
    IAN,
    IDP,
    INVALIDITY,
    NULL,
    REASON,
    USAGE,
    Certificate,
    Crl,
    access,
    aki,
    algorithm,
    bits,
    directory,
    dns,
    entry,
    extension,
    generalized,
    name,
    number,
    point,
    seq,
    spki,
    tagged,
    tlv,
    uri,
    utc,
)


class Case(NamedTuple):
    """A CRL that breaks a rule; *also* are the other rules that it breaks."""

    crl: Crl
    also: tuple[str, ...] = ()
    issuer: Certificate = CA


def reason(code: int, *, critical: bool = False) -> bytes:
    return extension(REASON, tlv(ENUMERATED, bytes([code])), critical=critical)


def idp(*parts: bytes) -> Crl:
    return CRL.has(IDP, seq(*parts), critical=True)


ONLY_USERS, ONLY_CAS, INDIRECT = (tlv(tag, b"\xff") for tag in (0x81, 0x82, 0x84))
DELTA_CRL = CRL.has(DELTA, number(4), critical=True)
DATE = extension(INVALIDITY, generalized("20251231000000Z"))

CASES: dict[str, list[Case]] = {
    "crl-version": [Case(CRL.but(version=b"")), Case(CRL.but(version=number(2)))],
    "crl-issuer": [Case(CRL.but(issuer=name("other")))],
    "crl-issuer-usage": [Case(CRL, issuer=CA.has(USAGE, bits(5), critical=True))],
    "crl-next-update": [Case(CRL.but(next_update=b""))],
    "crl-order": [Case(CRL.but(next_update=utc("251231000000Z")))],
    "crl-lifetime": [Case(CRL.but(next_update=utc("270103000000Z")))],
    "crl-empty-list": [Case(CRL.but(revoked=seq()))],
    "crl-number": [Case(CRL.lacks(CRL_NUMBER))],
    "crl-number-not-critical": [Case(CRL.has(CRL_NUMBER, number(5), critical=True))],
    "crl-number-range": [
        Case(CRL.has(CRL_NUMBER, tlv(2, b"\xff"))),
        Case(CRL.has(CRL_NUMBER, number(1 << 160))),
        Case(CRL.has(DELTA, tlv(2, b"\xff"), critical=True)),
    ],
    "crl-delta-critical": [Case(CRL.has(DELTA, number(4)))],
    "crl-delta-freshest": [Case(DELTA_CRL.has(FRESHEST, seq(point(uri("http://a.example/d.crl")))))],
    "crl-point-critical": [Case(CRL.has(IDP, seq(ONLY_USERS)))],
    "crl-point-empty": [Case(idp())],
    "crl-point-scope": [Case(idp(ONLY_USERS, ONLY_CAS))],
    "crl-entry-repeated": [Case(CRL.but(entries=(entry(), entry(number(8)), entry())))],
    "crl-entry-issuer": [
        Case(CRL.but(entries=(entry(number(7), extension(ENTRY_ISSUER, seq(directory(name("x"))), critical=True)),))),
    ],
    "crl-entry-issuer-critical": [
        Case(idp(INDIRECT).but(entries=(entry(number(7), extension(ENTRY_ISSUER, seq(directory(name("x"))))),))),
    ],
    "crl-reason": [Case(CRL.but(entries=(entry(number(7), reason(code)),))) for code in (7, 11)],
    "crl-reason-not-critical": [Case(CRL.but(entries=(entry(number(7), reason(1, critical=True)),)))],
    "crl-reason-unspecified": [Case(CRL.but(entries=(entry(number(7), reason(0)),)))],
    "crl-reason-remove": [Case(CRL.but(entries=(entry(number(7), reason(8)),)))],
    "crl-reason-hold": [Case(CRL.but(entries=(entry(number(7), reason(6)),)))],
    "crl-invalidity-not-critical": [
        Case(
            CRL.but(
                entries=(entry(number(7), extension(INVALIDITY, generalized("20251231000000Z"), critical=True)),),
            )
        ),
    ],
    # rules that CRLs share with certificates
    "undecodable": [
        Case(CRL.but(this_update=tlv(NULL))),
        Case(CRL.but(revoked=seq(tlv(NULL)))),
        Case(CRL.but(revoked=seq(seq(number(7))))),
        Case(CRL.but(entries=(entry(number(7), extension(REASON, number(1))),))),
        Case(CRL.but(entries=(entry(number(7), extension(INVALIDITY, utc("251231000000Z"))),))),
        Case(CRL.has(IDP, number(1), critical=True)),
        Case(CRL.but(version=number(1) * 2)),
        Case(CRL, issuer=CA.but(key=seq())),
    ],
    "default-written": [
        Case(idp(ONLY_USERS, tlv(0x84, b"\0"))),
        Case(CRL.but(raw=seq(b"\x06\x01\x2a", tlv(BOOLEAN, b"\0"), b"\4\0"))),
    ],
    "serial-positive": [Case(CRL.but(entries=(entry(number(0)),)))],
    "serial-length": [Case(CRL.but(entries=(entry(number(1 << 160)),)))],
    "signature-parameters": [Case(CRL.but(signature=algorithm("1.2.840.10045.4.3.2", tlv(NULL))))],
    "signature-fits-key": [Case(CRL, issuer=CA.but(key=spki("rsa")))],
    "aki-matches-ski": [Case(CRL.has(AKI, aki(b"other")))],
    "aki-missing": [Case(CRL.lacks(AKI))],
    "aki-not-critical": [Case(CRL.has(AKI, aki(b"ca__" * 5), critical=True))],
    "issuer-empty": [Case(CRL.but(issuer=seq()), issuer=CA.but(subject=seq()))],
    "time-encoding": [
        Case(CRL.but(this_update=generalized("20260101000000Z"))),
        Case(CRL.but(entries=(entry(date=generalized("20260101000000Z")),))),
        Case(CRL.but(entries=(entry(number(7), extension(INVALIDITY, generalized("20251231000000.1Z"))),))),
    ],
    "extension-repeated": [Case(CRL.but(raw=extension(CRL_NUMBER, number(6))))],
    "extensions-empty": [Case(CRL.but(entries=(seq(number(7), utc("260101000000Z"), seq()),)))],
    "critical-unknown": [
        Case(CRL.has("1.2.3", b"", critical=True)),
        Case(CRL.but(entries=(entry(number(7), extension("1.2.3", b"", critical=True)),))),
    ],
    "issuer-alt-name-not-critical": [Case(CRL.has(IAN, seq(dns("pki.example.com")), critical=True))],
    "names-empty": [Case(CRL.has(IAN, seq()))],
    "location-empty": [Case(CRL.has(AIA, seq())), Case(CRL.has(FRESHEST, seq()))],
    "access-not-critical": [
        Case(CRL.has(AIA, seq(access("1.3.6.1.5.5.7.48.2", uri("http://a.example/ca.crt"))), critical=True)),
    ],
}


def broken(case: Case) -> tuple[Finding, ...]:
    return lint_crl_der(case.crl.der, case.issuer.der)


@pytest.mark.parametrize(
    ("rule", "case"),
    [pytest.param(rule, case, id=f"{rule} {at}") for rule, cases in CASES.items() for at, case in enumerate(cases)],
)
def test_a_CRL_breaks_exactly_this_rule(rule: str, case: Case) -> None:
    assert {finding.rule for finding in broken(case)} == {rule, *case.also}


def test_every_rule_for_CRLs_has_a_case() -> None:
    of_certificates = {
        "crl-points-not-critical",
        "crl-point-not-http",
        "crl-point-nowhere",
        "crl-point-reasons",
        "crl-point-relative",
    }
    assert {rule for rule in RULES if rule.startswith("crl-")} - of_certificates <= set(CASES)


RIGHT = {
    "without entries": CRL,
    "with entries": CRL.but(entries=(entry(), entry(number(8), reason(1)), entry(number(9), reason(5), DATE))),
    "from 2050": CRL.but(this_update=generalized("20500101000000Z"), next_update=generalized("20500102000000Z")),
    "a delta": DELTA_CRL.but(entries=(entry(number(7), reason(8)),)),
    "partitioned": idp(tlv(tagged(0), tlv(tagged(0), uri("http://a.example/1.crl")))),
    "indirect": idp(INDIRECT).but(
        entries=(entry(number(7), extension(ENTRY_ISSUER, seq(directory(name("x"))), critical=True)), entry())
    ),
    "with freshest": CRL.has(FRESHEST, seq(point(uri("http://a.example/d.crl")))),
    "with names of the issuer": CRL.has(IAN, seq(dns("pki.example.com"))),
    "with access": CRL.has(AIA, seq(access("1.3.6.1.5.5.7.48.2", uri("http://a.example/ca.crt")))),
    "of a year": CRL.but(next_update=utc("270101000000Z")),
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_CRL_that_is_right_breaks_none(what: str) -> None:
    assert broken(Case(RIGHT[what])) == ()


def test_many_entries_with_one_flaw_are_not_all_told() -> None:
    crl = CRL.but(entries=tuple(entry(number(at + 1), reason(0)) for at in range(1000)))
    found = lint_crl_der(crl.der)
    assert [finding.message for finding in found][-1] == "and 990 more like this"
    assert {finding.severity for finding in found} == {Severity.WARNING}
    assert len(found) == 11
