"""Several processes at once in one certificate directory: nobody loses, nobody lies (hazards E6 to E8)."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from easycert.certdir import CertDir
from easycert.ledger.records import Query
from easycert.pki.certificates import load_certificate
from easycert.pki.crl import crl_number, load_crl
from easycert.pki.encodings import Encoding
from easycert.pki.facts import fingerprint_of
from tests.cli.doors import Ended, went
from tests.cli.whole import assert_ledger_agrees

#: Holds the lock until its stdin is closed, and says when it has it.
HOLDER = """
import sys
import time
from easycert.store.files import FileStore
with FileStore([sys.argv[1]]).transaction():
    print("held", flush=True)
    sys.stdin.read()
"""

#: Opens the ledger as an easycert would that has one more migration.
FUTURE = """
import sys
from easycert.ledger import migrations, sqlite, upgrade
step = ("0003-a-test", ("ALTER TABLE entries ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'",))
sqlite.MIGRATIONS = upgrade.MIGRATIONS = (*migrations.MIGRATIONS, step)
connection = sqlite.SqliteLedger(sys.argv[1])._reading()
colours = {colour for (colour,) in connection.execute("SELECT colour FROM entries")}
(steps,) = connection.execute("SELECT count(*) FROM migrations WHERE name = '0003-a-test'").fetchone()
print(len(colours), *colours, steps)
"""


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    """Return a certificate directory with one CA, root."""
    assert went("ca", "root", f"--certdir={tmp_path / 'certs'}").code == 0
    return tmp_path / "certs"


def at_once(certs: Path, commands: Sequence[Sequence[str]]) -> list[Ended]:
    """Start a process for each command, all of them before any is waited for."""
    argv = [sys.executable, "-m", "easycert"]
    started = [
        subprocess.Popen(
            [*argv, *command, "--certdir", str(certs)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for command in commands
    ]
    return [Ended(process.wait(), *_output(process)) for process in started]


def _output(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        return process.stdout.read(), process.stderr.read()


@contextmanager
def held(certs: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the lock."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(certs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    with holder.stdout, holder.stdin:
        assert holder.stdout.readline() == "held\n"
        yield holder
    holder.wait()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["host", "a.example", "--signas=root"], "exists already"),
        (["--code", "a.example", "--csr"], "file exists: "),
    ],
)
def test_of_processes_that_make_one_name_exactly_one_wins(certs: Path, command: list[str], said: str) -> None:
    ended = at_once(certs, [command] * 4)
    assert sorted(one.code for one in ended) == [0, 1, 1, 1]
    assert all(said in one.stdout + one.stderr for one in ended if one.code)
    if command[0] == "host":
        assert went("verify", "a.example", f"--certdir={certs}").code == 0


def test_processes_that_make_different_names_under_one_ca_all_succeed(certs: Path) -> None:
    ended = at_once(certs, [["host", f"h{number}.example", "--signas=root"] for number in range(6)])
    assert [one.code for one in ended] == [0] * 6, ended
    made = [load_certificate(path.read_bytes(), "it") for path in (certs / "hosts").glob("*.crt")]
    assert len({certificate.serial_number for certificate in made}) == 6


def test_processes_that_begin_in_a_directory_that_is_not_there_all_succeed(tmp_path: Path) -> None:
    ended = at_once(tmp_path / "new" / "certs", [["ca", f"ca{number}"] for number in range(4)])
    assert [one.code for one in ended] == [0] * 4, ended
    assert len(list((tmp_path / "new/certs/cas").iterdir())) == 8


@pytest.mark.parametrize("door", [["--server", "--revokeas", "root"], ["revoke", "--output=json"]])
def test_revocations_at_once_lose_none_and_each_has_its_number(certs: Path, door: list[str]) -> None:
    """Synapse's own tool keeps one of four, and reports success four times."""
    names = [f"h{number}.example" for number in range(4)]
    assert went("host", *names, "--signas=root", f"--certdir={certs}").code == 0
    begin = int(time.time())
    ended = at_once(certs, [[*door, name] for name in names])
    assert [one.code for one in ended] == [0] * 4, ended
    crl = load_crl((certs / "crls/root.crl").read_bytes(), "it")
    revoked = {load_certificate((certs / f"hosts/{name}.crt").read_bytes(), "it").serial_number for name in names}
    assert {entry.serial_number for entry in crl} == revoked
    assert crl_number(crl) >= begin + 3
    if door[0] == "revoke":
        numbers = {json.loads(one.stdout)["revocations"][0]["number"] for one in ended}
        assert len(numbers) == 4
        assert max(numbers) == crl_number(crl)


def test_writers_and_readers_of_the_ledger_get_on(certs: Path) -> None:
    names = [f"r{number}.example" for number in range(3)]
    assert went("host", *names, "--signas=root", f"--certdir={certs}").code == 0
    before = CertDir.open(certs).ledger.head().number
    writers = [["host", f"h{number}.example", "--signas=root"] for number in range(4)]
    writers += [["revoke", name] for name in names]
    readers = [["list"], ["ledger", "verify"], ["ledger", "log"]]
    commands = [*writers[:3], *readers, *writers[3:], *readers]
    ended = at_once(certs, [[*command, "--lock-timeout=300"] for command in commands])
    assert [one.code for one in ended] == [0] * len(commands), ended
    assert_ledger_agrees(certs)
    ledger = CertDir.open(certs).ledger
    assert len(ledger.revocations()) == 3
    # Each host is meant and issued; each revocation is one entry, and the CRL that tells it another.
    assert ledger.head().number == before + 4 * 2 + 3 * 2
    ledger.close()


