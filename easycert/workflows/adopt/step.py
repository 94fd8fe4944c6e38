"""step-ca: a ``$STEPPATH`` with ``certs/``, ``secrets/`` and ``config/ca.json``: a root and an intermediate.

Its keys are PEM, encrypted (PKCS#1 and SEC 1 in the old ``DEK-Info`` form, Ed25519 in PKCS#8). What it issued and
revoked is in ``db/``, a Badger database that only step-ca itself reads.
"""

from __future__ import annotations

from easycert.workflows.adopt.layout import Layout, Origin

STEP = Layout(
    origin=Origin.STEP,
    marks=(("certs/root_ca.crt",), ("certs/intermediate_ca.crt", "config/ca.json")),
    skipped=("db", "templates", "config"),
    authorities=("certs/intermediate_ca.crt", "certs/root_ca.crt"),
    untold=(
        "what step-ca issued and revoked is in its own database, which cannot be read: "
        "those certificates are not known here",
    ),
)
