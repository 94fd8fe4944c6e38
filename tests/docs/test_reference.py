"""The help and ``docs/reference.md`` cannot drift from the commands: each names every option, and no other."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from easycert import errors
from easycert.cli import exits
from easycert.cli.app import application
from easycert.cli.entry import run
from easycert.cli.table import COMMANDS

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCS / "reference.md").read_text(encoding="utf-8")
REQUESTS = [f"csr {kind}" for kind in ("host", "user", "ca", "code")]
LEDGER = [f"ledger {name}" for name in ("verify", "rebuild", "export", "log")]
TRUST = [f"trust {name}" for name in ("install", "remove", "status")]
GROUPS = ("csr", "ledger", "ocsp", "tls", "trust")
PATHS = [*(name for name in COMMANDS if name not in GROUPS), *REQUESTS, *LEDGER, *TRUST, "ocsp respond", "tls serve"]


def command(path: str) -> Any:
    """Return the command behind ``easycert PATH``."""
    found = application()
    for name in path.split():
        found = found.get_command(None, name)
    return found


def options(path: str) -> dict[str, str]:
    """Return the long options of a command, each with its help; ``--help`` itself goes without saying."""
    named = [parameter for parameter in command(path).params if parameter.param_type_name == "option"]
    return {next(name for name in item.opts if name.startswith("--")): item.help or "" for item in named}


def section(title: str) -> str:
    """Return the part of the reference below the heading *title*."""
    return REFERENCE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> Iterator[list[str]]:
    """Yield the cells of the table below the heading *title*, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


@pytest.mark.parametrize("path", [*GROUPS, *PATHS])
def test_help_says_what_each_option_is_for(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*path.split(), "--help"]) == exits.DONE
    shown = " ".join(capsys.readouterr().out.split())
    for option, purpose in options(path).items():
        assert option in shown
        assert purpose, f"{path} {option} has no help"
        words = re.sub(r"[\s|]", "", purpose)  # a list of values may be broken anywhere
        assert words in re.sub(r"[\s|]", "", shown), f"{path} {option}"


@pytest.mark.parametrize("path", PATHS)
def test_every_command_says_what_it_does(path: str) -> None:
    assert command(path).help


@pytest.mark.parametrize("path", PATHS)
def test_the_reference_has_exactly_the_options_of_a_command(path: str) -> None:
    names = {path, path.partition(" ")[0], "all"}
    listed = {re.findall(r"--[a-z-]+", cells[0])[0] for cells in rows("Options") if names & set(named(cells[1]))}
    listed -= {re.findall(r"--[a-z-]+", cells[0])[0] for cells in rows("Options") if f"all but {path}" == cells[1]}
    assert listed == set(options(path))


def named(cell: str) -> list[str]:
    """Return the commands that a cell names; ``ledger`` stands for all of that group."""
    return re.findall("|".join([*LEDGER, "tls serve", *TRUST, r"\S+"]), cell)


@pytest.mark.parametrize("path", PATHS)
def test_each_option_comes_from_the_variable_of_its_own_name(path: str) -> None:
    for parameter in command(path).params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            long = next(name for name in parameter.opts if name.startswith("--"))
            read = parameter.envvar or f"EASYCERT_{parameter.name.upper()}"
            assert read == f"EASYCERT_{long.removeprefix('--').replace('-', '_').upper()}"


def test_the_reference_names_every_command() -> None:
    assert {re.findall(r"easycert ([\w-]+)", cells[0])[0] for cells in rows("Commands")} == set(COMMANDS)


def test_the_reference_has_exactly_the_flags_of_the_flag_form(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--ca", "--help"])
    described = set(re.findall(r"--[a-z0-9-]+", capsys.readouterr().out.partition("-h, --help")[2]))
    listed = {flag for cells in rows("The flag form") for flag in re.findall(r"--[a-z0-9-]+", cells[0])}
    assert listed == described - {"--help"}


def test_the_reference_has_exactly_the_exit_codes() -> None:
    assert {int(cells[0]) for cells in rows("Exit codes")} == set(exits.MEANINGS)


@pytest.mark.usefixtures("own_home")
def test_the_reference_names_every_field_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ["ca root", "csr host b.example", "host a.example --signas root", "list", "tree", "show a.example"]
    commands += ["lint root"]
    commands += ["ledger verify", "ledger rebuild", "ledger export", "ledger export --entries", "ledger log"]
    commands += ["explain NET::ERR_CERT_REVOKED", "env", "status", "check --fail-within 1000y"]
    for line in [
        *commands,
        "verify a.example",
        "verify a.example --hostname b.example",
        "doctor",
        "trust status root --node",
    ]:
        run([*line.split(), "-o", "json"])
        result = json.loads(capsys.readouterr().out)
        assert result["version"] == 1
        documented = set(re.findall(r"`(\w+)`", section("JSON")))
        variables = set(result["environment"]["variables"]) if line == "env" else set()
        assert set(keys(result)) - variables <= documented, line


def keys(value: object) -> Iterator[str]:
    """Yield every key in a JSON value."""
    if isinstance(value, dict):
        yield from value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys(item)


def test_the_page_of_errors_has_every_error() -> None:
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    for name, found in inspect.getmembers(errors, inspect.isclass):
        if found not in (errors.EasycertError, errors.Refused):
            assert f"`{name}`" in page, name
