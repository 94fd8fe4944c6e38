"""The process as a whole: which door, how it ends, and what it does when its terminal is odd or gone."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from easycert.cli import exits
from easycert.cli.entry import run
from tests.cli.doors import went

EASYCERT = (sys.executable, "-m", "easycert")
Process = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """Return ``process(*argv, **environment)``: a real process in ``tmp_path``, its certificate directory ``certs``."""

    def start(*argv: str, shell: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {**os.environ, "EASYCERT_DIR": str(tmp_path / "certs"), **environment}
        command: Sequence[str] = [*EASYCERT, *argv]
        if shell:
            command = ["sh", "-c", f'"$@" {shell}', "sh", *command]
        return subprocess.run(
            command, env=variables, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False, timeout=60
        )

    return start


def assert_no_traceback(done: subprocess.CompletedProcess[str]) -> None:
    assert "Traceback" not in done.stdout + done.stderr
    assert "easycert has a fault" not in done.stdout + done.stderr


# --- which door -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [[], ["--help"], ["--version"], ["ca", "--help"], ["list"]])
def test_these_open_the_door_of_the_subcommands(argv: list[str]) -> None:
    ended = went(*argv)
    assert ended.code == 0
    assert "--importfile" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("argv", [["-h"], ["--ca", "-h"], ["name", "-h"], ["--certdir=x", "ca", "-h"]])
def test_these_open_the_door_of_the_flag_form(argv: list[str]) -> None:
    ended = went(*argv)
    assert ended.code == 0
    assert "--importfile" in ended.stdout


def test_the_version_is_printed() -> None:
    from easycert import __version__

    assert went("--version").stdout == f"easycert {__version__}\n"


def test_run_returns_a_code_whatever_happens() -> None:
    assert [run(argv) for argv in (["--nonsense"], ["ca", "--nonsense"], ["ca", "../x"])] == [2, 2, 2]


def test_every_exit_code_in_the_help_is_one_of_ours() -> None:
    assert set(exits.MEANINGS) >= {exits.DONE, exits.FAILED, exits.USAGE, exits.NOT_VERIFIED}


@pytest.mark.parametrize("error", [KeyError("a secret"), RecursionError(), AssertionError("a secret")])
@pytest.mark.parametrize("argv", [["ca", "one"], ["--ca", "one"]])
def test_a_fault_of_our_own_is_one_sentence_without_its_facts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, argv: list[str]
) -> None:
    def fail(*_: object) -> Any:
        raise error

    monkeypatch.setattr("easycert.pki.keys.generate", fail)
    ended = went(*argv, f"--certdir={tmp_path}/certs")
    said = ended.stdout + ended.stderr
    assert ended.code == 1
    assert len(said.splitlines()) == 1
    assert "secret" not in said


@pytest.mark.parametrize("argv", [["ca", "one"], ["--ca", "one"]])
def test_no_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, argv: list[str]) -> None:
    def fail(*_: object) -> Any:
        raise MemoryError

    monkeypatch.setattr("easycert.pki.keys.generate", fail)
    ended = went(*argv, f"--certdir={tmp_path}/certs")
    assert (ended.code, ended.stderr) == (1, "error: the system refused to go on: out of memory\n")
    assert not (tmp_path / "certs").exists()


# --- signals ----------------------------------------------------------------------------------------------------------

#: Runs easycert with a key that takes for ever, and says when it has begun to make it.
SLOW = """
import sys, time
from easycert.pki import keys
def generate(_):
    print("begun", flush=True)
    time.sleep(600)
