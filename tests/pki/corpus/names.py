"""Which host or mailbox a certificate names: RFC 9525 section 6, RFC 5280 section 4.2.1.6, RFC 8550 section 3."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any

from cryptography import x509

from easycert.pki.rules import Purpose
from tests.pki.chainmaker import Made, general_name, name
from tests.pki.corpus.case import HOST, Case, authority, chain, leaf, with_extension

ROOT = authority()
TLD = "*. below a top-level domain is what no TLS library but OpenSSL and GnuTLS takes, and no CA may issue"
JUDGES = ("openssl", "gnutls", "cryptography")


def alternative(*names: x509.GeneralName | str, critical: bool = False, **more: Any) -> Made:
    """Return a server certificate with exactly these alternative names, malformed ones too."""
    parsed = [one if isinstance(one, x509.GeneralName) else general_name(one) for one in names]
    return leaf(ROOT, names=(), **with_extension(x509.SubjectAlternativeName(parsed), critical=critical), **more)


def dns(text: str) -> x509.GeneralName:
    return x509.DNSName(text)


def ip(text: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_network(text) if "/" in text else ipaddress.ip_address(text))


#: Presented DNS names, the host that is asked for, whether that is good, and who else thinks otherwise.
HOSTS: list[tuple[Sequence[str], str, bool, dict[str, str]]] = [
    (["www.example.com"], "www.example.com", True, {}),
    (["WWW.Example.COM"], "www.example.com", True, {}),
    (["www.example.com"], "WWW.EXAMPLE.COM", True, {}),
    (["www.example.com"], "www.example.com.", True, {"gnutls": "a trailing dot of the reference is not taken off"}),
    (["www.example.com"], "example.com", False, {}),
    (["example.com"], "www.example.com", False, {}),
    (["example.com"], "example2.com", False, {}),
    (["abc.example.com"], "def.example.com", False, {}),
    (["example.com"], "notexample.com", False, {}),
    (["example.com.evil.test"], "example.com", False, {}),
    (["a.example.com", "b.example.com", "www.example.com"], "www.example.com", True, {}),
    (["localhost"], "localhost", True, {}),
    (
        ["my_host.example.com"],
        "my_host.example.com",
        True,
        {"cryptography": "an underscore is no letter of a host name"},
    ),
    (["xn--bcher-kva.example"], "xn--bcher-kva.example", True, {}),
    (["xn--bcher-kva.example"], "bücher.example", True, {}),
    (["*.example.com"], "www.example.com", True, {}),
    (["*.example.com"], "WWW.EXAMPLE.COM", True, {}),
    (["*.example.com"], "xn--bcher-kva.example.com", True, {}),
    (["*.sub.example.com"], "www.sub.example.com", True, {}),
    (["*.example.com"], "example.com", False, {}),
    (["*.example.com"], "a.b.example.com", False, {}),
    (["*.example.com"], "www.example.org", False, {}),
    (["*.com"], "example.com", False, {"cryptography": TLD}),
    (["*"], "localhost", False, {}),
    (["*"], "example.com", False, {}),
    (["w*.example.com"], "www.example.com", False, {"openssl": "takes w* unless told not to"}),
    (["*w.example.com"], "www.example.com", False, {"openssl": "takes *w unless told not to", "gnutls": "takes *w"}),
    (["w*w.example.com"], "www.example.com", False, {}),
    (["foo.*.example.com"], "foo.bar.example.com", False, {}),
    (["*.*.com"], "www.example.com", False, {}),
    (["**.example.com"], "www.example.com", False, {}),
    (["xn--*-1b3c148a.example.com"], "xn--bliss-1b3c148a.example.com", False, {}),
    (["www.example.com."], "www.example.com", False, {}),
    ([".example.com"], "www.example.com", False, {}),
    ([" www.example.com"], "www.example.com", False, {}),
    (["www..example.com"], "www.example.com", False, {}),
    (["10.0.0.1"], "www.example.com", False, {}),
]


def hosts() -> Iterator[Case]:
    """Yield cases of DNS names."""
    for presented, host, good, differs in HOSTS:
        made = alternative(*map(dns, presented))
        fact = f"{', '.join(presented)} for {host}"
        yield chain(fact, good, made, ROOT, host=host, why="" if good else "does not name", differs=differs)


def addresses() -> Iterator[Case]:
    """Yield cases of IP addresses."""
    for presented, host, good in [
        ("127.0.0.1", "127.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:db8::1", True),
        ("2001:db8::1", "2001:DB8:0:0:0:0:0:1", True),
        ("2001:db8::1", "2001:db8::2", False),
        ("::ffff:10.0.0.1", "10.0.0.1", False),
        ("10.0.0.1", "::ffff:10.0.0.1", False),
        ("0.0.0.0", "0.0.0.0", True),
    ]:
        yield chain(f"the address {presented} for {host}", good, alternative(ip(presented)), ROOT, host=host)
    yield chain("an address as a DNS name", False, alternative(dns("10.0.0.1")), ROOT, host="10.0.0.1")
    yield chain(
        "an address as a URI",
        False,
        alternative(x509.UniformResourceIdentifier("https://10.0.0.1/")),
        ROOT,
        host="10.0.0.1",
    )
    yield chain("a host name as a URI", False, alternative(x509.UniformResourceIdentifier(f"https://{HOST}/")), ROOT)
    yield chain("a host name as a mailbox", False, alternative(f"bob@{HOST}"), ROOT)
    lax = dict.fromkeys(JUDGES, "leaves an iPAddress of 8 octets alone, which RFC 5280 4.2.1.6 forbids")
    network = alternative(ip("10.0.0.0/24"), dns(HOST))
    yield chain("a network instead of an address", False, network, ROOT, why="network", differs=lax)
    yield chain("an address and a host name", True, alternative("10.0.0.1", HOST), ROOT, host="10.0.0.1")


def common_names() -> Iterator[Case]:
    """Yield cases of names in the subject, which name no host."""
    bare = leaf(ROOT, names=(), subject=name(HOST))
    unread = {"gnutls": "reads the CN where there is no SAN", "openssl": "reads the CN where there is no DNS name"}
    yield chain("only a common name", False, bare, ROOT, why="no subject alternative name", differs=unread)
    mailbox = alternative("bob@example.com", subject=name(HOST))
    yield chain("a common name beside a mailbox", False, mailbox, ROOT, why="does not name", differs=unread)
    other = alternative("mail.example.com", subject=name(HOST))
    yield chain("a common name beside another host", False, other, ROOT, why="does not name")
    address = leaf(ROOT, names=(), subject=name("10.0.0.1"))
    yield chain("an address as a common name", False, address, ROOT, host="10.0.0.1")
    yield chain("a common name that is no alternative name", True, alternative(HOST, subject=name("other.test")), ROOT)
    yield chain("a common name with other capitals", True, alternative(HOST, subject=name(HOST.upper())), ROOT)
    yield chain("an empty subject", True, alternative(HOST, subject=name(None), critical=True), ROOT)
    critical = alternative(HOST, subject=name("leaf"), critical=True)
    allowed = "a critical SAN beside a subject: RFC 5280 4.2.1.6 says SHOULD NOT, BR 7.1.2.7.12 MUST NOT"
    yield chain("a critical SAN beside a subject", True, critical, ROOT, differs={"cryptography": allowed})
    yield chain(
        "a long list of names", True, alternative(*(f"host{number}.example.com" for number in range(2000)), HOST), ROOT
    )


def mailboxes() -> Iterator[Case]:
    """Yield cases of mailboxes."""
    utf8 = "bücher@example.com".encode()
    smtp = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), bytes([0x0C, len(utf8)]) + utf8)
    folds = {"gnutls": "compares the local part without regard to case"}
    for fact, presented, wanted, good in [
        ("a mailbox", ["bob@example.com"], "bob@example.com", True),
        ("one of two mailboxes", ["alice@example.com", "bob@example.com"], "bob@example.com", True),
        ("a mailbox in another case of domain", ["bob@EXAMPLE.com"], "bob@example.COM", True),
        ("a mailbox in another case of user", ["Bob@example.com"], "bob@example.com", False),
        ("another user", ["bob@example.com"], "eve@example.com", False),
        ("another domain", ["bob@example.com"], "bob@example.org", False),
        ("no mailbox", ["example.com"], "bob@example.com", False),
        ("a mailbox below the domain", ["bob@mail.example.com"], "bob@example.com", False),
    ]:
        made = leaf(ROOT, *presented, purpose=Purpose.CLIENT)
        differs = folds if "case of user" in fact else {}
        yield chain(fact, good, made, ROOT, purpose=Purpose.CLIENT, host=None, email=wanted, differs=differs)
    made = leaf(ROOT, names=(), purpose=Purpose.CLIENT, **with_extension(x509.SubjectAlternativeName([smtp])))
    who = {"purpose": Purpose.CLIENT, "host": None}
    yield chain("a mailbox beyond ASCII", True, made, ROOT, email="bücher@example.com", unable=frozenset(JUDGES), **who)
    bare = leaf(ROOT, names=(), purpose=Purpose.CLIENT, subject=name("bob", email="bob@example.com"))
    reads = {"openssl": "reads emailAddress in the subject, as RFC 8550 3 lets S/MIME do", "gnutls": "likewise"}
    yield chain("a mailbox in the subject only", False, bare, ROOT, email="bob@example.com", differs=reads, **who)


def cases() -> Iterator[Case]:
    """Yield every case of this page."""
    yield from hosts()
    yield from addresses()
    yield from common_names()
    yield from mailboxes()
