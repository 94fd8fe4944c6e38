"""The timer and the cron line of ``docs/renewing.md`` are what systemd and cron take, and they do their work."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.doors import went

PAGE = (Path(__file__).parents[2] / "docs" / "renewing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SERVICE = next(block for block in BLOCKS if "[Service]" in block)
TIMER = next(block for block in BLOCKS if "[Timer]" in block)
CRON = next(block for block in BLOCKS if re.search(r"^\d+ \d+ \* \* \* ", block, re.MULTILINE))
HOOK = next(block for block in BLOCKS if block.startswith("#!/bin/sh"))
INSTALLED = "/usr/local/bin/easycert"
RELOAD = '"systemctl reload nginx"'


@pytest.fixture
def certs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a certificate directory, which the environment names, with a host that is due."""
    monkeypatch.setenv("EASYCERT_DIR", str(tmp_path / "certs"))
    assert went("ca", "root").code == 0
    begin = (datetime.now(UTC) - timedelta(days=80)).date().isoformat()
    assert went("host", "www.example.com", "--signas=root", f"--not-before={begin}", "--days=90").code == 0
    return tmp_path / "certs"


@pytest.fixture
def easycert(tmp_path: Path) -> Path:
    """Return a program that is easycert, at a path of its own."""
    program = tmp_path / "easycert"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m easycert "$@"\n')
    program.chmod(0o755)
    return program


def unit(text: str) -> configparser.ConfigParser:
    """Return a systemd unit taken apart."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    return parser


def local(command: str, easycert: Path, told: Path) -> str:
    """Return a documented command line with the program and the hook that there are here."""
    assert command.count(INSTALLED) == 1
    assert command.count(RELOAD) == 1
    return command.replace(INSTALLED, str(easycert)).replace(RELOAD, f'"echo reloaded > {told}"')


@pytest.mark.real
def test_systemd_takes_both_units(need: Callable[[str], str], easycert: Path, tmp_path: Path) -> None:
    units = [tmp_path / f"easycert-renew.{name}" for name in ("service", "timer")]
    for path, text in zip(units, (SERVICE, TIMER), strict=True):
        path.write_text(text.replace(INSTALLED, str(easycert)))
        path.chmod(0o644)
    command = [need("systemd-analyze"), "verify", "--man=no", *map(str, units)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "easycert-renew" in line]
    assert ours == []
    assert done.returncode == 0, done.stderr


@pytest.mark.real
def test_systemd_understands_when(need: Callable[[str], str]) -> None:
    when = unit(TIMER)["Timer"]["OnCalendar"]
    command = [need("systemd-analyze"), "calendar", when]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Next elapse" in done.stdout


def test_the_timer_starts_the_service_of_its_name_and_makes_up_for_a_day_off() -> None:
    assert "easycert-renew.service" in PAGE
    assert "easycert-renew.timer" in PAGE
    timer = unit(TIMER)
    assert "Unit" not in timer["Timer"], "without it, the service of the same name is meant"
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Install"]["WantedBy"] == "timers.target"
    assert unit(SERVICE)["Service"]["Type"] == "oneshot"


def test_the_command_of_the_service_renews_what_is_due(certs: Path, easycert: Path, tmp_path: Path) -> None:
    """systemd's quoting of this line is the shell's: double quotes around one word."""
    command = local(unit(SERVICE)["Service"]["ExecStart"], easycert, tmp_path / "told")
    assert not set(command) & set("$%\\`;|&"), "nothing that systemd and a shell read differently"
    assert_renews(command, certs, tmp_path / "told")


def test_the_line_of_cron_renews_what_is_due(certs: Path, easycert: Path, tmp_path: Path) -> None:
    *variables, line = CRON.splitlines()
    assert all(re.fullmatch(r"[A-Z_]+=\S+", variable) for variable in variables)
    minute, hour, *days, user, command = re.split(r"\s+", line, maxsplit=6)
    assert 0 <= int(minute) < 60
    assert 0 <= int(hour) < 24
    assert days == ["*", "*", "*"]
    assert user == "root", "a line in /etc/cron.d names a user"
    assert "%" not in command, "cron would make a newline of it"
    assert_renews(local(command, easycert, tmp_path / "told"), certs, tmp_path / "told")


def assert_renews(command: str, certs: Path, told: Path) -> None:
    """Assert that *command*, given to sh, renews what is due, tells so once, and finds nothing to do the next time."""
    before = (certs / "hosts/www.example.com.crt").read_bytes()
    for is_due in (True, False):
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert (certs / "hosts/www.example.com.crt").read_bytes() != before
        assert told.exists() is is_due
        told.unlink(missing_ok=True)


def test_the_hook_for_several_servers_reloads_those_that_are_concerned(tmp_path: Path) -> None:
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/told\n')
    systemctl.chmod(0o755)
    listed = tmp_path / "list"
    listed.write_text(
        "host\tdb.example.com\t/certs/hosts/db.example.com.crt\t/certs/hosts/db.example.com.key\n"
        "user\twww.example.com\t/certs/users/www.example.com.crt\t\n"
    )
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "EASYCERT_RENEWED_LIST": str(listed)}
    subprocess.run(["/bin/sh", "-c", HOOK], env=environment, check=True)
    assert (tmp_path / "told").read_text() == "reload postgresql\n"
