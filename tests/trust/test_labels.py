"""What entries are called: safe anywhere, and known again by what they hold."""

from __future__ import annotations

import re
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from easycert.trust.labels import has_our_form, is_ours, label_of


@given(st.text(), st.binary())
def test_any_name_makes_a_label_that_is_safe_everywhere_and_ours(name: str, der: bytes) -> None:
    label = label_of(name, sha256(der).hexdigest())
    assert re.fullmatch(r"easycert-[a-z0-9._-]{1,40}-[0-9a-f]{16}", label)
    assert is_ours(label, der)


@given(st.binary(), st.binary())
def test_a_label_over_another_certificate_is_not_ours(der: bytes, other: bytes) -> None:
    label = label_of("root", sha256(der).hexdigest())
    assert is_ours(label, other) == (der == other)


@given(st.text())
def test_what_others_write_is_not_ours(label: str) -> None:
    assert not is_ours(label, b"")


def test_what_debians_hook_made_of_our_file_is_ours() -> None:
    label = f"debian:{label_of('Acme Root', sha256(b'it').hexdigest())}.pem"
    assert label.startswith("debian:easycert-acme-root-")
    assert is_ours(label, b"it")


def test_a_name_alone_is_no_proof() -> None:
    assert not has_our_form("easycert-root")
    assert not is_ours("easycert-root-0123456789abcdef", b"it")
