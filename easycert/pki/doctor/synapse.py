"""Rules of Synapse: what its own reader of certificate directories loads and verifies. Read in, and asked of, 2.256.0.

Its TLS is OpenSSL's, without the strict mode: the book adds it wherever OpenSSL refuses. What stands here comes on top.
"""

from __future__ import annotations

from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from easycert.errors import printable
from easycert.model import Kind
from easycert.pki.doctor.exam import Exam
from easycert.pki.doctor.findings import Client, Clients, Cure, Reason, Remedy, Rule
from easycert.pki.keys import key_name
from easycert.pki.signatures import UNREADABLE
from easycert.pki.subjects import common_name

_SYNAPSE: Clients = frozenset({Client.SYNAPSE})
#: What its verifier of code signers takes when it is critical, in them and in their CAs.
_TAKEN = (ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.EXTENDED_KEY_USAGE)


def _remedy(exam: Exam) -> Remedy:
    return Remedy(Cure.NEW_CA if exam.is_ca else Cure.REISSUE, profile="synapse")


def _rsa(exam: Exam) -> Iterator[Reason]:
    try:
        key = exam.certificate.public_key()
    except UNREADABLE:
        return
    if not isinstance(key, rsa.RSAPublicKey):
        yield Reason(_SYNAPSE, f"its key is of the type {key_name(key)}, and RSA is all that is loaded", _remedy(exam))


def _critical(exam: Exam) -> Iterator[Reason]:
    if exam.kind not in (Kind.CA, Kind.CODE):
        return
    critical = [extension for extension in exam.member.extensions if extension.critical]
    refused = [extension.oid._name for extension in critical if extension.oid not in _TAKEN]
    if refused:
        what = f"its {' and '.join(refused)} {'are' if len(refused) > 1 else 'is'} critical"
        why = f"{what}, so that no code signed below it verifies" if exam.is_ca else what
        yield Reason(_SYNAPSE, why, _remedy(exam))


def _authority_subject(exam: Exam) -> Iterator[Reason]:
    if not exam.is_ca or exam.member.flaws:
        return
    attributes = list(exam.certificate.subject)
    plain = len(attributes) == 1 and attributes[0].oid == NameOID.COMMON_NAME
    if not plain or attributes[0]._type is not _ASN1Type.UTF8String:
        why = "its subject is not one common name in UTF-8: what Synapse's tool signs as it has another issuer"
        yield Reason(_SYNAPSE, why, _remedy(exam))


def _file_name(exam: Exam) -> Iterator[Reason]:
    if exam.filed_as is None or exam.kind is Kind.CODE or exam.member.flaws:
        return
    name = common_name(exam.certificate.subject)
    if name != exam.filed_as:
        shown = f"is '{printable(name)}'" if name else "is missing"
        why = f"its common name {shown}, and Synapse wants that of the file, '{printable(exam.filed_as)}'"
        yield Reason(_SYNAPSE, why, _remedy(exam))


def _code_signer(exam: Exam) -> Iterator[Reason]:
    if exam.kind is not Kind.CODE or exam.member.flaws:
        return
    usages = exam.find(x509.ExtendedKeyUsage)
    if usages is None or list(usages.value) != [ExtendedKeyUsageOID.CODE_SIGNING]:
        why = "the extended key usage of a code signer must be codeSigning and nothing else"
        yield Reason(_SYNAPSE, why, _remedy(exam))
    if exam.find(x509.BasicConstraints) is None:
        yield Reason(_SYNAPSE, "a code signer must have basicConstraints", _remedy(exam))


_CERTDIR = "Synapse 2.256: synapse.lib.certdir.CertDir"
RULES = (
    Rule("synapse-rsa", "A key that is not RSA", _SYNAPSE, (f"{_CERTDIR}._loadKeyPath",), _rsa),
    Rule(
        "synapse-critical",
        "A critical extension, but for basicConstraints and extended key usage, of a code signer or a CA",
        _SYNAPSE,
        (f"{_CERTDIR}._verifyChain",),
        _critical,
    ),
    Rule(
        "synapse-ca-subject",
        "A CA whose subject is more, or other, than one common name in UTF-8",
        _SYNAPSE,
        (f"{_CERTDIR}.signCertAs",),
        _authority_subject,
    ),
    Rule(
        "synapse-file-name",
        "A common name that is not the name of the file",
        _SYNAPSE,
        (f"{_CERTDIR}.signCertAs", "Synapse 2.256: synapse.lib.link.Link (BadCertHost)"),
        _file_name,
    ),
    Rule(
        "synapse-code",
        "A code signer without basicConstraints, or with another extended key usage",
        _SYNAPSE,
        (f"{_CERTDIR}.valCodeCert", f"{_CERTDIR}._verifyChain"),
        _code_signer,
    ),
)
