"""Having a machine trust a CA, no longer trust it, or saying whether it does: one CA, many stores."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from easycert.certdir import CertDir
from easycert.errors import IssuerUnusable, NotFound, Refused
from easycert.model import Kind, Value
from easycert.pki import issuers
from easycert.pki.certificates import certificate_pem, is_ca
from easycert.pki.formats.pem import identify
from easycert.trust import verbs
from easycert.trust.finding import Wanted, find_stores
from easycert.trust.machine import Machine
from easycert.trust.protocol import Anchor, StoreKind, TrustStore
from easycert.trust.verbs import UNDONE, Outcome, Told
from easycert.workflows.lookup import Found, find

_NO_PARTIAL_CHAINS = (
    "it is an intermediate: OpenSSL, and what is built on it, trusts roots only, unless told otherwise; trust its root"
)
_OF_A_USER = (StoreKind.CHROME, StoreKind.FIREFOX, StoreKind.NSS)


class TrustRequest(Value):
    """Which CA, by NAME or FILE, in which stores of which machine; *dry_run* only says what would be done."""

    authority: str
    machine: Machine
    wanted: Wanted = Wanted()
    dry_run: bool = False


class Trust(Value):
    """What became of one CA in each store that was asked for, or is here."""

    name: str
    subject: str
    sha256: str
    dry_run: bool
    stores: tuple[Told, ...]
    notes: tuple[str, ...]

    @property
    def undone(self) -> bool:
        """Whether something that was asked for was not done."""
        return any(told.outcome in UNDONE for told in self.stores if told.counts)

    @property
    def trusted_everywhere(self) -> bool:
        """Whether every store that counts trusts it."""
        counted = [told.outcome is Outcome.TRUSTED for told in self.stores if told.counts]
        return bool(counted) and all(counted)


def install(certdir: CertDir, request: TrustRequest) -> Trust:
    """Have the stores trust the CA. Raises Refused for what is no CA in force, and as :func:`find` does."""
    now = certdir.now()
    anchor, certificate = _anchor(certdir, request.authority)
    _require_worthy(certificate, anchor.name, now)
    children = request.machine.children
    notes = () if anchor.is_root else (_NO_PARTIAL_CHAINS,)
    return _each(request, anchor, lambda store: verbs.install(store, anchor, children, dry_run=request.dry_run), notes)


def remove(certdir: CertDir, request: TrustRequest) -> Trust:
    """Take the CA out of the stores, as far as easycert put it there; one that has expired, too."""
    anchor, _ = _anchor(certdir, request.authority)
    children = request.machine.children
    return _each(request, anchor, lambda store: verbs.remove(store, anchor, children, dry_run=request.dry_run))


def status(certdir: CertDir, request: TrustRequest) -> Trust:
    """Return which stores trust the CA."""
    anchor, _ = _anchor(certdir, request.authority)
    return _each(request, anchor, lambda store: verbs.status(store, anchor))


def _each(
    request: TrustRequest, anchor: Anchor, verb: Callable[[TrustStore], Told], notes: tuple[str, ...] = ()
) -> Trust:
    found = find_stores(request.machine, request.wanted)
    told = (*map(verb, found.stores), *found.missing)
    asked = StoreKind.NODE in request.wanted.kinds
    counted = tuple(item if asked or item.store is not StoreKind.NODE else item._replace(counts=False) for item in told)
    if request.machine.is_under_sudo and any(item.store in _OF_A_USER for item in told):
        notes = (*notes, "under sudo, browsers' stores are the superuser's own: for yours, run it without sudo")
    if not counted:
        notes = (*notes, "there is no trust store here that easycert knows")
    return Trust(anchor.name, _subject(anchor), anchor.fingerprint, request.dry_run, counted, notes)


def _anchor(certdir: CertDir, text: str) -> tuple[Anchor, x509.Certificate]:
    """Return the CA that *text* names, a NAME in ``cas/`` or a FILE with one certificate."""
    found = _found(certdir, text)
    certificates = identify(found.data, found.path).certificates
    if not certificates:
        raise Refused(found.path, "it holds no certificate")
    if len(certificates) > 1 and found.entry is None:
        raise Refused(found.path, f"it holds {len(certificates)} certificates; give one by one what is to be trusted")
    certificate = certificates[0]
    if not is_ca(certificate):
        raise Refused(found.path, "it is not a CA's certificate, and nothing else is put among those that sign")
    alone = found.data.strip() == certificate_pem(certificate).strip()  # so that programs can be handed the file
    name = found.name or _common_name(certificate)
    return Anchor.of(certificate, name, os.path.abspath(found.path) if alone else None), certificate


def _found(certdir: CertDir, text: str) -> Found:
    try:
        return find(certdir, text, kind=Kind.CA)
    except NotFound:
        pass
    try:
        return find(certdir, text)
    except NotFound:
        raise NotFound("CA or file", text) from None


def _require_worthy(certificate: x509.Certificate, name: str, now: datetime) -> None:
    """Raise Refused for a CA that has expired, is not valid yet, or may not sign certificates."""
    try:
        issuers.require_may_sign_certificates(certificate, name)
        issuers.require_valid(certificate, name, now)
    except IssuerUnusable as error:  # advice on signing would not help here
        raise Refused(error.subject, error.reason) from None


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _subject(anchor: Anchor) -> str:
    from easycert.pki.subjects import shown_name

    return shown_name(x509.load_der_x509_certificate(anchor.der).subject)
