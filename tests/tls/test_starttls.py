"""STARTTLS goes exactly as far as TLS begins, and nobody can make it wait, swell or stumble."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.tls.starttls import NotOffered, Reply, StartTls, ldap_request, ldap_result, negotiate, smtp_reply

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
OFFER = b"220 mail\r\n", b"250-mail\r\n250-SIZE 1\r\n250 StartTLS\r\n", b"220 go\r\n"


class Script:
    """A server that answers, octet for octet, what it was given; and remembers what it was told."""

    def __init__(self, *answers: bytes, piece: int = 1 << 16) -> None:
        self.answers = list(answers)
        self.said: list[bytes] = []
        self.asked: list[int] = []
        self._piece = piece

    def send(self, data: bytes) -> None:
        self.said.append(data)

    def receive(self, most: int = 16384) -> bytes:
        self.asked.append(most)
        if not self.answers:
            return b""
        size = min(most, self._piece)
        taken, rest = self.answers[0][:size], self.answers[0][size:]
        self.answers[:1] = [rest] if rest else []
        return taken


def ber(tag: int, contents: bytes, octets: int = 0) -> bytes:
    size = len(contents)
    head = bytes((0x80 | octets,)) + size.to_bytes(octets, "big") if octets else bytes((size,))
    return bytes((tag,)) + head + contents


def response(code: int, message: bytes = b"", octets: int = 0) -> bytes:
    fields = ber(10, bytes((code,)), octets) + ber(4, b"", octets) + ber(4, message, octets)
    return ber(0x30, ber(2, b"\1", octets) + ber(0x78, fields, octets), octets)


@pytest.mark.parametrize("piece", [1, 3, 1 << 16])
def test_smtp_asks_for_tls_where_it_is_offered(piece: int) -> None:
    line = Script(*OFFER, piece=piece)
    negotiate(line, StartTls.SMTP)
    assert line.said == [b"EHLO easycert.invalid\r\n", b"STARTTLS\r\n"]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ((b"554 no\r\n",), "takes no connections"),
        ((OFFER[0], b"250-mail\r\n250 SIZE\r\n"), "does not offer STARTTLS"),
        ((OFFER[0], b"250 STARTTLS\r\n"), "does not offer STARTTLS"),  # that is the name of the host
        ((*OFFER[:2], b"454 later\r\n"), "is not ready for TLS"),
        ((*OFFER[:2], b"220 go\r\n250 injected\r\n"), "speaks before it is asked"),
        ((b"HTTP/1.1 400 Bad Request\r\n",), "does not answer as SMTP"),
        ((b"220-a\r\n250 b\r\n",), "does not answer as SMTP"),
        ((b"220",), "closed the connection"),
        ((b"2" * 5000,), "does not answer as SMTP"),
        ((b"220-more\r\n" * 10000,), "does not answer as SMTP"),
    ],
)
def test_smtp_that_does_not_turn_to_tls_is_told(answers: tuple[bytes, ...], why: str) -> None:
    with pytest.raises(NotOffered, match=why):
        negotiate(Script(*answers), StartTls.SMTP)


@given(st.integers(200, 599), st.lists(TEXT, min_size=1, max_size=5), st.binary(max_size=5))
def test_a_reply_of_several_lines_is_read_whole(code: int, lines: list[str], rest: bytes) -> None:
    marks = ["-"] * (len(lines) - 1) + [" "]
    data = "".join(f"{code}{mark}{line}\r\n" for mark, line in zip(marks, lines, strict=True)).encode()
    assert smtp_reply(data + rest) == Reply(code, tuple(lines), rest)
    assert all(smtp_reply(data[:end]) is None for end in range(len(data)))


def test_postgres_reads_no_octet_more_than_the_answer() -> None:
    line = Script(b"Sinjected")
    negotiate(line, StartTls.POSTGRES)
    assert line.asked == [1]
    assert line.said == [b"\0\0\0\x08\x04\xd2\x16\x2f"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [(b"N", "switched off"), (b"E", "with an error"), (b"H", "not answer as PostgreSQL"), (b"", "closed")],
)
def test_postgres_that_does_not_turn_to_tls_is_told(answer: bytes, why: str) -> None:
    with pytest.raises(NotOffered, match=why):
        negotiate(Script(answer), StartTls.POSTGRES)


@pytest.mark.parametrize("octets", [0, 1, 4])
def test_ldap_takes_lengths_as_every_server_writes_them(octets: int) -> None:
    line = Script(response(0, octets=octets), piece=7)
    negotiate(line, StartTls.LDAP)
    assert line.said == [ldap_request()] == [b"0\x1d\2\1\1w\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (response(52, b"no TLS"), "refuses STARTTLS .result 52: no TLS"),
        (response(0) + b"x", "speaks before"),
        (b"HTTP/1.1 400 Bad Request\r\n", "does not answer as LDAP"),
        (b"0\x80", "does not answer as LDAP"),
        (b"0\x84\x7f\xff\xff\xff", "does not answer as LDAP"),
        (response(0)[:-1], "closed the connection"),
    ],
)
def test_ldap_that_does_not_turn_to_tls_is_told(answer: bytes, why: str) -> None:
    with pytest.raises(NotOffered, match=why):
        negotiate(Script(answer), StartTls.LDAP)


@given(st.integers(0, 127), st.binary(max_size=60), st.sampled_from([0, 1, 2, 4]))
def test_an_answer_of_ldap_is_read_whole(code: int, message: bytes, octets: int) -> None:
    data = response(code, message, octets)
    assert ldap_result(data) == (code, message.decode("utf-8", "replace"), b"")
    assert all(ldap_result(data[:end]) is None for end in range(len(data)))


@given(st.binary(max_size=60))
def test_whatever_is_answered_is_an_answer_or_none(data: bytes) -> None:
    for parse in (smtp_reply, ldap_result):
        try:
            found = parse(data)
        except NotOffered:
            continue
        assert found is None or data.endswith(found.rest)
    for protocol in StartTls:
        with pytest.raises(NotOffered):
            negotiate(Script(b"\0" + data), protocol)
