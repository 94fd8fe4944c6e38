"""Which trust stores there are on a machine, and which of them were asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from easycert.errors import TrustStoreUnusable
from easycert.model import Value
from easycert.trust import chrome, firefox, java, platforms
from easycert.trust.keychain import KeychainStore
from easycert.trust.machine import Machine
from easycert.trust.node import VARIABLE, NodeStore
from easycert.trust.nss import NssStore
from easycert.trust.protocol import StoreKind, TrustStore
from easycert.trust.system import SystemStore
from easycert.trust.verbs import Outcome, Told


class Wanted(Value):
    """Which stores were asked for: *kinds*, none of which means all that are here, and NSS databases by directory.

    *password_file* is a file with the password of the keystore or of the databases, where it is not the usual one.
    """

    kinds: frozenset[StoreKind] = frozenset()
    nss_directories: tuple[str, ...] = ()
    password_file: str | None = None


class Found(Value):
    """The *stores* to work on, and what there is to say about those that were asked for and are not here."""

    stores: tuple[TrustStore, ...]
    missing: tuple[Told, ...]


def find_stores(machine: Machine, wanted: Wanted) -> Found:
    """Return the stores on *machine* that are *wanted*."""
    kinds = wanted.kinds | ({StoreKind.NSS} if wanted.nss_directories else set())
    stores: list[TrustStore] = []
    missing: list[Told] = []
    for kind, finder in _FINDERS.items():
        if kinds and kind not in kinds:
            continue
        try:
            found = list(finder(machine, wanted, asked=kind in kinds))
        except TrustStoreUnusable as error:
            missing.append(Told(kind, "", Outcome.FAILED, str(error), advice=error.package))
            continue
        stores += found if kinds else _not_seen(found, stores)
        if kind in kinds and not found:
            missing.append(Told(kind, "", Outcome.FAILED, _absence(kind, machine)))
    return Found(tuple(stores), tuple(missing))


def _not_seen(found: list[TrustStore], seen: list[TrustStore]) -> list[TrustStore]:
    """Return what is not *seen* yet: Chrome's database is also the user's NSS database."""
    places = {os.path.realpath(store.place) for store in seen}
    return [store for store in found if os.path.realpath(store.place) not in places]


def _system(machine: Machine, _wanted: Wanted, *, asked: bool) -> Iterator[TrustStore]:
    if machine.is_macos:
        yield KeychainStore(machine, for_all=os.geteuid() == 0)
        return
    platform = machine.platform
    if platform is not None:
        store = SystemStore(machine, platform)
        if asked or os.path.isdir(store.place) or machine.children.find(platform.adding[0]):
            yield store


def _chrome(machine: Machine, wanted: Wanted, *, asked: bool) -> Iterator[TrustStore]:
    if _has_home(machine) and not machine.is_macos:
        # Under sudo a database would be made that belongs to the superuser, who as a rule browses nothing.
        here = asked or (chrome.is_here(machine) and not machine.is_under_sudo)
        for store in chrome.chrome_stores(machine, wanted.password_file):
            if here or store.place != chrome.user_database(machine):
                yield store


def _nss(machine: Machine, wanted: Wanted, *, asked: bool) -> Iterator[TrustStore]:
    places = [os.path.abspath(place) for place in wanted.nss_directories]
    if not places:
        system = machine.below_root(platforms.NSS_OF_SYSTEM)
        places += [system] if os.path.isdir(system) else []
        user = chrome.user_database(machine)
        places += [user] if _has_home(machine) and (asked or os.path.isdir(user)) else []
    for place in places:
        yield NssStore(machine, place, password_file=wanted.password_file)


def _firefox(machine: Machine, wanted: Wanted, *, asked: bool) -> Iterator[TrustStore]:  # noqa: ARG001  (a finder)
    if _has_home(machine):
        yield from firefox.firefox_stores(machine, wanted.password_file)


def _java(machine: Machine, wanted: Wanted, *, asked: bool) -> Iterator[TrustStore]:  # noqa: ARG001  (a finder)
    yield from java.java_stores(machine, wanted.password_file)


def _node(machine: Machine, _wanted: Wanted, *, asked: bool) -> Iterator[TrustStore]:
    if asked or machine.environment.get(VARIABLE) or machine.children.find("node"):
        yield NodeStore(machine)


#: In the order in which they are worked on: Java's may have it from the system's, Chrome's is also the user's of NSS.
_FINDERS: dict[StoreKind, Callable[..., Iterator[TrustStore]]] = {
    StoreKind.SYSTEM: _system,
    StoreKind.CHROME: _chrome,
    StoreKind.NSS: _nss,
    StoreKind.FIREFOX: _firefox,
    StoreKind.JAVA: _java,
    StoreKind.NODE: _node,
}


def _has_home(machine: Machine) -> bool:
    """Return whether the home directory can be one; without it nothing may be written into where we happen to be."""
    return os.path.isabs(machine.home) and os.path.isdir(machine.home)


def _absence(kind: StoreKind, machine: Machine) -> str:
    if kind is StoreKind.SYSTEM:
        return "nobody has described yet how this operating system trusts a CA"
    if kind is StoreKind.JAVA:
        return "there is no Java: JAVA_HOME names none with a keystore, and none is on PATH"
    if not _has_home(machine):
        return "the home directory that HOME names does not exist"
    if kind is StoreKind.CHROME:
        return "on macOS Chrome trusts what the keychain does, which is --system"
    return "there is no profile of Firefox in this home directory"
