"""Host and mailbox names: RFC 9525 section 6, RFC 8550 section 3."""

from __future__ import annotations

import ipaddress

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import InvalidSan
from easycert.pki.identity import dns_matches, host_mismatch, host_reference, mailbox_mismatch
from easycert.pki.names import HostName
from tests.pki.chainmaker import sans


@pytest.mark.parametrize(
    ("presented", "reference"),
    [
        ("www.example.com", "www.example.com"),
        ("WWW.Example.COM", "www.example.com"),
        ("*.example.com", "www.example.com"),
        ("*.example.com", "xn--bcher-kva.example.com"),
        ("*.example.com", "*.example.com"),
        ("localhost", "localhost"),
        ("my_host.example.com", "my_host.example.com"),
    ],
)
def test_a_presented_name_matches(presented: str, reference: str) -> None:
    assert dns_matches(presented, reference)


@pytest.mark.parametrize(
    ("presented", "reference"),
    [
        ("example.com", "www.example.com"),
        ("www.example.com.", "www.example.com"),
        ("www.example.com", "example.com"),
        ("*.example.com", "example.com"),
        ("*.example.com", "a.b.example.com"),
        ("*.example.com", ".example.com"),
        ("*.com", "example.com"),
        ("*", "localhost"),
        ("w*.example.com", "www.example.com"),
        ("*w.example.com", "www.example.com"),
        ("www.*.com", "www.example.com"),
        ("*.*.com", "www.example.com"),
        ("www.example.com\0.evil.test", "www.example.com"),
        ("", ""),
        ("a..b", "a..b"),
    ],
)
def test_a_presented_name_does_not_match(presented: str, reference: str) -> None:
    assert not dns_matches(presented, reference)


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=2, max_size=5).map(".".join)


@given(name=NAME)
def test_every_name_matches_itself_in_any_case(name: str) -> None:
    assert dns_matches(name.upper(), name)


@given(first=LABEL, name=NAME)
def test_a_wildcard_matches_every_label_in_its_place(first: str, name: str) -> None:
    assert dns_matches(f"*.{name}", f"{first}.{name}")


@given(labels=st.lists(LABEL, max_size=4).filter(lambda labels: len(labels) != 1), name=NAME)
def test_a_wildcard_stands_for_exactly_one_label(labels: list[str], name: str) -> None:
    assert not dns_matches(f"*.{name}", ".".join([*labels, name]))


@given(presented=st.text(max_size=40), name=NAME)
def test_nothing_matches_but_the_name_and_its_wildcard(presented: str, name: str) -> None:
    below = name.partition(".")[2]
    accepted = {name, f"*.{below}"} if "." in below else {name}
    assert dns_matches(presented, name) == (presented.lower() in accepted)


@pytest.mark.parametrize(
    ("host", "reference"),
    [
        ("WWW.Example.com.", "www.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("10.0.0.1", ipaddress.ip_address("10.0.0.1")),
        ("2001:db8:0::1", ipaddress.ip_address("2001:db8::1")),
        (HostName("2001:db8::1"), ipaddress.ip_address("2001:db8::1")),
        (HostName("Bücher.example"), "xn--bcher-kva.example"),
        ("my_host.example.com", "my_host.example.com"),
        ("xn--628h.example.com", "xn--628h.example.com"),
        ("www.XN--bliss-1b3c148a.example.com.", "www.xn--bliss-1b3c148a.example.com"),
    ],
)
def test_a_host_becomes_what_a_certificate_must_name(host: str, reference: object) -> None:
    assert host_reference(host) == reference


@pytest.mark.parametrize("host", ["a b", "", "xn--628h..com", "xn--628h.-a", "xn--628h " + "a" * 300, "xn--628h.a*"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidSan):
        host_reference(host)


def test_an_address_is_matched_as_an_address() -> None:
    assert host_mismatch(sans("2001:db8::1"), ipaddress.ip_address("2001:db8::1")) == ""


def test_an_address_written_as_a_dns_name_does_not_count() -> None:
    names = x509.SubjectAlternativeName([x509.DNSName("10.0.0.1")])
    assert host_mismatch(names, ipaddress.ip_address("10.0.0.1")) == "does not name 10.0.0.1, only 10.0.0.1"


def test_a_mismatch_shows_a_few_of_the_names() -> None:
    names = sans("a.test", "b.test", "10.0.0.1", "c@d.test", "e.test", "f.test")
    assert (
        host_mismatch(names, "www.test") == "does not name www.test, only a.test, b.test, 10.0.0.1, c@d.test and 2 more"
    )


def test_without_alternative_names_no_host_is_named() -> None:
    assert host_mismatch(None, "www.test").startswith("has no subject alternative name")


def test_a_mailbox_is_found_whatever_the_case_of_its_domain() -> None:
    assert mailbox_mismatch(sans("Bob@EXAMPLE.com"), "Bob@example.COM") == ""


def test_the_case_of_the_local_part_counts() -> None:
    assert mailbox_mismatch(sans("bob@example.com"), "Bob@example.com")


def test_a_mailbox_beyond_ascii_is_found() -> None:
    text = "bücher@example.com".encode()
    name = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), bytes([0x0C, len(text)]) + text)
    assert mailbox_mismatch(x509.SubjectAlternativeName([name]), "bücher@example.com") == ""


def test_without_alternative_names_no_mailbox_is_named() -> None:
    assert mailbox_mismatch(None, "bob@example.com").startswith("has no subject alternative name")
