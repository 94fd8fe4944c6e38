"""Names as values that cannot be invalid: parsed once at the door, never checked again.

Two grammars exist. :class:`SafeName` is the wide one, for every name that a live certificate directory may already hold
(Synapse accepts any text): whatever is safe as one file name. The narrow ones, :class:`HostName`, :class:`UserName`,
:class:`CaName` and :class:`CodeName`, are what the subcommands make new certificates for.

Sources: RFC 5280 section 4.2.1.6 and appendix A.1, RFC 1034 section 3.5, RFC 5890, RFC 5891 (IDNA2008), RFC 6125 and
RFC 9525 section 6.3 (wildcards), RFC 9549 (A-labels in certificates), RFC 9598 (SmtpUTF8Mailbox).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from enum import Enum
from functools import partial
from typing import NamedTuple

from easycert.errors import InvalidInput, InvalidName, InvalidSan, NameLength, printable

#: X.520 ub-common-name (RFC 5280 appendix A.1); Synapse counts it in UTF-8 bytes, and so do we.
COMMON_NAME_MAX = 64
#: NAME_MAX of every common file system, less the longest suffix (``.crt``).
FILE_NAME_MAX = 251
#: RFC 1034 section 3.1.
_DNS_NAME_MAX = 253
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
#: Not host names by RFC 952, but container engines make them and every TLS client matches them.
_LABEL_WITH_UNDERSCORE = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#%&'*+/=?^_`{|}~.-]{1,64}")
_PERSON = re.compile(r"[\w.+-]+(@[\w.-]+)?")
_TITLE = re.compile(r"[\w.+@&,()-]+( [\w.+@&,()-]+)*")
_URI_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Makes the error for a reason; the caller knows which value is at fault.
_Refuse = Callable[[str], InvalidInput]


class SafeName(str):
    """Text that is safe as one file name on any system: no separator, control or invisible character, no leading dot.

    Raises InvalidName (or NameLength) when made from anything else.
    """

    __slots__ = ()
    WHAT = "name"

    def __new__(cls, text: str) -> SafeName:
        """Return *text*, normalised to NFC, as a name."""
        return super().__new__(cls, _file_safe(cls.WHAT, text))


class CommonName(SafeName):
    """A name as Synapse's tool accepts it: safe as a file name and 1 to 64 bytes in UTF-8."""

    __slots__ = ()

    def __new__(cls, text: str) -> CommonName:
        """Return *text* as a name that fits a common name."""
        if not 1 <= len(text.encode("utf-8", "surrogatepass")) <= COMMON_NAME_MAX:
            raise NameLength(cls.WHAT, text, limit=COMMON_NAME_MAX)
        return super().__new__(cls, text)  # type: ignore[return-value]


class _MatchedName(SafeName):
    __slots__ = ()
    RULE: re.Pattern[str]
    ALLOWED: str

    def __new__(cls, text: str) -> _MatchedName:
        if not cls.RULE.fullmatch(safe := _file_safe(cls.WHAT, text)):
            raise InvalidName(cls.WHAT, text, f"may hold only {cls.ALLOWED}")
        return super().__new__(cls, safe)  # type: ignore[return-value]


class CaName(_MatchedName):
    """The name of a certificate authority, which is also its subject's common name."""

    __slots__ = ()
    WHAT = "CA name"
    RULE = _TITLE
    ALLOWED = "letters, digits, single spaces and . _ + @ & , ( ) -"

    def __new__(cls, text: str) -> CaName:
        """Return *text* as a CA name; a wildcard, which would read like a host, is refused by the rule."""
        name = super().__new__(cls, text)
        if len(name.encode()) > COMMON_NAME_MAX:
            raise NameLength(cls.WHAT, text, limit=COMMON_NAME_MAX)
        return name  # type: ignore[return-value]


class CodeName(CaName):
    """The name of a code signer."""

    __slots__ = ()
    WHAT = "code signer's name"


