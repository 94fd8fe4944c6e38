"""The same small HTTPS server and client, once with each library that takes a context."""

from __future__ import annotations

import asyncio
import http.client
import http.server
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any

import requests
from requests.adapters import HTTPAdapter

HOST = "127.0.0.1"
HELLO = b"hello"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n" + HELLO

#: Serves with a context and yields the port.
Serving = Callable[[ssl.SSLContext], AbstractContextManager[int]]
#: Asks a port with a context, and returns what it is told.
Asking = Callable[[ssl.SSLContext, int], bytes]


@contextmanager
def in_a_loop(starting: Callable[[ssl.SSLContext], Any], context: ssl.SSLContext) -> Iterator[int]:
    """Run the asynchronous context manager *starting* in a thread with a loop of its own, and yield its port."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _told: None)  # a refused handshake is what some tests are about
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait(coroutine: Awaitable[Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)  # type: ignore[arg-type]

    try:
        server = starting(context)
        yield wait(server.__aenter__())
        wait(server.__aexit__(None, None, None))
    finally:
        wait(_end_all(loop))
        wait(_all_closed())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end_all(loop: asyncio.AbstractEventLoop) -> None:
    others = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


# --- servers ----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _asyncio_server(context: ssl.SSLContext) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_ANSWER)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, HOST, 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def _aiohttp_server(context: ssl.SSLContext) -> AsyncIterator[int]:
    from aiohttp import web

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=HELLO)

    application = web.Application()
    application.router.add_get("/", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0, ssl_context=context).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@asynccontextmanager
async def _uvicorn_server(context: ssl.SSLContext) -> AsyncIterator[int]:
    import uvicorn

    async def answer(scope: Any, _receive: Any, send: Any) -> None:
        assert scope["scheme"] == "https"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": HELLO})

    config = uvicorn.Config(
        answer, host=HOST, port=0, log_config=None, lifespan="off", ssl_context_factory=lambda _config, _make: context
    )
    server = uvicorn.Server(config)
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    serving = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.wfile.write(_ANSWER)

    def log_message(self, *_: object) -> None:
        pass


class _Threads(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        pass


@contextmanager
def _http_server(context: ssl.SSLContext) -> Iterator[int]:
    server = _Threads((HOST, 0), _Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SERVERS: dict[str, Serving] = {
    "asyncio": lambda context: in_a_loop(_asyncio_server, context),
    "aiohttp": lambda context: in_a_loop(_aiohttp_server, context),
    "uvicorn": lambda context: in_a_loop(_uvicorn_server, context),
    "http.server": _http_server,
}


# --- clients ----------------------------------------------------------------------------------------------------------


def _asyncio_client(context: ssl.SSLContext, port: int) -> bytes:
    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection(HOST, port, ssl=context, server_hostname="localhost")
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return (await reader.readuntil(HELLO))[-len(HELLO) :]
        finally:
            writer.transport.abort()

    return asyncio.run(_until_closed(ask()))


def _aiohttp_client(context: ssl.SSLContext, port: int) -> bytes:
    import aiohttp

    async def ask() -> bytes:
        async with aiohttp.ClientSession() as session, session.get(f"https://{HOST}:{port}/", ssl=context) as answer:
            return await answer.read()

    return asyncio.run(_until_closed(ask()))


async def _until_closed(asking: Awaitable[bytes]) -> bytes:
    """Return what *asking* returns once all sockets are closed: aiohttp leaves that to a loop that goes on."""
    try:
        return await asking
    finally:
        await _all_closed()


async def _all_closed() -> None:
    registered: Any = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    async with asyncio.timeout(30):
        while len(registered.get_map()) > 1:  # the loop's own
            await asyncio.sleep(0.005)


def _httpx_client(context: ssl.SSLContext, port: int) -> bytes:
    import httpx

    with httpx.Client(verify=context, trust_env=False) as client:
        return client.get(f"https://{HOST}:{port}/").content


def _httpx_async_client(context: ssl.SSLContext, port: int) -> bytes:
    import httpx

    async def ask() -> bytes:
        async with httpx.AsyncClient(verify=context, trust_env=False) as client:
            return (await client.get(f"https://{HOST}:{port}/")).content

    return asyncio.run(_until_closed(ask()))


def _http_client(context: ssl.SSLContext, port: int) -> bytes:
    connection = http.client.HTTPSConnection(HOST, port, context=context, timeout=30)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read()
    finally:
        connection.close()


class _WithContext(HTTPAdapter):
    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **named: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **named)


def _requests_client(context: ssl.SSLContext, port: int) -> bytes:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", _WithContext(context))
        return session.get(f"https://{HOST}:{port}/", timeout=30).content


CLIENTS: dict[str, Asking] = {
    "asyncio": _asyncio_client,
    "aiohttp": _aiohttp_client,
    "httpx": _httpx_client,
    "httpx, asynchronous": _httpx_async_client,
    "http.client": _http_client,
    "requests": _requests_client,
}
