"""Verifying a certificate against what the certificate directory trusts: its own root CAs, never the system's.

Anchors are the self-signed certificates in ``cas/``; the other CAs there, and whatever else lies in the certificate's
own file, may stand between; CRLs come from ``crls/``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.x509 import CertificateRevocationList

from easycert.certdir import CertDir
from easycert.errors import InvalidInput, Malformed, UnreadableFile, VerificationFailed
from easycert.model import Kind
from easycert.pki.certificates import load_certificates
from easycert.pki.describe.certificate import fingerprint, guessed_kind, is_self_signed
from easycert.pki.formats.pem import identify
from easycert.pki.names import HostName
from easycert.pki.subjects import shown_name
from easycert.pki.verify import Policy, Purpose, Verified, verify
from easycert.store import layout
from easycert.workflows.lookup import Found, find, key_beside

_PURPOSES = {Kind.CA: Purpose.CA, Kind.HOST: Purpose.SERVER, Kind.USER: Purpose.CLIENT, Kind.CODE: Purpose.CODE}


class VerifyRequest(NamedTuple):
    """What to verify: a NAME (of this *kind*, where several have it) or a FILE, and for what.

    Without *purpose* the kind of the certificate says what it is for; without *hostname* a host found by NAME is held
    against that name; without *at* the time is now.
    """

    target: str
    kind: Kind | None = None
    purpose: Purpose | None = None
    hostname: str | None = None
    at: datetime | None = None
    require_crl: bool = False


@dataclass(frozen=True)
class Verification:
    """A certificate that verifies: its path (leaf first, trusted root last) and notes on what could not be checked."""

    path: str
    kind: Kind | None
    name: str | None
    subject: str
    sha256: str
    purpose: Purpose
    hostname: str | None
    at: datetime
    chain: tuple[str, ...]
    key_checked: bool
    notes: tuple[str, ...]


class _Trust(NamedTuple):
    """What the directory offers to judge by, and notes about files that it cannot offer."""

    anchors: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]
    crls: tuple[CertificateRevocationList, ...]
    notes: tuple[str, ...]


def verify_named(certdir: CertDir, request: VerifyRequest) -> Verification:
    """Verify what *request* names, and that the private key beside it belongs to it.

    Raises VerificationFailed with every reason; AmbiguousName, NotFound, UnreadableFile and Malformed when there is no
    certificate to judge; InvalidSan for a host name that is none.
    """
    found = find(certdir, request.target, kind=request.kind)
    leaf, *rest = _certificates(found)
    trust = _trust(certdir)
    policy = _policy(found, leaf, request, request.at or certdir.now())
    policy = policy._replace(anchors=trust.anchors, intermediates=(*rest, *trust.intermediates), crls=trust.crls)
    key = key_beside(certdir, found.entry, leaf) if found.entry else None
    key_reasons = (f"the private key {key.path}: {key.problem}",) if key and key.problem else ()
    verified = _judged(leaf, policy, found, key_reasons)
    return Verification(
        path=found.path,
        kind=found.kind,
        name=found.name,
        subject=shown_name(leaf.subject),
        sha256=fingerprint(leaf),
        purpose=policy.purpose,
        hostname=getattr(policy.hostname, "display", policy.hostname),
        at=policy.at,
        chain=tuple(shown_name(certificate.subject) for certificate in verified.path),
        key_checked=key is not None,
        notes=(*verified.notes, *trust.notes),
    )


def _policy(found: Found, leaf: x509.Certificate, request: VerifyRequest, at: datetime) -> Policy:
    """Return what *leaf* is to be good for; whom to trust is filled in by the caller."""
    kind = found.kind or guessed_kind(leaf)
    purpose = request.purpose or (_PURPOSES[kind] if kind else Purpose.ANY)
    hostname = request.hostname or _own_hostname(found, request.target, purpose)
    return Policy((), at, purpose=purpose, hostname=hostname, require_crl=request.require_crl)


def _judged(leaf: x509.Certificate, policy: Policy, found: Found, key_reasons: tuple[str, ...]) -> Verified:
    """Return the verdict on *leaf*; what is wrong with its key joins what is wrong with its path."""
    shown = f"{found.kind.value} {found.name}" if found.kind else found.path
    try:
        verified = verify(leaf, policy)
    except VerificationFailed as error:
        raise VerificationFailed(shown, (*error.reasons, *key_reasons)) from None
    if key_reasons:
        raise VerificationFailed(shown, key_reasons)
    return verified


def _certificates(found: Found) -> tuple[x509.Certificate, ...]:
    certificates = identify(found.data, found.path).certificates
    if not certificates:
        raise Malformed(found.path, "a certificate", "it holds something else")
    return certificates


def _own_hostname(found: Found, target: str, purpose: Purpose) -> HostName | None:
    """Return the name that a host found by NAME must carry; None for one whose name no TLS client could ask for."""
    if found.kind is not Kind.HOST or purpose is not Purpose.SERVER:
        return None
    for text in (target, str(found.name).replace("_", ":")):  # an IPv6 address has underscores in its file name
        try:
            return HostName(text)
        except InvalidInput:
            continue
    return None


# --- what the directory trusts ---------------------------------------------------------------------------------------


def _trust(certdir: CertDir) -> _Trust:
    notes: list[str] = []
    authorities = [certificate for found in _authorities(certdir, notes) for certificate in found]
    anchors = tuple(certificate for certificate in authorities if is_self_signed(certificate))
    others = tuple(certificate for certificate in authorities if certificate not in anchors)
    return _Trust(anchors, others, tuple(_crls(certdir, notes)), tuple(notes))


def _authorities(certdir: CertDir, notes: list[str]) -> Iterator[Sequence[x509.Certificate]]:
    for path, data in _files(certdir, layout.FOLDERS[Kind.CA], "crt", notes):
        try:
            yield load_certificates(data, path)
        except Malformed as error:
            notes.append(f"{path} was ignored: it is not {error.what} that can be decoded")


def _crls(certdir: CertDir, notes: list[str]) -> Iterator[CertificateRevocationList]:
    for path, data in _files(certdir, layout.CRLS, "crl", notes):
        try:
            yield from (item for item in identify(data, path).items if isinstance(item, CertificateRevocationList))
        except Malformed as error:
            notes.append(f"{path} was ignored: it is not {error.what} that can be decoded")


def _files(certdir: CertDir, folder: str, suffix: str, notes: list[str]) -> Iterator[tuple[str, bytes]]:
    try:
        entries = [entry for entry in certdir.store.entries(folder) if entry.suffix == suffix]
    except UnreadableFile as error:
        notes.append(f"{error.path} was ignored: {error.reason}")
        return
    for entry in entries:
        path = certdir.store.find(entry) or entry.path
        try:
            yield path, certdir.store.read(entry) or b""
        except UnreadableFile as error:
            notes.append(f"{path} was ignored: {error.reason}")
