"""Asking a server for the OCSP response that it staples to its certificate (RFC 6066 section 8).

Python's ``ssl`` cannot ask for one. In TLS 1.2 the answer comes in the clear, before the client has to prove anything:
so a client hello by hand is enough, and the connection ends where the server waits for the next message. A server that
speaks TLS 1.3 only refuses that, and nothing is known.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from easycert.tls.messages import status
from easycert.tls.target import Target, reached

_HANDSHAKE, _ALERT, _CLIENT_HELLO = 22, 21, 1
_SERVER_HELLO, _SERVER_HELLO_DONE, _CERTIFICATE_STATUS = 2, 14, 22
_TLS12 = b"\x03\x03"
#: RFC 8446 section 5.1, and what TLS 1.2 allows beyond it.
_RECORD_MAX = (1 << 14) + 2048
_MESSAGES_MAX = 1 << 18
_CIPHERS = bytes.fromhex("c02cc030c02bc02fcca9cca8c024c028c023c027c00ac014c009c013009d009c003d003c0035002f00ff")
_GROUPS = bytes.fromhex("001d001700180019")
_SIGNATURES = bytes.fromhex("0403050306030807080808090804080508060401050106010203")


class Stapled(NamedTuple):
    """What a server that was asked for it sent: whether it spoke TLS 1.2 at all, and the response in DER, if one."""

    answered: bool
    response: bytes | None


def ask_for_staple(target: Target) -> Stapled:
    """Return what *target* staples. Raises CannotConnect."""
    with reached(target) as wire:
        wire.send(client_hello(target.servername, os.urandom(32)))
        heard = Records()
        while not heard.is_done:
            data = wire.receive()
            try:
                heard.feed(data)
            except ValueError:
                break
            if not data:
                break
        return Stapled(heard.answered, heard.response)


class Records:
    """Reads the server's first flight in TLS 1.2, record by record."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._records = b""
        self._messages = b""
        self.answered = False
        self.is_done = False
        self.response: bytes | None = None

    def feed(self, data: bytes) -> None:
        """Take in what came. Raises ValueError for what is no handshake of TLS 1.2."""
        self._records += data
        while len(self._records) >= 5:
            kind, size = self._records[0], int.from_bytes(self._records[3:5], "big")
            if kind not in (_HANDSHAKE, _ALERT) or size > _RECORD_MAX:
                raise ValueError("not a record of a handshake")
            if len(self._records) < 5 + size:
                return
            body, self._records = self._records[5 : 5 + size], self._records[5 + size :]
            if kind == _ALERT:
                self.is_done = len(body) < 2 or body[0] != 1 or body[1] == 0
                continue
            self._messages += body
            self._read()

    def _read(self) -> None:
        if len(self._messages) > _MESSAGES_MAX:
            raise ValueError("too long")
        while len(self._messages) >= 4 and not self.is_done:
            end = 4 + int.from_bytes(self._messages[1:4], "big")
            if end > _MESSAGES_MAX:
                raise ValueError("too long")
            if len(self._messages) < end:
                return
            message, self._messages = self._messages[:end], self._messages[end:]
            self._note(message)

    def _note(self, message: bytes) -> None:
        if message[0] == _SERVER_HELLO:
            self.answered = True
        elif message[0] == _CERTIFICATE_STATUS:
            self.response = status(message)
            self.is_done = True
        elif message[0] == _SERVER_HELLO_DONE:
            self.is_done = True


def client_hello(servername: str | None, random: bytes) -> bytes:
    """Return the record of a client hello for TLS 1.2 that asks for a stapled OCSP response (RFC 5246 7.4.1.2)."""
    extensions = b""
    if servername is not None:
        name = servername.encode("ascii")
        extensions += _extension(0, _vector(2, b"\0" + _vector(2, name)))
    extensions += _extension(5, b"\1" + _vector(2, b"") + _vector(2, b""))
    extensions += _extension(10, _vector(2, _GROUPS))
    extensions += _extension(11, _vector(1, b"\0"))
    extensions += _extension(13, _vector(2, _SIGNATURES))
    extensions += _extension(23, b"")
    body = _TLS12 + random + _vector(1, b"") + _vector(2, _CIPHERS) + _vector(1, b"\0") + _vector(2, extensions)
    message = bytes((_CLIENT_HELLO,)) + _vector(3, body)
    return bytes((_HANDSHAKE,)) + b"\x03\x01" + _vector(2, message)


def _extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + _vector(2, data)


def _vector(octets: int, data: bytes) -> bytes:
    return len(data).to_bytes(octets, "big") + data