class UserName(_MatchedName):
    """The name of a user, ``alice`` or ``alice@example.com``; lower-cased, so that no two differ by case alone."""

    __slots__ = ()
    WHAT = "user name"
    RULE = _PERSON
    ALLOWED = "letters, digits, . _ + - and one @ before a domain"

    def __new__(cls, text: str) -> UserName:
        """Return *text* as a user name; the part behind an ``@`` must be a DNS name (A-labels are made)."""
        local, at, domain = _file_safe(cls.WHAT, text).lower().rpartition("@")
        safe = f"{local}@{_dns_name(domain, partial(InvalidName, cls.WHAT, text))}" if at else domain
        return super().__new__(cls, safe)  # type: ignore[return-value]


class HostName(SafeName):
    """A DNS name in A-labels and lower case (a wildcard too), or an IP address; the text is also the file name.

    ``address`` is the IP address or None; ``dns`` the DNS name or None.
    """

    WHAT = "host name"
    address: IpAddress | None

    def __new__(cls, text: str) -> HostName:
        """Return *text* as a host name; a U-label becomes its A-label (IDNA2008), an IPv6 address its short form."""
        address = _ip_address(text)
        # mkcert's habit: a colon is not safe in a file name everywhere, an underscore is and is no part of a host name.
        safe = str(address).replace(":", "_") if address else _dns_name(text, partial(InvalidName, cls.WHAT, text))
        name = super().__new__(cls, safe)
        name.address = address  # type: ignore[attr-defined]
        return name  # type: ignore[return-value]

    @property
    def san(self) -> SubjectAltName:
        """The name as a subject alternative name: ``DNS`` or ``IP``, never an address as a DNS name."""
        if self.address:
            return SubjectAltName(SanType.IP, str(self.address))
        return SubjectAltName(SanType.DNS, str(self))

    @property
    def display(self) -> str:
        """The name as people read it: U-labels, and an IP address as such."""
        return str(self.address) if self.address else unicode_name(self)


class SanType(Enum):
    """The types of subject alternative name that easycert writes; the value is OpenSSL's prefix for it."""

    DNS = "DNS"
    IP = "IP"
    EMAIL = "email"
    URI = "URI"


class SubjectAltName(NamedTuple):
    """One subject alternative name (RFC 5280 section 4.2.1.6), normalised; make it with :func:`parse_san`."""

    type: SanType
    value: str

    def __str__(self) -> str:
        """Return the name with its prefix, as ``openssl`` and ``--san`` write it."""
        return f"{self.type.value}:{self.value}"


_PREFIXES = {san_type.value.lower(): san_type for san_type in SanType}


def parse_san(text: str) -> SubjectAltName:
    """Parse one SAN, ``DNS: IP: email: URI:`` before it or its type guessed. Raises InvalidSan."""
    prefix, colon, value = text.strip().partition(":")
    san_type = _PREFIXES.get(prefix.lower()) if colon else None
    if san_type is None:
        value = text.strip()
        san_type = _guessed_type(value)
    return typed_san(san_type, value)


def typed_san(san_type: SanType, value: str, *, underscores: bool = False) -> SubjectAltName:
    """Return *value* as a SAN of this type, normalised; *underscores* lets them stand in DNS names. Raises InvalidSan."""
    if san_type is SanType.IP:
        address = _ip_address(value)
        if address is None:
            raise InvalidSan(value, "is not an IP address")
        return SubjectAltName(san_type, str(address))
    if san_type is SanType.DNS:
        address = _ip_address(value)
        if address is not None:  # an address is never a dNSName: RFC 5280 section 4.2.1.6, RFC 9525 section 4.1
            return SubjectAltName(SanType.IP, str(address))
        return SubjectAltName(san_type, _dns_name(value, partial(InvalidSan, value), underscores=underscores))
    return SubjectAltName(san_type, _mailbox(value) if san_type is SanType.EMAIL else _uri(value))


def unique_sans(sans: Iterable[SubjectAltName]) -> tuple[SubjectAltName, ...]:
    """Return *sans* without repetitions, first come first (values are already normalised)."""
    return tuple(dict.fromkeys(sans))


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
    words = {unicodedata.name(char, "UNKNOWN").split()[0] for char in label if char.isalpha()}
    return {together.get(word, word) for word in words}


