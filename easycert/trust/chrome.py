"""Chrome and its kin on Linux: they trust what the user's NSS database trusts; snap and Flatpak give them one each."""

from __future__ import annotations

import os
from collections.abc import Iterator

from easycert.trust import platforms
from easycert.trust.machine import Machine
from easycert.trust.nss import NssStore
from easycert.trust.protocol import StoreKind

_NOTE = "restart Chrome, if it runs"


def user_database(machine: Machine) -> str:
    """Return the directory of the user's NSS database, where it is or would be.

    ``~/.pki/nssdb``, which everything knows, else the one below XDG_DATA_HOME: newer Chromiums look there when there is
    no first. So a first is never made where the second is.
    """
    first, second = (machine.below_home(path) for path in platforms.NSS_OF_USER)
    data_home = machine.environment.get("XDG_DATA_HOME", "")
    if os.path.isabs(data_home):
        second = os.path.join(data_home, "pki", "nssdb")
    return second if os.path.isdir(second) and not os.path.isdir(first) else first


def is_here(machine: Machine) -> bool:
    """Return whether there is a browser of Chromium's kin."""
    return any(machine.children.find(name) for name in platforms.CHROMES)


def chrome_stores(machine: Machine, password_file: str | None = None) -> Iterator[NssStore]:
    """Yield the databases that Chrome and its kin read here: the user's, and those in sandboxes that are there."""
    places = [user_database(machine)]
    places += [path for path in map(machine.below_home, platforms.SANDBOXED_CHROMES) if os.path.isdir(path)]
    for place in places:
        yield NssStore(machine, place, StoreKind.CHROME, note=_NOTE, password_file=password_file)
