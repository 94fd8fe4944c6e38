"""Whether a certificate names the host or mailbox that a caller wanted to reach (RFC 9525, RFC 8550).

Only subject alternative names count: a common name is text for people (RFC 9525 section 2).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from cryptography import x509
from cryptography.x509.oid import OtherNameFormOID

from easycert.errors import InvalidSan, printable
from easycert.pki.dns import IpAddress
from easycert.pki.sans import SanType, typed_san

#: Host names with A-labels in them, by letters only: RFC 5890 section 2.3.1.
_OTHER_A_LABELS = r"(?=.{1,254}$)(?=(?:.*\.)?[xX][nN]--)(?:[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?(?:\.|$))+"
#: Names of a certificate that are shown when none of them is the wanted one.
_SHOWN_NAMES = 4
_UTF8_STRING_TAG = 0x0C
_SHORT_LENGTH_MAX = 127


def host_reference(host: str) -> str | IpAddress:
    """Return what a certificate must name so that it is good for *host*: a DNS name in A-labels, or an IP address.

    *host* is a :class:`easycert.pki.names.HostName` or text that one could be made of; A-labels that IDNA2008 does not
    know (emoji have some) are looked for as they stand. Raises InvalidSan.
    """
    address = getattr(
        host, "address", None
    )  # a HostName's own text is a file name, where an IPv6 address has no colons
    if address is not None:
        return ipaddress.ip_address(str(address))
    try:
        san = typed_san(SanType.DNS, host, underscores=True)
    except InvalidSan:
        if not re.fullmatch(_OTHER_A_LABELS, host):
            raise
        return host.lower().removesuffix(".")
    return ipaddress.ip_address(san.value) if san.type is SanType.IP else san.value


def host_mismatch(names: x509.SubjectAlternativeName | None, reference: str | IpAddress) -> str:
    """Return a fragment that says why *names* are not those of the host *reference*; empty when they are."""
    if names is None:
        return f"has no subject alternative name, so it does not name {reference} (a common name does not count)"
    if isinstance(reference, str):
        presented = names.get_values_for_type(x509.DNSName)
        named = any(dns_matches(pattern, reference) for pattern in presented)
    else:
        named = reference in names.get_values_for_type(x509.IPAddress)
    return "" if named else f"does not name {reference}, only {_listed(names)}"


def mailbox_mismatch(names: x509.SubjectAlternativeName | None, address: str) -> str:
    """Return a fragment that says why *names* are not those of the mailbox *address*; empty when they are.

    The local part is compared exactly, the domain without regard to case (RFC 8550 section 3, RFC 5280 section 7.5).
    """
    wanted = typed_san(SanType.EMAIL, address).value
    if names is None:
        return f"has no subject alternative name, so it does not name {printable(wanted)}"
    presented = (_domain_lower(box) for box in map(mailbox, names) if box is not None)
    return "" if wanted in presented else f"does not name {printable(wanted)}, only {_listed(names)}"


def dns_matches(presented: str, reference: str) -> bool:
    """Return whether a certificate's DNS name is that of the host *reference* (in A-labels, no trailing dot).

    A wildcard is the whole leftmost label, stands for exactly one label, and has two or more labels below it
    (RFC 9525 section 6.3; the last is what TLS libraries ask). A presented name with a trailing dot is none: RFC 5280
    section 4.2.1.6 asks for RFC 1034's preferred syntax.
    """
    pattern, wanted = presented.lower().split("."), reference.lower().split(".")
    if not all(pattern) or len(pattern) != len(wanted):
        return False
    if pattern[0] == "*" and len(pattern) > 2:
        return bool(wanted[0]) and pattern[1:] == wanted[1:]
    return "*" not in presented and pattern == wanted


def mailbox(name: x509.GeneralName) -> str | None:
    """Return the e-mail address in an rfc822Name or SmtpUTF8Mailbox (RFC 9598), else None."""
    if isinstance(name, x509.RFC822Name):
        return name.value
    if isinstance(name, x509.OtherName) and name.type_id == OtherNameFormOID.SMTP_UTF8_MAILBOX:
        return _utf8_string(name.value)
    return None


def _utf8_string(der: bytes) -> str:
    """Return the text of a DER UTF8String of up to 127 bytes; anything else as text that is no mailbox."""
    plain = len(der) >= 2 and der[0] == _UTF8_STRING_TAG and der[1] == len(der) - 2 <= _SHORT_LENGTH_MAX
    return der[2:].decode("utf-8", "backslashreplace") if plain else der.hex()


def _domain_lower(box: str) -> str:
    local, at, domain = box.rpartition("@")
    return f"{local}{at}{domain.lower()}"


def _listed(names: Iterable[x509.GeneralName]) -> str:
    values = [printable(getattr(name, "value", name)) for name in names]
    hidden = len(values) - _SHOWN_NAMES
    return ", ".join(values[:_SHOWN_NAMES]) + (f" and {hidden} more" if hidden > 0 else "")
