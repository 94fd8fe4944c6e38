"""Which host, port and names an error text mentions."""

from __future__ import annotations

import re
from typing import NamedTuple

from easycert.pki.explain.search import shortened

_HOST = r"([A-Za-z0-9_*.:-]{1,253})"
_QUOTED = rf"['\"\u2018\u201c]?{_HOST}"
#: Where programs name the host that was asked for, the most telling first. Each begins with words that stand still.
_ASKED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"not valid for {_QUOTED}['\"\u2019]",
        rf"hostname {_QUOTED}['\"] doesn't match",
        rf"target host(?: ?name| name)? {_QUOTED}",
        rf"target ipv[46] address {_QUOTED}",
        rf"requested host name {_QUOTED}",
        rf"does not match host name {_QUOTED}",
        rf"\bHost: {_HOST}\. is not",
        rf"\bIP: {_HOST} is not in",
        rf"DNS name matching {_HOST} found",
        rf"name matching {_HOST} found",
        rf"matching IP address {_HOST} found",
        rf"(?:valid for|any names) [^\n]{{0,500}}?, (?:but wanted to match|not) {_HOST}",
        rf"cannot validate certificate for {_HOST} because",
        rf"certificate not valid for name {_QUOTED}",
        rf"does not name {_HOST}",
        rf"missing tls certificate file for host: {_HOST}",
        rf"HTTPS?ConnectionPool\(host={_QUOTED}",
    )
)
_URL = re.compile(
    r"\b(?:https|wss|ssl|ldaps|postgres(?:ql)?)://(?:[^\s/@'\"]{1,100}@)?(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.-]{1,253})(?::([0-9]{1,5}))?"
)
_VALID_FOR = re.compile(
    r"(?:certificate is (?:only )?valid for |altnames: DNS:|match either of )['\"]?([A-Za-z0-9_*.-]{1,253})",
    re.IGNORECASE,
)
_PORTS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (r"\bport[= ]([0-9]{1,5})\b", r"\bdial tcp [0-9A-Za-z.\[\]:-]{1,60}:([0-9]{1,5}):")
)
#: Pages that error messages point to.
_DOCUMENTATION = frozenset(
    {"curl.se", "curl.haxx.se", "aka.ms", "go.dev", "nodejs.org", "docs.python.org", "urllib3.readthedocs.io"}
)


class Mentions(NamedTuple):
    """The host that was asked for and its port, and a name that the certificate has; None for what is not mentioned."""

    host: str | None
    port: int | None
    certified: str | None


def mentions(text: str) -> Mentions:
    """Return what *text* mentions; of nothing but letters, digits and ``_*.:-``."""
    text = shortened(text)
    host, port = _asked(text)
    url = _first_url(text)
    if url is not None and host in (None, url[0]):
        host, port = url[0], url[1] or port
    if port is None:
        port = _port(text)
    certified = _VALID_FOR.search(text)
    return Mentions(host, port, _cleaned(certified[1]) if certified else None)


def _asked(text: str) -> tuple[str | None, int | None]:
    for pattern in _ASKED:
        found = pattern.search(text)
        if found:
            host = _cleaned(found[1])
            name, colon, port = host.rpartition(":")
            if colon and ":" not in name and port.isdigit():
                return name, _number(port)
            if host:
                return host, None
    return None, None


def _first_url(text: str) -> tuple[str, int | None] | None:
    for found in _URL.finditer(text):
        host = found[1].strip("[]")
        if host.lower() not in _DOCUMENTATION:
            return _cleaned(host), _number(found[2])
    return None


def _port(text: str) -> int | None:
    for pattern in _PORTS:
        found = pattern.search(text)
        if found and (number := _number(found[1])):
            return number
    return None


def _cleaned(host: str) -> str:
    return host.rstrip(":").strip(".").lower()


def _number(port: str | None) -> int | None:
    return int(port) if port and 0 < int(port) < 65536 else None
