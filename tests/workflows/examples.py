"""A certificate directory in memory with a stopped clock, and the shortest words to fill it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from easycert.certdir import CertDir
from easycert.model import Kind
from easycert.pki.names import NAMES, SafeName
from easycert.store.memory import MemoryStore
from easycert.workflows.issue import Issued, IssueRequest, issue
from easycert.workflows.sign import SigningRequest, sign_request

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
Extensions = Sequence[tuple[x509.ExtensionType, bool]]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **distance: float) -> None:
        self.now += timedelta(**distance)


def directory(clock: Callable[[], datetime] | None = None) -> CertDir:
    """Return an empty certificate directory in memory."""
    return CertDir.in_memory(clock or Clock())


def files(certdir: CertDir) -> dict[str, bytes]:
    """Return what the directory holds, to look at or to change."""
    return cast("MemoryStore", certdir.store).files


def wanted(kind: Kind, name: str, signas: str | None = None, **wishes: Any) -> IssueRequest:
    """Return a request for *name*, parsed as the subcommands do."""
    return IssueRequest(kind, NAMES[kind](name), None if signas is None else SafeName(signas), **wishes)


def make(certdir: CertDir, kind: Kind, name: str, signas: str | None = None, **wishes: Any) -> Issued:
    """Issue one certificate."""
    (issued,) = issue(certdir, [wanted(kind, name, signas, **wishes)])
    return issued


def chain_of_cas(certdir: CertDir, *names: str) -> None:
    """Make a root and, below each other, the CAs named after it."""
    above = None
    for left, name in zip(range(len(names), 0, -1), names, strict=True):
        make(certdir, Kind.CA, name, above, path_length=None if above is None else left)
        above = name


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a new P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def dn(*pairs: tuple[x509.ObjectIdentifier, str], cn: str | None = None) -> x509.Name:
    """Return a distinguished name."""
    names = pairs if cn is None else (*pairs, (NameOID.COMMON_NAME, cn))
    return x509.Name([x509.NameAttribute(oid, value, _validate=False) for oid, value in names])


def sans(*names: x509.GeneralName) -> tuple[x509.ExtensionType, bool]:
    """Return a subject alternative name extension."""
    return x509.SubjectAlternativeName(names), False


def csr(subject: x509.Name | str | None, extensions: Extensions = (), *, key: Any = None, form: str = "PEM") -> bytes:
    """Return a signing request as a stranger could make it."""
    key = key or new_key()
    name = subject if isinstance(subject, x509.Name) else dn(cn=subject)
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    algorithm = hashes.SHA256() if hasattr(key, "curve") or hasattr(key, "decrypt") else None
    return builder.sign(key, algorithm).public_bytes(getattr(serialization.Encoding, form))


def signed(
    certdir: CertDir,
    data: bytes,
    kind: Kind = Kind.HOST,
    *,
    signas: str = "root",
    replace: bool = False,
    **wishes: Any,
) -> Issued:
    """Sign a request that came as ``req.csr``."""
    wish = SigningRequest(data, "req.csr", kind, SafeName(signas), **wishes)
    return sign_request(certdir, wish, replace=replace)


def stranger(
    key: Any, cn: str, *, extensions: Extensions = (), days: tuple[float, float] = (-1, 10), issuer: Any = None
) -> x509.Certificate:
    """Return a certificate that easycert did not make: self-signed, or signed by *issuer* (name and key)."""
    issuer_name, issuer_key = issuer or (dn(cn=cn), key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(dn(cn=cn))
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: Any, protection: serialization.KeySerializationEncryption | None = None) -> bytes:
    """Return a private key in PKCS#8 PEM."""
    protection = protection or serialization.NoEncryption()
    return cast("bytes", key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection))


AS_CA: Extensions = ((x509.BasicConstraints(ca=True, path_length=None), True),)
