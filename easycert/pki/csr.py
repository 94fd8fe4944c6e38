"""Certificate signing requests: making them, and reading what a stranger wrote.

A request proves possession of a key and *asks* for names. Nothing else in it binds the CA: extensions are hints at
most, and whatever is not kept is said (:attr:`Request.ignored`). Sources: RFC 2986 (signature), RFC 2985 (attributes),
CA/B Forum BR 6.1.1.3 and 6.1.5 (keys), RFC 9525 section 6.3 (wildcards).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import AttributeOID, ExtensionOID, NameOID

from easycert.errors import InvalidSan, Malformed, RequestRefused, printable
from easycert.model import Value
from easycert.pki.certificates import DECODING_ERRORS, general_name
from easycert.pki.encodings import Encoding
from easycert.pki.keys import PrivateKey, PublicKey, require_named_curve, require_strong, signature_hash
from easycert.pki.sans import SanType, SubjectAltName, typed_san, unique_sans
from easycert.pki.subjects import Attributes, attribute_flaw, attribute_label, common_name

#: More names than this make certificates that servers and clients choke on (hazard B7); Let's Encrypt has the same cap.
SANS_MAX = 100
_BEGIN = b"-----BEGIN "
_REQUEST_LABELS = (b"CERTIFICATE REQUEST-----", b"NEW CERTIFICATE REQUEST-----")
_BOM = b"\xef\xbb\xbf"
_BROKEN_HASHES = (hashes.MD5, hashes.SHA1)
_KEPT_ATTRIBUTES = (
    NameOID.COUNTRY_NAME,
    NameOID.STATE_OR_PROVINCE_NAME,
    NameOID.LOCALITY_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
)


class Request(Value):
    """What a signing request proves and asks for, checked; and what of it is not granted."""

    public_key: PublicKey
    common_name: str | None
    attributes: Attributes
    sans: tuple[SubjectAltName, ...]
    ignored: tuple[str, ...]


def build_request(
    subject: x509.Name, sans: Iterable[SubjectAltName], key: PrivateKey, *, ca: bool
) -> x509.CertificateSigningRequest:
    """Return a signing request for *key* that asks for these names, and with *ca* for a CA's basic constraints."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    names = [general_name(san) for san in sans]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not list(subject))
    return builder.sign(key, signature_hash(key))


def request_pem(request: x509.CertificateSigningRequest) -> bytes:
    """Return a signing request in PEM."""
    return request.public_bytes(Encoding.PEM)


def load_request(data: bytes, source: str) -> x509.CertificateSigningRequest:
    """Return the one signing request in *data*: DER, or PEM with a BOM, CRLF or text before it. Raises Malformed."""
    data = data.removeprefix(_BOM)
    if b"PRIVATE KEY-----" in data:
        raise Malformed(source, "a certificate signing request", "it holds a private key, which no one should be sent")
    blocks = sum(data.count(_BEGIN + label) for label in _REQUEST_LABELS)
    if blocks > 1 or data.count(_BEGIN) > blocks:
        raise Malformed(source, "a certificate signing request", "it holds several PEM blocks")
    try:
        if blocks:
            return x509.load_pem_x509_csr(_ending_with_its_block(data, source))
        return x509.load_der_x509_csr(data)
    except DECODING_ERRORS:
        raise Malformed(source, "a certificate signing request", "it cannot be decoded") from None


def _ending_with_its_block(data: bytes, source: str) -> bytes:
    _, dashes, rest = data.partition(b"-----END ")
    if dashes and rest.partition(b"-----")[2].strip():
        raise Malformed(source, "a certificate signing request", "there is more behind its end")
    return data


