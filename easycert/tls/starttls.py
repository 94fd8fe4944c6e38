"""How a connection that begins in the clear becomes TLS: PostgreSQL, SMTP and LDAP, as far as that and no further.

Nothing is said but what asks for TLS, and what the server answers is read up to the octet after which TLS begins:
anything that came with it was sent before there was TLS, by whoever sits between (CVE-2011-0411, CVE-2021-23222).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, Protocol, TypeVar


class StartTls(Enum):
    """A protocol that turns to TLS when asked; the value is the word on the command line."""

    POSTGRES = "postgres"
    SMTP = "smtp"
    LDAP = "ldap"

    @property
    def port(self) -> int:
        """The port that it usually has."""
        return {StartTls.POSTGRES: 5432, StartTls.SMTP: 25, StartTls.LDAP: 389}[self]


class Line(Protocol):
    """What a conversation needs of a connection; see :class:`easycert.tls.wire.Wire`."""

    def send(self, data: bytes) -> None:
        """Send *data*."""

    def receive(self, most: int = ...) -> bytes:
        """Return what comes next, at most so many octets; empty at the end."""


class NotOffered(Exception):
    """The server does not turn to TLS; the text says what it said instead."""


class Reply(NamedTuple):
    """An SMTP reply: its code, its lines without the code, and what came behind it."""

    code: int
    lines: tuple[str, ...]
    rest: bytes


class Result(NamedTuple):
    """An LDAP result: its code (0 is success), the server's message, and what came behind it."""

    code: int
    message: str
    rest: bytes


_Answer = TypeVar("_Answer", Reply, Result)


def negotiate(line: Line, protocol: StartTls) -> None:
    """Bring the conversation to the point at which TLS begins. Raises NotOffered, and what *line* raises."""
    _DIALOGUES[protocol](line)


# --- PostgreSQL: SSLRequest, section 55.2.10 of its documentation -----------------------------------------------------

_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


def _postgres(line: Line) -> None:
    line.send(_SSL_REQUEST)
    answer = line.receive(1)
    if answer != b"S":
        raise NotOffered(_POSTGRES_ANSWERS.get(answer, "it does not answer as PostgreSQL does"))


_POSTGRES_ANSWERS = {
    b"N": "PostgreSQL has TLS switched off (ssl = off)",
    b"E": "PostgreSQL answered with an error",
    b"": "it closed the connection",
}

# --- SMTP: RFC 5321 section 4.2, RFC 3207 -----------------------------------------------------------------------------

#: RFC 5321 section 4.5.3.1.5 allows 512 octets in a line of a reply.
_SMTP_LINE_MAX = 2048
_SMTP_REPLY_MAX = 32768
_SMTP_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\r\n]*))?")


def smtp_reply(data: bytes) -> Reply | None:
    """Return the reply that *data* begins with, or None while its last line has not come. Raises NotOffered."""
    lines: list[str] = []
    code, at = b"", 0
    while (end := data.find(b"\n", at)) >= 0:
        found = _SMTP_LINE.fullmatch(data[at:end].removesuffix(b"\r"))
        if found is None or code not in (b"", found[1]) or end - at > _SMTP_LINE_MAX:
            raise NotOffered("it does not answer as SMTP does")
        code, at = found[1], end + 1
        lines.append((found[3] or b"").decode("utf-8", "replace"))
        if found[2] != b"-":
            return Reply(int(code), tuple(lines), data[at:])
    if len(data) > _SMTP_REPLY_MAX or len(data) - at > _SMTP_LINE_MAX:
        raise NotOffered("it does not answer as SMTP does")
    return None


def _smtp(line: Line) -> None:
    greeting = _smtp_exchange(line, None)
    if greeting.code != 220:
        raise NotOffered(f"the mail server takes no connections ({greeting.code})")
    offered = _smtp_exchange(line, b"EHLO easycert.invalid\r\n")
    if offered.code != 250 or not any(one.strip().upper() == "STARTTLS" for one in offered.lines[1:]):
        raise NotOffered("the mail server does not offer STARTTLS")
    ready = _smtp_exchange(line, b"STARTTLS\r\n")
    if ready.code != 220:
        raise NotOffered(f"the mail server is not ready for TLS ({ready.code})")


