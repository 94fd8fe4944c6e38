"""Properties of names: whatever is typed, a parser gives a value that keeps its promises or refuses in one line."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from easycert.errors import EasycertError, InvalidInput, printable
from easycert.model import Kind
from easycert.pki.dns import mixed_scripts
from easycert.pki.names import CaName, CodeName, CommonName, HostName, SafeName, SynapseHostName, UserName
from easycert.pki.sans import SanType, SubjectAltName, parse_san, typed_san, unique_sans
from easycert.pki.subjects import parse_subject
from easycert.pki.validity import parse_when
from easycert.store import layout

EVERY_NAME = [SafeName, CommonName, SynapseHostName, CaName, CodeName, UserName, HostName]
EVERY_PARSER: list[Callable[[str], object]] = [*EVERY_NAME, parse_san, parse_subject, parse_when]

T = TypeVar("T")

#: The characters that parsers trip over, far denser than in text at large.
TROUBLE = (
    "./\\@:*-_$%~ '\"\t\n\r\0\x1b\x7f\x9b,;=+#[]"
    "\u202e\u200d\u200b\u00df\u0130\u0958\u212a\u3002\uff0e\uff0f\u2024\ud800"
)
HOSTILE = st.one_of(
    st.text(max_size=80),
    st.text(alphabet=st.sampled_from(TROUBLE + "abcXYZ019üé东"), max_size=80),
    st.text(max_size=400),
    st.binary(max_size=60).map(lambda data: data.decode("utf-8", "surrogateescape")),
)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True).filter(lambda text: text[2:4] != "--")
DNS_NAME = st.lists(LABEL, min_size=1, max_size=5).map(".".join).map(lambda text: text + ".example")
UNICODE_DNS_NAME = st.text(alphabet="abcäöüßéñжшщяδψω東京ひら", min_size=1, max_size=12).map(
    lambda text: text + ".example"
)
ADDRESS = st.ip_addresses().map(str)
MAILBOX = st.builds("{}@{}".format, st.from_regex(r"[a-zé][a-z0-9é.+-]{0,10}[a-z]", fullmatch=True), DNS_NAME)
SAN_TEXT = st.one_of(
    HOSTILE,
    DNS_NAME,
    UNICODE_DNS_NAME,
    ADDRESS,
    MAILBOX,
    DNS_NAME.map("*.{}".format),
    DNS_NAME.map("https://{}/a".format),
)


def made(parse: Callable[[str], T], text: str) -> T | None:
    """Return what *parse* makes of *text*, None for a refusal, whose message must be one short printable line."""
    try:
        return parse(text)
    except EasycertError as refusal:
        assert str(refusal).isprintable()
        assert 0 < len(str(refusal)) < 600
        if isinstance(refusal, InvalidInput):
            assert refusal.what in str(refusal)
        return None


@pytest.mark.parametrize("parse", EVERY_PARSER)
@given(text=HOSTILE)
@example(text="a\u202eb")
@example(text="\ud800")
@example(text="x" * 100_000)
@example(text="xn--" + "9" * 60)
@example(text="O=\\")
def test_any_text_is_parsed_or_refused_in_one_printable_line(parse: Callable[[str], object], text: str) -> None:
    made(parse, text)


@pytest.mark.parametrize("name", EVERY_NAME)
@given(text=st.one_of(HOSTILE, SAN_TEXT))
@example(text="*.example.com")
@example(text="::ffff:192.0.2.1")
@example(text="..")
@example(text="\uff0f\uff0e\uff0e")
def test_a_name_stays_directly_inside_its_directory(name: type[SafeName], text: str) -> None:
    value = made(name, text)
    if value is None:
        return
    for entry in (layout.certificate(Kind.HOST, value), layout.key(Kind.CA, value), layout.crl(value)):
        path = os.path.join("/certs", entry.folder, entry.filename)
        assert os.path.split(path) == (f"/certs/{entry.folder}", entry.filename)
        assert os.path.normpath(path) == path
        assert entry.name == value
        assert len(os.fsencode(entry.filename)) <= 255
        assert "\\" not in path
        assert path.isprintable()
        assert not entry.filename.startswith(".")


@pytest.mark.parametrize("name", EVERY_NAME)
@given(text=st.one_of(HOSTILE, SAN_TEXT))
@example(text="\u0958" * 21)
@example(text="2001:db8::1")
@example(text="\u0130.example")
@example(text="A\u0308\u0308.example")
def test_parsing_a_name_again_changes_nothing(name: type[SafeName], text: str) -> None:
    value = made(name, text)
    if value is not None:
        assert name(str(value)) == value
        assert name(str(value)).sans == value.sans


@given(text=SAN_TEXT)
@example(text="bücher.example")
@example(text="URI:dns:x")
@example(text="email:a:b@example.com")
def test_a_san_reads_back_as_itself(text: str) -> None:
    san = made(parse_san, text)
    if san is not None:
        assert parse_san(str(san)) == san


@given(st.sampled_from(SanType), st.one_of(HOSTILE, SAN_TEXT))
def test_a_typed_san_is_of_its_type_or_an_address(san_type: SanType, text: str) -> None:
    san = made(lambda value: typed_san(san_type, value), text)
    if san is not None:
        assert san.type in (san_type, SanType.IP)
        assert san.value.isprintable()
        assert san.value


@given(st.one_of(DNS_NAME, UNICODE_DNS_NAME))
def test_a_host_name_survives_being_shown(text: str) -> None:
    """U-label to A-label and back (RFC 5891 section 4)."""
    name = made(HostName, text)
    if name is not None:
        assert HostName(name.display) == name
        assert mixed_scripts(name) == mixed_scripts(name.display)


@given(DNS_NAME)
def test_every_DNS_name_is_a_host_name(text: str) -> None:
    assert HostName(text.upper()) == text
    assert HostName(text).sans == (SubjectAltName(SanType.DNS, text),)


@given(st.ip_addresses())
def test_every_address_is_a_host_name_with_an_IP_san(address: object) -> None:
    name = HostName(str(address))
    assert name.address == address
    assert [san.type for san in name.sans] == [SanType.IP]


@given(DNS_NAME, st.integers(1, 4094))
def test_a_dns_san_is_ASCII_whatever_was_typed(text: str, code: int) -> None:
    san = made(parse_san, f"DNS:{chr(code)}{text}")
    if san is not None:
        assert san.value.isascii()


@given(st.lists(DNS_NAME.map(parse_san)))
def test_sans_are_unique_and_none_is_lost(sans: list[SubjectAltName]) -> None:
    kept = unique_sans([*sans, *sans])
    assert set(kept) == set(sans)
    assert len(kept) == len(set(sans))


@given(HOSTILE)
@example("\x1b]0;title\x07")
@example("a\u2066b")
def test_whatever_is_shown_is_one_line_of_bounded_length(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) <= 123
