"""``probe --starttls`` and the real servers: PostgreSQL, a mail server, and OpenLDAP, with and without TLS."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from easycert.cli import exits
from easycert.cli.entry import run
from tests.daemons import Daemon, free_port, running

pytestmark = [pytest.mark.real, pytest.mark.slow]

NAME = "localhost"
USER = "bob@example.com"
Need = Callable[[str], str]


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("starttls") / "certs"
    for words in (
        ("ca", "root"),
        ("ca", "issuing", "--signas", "root"),
        ("host", NAME, "--signas", "issuing"),
        ("user", USER, "--signas", "issuing"),
    ):
        assert run([*words, "--certdir", str(made), "-q"]) == exits.DONE
    authorities = [(made / name).read_text() for name in ("cas/root.crt", "cas/issuing.crt")]
    (made.parent / "clients.pem").write_text("".join(authorities))
    return made


@pytest.fixture
def ask(certs: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any], str]]:
    def asked(port: int, protocol: str, *options: str) -> tuple[int, dict[str, Any], str]:
        words = ["probe", f"127.0.0.1:{port}", "--servername", NAME, "--starttls", protocol, "-o", "json", *options]
        code = run([*words, "--certdir", str(certs)])
        printed = capsys.readouterr()
        return code, json.loads(printed.out)["probe"] if printed.out else {}, printed.err

    return asked


Ask = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def place(certs: Path) -> Iterator[Path]:
    """Return a directory that servers which do not run as root can read, with the host's files in it."""
    with tempfile.TemporaryDirectory(prefix="probe-") as name:
        folder = Path(name)
        shutil.copy(certs / f"hosts/{NAME}.crt", folder / "server.crt")
        shutil.copy(certs.parent / "clients.pem", folder / "root.crt")
        shutil.copy(certs / f"hosts/{NAME}.key", folder / "server.key")
        (folder / "server.key").chmod(0o600)
        folder.chmod(0o755)
        yield folder


def somebody() -> str | None:
    """Return whom PostgreSQL runs as where we are root, which it refuses."""
    return "postgres" if os.geteuid() == 0 else None


@pytest.fixture
def postgres(place: Path, need: Need) -> Callable[[str], Any]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    programs = found[-1].parent if found else Path(need("postgres")).parent
    user = somebody()
    owner = pwd.getpwnam(user).pw_uid if user else -1
    for path in (place, *place.iterdir()):
        os.chown(path, owner, -1)
    data = place / "data"
    words = [programs / "initdb", "-D", data, "--no-sync", "-A", "reject", "--locale=C", "-E", "UTF8"]
    subprocess.run(words, check=True, user=user, stdout=subprocess.DEVNULL, cwd=place)

    def start(settings: str) -> Any:
        port = free_port()
        common = f"port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n"
        (data / "postgresql.auto.conf").write_text(common + settings)
        return running([programs / "postgres", "-D", data], port=port, log=place / "log", user=user, cwd=place)

    return start


def test_postgresql_turns_to_tls_and_takes_a_users_certificate(
    postgres: Callable[[str], Any], place: Path, ask: Ask
) -> None:
    files = {"ssl_cert_file": "server.crt", "ssl_key_file": "server.key", "ssl_ca_file": "root.crt"}
    with postgres("ssl = on\n" + "".join(f"{key} = '{place / name}'\n" for key, name in files.items())) as server:
        code, told, _ = ask(server.port, "postgres", "--cert", USER)
        assert code == exits.DONE, told
        assert (told["starttls"], told["client"]["asked"], told["client"]["accepted"]) == ("postgres", True, True)
        assert told["client"]["authorities"] == ["CN=root", "CN=issuing"]
        assert [link["subject"] for link in told["chain"]] == [f"CN={NAME}", "CN=issuing"]
        without = ask(server.port, "postgres")
        assert without[0] == exits.DONE  # who must have one is asked for by pg_hba.conf, after TLS
        assert without[1]["client"]["presented"] is None
    with postgres("ssl = off\n") as server:
        code, _, said = ask(server.port, "postgres")
        assert code == exits.FAILED
        assert "PostgreSQL has TLS switched off" in said


def test_a_mail_server_turns_to_tls(certs: Path, need_module: Callable[[str], ModuleType], ask: Ask) -> None:
    controller = need_module("aiosmtpd.controller").Controller
    handler = need_module("aiosmtpd.handlers").Sink()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs / f"hosts/{NAME}.crt", certs / f"hosts/{NAME}.key")
    for tls, code, words in ((context, exits.DONE, ""), (None, exits.FAILED, "does not offer STARTTLS")):
        server = controller(handler, hostname="127.0.0.1", port=free_port(), tls_context=tls)
        server.start()
        try:
            found, told, said = ask(server.port, "smtp")
        finally:
            server.stop()
        assert found == code, said
        assert words in said
        if tls:
            assert [link["subject"] for link in told["chain"]] == [f"CN={NAME}", "CN=issuing"]


def slapd(place: Path, need: Need, tls: str) -> Any:
    port = free_port()
    need("slapd")
    schema = Path("/etc/ldap/schema/core.schema")
    if not schema.exists():
        pytest.skip("OpenLDAP's schemas are not where Debian has them")
    config = place / "slapd.conf"
    config.write_text(
        f"include {schema}\npidfile {place}/pid\n{tls}\ndatabase ldif\nsuffix dc=example\ndirectory {place}\n"
    )
    words = [need("slapd"), "-d", "0", "-h", f"ldap://127.0.0.1:{port}/", "-f", config]
    return running(words, port=port, log=place / "log", cwd=place)


def test_openldap_turns_to_tls_and_refuses_who_has_no_certificate(place: Path, need: Need, ask: Ask) -> None:
    files = f"TLSCertificateFile {place}/server.crt\nTLSCertificateKeyFile {place}/server.key\n"
    files += f"TLSCACertificateFile {place}/root.crt\nTLSVerifyClient demand\n"
    server: Daemon
    with slapd(place, need, files) as server:
        code, told, _ = ask(server.port, "ldap", "--cert", USER)
        assert code == exits.DONE, told
        assert told["client"]["accepted"] is True
        code, told, _ = ask(server.port, "ldap")
        assert code == exits.NOT_VERIFIED
        assert "wants a client certificate" in told["faults"][0]["rule"]
    with slapd(place, need, "") as server:
        code, _, said = ask(server.port, "ldap")
        assert code == exits.FAILED
        assert "the LDAP server refuses STARTTLS" in said


def test_the_wrong_protocol_is_told(place: Path, need: Need, ask: Ask) -> None:
    with slapd(place, need, "") as server:
        code, _, said = ask(server.port, "postgres", "--timeout", "5")
    assert code == exits.FAILED
    assert "cannot connect to 127.0.0.1" in said
