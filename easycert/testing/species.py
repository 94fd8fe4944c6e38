"""The table of the zoo: what is wrong with each certificate, whose rule it breaks, and which client says what to it.

A client that is not in ``says`` accepts it, or does not look. The tests show every chain to every client.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from easycert.testing import breeding
from easycert.testing.breeding import Chain, Changes, Recipe, Role, Then
from easycert.testing.sayings import (
    EARLY,
    EXPIRED,
    GNUTLS_BOUNDS,
    GO_NO_CA,
    GO_OTHER_USE,
    OTHER_USE,
    REVOKED,
    SELF_SIGNED,
    UNKNOWN_CA,
    Says,
    says,
)


@dataclass(frozen=True, eq=False)
class Species:
    """One row: its *name*, what is *wrong*, and the *rule* that forbids it.

    ``root``, ``issuing``, ``leaf`` and ``then`` are what differs from a good chain. ``verify`` is the telling part of
    what ``easycert verify`` says, ``says`` that of each client; without one it is accepted.
    """

    name: str
    wrong: str
    rule: str
    verify: str = ""
    says: Says = field(default_factory=dict)
    role: Role = Role.SERVER
    root: Changes = field(default_factory=dict, repr=False)
    issuing: Changes = field(default_factory=dict, repr=False)
    leaf: Changes = field(default_factory=dict, repr=False)
    then: Then | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Return the name: it is the id of a parametrized test."""
        return self.name

    @property
    def is_told_by_crls(self) -> bool:
        """Whether only a client that is given the CRLs can know what is wrong."""
        return self.then in breeding.TOLD_BY_CRLS

    def chain(self, at: datetime) -> Chain:
        """Return the chain as it is at *at*, an aware instant; each time another one, with the same keys."""
        return breeding.bred(Recipe(self.root, self.issuing, self.leaf, self.then), self.role, at, self.name)


# --- what is changed -------------------------------------------------------------------------------------------------

_UNKNOWN_EXTENSION = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
_ONLY_EXAMPLE = x509.NameConstraints([x509.DNSName("example.com")], None)
_FOR_CLIENTS: Changes = {"extended": (Usage.CLIENT_AUTH,)}
_FOR_SERVERS: Changes = {"extended": (Usage.SERVER_AUTH,)}
_PAST: Changes = {"days": (-30, -2)}
_FUTURE: Changes = {"days": (2, 30)}

# --- the table -------------------------------------------------------------------------------------------------------

