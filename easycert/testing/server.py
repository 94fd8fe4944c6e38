"""A tiny HTTPS server in a thread, on a port of its own: something for a client under test to talk to."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from socketserver import TCPServer
from typing import Any, Self, cast

#: Seconds until a client that says nothing is hung up on.
_PATIENCE = 20


@dataclass(frozen=True)
class Received:
    """One request; *client* is what ``getpeercert()`` says of the client's certificate, None without one."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    client: Mapping[str, Any] | None


class HttpsServer:
    """Answers every request with 200 and :attr:`body`, on 127.0.0.1, until it is closed; a context manager, too."""

    def __init__(self, context: ssl.SSLContext, body: bytes = b"ok\n") -> None:
        """Listen at once, and serve with *context*."""
        self.body = body
        #: What was asked, in the order of the answers.
        self.requests: list[Received] = []
        #: How handshakes and connections failed, as OpenSSL says it.
        self.failures: list[str] = []
        self._server = _Server(self, context)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.server_port

    @property
    def address(self) -> tuple[str, int]:
        """Address and port, as :func:`socket.create_connection` takes them."""
        return "127.0.0.1", self.port

    @property
    def url(self) -> str:
        """``https://localhost:PORT``."""
        return f"https://localhost:{self.port}"

    def close(self) -> None:
        """Stop listening, and hang up on whoever is still connected."""
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()

    def __enter__(self) -> Self:
        """Return the server, which is running."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, owner: HttpsServer, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.owner = owner
        self._context = context
        self._connected: set[ssl.SSLSocket] = set()

    def server_bind(self) -> None:
        """Bind, without asking a name server what this machine is called, as HTTPServer does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.socket.getsockname()[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread: a client that stalls keeps nobody else waiting."""
        plain = cast("socket", request)
        plain.settimeout(_PATIENCE)
        with self._context.wrap_socket(plain, server_side=True) as tls:
            self._connected.add(tls)
            try:
                _Handler(tls, client_address, self)
            finally:
                self._connected.discard(tls)

    def hang_up(self) -> None:
        """End every connection: a client that keeps one for later is not waited for."""
        for tls in tuple(self._connected):
            with suppress(OSError):
                tls.shutdown(SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Note what went wrong: clients that refuse a certificate are what this is for."""
        import sys

        self.owner.failures.append(str(sys.exc_info()[1]))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        owner = cast("_Server", self.server).owner
        length = int(self.headers.get("Content-Length") or 0)
        client = cast("ssl.SSLSocket", self.connection).getpeercert()
        received = Received(self.command, self.path, dict(self.headers), self.rfile.read(length), client or None)
        owner.requests.append(received)
        self.send_response(200)
        self.send_header("Content-Length", str(len(owner.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(owner.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (as the base class has it)
        """Say nothing: what was asked is in ``requests``."""
