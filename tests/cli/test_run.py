"""``run`` as a process: what the command sees, how it ends, what it inherits, and what is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from easycert.trust.variables import CLIENT_VARIABLES, JAVA, VARIABLES
from tests.cli.doors import snapshot, went
from tests.daemons import wait_until

WITHIN = 60.0
FORMS = ([], ["--ephemeral"])
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"

Runner = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def none_of_the_machines_own(monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    """Take away what this machine says about roots, and put temporary directories where the test can look."""
    for variable in (*VARIABLES, JAVA, *CLIENT_VARIABLES):
        monkeypatch.delenv(variable.name, raising=False)
    (own_home / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(own_home / "tmp"))


@pytest.fixture
def run(own_home: Path) -> Runner:
    """Return a function that runs ``easycert run`` in a directory that has a CA."""
    assert went("ca", "root", "-q").code == 0

    def runner(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "easycert", "run", *words]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=own_home, **options)  # type: ignore[call-overload]
        assert "Traceback" not in done.stderr
        return done  # type: ignore[no-any-return]

    return runner


def left_over(home: Path) -> list[str]:
    """Return what is in the directory for temporary files."""
    return os.listdir(home / "tmp")


@pytest.mark.parametrize("form", FORMS)
def test_the_command_sees_the_variables_and_its_own_arguments(run: Runner, own_home: Path, form: list[str]) -> None:
    done = run(*form, "--", sys.executable, "-c", f"import sys; print(sys.argv[1:]); {SHOW}", "-q", "--ca", "x", "--")
    arguments, variables = done.stdout.splitlines()
    assert arguments == "['-q', '--ca', 'x', '--']"
    shown = json.loads(variables)
    for variable in VARIABLES:
        assert (variable.name in shown) != variable.only_if_set
    assert done.stderr == ""
    assert left_over(own_home) == []


def test_two_hyphens_are_not_needed(run: Runner) -> None:
    assert run("sh", "-c", "echo $0 $1", "-q", "--help").stdout == "-q --help\n"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 255", 255)])
def test_the_exit_code_is_that_of_the_command(run: Runner, form: list[str], script: str, code: int) -> None:
    assert run(*form, "--", "sh", "-c", script).returncode == code


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_a_signal_ends_ends_as_a_shell_says(
    run: Runner, own_home: Path, form: list[str], number: signal.Signals
) -> None:
    """The number and 128: as an exit code, or because this process was ended by the same signal."""
    done = run(*form, "--", "sh", "-c", f"kill -{int(number)} $$")
    assert done.returncode in (128 + number, -number)
    assert left_over(own_home) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_command_that_is_not_there_is_127_and_one_that_cannot_be_run_126(
    run: Runner, own_home: Path, form: list[str]
) -> None:
    (own_home / "file").write_text("")
    missing, forbidden, empty = (run(*form, "--", name) for name in ("no-such-command", "./file", ""))
    assert (empty.returncode, empty.stderr) == (127, "error: cannot run '': its name is empty\n")
    assert (missing.returncode, missing.stderr) == (
        127,
        "error: cannot run no-such-command: No such file or directory\n",
    )
    assert (forbidden.returncode, forbidden.stderr) == (126, "error: cannot run ./file: Permission denied\n")
    assert left_over(own_home) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_script_without_its_first_line_is_run_by_the_shell(run: Runner, own_home: Path, form: list[str]) -> None:
    (own_home / "script").write_text('echo "script got $1"\n')
    (own_home / "script").chmod(0o755)
    assert run(*form, "--", "./script", "this").stdout == "script got this\n"


@pytest.mark.parametrize("form", FORMS)
def test_the_command_reads_our_stdin(run: Runner, form: list[str]) -> None:
    assert run(*form, "--", "cat", input="said\n").stdout == "said\n"


@pytest.mark.parametrize("form", FORMS)
def test_the_command_has_the_signals_and_limits_of_the_caller(run: Runner, form: list[str]) -> None:
    """Python ignores SIGPIPE, we catch SIGTERM and forbid core dumps: none of that is the command's business."""
    script = "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status; ulimit -Sc; ulimit -Hc"
    plain = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    of_the_c_library = "0000000180000000"  # posix_spawn(3) of glibc ignores its two own signals
    ran = run(*form, "--", "sh", "-c", script).stdout.replace(of_the_c_library, "0" * 16)
    assert ran == plain.stdout


