"""Rules for the fields of a certificate: version, serial number, validity, and the algorithms in it.

Sources: RFC 5280 section 4.1; for algorithms RFC 3279, 4055, 5480, 5758, 8410 and 9881; CA/B Forum BR 6.1.5, 6.1.6 and
7.1.3.
"""

from __future__ import annotations

from datetime import datetime

from easycert.pki.lint import der
from easycert.pki.lint.der import DerError, Node
from easycert.pki.lint.parts import Breaches, Certificate

#: RFC 5280 section 4.1.2.2.
_SERIAL_OCTETS_MAX = 20
#: BR 7.1.2.7: 64 bits from a CSPRNG; a number of fewer octets cannot hold them.
_SERIAL_OCTETS_RANDOM = 8
_RSA_BITS_MIN = 2048
_RSA_BITS_MAX = 16384
_RSA_EXPONENT_MIN = 65537

RSA, RSA_PSS, EC = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10045.2.1"
ED25519, ED448 = "1.3.101.112", "1.3.101.113"
ML_DSA = {f"2.16.840.1.101.3.4.3.{17 + number}": name for number, name in enumerate(("44", "65", "87"))}
#: Octets of the public keys that are nothing but octets (RFC 8410 section 4, RFC 9881 section 4).
_OCTETS = {
    ED25519: 32,
    ED448: 57,
    "2.16.840.1.101.3.4.3.17": 1312,
    "2.16.840.1.101.3.4.3.18": 1952,
    "2.16.840.1.101.3.4.3.19": 2592,
}
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
_WEAK_HASHES = ("MD5", "SHA-1")
#: HashML-DSA (RFC 9881 section 2).
_HASH_ML_DSA = tuple(f"2.16.840.1.101.3.4.3.{number}" for number in (32, 33, 34))
_PSS_HASHES = {
    "2.16.840.1.101.3.4.2.1": ("SHA-256", 32),
    "2.16.840.1.101.3.4.2.2": ("SHA-384", 48),
    "2.16.840.1.101.3.4.2.3": ("SHA-512", 64),
}
_MGF1 = "1.2.840.113549.1.1.8"
_NULL = b"\x05\x00"


def version(certificate: Certificate) -> Breaches:
    """Judge the version: 3, whose extensions every certificate needs."""
    number = 0
    if certificate.version is not None:
        number = der.integer(der.element(certificate.version.body))
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


def serial_entropy(node: Node) -> Breaches:
    """Judge whether a serial number is long enough to be random."""
    if der.integer(node) > 0 and len(node.body) < _SERIAL_OCTETS_RANDOM:
        yield "serial-entropy", f"the serial number has only {len(node.body)} octets"


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


def validity(certificate: Certificate) -> Breaches:
    """Judge the two times and their order."""
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


def unique_identifiers(certificate: Certificate) -> Breaches:
    """Judge that there are none."""
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
    """Judge the algorithm that signs a certificate or CRL; nobody relies on the hash of one that is *self_signed*."""
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
    if digest in _WEAK_HASHES:
        yield "self-signature-weak-hash" if self_signed else "signature-weak-hash", f"it is signed with {digest}"
    if oid == RSA_PSS:
        yield from _pss(inner)
    elif family == RSA and parameters != _NULL:
        yield "signature-parameters", "the parameters of the RSA signature algorithm are not NULL"
    elif family != RSA and parameters:
        yield "signature-parameters", "the signature algorithm has parameters, which it must not have"


def _pss(algorithm: Node) -> Breaches:
    """Judge RSASSA-PSS-params: RFC 4055 section 3.1, and the three combinations of BR 7.1.3.2.1."""
    found = algorithm.children()[1:]
    if not found:
        yield "signature-parameters", "RSASSA-PSS has no parameters"
        return
    fields = {node.tag & 0x1F: der.element(node.body) for node in found[0].children()}
    digest = identifier(fields[0])[0] if 0 in fields else "SHA-1"
    if digest not in _PSS_HASHES:
        yield "signature-weak-hash", f"RSASSA-PSS is used with {digest}"
        return
    generator = fields[1].children() if 1 in fields else []
    inner = identifier(generator[1])[0] if len(generator) == 2 and der.oid(generator[0]) == _MGF1 else ""
    salt = der.integer(fields[2]) if 2 in fields else 20
    if inner != digest or salt != _PSS_HASHES[digest][1] or 3 in fields:
        yield "pss-parameters", "hash, mask and salt of RSASSA-PSS do not belong together"


# --- public keys -----------------------------------------------------------------------------------------------------


def public_key(info: Node) -> Breaches:
    """Judge a SubjectPublicKeyInfo: algorithm, parameters, and how strong the key is."""
    found = info.children()
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
        shown = "an even exponent" if exponent % 2 == 0 else f"the exponent {exponent}"
        yield "rsa-exponent", f"the RSA key has {shown}"
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
    name = {ED25519: "Ed25519", ED448: "Ed448"}.get(oid) or f"ML-DSA-{ML_DSA[oid]}"
    yield "key-type-browsers", f"the key is {name}"
