"""Keys: the eleven types are made, signed with, written and read back; every other key is refused (hazards B4, F2)."""

from __future__ import annotations

import functools

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, mldsa, rsa, x448, x25519

from easycert.errors import EasycertError, EncryptedKey, InvalidInput, Malformed, WeakKey
from easycert.pki import keys
from easycert.pki.keys import KeyType, PrivateKey, load_private_key, private_pem, public_der, require_strong

PKCS8 = serialization.PrivateFormat.PKCS8
PEM = serialization.Encoding.PEM

#: RFC 5758 section 3.2 (ECDSA), RFC 8017 (RSA); RFC 8410 and RFC 9881: Ed25519, Ed448 and ML-DSA hash by themselves.
HASHES: dict[KeyType, type[hashes.HashAlgorithm] | None] = {
    KeyType.RSA2048: hashes.SHA256,
    KeyType.RSA3072: hashes.SHA256,
    KeyType.RSA4096: hashes.SHA256,
    KeyType.EC256: hashes.SHA256,
    KeyType.EC384: hashes.SHA384,
    KeyType.EC521: hashes.SHA512,
    KeyType.ED25519: None,
    KeyType.ED448: None,
    KeyType.MLDSA44: None,
    KeyType.MLDSA65: None,
    KeyType.MLDSA87: None,
}


@functools.cache
def key_of(key_type: KeyType) -> PrivateKey:
    return keys.generate(key_type)


def encrypted(key: PrivateKey, passphrase: bytes) -> bytes:
    return key.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(passphrase))


def clear(key: object) -> bytes:
    pem: bytes = key.private_bytes(PEM, PKCS8, serialization.NoEncryption())  # type: ignore[attr-defined]
    return pem


@pytest.mark.parametrize("key_type", KeyType)
def test_a_key_is_of_the_type_asked_for_and_strong(key_type: KeyType) -> None:
    public_key = require_strong(key_of(key_type).public_key(), "key")
    named = keys.key_name(public_key)
    assert named.replace("public", "") == key_type.value


@pytest.mark.parametrize("key_type", KeyType)
def test_D12_the_hash_follows_the_key(key_type: KeyType) -> None:
    """Private and public key agree: RFC 5758 section 3.2, RFC 8410 section 3, RFC 9881 section 3."""
    wanted = HASHES[key_type]
    for key in (key_of(key_type), key_of(key_type).public_key()):
        found = keys.signature_hash(key)
        assert found is None if wanted is None else isinstance(found, wanted)


@pytest.mark.parametrize("key_type", KeyType)
def test_a_key_signs_what_its_public_key_verifies(key_type: KeyType) -> None:
    key = key_of(key_type)
    name = x509.Name([])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, keys.signature_hash(key))
    assert request.is_signature_valid
    assert public_der(request.public_key()) == public_der(key.public_key())  # type: ignore[arg-type]


@pytest.mark.parametrize("traditional", [False, True])
@pytest.mark.parametrize("key_type", KeyType)
def test_a_key_survives_being_written_and_read(key_type: KeyType, traditional: bool) -> None:
    key = key_of(key_type)
    again = load_private_key(private_pem(key, traditional=traditional), "x.key")
    assert public_der(again.public_key()) == public_der(key.public_key())


@pytest.mark.parametrize(
    ("key_type", "label"),
    [(KeyType.RSA2048, b"RSA PRIVATE KEY"), (KeyType.EC256, b"EC PRIVATE KEY"), (KeyType.ED25519, b"PRIVATE KEY")],
)
def test_the_traditional_form_is_written_where_there_is_one(key_type: KeyType, label: bytes) -> None:
    """RFC 8017 appendix A.1.2 (PKCS#1), RFC 5915 (SEC 1); the others know PKCS#8 only."""
    assert private_pem(key_of(key_type), traditional=True).startswith(b"-----BEGIN " + label)
    assert private_pem(key_of(key_type)).startswith(b"-----BEGIN PRIVATE KEY")


def test_an_mldsa_key_is_written_as_its_seed_alone() -> None:
    """RFC 9881 section 6: the seed is RECOMMENDED; what is not written cannot contradict it."""
    key = key_of(KeyType.MLDSA44)
    assert isinstance(key, mldsa.MLDSA44PrivateKey)
    assert len(key.private_bytes(serialization.Encoding.DER, PKCS8, serialization.NoEncryption())) < 64


def test_no_two_keys_are_alike() -> None:
    made = [*keys.generate_many(KeyType.EC256, 20), *keys.generate_many(KeyType.RSA2048, 2)]
    assert len({public_der(key.public_key()) for key in made}) == 22


@pytest.mark.parametrize("text", ["EC256", "Rsa4096", "ed25519"])
def test_a_key_type_is_named_in_any_case(text: str) -> None:
    assert KeyType.parse(text).value == text.lower()


@pytest.mark.parametrize("text", ["", "rsa1024", "p256", "ec-256", "dsa", "rsa2048\n", "\x1b[2J"])
def test_an_unknown_key_type_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        KeyType.parse(text)
    assert "rsa2048, rsa3072, rsa4096, ec256" in str(refusal.value)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    "curve",
    [ec.SECP192R1, ec.SECP224R1, ec.SECP256K1, ec.BrainpoolP256R1, ec.BrainpoolP384R1, ec.BrainpoolP512R1],
    ids=lambda curve: curve.name,
)
def test_B4_other_curves_are_refused(curve: type[ec.EllipticCurve]) -> None:
    """BR 6.1.5: P-256, P-384 and P-521 only."""
    with pytest.raises(WeakKey, match=curve.name):
        require_strong(ec.generate_private_key(curve()).public_key(), "request.csr")


