"""``docs/standards.md`` has exactly the rules of lint, each with its severity, text and clause."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from easycert.pki.lint import RULES, Severity

PAGE = (Path(__file__).parents[2] / "docs" / "standards.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## Lint\n")[2].partition("\n## ")[0]
TITLES = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.NOTICE: "Notices"}


@pytest.mark.parametrize("severity", Severity)
def test_the_page_has_exactly_the_rules_of_this_severity(severity: Severity) -> None:
    table = SECTION.partition(f"\n### {TITLES[severity]}")[2].partition("\n### ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    rules = [rule for rule in RULES.values() if rule.severity is severity]
    assert rows == [[f"`{rule.rule}`", rule.text, rule.clause] for rule in rules]


def test_a_rule_has_a_name_a_text_and_a_clause() -> None:
    for name, rule in RULES.items():
        assert rule.rule == name
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert re.match(r"(RFC|X\.|ISO|CA/B Forum|CVE-|WHATWG|none)", rule.clause), name
        assert rule.text.endswith(".")
        assert not re.match(r"(It|They|Its|So|Nor) ", rule.text), f"{name} cannot be understood alone"
