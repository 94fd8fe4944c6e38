"""What a foreign certificate is here: its kind and its name, of which the place of its file is made."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from easycert.errors import InvalidInput, InvalidName
from easycert.model import Kind
from easycert.pki.describe.certificate import extension, guessed_kind, subject_alternative_names
from easycert.pki.names import NAMES, HostName, SafeName
from easycert.pki.profiles import NETSCAPE_CERT_TYPE
from easycert.pki.wording import oid_name

#: Netscape's certificate type, a BIT STRING: client, server, S/MIME, object signing (``nsCertType`` of openssl.cnf).
_NETSCAPE = ((0x40, Kind.HOST), (0x80, Kind.USER), (0x10, Kind.CODE), (0x20, Kind.USER))
_OTHER_NAMES = (NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_NAME)
#: Who may have a place here although its usage is no kind of ours: a mailbox is a user's.
_AKIN = {ExtendedKeyUsageOID.EMAIL_PROTECTION: Kind.USER}


def kind_of(certificate: x509.Certificate, wish: Kind | None) -> tuple[Kind, bool]:
    """Return what *certificate* is for, and whether it says so itself; else *wish* decides, or else its names do.

    Raises InvalidInput for one that says that it is for something that no kind here is (time stamps).
    """
    said = guessed_kind(certificate)
    if said is not None:
        return said, True
    usages = extension(certificate.extensions, x509.ExtendedKeyUsage) or ()
    akin = next((kind for usage, kind in _AKIN.items() if usage in usages), None)
    if akin or wish:
        return akin or wish or Kind.USER, False
    if any(usage != ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE for usage in usages):
        shown = ", ".join(oid_name(usage) for usage in usages)
        raise InvalidInput("extended key usage", shown, "is that of no kind that is kept here; say one with --kind")
    return _netscape_kind(certificate) or _kind_by_name(certificate), False


def name_of(certificate: x509.Certificate, kind: Kind, path: str) -> SafeName:
    """Return the name of *certificate* here: its CN, else one of its other names, else that of its file at *path*.

    A host or user is called by a name that a new one could have, where the certificate holds one. Raises InvalidName
    where nothing is usable.
    """
    refusal: InvalidName | None = None
    for text, parse in _candidates(certificate, kind, path):
        try:
            return _no_option(parse(text))
        except InvalidName as error:
            refusal = refusal or error
    raise refusal or InvalidName("certificate", path, "holds no name")


def _candidates(certificate: x509.Certificate, kind: Kind, path: str) -> Iterator[tuple[str, type[SafeName]]]:
    names = _attributes(certificate.subject, NameOID.COMMON_NAME)
    sans = [san.partition(":")[2] for san in subject_alternative_names(certificate.extensions)]
    if kind in (Kind.HOST, Kind.USER):
        names += sans
    yield from ((text, NAMES[kind]) for text in names)
    if kind is Kind.CA:
        names += (text for oid in _OTHER_NAMES for text in _attributes(certificate.subject, oid))
    yield from ((text, SafeName) for text in names)
    yield path.rpartition("/")[2].rpartition(".")[0], SafeName


def _attributes(subject: x509.Name, oid: ObjectIdentifier) -> list[str]:
    """Return the values of an attribute, the most specific first."""
    return [str(item.value) for item in reversed(subject.get_attributes_for_oid(oid)) if isinstance(item.value, str)]


def _no_option(name: SafeName) -> SafeName:
    if name.startswith("-"):
        raise InvalidName("name", name, "starts with a hyphen, so that programs would take it for an option")
    return name


def _netscape_kind(certificate: x509.Certificate) -> Kind | None:
    try:
        found = certificate.extensions.get_extension_for_oid(NETSCAPE_CERT_TYPE).value
    except x509.ExtensionNotFound:
        return None
    bits = found.value[-1] if isinstance(found, x509.UnrecognizedExtension) and found.value else 0
    return next((kind for bit, kind in _NETSCAPE if bits & bit), None)


def _kind_by_name(certificate: x509.Certificate) -> Kind:
    """Return HOST for what is called like one (``www.example.com``), else USER."""
    for text in _attributes(certificate.subject, NameOID.COMMON_NAME):
        try:
            name = HostName(text)
        except InvalidName:
            continue
        return Kind.HOST if name.address or "." in name else Kind.USER
    return Kind.USER
