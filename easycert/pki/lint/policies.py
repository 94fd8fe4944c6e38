"""Rules for certificate policies, policy mappings, policyConstraints and inhibitAnyPolicy.

Sources: RFC 5280 sections 4.2.1.4, 4.2.1.5, 4.2.1.11 and 4.2.1.14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easycert.pki.lint import der, names
from easycert.pki.lint.der import DerError, Node
from easycert.pki.lint.fields import CERTIFICATE_POLICIES, Certificate, Extension, guarded

if TYPE_CHECKING:
    from easycert.pki.lint.fields import Breaches

_MAPPINGS, _CONSTRAINTS, _INHIBIT = "2.5.29.33", "2.5.29.36", "2.5.29.54"
_ANY_POLICY = "2.5.29.32.0"
_CPS, _USER_NOTICE = "1.3.6.1.5.5.7.2.1", "1.3.6.1.5.5.7.2.2"
_TEXT_MAX = 200
_NAMES = {_MAPPINGS: "policyMappings", _CONSTRAINTS: "policyConstraints", _INHIBIT: "inhibitAnyPolicy"}


def judge(certificate: Certificate) -> Breaches:
    """Judge what of these extensions a certificate has."""
    yield from guarded("certificatePolicies", _policies(certificate))
    for oid, name in _NAMES.items():
        extension = certificate.extensions.find(oid)
        if extension is None:
            continue
        if not certificate.is_authority:
            yield "policy-rules-only-ca", f"{name} is there, and it is no CA's"
        if not extension.critical:
            yield "mappings-critical" if oid == _MAPPINGS else "policy-rules-critical", f"{name} is not critical"
        yield from guarded(name, _RULES[oid](extension))


def _policies(certificate: Certificate) -> Breaches:
    node = certificate.extensions.decoded(CERTIFICATE_POLICIES)
    if node is None:
        return
    seen = set()
    informations = node.children()
    if not informations:
        yield "policies-empty", "certificatePolicies is an empty list"
    for information in informations:
        policy, *qualifiers = information.children()
        oid = der.oid(policy)
        if oid in seen:
            yield "policy-repeated", f"the policy {oid} is there more than once"
        seen.add(oid)
        for qualifier in qualifiers[0].children() if qualifiers else ():
            yield from _qualifier(qualifier, oid)


def _qualifier(qualifier: Node, policy: str) -> Breaches:
    parts = qualifier.children()
    if len(parts) != 2:
        raise DerError("a policy qualifier that is not a type and a value")
    kind, value = der.oid(parts[0]), parts[1]
    if kind == _CPS:
        yield from names.uri(der.text(value.expect(der.IA5_STRING)), "certificatePolicies")
    elif kind == _USER_NOTICE:
        yield from _notice(value)
    elif policy == _ANY_POLICY:
        yield "any-policy-qualifier", f"anyPolicy has the qualifier {kind}"


def _notice(value: Node) -> Breaches:
    for part in value.children():
        if part.tag == der.SEQUENCE:
            yield "notice-reference", "a policy's user notice has a noticeRef"
            continue
        text = der.text(part)
        if not 1 <= len(text) <= _TEXT_MAX:
            yield "notice-length", f"a policy's user notice has {len(text)} characters"
        if part.tag == der.IA5_STRING:
            yield "notice-type", "a policy's user notice is an IA5String"
        elif part.tag != der.UTF8_STRING:
            yield "notice-not-utf8", "a policy's user notice is not a UTF8String"


def _mappings(extension: Extension) -> Breaches:
    mappings = der.element(extension.value).children()
    if not mappings:
        yield "policies-empty", "policyMappings is an empty list"
    for mapping in mappings:
        if _ANY_POLICY in tuple(map(der.oid, mapping.children())):
            yield "mapping-any-policy", "policyMappings maps to or from anyPolicy"


def _constraints(extension: Extension) -> Breaches:
    fields = der.element(extension.value).children()
    if not fields:
        yield "policies-empty", "policyConstraints constrain nothing"
    for field in fields:
        if field.tag & 0x1F > 1 or der.integer(field, field.tag) < 0:
            raise DerError("a constraint that there is not")


def _inhibit(extension: Extension) -> Breaches:
    if der.integer(der.element(extension.value)) < 0:
        yield "inhibit-negative", "inhibitAnyPolicy is negative"


_RULES = {_MAPPINGS: _mappings, _CONSTRAINTS: _constraints, _INHIBIT: _inhibit}
