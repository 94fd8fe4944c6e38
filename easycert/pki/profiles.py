"""Profiles: what the certificates of each kind carry, as named constants with the source of each rule beside it.

A site's variant is ``profile._replace(...)``, never an ``if``. R = RFC 5280, B = CA/B Forum Baseline Requirements,
C = its code-signing requirements. A private CA is not bound by B and C: where they cost users something (200-day
servers, no Ed25519), easycert's own default stands, and ``docs/standards.md`` says so.
"""

from __future__ import annotations

from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from easycert.errors import InvalidInput
from easycert.model import Kind, Value
from easycert.pki.keys import KeyType
from easycert.pki.sans import SanType
from easycert.pki.validity import When, days

#: 2.16.840.1.113730.1.1: Netscape's certificate type, a BIT STRING; only Synapse's own certificates still carry it.
NETSCAPE_CERT_TYPE = ObjectIdentifier("2.16.840.1.113730.1.1")
_NETSCAPE_CLIENT = bytes.fromhex("03020780")
_NETSCAPE_SERVER = bytes.fromhex("03020640")
_NETSCAPE_OBJECT_SIGNING = bytes.fromhex("03020410")

_TEN_YEARS = days(3650)
_CA_USAGE = frozenset({"key_cert_sign", "crl_sign"})  # R 4.2.1.3; no digitalSignature: it signs no OCSP (B 7.1.2.10.7)
_SIGNING = frozenset({"digital_signature"})  # B 7.1.2.7.11, C 7.1.2.3


class Rules(Value):
    """What the certificates of one kind carry beside their names and key."""

    lifetime: When
    key_usage: frozenset[str]
    extended_key_usage: tuple[ObjectIdentifier, ...] = ()
    netscape_cert_type: bytes | None = None
    path_length: int | None = None
    rsa_key_encipherment: bool = False
    #: Nobody is to ask whether this one is revoked: it is who would answer (RFC 6960 section 4.2.2.2.1).
    ocsp_no_check: bool = False
    #: Types of SAN that are taken over from a stranger's request; an operator may give others.
    request_sans: frozenset[SanType] = frozenset()


class Profile(Value):
    """A named set of rules for all kinds."""

    name: str
    key_type: KeyType
    traditional_keys: bool
    key_usage_critical: bool
    leaf_basic_constraints_critical: bool
    #: Users get an rfc822Name, code signers and users may carry more than a CN.
    names_beyond_cn: bool
    crl_lifetime: When
    root: Rules
    intermediate: Rules
    host: Rules
    user: Rules
    code: Rules
    ocsp: Rules

    def rules(self, kind: Kind, *, self_signed: bool) -> Rules:
        """Return the rules for certificates of *kind*; a CA signed by another is an intermediate."""
        if kind is Kind.CA:
            return self.root if self_signed else self.intermediate
        return {Kind.HOST: self.host, Kind.USER: self.user, Kind.CODE: self.code, Kind.OCSP: self.ocsp}[kind]


#: B 7.1.2.8: short-lived, for nothing else, and never checked itself (RFC 6960 section 4.2.2.2.1).
_OCSP_SIGNER = Rules(days(30), _SIGNING, (ExtendedKeyUsageOID.OCSP_SIGNING,), ocsp_no_check=True)

MODERN = Profile(
    name="modern",
    key_type=KeyType.EC256,
    traditional_keys=False,
    key_usage_critical=True,  # R 4.2.1.3: SHOULD
    leaf_basic_constraints_critical=True,  # B 7.1.2.7.8
    names_beyond_cn=True,
    crl_lifetime=days(7),  # B 4.9.7
    root=Rules(_TEN_YEARS, _CA_USAGE),  # no pathLenConstraint: B 7.1.2.1.4
    intermediate=Rules(days(1826), _CA_USAGE, path_length=0),
    host=Rules(
        days(397),  # what browsers accepted until 2026-03; B 6.3.2 is stricter for public CAs only
        _SIGNING,
        (ExtendedKeyUsageOID.SERVER_AUTH,),  # B 7.1.2.7.10
        rsa_key_encipherment=True,  # B 7.1.2.7.11
        request_sans=frozenset({SanType.DNS, SanType.IP}),  # B 7.1.2.7.12
    ),
    user=Rules(
        days(397),
        _SIGNING,
        (ExtendedKeyUsageOID.CLIENT_AUTH,),
        request_sans=frozenset({SanType.EMAIL, SanType.URI}),
    ),
    code=Rules(days(460), _SIGNING, (ExtendedKeyUsageOID.CODE_SIGNING,)),  # C 6.3.2, C 7.1.2.3
    ocsp=_OCSP_SIGNER,
)

#: What Synapse itself loads and verifies: RSA-4096, ten years, CN-only subjects, nothing critical but BasicConstraints.
SYNAPSE = Profile(
    name="synapse",
    key_type=KeyType.RSA4096,
    traditional_keys=True,
    key_usage_critical=False,
    leaf_basic_constraints_critical=False,
    names_beyond_cn=False,
    crl_lifetime=_TEN_YEARS,
    root=Rules(_TEN_YEARS, _CA_USAGE),
    intermediate=Rules(_TEN_YEARS, _CA_USAGE),
    host=Rules(
        _TEN_YEARS,
        _SIGNING,
        (ExtendedKeyUsageOID.SERVER_AUTH,),
        netscape_cert_type=_NETSCAPE_SERVER,
        rsa_key_encipherment=True,  # as Synapse; no other key can: RFC 8813 3, RFC 9295 3, RFC 9881 5
        request_sans=frozenset(SanType),
    ),
    user=Rules(_TEN_YEARS, _SIGNING, (ExtendedKeyUsageOID.CLIENT_AUTH,), netscape_cert_type=_NETSCAPE_CLIENT),
    code=Rules(_TEN_YEARS, _SIGNING, (ExtendedKeyUsageOID.CODE_SIGNING,), netscape_cert_type=_NETSCAPE_OBJECT_SIGNING),
    ocsp=_OCSP_SIGNER,
)

_PROFILES = {profile.name: profile for profile in (MODERN, SYNAPSE)}


def profile_named(name: str) -> Profile:
    """Return the profile called *name*. Raises InvalidInput."""
    try:
        return _PROFILES[name]
    except KeyError:
        raise InvalidInput("profile", name, f"is not one of {', '.join(_PROFILES)}") from None
