"""Issuing: a request becomes a described certificate, a key, a signature, and two files that appear together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import NameOID

from easycert.certdir import CertDir
from easycert.errors import InvalidInput, IssuerUnusable
from easycert.model import Kind, Value
from easycert.pki import certificates, keys
from easycert.pki.certificates import CertificateSpec, IssuerUrls
from easycert.pki.dns import mixed_scripts
from easycert.pki.issuers import path_length_left, require_permits
from easycert.pki.keys import KeyType, PrivateKey
from easycert.pki.names import SafeName
from easycert.pki.profiles import MODERN, Profile
from easycert.pki.sans import SubjectAltName, unique_sans
from easycert.pki.subjects import Attributes, distinguished_name
from easycert.pki.validity import Validity, When, period, rfc3339
from easycert.store import layout
from easycert.workflows import authorities, signing
from easycert.workflows.authorities import Authority
from easycert.workflows.signing import Order

NO_URLS = IssuerUrls()
#: A leaf that is to live exactly as long as its CA is always some seconds younger; nobody wants to hear of that.
_WORTH_SAYING = timedelta(days=1)


class IssueRequest(Value):
    """What is wanted: a certificate of this kind and name. Everything else has a default in the profile.

    *sans* come beside the name's own; *signas* is the CA that signs, None for a self-signed certificate; *end* and
    *start* bound the validity; *path_length* and *name_constraints* are for CAs.
    """

    kind: Kind
    name: SafeName
    signas: SafeName | None = None
    profile: Profile = MODERN
    sans: tuple[SubjectAltName, ...] = ()
    attributes: Attributes = ()
    key_type: KeyType | None = None
    end: When | None = None
    start: When | None = None
    path_length: int | None = None
    name_constraints: x509.NameConstraints | None = None


class Issued(Value):
    """What was made: the certificate, the absolute paths of the files, and what a person should know."""

    kind: Kind
    name: SafeName
    certificate: x509.Certificate
    certificate_path: str
    key_path: str | None
    notes: tuple[str, ...]


class _Prepared(Value):
    request: IssueRequest
    spec: CertificateSpec
    authority: Authority | None
    notes: tuple[str, ...]


def issue(certdir: CertDir, requests: Sequence[IssueRequest], *, replace: bool = False) -> tuple[Issued, ...]:
    """Make a key and a certificate for each of *requests*; all of them appear, or none.

    Raises AlreadyExists unless *replace*, InvalidInput for one name twice, and whatever else forbids one of them, with
    nothing written.
    """
    require_distinct((request.kind, request.name) for request in requests)
    if not replace:
        certdir.store.require_absent(entry for request in requests for entry in _targets(request))
    now = certdir.signing_time()
    signers = _authorities(certdir, requests, now)
    prepared = [_prepared(certdir, request, signers.get(request.signas), now) for request in requests]
    prepared = [item._replace(notes=(*item.notes, *_orphaned(certdir, item.request))) for item in prepared]
    keyed = list(zip(prepared, _new_keys(requests), strict=True))
    with certdir.change(now) as change:
        if not replace:  # once more, now that nobody else can write: nothing is signed in vain
            certdir.store.require_absent(entry for request in requests for entry in _targets(request))
        made = signing.sign(change, [_order(item, key) for item, key in keyed], certdir.settings.waivers)
        for (item, key), certificate in zip(keyed, made, strict=True):
            request = item.request
            key_entry, certificate_entry = _targets(request)
            pem = keys.private_pem(key, traditional=request.profile.traditional_keys)
            change.put(key_entry, pem, private=True, replace=replace)
            change.put(certificate_entry, chain_pem(request.kind, certificate, item.authority), replace=replace)
    return tuple(_issued(certdir, item, certificate) for item, certificate in zip(prepared, made, strict=True))


def _orphaned(certdir: CertDir, request: IssueRequest) -> tuple[str, ...]:
    """Return a note when a CA's key is about to be replaced, for which the operator asked, perhaps unaware."""
    if request.kind is not Kind.CA or certdir.store.find(layout.key(Kind.CA, request.name)) is None:
        return ()
    return (f"the key of the CA '{request.name}' was replaced: what it signed before does not verify any more",)


