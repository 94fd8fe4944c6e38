"""The search for paths: RFC 4158, hazards of hostile bundles (CVE-2024-0567, CVE-2024-28835)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import pytest
from cryptography import x509

from easycert.errors import Reason, VerificationFailed
from easycert.pki.chains import IssuerPool
from easycert.pki.members import Member, Path
from easycert.pki.paths import MAX_DEPTH, Ascent, JudgeMember
from easycert.pki.rules import Judge
from easycert.pki.verify import Policy, Purpose, verify
from tests.pki.chainmaker import DAY, NOW, ca, certificates, corrupted, ladder, loop, mesh, server, shared_key


def lenient(_member: Member, _below: Path) -> tuple[Reason, ...]:
    return ()


def ascent(
    pile: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    *,
    judge: JudgeMember = lenient,
    max_depth: int = MAX_DEPTH,
) -> Ascent:
    return Ascent(IssuerPool([*anchors, *pile]), frozenset(anchors), judge, max_depth)


def build_chains(
    leaf: x509.Certificate,
    pile: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    *,
    max_depth: int = MAX_DEPTH,
) -> list[list[x509.Certificate]]:
    found = ascent(pile, anchors, max_depth=max_depth).candidates(leaf)
    return [[member.certificate for member in candidate.path] for candidate in found]


def test_a_leaf_under_an_anchor_is_a_path_of_two() -> None:
    root = ca()
    leaf = server(root)
    assert build_chains(leaf.certificate, [], [root.certificate]) == [certificates(leaf, root)]


def test_intermediates_are_found_in_any_order() -> None:
    root, lower, lowest = ladder(2)
    leaf = server(lowest)
    pile = certificates(root, lower, server(root), lowest)
    assert build_chains(leaf.certificate, pile, [root.certificate]) == [certificates(leaf, lowest, lower, root)]


def test_nothing_leads_to_a_stranger() -> None:
    leaf = server(ca("root"))
    assert build_chains(leaf.certificate, [], [ca("other").certificate]) == []


def test_the_name_alone_is_no_proof() -> None:
    leaf = server(ca("root", key_ids=False), key_ids=False)
    assert build_chains(leaf.certificate, [], [ca("root", key_ids=False).certificate]) == []


def test_a_broken_signature_leads_nowhere() -> None:
    root = ca()
    assert build_chains(corrupted(server(root).certificate), [], [root.certificate]) == []


def test_an_anchor_need_not_be_self_signed() -> None:
    lower = ladder(1)[-1]
    leaf = server(lower)
    assert build_chains(leaf.certificate, [], [lower.certificate]) == [certificates(leaf, lower)]


def test_a_leaf_that_is_an_anchor_is_a_path_of_one() -> None:
    leaf = server(None)
    assert build_chains(leaf.certificate, [], [leaf.certificate]) == [[leaf.certificate]]


def test_a_self_signed_leaf_that_is_no_anchor_has_no_path() -> None:
    leaf = server(None)
    assert build_chains(leaf.certificate, [leaf.certificate], [ca().certificate]) == []


def test_the_shortest_path_comes_first() -> None:
    old, new = ca("old"), ca("new")
    cross = ca("new", old, key=new.key)
    leaf = server(new)
    assert build_chains(leaf.certificate, [cross.certificate], certificates(old, new)) == [
        certificates(leaf, new),
        certificates(leaf, cross, old),
    ]


def test_without_the_new_anchor_the_cross_certificate_leads_to_the_old_one() -> None:
    old, new = ca("old"), ca("new")
    cross = ca("new", old, key=new.key)
    leaf = server(new)
    pile = certificates(new, cross)
    assert build_chains(leaf.certificate, pile, [old.certificate]) == [certificates(leaf, cross, old)]


def test_the_key_identifier_tells_authorities_of_one_name_apart() -> None:
    old, new = ca("root"), ca("root")
    leaf = server(new)
    assert build_chains(leaf.certificate, [], certificates(old, new)) == [certificates(leaf, new)]


def test_the_signature_tells_authorities_of_one_name_apart_without_key_identifiers() -> None:
    old, new = ca("root", key_ids=False), ca("root", key_ids=False)
    leaf = server(new, key_ids=False)
    assert build_chains(leaf.certificate, [], certificates(old, new)) == [certificates(leaf, new)]


def test_the_depth_counts_what_stands_between_leaf_and_anchor() -> None:
    root, *rest = ladder(3)
    leaf = server(rest[-1])
    assert build_chains(leaf.certificate, certificates(*rest), [root.certificate], max_depth=3)


def test_a_deeper_path_than_allowed_breaks_a_rule() -> None:
    root, *rest = ladder(3)
    judge = Judge(NOW, Purpose.ANY, 2)
    search = ascent(certificates(*rest), [root.certificate], judge=judge, max_depth=2)
    [candidate] = search.candidates(server(rest[-1]).certificate)
    assert list(map(str, candidate.broken)) == ["is more than 2 CAs away from a trust anchor [RFC 5280 6.1]"]


def test_a_hundred_deep_path_is_not_followed() -> None:
    root, *rest = ladder(100)
    assert not build_chains(server(rest[-1]).certificate, certificates(*rest), [root.certificate])


def test_a_loop_ends() -> None:
    first, second = loop()
    pile = certificates(first, second)
    assert build_chains(server(first).certificate, pile, [ca().certificate]) == []


def test_ten_thousand_copies_of_an_intermediate_are_one() -> None:
    root, lower = ladder(1)
    leaf = server(lower)
    pile = [lower.certificate] * 10_000
    assert build_chains(leaf.certificate, pile, [root.certificate]) == [certificates(leaf, lower, root)]


def test_a_mesh_of_cross_certificates_ends() -> None:
    """Every one of eight names signed every other: without bounds there are more than 100,000 paths."""
    woven, root = mesh(8), ca()
    leaf = server(woven[0])
    last = ca("ca 7", root, key=shared_key("ec256", 7))
    pile = certificates(*woven, last)
    found = list(islice(ascent(pile, [root.certificate]).candidates(leaf.certificate), 64))
    assert [member.certificate for member in found[0].path] == certificates(leaf, woven[7], last, root)
    assert 8 < len(found) <= 64


def test_a_mesh_where_every_way_is_barred_ends() -> None:
    """No path is good, whichever of thousands: the search gives up."""
    woven, root = mesh(8), ca(path_length=0)
    leaf = server(woven[0])
    pile = certificates(*woven, ca("ca 7", root, key=shared_key("ec256", 7)))
    with pytest.raises(VerificationFailed) as failed:
        verify(leaf.certificate, Policy((root.certificate,), NOW, tuple(pile)))
    [reason] = failed.value.reasons
    assert str(reason) == "has no path to a trust anchor among the first 4096 that were looked at [RFC 5280 6.1]"


def test_a_path_that_keeps_the_rules_comes_before_a_shorter_one_that_does_not() -> None:
    old, new = ca("old"), ca("new", not_after=NOW - DAY)
    cross = ca("new", old, key=new.key)
    leaf = server(new)
    judge = Judge(NOW, Purpose.ANY, MAX_DEPTH)
    search = ascent(certificates(cross), certificates(old, new), judge=judge)
    assert [len(candidate.path) for candidate in search.candidates(leaf.certificate)] == [3, 2]


def test_what_is_trusted_ends_a_path() -> None:
    root, lower, _ = ladder(2)
    leaf = server(lower)
    trusted = certificates(root, lower)
    assert build_chains(leaf.certificate, [], trusted) == [certificates(leaf, lower)]


def test_self_issued_authorities_do_not_count() -> None:
    """They roll a key over: RFC 5280 section 4.2.1.9."""
    root = ca()
    rolled = ca("root", root)
    twice = ca("root", rolled)
    leaf = server(twice)
    pile = certificates(rolled, twice)
    assert verify(leaf.certificate, Policy((root.certificate,), NOW, tuple(pile), max_depth=0))
