"""Name constraints: RFC 5280 section 4.2.1.10, every form of name, on anchors and on intermediates."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any

from cryptography import x509

from easycert.pki.rules import Purpose
from tests.pki.chainmaker import Made, name
from tests.pki.corpus.case import HOST, Body, Case, authority, chain, extension, leaf, reshaped, tlv, with_extension

NC = "2.5.29.30"


def dns(text: str) -> x509.GeneralName:
    return x509.DNSName(text)


def ip(text: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_network(text) if "/" in text else ipaddress.ip_address(text))


def email(text: str) -> x509.GeneralName:
    return x509.RFC822Name._init_without_validation(text)


def uri(text: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(text)


def directory(common_name: str | None = None, **attributes: str) -> x509.GeneralName:
    return x509.DirectoryName(name(common_name, **attributes))


OTHER = x509.OtherName(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
REGISTERED = x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4"))
Names = Sequence[x509.GeneralName]

NO_URI = "knows no constraints on URIs"
NO_DIRECTORY = "knows no constraints on directory names"
FAMILIES = "limits IPv4 and IPv6 apart, though both are iPAddress"
DOTTED = "takes a leading dot for all hosts below, which RFC 5280 4.2.1.10 gives to URIs and mailboxes only"

#: A fact, what is permitted, what is excluded, the alternative names of the leaf, the verdict, and who differs.
RULES: list[tuple[str, Names, Names, Names, bool, dict[str, str]]] = [
    ("the permitted host", [dns("example.com")], [], [dns("example.com")], True, {}),
    ("a host below the permitted one", [dns("example.com")], [], [dns("www.example.com")], True, {}),
    ("a host far below", [dns("example.com")], [], [dns("a.b.c.example.com")], True, {}),
    ("a permitted host in capitals", [dns("EXAMPLE.com")], [], [dns("www.example.COM")], True, {}),
    ("a host that only ends alike", [dns("example.com")], [], [dns("notexample.com")], False, {}),
    ("a host above the permitted one", [dns("www.example.com")], [], [dns("example.com")], False, {}),
    ("another host", [dns("example.com")], [], [dns("example.org")], False, {}),
    (
        "one permitted host and one that is not",
        [dns("example.com")],
        [],
        [dns("example.com"), dns("evil.test")],
        False,
        {},
    ),
    ("the second of two permitted", [dns("a.test"), dns("b.test")], [], [dns("x.b.test")], True, {}),
    ("both of two permitted", [dns("a.test"), dns("b.test")], [], [dns("x.b.test"), dns("a.test")], True, {}),
    ("a permitted wildcard", [dns("example.com")], [], [dns("*.example.com")], True, {}),
    ("a wildcard wider than permitted", [dns("foo.example.com")], [], [dns("*.example.com")], False, {}),
    ("the excluded host", [], [dns("example.com")], [dns("example.com")], False, {}),
    ("a host below the excluded one", [], [dns("example.com")], [dns("www.example.com")], False, {}),
    ("a host above the excluded one", [], [dns("www.example.com")], [dns("example.com")], True, {}),
    ("a host beside the excluded one", [], [dns("example.com")], [dns("example.org")], True, {}),
    ("a host that ends like the excluded one", [], [dns("example.com")], [dns("notexample.com")], True, {}),
    ("one excluded host of two", [], [dns("bad.test")], [dns("good.test"), dns("bad.test")], False, {}),
    (
        "a wildcard that reaches the excluded host",
        [dns("example.com")],
        [dns("bar.example.com")],
        [dns("*.example.com")],
        False,
        {"openssl": "CVE-2025-61727: does not see that the wildcard reaches it", "gnutls": "likewise"},
    ),
    ("a wildcard beside the excluded host", [], [dns("a.b.example.com")], [dns("*.example.com")], True, {}),
    ("permitted and excluded", [dns("example.com")], [dns("example.com")], [dns("example.com")], False, {}),
    ("excluded below permitted", [dns("example.com")], [dns("no.example.com")], [dns("a.no.example.com")], False, {}),
    (
        "beside the excluded below permitted",
        [dns("example.com")],
        [dns("no.example.com")],
        [dns("yes.example.com")],
        True,
        {},
    ),
    (
        "every host permitted",
        [dns("")],
        [],
        [dns("example.com")],
        True,
        {"cryptography": "takes the empty name for malformed"},
    ),
    ("every host excluded", [], [dns("")], [dns("example.com")], False, {}),
    (
        "a leading dot, a host below",
        [dns(".example.com")],
        [],
        [dns("www.example.com")],
        False,
        {"openssl": DOTTED, "gnutls": DOTTED},
    ),
    ("a leading dot, the host itself", [dns(".example.com")], [], [dns("example.com")], False, {}),
    (
        "a leading dot excluded, another host",
        [],
        [dns(".example.com")],
        [dns("www.example.org")],
        False,
        {"openssl": DOTTED, "gnutls": DOTTED},
    ),
    (
        "a malformed host below the permitted one",
        [dns("example.com")],
        [],
        [dns(".example.com"), dns("foo.example.com")],
        False,
        {"openssl": "compares endings only", "gnutls": "likewise"},
    ),
    (
        "a host with a space",
        [dns("example.com")],
        [],
        [dns("a b.example.com"), dns("www.example.com")],
        False,
        {"openssl": "compares endings only", "gnutls": "likewise"},
    ),
    (
        "a host with a NUL",
        [dns("example.com")],
        [],
        [dns("evil.test\0.example.com"), dns("www.example.com")],
        False,
        {"openssl": "compares endings only", "gnutls": "likewise"},
    ),
    ("the permitted address", [ip("192.0.2.0/24")], [], [ip("192.0.2.1")], True, {}),
    ("an address that is not permitted", [ip("192.0.2.0/24")], [], [ip("192.0.3.1")], False, {}),
    ("one permitted address alone", [ip("192.0.2.1/32")], [], [ip("192.0.2.1")], True, {}),
    ("a neighbour of one permitted address", [ip("192.0.2.1/32")], [], [ip("192.0.2.2")], False, {}),
    ("the excluded address", [], [ip("192.0.2.0/24")], [ip("192.0.2.1")], False, {}),
    ("an address beside the excluded ones", [], [ip("192.0.2.0/24")], [ip("192.0.3.1")], True, {}),
    ("every address excluded", [], [ip("0.0.0.0/0")], [ip("10.0.0.1")], False, {}),
    ("every IPv4 address excluded, an IPv6 address", [], [ip("0.0.0.0/0")], [ip("2001:db8::1")], True, {}),
    ("the permitted IPv6 address", [ip("2001:db8::/32")], [], [ip("2001:db8::1")], True, {}),
    ("the excluded IPv6 address", [], [ip("::1/128")], [ip("::1")], False, {}),
    (
        "an IPv6 address where IPv4 is permitted",
        [ip("10.0.0.0/8")],
        [],
        [ip("2001:db8::1")],
        False,
        {"gnutls": FAMILIES},
    ),
    (
        "an IPv4 address where IPv6 is permitted",
        [ip("2001:db8::/32")],
        [],
        [ip("10.0.0.1")],
        False,
        {"gnutls": FAMILIES},
    ),
    (
        "an IPv4 address in IPv6 that is excluded",
        [],
        [ip("10.0.0.0/8")],
        [ip("::ffff:10.0.0.1")],
        False,
        {"openssl": "does not unwrap mapped addresses", "gnutls": "likewise", "cryptography": "likewise"},
    ),
    (
        "a network as a permitted name",
        [ip("192.0.2.0/24")],
        [],
        [ip("192.0.2.0/24"), ip("192.0.2.1")],
        False,
        {"gnutls": "passes over what is no address"},
    ),
    ("addresses limited, a host", [ip("192.0.2.0/24")], [], [dns("example.com")], True, {}),
    ("addresses excluded, a host", [], [ip("192.0.2.0/24")], [dns("example.com")], True, {}),
    ("hosts limited, an address", [dns("example.com")], [], [ip("10.0.0.1")], True, {}),
    ("the permitted mailbox", [email("bob@example.com")], [], [email("bob@example.com")], True, {}),
    ("another mailbox of the host", [email("bob@example.com")], [], [email("eve@example.com")], False, {}),
    ("a mailbox at the permitted host", [email("example.com")], [], [email("eve@example.com")], True, {}),
    ("a mailbox at a host in capitals", [email("example.com")], [], [email("eve@EXAMPLE.com")], True, {}),
    ("a mailbox below the permitted host", [email("example.com")], [], [email("eve@mail.example.com")], False, {}),
    ("a mailbox below the permitted domain", [email(".example.com")], [], [email("eve@mail.example.com")], True, {}),
    ("a mailbox at the permitted domain itself", [email(".example.com")], [], [email("eve@example.com")], False, {}),
    ("the excluded mailbox", [], [email("bob@example.com")], [email("bob@example.com")], False, {}),
    ("a mailbox beside the excluded one", [], [email("bob@example.com")], [email("eve@example.com")], True, {}),
    ("a mailbox at the excluded host", [], [email("example.com")], [email("eve@example.com")], False, {}),
    (
        "two @ in a mailbox",
        [email("example.com")],
        [],
        [email("good@example.com"), email("bad@bad@example.com")],
        False,
        {"openssl": "looks for the last @", "gnutls": "likewise"},
    ),
    ("two @ in a constraint", [email("bad@bad@example.com")], [], [email("bob@example.com")], False, {}),
    (
        "the permitted host of a URI",
        [uri("www.example.com")],
        [],
        [uri("https://www.example.com/x")],
        True,
        {"cryptography": NO_URI},
    ),
    ("another host of a URI", [uri("www.example.com")], [], [uri("https://example.com/x")], False, {}),
    (
        "a URI below the permitted domain",
        [uri(".example.com")],
        [],
        [uri("https://www.example.com/")],
        True,
        {"cryptography": NO_URI},
    ),
    ("a URI at the permitted domain itself", [uri(".example.com")], [], [uri("https://example.com/")], False, {}),
    ("the excluded host of a URI", [], [uri("example.com")], [uri("https://example.com/")], False, {}),
    (
        "a URI beside the excluded host",
        [],
        [uri("example.com")],
        [uri("https://example.org/")],
        True,
        {"cryptography": NO_URI},
    ),
    ("a URI without a host", [uri("example.com")], [], [uri("urn:isbn:1234")], False, {}),
    ("a URI with an address", [uri("example.com")], [], [uri("https://10.0.0.1/")], False, {}),
    ("a URI that hides its host", [uri("example.com")], [], [uri("https://example.com@evil.test/")], False, {}),
    ("a constraint on what nobody knows", [], [OTHER], [dns("example.com"), OTHER], False, {}),
    (
        "a constraint on what nobody knows, which is not there",
        [dns("example.com")],
        [OTHER],
        [dns("example.com")],
        True,
        {"gnutls": "refuses a form that it does not know"},
    ),
    ("a registered name", [REGISTERED], [], [dns("example.com"), REGISTERED], False, {}),
    ("an other name without constraint", [dns("example.com")], [], [dns("example.com"), OTHER], True, {}),
]

#: What is permitted and excluded, the subject of the leaf, a directory name among its alternative names, and the rest.
DIRECTORIES: list[tuple[str, Names, Names, x509.Name, Names, bool]] = [
    ("the permitted subject", [directory(o="Acme")], [], name("leaf", o="Acme"), [], True),
    ("the permitted subject in capitals", [directory(o="Acme  Inc")], [], name("leaf", o="ACME inc"), [], True),
    ("the subject is the base itself", [directory("leaf")], [], name("leaf"), [], True),
    ("another subject", [directory(o="Acme")], [], name("leaf", o="Evil"), [], False),
    ("the permitted part behind another", [directory(o="Acme")], [], name("leaf"), [], False),
    ("a longer base than the subject", [directory("x", o="Acme")], [], name(None, o="Acme"), [], False),
    ("the excluded subject", [], [directory(o="Evil")], name("leaf", o="Evil"), [], False),
    ("the excluded subject in other capitals", [], [directory(o="Evil")], name("leaf", o="EVIL"), [], False),
    ("a subject beside the excluded one", [], [directory(o="Evil")], name("leaf", o="Acme"), [], True),
    ("a permitted directory name", [directory(o="Acme")], [], name("leaf", o="Acme"), [directory("x", o="Acme")], True),
    (
        "a directory name outside, a subject inside",
        [directory(o="Acme")],
        [],
        name("leaf", o="Acme"),
        [directory(o="E")],
        False,
    ),
    ("a subject outside, a directory name inside", [directory("foo")], [], name("not-foo"), [directory("foo")], False),
    ("an excluded subject, another directory name", [], [directory("foo")], name("foo"), [directory("not-foo")], False),
    ("every subject excluded", [], [directory()], name("leaf"), [], False),
]


def on_anchors_and_intermediates() -> Iterator[Case]:
    """Yield each rule twice: the constraints are the anchor's, and an intermediate's."""
    for fact, permitted, excluded, names, good, differs in RULES:
        yield from _both(fact, permitted, excluded, {"names": names}, good, differs)
    for fact, permitted, excluded, subject, names, good in DIRECTORIES:
        differs = {"cryptography": NO_DIRECTORY} if good else {}
        yield from _both(fact, permitted, excluded, {"names": [*names, dns(HOST)], "subject": subject}, good, differs)


def _both(
    fact: str, permitted: Names, excluded: Names, changes: dict[str, Any], good: bool, differs: dict[str, str]
) -> Iterator[Case]:
    constraints = x509.NameConstraints(list(permitted) or None, list(excluded) or None)
    names = x509.SubjectAlternativeName(changes.pop("names"))
    root, plain = authority(constraints=constraints), authority()
    middle = authority("middle", plain, constraints=constraints)
    purpose = Purpose.CLIENT
    beyond_gnutls = any(isinstance(base, _UNKNOWN_TO_GNUTLS) for base in (*permitted, *excluded))
    unable = frozenset({"gnutls"} if beyond_gnutls else ())
    why = "" if good else "name constraints|network"
    for position, above in (("anchor", (root,)), ("intermediate", (middle, plain))):
        made = leaf(above[0], names=(), purpose=purpose, **with_extension(names), **changes)
        yield chain(
            f"{fact}: the {position}'s",
            good,
            made,
            *above,
            purpose=purpose,
            host=None,
            why=why,
            differs=differs,
            unable=unable,
        )


#: It neither compares these nor refuses them where the constraint is critical, as RFC 5280 4.2.1.10 wants.
_UNKNOWN_TO_GNUTLS = (x509.UniformResourceIdentifier, x509.DirectoryName)


def with_names(made: Made | None, common_name: str, *names: str, **changes: Any) -> Made:
    """Return a CA that has alternative names of its own."""
    return authority(common_name, made, names=names, **changes)


def along_the_path() -> Iterator[Case]:
    """Yield cases in which several CAs, or a CA's own names, play a part."""
    both = x509.NameConstraints([dns("permitted.test")], [dns("forbidden.test")])
    root = authority(constraints=both)
    inner = with_names(root, "inner", "forbidden.test")
    lax = {"gnutls": "judges the leaf alone"}
    ours: dict[str, Any] = {"host": "permitted.test", "why": "name constraints", "differs": lax}
    yield chain("an intermediate's own name is excluded", False, leaf(inner, "permitted.test"), inner, root, **ours)
    plain = authority()
    outer = authority("outer", plain, constraints=both)
    below = with_names(outer, "below", "forbidden.test")
    made = leaf(below, "permitted.test")
    yield chain("an intermediate's own name is excluded by another", False, made, below, outer, plain, **ours)

    wide = authority("wide", plain, constraints=x509.NameConstraints([dns("foo.test"), dns("bar.test")], None))
    narrow = authority("narrow", wide, constraints=x509.NameConstraints([dns("bar.test")], None))
    yield chain("a lower CA narrows", False, leaf(narrow, "foo.test"), narrow, wide, plain, host="foo.test")
    yield chain(
        "a lower CA narrows, and this is inside", True, leaf(narrow, "bar.test"), narrow, wide, plain, host="bar.test"
    )
    one = authority("one", plain, constraints=x509.NameConstraints([dns("bar.test")], None))
    two = authority("two", one, constraints=x509.NameConstraints([dns("foo.test"), dns("bar.test")], None))
    yield chain("a lower CA cannot widen", False, leaf(two, "foo.test"), two, one, plain, host="foo.test")
    yield chain(
        "a lower CA cannot widen, and this is inside", True, leaf(two, "bar.test"), two, one, plain, host="bar.test"
    )
    left = authority("left", plain, constraints=x509.NameConstraints([dns("a.test")], None))
    right = authority("right", left, constraints=x509.NameConstraints([dns("b.test")], None))
    for host in ("a.test", "b.test"):
        yield chain(f"nothing is in both: {host}", False, leaf(right, host), right, left, plain, host=host)

    only = x509.NameConstraints([dns("example.com")], None)
    self_named = authority("not-example.com", names=["not-example.com"], constraints=only)
    rolled = authority("not-example.com", self_named, names=["not-example.com"])
    yield chain("a self-issued intermediate is exempt", True, leaf(rolled), rolled, self_named)
    limited = authority(constraints=only)
    middle = authority("middle", limited)
    same = leaf(middle, "evil.test", subject=name("middle"))
    yield chain("a self-issued leaf is not exempt", False, same, middle, limited, host="evil.test")
    dn = x509.NameConstraints(None, [x509.DirectoryName(name("lower"))])
    strict = authority(constraints=dn)
    lower = authority("lower", strict)
    yield chain(
        "the subject of an intermediate is excluded",
        False,
        leaf(lower),
        lower,
        strict,
        why="name constraints",
        unable=frozenset({"gnutls"}),
    )
    mail = authority(constraints=x509.NameConstraints([email("example.com")], None))
    subject = leaf(mail, subject=name("leaf", email="bob@evil.test"))
    yield chain(
        "a mailbox in the subject",
        False,
        subject,
        mail,
        why="name constraints",
        differs={"cryptography": "reads no mailbox in the subject"},
    )
    inside = leaf(mail, subject=name("leaf", email="bob@example.com"))
    yield chain("a permitted mailbox in the subject", True, inside, mail)


