"""Rules for name constraints: how they are written, and whether a certificate keeps those of its CA.

Source: RFC 5280 section 4.2.1.10. Whether a name is inside is judged by :mod:`easycert.pki.constraints`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from easycert.pki import der as writer
from easycert.pki.constraints import breaches
from easycert.pki.lint import der, names
from easycert.pki.lint.der import DerError, Node
from easycert.pki.lint.fields import NAME_CONSTRAINTS, SUBJECT_ALT_NAME, Certificate, Extension, guarded
from easycert.pki.signatures import UNREADABLE

if TYPE_CHECKING:
    from easycert.pki.lint.fields import Breaches

#: The parts of a certificate in which only names count.
_VERSION = bytes.fromhex("a003020102")
_ALGORITHM = bytes.fromhex("300a06082a8648ce3d040302")
_VALIDITY = bytes.fromhex("301e170d3236303130313030303030305a170d3236303130323030303030305a")
_SIGNATURE = bytes.fromhex("030100")


def judge(certificate: Certificate) -> Breaches:
    """Judge a certificate's own name constraints."""
    extension = certificate.extensions.find(NAME_CONSTRAINTS)
    if extension is None:
        return
    if not certificate.is_authority:
        yield "constraints-only-ca", "nameConstraints are there, and it is no CA's"
    if not extension.critical:
        yield "constraints-critical", "nameConstraints are not critical"
    yield from guarded("nameConstraints", _constraints(extension))


def _constraints(extension: Extension) -> Breaches:
    lists = der.element(extension.value).children()
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
        constraints = _loaded(issuer, NAME_CONSTRAINTS).extensions.get_extension_for_class(x509.NameConstraints).value
        holder = _loaded(certificate, SUBJECT_ALT_NAME)
        found = breaches(_alternative_names(holder), holder.subject, constraints)
    except UNREADABLE:
        yield "undecodable", "its names cannot be compared with the CA's nameConstraints"
        return
    for breach in found:
        yield "constraints-kept", f"the CA's nameConstraints forbid this: {breach}"


def _alternative_names(certificate: x509.Certificate) -> tuple[x509.GeneralName, ...]:
    try:
        return tuple(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return ()


def _loaded(certificate: Certificate, oid: str) -> x509.Certificate:
    """Return a certificate with nothing of *certificate* but its names, its key and the extension *oid*.

    What else is wrong with it hinders no comparison of names.
    """
    kept = [node.raw for node in certificate.extension_nodes if der.oid(node.children()[0]) == oid]
    extensions = [writer.tlv(der.context(3), writer.tlv(der.SEQUENCE, *kept))] if kept else []
    names_and_key = (certificate.issuer.raw, _VALIDITY, certificate.subject.raw, certificate.key.raw)
    tbs = writer.tlv(der.SEQUENCE, _VERSION, writer.integer(1), _ALGORITHM, *names_and_key, *extensions)
    return x509.load_der_x509_certificate(writer.tlv(der.SEQUENCE, tbs, _ALGORITHM, _SIGNATURE))
