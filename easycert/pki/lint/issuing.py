"""Rules for a certificate and the CA that signed it: names, key identifiers, dates, usages, path length, constraints.

Sources: RFC 5280 sections 4.1.2.4, 4.2.1.1, 4.2.1.9, 4.2.1.10 and 6.1; CA/B Forum BR 7.1.2.10.6.
"""

from __future__ import annotations

from easycert.pki.lint import der, fields
from easycert.pki.lint.extensions import issuer_key_identifier
from easycert.pki.lint.parts import (
    ANY_USAGE,
    CRL_SIGN,
    KEY_CERT_SIGN,
    NAME_CONSTRAINTS,
    Breaches,
    Certificate,
    Extensions,
    guarded,
)
from easycert.pki.lint.usage import usage_name

_HASH_OF_CURVE = {"1.2.840.10045.3.1.7": "SHA-256", "1.3.132.0.34": "SHA-384", "1.3.132.0.35": "SHA-512"}


def judge(certificate: Certificate, issuer: Certificate, *, itself: bool) -> Breaches:
    """Judge *certificate* as one that *issuer* signed; *itself* for one that signed itself."""
    yield from guarded("authorityKeyIdentifier", key_identifier(certificate.extensions, issuer))
    yield from guarded("the signature algorithm", signing_key(certificate.inner_algorithm, issuer))
    if itself:
        return
    if certificate.issuer.raw != issuer.subject.raw:
        yield "issuer-name", "the issuer is not the CA's subject, byte for byte"
    if certificate.key.raw == issuer.key.raw and not certificate.self_issued:
        yield "issuer-key", "it has the same key as its CA"
    yield from guarded("the CA's usage", _may_sign(issuer))
    yield from guarded("the validity", _dates(certificate, issuer))
    yield from guarded("extKeyUsage", _usages(certificate, issuer))
    yield from guarded("basicConstraints", _path_length(certificate, issuer))
    if issuer.extensions.find(NAME_CONSTRAINTS):
        from easycert.pki.lint import subtrees

        yield from subtrees.breaches_of(certificate, issuer)


def key_identifier(extensions: Extensions, issuer: Certificate) -> Breaches:
    """Judge the AKI of a certificate or CRL, which copies its issuer's SKI."""
    wanted, found = issuer.subject_key_identifier(), issuer_key_identifier(extensions)
    if found is not None and wanted is not None and found != wanted:
        yield "aki-matches-ski", f"it is {found.hex()}, the CA's subjectKeyIdentifier {wanted.hex()}"


def signing_key(algorithm: der.Node, issuer: Certificate) -> Breaches:
    """Judge whether the issuer's key can make signatures of this *algorithm*."""
    oid, _ = fields.identifier(algorithm)
    if oid not in fields.SIGNATURES:
        return
    family, digest = fields.SIGNATURES[oid]
    key, _, curve = fields.key_type(issuer.key).partition(" ")
    if family != key and not (oid == key == fields.RSA_PSS):
        yield "signature-fits-key", "the CA's key does not make signatures of this algorithm"
    elif curve in _HASH_OF_CURVE and digest != _HASH_OF_CURVE[curve]:
        yield "signature-hash-curve", f"a CA on this curve signs with {_HASH_OF_CURVE[curve]}, not {digest}"


def may_sign(issuer: Certificate, bit: int) -> bool:
    """Return whether the issuer's keyUsage has *bit*, or says nothing. Raises DerError."""
    usage = issuer.key_usage()
    return usage is None or bit in usage


def may_sign_crls(issuer: Certificate) -> Breaches:
    """Judge whether the issuer may sign CRLs."""
    if not may_sign(issuer, CRL_SIGN):
        yield "crl-issuer-usage", "the CA's keyUsage lacks cRLSign"


def _may_sign(issuer: Certificate) -> Breaches:
    if not issuer.basic_constraints()[0]:
        yield "issuer-is-ca", "the CA's basicConstraints do not say CA:TRUE"
    elif not may_sign(issuer, KEY_CERT_SIGN):
        yield "issuer-is-ca", "the CA's keyUsage lacks keyCertSign"


def _dates(certificate: Certificate, issuer: Certificate) -> Breaches:
    first, last = map(der.time, fields.period(certificate))
    begin, end = map(der.time, fields.period(issuer))
    if last > end:
        yield "validity-beyond-issuer", "it is valid for longer than its CA"
    if first < begin:
        yield "validity-before-issuer", "it is valid earlier than its CA"


def _usages(certificate: Certificate, issuer: Certificate) -> Breaches:
    allowed, wanted = issuer.extended_key_usage(), certificate.extended_key_usage()
    if allowed is None or wanted is None or ANY_USAGE in allowed:
        return
    beyond = [usage_name(purpose) for purpose in wanted if purpose not in allowed]
    if beyond:
        yield "eku-nested", f"the CA's extKeyUsage does not include {', '.join(beyond)}"


def _path_length(certificate: Certificate, issuer: Certificate) -> Breaches:
    _, left = issuer.basic_constraints()
    authority, own = certificate.basic_constraints()
    if left is None or not authority or certificate.self_issued:
        return
    if left < 1:
        yield "path-length-used-up", "the CA's path length allows no CA below it"
    elif own is None or own >= left:
        yield "path-length-wider", f"the CA's path length is {left}, and this one's no smaller"
