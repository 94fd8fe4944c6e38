"""Whatever the bytes are, lint returns findings: it raises nothing, and its work is bounded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.pki.lint import Finding, Severity, lint_certificate, lint_certificate_der, lint_crl_der, type_of
from tests.pki.foreign import V1_ROOT
from tests.pki.lint import maker
from tests.pki.lint.maker import (
    AIA,
    AKI,
    BASIC,
    BIT_STRING,
    CA,
    CN,
    CONSTRAINTS,
    CRL,
    CRL_NUMBER,
    DELTA,
    EMAIL,
    IA5,
    IDP,
    INHIBIT,
    MAPPINGS,
    NULL,
    POINTS,
    POLICIES,
    POLICY_CONSTRAINTS,
    PURPOSES,
    ROOT,
    SAN,
    SERVER,
    SKI,
    USAGE,
    algorithm,
    dns,
    email,
    entry,
    extension,
    name,
    number,
    rdn,
    rsa_spki,
    seq,
    text,
    tlv,
    uri,
)

EXTENSIONS = [value for key, value in vars(maker).items() if isinstance(value, str) and value[:2] in ("1.", "2.")]
TAGS = st.sampled_from(
    [
        0x01,
        0x02,
        0x03,
        0x04,
        0x05,
        0x06,
        0x0C,
        0x13,
        0x16,
        0x17,
        0x18,
        0x30,
        0x31,
        *range(0x80, 0x89),
        *range(0xA0, 0xA9),
    ]
)
#: DER that is well-formed and means nothing.
TREES = st.recursive(
    st.tuples(TAGS, st.binary(max_size=6)).map(lambda pair: tlv(*pair)),
    lambda inner: st.tuples(TAGS, st.lists(inner, max_size=3)).map(lambda pair: tlv(pair[0], *pair[1])),
    max_leaves=12,
)
WHOLE = [SERVER.der, CA.der, ROOT.der, CRL.but(entries=(entry(), entry())).der]


def lint(data: bytes) -> tuple[Finding, ...]:
    """Return what every way of linting says of *data*."""
    type_of(data)
    return (
        *lint_certificate_der(data),
        *lint_certificate_der(data, CA.der, errors_only=True),
        *lint_certificate_der(SERVER.der, data),
        *lint_crl_der(data),
        *lint_crl_der(CRL.der, data),
    )


def rules(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.rule for finding in findings}


@given(st.binary(max_size=400))
def test_random_bytes_are_undecodable(data: bytes) -> None:
    assert "undecodable" in rules(lint(data))
    assert type_of(data) is None


@given(TREES)
def test_DER_that_is_neither_is_undecodable(data: bytes) -> None:
    assert "undecodable" in rules(lint(data))


@given(st.sampled_from(WHOLE), st.data())
def test_a_changed_byte_raises_nothing(whole: bytes, data: st.DataObject) -> None:
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    lint(bytes(changed))


@given(st.sampled_from(WHOLE), st.data())
def test_bytes_that_are_cut_off_or_put_in_raise_nothing(whole: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(whole)))
    lint(whole[:at] + data.draw(st.binary(max_size=8)) + whole[at + data.draw(st.integers(0, 8)) :])


@given(st.sampled_from(EXTENSIONS), st.one_of(TREES, st.binary(max_size=40)), st.booleans())
def test_whatever_an_extension_holds_nothing_is_raised(kind: str, value: bytes, critical: bool) -> None:
    for certificate in (SERVER, CA, ROOT):
        lint(certificate.has(kind, value, critical=critical).der)
    lint(CRL.has(kind, value, critical=critical).der)
    lint(CRL.but(entries=(entry(number(7), extension(kind, value, critical=critical)),)).der)


@given(TREES, st.sampled_from(["version", "serial", "signature", "issuer", "begin", "subject", "key", "ids", "tail"]))
def test_whatever_a_field_holds_nothing_is_raised(value: bytes, field: str) -> None:
    lint(SERVER.but(**{field: value}).der)


HUGE = tlv(2, b"\x7f" + b"\xff" * 5000)
NEGATIVE = tlv(2, b"\x80" + b"\xff" * 5000)


@pytest.mark.parametrize("value", [HUGE, NEGATIVE])
def test_numbers_of_thousands_of_digits_are_not_written_out(value: bytes) -> None:
    """Python refuses to: ValueError."""
    exponent = seq(algorithm("1.2.840.113549.1.1.1", tlv(NULL)), tlv(BIT_STRING, b"\0", seq(value, value)))
    for certificate in (
        SERVER.but(serial=value),
        SERVER.but(version=tlv(0xA0, value)),
        SERVER.but(key=exponent),
        CA.has(BASIC, seq(tlv(1, b"\xff"), value), critical=True),
        CA.has(INHIBIT, value, critical=True),
        CA.has(POLICY_CONSTRAINTS, seq(tlv(0x80, value[4:])), critical=True),
        SERVER.has(AKI, seq(tlv(0x82, value[4:]))),
    ):
        assert lint(certificate.der)
    for crl in (CRL.but(version=value), CRL.has(CRL_NUMBER, value), CRL.has(DELTA, value, critical=True)):
        assert lint(crl.der)


def test_an_even_or_negative_exponent_is_found() -> None:
    for exponent in (NEGATIVE, tlv(2, b"\xff")):
        key = seq(
            algorithm("1.2.840.113549.1.1.1", tlv(NULL)), tlv(BIT_STRING, b"\0", seq(number(1 << 2047), exponent))
        )
        assert "rsa-exponent" in rules(lint_certificate_der(SERVER.but(key=key).der))


def many(count: int) -> dict[str, Callable[[], bytes]]:
    """Return certificates that hold *count* of something, each other in bytes."""
    attributes = [rdn((f"1.2.3.{at}", text("x"))) for at in range(count)]
    mails = [rdn((EMAIL, text(f"a{at}@example.com", IA5))) for at in range(count)]
    common = [rdn((CN, text(f"{at}"))) for at in range(count)]
    others = [email(f"b{at}@a.example") for at in range(count)]
    hosts = [dns(f"h{at}.example.com") for at in range(count)]
    unknown = b"".join(extension(f"1.2.3.{at}", b"", critical=True) for at in range(count))
    subtrees = [seq(dns(f"c{at}.example.com")) for at in range(count)]
    return {
        "attributes": lambda: SERVER.but(subject=seq(*attributes)).der,
        "mailboxes": lambda: SERVER.but(subject=seq(*mails)).has(SAN, seq(*others)).der,
        "common names": lambda: SERVER.but(subject=seq(*common)).has(SAN, seq(*hosts)).der,
        "hosts": lambda: SERVER.has(SAN, seq(*hosts, *hosts)).der,
        "extensions": lambda: SERVER.but(raw=unknown).der,
        "points": lambda: SERVER.has(POINTS, seq(*(maker.point(uri(f"ftp://h/{at}")) for at in range(count)))).der,
        "policies": lambda: SERVER.has(POLICIES, seq(*(seq(maker.oid(f"1.2.3.{at}")) for at in range(count)))).der,
        "purposes": lambda: SERVER.has(PURPOSES, maker.eku(*(f"1.2.3.{at}" for at in range(count)))).der,
        "constraints": lambda: CA.has(CONSTRAINTS, seq(tlv(0xA0, *subtrees)), critical=True).der,
        "names and constraints": lambda: SERVER.has(SAN, seq(*hosts)).der,
    }


@pytest.mark.parametrize("what", many(1))
def test_ten_thousand_of_anything_are_judged_in_linear_time(what: str) -> None:
    """A quadratic rule would take minutes here; what is said of them stays short."""
    made = many(10_000)[what]()
    issuer = many(10_000)["constraints"]() if what == "names and constraints" else CA.der
    found = lint_certificate_der(made, issuer)
    assert len(found) < 100
    assert sum(len(finding.message) for finding in found) < 20_000


def test_an_RSA_key_of_a_million_bits_is_not_searched() -> None:
    found = rules(lint_certificate_der(SERVER.but(key=rsa_spki((1 << 1_000_000) + 1)).der))
    assert "rsa-size" in found
    assert "key-weak" not in found


def test_text_from_outside_cannot_move_the_cursor() -> None:
    certificate = SERVER.has(SAN, seq(dns("a\x1b[2Jb"), uri("http://\x07"), email("\u202e"))).but(
        subject=seq(rdn((CN, text("x\x1b]0;y\x07"))))
    )
    told = [finding.message for finding in lint_certificate_der(certificate.der, CA.der)]
    assert told
    assert all(message.isprintable() for message in told)


def test_a_certificate_of_version_1_is_judged() -> None:
    found = rules(lint_certificate(V1_ROOT))
    assert "version-3" in found
    assert "undecodable" not in found


def test_what_is_wrong_in_one_place_hides_nothing_in_another() -> None:
    certificate = (
        SERVER.has(SAN, b"\x30\x80")
        .has(USAGE, tlv(NULL), critical=True)
        .has(SKI, b"")
        .has(AIA, b"\x30\x01")
        .has(MAPPINGS, b"\xff")
        .but(serial=number(0), begin=tlv(NULL), key=seq(), subject=tlv(0x30, b"\x31\x05"))
    )
    found = lint_certificate_der(certificate.der, CA.der)
    parts = " ".join(finding.message for finding in found if finding.rule == "undecodable")
    for part in (
        "subjectAltName",
        "keyUsage",
        "key identifier",
        "authorityInfoAccess",
        "policyMappings",
        "validity",
        "public key",
        "subject",
    ):
        assert part in parts
    assert {"serial-positive", "policy-rules-only-ca"} <= rules(found)


def test_a_broken_CA_certificate_is_said_to_be_broken() -> None:
    found = lint_certificate_der(SERVER.but(serial=number(0)).der, b"\x30\x00")
    assert [finding.rule for finding in found if finding.severity is Severity.ERROR] == [
        "undecodable",
        "serial-positive",
    ]
    broken = lint_certificate_der(SERVER.der, CA.has(BASIC, b"\x30").has(PURPOSES, b"").but(subject=name("ca")).der)
    assert {"undecodable"} <= rules(broken)


def test_the_order_is_errors_warnings_notices() -> None:
    found = lint_certificate_der(SERVER.but(serial=number(0)).lacks(POINTS, AKI, SKI).der, CA.der)
    order = list(Severity)
    assert [order.index(finding.severity) for finding in found] == sorted(
        order.index(finding.severity) for finding in found
    )
    assert {finding.severity for finding in found} == set(Severity)


def test_with_errors_only_there_are_no_others() -> None:
    der = SERVER.but(serial=number(0)).lacks(POINTS, AKI, SKI).has(IDP, b"").der
    errors = [finding for finding in lint_certificate_der(der, CA.der) if finding.severity is Severity.ERROR]
    assert list(lint_certificate_der(der, CA.der, errors_only=True)) == errors
