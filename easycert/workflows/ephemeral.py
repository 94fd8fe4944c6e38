"""A throw-away PKI for one command: a root, hosts and users in a private temporary directory that goes with it."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import NamedTuple

from easycert.certdir import CertDir
from easycert.errors import printable
from easycert.model import Kind, Value
from easycert.pki.names import CaName, HostName, SafeName, UserName
from easycert.pki.sans import SubjectAltName, parse_san
from easycert.pki.validity import When
from easycert.store import layout
from easycert.store.memory import MemoryStore
from easycert.trust import variables
from easycert.workflows.environment import EnvironmentRequest, environment
from easycert.workflows.issue import IssueRequest, issue

#: Long enough for a shell that somebody leaves open; what is left after a kill -9 is worth nothing soon.
_LIFETIME = When(None, timedelta(days=30))
_ROOT = CaName("ephemeral")
_LOOPBACK = ("IP:127.0.0.1", "IP:::1")
_PREFIX = "easycert-ephemeral-"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


class EphemeralRequest(Value):
    """Which hosts and users the PKI has; a ``localhost`` has its addresses, too."""

    hosts: tuple[HostName, ...]
    users: tuple[UserName, ...]
    environ: Mapping[str, str]


class Ephemeral(NamedTuple):
    """The variables that tell of it, which of them said something else before, and what a person should know."""

    variables: dict[str, str]
    overridden: tuple[str, ...]
    notes: tuple[str, ...]


@contextmanager
def ephemeral(request: EphemeralRequest, report: Callable[[str], None]) -> Iterator[Ephemeral]:
    """Make the PKI; when the block ends, by whatever exception, nothing of it is left, or *report* is told what.

    The private directory is made by :mod:`tempfile`, readable by nobody else. Raises OSError where that cannot be.
    """
    with _private_directory(report) as directory:
        place = os.path.join(directory, "certs")
        _put(_issued(request), place)
        certdir = CertDir.open(place)
        user = request.users[0] if request.users else None
        wanted = EnvironmentRequest(request.environ, user=user)
        found = environment(certdir, wanted, place=os.path.join(directory, "trust"))
        named = _named(certdir, place, request)
        yield Ephemeral(found.variables | named, found.overridden, found.notes)


def _issued(request: EphemeralRequest) -> MemoryStore:
    """Return the files of the PKI, made in memory: none has to survive a power cut, so no disk is waited for."""
    store = MemoryStore()
    certdir = CertDir(store)
    issue(certdir, [IssueRequest(Kind.CA, _ROOT, end=_LIFETIME)])
    below: list[tuple[Kind, SafeName]] = [(Kind.HOST, name) for name in dict.fromkeys(request.hosts)]
    below += [(Kind.USER, name) for name in dict.fromkeys(request.users)]
    orders = [IssueRequest(kind, name, _ROOT, sans=_sans(name), end=_LIFETIME) for kind, name in below]
    if orders:
        issue(certdir, orders)
    return store


def _put(store: MemoryStore, place: str) -> None:
    os.mkdir(place, 0o700)
    for path, data in store.files.items():
        target = os.path.join(place, path)
        os.makedirs(os.path.dirname(target), 0o700, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, store.modes[path])
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)


def _sans(name: SafeName) -> tuple[SubjectAltName, ...]:
    return tuple(parse_san(text) for text in _LOOPBACK) if name == "localhost" else ()


def _named(certdir: CertDir, place: str, request: EphemeralRequest) -> dict[str, str]:
    """Return where things are: the directory, for easycert and Synapse, and the first host's files."""
    found = {"EASYCERT_DIR": place, "SYN_CERT_DIR": place}
    if request.hosts:
        host = request.hosts[0]
        found[variables.HOST_CERT_FILE] = certdir.store.path(layout.certificate(Kind.HOST, host))
        found[variables.HOST_KEY_FILE] = certdir.store.path(layout.key(Kind.HOST, host))
    return found


@contextmanager
def _private_directory(report: Callable[[str], None]) -> Iterator[str]:
    directory, lock = "", -1
    try:
        with _undisturbed():
            directory, lock = _made()
        yield directory
    finally:
        with _undisturbed():
            if directory and not _removed(directory):
                report(f"{printable(directory)} could not be removed: something in it is in use")
            if lock >= 0:
                os.close(lock)


def _made() -> tuple[str, int]:
    """Make the directory, and a descriptor whose lock ends with this process; sweep what killed ones have left.

    It gets its name when it is locked, so that nobody takes it for one that was left behind.
    """
    draft = tempfile.mkdtemp(prefix=".easycert-")
    above, name = os.path.split(draft)
    _sweep(above)
    lock = os.open(draft, _DIRECTORY)
    with suppress(OSError):  # where there are no locks, nothing is ever swept
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    directory = os.path.join(above, f"{_PREFIX}{name.rpartition('-')[2]}")
    os.rename(draft, directory)
    return directory, lock


def _sweep(above: str) -> None:
    """Remove the directories of this user's whose process was killed: there are private keys in them (hazard F11)."""
    for name in os.listdir(above):
        if name.startswith(_PREFIX):
            with suppress(OSError):
                _remove_abandoned(os.path.join(above, name))


def _remove_abandoned(directory: str) -> None:
    descriptor = os.open(directory, _DIRECTORY)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _removed(directory)
    finally:
        os.close(descriptor)


def _removed(directory: str) -> bool:
    shutil.rmtree(directory, ignore_errors=True)
    if os.path.lexists(directory):  # the command has left directories that may not be written to
        for path, folders, _ in os.walk(directory):
            for folder in (os.path.join(path, name) for name in folders):
                with suppress(OSError):
                    if not os.path.islink(folder):
                        os.chmod(folder, 0o700)  # before it is walked into
        shutil.rmtree(directory, ignore_errors=True)
    return not os.path.lexists(directory)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold signals that end this process back until the block is over: one between two files would leave some."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
