"""Certificates: describe, then sign.

A :class:`CertificateSpec` says everything about a certificate before any key is touched; :func:`sign` makes it one.
Sources: RFC 5280 sections 4.1 and 4.2, RFC 9598 (non-ASCII mailboxes).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator
from typing import cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID, ObjectIdentifier

from easycert.errors import KeyMismatch, Malformed
from easycert.model import Kind, Value
from easycert.pki.encodings import Encoding
from easycert.pki.keys import PrivateKey, PublicKey, public_der, signature_hash
from easycert.pki.profiles import NETSCAPE_CERT_TYPE, Profile, Rules
from easycert.pki.sans import SanType, SubjectAltName
from easycert.pki.validity import Validity

#: RFC 9598 section 3: the otherName for mailboxes whose local part is not ASCII.
_SMTP_UTF8_MAILBOX = ObjectIdentifier("1.3.6.1.5.5.7.8.9")
#: What cryptography raises, at once or lazily, for X.509 objects and keys that are not what they should be.
DECODING_ERRORS = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
#: The bits of keyUsage (RFC 5280 section 4.2.1.3), in cryptography's words.
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


class IssuerUrls(Value):
    """Where the CRL, certificate and OCSP responder of a CA are; what is empty is not written into certificates."""

    crl: str = ""
    issuer: str = ""
    ocsp: str = ""


class CertificateSpec(Value):
    """A certificate that is still to be signed: printable, comparable, complete but for the key."""

    kind: Kind
    subject: x509.Name
    sans: tuple[SubjectAltName, ...]
    validity: Validity
    profile: Profile
    serial: int
    self_signed: bool
    path_length: int | None = None
    name_constraints: x509.NameConstraints | None = None
    urls: IssuerUrls = IssuerUrls()

    @property
    def rules(self) -> Rules:
        """What certificates of this kind carry under the spec's profile."""
        return self.profile.rules(self.kind, self_signed=self.self_signed)


class ToBeSigned(Value):
    """All of a certificate but the signature (RFC 5280 section 4.1.1.1); extensions with whether they are critical."""

    subject: x509.Name
    issuer: x509.Name
    public_key: PublicKey
    serial: int
    validity: Validity
    extensions: tuple[tuple[x509.ExtensionType, bool], ...]


class Issuer(Value):
    """Who signs: a distinguished name, the key identifier that points to its key, and the key."""

    name: x509.Name
    key_identifier: bytes
    key: PrivateKey


def new_serial() -> int:
    """Return a random serial number: positive, 20 octets at most, 159 random bits (RFC 5280 4.1.2.2, BR 7.1.2.7)."""
    return x509.random_serial_number()


def self_issuer(spec: CertificateSpec, key: PrivateKey) -> Issuer:
    """Return the issuer of a self-signed certificate for *key*."""
    return Issuer(spec.subject, key_identifier(key.public_key()), key)


def authority_issuer(certificate: x509.Certificate, key: PrivateKey) -> Issuer:
    """Return the issuer that a CA's *certificate* and *key* make. Raises KeyMismatch unless they belong together."""
    if public_der(key.public_key()) != public_der(cast("PublicKey", certificate.public_key())):
        raise KeyMismatch("the private key", "it does not belong to the certificate beside it")
    return Issuer(certificate.subject, subject_key_identifier(certificate), key)


def key_identifier(public_key: PublicKey) -> bytes:
    """Return the SHA-1 key identifier of a public key (RFC 5280 section 4.2.1.2, method 1)."""
    return x509.SubjectKeyIdentifier.from_public_key(public_key).digest


def subject_key_identifier(certificate: x509.Certificate) -> bytes:
    """Return a certificate's own key identifier; derived from its key where it has none, as Synapse's CAs."""
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_KEY_IDENTIFIER)
    except x509.ExtensionNotFound:
        return key_identifier(cast("PublicKey", certificate.public_key()))
    return cast("x509.SubjectKeyIdentifier", extension.value).digest


def to_be_signed(spec: CertificateSpec, public_key: PublicKey, issuer: Issuer) -> ToBeSigned:
    """Return everything that *issuer* signs when it makes the certificate that *spec* describes for *public_key*."""
    extensions = tuple(_extensions(spec, public_key, issuer))
    return ToBeSigned(spec.subject, issuer.name, public_key, spec.serial, spec.validity, extensions)


