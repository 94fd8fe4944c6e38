"""Comparing distinguished names as RFC 5280 section 7.1 says, and not by their bytes.

Two names are the same when their attributes are, whatever string type each was written in: a CA that went over from
PrintableString to UTF8String, or writes its name with other capitals, is still the same CA.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from cryptography import x509

#: A name so prepared that names which count as the same are equal.
Comparable: TypeAlias = tuple[frozenset[tuple[x509.ObjectIdentifier, str | bytes]], ...]


@lru_cache(maxsize=4096)
def comparable(name: x509.Name) -> Comparable:
    """Return *name* prepared for comparison: RDN by RDN, in each the attributes in any order."""
    return tuple(frozenset((attribute.oid, _prepared(attribute.value)) for attribute in rdn) for rdn in name.rdns)


def same_name(one: x509.Name, other: x509.Name) -> bool:
    """Return whether two names are of the same entity (RFC 5280 section 7.1)."""
    return one == other or comparable(one) == comparable(other)


def _prepared(value: str | bytes) -> str | bytes:
    """Return an attribute value so that equal ones compare equal: case and runs of spaces do not count (RFC 4518)."""
    if isinstance(value, bytes):
        return value
    if not value.isascii():
        import unicodedata

        value = unicodedata.normalize("NFKC", value)
    return " ".join(value.split()).casefold()
