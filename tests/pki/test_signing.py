"""Signing bytes: the algorithm that is named is the one that is used, and the one that cryptography names."""

from __future__ import annotations

import functools

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from easycert.pki import der, keys, signing
from easycert.pki.keys import KeyType, PrivateKey, signature_hash

FAST = [item for item in KeyType if item not in (KeyType.RSA3072, KeyType.RSA4096)]


@functools.cache
def key(key_type: KeyType) -> PrivateKey:
    return keys.generate(key_type)


@pytest.mark.parametrize("key_type", FAST)
def test_the_algorithm_is_named_as_cryptography_names_it(key_type: KeyType) -> None:
    """RFC 4055, RFC 5758, RFC 8410, RFC 9881: parameters are NULL for RSA and absent everywhere else."""
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    whole = made.sign(key(key_type), signature_hash(key(key_type))).public_bytes(serialization.Encoding.DER)
    reader = der.Reader.whole(whole)
    reader.next(der.SEQUENCE)
    assert reader.raw(der.SEQUENCE) == signing.signature_algorithm(key(key_type))


@pytest.mark.parametrize("key_type", FAST)
def test_a_signature_verifies_and_not_over_other_bytes(key_type: KeyType) -> None:
    made = signing.signature(key(key_type), b"data")
    signing.require_signature(key(key_type).public_key(), made, b"data")
    with pytest.raises(InvalidSignature):
        signing.require_signature(key(key_type).public_key(), made, b"other")


def test_what_is_signed_is_a_sequence_of_body_algorithm_and_signature() -> None:
    private, body = key(KeyType.EC256), der.tlv(der.SEQUENCE)
    reader = der.Reader.whole(signing.signed(private, body, der.integer(1)))
    assert reader.raw(der.SEQUENCE) == body
    assert reader.raw(der.SEQUENCE) == signing.signature_algorithm(private)
    bits = reader.contents(der.BIT_STRING)
    signing.require_signature(private.public_key(), bits[1:], body)
    assert (bits[0], reader.number()) == (0, 1)
    reader.finish()
