"""What easycert itself makes breaks no rule of level error: every profile, kind and key type."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import InvalidInput
from easycert.model import Kind
from easycert.pki import certificates
from easycert.pki.constraints import name_constraints, parse_constraint
from easycert.pki.keys import KeyType, generate
from easycert.pki.lint import Severity, lint_certificate
from easycert.pki.profiles import MODERN, SYNAPSE
from easycert.pki.sans import parse_san
from easycert.pki.subjects import parse_subject
from tests.judges.authority import DOORS, Wish, family, make, oddities, spec_of

KEY = generate(KeyType.EC256)

KINDS = {"root": Kind.CA, "intermediate": Kind.CA, "host": Kind.HOST, "user": Kind.USER, "code": Kind.CODE}


@pytest.mark.parametrize(("profile", "key_type"), list(itertools.product(("modern", "synapse"), KeyType)))
def test_no_certificate_of_a_family_has_an_error(profile: str, key_type: KeyType) -> None:
    for name, made in family(profile, key_type).members():
        issuer = made.above[0] if made.above else None
        found = lint_certificate(made.certificate, issuer, KINDS[name])
        assert [finding for finding in found if finding.severity is Severity.ERROR] == [], name


def test_no_unusual_certificate_has_an_error() -> None:
    for name, made in oddities():
        found = lint_certificate(made.certificate, made.above[0] if made.above else None)
        assert [finding for finding in found if finding.severity is Severity.ERROR] == [], name


# --- whatever the doors let in ---------------------------------------------------------------------------------------

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
DOMAIN = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
LOCAL = st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ü-]{1,8}(\\.[a-zé]{1,4})?", fullmatch=True)
PATH = st.text("abcXYZ019-._~!$&'()*+,;=:@/?#%[]", max_size=12)
SANS = st.one_of(
    DOMAIN,
    DOMAIN.map("*.{}".format),
    st.ip_addresses().map(str),
    st.builds("{}@{}".format, LOCAL, DOMAIN),
    st.builds("{}://{}/{}".format, st.sampled_from(["http", "spiffe", "a+b.c-1"]), DOMAIN, PATH),
    st.builds("urn:{}".format, PATH),
    st.text(max_size=12).map("URI:{}".format),
    st.text(max_size=12).map("email:{}".format),
    st.text(max_size=12).map("DNS:{}".format),
)
NAMES = st.one_of(st.text(min_size=1, max_size=64), DOMAIN, SANS)
ATTRIBUTES = st.one_of(
    st.builds("{}={}".format, st.sampled_from(["O", "OU", "ST", "L", "SERIALNUMBER", "UID"]), st.text(max_size=9)),
    st.sampled_from(["C=fr", "C=DE", "DC=com", "SERIALNUMBER=1'(),-./:=?", "O=Zürich", "O= x ", "STREET=" + "x" * 128]),
)


def accepted(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except InvalidInput:
        return False
    return True


@given(
    NAMES,
    st.lists(SANS, max_size=4),
    st.lists(ATTRIBUTES, max_size=3),
    st.sampled_from(list(DOORS["modern"])),
    st.booleans(),
)
def test_whatever_a_door_accepts_has_no_error(
    name: str, sans: list[str], attributes: list[str], kind: Kind, modern: bool
) -> None:
    """Nothing that is parsed at the door is refused before the signature: that would be a fault of one of the two."""
    profile = "modern" if modern else "synapse"
    issuer = family(profile, KeyType.EC256).root
    wish = Wish(
        kind,
        name if accepted(DOORS[profile][kind], name) else "www.example.com",
        MODERN if modern else SYNAPSE,
        sans=tuple(text for text in sans if accepted(parse_san, text)),
        subject=",".join(text for text in attributes if not text.endswith(",") and accepted(parse_subject, text)),
    )
    made = certificates.sign(spec_of(wish, issuer), KEY.public_key(), issuer.issuer)
    assert lint_certificate(made, issuer.certificate, kind, errors_only=True) == ()


@given(st.one_of(DOMAIN, st.text(max_size=12), st.ip_addresses(network="10.0.0.0/8").map("{}/24".format)))
def test_whatever_is_accepted_as_a_name_constraint_has_no_error(text: str) -> None:
    try:
        constraints = name_constraints([parse_constraint(text)], [])
    except InvalidInput:
        return
    made = make(Wish(Kind.CA, "constrained", name_constraints=constraints))
    assert lint_certificate(made.certificate, errors_only=True) == ()
