"""``docs/how-to/tests.md``: its examples pass as they stand, and its tables are those of the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from easycert.pki.doctor.findings import in_order
from easycert.testing import plugin
from easycert.testing.species import SPECIES, Species
from easycert.testing.zoo import EVERYBODY
from tests.testing.suites import ALONE, run

PATH = Path(__file__).parents[2] / "docs" / "how-to" / "tests.md"
PAGE = PATH.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_examples_pass(tmp_path: Path, need_module: Callable[[str], ModuleType]) -> None:
    for module in ("aiohttp", "httpx", "requests"):
        need_module(module)
    report = run(tmp_path, {f"test_example_{number}.py": text for number, text in enumerate(EXAMPLES)}, *ALONE)
    assert report.passed("test_example") > sum(text.count("def test_") for text in EXAMPLES)


def test_each_fixture_is_named() -> None:
    fixtures = {name for name in dir(plugin) if name.startswith("easycert_")}
    named = set(re.findall(r"`(easycert_\w+)`", PAGE.partition("\n## The fixtures\n")[2].partition("\n## ")[0]))
    assert named == fixtures


def who_refuses(species: Species) -> str:
    """Return the words of the table for who refuses it."""
    clients = set(species.says)
    if not clients:
        return "nobody of these" if species.wrong != "nothing" else "nobody"
    if clients == EVERYBODY:
        return "all"
    return ", ".join(client.value for client in in_order(clients))


def table() -> str:
    """Return the table of the zoo in Markdown."""
    rows = [f"| `{one.name}` | {one.wrong} | {one.rule} | {who_refuses(one)} |" for one in SPECIES]
    return "\n".join(["| name | what is wrong | rule | who refuses |", "|---|---|---|---|", *rows])


def test_the_page_has_the_table_of_the_zoo() -> None:
    assert table() in PAGE


def write() -> None:
    """Write the table into the page: ``python -m tests.testing.test_page``."""
    head, title, rest = PAGE.partition("### The zoo\n\n")
    after = rest.partition("|\n\n")[2]
    PATH.write_text(f"{head}{title}{table()}\n\n{after}", encoding="utf-8")


if __name__ == "__main__":
    write()
