"""Where a server is, as people write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import InvalidInput
from easycert.tls.places import parse_place


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("www.example.com:8443", "www.example.com", 8443),
        ("www.example.com", "www.example.com", None),
        ("[::1]:443", "::1", 443),
        ("https://www.example.com/a/page?x=1", "www.example.com", 443),
        ("HTTPS://www.example.com:8443", "www.example.com", 8443),
        ("ssl://bob@cortex.example.com/?hostname=a", "cortex.example.com", 27492),
    ],
)
def test_a_server_is_written_in_many_ways(text: str, host: str, port: int | None) -> None:
    place = parse_place(text)
    assert (place.host, place.port) == (host, port)


def test_a_url_says_what_it_wishes() -> None:
    place = parse_place("ssl://bob@127.0.0.1:1/?hostname=a.example&ca=root")
    assert (place.user, place.wish("hostname"), place.wish("ca"), place.wish("certname")) == (
        "bob",
        "a.example",
        "root",
        None,
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":443",
        "a:0",
        "a:99999",
        "a:b",
        "a/b",
        "a?b",
        "bob@a:1",
        "::1:x",
        "tcp://a:1",
        "a b",
        "a\n",
        "ssl://",
        "[::1",
    ],
)
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_place(text)


def test_a_password_is_neither_taken_nor_shown() -> None:
    with pytest.raises(InvalidInput, match="must not hold a password") as caught:
        parse_place("ssl://bob:secret@a.example/")
    assert "secret" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_a_server_or_refused(text: str) -> None:
    try:
        assert parse_place(text).host
    except InvalidInput:
        return
