"""An OCSP response that somebody else sent, judged as a client must: RFC 6960 section 3.2."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509 import ocsp

from easycert.errors import EasycertError, Reason
from easycert.pki.certificates import is_signed_by
from easycert.pki.ocsp import name_and_key, require_may_respond
from easycert.pki.signatures import UNREADABLE
from easycert.pki.validity import rfc3339

_CLAUSE = "RFC 6960 3.2"


class Staple(NamedTuple):
    """What a response says of one certificate: ``good``, ``revoked``, ``unknown``, since when and until when.

    *status* is empty where it says nothing of it. *reasons* are why it must not be relied on, or that it is revoked.
    """

    status: str
    this_update: datetime | None
    next_update: datetime | None
    reasons: tuple[Reason, ...]


def judge_staple(data: bytes, leaf: x509.Certificate, issuer: x509.Certificate | None, now: datetime) -> Staple:
    """Return what the response in DER *data* says of *leaf*, whose CA is *issuer* (None: it is not known)."""
    try:
        response = ocsp.load_der_ocsp_response(data)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            told = response.response_status.name.lower().replace("_", " ")
            return _nothing(f"has a stapled OCSP response that is an error ({told})")
        single = next((one for one in response.responses if one.serial_number == leaf.serial_number), None)
        if single is None:
            return _nothing("has a stapled OCSP response about another certificate")
        reasons = [*_dates(single, now), *_signature(response, single, issuer, now)]
        if single.certificate_status is ocsp.OCSPCertStatus.REVOKED and not reasons:
            when = single.revocation_time_utc
            since = f" since {rfc3339(when)}" if when else ""
            reasons.append(Reason(f"was revoked{since}, says the OCSP response that is stapled to it", _CLAUSE))
        status = single.certificate_status.name.lower()
        return Staple(status, single.this_update_utc, single.next_update_utc, tuple(reasons))
    except UNREADABLE:
        return _nothing("has a stapled OCSP response that cannot be decoded")


def _nothing(rule: str) -> Staple:
    return Staple("", None, None, (Reason(rule, _CLAUSE),))


def _dates(single: ocsp.OCSPSingleResponse, now: datetime) -> Iterator[Reason]:
    if single.this_update_utc > now:
        yield Reason(f"has a stapled OCSP response that begins on {rfc3339(single.this_update_utc)}", _CLAUSE)
    if single.next_update_utc is not None and single.next_update_utc < now:
        yield Reason(f"has a stapled OCSP response that ended on {rfc3339(single.next_update_utc)}", _CLAUSE)


def _signature(
    response: ocsp.OCSPResponse, single: ocsp.OCSPSingleResponse, issuer: x509.Certificate | None, now: datetime
) -> Iterator[Reason]:
    """Say why it is not signed by *issuer* or by whom it delegated that to (RFC 6960 section 4.2.2.2)."""
    if issuer is None:
        return  # the path ends there, which is said
    if not _is_about(single, issuer):
        yield Reason("has a stapled OCSP response about a certificate of another CA", _CLAUSE)
    elif not any(_signed(response, one) for one in _responders(response, issuer, now)):
        yield Reason("has a stapled OCSP response that its CA did not sign, nor anybody for it", "RFC 6960 4.2.2.2")


def _responders(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> Iterator[x509.Certificate]:
    yield issuer
    for certificate in response.certificates[:4]:
        try:
            require_may_respond(certificate, issuer, now, "the OCSP response")
        except EasycertError:
            continue
        if is_signed_by(certificate, issuer):
            yield certificate


def _is_about(single: ocsp.OCSPSingleResponse, issuer: x509.Certificate) -> bool:
    """Return whether it names the issuer's name and key (RFC 6960 section 4.1.1)."""
    meant = single.issuer_name_hash, single.issuer_key_hash
    return tuple(_hashed(part, single.hash_algorithm) for part in name_and_key(issuer)) == meant


def _hashed(data: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()


def _signed(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, algorithm = signer.public_key(), response.signature_hash_algorithm
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(response.signature, response.tbs_response_bytes)
        else:
            return False
    except InvalidSignature:
        return False
    return True
