"""Firefox: each profile has an NSS database of its own; profiles.ini says which there are."""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterator

from easycert.errors import TrustStoreUnusable
from easycert.trust import platforms
from easycert.trust.machine import Machine
from easycert.trust.nss import NssStore
from easycert.trust.protocol import StoreKind

_NOTE = "restart Firefox, if it runs"
_MACOS_NOTE = f"{_NOTE}; from version 120 on it also trusts what the keychain does (policy ImportEnterpriseRoots)"
_INI = "profiles.ini"
_LIMIT = 1 << 20


def firefox_stores(machine: Machine, password_file: str | None = None) -> Iterator[NssStore]:
    """Yield the database of each profile that is there. Raises TrustStoreUnusable for a profiles.ini that is not."""
    note = _MACOS_NOTE if machine.is_macos else _NOTE
    seen = set()
    for base in _bases(machine):
        for place in _profiles(base):
            real = os.path.realpath(place)
            if real not in seen and os.path.isdir(place):
                seen.add(real)
                yield NssStore(machine, place, StoreKind.FIREFOX, note=note, password_file=password_file)


def profile_paths(text: str, base: str) -> tuple[str, ...]:
    """Return the directories of the profiles that the profiles.ini *text* in the directory *base* names.

    Raises ValueError when it is not such a file.
    """
    parser = configparser.RawConfigParser(strict=False, interpolation=None, delimiters=("=",), allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError(str(error)) from error
    found = []
    for name in parser.sections():
        path = parser.get(name, "Path", fallback=None)
        if path and name.lower().startswith("profile") and "\0" not in path:
            found.append(os.path.join(base, path))  # an absolute one stays what it is
    return tuple(dict.fromkeys(found))


def _bases(machine: Machine) -> Iterator[str]:
    """Yield where a profiles.ini may be; from version 147 on, Firefox takes XDG_CONFIG_HOME into account."""
    yield from map(machine.below_home, platforms.FIREFOX)
    config_home = machine.environment.get("XDG_CONFIG_HOME", "")
    if os.path.isabs(config_home):
        yield os.path.join(config_home, "mozilla", "firefox")


def _profiles(base: str) -> tuple[str, ...]:
    path = os.path.join(base, _INI)
    try:
        if not os.path.isfile(path):
            return ()
        with open(path, encoding="utf-8-sig") as file:
            return profile_paths(file.read(_LIMIT), base)
    except OSError as error:
        raise TrustStoreUnusable(path, f"it cannot be read: {error.strerror}") from error
    except ValueError:
        raise TrustStoreUnusable(path, "it is no profiles.ini") from None
