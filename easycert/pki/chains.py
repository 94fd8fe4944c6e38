"""Certification paths: who issued whom, found in whatever pile of certificates came along (RFC 4158, RFC 5280 6.1).

Only names, key identifiers and signatures count here; whether a path is any good is judged by
:mod:`easycert.pki.verify`. The pile may be hostile (loops, thousands of look-alikes: CVE-2024-0567, CVE-2024-28835), so
duplicates are dropped, signatures are checked last and once, and all work is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from easycert.pki.encodings import Encoding, PublicFormat
from easycert.pki.subjects import shown_name

#: What cryptography raises, lazily, for parts of a certificate or CRL that it cannot decode.
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
#: CAs between leaf and anchor; the most that OpenSSL's and cryptography's verifiers allow is of this order.
MAX_DEPTH = 8
#: Candidates handed to the verifier. Real bundles, cross-signed ones too, have a handful.
MOST_CHAINS = 8
#: Unfinished paths of one length that are followed further.
_MOST_OPEN_PATHS = 64
#: Signatures checked for one question; the dearest (RSA-16384) still make it an answer within a second.
_MOST_SIGNATURE_CHECKS = 512

_Path = tuple[x509.Certificate, ...]
#: Name and key.
_Identity = tuple[bytes | None, bytes]


class IssuerPool:
    """Certificates among which issuers are looked for: each once, indexed by subject, every signature checked once."""

    def __init__(self, certificates: Iterable[x509.Certificate]) -> None:
        self._by_subject: dict[bytes, list[x509.Certificate]] = {}
        self._issuers: dict[x509.Certificate, list[x509.Certificate]] = {}
        self._signed: dict[tuple[x509.Certificate, _Identity], bool] = {}
        for certificate in dict.fromkeys(certificates):  # equal and hashed by their DER
            subject = subject_bytes(certificate)
            if subject is not None:
                self._by_subject.setdefault(subject, []).append(certificate)

    def issuers_of(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        """Return the certificates whose key signed *certificate*, those with a matching key identifier first."""
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
        namesakes = self._by_subject.get(_issuer_bytes(certificate) or b"", [])
        if not namesakes:
            return f"has the issuer '{_shown_issuer(certificate)}', of which no certificate was given"
        return f"has a signature that the key of its issuer '{_shown_issuer(certificate)}' does not verify"

    def _candidates(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        wanted = authority_key_id(certificate)
        namesakes = self._by_subject.get(_issuer_bytes(certificate) or b"", [])
        if wanted is None:
            return namesakes
        found = [(subject_key_id(candidate), candidate) for candidate in namesakes]
        exact = [candidate for key_id, candidate in found if key_id == wanted]
        return exact + [candidate for key_id, candidate in found if key_id is None]

    def _is_signed(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        question = certificate, _identity(issuer)  # certificates of one name and key are as good as each other
        if question not in self._signed:
            if len(self._signed) >= _MOST_SIGNATURE_CHECKS:
                return False
            self._signed[question] = _verifies(certificate, issuer)
        return self._signed[question]


def build_chains(
    leaf: x509.Certificate,
    intermediates: Iterable[x509.Certificate],
    anchors: Iterable[x509.Certificate],
    *,
    max_depth: int = MAX_DEPTH,
) -> list[list[x509.Certificate]]:
    """Return the paths from *leaf* to an anchor, both included, the shortest first; none is an empty list.

    At most *max_depth* certificates stand between leaf and anchor, and at most ``MOST_CHAINS`` paths are returned. An
    anchor is trusted because it was given as one: it need not be self-signed, and a leaf that is itself an anchor is a
    path of one certificate. No name and key occur twice in a path (RFC 4158 section 2.4.2).
    """
    anchors = list(anchors)
    return find_chains(IssuerPool([*anchors, *intermediates]), leaf, anchors, max_depth=max_depth)


def find_chains(
    pool: IssuerPool, leaf: x509.Certificate, anchors: Iterable[x509.Certificate], *, max_depth: int = MAX_DEPTH
) -> list[list[x509.Certificate]]:
    """Do what :func:`build_chains` does, over a pool (of anchors and intermediates) that can be asked again."""
    trusted = frozenset(anchors)
    steps = _steps_to_anchor(pool, leaf, trusted, max_depth + 1)
    chains: list[list[x509.Certificate]] = []
    open_paths: list[_Path] = [(leaf,)] if leaf in steps else []
    for steps_left in range(max_depth + 1, -1, -1):
        chains += [list(path) for path in open_paths if path[-1] in trusted]
        if len(chains) >= MOST_CHAINS or not open_paths:
            break
        longer = [(*path, issuer) for path in open_paths for issuer in _new_issuers(pool, path)]
        leading = [path for path in longer if steps.get(path[-1], steps_left) < steps_left]
        open_paths = sorted(leading, key=lambda path: steps[path[-1]])[:_MOST_OPEN_PATHS]
    return chains[:MOST_CHAINS]


def _steps_to_anchor(
    pool: IssuerPool, leaf: x509.Certificate, trusted: frozenset[x509.Certificate], most_steps: int
) -> dict[x509.Certificate, int]:
    """Return how far each certificate above *leaf* is from an anchor; those from which no way leads there are left out.

    It visits certificates, not paths, of which a mesh of cross-certificates has exponentially many.
    """
    issued: dict[x509.Certificate, list[x509.Certificate]] = {leaf: []}
    level = [leaf]
    for _ in range(most_steps):
        above: list[x509.Certificate] = []
        for certificate in level:
            for issuer in pool.issuers_of(certificate):
                if issuer not in issued:
                    issued[issuer] = []
                    above.append(issuer)
                issued[issuer].append(certificate)
        level = above
    steps = {certificate: 0 for certificate in issued if certificate in trusted}
    queue = list(steps)
    for certificate in queue:  # grows while it is walked through: breadth first
        for below in issued[certificate]:
            if below not in steps:
                steps[below] = steps[certificate] + 1
                queue.append(below)
    return steps


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
    while issuers := _new_issuers(pool, chain):
        chain.append(issuers[0])
    return chain


def subject_bytes(certificate: x509.Certificate) -> bytes | None:
    """Return the subject in DER, or None where it cannot be decoded."""
    try:
        return certificate.subject.public_bytes()
    except UNREADABLE:
        return None


def is_self_issued(certificate: x509.Certificate) -> bool:
    """Return whether subject and issuer are the same name (RFC 5280 section 3.2), which must be readable."""
    subject = subject_bytes(certificate)
    return subject is not None and subject == _issuer_bytes(certificate)


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


def _new_issuers(pool: IssuerPool, path: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Return the issuers of the last certificate of *path* that do not close a loop."""
    issuers = pool.issuers_of(path[-1])
    seen = {_identity(certificate) for certificate in path} if issuers else set()
    return [issuer for issuer in issuers if _identity(issuer) not in seen]


def _verifies(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def _identity(certificate: x509.Certificate) -> _Identity:
    """Return name and key: a certificate with both of another one adds nothing to its path but length."""
    form = PublicFormat.SubjectPublicKeyInfo
    try:
        key = certificate.public_key().public_bytes(Encoding.DER, form)
    except UNREADABLE:
        key = certificate.signature
    return subject_bytes(certificate), key


def _issuer_bytes(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.issuer.public_bytes()
    except UNREADABLE:
        return None


def _shown_issuer(certificate: x509.Certificate) -> str:
    try:
        return shown_name(certificate.issuer)
    except UNREADABLE:
        return "(unreadable)"
