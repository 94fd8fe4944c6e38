"""TLS servers, each of which presents one certificate, for clients that judge only what a server shows them."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@dataclass
class Presented:
    """One server: where it listens, and what became of the connections to it."""

    port: int
    requests: int = 0
    alerts: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        """Whether a client was content, and asked for something."""
        return self.requests > 0


class Presenter:
    """Servers on ports of this machine, in threads; closing it ends them."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def present(self, chain: Path, key: Path) -> Presented:
        """Serve with the certificates in *chain* and the key in *key*, however weak they are."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(chain, key)
        listener = socket.create_server(("127.0.0.1", 0))
        self._sockets.append(listener)
        served = Presented(listener.getsockname()[1])
        threading.Thread(target=_serve, args=(listener, context, served), daemon=True).start()
        return served

    def close(self) -> None:
        for listener in self._sockets:
            listener.close()


def _serve(listener: socket.socket, context: ssl.SSLContext, served: Presented) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # closed
            return
        threading.Thread(target=_answer, args=(connection, context, served), daemon=True).start()


def _answer(connection: socket.socket, context: ssl.SSLContext, served: Presented) -> None:
    connection.settimeout(20)
    try:
        with context.wrap_socket(connection, server_side=True) as tls:
            if tls.recv(4096):
                served.requests += 1
                tls.sendall(_ANSWER)
    except (OSError, ValueError) as error:
        served.alerts.append(str(error))
