"""Rules for RSASSA-PSS: RFC 4055 section 3.1, and the three combinations of CA/B Forum BR 7.1.3.2.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from easycert.pki.lint import der
from easycert.pki.lint.der import DerError, Node

if TYPE_CHECKING:
    from easycert.pki.lint.fields import Breaches

#: SHA-256, SHA-384 and SHA-512 with their octets.
_PSS_HASHES = {
    "2.16.840.1.101.3.4.2.1": 32,
    "2.16.840.1.101.3.4.2.2": 48,
    "2.16.840.1.101.3.4.2.3": 64,
}
_MGF1 = "1.2.840.113549.1.1.8"


def judge(algorithm: Node) -> Breaches:
    """Judge the parameters of the AlgorithmIdentifier of an RSASSA-PSS signature."""
    found = algorithm.children()[1:]
    if not found:
        yield "signature-parameters", "RSASSA-PSS has no parameters"
        return
    fields = {node.tag & 0x1F: der.element(node.body) for node in found[0].children()}
    digest = _named(fields[0]) if 0 in fields else "SHA-1"
    if digest not in _PSS_HASHES:
        yield "signature-weak-hash", f"RSASSA-PSS is used with {digest}"
        return
    generator = fields[1].children() if 1 in fields else []
    inner = _named(generator[1]) if len(generator) == 2 and der.oid(generator[0]) == _MGF1 else ""
    salt = der.small_integer(fields[2]) if 2 in fields else 20
    if inner != digest or salt != _PSS_HASHES[digest] or 3 in fields:
        yield "pss-parameters", "hash, mask and salt of RSASSA-PSS do not belong together"


def _named(algorithm: Node) -> str:
    """Return the OID of a hash algorithm, whose parameters are NULL or absent. Raises DerError."""
    parts = algorithm.children()
    if not parts or (parts[1:] and parts[1].raw != b"\x05\x00"):
        raise DerError("a hash algorithm with unknown parameters")
    return der.oid(parts[0])
