"""Files that variables can name: the system's roots and ours in one, ours alone, and both for Java.

They lie in a directory that is named by their contents, so that a command finds those of the last time, a program that
still reads older ones keeps them, and the command that was started needs nobody who cleans up behind it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from cryptography import x509

from easycert.errors import StoreFailure, UnsafeDirectory
from easycert.model import Value
from easycert.pki.certificates import certificate_pem
from easycert.trust import roots
from easycert.trust.roots import Roots
from easycert.trust.variables import ADDITIONS, BASE, Contents

#: The first line of each file: where what is not ours came from. A file of ours is no base for another: its base is.
_MADE = b"# made by easycert"
_FROM = b", with what is in "
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Sources(Value):
    """What the files are made of beside our CAs: the base of all roots, what the caller adds, and Java's own roots.

    *notes* say what a person should know of how they were found.
    """

    base: Roots | None
    added: Roots | None
    java: Roots | None
    notes: tuple[str, ...] = ()


class Bundle(Value):
    """The PEM files by their contents, and what Java's trust store is made of."""

    files: dict[Contents, bytes]
    certificates: tuple[x509.Certificate, ...]
    java: Roots | None

    @property
    def name(self) -> str:
        """What the directory of these files is called: a digest of all of it."""
        digest = hashlib.sha256()
        for data in (*self.files.values(), self.java.data if self.java else b""):
            digest.update(hashlib.sha256(data).digest())
        return digest.hexdigest()[:32]


def sources(environ: Mapping[str, str], system: Sequence[str] = roots.SYSTEM) -> Sources:
    """Return what the environment *environ* and this system trust: its SSL_CERT_FILE, else the *system*'s roots."""
    named, notes = environ.get(BASE, ""), []
    base = _original(named)
    if named and base is None and not _is_ours(named):
        notes.append(f"{BASE} names no file with certificates: the system's roots are taken instead")
    base = base or roots.system_roots(system)
    if base is None:
        notes.append("this system has no file with roots: nothing is trusted but the CAs of the certificate directory")
    return Sources(base, _original(environ.get(ADDITIONS, "")), roots.java_roots(environ), tuple(notes))


def bundle(found: Sources, certificates: Sequence[x509.Certificate]) -> Bundle:
    """Return the files that hold *certificates*, and what was *found*."""
    files = {
        Contents.MERGED: _merged(found.base, certificates),
        Contents.OURS: _merged(None, certificates),
        Contents.ADDED: _merged(found.added, certificates),
    }
    return Bundle(files, tuple(certificates), found.java or found.base)


