"""Known weaknesses of RSA moduli that arrive from outside (CA/B Forum BR 6.1.1.3).

- ROCA, CVE-2017-15361: primes of the form k*M + 65537^a mod M leave a fingerprint modulo small primes.
- Close primes, CVE-2022-26320: Fermat's factorisation finds them in a few steps; BR asks for 100 rounds.
- Small factors: a modulus with a factor below 2^16 is broken or no RSA modulus at all.

Debian's predictable keys of 2008 (CVE-2008-0166) are recognised by lists of hundreds of thousands of fingerprints,
which are not shipped; see ``docs/standards.md``.
"""

from __future__ import annotations

from functools import cache
from math import gcd, isqrt, prod

_FERMAT_ROUNDS = 100
_SIEVE_LIMIT = 1 << 16
_ROCA_PRIMES_BELOW = 168
_GENERATOR = 65537


def known_weakness(modulus: int) -> str:
    """Return a clause that names the weakness of an RSA *modulus*, or an empty string."""
    if gcd(modulus, _small_prime_product()) != 1:
        return "the RSA modulus has a small factor"
    if _is_roca(modulus):
        return "the RSA key comes from a faulty generator (ROCA, CVE-2017-15361)"
    if _has_close_primes(modulus):
        return "the primes of the RSA key are too close (Fermat, CVE-2022-26320)"
    return ""


def shares_a_prime(modulus: int, other: int) -> bool:
    """Return whether two different RSA moduli share a prime, which breaks both."""
    return modulus != other and gcd(modulus, other) != 1


@cache
def _primes() -> tuple[int, ...]:
    sieve = bytearray([1]) * _SIEVE_LIMIT
    sieve[:2] = b"\0\0"
    for number in range(2, isqrt(_SIEVE_LIMIT) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, _SIEVE_LIMIT, number)))
    return tuple(number for number, prime in enumerate(sieve) if prime)


@cache
def _small_prime_product() -> int:
    return prod(_primes())


@cache
def _roca_residues() -> tuple[tuple[int, frozenset[int]], ...]:
    primes = [prime for prime in _primes() if 2 < prime < _ROCA_PRIMES_BELOW]
    return tuple((prime, frozenset(pow(_GENERATOR, power, prime) for power in range(prime))) for prime in primes)


def _is_roca(modulus: int) -> bool:
    return all(modulus % prime in residues for prime, residues in _roca_residues())


def _has_close_primes(modulus: int) -> bool:
    root = isqrt(modulus)
    if root * root < modulus:
        root += 1
    for guess in range(root, root + _FERMAT_ROUNDS):
        rest = guess * guess - modulus
        if isqrt(rest) ** 2 == rest:
            return True
    return False
