"""Names as values that cannot be invalid: parsed once at the door, never checked again.

Two grammars exist. :class:`SafeName` is the wide one, for every name that a live certificate directory may already hold
(Synapse accepts any text): whatever is safe as one file name. The narrow ones, :class:`HostName`, :class:`UserName`,
:class:`CaName` and :class:`CodeName`, are what the subcommands make new certificates for.

Sources: RFC 5280 appendix A.1 (upper bounds), and those of :mod:`easycert.pki.dns` and :mod:`easycert.pki.sans`.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Self

from easycert.errors import InvalidName, InvalidSan, NameLength
from easycert.model import Kind
from easycert.pki.dns import IpAddress, dns_name, ip_address, unicode_name
from easycert.pki.sans import SanType, SubjectAltName, mailbox, typed_san

#: X.520 ub-common-name (RFC 5280 appendix A.1); Synapse counts it in UTF-8 bytes, and so do we.
COMMON_NAME_MAX = 64
#: NAME_MAX of every common file system, less the longest suffix (``.crt``).
FILE_NAME_MAX = 251
_PERSON = r"[\w.+-]+(@[\w.-]+)?"
_TITLE = r"[\w.+@&,()-]+( [\w.+@&,()-]+)*"


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
    RULE: str
    ALLOWED: str

    def __new__(cls, text: str) -> Self:
        safe = _file_safe(cls.WHAT, text, cls.LIMIT)
        if safe.startswith("-"):
            raise InvalidName(cls.WHAT, text, "starts with a hyphen, so that programs would take it for an option")
        if not re.fullmatch(cls.RULE, safe):
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
            safe = mailbox(safe, partial(InvalidName, cls.WHAT, text))
        elif len(safe.encode()) > COMMON_NAME_MAX:  # there is no e-mail address to carry what no common name can
            raise NameLength(cls.WHAT, text, limit=COMMON_NAME_MAX)
        return super().__new__(cls, safe)

    @property
    def sans(self) -> tuple[SubjectAltName, ...]:
        """The e-mail address that the name is, if it is one: in the SAN, never in the subject (RFC 5280 4.1.2.6)."""
        return (SubjectAltName(SanType.EMAIL, str(self)),) if "@" in self else ()


class HostName(SafeName):
    """A DNS name in A-labels and lower case (a wildcard too), or an IP address; the text is also the file name.

    ``address`` is the IP address, or None for a DNS name.
    """

    WHAT = "host name"
    address: IpAddress | None

    def __new__(cls, text: str) -> Self:
        """Return *text* as a host name; a U-label becomes its A-label (IDNA2008), an IPv6 address its short form.

        An IPv6 address may also be written as in its file name (``2001_db8__1``).
        """
        # mkcert's habit: a colon is not safe in a file name everywhere, an underscore is and is no part of a host name.
        address = ip_address(text if ":" in text else text.replace("_", ":"))
        safe = str(address).replace(":", "_") if address else dns_name(text, partial(InvalidName, cls.WHAT, text))
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
    Kind.OCSP: CaName,  # the CA's, and what it answers
}


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
