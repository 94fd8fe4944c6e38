"""``tls serve``: a real server, for clients that are real, too."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from easycert.cli import exits
from easycert.cli.entry import run
from easycert.tls import client_context
from tests.daemons import wait_until

NAME = "www.example.com"


class Serving(NamedTuple):
    """A server that runs: its process, its port, and the file with what it says on stderr."""

    process: subprocess.Popen[bytes]
    url: str
    port: int
    log: Path

    def said(self, words: str) -> None:
        """Wait until it has said *words*."""
        wait_until(lambda: words in self.log.read_text(), lambda: f"{words!r} is not in {self.log.read_text()!r}")


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("serve") / "certs"
    for words in (("ca", "root"), ("host", NAME, "--signas", "root"), ("user", "bob@example.com", "--signas", "root")):
        assert run([*words, "--certdir", str(made), "-q"]) == exits.DONE
    return made


@contextmanager
def serving(certs: Path, folder: Path, url: str, *options: str) -> Iterator[Serving]:
    log = folder / "stderr"
    words = [sys.executable, "-m", "easycert", "tls", "serve", url, "--certdir", str(certs), *options]
    with log.open("wb") as errors, subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline().decode().strip()
            assert said, log.read_text()
            yield Serving(process, said, int(said.rpartition(":")[2].strip("/")), log)
        finally:
            process.kill()


@contextmanager
def connected(server: Serving, certs: Path, user: str = "") -> Iterator[ssl.SSLSocket]:
    context = client_context(f"ssl://{user}{NAME}/", certs)
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as secure,
    ):
        yield secure


def test_lines_come_back_and_the_client_is_told_who_it_is(certs: Path, tmp_path: Path) -> None:
    with serving(certs, tmp_path, f"ssl://127.0.0.1:0/?hostname={NAME}&ca=root") as server:
        assert server.url == f"ssl://127.0.0.1:{server.port}/"
        with connected(server, certs, "bob@") as secure, secure.makefile("rwb") as stream:
            assert stream.readline() == b"hello, CN=bob@example.com\n"
            stream.write(b"one\ntwo\n")
            stream.flush()
            assert [stream.readline(), stream.readline()] == [b"one\n", b"two\n"]
            secure.unwrap()
        server.said("CN=bob@example.com: echoed 2 lines")
        with pytest.raises((ssl.SSLError, ConnectionError)), connected(server, certs) as secure:
            secure.recv(100)
        server.said("failed: peer did not return a certificate")


def test_what_is_renewed_is_served_without_a_restart(certs: Path, tmp_path: Path) -> None:
    with serving(certs, tmp_path, f"ssl://127.0.0.1:0/?hostname={NAME}") as server:
        with connected(server, certs) as secure:
            before = secure.getpeercert(binary_form=True)
            assert secure.makefile("rb").readline() == b"hello, nobody in particular: you showed no certificate\n"
        assert run(["renew", NAME, "--certdir", str(certs), "-q"]) == exits.DONE
        with connected(server, certs) as secure:
            assert secure.getpeercert(binary_form=True) != before


@pytest.mark.real
def test_curl_is_shown_a_page_and_the_files_of_a_directory(
    certs: Path, tmp_path: Path, need: Callable[[str], str]
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "hello.txt").write_text("hello")
    (tmp_path / "secret").write_text("secret")
    trust = ["--cacert", str(certs / "cas" / "root.crt")]

    def fetch(server: Serving, path: str, *options: str) -> str:
        place = f"{NAME}:{server.port}:127.0.0.1"
        words = [
            need("curl"),
            "-s",
            "--path-as-is",
            "--resolve",
            place,
            *trust,
            *options,
            f"https://{NAME}:{server.port}{path}",
        ]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    with serving(certs, tmp_path, f"https://127.0.0.1:0/?hostname={NAME}") as server:
        page = fetch(server, "/")
    assert "<td>TLSv1.3</td>" in page
    assert "you showed no certificate" in page
    with serving(
        certs, tmp_path, f"https://127.0.0.1:0/?hostname={NAME}", "--files", str(folder), "-o", "text"
    ) as server:
        assert fetch(server, "/hello.txt") == "hello"
        assert "content-type: text/plain" in fetch(server, "/hello.txt", "-I").lower()
        for path in ("/../secret", "/%2e%2e/secret", "/nothing"):
            assert fetch(server, path, "-o", "/dev/null", "-w", "%{http_code}") == "404"
        server.said("GET /hello.txt 200")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, exits.INTERRUPTED), (signal.SIGTERM, exits.TERMINATED)])
def test_a_signal_ends_it_with_that_signals_code(certs: Path, tmp_path: Path, number: int, code: int) -> None:
    with serving(certs, tmp_path, f"ssl://127.0.0.1:0/?hostname={NAME}") as server, connected(server, certs):
        server.process.send_signal(number)
        assert server.process.wait(30) == code
        assert "Traceback" not in server.log.read_text()


def test_a_port_that_is_taken_is_told(certs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert (
            run(["tls", "serve", f"ssl://127.0.0.1:{port}/?hostname={NAME}", "--certdir", str(certs)]) == exits.FAILED
        )
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["ssl://127.0.0.1:0/?hostname=nobody.example.com"], exits.FAILED, "nobody.example.com"),
        (["ssl://127.0.0.1:0/?hostnam=x"], exits.USAGE, "means nothing here"),
        (["http://127.0.0.1:0/"], exits.USAGE, "begins with neither ssl:// nor https://"),
        (["ssl://127.0.0.1:0/", "--files", "/"], exits.USAGE, "is for https:// URLs"),
        ([f"https://127.0.0.1:0/?hostname={NAME}", "--files", "/nowhere"], exits.FAILED, "not a directory"),
    ],
)
def test_what_cannot_be_served_is_told(
    certs: Path, words: list[str], code: int, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["tls", "serve", *words, "--certdir", str(certs)]) == code
    assert why in capsys.readouterr().err


def test_programs_are_told_where_it_listens_in_json(certs: Path, tmp_path: Path) -> None:
    url = f"ssl://127.0.0.1:0/?hostname={NAME}&ca=root"
    words = [sys.executable, "-m", "easycert", "tls", "serve", url, "--certdir", str(certs), "-o", "json", "-q"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            text = b""
            while not text.endswith(b"\n}\n"):
                line = process.stdout.readline()
                assert line
                text += line
        finally:
            process.kill()
    told = json.loads(text)["listening"]
    assert (told["host"], told["names"], told["ca"]) == ("127.0.0.1", [NAME], "root")
    assert told["url"] == f"ssl://127.0.0.1:{told['port']}/"
