"""Certificate revocation lists: RFC 5280 section 5.

A CA that lives long has long lists, so entries are kept as the bytes they are: the next CRL gets those of the one
before it unchanged (dates, reasons and what a stranger's tool wrote there), new ones are put behind them, and the whole
is signed once. No object is made for each entry.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from easycert.errors import InvalidInput, KeyMismatch, Malformed, Refused
from easycert.model import Value
from easycert.pki import der, signing
from easycert.pki.certificates import DECODING_ERRORS, Issuer
from easycert.pki.encodings import Encoding
from easycert.pki.keys import PublicKey, signature_hash
from easycert.pki.validity import Validity

#: RFC 5280 section 5.2.3: 20 octets at most, and positive.
NUMBER_MAX = (1 << 159) - 1
_CRL_REASON, _INVALIDITY_DATE = bytes.fromhex("0603551d15"), bytes.fromhex("0603551d18")
_BEGIN, _END = b"-----BEGIN X509 CRL-----", b"-----END X509 CRL-----"
_LINE = 48  # octets that make 64 characters of base64: RFC 7468 section 2
_SHORT = 0x80


class Revocation(Value):
    """One revoked certificate: its serial number, when it was revoked (aware, UTC) and why.

    *invalid_since* is when its key is suspected to have been compromised (RFC 5280 section 5.3.2); the date itself must
    not go back behind CRLs that were published.
    """

    serial: int
    date: datetime
    reason: x509.ReasonFlags = x509.ReasonFlags.unspecified
    invalid_since: datetime | None = None


class CrlSpec(Value):
    """A CRL that is still to be signed; its validity is thisUpdate to nextUpdate.

    *revoked* are entries in DER, each item one or several of them, in their order.
    """

    number: int
    validity: Validity
    revoked: Sequence[bytes]


class Crl(Value):
    """A CRL as it was read: what cryptography makes of it, and its bytes in DER, of which entries are copied."""

    parsed: x509.CertificateRevocationList
    der: bytes


def revoked_certificate(revocation: Revocation) -> bytes:
    """Return a CRL entry in DER; ``unspecified`` is written as no reason at all (RFC 5280 section 5.3.1: SHOULD).

    Raises Refused for a serial number that is negative, which no CRL can hold (RFC 5280 section 4.1.2.2).
    """
    if revocation.serial < 0:
        raise Refused(f"the serial number {revocation.serial}", "it is negative, so no CRL can name it")
    extensions = list(_entry_extensions(revocation))
    return der.tlv(
        der.SEQUENCE,
        der.integer(revocation.serial),
        der.instant(revocation.date),
        der.tlv(der.SEQUENCE, *extensions) if extensions else b"",
    )


def _entry_extensions(revocation: Revocation) -> Iterator[bytes]:
    if revocation.reason is not x509.ReasonFlags.unspecified:
        code = der.integer(reason_code(revocation.reason), der.ENUMERATED)
        yield der.tlv(der.SEQUENCE, _CRL_REASON, der.tlv(der.OCTET_STRING, code))
    if revocation.invalid_since is not None:
        since = der.generalized_time(revocation.invalid_since)
        yield der.tlv(der.SEQUENCE, _INVALIDITY_DATE, der.tlv(der.OCTET_STRING, since))


def signed_crl(spec: CrlSpec, issuer: Issuer) -> bytes:
    """Return the CRL that *spec* describes in DER, its signature checked with the issuer's public key.

    It is of version 2, with a number and an AKI, neither critical.

    Raises KeyMismatch when the key does not make signatures that its own public key verifies.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.name)
        .last_update(spec.validity.not_before)
        .next_update(spec.validity.not_after)
        .add_extension(x509.AuthorityKeyIdentifier(issuer.key_identifier, None, None), critical=False)
        .add_extension(x509.CRLNumber(spec.number), critical=False)
    )
    frame = builder.sign(issuer.key, signature_hash(issuer.key)).tbs_certlist_bytes
    begin, at = der.element(frame, 0, len(frame)).body, _revoked_place(frame, 0)[0]
    revoked = der.tlv(der.SEQUENCE, *spec.revoked) if any(spec.revoked) else b""  # RFC 5280 section 5.1.2.6: or absent
    body = der.tlv(der.SEQUENCE, frame[begin:at], revoked, frame[at:])
    made = signing.signature(issuer.key, body)
    try:
        signing.require_signature(issuer.key.public_key(), made, body)
    except InvalidSignature:
        raise KeyMismatch("the private key of the CA", "it does not make signatures that it verifies") from None
    return der.tlv(der.SEQUENCE, body, signing.signature_algorithm(issuer.key), der.tlv(der.BIT_STRING, b"\0", made))