def _file_safe(what: str, text: str) -> str:
    reason = _unsafe(text)
    if reason:
        raise InvalidName(what, text, reason)
    if not text.isascii():
        import unicodedata

        text = unicodedata.normalize("NFC", text)
    if len(text.encode()) > FILE_NAME_MAX:
        raise NameLength(what, text, limit=FILE_NAME_MAX)
    return text


def _unsafe(text: str) -> str:
    if not text:
        return "is empty"
    if not text.isprintable():
        return "holds control or invisible characters"
    if any(char in text for char in "/\\"):
        return "holds a path separator"
    if "$" in text:
        return "holds a '$', which Synapse and shells would expand"
    if text.startswith("."):
        return "starts with a dot"
    if text != text.strip():
        return "starts or ends with a space"
    return ""


def _ip_address(text: str) -> IpAddress | None:
    if "%" in text:  # a zone identifier means nothing outside one machine
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _dns_name(text: str, refuse: _Refuse, *, underscores: bool = False) -> str:
    wildcard, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    name = name.removesuffix(".").lower()
    if not name:
        raise refuse("is empty")
    if "*" in name:
        raise refuse("may hold '*' only as its whole first label (RFC 9525 section 6.3)")
    rule = _LABEL_WITH_UNDERSCORE if underscores else _LABEL
    labels = [_label(label, rule, refuse) for label in name.split(".")]
    if labels[-1].isdigit():
        raise refuse("is neither an IP address nor a DNS name (its last label is a number)")
    if wildcard and len(labels) < 2:
        raise refuse("needs at least two labels below the wildcard")
    name = wildcard + ".".join(labels)
    if len(name) > _DNS_NAME_MAX:
        raise refuse(f"is longer than {_DNS_NAME_MAX} characters (RFC 1034 section 3.1)")
    return name


def _label(label: str, rule: re.Pattern[str], refuse: _Refuse) -> str:
    ascii_label = _a_label(label, refuse) if not label.isascii() or label.startswith("xn--") else label
    if not rule.fullmatch(ascii_label):
        shown = f"the label '{printable(label[:63])}'" if label else "an empty label"
        raise refuse(f"is not a DNS name: {shown} must be 1 to 63 letters, digits or inner hyphens")
    return ascii_label


def _a_label(label: str, refuse: _Refuse) -> str:
    import idna  # only for internationalised names: importing its tables costs more than a certificate

    try:
        if label.isascii():
            idna.decode(label)  # an A-label that no U-label stands behind is refused (RFC 5890 section 2.3.2.1)
            return label
        return idna.encode(label, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        shown = printable(label[:63])
        raise refuse(f"is not an internationalised domain name: the label '{shown}' is invalid") from None


def _guessed_type(value: str) -> SanType:
    if _ip_address(value) is not None:
        return SanType.IP
    if "://" in value or (":" in value and _URI_SCHEME.match(value) and "@" not in value):
        return SanType.URI
    return SanType.EMAIL if "@" in value else SanType.DNS


def _mailbox(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not at or not local or not text.isprintable():
        raise InvalidSan(text, "is not an e-mail address")
    if local.isascii() and (not _LOCAL_PART.fullmatch(local) or ".." in local or local[0] == "." or local[-1] == "."):
        raise InvalidSan(text, "is not an e-mail address")
    if " " in local or len(local.encode()) > 64:
        raise InvalidSan(text, "is not an e-mail address")
    return f"{local}@{_dns_name(domain, partial(InvalidSan, text))}"


def _uri(text: str) -> str:
    from urllib.parse import urlsplit

    if not text.isascii() or not text.isprintable() or " " in text:
        raise InvalidSan(text, "is not a URI: percent-encode what is not ASCII (RFC 3986 section 2.1)")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise InvalidSan(text, "is not a URI") from None
    if not parts.scheme or not (parts.netloc or parts.path):
        raise InvalidSan(text, "is not an absolute URI (RFC 5280 section 4.2.1.6)")
    return text
