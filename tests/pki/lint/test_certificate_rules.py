"""Each rule for certificates: one that breaks exactly this rule, and what is right but looks like it.

``CASES`` has for each rule the certificates that break it; what else such a certificate cannot but break is named.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from easycert.model import Kind
from easycert.pki.lint import RULES, Finding, lint_certificate_der
from tests.pki.lint.maker import (
    AIA,
    AKI,
    ANY,
    BASIC,
    BIT_STRING,
    BMP,
    BOOLEAN,
    CA,
    CN,
    CODE_SIGNING,
    CONSTRAINTS,
    COUNTRY,
    DC,
    DIRECTORY,
    EMAIL,
    FRESHEST,
    IA5,
    IAN,
    INHIBIT,
    MAPPINGS,
    NO_CHECK,
    NULL,
    OCSP_SIGNING,
    OCTET_STRING,
    OID,
    ORG,
    POINTS,
    POLICIES,
    POLICY_CONSTRAINTS,
    PRINTABLE,
    PURPOSES,
    ROOT,
    RSA_SHA256,
    SAN,
    SEQUENCE,
    SERVER,
    SERVER_AUTH,
    SET,
    SIA,
    SKI,
    TELETEX,
    USAGE,
    UTF8,
    Certificate,
    access,
    aki,
    algorithm,
    bits,
    directory,
    dns,
    eku,
    email,
    extension,
    generalized,
    ip,
    name,
    number,
    oid,
    other,
    point,
    rdn,
    rsa_spki,
    seq,
    spki,
    tagged,
    text,
    tlv,
    uri,
    utc,
)

TRUE, FALSE = tlv(BOOLEAN, b"\xff"), tlv(BOOLEAN, b"\0")
SHA256, SHA384, SHA1 = "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "1.3.14.3.2.26"
PSS, MGF1, RSA = "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.8", "1.2.840.113549.1.1.1"
SMTP_UTF8 = "1.3.6.1.5.5.7.8.9"
NETSCAPE = "2.16.840.1.113730.1.1"
OCSP, ISSUERS, REPOSITORY = "1.3.6.1.5.5.7.48.1", "1.3.6.1.5.5.7.48.2", "1.3.6.1.5.5.7.48.5"
CPS, NOTICE = "1.3.6.1.5.5.7.2.1", "1.3.6.1.5.5.7.2.2"
ANY_POLICY, A_POLICY = "2.5.29.32.0", "2.23.140.1.2.1"


class Case(NamedTuple):
    """A certificate that breaks a rule; *also* are the other rules that it breaks."""

    certificate: Certificate
    issuer: Certificate | None = CA
    also: tuple[str, ...] = ()
    kind: Kind | None = None


def pss(digest: str = SHA256, mask: str = SHA256, salt: int = 32) -> bytes:
    """Return the algorithm identifier of RSASSA-PSS."""
    parameters = (
        tlv(tagged(0), algorithm(digest)),
        tlv(tagged(1), algorithm(MGF1, algorithm(mask))),
        tlv(tagged(2), number(salt)),
    )
    return algorithm(PSS, seq(*parameters))


def subject(*attributes: tuple[str, bytes]) -> Certificate:
    """Return a leaf that is no server's, with these attributes."""
    return USER.but(subject=seq(*(rdn(attribute) for attribute in attributes)))


def san(*names: bytes) -> Certificate:
    """Return a leaf that is no server's, with these alternative names."""
    return USER.has(SAN, seq(*names))


def constrained(*subtrees: bytes, kind: int = 0) -> Certificate:
    """Return a CA that permits these subtrees."""
    return CA.has(CONSTRAINTS, seq(tlv(tagged(kind), *subtrees)), critical=True)


def policies(*qualifiers: bytes, policy: str = A_POLICY) -> Certificate:
    return SERVER.has(POLICIES, seq(seq(oid(policy), *([seq(*qualifiers)] if qualifiers else []))))


def notice(*parts: bytes) -> bytes:
    return seq(oid(NOTICE), seq(*parts))


USER = SERVER.has(PURPOSES, eku("1.3.6.1.5.5.7.3.2")).has(SAN, seq(email("a@example.com"))).but(subject=name("alice"))
CODE = USER.has(PURPOSES, eku(CODE_SIGNING)).lacks(SAN)
RESPONDER = USER.has(PURPOSES, eku(OCSP_SIGNING)).has(NO_CHECK, tlv(NULL)).lacks(SAN, POINTS, AIA)
RSA_CA = CA.but(key=spki("rsa"), subject=name("ca"))
RSA_SIGNED = SERVER.but(signature=RSA_SHA256)
#: A key of 2048 bits whose modulus nobody can factor: the product of two primes that are not close.
MODULUS = int.from_bytes(spki("rsa")[33:289], "big")
WITH_SMALL_FACTOR = next(at for at in range(MODULUS | 1, MODULUS + 100, 2) if at % 17 == 0)
EC_POINT = spki("p256", 3)[-65:]
MID_CA = CA.has(BASIC, seq(TRUE, number(1)), critical=True)

