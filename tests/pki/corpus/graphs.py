"""More than one way up: cross-certificates, loops, bridges, and what is found among strangers (RFC 4158)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from tests.pki.chainmaker import DAY, Made, name, shared_key
from tests.pki.corpus.case import AT, BEGIN, Case, authority, leaf

OLD = {"not_before": BEGIN, "not_after": AT - DAY}


def case(fact: str, good: bool, made: Made, anchors: list[Made], pile: list[Made], **more: Any) -> Case:
    """Return the case of a leaf with several anchors and a pile."""
    return Case(
        fact,
        good,
        made.certificate,
        tuple(one.certificate for one in anchors),
        tuple(one.certificate for one in pile),
        **more,
    )


def crossed() -> Iterator[Case]:
    """Yield two roots, the new one signed by the old one, too."""
    old, new = authority("old"), authority("new")
    cross = authority("new", old, key=new.key)
    made = leaf(new)
    yield case("both roots are trusted", True, made, [old, new], [cross])
    yield case("only the old root is trusted", True, made, [old], [cross])
    first = {"openssl": "takes one issuer and stays with it"}
    yield case("only the old root is trusted, the new one lies about", True, made, [old], [new, cross], differs=first)
    yield case("only the new root is trusted", True, made, [new], [cross, old])
    yield case("neither is trusted", False, made, [authority("other")], [cross, old, new])
    gone = authority("new", old, key=new.key, **OLD)
    yield case("the cross-certificate has expired", True, made, [old, new], [gone])
    yield case(
        "the cross-certificate has expired, and the new root is not trusted", False, made, [old], [gone], why="expired"
    )
    ended = authority("old", **OLD)
    from_ended = authority("new", ended, key=new.key)
    yield case("the old root has expired", True, made, [ended, new], [from_ended])
    aged = authority("new", key=new.key, **OLD)
    yield case(
        "the new root has expired, the cross-certificate has not", True, made, [aged, old], [cross], differs=first
    )
    yield case("a renewed root with its old key", True, made, [authority("new", key=new.key)], [])
    yield case("an intermediate as the anchor", True, made, [cross], [old])
    yield case("the root among the untrusted, an intermediate as the anchor", True, made, [cross], [old, new])


def alternatives() -> Iterator[Case]:
    """Yield two certificates of one CA, of which one is no good: the other one must be found."""
    root = authority()
    key = shared_key("ec256", 40)
    sound = authority("middle", root, key=key)
    faults: dict[str, dict[str, Any]] = {
        "expired": OLD,
        "no CA": {"ca": False},
        "without keyCertSign": {"key_usage": None, "more": [(_usage(), True)]},
        "for clients only": {"extended": [Usage.CLIENT_AUTH]},
        "for other names": {"constraints": x509.NameConstraints([x509.DNSName("other.test")], None)},
        "with an unknown critical extension": {"more": [(x509.UnrecognizedExtension(_OID, b"\5\0"), True)]},
    }
    made = leaf(sound)
    picks = {"gnutls": "takes the first of them", "openssl": "likewise"}
    for fact, changes in faults.items():
        bad = authority("middle", root, key=key, **changes)
        fooled = {"gnutls": picks["gnutls"]} if fact == "expired" else picks
        for order, pile in (("first", [bad, sound]), ("last", [sound, bad])):
            differs = {} if order == "last" else fooled
            yield case(f"a CA {fact} comes {order}", True, made, [root], pile, differs=differs)
        yield case(f"only a CA {fact}", False, made, [root], [bad])
    a, b = authority("root a"), authority("root b")
    bars = x509.NameConstraints(None, [x509.DNSName("forbidden.test")])
    barred = authority("outer", a, constraints=bars)
    first = authority("inner", barred, key=key, names=["forbidden.test"])
    second = authority("inner", b, key=key)
    yield case(
        "a way through other constraints",
        True,
        leaf(second),
        [a, b],
        [barred, first, second],
        differs={"openssl": picks["openssl"]},
    )
    yield case("the same in another order", True, leaf(second), [a, b], [second, first, barred])
    short = authority("root c", path_length=0)
    deep = authority("middle", short, key=key)
    below = authority("below", deep)
    other = authority("middle", root, key=key)
    yield case("a way past a path length", True, leaf(below), [short, root], [below, deep, other], differs=picks)


_OID = x509.ObjectIdentifier("1.2.3.4")


def _usage() -> x509.KeyUsage:
    from tests.pki.chainmaker import usage

    return usage("crl_sign")


def woven() -> Iterator[Case]:
    """Yield three CAs that signed each other (CVE-2024-0567), and loops that lead nowhere."""
    keys = {letter: shared_key("ec256", 50 + number) for number, letter in enumerate("ABC")}
    names = {letter: f"Root {letter}" for letter in keys}
    issuers = {letter: Made(authority().certificate, keys[letter], name(names[letter])) for letter in keys}
    pairs = [
        authority(names[subject], issuers[issuer], key=keys[subject])
        for subject in keys
        for issuer in keys
        if subject != issuer
    ]
    root = authority("Root A", key=keys["A"])
    middle = authority("A1", issuers["A"])
    made = leaf(middle)
    yield case("roots that signed each other", True, made, [root], [middle, *pairs])
    yield case("roots that signed each other, none trusted", False, made, [authority()], [middle, *pairs])
    first = authority("first", Made(authority().certificate, keys["B"], name("second")), key=keys["A"])
    second = authority("second", Made(authority().certificate, keys["A"], name("first")), key=keys["B"])
    yield case("a loop", False, leaf(first), [authority()], [first, second])
    one = authority("same", Made(authority().certificate, keys["B"], name("same")), key=keys["A"])
    two = authority("same", Made(authority().certificate, keys["A"], name("same")), key=keys["B"])
    yield case("a loop of one name", False, leaf(one), [authority()], [one, two])


def bridges() -> Iterator[Case]:
    """Yield hubs and spokes: every spoke and the hub signed each other."""
    hub = authority("hub")
    spokes = [authority(f"spoke {number}") for number in range(6)]
    ways = [authority(f"spoke {number}", hub, key=spoke.key) for number, spoke in enumerate(spokes)]
    back = [authority("hub", spoke, key=hub.key) for spoke in spokes]
    made = leaf(spokes[0])
    stays = {"openssl": "takes one issuer and stays with it", "gnutls": "likewise"}
    yield case("from spoke to spoke", True, made, [spokes[5]], [*ways, *back], differs=stays)
    yield case("from spoke to a stranger", False, made, [authority("stranger")], [*ways, *back])
    limits = x509.NameConstraints([x509.DNSName("other.test")], None)
    narrow = [authority("hub", spoke, key=hub.key, constraints=limits) for spoke in spokes]
    yield case("across a bridge for other names", False, made, [spokes[5]], [*ways, *narrow], why="name constraints")
    single = authority("hub", spokes[5], key=hub.key, path_length=0)
    yield case("across a bridge that is too short", False, made, [spokes[5]], [*ways, single], why="pathLenConstraint")


def strangers() -> Iterator[Case]:
    """Yield what lies about in files: roots that nobody trusts, copies, and piles in any order."""
    root = authority()
    one, two = authority("one", root), authority("two", authority("x", root))
    yield case(
        "the untrusted root of another name",
        False,
        leaf(one),
        [authority("other")],
        [root, one],
        why="not a trust anchor",
    )
    chain_ = [authority("a", root)]
    for letter in "bcd":
        chain_.append(authority(letter, chain_[-1]))
    made = leaf(chain_[-1])
    yield case("a pile in order", True, made, [root], chain_[::-1])
    yield case("a pile upside down", True, made, [root], chain_)
    yield case("a pile with strangers", True, made, [root], [two, authority("y"), *chain_, leaf(two)])
    yield case("a pile with copies", True, made, [root], chain_ * 3)
    yield case(
        "a pile with a gap", False, made, [root], [chain_[0], chain_[2], chain_[3]], why="no certificate was given"
    )
    namesakes = [authority("root") for _ in range(5)]
    yield case("anchors of one name", True, leaf(root), [*namesakes, root], [])
    bare = authority(key_ids=False)
    alike = [authority(key_ids=False) for _ in range(5)]
    wants = {"openssl": "wants key identifiers when it is strict"}
    yield case("anchors of one name without key identifiers", True, leaf(bare), [*alike, bare], [], differs=wants)
    yield case("a leaf among the untrusted", False, leaf(leaf(root), key_ids=False), [root], [leaf(root)])
    yield case("the leaf is the anchor's twin", False, leaf(None), [leaf(None)], [])


def cases() -> Iterator[Case]:
    """Yield every case of this page."""
    yield from crossed()
    yield from alternatives()
    yield from woven()
    yield from bridges()
    yield from strangers()
