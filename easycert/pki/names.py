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
from typing import NamedTuple, Self

from easycert.errors import InvalidInput, InvalidName, InvalidSan, NameLength, printable
from easycert.model import Kind

#: X.520 ub-common-name (RFC 5280 appendix A.1); Synapse counts it in UTF-8 bytes, and so do we.
COMMON_NAME_MAX = 64
#: NAME_MAX of every common file system, less the longest suffix (``.crt``).
FILE_NAME_MAX = 251
#: RFC 1034 section 3.1.
_DNS_NAME_MAX = 253
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
#: Not host names by RFC 952, but container engines make them and every TLS client matches them.
_LABEL_WITH_UNDERSCORE = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
#: Not only digits: browsers read a name that ends in ``.0x7f`` or ``.1`` as an IPv4 address (WHATWG URL section 3.5).
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
#: RFC 5321 section 4.1.2 (Dot-string) with RFC 6531 section 3.3 (anything beyond ASCII), RFC 5321 section 4.5.3.1.1.
#: The second class is the complement of ASCII: compiling a class that lists all of Unicode takes milliseconds.
_ATOM = r"(?:[A-Za-z0-9!#%&'*+/=?^_`{|}~-]|[^\x00-\x7f])+"
_LOCAL_PART = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_LOCAL_PART_MAX = 64
_PERSON = re.compile(r"[\w.+-]+(@[\w.-]+)?")
_TITLE = re.compile(r"[\w.+@&,()-]+( [\w.+@&,()-]+)*")
#: RFC 3986 sections 2.1 to 2.3: what may stand in a URI unescaped, and the percent sign of what is escaped.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
#: SPIFFE's limit, the only one that anybody ever set for the URI in a certificate.
_URI_MAX = 2048

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Makes the error for a reason; the caller knows which value is at fault.
_Refuse = Callable[[str], InvalidInput]


class SafeName(str):
    """Text that is safe as one file name on any system: no separator, control or invisible character, no leading dot.

    Raises InvalidName (or NameLength) when made from anything else.
    """

    __slots__ = ()
    WHAT = "name"
    #: Bytes in UTF-8.
    LIMIT = FILE_NAME_MAX

    def __new__(cls, text: str) -> Self:
        """Return *text*, normalised to NFC, as a name."""
        return super().__new__(cls, _file_safe(cls.WHAT, text, cls.LIMIT))

    @property
    def common_name(self) -> str | None:
        """What the subject's CN says; None for a name too long for one (RFC 5280 appendix A.1)."""
        return str(self) if len(self.encode()) <= COMMON_NAME_MAX else None

    @property
    def sans(self) -> tuple[SubjectAltName, ...]:
        """The subject alternative names that a certificate of this name always carries."""
        return ()

    @property
    def display(self) -> str:
        """The name as people read it."""
        return str(self)


class CommonName(SafeName):
    """A name as Synapse's tool accepts it: safe as a file name and 1 to 64 bytes in UTF-8."""

    __slots__ = ()
    LIMIT = COMMON_NAME_MAX

    def __new__(cls, text: str) -> Self:
        """Return *text* as a name that fits a common name; its length is judged before anything else."""
        if not 1 <= len(text.encode("utf-8", "surrogatepass")) <= COMMON_NAME_MAX:
            raise NameLength(cls.WHAT, text, limit=COMMON_NAME_MAX)
        return super().__new__(cls, text)


class SynapseHostName(CommonName):
    """A host name as Synapse's tool accepts it: any text for the file and the CN, the SAN where DNS can say it."""

    __slots__ = ()

    @property
    def sans(self) -> tuple[SubjectAltName, ...]:
        """The name as a SAN, in A-labels; none for what is no DNS name, which only the CN can carry."""
        try:
            return (typed_san(SanType.DNS, self, underscores=True),)
        except InvalidSan:
            return ()


class _MatchedName(SafeName):
    __slots__ = ()
    RULE: re.Pattern[str]
    ALLOWED: str

    def __new__(cls, text: str) -> Self:
        safe = _file_safe(cls.WHAT, text, cls.LIMIT)
        if safe.startswith("-"):
            raise InvalidName(cls.WHAT, text, "starts with a hyphen, so that programs would take it for an option")
        if not cls.RULE.fullmatch(safe):
            raise InvalidName(cls.WHAT, text, f"may hold only {cls.ALLOWED}")
        return super().__new__(cls, safe)


class CaName(_MatchedName):
    """The name of a certificate authority, which is also its subject's common name; no ``*``, as in a host's."""

    __slots__ = ()
    WHAT = "CA name"
    LIMIT = COMMON_NAME_MAX
    RULE = _TITLE
    ALLOWED = "letters, digits, single spaces and . _ + @ & , ( ) -"


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

    def __new__(cls, text: str) -> Self:
        """Return *text* as a user name; what holds an ``@`` must be an e-mail address (its domain in A-labels)."""
        safe = _file_safe(cls.WHAT, text, cls.LIMIT).lower()
        if "@" in safe:
            safe = _mailbox(safe, partial(InvalidName, cls.WHAT, text))
        elif len(safe.encode()) > COMMON_NAME_MAX:  # there is no e-mail address to carry what no common name can
            raise NameLength(cls.WHAT, text, limit=COMMON_NAME_MAX)
        return super().__new__(cls, safe)

    @property
    def sans(self) -> tuple[SubjectAltName, ...]:
        """The e-mail address that the name is, if it is one: in the SAN, never in the subject (RFC 5280 4.1.2.6)."""
        return (SubjectAltName(SanType.EMAIL, str(self)),) if "@" in self else ()


