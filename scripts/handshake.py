"""Prove that a host and a user certificate of one CA meet: a mutual-TLS handshake over loopback with Python's ``ssl``.

``python scripts/handshake.py CERTDIR CA HOST USER`` starts a server with HOST's certificate that demands a client
certificate of CA, greets it as USER, then knocks without a certificate and expects to be turned away. Exits 1 when
anything else happens.
"""

from __future__ import annotations

import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

LOOPBACK = "127.0.0.1"
#: Nothing on loopback takes this long; a handshake that hangs must not hang the quickstart.
PATIENCE_SECONDS = 20
GREETING = b"hello over mutual TLS\n"


class Seen(NamedTuple):
    """What one side saw of the other: the protocol, and the common name in the certificate that it verified."""

    protocol: str
    cipher: str
    peer: str


def server_context(certdir: Path, ca: str, host: str) -> ssl.SSLContext:
    """Return a context that shows the certificate of *host* and demands one of *ca*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(certdir / "cas" / f"{ca}.crt")
    context.load_cert_chain(certdir / "hosts" / f"{host}.crt", certdir / "hosts" / f"{host}.key")
    return context


def client_context(certdir: Path, ca: str, user: str | None) -> ssl.SSLContext:
    """Return a context that trusts *ca* alone, checks the host name, and shows the certificate of *user*, if any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(certdir / "cas" / f"{ca}.crt")
    if user:
        context.load_cert_chain(certdir / "users" / f"{user}.crt", certdir / "users" / f"{user}.key")
    return context


def meet(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> tuple[Seen, Seen]:
    """Let *client* call *server* as *host* and greet it. Return what the server and what the client saw.

    Raises ssl.SSLError, as the server saw it, when the server turns the client away.
    """
    with socket.create_server((LOOPBACK, 0)) as listener, ThreadPoolExecutor(1) as background:
        listener.settimeout(PATIENCE_SECONDS)
        answered = background.submit(_answer, listener, server)
        try:
            client_saw = _call(listener.getsockname(), client, host)
        except OSError:
            answered.result()  # raises what went wrong at the server: the client only learns that something did
            raise
        return answered.result(), client_saw


def _answer(listener: socket.socket, context: ssl.SSLContext) -> Seen:
    connection, _ = listener.accept()
    connection.settimeout(PATIENCE_SECONDS)
    with connection, context.wrap_socket(connection, server_side=True) as channel:
        channel.sendall(channel.recv(len(GREETING)))
        return _seen(channel)


def _call(address: tuple[str, int], context: ssl.SSLContext, host: str) -> Seen:
    with (
        socket.create_connection(address, timeout=PATIENCE_SECONDS) as connection,
        context.wrap_socket(connection, server_hostname=host) as channel,
    ):
        channel.sendall(GREETING)
        if channel.recv(len(GREETING)) != GREETING:
            raise ConnectionError("the server closed the connection")
        return _seen(channel)


def _seen(channel: ssl.SSLSocket) -> Seen:
    certificate: dict[str, Any] = channel.getpeercert() or {}
    names = [value for attributes in certificate.get("subject", ()) for key, value in attributes if key == "commonName"]
    cipher = channel.cipher()
    return Seen(channel.version() or "?", cipher[0] if cipher else "?", names[0] if names else "?")


def main(certdir: Path, ca: str, host: str, user: str) -> int:
    """Show both meetings and return the exit code."""
    server = server_context(certdir, ca, host)
    try:
        server_saw, client_saw = meet(server, client_context(certdir, ca, user), host)
    except OSError as error:
        print(f"  the handshake failed: {error}")
        return 1
    print(f"  {client_saw.protocol}, {client_saw.cipher}")
    print(f"  the client verified the server:   {client_saw.peer}")
    print(f"  the server verified the client:   {server_saw.peer}")
    try:
        meet(server, client_context(certdir, ca, None), host)
    except ssl.SSLError as error:
        print(f"  a client without a certificate:   refused ({error.reason})")
        return 0
    print("  a client without a certificate was let in: that must not be")
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:5]))
