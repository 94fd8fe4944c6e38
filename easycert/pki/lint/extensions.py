"""Rules for the list of extensions, key identifiers and alternative names; the rarer extensions are judged elsewhere.

Sources: RFC 5280 sections 4.1.2.6, 4.1.2.9 and 4.2; CA/B Forum BR 7.1.2 and 7.1.4.3.
"""

from __future__ import annotations

from easycert.errors import printable
from easycert.pki.lint import der, names
from easycert.pki.lint.der import Node
from easycert.pki.lint.parts import (
    AUTHORITY_ACCESS,
    AUTHORITY_KEY_IDENTIFIER,
    BASIC_CONSTRAINTS,
    CERTIFICATE_POLICIES,
    CRL_POINTS,
    EXTENDED_KEY_USAGE,
    FRESHEST_CRL,
    ISSUER_ALT_NAME,
    KEY_USAGE,
    NAME_CONSTRAINTS,
    SERVER_AUTH,
    SUBJECT_ACCESS,
    SUBJECT_ALT_NAME,
    SUBJECT_KEY_IDENTIFIER,
    Breaches,
    Certificate,
    Extensions,
    guarded,
)

_POLICY_MAPPINGS, _POLICY_CONSTRAINTS, _INHIBIT_ANY_POLICY = "2.5.29.33", "2.5.29.36", "2.5.29.54"
_DIRECTORY_ATTRIBUTES, _NETSCAPE_CERT_TYPE = "2.5.29.9", "2.16.840.1.113730.1.1"
#: Certificate Transparency's poison: critical so that no client accepts a precertificate (RFC 6962 section 3.1).
_POISON = "1.3.6.1.4.1.11129.2.4.3"
#: RFC 5280 section 4.2: what every client is to understand, and what others do.
_UNDERSTOOD_CRITICAL = frozenset(
    {
        *(BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_ALT_NAME, NAME_CONSTRAINTS, CERTIFICATE_POLICIES),
        *(_POLICY_MAPPINGS, _POLICY_CONSTRAINTS, _INHIBIT_ANY_POLICY),
        *(ISSUER_ALT_NAME, CRL_POINTS, FRESHEST_CRL, AUTHORITY_ACCESS, SUBJECT_ACCESS, _DIRECTORY_ATTRIBUTES),
        *(AUTHORITY_KEY_IDENTIFIER, SUBJECT_KEY_IDENTIFIER, _POISON),
    }
)
_NEVER_CRITICAL = {
    AUTHORITY_KEY_IDENTIFIER: ("aki-not-critical", "authorityKeyIdentifier is critical"),
    SUBJECT_KEY_IDENTIFIER: ("ski-not-critical", "subjectKeyIdentifier is critical"),
    AUTHORITY_ACCESS: ("access-not-critical", "authorityInfoAccess is critical"),
    SUBJECT_ACCESS: ("access-not-critical", "subjectInfoAccess is critical"),
    FRESHEST_CRL: ("freshest-crl-not-critical", "freshestCRL is critical"),
    _DIRECTORY_ATTRIBUTES: ("directory-attributes-not-critical", "subjectDirectoryAttributes are critical"),
    ISSUER_ALT_NAME: ("issuer-alt-name-not-critical", "issuerAltName is critical"),
    CRL_POINTS: ("crl-points-not-critical", "cRLDistributionPoints are critical"),
}
_LOCATIONS = frozenset({CRL_POINTS, FRESHEST_CRL, AUTHORITY_ACCESS, SUBJECT_ACCESS})
_POLICIES = frozenset({CERTIFICATE_POLICIES, _POLICY_MAPPINGS, _POLICY_CONSTRAINTS, _INHIBIT_ANY_POLICY})


def extension_list(extensions: Extensions, *, present: bool) -> Breaches:
    """Judge the extensions as a list: none twice, none unreadable, none that nobody understands and must."""
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


def critical_extensions(certificate: Certificate) -> Breaches:
    """Judge whether there is a critical extension that clients do not understand."""
    for extension in certificate.extensions.all:
        if extension.critical and extension.oid not in _UNDERSTOOD_CRITICAL:
            yield "critical-unknown", f"the extension {extension.oid} is critical"
    if certificate.extensions.find(_NETSCAPE_CERT_TYPE):
        yield "netscape-cert-type", "there is Netscape's certificate type"


# --- key identifiers -------------------------------------------------------------------------------------------------


