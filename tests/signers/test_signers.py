"""Private keys by kind and name: one contract, in files and in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from easycert.certdir import CertDir
from easycert.errors import EasycertError, EncryptedKey, Malformed, WeakKey
from easycert.model import Kind
from easycert.pki import keys
from easycert.pki.keys import KeyType, PrivateKey, private_pem, public_der
from easycert.pki.names import SafeName
from easycert.signers.memory import MemoryKeys
from easycert.signers.protocol import Signers
from tests.workflows.examples import directory, files, key_pem, new_key

ONE, OTHER = SafeName("one"), SafeName("other")
Holding = Callable[[PrivateKey], Signers]


def in_files(key: PrivateKey) -> Signers:
    certdir = directory()
    files(certdir)["cas/one.key"] = private_pem(key)
    return certdir.signers


def in_memory(key: PrivateKey) -> Signers:
    signers = MemoryKeys()
    signers.keys[(Kind.CA, "one")] = key
    return signers


EACH = pytest.mark.parametrize("holding", [in_files, in_memory])


@EACH
@pytest.mark.parametrize("key_type", [item for item in KeyType if not item.value.startswith("rsa")])
def test_a_key_is_handed_out_by_kind_and_name(holding: Holding, key_type: KeyType) -> None:
    key = keys.generate(key_type)
    found = holding(key).key(Kind.CA, ONE)
    assert found is not None
    assert public_der(found.public_key()) == public_der(key.public_key())


@EACH
def test_an_rsa_key_is_handed_out(holding: Holding) -> None:
    key = keys.generate(KeyType.RSA2048)
    found = holding(key).key(Kind.CA, ONE)
    assert found is not None
    assert public_der(found.public_key()) == public_der(key.public_key())


@EACH
@pytest.mark.parametrize(("kind", "name"), [(Kind.CA, OTHER), (Kind.HOST, ONE), (Kind.USER, ONE), (Kind.CODE, ONE)])
def test_where_there_is_no_key_there_is_none(holding: Holding, kind: Kind, name: SafeName) -> None:
    assert holding(new_key()).key(kind, name) is None


@pytest.mark.parametrize("traditional", [True, False])
@pytest.mark.parametrize("key_type", [KeyType.RSA2048, KeyType.EC256])
def test_both_forms_of_a_key_file_are_read(key_type: KeyType, traditional: bool) -> None:
    certdir, key = directory(), keys.generate(key_type)
    files(certdir)["users/one.key"] = private_pem(key, traditional=traditional)
    assert certdir.signers.key(Kind.USER, ONE) is not None


def broken(certdir: CertDir, data: bytes) -> EasycertError:
    files(certdir)["cas/one.key"] = data
    with pytest.raises(EasycertError) as caught:
        certdir.signers.key(Kind.CA, ONE)
    assert "/certs/cas/one.key" in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_broken_key_file_is_named(data: bytes) -> None:
    assert isinstance(broken(directory(), data), Malformed)


def test_half_a_key_file_is_named_and_not_shown() -> None:
    data = key_pem(new_key())
    error = broken(directory(), data[: len(data) // 2])
    assert data.split(b"\n")[1][:20].decode() not in str(error)


def test_an_encrypted_key_is_named() -> None:
    error = broken(directory(), key_pem(new_key(), BestAvailableEncryption(b"secret")))
    assert isinstance(error, EncryptedKey)


@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(65537, 1024),
        lambda: rsa.generate_private_key(3, 2048),
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: dsa.generate_private_key(1024),
        x25519.X25519PrivateKey.generate,
    ],
    ids=["rsa1024", "rsa-e3", "secp256k1", "dsa", "x25519"],
)
def test_a_key_that_is_weak_or_cannot_sign_is_refused(make: Callable[[], object]) -> None:
    assert isinstance(broken(directory(), key_pem(make())), WeakKey)