def crl_pem(crl: x509.CertificateRevocationList | bytes) -> bytes:
    """Return a CRL, given as such or in DER, in PEM."""
    data = crl if isinstance(crl, bytes) else crl.public_bytes(Encoding.DER)
    lines = (b2a_base64(data[at : at + _LINE]) for at in range(0, len(data), _LINE))
    return b"".join((_BEGIN, b"\n", *lines, _END, b"\n"))


def load_crl(data: bytes, source: str) -> x509.CertificateRevocationList:
    """Return the CRL in PEM or DER *data*. Raises Malformed."""
    return read_crl(data, source).parsed


def read_crl(data: bytes, source: str) -> Crl:
    """Return the CRL in PEM or DER *data*, with its bytes. Raises Malformed."""
    try:
        found = _read_pem(data) if b"-----BEGIN" in data else Crl(x509.load_der_x509_crl(data), data)
        found.parsed.extensions  # noqa: B018  decoded lazily: fail here, not later
        found.parsed.issuer  # noqa: B018
    except DECODING_ERRORS as error:
        raise Malformed(source, "a certificate revocation list", type(error).__name__) from None
    return found


def _read_pem(pem: bytes) -> Crl:
    start, end = pem.find(_BEGIN), pem.find(_END)
    if 0 <= start < end:
        try:
            encoded = a2b_base64(pem[start + len(_BEGIN) : end])
            return Crl(x509.load_der_x509_crl(encoded), encoded)
        except DECODING_ERRORS:  # headers, comments: whatever it is, let a real parser judge
            pass
    parsed = x509.load_pem_x509_crl(pem)
    return Crl(parsed, parsed.public_bytes(Encoding.DER))


def require_issued_by(crl: Crl, name: x509.Name, key: PublicKey, source: str) -> None:
    """Raise Refused unless the CA of this *name* and *key* signed the CRL: anyone could have written another."""
    if crl.parsed.issuer != name or not _is_signed_by(crl, key):
        raise Refused(
            source,
            "it was not signed by this CA's key, so its entries cannot be trusted; "
            "move it away if the CA has been made anew",
        )


def _is_signed_by(crl: Crl, key: PublicKey) -> bool:
    """Return whether *key* verifies the signature over the bytes as they are: cryptography would write them anew."""
    outer = der.Reader.whole(crl.der)
    body, algorithm = outer.raw(der.SEQUENCE), outer.raw(der.SEQUENCE)
    inner = der.Reader.whole(body)
    inner.optional(der.INTEGER)
    if inner.raw(der.SEQUENCE) != algorithm:  # RFC 5280 section 5.1.1.2
        return False
    made, parameters = crl.parsed.signature, crl.parsed.signature_algorithm_parameters
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(made, body, parameters, crl.parsed.signature_hash_algorithm)  # type: ignore[arg-type]
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(made, body, parameters)  # type: ignore[arg-type]
        else:
            key.verify(made, body)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return True


# --- numbers ---------------------------------------------------------------------------------------------------------


def crl_number(crl: x509.CertificateRevocationList) -> int:
    """Return the number of a CRL; 0 where it has none (Synapse writes none)."""
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return 0


def next_number(known: int, now: datetime) -> int:
    """Return the number of the CRL that follows the one with the highest *known* number (RFC 5280 section 5.2.3).

    It is the time in seconds, or one more than *known* if that is higher: so it rises also after the directory was
    restored from an older state, and also with a clock that runs backwards. Raises Refused when there is none left.
    """
    number = max(known + 1, int(now.timestamp()))
    if number > NUMBER_MAX:
        raise Refused("the number of the CRL", "it has reached 20 octets, so that no CRL can follow (RFC 5280 5.2.3)")
    return number


# --- entries ---------------------------------------------------------------------------------------------------------


def is_revoked(crl: x509.CertificateRevocationList | None, serial: int) -> bool:
    """Return whether *crl* lists the serial number as revoked."""
    return crl is not None and crl.get_revoked_certificate_by_serial_number(serial) is not None


