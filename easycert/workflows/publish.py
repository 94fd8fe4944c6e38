"""Publishing CRLs: all that are named, or those that are due, and copies in DER for web servers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

from easycert.certdir import CertDir
from easycert.errors import EasycertError, Malformed, NotFound, Refused, UnreadableFile
from easycert.model import Kind, Value
from easycert.pki import crl as crls
from easycert.pki.certificates import load_certificate
from easycert.pki.names import SafeName
from easycert.pki.validity import is_due
from easycert.store import layout
from easycert.workflows.next_crl import CrlOptions, NextCrl, Published, authority_for_crl

__all__ = ["CrlOptions", "DueRun", "Failure", "Published", "copy_crl", "publish", "publish_all", "publish_due"]


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
    with certdir.change(now) as change:
        drafts = [NextCrl(certdir, change, authority) for authority in wanted]
        return tuple(draft.stage(now, options or CrlOptions()) for draft in drafts)


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


def _is_due(certdir: CertDir, name: SafeName, now: datetime) -> bool:
    found = certdir.read(layout.crl(name))
    if found is None:
        return True
    crl = crls.load_crl(*found)
    start, end = crl.last_update_utc, crl.next_update_utc
    return end is None or now < start or is_due(start, end, now)


def _with_crls(certdir: CertDir) -> list[SafeName]:
    return [SafeName(entry.name) for entry in certdir.store.entries(layout.CRLS) if entry.suffix == "crl"]
