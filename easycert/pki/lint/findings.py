"""All rules with their severity and clause, and the findings that are made of broken ones.

``docs/standards.md`` has the same table. A certificate that breaks nothing never loads this, and one that does needs
little of it: so the table is plain tuples.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from easycert.model import Value

_ERROR, _WARNING, _NOTICE = "error", "warning", "notice"
_BR = "CA/B Forum BR"

#: How often a finding of one rule is told; a CRL may have a million entries, each with the same flaw.
_TOLD_AT_MOST = 10
#: rule: severity, clause, text.
CATALOGUE: dict[str, tuple[str, str, str]] = {
    # fields
    "undecodable": (_ERROR, "RFC 5280 4.1, X.690", "Every part can be decoded, as DER."),
    "default-written": (_ERROR, "X.690 11.5", "A value that is the default is not written."),
    "version-3": (_ERROR, "RFC 5280 4.1.2.1", "The version is 3."),
    "serial-positive": (_ERROR, "RFC 5280 4.1.2.2", "A serial number is positive."),
    "serial-length": (_ERROR, "RFC 5280 4.1.2.2", "A serial number has at most 20 octets."),
    "serial-entropy": (_WARNING, f"{_BR} 7.1", "A serial number has room for 64 random bits."),
    "signature-algorithm-match": (_ERROR, "RFC 5280 4.1.1.2", "signatureAlgorithm is what the signed part says."),
    "signature-algorithm": (
        _ERROR,
        f"{_BR} 7.1.3.2, RFC 8410, RFC 9881",
        "The signature is RSA, ECDSA, Ed25519, Ed448 or ML-DSA.",
    ),
    "signature-parameters": (
        _ERROR,
        "RFC 4055 5, RFC 5758 3.2, RFC 8410 3, RFC 9881 2",
        "Signature algorithms have the parameters NULL (RSA) or none (all others).",
    ),
    "pss-parameters": (_ERROR, f"{_BR} 7.1.3.2.1, RFC 4055 3.1", "RSASSA-PSS uses one hash, and salt of its length."),
    "signature-weak-hash": (_ERROR, f"{_BR} 7.1.3.2", "No signature is made with SHA-1 or MD5."),
    "self-signature-weak-hash": (_WARNING, f"{_BR} 7.1.3.2", "Nor is a root's, although nobody relies on it."),
    "hash-ml-dsa": (_ERROR, "RFC 9881 2", "ML-DSA signs what is signed, not its hash."),
    "issuer-empty": (_ERROR, "RFC 5280 4.1.2.4, 5.1.2.3", "The issuer is not an empty name."),
    "time-encoding": (
        _ERROR,
        "RFC 5280 4.1.2.5, 5.1.2.4",
        "Times are UTCTime until 2049 and GeneralizedTime from 2050, with seconds and Z and no fractions.",
    ),
    "validity-order": (_ERROR, "RFC 5280 4.1.2.5", "notAfter does not lie before notBefore."),
    "unique-ids": (_ERROR, "RFC 5280 4.1.2.8", "There are no unique identifiers."),
    # keys
    "key-type": (_ERROR, f"{_BR} 6.1.5, RFC 8410, RFC 9881", "The key is RSA, EC, Ed25519, Ed448 or ML-DSA."),
    "key-type-browsers": (_WARNING, f"{_BR} 6.1.5", "Browsers know RSA and EC keys only."),
    "key-parameters": (
        _ERROR,
        "RFC 3279 2.3.1, RFC 8410 3, RFC 9881 4",
        "Keys have the parameters NULL (RSA) or none (Ed25519, Ed448, ML-DSA).",
    ),
    "key-encoding": (_ERROR, "RFC 5280 4.1.2.7", "The key is written as its type wants it."),
    "key-weak": (_ERROR, f"{_BR} 6.1.1.3", "The key has no known weakness (ROCA, close primes, small factors)."),
    "rsa-size": (_ERROR, f"{_BR} 6.1.5", "An RSA key has 2048 to 16384 bits, a multiple of 8."),
    "rsa-exponent": (_ERROR, f"{_BR} 6.1.6", "An RSA exponent is odd and at least 65537."),
    "ec-named-curve": (_ERROR, "RFC 5480 2.1.1", "The curve of a key is named."),
    "ec-curve": (_ERROR, f"{_BR} 6.1.5", "The curve is P-256, P-384 or P-521."),
    # distinguished names
    "rdn-empty": (_ERROR, "RFC 5280 4.1.2.4, X.501 9.3", "No RDN is empty."),
    "rdn-order": (_ERROR, "X.690 11.6", "The attributes of an RDN are in DER's order."),
    "rdn-one-attribute": (_WARNING, f"{_BR} 7.1.4.1", "An RDN has one attribute."),
    "attribute-type": (
        _ERROR,
        "RFC 5280 4.1.2.4, A.1",
        "Attributes are UTF8String or PrintableString; countries and serial numbers PrintableString; domain "
        "components and mailboxes IA5String.",
    ),
    "attribute-type-legacy": (
        _WARNING,
        "RFC 5280 4.1.2.4",
        "TeletexString, BMPString and UniversalString are not used for new subjects.",
    ),
    "attribute-characters": (_ERROR, "X.680 41", "A string has only characters of its type."),
    "attribute-control": (_ERROR, "CVE-2009-2408", "No attribute holds control characters."),
    "attribute-empty": (_ERROR, "RFC 5280 A.1", "No attribute is empty."),
    "attribute-length": (
        _ERROR,
        "RFC 5280 A.1",
        "An attribute is within its upper bound: a CN has at most 64 characters.",
    ),
    "attribute-padding": (_WARNING, "RFC 5280 7.1", "No attribute begins or ends with a blank."),
    "attribute-repeated": (_WARNING, f"{_BR} 7.1.4.1", "An attribute type stands in a name once (but OU, DC, STREET)."),
    "country-code": (_ERROR, "RFC 5280 A.1, ISO 3166-1", "A country is two capital letters."),
    # the list of extensions
    "extensions-empty": (_ERROR, "RFC 5280 4.1.2.9, 5.1.2.7", "A list of extensions is not empty."),
    "extension-repeated": (_ERROR, "RFC 5280 4.2", "No extension is there more than once."),
    "critical-unknown": (_ERROR, "RFC 5280 4.2, 5.2", "No extension is critical that clients do not understand."),
    "aki-not-critical": (_ERROR, "RFC 5280 4.2.1.1", "authorityKeyIdentifier is not critical."),
    "ski-not-critical": (_ERROR, "RFC 5280 4.2.1.2", "subjectKeyIdentifier is not critical."),
    "access-not-critical": (_ERROR, "RFC 5280 4.2.2, 5.2.7", "Information access is not critical."),
    "freshest-crl-not-critical": (_ERROR, "RFC 5280 4.2.1.15, 5.2.6", "freshestCRL is not critical."),
    "directory-attributes-not-critical": (_ERROR, "RFC 5280 4.2.1.8", "subjectDirectoryAttributes are not critical."),
    "issuer-alt-name-not-critical": (_WARNING, "RFC 5280 4.2.1.7, 5.2.2", "issuerAltName is not critical."),
    "crl-points-not-critical": (_WARNING, "RFC 5280 4.2.1.13", "cRLDistributionPoints are not critical."),
    "netscape-cert-type": (_NOTICE, "none", "Netscape's certificate type is read by few programs."),
    # key identifiers
    "ca-ski": (_ERROR, "RFC 5280 4.2.1.2", "A CA has a subjectKeyIdentifier."),
    "leaf-ski": (_WARNING, "RFC 5280 4.2.1.2", "Other certificates have one, too."),
    "ski-empty": (_ERROR, "RFC 5280 4.2.1.2", "subjectKeyIdentifier is not empty."),
    "aki-missing": (_ERROR, "RFC 5280 4.2.1.1, 5.2.1", "There is an authorityKeyIdentifier, but for roots."),
    "aki-key-id": (_ERROR, "RFC 5280 4.2.1.1, 5.2.1", "authorityKeyIdentifier has the key identifier."),
    "aki-pair": (_ERROR, "RFC 5280 4.2.1.1, A.2", "It has issuer and serial number both or neither."),
    "aki-key-id-only": (_WARNING, f"{_BR} 7.1.2.11.1", "It has neither issuer nor serial number."),
    # usage
    "ca-basic-constraints-critical": (_ERROR, "RFC 5280 4.2.1.9", "A CA's basicConstraints are critical."),
    "leaf-basic-constraints-critical": (_WARNING, f"{_BR} 7.1.2.7.8", "So are those of other certificates."),
    "path-length-only-ca": (_ERROR, "RFC 5280 4.2.1.9", "Only a CA with keyCertSign has a path length."),
    "path-length-negative": (_ERROR, "RFC 5280 4.2.1.9", "A path length is not negative."),
    "root-path-length": (_WARNING, f"{_BR} 7.1.2.1.4", "A root has no path length."),
    "ca-key-usage": (_ERROR, "RFC 5280 4.2.1.3, 6.1.4", "A CA has a keyUsage with keyCertSign."),
    "ca-crl-sign": (_WARNING, f"{_BR} 7.1.2.10.7", "A CA's keyUsage has cRLSign."),
    "ca-usage-beyond": (_WARNING, f"{_BR} 7.1.2.10.7", "It has nothing more, but for digitalSignature."),
    "key-cert-sign-only-ca": (_ERROR, "RFC 5280 4.2.1.9", "Only a CA has keyCertSign."),
    "key-usage-critical": (_WARNING, "RFC 5280 4.2.1.3", "keyUsage is critical."),
    "key-usage-empty": (_ERROR, "RFC 5280 4.2.1.3", "keyUsage has at least one bit set."),
    "key-usage-unknown": (_ERROR, "RFC 5280 4.2.1.3", "keyUsage has no bit but the nine that there are."),
    "key-usage-only": (_WARNING, "RFC 5280 4.2.1.3", "encipherOnly and decipherOnly stand beside keyAgreement."),
    "key-usage-fits-key": (
        _ERROR,
        "RFC 3279 2.3.1, RFC 8813 3, RFC 9295 3, RFC 9881 3",
        "keyUsage has no bit for what keys of this type cannot do.",
    ),
    "key-usage-signs": (
        _ERROR,
        "RFC 9295 3, RFC 9881 3",
        "The keyUsage of an Ed25519, Ed448 or ML-DSA key has a bit for signatures.",
    ),
    "eku-empty": (_ERROR, "RFC 5280 4.2.1.12", "extKeyUsage names a usage."),
    "eku-repeated": (_WARNING, "RFC 5280 4.2.1.12", "It names none twice."),
    "eku-any-critical": (_WARNING, "RFC 5280 4.2.1.12", "It is not critical when it has anyExtendedKeyUsage."),
    "eku-critical": (_WARNING, f"{_BR} 7.1.2.7.6", "It is not critical."),
    "eku-any": (_WARNING, f"{_BR} 7.1.2.7.10", "It does not have anyExtendedKeyUsage."),
    "eku-mixed": (_WARNING, f"{_BR} 7.1.2.7.10", "A server's has neither codeSigning nor OCSPSigning."),
    "eku-key-usage": (_ERROR, "RFC 5280 4.2.1.12", "keyUsage has a bit that each usage can do with."),
    "root-eku": (_WARNING, f"{_BR} 7.1.2.1.2", "A root has no extKeyUsage."),
    "leaf-eku": (_WARNING, f"{_BR} 7.1.2.7.6", "Certificates that are no CA's have extKeyUsage."),
    "kind-authority": (_ERROR, "RFC 5280 4.2.1.9", "A certificate made as a CA's says so, and no other does."),
    "kind-usage": (_ERROR, "RFC 5280 4.2.1.12", "One made for a host, user or code signer has the usage for it."),
    "server-lifetime": (
        _WARNING,
        f"{_BR} 6.3.2",
        "A server is valid for at most 200 days (100 from 2027-03-15, 47 from 2029-03-15).",
    ),
    "code-lifetime": (_WARNING, "CA/B Forum CS 6.3.2", "A code signer is valid for at most 460 days."),
    "ocsp-no-check": (_ERROR, f"RFC 6960 4.2.2.2.1, {_BR} 4.9.9", "An OCSP signer has ocsp-nocheck."),
    "ocsp-no-check-null": (_ERROR, "RFC 6960 4.2.2.2.1", "ocsp-nocheck is NULL."),
    "ocsp-no-check-critical": (_WARNING, "RFC 6960 4.2.2.2.1", "ocsp-nocheck is not critical."),
    "ocsp-signer-only": (_WARNING, f"{_BR} 7.1.2.8.5", "An OCSP signer has no other usage."),
    "ocsp-signer-usage": (_WARNING, f"{_BR} 7.1.2.8.7", "Its keyUsage is digitalSignature alone."),
    "ocsp-signer-extensions": (_WARNING, f"{_BR} 7.1.2.8.2", "It has no subjectAltName and no CRL distribution point."),
    # names
    "ca-subject-empty": (_ERROR, "RFC 5280 4.1.2.6", "A CA's subject is not empty."),
    "san-critical": (_ERROR, "RFC 5280 4.1.2.6, 4.2.1.6", "Where the subject is empty, subjectAltName is critical."),
    "san-not-critical": (_WARNING, "RFC 5280 4.2.1.6", "Where it is not, subjectAltName is not critical."),
    "server-san": (
        _WARNING,
        f"RFC 9525 2, {_BR} 7.1.2.7.12",
        "A server has a subjectAltName: clients look nowhere else.",
    ),
    "server-san-types": (_WARNING, f"{_BR} 7.1.2.7.12", "It names hosts and addresses only."),
    "cn-in-san": (_WARNING, f"{_BR} 7.1.4.3", "A server's common name is in its subjectAltName."),
    "email-in-subject": (_WARNING, "RFC 5280 4.1.2.6", "Mailboxes are in subjectAltName, not in the subject."),
    "names-empty": (_ERROR, "RFC 5280 4.2.1.6", "A list of names is not empty."),
    "names-duplicate": (_ERROR, "none", "No alternative name is there twice."),
    "name-not-ascii": (
        _ERROR,
        "RFC 5280 4.2.1.6, RFC 9549 2.2",
        "DNS names, mailboxes and URIs are ASCII: U-labels are written as A-labels.",
    ),
    "dns-name": (
        _ERROR,
        "RFC 5280 4.2.1.6, RFC 1034 3.5",
        "A DNS name is labels of letters, digits and inner hyphens.",
    ),
    "dns-underscore": (_WARNING, "RFC 1034 3.5", "It has no underscores."),
    "dns-address": (_ERROR, "RFC 5280 4.2.1.6, WHATWG URL 3.5", "It is not an IP address, nor ends in a number."),
    "a-label": (_ERROR, "RFC 9549 2.2, RFC 5890 2.3.2.1", "Behind an A-label stands a U-label."),
    "wildcard-form": (_ERROR, "RFC 9525 6.3", "A '*' is the whole first label."),
    "wildcard-wide": (_WARNING, f"{_BR} 3.2.2.6", "It has at least two labels below it."),
    "ip-octets": (_ERROR, "RFC 5280 4.2.1.6", "An IP address has 4 or 16 octets."),
    "rfc822-name": (_ERROR, "RFC 5280 4.2.1.6, RFC 5321 4.1.2", "A mailbox is local-part@domain."),
    "smtp-utf8-mailbox": (
        _ERROR,
        "RFC 9598 3",
        "A SmtpUTF8Mailbox has a local part beyond ASCII and a domain in A-labels.",
    ),
    "uri-absolute": (_ERROR, "RFC 5280 4.2.1.6", "A URI begins with a scheme."),
    "uri-characters": (_ERROR, "RFC 3986 2", "It has only the characters of a URI."),
    "uri-host": (_ERROR, "RFC 5280 4.2.1.6", "Its host is a DNS name or an address."),
    # locations
    "no-revocation-location": (
        _NOTICE,
        f"{_BR} 7.1.2.7.7, 7.1.2.11.2",
        "A certificate says where its CRL or OCSP responder is.",
    ),
    "location-empty": (_ERROR, "RFC 5280 4.2.1.13, 4.2.2", "A list of locations is not empty."),
    "location-scheme": (_ERROR, "RFC 5280 4.2.1.13, 4.2.2", "A location is a URI that clients can fetch (http)."),
    "location-https": (_WARNING, "RFC 5280 8", "It is not https, which needs what it is to deliver."),
    "crl-point-not-http": (_WARNING, f"RFC 5280 4.2.1.13, {_BR} 7.1.2.11.2", "A distribution point has an http URI."),
    "crl-point-nowhere": (_ERROR, "RFC 5280 4.2.1.13", "It has a name or a CRL issuer."),
    "crl-point-reasons": (_WARNING, f"RFC 5280 4.2.1.13, {_BR} 7.1.2.11.2", "It is not for some reasons only."),
    "crl-point-relative": (_WARNING, "RFC 5280 4.2.1.13", "Its name is not relative to the CRL's issuer."),
    "root-crl-points": (_WARNING, f"{_BR} 7.1.2.1.2", "A root has no CRL distribution point."),
    # policies
    "policies-empty": (_ERROR, "RFC 5280 4.2.1.4, 4.2.1.5, 4.2.1.11", "No list of policies is empty."),
    "policy-repeated": (_ERROR, "RFC 5280 4.2.1.4", "No policy is there twice."),
    "any-policy-qualifier": (_ERROR, "RFC 5280 4.2.1.4", "anyPolicy has no qualifiers but those of RFC 5280."),
    "notice-reference": (_WARNING, "RFC 5280 4.2.1.4", "A user notice has no noticeRef."),
    "notice-length": (_ERROR, "RFC 5280 4.2.1.4", "It has 1 to 200 characters."),
    "notice-type": (_ERROR, "RFC 5280 4.2.1.4", "It is no IA5String."),
    "notice-not-utf8": (_WARNING, "RFC 5280 4.2.1.4", "It is a UTF8String."),
    "policy-rules-only-ca": (
        _ERROR,
        "RFC 5280 4.2.1.5, 4.2.1.11, 4.2.1.14",
        "Only a CA has policyMappings, policyConstraints or inhibitAnyPolicy.",
    ),
    "policy-rules-critical": (
        _ERROR,
        "RFC 5280 4.2.1.11, 4.2.1.14",
        "policyConstraints and inhibitAnyPolicy are critical.",
    ),
    "mappings-critical": (_WARNING, "RFC 5280 4.2.1.5", "policyMappings are critical."),
    "mapping-any-policy": (_ERROR, "RFC 5280 4.2.1.5", "anyPolicy is not mapped."),
    "inhibit-negative": (_ERROR, "RFC 5280 4.2.1.14", "inhibitAnyPolicy is not negative."),
    # name constraints
    "constraints-only-ca": (_ERROR, "RFC 5280 4.2.1.10", "Only a CA has nameConstraints."),
    "constraints-critical": (_ERROR, "RFC 5280 4.2.1.10", "nameConstraints are critical."),
    "constraints-empty": (_ERROR, "RFC 5280 4.2.1.10", "They constrain something."),
    "constraints-distance": (_ERROR, "RFC 5280 4.2.1.10", "They have no minimum and no maximum."),
    "constraints-network": (_ERROR, "RFC 5280 4.2.1.10", "A network is 8 or 32 octets, with a mask without gaps."),
    "constraints-network-host-bits": (_WARNING, "RFC 5280 4.2.1.10", "It has no bits to the right of its mask."),
    "constraints-leading-dot": (_WARNING, "RFC 5280 4.2.1.10", "A DNS name in them has no leading dot."),
    "constraints-kept": (_ERROR, "RFC 5280 4.2.1.10", "A certificate keeps the nameConstraints of its CA."),
    # a certificate and its CA
    "issuer-name": (_ERROR, "RFC 5280 4.1.2.4, 4.1.2.6", "The issuer is the CA's subject, byte for byte."),
    "issuer-key": (_ERROR, f"{_BR} 6.1.1.3", "A certificate does not have its CA's key."),
    "issuer-is-ca": (_ERROR, "RFC 5280 4.2.1.9, 6.1.4", "The CA says CA:TRUE and has keyCertSign."),
    "aki-matches-ski": (
        _ERROR,
        "RFC 5280 4.2.1.1, 4.2.1.2",
        "authorityKeyIdentifier is the CA's subjectKeyIdentifier, byte for byte.",
    ),
    "signature-fits-key": (_ERROR, "RFC 5280 4.1.1.2", "The CA's key makes signatures of the algorithm that is named."),
    "signature-hash-curve": (_WARNING, f"{_BR} 7.1.3.2.2", "The hash of an ECDSA signature is as long as the curve."),
    "validity-beyond-issuer": (_ERROR, "X.509 7.5, RFC 5280 6.1.3", "A certificate does not outlive its CA."),
    "validity-before-issuer": (_WARNING, "RFC 5280 6.1.3", "It does not begin before its CA."),
    "eku-nested": (_ERROR, f"{_BR} 7.1.2.10.6", "Its extKeyUsage is within that of its CA."),
    "path-length-used-up": (_ERROR, "RFC 5280 4.2.1.9", "No CA stands below one whose path length is 0."),
    "path-length-wider": (_WARNING, "RFC 5280 4.2.1.9, 6.1.4", "A CA's path length is smaller than its CA's."),
    # CRLs
    "crl-version": (_ERROR, "RFC 5280 5.1.2.1", "A CRL's version is 2."),
    "crl-issuer": (_ERROR, "RFC 5280 5.1.2.3, 6.3.3", "Its issuer is the CA's subject, byte for byte."),
    "crl-issuer-usage": (_ERROR, "RFC 5280 4.2.1.3", "The CA's keyUsage has cRLSign."),
    "crl-next-update": (_ERROR, "RFC 5280 5.1.2.5", "There is a nextUpdate."),
    "crl-order": (_ERROR, "RFC 5280 5.1.2.5", "nextUpdate does not lie before thisUpdate."),
    "crl-lifetime": (_WARNING, f"{_BR} 4.9.7", "A CRL is valid for at most twelve months."),
    "crl-empty-list": (_ERROR, "RFC 5280 5.1.2.6", "A list of nothing is left out."),
    "crl-number": (_ERROR, "RFC 5280 5.2.3", "There is a CRL number."),
    "crl-number-not-critical": (_ERROR, "RFC 5280 5.2.3", "It is not critical."),
    "crl-number-range": (_ERROR, "RFC 5280 5.2.3", "It is not negative and has at most 20 octets."),
    "crl-delta-critical": (_ERROR, "RFC 5280 5.2.4", "deltaCRLIndicator is critical."),
    "crl-delta-freshest": (_ERROR, "RFC 5280 5.2.6", "A delta CRL has no freshestCRL."),
    "crl-point-critical": (_ERROR, "RFC 5280 5.2.5", "issuingDistributionPoint is critical."),
    "crl-point-empty": (_ERROR, "RFC 5280 5.2.5", "It says something."),
    "crl-point-scope": (_ERROR, "RFC 5280 5.2.5", "It limits the CRL to one kind of certificate at most."),
    "crl-entry-repeated": (_ERROR, "RFC 5280 5.1.2.6", "A serial number is listed once."),
    "crl-entry-issuer": (_ERROR, "RFC 5280 5.3.3", "Only an indirect CRL has certificateIssuer."),
    "crl-entry-issuer-critical": (_ERROR, "RFC 5280 5.3.3", "certificateIssuer is critical."),
    "crl-reason": (_ERROR, "RFC 5280 5.3.1", "A reason is one of those that there are; 7 is none."),
    "crl-reason-not-critical": (_ERROR, "RFC 5280 5.3.1", "reasonCode is not critical."),
    "crl-reason-unspecified": (_WARNING, "RFC 5280 5.3.1", "The reason unspecified is left out."),
    "crl-reason-remove": (_ERROR, "RFC 5280 5.3.1", "removeFromCRL stands in delta CRLs only."),
    "crl-reason-hold": (_WARNING, f"{_BR} 7.2.2", "No certificate is on hold."),
    "crl-invalidity-not-critical": (_ERROR, "RFC 5280 5.3.2", "invalidityDate is not critical."),
}


class Severity(Enum):
    """How bad it is to break a rule, the worst first; the value is the word in output."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Rule(Value):
    """One rule: its name, how bad it is to break it, where it is written, and what it says."""

    rule: str
    severity: Severity
    clause: str
    text: str


class Finding(Value):
    """One broken rule: which, how bad that is, where it is written, and what breaks it here."""

    rule: str
    severity: Severity
    clause: str
    message: str


def all_rules() -> dict[str, Rule]:
    """Return every rule by its name."""
    return {name: Rule(name, Severity(row[0]), row[1], row[2]) for name, row in CATALOGUE.items()}


def findings(breaches: Iterable[tuple[str, str]], *, errors_only: bool = False) -> tuple[Finding, ...]:
    """Return what rules, named in *breaches*, are broken, the worst first; many breaches of one rule are cut short."""
    told: dict[str, dict[str, None]] = {}
    hidden: dict[str, int] = {}
    for rule, message in breaches:
        messages = told.setdefault(rule, {})
        if message not in messages and len(messages) == _TOLD_AT_MOST:
            hidden[rule] = hidden.get(rule, 0) + 1
        else:
            messages[message] = None
    found = []
    for rule, messages in told.items():
        severity, clause, _ = CATALOGUE[rule]
        if errors_only and severity != _ERROR:
            continue
        more = (f"and {hidden[rule]} more like this",) if rule in hidden else ()
        found += [Finding(rule, Severity(severity), clause, message) for message in (*messages, *more)]
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))
