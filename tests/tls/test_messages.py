"""What is heard of a handshake is read as the RFCs say, and whatever strangers send is at worst not understood."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from easycert.pki.distinguished import name_from_der
from easycert.tls.alerts import ALERTS, alert_of
from easycert.tls.messages import Overheard, authorities, certificates, group

OCTETS = st.binary(max_size=40)


def vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + vector(3, body)


def extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + vector(2, data)


@given(st.lists(OCTETS, max_size=5))
def test_the_chain_of_tls_1_2_is_read(chain: list[bytes]) -> None:
    body = vector(3, b"".join(vector(3, one) for one in chain))
    assert certificates(message(11, body), tls13=False) == tuple(chain)


@given(st.lists(OCTETS, max_size=5), OCTETS)
def test_the_chain_of_tls_1_3_is_read_with_extensions_between(chain: list[bytes], response: bytes) -> None:
    entries = b"".join(vector(3, one) + vector(2, extension(5, response)) for one in chain)
    assert certificates(message(11, vector(1, b"") + vector(3, entries)), tls13=True) == tuple(chain)


@given(st.lists(OCTETS, max_size=5))
def test_the_authorities_that_a_server_asks_for_are_read(names: list[bytes]) -> None:
    listed = vector(2, b"".join(vector(2, one) for one in names))
    old = message(13, vector(1, b"\1\x40") + vector(2, b"\4\3") + listed)
    new = message(13, vector(1, b"") + vector(2, extension(13, b"\0\2\4\3") + extension(47, listed)))
    assert authorities(old, tls13=False) == authorities(new, tls13=True) == tuple(names)


def test_the_group_is_that_of_the_key_share_or_of_the_server_key_exchange() -> None:
    hello = b"\3\3" + bytes(32) + vector(1, b"") + b"\x13\1\0" + vector(2, extension(51, b"\x11\xec\0\0"))
    assert group(message(2, hello)) == "X25519MLKEM768"
    assert group(message(12, b"\3\0\x17rest")) == "secp256r1"
    assert group(message(12, b"\3\x12\x34rest")) == "group 0x1234"


@given(st.sampled_from([2, 4, 11, 12, 13, 22, 99]), st.binary(max_size=200), st.sampled_from([0x0303, 0x0304, 7]))
def test_whatever_comes_is_at_worst_not_understood(kind: int, body: bytes, version: int) -> None:
    heard = Overheard()
    for data in (message(kind, body), bytes((kind,)) + body, body):
        heard.listen(None, "read", version, 22, kind, data)
        heard.listen(None, "read", version, 21, kind, data[:2])
    assert heard.answered or not body


def test_only_fatal_alerts_and_the_goodbye_are_the_end() -> None:
    heard = Overheard()
    heard.listen(None, "read", 0x0304, 21, 90, bytes((1, 112)))
    assert not heard.ended
    heard.listen(None, "write", 0x0304, 21, 90, bytes((2, 40)))
    assert not heard.ended
    heard.listen(None, "read", 0x0304, 21, 116, bytes((2, 116)))
    assert heard.alert == ALERTS[116]


@given(st.integers(0, 255))
def test_every_alert_has_a_name_and_a_source(number: int) -> None:
    alert = alert_of(number)
    assert alert.number == number
    assert alert.name and alert.meaning and alert.section.startswith("RFC ")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=64), max_size=4))
def test_the_name_of_a_ca_is_read_from_its_der(values: list[str]) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, value) for value in values])
    assert name_from_der(name.public_bytes()) == name


@given(st.binary(max_size=80))
def test_what_is_no_name_is_refused(data: bytes) -> None:
    try:
        found = name_from_der(data)
    except ValueError:
        return
    assert isinstance(found, x509.Name)


def test_more_than_a_name_is_no_name() -> None:
    with pytest.raises(ValueError, match="more than a name"):
        name_from_der(b"0\0\0")
