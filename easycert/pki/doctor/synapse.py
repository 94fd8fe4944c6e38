"""Rules of Synapse: what its own reader of certificate directories loads and verifies. Measured on 2.256.0.

Its certificate directory is described by ``synapse.lib.certdir.CertDir``; the interop tests run that very code.
"""

from __future__ import annotations

from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from easycert.model import Kind
from easycert.pki.chains import UNREADABLE
from easycert.pki.doctor.exam import Exam
from easycert.pki.doctor.findings import Client, Clients, Cure, Reason, Remedy, Rule
from easycert.pki.keys import key_name
from easycert.pki.subjects import common_name

_SYNAPSE: Clients = frozenset({Client.SYNAPSE})
#: What its verifier takes when it is critical (``synapse.lib.certdir``, through pyOpenSSL and cryptography).
_TAKEN = (ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.EXTENDED_KEY_USAGE)
_AS_SYNAPSE = Remedy(Cure.REISSUE, profile="synapse")
_CA_AS_SYNAPSE = Remedy(Cure.NEW_CA, profile="synapse")


def _rsa(exam: Exam) -> Iterator[Reason]:
    try:
        key = exam.certificate.public_key()
    except UNREADABLE:
        return
    if not isinstance(key, rsa.RSAPublicKey):
        why = f"its key is of the type {key_name(key)}, and Synapse loads RSA only"
        yield Reason(_SYNAPSE, why, _CA_AS_SYNAPSE if exam.is_ca else _AS_SYNAPSE)


def _critical(exam: Exam) -> Iterator[Reason]:
    critical = [extension for extension in exam.member.extensions if extension.critical]
    refused = [extension.oid._name for extension in critical if extension.oid not in _TAKEN]
    if refused:
        why = f"its {' and '.join(refused)} {'are' if len(refused) > 1 else 'is'} critical"
        yield Reason(_SYNAPSE, why, _CA_AS_SYNAPSE if exam.is_ca else _AS_SYNAPSE)


def _authority_subject(exam: Exam) -> Iterator[Reason]:
    if not exam.is_ca or exam.member.flaws:
        return
    attributes = list(exam.certificate.subject)
    plain = len(attributes) == 1 and attributes[0].oid == NameOID.COMMON_NAME
    if not plain or attributes[0]._type is not _ASN1Type.UTF8String:
        yield Reason(
            _SYNAPSE, "the subject of a CA must be one common name, in UTF-8, and nothing else", _CA_AS_SYNAPSE
        )


def _file_name(exam: Exam) -> Iterator[Reason]:
    if exam.filed_as is None or exam.member.flaws:
        return
    name = common_name(exam.certificate.subject)
    if name != exam.filed_as:
        shown = f"is '{name}'" if name else "is missing"
        why = f"its common name {shown}, and Synapse takes it to be the name of the file, '{exam.filed_as}'"
        yield Reason(_SYNAPSE, why, _CA_AS_SYNAPSE if exam.is_ca else _AS_SYNAPSE)


def _code_usage(exam: Exam) -> Iterator[Reason]:
    usages = exam.find(x509.ExtendedKeyUsage)
    if exam.kind is Kind.CODE and usages is not None and list(usages.value) != [ExtendedKeyUsageOID.CODE_SIGNING]:
        yield Reason(
            _SYNAPSE, "the extended key usage of a code signer must be codeSigning and nothing else", _AS_SYNAPSE
        )


_CERTDIR = "Synapse 2.256: synapse.lib.certdir.CertDir"
RULES = (
    Rule("synapse-rsa", "A key that is not RSA", _SYNAPSE, (f"{_CERTDIR}._loadKeyPath",), _rsa),
    Rule(
        "synapse-critical",
        "A critical extension other than basicConstraints and extended key usage",
        _SYNAPSE,
        (f"{_CERTDIR}.valUserCert, through OpenSSL's verifier and its own checks",),
        _critical,
    ),
    Rule(
        "synapse-ca-subject",
        "A CA whose subject is more, or other, than one common name in UTF-8",
        _SYNAPSE,
        (f"{_CERTDIR}._getCaCerts",),
        _authority_subject,
    ),
    Rule(
        "synapse-file-name",
        "A common name that is not the name of the file",
        _SYNAPSE,
        (f"{_CERTDIR}._getCertName", "Synapse 2.256: synapse.telepath.Client compares the common name of a host"),
        _file_name,
    ),
    Rule(
        "synapse-code",
        "A code signer with another extended key usage",
        _SYNAPSE,
        (f"{_CERTDIR}.valCodeCert",),
        _code_usage,
    ),
)
