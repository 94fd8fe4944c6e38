"""Every cause that is known."""

from __future__ import annotations

from easycert.pki.explain import of_certificates, of_connections
from easycert.pki.explain.values import Cause

#: Every cause by its name.
CAUSES: dict[str, Cause] = {cause.name: cause for cause in (*of_certificates.CAUSES, *of_connections.CAUSES)}
