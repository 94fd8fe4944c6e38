"""Distinguished names: what people write (``O=Acme,C=FR``) and what a certificate carries.

Sources: RFC 5280 section 4.1.2.4 and appendix A.1 (attribute types and upper bounds), RFC 4514 (escaping with a
backslash).
"""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from easycert.errors import InvalidInput, printable

#: RFC 4514 section 3 and the names that openssl prints; with the upper bounds of RFC 5280 appendix A.1.
_ATTRIBUTES: dict[str, tuple[ObjectIdentifier, int]] = {
    "CN": (NameOID.COMMON_NAME, 64),
    "O": (NameOID.ORGANIZATION_NAME, 64),
    "OU": (NameOID.ORGANIZATIONAL_UNIT_NAME, 64),
    "C": (NameOID.COUNTRY_NAME, 2),
    "ST": (NameOID.STATE_OR_PROVINCE_NAME, 128),
    "L": (NameOID.LOCALITY_NAME, 128),
    "STREET": (NameOID.STREET_ADDRESS, 128),
    "POSTALCODE": (NameOID.POSTAL_CODE, 40),
    "SERIALNUMBER": (NameOID.SERIAL_NUMBER, 64),
    "SN": (NameOID.SURNAME, 64),
    "GN": (NameOID.GIVEN_NAME, 64),
    "TITLE": (NameOID.TITLE, 64),
    "DC": (NameOID.DOMAIN_COMPONENT, 63),
    "UID": (NameOID.USER_ID, 256),
}
_LIMITS = dict(_ATTRIBUTES.values())
_LABELS = {oid: label for label, (oid, _) in _ATTRIBUTES.items()}
#: RFC 5280 section 4.1.2.4 and appendix A.1: these are PrintableString, which X.680 section 41.4 spells out.
_PRINTABLE_STRING = re.compile(r"[A-Za-z0-9 '()+,./:=?-]*")
_PART = r"((?:\\.|[^\\,=])+)=((?:\\.|[^\\,])*)(?:,|$)"

Attributes = tuple[tuple[ObjectIdentifier, str], ...]


def parse_subject(text: str) -> Attributes:
    r"""Parse ``O=Acme,C=FR`` (a comma in a value is written ``\,``) into attributes, in their order.

    Raises InvalidInput for unknown types, values that are empty, too long or unprintable, and a CN, which is the
    certificate's name and given as such.
    """
    attributes = []
    position = 0
    while position < len(text):
        part = re.compile(_PART).match(text, position)  # compiled when used: most commands never do
        if part is None:
            raise InvalidInput("subject", text, "is not like O=Acme,C=FR")
        attributes.append(_attribute(text, part[1].strip(), re.sub(r"\\(.)", r"\1", part[2]).strip()))
        position = part.end()
    return tuple(attributes)


def _attribute(text: str, label: str, value: str) -> tuple[ObjectIdentifier, str]:
    if label.upper() not in _ATTRIBUTES:
        raise InvalidInput(
            "subject", text, f"has an unknown attribute {printable(label)}; known: {', '.join(_ATTRIBUTES)}"
        )
    if label.upper() == "CN":
        raise InvalidInput("subject", text, "must not set CN: the name of the certificate becomes its CN")
    oid, limit = _ATTRIBUTES[label.upper()]
    reason = attribute_flaw(oid, value)
    if reason:
        raise InvalidInput("subject", text, f"has a bad {label.upper()} (at most {limit} characters): it {reason}")
    return oid, value.upper() if oid == NameOID.COUNTRY_NAME else value


def attribute_flaw(oid: ObjectIdentifier, value: str) -> str:
    """Return why *value* cannot stand in a subject attribute of type *oid*, or an empty string."""
    if not value.strip() or not value.isprintable():
        return "is empty or holds control characters"
    if len(value) > _LIMITS.get(oid, len(value)):
        return "is too long"
    if oid == NameOID.COUNTRY_NAME and not (len(value) == _LIMITS[oid] and value.isascii() and value.isalpha()):
        return "is not a two-letter country code"
    if oid == NameOID.SERIAL_NUMBER and not _PRINTABLE_STRING.fullmatch(value):
        return "holds more than letters, digits, spaces and ' ( ) + , - . / : = ?"
    if oid == NameOID.DOMAIN_COMPONENT and not value.isascii():
        return "is not ASCII"
    return ""


def distinguished_name(common_name: str | None, attributes: Attributes = ()) -> x509.Name:
    """Return the name with *attributes* and, last, the common name (UTF8String; country PrintableString)."""
    pairs = attributes if common_name is None else (*attributes, (NameOID.COMMON_NAME, common_name))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def common_name(name: x509.Name) -> str | None:
    """Return the most specific common name of a distinguished name, or None."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[-1].value) if found else None


def shown_name(name: x509.Name) -> str:
    """Return a distinguished name as one safe line, in the order it is written (``O=Acme, CN=root``)."""
    parts = (f"{attribute_label(item.oid)}={printable(_text(item.value))}" for item in name)
    return ", ".join(parts) or "(empty)"


def attribute_label(oid: ObjectIdentifier) -> str:
    """Return what people call an attribute type (``O``), or its dotted number."""
    return _LABELS.get(oid) or oid.dotted_string


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.hex()
