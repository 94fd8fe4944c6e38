"""Who signed whom in a directory, judged by names, key identifiers and signatures, never by file names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from easycert.certdir import CertDir
from easycert.model import Kind
from easycert.workflows.holdings import Problem, holdings
from easycert.workflows.listing import ORDER, Listed, Lister
from easycert.workflows.parents import Authorities

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


def tree(certdir: CertDir) -> Tree:
    """Return who signed whom."""
    found = holdings(certdir)
    held = sorted(found.items, key=lambda item: (ORDER[item.kind], item.name))
    lister = Lister(certdir, certdir.now(), found.revocations)
    items = [lister.listed(item) for item in held]
    own = {position for position, item in enumerate(items) if item.self_signed}
    authorities = Authorities(certdir, held)
    below: dict[int | None, list[int]] = {}
    for position, item in enumerate(held):
        parent = None if position in own else authorities.parent_of(position, item)
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
