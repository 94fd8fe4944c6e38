"""``docs/standards.md`` names modules, tests and profiles that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "standards.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.count("|") == 5]
RULES = [row for row in ROWS if row[0] != "rule" and not set(row[0]) <= set("-")]


@pytest.mark.parametrize("row", RULES, ids=lambda row: row[0][:40])
def test_a_rule_names_the_module_that_keeps_it_and_the_test_that_proves_it(row: list[str]) -> None:
    for folder, cell in (("easycert", row[2]), ("tests", row[3])):
        named = re.findall(r"`([a-z_/]+\.py)`", cell)
        assert named
        assert [path for path in named if not (ROOT / folder / path).is_file()] == []


def test_every_judge_is_named() -> None:
    judges = [path.stem.removeprefix("test_") for path in (ROOT / "tests" / "judges").glob("test_*.py")]
    told = {
        "openssl": "OpenSSL",
        "gnutls": "GnuTLS",
        "nss": "NSS",
        "tls": "Python's `ssl`",
        "signatures": "cryptography",
    }
    assert [judge for judge in judges if told.get(judge, judge) not in PAGE] == []


def test_what_pkilint_finds_is_explained() -> None:
    source = (ROOT / "tests" / "judges" / "test_pkilint.py").read_text(encoding="utf-8")
    errors = re.findall(r'\("ERROR", "([\w.]+)"\)', source)
    assert errors
    assert [code for code in errors if f"`{code}`" not in PAGE] == []