def describe(
    request: IssueRequest, authority: Authority | None, now: datetime, urls: IssuerUrls = NO_URLS
) -> tuple[CertificateSpec, tuple[str, ...]]:
    """Return the certificate that *request* asks for, and notes on what differs from what was asked.

    Pure. Raises IssuerUnusable and NotPermitted when *authority* may not sign it, InvalidInput for impossible wishes.
    """
    profile, name = request.profile, request.name
    rules = profile.rules(request.kind, self_signed=authority is None)
    wanted = period(now, request.end or rules.lifetime, request.start)
    validity, notes = _clamped(wanted, authority, request)
    carries_names = profile.names_beyond_cn or request.kind is Kind.HOST
    _require_fitting_wishes(request)
    require_profile_allows(profile, request.attributes, request.name_constraints)
    spec = CertificateSpec(
        kind=request.kind,
        subject=_subject(request, self_signed=authority is None),
        sans=unique_sans((*name.sans, *request.sans)) if carries_names else (),
        validity=validity,
        profile=profile,
        serial=certificates.new_serial(),
        self_signed=authority is None,
        path_length=_path_length(request, authority),
        name_constraints=request.name_constraints,
        urls=urls,
    )
    if authority is not None:
        _require_another(spec, request, authority)
        require_permits(authority.path, authority.name, spec)
    return spec, (*notes, *_homographs(spec))


def _subject(request: IssueRequest, *, self_signed: bool) -> x509.Name:
    """Return the subject. A name too long for a CN is in the SAN only (RFC 5280 appendix A.1).

    But what signs itself is an issuer too, whose name must not be empty (section 4.1.2.4): it says its domain instead.
    """
    subject = distinguished_name(request.name.common_name, request.attributes)
    if self_signed and not list(subject):
        labels = request.name.rpartition("@")[2].split(".")
        return distinguished_name(None, tuple((NameOID.DOMAIN_COMPONENT, label) for label in reversed(labels)))
    return subject


def chain_pem(kind: Kind, certificate: x509.Certificate, authority: Authority | None) -> bytes:
    """Return what a ``.crt`` holds: the leaf, and for hosts and users the intermediates that others need with it."""
    presents_chain = kind in (Kind.HOST, Kind.USER) and authority is not None
    return certificates.certificate_pem(certificate, *(authority.intermediates if presents_chain and authority else ()))


def require_profile_allows(
    profile: Profile, attributes: Attributes, constraints: x509.NameConstraints | None = None
) -> None:
    """Raise InvalidInput for what Synapse would not load: attributes beside the CN, critical name constraints."""
    if attributes and not profile.names_beyond_cn:
        raise InvalidInput("profile", profile.name, "allows no subject attributes: Synapse knows a CN only")
    if constraints is not None and not profile.names_beyond_cn:
        raise InvalidInput("profile", profile.name, "allows no name constraints: Synapse refuses critical extensions")


def require_distinct(names: Iterable[tuple[Kind, SafeName]]) -> None:
    """Raise InvalidInput when one name is asked for twice: the second would take the place of the first."""
    seen: set[tuple[Kind, SafeName]] = set()
    for kind, name in names:
        if (kind, name) in seen:
            raise InvalidInput(f"{kind.value} name", name, "is given twice")
        seen.add((kind, name))


def _require_fitting_wishes(request: IssueRequest) -> None:
    """Refuse what only a CA's certificate may say (RFC 5280 sections 4.2.1.9 and 4.2.1.10)."""
    length, is_ca = request.path_length, request.kind is Kind.CA
    if length is not None and (length < 0 or not is_ca):
        raise InvalidInput("path length", str(length), "is negative" if is_ca else "is for CAs only")
    if request.name_constraints is not None and not is_ca:
        raise InvalidInput("name", request.name, "cannot have name constraints: they are for CAs only")


