"""Real servers go on serving: what they read is written again by a renewal, and its hook has them read that."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.doors import went
from tests.daemons import free_port, running, wait_until

pytestmark = [pytest.mark.real, pytest.mark.slow]
Need = Callable[[str], str]
HOST = "www.example.com"
#: PostgreSQL's SSLRequest, and the answer that it begins.
SSL_REQUEST, SSL_YES = bytes.fromhex("0000000804d2162f"), b"S"


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a directory that other users can reach, unlike pytest's own, with certificates in it."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        for words in ("ca root", "ca issuing --signas root", f"host {HOST} --signas issuing"):
            assert went(*words.split(), f"--certdir={top / 'certs'}").code == 0
        yield top


def exported(place: Path, *words: str) -> str:
    """Export the host's certificate and return the configuration that goes with it."""
    ended = went("export", HOST, *words, f"--to={place / 'tls'}", "-o", "json", f"--certdir={place / 'certs'}")
    assert ended.code == 0, ended
    return str(json.loads(ended.stdout)["exported"][0]["snippet"])


def serial(place: Path, port: int, question: bytes = b"", answer: bytes = b"") -> int:
    """Return the serial number of the certificate that a server shows, which must verify."""
    context = ssl.create_default_context(cafile=place / "certs" / "cas" / "root.crt")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        if question:
            plain.sendall(question)
            assert plain.recv(len(answer)) == answer
        with context.wrap_socket(plain, server_hostname=HOST) as connection:
            shown = connection.getpeercert()
            assert shown is not None
            return int(str(shown["serialNumber"]), 16)


def assert_goes_on(place: Path, shown: Callable[[], int], log: Callable[[], str]) -> None:
    """Renew the certificate, and wait until the server shows it."""
    before = shown()
    ended = went("renew", HOST, "-q", f"--certdir={place / 'certs'}")
    assert ended.code == 0, ended
    wait_until(lambda: shown() != before, log)
    assert went("export", "--check", f"--certdir={place / 'certs'}").code == 0


def test_nginx_serves_the_renewed_certificate_after_its_hook(place: Path, need: Need) -> None:
    nginx, config, port = need("nginx"), place / "nginx.conf", free_port()
    snippet = exported(place, "--for=nginx", f"--hook={nginx} -p {place}/ -c {config} -s reload")
    site = snippet.replace("listen 443", f"listen 127.0.0.1:{port}").replace("ssl_verify_client on", "return 200")
    scratch = "".join(f"{kind}_temp_path t-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config.write_text(
        f"daemon off; pid nginx.pid; error_log stderr; events {{}} http {{ access_log off; {scratch} {site} }}"
    )
    with running([nginx, "-p", f"{place}/", "-c", config], port=port, log=place / "log") as server:
        assert_goes_on(place, lambda: serial(place, port), lambda: server.output)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become PostgreSQL's user")
@pytest.mark.parametrize(
    "whose", [("--owner=postgres", "--group=postgres"), ("--group=postgres",)], ids=["its own", "its group's"]
)
def test_postgresql_takes_keys_of_its_own_and_keys_that_its_group_may_read(
    place: Path, need: Need, whose: tuple[str, ...]
) -> None:
    """It refuses a key that others can read, and one of its own that its group can."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    programs = found[-1].parent if found else Path(need("postgres")).parent
    data, port = place / "data", free_port()
    snippet = exported(place, "--for=postgresql", f"--hook=kill -HUP $(head -n 1 {data}/postmaster.pid)", *whose)
    data.mkdir()
    shutil.chown(data, "postgres", "postgres")
    initdb = [programs / "initdb", "-D", data, "--no-sync", "-A", "reject", "-E", "UTF8", "--locale=C"]
    subprocess.run(initdb, check=True, user="postgres", group="postgres", stdout=subprocess.DEVNULL, cwd=place)
    with (data / "postgresql.conf").open("a") as config:
        config.write(f"\nport = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n{snippet}")
    argv = [programs / "postgres", "-D", data]
    with running(argv, port=port, log=place / "log", user="postgres", cwd=place) as server:
        assert_goes_on(place, lambda: serial(place, port, SSL_REQUEST, SSL_YES), lambda: server.output)
