"""The deploy hook: what it is told, what it must not see, and that it can neither hang nor undo anything."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from easycert.errors import HookFailed
from easycert.model import Kind
from easycert.pki.names import SafeName
from easycert.workflows.deploy import Hook, run_hook
from easycert.workflows.renew.values import Renewed
from tests.daemons import wait_until
from tests.workflows.examples import directory, make


def renewed(*names: str, key: bool = True) -> list[Renewed]:
    """Return what a renewal of hosts returns; which certificate it is does not matter here."""
    issued = make(directory(), Kind.HOST, "www.example.com").certificate
    return [
        Renewed(
            kind=Kind.HOST,
            name=SafeName(name),
            old=issued,
            certificate=issued,
            certificate_path=f"/certs/hosts/{name}.crt",
            key_path=f"/certs/hosts/{name}.key" if key else None,
            new_key=True,
            old_revoked=False,
            notes=(),
        )
        for name in names
    ]


@pytest.fixture
def ran(tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs a hook and returns what it printed."""

    def run(command: str, *names: str, timeout: float = 30, **wishes: Any) -> str:
        path = tmp_path / "printed"
        with path.open("wb") as output:
            environment = {**os.environ, **wishes.pop("environment", {})}
            hook = Hook(command, environment, timeout, output.fileno())
            run_hook(hook, renewed(*(names or ("www.example.com",)), **wishes))
        return path.read_text()

    return run


def test_it_finds_names_and_paths_in_their_order(ran: Callable[..., str]) -> None:
    printed = ran('echo "$EASYCERT_RENEWED"; echo "$EASYCERT_RENEWED_PATHS"', "b.example", "a.example")
    assert printed.splitlines() == [
        "b.example",
        "a.example",
        "/certs/hosts/b.example.crt",
        "/certs/hosts/a.example.crt",
    ]


def test_a_name_with_a_space_is_one_line(ran: Callable[..., str]) -> None:
    assert ran('echo "$EASYCERT_RENEWED" | wc -l', "Build Pipeline", "a.example").strip() == "2"


def test_it_finds_a_list_that_is_gone_afterwards(ran: Callable[..., str]) -> None:
    printed = ran('echo "$EASYCERT_RENEWED_LIST"; stat -c %a "$EASYCERT_RENEWED_LIST"; cat "$EASYCERT_RENEWED_LIST"')
    path, mode, line = printed.splitlines()
    assert line == "host\twww.example.com\t/certs/hosts/www.example.com.crt\t/certs/hosts/www.example.com.key"
    assert mode == "600"
    assert not Path(path).exists()


def test_what_does_not_fit_into_an_environment_is_in_the_list(ran: Callable[..., str]) -> None:
    names = [f"host-{number:05}.example.com" for number in range(6000)]
    printed = ran('echo "[$EASYCERT_RENEWED][$EASYCERT_RENEWED_PATHS]"; wc -l < "$EASYCERT_RENEWED_LIST"', *names)
    assert printed.split() == ["[][]", "6000"]


def test_it_sees_no_passphrase_and_starts_no_further_hook(ran: Callable[..., str]) -> None:
    secret = {
        "EASYCERT_PASSPHRASE": "secret",
        "EASYCERT_DEPLOY_HOOK": "again",
        "EASYCERT_HOOK": "again",
        "EASYCERT_DIR": "/certs",
    }
    printed = ran("env", environment=secret)
    assert "secret" not in printed
    assert "EASYCERT_DEPLOY_HOOK" not in printed
    assert "EASYCERT_HOOK" not in printed
    assert "EASYCERT_DIR=/certs" in printed


def test_its_stdin_is_empty(ran: Callable[..., str]) -> None:
    assert ran("wc -c").strip() == "0"


def test_its_stderr_is_shown_too(ran: Callable[..., str]) -> None:
    assert ran("echo told; echo warned >&2").splitlines() == ["told", "warned"]


@pytest.mark.parametrize(
    ("command", "how"),
    [
        ("exit 3", "ended with exit status 3"),
        ("kill -TERM $$", "was ended by signal 15"),
        ("no-such-program-anywhere", "ended with exit status 127"),
    ],
)
def test_its_failure_is_told(ran: Callable[..., str], command: str, how: str) -> None:
    with pytest.raises(HookFailed) as caught:
        ran(command)
    assert caught.value.how == how
    assert str(caught.value).endswith("; the new files are in place")


@pytest.mark.parametrize(
    "command", ["sleep 600", "trap '' TERM; sleep 600 & sleep 600; wait"], ids=["kind", "stubborn"]
)
def test_one_that_hangs_is_ended_with_all_that_it_started(
    ran: Callable[..., str], tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("easycert.processes.GRACE", 0.2)
    with pytest.raises(HookFailed, match=r"took more than 2 s and was ended"):
        ran(f"echo $$ > {tmp_path}/group; {command}", timeout=2)
    group = int((tmp_path / "group").read_text())
    wait_until(lambda: not _alive(group), lambda: "what it started goes on")


def test_what_it_leaves_running_on_purpose_does_not_hold_it_up(ran: Callable[..., str], tmp_path: Path) -> None:
    """A server that a hook has started goes on, with the hook's output still open."""
    begin = time.monotonic()
    ran(f"sleep 600 & echo $! > {tmp_path}/server")
    assert time.monotonic() - begin < 30
    server = int((tmp_path / "server").read_text())
    os.kill(server, 0)
    os.kill(server, signal.SIGKILL)


def test_an_interrupt_ends_it_as_well(ran: Callable[..., str], tmp_path: Path) -> None:
    told = tmp_path / "fifo"
    os.mkfifo(told)

    def interrupt() -> None:
        group.append(int(told.read_text()))  # waits for the hook
        os.kill(os.getpid(), signal.SIGINT)

    group: list[int] = []
    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        ran(f"sleep 1; echo $$ > {told}; sleep 600")  # by then the hook is waited for
    thread.join()
    wait_until(lambda: not _alive(group[0]), lambda: "what it started goes on")


def test_a_command_with_a_NUL_cannot_be_started(ran: Callable[..., str]) -> None:
    with pytest.raises(HookFailed, match="cannot be started"):
        ran("echo \0")


def _alive(group: int) -> bool:
    """Return whether a process of *group* is there that is not dead and waiting to be reaped."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            return True
    return False
