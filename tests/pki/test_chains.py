"""Path building: RFC 4158, hazards of hostile bundles (CVE-2024-0567, CVE-2024-28835)."""

from __future__ import annotations

from cryptography import x509

from easycert.pki.chains import MOST_CHAINS, IssuerPool, build_chains, order_chain
from tests.pki.chainmaker import Made, ca, corrupted, name, server, shared_key


def certificates(*made: Made) -> list[x509.Certificate]:
    return [each.certificate for each in made]


def ladder(height: int) -> list[Made]:
    """Return a root and *height* CAs, each signed by the one before it."""
    steps = [ca("root")]
    for number in range(height):
        steps.append(ca(f"ca {number}", steps[-1]))
    return steps


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


def test_a_deeper_path_than_allowed_is_not_found() -> None:
    root, *rest = ladder(3)
    leaf = server(rest[-1])
    assert not build_chains(leaf.certificate, certificates(*rest), [root.certificate], max_depth=2)


def test_a_hundred_deep_path_is_not_followed() -> None:
    root, *rest = ladder(100)
    assert not build_chains(server(rest[-1]).certificate, certificates(*rest), [root.certificate])


def test_a_loop_ends() -> None:
    """Two CAs that signed each other go round for ever."""
    keys = shared_key("ec256", 1), shared_key("ec256", 2)
    first = ca("first", key=keys[0], issuer=Made(ca().certificate, keys[1], name("second")))
    second = ca("second", key=keys[1], issuer=Made(ca().certificate, keys[0], name("first")))
    leaf = server(first)
    pile = certificates(first, second)
    assert build_chains(leaf.certificate, pile, [ca().certificate]) == []
    assert order_chain(leaf.certificate, pile) == (certificates(leaf, first, second), [])


def test_ten_thousand_copies_of_an_intermediate_are_one() -> None:
    root, lower = ladder(1)
    leaf = server(lower)
    pile = [lower.certificate] * 10_000
    assert build_chains(leaf.certificate, pile, [root.certificate]) == [certificates(leaf, lower, root)]


def test_a_mesh_of_cross_certificates_ends() -> None:
    """Every one of eight names signed every other: without bounds there are more than 100,000 paths."""
    keys = {f"ca {number}": shared_key("ec256", number) for number in range(8)}
    mesh = [
        ca(subject, Made(ca().certificate, keys[issuer], name(issuer)), key=keys[subject])
        for subject in keys
        for issuer in keys
    ]
    leaf = server(mesh[0])
    root = ca()
    last = ca("ca 7", root, key=keys["ca 7"])
    found = build_chains(leaf.certificate, certificates(*mesh, last), [root.certificate])
    assert found[0] == certificates(leaf, mesh[7], last, root)
    assert len(found) == MOST_CHAINS


def test_look_alikes_cost_a_bounded_number_of_signature_checks() -> None:
    """Thousands of certificates of one name, none of which made the signature."""
    root = ca("root", key_ids=False)
    leaf = server(root, key_ids=False)
    pool = IssuerPool(ca("root", key_ids=False).certificate for _ in range(1000))
    assert pool.issuers_of(leaf.certificate) == []
    assert pool.why_no_issuer(leaf.certificate) == "has no issuer that was found within 512 signature checks"


def test_why_nobody_issued_it_names_the_missing_issuer() -> None:
    leaf = server(ca("root")).certificate
    assert IssuerPool([]).why_no_issuer(leaf) == "has the issuer 'CN=root', of which no certificate was given"


def test_why_nobody_issued_it_tells_a_wrong_key() -> None:
    leaf = server(ca("root")).certificate
    pool = IssuerPool([ca("root").certificate])
    assert pool.why_no_issuer(leaf) == "has a signature that the key of its issuer 'CN=root' does not verify"


def test_a_chain_is_put_in_order_and_the_rest_is_named() -> None:
    root, lower, lowest = ladder(2)
    leaf, stranger = server(lowest), server(ca("other"))
    ordered = order_chain(leaf.certificate, certificates(root, stranger, lowest, leaf, lower, lower))
    assert ordered == (certificates(leaf, lowest, lower, root), [stranger.certificate])


def test_an_ordered_chain_may_end_before_the_root() -> None:
    lowest = ladder(2)[-1]
    leaf = server(lowest)
    assert order_chain(leaf.certificate, certificates(lowest)) == (certificates(leaf, lowest), [])


def test_a_hundred_deep_chain_is_put_in_order() -> None:
    steps = ladder(100)
    leaf = server(steps[-1])
    chain, extras = order_chain(leaf.certificate, certificates(*steps))
    assert (chain, extras) == (certificates(leaf, *reversed(steps)), [])
