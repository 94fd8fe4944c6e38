"""Real programs against our own server, each of which fails without ``easycert run`` and works under it.

The server has a host certificate of the directory, for ``localhost``; the programs find the CA by variables alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from easycert.trust.variables import CLIENT_VARIABLES, JAVA, VARIABLES
from tests.daemons import Daemon, free_port, running

pytestmark = pytest.mark.real

Need = Callable[[str], str]
#: Serves the directory in which it is started over HTTPS: certificate, key, port.
SERVER = """
import ssl, sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3])), SimpleHTTPRequestHandler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
NODE = (
    "require('https').get(process.argv[1], answer => { answer.pipe(process.stdout) })"
    ".on('error', error => { console.error(error.code); process.exit(1) })"
)
JAVA_SOURCE = """
import java.net.URL;
public class Ask {
    public static void main(String[] words) throws Exception {
        try (var stream = new URL(words[0]).openStream()) { stream.transferTo(System.out); }
    }
}
"""
OURS = {variable.name for variable in (*VARIABLES, JAVA, *CLIENT_VARIABLES)} | {"SSL_CERT_DIR"}


class World:
    """A certificate directory with a CA, ``localhost`` and the user ``alice``, in a home, and what is served."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.environ = {name: value for name, value in os.environ.items() if name not in OURS}
        self.environ |= {
            "HOME": str(place),
            "EASYCERT_DIR": str(place / "certs"),
            "XDG_CACHE_HOME": str(place / "cache"),
        }
        self.easycert("ca", "root")
        self.easycert("ca", "issuing", "--signas", "root")
        self.easycert("host", "localhost", "--signas", "issuing", "--san", "127.0.0.1")
        self.easycert("user", "alice", "--signas", "issuing")

    def easycert(self, *words: str) -> None:
        argv = [sys.executable, "-m", "easycert", *words, "-q"]
        subprocess.run(argv, check=True, env=self.environ, cwd=self.place)

    def plainly(self, *argv: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program as it is."""
        environ = self.environ | variables
        return subprocess.run(argv, env=environ, cwd=self.place, capture_output=True, text=True, check=False)

    def trusting(
        self, *argv: str | Path, run: tuple[str, ...] = (), **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program under ``easycert run``."""
        return self.plainly(sys.executable, "-m", "easycert", "run", *run, "--", *argv, **variables)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    place = tmp_path_factory.mktemp("world")
    (place / "served").mkdir()
    (place / "served/hello").write_text("hello\n")
    return World(place)


@pytest.fixture(scope="module")
def server(world: World) -> Iterator[Daemon]:
    port, hosts = free_port(), world.place / "certs/hosts"
    argv = [sys.executable, "-c", SERVER, hosts / "localhost.crt", hosts / "localhost.key", str(port)]
    with running(argv, port=port, log=world.place / "log", cwd=world.place / "served") as daemon:
        yield daemon


@pytest.fixture
def url(server: Daemon) -> str:
    return f"https://localhost:{server.port}/hello"


def assert_only_under_run(world: World, *argv: str | Path, refusal: str) -> None:
    """Assert that the program fails for want of trust as it is, and prints what is served under ``easycert run``."""
    without, with_us = world.plainly(*argv), world.trusting(*argv)
    assert without.returncode != 0
    assert refusal in without.stdout + without.stderr
    assert (with_us.returncode, with_us.stdout) == (0, "hello\n"), with_us.stderr


def test_curl(world: World, url: str, need: Need) -> None:
    assert_only_under_run(world, need("curl"), "-sS", url, refusal="SSL certificate problem")


@pytest.mark.parametrize(
    ("package", "script"),
    [
        ("requests", "import requests, sys; print(end=requests.get(sys.argv[1]).text)"),
        ("httpx", "import httpx, sys; print(end=httpx.get(sys.argv[1], trust_env=True).text)"),
        ("urllib", "import sys, urllib.request as r; print(end=r.urlopen(sys.argv[1]).read().decode())"),
    ],
)
def test_python(world: World, url: str, need_module: Callable[[str], object], package: str, script: str) -> None:
    need_module(package)
    argv = [sys.executable, "-c", f"def main():\n {script}\nmain()", url]
    assert_only_under_run(world, *argv, refusal="CERTIFICATE_VERIFY_FAILED")


def test_node(world: World, url: str, need: Need) -> None:
    assert_only_under_run(world, need("node"), "-e", NODE, url, refusal="UNABLE_TO_GET_ISSUER_CERT")


@pytest.mark.slow
def test_go(world: World, url: str, need: Need) -> None:
    (world.place / "ask.go").write_text(
        'package main\nimport ("io"; "net/http"; "os")\n'
        "func main() { answer, err := http.Get(os.Args[1]); if err != nil { println(err.Error()); os.Exit(1) }\n"
        "io.Copy(os.Stdout, answer.Body) }\n"
    )
    build = world.plainly(
        need("go"), "build", "-o", "ask", "ask.go", GOCACHE=str(world.place / "gocache"), GO111MODULE="off"
    )
    assert build.returncode == 0, build.stderr
    assert_only_under_run(world, world.place / "ask", url, refusal="certificate signed by unknown authority")


@pytest.mark.slow
def test_java(world: World, url: str, need: Need) -> None:
    source = world.place / "Ask.java"
    source.write_text(JAVA_SOURCE)
    assert_only_under_run(world, need("java"), source, url, refusal="unable to find valid certification path")


def test_git(world: World, server: Daemon, need: Need) -> None:
    """A clone from a bare repository that lies behind a plain web server."""
    git, identity = need("git"), ("-c", "user.name=A", "-c", "user.email=a@example.com")
    work = world.place / "work"
    for argv in (
        ("init", "-q", work),
        ("-C", work, *identity, "commit", "-q", "--allow-empty", "-m", "first"),
        ("clone", "-q", "--bare", work, world.place / "served/project.git"),
        ("-C", world.place / "served/project.git", "update-server-info"),
    ):
        assert world.plainly(git, *argv).returncode == 0
    address = f"https://localhost:{server.port}/project.git"
    without = world.plainly(git, "clone", "-q", address, world.place / "one")
    assert without.returncode != 0
    assert "certificate" in without.stderr
    done = world.trusting(git, "clone", "-q", address, world.place / "two")
    assert done.returncode == 0, done.stderr
    assert "first" in world.plainly(git, "-C", world.place / "two", "log", "--oneline").stdout


def test_a_shell_that_evaluates_env(world: World, url: str, need: Need) -> None:
    script = f'eval "$("$0" -m easycert env)" && exec {need("curl")} -sS "$1"'
    done = world.plainly("sh", "-c", script, sys.executable, url)
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr


@pytest.mark.parametrize("name", ["a b", 'it\'s "$HOME"\nnew `line`'])
def test_hostile_paths_stay_paths(world: World, url: str, need: Need, name: str) -> None:
    place = {"XDG_CACHE_HOME": str(world.place / name)}
    script = f'eval "$("$0" -m easycert env)" && exec {need("curl")} -sS "$1"'
    done = world.plainly("sh", "-c", script, sys.executable, url, **place)
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr
    assert world.trusting(need("curl"), "-sS", url, **place).stdout == "hello\n"


@pytest.mark.slow
def test_a_path_with_spaces_and_quotation_marks_reaches_java(world: World, url: str, need: Need) -> None:
    source = world.place / "Ask.java"
    source.write_text(JAVA_SOURCE)
    done = world.trusting(need("java"), source, url, XDG_CACHE_HOME=str(world.place / 'it\'s "his" cache'))
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr


def test_a_server_and_its_client_in_one_script_with_a_pki_of_their_own(world: World, need: Need) -> None:
    port = free_port()
    script = (
        f'{sys.executable} -c \'{SERVER}\' "$EASYCERT_HOST_CERT_FILE" "$EASYCERT_HOST_KEY_FILE" {port} &\n'
        "server=$!\ntrap 'kill $server' EXIT\n"
        f"{need('curl')} -sS --retry 50 --retry-delay 1 --retry-connrefused https://localhost:{port}/hello\n"
    )
    argv = [sys.executable, "-m", "easycert", "run", "--ephemeral", "--", "sh", "-c", script]
    environ = world.environ | {"TMPDIR": str(world.place / "served")}
    done = subprocess.run(argv, env=environ, cwd=world.place / "served", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr
    assert not list((world.place / "served").glob("easycert-*"))


@pytest.mark.slow
def test_psql_with_a_users_certificate(world: World, need: Need) -> None:
    """PostgreSQL asks for the certificate of the user who connects; psql shows it, and checks the server's name."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    programs = found[-1].parent if found else Path(need("postgres")).parent  # Debian keeps them off PATH
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory() as scratch:  # which the server can reach, unlike pytest's own
        place, port = Path(scratch), free_port()
        for source in ("hosts/localhost.crt", "hosts/localhost.key", "cas/root.crt"):
            shutil.copy(world.place / "certs" / source, place)
        for path in (place, *place.iterdir()):
            shutil.chown(path, user or os.geteuid())
        initdb = [programs / "initdb", "-D", place / "data", "-U", "alice", "--no-sync", "-A", "reject", "--locale=C"]
        subprocess.run(initdb, check=True, user=user, cwd=place, stdout=subprocess.DEVNULL)
        (place / "data/pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 cert\n")
        with (place / "data/postgresql.conf").open("a") as settings:
            settings.write(
                f"port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nssl = on\n"
                f"ssl_cert_file = '{place}/localhost.crt'\nssl_key_file = '{place}/localhost.key'\n"
                f"ssl_ca_file = '{place}/root.crt'\n"
            )
        address = f"host=localhost port={port} user=alice dbname=postgres sslmode=verify-full"
        argv = [need("psql"), address, "-Atc", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"]
        with running([programs / "postgres", "-D", place / "data"], port=port, log=place / "log", user=user, cwd=place):
            without, nobody = world.plainly(*argv), world.trusting(*argv)
            alice = world.trusting(*argv, run=("--cert", "alice"))
    assert "root.crt" in without.stderr
    assert "requires a valid client certificate" in nobody.stderr
    assert (alice.returncode, alice.stdout) == (0, "t\n"), alice.stderr
