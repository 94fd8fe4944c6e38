"""Names and flags complete in the shell: Typer's protocol, and bash, zsh and fish themselves."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.cli import flags
from easycert.cli.app import application
from easycert.cli.completion import authorities, rearrange
from easycert.cli.entry import run
from easycert.cli.table import COMMANDS

Complete = Callable[..., list[str]]
#: The directory of the console script of the environment that runs the tests.
SCRIPTS = str(Path(sys.executable).parent)


@pytest.fixture
def certs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate directory full of names, none of which is a certificate."""
    directory = tmp_path / "certs"
    for path in (
        *("cas/root.crt", "cas/issuing.crt", "cas/My CA.crt", "cas/.hidden.crt", "cas/old.csr"),
        *("hosts/www.example.com.crt", "hosts/www.example.com.key", "hosts/api.example.com.csr"),
        *("users/alice@example.com.crt", "users/alan@example.org.crt", "users/evil\n.crt"),
    ):
        (directory / path).parent.mkdir(exist_ok=True, parents=True)
        (directory / path).touch()
    monkeypatch.setenv("EASYCERT_DIR", str(directory))
    return directory


@pytest.fixture
def bash(certs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Complete:
    """Return a function that completes the last of some words, as bash has split them."""

    def complete(*words: str) -> list[str]:
        monkeypatch.setenv("_EASYCERT_COMPLETE", "complete_bash")
        monkeypatch.setenv("_EASYCERT_COMPLETE_BEFORE", "")
        monkeypatch.setenv("COMP_WORDS", "\n".join(["easycert", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        assert run([]) == 0
        return capsys.readouterr().out.removesuffix("\n").split("\n")

    return complete


# --- subcommands


@pytest.mark.parametrize(
    "command",
    [
        *(["show"], ["verify"], ["renew"], ["revoke"], ["check"], ["lint"], ["doctor"], ["ledger", "log"]),
        *(["check", "root"], ["renew", "--due"], ["revoke", "--reason", "superseded"]),
    ],
)
def test_a_name_of_a_certificate_completes(bash: Complete, command: list[str]) -> None:
    assert bash(*command, "www") == ["www.example.com"]


@pytest.mark.parametrize(
    "command",
    [
        *(["host", "x", "--signas"], ["ca", "--signas"], ["sign", "x.csr", "--signas"], ["ocsp-signer", "--signas"]),
        *(["list", "--issuer"], ["crl"], ["revoke", "x", "--signas"], ["run", "--ca"], ["env", "--ca"]),
    ],
)
def test_a_name_of_a_ca_completes_where_one_is_due(bash: Complete, command: list[str]) -> None:
    assert bash(*command, "") == [r"My\ CA", "issuing", "root"]


def test_a_host_or_a_user_completes_where_only_such_a_one_fits(bash: Complete) -> None:
    assert bash("https", "cell", "--from", "al") == [""]
    assert bash("https", "cell", "--from", "www") == ["www.example.com"]
    for command in ("run", "env"):
        assert bash(command, "--cert", "") == ["alan@example.org", "alice@example.com"]


def test_names_are_of_the_kind_that_was_asked_for(bash: Complete) -> None:
    assert bash("verify", "--kind", "user", "al") == ["alan@example.org", "alice@example.com"]
    assert bash("verify", "--kind", "host", "al") == [""]


def test_what_can_be_shown_completes_without_a_certificate_too(bash: Complete) -> None:
    assert (bash("show", "api"), bash("verify", "api")) == (["api.example.com"], [""])


def test_names_come_from_the_directory_that_the_line_names(bash: Complete, tmp_path: Path) -> None:
    (tmp_path / "other" / "hosts").mkdir(parents=True)
    (tmp_path / "other" / "hosts" / "there.crt").touch()
    assert bash("show", "--certdir", str(tmp_path / "other"), "") == ["there"]


def test_names_come_from_the_whole_search_path(
    bash: Complete, certs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other" / "hosts").mkdir(parents=True)
    (tmp_path / "other" / "hosts" / "www.example.org.crt").touch()
    monkeypatch.setenv("EASYCERT_DIR", f"{certs}:{tmp_path / 'other'}")
    assert bash("verify", "www") == ["www.example.com", "www.example.org"]


def test_subcommands_complete_without_being_imported(bash: Complete) -> None:
    before = set(sys.modules)
    assert bash("re") == ["renew", "revoke", "restore"]
    assert [name for name in set(sys.modules) - before if "cli.commands" in name] == []


def test_a_group_completes_its_own_commands(bash: Complete) -> None:
    assert "verify" in bash("ledger", "")


@pytest.mark.parametrize("certdir", ["/no/such/place", "~nobody/x", "\x01", "~"])
def test_where_nothing_can_be_read_nothing_completes(certdir: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    assert authorities({"certdir": certdir}, "") == []


# --- what bash cuts in pieces


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["show", "al"], ["alan@example.org", "alice@example.com"]),
        (["show", "alice", "@"], ["@example.com"]),  # which readline puts in the place of the @
        (["show", "alice", "@", "ex"], ["@example.com"]),
        (["show", "alice", "@", "x"], [""]),
        (["list", "--issuer", "=", "ro"], ["root"]),
        (["list", "--issuer", "="], [r"My\ CA", "issuing", "root"]),
        (["list", "--issuer", r"My\ "], [r"My\ CA"]),
        (["verify", "x", "--hostname", "a", ":", "b", "--kin"], ["--kind"]),
    ],
)
def test_a_word_is_completed_as_the_person_sees_it(bash: Complete, words: list[str], completed: list[str]) -> None:
    assert bash(*words) == completed


@given(
    words=st.lists(st.text(st.sampled_from("ab@:=-'\"\\ \n"), max_size=4), max_size=5),
    at=st.text(st.sampled_from("0123x-"), max_size=2),
)
def test_no_line_is_too_odd_to_be_looked_at(words: list[str], at: str) -> None:
    environ = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": at}
    rearrange(environ)
    words_left = environ["COMP_WORDS"].split("\n")
    assert environ == {"COMP_WORDS": "\n".join(words), "COMP_CWORD": at} or int(environ["COMP_CWORD"]) == (
        len(words_left) - 1
    )


# --- the flag form


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["--server", "www", "--signas", "r"], ["root"]),
        (["www", "--signas", "r"], ["root"]),
        (["www", "--signas", "=", "r"], ["root"]),
        (["alice", "--revokeas", "iss"], ["issuing"]),
        (["--crl", "ro"], ["root"]),
        (["--p12", "alice", "@", "e"], ["@example.com"]),
        (["--importfile", "h"], ["hosts"]),
        (["--ca", "--signa"], ["--signas"]),
        (["--server", "--server-"], ["--server-sans"]),
        (["--revo"], ["--revokeas"]),
        (["--vers"], ["--version"]),
    ],
)
def test_the_flag_form_completes(bash: Complete, words: list[str], completed: list[str]) -> None:
    assert bash(*words) == completed