@pytest.mark.parametrize("form", FORMS)
def test_what_the_caller_ignores_the_command_ignores(own_home: Path, run: Runner, form: list[str]) -> None:
    """That is what nohup asks for."""
    script = f"trap '' HUP; exec {sys.executable} -m easycert run {' '.join(form)} -- grep SigIgn /proc/self/status"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[1], 16) & 1


@pytest.mark.parametrize("form", FORMS)
def test_a_passphrase_never_reaches_the_command(run: Runner, form: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.set_inheritable(read, True)
    for name, value in (("", "secret"), ("_FILE", "/secret"), ("_FD", str(read))):
        monkeypatch.setenv(f"EASYCERT_PASSPHRASE{name}", value)
    script = f"env | grep PASSPHRASE; test -e /proc/self/fd/{read} && echo descriptor; true"
    done = run(*form, "--", "sh", "-c", script, pass_fds=[read])
    os.close(read)
    os.close(write)
    assert done.stdout == ""


def test_without_a_ca_nothing_is_run(own_home: Path) -> None:
    ended = went("run", "--", "sh", "-c", "touch ran")
    assert ended.code == 1
    assert ended.stderr.startswith("error: there is no CA to trust in ")
    assert not (own_home / ".cache").exists()


def test_the_certificate_directory_is_only_read(run: Runner, own_home: Path) -> None:
    certs = own_home / ".syn/certs"
    before = snapshot(certs)
    assert run("--", "true").returncode == 0
    assert run("--ephemeral", "--user", "ci", "--", "true").returncode == 0
    assert snapshot(certs) == before


def test_variables_that_said_something_else_are_told_and_quiet_is_quiet(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURL_CA_BUNDLE", "/corporate.pem")
    assert run("--", "true").stderr == "note: set anew, whatever it said before: CURL_CA_BUNDLE\n"
    assert run("-q", "--", "true").stderr == ""


# --- a PKI of its own -------------------------------------------------------------------------------------------------


def test_the_throw_away_pki_is_whole_private_and_gone_afterwards(run: Runner, own_home: Path) -> None:
    script = f"""
import os, stat, subprocess, sys
place = os.environ["EASYCERT_DIR"]
assert stat.S_IMODE(os.stat(os.path.dirname(place)).st_mode) == 0o700
for name in ("a.example", "b.example"):
    argv = [sys.executable, "-m", "easycert", "verify", name]
    subprocess.run(argv, check=True, stdout=sys.stderr)
for words in (["verify", "ci"], ["host", "c.example", "--signas", "ephemeral"], ["verify", "c.example"]):
    subprocess.run([sys.executable, "-m", "easycert", *words], check=True, stdout=sys.stderr)
{SHOW}"""
    form = ["--ephemeral", "--host", "a.example", "--host", "b.example", "--user", "ci"]
    done = run(*form, "--", sys.executable, "-c", script)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    place = shown["EASYCERT_DIR"]
    assert shown["SYN_CERT_DIR"] == place
    assert shown["EASYCERT_HOST_CERT_FILE"] == f"{place}/hosts/a.example.crt"
    assert shown["EASYCERT_HOST_KEY_FILE"] == f"{place}/hosts/a.example.key"
    assert shown["EASYCERT_USER_CERT_FILE"] == shown["PGSSLCERT"] == f"{place}/users/ci.crt"
    assert not Path(place).exists()
    assert left_over(own_home) == []
    assert not (own_home / ".cache").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_what_the_command_made_read_only_is_removed_too(run: Runner, own_home: Path) -> None:
    done = run("--ephemeral", "--", "sh", "-c", 'cd "$EASYCERT_DIR" && mkdir -p a/b && touch a/b/c && chmod 500 a a/b')
    assert (done.returncode, done.stderr) == (0, "")
    assert left_over(own_home) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "a.example"], "goes with --ephemeral only"),
        (["--user", "ci"], "goes with --ephemeral only"),
        (["--ephemeral", "--ca", "root"], "cannot stand beside --ephemeral"),
        (["--ephemeral", "--cert", "ci"], "cannot stand beside --ephemeral"),
        (["--ephemeral", "--host", "not a host"], "is not a DNS name"),
    ],
)
def test_what_does_not_fit_together_is_refused(own_home: Path, words: list[str], said: str) -> None:
    ended = went("run", *words, "--", "true")
    assert ended.code == 2
    assert said in ended.stderr
    assert left_over(own_home) == []


