"""``ssl://`` URLs, as Synapse's Telepath has them, parsed into values that cannot be invalid. Pure.

``ssl://[user[:password]@]host[:port][/path][?hostname=&ca=&certname=&certhash=&name=]``. Stricter than Synapse where a
slip would cost security: what is not understood, or is there twice, is refused, since a misspelt ``certhash`` pins
nothing. A password is not kept and never part of an error. Sources: RFC 3986 section 3.2, RFC 9525 (names).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self
from urllib.parse import quote, unquote

from easycert.errors import InvalidInput, InvalidUrl
from easycert.pki.dns import dns_name, ip_address
from easycert.pki.names import SafeName

SCHEME = "ssl"
#: Where Synapse's Telepath listens.
DEFAULT_PORT = 27492
_LONGEST = 8192
_MOST_NAMES = 100
_PORT = re.compile(r"[0-9]{1,5}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_PARAMETERS = ("hostname", "ca", "certname", "certhash", "name")
#: What would end a host's name for some parsers and not for others.
_AMBIGUOUS = ("\\", "#")

#: Makes the error for a reason, the URL itself shown without its secrets.
_Refuse = Callable[[str], InvalidInput]


class TlsName(str):
    """A name that a server shows a certificate for: a DNS name in A-labels and lower case, or an IP address.

    A wildcard may be its first label, and underscores are let through (containers have such names). Raises InvalidInput
    when made from anything else.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Return *text* as a name."""
        address = ip_address(text)
        refuse = partial(InvalidInput, "host name", text)
        return super().__new__(cls, str(address) if address else dns_name(text, refuse, underscores=True))

    @property
    def is_wildcard(self) -> bool:
        """Whether it stands for many names."""
        return self.startswith("*.")

    @property
    def is_address(self) -> bool:
        """Whether it is an IP address."""
        return ip_address(self) is not None

    @property
    def parents(self) -> tuple[str, ...]:
        """The name and the domains above it, the nearest first; an address has none above it."""
        if self.is_address:
            return (str(self),)
        labels = self.split(".")
        return tuple(".".join(labels[start:]) for start in range(len(labels)))


@dataclass(frozen=True)
class SslUrl:
    """A parsed URL, as :func:`parse_url` returns it.

    *hostnames* are those of ``hostname=``, else the one of the URL's host. *certhash* is SHA-256 in lower-case hex.
    """

    host: TlsName
    port: int
    hostnames: tuple[TlsName, ...]
    user: str | None = None
    has_password: bool = False
    path: str = ""
    ca: SafeName | None = None
    certname: SafeName | None = None
    certhash: str | None = None
    share: str | None = None
    #: Whether ``hostname=`` was there.
    has_hostname: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for what no URL can say, where it was not parsed from one."""
        names: tuple[object, ...] = (self.host, *self.hostnames)
        files: tuple[object, ...] = (self.ca, self.certname)
        named = all(isinstance(name, TlsName) for name in names)
        safe = all(name is None or isinstance(name, SafeName) for name in files)
        pinned = self.certhash is None or _SHA256.match(self.certhash)
        if not (named and safe and pinned and self.hostnames and 0 <= self.port <= 65535):
            raise ValueError("not the parts of a URL; parse_url makes them")

    @property
    def hostname(self) -> TlsName:
        """The first of the names: the one that a client verifies."""
        return self.hostnames[0]

    def __str__(self) -> str:
        """Return the URL without its password, in its one form."""
        user = "" if self.user is None else f"{quote(self.user, safe='')}{':****' if self.has_password else ''}@"
        host = f"[{self.host}]" if ":" in self.host else str(self.host)
        names = self.hostnames if self.has_hostname else ()
        given = (",".join(names), self.ca, self.certname, self.certhash, self.share)
        query = "&".join(
            f"{key}={quote(text, safe='@:*,')}" for key, text in zip(_PARAMETERS, given, strict=True) if text
        )
        return f"{SCHEME}://{user}{host}:{self.port}{self.path or '/'}{'?' if query else ''}{query}"