def test_a_ledger_is_made_again_while_others_write_and_read(certs: Path) -> None:
    hosts = [["host", f"h{number}.example", "--signas=root"] for number in range(3)]
    again = ["ledger", "rebuild"]
    commands = [hosts[0], again, ["list"], hosts[1], ["ledger", "verify"], again, hosts[2], ["list"]]
    ended = at_once(certs, [[*command, "--lock-timeout=300"] for command in commands])
    assert [one.code for one in ended] == [0] * len(commands), ended
    assert_ledger_agrees(certs)
    origins = {record.name: record.origin for record in CertDir.open(certs).ledger.records()}
    assert origins == dict.fromkeys(["root", "h0.example", "h1.example", "h2.example"], "fresh")
    kept = (certs / ".easycert").glob("ledger.sqlite.replaced-*")
    # A reader that had one open kept SQLite's files beside it, which went along with it.
    assert len([path for path in kept if not path.name.endswith(("-wal", "-shm"))]) == 2


def test_an_older_ledger_is_brought_up_to_date_once_by_processes_at_once(certs: Path, tmp_path: Path) -> None:
    future = tmp_path / "future.py"
    future.write_text(FUTURE)
    argv = [sys.executable, str(future), str(certs / ".easycert" / "ledger.sqlite")]
    started = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert {process.communicate()[0] for process in started} == {"1 blue 1\n"}
    kept = certs / ".easycert" / "ledger.sqlite.before-0003-a-test"
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert not list((certs / ".easycert").glob("*.draft*"))


def test_one_request_signed_by_several_processes_is_signed_once(certs: Path, tmp_path: Path) -> None:
    assert went("csr", "host", "a.example", f"--certdir={tmp_path / 'elsewhere'}").code == 0
    request = str(tmp_path / "elsewhere/hosts/a.example.csr")
    ended = at_once(certs, [["sign", request, "--signas=root"]] * 3)
    assert sorted(one.code for one in ended) == [0, 1, 1], ended


@pytest.mark.parametrize("names", [[], ["h0.example", "h1.example", "h2.example"]], ids=["all", "named"])
def test_of_processes_that_renew_what_is_due_each_certificate_is_renewed_once(certs: Path, names: list[str]) -> None:
    hosts = [f"h{number}.example" for number in range(3)]
    begin = (datetime.now(UTC) - timedelta(days=80)).date().isoformat()
    life = [f"--not-before={begin}", "--days=90"]
    assert went("host", *hosts, "--signas=root", *life, f"--certdir={certs}").code == 0
    hook = ["--deploy-hook", f'printf "%s\\n" "$EASYCERT_RENEWED" >> {certs}/told']
    before = {name: load_certificate((certs / f"hosts/{name}.crt").read_bytes(), name) for name in hosts}
    ended = at_once(certs, [["renew", *names, "--due", *hook, "--lock-timeout=60"]] * 3)
    assert [one.code for one in ended] == [0] * 3, ended
    ledger = CertDir.open(certs).ledger
    for name in hosts:
        new, old = ledger.records(Query(kind="host", name=name))
        assert new.renewal_of == old.fingerprint == fingerprint_of(before[name].public_bytes(Encoding.DER))
    ledger.close()
    assert sorted((certs / "told").read_text().split()) == hosts


def test_a_writer_that_waited_long_enough_names_the_holder(certs: Path) -> None:
    with held(certs) as holder:
        ended = went("host", "a.example", "--lock-timeout=0", f"--certdir={certs}")
    assert ended.code == 1
    assert f"locked by pid {holder.pid}" in ended.stderr
    assert "hint: wait for the other command" in ended.stderr
    assert not (certs / "hosts").exists()


def test_a_writer_waits_for_another(certs: Path) -> None:
    command = [sys.executable, "-m", "easycert", "host", "a.example", "--lock-timeout=60", "--certdir", str(certs)]
    with held(certs):
        waiting = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.5)
    assert waiting.wait(30) == 0


@pytest.mark.parametrize("argv", [["list"], ["tree"], ["show", "root"], ["verify", "root"]])
def test_readers_wait_for_nobody(certs: Path, argv: list[str]) -> None:
    with held(certs):
        assert went(*argv, f"--certdir={certs}").code == 0


def test_the_lock_ends_with_its_holder_however_that_ends(certs: Path) -> None:
    with held(certs) as holder:
        os.kill(holder.pid, signal.SIGKILL)
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
        assert went("host", "a.example", "--lock-timeout=0", f"--certdir={certs}").code == 0


def test_exports_and_renewals_at_once_leave_the_newest_certificate_in_place(certs: Path, tmp_path: Path) -> None:
    assert went("host", "a.example", "--signas=root", f"--certdir={certs}").code == 0
    export = ["export", "a.example", "--for=nginx", f"--to={tmp_path / 'tls'}", "-q"]
    ended = at_once(certs, [export, ["renew", "a.example", "-q"], export, ["renew", "a.example", "-q"]])
    assert {one.code for one in ended} == {0}, ended
    assert went("export", "--check", f"--certdir={certs}") == Ended(0, "", "")
    assert (tmp_path / "tls" / "fullchain.pem").read_bytes() == (certs / "hosts" / "a.example.crt").read_bytes()
    assert_ledger_agrees(certs)
