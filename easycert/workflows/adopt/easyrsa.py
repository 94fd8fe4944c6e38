"""easy-rsa 3: ``pki/`` with ``ca.crt``, ``issued/``, ``private/``, ``certs_by_serial/``, ``index.txt``, ``crl.pem``.

It drives ``openssl ca``; what is revoked it moves to ``revoked/``, what is renewed to ``renewed/`` (3.1 and later). Its
keys are PKCS#8, encrypted unless made with ``nopass``.
"""

from __future__ import annotations

from easycert.workflows.adopt.layout import Layout, Origin

EASY_RSA = Layout(
    origin=Origin.EASY_RSA,
    marks=(("ca.crt", "issued"), ("ca.crt", "private", "reqs")),
    inner=("pki",),
    authorities=("ca.crt",),
)
