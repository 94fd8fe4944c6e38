"""Name constraints: RFC 5280 section 4.2.1.10, RFC 9598 section 6."""

from __future__ import annotations

import ipaddress

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import InvalidInput
from easycert.pki.constraints import MOST_COMPARISONS, breaches, name_constraints, parse_constraint

NOBODY = x509.Name([])


def dns(value: str) -> x509.GeneralName:
    return x509.DNSName(value)


def ip(value: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_network(value) if "/" in value else ipaddress.ip_address(value))


def email(value: str) -> x509.GeneralName:
    return x509.RFC822Name(value)


def uri(value: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(value)


def subject(**attributes: str) -> x509.Name:
    oids = {"cn": NameOID.COMMON_NAME, "o": NameOID.ORGANIZATION_NAME, "email": NameOID.EMAIL_ADDRESS}
    return x509.Name([x509.NameAttribute(oids[key], value) for key, value in attributes.items()])


def directory(**attributes: str) -> x509.GeneralName:
    return x509.DirectoryName(subject(**attributes))


def smtp_utf8(text: str) -> x509.GeneralName:
    value = text.encode()
    return x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), bytes([0x0C, len(value)]) + value)


def permits(base: x509.GeneralName, *names: x509.GeneralName, by: x509.Name = NOBODY) -> bool:
    return not breaches(names, by, x509.NameConstraints([base], None))


def excludes(base: x509.GeneralName, *names: x509.GeneralName, by: x509.Name = NOBODY) -> bool:
    return bool(breaches(names, by, x509.NameConstraints(None, [base])))


INSIDE = [
    (dns("example.com"), dns("example.com")),
    (dns("example.com"), dns("www.example.com")),
    (dns("example.com"), dns("a.b.c.example.com")),
    (dns("example.com"), dns("WWW.EXAMPLE.COM")),
    (dns("XN--BCHER-KVA.example"), dns("www.xn--bcher-kva.example")),
    (dns("example.com"), dns("example.com.")),
    (dns("example.com"), dns("*.example.com")),
    (dns("com"), dns("*.com")),
    (dns("example.com"), dns("my_host.example.com")),
    (dns(""), dns("www.example.com")),
    (ip("10.0.0.0/8"), ip("10.1.2.3")),
    (ip("10.0.0.5/32"), ip("10.0.0.5")),
    (ip("0.0.0.0/0"), ip("192.0.2.1")),
    (ip("2001:db8::/32"), ip("2001:db8::1")),
    (email("bob@example.com"), email("bob@EXAMPLE.com")),
    (email("bob@example.com"), email('"bob"@example.com')),
    (email("example.com"), email("anyone@example.com")),
    (email(".example.com"), email("bob@mail.example.com")),
    (email("example.com"), smtp_utf8("bücher@example.com")),
    (uri("www.example.com"), uri("https://www.example.com/path")),
    (uri("www.example.com"), uri("https://user@WWW.example.com:8443/")),
    (uri(".example.com"), uri("https://www.example.com/")),
    (directory(o="Acme"), directory(o="Acme", cn="x")),
    (directory(o="Acme"), directory(o="Acme")),
    (directory(o="Acme Inc"), directory(o="ACME   inc", cn="x")),
    (directory(o="Bücher"), directory(o="BÜCHER", cn="x")),
]

OUTSIDE = [
    (dns("example.com"), dns("notexample.com")),
    (dns("example.com"), dns("example.com.evil.test")),
    (dns("example.com"), dns("com")),
    (dns("www.example.com"), dns("*.example.com")),
    (ip("10.0.0.0/8"), ip("11.0.0.1")),
    (ip("10.0.0.0/8"), ip("::1")),
    (ip("10.0.0.0/8"), ip("::ffff:10.0.0.1")),
    (ip("::/0"), ip("10.0.0.1")),
    (email("bob@example.com"), email("alice@example.com")),
    (email("bob@example.com"), email("BOB@example.com")),
    (email("example.com"), email("bob@mail.example.com")),
    (email(".example.com"), email("bob@example.com")),
    (email("example.com"), smtp_utf8("bücher@evil.test")),
    (uri("example.com"), uri("https://www.example.com/")),
    (uri(".example.com"), uri("https://example.com/")),
    (uri("example.com"), uri("https://example.com@evil.test/")),
    (directory(o="Acme"), directory(o="Acme Ltd")),
    (directory(o="Acme", cn="x"), directory(o="Acme")),
    (directory(o="Acme"), directory(cn="x", o="Acme")),
]

