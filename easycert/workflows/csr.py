"""Making certificate signing requests, each with its key, for another CA to sign."""

from __future__ import annotations

from collections.abc import Sequence

from easycert.certdir import CertDir
from easycert.model import Kind, Value
from easycert.pki import csr, keys
from easycert.pki.keys import KeyType
from easycert.pki.names import SafeName
from easycert.pki.profiles import MODERN, Profile
from easycert.pki.sans import SubjectAltName, unique_sans
from easycert.pki.subjects import Attributes, distinguished_name
from easycert.store import layout
from easycert.workflows.issue import require_distinct, require_profile_allows


class CsrRequest(Value):
    """What is wanted: a key, and a signing request for it with this name, for another CA to sign."""

    kind: Kind
    name: SafeName
    profile: Profile = MODERN
    sans: tuple[SubjectAltName, ...] = ()
    attributes: Attributes = ()
    key_type: KeyType | None = None


class CsrMade(Value):
    """The absolute paths of a new key and its signing request, and what a person should know."""

    kind: Kind
    name: SafeName
    key_path: str
    request_path: str
    notes: tuple[str, ...] = ()


def make_requests(certdir: CertDir, requests: Sequence[CsrRequest], *, replace: bool = False) -> tuple[CsrMade, ...]:
    """Make a key and a signing request for each of *requests*; all of them appear, or none.

    Raises AlreadyExists unless *replace*, and InvalidInput for one name twice.
    """
    require_distinct((item.kind, item.name) for item in requests)
    for item in requests:
        require_profile_allows(item.profile, item.attributes)
    targets = [(layout.key(item.kind, item.name), layout.request(item.kind, item.name)) for item in requests]
    if not replace:
        certdir.store.require_absent(entry for pair in targets for entry in pair)
        # A certificate whose key is elsewhere: a new key beside it would make a pair that does not fit.
        certdir.store.require_absent(layout.certificate(item.kind, item.name) for item in requests)
    made = [_made(item) for item in requests]
    notes = [_outdated(certdir, item) for item in requests]
    with certdir.store.transaction() as files:
        put = files.replace if replace else files.create
        for (key_entry, request_entry), (key_pem, request_pem) in zip(targets, made, strict=True):
            put(key_entry, key_pem, private=True)
            put(request_entry, request_pem)
    store = certdir.store
    return tuple(
        CsrMade(item.kind, item.name, store.path(key_entry), store.path(request_entry), said)
        for item, (key_entry, request_entry), said in zip(requests, targets, notes, strict=True)
    )


def _outdated(certdir: CertDir, wanted: CsrRequest) -> tuple[str, ...]:
    """Return a note when a certificate is there that the new key will not belong to."""
    path = certdir.store.find(layout.certificate(wanted.kind, wanted.name))
    return () if path is None else (f"{path} does not belong to the new key; import the one that comes back",)


def _made(wanted: CsrRequest) -> tuple[bytes, bytes]:
    profile = wanted.profile
    key = keys.generate(wanted.key_type or profile.key_type)
    subject = distinguished_name(wanted.name.common_name, wanted.attributes)
    carries_names = profile.names_beyond_cn or wanted.kind is Kind.HOST
    sans = unique_sans((*wanted.name.sans, *wanted.sans)) if carries_names else ()
    request = csr.build_request(subject, sans, key, ca=wanted.kind is Kind.CA)
    return keys.private_pem(key, traditional=profile.traditional_keys), csr.request_pem(request)
