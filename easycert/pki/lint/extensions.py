"""Rules for extensions and for a certificate beside its CA's; the rarer extensions are judged elsewhere.

Sources: RFC 5280 sections 4.1.2.4, 4.1.2.6, 4.1.2.9, 4.2 and 6.1; for usages RFC 3279, 8813, 9295 and 9881; RFC 6960
section 4.2.2.2; CA/B Forum BR 7.1.2.10.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easycert.model import Kind
from easycert.pki.lint import der, fields, names
from easycert.pki.lint.fields import (
    ANY_USAGE,
    AUTHORITY_ACCESS,
    AUTHORITY_KEY_IDENTIFIER,
    BASIC_CONSTRAINTS,
    CERTIFICATE_POLICIES,
    CLIENT_AUTH,
    CODE_SIGNING,
    CONTENT_COMMITMENT,
    CRL_POINTS,
    CRL_SIGN,
    DATA_ENCIPHERMENT,
    DECIPHER_ONLY,
    DIGITAL_SIGNATURE,
    ENCIPHER_ONLY,
    EXTENDED_KEY_USAGE,
    FRESHEST_CRL,
    ISSUER_ALT_NAME,
    KEY_AGREEMENT,
    KEY_CERT_SIGN,
    KEY_ENCIPHERMENT,
    KEY_USAGE,
    NAME_CONSTRAINTS,
    OCSP_NO_CHECK,
    OCSP_SIGNING,
    SERVER_AUTH,
    SUBJECT_ACCESS,
    SUBJECT_ALT_NAME,
    SUBJECT_KEY_IDENTIFIER,
    Certificate,
    Extensions,
    guarded,
)

if TYPE_CHECKING:
    from easycert.pki.lint.fields import Breaches

_POLICY_MAPPINGS, _POLICY_CONSTRAINTS, _INHIBIT_ANY_POLICY = "2.5.29.33", "2.5.29.36", "2.5.29.54"
_DIRECTORY_ATTRIBUTES = "2.5.29.9"
#: Certificate Transparency's poison: critical so that no client accepts a precertificate (RFC 6962 section 3.1).
_POISON = "1.3.6.1.4.1.11129.2.4.3"
_NEVER_CRITICAL = {
    AUTHORITY_KEY_IDENTIFIER: ("aki-not-critical", "authorityKeyIdentifier is critical"),
    SUBJECT_KEY_IDENTIFIER: ("ski-not-critical", "subjectKeyIdentifier is critical"),
    AUTHORITY_ACCESS: ("access-not-critical", "authorityInfoAccess is critical"),
    SUBJECT_ACCESS: ("access-not-critical", "subjectInfoAccess is critical"),
    FRESHEST_CRL: ("freshest-crl-not-critical", "freshestCRL is critical"),
    ISSUER_ALT_NAME: ("issuer-alt-name-not-critical", "issuerAltName is critical"),
    _DIRECTORY_ATTRIBUTES: ("directory-attributes-not-critical", "subjectDirectoryAttributes are critical"),
}
_LOCATIONS = frozenset({CRL_POINTS, FRESHEST_CRL, AUTHORITY_ACCESS, SUBJECT_ACCESS})
_POLICIES = frozenset({CERTIFICATE_POLICIES, _POLICY_MAPPINGS, _POLICY_CONSTRAINTS, _INHIBIT_ANY_POLICY})
#: RFC 5280 section 4.2: what clients understand, and what breaks a rule of its own when it is critical.
_UNDERSTOOD_CRITICAL = frozenset(
    {
        *(BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_ALT_NAME, NAME_CONSTRAINTS),
        *(OCSP_NO_CHECK, _POISON, *_NEVER_CRITICAL, *_LOCATIONS, *_POLICIES),
    }
)

#: What the bits of keyUsage are called, by number.
_BITS = (
    *("digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement"),
    *("keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"),
)
_SIGNING = frozenset((DIGITAL_SIGNATURE, CONTENT_COMMITMENT, KEY_CERT_SIGN, CRL_SIGN))
_AGREEING = frozenset((KEY_AGREEMENT, ENCIPHER_ONLY, DECIPHER_ONLY))
_ENCIPHERING = frozenset((KEY_ENCIPHERMENT, DATA_ENCIPHERMENT))
_SIGNING_DATA = frozenset((DIGITAL_SIGNATURE, CONTENT_COMMITMENT))
#: What an extended key usage is called, and the key usages of which it needs one (RFC 5280 section 4.2.1.12).
_PURPOSES = {
    SERVER_AUTH: ("serverAuth", frozenset((DIGITAL_SIGNATURE, KEY_ENCIPHERMENT, KEY_AGREEMENT))),
    CLIENT_AUTH: ("clientAuth", frozenset((DIGITAL_SIGNATURE, KEY_AGREEMENT))),
    CODE_SIGNING: ("codeSigning", frozenset((DIGITAL_SIGNATURE,))),
    "1.3.6.1.5.5.7.3.4": ("emailProtection", _SIGNING_DATA | {KEY_ENCIPHERMENT, KEY_AGREEMENT}),
    "1.3.6.1.5.5.7.3.8": ("timeStamping", _SIGNING_DATA),
    OCSP_SIGNING: ("OCSPSigning", _SIGNING_DATA),
}
_KIND_USAGE = {Kind.HOST: SERVER_AUTH, Kind.USER: CLIENT_AUTH, Kind.CODE: CODE_SIGNING, Kind.OCSP: OCSP_SIGNING}


def judge(certificate: Certificate) -> Breaches:
    """Judge the names and extensions of a certificate."""
    yield from extension_list(certificate.extensions, present=certificate.has_extensions)
    yield from _critical_extensions(certificate)
    for part, rule in _RULES:
        yield from guarded(part, rule(certificate))
    for oid, name in ((SUBJECT_ALT_NAME, "subjectAltName"), (ISSUER_ALT_NAME, "issuerAltName")):
        yield from guarded(name, _alternative_names(certificate, oid, name))
    yield from _rare_extensions(certificate)


def extension_list(extensions: Extensions, *, present: bool) -> Breaches:
    """Judge the extensions as a list: none twice, none unreadable, none critical that must not be."""
    for flaw in extensions.flaws:
        yield "undecodable", f"{flaw}, which cannot be decoded"
    if present and not extensions.all and not extensions.flaws:
        yield "extensions-empty", "the list of extensions is empty"
    seen = set()
    for extension in extensions.all:
        if extension.oid in seen:
            yield "extension-repeated", f"the extension {extension.oid} is there more than once"
        seen.add(extension.oid)
        if extension.critical_written and not extension.critical:
            yield "default-written", f"the extension {extension.oid} is written as not critical, which is the default"
        if extension.critical and extension.oid in _NEVER_CRITICAL:
            yield _NEVER_CRITICAL[extension.oid]


def _critical_extensions(certificate: Certificate) -> Breaches:
    for extension in certificate.extensions.all:
        if extension.critical and extension.oid not in _UNDERSTOOD_CRITICAL:
            yield "critical-unknown", f"the extension {extension.oid} is critical"


# --- usage -----------------------------------------------------------------------------------------------------------


def usage_name(oid: str) -> str:
    """Return what an extended key usage is called, or its dotted number."""
    if oid == ANY_USAGE:
        return "anyExtendedKeyUsage"
    return _PURPOSES[oid][0] if oid in _PURPOSES else oid


def bit_names(bits: frozenset[int]) -> str:
    """Return what bits of keyUsage are called."""
    return ", ".join(_BITS[bit] if bit < len(_BITS) else f"bit {bit}" for bit in sorted(bits))


def _basic_constraints(certificate: Certificate) -> Breaches:
    extension = certificate.extensions.find(BASIC_CONSTRAINTS)
    if extension is None:
        return
    authority, length = certificate.basic_constraints
    if not authority and extension.value[2:3] == b"\x01":  # a BOOLEAN stands first in the SEQUENCE
        yield "default-written", "basicConstraints say CA:FALSE, which is the default"
    if authority and not extension.critical:
        yield "ca-basic-constraints-critical", "basicConstraints are not critical"
    if length is None:
        return
    usage = certificate.key_usage
    if not authority or (usage is not None and KEY_CERT_SIGN not in usage):
        yield "path-length-only-ca", "there is a path length, and it may not sign certificates"
    if length < 0:
        yield "path-length-negative", f"the path length is {length}"


def _key_usage(certificate: Certificate) -> Breaches:
    usage, authority = certificate.key_usage, certificate.is_authority
    if usage is None:
        if authority:
            yield "ca-key-usage", "a CA has no keyUsage"
        return
    node = certificate.extensions.decoded(KEY_USAGE)
    if node and der.ends_with_zeros(node):
        yield "key-usage-zeros", "keyUsage is written with zeros at its end"
    if not usage:
        yield "key-usage-empty", "keyUsage has no bit set"
    elif max(usage) > DECIPHER_ONLY:
        yield "key-usage-unknown", f"keyUsage has bit {max(usage)} set"
    if authority and KEY_CERT_SIGN not in usage:
        yield "ca-key-usage", "a CA's keyUsage lacks keyCertSign"
    elif not authority and KEY_CERT_SIGN in usage:
        yield "key-cert-sign-only-ca", "keyCertSign is set, and it is no CA's"
    yield from _usage_fits_key(usage, fields.key_type(certificate.key).partition(" ")[0])


def _usage_fits_key(usage: frozenset[int], algorithm: str) -> Breaches:
    forbidden = frozenset[int]()
    if algorithm in (fields.RSA, fields.RSA_PSS):
        forbidden = _AGREEING
    elif algorithm == fields.EC:
        forbidden = _ENCIPHERING
    elif algorithm in fields.SIGNATURES:  # Ed25519, Ed448, ML-DSA: the key's algorithm is the signature's
        forbidden = _AGREEING | _ENCIPHERING
        if usage and not usage & _SIGNING:
            yield "key-usage-signs", "keyUsage allows no kind of signature, and the key can do nothing else"
    if usage & forbidden:
        yield "key-usage-fits-key", f"keyUsage has {bit_names(usage & forbidden)}, which a key of this type cannot do"


def _extended_key_usage(certificate: Certificate) -> Breaches:
    purposes, usage = certificate.extended_key_usage, certificate.key_usage
    if purposes is None:
        return
    if not purposes:
        yield "eku-empty", "extKeyUsage names no usage"
    if usage is None or certificate.is_authority:
        return
    for purpose in purposes:
        name, needed = _PURPOSES.get(purpose, ("", usage))
        if not usage & needed:
            yield "eku-key-usage", f"extKeyUsage has {name}, and keyUsage none of {bit_names(needed)}"


def kind_of(certificate: Certificate, kind: Kind | None) -> Breaches:
    """Judge whether it is of the *kind* that it should be."""
    if kind is None:
        return
    authority = certificate.is_authority
    if authority is not (kind is Kind.CA):
        yield "kind-authority", "it says CA:TRUE" if authority else "it does not say CA:TRUE"
    wanted, usages = _KIND_USAGE.get(kind), certificate.usages
    if wanted and usages and not {wanted, ANY_USAGE}.intersection(usages):  # without the extension it is good for all
        yield "kind-usage", f"extKeyUsage lacks {usage_name(wanted)}"


def _ocsp_signer(certificate: Certificate) -> Breaches:
    if OCSP_SIGNING not in certificate.usages or certificate.is_authority:
        return
    no_check = certificate.extensions.find(OCSP_NO_CHECK)
    if no_check is None:
        yield "ocsp-no-check", "an OCSP signer has no ocsp-nocheck"
    elif no_check.value != b"\x05\x00":
        yield "ocsp-no-check-null", "ocsp-nocheck holds something else than NULL"


# --- key identifiers -------------------------------------------------------------------------------------------------


def _key_identifiers(certificate: Certificate) -> Breaches:
    identifier = certificate.subject_key_identifier
    if identifier is None and certificate.is_authority:
        yield "ca-ski", "a CA has no subjectKeyIdentifier"
    if identifier == b"":
        yield "ski-empty", "subjectKeyIdentifier is empty"
    yield from authority_key_identifier(certificate.extensions, self_issued=certificate.self_issued)


def authority_key_identifier(extensions: Extensions, *, self_issued: bool = False) -> Breaches:
    """Judge an authorityKeyIdentifier, which only what is *self_issued* may lack."""
    node = extensions.decoded(AUTHORITY_KEY_IDENTIFIER)
    if node is None:
        if not self_issued:
            yield "aki-missing", "there is no authorityKeyIdentifier"
        return
    parts = {child.tag & 0x1F for child in node.children()}
    if 0 not in parts:
        yield "aki-key-id", "authorityKeyIdentifier has no key identifier"
    if (1 in parts) is not (2 in parts):
        yield "aki-pair", "authorityKeyIdentifier has an issuer or a serial number without the other"


# --- names, and what few certificates carry --------------------------------------------------------------------------


def _issuer(certificate: Certificate) -> Breaches:
    if not certificate.issuer.body:
        yield "issuer-empty", "the issuer is an empty name"
    if not certificate.self_issued:
        yield from names.distinguished_name(certificate.issuer, "the issuer")


def _subject(certificate: Certificate) -> Breaches:
    yield from names.distinguished_name(certificate.subject, "the subject")
    if certificate.subject.body:
        return
    extension = certificate.extensions.find(SUBJECT_ALT_NAME)
    if certificate.is_authority:
        yield "ca-subject-empty", "a CA has an empty subject"
    if extension is None or not extension.critical:
        what = "is not critical" if extension else "is missing"
        yield "san-critical", f"the subject is empty, and subjectAltName {what}"


def _mailboxes(certificate: Certificate) -> Breaches:
    yield from names.mailboxes(certificate.subject, certificate.extensions.decoded(SUBJECT_ALT_NAME))


def _alternative_names(certificate: Certificate, oid: str, name: str) -> Breaches:
    node = certificate.extensions.decoded(oid)
    if node is not None:
        yield from names.general_names(node, name)


def _rare_extensions(certificate: Certificate) -> Breaches:
    present = {extension.oid for extension in certificate.extensions.all}
    if present & _LOCATIONS:
        from easycert.pki.lint import locations

        yield from locations.judge(certificate)
    if present & _POLICIES:
        from easycert.pki.lint import policies

        yield from policies.judge(certificate)
    if NAME_CONSTRAINTS in present:
        from easycert.pki.lint import subtrees

        yield from subtrees.judge(certificate)


_RULES = (
    ("the issuer", _issuer),
    ("the subject", _subject),
    ("subjectAltName", _mailboxes),
    ("basicConstraints", _basic_constraints),
    ("keyUsage", _key_usage),
    ("extKeyUsage", _extended_key_usage),
    ("a key identifier", _key_identifiers),
    ("extKeyUsage", _ocsp_signer),
)


# --- beside the CA's certificate -------------------------------------------------------------------------------------


def by_key(present: Extensions, algorithm: der.Node, issuer: Certificate) -> Breaches:
    """Judge what of a certificate or CRL tells which key of *issuer* signed it, and how."""
    yield from guarded("authorityKeyIdentifier", _key_identifier(present, issuer))
    yield from guarded("the signature algorithm", _signing_key(algorithm, issuer))


def by_issuer(certificate: Certificate, issuer: Certificate) -> Breaches:
    """Judge a certificate as one that *issuer* signed."""
    if certificate.issuer.raw != issuer.subject.raw:
        yield "issuer-name", "the issuer is not the CA's subject, byte for byte"
    if certificate.key.raw == issuer.key.raw:
        yield "issuer-key", "it has the same key as its CA"
    yield from guarded("the CA's usage", _may_sign(issuer))
    yield from guarded("extKeyUsage", _usages(certificate, issuer))
    yield from guarded("basicConstraints", _path_length(certificate, issuer))
    if issuer.extensions.find(NAME_CONSTRAINTS):
        from easycert.pki.lint import subtrees

        yield from subtrees.breaches_of(certificate, issuer)


def _key_identifier(present: Extensions, issuer: Certificate) -> Breaches:
    node = present.decoded(AUTHORITY_KEY_IDENTIFIER)
    parts = {part.tag & 0x1F: part for part in node.children()} if node else {}
    wanted = issuer.subject_key_identifier
    if 0 in parts and wanted is not None and parts[0].body != wanted:
        yield "aki-matches-ski", f"it is {parts[0].body.hex()}, the CA's subjectKeyIdentifier {wanted.hex()}"
    names_of_issuer = [name.body for name in der.elements(parts[1].body)] if 1 in parts else []
    if names_of_issuer and issuer.issuer.raw not in names_of_issuer:
        yield "aki-matches-serial", "authorityKeyIdentifier names another issuer than the CA's certificate has"
    elif 2 in parts and parts[2].body != issuer.serial.body:
        yield "aki-matches-serial", "authorityKeyIdentifier has another serial number than the CA's certificate"


def _signing_key(algorithm: der.Node, issuer: Certificate) -> Breaches:
    oid, _ = fields.identifier(algorithm)
    if oid not in fields.SIGNATURES:
        return
    family, _ = fields.SIGNATURES[oid]
    key = fields.key_type(issuer.key).partition(" ")[0]
    if family != key and not (oid == key == fields.RSA_PSS):
        yield "signature-fits-key", "the CA's key does not make signatures of this algorithm"


def may_sign_crls(issuer: Certificate) -> Breaches:
    """Judge whether the issuer may sign CRLs."""
    if issuer.key_usage is not None and CRL_SIGN not in issuer.key_usage:
        yield "crl-issuer-usage", "the CA's keyUsage lacks cRLSign"


def _may_sign(issuer: Certificate) -> Breaches:
    if not issuer.basic_constraints[0]:
        yield "issuer-is-ca", "the CA's basicConstraints do not say CA:TRUE"
    elif issuer.key_usage is not None and KEY_CERT_SIGN not in issuer.key_usage:
        yield "issuer-is-ca", "the CA's keyUsage lacks keyCertSign"


def _usages(certificate: Certificate, issuer: Certificate) -> Breaches:
    allowed, wanted = issuer.extended_key_usage, certificate.extended_key_usage
    if allowed is None or wanted is None or ANY_USAGE in allowed:
        return
    beyond = [usage_name(purpose) for purpose in wanted if purpose not in allowed]
    if beyond:
        yield "eku-nested", f"the CA's extKeyUsage does not include {', '.join(beyond)}"


def _path_length(certificate: Certificate, issuer: Certificate) -> Breaches:
    left = issuer.basic_constraints[1]
    if left is not None and left < 1 and certificate.basic_constraints[0] and not certificate.self_issued:
        yield "path-length-used-up", "the CA's path length allows no CA below it"