def places(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the directories in which bundles may lie, the best first: the user's cache, else one of the user's in /tmp.

    A home that belongs to somebody else, as under sudo, gets nothing of ours.
    """
    home = environ.get("HOME", "")
    caches = [environ.get("XDG_CACHE_HOME", ""), *([os.path.join(home, ".cache")] if os.path.isdir(home) else [])]
    for above in caches:  # a home that does not exist is not made (hazard H5)
        if os.path.isabs(above) and _is_in_own_hands(above):
            yield os.path.join(above, "easycert", "trust")
    temporary = environ.get("TMPDIR", "")
    yield os.path.join(temporary if os.path.isabs(temporary) else "/tmp", f"easycert-{os.geteuid()}", "trust")  # noqa: S108


def keep(content: Bundle, directories: Iterable[str]) -> str:
    """Put *content* into the first of *directories* that takes it, unless it is there; return where its files are.

    Raises StoreFailure when none takes it, UnsafeDirectory for the last when others could change what is in it.
    """
    *others, last = directories
    for place in others:
        with suppress(StoreFailure, UnsafeDirectory):
            return write(content, place)
    return write(content, last)


def write(content: Bundle, place: str) -> str:
    """Put *content* into a directory of its own in *place*; return that. Raises StoreFailure and UnsafeDirectory."""
    try:
        _make_private(place)
        require_own(os.path.dirname(place))
        require_own(place)
        target = os.path.join(place, content.name)
        if not _is_there(content, target):
            _make(content, target)
        require_own(target)
    except OSError as error:
        raise StoreFailure(place, "write to", error.strerror or str(error)) from error
    return target


def require_own(path: str) -> None:
    """Raise UnsafeDirectory unless *path* is a directory, no link to one, that nobody else can write to."""
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode):
        raise UnsafeDirectory(path, "not a directory")
    if status.st_uid != os.geteuid():
        raise UnsafeDirectory(path, f"owned by another user (uid {status.st_uid})")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UnsafeDirectory(path, f"writable by others than its owner (mode {stat.S_IMODE(status.st_mode):04o})")


def java_store(content: Bundle) -> bytes:
    """Return a PKCS#12 trust store that Java opens without a password: what it holds is public."""
    from cryptography.hazmat.primitives.serialization import NoEncryption
    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography's, about serial numbers of old roots: they are others' business
        trusted = [*_java_certificates(content.java), *content.certificates]
    entries = [PKCS12Certificate(item, f"root {number}".encode()) for number, item in enumerate(dict.fromkeys(trusted))]
    return serialize_java_truststore(entries, NoEncryption())


def _java_certificates(found: Roots | None) -> Iterator[x509.Certificate]:
    if found is None:
        return
    if b"-----BEGIN " in found.data:
        yield from _decoded(x509.load_pem_x509_certificate, _blocks(found.data))
        return
    try:
        yield from _decoded(x509.load_der_x509_certificate, roots.jks_certificates(found.data))
    except ValueError:
        yield from _pkcs12_certificates(found.data)


def _pkcs12_certificates(data: bytes) -> Iterator[x509.Certificate]:
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

    for password in (None, b"changeit"):  # what every Java comes with
        with suppress(ValueError):
            yield from (item.certificate for item in load_pkcs12(data, password).additional_certs)
            return


def _decoded(load: Callable[[bytes], x509.Certificate], encoded: Iterable[bytes]) -> Iterator[x509.Certificate]:
    for data in encoded:
        with suppress(ValueError):  # roots of other people: what cannot be read, Java could not read either
            yield load(data)


def _blocks(pem: bytes) -> Iterator[bytes]:
    begin, end = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
    for part in pem.split(begin)[1:]:
        yield begin + part.partition(end)[0] + end


def _merged(base: Roots | None, certificates: Sequence[x509.Certificate]) -> bytes:
    head, tail = _MADE + b"\n", b""
    if base is not None:
        if base.path.isprintable():
            head = _MADE + _FROM + base.path.encode() + b"\n"
        tail = base.data if base.data.endswith(b"\n") else base.data + b"\n"
    return head + certificate_pem(*certificates) + tail


def _original(path: str) -> Roots | None:
    """Return the file *path*, or the one that it was made of where it is ours; None where there is none."""
    found = roots.pem_file(path) if path else None
    if found is None or not found.data.startswith(_MADE):
        return found
    first = found.data.partition(b"\n")[0]
    other = first.partition(_FROM)[2].decode("utf-8", "replace")
    original = roots.pem_file(other) if other else None
    return original if original is None or not original.data.startswith(_MADE) else None


def _is_ours(path: str) -> bool:
    found = roots.pem_file(path)
    return found is not None and found.data.startswith(_MADE)


def _make_private(path: str) -> None:
    if not os.path.isdir(path):
        _make_private(os.path.dirname(path))  # os.makedirs would give those above whatever mode the umask leaves
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)


def _is_in_own_hands(path: str) -> bool:
    """Return whether *path*, or the nearest directory above it that there is, belongs to this user."""
    while True:
        try:
            return os.stat(path).st_uid == os.geteuid()
        except FileNotFoundError:
            path = os.path.dirname(path)
        except (OSError, ValueError):
            return False


def _is_there(content: Bundle, target: str) -> bool:
    try:
        for part, data in content.files.items():
            with open(os.path.join(target, part.value), "rb") as stream:
                if stream.read(len(data) + 1) != data:
                    return False
        return os.path.getsize(os.path.join(target, Contents.JAVA.value)) > 0
    except OSError:
        return False


def _make(content: Bundle, target: str) -> None:
    """Make *target*: beside it first, so that it is complete or absent; damaged files in it are replaced one by one."""
    files = {part.value: data for part, data in content.files.items()} | {Contents.JAVA.value: java_store(content)}
    draft = f"{target}.{os.urandom(6).hex()}"
    os.mkdir(draft, 0o700)
    try:
        for name, data in files.items():
            _write(os.path.join(draft, name), data)
        try:
            os.rename(draft, target)
        except OSError:  # it is there: another command was faster, or something in it is damaged
            require_own(target)
            for name in files:
                os.replace(os.path.join(draft, name), os.path.join(target, name))
    finally:
        _discard(draft, files)


def _write(path: str, data: bytes) -> None:
    descriptor = os.open(path, _NEW_FILE, 0o644)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)


def _discard(draft: str, names: Iterable[str]) -> None:
    for name in names:
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(draft, name))
    with suppress(FileNotFoundError):
        os.rmdir(draft)
