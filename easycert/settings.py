"""A site's defaults, from ``easycert.toml`` in the certificate directory: a strict schema, nothing else is understood.

Pure: text in, a :class:`Settings` out. A site's variant of a profile is the profile with other values in some fields.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from easycert.errors import InvalidInput, InvalidSan, Malformed, printable
from easycert.model import Value
from easycert.pki.certificates import IssuerUrls
from easycert.pki.keys import KeyType
from easycert.pki.profiles import Profile, profile_named
from easycert.pki.subjects import Attributes
from easycert.pki.validity import When

#: Where a lifetime of the table ``[validity]`` goes in a profile.
_LIFETIMES = ("root", "intermediate", "host", "user", "code")
#: What stands for the name of the CA in a URL, percent-encoded.
CA_PLACEHOLDER = "{ca}"


class Settings(Value):
    """What a site has set; every field has the default of a directory without the file.

    *lifetimes* are by kind (``root``, ``intermediate``, ``host``, ``user``, ``code``) and ``crl``; the URLs may hold
    ``{ca}``; *waivers* are the rules of lint that the site has waived.
    """

    profile: str = "modern"
    key_type: KeyType | None = None
    subject: Attributes = ()
    lifetimes: tuple[tuple[str, When], ...] = ()
    crl_url: str = ""
    issuer_url: str = ""
    ocsp_url: str = ""
    waivers: frozenset[str] = frozenset()

    def profile_for(self, name: str | None = None) -> Profile:
        """Return the profile called *name*, or the site's own with the site's lifetimes and key type.

        A profile that is asked for by name is the one that everybody knows. Raises InvalidInput.
        """
        if name is not None and name != self.profile:
            return profile_named(name)
        profile = profile_named(self.profile)
        changes: dict[str, Any] = {
            kind: getattr(profile, kind)._replace(lifetime=lifetime)
            for kind, lifetime in self.lifetimes
            if kind in _LIFETIMES
        }
        if self.crl_lifetime:
            changes["crl_lifetime"] = self.crl_lifetime
        if self.key_type:
            changes["key_type"] = self.key_type
        return profile._replace(**changes)

    @property
    def crl_lifetime(self) -> When | None:
        """How long a CRL is to be valid, where the site says so."""
        return dict(self.lifetimes).get("crl")

    def urls_for(self, authority: str) -> IssuerUrls:
        """Return the URLs for certificates that the CA called *authority* signs."""
        return IssuerUrls(*(_filled(url, authority) for url in (self.crl_url, self.issuer_url, self.ocsp_url)))


def _filled(url: str, authority: str) -> str:
    if CA_PLACEHOLDER not in url:
        return url
    from urllib.parse import quote

    return url.replace(CA_PLACEHOLDER, quote(authority, safe=""))


def parse_settings(data: bytes, source: str) -> Settings:
    """Return the settings in *data*, the TOML text of the file *source*.

    Raises Malformed for what is no TOML, an unknown key, and a value that is not what its key needs.
    """
    import tomllib

    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _malformed(source, str(error)) from None
    known = {"validity": _lifetimes, **_READERS}
    for key in table:
        if key not in known:
            raise _malformed(source, _unknown(key, known))
    try:
        return Settings(**{_FIELDS.get(key, key): known[key](value) for key, value in table.items()})
    except InvalidInput as error:
        raise _malformed(source, str(error)) from None


def _malformed(source: str, reason: str) -> Malformed:
    return Malformed(source, "a file of settings", reason)


def _unknown(key: str, known: dict[str, Any] | tuple[str, ...]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, known, n=1, cutoff=0.7)
    return f"it has the unknown key '{printable(key)}'; " + (
        f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput("value", str(value), "is not a text in quotation marks")
    return value


def _profile(value: object) -> str:
    return profile_named(_text(value)).name


def _key_type(value: object) -> KeyType:
    return KeyType.parse(_text(value))


def _subject(value: object) -> Attributes:
    from easycert.pki.subjects import parse_subject

    return parse_subject(_text(value))


def _lifetimes(value: object) -> tuple[tuple[str, When], ...]:
    if not isinstance(value, dict):
        raise InvalidInput("validity", str(value), "is not a table: write [validity] and a line for each kind below it")
    known = (*_LIFETIMES, "crl")
    for key in value:
        if key not in known:
            raise InvalidInput("validity", key, f"is not a kind: {_unknown(key, known)}")
    return tuple((kind, _lifetime(kind, lifetime)) for kind, lifetime in value.items())


def _lifetime(kind: str, value: object) -> When:
    from easycert.pki.validity import parse_when

    when = parse_when(_text(value))
    if when.distance is None or not when.distance:
        raise InvalidInput(f"validity of {kind}", _text(value), "is not a time span like 90d, 12h or 1y")
    return when


def _url(value: object) -> str:
    """Return a URL of which certificates may tell: http, because who fetches a CRL must not need one for that."""
    from easycert.pki.sans import SanType, typed_san

    text = _text(value)
    if not text.startswith("http://"):
        raise InvalidInput("URL", text, "does not begin with http:// (RFC 5280 section 8 warns of https here)")
    try:
        typed_san(SanType.URI, text.replace(CA_PLACEHOLDER, "ca"))
    except InvalidSan as error:
        raise InvalidInput("URL", text, error.reason) from None
    return text


def _waivers(value: object) -> frozenset[str]:
    from easycert.pki.lint import RULES

    if not isinstance(value, list):
        raise InvalidInput("waive", str(value), 'is not a list of rules: waive = ["RULE"]')
    known = tuple(RULES)
    for name in value:
        if name not in known:
            raise InvalidInput("waive", str(name), f"is no rule of lint: {_unknown(_text(name), known)}")
    return frozenset(value)


_FIELDS = {"validity": "lifetimes", "waive": "waivers"}
_READERS: dict[str, Callable[[object], Any]] = {
    "profile": _profile,
    "key_type": _key_type,
    "subject": _subject,
    "crl_url": _url,
    "issuer_url": _url,
    "ocsp_url": _url,
    "waive": _waivers,
}
