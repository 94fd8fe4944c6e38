"""Who signed whom."""

from __future__ import annotations

from typing import Any

from easycert.workflows.tree import Branch, tree
from tests.pki.chainmaker import ca, server, shared_key
from tests.workflows.certdirs import FULL, ISSUING, ROOT, WWW, directory, user


def shape(branch: Branch) -> Any:
    return {branch.item.name: [shape(child) for child in branch.below]} if branch.below else branch.item.name


def test_the_tree_hangs_each_certificate_below_its_ca() -> None:
    assert [shape(root) for root in tree(FULL).roots] == [{"root": [{"issuing": ["www.example.com"]}, "alice"]}]


def test_a_self_signed_host_stands_apart() -> None:
    found = tree(directory(hosts__lone_crt=server(None), cas__root_crt=ROOT))
    assert ([shape(item) for item in found.self_signed], [shape(item) for item in found.roots]) == (["lone"], ["root"])


def test_what_an_absent_ca_signed_stands_apart_with_what_hangs_below_it() -> None:
    found = tree(directory(cas__issuing_crt=ISSUING, hosts__www_crt=WWW))
    assert [shape(item) for item in found.unknown_issuer] == [{"issuing": ["www"]}]


def test_a_ca_of_the_same_name_with_another_key_is_not_the_issuer() -> None:
    found = tree(directory(cas__root_crt=ca("root"), users__alice_crt=user()))
    assert [shape(item) for item in found.unknown_issuer] == ["alice"]


def test_two_cas_of_one_name_are_told_apart_by_their_keys() -> None:
    other = ca("root")
    found = tree(directory(cas__one_crt=ROOT, cas__two_crt=other, users__bob_crt=user("bob", other)))
    assert [shape(item) for item in found.roots] == ["one", {"two": ["bob"]}]


def test_a_host_certificate_is_nobodys_issuer() -> None:
    found = tree(directory(cas__fake_crt=WWW, users__alice_crt=user("alice", WWW)))
    assert [shape(item) for item in found.unknown_issuer] == ["fake", "alice"]


def test_cas_that_signed_each_other_end_somewhere() -> None:
    key_a, key_b = shared_key("ec256", 1), shared_key("ec256", 2)
    a, b = ca("a", key=key_a), ca("b", key=key_b)
    crossed = directory(cas__a_crt=ca("a", b, key=key_a), cas__b_crt=ca("b", a, key=key_b))
    assert [shape(item) for item in tree(crossed).unknown_issuer] == [{"a": ["b"]}]


def test_many_leaves_all_find_their_ca() -> None:
    hosts = {f"hosts__h{number}_crt": server(ROOT, key=shared_key("ec256")) for number in range(600)}
    (root,) = tree(directory(cas__root_crt=ROOT, **hosts)).roots
    assert len(root.below) == 600


def test_a_broken_file_does_not_fell_the_tree() -> None:
    found = tree(directory(cas__root_crt=ROOT, cas__bad_crt=b"junk"))
    assert ([shape(item) for item in found.roots], len(found.problems)) == (["root"], 1)
