"""Verifying a certificate against what the certificate directory trusts, or what the caller names; never the system's.

What lies in the certificate's own file behind it may stand between it and an anchor, beside what
:mod:`easycert.workflows.evidence` finds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import InvalidInput, Malformed, Reason, VerificationFailed
from easycert.model import Kind
from easycert.pki.describe.certificate import fingerprint, guessed_kind
from easycert.pki.formats.bundle import Undecodable, read_bundle
from easycert.pki.formats.pem import identify
from easycert.pki.names import HostName
from easycert.pki.paths import MAX_DEPTH
from easycert.pki.signatures import UNREADABLE
from easycert.pki.subjects import shown_name
from easycert.pki.verify import Policy, Purpose, Verified, verify
from easycert.workflows.evidence import Evidence, gather
from easycert.workflows.lookup import Found, KeyBeside, find, key_beside

_PURPOSES = {
    Kind.CA: Purpose.CA,
    Kind.HOST: Purpose.SERVER,
    Kind.USER: Purpose.CLIENT,
    Kind.CODE: Purpose.CODE,
    Kind.OCSP: Purpose.ANY,
}


class VerifyRequest(NamedTuple):
    """What to verify: a NAME (of this *kind*, where several have it) or a FILE, for what, and by what.

    Without *purpose* the kind of the certificate says what it is for; without *hostname* a host found by NAME is held
    against that name, unless *no_hostname*; without *at* the time is now. *trust*, *untrusted* and *crls* are paths of
    files, or of directories of files: with *trust*, the certificate directory's own CAs and CRLs are not used.
    """

    target: str
    kind: Kind | None = None
    purpose: Purpose | None = None
    hostname: str | None = None
    at: datetime | None = None
    require_crl: bool = False
    email: str | None = None
    no_hostname: bool = False
    max_depth: int = MAX_DEPTH
    trust: tuple[str, ...] = ()
    untrusted: tuple[str, ...] = ()
    crls: tuple[str, ...] = ()


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
    email: str | None
    at: datetime
    chain: tuple[str, ...]
    key_checked: bool
    notes: tuple[str, ...]


def verify_named(certdir: CertDir, request: VerifyRequest, evidence: Evidence | None = None) -> Verification:
    """Verify what *request* names, and that the private key beside it belongs to it, where that can be read.

    Whoever verifies many gathers the *evidence* once (:func:`easycert.workflows.evidence.gather_own`).

    Raises VerificationFailed with every reason; AmbiguousName, NotFound, UnreadableFile and Malformed when there is no
    certificate to judge, or nothing in a file to judge it by; InvalidSan for a host name or e-mail address that is
    none, and InvalidInput for wishes that contradict each other.
    """
    if request.no_hostname and request.hostname is not None:
        raise InvalidInput("option", "--no-hostname", "cannot stand beside --hostname")
    found = find(certdir, request.target, kind=request.kind)
    evidence = evidence or gather(certdir, request.trust, request.untrusted, request.crls)
    leaf, rest = _certificates(found)
    policy = _policy(found, leaf, request, request.at or certdir.now())
    policy = policy._replace(
        anchors=evidence.anchors, intermediates=(*rest, *evidence.intermediates), crls=evidence.crls
    )
    key = key_beside(certdir, found.entry, leaf) if found.entry else None
    verified = _judged(leaf, policy, found, (*_name_reasons(request, policy), *_key_reasons(key)))
    if key is not None and not key.seen:  # whoever verifies needs no key
        unseen = f"the private key was not checked: {key.problem}"
        verified = verified._replace(notes=(*verified.notes, unseen))
    return _verification(found, leaf, policy, verified, evidence, key_checked=key is not None and key.seen)


_KEY_RULE = "RFC 5280 4.1.2.7"


def _key_reasons(key: KeyBeside | None) -> tuple[Reason, ...]:
    if key is None or not key.seen or not key.problem:
        return ()
    return (Reason(f"the private key {key.path}: {key.problem}", _KEY_RULE),)


def _verification(
    found: Found, leaf: x509.Certificate, policy: Policy, verified: Verified, evidence: Evidence, *, key_checked: bool
) -> Verification:
    return Verification(
        path=found.path,
        kind=found.kind,
        name=found.name,
        subject=shown_name(leaf.subject),
        sha256=fingerprint(leaf),
        purpose=policy.purpose,
        hostname=getattr(policy.hostname, "display", policy.hostname),
        email=policy.email,
        at=policy.at,
        chain=tuple(shown_name(certificate.subject) for certificate in verified.path),
        key_checked=key_checked,
        notes=(*verified.notes, *evidence.notes),
    )


def _policy(found: Found, leaf: x509.Certificate, request: VerifyRequest, at: datetime) -> Policy:
    """Return what *leaf* is to be good for; whom to trust is filled in by the caller."""
    kind = found.kind or _guessed_kind(leaf)
    purpose = request.purpose or (_PURPOSES[kind] if kind else Purpose.ANY)
    hostname = request.hostname
    if hostname is None and not request.no_hostname:
        hostname = _own_hostname(found, request.target, purpose)
    return Policy(
        (),
        at,
        purpose=purpose,
        hostname=hostname,
        email=request.email,
        require_crl=request.require_crl,
        max_depth=request.max_depth,
    )


def _guessed_kind(leaf: x509.Certificate) -> Kind | None:
    try:
        return guessed_kind(leaf)
    except UNREADABLE:  # it will not verify whatever it is for
        return None


def _name_reasons(request: VerifyRequest, policy: Policy) -> tuple[Reason, ...]:
    """Refuse a server whose name nobody has asked about, where it was asked for as a server (hazard I3).

    Where only the certificate itself says that it is a server's, a note must do: nobody wanted to reach it.
    """
    if request.purpose is Purpose.SERVER and policy.hostname is None and not request.no_hostname:
        return (Reason("name not checked: no host name was given", "RFC 9525 6"),)
    return ()


def _judged(leaf: x509.Certificate, policy: Policy, found: Found, more: tuple[Reason, ...]) -> Verified:
    """Return the verdict on *leaf*; what is wrong with its key and its name joins what is wrong with its path."""
    try:
        verified = verify(leaf, policy)
    except VerificationFailed as error:
        raise VerificationFailed(_shown(found), (*error.reasons, *more)) from None
    if more:
        raise VerificationFailed(_shown(found), more)
    return verified


def _shown(found: Found) -> str:
    return f"{found.kind.value} {found.name}" if found.kind else found.path


def _certificates(found: Found) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """Return the certificate to judge, the first of its file, and those behind it."""
    bundle = read_bundle(found.data)
    certificates = bundle.certificates or identify(found.data, found.path).certificates
    if not certificates:
        raise Malformed(found.path, "a certificate", "it holds something else")
    leaf = certificates[0]
    if isinstance(leaf, Undecodable):
        reason = Reason(f"cannot be decoded as a certificate ({leaf.problem})", "RFC 5280 4.1")
        raise VerificationFailed(_shown(found), (reason,))
    return leaf, tuple(item for item in certificates[1:] if not isinstance(item, Undecodable))


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
