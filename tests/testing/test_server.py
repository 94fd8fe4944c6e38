"""The HTTPS server for tests, asked by real HTTP clients; asyncio and aiohttp with the same contexts."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import urllib.request
from collections.abc import Callable
from http.client import HTTPSConnection
from pathlib import Path
from types import ModuleType

import pytest

from easycert.testing import Credential, HttpsServer, ThrowawayCA


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> ThrowawayCA:
    return ThrowawayCA.make(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def host(ca: ThrowawayCA) -> Credential:
    return ca.issue_host("localhost", "127.0.0.1")


def test_it_answers_and_remembers(ca: ThrowawayCA, host: Credential) -> None:
    with HttpsServer(ca.server_context(host), b"hello") as server:
        request = urllib.request.Request(f"{server.url}/a?b=c", b"body", {"X-Test": "1"})
        with urllib.request.urlopen(request, context=ca.client_context()) as answer:
            assert answer.read() == b"hello"
        (received,) = server.requests
    assert (received.method, received.path, received.body) == ("POST", "/a?b=c", b"body")
    assert received.headers["X-Test"] == "1"
    assert received.client is None


def test_it_tells_whose_certificate_the_client_has(ca: ThrowawayCA, host: Credential) -> None:
    alice = ca.issue_user("alice@example.com")
    with HttpsServer(ca.server_context(host, mutual=True)) as server:
        with urllib.request.urlopen(server.url, context=ca.client_context(alice)) as answer:
            assert answer.status == 200
        assert server.requests[0].client
        assert server.requests[0].client["subjectAltName"] == (("email", "alice@example.com"),)


def test_it_remembers_why_a_client_hung_up(ca: ThrowawayCA, host: Credential, tmp_path: Path) -> None:
    with HttpsServer(ca.server_context(host)) as server:
        stranger = ThrowawayCA.make(tmp_path).client_context()
        with pytest.raises(OSError, match="certificate verify failed"):
            urllib.request.urlopen(server.url, context=stranger)
        with urllib.request.urlopen(server.url, context=ca.client_context()):
            pass
        assert len(server.requests) == 1
        assert len(server.failures) <= 1


def test_closing_it_hangs_up_on_a_client_that_stays(ca: ThrowawayCA, host: Credential) -> None:
    with HttpsServer(ca.server_context(host)) as server:
        client = HTTPSConnection("localhost", server.port, context=ca.client_context(), timeout=20)
        client.request("GET", "/")
        assert client.getresponse().read() == b"ok\n"
        assert client.sock
    assert client.sock.recv(1) == b""
    client.close()


@pytest.mark.real
def test_curl_trusts_by_the_variables(ca: ThrowawayCA, host: Credential, need: Callable[[str], str]) -> None:
    with HttpsServer(ca.server_context(host)) as server:
        words = [need("curl"), "--silent", "--show-error", server.url]
        done = subprocess.run(words, env=ca.variables, capture_output=True, check=False, timeout=60)
    assert done.stdout == b"ok\n", done.stderr


def test_requests_trusts_the_file(ca: ThrowawayCA, host: Credential, need_module: Callable[[str], ModuleType]) -> None:
    requests = need_module("requests")
    with HttpsServer(ca.server_context(host)) as server:
        assert requests.get(server.url, verify=str(ca.trust_file), timeout=20).text == "ok\n"


def test_requests_presents_the_files(
    ca: ThrowawayCA, host: Credential, need_module: Callable[[str], ModuleType]
) -> None:
    requests = need_module("requests")
    bob = ca.issue_user("bob@example.com")
    with HttpsServer(ca.server_context(host, mutual=True)) as server:
        answer = requests.get(server.url, verify=str(ca.trust_file), cert=bob.files, timeout=20)
        assert answer.status_code == 200


def test_httpx_takes_the_context(ca: ThrowawayCA, host: Credential, need_module: Callable[[str], ModuleType]) -> None:
    httpx = need_module("httpx")
    with HttpsServer(ca.server_context(host)) as server:
        assert httpx.get(server.url, verify=ca.client_context()).text == "ok\n"


def test_aiohttp_serves_and_asks(ca: ThrowawayCA, host: Credential, need_module: Callable[[str], ModuleType]) -> None:
    aiohttp, web = need_module("aiohttp"), need_module("aiohttp.web")

    async def hello(_request: object) -> object:
        return web.Response(text="hello")

    async def scene() -> str:
        application = web.Application()
        application.router.add_get("/", hello)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ca.server_context(host))
        await site.start()
        port = runner.addresses[0][1]
        try:
            url, context = f"https://localhost:{port}", ca.client_context()
            async with aiohttp.ClientSession() as session, session.get(url, ssl=context) as answer:
                return str(await answer.text())
        finally:
            await runner.cleanup()

    assert asyncio.run(scene()) == "hello"


def test_asyncio_streams_shake_hands(ca: ThrowawayCA, host: Credential) -> None:
    async def upper(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()
        await writer.wait_closed()

    async def scene(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> bytes:
        server = await asyncio.start_server(upper, "127.0.0.1", 0, ssl=server_context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("localhost", port, ssl=client_context)
            writer.write(b"hello\n")
            answer = await reader.readline()
            writer.close()
            await writer.wait_closed()
            return answer

    assert asyncio.run(scene(ca.server_context(host), ca.client_context())) == b"HELLO\n"
