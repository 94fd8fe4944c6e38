"""HTTP for trying things: a page that tells the client who it is, or the files of one directory and nothing else."""

from __future__ import annotations

import os
import ssl
import stat
from functools import partial
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import BinaryIO
from urllib.parse import unquote

from easycert.errors import printable
from easycert.tls.peers import Peer
from easycert.tls.serve import IDLE_TIMEOUT, Conversation

_INDEX = "index.html"
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK = 1 << 16
#: Requests on one connection: nobody keeps a thread for ever.
_MOST_REQUESTS = 1000
#: Requests of one connection that are told.
_TOLD = 5


def page() -> Conversation:
    """Return the conversation that answers each request with a page about the connection."""
    return partial(_converse, None)


def files(directory: str) -> Conversation:
    """Return the conversation that answers with the regular files in *directory*, hidden ones left out."""
    return partial(_converse, os.path.realpath(directory))


def _converse(root: str | None, connection: ssl.SSLSocket, peer: Peer) -> str:
    handler = _Pages(root, connection, peer)
    return ", ".join(handler.told) or "no request"


def opened(root: str, path: str) -> tuple[BinaryIO, int, str] | None:
    """Return the file that the URL's *path* names below *root* (a real path): open, its size, its real path.

    None for what is not a regular file, lies outside, however it is written or linked, or is hidden.
    """
    try:
        decoded = unquote(path.partition("?")[0].partition("#")[0], errors="strict")
    except ValueError:
        return None
    parts = [part for part in decoded.split("/") if part]
    if "\0" in decoded or "\\" in decoded or any(part.startswith(".") for part in parts):
        return None
    real = os.path.realpath(os.path.join(root, *parts))
    if decoded.endswith("/") or os.path.isdir(real):
        real = os.path.realpath(os.path.join(real, _INDEX))
    below = os.path.relpath(real, root).split(os.sep)
    if any(part.startswith(".") for part in below):  # outside, or hidden behind a link
        return None
    try:
        descriptor = os.open(real, _OPEN)
    except OSError:
        return None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        return None
    return os.fdopen(descriptor, "rb"), status.st_size, real


class _Pages(BaseHTTPRequestHandler):
    """The requests of one connection."""

    protocol_version = "HTTP/1.1"
    server_version = "easycert"
    sys_version = ""
    timeout = IDLE_TIMEOUT

    def __init__(self, root: str | None, connection: ssl.SSLSocket, peer: Peer) -> None:
        self._root = root
        self._peer = peer
        self._requests = 0
        #: What was asked for, the last few requests.
        self.told: list[str] = []
        super().__init__(connection, connection.getpeername(), None)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer a HEAD."""
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        self._requests += 1
        if self._requests >= _MOST_REQUESTS:
            self.close_connection = True
        if self._root is None:
            self._send(_about(self._peer), with_body=with_body)
            return
        found = opened(self._root, self.path)
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        stream, size, real = found
        with stream:
            self._head(size, _content_type(real))
            left = size if with_body else 0
            while left and (data := stream.read(min(_CHUNK, left))):
                self.wfile.write(data)
                left -= len(data)
            if left:  # it became shorter while it was sent
                self.close_connection = True

    def _send(self, body: bytes, *, with_body: bool) -> None:
        self._head(len(body), "text/html; charset=utf-8")
        if with_body:
            self.wfile.write(body)

    def _head(self, size: int, content_type: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(size))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002 (the standard library's)
        """Remember what was asked for, and what came of it."""
        status = code.value if isinstance(code, HTTPStatus) else code
        line = f"{printable(self.command or '')} {printable(getattr(self, 'path', ''))} {status}"
        self.told = [*self.told, line.strip()][-_TOLD:]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the standard library's)
        """Say nothing more."""


def _content_type(path: str) -> str:
    import mimetypes

    guessed, encoding = mimetypes.guess_type(path)
    return guessed if guessed and not encoding else "application/octet-stream"


def _about(peer: Peer) -> bytes:
    rows = {
        "protocol": peer.protocol,
        "cipher": peer.cipher,
        "you are": peer.name,
        "your names": ", ".join(map(printable, peer.names)) or "none",
    }
    cells = "\n".join(f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>" for key, value in rows.items())
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>easycert</title></head>\n'
        f"<body><h1>It works</h1>\n<table>\n{cells}\n</table>\n</body></html>\n"
    ).encode()
