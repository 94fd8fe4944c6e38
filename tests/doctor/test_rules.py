"""The book of rules: each case breaks the rules that it names, and no other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from easycert.model import Kind
from easycert.pki.doctor.book import RULES, judge
from easycert.pki.doctor.exam import Exam, carries_synapse_mark
from easycert.pki.doctor.findings import Client, Severity
from easycert.pki.members import read_member
from easycert.testing import forge
from easycert.testing.forge import host, root
from tests.doctor.cases import CASES, NETSCAPE, Case, broken

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_breaks_its_rules_and_no_other(case: Case) -> None:
    assert broken(case, NOW) == case.rules


def found(*exam: object) -> dict[str, Severity]:
    return {finding.rule: finding.severity for finding in judge(Exam(*exam))}  # type: ignore[arg-type]


class Guessable:
    """A key whose modulus has the factor 3."""

    def public_key(self) -> rsa.RSAPublicKey:
        return rsa.RSAPublicNumbers(65537, 3 * ((1 << 2046) + 1)).public_key()


@pytest.mark.parametrize(("key", "weak"), [(Guessable(), True), (forge.key("rsa2048"), False)])
def test_a_key_that_can_be_worked_out_is_an_error_whoever_takes_it(key: object, weak: bool) -> None:
    made = host(NOW, key=key).make(root(NOW).make())
    findings = found(read_member(made.certificate, is_leaf=True), Kind.HOST, NOW)
    assert (findings.get("weak-key") is Severity.ERROR) is weak


def test_a_ca_that_is_not_here_is_a_note() -> None:
    top = root(NOW).make()
    member = read_member(host(NOW).make(top).certificate, is_leaf=True)
    assert found(member, Kind.HOST, NOW)["unknown-issuer"] is Severity.NOTE
    above = (read_member(top.certificate, is_leaf=False, is_anchor=True),)
    assert "unknown-issuer" not in found(member, Kind.HOST, NOW, above)


def test_apple_asks_less_of_what_began_before_its_rules() -> None:
    then = datetime(2019, 6, 1, tzinfo=UTC)
    for at, asked in ((then, set()), (NOW, {"extended-key-usage", "lifetime"})):
        made = host(at, extended=(), days=(0, 1000)).make(root(at).make())
        assert {"extended-key-usage", "lifetime"} & set(
            found(read_member(made.certificate, is_leaf=True), Kind.HOST, at)
        ) == asked


def test_what_carries_netscapes_type_is_for_synapse() -> None:
    top = root(NOW).make()
    for extensions, marked in ((((NETSCAPE, False),), True), ((), False)):
        assert carries_synapse_mark(host(NOW, more=extensions).make(top).certificate) is marked


@pytest.mark.parametrize(
    ("for_synapse", "apple", "synapse"), [(False, Severity.ERROR, Severity.NOTE), (True, Severity.NOTE, Severity.ERROR)]
)
def test_whom_a_certificate_is_for_says_how_bad_a_refusal_is(
    for_synapse: bool, apple: Severity, synapse: Severity
) -> None:
    member = read_member(host(NOW, days=(-1, 1000)).make(root(NOW).make()).certificate, is_leaf=True)
    findings = {one.rule: one.severity for one in judge(Exam(member, Kind.HOST, NOW, for_synapse=for_synapse))}
    assert (findings["lifetime"], findings["synapse-rsa"]) == (apple, synapse)


def test_a_client_that_is_asked_about_alone_says_nothing_of_the_others() -> None:
    member = read_member(host(NOW, days=(-1, 1000)).make(root(NOW).make()).certificate, is_leaf=True)
    exam = Exam(member, Kind.HOST, NOW, for_synapse=True)
    assert {one.rule: one.severity for one in judge(exam, [Client.APPLE])} == {
        "lifetime": Severity.ERROR,
        "unknown-issuer": Severity.NOTE,
    }


def test_there_is_a_case_for_each_rule() -> None:
    shown = {rule for case in CASES for rule in case.rules}
    others = {rule.name for rule in RULES if not rule.name.startswith("synapse-")} - shown
    assert others <= {"unknown-issuer", "weak-key"}
