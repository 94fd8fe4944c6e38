"""A small TLS server for trying things: it echoes lines, or answers HTTP with a page or the files of a directory.

Each connection has a thread, and there are few. Certificates are those of :func:`easycert.tls.server_context`: what is
renewed is taken up with the next handshake.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from socketserver import BaseRequestHandler, TCPServer, ThreadingMixIn
from typing import Any, NamedTuple

from easycert.errors import CannotListen, printable
from easycert.tls.peers import Peer, peer_of

#: Connections at one time; another one waits in the kernel's queue until there is room.
_MOST_CONNECTIONS = 64
#: Seconds for a handshake, and for what is said after it.
HANDSHAKE_TIMEOUT, IDLE_TIMEOUT = 10.0, 60.0
_LINE_MAX = 65536

#: Talks to one client, and returns what is to be told about it.
Conversation = Callable[[ssl.SSLSocket, Peer], str]


class Listening(NamedTuple):
    """Where a server listens."""

    host: str
    port: int


class Server(ThreadingMixIn, TCPServer):
    """A listener with a context, a conversation for each connection, and somebody who is told about each."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(
        self, where: Listening, context: ssl.SSLContext, converse: Conversation, report: Callable[[str], None]
    ) -> None:
        """Listen at once; :meth:`serve_forever` serves. Raises CannotListen."""
        self._context = context
        self._converse = converse
        self._report = report
        self._room = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        try:
            self.address_family, address = _address(where)
            super().__init__(address, _Handler)
        except (OSError, OverflowError, UnicodeError) as error:
            raise CannotListen(where.host, where.port, getattr(error, "strerror", None) or str(error)) from None

    @property
    def listening(self) -> Listening:
        """Where it listens, with the port that was free where 0 was asked for."""
        host, port = self.server_address[:2]
        return Listening(str(host), int(port))

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread, once there is room for it."""
        self._room.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve the connection in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def converse(self, connection: socket.socket, address: Any) -> None:
        """Shake hands with a client, talk to it, and tell who it was, whatever it does."""
        where = f"{printable(address[0])}:{address[1]}"
        try:
            connection.settimeout(HANDSHAKE_TIMEOUT)
            with self._context.wrap_socket(connection, server_side=True) as secure:
                peer = peer_of(secure)
                secure.settimeout(IDLE_TIMEOUT)
                told = self._converse(secure, peer)
                self._report(f"{where} {peer}: {told}")
        except TimeoutError:
            self._report(f"{where} said nothing in time")
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            self._report(f"{where} failed: {_told(error)}")

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (the standard library's)
        """Tell that a connection met a fault; the server goes on."""
        import sys

        self._report(f"a connection met a fault ({getattr(sys.exc_info()[0], '__name__', 'unknown')})")


class _Handler(BaseRequestHandler):
    """One connection, as socketserver wants it."""

    server: Server

    def handle(self) -> None:
        """Serve it."""
        self.server.converse(self.request, self.client_address)


def echo(connection: ssl.SSLSocket, peer: Peer) -> str:
    """Tell the client who it is, then send back each line that it sends, until it ends."""
    connection.sendall(f"hello, {peer.name}\n".encode())
    lines = 0
    with connection.makefile("rb") as stream, suppress(ConnectionError, ssl.SSLEOFError):
        while line := stream.readline(_LINE_MAX):
            connection.sendall(line)
            lines += 1
        with suppress(OSError):
            connection.unwrap()
    return f"echoed {lines} line{'' if lines == 1 else 's'}"


def _address(where: Listening) -> tuple[socket.AddressFamily, Any]:
    found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    return family, address


def _told(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason and not isinstance(error, ssl.SSLCertVerificationError):
        return printable(error.reason.lower().replace("_", " "))
    return printable(getattr(error, "strerror", None) or str(error) or type(error).__name__)
