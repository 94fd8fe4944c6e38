"""A certificate taken apart, and the rules for its fields: version, serial number, validity, algorithms and key.

A part that cannot be decoded raises :class:`~easycert.pki.lint.der.DerError` where it is asked for; :func:`guarded`
makes a finding of it, so that what is broken in one place hides nothing in another.

Sources: RFC 5280 section 4.1; for algorithms RFC 3279, 4055, 5480, 5758, 8410 and 9881; CA/B Forum BR 6.1.5, 6.1.6 and
7.1.3.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from easycert.pki.lint import der
from easycert.pki.lint.der import DerError, Node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    #: The names of broken rules, each with what breaks it here.
    Breaches = Iterator[tuple[str, str]]

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

#: RFC 5280 section 4.1.2.2.
_SERIAL_OCTETS_MAX = 20
_RSA_BITS_MIN = 2048
_RSA_BITS_MAX = 16384
_RSA_EXPONENT_MIN = 65537

RSA, RSA_PSS, EC = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10045.2.1"
ED25519, ED448 = "1.3.101.112", "1.3.101.113"
ML_DSA_44, ML_DSA_65, ML_DSA_87 = "2.16.840.1.101.3.4.3.17", "2.16.840.1.101.3.4.3.18", "2.16.840.1.101.3.4.3.19"
#: Octets of the public keys that are nothing but octets (RFC 8410 section 4, RFC 9881 section 4).
_OCTETS = {ED25519: 32, ED448: 57, ML_DSA_44: 1312, ML_DSA_65: 1952, ML_DSA_87: 2592}
#: Curves with the octets of a coordinate.
_CURVES = {"1.2.840.10045.3.1.7": 32, "1.3.132.0.34": 48, "1.3.132.0.35": 66}
#: What a signature algorithm is made with, and its hash.
SIGNATURES = {
    "1.2.840.113549.1.1.4": (RSA, "MD5"),
    "1.2.840.113549.1.1.5": (RSA, "SHA-1"),
    "1.2.840.113549.1.1.11": (RSA, "SHA-256"),
    "1.2.840.113549.1.1.12": (RSA, "SHA-384"),
    "1.2.840.113549.1.1.13": (RSA, "SHA-512"),
    RSA_PSS: (RSA, ""),
    "1.2.840.10045.4.1": (EC, "SHA-1"),
    "1.2.840.10045.4.3.2": (EC, "SHA-256"),
    "1.2.840.10045.4.3.3": (EC, "SHA-384"),
    "1.2.840.10045.4.3.4": (EC, "SHA-512"),
    **{oid: (oid, "") for oid in _OCTETS},
}
WEAK_HASHES = ("MD5", "SHA-1")
#: HashML-DSA (RFC 9881 section 2).
_HASH_ML_DSA = ("2.16.840.1.101.3.4.3.32", "2.16.840.1.101.3.4.3.33", "2.16.840.1.101.3.4.3.34")
_NULL = b"\x05\x00"


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
        self.extension_nodes = der.element(wrapped[0].body).children() if wrapped else []
        self.extensions = Extensions(self.extension_nodes)

    @cached_property
    def self_issued(self) -> bool:
        """Whether issuer and subject are the same bytes (RFC 5280 section 3.2)."""
        return self.issuer.raw == self.subject.raw

    def signed_itself(self, issuer: Certificate | None) -> bool:
        """Return whether it is to be judged as one that signed itself, rather than as one that *issuer* signed."""
        return issuer is not None and self.self_issued and issuer.key.raw == self.key.raw

    @cached_property
    def basic_constraints(self) -> tuple[bool, int | None]:
        """Whether it is a CA's, and its path length (RFC 5280 section 4.2.1.9). Raises DerError."""
        node = self.extensions.decoded(BASIC_CONSTRAINTS)
        fields = node.children() if node else []
        authority = der.boolean(fields.pop(0)) if fields and fields[0].tag == der.BOOLEAN else False
        length = der.small_integer(fields.pop(0)) if fields else None
        if fields:
            raise DerError("basic constraints with too many elements")
        return authority, length

    @property
    def is_authority(self) -> bool:
        """Whether it says that it is a CA's; what cannot be decoded says nothing."""
        try:
            return self.basic_constraints[0]
        except DerError:
            return False

    @cached_property
    def key_usage(self) -> frozenset[int] | None:
        """The numbers of the key usage bits, or None without the extension. Raises DerError."""
        node = self.extensions.decoded(KEY_USAGE)
        return None if node is None else der.named_bits(node)

    @cached_property
    def extended_key_usage(self) -> tuple[str, ...] | None:
        """The extended key usages, or None without the extension. Raises DerError."""
        node = self.extensions.decoded(EXTENDED_KEY_USAGE)
        return None if node is None else tuple(map(der.oid, node.children()))

    @property
    def usages(self) -> tuple[str, ...]:
        """The extended key usages; none where there is no such extension or it cannot be decoded."""
        try:
            return self.extended_key_usage or ()
        except DerError:
            return ()

    @cached_property
    def subject_key_identifier(self) -> bytes | None:
        """The SKI, or None without the extension. Raises DerError."""
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