KEY_ID, OF_ROOT = tlv(0x80, b"ca__" * 5), tlv(tagged(1), directory(name("root")))

CASES: dict[str, list[Case]] = {
    # --- fields
    "undecodable": [
        Case(SERVER.but(serial=tlv(2, b"\0\1" * 2))),
        Case(SERVER.but(subject=tlv(SEQUENCE, b"\x31\x05"))),
        Case(SERVER.has(SAN, b"\x30\x80")),
        Case(SERVER.has(PURPOSES, seq(tlv(OID, b"\x80")))),
        Case(SERVER.but(key=seq(algorithm(RSA)))),
        Case(SERVER.but(begin=tlv(NULL))),
        Case(SERVER.but(version=b"\xa0\x03\x02\x01\x02\xa0\x00")),
        Case(SERVER.but(raw=seq(oid("1.2.3.4")))),
        Case(SERVER.but(raw=seq(oid("1.2.3.4"), tlv(BOOLEAN, b"\1"), tlv(OCTET_STRING, b"")))),
    ],
    "default-written": [
        Case(SERVER.has(BASIC, seq(FALSE), critical=True)),
        Case(SERVER.but(raw=seq(oid("1.2.3.4"), FALSE, tlv(OCTET_STRING, b"")))),
        Case(SERVER.but(version=bytes.fromhex("a003020100")), also=("version-3",)),
    ],
    "version-3": [
        Case(SERVER.but(version=b"")),
        Case(SERVER.but(version=bytes.fromhex("a003020101"))),
        Case(SERVER.but(version=bytes.fromhex("a003020103"))),
    ],
    "serial-positive": [Case(SERVER.but(serial=number(0))), Case(SERVER.but(serial=tlv(2, b"\x80")))],
    "serial-length": [Case(SERVER.but(serial=number(1 << 160))), Case(SERVER.but(serial=number((1 << 160) - 1)))],
    "serial-entropy": [Case(SERVER.but(serial=number(1))), Case(SERVER.but(serial=number((1 << 55) - 1)))],
    "signature-algorithm-match": [Case(SERVER.but(outer=algorithm("1.2.840.10045.4.3.3")))],
    "signature-algorithm": [
        Case(SERVER.but(signature=algorithm("1.2.840.10040.4.3"))),
        Case(SERVER.but(signature=algorithm("1.2.3"))),
    ],
    "signature-parameters": [
        Case(SERVER.but(signature=algorithm("1.2.840.10045.4.3.2", tlv(NULL)))),
        Case(SERVER.but(signature=algorithm("1.2.840.113549.1.1.11")), RSA_CA),
        Case(SERVER.but(signature=algorithm("1.3.101.112", tlv(NULL))), CA.but(key=spki("ed25519"))),
        Case(SERVER.but(signature=algorithm(PSS)), RSA_CA),
    ],
    "pss-parameters": [
        Case(SERVER.but(signature=pss(mask=SHA384)), RSA_CA),
        Case(SERVER.but(signature=pss(salt=20)), RSA_CA),
    ],
    "signature-weak-hash": [
        Case(SERVER.but(signature=algorithm("1.2.840.113549.1.1.5", tlv(NULL))), RSA_CA),
        Case(SERVER.but(signature=algorithm("1.2.840.113549.1.1.4", tlv(NULL))), RSA_CA),
        Case(SERVER.but(signature=algorithm("1.2.840.10045.4.1")), also=("signature-hash-curve",)),
        Case(SERVER.but(signature=pss(SHA1, SHA1, 20)), RSA_CA),
        Case(SERVER.but(signature=algorithm(PSS, seq())), RSA_CA),
    ],
    "self-signature-weak-hash": [
        Case(ROOT.but(signature=algorithm("1.2.840.113549.1.1.5", tlv(NULL)), key=spki("rsa")), None),
    ],
    "hash-ml-dsa": [Case(SERVER.but(signature=algorithm("2.16.840.1.101.3.4.3.32")), CA.but(key=spki("mldsa")))],
    "issuer-empty": [Case(SERVER.but(issuer=seq()), CA.but(subject=seq()))],
    "time-encoding": [
        Case(SERVER.but(begin=generalized("20260101000000Z"))),
        Case(SERVER.but(begin=utc("2601010000Z"))),
        Case(SERVER.but(begin=utc("260101000000+0000"))),
        Case(SERVER.but(begin=utc("260230000000Z"))),
        Case(SERVER.but(begin=utc("260101240000Z"))),
        Case(ROOT.but(end=generalized("20500101000000.5Z")), None),
    ],
    "validity-order": [Case(SERVER.but(end=utc("251231235959Z")))],
    "unique-ids": [
        Case(SERVER.but(ids=tlv(tagged(1, constructed=False), b"\0x"))),
        Case(SERVER.but(ids=tlv(tagged(2, constructed=False), b"\0x"))),
    ],
    # --- keys
    "key-type": [Case(SERVER.but(key=seq(algorithm("1.2.840.10040.4.1"), tlv(BIT_STRING, b"\0\0"))))],
    "key-type-browsers": [Case(SERVER.but(key=spki("ed25519"))), Case(SERVER.but(key=spki("mldsa")))],
    "key-parameters": [
        Case(SERVER.but(key=rsa_spki(MODULUS, parameters=b""))),
        Case(
            SERVER.but(key=seq(algorithm("1.3.101.112", tlv(NULL)), tlv(BIT_STRING, b"\0" + b"k" * 32))),
            also=("key-type-browsers",),
        ),
    ],
    "key-encoding": [
        Case(SERVER.but(key=spki("p256", 3)[:-1] + bytes([spki("p256", 3)[-1] ^ 1]))),
        Case(SERVER.but(key=seq(algorithm(RSA, tlv(NULL)), tlv(BIT_STRING, b"\4\x10")))),
        Case(SERVER.but(key=seq(algorithm("1.2.840.10045.2.1", oid("1.2.840.10045.3.1.7")), tlv(BIT_STRING, b"\0\4")))),
        Case(
            SERVER.but(key=seq(algorithm("1.3.101.112"), tlv(BIT_STRING, b"\0" + b"k" * 31))),
            also=("key-type-browsers",),
        ),
    ],
    "key-weak": [Case(SERVER.but(key=rsa_spki(WITH_SMALL_FACTOR)))],
    "rsa-size": [
        Case(SERVER.but(key=rsa_spki((1 << 1023) + 1)), also=("key-weak",)),
        Case(SERVER.but(key=rsa_spki((1 << 2049) + 1)), also=("key-weak",)),
    ],
    "rsa-exponent": [
        Case(SERVER.but(key=rsa_spki(MODULUS, 3))),
        Case(SERVER.but(key=rsa_spki(MODULUS, 65536)), also=("key-encoding",)),
    ],
    "ec-named-curve": [
        Case(SERVER.but(key=seq(algorithm("1.2.840.10045.2.1", seq(number(1))), tlv(BIT_STRING, b"\0" + EC_POINT))))
    ],
    "ec-curve": [Case(SERVER.but(key=spki("k1")))],
    # --- distinguished names
    "rdn-empty": [Case(USER.but(subject=seq(tlv(SET), rdn((CN, text("alice"))))))],
    "rdn-order": [
        Case(USER.but(subject=seq(rdn((CN, text("alice")), (ORG, text("acme"))))), also=("rdn-one-attribute",)),
    ],
    "rdn-one-attribute": [Case(USER.but(subject=seq(rdn((ORG, text("acme")), (CN, text("alice"))))))],
    "attribute-type": [
        Case(subject((CN, text("alice", IA5)))),
        Case(subject((COUNTRY, text("FR", UTF8)))),
        Case(subject((DC, text("example", UTF8)))),
        Case(subject((CN, number(5)))),
    ],
    "attribute-type-legacy": [Case(subject((CN, text("alice", TELETEX)))), Case(subject((CN, text("alice", BMP))))],
    "attribute-characters": [
        Case(subject((CN, text("alice*", PRINTABLE)))),
        Case(subject((CN, tlv(UTF8, b"\xff")))),
        Case(subject((CN, tlv(PRINTABLE, b"\xe9")))),
    ],
    "attribute-control": [Case(subject((CN, text("alice\0.example")))), Case(subject((CN, text("a\x1b[2J"))))],
    "attribute-empty": [Case(subject((CN, text(""))))],
    "attribute-length": [
        Case(subject((CN, text("x" * 65)))),
        Case(subject((ORG, text("x" * 65)))),
        Case(subject((COUNTRY, text("FRA", PRINTABLE)))),
    ],
    "attribute-padding": [Case(subject((CN, text(" alice")))), Case(subject((CN, text("alice "))))],
    "attribute-repeated": [Case(subject((CN, text("alice")), (CN, text("bob"))))],
    "country-code": [Case(subject((COUNTRY, text("F", PRINTABLE)))), Case(subject((COUNTRY, text("F1", PRINTABLE))))],
    "country-capitals": [Case(subject((COUNTRY, text("fr", PRINTABLE))))],
    # --- the list of extensions
    "extensions-empty": [
        Case(
            SERVER.but(tail=tlv(tagged(3), seq())),
            also=("aki-missing", "leaf-eku", "leaf-ski", "no-revocation-location"),
        )
    ],
    "extension-repeated": [Case(SERVER.but(raw=extension(SAN, seq(dns("other.example.com")))))],
    "critical-unknown": [Case(SERVER.has("1.2.3.4", b"x", critical=True))],
    "aki-not-critical": [Case(SERVER.has(AKI, aki(b"ca__" * 5), critical=True))],
    "ski-not-critical": [Case(SERVER.has(SKI, tlv(OCTET_STRING, b"leaf"), critical=True))],
    "access-not-critical": [
        Case(SERVER.has(AIA, seq(access(OCSP, uri("http://ocsp.example.com"))), critical=True)),
        Case(CA.has(SIA, seq(access(REPOSITORY, uri("http://repo.example.com/"))), critical=True), ROOT),
    ],
    "freshest-crl-not-critical": [Case(SERVER.has(FRESHEST, seq(point(uri("http://a.example/d.crl"))), critical=True))],
    "directory-attributes-not-critical": [
        Case(SERVER.has(DIRECTORY, seq(seq(oid("1.2.3.4"), tlv(SET, text("x")))), critical=True))
    ],
    "issuer-alt-name-not-critical": [Case(SERVER.has(IAN, seq(dns("pki.example.com")), critical=True))],
    "crl-points-not-critical": [Case(SERVER.has(POINTS, seq(point(uri("http://a.example/c.crl"))), critical=True))],
    "netscape-cert-type": [Case(SERVER.has(NETSCAPE, bits(1)))],
    # --- key identifiers
    "ca-ski": [Case(CA.lacks(SKI), ROOT)],
    "leaf-ski": [Case(SERVER.lacks(SKI))],
    "ski-empty": [Case(SERVER.has(SKI, tlv(OCTET_STRING, b"")))],
    "aki-missing": [Case(SERVER.lacks(AKI))],
    "aki-key-id": [Case(SERVER.has(AKI, seq()))],
    "aki-pair": [Case(SERVER.has(AKI, seq(KEY_ID, tlv(0x82, CA.serial[2:]))), also=("aki-key-id-only",))],
    "aki-key-id-only": [Case(SERVER.has(AKI, seq(KEY_ID, OF_ROOT, tlv(0x82, CA.serial[2:]))))],
    # --- usage
    "ca-basic-constraints-critical": [Case(CA.has(BASIC, seq(TRUE, number(0))), ROOT)],
    "leaf-basic-constraints-critical": [Case(SERVER.has(BASIC, seq()))],
    "path-length-only-ca": [
        Case(SERVER.has(BASIC, seq(number(0)), critical=True)),
        Case(CA.has(USAGE, bits(6), critical=True), ROOT, also=("ca-key-usage",)),
    ],
    "path-length-negative": [Case(CA.has(BASIC, seq(TRUE, tlv(2, b"\xff")), critical=True), ROOT)],
    "root-path-length": [Case(ROOT.has(BASIC, seq(TRUE, number(1)), critical=True), None)],
    "ca-key-usage": [
        Case(CA.lacks(USAGE), ROOT),
        Case(CA.has(USAGE, bits(6), critical=True).has(BASIC, seq(TRUE), critical=True), ROOT),
    ],
    "ca-crl-sign": [Case(CA.has(USAGE, bits(5), critical=True), ROOT)],
    "ca-usage-beyond": [Case(CA.has(USAGE, bits(1, 5, 6), critical=True), ROOT)],
    "key-cert-sign-only-ca": [Case(SERVER.has(USAGE, bits(0, 5), critical=True))],
    "key-usage-critical": [Case(SERVER.has(USAGE, bits(0)))],
    "key-usage-empty": [Case(SERVER.has(USAGE, tlv(BIT_STRING, b"\0"), critical=True), also=("eku-key-usage",))],
    "key-usage-zeros": [
        Case(SERVER.has(USAGE, tlv(BIT_STRING, b"\0\x80"), critical=True)),
        Case(SERVER.has(USAGE, tlv(BIT_STRING, b"\6\x80"), critical=True)),
    ],
    "key-usage-unknown": [Case(SERVER.has(USAGE, bits(0, 9), critical=True))],
    "key-usage-only": [Case(SERVER.has(USAGE, bits(0, 7), critical=True))],
    "key-usage-fits-key": [
        Case(SERVER.has(USAGE, bits(0, 2), critical=True)),
        Case(SERVER.has(USAGE, bits(0, 4), critical=True).but(key=spki("rsa"))),
        *(
            Case(SERVER.has(USAGE, bits(0, bit), critical=True).but(key=spki(kind)), also=("key-type-browsers",))
            for kind in ("ed25519", "mldsa")
            for bit in (2, 3, 4)
        ),
    ],
    "key-usage-signs": [
        Case(
            SERVER.has(USAGE, bits(2), critical=True).but(key=spki(kind)),
            also=("key-type-browsers", "key-usage-fits-key"),
        )
        for kind in ("ed25519", "mldsa")
    ],
    "eku-empty": [Case(SERVER.has(PURPOSES, seq()))],
    "eku-repeated": [Case(SERVER.has(PURPOSES, eku(SERVER_AUTH, SERVER_AUTH)))],
    "eku-any-critical": [Case(SERVER.has(PURPOSES, eku(SERVER_AUTH, ANY), critical=True), also=("eku-any",))],
    "eku-critical": [Case(SERVER.has(PURPOSES, eku(SERVER_AUTH), critical=True))],
    "eku-any": [Case(SERVER.has(PURPOSES, eku(SERVER_AUTH, ANY)))],
    "eku-mixed": [Case(SERVER.has(PURPOSES, eku(SERVER_AUTH, CODE_SIGNING)))],
    "eku-key-usage": [Case(SERVER.has(USAGE, bits(1), critical=True)), Case(CODE.has(USAGE, bits(1), critical=True))],
    "root-eku": [Case(ROOT.has(PURPOSES, eku(SERVER_AUTH)), None)],
    "leaf-eku": [Case(SERVER.lacks(PURPOSES))],
    "kind-authority": [Case(SERVER, kind=Kind.CA), Case(CA, ROOT, kind=Kind.HOST)],
    "kind-usage": [
        Case(SERVER, kind=Kind.USER),
        Case(SERVER, kind=Kind.OCSP),
        Case(USER, kind=Kind.HOST),
        Case(USER, kind=Kind.CODE),
    ],
    "server-lifetime": [
        Case(SERVER.but(begin=utc("260315000000Z"), end=utc("261001020001Z"))),
        Case(SERVER.but(begin=utc("260314000000Z"), end=utc("270417010001Z"))),
        Case(SERVER.but(begin=utc("270315000000Z"), end=utc("270624000000Z"))),
        Case(SERVER.but(begin=utc("290315000000Z"), end=utc("290502000000Z"))),
    ],
    "code-lifetime": [Case(CODE.but(end=utc("270406010001Z")))],
    "ocsp-no-check": [Case(RESPONDER.lacks(NO_CHECK), also=("no-revocation-location",))],
    "ocsp-no-check-null": [Case(RESPONDER.has(NO_CHECK, b""))],
    "ocsp-no-check-critical": [Case(RESPONDER.has(NO_CHECK, tlv(NULL), critical=True))],
    "ocsp-signer-only": [Case(RESPONDER.has(PURPOSES, eku(OCSP_SIGNING, CODE_SIGNING)))],
    "ocsp-signer-usage": [Case(RESPONDER.has(USAGE, bits(0, 1), critical=True))],
    "ocsp-signer-extensions": [Case(RESPONDER.has(SAN, seq(dns("ocsp.example.com"))))],
    # --- names
    "ca-subject-empty": [Case(CA.but(subject=seq()).has(SAN, seq(dns("ca.example")), critical=True), ROOT)],
    "san-critical": [Case(SERVER.but(subject=seq())), Case(CODE.but(subject=seq()))],
    "san-not-critical": [Case(SERVER.has(SAN, seq(dns("www.example.com")), critical=True))],
    "server-san": [Case(SERVER.lacks(SAN))],
    "server-san-types": [Case(SERVER.has(SAN, seq(dns("www.example.com"), email("a@example.com"))))],
    "cn-in-san": [
        Case(SERVER.but(subject=name("mail.example.com"))),
        Case(SERVER.but(subject=name("192.0.2.1"))),
    ],
    "email-in-subject": [Case(SERVER.but(subject=seq(rdn((EMAIL, text("a@example.com", IA5))))))],
    "names-empty": [
        Case(USER.has(SAN, seq())),
        Case(SERVER.has(POINTS, seq(point()))),
    ],
    "names-duplicate": [Case(san(dns("a.example"), dns("A.example"))), Case(san(ip(b"\1\2\3\4"), ip(b"\1\2\3\4")))],
    "name-not-ascii": [
        Case(san(dns("bücher.example"))),
        Case(san(email("jörg@a.example"))),
        Case(san(uri("http://ü.example"))),
    ],
    "dns-name": [
        Case(san(dns(bad)))
        for bad in (
            *("a b.example", "a..example", ".example", "example.", "", "-a.example", "a-.example", "a\0.example"),
            *("x" * 64 + ".example", ".".join(["x" * 60] * 5), "a/b.example", "a\n.example"),
        )
    ],
    "dns-underscore": [Case(san(dns("a_b.example")))],
    "dns-address": [Case(san(dns("192.0.2.1"))), Case(san(dns("a.0x7f")))],
    "a-label": [Case(san(dns("xn--zzzz999999.example")))],
    "wildcard-form": [
        Case(san(dns(bad))) for bad in ("*", "a*.example.com", "www.*.example", "*.*.example.com", "**.example")
    ],
    "wildcard-wide": [Case(san(dns("*.com")))],
    "ip-octets": [Case(san(ip(b"\1\2\3"))), Case(san(ip(b"\1" * 8))), Case(san(ip(b"")))],
    "rfc822-name": [
        Case(san(email(bad)))
        for bad in (
            "alice",
            "@example.com",
            "a@",
            "a b@example.com",
            "a@b@example.com",
            "<a@example.com>",
            "a..b@example.com",
        )
    ],
    "smtp-utf8-mailbox": [
        Case(san(other(SMTP_UTF8, text("alice@example.com")))),
        Case(san(other(SMTP_UTF8, text("jörg@bücher.example")))),
        Case(san(other(SMTP_UTF8, text("jörg")))),
    ],
    "uri-absolute": [Case(san(uri("//example.com/"))), Case(san(uri("1x:y"))), Case(san(uri("path/only")))],
    "uri-characters": [Case(san(uri("http://example.com/a b"))), Case(san(uri("http://example.com/<>")))],
    "uri-host": [Case(san(uri("http:///path"))), Case(san(uri("http://-a.example/"))), Case(san(uri("http://[::g]/")))],
    # --- locations
    "no-revocation-location": [Case(SERVER.lacks(POINTS))],
    "location-empty": [
        Case(SERVER.has(POINTS, seq())),
        Case(SERVER.has(AIA, seq())),
        Case(SERVER.has(FRESHEST, seq())),
    ],
    "location-scheme": [
        Case(SERVER.has(AIA, seq(access(OCSP, uri("file:/etc/passwd"))))),
        Case(SERVER.has(AIA, seq(access(ISSUERS, dns("pki.example.com"))))),
        Case(SERVER.has(POINTS, seq(point(uri("file:/x.crl")))), also=("crl-point-not-http",)),
    ],
    "location-https": [Case(SERVER.has(AIA, seq(access(OCSP, uri("https://ocsp.example.com")))))],
    "crl-point-not-http": [
        Case(SERVER.has(POINTS, seq(point(uri("ldap://a.example/cn=ca"))))),
        Case(SERVER.has(POINTS, seq(point(directory(name("ca")))))),
        Case(SERVER.has(POINTS, seq(seq(tlv(tagged(2), directory(name("ca"))))))),
    ],
    "crl-point-nowhere": [
        Case(SERVER.has(POINTS, seq(seq()))),
        Case(SERVER.has(POINTS, seq(seq(tlv(0x81, b"\6@")))), also=("crl-point-reasons",)),
    ],
    "crl-point-reasons": [
        Case(
            SERVER.has(POINTS, seq(seq(tlv(tagged(0), tlv(tagged(0), uri("http://a.example/c"))), tlv(0x81, b"\6@"))))
        ),
    ],
    "crl-point-relative": [Case(SERVER.has(POINTS, seq(seq(tlv(tagged(0), tlv(tagged(1), seq(oid(CN), text("x"))))))))],
    "root-crl-points": [Case(ROOT.has(POINTS, seq(point(uri("http://a.example/c.crl")))), None)],
    # --- policies
    "policies-empty": [
        Case(SERVER.has(POLICIES, seq())),
        Case(CA.has(MAPPINGS, seq(), critical=True), ROOT),
        Case(CA.has(POLICY_CONSTRAINTS, seq(), critical=True), ROOT),
    ],
    "policy-repeated": [Case(SERVER.has(POLICIES, seq(seq(oid(A_POLICY)), seq(oid(A_POLICY)))))],
    "any-policy-qualifier": [Case(policies(seq(oid("1.2.3.4"), tlv(NULL)), policy=ANY_POLICY))],
    "notice-reference": [Case(policies(notice(seq(text("acme"), seq(number(1))))))],
    "notice-length": [Case(policies(notice(text("x" * 201)))), Case(policies(notice(text(""))))],
    "notice-type": [Case(policies(notice(text("x", IA5))))],
    "notice-not-utf8": [Case(policies(notice(text("x", BMP))))],
    "policy-rules-only-ca": [
        Case(SERVER.has(MAPPINGS, seq(seq(oid("1.2.3.4"), oid("1.2.3.5"))), critical=True)),
        Case(SERVER.has(POLICY_CONSTRAINTS, seq(tlv(0x80, b"\0")), critical=True)),
        Case(SERVER.has(INHIBIT, number(0), critical=True)),
    ],
    "policy-rules-critical": [
        Case(CA.has(POLICY_CONSTRAINTS, seq(tlv(0x80, b"\0"))), ROOT),
        Case(CA.has(INHIBIT, number(0)), ROOT),
    ],
    "mappings-critical": [Case(CA.has(MAPPINGS, seq(seq(oid("1.2.3.4"), oid("1.2.3.5")))), ROOT)],
    "mapping-any-policy": [Case(CA.has(MAPPINGS, seq(seq(oid(ANY_POLICY), oid("1.2.3.5"))), critical=True), ROOT)],
    "inhibit-negative": [Case(CA.has(INHIBIT, tlv(2, b"\xff"), critical=True), ROOT)],
    # --- name constraints
    "constraints-only-ca": [Case(SERVER.has(CONSTRAINTS, seq(tlv(tagged(0), seq(dns("a.example")))), critical=True))],
    "constraints-critical": [Case(CA.has(CONSTRAINTS, seq(tlv(tagged(0), seq(dns("a.example"))))), ROOT)],
    "constraints-empty": [Case(CA.has(CONSTRAINTS, seq(), critical=True), ROOT), Case(constrained(), ROOT)],
    "constraints-distance": [Case(constrained(seq(dns("a.example"), tlv(0x80, b"\1"))), ROOT)],
    "constraints-network": [
        Case(constrained(seq(ip(b"\x0a\0\0\0"))), ROOT),
        Case(constrained(seq(ip(b"\x0a\0\0\0\xff\0\xff\0"))), ROOT),
    ],
    "constraints-network-host-bits": [Case(constrained(seq(ip(b"\x0a\0\0\1\xff\0\0\0"))), ROOT)],
    "constraints-leading-dot": [Case(constrained(seq(dns(".a.example"))), ROOT)],
    "constraints-kept": [
        Case(SERVER, constrained(seq(dns("other.example")))),
        Case(SERVER, constrained(seq(dns("example.com")), kind=1)),
        Case(USER, constrained(seq(email("other.example")))),
        Case(
            SERVER.but(subject=seq(rdn((ORG, text("acme"))))),
            constrained(seq(directory(seq(rdn((ORG, text("other"))))))),
        ),
    ],
    # --- beside the CA
    "issuer-name": [
        Case(SERVER.but(issuer=name("another"))),
        Case(SERVER.but(issuer=seq(rdn((CN, text("ca", PRINTABLE)))))),
    ],
    "issuer-key": [Case(SERVER.but(key=CA.key))],
    "issuer-is-ca": [
        Case(SERVER, CA.lacks(BASIC)),
        Case(SERVER, CA.has(USAGE, bits(6), critical=True)),
    ],
    "aki-matches-ski": [
        Case(SERVER.has(AKI, aki(b"other"))),
        Case(ROOT.has(AKI, aki(b"other")), None),
    ],
    "aki-matches-serial": [
        Case(SERVER.has(AKI, seq(KEY_ID, OF_ROOT, tlv(0x82, b"\1"))), also=("aki-key-id-only",)),
        Case(
            SERVER.has(AKI, seq(KEY_ID, tlv(tagged(1), directory(name("x"))), tlv(0x82, CA.serial[2:]))),
            also=("aki-key-id-only",),
        ),
    ],
    "signature-fits-key": [
        Case(SERVER, RSA_CA),
        Case(RSA_SIGNED),
        Case(SERVER.but(signature=algorithm("1.3.101.113")), CA.but(key=spki("ed25519"))),
        Case(ROOT.but(signature=RSA_SHA256), None),
    ],
    "signature-hash-curve": [Case(SERVER, CA.but(key=spki("p384")))],
    "validity-beyond-issuer": [Case(SERVER, CA.but(end=utc("260331235959Z")))],
    "validity-before-issuer": [Case(SERVER, CA.but(begin=utc("260101000001Z")))],
    "eku-nested": [Case(SERVER, CA.has(PURPOSES, eku(CODE_SIGNING)))],
    "path-length-used-up": [
        Case(MID_CA.but(issuer=name("ca"), subject=name("sub")).has(AKI, aki(b"ca__" * 5)), CA, also=("issuer-key",))
    ],
    "path-length-wider": [
        Case(
            MID_CA.but(issuer=name("ca"), subject=name("sub"), key=spki("p256", 5)).has(AKI, aki(b"ca__" * 5)),
            MID_CA,
        )
    ],
}


