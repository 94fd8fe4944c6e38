"""Certificate policies: RFC 5280 section 6.1 with its defaults, as RFC 9618 simplifies it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cryptography import x509

from tests.pki.chainmaker import Made
from tests.pki.corpus.case import Body, Case, authority, chain, extension, leaf, reshaped, tlv

ANY, ONE, TWO, THREE = "2.5.29.32.0", "1.2.3.1", "1.2.3.2", "1.2.3.3"
ROOT = authority()
_MAPPINGS = "2.5.29.33"


def policies(*oids: str, critical: bool = False) -> tuple[x509.ExtensionType, bool]:
    return x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier(oid), None) for oid in oids]
    ), critical


def limits(
    explicit: int | None = None, mapping: int | None = None, *, critical: bool = True
) -> tuple[x509.ExtensionType, bool]:
    return x509.PolicyConstraints(explicit, mapping), critical


def no_any(skip: int) -> tuple[x509.ExtensionType, bool]:
    return x509.InhibitAnyPolicy(skip), True


def ca(
    above: Made, common_name: str, *more: tuple[x509.ExtensionType, bool], maps: Sequence[tuple[str, str]] = ()
) -> Made:
    """Return a CA with these extensions, and these policy mappings."""
    made = authority(common_name, above, more=more)
    if not maps:
        return made
    pairs = [tlv(0x30, _oid(one), _oid(other)) for one, other in maps]

    def add(body: Body) -> None:
        body.extensions.append(extension(_MAPPINGS, tlv(0x30, *pairs), critical=True))

    return reshaped(made, above, add)


def _oid(dotted: str) -> bytes:
    from tests.pki.corpus.case import elements

    return elements(elements(extension(dotted, b""))[0][1])[0][2]


def below(*above: Made, of: Sequence[str] | None = (ONE,), **more: Any) -> tuple[Made, ...]:
    """Return the path of a leaf with these policies, the CAs above it (the lowest first) and the root."""
    extensions = [] if of is None else [policies(*of)]
    return leaf(above[0], more=[*extensions, *more.pop("more", [])]), *above, ROOT


def cases() -> Iterator[Case]:
    """Yield every case of this page."""
    yield from undemanding()
    yield from demanding()
    yield from mapped()
    yield from inhibited()


def said(fact: str, good: bool, path: tuple[Made, ...], **more: Any) -> Case:
    """Return the case; GnuTLS and cryptography process no policies."""
    why = "" if good else more.pop("why", "no certificate policy that goes through")
    return chain(fact, good, *path, why=why, unable=frozenset({"gnutls", "cryptography"}), **more)


def undemanding() -> Iterator[Case]:
    """Yield paths on which nobody demands a policy: then any will do, and none."""
    one = ca(ROOT, "one", policies(ONE))
    yield said("the same policy", True, below(one))
    yield said("another policy", True, below(one, of=[TWO]))
    yield said("no policy in the leaf", True, below(one, of=None))
    yield said("a critical policy", True, below(ca(ROOT, "one", policies(ONE, critical=True))))
    twice = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.32"), tlv(0x30, *[tlv(0x30, _oid(ONE))] * 2))
    made = leaf(one, more=[(twice, False)])
    yield said("a policy twice", False, (made, one, ROOT), why="twice")


def demanding() -> Iterator[Case]:
    """Yield CAs that demand a policy, at once or some certificates further down."""
    for critical in (True, False):
        now = ca(ROOT, "now", policies(ONE), limits(0, critical=critical))
        yield said(f"demanded and there, critical {critical}", True, below(now))
        yield said(f"demanded and another, critical {critical}", False, below(now, of=[TWO]))
        yield said(f"demanded and none, critical {critical}", False, below(now, of=None))
    now = ca(ROOT, "now", policies(ONE), limits(0))
    yield said("demanded and one of two", True, below(now, of=[TWO, ONE]))
    yield said("demanded and any", True, below(now, of=[ANY]))
    free = ca(ROOT, "free", policies(ANY), limits(0))
    yield said("any in the CA, one in the leaf", True, below(free))
    yield said("any in the CA, none in the leaf", False, below(free, of=None))
    bare = ca(ROOT, "bare", limits(0))
    yield said("demanded by a CA that has none", False, below(bare))
    for skip, good in ((0, False), (1, False), (2, False), (3, True), (5, True)):
        outer = ca(ROOT, "outer", policies(ONE), limits(skip))
        inner = ca(outer, "inner", policies(ONE))
        yield said(f"demanded {skip} certificates further down", good, below(inner, outer, of=None))
    wide = ca(ROOT, "wide", policies(ONE, TWO), limits(0))
    narrow = ca(wide, "narrow", policies(TWO, THREE))
    yield said("what both CAs have", True, below(narrow, wide, of=[TWO]))
    yield said("what one of the CAs has", False, below(narrow, wide, of=[ONE]))
    yield said("what only the lower CA has", False, below(narrow, wide, of=[THREE]))
    one = ca(ROOT, "one", policies(ONE))
    two = ca(one, "two", policies(TWO), limits(0))
    yield said("a lower CA demands what the upper one does not have", False, below(two, one, of=[TWO]))


def mapped() -> Iterator[Case]:
    """Yield policy mappings: what is ONE above is TWO below."""
    maps = ca(ROOT, "maps", policies(ONE), limits(0), maps=[(ONE, TWO)])
    yield said("mapped, and the other policy", True, below(maps, of=[TWO]))
    yield said("mapped, and the first policy", False, below(maps, of=[ONE]))
    both = ca(ROOT, "both", policies(ONE), limits(0), maps=[(ONE, TWO), (ONE, THREE)])
    yield said("mapped to two, the second", True, below(both, of=[THREE]))
    stray = ca(ROOT, "stray", policies(ONE), limits(0), maps=[(TWO, THREE)])
    yield said("a mapping of what is not there", True, below(stray, of=[ONE]))
    any_ = ca(ROOT, "any", policies(ANY), limits(0), maps=[(ONE, TWO)])
    yield said("mapped below any", True, below(any_, of=[TWO]))
    yield said("not mapped below any", True, below(any_, of=[THREE]))
    forbidden = ca(ROOT, "forbidden", policies(ONE), limits(0, mapping=0))
    lower = ca(forbidden, "lower", policies(ONE), maps=[(ONE, TWO)])
    yield said("mapping is inhibited", False, below(lower, forbidden, of=[TWO]))
    for pair in ((ANY, ONE), (ONE, ANY)):
        wrong = ca(ROOT, "wrong", policies(ONE), maps=[pair])
        yield said(f"anyPolicy {'from' if pair[0] == ANY else 'to'}", False, below(wrong), why="must not be mapped")


def inhibited() -> Iterator[Case]:
    """Yield CAs that do not let anyPolicy stand for others."""
    for skip, good in ((0, False), (1, True)):
        strict = ca(ROOT, "strict", policies(ONE), limits(0), no_any(skip))
        yield said(f"anyPolicy in the leaf, inhibited after {skip}", good, below(strict, of=[ANY]))
    strict = ca(ROOT, "strict", policies(ONE), limits(0), no_any(0))
    yield said("a policy by name, anyPolicy inhibited", True, below(strict, of=[ONE]))
    rolled = ca(strict, "strict", policies(ANY))
    yield said("anyPolicy in a self-issued CA counts all the same", True, below(rolled, strict, of=[ONE]))
