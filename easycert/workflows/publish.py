"""Publishing a CRL: the one that is there is read, added to, and the next one signed, under the directory's lock."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import EasycertError, KeyMismatch, Malformed, NotFound, Refused, UnreadableFile
from easycert.model import Kind, Value
from easycert.pki import crl as crls
from easycert.pki.certificates import Issuer, load_certificate, require_signed_by
from easycert.pki.crl import Crl, CrlSpec
from easycert.pki.issuers import require_may_sign_crls
from easycert.pki.names import SafeName
from easycert.pki.profiles import MODERN, Profile
from easycert.pki.revision import Revision
from easycert.pki.validity import BACKDATE, Validity, When, period, rfc3339
from easycert.store import layout
from easycert.store.protocol import Transaction
from easycert.workflows import authorities
from easycert.workflows.authorities import Authority


class CrlOptions(Value):
    """How the next CRL is to be.

    It is valid until *next_update*; unless that is said, for as long as the one before it was, and the first one for as
    long as the profile says. *prune* drops the entries of certificates that have expired.
    """

    profile: Profile = MODERN
    next_update: When | None = None
    prune: bool = False


class Draft(Value):
    """A CRL that is still to be signed: whose it is, what changes in it, when it is made and how it is to be."""

    authority: Authority
    revision: Revision
    now: datetime
    options: CrlOptions


class Published(Value):
    """A CRL that was written: its CA, absolute path, number and validity, its entries and how many of them are gone."""

    name: SafeName
    path: str
    number: int
    this_update: datetime
    next_update: datetime
    entries: int
    pruned: int
    notes: tuple[str, ...]
    #: The CRL in DER, for who wants to put it elsewhere.
    der: bytes


class Failure(Value):
    """A CA whose CRL is due and could not be published, and why."""

    name: SafeName
    error: EasycertError


class DueRun(Value):
    """What came of publishing the CRLs that were due: those written, CAs whose CRL was fresh enough, and failures."""

    published: tuple[Published, ...]
    fresh: tuple[SafeName, ...]
    failed: tuple[Failure, ...]


def publish(certdir: CertDir, name: SafeName, options: CrlOptions | None = None) -> Published:
    """Write the next CRL of the CA called *name*. See :func:`publish_all`."""
    return publish_all(certdir, [name], options)[0]


def publish_all(
    certdir: CertDir, names: Sequence[SafeName], options: CrlOptions | None = None
) -> tuple[Published, ...]:
    """Write the next CRL of each of the CAs called *names*, with its old entries; all of them, or none.

    Raises MissingAuthority, IssuerUnusable, Malformed, and Refused for an old CRL that the CA did not sign and for a
    clock that cannot be right.
    """
    now = certdir.signing_time()
    wanted = [authority_for_crl(certdir, name) for name in dict.fromkeys(names)]
    with certdir.store.transaction() as files:
        drafts = [
            Draft(authority, current_revision(certdir, authority), now, options or CrlOptions()) for authority in wanted
        ]
        return tuple(stage(certdir, files, draft) for draft in drafts)


def publish_due(certdir: CertDir, names: Sequence[SafeName] = (), options: CrlOptions | None = None) -> DueRun:
    """Write the next CRL of each CA whose CRL is due: less than a third of its life is left, or it cannot be told.

    Of the CAs called *names* also those that have no CRL yet; without *names*, of all CAs that have one. A failure on
    one does not keep the others from theirs.
    """
    now = certdir.signing_time()
    published, fresh, failed = [], [], []
    for name in names or _with_crls(certdir):
        try:
            if _is_due(certdir, name, now):
                published.append(publish(certdir, name, options))
            else:
                fresh.append(name)
        except EasycertError as error:
            failed.append(Failure(name, error))
    return DueRun(tuple(published), tuple(fresh), tuple(failed))


def copy_crl(certdir: CertDir, name: SafeName, path: str) -> None:
    """Write the CRL that the CA called *name* has now to *path* in DER, as web servers hand it out (RFC 2585).

    An older CRL of this CA in that place is replaced; see :func:`require_copyable`. Raises NotFound without a CRL.
    """
    from easycert.store.outside import write_file

    require_copyable(certdir, name, path)
    found = certdir.read(layout.crl(name))
    if found is None:
        raise NotFound("CRL of a CA", name)
    write_file(path, crls.read_crl(*found).der, replace=True)


def require_copyable(certdir: CertDir, name: SafeName, path: str) -> None:
    """Raise Refused when anything but a CRL of this CA lies at *path*, StoreFailure when none can be written."""
    from easycert.store.files import CRL_LIMIT, read_file
    from easycert.store.outside import require_writable

    require_writable(path, replace=True)
    certificate = certdir.read(layout.certificate(Kind.CA, name))
    if not os.path.lexists(path) or certificate is None:
        return
    refusal = Refused(path, "it is there, and is no CRL of this CA")
    try:
        there = crls.load_crl(read_file(path, limit=CRL_LIMIT), path).issuer
    except (Malformed, UnreadableFile):
        raise refusal from None
    if there != load_certificate(*certificate).subject:
        raise refusal


def authority_for_crl(certdir: CertDir, name: SafeName) -> Authority:
    """Return the CA called *name*. Raises MissingAuthority, and IssuerUnusable for one that may sign no CRL."""
    authority = authorities.load(certdir, name)
    require_may_sign_crls(authority.certificate, name)
    return authority


def current(certdir: CertDir, name: SafeName, issuer: Issuer) -> Crl | None:
    """Return the CRL that is in the directory, checked to be *issuer*'s own; None where there is none yet."""
    found = certdir.read(layout.crl(name))
    if found is None:
        return None
    data, source = found
    crl = crls.read_crl(data, source)
    crls.require_issued_by(crl, issuer, source)
    return crl


