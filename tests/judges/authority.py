"""Certificates for the judges, made with easycert's own pki layer: families of a root, an intermediate and leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from easycert.model import Kind
from easycert.pki import certificates, keys
from easycert.pki.certificates import CertificateSpec, Issuer
from easycert.pki.issuers import require_permits
from easycert.pki.keys import KeyType, PrivateKey
from easycert.pki.names import CaName, CodeName, CommonName, HostName, SafeName, SynapseHostName, UserName
from easycert.pki.profiles import MODERN, SYNAPSE, Profile
from easycert.pki.sans import SubjectAltName, parse_san, unique_sans
from easycert.pki.subjects import distinguished_name, parse_subject
from easycert.pki.validity import When, period

#: The judges read the machine's clock, so these certificates are valid now.
NOW = datetime.now(UTC).replace(microsecond=0)
HOST = "www.example.com"
USER = "alice@example.com"
CODE = "Build Pipeline"
MLDSA = frozenset({KeyType.MLDSA44, KeyType.MLDSA65, KeyType.MLDSA87})
EDWARDS = frozenset({KeyType.ED25519, KeyType.ED448})
#: How a name of each kind is parsed, by profile.
DOORS: dict[str, dict[Kind, type[SafeName]]] = {
    "modern": {Kind.CA: CaName, Kind.HOST: HostName, Kind.USER: UserName, Kind.CODE: CodeName},
    "synapse": {Kind.CA: CommonName, Kind.HOST: SynapseHostName, Kind.USER: CommonName, Kind.CODE: CommonName},
}


class Made(NamedTuple):
    """A certificate, its key, and the certificates above it, the one that signed it first."""

    certificate: x509.Certificate
    key: PrivateKey
    above: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return certificates.certificate_pem(self.certificate)

    @property
    def issuer(self) -> Issuer:
        return certificates.authority_issuer(self.certificate, self.key)


class Wish(NamedTuple):
    """What a certificate is to say; the defaults are those of a plain one."""

    kind: Kind
    name: str
    profile: Profile = MODERN
    key_type: KeyType = KeyType.EC256
    sans: tuple[str, ...] = ()
    subject: str = ""
    end: When | None = None
    start: When | None = None
    path_length: int | None = None
    name_constraints: x509.NameConstraints | None = None


class Family(NamedTuple):
    """One CA hierarchy, all keys of one type."""

    root: Made
    intermediate: Made
    host: Made
    user: Made
    code: Made

    def members(self) -> Iterator[tuple[str, Made]]:
        return iter(self._asdict().items())


def spec_of(wish: Wish, issuer: Made | None = None) -> CertificateSpec:
    """Return the description that a workflow would make of *wish*."""
    name = DOORS[wish.profile.name][wish.kind](wish.name)
    rules = wish.profile.rules(wish.kind, self_signed=issuer is None)
    validity = period(NOW, wish.end or rules.lifetime, wish.start)
    carries_names = wish.profile.names_beyond_cn or wish.kind is Kind.HOST
    given: tuple[SubjectAltName, ...] = tuple(map(parse_san, wish.sans))
    return CertificateSpec(
        kind=wish.kind,
        subject=distinguished_name(name.common_name, parse_subject(wish.subject)),
        sans=unique_sans((*name.sans, *given)) if carries_names else (),
        validity=validity.clamped_to(issuer.certificate.not_valid_after_utc) if issuer else validity,
        profile=wish.profile,
        serial=certificates.new_serial(),
        self_signed=issuer is None,
        path_length=wish.path_length if wish.path_length is not None else rules.path_length,
        name_constraints=wish.name_constraints,
    )


def make(wish: Wish, issuer: Made | None = None) -> Made:
    """Return the certificate that *wish* describes, self-signed without an *issuer*; keys are shared, names are not."""
    spec, key = spec_of(wish, issuer), key_of(wish.key_type, wish.kind, wish.name)
    if issuer is None:
        return Made(certificates.sign(spec, key.public_key(), certificates.self_issuer(spec, key)), key)
    above = (issuer.certificate, *issuer.above)
    require_permits(above, wish.name, spec)
    return Made(certificates.sign(spec, key.public_key(), issuer.issuer), key, above)


@cache
def key_of(key_type: KeyType, kind: Kind, name: str) -> PrivateKey:
    """Return the one key of this type that the tests use for this name."""
    return keys.generate(key_type)


@cache
def family(profile: str, key_type: KeyType) -> Family:
    """Return the hierarchy of this profile and key type."""
    profiles = {"modern": MODERN, "synapse": SYNAPSE}
    plain = Wish(Kind.CA, "root", profiles[profile], key_type)
    root = make(plain)
    intermediate = make(plain._replace(name="issuing"), root)
    sans = (
        (HOST, "api.example.com", "*.apps.example.com", "IP:192.0.2.1", "IP:2001:db8::1") if profile == "modern" else ()
    )
    return Family(
        root,
        intermediate,
        host=make(plain._replace(kind=Kind.HOST, name=HOST, sans=sans), intermediate),
        user=make(plain._replace(kind=Kind.USER, name=USER), intermediate),
        code=make(plain._replace(kind=Kind.CODE, name=CODE), intermediate),
    )


def families() -> list[tuple[str, KeyType]]:
    """Return every hierarchy that is judged: all key types in the modern profile; Synapse loads RSA only."""
    return [*(("modern", key_type) for key_type in KeyType), ("synapse", KeyType.RSA2048), ("synapse", KeyType.RSA4096)]


def oddities() -> Iterator[tuple[str, Made]]:
    """Yield certificates that are right and unusual, each with what is unusual about it."""
    root = family("modern", KeyType.EC256).root
    plain = Wish(Kind.HOST, "plain.example.com")
    yield "host directly below a root", make(plain, root)
    yield "self-signed host", make(plain._replace(name="alone.example.com"))
    yield "no common name", make(plain._replace(name=f"{'x' * 60}.example.com"), root)
    yield "address", make(plain._replace(name="2001:db8::1"), root)
    yield "A-labels", make(plain._replace(name="bücher.example"), root)
    yield "wildcard", make(plain._replace(name="*.example.com"), root)
    yield "a hundred names", make(plain._replace(sans=tuple(f"h{n}.example.com" for n in range(100))), root)
    yield "URI", make(Wish(Kind.USER, "svc", sans=("spiffe://example.org/service",)), root)
    yield "mailbox beyond ASCII", make(Wish(Kind.USER, "jörg@bücher.example"), root)
    yield "long mailbox beyond ASCII", make(Wish(Kind.USER, f"{'ü' * 32}@{'x' * 63}.{'y' * 63}.example"), root)
    yield "mailbox and no common name", make(Wish(Kind.USER, f"{'x' * 60}@example.com"), root)
    yield (
        "full subject",
        make(plain._replace(subject="C=FR,O=Zürich \\, AG,OU=a,SERIALNUMBER=1,DC=example,DC=com"), root),
    )
    yield "until 2049", make(Wish(Kind.CA, "until 2049", end=_at("2049-12-31T23:59:59")))
    yield "until 2050", make(Wish(Kind.CA, "until 2050", end=_at("2050-01-01T00:00:00")))
    yield "no end", make(Wish(Kind.CA, "no end", end=_at("9999-12-31T23:59:59")))
    yield (
        "since 1950",
        make(Wish(Kind.CA, "since 1950", start=_at("1950-01-01T00:00:00"), end=_at("2049-12-31T00:00:00"))),
    )
    yield "RSA server", make(plain._replace(name="rsa.example.com", key_type=KeyType.RSA2048), root)
    yield "path length", make(Wish(Kind.CA, "path length", path_length=3), root)
    constraints = x509.NameConstraints([x509.DNSName("example.com")], None)
    yield "name constraints", make(Wish(Kind.CA, "constrained", name_constraints=constraints), root)


def _at(text: str) -> When:
    return When(datetime.fromisoformat(text).replace(tzinfo=UTC), None)
