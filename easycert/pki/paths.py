"""The search for the best path: from the leaf up, paths that break the fewest rules first (RFC 4158, RFC 5280 6.1).

A mesh of cross-certificates has exponentially many paths, and a hostile one is made of nothing else. So a path is
dropped where no way leads to an anchor, goes on only while it is among the best, and their number is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from cryptography import x509

from easycert.errors import Reason
from easycert.pki.chains import IssuerPool, new_issuers
from easycert.pki.members import Member, Path, read_member

#: CAs between leaf and anchor, unless the caller says otherwise: GnuTLS's limit; real paths have three at most.
MAX_DEPTH = 16
#: Self-issued CAs, which roll a key over and do not count, that a path may have beside those that count.
_SELF_ISSUED_MAX = 16
#: Paths that one search looks at, finished or not: far more than any real bundle needs, and a fraction of a second.
_MOST_PATHS = 4096

#: Judges a member that is put on top of a path: the rules that it breaks there.
JudgeMember = Callable[[Member, Path], tuple[Reason, ...]]


class Candidate(NamedTuple):
    """A path from the leaf to an anchor, or as far as it has come, and the rules that it breaks."""

    path: Path
    broken: tuple[Reason, ...]


class Ascent:
    """Everything that the search for one leaf needs: who can issue, who is trusted, and who judges."""

    def __init__(
        self, pool: IssuerPool, anchors: frozenset[x509.Certificate], judge: JudgeMember, max_depth: int = MAX_DEPTH
    ) -> None:
        """Search in *pool* for a way to one of *anchors*; paths longer than *max_depth* allows are not followed far."""
        self._pool = pool
        self._anchors = anchors
        self._judge = judge
        self._most_steps = max_depth + 1 + _SELF_ISSUED_MAX
        self._members: dict[x509.Certificate, Member] = {}
        #: Why the search ended before it had looked at every path; empty where it did not.
        self.gave_up = ""

    def candidates(self, leaf: x509.Certificate) -> Iterator[Candidate]:
        """Yield paths from *leaf* to an anchor, both included, the best first: fewest broken rules, then shortest.

        An anchor is trusted because it was given as one: it need not be self-signed, and a leaf that is itself an
        anchor is a path of one certificate. No name and key occur twice in a path (RFC 4158 section 2.4.2).
        """
        steps = self._steps_to_anchor(leaf)
        if leaf not in steps:
            return
        order = count()  # heapq must never compare candidates themselves
        first = self.member(leaf, is_leaf=True)
        start = Candidate((first,), self._judge(first, ()))
        queue = [(len(start.broken), steps[leaf], next(order), start)]
        while queue:
            if next(order) > _MOST_PATHS:
                self.gave_up = f"has no path to a trust anchor among the first {_MOST_PATHS} that were looked at"
                return
            candidate = heappop(queue)[-1]
            if candidate.path[-1].is_anchor:
                yield candidate
                continue
            for longer in self._longer(candidate):
                left = steps.get(longer.path[-1].certificate)
                if left is not None and len(longer.path) + left <= self._most_steps + 1:
                    heappush(queue, (len(longer.broken), len(longer.path) + left, next(order), longer))

    def member(self, certificate: x509.Certificate, *, is_leaf: bool = False) -> Member:
        """Return *certificate* as a member of a path."""
        if is_leaf:
            return read_member(certificate, is_leaf=True, is_anchor=certificate in self._anchors)
        if certificate not in self._members:
            trusted = certificate in self._anchors
            self._members[certificate] = read_member(certificate, is_leaf=False, is_anchor=trusted)
        return self._members[certificate]

    def _longer(self, candidate: Candidate) -> Iterator[Candidate]:
        path, broken = candidate
        for issuer in new_issuers(self._pool, [member.certificate for member in path]):
            member = self.member(issuer)
            yield Candidate((*path, member), (*broken, *self._judge(member, path)))

    def _steps_to_anchor(self, leaf: x509.Certificate) -> dict[x509.Certificate, int]:
        """Return how far each certificate above *leaf* is from an anchor; those from which no way leads are left out.

        It visits certificates, not paths.
        """
        issued: dict[x509.Certificate, list[x509.Certificate]] = {leaf: []}
        level = [leaf]
        for _ in range(self._most_steps):
            above: list[x509.Certificate] = []
            for certificate in level:
                for issuer in self._pool.issuers_of(certificate):
                    if issuer not in issued:
                        issued[issuer] = []
                        above.append(issuer)
                    issued[issuer].append(certificate)
            level = above
        steps = {certificate: 0 for certificate in issued if certificate in self._anchors}
        queue = list(steps)
        for certificate in queue:  # grows while it is walked through: breadth first
            for below in issued[certificate]:
                if below not in steps:
                    steps[below] = steps[certificate] + 1
                    queue.append(below)
        return steps