def key_identifiers(certificate: Certificate) -> Breaches:
    """Judge subjectKeyIdentifier and authorityKeyIdentifier by themselves."""
    identifier = certificate.subject_key_identifier()
    if identifier is None:
        if certificate.is_authority:
            yield "ca-ski", "a CA has no subjectKeyIdentifier"
        else:
            yield "leaf-ski", "there is no subjectKeyIdentifier"
    elif not identifier:
        yield "ski-empty", "subjectKeyIdentifier is empty"
    yield from authority_key_identifier(certificate.extensions, self_issued=certificate.self_issued)


def authority_key_identifier(extensions: Extensions, *, self_issued: bool = False) -> Breaches:
    """Judge an authorityKeyIdentifier, which only what is *self_issued* may lack."""
    node = extensions.decoded(AUTHORITY_KEY_IDENTIFIER)
    if node is None:
        if not self_issued:
            yield "aki-missing", "there is no authorityKeyIdentifier"
        return
    parts = {child.tag & 0x1F: child for child in node.children()}
    if 0 not in parts:
        yield "aki-key-id", "authorityKeyIdentifier has no key identifier"
    if (1 in parts) is not (2 in parts):
        yield "aki-pair", "authorityKeyIdentifier has an issuer or a serial number without the other"
    elif 1 in parts:
        yield "aki-key-id-only", "authorityKeyIdentifier names issuer and serial number"


def issuer_key_identifier(extensions: Extensions) -> bytes | None:
    """Return the key identifier in authorityKeyIdentifier, or None. Raises DerError."""
    node = extensions.decoded(AUTHORITY_KEY_IDENTIFIER)
    parts = node.children() if node else []
    return next((part.body for part in parts if part.tag == der.context(0, constructed=False)), None)


# --- names -----------------------------------------------------------------------------------------------------------


def subject(certificate: Certificate) -> Breaches:
    """Judge the subject and the alternative names together."""
    empty = not certificate.subject.children()
    if empty and certificate.is_authority:
        yield "ca-subject-empty", "a CA has an empty subject"
    extension = certificate.extensions.find(SUBJECT_ALT_NAME)
    if empty and (extension is None or not extension.critical):
        what = "is not critical" if extension else "is missing"
        yield "san-critical", f"the subject is empty, and subjectAltName {what}"
    if extension is not None and extension.critical and not empty:
        yield "san-not-critical", "the subject is not empty, and subjectAltName is critical"


def alternative_names(certificate: Certificate) -> Breaches:
    """Judge subjectAltName and issuerAltName, and how the subject's names go with them."""
    node = certificate.extensions.decoded(SUBJECT_ALT_NAME)
    if node is not None:
        yield from names.general_names(node, "subjectAltName")
    yield from guarded("the subject", _names_in_subject(certificate, node))
    issuer = certificate.extensions.decoded(ISSUER_ALT_NAME)
    if issuer is not None:
        yield from guarded("issuerAltName", names.general_names(issuer, "issuerAltName"))


def _names_in_subject(certificate: Certificate, node: Node | None) -> Breaches:
    alternatives = node.children() if node else []
    is_server = SERVER_AUTH in certificate.usages and not certificate.is_authority
    if is_server and any(name.tag not in (names.DNS_NAME, names.IP_ADDRESS) for name in alternatives):
        yield "server-san-types", "a server's subjectAltName holds more than DNS names and IP addresses"
    for oid, value in names.attributes(certificate.subject):
        if oid == names.EMAIL and not any(name.tag == names.RFC822_NAME for name in alternatives):
            yield "email-in-subject", "there is a mailbox in the subject and none in subjectAltName"
        if oid == names.COMMON_NAME and is_server and alternatives and not _is_among(value, alternatives):
            yield "cn-in-san", f"the common name '{printable(_text(value))}' is not in subjectAltName"


def _text(value: Node) -> str:
    try:
        return der.text(value)
    except der.DerError:
        return value.body.hex()


def _is_among(value: Node, alternatives: list[Node]) -> bool:
    text = _text(value).lower().encode()
    if any(name.tag == names.DNS_NAME and name.body.lower() == text for name in alternatives):
        return True
    addresses = [name.body for name in alternatives if name.tag == names.IP_ADDRESS]
    if not addresses:
        return False
    from easycert.pki.dns import ip_address

    address = ip_address(text.decode())
    return address is not None and address.packed in addresses


# --- what few certificates carry -------------------------------------------------------------------------------------


def rare_extensions(certificate: Certificate) -> Breaches:
    """Judge locations, policies and name constraints: their rules are loaded for certificates that have any."""
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
    if not (certificate.self_issued or present & {CRL_POINTS, AUTHORITY_ACCESS}):
        yield "no-revocation-location", "nothing says where its revocation status can be found"
