"""``ssl://`` URLs: what is understood, what is refused, and that no password is ever shown."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import InvalidInput, InvalidUrl
from easycert.tls.urls import SslUrl, TlsName, parse_url

PIN = "0123456789abcdef" * 4
SECRET = "Pa5s-w0rd"


def test_a_server_URL_names_hosts_and_a_CA() -> None:
    url = parse_url("ssl://0.0.0.0:27492/?hostname=cortex.vertex.link&ca=vertex")
    assert (url.host, url.port, url.hostnames, url.ca) == ("0.0.0.0", 27492, ("cortex.vertex.link",), "vertex")


def test_a_client_URL_names_a_user() -> None:
    url = parse_url("ssl://visi@cortex.vertex.link/share")
    assert (url.user, url.host, url.port, url.path) == ("visi", "cortex.vertex.link", 27492, "/share")
    assert not url.has_password


def test_several_names_are_separated_by_commas() -> None:
    assert parse_url("ssl://0.0.0.0/?hostname=a.vertex.link,*.b.vertex.link").hostnames == (
        "a.vertex.link",
        "*.b.vertex.link",
    )


def test_without_hostname_it_is_the_host_of_the_URL() -> None:
    assert parse_url("ssl://Cortex.Vertex.Link").hostname == "cortex.vertex.link"


@pytest.mark.parametrize(
    ("place", "host", "port"),
    [
        ("[::1]:5", "::1", 5),
        ("[2001:DB8::1]", "2001:db8::1", 27492),
        ("::1", "::1", 27492),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("bücher.example", "xn--bcher-kva.example", 27492),
        ("my_container:1", "my_container", 1),
    ],
)
def test_hosts_and_ports(place: str, host: str, port: int) -> None:
    url = parse_url(f"ssl://{place}/")
    assert (url.host, url.port) == (host, port)


def test_a_pin_may_be_written_as_openssl_prints_it() -> None:
    printed = ":".join(PIN[at : at + 2] for at in range(0, 64, 2)).upper()
    assert parse_url(f"ssl://h/?certhash={printed}").certhash == PIN


def test_a_password_is_noticed_and_not_kept() -> None:
    url = parse_url(f"ssl://visi:{SECRET}@h/")
    assert url.has_password
    assert SECRET not in repr(url) + str(url)


def test_a_user_is_percent_decoded() -> None:
    assert parse_url("ssl://visi%40vertex.link@h/").user == "visi@vertex.link"


def test_parameters_keep_a_plus_sign() -> None:
    assert parse_url("ssl://h/?certname=visi+x@vertex.link").certname == "visi+x@vertex.link"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h",
        "tcp://h/",
        "https://h/",
        "ssl:/h/",
        "//h/",
        "ssl://",
        "ssl:///",
        "ssl://:1/",
        "ssl://h:/",
        "ssl://h:65536/",
        "ssl://h:-1/",
        "ssl://h:+1/",
        "ssl://h:1_0/",
        "ssl://h:\N{ARABIC-INDIC DIGIT ONE}/",
        "ssl://h: 1/",
        "ssl://[h]/",
        "ssl://[::1/",
        "ssl://[::1]x/",
        "ssl://*.vertex.link/",
        "ssl://a b/",
        "ssl://h\0/",
        "ssl://h%00/",
        "ssl://h\n/",
        "ssl://h\\@evil/",
        "ssl://h#@evil/",
        "ssl://a@b@h/",
        "ssl://h/@evil",
        "ssl://@h/",
        "ssl://:pw@h/",
        "ssl://a%00b@h/",
        "ssl://a%ff@h/",
        "ssl://h/?hostnam=x",
        "ssl://h/?HOSTNAME=x",
        "ssl://h/?certdir=/etc",
        "ssl://h/?hostname=a&hostname=b",
        "ssl://h/?ca=a&ca=b",
        "ssl://h/?hostname=",
        "ssl://h/?hostname=a,",
        "ssl://h/?hostname=a,a",
        "ssl://h/?hostname=../../etc/passwd",
        "ssl://h/?hostname=a%00.example",
        "ssl://h/?ca",
        "ssl://h/?ca=",
        "ssl://h/?ca=../x",
        "ssl://h/?ca=%2e%2e%2fx",
        "ssl://h/?ca=$HOME",
        "ssl://h/?certname=/etc/x",
        "ssl://h/?certhash=",
        "ssl://h/?certhash=abcd",
        f"ssl://h/?certhash={'g' * 64}",
        f"ssl://{'h' * 9000}/",
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(InvalidUrl):
        parse_url(text)


@pytest.mark.parametrize(
    "text",
    [
        f"tcp://visi:{SECRET}@h/",
        f"ssl:/visi:{SECRET}@h/",
        f"visi:{SECRET}@h/",
        f"ssl://visi:{SECRET}@h:x/",
        f"ssl://visi:{SECRET}",
        f"ssl://visi:{SECRET}@",
        f"ssl://visi:a@{SECRET}@h/",
        f"ssl://visi:a/{SECRET}@h/",
        f"ssl://visi:1/{SECRET}@h/",
        f"ssl://visi:1?{SECRET}@h/",
        f"ssl://visi:1?hostname={SECRET}@h/",
        f"ssl://visi:1?ca={SECRET}@h/../",
        f"ssl://visi:1#{SECRET}@h/",
        f"ssl://visi:{SECRET}\0@h/",
        f"ssl://visi:{SECRET}@h/?nonsense=1",
        f"ssl://visi:{SECRET}@h/?certhash=1",
    ],
)
def test_an_error_shows_no_password(text: str) -> None:
    with pytest.raises(InvalidUrl) as caught:
        parse_url(text)
    assert SECRET not in str(caught.value) + repr(caught.value.__dict__)


@pytest.mark.parametrize(
    "change", [{"port": 65536}, {"port": -1}, {"hostnames": ()}, {"certhash": "x"}, {"host": "a/b"}]
)
def test_there_is_no_URL_that_is_none(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="parse_url"):
        replace(parse_url("ssl://h/"), **change)


@given(st.text(max_size=80))
def test_any_text_is_a_URL_or_an_error(text: str) -> None:
    for candidate in (text, f"ssl://{text}", f"ssl://h/{text}", f"ssl://h/?{text}", f"ssl://{text}@h/"):
        try:
            url = parse_url(candidate)
        except InvalidUrl as error:
            assert "\n" not in str(error)
        else:
            assert_whole(url)


def assert_whole(url: SslUrl) -> None:
    assert 0 <= url.port <= 65535
    assert url.hostnames
    for name in (url.host, *url.hostnames):
        assert TlsName(name) == name
        assert not set(name) & set("/\\@\0 ")
    for name in (url.ca, url.certname):
        assert name is None or not set(name) & set("/\\\0")
    assert not url.host.is_wildcard
    assert parse_url(str(url)) == replace(url, path=url.path or "/")


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), min_size=1), st.text())
def test_users_and_passwords_survive_when_they_are_quoted(user: str, password: str) -> None:
    url = parse_url(f"ssl://{quote(user, safe='')}:{quote(password, safe='', errors='ignore')}@cortex.vertex.link:1/")
    assert (url.user, url.has_password, url.host, url.port) == (user, True, "cortex.vertex.link", 1)


@given(st.text(alphabet="abc:@/?#[]%&=\\. ", max_size=30))
def test_a_password_in_any_place_is_never_shown(before: str) -> None:
    for text in (f"ssl://u:{before}{SECRET}@h/{before}", f"ssl://u:{SECRET}{before}@h", f"ssl://u:{before}{SECRET}"):
        try:
            url = parse_url(text)
        except InvalidInput as error:
            assert SECRET not in str(error)
        else:
            if "@h" in text and text.startswith("ssl://u:") and not set(before) & set("/?@"):
                assert SECRET not in str(url)
