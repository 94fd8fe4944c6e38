"""What clients say to certificates that they refuse: of each message the part that tells why.

Said by OpenSSL 3.0, GnuTLS 3.7, Go 1.19 and Java 17.
"""

from __future__ import annotations

from collections.abc import Mapping

from easycert.pki.doctor.findings import Client

Says = Mapping[Client, str]


def says(openssl: str = "", gnutls: str = "", go: str = "", java: str = "", *, strict: str | None = None) -> Says:
    """Return who says what; OpenSSL's strict mode says what OpenSSL says, unless told otherwise."""
    words = {
        Client.OPENSSL: openssl,
        Client.STRICT: openssl if strict is None else strict,
        Client.GO: go,
        Client.JAVA: java,
        Client.GNUTLS: gnutls,
    }
    return {client: text for client, text in words.items() if text}


GO_UNKNOWN = "signed by unknown authority"
JAVA_NO_PATH = "unable to find valid certification path"
GNUTLS_BOUNDS = "violates the signer's constraints"
GO_NO_CA = "parent certificate cannot sign this kind of certificate"

EXPIRED = says("certificate has expired", "expired certificate", "has expired", "CertificateExpiredException")
EARLY = says("not yet valid", "not yet valid certificate", "not yet valid", "CertificateNotYetValidException")
UNKNOWN_CA = says("unable to get local issuer certificate", "issuer is unknown", GO_UNKNOWN, JAVA_NO_PATH)
SELF_SIGNED = says("self-signed certificate", "issuer is unknown", GO_UNKNOWN, JAVA_NO_PATH)
OTHER_USE = "unsuitable certificate purpose"
GO_OTHER_USE = "incompatible key usage"
REVOKED = says("certificate revoked", "revoked")
