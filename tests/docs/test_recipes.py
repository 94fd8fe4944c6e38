"""The page about recipes has all of them, as they are: its tables are what this prints."""

from __future__ import annotations

from pathlib import Path

from easycert.recipes.catalogue import names, recipe
from easycert.recipes.values import Group, Recipe

PAGE = Path(__file__).parents[2] / "docs/how-to/servers.md"
HEADINGS = {
    Group.SERVER: "### Servers",
    Group.CLIENT: "### Clients",
    Group.STORE: "### Stores of operating systems",
    Group.FORMAT: "### Formats",
}


def row(of: Recipe) -> str:
    sources = ", ".join(f"[{number}]({source})" for number, source in enumerate(of.sources, start=1))
    files = ", ".join(f"`{plan.name.replace('{name}', 'NAME')}`" for plan in of.files)
    reload = f"`{of.reload.replace('{path:', '').replace('{name}', 'NAME').replace('}', '')}`" if of.reload else ""
    return f"| `{of.name}` | {of.summary} ({sources}) | {files} | {reload} |"


def tables() -> str:
    """Return the tables as the page must have them."""
    all_recipes = [recipe(name) for name in names()]
    parts = []
    for group, heading in HEADINGS.items():
        rows = [row(of) for of in all_recipes if of.group is group]
        head = ["| recipe | for | files | after a renewal |", "|---|---|---|---|"]
        parts.append("\n".join([heading, "", *head, *rows, ""]))
    return "\n".join(parts)


def test_the_page_has_every_recipe() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert [line for line in tables().splitlines() if line not in lines] == []
    assert PAGE.read_text(encoding="utf-8").count(tables().rstrip()) == 1


if __name__ == "__main__":  # python -m tests.docs.test_recipes, to paste
    print(tables())