def broken(case: Case) -> tuple[Finding, ...]:
    issuer = case.issuer.der if case.issuer is not None else None
    return lint_certificate_der(case.certificate.der, issuer, case.kind)


@pytest.mark.parametrize(
    ("rule", "case"),
    [pytest.param(rule, case, id=f"{rule} {at}") for rule, cases in CASES.items() for at, case in enumerate(cases)],
)
def test_a_certificate_breaks_exactly_this_rule(rule: str, case: Case) -> None:
    assert {finding.rule for finding in broken(case)} == {rule, *case.also}


def test_every_rule_for_certificates_has_a_case() -> None:
    assert {rule for rule in RULES if not rule.startswith("crl-") or rule in CASES} == set(CASES)


@pytest.mark.parametrize(
    "case", [Case(ROOT, None), Case(CA, ROOT), Case(SERVER), Case(USER), Case(CODE), Case(RESPONDER, kind=Kind.OCSP)]
)
def test_what_the_cases_start_from_breaks_none(case: Case) -> None:
    assert broken(case) == ()


RIGHT = {
    "a wildcard": SERVER.has(SAN, seq(dns("www.example.com"), dns("*.example.com"))),
    "an A-label": SERVER.has(SAN, seq(dns("www.example.com"), dns("xn--bcher-kva.example"))),
    "addresses": SERVER.has(SAN, seq(dns("www.example.com"), ip(bytes(4)), ip(bytes(16)))),
    "an address as common name": SERVER.but(subject=name("192.0.2.1")).has(SAN, seq(ip(b"\xc0\0\2\1"))),
    "a common name in capitals": SERVER.but(subject=name("WWW.example.com")),
    "an empty subject": SERVER.but(subject=seq()).has(SAN, seq(dns("www.example.com")), critical=True),
    "a quoted mailbox": san(email('"a b"@example.com')),
    "a mailbox beyond ASCII": san(other(SMTP_UTF8, text("jörg@xn--bcher-kva.example"))),
    "another other name": san(other("1.3.6.1.4.1.311.20.2.3", text("alice@EXAMPLE"))),
    "a registered id": san(tlv(tagged(8, constructed=False), b"\x2a\x03\x04")),
    "a directory name": san(directory(name("alice"))),
    "URIs": san(
        uri("spiffe://example.org/a"), uri("urn:uuid:1"), uri("http://[::1]:80/"), uri("https://u@a.example:8/?q#f")
    ),
    "the shortest serial with 64 bits": SERVER.but(serial=number(1 << 56)),
    "the longest serial": SERVER.but(serial=number((1 << 159) - 1)),
    "two hundred days and an hour": SERVER.but(begin=utc("260315000000Z"), end=utc("261001010000Z")),
    "a server of 2019 for two years": SERVER.but(begin=utc("190101000000Z"), end=utc("210101000000Z")),
    "a mailbox in both": subject((EMAIL, text("a@example.com", IA5))),
    "several units": subject(
        ("2.5.4.11", text("a")), ("2.5.4.11", text("b")), (DC, text("example", IA5)), (DC, text("com", IA5))
    ),
    "an unknown attribute": subject(("1.2.3.4", text("x"))),
    "a compressed point": SERVER.but(key=None),
    "an RSA key": SERVER.but(key=spki("rsa")).has(USAGE, bits(0, 2), critical=True),
    "PSS": SERVER.but(signature=pss()),
    "policies": policies(seq(oid(CPS), text("http://a.example/cps", IA5)), notice(text("x" * 200))),
    "issuer's names": SERVER.has(IAN, seq(uri("http://pki.example.com"))),
    "access": SERVER.has(
        AIA, seq(access(OCSP, uri("http://o.example")), access(ISSUERS, uri("http://i.example/ca.crt")))
    ),
    "CA:FALSE": SERVER.has(BASIC, seq(), critical=True),
    "a precertificate": SERVER.has("1.3.6.1.4.1.11129.2.4.3", tlv(NULL), critical=True),
}
ISSUERS_OF = {
    "PSS": RSA_CA.but(subject=name("ca")),
    "a server of 2019 for two years": CA.but(begin=utc("150101000000Z")),
}