SPECIES: tuple[Species, ...] = (
    Species("good", "nothing", "RFC 5280 6.1"),
    # dates
    Species("expired", "it ended two days ago", "RFC 5280 6.1.3 (a)(2)", "expired on", EXPIRED, leaf=_PAST),
    Species("not-yet-valid", "it begins in two days", "RFC 5280 6.1.3 (a)(2)", "not valid before", EARLY, leaf=_FUTURE),
    Species(
        "expired-intermediate",
        "the CA that signed it ended two days ago",
        "RFC 5280 6.1.3 (a)(2)",
        "expired on",
        EXPIRED,
        issuing=_PAST,
    ),
    Species(
        "expired-root",
        "the root ended two days ago",
        "RFC 5280 6.1.3 (a)(2)",
        "expired on",
        says("certificate has expired", "expired certificate", "has expired"),
        root=_PAST,
    ),
    Species(
        "long-lived",
        "it is valid for nearly ten years, of which Apple takes two",
        "CA/B Forum BR 6.3.2",
        leaf={"days": (-1, 3600)},
        issuing={"days": (-1, 3640)},
    ),
    # names
    Species(
        "wrong-host",
        "it is for another host",
        "RFC 9525 6",
        "does not name localhost",
        says(
            "hostname mismatch",
            "name in the certificate does not match",
            "is valid for other.example.com, not localhost",
            "No subject alternative DNS name matching localhost",
            strict="Hostname mismatch",
        ),
        leaf={"names": ("other.example.com",)},
    ),
    Species(
        "no-san",
        "the host stands in its common name only",
        "RFC 9525 6.3",
        "has no subject alternative name",
        says(go="relies on legacy Common Name field"),
        leaf={"names": ()},
    ),
    Species(
        "wildcard-too-wide",
        "it is for every host there is",
        "RFC 9525 6.3",
        "does not name localhost",
        says(
            "hostname mismatch",
            "name in the certificate does not match",
            java="No subject alternative DNS name matching localhost",
            strict="Hostname mismatch",
        ),
        leaf={"names": ("*",)},
    ),
    Species(
        "name-constraints",
        "its CA may sign for example.com only",
        "RFC 5280 6.1.3 (b)",
        "outside the permitted DNS:example.com",
        says(
            "permitted subtree violation",
            GNUTLS_BOUNDS,
            "is not permitted by any constraint",
            "name constraints check failed",
        ),
        issuing={"constraints": _ONLY_EXAMPLE},
    ),
    # who signed it
    Species(
        "unknown-ca",
        "its root is none that the client trusts",
        "RFC 5280 6.1.3 (a)(4)",
        "of which no certificate was given",
        UNKNOWN_CA,
        then=breeding.of_another_ca,
    ),
    Species(
        "self-signed",
        "it signed itself",
        "RFC 5280 6.1.3 (a)(4)",
        "is self-signed",
        SELF_SIGNED,
        then=breeding.signed_by_itself,
    ),
    Species(
        "missing-intermediate",
        "the server does not send the certificate of its CA",
        "RFC 8446 4.4.2",
        "of which no certificate was given",
        UNKNOWN_CA,
        then=breeding.sent_alone,
    ),
    Species(
        "bad-signature",
        "one bit of its signature is wrong",
        "RFC 5280 6.1.3 (a)(1)",
        "does not verify",
        says(
            "certificate signature failure",
            "signature in the certificate is invalid",
            "ECDSA verification failure",
            "Signature does not match",
        ),
        then=breeding.tampered,
    ),
    Species(
        "intermediate-no-ca",
        "the certificate of its CA says that it is no CA",
        "RFC 5280 6.1.4 (k)",
        "is not a CA",
        says("invalid CA certificate", "issuer is not a CA", GO_NO_CA, "this is not a CA certificate"),
        issuing={"ca": False},
    ),
    Species(
        "no-key-cert-sign",
        "the key of its CA may not sign certificates",
        "RFC 5280 6.1.4 (n)",
        "its keyUsage lacks keyCertSign",
        says("invalid CA certificate", GNUTLS_BOUNDS, GO_NO_CA, "keyCertSign bit is not set"),
        issuing={"key_usage": ("crl_sign",), "path_length": None},
    ),
    Species(
        "path-length",
        "a CA stands below one that may have none below it",
        "RFC 5280 6.1.4 (l)",
        "allows 0 CAs below it",
        says(
            "path length constraint exceeded",
            GNUTLS_BOUNDS,
            "too many intermediates",
            "pathLenConstraint violated",
        ),
        then=breeding.too_deep,
    ),
    Species(
        "no-aki",
        "it does not say which key signed it",
        "RFC 5280 4.2.1.1",
        says=says(strict="Missing Authority Key Identifier"),
        leaf={"aki": "none"},
    ),
    Species(
        "wrong-aki",
        "it names another key than the one that signed it",
        "RFC 5280 4.2.1.1",
        says=says("unable to get local issuer certificate", "issuer is unknown"),
        leaf={"aki": "wrong"},
    ),
    # what it may be used for
    Species(
        "client-as-server",
        "it is for clients",
        "RFC 5280 4.2.1.12",
        "without serverAuth",
        says(OTHER_USE, "does not match the intended purpose", GO_OTHER_USE, "does not permit use for TLS server"),
        leaf=_FOR_CLIENTS,
    ),
    Species(
        "ca-for-clients",
        "its CA may sign for clients only",
        "CA/B Forum BR 7.1.2.10.6",
        "without serverAuth",
        says(OTHER_USE, "does not match the intended purpose", GO_OTHER_USE),
        issuing=_FOR_CLIENTS,
    ),
    Species(
        "unknown-critical",
        "it has a critical extension that nobody knows",
        "RFC 5280 4.2",
        "critical extension 1.2.3.4.5",
        says(
            "unhandled critical extension",
            "unknown critical extension",
            "unhandled critical extension",
            "unrecognized critical extension",
        ),
        leaf={"more": ((_UNKNOWN_EXTENSION, True),)},
    ),
    Species(
        "wrong-key-usage",
        "its key is for encryption only, and TLS wants signatures",
        "RFC 5280 4.2.1.3",
        says=says(gnutls="Key usage violation", java="KeyUsage does not allow digital signatures"),
        leaf={"key_usage": ("key_encipherment",)},
    ),
    # what it is made of
    Species(
        "intermediate-version-1",
        "the certificate of its CA is of version 1, which cannot say that it is a CA",
        "RFC 5280 6.1.4 (k)",
        "which cannot be a CA's",
        says("invalid CA certificate", "issuer is not a CA", "not authorized to sign", "this is not a CA certificate"),
        issuing={"version": 1},
    ),
    Species(
        "intermediate-not-critical",
        "the basic constraints of its CA are not critical",
        "RFC 5280 4.2.1.9",
        says=says(strict="Basic Constraints of CA cert not marked critical"),
        issuing={"basic_critical": False},
    ),
    Species(
        "weak-key",
        "its key is RSA of 1024 bits",
        "CA/B Forum BR 6.1.5",
        "RSA of 1024 bits",
        says("EE certificate key too weak"),
        leaf={"kind": "rsa1024"},
    ),
    Species(
        "weak-signature",
        "it is signed with SHA-1",
        "CA/B Forum BR 7.1.3.2",
        "signed with SHA1",
        says("digest algorithm too weak", "insecure algorithm", "insecure algorithm"),
        leaf={"digest": "sha1"},
    ),
    # revocation: for clients that are given the CRLs
    Species("revoked", "it is on its CA's CRL", "RFC 5280 6.3.3", "was revoked on", REVOKED, then=breeding.revoked),
    Species(
        "revoked-intermediate",
        "its CA is on the root's CRL",
        "RFC 5280 6.3.3",
        "was revoked on",
        REVOKED,
        then=breeding.below_a_revoked_ca,
    ),
    Species(
        "stale-crl",
        "its CA's CRL is out of date, so that nobody can know",
        "RFC 5280 6.3.3 (a)",
        "CRL",
        says("CRL has expired"),
        then=breeding.with_a_stale_crl,
    ),
    # certificates of clients
    Species("good-client", "nothing", "RFC 5280 6.1", role=Role.CLIENT),
    Species(
        "expired-client",
        "it ended two days ago",
        "RFC 5280 6.1.3 (a)(2)",
        "expired on",
        EXPIRED,
        Role.CLIENT,
        leaf=_PAST,
    ),
    Species(
        "not-yet-valid-client",
        "it begins in two days",
        "RFC 5280 6.1.3 (a)(2)",
        "not valid before",
        EARLY,
        Role.CLIENT,
        leaf=_FUTURE,
    ),
    Species(
        "unknown-ca-client",
        "its root is none that the server trusts",
        "RFC 5280 6.1.3 (a)(4)",
        "of which no certificate was given",
        UNKNOWN_CA,
        Role.CLIENT,
        then=breeding.of_another_ca,
    ),
    Species(
        "self-signed-client",
        "it signed itself",
        "RFC 5280 6.1.3 (a)(4)",
        "is self-signed",
        SELF_SIGNED,
        Role.CLIENT,
        then=breeding.signed_by_itself,
    ),
    Species(
        "server-as-client",
        "it is for servers",
        "RFC 5280 4.2.1.12",
        "without clientAuth",
        says(OTHER_USE, "does not match the intended purpose", GO_OTHER_USE, "does not permit use for TLS client"),
        Role.CLIENT,
        leaf=_FOR_SERVERS,
    ),
    Species(
        "revoked-client",
        "it is on its CA's CRL",
        "RFC 5280 6.3.3",
        "was revoked on",
        REVOKED,
        Role.CLIENT,
        then=breeding.revoked,
    ),
)