INCOMPARABLE = [
    (dns("example.com"), dns("evil.test\x00.example.com")),
    (dns("example.com"), dns("a b.example.com")),
    (dns("example.com"), dns("a..example.com")),
    (dns("example.com"), dns("w*.example.com")),
    (dns("example.com"), dns("a.*.example.com")),
    (dns("example.com"), dns("")),
    (dns("example.com"), dns(".example.com")),
    (dns(".example.com"), dns("www.example.com")),
    (dns(".example.com"), dns("example.com")),
    (ip("10.0.0.0/8"), ip("10.0.0.0/24")),
    (email("example.com"), x509.RFC822Name._init_without_validation("bob@evil@example.com")),
    (email("example.com"), x509.RFC822Name._init_without_validation("bob smith@example.com")),
    (x509.RFC822Name._init_without_validation("bob@evil@example.com"), email("bob@example.com")),
    (email("example.com"), x509.RFC822Name._init_without_validation("example.com")),
    (email("example.com"), x509.RFC822Name._init_without_validation("@example.com")),
    (email("example.com"), x509.RFC822Name._init_without_validation("bob@")),
    (email("example.com"), x509.RFC822Name._init_without_validation("bob\n@example.com")),
    (email("example.com"), x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), b"\x0c\x80")),
    (uri("example.com"), uri("urn:isbn:1234")),
    (uri("example.com"), uri("https://10.0.0.1/")),
    (uri("example.com"), uri("https://[::1]/")),
    (uri("example.com"), uri("https://[::1/")),
    (uri("example.com"), uri("https://example.com\\@evil.test/")),
    (uri("example.com"), uri("https://exam\nple.com/")),
]


@pytest.mark.parametrize(("base", "name"), INSIDE, ids=str)
def test_a_name_inside_a_permitted_subtree_is_no_breach(base: x509.GeneralName, name: x509.GeneralName) -> None:
    assert permits(base, name)


@pytest.mark.parametrize(("base", "name"), INSIDE, ids=str)
def test_a_name_inside_an_excluded_subtree_is_a_breach(base: x509.GeneralName, name: x509.GeneralName) -> None:
    assert excludes(base, name)


@pytest.mark.parametrize(("base", "name"), OUTSIDE, ids=str)
def test_a_name_outside_the_permitted_subtree_is_a_breach(base: x509.GeneralName, name: x509.GeneralName) -> None:
    assert not permits(base, name)


REACHED = [(dns("www.example.com"), dns("*.example.com")), (ip("10.0.0.0/8"), ip("::ffff:10.0.0.1"))]


@pytest.mark.parametrize(("base", "name"), [pair for pair in OUTSIDE if pair not in REACHED], ids=str)
def test_a_name_outside_the_excluded_subtree_is_no_breach(base: x509.GeneralName, name: x509.GeneralName) -> None:
    assert not excludes(base, name)


@pytest.mark.parametrize(("base", "name"), REACHED, ids=str)
def test_a_name_that_reaches_into_an_excluded_subtree_is_a_breach(
    base: x509.GeneralName, name: x509.GeneralName
) -> None:
    assert excludes(base, name)


@pytest.mark.parametrize(("base", "name"), INCOMPARABLE, ids=str)
def test_a_malformed_name_is_a_breach_of_a_permitted_subtree(base: x509.GeneralName, name: x509.GeneralName) -> None:
    assert not permits(base, name)


@pytest.mark.parametrize(("base", "name"), INCOMPARABLE, ids=str)
def test_a_malformed_name_is_a_breach_of_an_excluded_subtree(base: x509.GeneralName, name: x509.GeneralName) -> None:
    assert excludes(base, name)


@pytest.mark.parametrize("name", [ip("10.0.0.1"), email("bob@evil.test"), uri("https://evil.test"), directory(o="x")])
def test_permitted_dns_names_do_not_restrict_names_of_another_form(name: x509.GeneralName) -> None:
    assert permits(dns("example.com"), name, by=subject(cn="evil.test"))


def test_one_permitted_subtree_of_several_is_enough() -> None:
    constraints = x509.NameConstraints([dns("a.test"), dns("b.test")], None)
    assert not breaches([dns("x.a.test"), dns("x.b.test")], NOBODY, constraints)


def test_an_exclusion_wins_over_a_permission() -> None:
    constraints = x509.NameConstraints([dns("a.test")], [dns("secret.a.test")])
    assert breaches([dns("www.secret.a.test")], NOBODY, constraints) == (
        "DNS:www.secret.a.test is inside the excluded DNS:secret.a.test",
    )


def test_a_breach_names_the_name_and_the_constraint() -> None:
    constraints = x509.NameConstraints([dns("example.com")], None)
    assert breaches([dns("www.evil.test")], NOBODY, constraints) == (
        "DNS:www.evil.test is outside the permitted DNS:example.com",
    )


def test_a_breach_lists_only_a_few_of_many_constraints() -> None:
    constraints = x509.NameConstraints([dns(f"{letter}.test") for letter in "abcde"], None)
    assert breaches([dns("z.test")], NOBODY, constraints) == (
        "DNS:z.test is outside the permitted DNS:a.test, DNS:b.test, DNS:c.test and 2 more",
    )


def test_a_breach_shows_control_characters_escaped() -> None:
    [breach] = breaches([dns("a\x1b[2J")], NOBODY, x509.NameConstraints([dns("b.test")], None))
    assert breach == r"DNS:a\x1b[2J cannot be compared with DNS:b.test"


