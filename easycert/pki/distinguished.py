"""Comparing distinguished names as RFC 5280 section 7.1 says, and not by their bytes.

Two names are the same when their attributes are, whatever string type each was written in: a CA that went over from
PrintableString to UTF8String, or writes its name with other capitals, is still the same CA.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from cryptography import x509

from easycert.pki.der import BIT_STRING, OID, SEQUENCE, Reader, context, integer, tlv

#: A name so prepared that names which count as the same are equal.
Comparable: TypeAlias = tuple[frozenset[tuple[x509.ObjectIdentifier, str | bytes]], ...]


@lru_cache(maxsize=4096)
def comparable(name: x509.Name) -> Comparable:
    """Return *name* prepared for comparison: RDN by RDN, in each the attributes in any order."""
    return tuple(frozenset((attribute.oid, _prepared(attribute.value)) for attribute in rdn) for rdn in name.rdns)


def name_from_der(data: bytes) -> x509.Name:
    """Return the name that *data* is in DER, as TLS carries the names of CAs. Raises ValueError.

    cryptography reads names only as part of something: it is shown a request without a key that can be used.
    """
    if Reader(data).raw(SEQUENCE) != data:
        raise ValueError("there is more than a name")
    algorithm = tlv(SEQUENCE, tlv(OID, b"\x2a\x03"))
    key = tlv(SEQUENCE, algorithm, tlv(BIT_STRING, b"\0"))
    information = tlv(SEQUENCE, integer(0), data, key, tlv(context(0)))
    return x509.load_der_x509_csr(tlv(SEQUENCE, information, algorithm, tlv(BIT_STRING, b"\0"))).subject


def _prepared(value: str | bytes) -> str | bytes:
    """Return an attribute value so that equal ones compare equal: case and runs of spaces do not count (RFC 4518)."""
    if isinstance(value, bytes):
        return value
    if not value.isascii():
        import unicodedata

        value = unicodedata.normalize("NFKC", value)
    return " ".join(value.split()).casefold()
