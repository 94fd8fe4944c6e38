"""Revoking: certificates are put on their CA's CRL, once and for good, and the ledger remembers it, in one step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from easycert.bookkeeping import Change
from easycert.certdir import CertDir
from easycert.errors import InvalidInput, KeyMismatch, NotFound, WrongIssuer
from easycert.ledger.entries import Event
from easycert.model import Kind, Value
from easycert.pki.certificates import load_certificate, require_signed_by
from easycert.pki.crl import Revocation
from easycert.pki.encodings import Encoding
from easycert.pki.facts import fingerprint_of, issuer_id
from easycert.pki.names import SafeName
from easycert.pki.revision import Outcome
from easycert.pki.validity import rfc3339
from easycert.store import layout
from easycert.workflows.next_crl import CrlOptions, NextCrl, Published, authority_for_crl
from easycert.workflows.revocable import Target, resolve


class Why(Value):
    """Why certificates are revoked, and since when they are suspected to have been bad.

    *unhold* lifts a certificateHold instead: everything else is permanent (RFC 5280 section 5.3.1).
    """

    reason: x509.ReasonFlags = x509.ReasonFlags.unspecified
    invalid_since: datetime | None = None
    unhold: bool = False


class RevokeRequest(Value):
    """What is wanted: certificates, each as NAME, SERIAL number or FILE, and why they are revoked.

    *kind* and *signas* say which certificate or CA is meant where there are several.
    """

    targets: tuple[str, ...]
    why: Why = Why()
    kind: Kind | None = None
    signas: SafeName | None = None
    options: CrlOptions = CrlOptions()


class Revoked(Value):
    """A certificate that is on its CA's CRL, since when and why, and what this command changed."""

    kind: Kind | None
    name: str | None
    shown: str
    certificate: x509.Certificate
    authority: SafeName
    outcome: Outcome
    #: None when a hold was lifted.
    revocation: Revocation | None


class Revocations(Value):
    """What came of a request: each certificate, and each CA's CRL that was written."""

    revoked: tuple[Revoked, ...]
    published: tuple[Published, ...]


def revoke_named(certdir: CertDir, request: RevokeRequest) -> Revocations:
    """Revoke what *request* names (or lift the hold on it) and publish the CRLs of their CAs: all of it, or nothing.

    Revoking twice changes neither date nor reason (RFC 5280 section 5.3). Raises what
    :func:`~easycert.workflows.revocable.resolve` and :func:`~easycert.workflows.publish.publish_all` raise,
    InvalidInput for an impossible time, and Refused for a hold that is none.
    """
    now = certdir.signing_time()
    _require_past(request.why, now)
    try:
        targets = [resolve(certdir, text, kind=request.kind, signas=request.signas) for text in request.targets]
    finally:
        certdir.ledger.close()  # what was only read stays as it lies
    return _revoke_all(certdir, targets, request.why, now, request.options)


def revoke(
    certdir: CertDir,
    kind: Kind,
    name: SafeName,
    signas: SafeName,
    why: Why | None = None,
    options: CrlOptions | None = None,
) -> Revoked:
    """Revoke the certificate that is called *name* now, which the CA *signas* issued, and publish that CA's CRL.

    Raises NotFound when there is no such certificate, WrongIssuer when the CA did not sign it, and what
    :func:`revoke_named` raises.
    """
    certificate = _certificate(certdir, kind, name)
    _require_issued_by(certdir, certificate, name, signas)
    target = Target(certificate, signas, kind, name)
    (revoked,) = _revoke_all(certdir, [target], why or Why(), certdir.signing_time(), options or CrlOptions()).revoked
    return revoked


def revoke_within(
    change: Change, certdir: CertDir, targets: Sequence[Target], why: Why, when: tuple[datetime, CrlOptions]
) -> Revocations:
    """Revoke *targets* within the open *change*, to which the CRLs and the entries of the ledger are added.

    *when* is the time, and how the CRLs are to be.
    """
    drafts: dict[SafeName, NextCrl] = {}
    revoked = []
    for target in targets:
        if target.authority not in drafts:
            drafts[target.authority] = NextCrl(certdir, change, authority_for_crl(certdir, target.authority))
        revoked.append(_revoked(drafts[target.authority], target, why, when[0]))
    return Revocations(tuple(revoked), tuple(draft.stage(*when) for draft in drafts.values()))


def _revoke_all(
    certdir: CertDir, targets: Sequence[Target], why: Why, now: datetime, options: CrlOptions
) -> Revocations:
    for name in dict.fromkeys(target.authority for target in targets):
        authority_for_crl(certdir, name)  # before anything is locked, or a ledger begun
    with certdir.change(now) as change:
        return revoke_within(change, certdir, targets, why, (now, options))


def _revoked(draft: NextCrl, target: Target, why: Why, now: datetime) -> Revoked:
    certificate, serial = target.certificate, target.certificate.serial_number
    place = {"fingerprint": fingerprint_of(certificate.public_bytes(Encoding.DER))}
    if target.kind is not None and target.name is not None:
        place |= {"kind": target.kind.value, "name": target.name}
    if why.unhold:
        draft.revision.release(serial, target.shown)
        outcome = Outcome.RELEASED
        draft.record(Event.RELEASED, serial, issuer_id=issuer_id(certificate), **place)
    else:
        outcome = draft.revision.revoke(Revocation(serial, now, why.reason, why.invalid_since))
        if outcome is not Outcome.ALREADY:
            draft.record(Event.REVOKED, serial, issuer_id=issuer_id(certificate), **place)
    return Revoked(
        target.kind,
        target.name,
        target.shown,
        certificate,
        target.authority,
        outcome,
        draft.revision.find(serial),
    )


def _require_past(why: Why, now: datetime) -> None:
    if why.invalid_since is not None and why.invalid_since > now:
        raise InvalidInput("time", rfc3339(why.invalid_since), "is not past: nobody knows what will be invalid")


def _certificate(certdir: CertDir, kind: Kind, name: SafeName) -> x509.Certificate:
    found = certdir.read(layout.certificate(kind, name))
    if found is None:
        raise NotFound(f"{kind.value} certificate", name)
    return load_certificate(*found)


def _require_issued_by(certdir: CertDir, certificate: x509.Certificate, name: SafeName, signas: SafeName) -> None:
    found = certdir.read(layout.certificate(Kind.CA, signas))
    refusal = WrongIssuer(name, f"the CA '{signas}' did not sign this certificate")
    if found is None:
        raise refusal
    try:
        require_signed_by(certificate, load_certificate(*found), name)
    except KeyMismatch:
        raise refusal from None
