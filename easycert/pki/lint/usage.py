"""Rules for what a certificate may be used for: basicConstraints, keyUsage, extKeyUsage, and what each use needs.

Sources: RFC 5280 sections 4.2.1.3, 4.2.1.9, 4.2.1.12; for keys RFC 3279, 8813, 9295 and 9881; RFC 6960 section 4.2.2.2;
CA/B Forum BR 6.3.2 and 7.1.2, and its code-signing requirements.
"""

from __future__ import annotations

from datetime import timedelta

from easycert.model import Kind
from easycert.pki.lint import der, fields
from easycert.pki.lint.parts import (
    ANY_USAGE,
    BASIC_CONSTRAINTS,
    CLIENT_AUTH,
    CODE_SIGNING,
    CONTENT_COMMITMENT,
    CRL_POINTS,
    CRL_SIGN,
    DATA_ENCIPHERMENT,
    DECIPHER_ONLY,
    DIGITAL_SIGNATURE,
    ENCIPHER_ONLY,
    EXTENDED_KEY_USAGE,
    KEY_AGREEMENT,
    KEY_CERT_SIGN,
    KEY_ENCIPHERMENT,
    KEY_USAGE,
    OCSP_NO_CHECK,
    OCSP_SIGNING,
    SERVER_AUTH,
    SUBJECT_ALT_NAME,
    Breaches,
    Certificate,
)

#: What the bits of keyUsage are called, by number.
_BITS = (
    *("digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement"),
    *("keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"),
)
_SIGNING = frozenset((DIGITAL_SIGNATURE, CONTENT_COMMITMENT, KEY_CERT_SIGN, CRL_SIGN))
_AGREEING = frozenset((KEY_AGREEMENT, ENCIPHER_ONLY, DECIPHER_ONLY))
_ENCIPHERING = frozenset((KEY_ENCIPHERMENT, DATA_ENCIPHERMENT))
#: What an extended key usage is called, and the key usages of which it needs one (RFC 5280 section 4.2.1.12).
_PURPOSES = {
    SERVER_AUTH: ("serverAuth", frozenset((DIGITAL_SIGNATURE, KEY_ENCIPHERMENT, KEY_AGREEMENT))),
    CLIENT_AUTH: ("clientAuth", frozenset((DIGITAL_SIGNATURE, KEY_AGREEMENT))),
    CODE_SIGNING: ("codeSigning", frozenset((DIGITAL_SIGNATURE,))),
    "1.3.6.1.5.5.7.3.4": (
        "emailProtection",
        frozenset((DIGITAL_SIGNATURE, CONTENT_COMMITMENT, KEY_ENCIPHERMENT, KEY_AGREEMENT)),
    ),
    "1.3.6.1.5.5.7.3.8": ("timeStamping", frozenset((DIGITAL_SIGNATURE, CONTENT_COMMITMENT))),
    OCSP_SIGNING: ("OCSPSigning", frozenset((DIGITAL_SIGNATURE, CONTENT_COMMITMENT))),
}
_KIND_USAGE = {Kind.HOST: SERVER_AUTH, Kind.USER: CLIENT_AUTH, Kind.CODE: CODE_SIGNING}
_DAY = 86400
#: BR 6.3.2: how many days a server may have, by when its validity begins.
_SERVER_DAYS = (("2029-03-15", 47), ("2027-03-15", 100), ("2026-03-15", 200), ("2020-09-01", 398))
#: CS 6.3.2.
_CODE_DAYS = 460
#: What a CA may set notBefore back without being told that a lifetime is too long (Boulder: an hour).
_BACKDATED = timedelta(hours=1)


def usage_name(oid: str) -> str:
    """Return what an extended key usage is called, or its dotted number."""
    if oid == ANY_USAGE:
        return "anyExtendedKeyUsage"
    return _PURPOSES[oid][0] if oid in _PURPOSES else oid


