"""The form of certificates: RFC 5280 sections 4.1 and 4.2, field by field and extension by extension."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

from easycert.pki.rules import Purpose
from tests.pki.chainmaker import Made, name
from tests.pki.corpus.case import (
    AT,
    BEGIN,
    END,
    HOST,
    Body,
    Case,
    authority,
    chain,
    extension,
    leaf,
    reshaped,
    tlv,
    with_extension,
)

OID = x509.ObjectIdentifier
ROOT = authority()
MIDDLE = authority("middle", ROOT)
ECDSA_SHA384 = tlv(0x30, bytes.fromhex("06082a8648ce3d040303"))
STRICT = {"cryptography": "is strict about RFC 5280 4, and OpenSSL's strict mode too", "openssl": "likewise"}
_Change = Callable[[Body], None]


def everywhere(
    fact: str, good: bool, change: _Change, why: str, differs: dict[str, dict[str, str]] | None = None
) -> Iterator[Case]:
    """Yield a leaf, an intermediate and a root that are changed in the same way."""
    differs = differs or {}
    shown = "" if good else why
    made = reshaped(leaf(ROOT), ROOT, change)
    yield chain(f"{fact}: a leaf", good, made, ROOT, why=shown, differs=differs.get("leaf", {}))
    middle = reshaped(authority("middle", ROOT), ROOT, change)
    yield chain(
        f"{fact}: an intermediate", good, leaf(middle), middle, ROOT, why=shown, differs=differs.get("middle", {})
    )
    root = authority()
    root = reshaped(root, root, change)
    yield chain(f"{fact}: a root", good, leaf(root), root, why=shown, differs=differs.get("root", {}))


# --- fields ----------------------------------------------------------------------------------------------------------


def serials() -> Iterator[Case]:
    """Yield serial numbers: positive, 20 octets at most (section 4.1.2.2); those of anchors do not count."""
    for fact, octets, good, accepted in [
        ("of 1", b"\1", True, ()),
        ("of 20 octets", b"\x7f" + b"\1" * 19, True, ()),
        ("of 0", b"\0", False, ("openssl", "gnutls", "cryptography")),
        ("below 0", b"\x80", False, ("openssl", "gnutls")),
        ("of 21 octets", b"\0" + b"\xff" * 20, False, ("openssl", "gnutls", "cryptography")),
        ("of 22 octets", b"\1" * 22, False, ("openssl", "gnutls")),
    ]:

        def change(body: Body, octets: bytes = octets) -> None:
            body.serial = tlv(0x02, octets)

        lax = dict.fromkeys(accepted, "leaves serial numbers alone")
        for case in everywhere(f"a serial number {fact}", good, change, "serial number", {"leaf": lax, "middle": lax}):
            if case.fact.endswith("a root") and not good:
                strict = (
                    {} if "cryptography" in accepted else {"cryptography": "judges the serial number of a root, too"}
                )
                yield chain(case.fact, True, *_again(case), differs=strict)
            else:
                yield case


def _again(case: Case) -> tuple[Made, ...]:
    return tuple(Made(one, None, name("x")) for one in (case.leaf, *case.pile, *case.anchors))


def versions() -> Iterator[Case]:
    """Yield versions (section 4.1.2.1): only version 3 has extensions, and only CAs of version 3 say that they are."""

    def first(body: Body) -> None:
        body.version = b""
        body.extensions = []

    def first_with_extensions(body: Body) -> None:
        body.version = b""

    def second_with_extensions(body: Body) -> None:
        body.version = tlv(0xA0, tlv(0x02, b"\1"))

    plain = reshaped(leaf(ROOT), ROOT, first)
    takes = {"openssl": "takes the common name of a certificate without a SAN", "gnutls": "likewise"}
    named = reshaped(leaf(ROOT, subject=name(HOST)), ROOT, first)
    yield chain("version 1 without a name", False, plain, ROOT, why="no subject alternative name")
    yield chain("version 1 with a common name", False, named, ROOT, why="no subject alternative name", differs=takes)
    yield chain("version 1 as anything", True, plain, ROOT, purpose=Purpose.ANY, host=None)
    mixed = reshaped(leaf(ROOT), ROOT, first_with_extensions)
    yield chain("version 1 with extensions", False, mixed, ROOT, why="only version 3")
    root = authority()
    old = reshaped(root, root, first)
    trusts = {"gnutls": "trusts a root of version 1"}
    yield chain("a root of version 1", False, leaf(old), old, why="version 1", differs=trusts)
    middle = reshaped(authority("middle", ROOT), ROOT, first)
    yield chain("an intermediate of version 1", False, leaf(middle), middle, ROOT, why="version 1")


def algorithms() -> Iterator[Case]:
    """Yield signature algorithms that are not the same inside and outside (section 4.1.1.2)."""
    leaf_ = reshaped(leaf(ROOT), ROOT, _nothing, algorithm=ECDSA_SHA384)
    yield chain("two algorithms in a leaf", False, leaf_, ROOT)
    middle = reshaped(authority("middle", ROOT), ROOT, _nothing, algorithm=ECDSA_SHA384)
    yield chain("two algorithms in an intermediate", False, leaf(middle), middle, ROOT)
    root = authority()
    root = reshaped(root, root, _nothing, algorithm=ECDSA_SHA384)
    yield chain("two algorithms in a root", False, leaf(root), root, why="two different signature algorithms")


def _nothing(_body: Body) -> None:
    pass


def names() -> Iterator[Case]:
    """Yield empty names (sections 4.1.2.4, 4.1.2.6 and 4.2.1.6)."""
    nobody = name(None)
    critical = with_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=True)
    loose = with_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]))
    good = leaf(ROOT, subject=nobody, names=(), **critical)
    yield chain("an empty subject and a critical SAN", True, good, ROOT)
    lax = {"gnutls": "leaves the criticality of a SAN alone"}
    bad = leaf(ROOT, subject=nobody, names=(), **loose)
    yield chain("an empty subject and a SAN that is not critical", False, bad, ROOT, why="not critical", differs=lax)
    none = leaf(ROOT, subject=nobody, names=())
    yield chain(
        "an empty subject and no SAN",
        False,
        none,
        ROOT,
        purpose=Purpose.ANY,
        host=None,
        why="names nobody",
        differs={"gnutls": "leaves it alone"},
    )
    anonymous = authority("x", subject=nobody)
    yield chain("a root without a name", False, leaf(anonymous), anonymous, why="empty")
    middle = authority("x", ROOT, subject=nobody)
    yield chain("an intermediate without a name", False, leaf(middle), middle, ROOT, why="empty")

    def no_issuer(body: Body) -> None:
        body.issuer = tlv(0x30)

    stray = reshaped(leaf(ROOT), ROOT, no_issuer)
    yield chain("an empty issuer", False, stray, ROOT, why="empty issuer")

    def no_names(body: Body) -> None:
        body.extensions.append(extension("2.5.29.17", tlv(0x30)))

    emptied = reshaped(leaf(ROOT, names=()), ROOT, no_names)
    yield chain(
        "a SAN without names",
        False,
        emptied,
        ROOT,
        purpose=Purpose.ANY,
        host=None,
        why="subjectAltName|extensions",
        differs={"gnutls": "leaves it alone"},
    )


def name_chaining() -> Iterator[Case]:
    """Yield issuers that are written otherwise than the subject that they mean (section 7.1)."""
    root = authority("Acme   Root")
    bytewise = {"gnutls": "compares names by their bytes", "cryptography": "likewise"}
    for fact, written, good in [
        ("other capitals", name("ACME   ROOT"), True),
        ("fewer spaces", name("Acme Root"), True),
        ("spaces at its ends", name("  Acme Root "), True),
        ("another name", name("Acme Roots"), False),
        ("another attribute", name(None, o="Acme   Root"), False),
        ("one attribute more", name("Acme   Root", o="x"), False),
    ]:
        made = leaf(root, issuer_name=written)
        yield chain(f"an issuer with {fact}", good, made, root, differs=bytewise if good else {})

    def printable(body: Body) -> None:
        body.issuer = body.issuer.replace(b"\x0c\x04root", b"\x13\x04root")

    made = reshaped(leaf(ROOT), ROOT, printable)
    yield chain("an issuer as PrintableString", True, made, ROOT, differs=bytewise)


# --- dates -----------------------------------------------------------------------------------------------------------


def dates() -> Iterator[Case]:
    """Yield validities at their edges: both ends are included, fractions of a second are cut off (4.1.2.5)."""
    second = timedelta(seconds=1)
    for fact, begin, end, at, good in [
        ("at its first second", AT, END, AT, True),
        ("a second before", AT, END, AT - second, False),
        ("a millisecond before", AT, END, AT - second / 1000, False),
        ("at its last second", BEGIN, AT, AT, True),
        ("five milliseconds after its last second", BEGIN, AT, AT + second / 200, True),
        ("a second after", BEGIN, AT, AT + second, False),
        ("for one second", AT, AT, AT, True),
        ("from 1970", datetime(1970, 1, 1, tzinfo=UTC), END, AT, True),
        ("beyond 2050", BEGIN, datetime(2969, 1, 1, tzinfo=UTC), AT, True),
        ("until the end of time", BEGIN, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), AT, True),
    ]:
        why = "" if good else "expired|not valid before"
        life = {"not_before": begin, "not_after": end}
        early = (
            {"openssl": "does not count the last second, which RFC 5280 4.1.2.5 includes"} if end == AT and good else {}
        )
        more = {"at": at, "why": why, "differs": early, "unable": frozenset({"gnutls"})}
        yield chain(f"a leaf {fact}", good, leaf(ROOT, **life), ROOT, **more)
        middle = authority("middle", ROOT, **life)
        yield chain(f"an intermediate {fact}", good, leaf(middle), middle, ROOT, **more)
        root = authority(**life)
        yield chain(f"a root {fact}", good, leaf(root), root, **more)

    def general(body: Body) -> None:
        body.validity = tlv(0x30, tlv(0x18, b"20240101000000Z"), tlv(0x18, b"20490101000000Z"))

    odd = {"cryptography": "wants UTCTime before 2050, though readers MUST take both"}
    yield from everywhere("GeneralizedTime before 2050", True, general, "", {"leaf": odd, "middle": odd, "root": odd})


# --- extensions ------------------------------------------------------------------------------------------------------


def criticality() -> Iterator[Case]:
    """Yield extensions that must, or must not, be critical, and some that nobody knows."""
    unknown = OID("1.3.6.1.4.1.99999.1")
    for critical, good in ((True, False), (False, True)):

        def add(body: Body, critical: bool = critical) -> None:
            body.extensions.append(extension(unknown.dotted_string, tlv(0x05), critical=critical))

        yield from everywhere(f"unknown, critical {critical}", good, add, "not understood here")
    for fact, oid in [
        ("authorityKeyIdentifier", ExtensionOID.AUTHORITY_KEY_IDENTIFIER),
        ("subjectKeyIdentifier", ExtensionOID.SUBJECT_KEY_IDENTIFIER),
    ]:

        def harden(body: Body, oid: x509.ObjectIdentifier = oid) -> None:
            body.extensions = [_critical(one, oid) for one in body.extensions]

        lax = {"gnutls": "leaves the criticality alone"}
        differs = dict.fromkeys(("leaf", "middle", "root"), lax)
        if fact == "subjectKeyIdentifier":
            differs["leaf"] = {**lax, "cryptography": "leaves it alone in a leaf"}
        yield from everywhere(f"a critical {fact}", False, harden, "must not be critical", differs)
    access = x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(
                AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier("http://ca.test/")
            )
        ]
    )
    yield chain("authorityInfoAccess", True, leaf(ROOT, **with_extension(access)), ROOT)
    hard = leaf(ROOT, **with_extension(access, critical=True))
    lax = {"gnutls": "leaves the criticality alone"}
    yield chain("a critical authorityInfoAccess", False, hard, ROOT, why="must not be critical", differs=lax)
    poison = leaf(ROOT, **with_extension(x509.PrecertPoison(), critical=True))
    yield chain("a precertificate", False, poison, ROOT, why="not understood here")
    staple = leaf(ROOT, **with_extension(x509.TLSFeature([x509.TLSFeatureType.status_request])))
    yield chain("must staple", True, staple, ROOT)
    points = x509.CRLDistributionPoints(
        [x509.DistributionPoint([x509.UniformResourceIdentifier("http://ca.test/")], None, None, None)]
    )
    yield chain("distribution points", True, leaf(ROOT, **with_extension(points)), ROOT)


def _critical(whole: bytes, oid: x509.ObjectIdentifier) -> bytes:
    from tests.pki.corpus.case import elements

    parts = elements(elements(whole)[0][1])
    dotted = extension(oid.dotted_string, b"")
    wanted = elements(elements(dotted)[0][1])[0][1]
    return extension(oid.dotted_string, parts[-1][1], critical=True) if parts[0][1] == wanted else whole


def key_identifiers() -> Iterator[Case]:
    """Yield key identifiers that are missing or point elsewhere: hints, and no reason to refuse (RFC 4158 3.5.12)."""
    wants = {"openssl": "wants it when it is strict, as RFC 5280 4.2.1.1 asks of CAs"}
    none = authority(key_ids=False)
    yield chain("no key identifier in the root", True, leaf(none), none, differs=wants)
    both = {**wants, "cryptography": "wants it in a leaf"}
    yield chain("no key identifier in the leaf", True, leaf(ROOT, key_ids=False), ROOT, differs=both)
    middle = authority("middle", ROOT, key_ids=False)
    yield chain("no key identifier in the intermediate", True, leaf(middle), middle, ROOT, differs=wants)
    stranger = x509.AuthorityKeyIdentifier(b"x" * 20, None, None)
    own = x509.SubjectKeyIdentifier(b"y" * 20)
    lost = leaf(ROOT, key_ids=False, more=[(stranger, False), (own, False)])
    filters = {"openssl": "leaves out an issuer with another key identifier", "gnutls": "likewise"}
    yield chain("an authorityKeyIdentifier of nobody", True, lost, ROOT, differs=filters)
    serial = x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(name("root"))], 1)
    by_serial = leaf(ROOT, key_ids=False, more=[(serial, False), (own, False)])
    yield chain(
        "an authorityKeyIdentifier of another serial number",
        True,
        by_serial,
        ROOT,
        differs={"openssl": "leaves out an issuer with another serial number"},
    )
    empty = leaf(ROOT, key_ids=False, more=[(x509.AuthorityKeyIdentifier(None, None, None), False), (own, False)])
    yield chain("an empty authorityKeyIdentifier", True, empty, ROOT, differs=wants)


def broken() -> Iterator[Case]:
    """Yield extensions that are there twice or cannot be decoded."""
    san = extension("2.5.29.17", tlv(0x30, tlv(0x82, HOST.encode())))

    def twice(body: Body) -> None:
        body.extensions += [san, san]

    both = reshaped(leaf(ROOT, names=()), ROOT, twice)
    yield chain("a SAN twice", False, both, ROOT, why="DuplicateExtension")
    for fact, oid, value in [
        ("a SAN of plain text", "2.5.29.17", b"www.example.com"),
        ("a SAN of an unknown kind of name", "2.5.29.17", tlv(0x30, tlv(0x8F, b"x"))),
        ("a SAN with an address of five octets", "2.5.29.17", tlv(0x30, tlv(0x82, HOST.encode()), tlv(0x87, b"12345"))),
        ("an authorityInfoAccess of plain text", "1.3.6.1.5.5.7.1.1", b"malformed"),
        ("an empty extended key usage", "2.5.29.37", tlv(0x30)),
        ("a key usage of no bits at all", "2.5.29.15", b""),
        ("basic constraints with something behind", "2.5.29.19", tlv(0x30) + b"\0"),
        ("basic constraints that say FALSE, not DER", "2.5.29.19", tlv(0x30, tlv(0x01, b"\0"))),
        ("basic constraints with a path length and no CA", "2.5.29.19", tlv(0x30, tlv(0x02, b"\0"))),
        ("a BOOLEAN that is not DER", "2.5.29.19", tlv(0x30, tlv(0x01, b"\1"))),
    ]:

        def add(body: Body, oid: str = oid, value: bytes = value) -> None:
            body.extensions = [one for one in body.extensions if _oid_of(one) != oid] + [extension(oid, value)]

        made = reshaped(leaf(ROOT), ROOT, add)
        yield chain(fact, False, made, ROOT, why="extensions", differs=BROKEN.get(fact, {}))


_LAX = "does not decode what it has no use for"
BROKEN: dict[str, dict[str, str]] = {
    "a SAN with an address of five octets": dict.fromkeys(
        ("openssl", "gnutls", "cryptography"), "passes over the name"
    ),
    "an authorityInfoAccess of plain text": {"openssl": _LAX, "gnutls": _LAX},
    "an empty extended key usage": {"gnutls": "takes it for none"},
    "a key usage of no bits at all": {"gnutls": "takes it for none"},
    "basic constraints with something behind": {"openssl": "reads BER", "gnutls": "likewise"},
    "basic constraints that say FALSE, not DER": {"openssl": "reads BER", "gnutls": "likewise"},
    "basic constraints with a path length and no CA": {"gnutls": "leaves it alone", "cryptography": "likewise"},
    "a BOOLEAN that is not DER": {"gnutls": "reads BER"},
}


def _oid_of(whole: bytes) -> str:
    from tests.pki.corpus.case import elements

    octets = elements(elements(whole)[0][1])[0][1]
    return x509.ObjectIdentifier(_dotted(octets)).dotted_string


def _dotted(octets: bytes) -> str:
    numbers, number = [], 0
    for octet in octets:
        number = number << 7 | octet & 0x7F
        if octet < 0x80:
            numbers.append(number)
            number = 0
    return ".".join(map(str, (min(numbers[0] // 40, 2), numbers[0] - 40 * min(numbers[0] // 40, 2), *numbers[1:])))


def cases() -> Iterator[Case]:
    """Yield every case of this page."""
    yield from serials()
    yield from versions()
    yield from algorithms()
    yield from names()
    yield from name_chaining()
    yield from dates()
    yield from criticality()
    yield from key_identifiers()
    yield from broken()
