"""What entries in trust stores are called: text that any store takes, and by which we know our own again.

``easycert-NAME-DIGITS``: the digits are the first of the certificate's own SHA-256 fingerprint. An entry is ours if,
and only if, its label ends in the digits of what it holds; so nothing has to be remembered, and nothing can be
forgotten (``docs/adr/0010-whose-entry.md``).
"""

from __future__ import annotations

import re
from hashlib import sha256

_PREFIX = "easycert-"
#: 64 bits: nobody makes a second certificate with the digits of a first one by accident.
_DIGITS = 16
_NAME_MAX = 40
#: What every store, file system and shell takes as it stands; lower case, as Java's aliases are.
_UNSAFE = re.compile(r"[^a-z0-9._]+")
#: Debian's hook puts what the system trusts into Java's store, by the name of its file.
_LABEL = re.compile(rf"(?:debian:)?(easycert-.+-([0-9a-f]{{{_DIGITS}}}))(?:\.pem)?")


def label_of(name: str, fingerprint: str) -> str:
    """Return what the entry of the CA called *name* is called, whose certificate has this SHA-256 *fingerprint*."""
    safe = _UNSAFE.sub("-", name.lower()).strip("-.")[:_NAME_MAX].rstrip("-.")
    return f"{_PREFIX}{safe or 'ca'}-{fingerprint[:_DIGITS]}"


def has_our_form(label: str) -> bool:
    """Return whether *label* looks as if easycert had made it."""
    return _LABEL.fullmatch(label) is not None


def is_ours(label: str, der: bytes) -> bool:
    """Return whether an entry called *label* that holds the certificate *der* was made by easycert."""
    match = _LABEL.fullmatch(label)
    return match is not None and sha256(der).hexdigest().startswith(match[2])
