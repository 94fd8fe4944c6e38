"""Who signed whom in a directory, judged by names, key identifiers and signatures, never by file names.

Checking a signature costs more than all else about a certificate. So there is one case in which it is not checked
again: a certificate that was signed here (it was checked then, and the ledger's index says that the file still holds
it), below the only key that bears the name and key identifier of its issuer. What came in from elsewhere, what the
ledger does not know, and every CA is checked each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias, cast

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import KeyMismatch
from easycert.model import Kind
from easycert.pki.certificates import is_ca, require_signed_by
from easycert.pki.facts import authority_ids
from easycert.pki.keys import PublicKey, public_der
from easycert.pki.subjects import shown_name
from easycert.workflows.holdings import Holding, Problem, certificate_of, holdings
from easycert.workflows.listing import ORDER, Listed, Lister

#: How a certificate was made that this directory's own CA signed, and easycert checked.
_SIGNED_HERE = frozenset({"fresh", "csr", "renewal"})
#: Deeper than any real hierarchy; what hangs deeper is shown at this depth, whatever somebody put into ``cas/``.
MOST_LEVELS = 32
_Below: TypeAlias = Mapping[int | None, Sequence[int]]


class Branch(NamedTuple):
    """A certificate and what it signed."""

    item: Listed
    below: tuple[Branch, ...]


class Tree(NamedTuple):
    """Who signed whom: root CAs, self-signed certificates that are no CAs, and what an absent CA signed."""

    roots: tuple[Branch, ...]
    self_signed: tuple[Branch, ...]
    unknown_issuer: tuple[Branch, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


class Authority(NamedTuple):
    """A CA of the directory that may have signed others: its place among what is held, and its certificate."""

    position: int
    certificate: x509.Certificate


def tree(certdir: CertDir) -> Tree:
    """Return who signed whom."""
    found = holdings(certdir)
    held = sorted(found.items, key=lambda item: (ORDER[item.kind], item.name))
    lister = Lister(certdir, certdir.now(), found.revocations)
    items = [lister.listed(item) for item in held]
    own = {position for position, item in enumerate(items) if item.self_signed}
    below: dict[int | None, list[int]] = {}
    for position, parent in enumerate(parents(certdir, held, own)):
        below.setdefault(parent, []).append(position)
    tops = [*below.get(None, ()), *_closed_loops(below, len(items))]
    branches = [_branch(position, items, below) for position in tops]
    signed = [branch for branch in branches if branch.item.self_signed]
    return Tree(
        roots=tuple(branch for branch in signed if branch.item.kind is Kind.CA),
        self_signed=tuple(branch for branch in signed if branch.item.kind is not Kind.CA),
        unknown_issuer=tuple(branch for branch in branches if not branch.item.self_signed),
        problems=found.problems,
        notes=found.notes,
    )


def parents(certdir: CertDir, held: Sequence[Holding], self_signed: set[int]) -> Iterator[int | None]:
    """Yield for each certificate the position of the CA that signed it; None where its own key did, or one not here.

    *self_signed* are the positions of those whose own key did.
    """
    authorities = _Authorities(certdir, held)
    for position, item in enumerate(held):
        yield None if position in self_signed else authorities.parent_of(position, item)


class _Authorities:
    """The CAs of the directory, found by the name and key identifier that those whom they signed bear."""

    def __init__(self, certdir: CertDir, held: Sequence[Holding]) -> None:
        self._certdir = certdir
        self._by_name: dict[str, list[Authority]] = {}
        self._by_identity: dict[tuple[str, str], list[Authority]] = {}
        self._sure: dict[tuple[str, str], int | None] = {}
        for position, item in enumerate(held):
            certificate = certificate_of(certdir, item) if item.kind is Kind.CA else None
            if certificate is not None and is_ca(certificate):
                self._add(Authority(position, certificate))

    def parent_of(self, position: int, item: Holding) -> int | None:
        """Return the position of the CA that signed the certificate *item* at *position*, or None."""
        identity = item.facts.issuer, item.facts.issuer_id
        if item.kind is not Kind.CA and item.facts.origin in _SIGNED_HERE:
            sure = self._only(identity)
            if sure is not None:
                return sure
        candidates = self._by_identity.get(identity) or self._by_name.get(item.facts.issuer) or []
        certificate = certificate_of(self._certdir, item) if candidates else None
        if certificate is None:
            return None
        signers = (one for one in candidates if one.position != position and _is_signed(certificate, one.certificate))
        return next((one.position for one in signers), None)

    def _add(self, authority: Authority) -> None:
        name = shown_name(authority.certificate.subject)
        self._by_name.setdefault(name, []).append(authority)
        for authority_id in authority_ids(authority.certificate):
            self._by_identity.setdefault((name, authority_id), []).append(authority)

    def _only(self, identity: tuple[str, str]) -> int | None:
        """Return the first CA of this identity if all that have it have one key, else None."""
        if identity not in self._sure:
            found = self._by_identity.get(identity, [])
            keys = {public_der(cast("PublicKey", one.certificate.public_key())) for one in found}
            self._sure[identity] = found[0].position if len(keys) == 1 else None
        return self._sure[identity]


def _is_signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        require_signed_by(certificate, issuer, "a certificate")
    except KeyMismatch:
        return False
    return True


# --- from parents to branches ----------------------------------------------------------------------------------------


def _closed_loops(below: _Below, count: int) -> list[int]:
    """Return one member of each loop of CAs that signed each other, which hangs below nothing."""
    seen: set[int] = set()
    starts = []
    _collect(below, below.get(None, ()), seen)
    for position in range(count):
        if position not in seen:
            starts.append(position)
            _collect(below, [position], seen)
    return starts


def _collect(below: _Below, starts: Sequence[int], seen: set[int]) -> list[int]:
    """Return *starts* and all that hangs from them, but for what was *seen* before."""
    waiting, found = list(reversed(starts)), []
    while waiting:
        position = waiting.pop()
        if position not in seen:
            seen.add(position)
            found.append(position)
            waiting += reversed(below.get(position, ()))
    return found


def _branch(position: int, items: Sequence[Listed], below: _Below, above: tuple[int, ...] = ()) -> Branch:
    above = (*above, position)
    hanging = [child for child in below.get(position, ()) if child not in above]
    if len(above) >= MOST_LEVELS:
        return Branch(items[position], tuple(Branch(items[one], ()) for one in _collect(below, hanging, set(above))))
    return Branch(items[position], tuple(_branch(child, items, below, above) for child in hanging))
