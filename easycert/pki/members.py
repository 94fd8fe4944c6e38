"""A certificate as a member of a certification path: read once, whatever is wrong with it."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from cryptography import x509

from easycert.errors import Reason, printable
from easycert.pki.chains import subject_name
from easycert.pki.encoded import Encoded, encoded
from easycert.pki.signatures import UNREADABLE
from easycert.pki.subjects import shown_name

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


class Member(NamedTuple):
    """A certificate of a path; ``name`` is its subject, ``flaws`` say what of it cannot be read."""

    certificate: x509.Certificate
    name: str
    is_leaf: bool
    is_anchor: bool
    extensions: x509.Extensions
    encoded: Encoded | None
    flaws: tuple[Reason, ...]

    def find(self, kind: type[_Extension]) -> x509.Extension[_Extension] | None:
        """Return the extension of this kind, or None."""
        try:
            return self.extensions.get_extension_for_class(kind)
        except x509.ExtensionNotFound:
            return None

    @property
    def claims_ca(self) -> bool:
        """Whether its basic constraints say that it is a CA's."""
        basic = self.find(x509.BasicConstraints)
        return basic is not None and basic.value.ca

    def says(self, reason: Reason) -> Reason:
        """Return *reason* as it stands for the leaf, held against the CA for any other member."""
        return reason if self.is_leaf else reason.about(self.name)

    def notes(self, fragment: str) -> str:
        """Return *fragment* as a note about this member."""
        return f"the certificate {fragment}" if self.is_leaf else f"its CA '{self.name}' {fragment}"


#: The leaf first, the trust anchor last.
Path = tuple[Member, ...]


def read_member(certificate: x509.Certificate, *, is_leaf: bool, is_anchor: bool = False) -> Member:
    """Read what the rules need of a certificate; what cannot be decoded becomes a flaw, never an exception."""
    flaws = []
    found: Encoded | None = None
    try:
        found = encoded(certificate)
    except UNREADABLE as error:
        flaws.append(Reason(f"is not encoded as it should be ({told(error)})", "RFC 5280 4.1"))
    try:
        extensions = certificate.extensions
    except UNREADABLE as error:
        extensions = x509.Extensions([])
        flaws.append(Reason(f"has extensions that cannot be read ({told(error)})", "RFC 5280 4.2"))
    if subject_name(certificate) is None:
        flaws.append(Reason("has a subject that cannot be read", "RFC 5280 4.1.2.6"))
    return Member(certificate, shown_subject(certificate), is_leaf, is_anchor, extensions, found, tuple(flaws))


def shown_subject(certificate: x509.Certificate) -> str:
    """Return the subject for a person to read, whatever the certificate holds."""
    try:
        return shown_name(certificate.subject)
    except UNREADABLE:
        return "(unreadable subject)"


def told(error: Exception) -> str:
    """Return what cryptography had to say, on one line."""
    return printable(f"{type(error).__name__}: {error}".partition("\n")[0])