def basic_constraints(certificate: Certificate) -> Breaches:
    """Judge basicConstraints."""
    extension = certificate.extensions.find(BASIC_CONSTRAINTS)
    if extension is None:
        return
    authority, length = certificate.basic_constraints()
    written = der.element(extension.value).children()
    if not authority and written and written[0].tag == der.BOOLEAN:
        yield "default-written", "basicConstraints say CA:FALSE, which is the default"
    if not extension.critical:
        which = "ca-basic-constraints-critical" if authority else "leaf-basic-constraints-critical"
        yield which, "basicConstraints are not critical"
    if length is None:
        return
    usage = certificate.key_usage()
    if not authority or (usage is not None and KEY_CERT_SIGN not in usage):
        yield "path-length-only-ca", "there is a path length, and it may not sign certificates"
    if length < 0:
        yield "path-length-negative", f"the path length is {length}"
    if authority and certificate.self_issued:
        yield "root-path-length", f"the path length of a root is {length}"


def key_usage(certificate: Certificate) -> Breaches:
    """Judge keyUsage by what basicConstraints say."""
    usage = certificate.key_usage()
    authority = certificate.is_authority
    if usage is None:
        if authority:
            yield "ca-key-usage", "a CA has no keyUsage"
        return
    extension = certificate.extensions.find(KEY_USAGE)
    if extension and not extension.critical:
        yield "key-usage-critical", "keyUsage is not critical"
    if not usage:
        yield "key-usage-empty", "keyUsage has no bit set"
    if max(usage, default=0) > DECIPHER_ONLY:
        yield "key-usage-unknown", f"keyUsage has bit {max(usage)} set"
    if KEY_AGREEMENT not in usage and usage & {ENCIPHER_ONLY, DECIPHER_ONLY}:
        yield "key-usage-only", "encipherOnly or decipherOnly is set without keyAgreement"
    if authority:
        yield from _authority_usage(usage)
    elif KEY_CERT_SIGN in usage:
        yield "key-cert-sign-only-ca", "keyCertSign is set, and it is no CA's"


def _authority_usage(usage: frozenset[int]) -> Breaches:
    if KEY_CERT_SIGN not in usage:
        yield "ca-key-usage", "a CA's keyUsage lacks keyCertSign"
    if CRL_SIGN not in usage:
        yield "ca-crl-sign", "a CA's keyUsage lacks cRLSign"
    beyond = sorted(bit for bit in usage - {DIGITAL_SIGNATURE, KEY_CERT_SIGN, CRL_SIGN} if bit < len(_BITS))
    if beyond:
        yield "ca-usage-beyond", f"a CA's keyUsage has {_named(beyond)}"


def usage_fits_key(certificate: Certificate) -> Breaches:
    """Judge keyUsage by the type of the key."""
    usage = certificate.key_usage()
    if not usage:
        return
    algorithm = fields.key_type(certificate.key).partition(" ")[0]
    forbidden = frozenset[int]()
    if algorithm in (fields.RSA, fields.RSA_PSS):
        forbidden = _AGREEING
    elif algorithm == fields.EC:
        forbidden = _ENCIPHERING
    elif algorithm in fields.SIGNATURES:  # Ed25519, Ed448, ML-DSA: the key's algorithm is the signature's
        forbidden = _AGREEING | _ENCIPHERING
        if not usage & _SIGNING:
            yield "key-usage-signs", "keyUsage allows no kind of signature, and the key can do nothing else"
    found = sorted(usage & forbidden)
    if found:
        yield "key-usage-fits-key", f"keyUsage has {_named(found)}, which a key of this type cannot do"


def _named(bits: list[int]) -> str:
    return ", ".join(_BITS[bit] for bit in bits)


def extended_key_usage(certificate: Certificate) -> Breaches:
    """Judge extKeyUsage, and whether keyUsage lets it happen."""
    purposes = certificate.extended_key_usage()
    extension = certificate.extensions.find(EXTENDED_KEY_USAGE)
    if purposes is None or extension is None:
        return
    if not purposes:
        yield "eku-empty", "extKeyUsage names no usage"
    if len(set(purposes)) != len(purposes):
        yield "eku-repeated", "extKeyUsage names a usage twice"
    if extension.critical and ANY_USAGE in purposes:
        yield "eku-any-critical", "extKeyUsage is critical and has anyExtendedKeyUsage"
    elif extension.critical:
        yield "eku-critical", "extKeyUsage is critical"
    if certificate.is_authority:
        if certificate.self_issued:
            yield "root-eku", "a root has extKeyUsage"
        return
    yield from _leaf_purposes(certificate, purposes)


