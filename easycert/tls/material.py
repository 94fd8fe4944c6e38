"""What TLS contexts are made of, read from a certificate directory; of each file the last good version is kept.

A long-lived service must outlive whatever happens to its files: a renewal is two renames, and a copy may be half done.
So a file that has become unusable is reported, and what it held before stays in use until it is whole again.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, NamedTuple, TypeVar

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import (
    EasycertError,
    EncryptedKey,
    KeyMismatch,
    Malformed,
    NotFound,
    Refused,
    UnreadableFile,
    printable,
)
from easycert.model import Kind
from easycert.pki.certificates import certificate_pem
from easycert.pki.chains import is_self_issued, order_chain, subject_name
from easycert.pki.crl_scope import ListedFacts
from easycert.pki.formats.bundle import read_bundle
from easycert.pki.names import SafeName
from easycert.pki.signatures import UNREADABLE
from easycert.store import layout
from easycert.store import protocol as store_protocol
from easycert.store.layout import Entry
from easycert.store.marks import mark_of

_Value = TypeVar("_Value")
#: What tells a file that is unchanged; None for one that is not there.
Mark = store_protocol.Mark | None
#: Told in one sentence what is wrong with a file, and that the service goes on.
Report = Callable[[str], None]
#: Given the path of an encrypted private key, returns its passphrase.
Passphrase = Callable[[str], str | bytes]
#: Nanoseconds: twice the longest step in which Linux counts the times of files.
_STEP = 20_000_000
#: What OpenSSL says of a private key that belongs to another certificate.
_MISMATCHES = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


class Presented(NamedTuple):
    """What one side shows: its certificate and those above it, and the private key, all in PEM for OpenSSL."""

    source: str
    chain: tuple[x509.Certificate, ...]
    pem: bytes
    passphrase: str | bytes | None

    def __repr__(self) -> str:
        """Return whose it is, and no key."""
        return f"Presented({self.source!r})"

    def load_into(self, context: ssl.SSLContext) -> None:
        """Give *context* this certificate and key. Raises KeyMismatch, EncryptedKey and Refused."""
        asked: list[str] = []

        def passphrase() -> str | bytes:
            """Answer OpenSSL, which would ask the terminal if this were not here."""
            asked.append(self.source)
            if self.passphrase is None:
                raise EncryptedKey(self.source, wrong=False)
            return self.passphrase

        try:
            with _as_file(self.pem) as path:
                context.load_cert_chain(path, password=passphrase)
        except ssl.SSLError as error:
            if error.reason in _MISMATCHES:
                raise KeyMismatch(self.source, "the private key does not belong to the certificate beside it") from None
            if asked:
                raise EncryptedKey(self.source, wrong=True) from None
            raise Refused(self.source, f"OpenSSL cannot use it ({printable(error.reason or error)})") from None
        except ValueError:  # a passphrase that is longer than OpenSSL's buffer
            raise EncryptedKey(self.source, wrong=True) from None


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """Yield a path from which OpenSSL, which takes keys from files only, can read *data*: in memory if it can be."""
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("easycert", os.MFD_CLOEXEC)
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(data)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile(prefix="easycert-") as named:
        named.write(data)
        named.flush()
        yield named.name


class _Slot(NamedTuple, Generic[_Value]):
    """What was read last that was good, and the marks that its files had then."""

    marks: tuple[Mark, ...]
    value: _Value


class Material:
    """The files of one certificate directory that matter to one context."""

    def __init__(self, certdir: CertDir, report: Report, passphrase: Passphrase | None) -> None:
        """Read from *certdir*; *report* hears of files that cannot be used, *passphrase* opens encrypted keys."""
        self._certdir = certdir
        self._report = report
        self._passphrase = passphrase
        self._slots: dict[object, _Slot[object]] = {}
        #: Of each thing the state of its files that was reported last.
        self._told: dict[object, object] = {}
        #: Pairs whose key and certificate do not belong together, seen once: a renewal may be between its two renames.
        self._half: set[object] = set()
        #: What was read so soon after a change that another one could have left its marks as they are.
        self._young: set[object] = set()
        #: By path, the digest of a file and what came of it: CRLs, and passphrases.
        self._lists: dict[str, tuple[bytes, tuple[ListedFacts, ...]]] = {}
        self._words: dict[str, tuple[bytes, str | bytes]] = {}

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to look at again, although no mark has changed."""
        return not (self._half or self._young)

    # --- changes -----------------------------------------------------------------------------------------------------

    def mark(self, entry: Entry) -> Mark:
        """Return what tells whether *entry* has changed; None when there is none."""
        store = self._certdir.store
        path = store.find(entry)
        if path is None:
            return None
        try:
            status = os.stat(path)
        except OSError as error:  # a store in memory, or a directory that may not be looked into any more
            with suppress(UnreadableFile):
                size, changed, _ = store.stamp(entry) or (0, 0, 0)
                return path, 0, 0, size, changed
            return path, 0, 0, 0, error.errno or 0
        return mark_of(path, status)

    def marks(self, folder: str, suffix: str) -> tuple[Mark, ...]:
        """Return the marks of all files of *folder* with this suffix."""
        try:
            return self._certdir.store.marks(folder, suffix)
        except UnreadableFile as error:
            return ((f"{error.path}: {error.reason}", 0, 0, 0, 0),)

    # --- what is read ------------------------------------------------------------------------------------------------

    def presented(self, kind: Kind, name: SafeName) -> Presented:
        """Return the certificate of *name*, those of the CAs above it, and its key.

        Raises NotFound, UnreadableFile, Malformed, KeyMismatch, EncryptedKey and Refused where it was never good.
        """
        own = self.mark(layout.certificate(kind, name)), self.mark(layout.key(kind, name))
        marks = (*own, *self.marks(layout.FOLDERS[Kind.CA], "crt"))  # those above it are shown, too
        return self._kept((kind, name), marks, lambda: self._read_pair(kind, name))

    def authority(self, name: SafeName) -> tuple[x509.Certificate, ...]:
        """Return the certificates of the CA called *name*: the first of its file, and others of the same subject.

        A file may hold a CA before and after it got a new key; what stands above it in the file is another CA. Raises
        NotFound, UnreadableFile and Malformed where it was never good.
        """
        entry = layout.certificate(Kind.CA, name)
        found = self._kept(entry, (self.mark(entry),), lambda: self._read_certificates(entry))
        return tuple(item for item in found if subject_name(item) == subject_name(found[0]))

    def authorities(self) -> tuple[x509.Certificate, ...]:
        """Return the certificates of all CAs; a file that was never good is reported and left out."""
        found = self._each(layout.FOLDERS[Kind.CA], "crt", self._read_certificates)
        return tuple(dict.fromkeys(item for certificates in found for item in certificates))

    def crls(self) -> tuple[ListedFacts, ...]:
        """Return all CRLs; a file that was never good is reported and left out."""
        return tuple(item for lists in self._each(layout.CRLS, "crl", self._read_crls) for item in lists)

    def _each(self, folder: str, suffix: str, read: Callable[[Entry], _Value]) -> Iterator[_Value]:
        try:
            entries = tuple(self._certdir.store.each(folder, suffix))
        except UnreadableFile as error:
            self._tell(folder, error.reason, error, "it is left out")
            return
        self._forget_all_but(folder, entries)
        for entry in entries:
            try:
                yield self._kept(entry, (self.mark(entry),), lambda entry=entry: read(entry))  # type: ignore[misc]
            except EasycertError as error:
                self._tell(entry, self.mark(entry), error, "it is left out")

    def _forget_all_but(self, folder: str, entries: tuple[Entry, ...]) -> None:
        """Drop what was read of files that are gone: one that comes back broken must not bring it back."""
        gone = {key for key in self._slots if isinstance(key, Entry) and key.folder == folder} - set(entries)
        for key in gone:
            del self._slots[key]
        self._young -= gone

    # --- keeping -----------------------------------------------------------------------------------------------------

    def _kept(self, key: object, marks: tuple[Mark, ...], read: Callable[[], _Value]) -> _Value:
        slot: _Slot[_Value] | None = self._slots.get(key)  # type: ignore[assignment]
        if slot is not None and slot.marks == marks and key not in self._young:
            return slot.value
        (self._young.add if self._are_young(marks) else self._young.discard)(key)
        try:
            value = read()
        except EasycertError as error:
            if slot is None:
                raise
            self._not_taken_up(key, marks, error)
            return slot.value
        self._half.discard(key)
        self._slots[key] = _Slot(marks, value)
        return value

    def _are_young(self, marks: tuple[Mark, ...]) -> bool:
        """Return whether a file could change again and look as it did: file systems count time in steps."""
        old = self._certdir.now().timestamp() * 1e9 - _STEP
        return any(mark[2] > old for mark in marks if mark is not None)

    def _not_taken_up(self, key: object, marks: tuple[Mark, ...], error: EasycertError) -> None:
        """Report what cannot be taken up; a pair that does not match gets a second look, with the next handshake."""
        if isinstance(error, KeyMismatch) and key not in self._half:
            self._half.add(key)
            return
        self._half.discard(key)
        self._tell(key, marks, error, "what it held before stays in use")

    def _tell(self, key: object, state: object, error: EasycertError, consequence: str) -> None:
        """Report *error*, once for each *state* of what has *key*."""
        if self._told.get(key) != state:
            self._told[key] = state
            self._report(f"{error}; {consequence}")

    # --- reading -----------------------------------------------------------------------------------------------------

    def _read_pair(self, kind: Kind, name: SafeName) -> Presented:
        entry = layout.certificate(kind, name)
        certificates = self._read_certificates(entry)
        found = self._certdir.read(layout.key(kind, name))
        if found is None:
            raise NotFound(f"private key of a {kind.value}", name)
        key, path = found
        chain, _ = order_chain(certificates[0], (*certificates, *self.authorities()))
        shown = (chain[0], *(item for item in chain[1:] if not is_self_issued(item)))
        presented = Presented(path, shown, certificate_pem(*shown) + key, None)
        if b"ENCRYPTED" in key and self._passphrase is not None:
            presented = presented._replace(passphrase=self._word_for(key, path, self._passphrase))
        try:
            presented.load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        except EncryptedKey:
            self._words.pop(path, None)
            raise
        return presented

    def _word_for(self, key: bytes, path: str, passphrase: Passphrase) -> str | bytes:
        """Return the passphrase of *key*, asked for once: there may be a person behind *passphrase*."""
        digest = hashlib.sha256(key).digest()
        if path not in self._words or self._words[path][0] != digest:
            self._words[path] = digest, passphrase(path)
        return self._words[path][1]

    def _read_certificates(self, entry: Entry) -> tuple[x509.Certificate, ...]:
        found = self._certdir.read(entry)
        if found is None:
            raise NotFound(f"certificate in {entry.folder}/", entry.name)
        bundle = read_bundle(found[0])
        if bundle.undecodable or not bundle.certificates:
            raise Malformed(found[1], "a certificate", "there is none in it, or one that cannot be decoded")
        return bundle.readable_certificates

    def _read_crls(self, entry: Entry) -> tuple[ListedFacts, ...]:
        data, path = self._certdir.read(entry) or (b"", entry.path)
        digest = hashlib.sha256(data).digest()
        if path in self._lists and self._lists[path][0] == digest:
            return self._lists[path][1]  # a long one is not indexed again because somebody touched it
        self._lists[path] = digest, self._decoded_crls(data, path)
        return self._lists[path][1]

    def _decoded_crls(self, data: bytes, path: str) -> tuple[ListedFacts, ...]:
        bundle = read_bundle(data)
        if bundle.undecodable or not bundle.crls:
            raise Malformed(path, "a certificate revocation list", "there is none in it, or one that cannot be decoded")
        try:
            return tuple(map(ListedFacts, bundle.readable_crls))
        except UNREADABLE as error:
            raise Malformed(path, "a certificate revocation list", str(error)) from None