def forms() -> Iterator[Case]:
    """Yield cases of the extension's own form."""
    constraints = x509.NameConstraints([dns("example.com")], None)
    loose = authority(more=[(constraints, False)])
    # BR 7.1.2.5.2 allows constraints that are not critical, and RFC 5280 asks that of the CA, not of us.
    yield chain("not critical, and kept", True, leaf(loose), loose)
    yield chain(
        "not critical, and broken", False, leaf(loose, "evil.test"), loose, host="evil.test", why="name constraints"
    )
    plain = authority()
    for critical in (False, True):
        made = leaf(plain, **with_extension(constraints, critical=critical))
        lax = {"openssl": "leaves the extension of a leaf alone", "gnutls": "likewise"}
        yield chain(
            f"in a leaf, critical {critical}", False, made, plain, why="no CA's, but has name constraints", differs=lax
        )
    for fact, value in (("nothing", tlv(0x30)), ("two empty lists", tlv(0x30, tlv(0xA0), tlv(0xA1)))):
        middle = reshaped(authority("middle", plain), plain, _adding(value))
        lax = {"openssl": "leaves empty constraints alone", "gnutls": "likewise"}
        yield chain(
            f"constraints of {fact}", False, leaf(middle), middle, plain, why="name constraints|extensions", differs=lax
        )
    host = tlv(0x82, b"example.com")
    for fact, subtree in (
        ("a minimum", tlv(0x30, host, tlv(0x80, b"\1"))),
        ("a maximum", tlv(0x30, host, tlv(0x81, b"\3"))),
    ):
        middle = reshaped(authority("middle", plain), plain, _adding(tlv(0x30, tlv(0xA0, subtree))))
        yield chain(
            f"a subtree with {fact}",
            False,
            leaf(middle),
            middle,
            plain,
            why="minimum or maximum",
            differs={"gnutls": "leaves it alone", "cryptography": "likewise"},
        )
    for fact, value in (
        ("a mask with a hole", tlv(0x87, b"\x0a\0\0\0\xff\0\xff\0")),
        ("an address without a mask", tlv(0x87, b"\x7f\0\0\1")),
        ("an address of five octets", tlv(0x87, b"\x0a\0\0\0\xff")),
        ("a wildcard", tlv(0x82, b"*.example.com")),
    ):
        middle = reshaped(authority("middle", plain), plain, _adding(tlv(0x30, tlv(0xA0, tlv(0x30, value)))))
        made = leaf(middle, "127.0.0.1", HOST)
        yield chain(f"a base that is {fact}", False, made, middle, plain, why="extensions|name constraints")


def _adding(value: bytes, oid: str = NC) -> Any:
    def change(body: Body) -> None:
        body.extensions.append(extension(oid, value, critical=True))

    return change


def many() -> Iterator[Case]:
    """Yield cases with so many names and constraints that comparing them all is an attack."""
    bases: list[x509.GeneralName] = [dns(f"base{number}.test") for number in range(3000)]
    root = authority(constraints=x509.NameConstraints(bases, None))
    hosts = [f"host{number}.base{number}.test" for number in range(3000)]
    yield chain(
        "3000 names, 3000 constraints",
        False,
        leaf(root, *hosts),
        root,
        host=hosts[0],
        why="too many to compare",
        unable=frozenset({"openssl", "gnutls"}),
    )
    few = authority(constraints=x509.NameConstraints([dns("example.com")], None))
    names = [f"host{number}.example.com" for number in range(10_000)]
    yield chain(
        "10000 names, one constraint", True, leaf(few, *names), few, host=names[-1], unable=frozenset({"gnutls"})
    )


def cases() -> Iterator[Case]:
    """Yield every case of this page."""
    yield from on_anchors_and_intermediates()
    yield from along_the_path()
    yield from forms()
    yield from many()