@pytest.mark.parametrize("bits", [1024, 1536, 2040, 2047, 2049, 2052])
def test_B4_short_and_odd_RSA_keys_are_refused(bits: int) -> None:
    """BR 6.1.5: at least 2048 bits, a multiple of 8."""
    modulus = (1 << bits) - 1
    with pytest.raises(WeakKey, match=str(bits)):
        require_strong(rsa.RSAPublicNumbers(65537, modulus).public_key(), "request.csr")


def test_B4_an_RSA_key_that_nobody_can_check_in_reasonable_time_is_refused() -> None:
    """OpenSSL itself reads nothing above 16384 bits."""
    with pytest.raises((WeakKey, ValueError)):
        require_strong(rsa.RSAPublicNumbers(65537, (1 << 16392) - 1).public_key(), "request.csr")


@pytest.mark.parametrize("exponent", [3, 5, 17, 257, 65539, (1 << 33) + 1])
def test_B4_other_exponents_are_refused(exponent: int) -> None:
    """BR 6.1.6; e=3 made forged signatures possible more than once."""
    numbers = key_of(KeyType.RSA2048).public_key().public_numbers()  # type: ignore[union-attr]
    assert isinstance(numbers, rsa.RSAPublicNumbers)
    with pytest.raises(WeakKey, match=str(exponent)):
        require_strong(rsa.RSAPublicNumbers(exponent, numbers.n).public_key(), "request.csr")


def test_B4_a_generated_key_of_exponent_3_is_refused_when_loaded() -> None:
    with pytest.raises(WeakKey):
        load_private_key(clear(rsa.generate_private_key(3, 2048)), "x.key")


@pytest.mark.parametrize("make", [x25519.X25519PrivateKey.generate, x448.X448PrivateKey.generate])
def test_B4_keys_that_cannot_sign_are_refused(make: object) -> None:
    key = make()  # type: ignore[operator]
    with pytest.raises(WeakKey):
        require_strong(key.public_key(), "x.key")
    with pytest.raises(WeakKey):
        load_private_key(clear(key), "x.key")


def test_B4_DSA_is_refused() -> None:
    key = dsa.generate_private_key(2048)
    with pytest.raises(WeakKey, match="dsa"):
        require_strong(key.public_key(), "x.key")
    with pytest.raises(WeakKey):
        load_private_key(clear(key), "x.key")


def test_C2_an_encrypted_key_asks_for_its_passphrase() -> None:
    with pytest.raises(EncryptedKey) as refusal:
        load_private_key(encrypted(key_of(KeyType.EC256), b"secret"), "x.key")
    assert not refusal.value.wrong


@pytest.mark.parametrize("passphrase", [b"wrong", b"x" * 500])
def test_C2_a_wrong_passphrase_is_one_line_that_does_not_repeat_it(passphrase: bytes) -> None:
    with pytest.raises(EncryptedKey) as refusal:
        load_private_key(encrypted(key_of(KeyType.EC256), b"secret"), "x.key", passphrase=passphrase)
    assert refusal.value.wrong
    assert str(refusal.value) == "the passphrase for x.key is wrong"


def test_C2_the_right_passphrase_opens_the_key() -> None:
    key = key_of(KeyType.EC256)
    again = load_private_key(encrypted(key, b"secret"), "x.key", passphrase=b"secret")
    assert public_der(again.public_key()) == public_der(key.public_key())


def test_a_passphrase_for_a_key_in_the_clear_does_no_harm() -> None:
    assert load_private_key(private_pem(key_of(KeyType.EC256)), "x.key", passphrase=b"secret")


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"-----BEGIN PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\nAA==\n-----END RSA PRIVATE KEY-----",
        private_pem(keys.generate(KeyType.EC256))[:-60],
        keys.generate(KeyType.EC256).private_bytes(serialization.Encoding.DER, PKCS8, serialization.NoEncryption()),
    ],
    ids=["empty", "zeros", "header", "short", "dek", "half", "der"],
)
def test_what_is_no_key_is_refused_in_one_line_that_shows_none_of_it(data: bytes, ours: bool) -> None:
    with pytest.raises(EasycertError) as refusal:
        load_private_key(data, "x\x1b.key", ours=ours)
    assert str(refusal.value).isprintable()
    assert "AAAA" not in str(refusal.value)


def test_a_key_whose_primes_are_wrong_is_refused_unless_it_is_ours() -> None:
    """For our own keys the first signature is checked instead (certificates.require_signed_by)."""
    numbers = key_of(KeyType.RSA2048).private_numbers()  # type: ignore[union-attr]
    assert isinstance(numbers, rsa.RSAPrivateNumbers)
    wrong = rsa.RSAPrivateNumbers(
        numbers.p, numbers.q, numbers.d, numbers.dmp1 + 2, numbers.dmq1, numbers.iqmp, numbers.public_numbers
    )
    pem = private_pem(wrong.private_key(unsafe_skip_rsa_key_validation=True))
    with pytest.raises(Malformed):
        load_private_key(pem, "x.key")
    assert load_private_key(pem, "x.key", ours=True)


@pytest.mark.parametrize("key_type", [KeyType.EC256, KeyType.RSA2048])
def test_two_keys_are_the_same_when_their_public_bytes_are(key_type: KeyType) -> None:
    key = key_of(key_type)
    again = serialization.load_pem_private_key(clear(key), None)
    assert public_der(again.public_key()) == public_der(key.public_key())  # type: ignore[arg-type]
    assert public_der(keys.generate(KeyType.EC256).public_key()) != public_der(key.public_key())
