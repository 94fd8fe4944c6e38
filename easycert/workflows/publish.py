"""Publishing a CRL: the one that is there is read, added to, and the next one signed, under the directory's lock."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from easycert.certdir import CertDir
from easycert.model import Value
from easycert.pki import crl as crls
from easycert.pki.certificates import Issuer
from easycert.pki.crl import CrlSpec, Revocation
from easycert.pki.issuers import require_may_sign_crls
from easycert.pki.names import SafeName
from easycert.pki.profiles import MODERN, Profile
from easycert.pki.validity import period
from easycert.store import layout
from easycert.workflows import authorities


class Published(Value):
    """A CRL that was written: its CA, absolute path and number, and how many revocations were new in it."""

    name: SafeName
    path: str
    number: int
    added: int


def publish(
    certdir: CertDir, name: SafeName, *, profile: Profile = MODERN, revocations: tuple[Revocation, ...] = ()
) -> Published:
    """Write the CRL of the CA called *name*, with its old entries and the *revocations* that it lacks.

    Raises MissingAuthority, IssuerUnusable, Malformed, and Refused for an old CRL that the CA did not sign and for a
    clock that cannot be right.
    """
    now = certdir.signing_time()
    authority = authorities.load(certdir, name)
    require_may_sign_crls(authority.certificate, name)
    with certdir.store.transaction() as files:
        old = current(certdir, name, authority.issuer)
        new = [item for item in revocations if not crls.is_revoked(old, item.serial)]
        spec = _next(old, new, now, profile)
        files.replace(layout.crl(name), crls.crl_pem(crls.sign_crl(spec, authority.issuer)))
    return Published(name, certdir.store.path(layout.crl(name)), spec.number, len(new))


def current(certdir: CertDir, name: SafeName, issuer: Issuer) -> x509.CertificateRevocationList | None:
    """Return the CRL that is in the directory, checked to be *issuer*'s own; None where there is none yet."""
    found = certdir.read(layout.crl(name))
    if found is None:
        return None
    data, source = found
    crl = crls.load_crl(data, source)
    crls.require_issued_by(crl, issuer, source)
    return crl


def _next(
    old: x509.CertificateRevocationList | None, new: list[Revocation], now: datetime, profile: Profile
) -> CrlSpec:
    number = (0 if old is None else crls.crl_number(old)) + 1  # an empty CRL is falsy
    revoked = (*crls.entries(old), *(crls.revoked_certificate(item) for item in new))
    return CrlSpec(number, period(now, profile.crl_lifetime), revoked)
