"""The book of rules: each case breaks the rules that it names, and no other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from easycert.pki.doctor.book import RULES
from tests.doctor.cases import CASES, Case, broken

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_breaks_its_rules_and_no_other(case: Case) -> None:
    assert broken(case, NOW) == case.rules


def test_there_is_a_case_for_each_rule() -> None:
    shown = {rule for case in CASES for rule in case.rules}
    others = {rule.name for rule in RULES if not rule.name.startswith("synapse-")} - shown
    assert others <= {"unknown-issuer", "weak-key"}
