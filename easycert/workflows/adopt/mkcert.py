"""mkcert: a ``CAROOT`` with ``rootCA.pem`` and ``rootCA-key.pem``, and nothing about what it issued.

Its key is never encrypted. Its certificate has no cRLSign, so no CRL can ever be made by it.
"""

from __future__ import annotations

from easycert.workflows.adopt.layout import Layout, Origin

MKCERT = Layout(
    origin=Origin.MKCERT,
    marks=(("rootCA.pem",),),
    authorities=("rootCA.pem",),
    untold=("mkcert keeps no record of what it issued: only certificates that lie in this directory came in",),
)
