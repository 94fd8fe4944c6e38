"""Path lengths: RFC 5280 sections 4.2.1.9 and 6.1.4 (l) and (m), judged from the top down as the RFC writes it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

from easycert.pki.rules import Purpose
from tests.pki.chainmaker import Made, shared_key
from tests.pki.corpus.case import Case, authority, chain, leaf

#: The path length of each CA from the root down, and whether it has the name of the CA above it.
_Step = tuple[int | None, bool]


def allowed(steps: list[_Step]) -> bool:
    """Return whether the state machine of RFC 5280 section 6.1.4 (l) and (m) lets a leaf stand below these CAs.

    The root's own limit is taken for the first one, as everybody does who trusts a certificate rather than a key.
    """
    left = 99
    for position, (limit, self_issued) in enumerate(steps):
        if position and not self_issued:
            if left == 0:
                return False
            left -= 1
        left = left if limit is None else min(left, limit)
    return True


@cache
def tower(steps: tuple[_Step, ...]) -> tuple[Made, ...]:
    """Return the CAs that *steps* describe, the root first."""
    *above, (limit, self_issued) = steps
    key = shared_key("ec256", 20 + len(steps))
    if not above:
        return (authority("ca 0", path_length=limit, key=key),)
    upper = tower(tuple(above))
    common_name = upper[-1].name.rfc4514_string().removeprefix("CN=") if self_issued else f"ca {len(above)}"
    return *upper, authority(common_name, upper[-1], path_length=limit, key=key)


def shown(steps: tuple[_Step, ...]) -> str:
    return " > ".join(f"{'same ' if same else ''}{'any' if limit is None else limit}" for limit, same in steps)


def generated() -> Iterator[Case]:
    """Yield every tower of up to three CAs with limits up to 1, and some that are higher."""
    limits: list[int | None] = [None, 0, 1]
    flat: list[tuple[_Step, ...]] = [((limit, False),) for limit in limits]
    for size in (2, 3):
        for numbers, same in product(product(limits, repeat=size), product((False, True), repeat=size - 1)):
            flat.append(tuple(zip(numbers, (False, *same), strict=True)))
    flat += [
        ((None, False), (2, False), (None, False), (None, False)),
        ((2, False), (None, False), (None, False), (None, False)),
        ((None, False), (1, False), (0, False), (0, False)),
        ((None, False), (1, False), (2, False)),
        ((None, False), (1, False), (1, True), (0, False)),
        ((None, False), (1, False), (1, True), (0, False), (0, True)),
        ((6, False), (4, False), (1, False), (None, False)),
    ]
    for steps in flat:
        good = allowed(list(steps))
        made = leaf(tower(steps)[-1])
        everyone = allowed([(limit, False) for limit, _ in steps])
        differs = {} if everyone == good else dict.fromkeys(("gnutls", "cryptography"), "counts self-issued CAs, too")
        why = "" if good else "pathLenConstraint"
        yield chain(shown(steps), good, made, *reversed(tower(steps)), why=why, differs=differs)


def leaves() -> Iterator[Case]:
    """Yield cases of a CA in the place of the leaf, which is no intermediate."""
    root = authority()
    outer = authority("outer", root, path_length=0)
    inner = authority("inner", outer, path_length=0)
    yield chain("a CA as the leaf does not count", True, inner, outer, root, purpose=Purpose.ANY, host=None)
    below = {"purpose": Purpose.CA, "host": None, "why": "pathLenConstraint"}
    yield chain("but what it issues would", False, inner, outer, root, unable=frozenset({"gnutls"}), **below)


def depths() -> Iterator[Case]:
    """Yield cases of a limit that the caller sets."""
    towers = {size: tower(((None, False),) * size) for size in range(1, 6)}
    for size, limit in product(towers, range(5)):
        good = size - 1 <= limit
        made = leaf(towers[size][-1])
        fact = f"{size - 1} CAs between, {limit} allowed"
        case = chain(fact, good, made, *reversed(towers[size]), max_depth=limit, why="" if good else "CAs away")
        yield case
    rolled = tower(((None, False), (None, True)))
    made = leaf(rolled[1])
    counts = {"openssl": "counts it", "cryptography": "likewise"}
    yield chain("a self-issued CA does not count", True, made, *reversed(rolled), max_depth=0, differs=counts)


def cases() -> Iterator[Case]:
    """Yield every case of this page."""
    yield from generated()
    yield from leaves()
    yield from depths()