def signed(tbs: ToBeSigned, key: PrivateKey) -> x509.Certificate:
    """Return the certificate that *key* makes of *tbs*."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(tbs.subject)
        .issuer_name(tbs.issuer)
        .public_key(tbs.public_key)
        .serial_number(tbs.serial)
        .not_valid_before(tbs.validity.not_before)
        .not_valid_after(tbs.validity.not_after)
    )
    for extension, critical in tbs.extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, signature_hash(key))


def sign(spec: CertificateSpec, public_key: PublicKey, issuer: Issuer) -> x509.Certificate:
    """Return the certificate that *spec* describes for *public_key*, signed by *issuer*."""
    return signed(to_be_signed(spec, public_key, issuer), issuer.key)


def _extensions(
    spec: CertificateSpec, public_key: PublicKey, issuer: Issuer
) -> Iterator[tuple[x509.ExtensionType, bool]]:
    profile, rules = spec.profile, spec.rules
    is_ca = spec.kind is Kind.CA
    yield x509.BasicConstraints(is_ca, spec.path_length), is_ca or profile.leaf_basic_constraints_critical
    yield _key_usage(rules, public_key), profile.key_usage_critical
    if rules.extended_key_usage:
        yield x509.ExtendedKeyUsage(rules.extended_key_usage), False
    if rules.ocsp_no_check:
        yield x509.OCSPNoCheck(), False
    if rules.netscape_cert_type:
        yield x509.UnrecognizedExtension(NETSCAPE_CERT_TYPE, rules.netscape_cert_type), False
    if spec.sans:
        # RFC 5280 section 4.2.1.6: critical exactly when the subject is empty.
        yield x509.SubjectAlternativeName([general_name(san) for san in spec.sans]), not list(spec.subject)
    if spec.name_constraints:
        yield spec.name_constraints, True
    if not spec.self_signed and not rules.ocsp_no_check:  # BR 7.1.2.8.2: nobody asks about who would answer
        yield from url_extensions(spec.urls)
    yield x509.SubjectKeyIdentifier.from_public_key(public_key), False
    yield x509.AuthorityKeyIdentifier(issuer.key_identifier, None, None), False


def url_extensions(urls: IssuerUrls) -> Iterator[tuple[x509.ExtensionType, bool]]:
    """Yield cRLDistributionPoints and authorityInfoAccess, as far as there are URLs (RFC 5280 4.2.1.13, 4.2.2.1)."""
    if urls.crl:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(urls.crl)], None, None, None)
        yield x509.CRLDistributionPoints([point]), False
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method, url in (
            (AuthorityInformationAccessOID.OCSP, urls.ocsp),
            (AuthorityInformationAccessOID.CA_ISSUERS, urls.issuer),
        )
        if url
    ]
    if access:
        yield x509.AuthorityInformationAccess(access), False


def _key_usage(rules: Rules, public_key: PublicKey) -> x509.KeyUsage:
    wanted = set(rules.key_usage)
    if rules.rsa_key_encipherment and isinstance(public_key, rsa.RSAPublicKey):
        wanted.add("key_encipherment")
    return key_usage(wanted)


def key_usage(wanted: Collection[str]) -> x509.KeyUsage:
    """Return the extension with the bits in *wanted* set; see :data:`USAGES`."""
    return x509.KeyUsage(**{usage: usage in wanted for usage in USAGES})


def general_name(san: SubjectAltName) -> x509.GeneralName:
    """Return a subject alternative name in cryptography's terms."""
    if san.type is SanType.IP:
        return x509.IPAddress(ipaddress.ip_address(san.value))
    if san.type is SanType.DNS:
        return x509.DNSName(san.value)
    if san.type is SanType.URI:
        return x509.UniformResourceIdentifier(san.value)
    if san.value.isascii():
        return x509.RFC822Name(san.value)
    return x509.OtherName(_SMTP_UTF8_MAILBOX, _der_utf8_string(san.value))


def _der_utf8_string(text: str) -> bytes:
    data = text.encode()
    size = len(data).to_bytes(2, "big").lstrip(b"\0")
    length = size if len(data) < 0x80 else bytes([0x80 | len(size)]) + size  # X.690 section 8.1.3
    return b"\x0c" + length + data


def require_signed_by(certificate: x509.Certificate, issuer: x509.Certificate, source: str) -> None:
    """Check a signature with the issuer's public key. Raises KeyMismatch.

    Made right after signing: it proves that the private key, whose primes nobody checked, belongs to *issuer*.
    """
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        raise KeyMismatch(source, "its private key does not make signatures that its certificate verifies") from None


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether the key in *issuer* signed *certificate*, which names it as its issuer."""
    try:
        require_signed_by(certificate, issuer, "it")
    except KeyMismatch:
        return False
    return True


def load_certificates(data: bytes, source: str) -> list[x509.Certificate]:
    """Return the certificates in PEM or DER *data*, in their order, at least one. Raises Malformed."""
    try:
        if b"-----BEGIN" in data:
            found = x509.load_pem_x509_certificates(data)
        else:
            found = [x509.load_der_x509_certificate(data)]
        for certificate in found:
            _touch_lazy_parts(certificate)
    except DECODING_ERRORS:
        raise Malformed(source, "a certificate", "it cannot be decoded") from None
    return found


def load_certificate(data: bytes, source: str) -> x509.Certificate:
    """Return the first certificate in *data*: the leaf of a chain file. Raises Malformed."""
    return load_certificates(data, source)[0]


def first_der(data: bytes, source: str) -> bytes:
    """Return the first certificate in *data*, in DER, without looking into it. Raises Malformed."""
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_certificates(data)[0].public_bytes(Encoding.DER)
        return x509.load_der_x509_certificate(data).public_bytes(Encoding.DER)
    except DECODING_ERRORS:
        raise Malformed(source, "a certificate", "it cannot be decoded") from None


def _touch_lazy_parts(certificate: x509.Certificate) -> None:
    """Make cryptography decode what it decodes only when used, so that later code cannot be surprised."""
    certificate.extensions  # noqa: B018
    certificate.subject  # noqa: B018
    certificate.issuer  # noqa: B018
    certificate.public_key()
    certificate.not_valid_after_utc  # noqa: B018


def certificate_pem(*chain: x509.Certificate) -> bytes:
    """Return certificates in PEM, in the order given, nothing between them."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)


def is_ca(certificate: x509.Certificate) -> bool:
    """Return whether a certificate says that it is a CA's (RFC 5280 section 4.2.1.9)."""
    constraints = basic_constraints(certificate)
    return constraints is not None and constraints.ca


def basic_constraints(certificate: x509.Certificate) -> x509.BasicConstraints | None:
    """Return a certificate's basic constraints, or None."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return None


def is_self_issued(certificate: x509.Certificate) -> bool:
    """Return whether subject and issuer are the same name (RFC 5280 section 3.2)."""
    return certificate.subject == certificate.issuer
