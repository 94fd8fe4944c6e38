"""CRLs as easycert signs them, read again."""

from __future__ import annotations

from cryptography import x509

from easycert.pki.certificates import Issuer
from easycert.pki.crl import CrlSpec, signed_crl


def sign_crl(spec: CrlSpec, issuer: Issuer) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(signed_crl(spec, issuer))
