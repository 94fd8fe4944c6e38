"""Rules for names: distinguished names, and the general names in alternative names, constraints and locations.

Sources: RFC 5280 sections 4.1.2.4, 4.1.2.6, 4.2.1.6 and appendix A.1; RFC 1034 section 3.5; RFC 9525 section 6.3
(wildcards); RFC 9549 and RFC 9598 (names beyond ASCII); RFC 3986 (URIs); RFC 5321 (mailboxes); CA/B Forum BR 7.1.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easycert.errors import InvalidInput, printable
from easycert.pki.lint import der
from easycert.pki.lint.der import DerError, Node

if TYPE_CHECKING:
    from easycert.pki.lint.fields import Breaches

OTHER_NAME, DIRECTORY_NAME = der.context(0), der.context(4)
RFC822_NAME, DNS_NAME = der.context(1, constructed=False), der.context(2, constructed=False)
URI, IP_ADDRESS = der.context(6, constructed=False), der.context(7, constructed=False)
_REGISTERED_ID = der.context(8, constructed=False)
_X400_ADDRESS, _EDI_PARTY = der.context(3), der.context(5)

COMMON_NAME, COUNTRY, EMAIL = "2.5.4.3", "2.5.4.6", "1.2.840.113549.1.9.1"
_ANY_TEXT = (der.UTF8_STRING, der.PRINTABLE_STRING)
LEGACY_TEXT = (der.TELETEX_STRING, der.BMP_STRING, der.UNIVERSAL_STRING)
_PRINTABLE, _IA5 = (der.PRINTABLE_STRING,), (der.IA5_STRING,)
_LONG = 32768
#: What an attribute is called, the string types it may be of, and its upper bound: RFC 5280 appendix A.1, X.520.
_ATTRIBUTES = {
    COMMON_NAME: ("CN", _ANY_TEXT, 64),
    "2.5.4.10": ("O", _ANY_TEXT, 64),
    "2.5.4.11": ("OU", _ANY_TEXT, 64),
    COUNTRY: ("C", _PRINTABLE, 2),
    "2.5.4.8": ("ST", _ANY_TEXT, 128),
    "2.5.4.7": ("L", _ANY_TEXT, 128),
    "2.5.4.9": ("STREET", _ANY_TEXT, 128),
    "2.5.4.17": ("POSTALCODE", _ANY_TEXT, 40),
    "2.5.4.5": ("SERIALNUMBER", _PRINTABLE, 64),
    "2.5.4.46": ("DNQUALIFIER", _PRINTABLE, _LONG),
    "2.5.4.12": ("TITLE", _ANY_TEXT, 64),
    "2.5.4.65": ("PSEUDONYM", _ANY_TEXT, 128),
    "2.5.4.4": ("SN", _ANY_TEXT, _LONG),
    "2.5.4.42": ("GN", _ANY_TEXT, _LONG),
    "2.5.4.43": ("INITIALS", _ANY_TEXT, _LONG),
    "2.5.4.44": ("GENERATION", _ANY_TEXT, _LONG),
    "2.5.4.41": ("NAME", _ANY_TEXT, _LONG),
    "0.9.2342.19200300.100.1.1": ("UID", _ANY_TEXT, 256),
    "0.9.2342.19200300.100.1.25": ("DC", _IA5, 63),
    EMAIL: ("emailAddress", _IA5, 255),
}
#: X.680 section 41.4.
_PRINTABLE_OCTETS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?"
_STRINGS = (*_ANY_TEXT, *LEGACY_TEXT, der.IA5_STRING, der.VISIBLE_STRING)

_LETTERS_DIGITS_HYPHEN = "abcdefghijklmnopqrstuvwxyz0123456789-"
_SMTP_UTF8_MAILBOX = "1.3.6.1.5.5.7.8.9"
_LOCAL_PART = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+/=?^_`{|}~.-"
_SCHEME = "abcdefghijklmnopqrstuvwxyz0123456789+.-"
_URI_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'()*+,;=%"


# --- distinguished names ---------------------------------------------------------------------------------------------


def attributes(name: Node) -> list[tuple[str, Node]]:
    """Return type and value of each attribute in a distinguished name. Raises DerError."""
    return [attribute for rdn in name.children() for attribute in _attributes_of(rdn)]


def _attributes_of(rdn: Node) -> list[tuple[str, Node]]:
    found = []
    for node in rdn.children(der.SET):
        parts = node.children()
        if len(parts) != 2:
            raise DerError("an attribute that is not a type and a value")
        found.append((der.oid(parts[0]), parts[1]))
    return found


def distinguished_name(name: Node, whose: str) -> Breaches:
    """Judge a distinguished name; *whose* it is begins each message (``the subject``)."""
    for rdn in name.children():
        found = _attributes_of(rdn)
        if len(found) != 1:
            yield from _unusual_rdn(rdn, whose)
        for oid, value in found:
            yield from _attribute(oid, value, f"{whose}'s {label(oid)}")


def _unusual_rdn(rdn: Node, whose: str) -> Breaches:
    encodings = [node.raw for node in rdn.children(der.SET)]
    if not encodings:
        yield "rdn-empty", f"{whose} has an empty RDN"
    elif sorted(encodings) != encodings:
        yield "rdn-order", f"{whose} has an RDN whose attributes are not in DER's order"


def label(oid: str) -> str:
    """Return what people call an attribute type, or its dotted number."""
    return _ATTRIBUTES[oid][0] if oid in _ATTRIBUTES else oid


def _attribute(oid: str, value: Node, what: str) -> Breaches:
    _, types, limit = _ATTRIBUTES.get(oid, ("", _STRINGS, _LONG))
    if value.tag not in types and not (types is _ANY_TEXT and value.tag in LEGACY_TEXT):
        if oid in _ATTRIBUTES:
            yield "attribute-type", f"{what} is of a string type that it must not have"
        return
    try:
        text = der.text(value)
    except DerError:
        yield "attribute-characters", f"{what} holds octets that are not of its string type"
        return
    if value.tag == der.PRINTABLE_STRING and value.body.strip(_PRINTABLE_OCTETS):
        yield "attribute-characters", f"{what} holds characters that are not in PrintableString"
    yield from _attribute_text(oid, text, limit, what)


def _attribute_text(oid: str, text: str, limit: int, what: str) -> Breaches:
    if not text:
        yield "attribute-empty", f"{what} is empty"
    elif len(text) > limit:
        yield "attribute-length", f"{what} has {len(text)} characters, more than {limit}"
    elif not text.isprintable() and any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in text):
        yield "attribute-control", f"{what} holds control characters"
    elif oid == COUNTRY and not (len(text) == 2 and text.isascii() and text.isalpha()):
        yield "country-code", f"{what} is {shown_text(text)}"


# --- general names ---------------------------------------------------------------------------------------------------


def general_names(names: Node, where: str) -> Breaches:
    """Judge the names in a ``GeneralNames``; *where* they stand begins each message."""
    found = names.children()
    if not found:
        yield "names-empty", f"{where} holds no name"
    seen = set()
    for name in found:
        yield from general_name(name, where)
        key = (name.tag, name.body.lower() if name.tag == DNS_NAME else name.body)
        if key in seen:
            yield "names-duplicate", f"{where} holds {shown(name)} twice"
        seen.add(key)


def mailboxes(subject: Node, alternatives: Node | None) -> Breaches:
    """Judge whether the mailboxes in a subject are among the alternative names, where clients look for them."""
    wanted = [value.body.lower() for oid, value in attributes(subject) if oid == EMAIL]
    if not wanted:
        return
    given = {name.body.lower() for name in alternatives.children() if name.tag == RFC822_NAME} if alternatives else ()
    for mailbox in wanted:
        if mailbox not in given:
            told = shown_text(mailbox.decode("latin-1"))
            yield "email-in-subject", f"the subject has the mailbox {told}, which is not in subjectAltName"


def shown(name: Node) -> str:
    """Return a general name for a person to read."""
    if name.tag in (DNS_NAME, RFC822_NAME, URI):
        return shown_text(name.body.decode("latin-1"))
    return f"a name of type [{name.tag & 0x1F}]"


def shown_text(text: str) -> str:
    """Return text from a certificate in quotation marks, safe to show."""
    return f"'{printable(text)}'"


def general_name(name: Node, where: str) -> Breaches:
    """Judge one ``GeneralName``. Raises DerError for what is none."""
    if name.tag in (DNS_NAME, RFC822_NAME, URI):
        yield from _ascii_name(name, where)
    elif name.tag == IP_ADDRESS:
        if len(name.body) not in (4, 16):
            yield "ip-octets", f"{where} holds an IP address of {len(name.body)} octets"
    elif name.tag == DIRECTORY_NAME:
        yield from distinguished_name(der.element(name.body), f"{where}: the directory name")
    elif name.tag == OTHER_NAME:
        yield from _other_name(name, where)
    elif name.tag == _REGISTERED_ID:
        der.oid(name, _REGISTERED_ID)
    elif name.tag not in (_X400_ADDRESS, _EDI_PARTY):
        raise DerError(f"tag {name.tag:#04x} where a general name belongs")


def _ascii_name(name: Node, where: str) -> Breaches:
    if not name.body.isascii():
        yield "name-not-ascii", f"{where} holds {shown(name)}, which is not ASCII"
        return
    text = name.body.decode("ascii")
    if name.tag == DNS_NAME:
        yield from dns_name(text, where)
    elif name.tag == RFC822_NAME:
        yield from _mailbox(text, where)
    else:
        yield from uri(text, where)


def dns_name(text: str, where: str) -> Breaches:
    """Judge a dNSName, a wildcard as its first label allowed."""
    name = text.lower()
    if "*" in name:
        name = name[2:] if name.startswith("*.") else name
        if "*" in name:
            yield "wildcard-form", f"{where} holds {shown_text(text)}, whose '*' is not its whole first label"
            return
    flaw = _host_flaw(name.replace("_", "a"))
    if flaw:
        yield "dns-name", f"{where} holds {shown_text(text)}, which {flaw}"
        return
    last = name.rpartition(".")[2]
    if last.isdigit() or (last.startswith("0x") and not last[2:].strip("0123456789abcdef")):
        yield "dns-address", f"{where} holds {shown_text(text)} as a DNS name"
    if "xn--" in name:
        yield from _a_labels(name, where)


def _host_flaw(name: str) -> str:
    """Return why *name*, in lower case, is not in the preferred name syntax (RFC 1034 section 3.5), or nothing."""
    if not name or len(name) > 253:
        return "is empty" if not name else "is longer than 253 characters"
    for label in name.split("."):
        if not 1 <= len(label) <= 63:
            return "has a label of more than 63 characters" if label else "has an empty label"
        if label[0] == "-" or label[-1] == "-" or label.strip(_LETTERS_DIGITS_HYPHEN):
            return "has a label that is not letters, digits and inner hyphens"
    return ""


def _a_labels(name: str, where: str) -> Breaches:
    from functools import partial

    from easycert.pki.dns import dns_name as parsed  # IDNA's tables cost more than a certificate: only where needed

    for part in name.split("."):
        if part.startswith("xn--"):
            try:
                parsed(part, partial(InvalidInput, "label", part))
            except InvalidInput:
                yield "a-label", f"{where} holds {shown_text(part)}, behind which no U-label stands"


def _mailbox(text: str, where: str) -> Breaches:
    local, at, domain = text.rpartition("@")
    quoted = len(local) > 2 and local[0] == local[-1] == '"' and local.isprintable()
    plain = not local.strip(_LOCAL_PART) and all(local.split("."))
    literal = domain.startswith("[") and domain.endswith("]")
    if not at or not local or not (quoted or plain) or (not literal and _host_flaw(domain.lower())):
        yield "rfc822-name", f"{where} holds {shown_text(text)}, which is no mailbox"
    elif "xn--" in domain.lower():
        yield from _a_labels(domain.lower(), where)


def uri(text: str, where: str) -> Breaches:
    """Judge a uniformResourceIdentifier: absolute, and its host a DNS name or an IP address."""
    scheme, colon, rest = text.partition(":")
    if not colon or not rest or not scheme[:1].isalpha() or scheme.lower().strip(_SCHEME):
        yield "uri-absolute", f"{where} holds {shown_text(text)}, which does not begin with a scheme"
    elif rest.strip(_URI_CHARACTERS):
        yield "uri-characters", f"{where} holds {shown_text(text)}, whose characters no URI has"
    elif rest.startswith("//"):
        host = uri_host(text)
        if not _is_address(host) and _host_flaw(host.lower().replace("_", "a").removesuffix(".")):
            yield "uri-host", f"{where} holds {shown_text(text)}, whose host is no name and no address"


def uri_host(text: str) -> str:
    """Return the host in a URI, an IPv6 address in its brackets; nothing where there is none."""
    authority = text.partition("//")[2]
    for end in "/?#":
        authority = authority.partition(end)[0]
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _is_address(host: str) -> bool:
    if not host.startswith("["):
        return False  # an IPv4 address has the syntax of a name
    from easycert.pki.dns import ip_address

    return ip_address(host.strip("[]")) is not None


def _other_name(name: Node, where: str) -> Breaches:
    parts = der.elements(name.body)
    if len(parts) != 2 or parts[1].tag != der.context(0):
        raise DerError("an otherName that is not a type and a value")
    if der.oid(parts[0]) != _SMTP_UTF8_MAILBOX:
        return
    text = der.text(der.element(parts[1].body).expect(der.UTF8_STRING))
    local, at, domain = text.rpartition("@")
    if not at or not local or local.isascii() or not domain.isascii() or _host_flaw(domain):
        yield "smtp-utf8-mailbox", f"{where} holds {shown_text(text)}"
    elif "xn--" in domain:
        yield from _a_labels(domain, where)
