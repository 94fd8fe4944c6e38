"""Signing a certificate signing request that somebody sent."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import cast

from cryptography.hazmat.primitives.asymmetric import rsa

from easycert.certdir import CertDir
from easycert.errors import EasycertError, InvalidName, KeyMismatch, RequestRefused, WeakKey
from easycert.model import Kind, Value
from easycert.pki import csr
from easycert.pki.certificates import CertificateSpec, to_be_signed
from easycert.pki.csr import Request
from easycert.pki.keys import PublicKey, public_der
from easycert.pki.names import NAMES, CommonName, HostName, SafeName, SynapseHostName
from easycert.pki.profiles import MODERN, Profile
from easycert.pki.sans import SanType, SubjectAltName, unique_sans
from easycert.pki.validity import When
from easycert.store import layout
from easycert.workflows import authorities, signing
from easycert.workflows.issue import Issued, IssueRequest, chain_pem, describe
from easycert.workflows.signing import Order


class SigningRequest(Value):
    """What is wanted: the signing request *data*, read from *source*, signed by the CA *signas* as this *kind*.

    *name* replaces the name that the request asks for, *sans* come beside its own. A wildcard is signed only with
    *allow_wildcard*: a stranger's request is no place to find one by surprise.
    """

    data: bytes
    source: str
    kind: Kind
    signas: SafeName
    profile: Profile = MODERN
    name: SafeName | None = None
    sans: tuple[SubjectAltName, ...] = ()
    end: When | None = None
    start: When | None = None
    path_length: int | None = None
    allow_wildcard: bool = False


def sign_request(certdir: CertDir, wanted: SigningRequest, *, replace: bool = False) -> Issued:
    """Sign a request that somebody sent, and save the certificate; what was not granted is in the result's notes.

    Raises Malformed, RequestRefused and WeakKey for what must not be signed, KeyMismatch when another key lies where
    the certificate would go, AlreadyExists unless *replace*.
    """
    try:
        return _signed(certdir, wanted, replace=replace)
    except EasycertError:
        certdir.ledger.close()  # what was only read stays as it lies
        raise


def _signed(certdir: CertDir, wanted: SigningRequest, *, replace: bool) -> Issued:
    parsed = csr.load_request(wanted.data, wanted.source)
    rules = wanted.profile.rules(wanted.kind, self_signed=False)
    request = csr.read_request(parsed, wanted.source, rules.request_sans)
    name = wanted.name or _name(request, wanted)
    entry = layout.certificate(wanted.kind, name)
    if not replace:
        certdir.store.require_absent([entry])
    now = certdir.signing_time()
    authority = authorities.load(certdir, wanted.signas)
    authorities.require_usable(certdir, authority, now)
    _require_own_key(certdir, request.public_key, name, wanted)
    _require_key_beside(certdir, request.public_key, name, wanted)
    urls = certdir.settings.urls_for(authority.name)
    spec, notes = describe(_issue_request(request, name, wanted), authority, now, urls)
    _require_no_wildcard(spec, wanted)
    tbs = to_be_signed(spec, request.public_key, authority.issuer)
    order = Order(wanted.kind, name, tbs, authority.issuer, authority, "csr", wanted.profile.name)
    with certdir.change(now) as change:
        if not replace:  # once more, now that nobody else can write: nothing is signed in vain
            certdir.store.require_absent([entry])
        (certificate,) = signing.sign(change, [order], certdir.settings.waivers)
        change.put(entry, chain_pem(wanted.kind, certificate, authority), replace=replace)
    ignored = _ignored(request, wanted)
    path = certdir.store.path(entry)
    return Issued(wanted.kind, name, certificate, path, None, (*ignored, *notes))


def _name(request: Request, wanted: SigningRequest) -> SafeName:
    """Return the name that a request asks for, parsed for its kind (hazard B10)."""
    text = request.common_name
    if text is None and wanted.kind is Kind.HOST and request.sans:
        text = request.sans[0].value
    if text is None:
        raise RequestRefused(wanted.source, "it names nothing: no common name and no usable subject alternative name")
    if not wanted.profile.names_beyond_cn:
        return SynapseHostName(text) if wanted.kind is Kind.HOST else CommonName(text)
    try:
        name = NAMES[wanted.kind](text)
    except InvalidName as error:  # the operator typed nothing wrong: the file did
        raise RequestRefused(wanted.source, f"it asks for a name that cannot be given: {error}") from None
    if isinstance(name, HostName) and (request.sans or name.address) and name.sans[0] not in request.sans:
        raise RequestRefused(wanted.source, f"its common name {name.display} is not among the names that it asks for")
    return name


def _issue_request(request: Request, name: SafeName, wanted: SigningRequest) -> IssueRequest:
    return IssueRequest(
        kind=wanted.kind,
        name=name,
        signas=wanted.signas,
        profile=wanted.profile,
        sans=unique_sans((*request.sans, *wanted.sans)),
        attributes=request.attributes if wanted.profile.names_beyond_cn else (),
        end=wanted.end,
        start=wanted.start,
        path_length=wanted.path_length,
    )


def _require_no_wildcard(spec: CertificateSpec, wanted: SigningRequest) -> None:
    asked = [san.value for san in spec.sans if san.type is SanType.DNS and san.value.startswith("*.")]
    if asked and not wanted.allow_wildcard:
        raise RequestRefused(wanted.source, f"it asks for the wildcard {asked[0]}, which must be allowed by name")


def _ignored(request: Request, wanted: SigningRequest) -> tuple[str, ...]:
    dropped = list(request.ignored)
    if not wanted.profile.names_beyond_cn:
        dropped += [f"subject attribute {oid._name}={value}" for oid, value in request.attributes]
    return tuple(f"ignored: {what}" for what in dropped if not _granted(what, wanted.kind))


def _granted(what: str, kind: Kind) -> bool:
    """Return whether a wish is fulfilled anyway: a CA gets its basic constraints from the profile."""
    return kind is Kind.CA and what == "basicConstraints CA:TRUE"


def _require_own_key(certdir: CertDir, public_key: PublicKey, name: SafeName, wanted: SigningRequest) -> None:
    """Refuse a key that another name here has already, or an RSA key that shares a prime with one (hazards B5, B6)."""
    if isinstance(public_key, rsa.RSAPublicKey):
        _require_no_shared_primes(certdir, public_key.public_numbers().n, wanted.source)
    for kind, entry in _holders(certdir, public_der(public_key)):
        # Its own name may be renewed, and be both a host's and a user's, but never a CA's and another's.
        if entry.name != name or (kind is not wanted.kind and Kind.CA in (kind, wanted.kind)):
            raise RequestRefused(wanted.source, f"its key is already that of {entry.path}; make a new key")


def _holders(certdir: CertDir, key_der: bytes) -> Iterator[tuple[Kind, layout.Entry]]:
    """Yield the certificates in the directory that carry this key.

    The CAs' files are looked into always; for the others the ledger tells, which knows them by their keys.
    """
    known = certdir.ledger.exists()
    for kind, folder in layout.FOLDERS.items():
        if known and kind is not Kind.CA:
            for name in certdir.ledger.names_of_key(kind.value, sha256(key_der).hexdigest()):
                yield kind, layout.certificate(kind, SafeName(name))
            continue
        for entry, certificate in authorities.certificates_below(certdir, folder):
            if public_der(cast("PublicKey", certificate.public_key())) == key_der:
                yield kind, entry


def _require_no_shared_primes(certdir: CertDir, modulus: int, source: str) -> None:
    for folder in layout.FOLDERS.values():
        for entry, certificate in authorities.certificates_below(certdir, folder):
            other = certificate.public_key()
            if isinstance(other, rsa.RSAPublicKey):
                _require_no_shared_prime(modulus, other.public_numbers().n, source, entry)


def _require_key_beside(certdir: CertDir, public_key: PublicKey, name: SafeName, wanted: SigningRequest) -> None:
    """Refuse to put a certificate beside a private key that is not its own: nothing could use the two together."""
    key = certdir.signers.key(wanted.kind, name)
    if key is not None and public_der(key.public_key()) != public_der(public_key):
        path = certdir.store.find(layout.key(wanted.kind, name)) or name
        raise KeyMismatch(wanted.source, f"it is for another key than {path}, beside which the certificate would lie")


def _require_no_shared_prime(modulus: int, other: int, source: str, entry: layout.Entry) -> None:
    from easycert.pki.weakness import shares_a_prime

    if shares_a_prime(modulus, other):
        raise WeakKey(
            source, f"its RSA key shares a prime with that of {entry.path}, so both are broken; make a new key"
        )
