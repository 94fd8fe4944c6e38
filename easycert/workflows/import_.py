"""Bringing files in: as they are (the flag form), or checked against each other and put where they belong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import cast

from cryptography import x509

from easycert.bookkeeping import Change
from easycert.certdir import CertDir
from easycert.errors import EncryptedKey, InvalidInput, IssuerUnusable, KeyMismatch, Malformed, Refused
from easycert.ledger.entries import Event
from easycert.model import Kind, Value
from easycert.pki import issuers
from easycert.pki.certificates import certificate_pem, is_ca, is_self_issued, load_certificate
from easycert.pki.chains import order_chain
from easycert.pki.describe.certificate import guessed_kind
from easycert.pki.encodings import Encoding
from easycert.pki.facts import fingerprint_of
from easycert.pki.formats.pem import Item, StoredKey, StoredPkcs12, identify
from easycert.pki.formats.pkcs12 import unpack
from easycert.pki.keys import PrivateKey, PublicKey, private_pem, public_der, require_named_curve, require_strong
from easycert.pki.names import SafeName
from easycert.pki.subjects import common_name, shown_name
from easycert.store import layout
from easycert.store.files import read_file
from easycert.store.layout import Entry
from easycert.workflows.authorities import certificates_below

#: What may be copied in as it is.
SUFFIXES = (".crt", ".key", ".p12")
_PRIVATE = ("key", "p12")


class Copied(Value):
    """A file that was copied in: the source as it was named, and the absolute path of the copy."""

    source: str
    path: str


class ImportRequest(Value):
    """What is wanted: these files, (path, contents) each, which belong together, as one name of this kind.

    Without a *kind* or *name* the certificate says them. *replace* lets it take the place of what is there, and lets in
    what has expired or is no CA.
    """

    sources: tuple[tuple[str, bytes], ...]
    kind: Kind | None = None
    name: SafeName | None = None
    passphrase: bytes | None = None
    replace: bool = False


class Imported(Value):
    """What was brought in: the absolute paths of the files that were written, and what a person should know."""

    kind: Kind
    name: SafeName
    paths: tuple[str, ...]
    notes: tuple[str, ...]


class _Pile(Value):
    """What the sources hold together."""

    certificates: tuple[x509.Certificate, ...]
    key: PrivateKey | None
    source: str


class _Placed(Value):
    entry: Entry
    data: bytes
    private: bool = False


def copy_in(certdir: CertDir, source: str, folder: str) -> Copied:
    """Copy one ``.crt``, ``.key`` or ``.p12`` file into *folder* byte for byte, under its own name.

    What is in it is not looked at: this is what Synapse's tool does; :func:`import_files` checks. Raises
    UnreadableFile, InvalidInput for another suffix, InvalidName, and AlreadyExists.
    """
    data = read_file(source)
    filename = source.rpartition("/")[2]
    stem, _, suffix = filename.rpartition(".")
    if not filename.endswith(SUFFIXES):
        raise InvalidInput("file", source, f"is not named like {', '.join(SUFFIXES)}")
    target = Entry(folder, f"{SafeName(stem)}.{suffix}")
    certdir.store.require_absent([target])
    with certdir.change() as change:
        change.create(target, data, private=suffix in _PRIVATE)
        if suffix == "crt":
            with suppress(Malformed):  # Synapse's tool copies anything; the ledger remembers certificates
                _record(change, target, load_certificate(data, source))
    return Copied(source, certdir.store.path(target))


def import_files(certdir: CertDir, request: ImportRequest) -> Imported:
    """Check the files of *request* against each other and against the key that is there, and put them in place.

    A certificate is put beside its own key only; its chain is put in order, what does not belong to it is reported.
    Raises Malformed, EncryptedKey, WeakKey, KeyMismatch, Refused and AlreadyExists, with nothing written.
    """
    pile = _pile(request)
    leaf, rest = _leaf(certdir, request, pile)
    kind = request.kind or guessed_kind(leaf)
    if kind is None:
        raise InvalidInput("file", pile.source, "holds a certificate whose purpose is unclear; say it with --kind")
    name = request.name or _name(leaf, pile.source)
    if not request.replace:
        _require_sound(leaf, kind, pile.source, certdir.now())
    chain, extras = order_chain(leaf, rest)
    for item in chain:
        require_strong(item.public_key(), f"{pile.source} ({shown_name(item.subject)})")
        require_named_curve(item.tbs_certificate_bytes, f"{pile.source} ({shown_name(item.subject)})")
    if pile.key is None:
        _require_own_key(certdir, kind, name, leaf, pile.source)
    placed = [*_key(certdir, kind, name, pile.key), *_certificates(kind, name, chain)]
    above = chain[1:] if kind is Kind.CA else ()
    namesakes = tuple(_namesakes(certdir, above))
    paths = tuple(_place(certdir, placed, above, replace=request.replace))
    notes = [f"left out {shown_name(item.subject)}: it is no part of the chain" for item in extras]
    return Imported(kind, name, paths, (*notes, *namesakes))


def _pile(request: ImportRequest) -> _Pile:
    certificates: list[x509.Certificate] = []
    found_keys: list[PrivateKey] = []
    for source, data in request.sources:
        for item in identify(data, source, passphrase=request.passphrase).items:
            certificates += _certificates_in(item, source, request.passphrase)
            found_keys += _keys_in(item, source, request.passphrase)
    sources = ", ".join(source for source, _ in request.sources)
    if len({public_der(key.public_key()) for key in found_keys}) > 1:
        raise Refused(sources, "several private keys came; import what belongs to one name at a time")
    return _Pile(tuple(dict.fromkeys(certificates)), found_keys[0] if found_keys else None, sources)


def _certificates_in(item: Item, source: str, passphrase: bytes | None) -> Sequence[x509.Certificate]:
    if isinstance(item, x509.Certificate):
        return [item]
    if isinstance(item, StoredPkcs12):
        bundle = unpack(item.data, source, passphrase)
        return [bundle.certificate, *bundle.chain]
    if isinstance(item, StoredKey):
        return []
    raise Malformed(source, "a certificate, private key or PKCS#12 file", "only these can be imported")


def _keys_in(item: Item, source: str, passphrase: bytes | None) -> Sequence[PrivateKey]:
    if isinstance(item, StoredPkcs12):
        return [unpack(item.data, source, passphrase).key]
    if not isinstance(item, StoredKey):
        return []
    if item.key is None:
        raise EncryptedKey(source, wrong=False)
    require_strong(item.key.public_key(), source)
    return [cast("PrivateKey", item.key)]


def _leaf(
    certdir: CertDir, request: ImportRequest, pile: _Pile
) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """Return the certificate that the key belongs to, or else the one below the others; and those."""
    certificates = pile.certificates or tuple(_in_place(certdir, request))
    if not certificates:
        raise Refused(pile.source, "a private key came alone, and there is no certificate that it belongs to")
    leaf = _lowest(certificates)
    if pile.key is not None:
        mine = public_der(pile.key.public_key())
        own = [item for item in certificates if public_der(cast("PublicKey", item.public_key())) == mine]
        if not own:
            raise KeyMismatch(pile.source, "the private key belongs to none of the certificates")
        leaf = own[0]
    return leaf, tuple(item for item in certificates if item != leaf)


def _lowest(certificates: Sequence[x509.Certificate]) -> x509.Certificate:
    """Return the first certificate that issued none of the others: chain files come in every order (hazard C10)."""
    issuers_here = {item.issuer for item in certificates if not is_self_issued(item)}
    return next((item for item in certificates if item.subject not in issuers_here), certificates[0])


def _in_place(certdir: CertDir, request: ImportRequest) -> Iterator[x509.Certificate]:
    """Yield the certificate for which a key comes late, when its kind and name were given."""
    from easycert.pki.certificates import load_certificates

    if request.kind and request.name:
        entry = layout.certificate(request.kind, request.name)
        data = certdir.store.read(entry)
        if data is not None:
            yield from load_certificates(data, entry.path)


def _name(leaf: x509.Certificate, source: str) -> SafeName:
    text = common_name(leaf.subject)
    if text is None:
        raise InvalidInput("file", source, "holds a certificate without a common name; name it with --name")
    return SafeName(text)


def _require_sound(leaf: x509.Certificate, kind: Kind, source: str, now: datetime) -> None:
    if kind is not Kind.CA and is_ca(leaf):
        raise Refused(source, f"it is a CA's certificate, not that of a {kind.value}")
    try:
        if kind is Kind.CA:
            issuers.require_may_sign_certificates(leaf, source)
        issuers.require_valid(leaf, source, now)
    except IssuerUnusable as error:  # what it lacks is the same, but it is no CA of ours yet, or none at all
        raise Refused(source, error.reason) from None


def _require_own_key(certdir: CertDir, kind: Kind, name: SafeName, leaf: x509.Certificate, source: str) -> None:
    key = certdir.signers.key(kind, name)
    if key is not None and public_der(key.public_key()) != public_der(cast("PublicKey", leaf.public_key())):
        path = certdir.store.find(layout.key(kind, name))
        raise KeyMismatch(source, f"it does not belong to the private key {path}")


def _key(certdir: CertDir, kind: Kind, name: SafeName, key: PrivateKey | None) -> Iterator[_Placed]:
    """Yield the key to write; none when the same one is there already."""
    if key is None:
        return
    there = certdir.signers.key(kind, name)
    if there is None or public_der(there.public_key()) != public_der(key.public_key()):
        # PKCS#1 for RSA: the one form that Synapse compares byte for byte.
        yield _Placed(layout.key(kind, name), private_pem(key, traditional=hasattr(key, "decrypt")), private=True)


def _certificates(kind: Kind, name: SafeName, chain: Sequence[x509.Certificate]) -> Iterator[_Placed]:
    """Yield what goes into NAME.crt: the leaf, and for hosts and users what they present with it."""
    presented = [item for item in chain[1:] if not is_self_issued(item)] if kind in (Kind.HOST, Kind.USER) else []
    yield _Placed(layout.certificate(kind, name), certificate_pem(chain[0], *presented))


def _place(
    certdir: CertDir, placed: Iterable[_Placed], above: Sequence[x509.Certificate], *, replace: bool
) -> Iterator[str]:
    """Write everything at once; the CAs above an imported CA come into ``cas/`` too, where they are not there yet."""
    store = certdir.store
    wanted = [item for item in placed if store.read(item.entry) != item.data]
    if not replace:
        store.require_absent(item.entry for item in wanted)
    parents = [_Placed(layout.certificate(Kind.CA, _name(item, "the chain")), certificate_pem(item)) for item in above]
    wanted += [item for item in parents if store.find(item.entry) is None]
    with certdir.change() as change:
        for item in wanted:
            change.put(item.entry, item.data, private=item.private, replace=replace)
            if item.entry.suffix == "crt":
                _record(change, item.entry, load_certificate(item.data, item.entry.path))
    return (store.path(item.entry) for item in wanted)


def _namesakes(certdir: CertDir, above: Sequence[x509.Certificate]) -> Iterator[str]:
    """Yield a note for each CA of the chain in whose place another CA of that name lies, which stays (hazard D8)."""
    here = {entry.name: found for entry, found in certificates_below(certdir, layout.FOLDERS[Kind.CA])}
    for item in above:
        name = _name(item, "the chain")
        if here.get(name, item) != item:
            yield f"kept the CA '{name}' that is here: the one in the chain is another of that name"


def _record(change: Change, entry: Entry, certificate: x509.Certificate) -> None:
    der = certificate.public_bytes(Encoding.DER)
    (kind,) = (kind for kind, folder in layout.FOLDERS.items() if folder == entry.folder)
    change.record(
        Event.IMPORTED,
        kind=kind.value,
        name=entry.name,
        fingerprint=fingerprint_of(der),
        details=(("origin", "import"),),
        der=der,
    )