@pytest.mark.parametrize("form", FORMS)
def test_what_the_caller_ignores_ends_neither_the_command_nor_us(own_home: Path, form: list[str]) -> None:
    """As under nohup, or in the background of a script."""
    assert went("ca", "root", "-q").code == 0
    script = (
        "import os, signal\n"
        "ignored = [signal.getsignal(number) is signal.SIG_IGN for number in (signal.SIGINT, signal.SIGHUP)]\n"
        "print(*ignored, flush=True)\n"
        "input()\n"
        "print('still here')\n"
    )
    words = [sys.executable, "-m", "easycert", "run", *form, "--", sys.executable, "-c", script]
    argv = ["sh", "-c", """trap '' INT HUP; exec "$@" """, "sh", *words]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=own_home) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True True\n"
        for number in (signal.SIGINT, signal.SIGHUP):
            process.send_signal(number)
        assert process.communicate("\n", timeout=WITHIN)[0] == "still here\n"
        assert process.returncode == 0
    assert left_over(own_home) == []


@contextmanager
def begun(home: Path, script: str) -> Iterator[subprocess.Popen[str]]:
    """Run *script* (Python) under ``easycert run --ephemeral``, and go on when it has printed its first line."""
    argv = [sys.executable, "-m", "easycert", "run", "--ephemeral", "--", sys.executable, "-u", "-c", script]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=home, start_new_session=True
    ) as process:
        assert process.stdout is not None
        watchdog = threading.Timer(
            WITHIN, os.killpg, [process.pid, signal.SIGKILL]
        )  # else what hangs would hang the tests
        watchdog.start()
        try:
            assert process.stdout.readline() == "begun\n"
            yield process
        finally:
            watchdog.cancel()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_the_command_and_nothing_is_left(own_home: Path, number: signal.Signals) -> None:
    with begun(own_home, "import signal; print('begun'); signal.pause()") as process:
        assert len(left_over(own_home)) == 1
        process.send_signal(number)
        assert process.wait(60) in (-number, 128 + number)
    assert left_over(own_home) == []


def test_a_command_that_ends_in_its_own_time_is_waited_for(own_home: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
        "print('begun'); signal.sigwait([signal.SIGTERM])\n"
        "print(os.path.isdir(os.environ['EASYCERT_DIR'])); sys.exit(9)"
    )
    with begun(own_home, script) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert process.wait(60) == 9
    assert left_over(own_home) == []


def test_what_stops_goes_on_when_it_is_told_to(own_home: Path) -> None:
    script = "import os, signal; print('begun'); os.kill(os.getpid(), signal.SIGSTOP); print('on')"
    with begun(own_home, script) as process:
        child = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
        stat = Path(f"/proc/{child}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", stat.read_text)
        process.send_signal(signal.SIGCONT)
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        assert process.wait(60) == 0


def test_what_a_kill_left_behind_is_swept_by_the_next_and_nothing_else(run: Runner, own_home: Path) -> None:
    """Hazard F11."""
    (own_home / "tmp/easycert-ephemeral-link").symlink_to(own_home / ".syn")
    with begun(own_home, "print('begun'); input()") as living:
        with begun(own_home, "print('begun'); input()") as process:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(WITHIN)
        assert len(left_over(own_home)) == 3
        assert run("--ephemeral", "--", "true").returncode == 0
        assert len(left_over(own_home)) == 2
        os.killpg(living.pid, signal.SIGTERM)
        living.wait(WITHIN)
    assert left_over(own_home) == ["easycert-ephemeral-link"]
    assert (own_home / ".syn/certs/cas/root.key").exists()


def test_a_signal_while_the_pki_is_made_leaves_nothing(own_home: Path) -> None:
    slow = (
        "import sys, time\nfrom easycert.pki import keys\nfirst = keys.generate_many\n"
        "def generate_many(*given):\n    print('begun', flush=True)\n    time.sleep(600)\n"
        "keys.generate_many = generate_many\n"
        "from easycert.cli.entry import main\nmain()\n"
    )
    argv = [sys.executable, "-c", slow, "run", "--ephemeral", "--", "true"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        assert len(left_over(own_home)) == 1
        process.terminate()
        assert process.wait(60) == 143
    assert left_over(own_home) == []
