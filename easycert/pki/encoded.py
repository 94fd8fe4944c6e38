"""What a certificate's DER says and cryptography does not show: algorithm fields, types of dates, raw extensions.

cryptography decodes strictly, so a certificate that it has loaded is DER; this only walks through it once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cryptography import x509

from easycert.pki.der import (
    BOOLEAN,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    UTC_TIME,
    Reader,
    context,
)
from easycert.pki.encodings import Encoding

_UNIQUE_IDS = (context(1, constructed=False), context(2, constructed=False))
#: GeneralSubtree of RFC 5280 section 4.2.1.10: minimum [0] and maximum [1], behind the name.
_DISTANCES = (context(0, constructed=False), context(1, constructed=False))
#: Name constraints: permittedSubtrees [0], excludedSubtrees [1].
_SUBTREES = (context(0), context(1))

#: No OID in a certificate is near as long, and a long one costs quadratic time to read.
_OID_OCTETS_MAX = 128


class Encoded(NamedTuple):
    """Facts about a certificate's encoding, its key, and the DER of each of its extensions by dotted OID."""

    algorithm: bytes
    algorithms_agree: bool
    times: tuple[int, int]
    public_key: bytes
    unique_ids: bool
    extensions: Mapping[str, bytes]


def encoded(certificate: x509.Certificate) -> Encoded:
    """Return the facts about *certificate*. Raises ValueError where it is not what RFC 5280 section 4.1 says."""
    outer = Reader.whole(certificate.public_bytes(Encoding.DER))
    body = outer.enter()
    algorithm = outer.raw(SEQUENCE)
    body.optional(context(0))  # version
    body.next(INTEGER)
    agree = body.raw(SEQUENCE) == algorithm
    body.next(SEQUENCE)  # issuer
    times = _times(body.enter())
    body.next(SEQUENCE)  # subject
    key = body.raw(SEQUENCE)
    unique = [body.next(tag) for tag in _UNIQUE_IDS if body.tag == tag]
    return Encoded(algorithm, agree, times, key, bool(unique), _extensions(body.optional(context(3))))


def distances(name_constraints: bytes) -> bool:
    """Return whether any subtree of this extension (its DER) has a minimum or maximum. Raises ValueError."""
    reader = Reader.whole(name_constraints)
    for tag in _SUBTREES:
        subtrees = reader.optional(tag)
        while subtrees is not None and subtrees.tag is not None:
            subtree = subtrees.enter()
            subtree.next(subtree.tag or 0)
            if subtree.tag in _DISTANCES:
                return True
    return False


def policy_mappings(der: bytes) -> tuple[tuple[str, str], ...]:
    """Return issuer's and subject's policy of each pair in a policyMappings extension. Raises ValueError."""
    reader = Reader.whole(der)
    pairs = []
    while reader.tag is not None:
        pair = reader.enter()
        pairs.append((_dotted(pair.contents(OID)), _dotted(pair.contents(OID))))
        pair.finish()
    if not pairs:
        raise ValueError("policy mappings are empty")
    return tuple(pairs)


def _times(validity: Reader) -> tuple[int, int]:
    tags = []
    for _ in range(2):
        tag = UTC_TIME if validity.tag == UTC_TIME else GENERALIZED_TIME
        validity.next(tag)
        tags.append(tag)
    return tags[0], tags[1]


def _extensions(explicit: Reader | None) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    listed = explicit.enter() if explicit is not None else None
    while listed is not None and listed.tag is not None:
        extension = listed.enter()
        oid = _dotted(extension.contents(OID))
        if extension.tag == BOOLEAN:
            extension.next(BOOLEAN)
        found[oid] = extension.contents(OCTET_STRING)
    return found


def _dotted(octets: bytes) -> str:
    """Return an object identifier's contents in dotted form (X.690 section 8.19)."""
    if not 0 < len(octets) <= _OID_OCTETS_MAX:
        raise ValueError("an object identifier is empty or very long")
    numbers, number = [], 0
    for octet in octets:
        number = number << 7 | octet & 0x7F
        if octet < 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))
