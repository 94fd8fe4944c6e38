"""Certification paths: who issued whom, found in whatever pile of certificates came along (RFC 4158, RFC 5280 6.1).

Only names, key identifiers and signatures count here; whether a path is any good is judged by
:mod:`easycert.pki.verify`. The pile may be hostile (loops, thousands of look-alikes: CVE-2024-0567, CVE-2024-28835), so
duplicates are dropped, signatures are checked last and once, and all work is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from cryptography import x509

from easycert.pki.distinguished import Comparable, comparable
from easycert.pki.encodings import Encoding, PublicFormat
from easycert.pki.signatures import UNREADABLE, is_signed_by
from easycert.pki.subjects import shown_name

#: Signatures checked for one question; the dearest (RSA-16384) still make it an answer within a second.
_MOST_SIGNATURE_CHECKS = 512

#: Name and key.
Identity = tuple[Comparable | None, bytes]


class IssuerPool:
    """Certificates among which issuers are looked for: each once, indexed by subject, every signature checked once."""

    def __init__(self, certificates: Iterable[x509.Certificate]) -> None:
        self._by_subject: dict[Comparable, list[x509.Certificate]] = {}
        self._issuers: dict[x509.Certificate, list[x509.Certificate]] = {}
        self._signed: dict[tuple[x509.Certificate, Identity], bool] = {}
        for certificate in dict.fromkeys(certificates):  # equal and hashed by their DER
            subject = subject_name(certificate)
            if subject is not None:
                self._by_subject.setdefault(subject, []).append(certificate)

    def called(self, name: x509.Name) -> list[x509.Certificate]:
        """Return the certificates with this subject."""
        return self._by_subject.get(comparable(name), [])

    def issuers_of(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        """Return the certificates whose key signed *certificate*, those with a matching key identifier first.

        Key identifiers only say whom to try first: RFC 4158 section 3.5.12 wants nobody left out for one that differs.
        """
        if certificate not in self._issuers:
            self._issuers[certificate] = [
                candidate for candidate in self._candidates(certificate) if self._is_signed(certificate, candidate)
            ]
        return self._issuers[certificate]

    def why_no_issuer(self, certificate: x509.Certificate) -> str:
        """Return a fragment that says why :meth:`issuers_of` found nobody else, or nobody who is trusted."""
        if len(self._signed) >= _MOST_SIGNATURE_CHECKS:
            return f"has no issuer that was found within {_MOST_SIGNATURE_CHECKS} signature checks"
        if is_self_issued(certificate):
            return "is self-signed and not a trust anchor"
        if not self._namesakes(certificate):
            return f"has the issuer '{shown_issuer(certificate)}', of which no certificate was given"
        return f"has a signature that the key of its issuer '{shown_issuer(certificate)}' does not verify"

    def _namesakes(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        issuer = issuer_name(certificate)
        return self._by_subject.get(issuer, []) if issuer is not None else []

    def _candidates(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        wanted = authority_key_id(certificate)
        namesakes = self._namesakes(certificate)
        if wanted is None:
            return namesakes
        ranks = {wanted: 0, None: 1}
        return sorted(namesakes, key=lambda candidate: ranks.get(subject_key_id(candidate), 2))

    def _is_signed(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        question = certificate, identity(issuer)  # certificates of one name and key are as good as each other
        if question not in self._signed:
            if len(self._signed) >= _MOST_SIGNATURE_CHECKS:
                return False
            self._signed[question] = is_signed_by(certificate, issuer)
        return self._signed[question]


def order_chain(
    leaf: x509.Certificate, certificates: Iterable[x509.Certificate]
) -> tuple[list[x509.Certificate], list[x509.Certificate]]:
    """Return ``(chain, extras)``: the path up from *leaf*, as far as *certificates* lead, and what is left over.

    The chain starts with the leaf and may or may not end in a root; copies of its certificates are not extras.
    """
    given = list(dict.fromkeys(certificates))
    chain = climb(IssuerPool(given), leaf)
    used = frozenset(chain)
    return chain, [certificate for certificate in given if certificate not in used]


def climb(pool: IssuerPool, leaf: x509.Certificate) -> list[x509.Certificate]:
    """Return *leaf* and, one above the other, the first issuer found for each certificate."""
    chain = [leaf]
    while issuers := new_issuers(pool, chain):
        chain.append(issuers[0])
    return chain


def subject_bytes(certificate: x509.Certificate) -> bytes | None:
    """Return the subject in DER, or None where it cannot be decoded."""
    try:
        return certificate.subject.public_bytes()
    except UNREADABLE:
        return None


def subject_name(certificate: x509.Certificate) -> Comparable | None:
    """Return the subject, prepared for comparison, or None where it cannot be decoded."""
    try:
        return comparable(certificate.subject)
    except UNREADABLE:
        return None


def issuer_name(certificate: x509.Certificate) -> Comparable | None:
    """Return the issuer, prepared for comparison, or None where it cannot be decoded."""
    try:
        return comparable(certificate.issuer)
    except UNREADABLE:
        return None


def is_self_issued(certificate: x509.Certificate) -> bool:
    """Return whether subject and issuer are the same name (RFC 5280 section 3.2), which must be readable."""
    subject = subject_name(certificate)
    return subject is not None and subject == issuer_name(certificate)


def subject_key_id(certificate: x509.Certificate) -> bytes | None:
    """Return the subject key identifier (RFC 5280 section 4.2.1.2), or None where there is none to read."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, *UNREADABLE):
        return None


def authority_key_id(signed: x509.Certificate | x509.CertificateRevocationList) -> bytes | None:
    """Return the authority key identifier (RFC 5280 section 4.2.1.1), or None where there is none to read."""
    try:
        return signed.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, *UNREADABLE):
        return None


def new_issuers(pool: IssuerPool, path: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Return the issuers of the last certificate of *path* that do not close a loop."""
    issuers = pool.issuers_of(path[-1])
    seen = {identity(certificate) for certificate in path} if issuers else set()
    return [issuer for issuer in issuers if identity(issuer) not in seen]


@lru_cache(maxsize=4096)
def identity(certificate: x509.Certificate) -> Identity:
    """Return name and key: a certificate with both of another one adds nothing to its path but length."""
    form = PublicFormat.SubjectPublicKeyInfo
    try:
        key = certificate.public_key().public_bytes(Encoding.DER, form)
    except UNREADABLE:
        key = certificate.signature
    return subject_name(certificate), key


def shown_issuer(certificate: x509.Certificate) -> str:
    """Return the issuer of *certificate* for a person to read, whatever the certificate holds."""
    try:
        return shown_name(certificate.issuer)
    except UNREADABLE:
        return "(unreadable)"
