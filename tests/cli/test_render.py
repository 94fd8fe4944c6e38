"""What is drawn for a terminal keeps to its width."""

from __future__ import annotations

import pytest

from easycert.cli.render import glossary
from easycert.recipes import catalogue


def test_a_meaning_goes_on_below_itself() -> None:
    rows = [("nginx", "a server that asks clients for certificates"), ("ca", "the root")]
    assert glossary(rows, 32) == [
        "nginx  a server that asks",
        "       clients for certificates",
        "ca     the root",
    ]


@pytest.mark.parametrize("columns", [80, 100])
def test_no_recipe_is_wider_than_a_terminal(columns: int) -> None:
    rows = [(name, catalogue.recipe(name).summary) for name in catalogue.names()]
    assert max(map(len, glossary(rows, columns))) <= columns