def _leaf_purposes(certificate: Certificate, purposes: tuple[str, ...]) -> Breaches:
    if ANY_USAGE in purposes:
        yield "eku-any", "extKeyUsage has anyExtendedKeyUsage"
    if SERVER_AUTH in purposes and {CODE_SIGNING, OCSP_SIGNING}.intersection(purposes):
        yield "eku-mixed", f"extKeyUsage has {', '.join(map(usage_name, purposes))}"
    usage = certificate.key_usage()
    for purpose in purposes if usage is not None else ():
        name, needed = _PURPOSES.get(purpose, ("", frozenset[int]()))
        if needed and usage is not None and not usage & needed:
            yield "eku-key-usage", f"extKeyUsage has {name}, and keyUsage none of {_named(sorted(needed))}"


def kind_of(certificate: Certificate, kind: Kind | None) -> Breaches:
    """Judge whether it is of the *kind* that it should be."""
    if kind is None:
        return
    authority = certificate.is_authority
    if authority is not (kind is Kind.CA):
        yield "kind-authority", "it says CA:TRUE" if authority else "it does not say CA:TRUE"
    wanted = _KIND_USAGE.get(kind)
    if wanted and wanted not in certificate.usages:
        yield "kind-usage", f"extKeyUsage lacks {usage_name(wanted)}"


def leaf(certificate: Certificate) -> Breaches:
    """Judge what a certificate that is no CA's needs for what it is used for."""
    if certificate.is_authority:
        return
    purposes = certificate.usages
    if certificate.extensions.find(EXTENDED_KEY_USAGE) is None:
        yield "leaf-eku", "there is no extKeyUsage"
    if SERVER_AUTH in purposes and certificate.extensions.find(SUBJECT_ALT_NAME) is None:
        yield "server-san", "there is no subjectAltName"
    if OCSP_SIGNING in purposes:
        yield from _ocsp_signer(certificate, purposes)
    yield from _lifetime(certificate, purposes)


def _lifetime(certificate: Certificate, purposes: tuple[str, ...]) -> Breaches:
    first, last = map(der.time, fields.period(certificate))
    days = (last - first - _BACKDATED).total_seconds() / _DAY
    if SERVER_AUTH in purposes:
        begin = first.isoformat()
        allowed = next((most for since, most in _SERVER_DAYS if begin >= since), None)
        if allowed is not None and days > allowed:
            yield "server-lifetime", f"a server is valid for {days:.0f} days, more than {allowed}"
    if CODE_SIGNING in purposes and days > _CODE_DAYS:
        yield "code-lifetime", f"a code signer is valid for {days:.0f} days, more than {_CODE_DAYS}"


def _ocsp_signer(certificate: Certificate, purposes: tuple[str, ...]) -> Breaches:
    no_check = certificate.extensions.find(OCSP_NO_CHECK)
    if no_check is None:
        yield "ocsp-no-check", "an OCSP signer has no ocsp-nocheck"
    elif no_check.value != b"\x05\x00":
        yield "ocsp-no-check-null", "ocsp-nocheck holds something else than NULL"
    elif no_check.critical:
        yield "ocsp-no-check-critical", "ocsp-nocheck is critical"
    beyond = [usage_name(purpose) for purpose in purposes if purpose != OCSP_SIGNING]
    if beyond:
        yield "ocsp-signer-only", f"an OCSP signer has {', '.join(beyond)} too"
    usage = certificate.key_usage()
    if usage is not None and usage - {DIGITAL_SIGNATURE}:
        yield "ocsp-signer-usage", f"an OCSP signer's keyUsage has {_named(sorted(usage - {DIGITAL_SIGNATURE}))}"
    for oid, name in ((SUBJECT_ALT_NAME, "subjectAltName"), (CRL_POINTS, "cRLDistributionPoints")):
        if certificate.extensions.find(oid):
            yield "ocsp-signer-extensions", f"an OCSP signer has {name}"
