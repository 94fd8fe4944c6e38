"""Rules about extensions: what a certificate may be used for, and what OpenSSL's strict mode asks of its form."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, ObjectIdentifier

from easycert.model import Kind
from easycert.pki.doctor.exam import Exam
from easycert.pki.doctor.findings import (
    ANCHOR_JUDGES,
    APPLE_SINCE,
    COMMON,
    EITHER_OPENSSL,
    JUDGES,
    RENEW,
    Client,
    Clients,
    Cure,
    Reason,
    Remedy,
    Rule,
)

_STRICT: Clients = frozenset({Client.STRICT})
#: GnuTLS does not mind; Apple says nothing.
_NO_CRITICAL_IDENTIFIER: Clients = COMMON - {Client.APPLE, Client.GNUTLS}
_STAPLED: Clients = frozenset({Client.FIREFOX, Client.GNUTLS})
#: Who wants digitalSignature in the key usage of whom.
_SIGNERS: dict[Kind, Clients] = {
    Kind.HOST: frozenset({Client.JAVA, Client.CHROME, Client.GNUTLS}),
    Kind.USER: EITHER_OPENSSL | {Client.JAVA},
}
_ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
_WANTED: dict[Kind, tuple[ObjectIdentifier, str]] = {
    Kind.HOST: (ExtendedKeyUsageOID.SERVER_AUTH, "serverAuth"),
    Kind.USER: (ExtendedKeyUsageOID.CLIENT_AUTH, "clientAuth"),
    Kind.CODE: (ExtendedKeyUsageOID.CODE_SIGNING, "codeSigning"),
    Kind.OCSP: (ExtendedKeyUsageOID.OCSP_SIGNING, "OCSPSigning"),
}
#: Extensions of RFC 5280 section 4.2.1 that every client processes when they are critical.
_KNOWN = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
        # Each has a rule of its own for when it is critical.
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    }
)
#: Extensions that some clients process and others do not know.
_KNOWN_TO_SOME: dict[ObjectIdentifier, Clients] = {
    ExtensionOID.INHIBIT_ANY_POLICY: frozenset({Client.GO}),  # until 1.23, when it learned of policies
    ExtensionOID.OCSP_NO_CHECK: frozenset({Client.CHROME, Client.GNUTLS, Client.GO, Client.JAVA}),
    # ... and that of a private CA can hardly fulfil, since nothing below it names a policy.
    ExtensionOID.POLICY_CONSTRAINTS: frozenset({Client.GO, Client.JAVA, Client.GNUTLS, Client.CHROME}),
}


def _extended_usage(exam: Exam) -> Iterator[Reason]:
    usages = exam.find(x509.ExtendedKeyUsage)
    if exam.kind not in _WANTED or exam.member.flaws:
        return
    wanted, shown = _WANTED[exam.kind]
    judges = JUDGES[exam.kind] & COMMON
    if usages is None:
        if exam.kind is Kind.HOST and exam.certificate.not_valid_before_utc >= APPLE_SINCE:
            why = f"it has no extended key usage, and Apple asks for {shown}"
            yield Reason(frozenset({Client.APPLE}), why, exam.anew)
    elif wanted not in usages.value:
        anything = _ANY in usages.value
        why = f"its extended key usage lacks {shown}" + (": that any is allowed does not count" if anything else "")
        clients = judges & (EITHER_OPENSSL | {Client.FIREFOX, Client.APPLE}) if anything else judges
        yield Reason(clients, why, Remedy(Cure.REISSUE))


def _critical(exam: Exam) -> Iterator[Reason]:
    for extension in exam.member.extensions:
        if extension.critical and extension.oid not in _KNOWN:
            everyone = ANCHOR_JUDGES if exam.is_anchor else COMMON
            clients = _KNOWN_TO_SOME.get(extension.oid, everyone) & JUDGES[exam.kind]
            name = extension.oid.dotted_string if extension.oid._name == "Unknown OID" else extension.oid._name
            why = f"its extension {name} is critical, and they do not know it or cannot fulfil it"
            yield Reason(clients, why, exam.anew)


def _authority_as_host(exam: Exam) -> Iterator[Reason]:
    basic = exam.find(x509.BasicConstraints)
    if exam.kind is Kind.HOST and basic is not None and basic.value.ca:
        why = "it is a CA's certificate (basicConstraints say CA:TRUE) that is to serve a host"
        yield Reason(frozenset({Client.FIREFOX}), why, Remedy(Cure.REISSUE))


def _digital_signature(exam: Exam) -> Iterator[Reason]:
    usage = exam.find(x509.KeyUsage)
    if exam.kind in _SIGNERS and usage is not None and not usage.value.digital_signature:
        yield Reason(_SIGNERS[exam.kind], "its key usage lacks digitalSignature, which TLS 1.3 needs", exam.anew)


def _must_staple(exam: Exam) -> Iterator[Reason]:
    features = exam.find(x509.TLSFeature)
    if exam.kind is Kind.HOST and features is not None and x509.TLSFeatureType.status_request in features.value:
        why = "it asks for an OCSP response with each handshake (must-staple), and they for that; has the server one?"
        yield Reason(_STAPLED, why, Remedy(Cure.REISSUE))


def _authority_bits(exam: Exam) -> Iterator[Reason]:
    """Look for what only a CA may have, in a certificate that says that it is none."""
    basic, usage = exam.find(x509.BasicConstraints), exam.find(x509.KeyUsage)
    if exam.is_ca or (basic is not None and basic.value.ca):
        return
    if usage is not None and usage.value.key_cert_sign:
        yield Reason(_STRICT, "its key usage has keyCertSign, and it is not a CA's", exam.anew)


def _basic_constraints(exam: Exam) -> Iterator[Reason]:
    if not exam.is_ca or exam.member.flaws:
        return
    basic = exam.find(x509.BasicConstraints)
    if exam.certificate.version is x509.Version.v1:
        why = "it is of X.509 version 1, which has no basicConstraints and so no CAs"
        yield Reason(_STRICT if exam.is_anchor else COMMON, why, exam.anew)
    elif basic is None:
        clients = _STRICT | {Client.GO, Client.JAVA, Client.FIREFOX} if exam.is_anchor else COMMON
        yield Reason(clients, "it has no basicConstraints that say that it is a CA's", RENEW)
    elif not basic.value.ca:
        yield Reason(COMMON, "its basicConstraints say that it is not a CA's (CA:FALSE)", Remedy(Cure.NEW_CA))
    elif not basic.critical:
        yield Reason(_STRICT, "its basicConstraints are not critical", RENEW)


def _signs_certificates(exam: Exam) -> Iterator[Reason]:
    usage = exam.find(x509.KeyUsage)
    if not exam.is_ca or exam.member.flaws or exam.certificate.version is x509.Version.v1:
        return
    if usage is None:
        yield Reason(_STRICT, "it has no key usage", RENEW)
    elif not usage.value.key_cert_sign:
        yield Reason(COMMON, "its key usage lacks keyCertSign, so that it may sign no certificate", Remedy(Cure.NEW_CA))


def _key_identifiers(exam: Exam) -> Iterator[Reason]:
    if exam.member.flaws or exam.certificate.version is x509.Version.v1:
        return
    if exam.is_ca and exam.find(x509.SubjectKeyIdentifier) is None:
        yield Reason(_STRICT, "it has no subject key identifier", RENEW)
    if not exam.is_self_issued and exam.find(x509.AuthorityKeyIdentifier) is None:
        yield Reason(_STRICT, "it has no authority key identifier", RENEW)


def _critical_identifiers(exam: Exam) -> Iterator[Reason]:
    for kind, name in (
        (x509.SubjectKeyIdentifier, "subject key identifier"),
        (x509.AuthorityKeyIdentifier, "authority key identifier"),
    ):
        extension = exam.find(kind)
        if extension is not None and extension.critical:
            clients = _NO_CRITICAL_IDENTIFIER & JUDGES[exam.kind]
            yield Reason(clients, f"its {name} is critical, which it must not be", exam.anew)


#: Of a CA, what a new certificate for the same key and name mends, without a change to what it may do.
FORM_RULES = frozenset({"basic-constraints", "key-cert-sign", "key-identifier", "critical-key-identifier"})
RULES = (
    Rule(
        "extended-key-usage",
        "An extended key usage that lacks what the certificate is for",
        COMMON,
        (
            "RFC 5280 section 4.2.1.12",
            "Apple 103769: EKU with id-kp-serverAuth, since 2019-07-01",
            "Firefox: mozilla::pkix CheckExtendedKeyUsage (anyExtendedKeyUsage is not looked at)",
            "OpenSSL: openssl-verification-options(1), sslserver",
        ),
        _extended_usage,
    ),
    Rule(
        "critical-extension",
        "A critical extension that clients do not process",
        COMMON,
        (
            "RFC 5280 section 4.2",
            "Go: crypto/x509 UnhandledCriticalExtension",
            "OpenSSL: X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION",
        ),
        _critical,
    ),
    Rule(
        "ca-as-host",
        "A host whose certificate is a CA's",
        frozenset({Client.FIREFOX}),
        ("Firefox: MOZILLA_PKIX_ERROR_CA_CERT_USED_AS_END_ENTITY", "CA/B Forum BR 7.1.2.7.8"),
        _authority_as_host,
    ),
    Rule(
        "digital-signature",
        "A host or user whose key usage lacks digitalSignature",
        _SIGNERS[Kind.HOST] | _SIGNERS[Kind.USER],
        (
            "RFC 8446 section 4.4.2.2",
            "Java: sun.security.validator.EndEntityChecker checkTLSServer",
            "Chromium: BoringSSL ssl_cert_check_key_usage",
            "GnuTLS: GNUTLS_E_KEY_USAGE_VIOLATION",
            "OpenSSL: X509_check_purpose(3), sslclient",
        ),
        _digital_signature,
    ),
    Rule(
        "must-staple",
        "A host whose certificate demands a stapled OCSP response",
        _STAPLED,
        (
            "RFC 7633 section 4",
            "Firefox: MOZILLA_PKIX_ERROR_REQUIRED_TLS_FEATURE_MISSING",
            "GnuTLS: GNUTLS_CERT_MISSING_OCSP_STATUS",
        ),
        _must_staple,
    ),
    Rule(
        "ca-bits",
        "keyCertSign in a certificate that is not a CA's",
        _STRICT,
        ("RFC 5280 section 4.2.1.3", "OpenSSL: X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA"),
        _authority_bits,
    ),
    Rule(
        "basic-constraints",
        "A CA whose basicConstraints are missing, not critical, or say CA:FALSE",
        COMMON,
        (
            "RFC 5280 section 4.2.1.9",
            "OpenSSL: X509_V_ERR_CA_BCONS_NOT_CRITICAL, X509_V_ERR_INVALID_CA",
            "Go: crypto/x509 CheckSignatureFrom",
            "Java: sun.security.validator.PKIXValidator (TrustAnchor is not a CA certificate)",
            "Firefox: mozilla::pkix CheckBasicConstraints",
        ),
        _basic_constraints,
    ),
    Rule(
        "key-cert-sign",
        "A CA whose key usage is missing or lacks keyCertSign",
        COMMON,
        (
            "RFC 5280 section 4.2.1.3",
            "OpenSSL: X509_V_ERR_CA_CERT_MISSING_KEY_USAGE",
        ),
        _signs_certificates,
    ),
    Rule(
        "key-identifier",
        "A CA without a subject key identifier, or anything signed by another without an authority key identifier",
        _STRICT,
        (
            "RFC 5280 sections 4.2.1.1 and 4.2.1.2",
            "OpenSSL: X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER, X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER",
            "What's New in Python 3.13, ssl: VERIFY_X509_STRICT by default",
        ),
        _key_identifiers,
    ),
    Rule(
        "critical-key-identifier",
        "A key identifier that is critical",
        _NO_CRITICAL_IDENTIFIER,
        (
            "RFC 5280 sections 4.2.1.1 and 4.2.1.2",
            "OpenSSL: X509_V_ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL",
            "Go: crypto/x509 processExtensions, in 1.27 and not yet in 1.19",
        ),
        _critical_identifiers,
    ),
)
