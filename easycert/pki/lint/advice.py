"""Rules whose breach is no reason to refuse a certificate, and those that take long: no signature waits for them.

Most bind public CAs only; some are SHOULDs of RFC 5280. The searches are for weak keys and for keys that are no keys.

Sources: RFC 5280 sections 4.1.2.4, 4.1.2.6 and 4.2.1; RFC 6960 section 4.2.2.2; CA/B Forum BR 6.1, 6.3.2, 7.1.2 and
7.1.4; its code-signing requirements 6.3.2.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from easycert.pki.lint import der, fields, names
from easycert.pki.lint.der import DerError, Node
from easycert.pki.lint.extensions import bit_names, usage_name
from easycert.pki.lint.fields import (
    ANY_USAGE,
    AUTHORITY_ACCESS,
    AUTHORITY_KEY_IDENTIFIER,
    BASIC_CONSTRAINTS,
    CODE_SIGNING,
    CRL_POINTS,
    CRL_SIGN,
    DECIPHER_ONLY,
    DIGITAL_SIGNATURE,
    ENCIPHER_ONLY,
    EXTENDED_KEY_USAGE,
    KEY_AGREEMENT,
    KEY_CERT_SIGN,
    KEY_USAGE,
    OCSP_NO_CHECK,
    OCSP_SIGNING,
    SERVER_AUTH,
    SUBJECT_ALT_NAME,
    Certificate,
    guarded,
)

if TYPE_CHECKING:
    from easycert.pki.lint.fields import Breaches

#: BR 7.1: 64 bits from a CSPRNG; a number of fewer octets cannot hold them.
_SERIAL_OCTETS_RANDOM = 8
#: BR 7.1.4.1: these may stand in a name more than once.
_REPEATABLE = ("2.5.4.11", "2.5.4.9", "0.9.2342.19200300.100.1.25")
_NETSCAPE_CERT_TYPE = "2.16.840.1.113730.1.1"
_HASH_OF_CURVE = {"1.2.840.10045.3.1.7": "SHA-256", "1.3.132.0.34": "SHA-384", "1.3.132.0.35": "SHA-512"}
_UNKNOWN_TO_BROWSERS = {
    fields.ED25519: "Ed25519",
    fields.ED448: "Ed448",
    fields.ML_DSA_44: "ML-DSA-44",
    fields.ML_DSA_65: "ML-DSA-65",
    fields.ML_DSA_87: "ML-DSA-87",
}
#: An RSA key of 16384 bits; a larger one breaks a rule, and would take long to search.
_KEY_OCTETS_MAX = 2200
_DAY = 86400
#: BR 6.3.2: how many days a server may have, by when its validity begins.
_SERVER_DAYS = (("2029-03-15", 47), ("2027-03-15", 100), ("2026-03-15", 200), ("2020-09-01", 398))
#: CS 6.3.2.
_CODE_DAYS = 460
#: What a CA may set notBefore back without being told that a lifetime is too long (Boulder: an hour).
_BACKDATED = timedelta(hours=1)


def judge(certificate: Certificate, issuer: Certificate | None) -> Breaches:
    """Yield what *certificate*, signed by *issuer*, maybe itself, does that it should not."""
    for part, rule in _RULES:
        yield from guarded(part, rule(certificate))
    if issuer is None:
        return
    itself = certificate.signed_itself(issuer)
    yield from guarded("the signature algorithm", _signature(certificate, issuer, itself=itself))
    if not itself:
        yield from guarded("the CA's certificate", _beside_issuer(certificate, issuer))


def _serial_number(certificate: Certificate) -> Breaches:
    if der.integer(certificate.serial) > 0 and len(certificate.serial.body) < _SERIAL_OCTETS_RANDOM:
        yield "serial-entropy", f"the serial number has only {len(certificate.serial.body)} octets"


def _key(certificate: Certificate) -> Breaches:
    name = _UNKNOWN_TO_BROWSERS.get(fields.key_type(certificate.key))
    if name:
        yield "key-type-browsers", f"the key is {name}"


# --- names -----------------------------------------------------------------------------------------------------------


def _subject(certificate: Certificate) -> Breaches:
    seen: set[str] = set()
    for rdn in certificate.subject.children():
        count = len(rdn.children(der.SET))
        if count > 1:
            yield "rdn-one-attribute", f"the subject has {count} attributes in one RDN"
    for oid, value in names.attributes(certificate.subject):
        if oid in seen and oid not in _REPEATABLE:
            yield "attribute-repeated", f"the subject has several {names.label(oid)}"
        seen.add(oid)
        if value.tag in names.LEGACY_TEXT:
            yield "attribute-type-legacy", f"the subject's {names.label(oid)} is of a string type of former times"
        text = _text(value)
        if oid == names.COUNTRY and text != text.upper():
            yield "country-capitals", f"the subject's country is {names.shown_text(text)}"
        if text != text.strip():
            yield "attribute-padding", f"the subject's {names.label(oid)} begins or ends with a blank"


def _alternative_names(certificate: Certificate) -> Breaches:
    extension = certificate.extensions.find(SUBJECT_ALT_NAME)
    if extension is None:
        return
    if extension.critical and certificate.subject.body:
        yield "san-not-critical", "the subject is not empty, and subjectAltName is critical"
    for name in der.element(extension.value).children():
        if name.tag == names.DNS_NAME and b"_" in name.body:
            yield "dns-underscore", f"subjectAltName holds {names.shown(name)}"
        if name.tag == names.DNS_NAME and name.body.startswith(b"*.") and b"." not in name.body[2:]:
            yield "wildcard-wide", f"subjectAltName holds {names.shown(name)}"


def _names_in_subject(certificate: Certificate) -> Breaches:
    if SERVER_AUTH not in certificate.usages or certificate.is_authority:
        return
    node = certificate.extensions.decoded(SUBJECT_ALT_NAME)
    if node is None:
        yield "server-san", "there is no subjectAltName"
        return
    alternatives = node.children()
    if any(name.tag not in (names.DNS_NAME, names.IP_ADDRESS) for name in alternatives):
        yield "server-san-types", "a server's subjectAltName holds more than DNS names and IP addresses"
    given = {(name.tag, name.body.lower() if name.tag == names.DNS_NAME else name.body) for name in alternatives}
    for oid, value in names.attributes(certificate.subject):
        if oid == names.COMMON_NAME and given and _as_alternative(_text(value)) not in given:
            yield "cn-in-san", f"the common name {names.shown_text(_text(value))} is not in subjectAltName"


def _text(value: Node) -> str:
    try:
        return der.text(value)
    except DerError:
        return value.body.hex()


def _as_alternative(text: str) -> tuple[int, bytes]:
    from easycert.pki.dns import ip_address

    address = ip_address(text)
    return (names.IP_ADDRESS, address.packed) if address else (names.DNS_NAME, text.lower().encode())


# --- extensions ------------------------------------------------------------------------------------------------------


def _extensions(certificate: Certificate) -> Breaches:
    found = certificate.extensions
    for oid, rule, name in _BETTER_NOT_CRITICAL:
        extension = found.find(oid)
        if extension is not None and extension.critical:
            yield rule, f"{name} critical"
    if found.find(_NETSCAPE_CERT_TYPE):
        yield "netscape-cert-type", "there is Netscape's certificate type"
    if certificate.subject_key_identifier is None and not certificate.is_authority:
        yield "leaf-ski", "there is no subjectKeyIdentifier"
    if not (certificate.self_issued or any(map(found.find, (CRL_POINTS, AUTHORITY_ACCESS, OCSP_NO_CHECK)))):
        yield "no-revocation-location", "nothing says where its revocation status can be found"
    node = found.decoded(AUTHORITY_KEY_IDENTIFIER)
    if node is not None and any(part.tag & 0x1F for part in node.children()):
        yield "aki-key-id-only", "authorityKeyIdentifier names issuer or serial number"


_BETTER_NOT_CRITICAL = (
    (CRL_POINTS, "crl-points-not-critical", "cRLDistributionPoints are"),
    (OCSP_NO_CHECK, "ocsp-no-check-critical", "ocsp-nocheck is"),
)


def _usage(certificate: Certificate) -> Breaches:
    constraints, usage = certificate.extensions.find(BASIC_CONSTRAINTS), certificate.extensions.find(KEY_USAGE)
    if certificate.is_authority:
        yield from _authority(certificate)
    elif constraints is not None and not constraints.critical:
        yield "leaf-basic-constraints-critical", "basicConstraints are not critical"
    if usage is not None and not usage.critical:
        yield "key-usage-critical", "keyUsage is not critical"
    bits = certificate.key_usage or frozenset()
    if KEY_AGREEMENT not in bits and bits & {ENCIPHER_ONLY, DECIPHER_ONLY}:
        yield "key-usage-only", "encipherOnly or decipherOnly is set without keyAgreement"


def _authority(certificate: Certificate) -> Breaches:
    if certificate.self_issued and certificate.basic_constraints[1] is not None:
        yield "root-path-length", f"the path length of a root is {certificate.basic_constraints[1]}"
    if certificate.self_issued and certificate.extended_key_usage is not None:
        yield "root-eku", "a root has extKeyUsage"
    usage = certificate.key_usage
    if usage is None:
        return
    if CRL_SIGN not in usage:
        yield "ca-crl-sign", "a CA's keyUsage lacks cRLSign"
    beyond = usage - {DIGITAL_SIGNATURE, KEY_CERT_SIGN, CRL_SIGN}
    if beyond:
        yield "ca-usage-beyond", f"a CA's keyUsage has {bit_names(beyond)}"


def _extended_usage(certificate: Certificate) -> Breaches:
    extension, purposes = certificate.extensions.find(EXTENDED_KEY_USAGE), certificate.extended_key_usage
    if extension is None or purposes is None:
        if not certificate.is_authority:
            yield "leaf-eku", "there is no extKeyUsage"
        return
    if len(set(purposes)) != len(purposes):
        yield "eku-repeated", "extKeyUsage names a usage twice"
    if extension.critical:
        yield "eku-any-critical" if ANY_USAGE in purposes else "eku-critical", "extKeyUsage is critical"
    if certificate.is_authority:
        return
    if ANY_USAGE in purposes:
        yield "eku-any", "extKeyUsage has anyExtendedKeyUsage"
    if SERVER_AUTH in purposes and {CODE_SIGNING, OCSP_SIGNING}.intersection(purposes):
        yield "eku-mixed", f"extKeyUsage has {', '.join(map(usage_name, purposes))}"


def _lifetime(certificate: Certificate) -> Breaches:
    times = fields.times(certificate)
    if times is None or certificate.is_authority:
        return
    first, last = times
    days = (last - first - _BACKDATED).total_seconds() / _DAY
    if SERVER_AUTH in certificate.usages:
        begin = first.isoformat()
        allowed = next((most for since, most in _SERVER_DAYS if begin >= since), None)
        if allowed is not None and days > allowed:
            yield "server-lifetime", f"a server is valid for {days:.0f} days, more than {allowed}"
    if CODE_SIGNING in certificate.usages and days > _CODE_DAYS:
        yield "code-lifetime", f"a code signer is valid for {days:.0f} days, more than {_CODE_DAYS}"


def _ocsp_signer(certificate: Certificate) -> Breaches:
    if OCSP_SIGNING not in certificate.usages or certificate.is_authority:
        return
    beyond = [usage_name(purpose) for purpose in certificate.usages if purpose != OCSP_SIGNING]
    if beyond:
        yield "ocsp-signer-only", f"an OCSP signer has {', '.join(beyond)} too"
    usage = (certificate.key_usage or frozenset()) - {DIGITAL_SIGNATURE}
    if usage:
        yield "ocsp-signer-usage", f"an OCSP signer's keyUsage has {bit_names(usage)}"
    for oid, name in ((SUBJECT_ALT_NAME, "subjectAltName"), (CRL_POINTS, "cRLDistributionPoints")):
        if certificate.extensions.find(oid):
            yield "ocsp-signer-extensions", f"an OCSP signer has {name}"


# --- beside the CA's certificate -------------------------------------------------------------------------------------


def _signature(certificate: Certificate, signer: Certificate, *, itself: bool) -> Breaches:
    oid, _ = fields.identifier(certificate.inner_algorithm)
    digest = fields.SIGNATURES.get(oid, ("", ""))[1]
    if itself and digest in fields.WEAK_HASHES:
        yield "self-signature-weak-hash", f"it is signed with {digest}"
    wanted = _HASH_OF_CURVE.get(fields.key_type(signer.key).partition(" ")[2], digest)
    if digest and digest != wanted:
        yield "signature-hash-curve", f"a CA on this curve signs with {wanted}, not {digest}"


def _beside_issuer(certificate: Certificate, issuer: Certificate) -> Breaches:
    times, above = fields.times(certificate), fields.times(issuer)
    if times and above and times[0] < above[0]:
        yield "validity-before-issuer", "it is valid earlier than its CA"
    if times and above and times[1] > above[1]:
        yield "validity-beyond-issuer", "it is valid for longer than its CA"
    left, own = issuer.basic_constraints[1], certificate.basic_constraints[1]
    if left and certificate.is_authority and not certificate.self_issued and (own is None or own >= left):
        yield "path-length-wider", f"the CA's path length is {left}, and this one's no smaller"


# --- what takes long -------------------------------------------------------------------------------------------------


def _real_key(certificate: Certificate) -> Breaches:
    """Judge whether an EC key is a point on its curve, and an RSA key for known weaknesses."""
    algorithm, _, curve = fields.key_type(certificate.key).partition(" ")
    if len(certificate.key.raw) > _KEY_OCTETS_MAX or (algorithm != fields.RSA and curve not in _HASH_OF_CURVE):
        return
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(certificate.key.raw)
    except UnsupportedAlgorithm:  # of a type or on a curve that is judged elsewhere
        return
    except (ValueError, TypeError):
        yield "key-encoding", "the public key cannot be used"
        return
    if isinstance(key, rsa.RSAPublicKey):
        from easycert.pki.weakness import known_weakness

        weakness = known_weakness(key.public_numbers().n)
        if weakness:
            yield "key-weak", weakness


_RULES = (
    ("the serial number", _serial_number),
    ("the public key", _key),
    ("the public key", _real_key),
    ("the subject", _subject),
    ("subjectAltName", _alternative_names),
    ("a name", _names_in_subject),
    ("an extension", _extensions),
    ("keyUsage", _usage),
    ("extKeyUsage", _extended_usage),
    ("the validity", _lifetime),
    ("extKeyUsage", _ocsp_signer),
)