# --- fields ----------------------------------------------------------------------------------------------------------


def judge(certificate: Certificate, *, itself: bool) -> Breaches:
    """Judge the fields of a certificate but for its names; *itself* for one that signed itself."""
    for part, rule in _RULES:
        yield from guarded(part, rule(certificate))
    inner, outer = certificate.inner_algorithm, certificate.outer_algorithm
    yield from guarded("the signature algorithm", signature_algorithm(inner, outer, self_signed=itself))


def _version(certificate: Certificate) -> Breaches:
    number = 0
    if certificate.version is not None:
        number = der.small_integer(der.element(certificate.version.body))
        if number == 0:
            yield "default-written", "the version is written although it is the default, 1"
    if number != 2:
        yield "version-3", f"the version is {number + 1}"


def serial_number(node: Node, whose: str = "the serial number") -> Breaches:
    """Judge a serial number, of a certificate or in a CRL."""
    serial = der.integer(node)
    if serial <= 0:
        yield "serial-positive", f"{whose} is {'zero' if serial == 0 else 'negative'}"
    elif len(node.body) > _SERIAL_OCTETS_MAX:
        yield "serial-length", f"{whose} has {len(node.body)} octets"


def instant(node: Node, what: str, found: list[datetime]) -> Breaches:
    """Judge how a time is written, and put it into *found* when it can be read."""
    if node.tag not in (der.UTC_TIME, der.GENERALIZED_TIME):
        raise DerError("no UTCTime or GeneralizedTime")
    try:
        when = der.time(node)
    except DerError as error:
        yield "time-encoding", f"{what} is {error}"
        return
    found.append(when)
    if node.tag == der.GENERALIZED_TIME and 1950 <= when.year < 2050:
        yield "time-encoding", f"{what} lies in {when.year} and is a GeneralizedTime"


def _validity(certificate: Certificate) -> Breaches:
    first, last = period(certificate)
    times: list[datetime] = []
    yield from instant(first, "notBefore", times)
    yield from instant(last, "notAfter", times)
    if len(times) == 2 and times[1] < times[0]:
        yield "validity-order", "notAfter lies before notBefore"


def period(certificate: Certificate) -> tuple[Node, Node]:
    """Return the elements of notBefore and notAfter. Raises DerError."""
    found = certificate.validity.children()
    if len(found) != 2:
        raise DerError("not two times")
    return found[0], found[1]


def times(certificate: Certificate) -> tuple[datetime, datetime] | None:
    """Return notBefore and notAfter, or None where they cannot be read, which is a finding of its own."""
    try:
        first, last = map(der.time, period(certificate))
    except DerError:
        return None
    return first, last


def _unique_identifiers(certificate: Certificate) -> Breaches:
    for node in certificate.unique_ids:
        which = "issuerUniqueID" if node.tag & 0x1F == 1 else "subjectUniqueID"
        yield "unique-ids", f"there is an {which}" if which[0] == "i" else f"there is a {which}"


# --- signature algorithms --------------------------------------------------------------------------------------------


def identifier(node: Node) -> tuple[str, bytes]:
    """Return the OID and the parameters of an AlgorithmIdentifier. Raises DerError."""
    found = node.children()
    if not 1 <= len(found) <= 2:
        raise DerError("an algorithm identifier of the wrong number of elements")
    return der.oid(found[0]), found[1].raw if len(found) == 2 else b""


