"""The key of a successor: a new one like the old, or the old one, for CAs and where no private key is here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from easycert.certdir import CertDir
from easycert.errors import EasycertError, KeyMismatch, WeakKey
from easycert.model import Kind, Value
from easycert.pki import keys
from easycert.pki.keys import KeyType, PrivateKey, PublicKey, key_name, public_der, require_strong, successor_type
from easycert.store import layout
from easycert.workflows.renew.candidates import Candidate
from easycert.workflows.renew.values import Progress, RenewRequest

#: RSA keys are made on all cores, so many at a time; between, a person hears how far it is.
_KEYS_AT_ONCE = 16
_TRADITIONAL = (b"-----BEGIN RSA PRIVATE KEY-----", b"-----BEGIN EC PRIVATE KEY-----")


class KeyChoice(Value):
    """Whether a new key is to be made, of which type (None: the old one is kept).

    *own* is the private key that is there, if it can be read, *data* what its file held when this was decided.
    """

    new: KeyType | None
    own: PrivateKey | None
    data: bytes | None
    notes: tuple[str, ...] = ()

    @property
    def traditional(self) -> bool:
        """Whether the key was written in the form that has the algorithm in its first line."""
        return self.data is not None and self.data.lstrip().startswith(_TRADITIONAL)


class Successors:
    """The keys of the successors: chosen, and made, before anything is locked, and handed out one by one."""

    def __init__(self, certdir: CertDir, request: RenewRequest, make: Callable[[KeyType], PrivateKey]) -> None:
        """Choose as *request* says among the keys of *certdir*; *make* makes one that was not made before."""
        self._certdir = certdir
        self._request = request
        self._make = make
        self._choices: dict[tuple[Kind, str], KeyChoice] = {}
        self._made: dict[tuple[Kind, str], PrivateKey] = {}

    def prepare(self, candidates: Sequence[Candidate], progress: Progress) -> None:
        """Make a new key for each of *candidates* that is to have one; *progress* hears how far that is."""
        wanted: dict[KeyType, list[tuple[Kind, str]]] = {}
        for candidate in candidates:
            try:
                choice = _choice(self._certdir, candidate, self._request)
            except EasycertError:
                continue  # said when it is its turn
            self._choices[candidate.place] = choice
            if choice.new is not None:
                wanted.setdefault(choice.new, []).append(candidate.place)
        total = sum(map(len, wanted.values()))
        for key_type, places in wanted.items():
            for first in range(0, len(places), _KEYS_AT_ONCE):
                part = places[first : first + _KEYS_AT_ONCE]
                self._made |= zip(part, keys.generate_many(key_type, len(part)), strict=True)
                progress("made keys", len(self._made), total)

    def choose(self, candidate: Candidate) -> KeyChoice:
        """Return what was chosen for *candidate*, or what is chosen now if its key has changed.

        Raises KeyMismatch when the key beside it is not its own (it may wait for another certificate), WeakKey when a
        key is to be kept that no certificate may carry any more, and EncryptedKey.
        """
        choice = self._choices.get(candidate.place)
        if choice is None or choice.data != self._certdir.store.read(layout.key(candidate.kind, candidate.name)):
            choice = _choice(self._certdir, candidate, self._request)
        return choice

    def new_key(self, candidate: Candidate, choice: KeyChoice) -> PrivateKey | None:
        """Return the new key that was made for *candidate*, or is made now; None where the old one is kept."""
        if choice.new is None:
            return None
        return self._made.pop(candidate.place, None) or self._make(choice.new)


def _choice(certdir: CertDir, candidate: Candidate, request: RenewRequest) -> KeyChoice:
    kind, name, public = candidate.kind, candidate.name, candidate.certificate.public_key()
    entry = layout.key(kind, name)
    data = certdir.store.read(entry)
    own, is_weak = _own(certdir, candidate)
    if own is not None and public_der(own.public_key()) != public_der(cast("PublicKey", public)):
        raise KeyMismatch(certdir.store.path(entry), "it is not the key of the certificate beside it")
    if kind is Kind.CA or request.reuse_key or not (own or is_weak):
        require_strong(public, f"the key of {kind.value} {name}")
        is_foreign = not own and kind is not Kind.CA
        return KeyChoice(None, own, data, ("its private key is not here, so its key is kept",) if is_foreign else ())
    new, before = successor_type(public), key_name(public)
    return KeyChoice(new, own, data, (f"its key is {new.value} now, and was {before}",) if new.value != before else ())


def _own(certdir: CertDir, candidate: Candidate) -> tuple[PrivateKey | None, bool]:
    """Return the key beside the certificate, and whether there is one that is too weak to be read."""
    try:
        return certdir.signers.key(candidate.kind, candidate.name), False
    except WeakKey:
        return None, True