@pytest.mark.parametrize("what", RIGHT)
def test_what_is_right_and_unusual_breaks_none(what: str) -> None:
    certificate = RIGHT[what]
    if what == "a compressed point":
        whole = spki("p256", 3)[-64:]
        octets = bytes([2 + whole[-1] % 2]) + whole[:32]
        curve = algorithm("1.2.840.10045.2.1", oid("1.2.840.10045.3.1.7"))
        certificate = SERVER.but(key=seq(curve, tlv(BIT_STRING, b"\0", octets)))
    assert broken(Case(certificate, ISSUERS_OF.get(what, CA))) == ()


RIGHT_CAS = {
    "until 2049": (ROOT.but(end=utc("491231235959Z")), None),
    "from 2050": (ROOT.but(end=generalized("20500101000000Z")), None),
    "without end": (ROOT.but(end=generalized("99991231235959Z")), None),
    "without AKI": (ROOT.lacks(AKI), None),
    "a shorter path": (
        CA,
        MID_CA.but(subject=name("root"), key=spki("p256", 9)).has(SKI, tlv(OCTET_STRING, b"root" * 5)),
    ),
    "a rollover": (ROOT.but(key=spki("p256", 7)).has(SKI, tlv(OCTET_STRING, b"new_")), ROOT),
    "constraints": (
        constrained(
            *(seq(dns("a.example")), seq(ip(b"\x0a\0\0\0\xff\0\0\0")), seq(email(".a.example")), seq(uri("a.example"))),
            *(seq(email("b@a.example")), seq(directory(seq(rdn((ORG, text("acme"))))))),
        ),
        ROOT,
    ),
    "mappings": (CA.has(MAPPINGS, seq(seq(oid("1.2.3.4"), oid("1.2.3.5"))), critical=True), ROOT),
    "policy constraints": (
        CA.has(POLICY_CONSTRAINTS, seq(tlv(0x81, b"\0")), critical=True).has(INHIBIT, number(2), critical=True),
        ROOT,
    ),
}


@pytest.mark.parametrize("what", RIGHT_CAS)
def test_a_CA_that_is_right_breaks_none(what: str) -> None:
    certificate, issuer = RIGHT_CAS[what]
    assert broken(Case(certificate, issuer)) == ()
