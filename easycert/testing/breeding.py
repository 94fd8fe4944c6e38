"""How the chains of the zoo are made: one that everybody accepts, but for what a row of the table changes.

The changes are fields of :class:`easycert.testing.forge.Forged`, for the root, the intermediate or the leaf; what
cannot be said so is done to the whole chain afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from easycert.testing.forge import DAY, Forged, Made, corrupted, host, intermediate, key, name, root

#: The names of the servers, and of the clients.
HOSTS = ("localhost", "127.0.0.1", "::1")
USER = "alice@example.com"

Changes = Mapping[str, Any]


class Role(Enum):
    """Whose certificate it is."""

    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True)
class Chain:
    """What is shown, who is trusted, the host that is asked for (none: a client's), and CRLs where they matter."""

    leaf: Made
    sent: tuple[Made, ...]
    roots: tuple[Made, ...]
    hostname: str = HOSTS[0]
    crls: tuple[x509.CertificateRevocationList, ...] = ()


#: What is done to a chain, seen from an instant.
Then = Callable[[Chain, datetime], Chain]


@dataclass(frozen=True)
class Recipe:
    """What differs from a good chain."""

    root: Changes
    issuing: Changes
    leaf: Changes
    then: Then | None


def bred(recipe: Recipe, role: Role, at: datetime, label: str) -> Chain:
    """Return the chain of *recipe*; its intermediate is called after *label*, so that no client mixes two up."""
    top = _forged(root, at, {"subject": name("easycert zoo"), **recipe.root}).make()
    middle = _forged(intermediate, at, {"subject": name(f"zoo of {label}"), **recipe.issuing}).make(top)
    leaf = _forged(host, at, {**_OWN[role], **recipe.leaf}).make(middle)
    chain = Chain(leaf, (middle,), (top,), HOSTS[0] if role is Role.SERVER else "")
    return recipe.then(chain, at) if recipe.then else chain


_OWN: Mapping[Role, Changes] = {
    Role.SERVER: {"subject": name(HOSTS[0]), "names": HOSTS},
    Role.CLIENT: {"subject": name(USER), "names": (USER,), "extended": (Usage.CLIENT_AUTH,)},
}


def _forged(made: Callable[..., Forged], at: datetime, changes: Changes) -> Forged:
    wishes = dict(changes)
    return made(at, wishes.pop("kind", "ec256"), **wishes)


# --- what is done to whole chains ------------------------------------------------------------------------------------


def of_another_ca(chain: Chain, at: datetime) -> Chain:
    """Have the client trust another CA only."""
    other = root(at, subject=name("another CA"), key=key("ec256", 11)).make()
    return replace(chain, roots=(other,))


def signed_by_itself(chain: Chain, at: datetime) -> Chain:
    """Have the leaf sign itself."""
    old = chain.leaf.certificate
    names = tuple(str(each.value) for each in _names(old))
    usages = tuple(old.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    leaf = host(at, key=key("ec256", 12), subject=old.subject, names=names, extended=usages, aki="none").make()
    return replace(chain, leaf=leaf, sent=())


def _names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def sent_alone(chain: Chain, _at: datetime) -> Chain:
    """Send the leaf without its CA."""
    return replace(chain, sent=())


def tampered(chain: Chain, _at: datetime) -> Chain:
    """Turn over one bit of the leaf's signature."""
    return replace(chain, leaf=corrupted(chain.leaf))


def too_deep(chain: Chain, at: datetime) -> Chain:
    """Put a CA between the leaf and an intermediate that allows none."""
    (middle,) = chain.sent
    lower = intermediate(at, subject=name("a CA too many"), key=key("ec256", 13)).make(middle)
    leaf = host(at, subject=name(HOSTS[0]), names=HOSTS).make(lower)
    return replace(chain, leaf=leaf, sent=(lower, middle))


def _with_crls(chain: Chain, at: datetime, *revoked: Made, stale: bool = False) -> Chain:
    """Add the CRLs of all CAs, on which *revoked* are; or the intermediate's has no news since yesterday."""
    dates = {False: (at - DAY, at + 30 * DAY), True: (at - 9 * DAY, at - DAY)}
    (middle,), (top,) = chain.sent, chain.roots
    crls = (_crl(middle, revoked, dates[stale]), _crl(top, revoked, dates[False]))
    return replace(chain, crls=crls)


def _crl(issuer: Made, revoked: tuple[Made, ...], dates: tuple[datetime, datetime]) -> x509.CertificateRevocationList:
    entries = [
        x509.RevokedCertificateBuilder()
        .serial_number(made.certificate.serial_number)
        .revocation_date(dates[0])
        .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), False)
        .build()
        for made in revoked
        if made.issuer is issuer
    ]
    builder = x509.CertificateRevocationListBuilder(issuer.certificate.subject, *dates, revoked_certificates=entries)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
    ).add_extension(x509.CRLNumber(1), critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


def revoked(chain: Chain, at: datetime) -> Chain:
    """Put the leaf on its CA's CRL."""
    return _with_crls(chain, at, chain.leaf)


def below_a_revoked_ca(chain: Chain, at: datetime) -> Chain:
    """Put the intermediate on the root's CRL."""
    return _with_crls(chain, at, *chain.sent)


def with_a_stale_crl(chain: Chain, at: datetime) -> Chain:
    """Add CRLs of which the intermediate's is out of date."""
    return _with_crls(chain, at, stale=True)


#: What is told by a CRL only.
TOLD_BY_CRLS = frozenset({revoked, below_a_revoked_ca, with_a_stale_crl})
