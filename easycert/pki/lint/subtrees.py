"""Rules for name constraints: how they are written, and whether a certificate keeps those of its CA.

Source: RFC 5280 section 4.2.1.10. Whether a name is inside is judged by :mod:`easycert.pki.constraints`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from easycert.pki.constraints import breaches
from easycert.pki.lint import der, names
from easycert.pki.lint.der import DerError, Node
from easycert.pki.lint.fields import NAME_CONSTRAINTS, Certificate, guarded

if TYPE_CHECKING:
    from easycert.pki.lint.fields import Breaches

#: What cryptography raises for parts that it cannot decode.
_UNREADABLE = (
    ValueError,
    TypeError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


def judge(certificate: Certificate) -> Breaches:
    """Judge a certificate's own name constraints."""
    extension = certificate.extensions.find(NAME_CONSTRAINTS)
    if extension is None:
        return
    if not certificate.is_authority:
        yield "constraints-only-ca", "nameConstraints are there, and it is no CA's"
    if not extension.critical:
        yield "constraints-critical", "nameConstraints are not critical"
    yield from guarded("nameConstraints", _constraints(der.element(extension.value)))


def _constraints(node: Node) -> Breaches:
    lists = node.children()
    if not lists:
        yield "constraints-empty", "nameConstraints constrain nothing"
    for subtrees in lists:
        if subtrees.tag not in (der.context(0), der.context(1)):
            raise DerError("neither permitted nor excluded subtrees")
        found = der.elements(subtrees.body)
        if not found:
            yield "constraints-empty", "nameConstraints have an empty list of subtrees"
        for subtree in found:
            yield from _subtree(subtree)


def _subtree(subtree: Node) -> Breaches:
    parts = subtree.children()
    if not parts:
        raise DerError("a subtree without a base")
    if len(parts) > 1:
        yield "constraints-distance", "nameConstraints have a minimum or maximum"
    base = parts[0]
    if base.tag == names.IP_ADDRESS:
        yield from _network(base.body)
    elif base.tag in (names.DNS_NAME, names.RFC822_NAME, names.URI):
        yield from _host(base)
    elif base.tag == names.DIRECTORY_NAME:
        yield from names.distinguished_name(der.element(base.body), "a name in nameConstraints")


def _network(body: bytes) -> Breaches:
    half = len(body) // 2
    if len(body) not in (8, 32):
        yield "constraints-network", f"nameConstraints hold a network of {len(body)} octets"
        return
    address, mask = int.from_bytes(body[:half], "big"), int.from_bytes(body[half:], "big")
    inverse = mask ^ ((1 << 8 * half) - 1)
    if inverse & (inverse + 1):
        yield "constraints-network", "nameConstraints hold a network whose mask has gaps"
    elif address & inverse:
        yield "constraints-network-host-bits", "nameConstraints hold a network with bits to the right of its mask"


def _host(base: Node) -> Breaches:
    where = "nameConstraints"
    if not base.body.isascii():
        yield "name-not-ascii", f"{where} hold {names.shown(base)}, which is not ASCII"
        return
    text = base.body.decode("ascii")
    if base.tag == names.RFC822_NAME and "@" in text:
        yield from names.general_name(base, where)
        return
    if base.tag == names.DNS_NAME and text.startswith("."):
        yield "constraints-leading-dot", f"{where} hold the DNS name {names.shown(base)}"
    text = text.removeprefix(".")
    if text and "*" not in text:
        yield from names.dns_name(text, where)
    elif text:
        yield "dns-name", f"{where} hold {names.shown(base)}, which has a '*'"


# --- against the CA's constraints ------------------------------------------------------------------------------------


def breaches_of(certificate: Certificate, issuer: Certificate) -> Breaches:
    """Judge the names of *certificate* by the name constraints of *issuer*."""
    if certificate.self_issued and certificate.is_authority:  # RFC 5280 section 6.1.3 (b)
        return
    try:
        constraints = _loaded(issuer).get_extension_for_class(x509.NameConstraints).value
        names_of = _loaded(certificate)
        try:
            alternatives = tuple(names_of.get_extension_for_class(x509.SubjectAlternativeName).value)
        except x509.ExtensionNotFound:
            alternatives = ()
        subject = x509.load_der_x509_certificate(certificate.data).subject
        found = breaches(alternatives, subject, constraints)
    except _UNREADABLE:
        yield "undecodable", "its names cannot be compared with the CA's nameConstraints"
        return
    for breach in found:
        yield "constraints-kept", f"the CA's nameConstraints forbid this: {breach}"


def _loaded(certificate: Certificate) -> x509.Extensions:
    return x509.load_der_x509_certificate(certificate.data).extensions