class HostName(SafeName):
    """A DNS name in A-labels and lower case (a wildcard too), or an IP address; the text is also the file name.

    ``address`` is the IP address or None; ``dns`` the DNS name or None.
    """

    WHAT = "host name"
    address: IpAddress | None

    def __new__(cls, text: str) -> Self:
        """Return *text* as a host name; a U-label becomes its A-label (IDNA2008), an IPv6 address its short form.

        An IPv6 address may also be written as in its file name (``2001_db8__1``).
        """
        # mkcert's habit: a colon is not safe in a file name everywhere, an underscore is and is no part of a host name.
        address = _ip_address(text if ":" in text else text.replace("_", ":"))
        safe = str(address).replace(":", "_") if address else _dns_name(text, partial(InvalidName, cls.WHAT, text))
        name = super().__new__(cls, safe)
        name.address = address
        return name

    @property
    def common_name(self) -> str | None:
        """The name, or the IP address as people write it; None where it is too long for a CN (the SAN has it)."""
        return str(self.address) if self.address else super().common_name

    @property
    def sans(self) -> tuple[SubjectAltName, ...]:
        """The name as a subject alternative name: ``DNS`` or ``IP``, never an address as a DNS name."""
        if self.address:
            return (SubjectAltName(SanType.IP, str(self.address)),)
        return (SubjectAltName(SanType.DNS, str(self)),)

    @property
    def display(self) -> str:
        """The name as people read it: U-labels, and an IP address as such."""
        return str(self.address) if self.address else unicode_name(self)


#: The narrow grammar of each kind: what the subcommands make new certificates for.
NAMES: dict[Kind, type[SafeName]] = {
    Kind.CA: CaName,
    Kind.HOST: HostName,
    Kind.USER: UserName,
    Kind.CODE: CodeName,
}


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
    text = text.strip(" ")  # as in a comma-separated list; a newline or tab is a mistake that somebody should hear of
    prefix, colon, value = text.partition(":")
    san_type = _PREFIXES.get(prefix.lower()) if colon else None
    if san_type is None:
        return typed_san(_guessed_type(text), text)
    return typed_san(san_type, value.strip(" "))


def typed_san(san_type: SanType, value: str, *, underscores: bool = False) -> SubjectAltName:
    """Return *value* as a SAN of this type, normalised; *underscores* allows them in DNS names. Raises InvalidSan."""
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
    if san_type is SanType.EMAIL:
        return SubjectAltName(san_type, _mailbox(value, partial(InvalidSan, value)))
    return SubjectAltName(san_type, _uri(value))


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
    words = {re.split("[ -]", unicodedata.name(char, "UNKNOWN"))[0] for char in label if char.isalpha()}
    return {together.get(word, word) for word in words}


def _file_safe(what: str, text: str, limit: int) -> str:
    reason = _unsafe(text)
    if reason:
        raise InvalidName(what, text, reason)
    if not text.isascii():
        import unicodedata

        text = unicodedata.normalize("NFC", text)
    if len(text.encode()) > limit:
        raise NameLength(what, text, limit=limit)
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
    if not text.isprintable():  # IDNA's mapping (UTS 46) would drop some of them in silence
        raise refuse("holds control or invisible characters")
    wildcard, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    name = name.removesuffix(".").lower()
    if not name:
        raise refuse("is empty")
    if "*" in name:
        raise refuse("may hold '*' only as its whole first label (RFC 9525 section 6.3)")
    rule = _LABEL_WITH_UNDERSCORE if underscores else _LABEL
    labels = [_label(label, rule, refuse) for label in name.split(".")]
    if _NUMBER.fullmatch(labels[-1]):
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
    if "://" in value or value[:4].lower() == "urn:":  # not just any colon: `localhost:8443` and `RID:1.2` are mistakes
        return SanType.URI
    return SanType.EMAIL if "@" in value else SanType.DNS


def _mailbox(text: str, refuse: _Refuse) -> str:
    """Return an e-mail address, its local part in NFC (RFC 6532 section 3.1) and its domain in A-labels (RFC 9598)."""
    local, _, domain = text.rpartition("@")
    if not local.isascii():
        import unicodedata

        local = unicodedata.normalize("NFC", local)
    if not local.isprintable() or len(local.encode()) > _LOCAL_PART_MAX or not _LOCAL_PART.fullmatch(local):
        raise refuse("is not an e-mail address")
    return f"{local}@{_plain_dns_name(domain, refuse)}"


def _uri(text: str) -> str:
    """Return an absolute URI as it is; its host, if it has an authority, must be a DNS name or IP address."""
    from urllib.parse import urlsplit

    refuse = partial(InvalidSan, text)
    if not _URI.fullmatch(text) or len(text) > _URI_MAX:
        raise refuse(f"is not an absolute URI of up to {_URI_MAX} characters, percent-encoded (RFC 3986 section 2.1)")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port  # the port is checked when it is asked for
    except ValueError:
        raise refuse("is not a URI") from None
    if text[len(parts.scheme) :].startswith("://") and _ip_address(host) is None:  # RFC 5280 section 4.2.1.6
        _plain_dns_name(host, refuse, underscores=True)
    return text


def _plain_dns_name(text: str, refuse: _Refuse, *, underscores: bool = False) -> str:
    if text.startswith("*"):
        raise refuse("must not hold a wildcard")
    return _dns_name(text, refuse, underscores=underscores)
