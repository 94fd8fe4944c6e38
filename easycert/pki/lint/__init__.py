"""Lint: the rules that a certificate or CRL must keep whoever made it, each with its clause, judged on its bytes.

:func:`lint_certificate` and :func:`lint_crl` return what is broken, as values; nothing is raised, whatever they hold.
An error breaks a MUST of RFC 5280 and its kin, or is something that no client should ever see: easycert signs nothing
with one. A warning breaks a SHOULD, or a rule that binds public CAs only. A notice is worth knowing. The value of the
signature is never judged: before signing, a certificate is linted with the signature of a key that is thrown away.

``RULES`` is the table of all rules. Only what one certificate needs is imported: this runs before each signature.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from easycert.model import Kind, Value

if TYPE_CHECKING:
    from cryptography import x509

    from easycert.pki.lint.parts import Breaches

    RULES: tuple[Rule, ...]

#: How often a finding of one rule is told; a CRL may have a million entries, each with the same flaw.
_TOLD_AT_MOST = 10


class Severity(Enum):
    """How bad it is; the value is the word in output."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Rule(Value):
    """One rule: its name, how bad it is to break it, where it is written, and what it says."""

    rule: str
    severity: Severity
    clause: str
    text: str


class Finding(Value):
    """One broken rule: which, how bad that is, where it is written, and what breaks it here."""

    rule: str
    severity: Severity
    clause: str
    message: str


def lint_certificate(
    certificate: x509.Certificate, issuer: x509.Certificate | None = None, kind: Kind | None = None
) -> tuple[Finding, ...]:
    """Return every rule that *certificate* breaks, errors first; an empty tuple is good.

    *issuer* is the certificate of the CA that signs it; without one, what is self-issued is held against itself. *kind*
    is what it is meant to be.
    """
    return lint_certificate_der(_der(certificate), _der(issuer) if issuer is not None else None, kind)


def lint_certificate_der(data: bytes, issuer: bytes | None = None, kind: Kind | None = None) -> tuple[Finding, ...]:
    """Do what :func:`lint_certificate` does for the DER of certificates, also of such as cryptography cannot load."""
    from easycert.pki.lint.certificate import judge

    return _findings(judge(data, issuer, kind))


def lint_crl(crl: x509.CertificateRevocationList, issuer: x509.Certificate | None = None) -> tuple[Finding, ...]:
    """Return every rule that *crl*, signed by the CA with the certificate *issuer*, breaks, errors first."""
    return lint_crl_der(_der(crl), _der(issuer) if issuer is not None else None)


def lint_crl_der(data: bytes, issuer: bytes | None = None) -> tuple[Finding, ...]:
    """Do what :func:`lint_crl` does for DER, also of a CRL that cryptography cannot load."""
    from easycert.pki.lint.crl import judge

    return _findings(judge(data, issuer))


def _der(item: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    from easycert.pki.encodings import Encoding

    return item.public_bytes(Encoding.DER)


def _findings(breaches: Breaches) -> tuple[Finding, ...]:
    told: dict[str, dict[str, None]] = {}
    hidden: dict[str, int] = {}
    for rule, message in breaches:
        messages = told.setdefault(rule, {})
        if len(messages) < _TOLD_AT_MOST:
            messages[message] = None
        elif message not in messages:
            hidden[rule] = hidden.get(rule, 0) + 1
    if not told:
        return ()
    from easycert.pki.lint.catalogue import CATALOGUE

    found = []
    for rule, messages in told.items():
        severity, clause, _ = CATALOGUE[rule]
        more = (f"and {hidden[rule]} more like this",) if rule in hidden else ()
        found += [Finding(rule, Severity(severity), clause, message) for message in (*messages, *more)]
    order = tuple(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def __getattr__(name: str) -> Any:
    """Return ``RULES``, made when it is asked for."""
    if name != "RULES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from easycert.pki.lint.catalogue import CATALOGUE

    return tuple(Rule(rule, Severity(row[0]), row[1], row[2]) for rule, row in CATALOGUE.items())