def _require_another(spec: CertificateSpec, request: IssueRequest, authority: Authority) -> None:
    """Refuse a CA in the place of its own issuer: no path through it would ever end (hazard D11)."""
    if request.kind is Kind.CA and (request.name == authority.name or spec.subject == authority.certificate.subject):
        raise IssuerUnusable(f"the CA '{authority.name}'", "it cannot sign a CA of its own name")


def _targets(request: IssueRequest) -> tuple[layout.Entry, layout.Entry]:
    return layout.key(request.kind, request.name), layout.certificate(request.kind, request.name)


def _authorities(certdir: CertDir, requests: Iterable[IssueRequest], now: datetime) -> dict[SafeName | None, Authority]:
    found: dict[SafeName | None, Authority] = {}
    for name in dict.fromkeys(request.signas for request in requests):
        if name is not None:
            found[name] = authorities.load(certdir, name)
            authorities.require_usable(certdir, found[name], now)
    return found


def _prepared(certdir: CertDir, request: IssueRequest, authority: Authority | None, now: datetime) -> _Prepared:
    urls = certdir.settings.urls_for(authority.name) if authority else NO_URLS
    spec, notes = describe(request, authority, now, urls)
    return _Prepared(request, spec, authority, notes)


def _new_keys(requests: Sequence[IssueRequest]) -> list[PrivateKey]:
    wanted = [request.key_type or request.profile.key_type for request in requests]
    made = {key_type: keys.generate_many(key_type, wanted.count(key_type)) for key_type in dict.fromkeys(wanted)}
    return [made[key_type].pop() for key_type in wanted]


def _order(item: _Prepared, key: PrivateKey) -> Order:
    issuer = item.authority.issuer if item.authority else certificates.self_issuer(item.spec, key)
    tbs = certificates.to_be_signed(item.spec, key.public_key(), issuer)
    request = item.request
    return Order(request.kind, request.name, tbs, issuer, item.authority, "fresh", request.profile.name)


def _issued(certdir: CertDir, item: _Prepared, certificate: x509.Certificate) -> Issued:
    key_entry, certificate_entry = _targets(item.request)
    return Issued(
        item.request.kind,
        item.request.name,
        certificate,
        certdir.store.path(certificate_entry),
        certdir.store.path(key_entry),
        item.notes,
    )


def _clamped(wanted: Validity, authority: Authority | None, request: IssueRequest) -> tuple[Validity, tuple[str, ...]]:
    if authority is None or wanted.not_after <= authority.not_after:
        return wanted, ()
    validity = wanted.clamped_to(authority.not_after)
    if validity.not_after <= validity.not_before:
        raise InvalidInput(
            "validity", rfc3339(wanted.not_before), f"begins after the CA '{authority.name}' has expired"
        )
    if wanted.not_after - validity.not_after < _WORTH_SAYING:
        return validity, ()
    end = rfc3339(validity.not_after)
    return validity, (f"{request.name}: valid until {end} only, when the CA '{authority.name}' expires",)


def _path_length(request: IssueRequest, authority: Authority | None) -> int | None:
    if request.kind is not Kind.CA or request.path_length is not None:
        return request.path_length
    default = request.profile.rules(Kind.CA, self_signed=authority is None).path_length
    left = path_length_left(authority.path) if authority else None
    return default if default is not None or left is None else max(left - 1, 0)


def _homographs(spec: CertificateSpec) -> tuple[str, ...]:
    mixed = [label for san in spec.sans for label in mixed_scripts(san.value)]
    return tuple(f"the label '{label}' mixes scripts: it may be mistaken for another name" for label in mixed)
