"""``docs/doctor.md`` has exactly the rules of the book, each with whom it concerns and its sources."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from easycert.pki.doctor.book import RULES, with_synapse
from easycert.pki.doctor.files import FILE_RULES, FileRule
from easycert.pki.doctor.findings import COMMON, Client, Clients, Rule, in_order

PAGE = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")


def table(rules: Iterable[Rule | FileRule]) -> str:
    """Return the table that the page must hold."""
    head = ["| rule | what it is about | who refuses | sources |", "|---|---|---|---|"]
    return "\n".join([*head, *map(row, rules)])


def row(rule: Rule | FileRule) -> str:
    clients = with_synapse(rule.clients, rule.name)
    return f"| `{rule.name}` | {rule.about} | {concerned(clients)} | {'; '.join(rule.sources)} |"


def concerned(clients: Clients) -> str:
    if not clients:
        return "(nobody)"
    if clients >= COMMON:
        return "all" if Client.SYNAPSE in clients else "all but Synapse"
    if len(clients) > 5:
        return f"all but {', '.join(client.value for client in in_order(frozenset(Client) - clients))}"
    return ", ".join(client.value for client in in_order(clients))


@pytest.mark.parametrize("rules", [RULES, FILE_RULES], ids=["certificates", "files"])
def test_the_page_has_the_table_of_the_rules(rules: tuple[Rule | FileRule, ...]) -> None:
    assert table(rules) in PAGE


def test_no_two_rules_have_one_name() -> None:
    names = [rule.name for rule in (*RULES, *FILE_RULES)]
    assert len(names) == len(set(names))


def test_each_rule_has_a_source() -> None:
    assert [rule.name for rule in (*RULES, *FILE_RULES) if not rule.sources] == []


def test_the_page_names_each_client() -> None:
    assert [client for client in Client if f"| `{client.value}` |" not in PAGE] == []


def write() -> None:
    """Write the tables where the page says RULES and FILES: ``python -m tests.doctor.test_page``."""
    path = Path(__file__).parents[2] / "docs" / "doctor.md"
    head, _, rest = PAGE.partition("## The rules about certificates\n\n")
    tail = rest.partition("## The rules about files\n\n")[2].partition("\n\n")[2]
    parts = (
        f"{head}## The rules about certificates\n\n{table(RULES)}\n\n## The rules about files\n\n{table(FILE_RULES)}\n"
    )
    path.write_text(parts + (f"\n{tail}" if tail else ""), encoding="utf-8")


if __name__ == "__main__":
    write()
