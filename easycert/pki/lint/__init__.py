"""Lint: the rules that a certificate or CRL must keep whoever made it, each with its clause, judged on its bytes.

:func:`lint_certificate` and :func:`lint_crl` return what is broken, as values; nothing is raised, whatever they hold.
An error breaks a MUST of RFC 5280 and its kin, or is something that no client should ever see: easycert signs nothing
with one. A warning breaks a SHOULD, or a rule that binds public CAs only. A notice is worth knowing. The value of the
signature is never judged: before signing, a certificate is linted with the signature of a key that is thrown away.

``RULES`` has every rule by its name. Only what one certificate needs is imported, since this runs before each
signature: ``RULES``, ``Rule``, ``Finding`` and ``Severity`` are made when somebody asks for them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from easycert.model import Kind
from easycert.pki.encodings import Encoding

if TYPE_CHECKING:
    from cryptography import x509

    from easycert.pki.lint.fields import Breaches, Certificate
    from easycert.pki.lint.findings import Finding, Rule, Severity

    RULES: dict[str, Rule]

__all__ = [
    "RULES",
    "Finding",
    "Rule",
    "Severity",
    "lint_certificate",
    "lint_certificate_der",
    "lint_crl",
    "lint_crl_der",
    "type_of",
]


def lint_certificate(
    certificate: x509.Certificate,
    issuer: x509.Certificate | None = None,
    kind: Kind | None = None,
    *,
    errors_only: bool = False,
) -> tuple[Finding, ...]:
    """Return every rule that *certificate* breaks, errors first; an empty tuple is good.

    *issuer* is the certificate of the CA that signs it; without one, what is self-issued is held against itself. *kind*
    is what it is meant to be. With *errors_only* nothing is judged that no signature waits for: neither what is no
    error, nor, by searches that take long, whether a key is weak; whoever lets a key in has looked.
    """
    above = issuer.public_bytes(Encoding.DER) if issuer is not None else None
    return lint_certificate_der(certificate.public_bytes(Encoding.DER), above, kind, errors_only=errors_only)


def lint_certificate_der(
    data: bytes, issuer: bytes | None = None, kind: Kind | None = None, *, errors_only: bool = False
) -> tuple[Finding, ...]:
    """Do what :func:`lint_certificate` does for the DER of certificates, also of such as cryptography cannot load."""
    broken = list(_certificate_breaches(data, issuer, kind, errors_only=errors_only))
    if not broken:
        return ()
    from easycert.pki.lint.findings import findings

    return findings(broken, errors_only=errors_only)


def _certificate_breaches(data: bytes, issuer: bytes | None, kind: Kind | None, *, errors_only: bool) -> Breaches:
    from easycert.pki.lint.der import DerError
    from easycert.pki.lint.fields import Certificate

    try:
        certificate = Certificate(data)
    except DerError as error:
        yield "undecodable", f"the certificate cannot be decoded: {error}"
        return
    above = certificate if issuer is None and certificate.self_issued else None
    try:
        above = _authority(issuer) if issuer is not None else above
    except DerError as error:
        yield "undecodable", f"its CA's certificate cannot be decoded: {error}"
    yield from _errors(certificate, above, kind)
    if not errors_only:
        from easycert.pki.lint import advice

        yield from advice.judge(certificate, above)


@lru_cache(maxsize=8)  # a CA signs many certificates in one run
def _authority(data: bytes) -> Certificate:
    from easycert.pki.lint.fields import Certificate

    return Certificate(data)


def _errors(certificate: Certificate, issuer: Certificate | None, kind: Kind | None) -> Breaches:
    """Judge all parts of a certificate in their order, and what it has in common with its issuer, maybe itself."""
    from easycert.pki.lint import extensions, fields

    itself = certificate.signed_itself(issuer)
    yield from fields.judge(certificate, itself=itself)
    yield from extensions.judge(certificate)
    yield from extensions.kind_of(certificate, kind)
    if issuer is not None:
        yield from extensions.by_key(certificate.extensions, certificate.inner_algorithm, issuer)
        if not itself:
            yield from extensions.by_issuer(certificate, issuer)


def lint_crl(crl: x509.CertificateRevocationList, issuer: x509.Certificate | None = None) -> tuple[Finding, ...]:
    """Return every rule that *crl*, signed by the CA with the certificate *issuer*, breaks, errors first."""
    above = issuer.public_bytes(Encoding.DER) if issuer is not None else None
    return lint_crl_der(crl.public_bytes(Encoding.DER), above)


def type_of(data: bytes) -> Literal["certificate", "crl"] | None:
    """Return whether DER is built like a certificate or like a CRL, whatever is wrong with it; None for neither."""
    from easycert.pki.lint.crl import RevocationList
    from easycert.pki.lint.der import GENERALIZED_TIME, UTC_TIME, DerError
    from easycert.pki.lint.fields import Certificate

    try:
        if RevocationList(data).this_update.tag in (UTC_TIME, GENERALIZED_TIME):
            return "crl"
    except DerError:
        pass
    try:
        Certificate(data)
    except DerError:
        return None
    return "certificate"


def lint_crl_der(data: bytes, issuer: bytes | None = None) -> tuple[Finding, ...]:
    """Do what :func:`lint_crl` does for DER, also of a CRL that cryptography cannot load."""
    from easycert.pki.lint.crl import judge
    from easycert.pki.lint.findings import findings

    return findings(judge(data, issuer))


def __getattr__(name: str) -> Any:
    """Return what is made only when it is asked for."""
    if name not in ("RULES", "Finding", "Rule", "Severity"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from easycert.pki.lint import findings

    return findings.all_rules() if name == "RULES" else getattr(findings, name)