keys.generate = generate
from easycert.cli.entry import main
main()
"""


@pytest.mark.parametrize(
    ("sent", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
@pytest.mark.parametrize("argv", [["ca", "one", "--certdir=certs"], ["--ca", "one", "--certdir=certs"]])
def test_a_signal_ends_it_at_once_with_its_code_and_leaves_nothing(
    tmp_path: Path, sent: signal.Signals, code: int, argv: list[str]
) -> None:
    command = [sys.executable, "-c", SLOW, *argv]
    started = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "begun\n"
    started.send_signal(sent)
    _, said = started.communicate(timeout=30)
    assert started.returncode == code
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


# --- streams ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [("ca", "one"), ("--csr", "one"), ("list",)])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_keep_nothing_from_being_done(process: Process, argv: tuple[str, ...], closed: str) -> None:
    done = process(*argv, shell=closed)
    assert done.returncode == 0
    assert_no_traceback(done)


def test_no_key_ends_up_where_a_closed_stream_was(process: Process, tmp_path: Path) -> None:
    """A file that is opened takes the lowest free number: that of a closed standard stream, if there is one."""
    process("ca", "one", shell="<&- >&- 2>&-")
    assert (tmp_path / "certs/cas/one.key").read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert (tmp_path / "certs/cas/one.key").read_bytes().endswith(b"-----END PRIVATE KEY-----\n")


@pytest.mark.parametrize("argv", [("ca", "one"), ("--csr", "one"), ("--version",)])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_behind_stdout_is_said_and_fails(process: Process, argv: tuple[str, ...], unbuffered: str) -> None:
    done = process(*argv, shell=">/dev/full", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    assert_no_traceback(done)
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize("argv", [("ca", "one"), ("--csr", "one"), ("--help",)])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_is_no_traceback(process: Process, argv: tuple[str, ...], unbuffered: str) -> None:
    done = process(*argv, shell="| true", PYTHONUNBUFFERED=unbuffered)
    assert_no_traceback(done)
    assert done.stderr == ""


def test_what_was_made_is_there_when_the_reader_has_gone(process: Process, tmp_path: Path) -> None:
    process("ca", "one", shell="| true")
    assert {path.name for path in (tmp_path / "certs/cas").iterdir()} == {"one.key", "one.crt"}


# --- locales ----------------------------------------------------------------------------------------------------------

PLAIN_C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("variables", [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C"}])
def test_a_name_that_the_terminal_cannot_show_is_made_all_the_same(
    process: Process, tmp_path: Path, variables: dict[str, str]
) -> None:
    done = process("host", "日本.example", **variables)
    assert done.returncode == 0
    assert_no_traceback(done)
    assert (tmp_path / "certs/hosts/xn--wgv71a.example.crt").exists()


@pytest.mark.parametrize("argv", [("host", "bücher.example"), ("--server", "bücher.example"), ("show", "bücher")])
def test_a_locale_without_unicode_is_no_traceback(process: Process, argv: tuple[str, ...]) -> None:
    done = process(*argv, **PLAIN_C)
    assert done.returncode in (1, 2)
    assert_no_traceback(done)


def test_bytes_that_are_no_text_are_refused_and_escaped(process: Process) -> None:
    done = process("host", os.fsdecode(b"caf\xe9.example"))
    assert done.returncode == 2
    assert "\\udce9" in done.stderr


def test_a_directory_whose_name_is_no_text_works(process: Process, tmp_path: Path) -> None:
    certs = os.fsdecode(b"caf\xe9")
    for argv in (("ca", "one"), ("--ca", "one"), ("list",)):
        assert_no_traceback(process(*argv, "--certdir", certs))
    assert (Path(os.fsdecode(os.fsencode(tmp_path))) / certs / "cas/one.crt").exists()


def test_a_passphrase_that_is_no_text_is_taken_as_it_is(process: Process, tmp_path: Path) -> None:
    process("ca", "one")
    done = process("import", "certs/cas/one.crt", "certs/cas/one.key", EASYCERT_PASSPHRASE=os.fsdecode(b"caf\xe9"))
    assert done.returncode == 0
    assert_no_traceback(done)


# --- options from the environment, and limits -------------------------------------------------------------------------


def test_each_option_has_a_variable(process: Process, tmp_path: Path) -> None:
    process("ca", "root")
    done = process("host", "a.example", EASYCERT_SIGNAS="root", EASYCERT_DAYS="3", EASYCERT_OUTPUT="json")
    assert done.returncode == 0
    (made,) = json.loads(done.stdout)["issued"]
    assert "root" in made["issuer"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("EASYCERT_DAYS", "x"),
        ("EASYCERT_KEY_TYPE", "../x"),
        ("EASYCERT_PROFILE", "\x1b[2J"),
        ("EASYCERT_SIGNAS", "../x"),
    ],
)
def test_a_hostile_variable_is_refused(process: Process, tmp_path: Path, variable: str, value: str) -> None:
    done = process("host", "a.example", **{variable: value})
    assert done.returncode == 2
    assert all(line.isprintable() for line in done.stderr.splitlines())
    assert not (tmp_path / "certs").exists()


@pytest.mark.parametrize("limit", [6, 8, 10, 12])
@pytest.mark.parametrize("argv", [("ca", "one"), ("--csr", "one")])
def test_few_file_descriptors_are_enough_or_refused(tmp_path: Path, argv: tuple[str, ...], limit: int) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    done = subprocess.run(
        [*EASYCERT, *argv, "--certdir", str(tmp_path / "certs")],
        preexec_fn=limited,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode in (0, 1)
    assert_no_traceback(done)
    if done.returncode:  # the ledger may say that something was meant to be signed; nothing was
        assert list((tmp_path / "certs").rglob("*.crt")) + list((tmp_path / "certs").rglob("*.key")) == []


def test_a_core_dump_is_impossible(tmp_path: Path) -> None:
    child = (
        "import resource\nfrom easycert.cli import entry\nentry._prepare()\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    assert done.stdout == f"(0, {hard})\n"


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    """Hazard F7."""
    before = os.umask(umask)
    try:
        ended = went("ca", "one", f"--certdir={tmp_path}/certs")
    finally:
        os.umask(before)
    assert ended.code == 0
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "certs").rglob("*")}
    assert (modes["one.key"], modes["one.crt"], modes["cas"]) == (0o600, 0o644, 0o700)
    assert (tmp_path / "certs").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("mode", "said"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_key_that_others_could_read_before_it_was_imported_is_reported(tmp_path: Path, mode: int, said: bool) -> None:
    """Hazard C4; the copy is private in any case."""
    assert went("user", "alice", f"--certdir={tmp_path}/there").code == 0
    source = tmp_path / "there/users/alice"
    source.with_suffix(".key").chmod(mode)
    files = [f"{source}.crt", f"{source}.key"]
    ended = went("import", *files, f"--certdir={tmp_path}/here")
    assert ended.code == 0
    assert ("that others can read" in ended.stderr) == said
    assert (tmp_path / "here/users/alice.key").stat().st_mode & 0o777 == 0o600


def test_no_output_holds_a_private_key(tmp_path: Path) -> None:
    """Hazard F9: neither text nor JSON nor an error."""
    certs = f"--certdir={tmp_path}/certs"
    said = []
    for argv in (
        ["ca", "root", "-o", "json"],
        ["user", "alice", "--signas=root"],
        ["--p12", "alice"],
        ["show", str(tmp_path / "certs/cas/root.key")],
        ["show", str(tmp_path / "certs/cas/root.key"), "-o", "json"],
        ["show", str(tmp_path / "certs/cas/root.key"), "--pem"],
        ["show", str(tmp_path / "certs/users/alice.p12"), "-o", "json"],
        ["sign", str(tmp_path / "certs/cas/root.key"), "--signas=root"],
        ["--sign-csr", str(tmp_path / "certs/cas/root.key"), "--signas=root"],
        ["list", "-o", "json"],
    ):
        ended = went(*argv, certs)
        said.append(ended.stdout + ended.stderr)
    lines = (tmp_path / "certs/cas/root.key").read_text().splitlines()[1:-1]
    assert not any(line in text for line in lines for text in said)
    assert not any("PRIVATE KEY-----" in text for text in said)