def _smtp_exchange(line: Line, command: bytes | None) -> Reply:
    if command is not None:
        line.send(command)
    reply = _gathered(line, smtp_reply)
    if reply.rest:
        raise NotOffered("the mail server speaks before it is asked to (somebody may have put that in)")
    return reply


# --- LDAP: RFC 4511 sections 4.12 and 4.14 ----------------------------------------------------------------------------

_LDAP_STARTTLS = b"1.3.6.1.4.1.1466.20037"
_LDAP_MAX = 65536
_SEQUENCE, _INTEGER, _OCTETS, _ENUMERATED, _EXTENDED_RESPONSE = 0x30, 0x02, 0x04, 0x0A, 0x78


def ldap_request() -> bytes:
    """Return the ExtendedRequest that asks for TLS, with the message number 1."""
    name = bytes((0x80, len(_LDAP_STARTTLS))) + _LDAP_STARTTLS
    operation = bytes((0x77, len(name))) + name
    body = bytes((_INTEGER, 1, 1)) + operation
    return bytes((_SEQUENCE, len(body))) + body


def ldap_result(data: bytes) -> Result | None:
    """Return the ExtendedResponse that *data* is, or None while some of it has not come. Raises NotOffered.

    BER, not DER: Active Directory writes every length in four octets.
    """
    try:
        if data and data[0] != _SEQUENCE:
            raise ValueError("not an answer")
        whole = _element(data, 0)
        if whole is None:
            return None
        _, start, end = whole
        parts = _elements(data[start:end])
        if parts[0][0] != _INTEGER or parts[1][0] != _EXTENDED_RESPONSE:
            raise ValueError("not an answer to this")
        fields = _elements(parts[1][1])
        if [field[0] for field in fields[:3]] != [_ENUMERATED, _OCTETS, _OCTETS] or not 0 < len(fields[0][1]) <= 4:
            raise ValueError("not a result")
    except (ValueError, IndexError):
        raise NotOffered("it does not answer as LDAP does") from None
    return Result(int.from_bytes(fields[0][1], "big"), fields[2][1].decode("utf-8", "replace"), data[end:])


def _element(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Return tag, begin and end of the contents of the element at *at*; None where it is cut off."""
    if len(data) < at + 2:
        return None
    tag, size, start = data[at], data[at + 1], at + 2
    if size >= 0x80:
        count = size & 0x7F
        if not 0 < count <= 4:
            raise ValueError("a length that LDAP does not allow")
        if len(data) < start + count:
            return None
        size = int.from_bytes(data[start : start + count], "big")
        start += count
    if start + size > _LDAP_MAX:
        raise ValueError("too long")
    return None if len(data) < start + size else (tag, start, start + size)


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(data):
        one = _element(data, at)
        if one is None:
            raise ValueError("cut off")
        found.append((one[0], data[one[1] : one[2]]))
        at = one[2]
    return found


def _ldap(line: Line) -> None:
    line.send(ldap_request())
    result = _gathered(line, ldap_result)
    if result.code:
        said = f": {result.message}" if result.message else ""
        raise NotOffered(f"the LDAP server refuses STARTTLS (result {result.code}{said})")
    if result.rest:
        raise NotOffered("the LDAP server speaks before it is asked to (somebody may have put that in)")


# --- all of them ------------------------------------------------------------------------------------------------------


def _gathered(line: Line, parse: Callable[[bytes], _Answer | None]) -> _Answer:
    """Return the first answer that *parse* finds in what comes; the parsers refuse what has no end."""
    data = b""
    while (answer := parse(data)) is None:
        more = line.receive()
        if not more:
            raise NotOffered("it closed the connection")
        data += more
    return answer


_DIALOGUES: dict[StartTls, Callable[[Line], None]] = {
    StartTls.POSTGRES: _postgres,
    StartTls.SMTP: _smtp,
    StartTls.LDAP: _ldap,
}
