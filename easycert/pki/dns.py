"""DNS names and IP addresses as text: what is one, and its one way of being written.

Sources: RFC 1034 section 3.5, RFC 5890 and RFC 5891 (IDNA2008), RFC 6125 and RFC 9525 section 6.3 (wildcards), RFC 9549
(A-labels in certificates), UTS 39 (homographs). No regular expressions: compiling one costs more than all of this.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from easycert.errors import InvalidInput, printable

#: RFC 1034 section 3.1.
_DNS_NAME_MAX = 253
#: RFC 1034 section 3.5 and RFC 1123 section 2.1, in lower case.
_LABEL_MAX = 63
_LETTERS_DIGITS_HYPHEN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
#: Not host names by RFC 952, but container engines make them and every TLS client matches them.
_AND_UNDERSCORE = _LETTERS_DIGITS_HYPHEN | {"_"}

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Makes the error for a reason; the caller knows which value is at fault.
Refuse = Callable[[str], InvalidInput]


def ip_address(text: str) -> IpAddress | None:
    """Return *text* as an IP address, or None when it is none."""
    if "%" in text:  # a zone identifier means nothing outside one machine
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def dns_name(text: str, refuse: Refuse, *, underscores: bool = False) -> str:
    """Return *text* as a DNS name in lower case and A-labels, a wildcard as its first label allowed.

    *underscores* allows them in labels. Raises what *refuse* makes of a reason.
    """
    if not text.isprintable():  # IDNA's mapping (UTS 46) would drop some of them in silence
        raise refuse("holds control or invisible characters")
    wildcard, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    name = name.removesuffix(".").lower()
    if not name:
        raise refuse("is empty")
    if "*" in name:
        raise refuse("may hold '*' only as its whole first label (RFC 9525 section 6.3)")
    alphabet = _AND_UNDERSCORE if underscores else _LETTERS_DIGITS_HYPHEN
    labels = [_label(label, alphabet, refuse) for label in name.split(".")]
    if _is_number(labels[-1]):
        raise refuse("is neither an IP address nor a DNS name (its last label is a number)")
    if wildcard and len(labels) < 2:
        raise refuse("needs at least two labels below the wildcard")
    name = wildcard + ".".join(labels)
    if len(name) > _DNS_NAME_MAX:
        raise refuse(f"is longer than {_DNS_NAME_MAX} characters (RFC 1034 section 3.1)")
    return name


def _label(label: str, alphabet: frozenset[str], refuse: Refuse) -> str:
    made = _a_label(label, refuse) if not label.isascii() or label.startswith("xn--") else label
    if not 1 <= len(made) <= _LABEL_MAX or made[0] == "-" or made[-1] == "-" or not alphabet.issuperset(made):
        shown = f"the label '{printable(label[:_LABEL_MAX])}'" if label else "an empty label"
        raise refuse(f"is not a DNS name: {shown} must be 1 to 63 letters, digits or inner hyphens")
    return made


def _is_number(label: str) -> bool:
    """Return whether browsers read a name that ends in this as an IPv4 address (WHATWG URL section 3.5)."""
    digits = "0123456789abcdef" if label.startswith("0x") else "0123456789"
    return not label.removeprefix("0x").strip(digits)


def _a_label(label: str, refuse: Refuse) -> str:
    import idna  # only for internationalised names: importing its tables costs more than a certificate

    try:
        if label.isascii():
            idna.decode(label)  # an A-label that no U-label stands behind is refused (RFC 5890 section 2.3.2.1)
            return label
        return idna.encode(label, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        shown = printable(label[:63])
        raise refuse(f"is not an internationalised domain name: the label '{shown}' is invalid") from None


def plain_dns_name(text: str, refuse: Refuse, *, underscores: bool = False) -> str:
    """Return *text* as :func:`dns_name` does, wildcards refused."""
    if text.startswith("*"):
        raise refuse("must not hold a wildcard")
    return dns_name(text, refuse, underscores=underscores)


def unicode_name(dns_name: str) -> str:
    """Return a DNS name with its A-labels shown as U-labels; as it stands where that is not possible."""
    if "xn--" not in dns_name:
        return dns_name
    import idna

    try:
        return ".".join(idna.decode(label) if label.startswith("xn--") else label for label in dns_name.split("."))
    except idna.IDNAError:
        return dns_name


def mixed_scripts(name: str) -> tuple[str, ...]:
    """Return the labels of *name* that mix scripts (UTS 39 section 5.1), the mark of a homograph; empty is good."""
    shown = unicode_name(name)
    if shown.isascii():
        return ()
    return tuple(label for label in shown.split(".") if len(_scripts(label)) > 1)


def _scripts(label: str) -> set[str]:
    import unicodedata

    together = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "HANGUL": "CJK", "BOPOMOFO": "CJK"}  # written together normally
    words = {re.split("[ -]", unicodedata.name(char, "UNKNOWN"))[0] for char in label if char.isalpha()}
    return {together.get(word, word) for word in words}
