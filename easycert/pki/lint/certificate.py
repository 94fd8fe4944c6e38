"""The rules for a certificate, in the order of its parts."""

from __future__ import annotations

from easycert.model import Kind
from easycert.pki.lint import extensions, fields, issuing, names, usage
from easycert.pki.lint.der import DerError, Node
from easycert.pki.lint.parts import Breaches, Certificate, guarded


def judge(data: bytes, issuer: bytes | None, kind: Kind | None) -> Breaches:
    """Yield what breaks a rule in the certificate whose DER is *data*, signed by the CA whose DER is *issuer*."""
    try:
        certificate = Certificate(data)
    except DerError as error:
        yield "undecodable", f"the certificate cannot be decoded: {error}"
        return
    itself = certificate.self_issued and issuer in (None, data)
    yield from _fields(certificate, itself=itself)
    yield from extensions.extension_list(certificate.extensions, present=certificate.has_extensions)
    yield from extensions.critical_extensions(certificate)
    for part, rule in _EXTENSION_RULES:
        yield from guarded(part, rule(certificate))
    yield from guarded("an extension", usage.kind_of(certificate, kind))
    if itself:
        yield from issuing.judge(certificate, certificate, itself=True)
    elif issuer is not None:
        yield from guarded("the CA's certificate", _by_issuer(certificate, issuer))


def _fields(certificate: Certificate, *, itself: bool) -> Breaches:
    yield from guarded("the version", fields.version(certificate))
    yield from guarded("the serial number", fields.serial_number(certificate.serial))
    yield from guarded("the serial number", fields.serial_entropy(certificate.serial))
    inner, outer = certificate.inner_algorithm, certificate.outer_algorithm
    yield from guarded("the signature algorithm", fields.signature_algorithm(inner, outer, self_signed=itself))
    yield from guarded("the issuer", _issuer(certificate.issuer))
    yield from guarded("the validity", fields.validity(certificate))
    yield from guarded("the subject", names.distinguished_name(certificate.subject, "the subject"))
    yield from guarded("the public key", fields.public_key(certificate.key))
    yield from fields.unique_identifiers(certificate)


def _issuer(name: Node) -> Breaches:
    if not name.children():
        yield "issuer-empty", "the issuer is an empty name"
    yield from names.distinguished_name(name, "the issuer")


def _by_issuer(certificate: Certificate, issuer: bytes) -> Breaches:
    yield from issuing.judge(certificate, Certificate(issuer), itself=False)


_EXTENSION_RULES = (
    ("basicConstraints", usage.basic_constraints),
    ("keyUsage", usage.key_usage),
    ("keyUsage", usage.usage_fits_key),
    ("extKeyUsage", usage.extended_key_usage),
    ("an extension", usage.leaf),
    ("a key identifier", extensions.key_identifiers),
    ("the subject", extensions.subject),
    ("subjectAltName", extensions.alternative_names),
    ("an extension", extensions.rare_extensions),
)
