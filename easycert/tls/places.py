"""Where a server is, as people write it: ``www.example.com:8443``, ``[::1]:443``, ``https://...``, ``ssl://...``."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from easycert.errors import InvalidInput

#: The port of Synapse's Telepath, and that of https.
_PORTS = {"ssl": 27492, "https": 443}
_WHAT = "server"


class Place(NamedTuple):
    """A host and its port (None where none was written), the scheme or an empty text, and what a URL asks for."""

    host: str
    port: int | None
    scheme: str = ""
    user: str | None = None
    wishes: tuple[tuple[str, str], ...] = ()

    def wish(self, name: str) -> str | None:
        """Return the last value of a parameter of the URL, or None."""
        return dict(self.wishes).get(name)


def parse_place(text: str) -> Place:
    """Return the place that *text* names. Raises InvalidInput."""
    scheme, separator, _ = text.partition("://")
    if separator and scheme.lower() not in _PORTS:
        raise InvalidInput(_WHAT, text, "has a scheme that is neither https nor ssl")
    if not text.isprintable() or any(char.isspace() for char in text):
        raise InvalidInput(_WHAT, text, "holds spaces or control characters")
    try:
        parts = urlsplit(text if separator else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidInput(_WHAT, text, "is not like HOST:PORT, [ADDRESS]:PORT or a URL") from None
    if not separator and (parts.path or parts.query or parts.username):
        raise InvalidInput(_WHAT, text, "is not like HOST:PORT, [ADDRESS]:PORT or a URL")
    if not host or port == 0:
        raise InvalidInput(_WHAT, text, "names no host" if not host else "has the port 0")
    if parts.password is not None:
        raise InvalidInput(_WHAT, f"{parts.username}@{host}", "must not hold a password")
    scheme = scheme.lower() if separator else ""
    wishes = tuple(parse_qsl(parts.query, max_num_fields=20))
    return Place(host, port or _PORTS.get(scheme), scheme, parts.username, wishes)
