"""Distinguished names: what people write, and what a certificate then carries."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import EasycertError, InvalidInput
from easycert.pki.subjects import common_name, distinguished_name, parse_subject, shown_name

UTF8_STRING, PRINTABLE_STRING, IA5_STRING = 0x0C, 0x13, 0x16


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("", ()),
        ("O=Acme", ((NameOID.ORGANIZATION_NAME, "Acme"),)),
        ("o = Acme , c = fr", ((NameOID.ORGANIZATION_NAME, "Acme"), (NameOID.COUNTRY_NAME, "FR"))),
        ("O=Acme\\, Inc.", ((NameOID.ORGANIZATION_NAME, "Acme, Inc."),)),
        ("O=a=b", ((NameOID.ORGANIZATION_NAME, "a=b"),)),
        ("O=A\\\\B", ((NameOID.ORGANIZATION_NAME, "A\\B"),)),
        ("O=Acme\\ ", ((NameOID.ORGANIZATION_NAME, "Acme"),)),
        ("O=Zürich", ((NameOID.ORGANIZATION_NAME, "Zürich"),)),
        ("OU=one,OU=two", ((NameOID.ORGANIZATIONAL_UNIT_NAME, "one"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "two"))),
        ("DC=example,DC=com", ((NameOID.DOMAIN_COMPONENT, "example"), (NameOID.DOMAIN_COMPONENT, "com"))),
        ("O=" + "ü" * 64, ((NameOID.ORGANIZATION_NAME, "ü" * 64),)),
    ],
)
def test_attributes_are_read_in_their_order(text: str, attributes: object) -> None:
    assert parse_subject(text) == attributes


@pytest.mark.parametrize(
    "text",
    [
        "Acme",
        "=Acme",
        "O",
        "O=",
        "O= ",
        "O=a,,C=FR",
        ",",
        "O=a\\",
        "CN=root",
        "cn=root",
        "X=y",
        "2.5.4.3=x",
        "emailAddress=a@b.c",
        "C=F",
        "C=FRA",
        "C=F1",
        "C=ÄÖ",
        "O=" + "x" * 65,
        "OU=" + "x" * 65,
        "L=" + "x" * 129,
        "SERIALNUMBER=a@b",
        "SERIALNUMBER=a*b",
        "DC=bücher",
        "O=a\0b",
        "O=a\nb",
        "O=a\u202eb",
        "\x1b=x",
        "O=" + "x" * 1_000_000,
    ],
)
def test_a_subject_that_cannot_be_certified_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_subject(text)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 400


def test_the_common_name_comes_last_and_is_the_most_specific() -> None:
    name = distinguished_name("root", parse_subject("C=FR,O=Acme"))
    assert shown_name(name) == "C=FR, O=Acme, CN=root"
    assert common_name(name) == "root"


def test_a_subject_without_common_name_may_be_empty() -> None:
    name = distinguished_name(None)
    assert list(name) == []
    assert common_name(name) is None
    assert shown_name(name) == "(empty)"


@pytest.mark.parametrize(
    ("subject", "tag"),
    [
        ("O=Acme", UTF8_STRING),
        ("C=FR", PRINTABLE_STRING),
        ("SERIALNUMBER=1 (2)", PRINTABLE_STRING),
        ("DC=example", IA5_STRING),
        ("L=Zürich", UTF8_STRING),
    ],
)
def test_each_attribute_has_the_string_type_of_RFC_5280(subject: str, tag: int) -> None:
    """RFC 5280 section 4.1.2.4 and appendix A.1: UTF8String, but for country, serial number and domain component."""
    ((_, value),) = attributes = parse_subject(subject)
    der = distinguished_name(None, attributes).public_bytes()
    assert der.endswith(bytes([tag, len(value.encode())]) + value.encode())


def test_a_CA_of_synapse_is_one_UTF8String_common_name() -> None:
    der = distinguished_name("vertex").public_bytes()
    assert der == bytes.fromhex("3011310f300d06035504030c06") + b"vertex"


def test_a_hostile_name_is_shown_on_one_safe_line() -> None:
    hostile = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "a\x1b[2J\nb\u202e")])
    assert shown_name(hostile) == r"O=a\x1b[2J\nb\u202e"
    unknown = x509.Name([x509.NameAttribute(x509.ObjectIdentifier("1.2.3.4"), "x")])
    assert shown_name(unknown) == "1.2.3.4=x"


@given(st.lists(st.tuples(st.sampled_from(["O", "OU", "L", "ST", "TITLE"]), st.text(min_size=1, max_size=70))))
def test_what_is_accepted_can_be_written_and_read(parts: list[tuple[str, str]]) -> None:
    text = ",".join(f"{label}={value}" for label, value in parts)
    try:
        attributes = parse_subject(text)
    except EasycertError as refusal:
        assert str(refusal).isprintable()
        return
    name = distinguished_name("x", attributes)
    assert [(item.oid, item.value) for item in name][:-1] == list(attributes)
    assert name.public_bytes()