def parse_url(text: str) -> SslUrl:
    """Return *text* as a URL. Raises InvalidUrl, in which nothing is shown that could be a password."""
    refuse = partial(InvalidUrl, _shown(text))
    if len(text) > _LONGEST:
        raise refuse(f"is longer than {_LONGEST} characters")
    if not text.isprintable():
        raise refuse("holds control or invisible characters")
    if any(char in text for char in _AMBIGUOUS):
        raise refuse("holds a backslash or '#', which programs read differently; write %5C or %23")
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() != SCHEME:
        raise refuse(f"does not begin with {SCHEME}://")
    rest, _, query = rest.partition("?")
    netloc, slash, path = rest.partition("/")
    user, has_password, place = _userinfo(netloc, refuse)
    if "@" in path:
        raise refuse("holds '/' or '?' before an '@'; in a password write them as %2F and %3F")
    host, port = _place(place, refuse)
    given = _query(query, refuse)
    return SslUrl(
        host,
        port,
        _hostnames(given, refuse) or (host,),
        user,
        has_password,
        slash + path,
        _name("ca", given, refuse),
        _name("certname", given, refuse),
        _certhash(given, refuse),
        given.get("name"),
        "hostname" in given,
    )


def _shown(text: str) -> str:
    """Return what of a URL may be shown when it could not be understood: its scheme, and no more than its host."""
    scheme, separator, rest = text.partition("://")
    if not separator or not scheme.isalnum() or not scheme.isascii() or len(scheme) > 16:
        return "..."
    host = re.split(r"[/?#\\:]", rest)[0]
    return f"{scheme}://..." if "@" in rest or not host else f"{scheme}://{host}..."


def _userinfo(netloc: str, refuse: _Refuse) -> tuple[str | None, bool, str]:
    info, at, place = netloc.rpartition("@")
    if not at:
        return None, False, place
    if "@" in info:
        raise refuse("holds '@' more than once before its host; in a user's name or password write it as %40")
    user, colon, _password = info.partition(":")
    return _decoded("user", user, refuse), bool(colon), place


def _decoded(what: str, text: str, refuse: _Refuse) -> str:
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        decoded = ""
    if not decoded or not decoded.isprintable():
        raise refuse(f"has a {what} that is empty or holds control or invisible characters")
    return decoded


def _place(place: str, refuse: _Refuse) -> tuple[TlsName, int]:
    if place.startswith("["):
        host, bracket, behind = place[1:].partition("]")
        if not bracket or (behind and not behind.startswith(":")) or ":" not in host:
            raise refuse("has brackets that do not hold an IPv6 address")
        return _host(host, refuse), _port(behind, refuse)
    if place.count(":") > 1:  # an IPv6 address that Synapse takes without brackets, and then without a port
        return _host(place, refuse), DEFAULT_PORT
    host, colon, port = place.partition(":")
    return _host(host, refuse), _port(colon + port, refuse)


def _host(text: str, refuse: _Refuse) -> TlsName:
    if not text:
        raise refuse("names no host")
    try:
        host = TlsName(text)
    except InvalidInput:  # its reason may quote what was meant to be a password
        host = None
    if host is None or host.is_wildcard:
        raise refuse("has a host that is neither a DNS name nor an IP address")
    return host


def _port(text: str, refuse: _Refuse) -> int:
    """Return the port behind *text*, a colon and digits; 0, any free one, is for servers."""
    if not text:
        return DEFAULT_PORT
    if not _PORT.match(text[1:]) or int(text[1:]) > 65535:
        raise refuse("has a port that is not a number from 0 to 65535")
    return int(text[1:])


def _query(text: str, refuse: _Refuse) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text.split("&")):
        key, _, value = part.partition("=")
        if key not in _PARAMETERS:
            raise refuse(f"has a parameter that means nothing here; known are {', '.join(_PARAMETERS)}")
        if key in found:
            raise refuse(f"has the parameter '{key}' more than once")
        found[key] = _decoded(f"parameter '{key}'", value, refuse)
    return found


def _hostnames(given: dict[str, str], refuse: _Refuse) -> tuple[TlsName, ...]:
    if "hostname" not in given:
        return ()
    try:
        names = tuple(TlsName(text.strip()) for text in given["hostname"].split(","))
    except InvalidInput as error:
        reason = "is not a host name" if "@" in given["hostname"] else error.reason  # a password with a '?' in it
        raise refuse(f"has the parameter 'hostname', which {reason}") from None
    if len(set(names)) != len(names) or len(names) > _MOST_NAMES:
        raise refuse(f"has a parameter 'hostname' that names one twice, or more than {_MOST_NAMES}")
    return names


def _name(key: str, given: dict[str, str], refuse: _Refuse) -> SafeName | None:
    if key not in given:
        return None
    try:
        return SafeName(given[key])
    except InvalidInput as error:
        raise refuse(f"has the parameter '{key}', which {error.reason}") from None


def _certhash(given: dict[str, str], refuse: _Refuse) -> str | None:
    if "certhash" not in given:
        return None
    text = given["certhash"].replace(":", "").lower()
    if not _SHA256.match(text):
        raise refuse("has a parameter 'certhash' that is not a SHA-256 in 64 hexadecimal digits")
    return text
