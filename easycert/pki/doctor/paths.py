"""Rules about chains: what a server sends, what lies above a certificate, and what its CAs allow."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, ObjectIdentifier

from easycert.model import Kind
from easycert.pki.chains import authority_key_id, is_self_issued, shown_issuer, subject_bytes, subject_key_id
from easycert.pki.constraints import breaches
from easycert.pki.doctor.exam import Exam, public_bytes
from easycert.pki.doctor.findings import (
    ANCHOR_JUDGES,
    COMMON,
    EITHER_OPENSSL,
    JUDGES,
    Client,
    Clients,
    Cure,
    Reason,
    Remedy,
    Rule,
    Severity,
)
from easycert.pki.members import Member, shown_subject

_REBUILD = Remedy(Cure.REBUILD_CHAIN)
#: To whom anyExtendedKeyUsage of a CA does not mean the one that is wanted.
_NOT_ANY: Clients = EITHER_OPENSSL | {Client.FIREFOX, Client.GNUTLS}
_FETCHING: Clients = frozenset({Client.APPLE, Client.CHROME})
_USAGES: dict[Kind, ObjectIdentifier] = {
    Kind.HOST: ExtendedKeyUsageOID.SERVER_AUTH,
    Kind.USER: ExtendedKeyUsageOID.CLIENT_AUTH,
}


def _self_signed(exam: Exam) -> Iterator[Reason]:
    if exam.is_ca or not exam.is_self_issued:
        return
    basic = exam.find(x509.BasicConstraints)
    if basic is not None and basic.value.ca:
        return
    why = "no CA signed it, so that each client must be given this very certificate to trust (certtool takes CAs only)"
    yield Reason(frozenset(), why, Remedy(Cure.REISSUE), Severity.NOTE)


def _unknown_issuer(exam: Exam) -> Iterator[Reason]:
    if exam.has_root:
        return
    top = exam.above[-1] if exam.above else exam.member
    issuer = shown_issuer(top.certificate)
    whose = "it" if top is exam.member else f"its CA '{top.name}'"
    why = f"{whose} was signed by '{issuer}', of which no certificate is here: its chain cannot be examined"
    yield Reason(frozenset(), why, Remedy(Cure.IMPORT_ISSUER), Severity.NOTE)


def _intermediates(exam: Exam) -> Iterator[Reason]:
    """Look for what a server must send: every CA above it but the root."""
    if exam.is_ca or exam.kind in (Kind.CODE, Kind.OCSP):
        return
    needed = [member for member in exam.above if not is_self_issued(member.certificate)]
    sent = {_identity(one) for one in exam.sent}
    missing = [member for member in needed if _identity(member.certificate) not in sent]
    if missing:
        clients = COMMON & JUDGES[exam.kind]
        if exam.kind is Kind.HOST and _can_be_fetched(exam):
            clients -= _FETCHING
        names = ", ".join(f"'{member.name}'" for member in missing)
        why = f"its file lacks the CA {names}, which a client that has only the root does not know"
        yield Reason(clients, why, _REBUILD)


def _earlier_certificates(exam: Exam) -> Iterator[Reason]:
    """Look for certificates of CAs that have been renewed since: what was mended in them, clients do not see."""
    current = {_identity(member.certificate): member for member in exam.above}
    for one in () if exam.is_ca else exam.sent:
        member = current.get(_identity(one))
        if member is not None and member.certificate != one:
            why = f"its file holds an earlier certificate of its CA '{member.name}', not the one that is here"
            yield Reason(frozenset(), why, _REBUILD, Severity.WARNING)


def _order(exam: Exam) -> Iterator[Reason]:
    if exam.is_ca or not exam.sent:
        return
    path = [member.certificate for member in exam.above]
    identities = [_identity(one) for one in path]
    positions = [identities.index(_identity(one)) for one in exam.sent if _identity(one) in identities]
    if positions != sorted(positions):
        why = "the CAs in its file are not in order, each followed by the one that signed it"
        yield Reason(frozenset(), why, _REBUILD, Severity.NOTE)
    if any(is_self_issued(one) and _identity(one) in identities for one in exam.sent):
        why = "its file holds the root, which no client takes from a server"
        yield Reason(frozenset(), why, _REBUILD, Severity.NOTE)
    extra = [shown_subject(one) for one in exam.sent if _identity(one) not in identities and one != exam.certificate]
    if extra and exam.above:
        why = f"its file holds certificates that are not above it: {', '.join(extra[:3])}"
        yield Reason(frozenset(), why, _REBUILD, Severity.NOTE)


def _key_identifiers_agree(exam: Exam) -> Iterator[Reason]:
    if not exam.above:
        return
    wanted, found = authority_key_id(exam.certificate), subject_key_id(exam.above[0].certificate)
    if wanted is not None and found is not None and wanted != found:
        clients = (EITHER_OPENSSL | {Client.GNUTLS} | ({Client.JAVA} if exam.is_ca else set())) & JUDGES[exam.kind]
        why = f"its authority key identifier is not the subject key identifier of its CA '{exam.above[0].name}'"
        yield Reason(clients, why, exam.anew)


def _nested_usage(exam: Exam) -> Iterator[Reason]:
    wanted = _USAGES.get(exam.kind)
    if wanted is None:
        return
    for member in exam.above:
        usages = member.find(x509.ExtendedKeyUsage)
        if usages is None or wanted in usages.value:
            continue
        anything = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages.value
        clients = _NOT_ANY if anything else COMMON - {Client.JAVA}
        clients -= {Client.GNUTLS} if _is_root(member) else set()
        why = f"its CA '{member.name}' has an extended key usage without {wanted._name}"
        why += ": that any is allowed does not count" if anything else ""
        yield Reason(clients & JUDGES[exam.kind], why, Remedy(Cure.NEW_CA))


def _path_length(exam: Exam) -> Iterator[Reason]:
    if exam.is_ca:
        return
    for position, member in enumerate(exam.above):
        basic = member.find(x509.BasicConstraints)
        if basic is None or basic.value.path_length is None:
            continue
        below = sum(not is_self_issued(one.certificate) for one in exam.above[:position])
        if below > basic.value.path_length:
            why = f"its CA '{member.name}' allows {basic.value.path_length} CAs below it, not {below}"
            yield Reason(_judges(member) & JUDGES[exam.kind], why, Remedy(Cure.NEW_CA))


def _name_constraints(exam: Exam) -> Iterator[Reason]:
    if exam.is_ca or exam.member.flaws:
        return
    names = exam.find(x509.SubjectAlternativeName)
    for member in exam.above:
        constraints = member.find(x509.NameConstraints)
        if constraints is None:
            continue
        found = breaches(names.value if names else (), exam.certificate.subject, _as_read(constraints.value))
        if found:
            why = f"the name constraints of its CA '{member.name}' forbid it: {'; '.join(found[:3])}"
            clients = _judges(member) & JUDGES[exam.kind]
            if all(breach.startswith("dirName:") for breach in found):  # GnuTLS does not look at those
                clients -= {Client.GNUTLS}
            yield Reason(clients, why, Remedy(Cure.NEW_CA))


def _as_read(constraints: x509.NameConstraints) -> x509.NameConstraints:
    """Return *constraints* as clients read them: ``.example.com`` of a DNS name is ``example.com`` (RFC has no dot)."""

    def plain(names: list[x509.GeneralName] | None) -> list[x509.GeneralName] | None:
        return names and [
            x509.DNSName(one.value.lstrip(".")) if isinstance(one, x509.DNSName) else one for one in names
        ]

    return x509.NameConstraints(plain(constraints.permitted_subtrees), plain(constraints.excluded_subtrees))


def _identity(certificate: x509.Certificate) -> tuple[bytes | None, bytes]:
    """Return name and key: certificates with both are as good as each other in a chain."""
    return subject_bytes(certificate), public_bytes(certificate)


def _judges(member: Member) -> Clients:
    return ANCHOR_JUDGES if _is_root(member) else COMMON


def _is_root(member: Member) -> bool:
    return is_self_issued(member.certificate)


def _can_be_fetched(exam: Exam) -> bool:
    """Return whether the certificate says where its CA's lies (RFC 5280 section 4.2.2.1), as Chrome and Apple look."""
    access = exam.find(x509.AuthorityInformationAccess)
    wanted = AuthorityInformationAccessOID.CA_ISSUERS
    return access is not None and any(one.access_method == wanted for one in access.value)


