"""From a description to a signature, the way every certificate goes: draft, record what is meant, sign, compare.

The to-be-signed bytes are signed with a throw-away key first and judged as the certificate that they would become. Then
what is about to be signed is recorded, durably, and only then the real key signs, the very same bytes: the order that
the most careful public CAs keep (CA/B Forum BR 4.3.1.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from cryptography import x509

from easycert.bookkeeping import Change
from easycert.errors import LintRefused, Refused
from easycert.ledger.entries import Event
from easycert.model import Kind, Value
from easycert.pki import certificates, keys
from easycert.pki.certificates import Issuer, ToBeSigned
from easycert.pki.encodings import Encoding
from easycert.pki.facts import fingerprint_of
from easycert.pki.keys import PrivateKey
from easycert.pki.lint import lint_certificate
from easycert.pki.names import SafeName
from easycert.pki.subjects import shown_name
from easycert.pki.wording import even_hex
from easycert.workflows.authorities import Authority


class Order(Value):
    """A certificate to be signed, its place in the directory, and how the ledger is to remember its making.

    *authority* is the CA, None for a self-signed certificate; *origin* is ``fresh``, ``csr``, ``renewal``, or
    ``reissue`` for a CA that keeps its serial number too.
    """

    kind: Kind
    name: SafeName
    tbs: ToBeSigned
    issuer: Issuer
    authority: Authority | None
    origin: str
    profile: str = ""
    renewal_of: str = ""


class Draft(Value):
    """An order as the certificate that it would become, signed with a throw-away key and found to break no rule."""

    order: Order
    certificate: x509.Certificate
    #: Rules that it breaks and that the site has waived, by name.
    waived: tuple[str, ...]


class Drafter:
    """Makes drafts; one throw-away key for each type serves for all of them."""

    def __init__(self, waivers: frozenset[str] = frozenset()) -> None:
        """Take the names of the rules that the site has waived."""
        self._waivers = waivers
        self._keys: dict[str, PrivateKey] = {}

    def draft(self, order: Order) -> Draft:
        """Return the draft of *order*. Raises LintRefused for one that breaks a rule."""
        draft = certificates.signed(order.tbs, self._key(order.issuer.key))
        issuer = order.authority.certificate if order.authority else None
        errors = lint_certificate(draft, issuer, order.kind, errors_only=True)
        unwaived = [item for item in errors if item.rule not in self._waivers]
        if unwaived:
            broken = tuple(f"{item.message} [{item.clause}]" for item in unwaived)
            raise LintRefused(order.name, broken, unwaived[0].rule)
        return Draft(order, draft, tuple(dict.fromkeys(item.rule for item in errors)))

    def _key(self, like: PrivateKey) -> PrivateKey:
        key_type = keys.key_name(like.public_key())
        if key_type not in self._keys:
            self._keys[key_type] = keys.throw_away(like)
        return self._keys[key_type]


def sign(change: Change, orders: Sequence[Order], waivers: frozenset[str] = frozenset()) -> list[x509.Certificate]:
    """Return the certificates that *orders* describe, each of which is recorded in *change*.

    *waivers* names rules that the site has waived. Raises LintRefused for one that breaks another rule, and KeyMismatch
    when a CA's key is not its own.
    """
    drafter = Drafter(waivers)
    return sign_drafts(change, [drafter.draft(order) for order in orders])


def sign_drafts(change: Change, drafts: Sequence[Draft]) -> list[x509.Certificate]:
    """Return the certificates that *drafts* stand for, each of which is recorded in *change*. Raises KeyMismatch."""
    change.intend([_intent(draft) for draft in drafts])
    made = [_signed(draft) for draft in drafts]
    for draft, certificate in zip(drafts, made, strict=True):
        _record(change, draft, certificate)
    return made


def _intent(draft: Draft) -> tuple[tuple[str, str], ...]:
    order = draft.order
    return (
        ("kind", order.kind.value),
        ("name", order.name),
        ("issuer", shown_name(order.tbs.issuer)),
        ("issuer_id", order.issuer.key_identifier.hex()),
        ("serial", even_hex(order.tbs.serial)),
        ("tbs_sha256", sha256(draft.certificate.tbs_certificate_bytes).hexdigest()),
    )


def _signed(draft: Draft) -> x509.Certificate:
    order = draft.order
    certificate = certificates.signed(order.tbs, order.issuer.key)
    if certificate.tbs_certificate_bytes != draft.certificate.tbs_certificate_bytes:
        raise Refused(order.name, "what its CA's key signed is not what was checked before; it is thrown away")
    parent = order.authority.certificate if order.authority else certificate
    source = f"the CA '{order.authority.name}'" if order.authority else "the CA"
    certificates.require_signed_by(certificate, parent, source)
    return certificate


def _record(change: Change, draft: Draft, certificate: x509.Certificate) -> None:
    order, der = draft.order, certificate.public_bytes(Encoding.DER)
    details = (
        ("origin", order.origin),
        ("profile", order.profile),
        ("renewal_of", order.renewal_of),
        ("waived", ",".join(draft.waived)),
    )
    change.record(
        Event.ISSUED,
        kind=order.kind.value,
        name=order.name,
        fingerprint=fingerprint_of(der),
        details=tuple(pair for pair in details if pair[1]),
        der=der,
    )