def current_revision(certdir: CertDir, authority: Authority) -> Revision:
    """Return the revision that begins with the CA's CRL as it is; call it while a transaction is open."""
    return Revision(current(certdir, authority.name, authority.issuer))


def stage(certdir: CertDir, files: Transaction, draft: Draft) -> Published:
    """Sign the CRL that *draft* describes and stage it in the open transaction *files*."""
    authority, old = draft.authority, draft.revision.old
    pruned = draft.revision.prune(_expiries(certdir, authority)) if draft.options.prune else 0
    number = crls.next_number(0 if old is None else crls.crl_number(old.parsed), draft.now)
    spec = CrlSpec(number, _validity(old, draft.now, draft.options), tuple(draft.revision.entries()))
    encoded = crls.signed_crl(spec, authority.issuer)
    written = x509.load_der_x509_crl(encoded)  # nothing takes the place of a CRL that cannot be read itself
    files.replace(layout.crl(authority.name), crls.crl_pem(encoded))
    return Published(
        name=authority.name,
        path=certdir.store.path(layout.crl(authority.name)),
        number=number,
        this_update=spec.validity.not_before,
        next_update=spec.validity.not_after,
        entries=len(written),
        pruned=pruned,
        notes=_notes(old, draft.now),
        der=encoded,
    )


def _validity(old: Crl | None, now: datetime, options: CrlOptions) -> Validity:
    if options.next_update is not None:
        return period(now, options.next_update)
    if old is not None and old.parsed.next_update_utc is not None:
        before = old.parsed.next_update_utc - old.parsed.last_update_utc - BACKDATE + timedelta(seconds=1)
        if before > timedelta():
            return period(now, When(None, before))
    return period(now, options.profile.crl_lifetime)


def _notes(old: Crl | None, now: datetime) -> tuple[str, ...]:
    if old is None or now >= old.parsed.last_update_utc:
        return ()
    before = rfc3339(old.parsed.last_update_utc)
    return (f"the clock is behind: the CRL before this one is of {before}",)


def _is_due(certdir: CertDir, name: SafeName, now: datetime) -> bool:
    found = certdir.read(layout.crl(name))
    if found is None:
        return True
    crl = crls.load_crl(*found)
    start, end = crl.last_update_utc, crl.next_update_utc
    return end is None or now >= end - (end - start) / 3 or now < start


def _with_crls(certdir: CertDir) -> list[SafeName]:
    return [SafeName(entry.name) for entry in certdir.store.entries(layout.CRLS) if entry.suffix == "crl"]


def _expiries(certdir: CertDir, authority: Authority) -> Mapping[int, datetime]:
    """Return when the certificates that the CA signed expire, by serial number, as far as that is known."""
    return {
        certificate.serial_number: certificate.not_valid_after_utc
        for kind in Kind
        for _, certificate in authorities.certificates_below(certdir, layout.FOLDERS[kind])
        if _is_signed_by(certificate, authority.certificate)
    }


def _is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        require_signed_by(certificate, issuer, "a certificate")
    except KeyMismatch:
        return False
    return True