def signature_algorithm(inner: Node, outer: Node, *, self_signed: bool = False) -> Breaches:
    """Judge the algorithm that signs a certificate or CRL; on the hash of what is *self_signed* nobody relies."""
    if inner.raw != outer.raw:
        yield "signature-algorithm-match", "signatureAlgorithm differs from what is signed"
    oid, parameters = identifier(inner)
    if oid in _HASH_ML_DSA:
        yield "hash-ml-dsa", "the signature algorithm is HashML-DSA"
        return
    if oid not in SIGNATURES:
        yield "signature-algorithm", f"the signature algorithm is {oid}"
        return
    family, digest = SIGNATURES[oid]
    if digest in WEAK_HASHES and not self_signed:
        yield "signature-weak-hash", f"it is signed with {digest}"
    if oid == RSA_PSS:
        from easycert.pki.lint import pss

        yield from pss.judge(inner)
    elif family == RSA and parameters != _NULL:
        yield "signature-parameters", "the parameters of the RSA signature algorithm are not NULL"
    elif family != RSA and parameters:
        yield "signature-parameters", "the signature algorithm has parameters, which it must not have"


# --- public keys -----------------------------------------------------------------------------------------------------


def _public_key(certificate: Certificate) -> Breaches:
    found = certificate.key.children()
    if len(found) != 2:
        raise DerError("not an algorithm and a key")
    oid, parameters = identifier(found[0])
    octets, unused = der.bit_string(found[1])
    if unused:
        yield "key-encoding", "the public key is not a whole number of octets"
    elif oid == RSA:
        yield from _rsa(octets, parameters)
    elif oid == EC:
        yield from _elliptic(octets, found[0])
    elif oid in _OCTETS:
        yield from _opaque(oid, octets, parameters)
    else:
        yield "key-type", f"the public key's algorithm is {oid}"


def key_type(info: Node) -> str:
    """Return the algorithm of a SubjectPublicKeyInfo, and for EC its curve behind a blank. Raises DerError."""
    found = info.children()
    if len(found) != 2:
        raise DerError("not an algorithm and a key")
    oid, parameters = identifier(found[0])
    curve = der.element(parameters) if oid == EC and parameters else None
    return f"{oid} {der.oid(curve)}" if curve and curve.tag == der.OID else oid


def _rsa(octets: bytes, parameters: bytes) -> Breaches:
    if parameters != _NULL:
        yield "key-parameters", "the parameters of the RSA key are not NULL"
    numbers = der.element(octets).children()
    if len(numbers) != 2:
        raise DerError("an RSA key that is not two numbers")
    modulus, exponent = map(der.integer, numbers)
    bits = max(modulus, 0).bit_length()
    if not _RSA_BITS_MIN <= bits <= _RSA_BITS_MAX or bits % 8:
        yield "rsa-size", f"the RSA key has {bits} bits"
    if exponent < _RSA_EXPONENT_MIN or exponent % 2 == 0:
        small = exponent % 2 and exponent > 0
        yield "rsa-exponent", f"the exponent of the RSA key is {exponent if small else 'even or negative'}"
    if modulus % 2 == 0:
        yield "key-encoding", "the RSA modulus is even"


def _elliptic(octets: bytes, algorithm: Node) -> Breaches:
    parameters = algorithm.children()[1:]
    if not parameters or parameters[0].tag != der.OID:
        yield "ec-named-curve", "the curve of the key is not named"
        return
    curve = der.oid(parameters[0])
    if curve not in _CURVES:
        yield "ec-curve", f"the key is on the curve {curve}"
        return
    size = _CURVES[curve]
    form = octets[:1]
    if not (
        (form == b"\x04" and len(octets) == 1 + 2 * size) or (form in (b"\x02", b"\x03") and len(octets) == 1 + size)
    ):
        yield "key-encoding", "the key is no point of its curve"


def _opaque(oid: str, octets: bytes, parameters: bytes) -> Breaches:
    if parameters:
        yield "key-parameters", "the key's algorithm has parameters, which it must not have"
    if len(octets) != _OCTETS[oid]:
        yield "key-encoding", f"the key has {len(octets)} octets, not {_OCTETS[oid]}"


_RULES = (
    ("the version", _version),
    ("the serial number", lambda certificate: serial_number(certificate.serial)),
    ("the validity", _validity),
    ("the public key", _public_key),
    ("the unique identifiers", _unique_identifiers),
)
