"""The roots that programs trust without us: where systems and Java keep them, and how those files are read.

Paths are facts, tried in their order; another system is another line.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator, Mapping, Sequence

from easycert.model import Value

#: PEM files with all roots of a system; where a distribution has several names, the others are links to the first.
SYSTEM = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Gentoo, Alpine, NixOS
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL, Amazon Linux
    "/etc/pki/tls/certs/ca-bundle.crt",  # RHEL before 7
    "/var/lib/ca-certificates/ca-bundle.pem",  # openSUSE, SLES
    "/etc/ssl/ca-bundle.pem",  # SLES before 12
    "/etc/ssl/cert.pem",  # macOS, Alpine, OpenBSD, FreeBSD
    "/usr/local/share/certs/ca-root-nss.crt",  # FreeBSD's package
)
#: Java's own store, below its home; the second is that of Java 8.
JAVA_HOMES = ("lib/security/cacerts", "jre/lib/security/cacerts")
#: Where distributions keep one store for all Javas.
JAVA = (
    "/etc/ssl/certs/java/cacerts",  # Debian
    "/etc/pki/ca-trust/extracted/java/cacerts",  # Fedora, RHEL
    "/var/lib/ca-certificates/java-cacerts",  # openSUSE
)
_LIMIT = 32 << 20
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_JKS_MAGIC = 0xFEEDFEED
_TRUSTED_ENTRY = 2


class Roots(Value):
    """A file with roots, and what it holds."""

    path: str
    data: bytes


def system_roots(candidates: Sequence[str] = SYSTEM) -> Roots | None:
    """Return the first of *candidates* that is there and holds PEM; None for a system without roots."""
    return next((found for path in candidates if (found := pem_file(path))), None)


def pem_file(path: str) -> Roots | None:
    """Return the file *path* if it can be read and holds certificates in PEM."""
    data = _contents(path)
    return Roots(path, data) if data and b"-----BEGIN " in data else None


def java_roots(environ: Mapping[str, str], candidates: Sequence[str] = JAVA) -> Roots | None:
    """Return the store of the Java that JAVA_HOME names, else of the one on PATH, else the first of *candidates*."""
    for path in (*_java_stores(environ), *candidates):
        data = _contents(path)
        if data:
            return Roots(path, data)
    return None


def jks_certificates(data: bytes) -> list[bytes]:
    """Return the trusted certificates (DER) of a Java keystore in Java's old format; keys in it are passed over.

    Its checksum, which needs a password, is not looked at: the file is as trustworthy as its path. Raises ValueError
    for anything else, or a file that is cut off.
    """
    try:
        magic, version, count = struct.unpack_from(">III", data)
        if magic != _JKS_MAGIC or version not in (1, 2):
            raise ValueError("no Java keystore")
        return list(_jks_entries(data, version, count))
    except struct.error:
        raise ValueError("the Java keystore is cut off") from None


def _jks_entries(data: bytes, version: int, count: int) -> Iterator[bytes]:
    at = 12
    for _ in range(count):
        (tag,) = struct.unpack_from(">I", data, at)
        _, at = _counted(data, at + 4, ">H")  # the alias
        at += 8  # when it was made
        chain = 1
        if tag != _TRUSTED_ENTRY:
            _, at = _counted(data, at, ">I")  # the private key
            (chain,) = struct.unpack_from(">I", data, at)
            at += 4
        for _ in range(chain):
            if version > 1:
                _, at = _counted(data, at, ">H")  # "X.509"
            certificate, at = _counted(data, at, ">I")
            if tag == _TRUSTED_ENTRY:
                yield certificate


def _counted(data: bytes, at: int, form: str) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(form, data, at)
    begin = at + struct.calcsize(form)
    if begin + length > len(data):
        raise ValueError("the Java keystore is cut off")
    return data[begin : begin + length], begin + length


def _java_stores(environ: Mapping[str, str]) -> Iterator[str]:
    homes = [environ.get("JAVA_HOME", "")]
    for folder in environ.get("PATH", "").split(os.pathsep):
        program = os.path.join(folder, "java")
        if os.path.isabs(folder) and os.access(program, os.X_OK):
            homes.append(os.path.dirname(os.path.dirname(os.path.realpath(program))))
            break
    return (os.path.join(home, path) for home in homes if os.path.isabs(home) for path in JAVA_HOMES)


def _contents(path: str) -> bytes:
    """Return what the regular file *path* holds; nothing where there is none of sane size that can be read."""
    try:
        descriptor = os.open(path, _READ)
    except (OSError, ValueError):
        return b""
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LIMIT:
            return b""
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(_LIMIT)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
