"""TLS contexts from ``ssl://`` URLs and the files of a certificate directory.

::

    from easycert.tls import client_context, server_context

    context = server_context("ssl://0.0.0.0:27492/?hostname=cortex.vertex.link&ca=vertex")

Names are imported when they are first used: :mod:`ssl` costs every command that does not need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from easycert.tls.contexts import client_context as client_context
    from easycert.tls.contexts import server_context as server_context
    from easycert.tls.urls import SslUrl as SslUrl
    from easycert.tls.urls import parse_url as parse_url
    from easycert.tls.vetting import PeerRefused as PeerRefused

_MODULES = {
    "contexts": ("client_context", "server_context"),
    "urls": ("SslUrl", "parse_url"),
    "vetting": ("PeerRefused",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}
__all__ = tuple(_HOMES)


def __getattr__(name: str) -> Any:
    """Import *name* from where it lives (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'easycert.tls' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(f"easycert.tls.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
