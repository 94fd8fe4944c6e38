"""Whether CRLs say that a certificate of a path is revoked (RFC 5280 section 6.3).

A CRL counts only when the CA of the path itself signed it: its name, key identifier and signature must all be those of
the CA (cfssl once trusted CRLs that nobody had signed). A listed certificate is revoked even where the CRL is stale;
that a certificate is *not* listed says something only while the CRL is fresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtensionOID

from easycert.pki.chains import UNREADABLE, authority_key_id, subject_key_id
from easycert.pki.rules import Member, Path
from easycert.pki.validity import rfc3339

_PROCESSED = frozenset({ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.CRL_NUMBER})


class Findings(NamedTuple):
    """What CRLs say about a path: ``reasons`` to refuse it, and ``notes`` about what was not or could not be checked."""

    reasons: tuple[str, ...]
    notes: tuple[str, ...]


def judge_revocation(
    path: Path, crls: Sequence[x509.CertificateRevocationList], at: datetime, *, required: bool
) -> Findings:
    """Return what *crls* say at the instant *at* about every member of *path* but the anchor.

    An unknown status (no CRL, a stale one) is a reason where CRLs are *required*, else a note.
    """
    reasons: list[str] = []
    notes: list[str] = []
    for member, issuer in zip(path, path[1:], strict=False):
        usable, ignored = _usable_crls(crls, issuer, at)
        notes += ignored
        revoked = _revoked(member, usable, at)
        unknown = "" if revoked else _unknown(issuer, usable, at, required=required)
        reasons += [member.says(revoked)] if revoked else []
        if unknown:
            (reasons if required else notes).append(member.says(unknown) if required else unknown)
    return Findings(tuple(reasons), tuple(dict.fromkeys(notes)))


def _usable_crls(
    crls: Sequence[x509.CertificateRevocationList], issuer: Member, at: datetime
) -> tuple[list[x509.CertificateRevocationList], list[str]]:
    """Return the CRLs of *issuer*, the newest first, and notes about those that only bear its name."""
    usable, ignored = [], []
    for crl in crls:
        try:
            if crl.issuer != issuer.certificate.subject:
                continue
            flaw = _flaw(crl, issuer, at)
        except UNREADABLE:
            flaw = "cannot be decoded [RFC 5280 5.1]"
        if flaw:
            ignored.append(f"a CRL of '{issuer.name}' was ignored: it {flaw}")
        else:
            usable.append(crl)
    return sorted(usable, key=lambda crl: crl.last_update_utc, reverse=True), ignored


def _flaw(crl: x509.CertificateRevocationList, issuer: Member, at: datetime) -> str:
    signer, holder = authority_key_id(crl), subject_key_id(issuer.certificate)
    usage = issuer.find(x509.KeyUsage)
    if signer is not None and holder is not None and signer != holder:
        return "is of another key (its authorityKeyIdentifier says so) [RFC 5280 6.3.3 (c)]"
    if not _is_signed(crl, issuer):
        return "has a signature that was not made by this CA's key [RFC 5280 6.3.3 (g)]"
    if usage is not None and not usage.value.crl_sign:
        return "was signed by a key whose keyUsage lacks cRLSign [RFC 5280 6.3.3 (f)]"
    if any(extension.critical and extension.oid not in _PROCESSED for extension in crl.extensions):
        return "has a critical extension that is not understood here [RFC 5280 5.2]"
    if crl.last_update_utc > at:
        return f"is not valid before {rfc3339(crl.last_update_utc)} [RFC 5280 5.1.2.4]"
    return ""


def _is_signed(crl: x509.CertificateRevocationList, issuer: Member) -> bool:
    try:
        return crl.is_signature_valid(issuer.certificate.public_key())  # type: ignore[arg-type]
    except (InvalidSignature, *UNREADABLE):
        return False


def _revoked(member: Member, crls: Sequence[x509.CertificateRevocationList], at: datetime) -> str:
    """Return a fragment that tells when and why the newest CRL revokes *member*; empty when it does not."""
    for crl in crls[:1]:
        entry = crl.get_revoked_certificate_by_serial_number(member.certificate.serial_number)
        if entry is not None:
            return f"was revoked on {rfc3339(entry.revocation_date_utc)} ({_reason(entry)}) [RFC 5280 6.3.3 (i)]"
    return ""


def _reason(entry: x509.RevokedCertificate) -> str:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        return x509.ReasonFlags.unspecified.value
    except UNREADABLE:
        return "unreadable reason"


def _unknown(issuer: Member, crls: Sequence[x509.CertificateRevocationList], at: datetime, *, required: bool) -> str:
    if not crls:
        if required:
            return f"has an unknown status: there is no CRL of '{issuer.name}' [RFC 5280 6.3.3]"
        return f"no CRL of '{issuer.name}': revocation not checked"
    ended = crls[0].next_update_utc
    if ended is not None and at > ended:
        return f"status unknown (CRL of '{issuer.name}' stale since {rfc3339(ended)}) [RFC 5280 6.3.3 (a)]"
    return ""