RULES = (
    Rule(
        "self-signed",
        "A host or user that no CA signed",
        frozenset(),
        (
            "RFC 5280 section 6.1.1 (d)",
            "GnuTLS: gnutls_x509_crt_list_verify (certtool) wants a CA, gnutls_x509_trust_list_verify_crt2 does not",
        ),
        _self_signed,
    ),
    Rule(
        "unknown-issuer",
        "A certificate whose CA is not here",
        frozenset(),
        ("RFC 5280 section 6.1",),
        _unknown_issuer,
    ),
    Rule(
        "incomplete-chain",
        "A host or user whose file lacks the intermediate CAs",
        COMMON,
        ("RFC 8446 section 4.4.2", "RFC 5246 section 7.4.2", "Chromium: net::CertNetFetcher fetches what AIA names"),
        _intermediates,
    ),
    Rule(
        "earlier-ca",
        "A chain file with the certificate that a CA had before it was renewed",
        frozenset(),
        ("RFC 5280 section 6.1: it is as good as ever, as long as it lasts",),
        _earlier_certificates,
    ),
    Rule(
        "chain-order",
        "A chain file in the wrong order, with the root, or with strangers in it",
        frozenset(),
        ("RFC 5246 section 7.4.2 (RFC 8446 section 4.4.2 forgives it, and so does every client measured)",),
        _order,
    ),
    Rule(
        "key-identifiers-differ",
        "An authority key identifier that is not that of the CA",
        EITHER_OPENSSL | {Client.GNUTLS, Client.JAVA},
        (
            "RFC 5280 section 4.2.1.1",
            "OpenSSL: X509_check_issued(3), X509_V_ERR_AKID_SKID_MISMATCH",
            "Java: sun.security.provider.certpath.ForwardBuilder",
        ),
        _key_identifiers_agree,
    ),
    Rule(
        "nested-usage",
        "A CA whose extended key usage does not cover what is below it",
        COMMON - {Client.JAVA},
        (
            "CA/B Forum BR 7.1.2.10.6",
            "Go: crypto/x509 VerifyOptions.KeyUsages",
            "Firefox: mozilla::pkix CheckExtendedKeyUsage",
            "Chromium: BoringSSL pki VerifyExtendedKeyUsage",
        ),
        _nested_usage,
    ),
    Rule(
        "path-length",
        "More CAs below a CA than its path length allows",
        COMMON,
        ("RFC 5280 section 4.2.1.9", "Java: not for an anchor (RFC 5280 section 6.1.1 (d))"),
        _path_length,
    ),
    Rule(
        "name-constraints",
        "A name that the name constraints of a CA forbid",
        COMMON,
        ("RFC 5280 section 4.2.1.10", "Java: not for an anchor (RFC 5280 section 6.1.1 (d))"),
        _name_constraints,
    ),
)
