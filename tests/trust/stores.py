"""Every kind of trust store that can run here, each in a tree of its own, and what a stranger does to it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from easycert.trust.firefox import firefox_stores
from easycert.trust.java import java_stores
from easycert.trust.machine import Machine
from easycert.trust.memory import MemoryTrust
from easycert.trust.nss import NssStore
from easycert.trust.platforms import LINUX
from easycert.trust.protocol import Anchor, Held, TrustStore
from easycert.trust.steps import Place, Run, take
from easycert.trust.system import SystemStore
from tests.pki.chainmaker import DAY, NOW, Made, Recipe, name, pem

#: Java starts twice as fast when it does not try to become fast.
FAST_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"
DEBIAN = next(row for row in LINUX if row.name == "Debian")
Need = Callable[[str], str]


def authority(common_name: str = "root", *, key: Any = None, lasts: timedelta = 10 * DAY) -> Made:
    return Recipe(name(common_name), ca=True, key=key, not_after=NOW + lasts).make()


def anchor(made: Made, called: str = "root", source: Path | None = None) -> Anchor:
    """Return *made* as what is to be trusted; with *source*, as a file that holds it."""
    if source is not None:
        source.write_bytes(pem(made.certificate))
    return Anchor.of(made.certificate, called, None if source is None else str(source))


def variables(home: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "JAVA_TOOL_OPTIONS": FAST_JAVA, **more}


def machine(top: Path, environment: Mapping[str, str] | None = None) -> Machine:
    """Return a machine whose root and home lie in *top*."""
    home, root = top / "home", top / "root"
    for path in (home, root):
        path.mkdir(exist_ok=True)
    return Machine(home=str(home), environment=environment or variables(home), root=str(root))


class Stand:
    """A store, the machine that it stands on, and how a stranger adds an entry of any name to it."""

    def __init__(self, store: TrustStore, where: Machine, plant: Callable[[str, bytes], None]) -> None:
        self.store = store
        self.machine = where
        self.plant = plant

    def holds(self, held: Anchor) -> list[Held]:
        return [item for item in self.store.status(held) if item.der == held.der]


def in_memory(top: Path, need: Need) -> Stand:
    store = MemoryTrust()

    def plant(label: str, data: bytes) -> None:
        store.entries.append(Held(label, der(data)))

    return Stand(store, machine(top), plant)


def debian(top: Path, need: Need) -> Stand:
    """Return the store of Debian, below another root, with Debian's own update-ca-certificates."""
    need("openssl")
    if not Path("/usr/sbin/update-ca-certificates").exists():
        need("update-ca-certificates")
    where = machine(top)
    for _, path in DEBIAN.elsewhere:
        (Path(where.root) / path).parent.mkdir(parents=True, exist_ok=True)
    for path in ("usr/local/share/ca-certificates", "usr/share/ca-certificates", "etc/ssl/certs"):
        (Path(where.root) / path).mkdir(parents=True, exist_ok=True)
    (Path(where.root) / "etc/ca-certificates.conf").write_text("distribution.crt\n")
    distributed = Path(where.root) / "usr/share/ca-certificates/distribution.crt"
    distributed.write_bytes(pem(authority("some other CA").certificate))
    store = SystemStore(where, DEBIAN)

    def plant(label: str, data: bytes) -> None:
        path = os.path.join(store.place, f"{label}.crt")
        update = store.install(Anchor("", b"", b"", b"", b"", None))[1]
        take((Place(path, data, None), update), store.place, where.children)

    return Stand(store, where, plant)


def nss(top: Path, need: Need) -> Stand:
    need("certutil")
    where = machine(top)
    store = NssStore(where, os.path.join(where.home, "a database's", "nss"))
    return Stand(store, where, planting_in_nss(store, where))


def firefox(top: Path, need: Need) -> Stand:
    """Return the store of a profile that profiles.ini names."""
    need("certutil")
    where = machine(top)
    base = Path(where.home) / ".mozilla" / "firefox"
    (base / "abc.default").mkdir(parents=True)
    (base / "profiles.ini").write_text("[Profile0]\nName=default\nIsRelative=1\nPath=abc.default\nDefault=1\n")
    (store,) = firefox_stores(where)
    return Stand(store, where, planting_in_nss(store, where))


def java(top: Path, need: Need) -> Stand:
    """Return the store of a Java whose keystore holds one certificate that is not ours."""
    keytool = need("keytool")
    home = top / "java"
    (home / "lib" / "security").mkdir(parents=True)
    where = machine(top, variables(top / "home", JAVA_HOME=str(home)))
    cacerts = str(home / "lib" / "security" / "cacerts")

    def plant(label: str, data: bytes) -> None:
        words = (keytool, "-importcert", "-noprompt", "-alias", label, "-keystore", cacerts, "-storepass", "changeit")
        ran = where.children.run(words, stdin=data)
        assert not ran.code, ran.complaint

    plant("its own", pem(authority("some other CA").certificate))
    (store,) = java_stores(where)
    return Stand(store, where, plant)


def planting_in_nss(store: NssStore, where: Machine) -> Callable[[str, bytes], None]:
    def plant(label: str, data: bytes) -> None:
        if not os.path.exists(os.path.join(store.place, "cert9.db")):
            os.makedirs(store.place, exist_ok=True)
            take((Run(("certutil", "-N", "-d", f"sql:{store.place}", "--empty-password")),), "", where.children)
        words = ("certutil", "-A", "-d", f"sql:{store.place}", "-n", label, "-t", "C,,")
        take((Run(words, pem=data),), store.place, where.children)

    return plant


def der(data: bytes) -> bytes:
    from cryptography import x509

    return x509.load_pem_x509_certificate(data).public_bytes(serialization.Encoding.DER)


def snapshot(top: Path) -> dict[str, bytes]:
    """Return every file below *top*, with what it holds, and every link, with where it leads."""
    found = {}
    for path in sorted(top.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(top))] = os.fsencode(os.readlink(path))
        elif path.is_file():
            found[str(path.relative_to(top))] = path.read_bytes()
    return found


def shell(lines: tuple[str, ...], environment: Mapping[str, str]) -> None:
    """Type *lines* into a shell."""
    path = f"{environment['PATH']}:/usr/sbin"
    subprocess.run(
        ["sh", "-e", "-c", "\n".join(lines)], check=True, capture_output=True, env={**environment, "PATH": path}
    )
