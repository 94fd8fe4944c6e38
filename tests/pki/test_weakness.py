"""Weak RSA moduli, built here as the faulty generators built them (hazard B5)."""

from __future__ import annotations

import random
from math import gcd, isqrt, prod

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import WeakKey
from easycert.pki import weakness
from easycert.pki.keys import require_strong
from easycert.pki.weakness import known_weakness, shares_a_prime

#: The first 126 primes make the M of 2048-bit ROCA keys (Nemec et al., "The Return of Coppersmith's Attack", table 1).
SMALL_PRIMES = [number for number in range(2, 702) if all(number % i for i in range(2, isqrt(number) + 1))]
PRIMORIAL = prod(SMALL_PRIMES[:126])


def is_prime(number: int, rng: random.Random) -> bool:
    """Miller and Rabin's test."""
    if any(number % small == 0 for small in SMALL_PRIMES):
        return number in SMALL_PRIMES
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(10):
        power = pow(rng.randrange(2, number - 1), odd, number)
        if power in (1, number - 1):
            continue
        if not any((power := pow(power, 2, number)) == number - 1 for _ in range(twos - 1)):
            return False
    return True


def next_prime(number: int, rng: random.Random) -> int:
    number |= 1
    while not is_prime(number, rng):
        number += 2
    return number


def roca_prime(bits: int, rng: random.Random) -> int:
    """Return a prime of the faulty form k*M + (65537^a mod M)."""
    while True:
        base = pow(65537, rng.randrange(1, 1 << 60), PRIMORIAL)
        k = rng.randrange((3 << bits - 2) // PRIMORIAL, (1 << bits) // PRIMORIAL)
        if is_prime(k * PRIMORIAL + base, rng):
            return k * PRIMORIAL + base


@pytest.fixture(scope="module")
def rng() -> random.Random:
    return random.Random(20171015)


@pytest.fixture(scope="module")
def roca_modulus(rng: random.Random) -> int:
    return roca_prime(1024, rng) * roca_prime(1024, rng)


@pytest.fixture(scope="module")
def sound() -> rsa.RSAPrivateNumbers:
    return rsa.generate_private_key(65537, 2048).private_numbers()


def test_a_sound_modulus_has_no_weakness(sound: rsa.RSAPrivateNumbers) -> None:
    assert known_weakness(sound.public_numbers.n) == ""


def test_B5_a_modulus_of_ROCA_form_is_found(roca_modulus: int) -> None:
    """CVE-2017-15361."""
    assert "ROCA" in known_weakness(roca_modulus)


def test_B5_one_ROCA_prime_alone_is_not_taken_for_the_fingerprint(
    roca_modulus: int, sound: rsa.RSAPrivateNumbers, rng: random.Random
) -> None:
    assert "ROCA" not in known_weakness(roca_prime(1024, rng) * sound.p)


def test_B5_a_weak_key_is_refused_wherever_it_comes_from(roca_modulus: int) -> None:
    with pytest.raises(WeakKey, match="make a new key"):
        require_strong(rsa.RSAPublicNumbers(65537, roca_modulus).public_key(), "request.csr")


@pytest.mark.parametrize("distance", [2, 1 << 100, 1 << 500])
def test_B5_close_primes_are_found(distance: int, rng: random.Random) -> None:
    """CVE-2022-26320; BR 6.1.1.3 asks for 100 rounds of Fermat's factorisation."""
    p = next_prime(rng.getrandbits(1024) | (3 << 1022), rng)
    q = next_prime(p + distance, rng)
    assert "Fermat" in known_weakness(p * q)


@pytest.mark.parametrize(("rounds", "found"), [(1, True), (100, True), (101, False)])
def test_B5_a_hundred_rounds_of_Fermat_are_made(rounds: int, found: bool, rng: random.Random) -> None:
    """(middle + d)(middle - d) falls in the round whose guess is the middle; guesses start at the rounded-up root."""
    middle = rng.getrandbits(1024) | (3 << 1022)
    difference = isqrt(2 * middle * rounds - rounds * rounds)
    modulus = middle * middle - difference * difference
    assert isqrt(modulus) + rounds == middle
    assert weakness._has_close_primes(modulus) is found  # not known_weakness: this modulus has small factors, too


def test_B5_a_square_is_found(sound: rsa.RSAPrivateNumbers) -> None:
    assert "Fermat" in known_weakness(sound.p * sound.p)


@pytest.mark.parametrize("factor", [2, 3, 751, 65521])
def test_B5_small_factors_are_found(factor: int, sound: rsa.RSAPrivateNumbers) -> None:
    """65521 is the largest prime below 2^16."""
    assert "small factor" in known_weakness(sound.p * factor)


def test_B5_a_factor_above_the_limit_is_not_looked_for(sound: rsa.RSAPrivateNumbers) -> None:
    assert known_weakness(65537 * sound.p * sound.q) == ""


def test_B5_a_shared_prime_is_found(sound: rsa.RSAPrivateNumbers, rng: random.Random) -> None:
    """BR 6.1.1.3: two moduli with one prime in common break both (Heninger et al., 2012)."""
    other = next_prime(rng.getrandbits(1024) | (3 << 1022), rng)
    assert shares_a_prime(sound.p * sound.q, sound.p * other)


def test_B5_a_modulus_shares_nothing_with_itself_or_a_stranger(sound: rsa.RSAPrivateNumbers, roca_modulus: int) -> None:
    modulus = sound.public_numbers.n
    assert not shares_a_prime(modulus, modulus)
    assert not shares_a_prime(modulus, roca_modulus)


@given(st.integers(min_value=1, max_value=1 << 600))
def test_every_modulus_gets_an_answer(modulus: int) -> None:
    found = known_weakness(modulus)
    if gcd(modulus, prod(SMALL_PRIMES)) != 1:
        assert "small factor" in found
