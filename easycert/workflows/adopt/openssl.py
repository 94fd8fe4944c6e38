"""``openssl ca``: a directory of any layout (its configuration says which) around an ``index.txt``.

Several CAs may lie in each other (``intermediate/index.txt``): each index is its own CA's. Certificates are in
``newcerts/SERIAL.pem``, keys are wherever somebody put them: so all files are looked at.
"""

from __future__ import annotations

from easycert.workflows.adopt.layout import Layout, Origin

OPENSSL = Layout(
    origin=Origin.OPENSSL,
    marks=(("index.txt",), ("newcerts",), ("db/index",), ("cacert.pem",)),
    inner=("demoCA", "ca"),
    authorities=(
        "cacert.pem",
        "ca.crt",
        "ca.pem",
        "ca.cert.pem",
        "ca-cert.pem",
        "certs/ca.crt",
        "certs/ca.pem",
        "certs/cacert.pem",
        "certs/ca.cert.pem",
    ),
)
