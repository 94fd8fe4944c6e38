"""Subject alternative names: RFC 5280 section 4.2.1.6.

Sources also: RFC 5321 and RFC 6531 (mailboxes), RFC 9598 (their domains are A-labels), RFC 3986 (URIs).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from functools import partial

from easycert.errors import InvalidSan
from easycert.model import Value
from easycert.pki.dns import Refuse, dns_name, ip_address, plain_dns_name

#: RFC 5321 section 4.1.2 (Dot-string) with RFC 6531 section 3.3 (anything beyond ASCII), RFC 5321 section 4.5.3.1.1.
#: The second class is the complement of ASCII: compiling a class that lists all of Unicode takes milliseconds.
_ATOM = r"(?:[A-Za-z0-9!#%&'*+/=?^_`{|}~-]|[^\x00-\x7f])+"
_LOCAL_PART = rf"{_ATOM}(\.{_ATOM})*"
_LOCAL_PART_MAX = 64
#: RFC 3986 sections 2.1 to 2.3: what may stand in a URI unescaped, and the percent sign of what is escaped.
_URI = r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+"
#: SPIFFE's limit, the only one that anybody ever set for the URI in a certificate.
_URI_MAX = 2048


class SanType(Enum):
    """The types of subject alternative name that easycert writes; the value is OpenSSL's prefix for it."""

    DNS = "DNS"
    IP = "IP"
    EMAIL = "email"
    URI = "URI"


class SubjectAltName(Value):
    """One subject alternative name (RFC 5280 section 4.2.1.6), normalised; make it with :func:`parse_san`."""

    type: SanType
    value: str

    def __str__(self) -> str:
        """Return the name with its prefix, as ``openssl`` and ``--san`` write it."""
        return f"{self.type.value}:{self.value}"


_PREFIXES = {san_type.value.lower(): san_type for san_type in SanType}


def parse_san(text: str) -> SubjectAltName:
    """Parse one SAN, ``DNS: IP: email: URI:`` before it or its type guessed. Raises InvalidSan."""
    text = text.strip(" ")  # as in a comma-separated list; a newline or tab is a mistake that somebody should hear of
    prefix, colon, value = text.partition(":")
    san_type = _PREFIXES.get(prefix.lower()) if colon else None
    if san_type is None:
        return typed_san(_guessed_type(text), text)
    return typed_san(san_type, value.strip(" "))


def typed_san(san_type: SanType, value: str, *, underscores: bool = False) -> SubjectAltName:
    """Return *value* as a SAN of this type, normalised; *underscores* allows them in DNS names. Raises InvalidSan."""
    if san_type is SanType.IP:
        address = ip_address(value)
        if address is None:
            raise InvalidSan(value, "is not an IP address")
        return SubjectAltName(san_type, str(address))
    if san_type is SanType.DNS:
        address = ip_address(value)
        if address is not None:  # an address is never a dNSName: RFC 5280 section 4.2.1.6, RFC 9525 section 4.1
            return SubjectAltName(SanType.IP, str(address))
        return SubjectAltName(san_type, dns_name(value, partial(InvalidSan, value), underscores=underscores))
    if san_type is SanType.EMAIL:
        return SubjectAltName(san_type, mailbox(value, partial(InvalidSan, value)))
    return SubjectAltName(san_type, _uri(value))


def unique_sans(sans: Iterable[SubjectAltName]) -> tuple[SubjectAltName, ...]:
    """Return *sans* without repetitions, first come first (values are already normalised)."""
    return tuple(dict.fromkeys(sans))


def _guessed_type(value: str) -> SanType:
    if ip_address(value) is not None:
        return SanType.IP
    if "://" in value or value[:4].lower() == "urn:":  # not just any colon: `localhost:8443` and `RID:1.2` are mistakes
        return SanType.URI
    return SanType.EMAIL if "@" in value else SanType.DNS


def mailbox(text: str, refuse: Refuse) -> str:
    """Return an e-mail address, its local part in NFC (RFC 6532 section 3.1) and its domain in A-labels (RFC 9598)."""
    local, _, domain = text.rpartition("@")
    if not domain:
        raise refuse("has no domain behind its @")
    if not local.isascii():
        import unicodedata

        local = unicodedata.normalize("NFC", local)
    if not local.isprintable() or len(local.encode()) > _LOCAL_PART_MAX or not re.fullmatch(_LOCAL_PART, local):
        raise refuse("is not an e-mail address")
    return f"{local}@{plain_dns_name(domain, refuse)}"


def _uri(text: str) -> str:
    """Return an absolute URI as it is; its host, if it has an authority, must be a DNS name or IP address."""
    from urllib.parse import urlsplit

    refuse = partial(InvalidSan, text)
    if not re.fullmatch(_URI, text) or len(text) > _URI_MAX:
        raise refuse(f"is not an absolute URI of up to {_URI_MAX} characters, percent-encoded (RFC 3986 section 2.1)")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port  # the port is checked when it is asked for
    except ValueError:
        raise refuse("is not a URI") from None
    if text[len(parts.scheme) :].startswith("://") and ip_address(host) is None:  # RFC 5280 section 4.2.1.6
        plain_dns_name(host, refuse, underscores=True)
    return text