def read_request(csr: x509.CertificateSigningRequest, source: str, keep: frozenset[SanType]) -> Request:
    """Check a signing request and return what it asks for; SANs of other types than *keep* are ignored, and named.

    Raises RequestRefused (no proof of possession, broken hash, unusable names), WeakKey and Malformed.
    """
    try:
        public_key = require_strong(csr.public_key(), source)
        require_named_curve(csr.tbs_certrequest_bytes, source)
        _require_possession(csr, source)
        attributes, ignored_attributes = _attributes(csr.subject)
        sans, ignored_sans = _sans(csr, source, keep)
        ignored = [*ignored_attributes, *ignored_sans, *_ignored_extensions(csr)]
        name = common_name(csr.subject)
    except DECODING_ERRORS as error:
        raise Malformed(source, "a certificate signing request", type(error).__name__) from None
    return Request(public_key, name, attributes, sans, tuple(ignored))


def _require_possession(csr: x509.CertificateSigningRequest, source: str) -> None:
    if isinstance(csr.signature_hash_algorithm, _BROKEN_HASHES):
        raise RequestRefused(source, f"it is signed with {csr.signature_hash_algorithm.name.upper()}, which is broken")
    if not csr.is_signature_valid:
        raise RequestRefused(source, "its signature is wrong: no proof of possession of the key (RFC 2986 section 3)")


def _attributes(subject: x509.Name) -> tuple[Attributes, list[str]]:
    kept, ignored = [], []
    for item in subject:
        if item.oid == NameOID.COMMON_NAME:
            continue
        value = item.value
        if item.oid in _KEPT_ATTRIBUTES and isinstance(value, str) and not attribute_flaw(item.oid, value):
            kept.append((item.oid, value))
        else:
            ignored.append(f"subject attribute {attribute_label(item.oid)}")
    return tuple(kept), ignored


def _sans(
    csr: x509.CertificateSigningRequest, source: str, keep: frozenset[SanType]
) -> tuple[tuple[SubjectAltName, ...], list[str]]:
    try:
        extension = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return (), []
    names = list(extension.value)
    if len(names) > SANS_MAX:
        raise RequestRefused(source, f"it asks for {len(names)} names; at most {SANS_MAX} are signed")
    asked = [(name, _san(name, source)) for name in names]
    kept = unique_sans(san for _, san in asked if san and san.type in keep)
    return kept, [
        f"subject alternative name {_shown(name, san)}" for name, san in asked if not san or san.type not in keep
    ]


def _san(name: x509.GeneralName, source: str) -> SubjectAltName | None:
    """Return a requested name as a value of ours, None for a type that easycert does not write."""
    try:
        if isinstance(name, x509.DNSName):
            return typed_san(SanType.DNS, name.value, underscores=True)
        if isinstance(name, x509.RFC822Name):
            return typed_san(SanType.EMAIL, name.value)
        if isinstance(name, x509.UniformResourceIdentifier):
            return typed_san(SanType.URI, name.value)
        if isinstance(name, x509.IPAddress):
            return typed_san(SanType.IP, str(name.value))
    except InvalidSan as error:
        raise RequestRefused(source, f"it asks for a name that cannot be certified: {error}") from None
    return None


def _shown(name: x509.GeneralName, san: SubjectAltName | None) -> str:
    return printable(san) if san else type(name).__name__


def _ignored_extensions(csr: x509.CertificateSigningRequest) -> Iterator[str]:
    """Yield what a request asks for beyond names; plain CA:FALSE, which is what it gets anyway, is not worth a word."""
    for extension in csr.extensions:
        value = extension.value
        if extension.oid == ExtensionOID.SUBJECT_ALTERNATIVE_NAME:
            continue
        if isinstance(value, x509.BasicConstraints):
            if value.ca:
                yield "basicConstraints CA:TRUE"
            continue
        yield f"extension {_oid_name(extension.oid)}"
    for attribute in csr.attributes:
        if attribute.oid == AttributeOID.CHALLENGE_PASSWORD:
            yield "attribute challengePassword"


def _oid_name(oid: x509.ObjectIdentifier) -> str:
    return oid.dotted_string if oid._name == "Unknown OID" else oid._name
