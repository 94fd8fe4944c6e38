"""Certificates of CAs, made once for all tests of this directory."""

from __future__ import annotations

from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from easycert.certdir import CertDir
from easycert.model import Kind
from easycert.pki.names import CaName
from easycert.workflows.issue import IssueRequest, issue


@cache
def root(name: str) -> x509.Certificate:
    """Return the certificate of a root called *name*, always the same."""
    return issue(CertDir.in_memory(), [IssueRequest(Kind.CA, CaName(name))])[0].certificate


def root_pem(name: str) -> bytes:
    return root(name).public_bytes(Encoding.PEM)


def der(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