def test_the_flags_that_complete_are_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_EASYCERT_COMPLETE", "complete_bash")
    declared = {name for item in application().get_command(None, "flag-form").params for name in item.opts}
    parsed = {name for action in flags._parser()._actions for name in action.option_strings or [action.dest]}
    assert declared == parsed - {"-h", "--help"}


def test_the_stand_in_of_the_flag_form_is_no_command() -> None:
    assert "flag-form" not in COMMANDS
    assert application().get_command(None, "flag-form") is None


# --- the shells themselves


@pytest.fixture
def environment(own_home: Path, certs: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BASH", "ZSH", "FISH"))}
    path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "TERM": "dumb", "PS1": "$ ", "INPUTRC": os.devnull, "EASYCERT_DIR": str(certs)}


def typed(command: list[str], environment: dict[str, str], keys: str) -> str:
    """Return what a program shows on its terminal when these keys are typed; it must end by itself."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(command[0], command, environment)
    os.write(terminal, keys.encode())
    shown = b""
    try:
        while chunk := os.read(terminal, 1 << 16):
            shown += chunk
    except OSError:  # Linux says EIO when the other end is closed
        pass
    os.waitpid(child, 0)
    os.close(terminal)
    return shown.decode(errors="replace")


#: Completes, goes to the begin of the line, and has the line printed instead of run.
TAB_THEN_PRINT = "\t\x01echo GOT \n"
LINES = [
    ("easycert show alice", "easycert show alice@example.com"),
    ("easycert show alice@", "easycert show alice@example.com"),
    ("easycert show alice@ex", "easycert show alice@example.com"),
    ("easycert host x --signas ro", "easycert host x --signas root"),
    ("easycert host x --signas My", "easycert host x --signas My CA"),
    ("easycert --server www --signas iss", "easycert --server www --signas issuing"),
    ("easycert check www", "easycert check www.example.com"),
]


@pytest.mark.real
@pytest.mark.parametrize(("line", "completed"), [*LINES, ("easycert list --issuer=ro", "easycert list --issuer=root")])
def test_bash_completes(need: Callable[[str], str], environment: dict[str, str], line: str, completed: str) -> None:
    setup = 'eval "$(_EASYCERT_COMPLETE=source_bash easycert)"\n'
    shown = typed([need("bash"), "--norc", "-i"], environment, f"{setup}{line}{TAB_THEN_PRINT}exit\n")
    assert f"\nGOT {completed}" in shown.replace("\r", "")


@pytest.mark.real
@pytest.mark.parametrize(("line", "completed"), LINES)
def test_zsh_completes(need: Callable[[str], str], environment: dict[str, str], line: str, completed: str) -> None:
    setup = (
        "bindkey -e; unsetopt zle_bracketed_paste prompt_sp; autoload -Uz compinit; compinit -u -D\n"
        'eval "$(_EASYCERT_COMPLETE=source_zsh easycert)"\n'
    )
    shown = typed([need("zsh"), "-f", "-i"], environment, f"{setup}{line}{TAB_THEN_PRINT}exit\n")
    assert f"\nGOT {completed}" in shown.replace("\r", "")


@pytest.mark.real
@pytest.mark.parametrize(("line", "completed"), LINES)
def test_fish_completes(need: Callable[[str], str], environment: dict[str, str], line: str, completed: str) -> None:
    script = f'_EASYCERT_COMPLETE=source_fish easycert | source; complete --do-complete "{line}"'
    shown = subprocess.run(
        [need("fish"), "--no-config", "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    words = [word.partition("\t")[0] for word in shown.stdout.splitlines()]
    assert words == [completed.rpartition("My CA")[1] or completed.rpartition(" ")[2]]
