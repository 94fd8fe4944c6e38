"""Looking at a certificate directory: what is in it, who signed whom, and everything about one thing.

Nothing here writes or locks, so all of it works on a read-only directory. A broken file is one line of the result and
spoils nothing but itself (hazard D7).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from easycert.certdir import CertDir
from easycert.errors import Malformed, Refused, UnreadableFile
from easycert.model import Kind
from easycert.pki.certificates import is_ca, load_certificate
from easycert.pki.chains import IssuerPool
from easycert.pki.describe import Description, describe
from easycert.pki.describe.certificate import days_left, describe_certificate, fingerprint, is_self_signed, state
from easycert.pki.formats.pem import Item, StoredPublicKey, identify
from easycert.pki.keys import key_name
from easycert.pki.subjects import shown_name
from easycert.pki.wording import even_hex
from easycert.store import layout
from easycert.store.layout import Entry
from easycert.workflows.lookup import Found, KeyBeside, find, key_beside


@dataclass(frozen=True)
class Listed:
    """One certificate of the directory, in a line."""

    kind: Kind
    name: str
    path: str
    subject: str
    issuer: str
    self_signed: bool
    serial: str
    not_before: datetime
    not_after: datetime
    state: str
    days_left: int
    key_type: str
    has_key: bool
    key_exposed: bool
    sha256: str


@dataclass(frozen=True)
class Problem:
    """A file that cannot be used, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """The certificates of the directory, by kind and name, and what could not be read."""

    items: tuple[Listed, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Branch:
    """A certificate and what it signed."""

    item: Listed
    below: tuple[Branch, ...]


@dataclass(frozen=True)
class Tree:
    """Who signed whom: root CAs, self-signed certificates that are no CAs, and what an absent CA signed."""

    roots: tuple[Branch, ...]
    self_signed: tuple[Branch, ...]
    unknown_issuer: tuple[Branch, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Shown:
    """Everything about one file: what it holds, in its order, and the private key beside a certificate of that NAME."""

    path: str
    kind: Kind | None
    name: str | None
    items: tuple[Description, ...]
    key: KeyBeside | None


class _Read:
    """What was read from the directory: certificates with their lines, and problems."""

    def __init__(self) -> None:
        self.found: list[tuple[Listed, x509.Certificate]] = []
        self.problems: list[Problem] = []


def listed(certdir: CertDir, *, kinds: Collection[Kind] = tuple(Kind)) -> Listing:
    """Return every certificate of these *kinds*: CAs first, then hosts, users and code signers, each by name."""
    read = _read(certdir, kinds)
    return Listing(tuple(item for item, _ in read.found), tuple(read.problems))


def tree(certdir: CertDir) -> Tree:
    """Return who signed whom, judged by names, key identifiers and signatures (never by file names)."""
    read = _read(certdir, tuple(Kind))
    below: dict[int | None, list[int]] = {}
    for index, parent in enumerate(_parents(read.found)):
        below.setdefault(parent, []).append(index)
    tops = [*below.get(None, ()), *_closed_loops(below, len(read.found))]
    branches = [_branch(index, read.found, below, frozenset()) for index in tops]
    own = [branch for branch in branches if branch.item.self_signed]
    return Tree(
        roots=tuple(branch for branch in own if branch.item.kind is Kind.CA),
        self_signed=tuple(branch for branch in own if branch.item.kind is not Kind.CA),
        unknown_issuer=tuple(branch for branch in branches if not branch.item.self_signed),
        problems=tuple(read.problems),
    )


def shown(certdir: CertDir, text: str, *, kind: Kind | None = None, passphrase: bytes | None = None) -> Shown:
    """Return everything about what *text* names, a NAME or a FILE; see :func:`easycert.workflows.lookup.find`.

    A *passphrase* opens an encrypted key or PKCS#12 file; without it, only what lies open is told. Raises
    AmbiguousName, NotFound, UnreadableFile, Malformed, and EncryptedKey for a wrong passphrase.
    """
    found = find(certdir, text, kind=kind)
    contents = identify(found.data, found.path, passphrase=passphrase)
    now = certdir.now()
    items = tuple(
        _described(item, found, now, passphrase, first=not index) for index, item in enumerate(contents.items)
    )
    key = None
    if found.entry is not None and contents.certificates:
        key = key_beside(certdir, found.entry, contents.certificates[0])
    return Shown(found.path, found.kind, found.name, items, key)


def public_pem(certdir: CertDir, text: str, *, kind: Kind | None = None) -> bytes:
    """Return in PEM what may be shown to everyone of what *text* names: certificates, requests, CRLs, public keys.

    Raises Refused when it holds nothing but secrets, and as :func:`shown` does.
    """
    found = find(certdir, text, kind=kind)
    blocks = [_public_block(item) for item in identify(found.data, found.path).items]
    if not any(blocks):
        raise Refused(found.path, "it holds nothing public, and private keys are never printed")
    return b"".join(blocks)


# --- reading ---------------------------------------------------------------------------------------------------------


def _read(certdir: CertDir, kinds: Collection[Kind]) -> _Read:
    read, now = _Read(), certdir.now()
    for kind in (kind for kind in Kind if kind in kinds):
        for entry in _certificate_entries(certdir, layout.FOLDERS[kind], read):
            path = certdir.store.find(entry) or entry.path
            try:
                certificate = load_certificate(certdir.store.read(entry) or b"", path)
                read.found.append((_listed(certdir, kind, entry, certificate, now), certificate))
            except Malformed as error:
                read.problems.append(Problem(path, f"it is not {error.what} that can be decoded"))
            except UnreadableFile as error:
                read.problems.append(Problem(path, error.reason))
    return read


def _certificate_entries(certdir: CertDir, folder: str, read: _Read) -> list[Entry]:
    try:
        return [entry for entry in certdir.store.entries(folder) if entry.suffix == "crt"]
    except UnreadableFile as error:
        read.problems.append(Problem(error.path, error.reason))
        return []


def _listed(certdir: CertDir, kind: Kind, entry: Entry, certificate: x509.Certificate, now: datetime) -> Listed:
    key = Entry(entry.folder, f"{entry.name}.key")
    has_key = certdir.store.find(key) is not None
    return Listed(
        kind=kind,
        name=entry.name,
        path=certdir.store.find(entry) or entry.path,
        subject=shown_name(certificate.subject),
        issuer=shown_name(certificate.issuer),
        self_signed=is_self_signed(certificate),
        serial=even_hex(certificate.serial_number),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        state=state(certificate, now),
        days_left=days_left(certificate.not_valid_after_utc, now),
        key_type=key_name(certificate.public_key()),
        has_key=has_key,
        key_exposed=has_key and certdir.store.exposed(key),
        sha256=fingerprint(certificate),
    )


# --- who signed whom -------------------------------------------------------------------------------------------------


def _parents(found: Sequence[tuple[Listed, x509.Certificate]]) -> Iterator[int | None]:
    """Yield for each certificate the position of the CA that signed it; None where its own key did, or one not here."""
    positions: dict[x509.Certificate, int] = {}
    for index, (item, certificate) in enumerate(found):
        if item.kind is Kind.CA and is_ca(certificate):
            positions.setdefault(certificate, index)
    for item, certificate in found:
        # A pool of its own for each question: a pool bounds the signatures that it checks, a directory has no bound.
        issuers = [] if item.self_signed else IssuerPool(positions).issuers_of(certificate)
        yield next((positions[issuer] for issuer in issuers if issuer != certificate), None)


def _closed_loops(below: dict[int | None, list[int]], count: int) -> list[int]:
    """Return one member of each loop of CAs that signed each other, which hangs below nothing."""
    seen: set[int] = set()
    starts = []
    _collect(below, below.get(None, ()), seen)
    for index in range(count):
        if index not in seen:
            starts.append(index)
            _collect(below, [index], seen)
    return starts


def _collect(below: dict[int | None, list[int]], starts: Sequence[int], seen: set[int]) -> None:
    waiting = list(starts)
    while waiting:
        index = waiting.pop()
        if index not in seen:
            seen.add(index)
            waiting += below.get(index, ())


def _branch(
    index: int,
    found: Sequence[tuple[Listed, x509.Certificate]],
    below: dict[int | None, list[int]],
    above: frozenset[int],
) -> Branch:
    above |= {index}
    return Branch(
        found[index][0],
        tuple(_branch(child, found, below, above) for child in below.get(index, ()) if child not in above),
    )


# --- one thing -------------------------------------------------------------------------------------------------------


def _described(item: Item, found: Found, now: datetime, passphrase: bytes | None, *, first: bool) -> Description:
    if first and isinstance(item, x509.Certificate):  # its folder says what it is; those behind it are its CAs
        return describe_certificate(item, now, found.kind)
    return describe(item, now, found.path, passphrase=passphrase)


def _public_block(item: Item) -> bytes:
    if isinstance(item, x509.Certificate | x509.CertificateSigningRequest | x509.CertificateRevocationList):
        return item.public_bytes(serialization.Encoding.PEM)
    if isinstance(item, StoredPublicKey):
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return item.key.public_bytes(serialization.Encoding.PEM, form)
    return b""
