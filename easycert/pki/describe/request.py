"""A certificate signing request as a person wants to know it: who asks for what (RFC 2986, RFC 2985 section 5.4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from easycert.pki.describe.certificate import (
    extended_usages,
    extension,
    key_warnings,
    signature_warnings,
    subject_alternative_names,
    usages,
)
from easycert.pki.describe.key import spki_sha256
from easycert.pki.keys import key_name
from easycert.pki.subjects import shown_name
from easycert.pki.wording import oid_name


@dataclass(frozen=True)
class RequestDescription:
    """What a signing request proves (``signature_ok``) and asks for; its challenge password is never looked at."""

    type: str
    subject: str
    sans: tuple[str, ...]
    key_type: str
    signature_algorithm: str
    signature_ok: bool
    ca: bool
    key_usage: tuple[str, ...]
    extended_key_usage: tuple[str, ...]
    extensions: tuple[str, ...]
    sha256: str
    warnings: tuple[str, ...]


def describe_request(request: x509.CertificateSigningRequest) -> RequestDescription:
    """Return what a signing request asks for; ``sha256`` is that of its public key."""
    constraints = extension(request.extensions, x509.BasicConstraints)
    return RequestDescription(
        type="certificate signing request",
        subject=shown_name(request.subject),
        sans=subject_alternative_names(request.extensions),
        key_type=key_name(request.public_key()),
        signature_algorithm=oid_name(request.signature_algorithm_oid),
        signature_ok=_signature_ok(request),
        ca=constraints is not None and constraints.ca,
        key_usage=usages(request.extensions),
        extended_key_usage=extended_usages(request.extensions),
        extensions=tuple(oid_name(item.oid) for item in request.extensions),
        sha256=spki_sha256(request.public_key()),
        warnings=tuple(_warnings(request)),
    )


def _signature_ok(request: x509.CertificateSigningRequest) -> bool:
    try:
        return request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _warnings(request: x509.CertificateSigningRequest) -> Iterator[str]:
    yield from key_warnings(request.public_key())
    yield from signature_warnings(request)
    if not _signature_ok(request):
        yield "its signature is wrong: no proof of possession of the key (RFC 2986 section 3)"
