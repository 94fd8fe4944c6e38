"""What the rules look at: a certificate taken apart, each part as it is written, decoded when it is asked for.

A part that cannot be decoded raises :class:`~easycert.pki.lint.der.DerError` where it is asked for; :func:`guarded`
makes a finding of it, so that what is broken in one place hides nothing in another.
"""

from __future__ import annotations

from collections.abc import Iterator

from easycert.pki.lint import der
from easycert.pki.lint.der import DerError, Node

#: The identifier of a broken rule, and what breaks it in this certificate.
Breach = tuple[str, str]
Breaches = Iterator[Breach]

BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
SUBJECT_KEY_IDENTIFIER, AUTHORITY_KEY_IDENTIFIER = "2.5.29.14", "2.5.29.35"
SUBJECT_ALT_NAME, ISSUER_ALT_NAME, NAME_CONSTRAINTS = "2.5.29.17", "2.5.29.18", "2.5.29.30"
CRL_POINTS, FRESHEST_CRL, CERTIFICATE_POLICIES = "2.5.29.31", "2.5.29.46", "2.5.29.32"
AUTHORITY_ACCESS, SUBJECT_ACCESS = "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.11"
OCSP_NO_CHECK = "1.3.6.1.5.5.7.48.1.5"

SERVER_AUTH, CLIENT_AUTH, CODE_SIGNING = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.3"
OCSP_SIGNING, ANY_USAGE = "1.3.6.1.5.5.7.3.9", "2.5.29.37.0"

DIGITAL_SIGNATURE, CONTENT_COMMITMENT, KEY_ENCIPHERMENT, DATA_ENCIPHERMENT, KEY_AGREEMENT = range(5)
KEY_CERT_SIGN, CRL_SIGN, ENCIPHER_ONLY, DECIPHER_ONLY = range(5, 9)


class Extension:
    """One extension: its type, whether it is critical, and the DER in it."""

    __slots__ = ("critical", "critical_written", "oid", "value")

    def __init__(self, node: Node) -> None:
        """Take an ``Extension`` apart (RFC 5280 section 4.1). Raises DerError."""
        first, *rest = node.children()
        self.oid = der.oid(first)
        self.critical_written = len(rest) > 1
        self.critical = der.boolean(rest[0]) if self.critical_written else False
        if not 1 <= len(rest) <= 2:
            raise DerError("an extension of the wrong number of elements")
        self.value = rest[-1].expect(der.OCTET_STRING).body


class Extensions:
    """A list of extensions, to be looked up by type: the first of each type counts."""

    def __init__(self, nodes: list[Node]) -> None:
        self.all: list[Extension] = []
        self.flaws: list[str] = []
        for number, node in enumerate(nodes, start=1):
            try:
                self.all.append(Extension(node))
            except (DerError, ValueError) as error:
                self.flaws.append(f"extension {number}: {error}")
        self._by_oid = {extension.oid: extension for extension in reversed(self.all)}

    def find(self, oid: str) -> Extension | None:
        """Return the extension of this type, or None."""
        return self._by_oid.get(oid)

    def decoded(self, oid: str) -> Node | None:
        """Return the one element in the extension of this type, or None where there is none. Raises DerError."""
        extension = self._by_oid.get(oid)
        return der.element(extension.value) if extension else None


class Certificate:
    """A certificate taken apart. Made from DER; raises DerError when that is none (RFC 5280 section 4.1)."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        tbs, self.outer_algorithm, _signature = _three(der.element(data))
        fields = tbs.children()
        self.version: Node | None = fields.pop(0) if fields and fields[0].tag == der.context(0) else None
        if len(fields) < 6:
            raise DerError("a certificate with too few fields")
        self.serial, self.inner_algorithm, self.issuer, self.validity, self.subject, self.key = fields[:6]
        self.unique_ids = [node for node in fields[6:] if node.tag & 0x1F in (1, 2) and node.tag & 0x80]
        wrapped = [node for node in fields[6:] if node.tag == der.context(3)]
        if len(self.unique_ids) + len(wrapped) != len(fields) - 6 or len(wrapped) > 1:
            raise DerError("a certificate with fields that do not belong there")
        self.has_extensions = bool(wrapped)
        self.extensions = Extensions(der.element(wrapped[0].body).children() if wrapped else [])

    @property
    def self_issued(self) -> bool:
        """Whether issuer and subject are the same bytes (RFC 5280 section 3.2)."""
        return self.issuer.raw == self.subject.raw

    def basic_constraints(self) -> tuple[bool, int | None]:
        """Return whether it is a CA's, and its path length (RFC 5280 section 4.2.1.9). Raises DerError."""
        node = self.extensions.decoded(BASIC_CONSTRAINTS)
        fields = node.children() if node else []
        authority = der.boolean(fields.pop(0)) if fields and fields[0].tag == der.BOOLEAN else False
        length = der.integer(fields.pop(0)) if fields else None
        if fields:
            raise DerError("basic constraints with too many elements")
        return authority, length

    @property
    def is_authority(self) -> bool:
        """Whether it says that it is a CA's; what cannot be decoded says nothing."""
        try:
            return self.basic_constraints()[0]
        except DerError:
            return False

    def key_usage(self) -> frozenset[int] | None:
        """Return the numbers of the key usage bits, or None without the extension. Raises DerError."""
        node = self.extensions.decoded(KEY_USAGE)
        return None if node is None else der.named_bits(node)

    def extended_key_usage(self) -> tuple[str, ...] | None:
        """Return the extended key usages, or None without the extension. Raises DerError."""
        node = self.extensions.decoded(EXTENDED_KEY_USAGE)
        return None if node is None else tuple(map(der.oid, node.children()))

    @property
    def usages(self) -> tuple[str, ...]:
        """The extended key usages; none where there is no such extension or it cannot be decoded."""
        try:
            return self.extended_key_usage() or ()
        except DerError:
            return ()

    def subject_key_identifier(self) -> bytes | None:
        """Return the SKI, or None without the extension. Raises DerError."""
        node = self.extensions.decoded(SUBJECT_KEY_IDENTIFIER)
        return None if node is None else node.expect(der.OCTET_STRING).body


def _three(node: Node) -> tuple[Node, Node, Node]:
    found = node.children()
    if len(found) != 3:
        raise DerError("not made of what is signed, an algorithm and a signature")
    first, second, third = found
    return first, second, third


def guarded(part: str, breaches: Breaches) -> Breaches:
    """Yield *breaches*, and for a part that cannot be decoded the finding that says so."""
    try:
        yield from breaches
    except DerError as error:
        yield "undecodable", f"{part} cannot be decoded: {error}"
