"""The client hello by hand is one, and whatever a server answers to it is read within bounds."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.tls.stapling import Records, client_hello


def message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def records(data: bytes, size: int) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"\x16\3\3" + len(piece).to_bytes(2, "big") + piece for piece in pieces)


FLIGHT = message(2, b"hello") + message(11, bytes(300)) + message(22, b"\1\0\0\5reply") + message(14, b"")


@given(st.integers(1, 400), st.integers(1, 500))
def test_the_response_is_read_however_records_and_packets_are_cut(record: int, packet: int) -> None:
    heard, data = Records(), records(FLIGHT, record)
    for at in range(0, len(data), packet):
        heard.feed(data[at : at + packet])
    assert (heard.answered, heard.is_done, heard.response) == (True, True, b"reply")


def test_a_server_without_one_is_done_when_it_waits() -> None:
    heard = Records()
    heard.feed(records(message(2, b"hello") + message(14, b""), 100))
    assert (heard.answered, heard.is_done, heard.response) == (True, True, None)


def test_a_fatal_alert_is_the_end() -> None:
    heard = Records()
    heard.feed(b"\x15\3\3\0\2\2\x46")
    assert (heard.answered, heard.is_done) == (False, True)


@given(st.binary(max_size=400))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    heard = Records()
    try:
        heard.feed(data)
        heard.feed(records(data, 100))
    except ValueError:
        return


def test_what_never_ends_is_refused() -> None:
    heard = Records()
    with pytest.raises(ValueError, match="too long"):
        heard.feed(records(b"\2\xff\xff\xff" + bytes(70000), 16000))


@given(st.sampled_from([None, "www.example.com", "a" * 63 + ".example"]), st.binary(min_size=32, max_size=32))
def test_openssl_answers_the_hello(name: str | None, random: bytes) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    seen: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda _connection, asked, _context: seen.append(asked)
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(client_hello(name, random))
    with pytest.raises(ssl.SSLError, match=r"(?i)no.shared.cipher"):  # it has no certificate: it has read all of it
        server.do_handshake()
    assert seen == ([name] if name else [None])
