"""Whatever bytes a certificate or CRL is made of, verification ends with a verdict, never with a traceback."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import VerificationFailed
from easycert.pki.chains import order_chain
from easycert.pki.verify import Policy, Purpose, verify
from tests.pki.chainmaker import NOW, Made, ca, crl, server, shared_key

_Signed = TypeVar("_Signed", x509.Certificate, x509.CertificateRevocationList)

CONSTRAINTS = x509.NameConstraints([x509.DNSName("example.com")], [x509.RFC822Name("evil.test")])
ROOT = ca(key=shared_key("ed25519"))
LOWER = ca("lower", ROOT, key=shared_key("ed25519", 1), constraints=CONSTRAINTS)
LEAF = server(LOWER, "www.example.com", "bob@example.com", "10.0.0.1")
CRL = crl(LOWER, ROOT.certificate)

# cryptography warns of serial numbers that are not positive, which it will refuse one day
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")

CHANGES = st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 255)), min_size=1, max_size=4)


def changed(
    signed: _Signed, body: bytes, signer: Made, load: Callable[[bytes], _Signed], changes: list[tuple[int, int]]
) -> _Signed | None:
    """Return the object with its signed part changed, signed again by the Ed25519 *signer*; None if unloadable."""
    spoiled = bytearray(body)
    for position, difference in changes:
        spoiled[position % len(body)] ^= difference
    der = signed.public_bytes(serialization.Encoding.DER).replace(body, bytes(spoiled))
    with contextlib.suppress(ValueError, TypeError, x509.InvalidVersion):
        return load(der[:-64] + signer.key.sign(bytes(spoiled)))
    return None


def changed_certificate(made: Made, signer: Made, changes: list[tuple[int, int]]) -> x509.Certificate | None:
    certificate = made.certificate
    return changed(certificate, certificate.tbs_certificate_bytes, signer, x509.load_der_x509_certificate, changes)


def reach_a_verdict(
    leaf: x509.Certificate = LEAF.certificate,
    lower: x509.Certificate = LOWER.certificate,
    root: x509.Certificate = ROOT.certificate,
    crl: x509.CertificateRevocationList = CRL,
) -> None:
    policy = Policy(
        (root,), NOW, (lower,), Purpose.SERVER, hostname="www.example.com", email="bob@example.com", crls=(crl,)
    )
    order_chain(leaf, [root, lower])
    with contextlib.suppress(VerificationFailed):
        verify(leaf, policy)


def test_the_unchanged_chain_is_good() -> None:
    policy = Policy((ROOT.certificate,), NOW, (LOWER.certificate,), Purpose.SERVER, crls=(CRL,))
    assert verify(LEAF.certificate, policy)


@given(changes=CHANGES)
def test_any_leaf_gets_a_verdict(changes: list[tuple[int, int]]) -> None:
    leaf = changed_certificate(LEAF, LOWER, changes)
    if leaf is not None:
        reach_a_verdict(leaf=leaf)


@given(changes=CHANGES)
def test_any_intermediate_gets_a_verdict(changes: list[tuple[int, int]]) -> None:
    lower = changed_certificate(LOWER, ROOT, changes)
    if lower is not None:
        reach_a_verdict(lower=lower)


@given(changes=CHANGES)
def test_any_anchor_gets_a_verdict(changes: list[tuple[int, int]]) -> None:
    root = changed_certificate(ROOT, ROOT, changes)
    if root is not None:
        reach_a_verdict(root=root)


@given(changes=CHANGES)
def test_any_crl_gets_a_verdict(changes: list[tuple[int, int]]) -> None:
    found = changed(CRL, CRL.tbs_certlist_bytes, LOWER, x509.load_der_x509_crl, changes)
    if found is not None:
        reach_a_verdict(crl=found)


def test_a_serial_number_that_is_not_positive_is_a_reason() -> None:
    body = LEAF.certificate.tbs_certificate_bytes
    serial = LEAF.certificate.serial_number.to_bytes(2, "big")
    position = body.index(b"\x02\x02" + serial) + 2
    leaf = changed_certificate(LEAF, LOWER, [(position, 0x80)])
    assert leaf is not None
    with pytest.raises(VerificationFailed) as failed:
        verify(leaf, Policy((ROOT.certificate,), NOW, (LOWER.certificate,), crls=(CRL,)))
    assert tuple(map(str, failed.value.reasons)) == (
        "has a serial number that is not positive [RFC 5280 4.1.2.2]",
        "cannot be looked up in the CRL of its issuer [RFC 5280 6.3.3 (i)]",
    )