def test_every_breach_is_reported() -> None:
    constraints = x509.NameConstraints([dns("a.test"), ip("10.0.0.0/8")], None)
    assert len(breaches([dns("b.test"), dns("c.test"), ip("192.0.2.1")], NOBODY, constraints)) == 3


def test_an_email_address_in_the_subject_is_judged() -> None:
    assert not permits(email("example.com"), by=subject(cn="x", email="bob@evil.test"))


def test_the_subject_is_judged_as_a_directory_name() -> None:
    assert not permits(directory(o="Acme"), by=subject(o="Evil"))


def test_an_empty_subject_is_not_a_directory_name() -> None:
    assert permits(directory(o="Acme"), dns("www.example.com"))


def test_a_common_name_is_not_a_dns_name() -> None:
    assert permits(dns("example.com"), by=subject(cn="www.evil.test"))


@pytest.mark.parametrize(
    "name", [x509.RegisteredID(x509.ObjectIdentifier("1.2.3")), x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\5\0")]
)
def test_a_form_that_cannot_be_judged_fails_closed(name: x509.GeneralName) -> None:
    assert not permits(name, name)


def test_a_form_that_cannot_be_judged_is_harmless_where_no_constraint_names_it() -> None:
    assert permits(dns("example.com"), x509.RegisteredID(x509.ObjectIdentifier("1.2.3")))


def test_more_comparisons_than_anyone_needs_are_refused() -> None:
    names = [dns(f"a{number}.test") for number in range(MOST_COMPARISONS // 100 + 1)]
    constraints = x509.NameConstraints([dns(f"b{number}.test") for number in range(100)], None)
    assert breaches(names, NOBODY, constraints) == (f"{len(names)} names and 100 constraints are too many to compare",)


LABELS = st.lists(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True), min_size=1, max_size=4)


@given(above=LABELS, below=st.lists(LABELS, max_size=2))
def test_any_name_below_a_domain_is_inside_it(above: list[str], below: list[list[str]]) -> None:
    name = ".".join([*(label for labels in below for label in labels), *above])
    assert permits(dns(".".join(above)), dns(name.upper()))


@given(base=LABELS, name=LABELS)
def test_dns_names_are_compared_label_by_label(base: list[str], name: list[str]) -> None:
    assert permits(dns(".".join(base)), dns(".".join(name))) == (name[-len(base) :] == base)


@given(base=LABELS, name=st.text(max_size=30))
def test_no_text_is_both_permitted_and_not_excluded(base: list[str], name: str) -> None:
    """Whatever a hostile certificate holds, a name that a permission lets through an exclusion catches."""
    constraint, hostile = dns(".".join(base)), x509.DNSName._init_without_validation(name)
    assert excludes(constraint, hostile) or not permits(constraint, hostile)


# --- parsing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "constraint"),
    [
        ("example.com", dns("example.com")),
        ("Example.COM.", dns("example.com")),
        (".example.com", dns("example.com")),
        ("DNS:.example.com", dns("example.com")),
        ("dns:internal", dns("internal")),
        ("bücher.example", dns("xn--bcher-kva.example")),
        ("10.0.0.0/8", ip("10.0.0.0/8")),
        ("10.0.0.5", ip("10.0.0.5/32")),
        ("2001:db8::/32", ip("2001:db8::/32")),
        ("IP:10.0.0.0/255.0.0.0", ip("10.0.0.0/8")),
        ("bob@Example.com", email("bob@example.com")),
        ("email:example.com", email("example.com")),
        ("email:.example.com", email(".example.com")),
        ("URI:www.example.com", uri("www.example.com")),
        ("URI:.example.com", uri(".example.com")),
    ],
)
def test_a_constraint_is_read_as_people_write_it(text: str, constraint: x509.GeneralName) -> None:
    assert parse_constraint(text) == constraint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("*.example.com", "needs no '*'"),
        ("10.0.0.1/8", "has bits set to the right of its mask"),
        ("IP:10.0.0.0/33", "is not an IP network"),
        ("DNS:10.0.0.1", "is not a DNS name"),
        ("a..b", "an empty label"),
        ("email:bücher@example.com", "must be ASCII"),
        ("@example.com", "is not an e-mail address"),
        ("https://example.com/", "must be the host of a URI"),
        ("URI:*.example.com", "is not a DNS name"),
        ("a b", "is not a DNS name"),
    ],
)
def test_what_is_no_constraint_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match="name constraint") as refused:
        parse_constraint(text)
    assert reason in refused.value.reason


def test_no_constraints_make_no_extension() -> None:
    assert name_constraints([], []) is None


def test_constraints_are_written_once_each() -> None:
    assert name_constraints([dns("a.test"), dns("a.test")], []) == x509.NameConstraints([dns("a.test")], None)


def test_exclusions_alone_are_an_extension() -> None:
    assert name_constraints([], [dns("a.test")]) == x509.NameConstraints(None, [dns("a.test")])
