"""A certificate authority for tests, bad certificates to test refusals with, and the pytest plugin that offers both.

    from easycert.testing import ThrowawayCA, Zoo

The names are imported when they are first used: pytest loads this package in every run (docs/adr/0012).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from easycert.testing.authority import ThrowawayCA as ThrowawayCA
    from easycert.testing.credential import Credential as Credential
    from easycert.testing.server import HttpsServer as HttpsServer
    from easycert.testing.zoo import Specimen as Specimen
    from easycert.testing.zoo import Zoo as Zoo

_HOMES = {
    "Credential": "credential",
    "HttpsServer": "server",
    "Specimen": "zoo",
    "ThrowawayCA": "authority",
    "Zoo": "zoo",
}
__all__ = ["Credential", "HttpsServer", "Specimen", "ThrowawayCA", "Zoo"]


def __getattr__(name: str) -> Any:
    """Import *name* from where it lives (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'easycert.testing' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(f"easycert.testing.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
