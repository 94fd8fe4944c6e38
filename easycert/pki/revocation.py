"""Whether CRLs say that a certificate of a path is revoked (RFC 5280 section 6.3).

A CRL counts only when the CA of the path itself signed it: its name, key identifier and signature must all be those of
the CA (cfssl once trusted CRLs that nobody had signed). A listed certificate is revoked even where the CRL is stale;
that a certificate is *not* listed says something only while the CRL is fresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtensionOID

from easycert.pki.chains import UNREADABLE, authority_key_id, subject_key_id
from easycert.pki.rules import Member, Path
from easycert.pki.validity import rfc3339

_PROCESSED = frozenset({ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.CRL_NUMBER})


class Findings(NamedTuple):
    """What CRLs say about a path: ``reasons`` to refuse it, and ``notes`` about what was not checked and why."""

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
    for member, issuer in pairwise(path):
        usable, ignored = _usable_crls(crls, issuer, at)
        notes += ignored
        revoked, unknown = _revoked(member, usable, at), _unknown(issuer, usable, at)
        if revoked:
            reasons.append(member.says(revoked))
        elif unknown and required:
            reasons.append(member.says(f"has the status unknown ({unknown}) [RFC 5280 6.3]"))
        elif unknown:
            notes.append(
                f"status unknown ({unknown}) [RFC 5280 6.3]" if usable else f"{unknown}: revocation not checked"
            )
    return Findings(tuple(reasons), tuple(dict.fromkeys(notes)))


def _usable_crls(
    crls: Sequence[x509.CertificateRevocationList], issuer: Member, at: datetime
) -> tuple[list[x509.CertificateRevocationList], list[str]]:
    """Return the CRLs of *issuer*, the one in force first, and notes about those that only bear its name."""
    usable, ignored = [], []
    for crl in crls:
        try:
            if crl.issuer != issuer.certificate.subject:
                continue
            flaw = _flaw(crl, issuer)
        except UNREADABLE:
            flaw = "cannot be decoded [RFC 5280 5.1]"
        if flaw:
            ignored.append(f"a CRL of '{issuer.name}' was ignored: it {flaw}")
        else:
            usable.append(crl)
    return sorted(usable, key=lambda crl: (crl.last_update_utc <= at, crl.last_update_utc), reverse=True), ignored


def _flaw(crl: x509.CertificateRevocationList, issuer: Member) -> str:
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
    return ""


def _is_signed(crl: x509.CertificateRevocationList, issuer: Member) -> bool:
    try:
        return crl.is_signature_valid(issuer.certificate.public_key())  # type: ignore[arg-type]
    except (InvalidSignature, *UNREADABLE):
        return False


def _revoked(member: Member, crls: Sequence[x509.CertificateRevocationList], at: datetime) -> str:
    """Return a fragment that tells when and why *member* is revoked; empty when it is not.

    An older CRL than the one in force does not count, since a hold can be lifted. One from the future does (clocks
    differ), unless it says that the certificate was still good at the instant *at*.
    """
    for crl in crls:
        if crl.last_update_utc < crls[0].last_update_utc:
            continue
        try:
            entry = crl.get_revoked_certificate_by_serial_number(member.certificate.serial_number)
        except UNREADABLE:  # an entry, or the serial number looked for
            return "cannot be looked up in the CRL of its issuer [RFC 5280 6.3.3 (i)]"
        if entry is not None and (entry.revocation_date_utc <= at or crl.last_update_utc <= at):
            return f"was revoked on {rfc3339(entry.revocation_date_utc)} ({_reason(entry)}) [RFC 5280 6.3.3 (i)]"
    return ""


def _reason(entry: x509.RevokedCertificate) -> str:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        return x509.ReasonFlags.unspecified.value
    except UNREADABLE:
        return "unreadable reason"


def _unknown(issuer: Member, crls: Sequence[x509.CertificateRevocationList], at: datetime) -> str:
    """Return why the CRLs do not tell that a certificate they do not list is good; empty when they do."""
    if not crls:
        return f"no CRL of '{issuer.name}'"
    start, end = crls[0].last_update_utc, crls[0].next_update_utc
    if start > at:
        return f"CRL of '{issuer.name}' not valid before {rfc3339(start)}"
    if end is not None and at > end:
        return f"CRL of '{issuer.name}' stale since {rfc3339(end)}"
    return ""
