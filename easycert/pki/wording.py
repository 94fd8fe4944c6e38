"""How X.509's terms are worded: names, usages, extensions and algorithms as people and RFCs write them.

Everything here comes from files that strangers wrote, so all text is made safe to show on one line.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from easycert.errors import printable
from easycert.pki.dns import unicode_name
from easycert.pki.identity import mailbox
from easycert.pki.subjects import shown_name

#: cryptography's attribute -> the name in RFC 5280 section 4.2.1.3, in the order of the bits.
_KEY_USAGES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "contentCommitment",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
    "encipher_only": "encipherOnly",
    "decipher_only": "decipherOnly",
}
#: They may be asked for only where keyAgreement is set.
_AGREEMENT_USAGES = ("encipher_only", "decipher_only")
_UNKNOWN = "Unknown OID"
_PIECE = 100


def one_line(text: object) -> str:
    """Return *text* whole, on one line, with control and invisible characters escaped."""
    whole = str(text)
    if whole.isprintable():  # nearly all of the text there is, and a list has much of it
        return whole
    return "".join(printable(whole[start : start + _PIECE]) for start in range(0, len(whole), _PIECE))


def oid_name(oid: ObjectIdentifier) -> str:
    """Return the name that RFCs give an object identifier (``serverAuth``), or its digits and dots."""
    return oid.dotted_string if oid._name == _UNKNOWN else oid._name


def key_usages(usage: x509.KeyUsage) -> tuple[str, ...]:
    """Return the key usages that are set, by their names in RFC 5280 section 4.2.1.3."""
    possible = (item for item in _KEY_USAGES if usage.key_agreement or item not in _AGREEMENT_USAGES)
    return tuple(_KEY_USAGES[item] for item in possible if getattr(usage, item))


def general_names(names: Iterable[x509.GeneralName]) -> tuple[str, ...]:
    """Return general names (RFC 5280 section 4.2.1.6) as openssl prefixes them: ``DNS:www.example.com``."""
    return tuple(one_line(_general_name(name)) for name in names)


def _general_name(name: x509.GeneralName) -> str:
    if isinstance(name, x509.DirectoryName):
        return f"dirName:{shown_name(name.value)}"
    if isinstance(name, x509.OtherName):
        return _other_name(name)
    if isinstance(name, x509.RegisteredID):
        return f"RID:{name.value.dotted_string}"
    prefixes = {x509.DNSName: "DNS", x509.IPAddress: "IP", x509.RFC822Name: "email"}
    return f"{prefixes.get(type(name), 'URI')}:{name.value}"


def _other_name(name: x509.OtherName) -> str:
    box = mailbox(name)
    return f"otherName:{oid_name(name.type_id)}" if box is None else f"email:{box}"


def with_unicode(shown: str) -> str:
    """Return a name with its U-labels behind it: ``DNS:xn--bcher-kva.example (bücher.example)``."""
    prefix, colon, value = shown.rpartition(":")
    readable = unicode_name(value)
    return shown if readable == value else f"{prefix}{colon}{value} ({one_line(readable)})"


def readable_name(name: str) -> str:
    """Return the name of a file as people know the thing: U-labels beside A-labels, an IPv6 address with its colons."""
    if "_" in name:
        try:
            return str(ipaddress.IPv6Address(name.replace("_", ":")))
        except ValueError:
            return name
    return with_unicode(name)


def uris(points: Iterable[x509.GeneralName] | None) -> Iterator[str]:
    """Yield the URIs among general names."""
    for point in points or ():
        if isinstance(point, x509.UniformResourceIdentifier):
            yield one_line(point.value)


def even_hex(number: int) -> str:
    """Return a number in lower-case hexadecimal with an even count of digits, as serial numbers are written."""
    sign, digits = "-" if number < 0 else "", f"{abs(number):x}"
    return sign + digits.zfill(len(digits) + len(digits) % 2)