def entries(crl: x509.CertificateRevocationList | None) -> Sequence[x509.RevokedCertificate]:
    """Return the entries of *crl*; none where there is no CRL yet."""
    return () if crl is None else tuple(crl)


def revoked_der(crl: Crl | None) -> bytes:
    """Return all entries of *crl* as they stand, one behind the other in DER; empty where there are none."""
    if crl is None:
        return b""
    found = _revoked_place(crl.der, der.element(crl.der, 0, len(crl.der)).body)[1]
    return crl.der[found.body : found.end] if found else b""


def serials(revoked: bytes) -> Iterator[int]:
    """Yield the serial number of each entry in *revoked*, which came from :func:`revoked_der`."""
    return (int.from_bytes(octets, "big") for _, _, octets in _split(revoked))


def without(revoked: bytes, unwanted: Collection[int]) -> bytes:
    """Return *revoked*, which came from :func:`revoked_der`, without the entries of these serial numbers."""
    names = frozenset(der.integer(serial)[2:] for serial in unwanted)
    kept, start = [], 0
    for begin, end, octets in _split(revoked):
        if octets in names:
            kept.append(revoked[start:begin])
            start = end
    return b"".join((*kept, revoked[start:])) if kept else revoked


def _split(revoked: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield begin, end and serial number (octets) of each entry; cryptography has seen that each is one."""
    at, limit = 0, len(revoked)
    while at < limit:
        body, size = at + 2, revoked[at + 1]
        if size >= _SHORT:
            _, _, body, end = der.element(revoked, at, limit)
        else:
            end = body + size
        first = body + 2
        yield at, end, revoked[first : first + revoked[body + 1]]
        at = end


def _revoked_place(data: bytes, at: int) -> tuple[int, der.Element | None]:
    """Return where revokedCertificates begin, or would, in the TBSCertList at *at*, and the element if it is there."""
    body = der.element(data, at, len(data))
    place = body.body
    for part in der.elements(data, body.body, body.end):
        if part.tag in (der.UTC_TIME, der.GENERALIZED_TIME):  # thisUpdate, nextUpdate: what follows is our place
            place = part.end
        elif part.tag == der.SEQUENCE and part.start == place and place > body.body:
            return place, part
    return place, None


# --- reasons ---------------------------------------------------------------------------------------------------------

#: RFC 5280 section 5.3.1: the code of each reason; 7 is not used.
_CODES: dict[x509.ReasonFlags, int] = {
    x509.ReasonFlags.unspecified: 0,
    x509.ReasonFlags.key_compromise: 1,
    x509.ReasonFlags.ca_compromise: 2,
    x509.ReasonFlags.affiliation_changed: 3,
    x509.ReasonFlags.superseded: 4,
    x509.ReasonFlags.cessation_of_operation: 5,
    x509.ReasonFlags.certificate_hold: 6,
    x509.ReasonFlags.remove_from_crl: 8,
    x509.ReasonFlags.privilege_withdrawn: 9,
    x509.ReasonFlags.aa_compromise: 10,
}
_REASONS = {reason.value.lower(): reason for reason in _CODES} | {str(code): reason for reason, code in _CODES.items()}


def reason_code(reason: x509.ReasonFlags) -> int:
    """Return the number that stands for *reason* in CRLs and OCSP responses (RFC 5280 section 5.3.1)."""
    return _CODES[reason]


def parse_reason(text: str) -> x509.ReasonFlags:
    """Return the reason for which RFC 5280 section 5.3.1 has this name (in any case) or number. Raises InvalidInput.

    removeFromCRL is none: it is what a delta CRL says of an entry that is gone.
    """
    reason = _REASONS.get(text.lower())
    if reason is x509.ReasonFlags.remove_from_crl:
        raise InvalidInput("reason", text, "is said by delta CRLs only; --unhold takes a certificate off a CRL")
    if reason is None:
        known = ", ".join(item.value for item in _CODES if item is not x509.ReasonFlags.remove_from_crl)
        raise InvalidInput("reason", text, f"is not one of {known}")
    return reason


def reason_of(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    """Return why a certificate was revoked, ``unspecified`` where that is not said, None where it cannot be read."""
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return x509.ReasonFlags.unspecified
    except DECODING_ERRORS:
        return None
