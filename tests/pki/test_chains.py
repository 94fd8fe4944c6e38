"""Path building: RFC 4158, hazards of hostile bundles (CVE-2024-0567, CVE-2024-28835)."""

from __future__ import annotations

from cryptography import x509

from easycert.pki.chains import IssuerPool, order_chain
from tests.pki.chainmaker import ca, certificates, ladder, loop, name, server


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


def test_a_loop_is_put_in_order_and_ends() -> None:
    first, second = loop()
    leaf = server(first)
    assert order_chain(leaf.certificate, certificates(first, second)) == (certificates(leaf, first, second), [])


def test_names_are_compared_without_regard_to_case_and_spaces() -> None:
    """RFC 5280 section 7.1."""
    root = ca("Acme   Root")
    leaf = server(root, issuer_name=name("ACME root"))
    assert IssuerPool([root.certificate]).issuers_of(leaf.certificate) == [root.certificate]


def test_a_key_identifier_that_differs_only_comes_last() -> None:
    """RFC 4158 section 3.5.12: it is a hint."""
    root = ca()
    other = (x509.AuthorityKeyIdentifier(b"x" * 20, None, None), False)
    leaf = server(root, key_ids=False, more=[other])
    assert IssuerPool([ca().certificate, root.certificate]).issuers_of(leaf.certificate) == [root.certificate]


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
