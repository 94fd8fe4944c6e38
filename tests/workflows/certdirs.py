"""Certificate directories in memory, filled with certificates that easycert did not make."""

from __future__ import annotations

from dataclasses import replace

from cryptography.hazmat.primitives import serialization

from easycert.certdir import CertDir
from easycert.store.memory import MemoryStore
from tests.pki.chainmaker import NOW, Made, Recipe, ca, name, pem, server

ROOT = ca()
ISSUING = ca("issuing", ROOT)
WWW = server(ISSUING)


def key_pem(made: Made, passphrase: bytes | None = None) -> bytes:
    lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return bytes(made.key.private_bytes(serialization.Encoding.PEM, form, lock))


def user(common_name: str = "alice", issuer: Made | None = ROOT) -> Made:
    return replace(Recipe(name(common_name)), names=[f"{common_name}@example.com"]).make(issuer)


def directory(**files: bytes | Made) -> CertDir:
    """Return a directory in memory: ``hosts__www_crt=...`` is the file ``hosts/www.crt``."""
    store = MemoryStore()
    for path, content in files.items():
        folder, _, file = path.partition("__")
        stem, _, suffix = file.rpartition("_")
        data = pem(content.certificate) if isinstance(content, Made) else content
        store.files[f"{folder}/{stem.replace('_', '.')}.{suffix}"] = data
    return CertDir(store, clock=lambda: NOW)


FULL = directory(
    cas__root_crt=ROOT,
    cas__issuing_crt=ISSUING,
    hosts__www_example_com_crt=pem(WWW.certificate, ISSUING.certificate),
    hosts__www_example_com_key=key_pem(WWW),
    users__alice_crt=user(),
)
