"""The table of variables is sane, and the documentation has all of it."""

from __future__ import annotations

from pathlib import Path

from easycert.cli.app import application
from easycert.cli.table import COMMANDS
from easycert.trust import variables
from easycert.trust.variables import CLIENT_VARIABLES, JAVA, VARIABLES, Contents, Effect

PAGE = (Path(__file__).parents[2] / "docs/how-to/run.md").read_text(encoding="utf-8")
OWN = [getattr(variables, name) for name in dir(variables) if name.endswith("_FILE")]


def test_no_variable_is_in_the_table_twice() -> None:
    names = [variable.name for variable in (*VARIABLES, JAVA, *CLIENT_VARIABLES)]
    assert len(names) == len(set(names))


def test_what_may_replace_a_programs_roots_has_the_systems_in_it() -> None:
    for variable in VARIABLES:
        if variable.effect is not Effect.ADDS:
            assert variable.contents is Contents.MERGED, variable.name


def test_our_own_variables_are_no_options() -> None:
    """A nested easycert would take one for an option that somebody gave."""
    read = set()
    for name in COMMANDS:
        command = application().get_command(None, name)
        for one in (command, *getattr(command, "commands", {}).values()):
            read |= {f"EASYCERT_{parameter.name.upper()}" for parameter in one.params}
    assert not read & set(OWN)


def test_the_page_has_every_variable() -> None:
    for variable in (*VARIABLES, JAVA):
        assert f"| `{variable.name}` | " in PAGE, variable.name
        assert f"| {variable.readers} |" in PAGE, variable.name
    for name in (*(variable.name for variable in CLIENT_VARIABLES), *OWN):
        assert f"`{name}`" in PAGE, name
