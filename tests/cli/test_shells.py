"""Variables for shells and CI systems: whatever a value holds, the shell gives it back and does nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.cli import shells
from easycert.cli.shells import Shell
from easycert.errors import InvalidInput

HOSTILE = (
    "/plain/path",
    "/with space/it's",
    '/"double"/$HOME/`id`/$(id)/\\back\\slash\\',
    "/new\nline/; touch pwned #",
    "/quotes \u2018\u2019\u201a\u201b/ü",
    "-option %s %n !! ~",
    "",
)
#: All that an environment can hold.
values = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


@pytest.mark.real
@pytest.mark.parametrize(
    ("program", "shell"), [("sh", Shell.SH), ("bash", Shell.SH), ("zsh", Shell.SH), ("fish", Shell.FISH)]
)
def test_a_shell_gives_back_what_it_was_given(
    need: Callable[[str], str], tmp_path: Path, program: str, shell: Shell
) -> None:
    for value in HOSTILE:
        script = shells.script(shell, {"VALUE": value}) + "printenv VALUE"
        done = subprocess.run([need(program), "-c", script], cwd=tmp_path, capture_output=True, check=False)
        assert done.stdout.decode() == f"{value}\n", value
    assert list(tmp_path.iterdir()) == []


@given(values)
def test_sh_reads_one_word(value: str) -> None:
    import shlex

    assert shlex.split(shells.script(Shell.SH, {"NAME": value})) == ["export", f"NAME={value}"]


@given(values)
def test_powershell_reads_one_literal_in_which_each_quotation_mark_is_doubled(value: str) -> None:
    head, quoted = shells.script(Shell.POWERSHELL, {"NAME": value}).removesuffix("\n").split(" = ", 1)
    assert head == "${env:NAME}"
    inner = quoted.removeprefix("'").removesuffix("'")
    for mark in "'\u2018\u2019\u201a\u201b":
        assert inner.count(mark) == 2 * value.count(mark)
        inner = inner.replace(mark * 2, mark)
    assert inner == value


@given(values)
def test_github_reads_a_value_of_several_lines(value: str) -> None:
    lines = shells.github({"FIRST": value, "LAST": "x"})
    assert lines.endswith("\nLAST=x\n")
    lines = lines.removesuffix("LAST=x\n")
    if lines.startswith("FIRST="):
        assert lines == f"FIRST={value}\n"
        assert "\n" not in value
        return
    mark, rest = lines.removeprefix("FIRST<<").split("\n", 1)
    assert rest == f"{value}\n{mark}\n"
    assert mark not in value


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("/plain/path", "NAME=/plain/path"),
        ("-Djavax.net.ssl.trustStore=/a.p12", "NAME=-Djavax.net.ssl.trustStore=/a.p12"),
        ("/with space", "NAME='/with space'"),
        ("$HOME", "NAME='$HOME'"),
        ("it's", 'NAME="it\'s"'),
    ],
)
def test_a_dotenv_line_is_bare_where_it_can_be(value: str, line: str) -> None:
    assert shells.dotenv({"NAME": value}) == f"{line}\n"


@pytest.mark.parametrize("value", ["it's $HOME", "two\nlines", "it's \\"])
def test_what_readers_of_dotenv_read_differently_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match=r"\.env"):
        shells.dotenv({"NAME": value})


@pytest.mark.real
def test_node_reads_the_dotenv_file(need: Callable[[str], str], tmp_path: Path) -> None:
    told = {"ONE": "/plain/path", "TWO": "/with space", "THREE": "$HOME", "FOUR": "it's"}
    (tmp_path / ".env").write_text(shells.dotenv(told))
    script = "console.log([process.env.ONE, process.env.TWO, process.env.THREE, process.env.FOUR].join('|'))"
    argv = [need("node"), f"--env-file={tmp_path / '.env'}", "-e", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if "bad option" in done.stderr:
        pytest.skip("this Node reads no files of variables")
    assert done.stdout == f"{'|'.join(told.values())}\n"
