"""Rules about names: subject alternative names, host names, empty subjects.

What each client does was measured with it (``tests/doctor/test_real.py``), Apple apart, whose page is quoted.
"""

from __future__ import annotations

from collections.abc import Iterator

from cryptography import x509

from easycert.errors import InvalidInput, printable
from easycert.model import Kind
from easycert.pki.dns import IpAddress, ip_address
from easycert.pki.doctor.exam import Exam
from easycert.pki.doctor.findings import (
    BROWSERS,
    COMMON,
    EITHER_OPENSSL,
    Client,
    Cure,
    Reason,
    Remedy,
    Rule,
)
from easycert.pki.identity import dns_matches, host_mismatch, host_reference
from easycert.pki.names import HostName
from easycert.pki.subjects import common_name

_NO_COMMON_NAME = BROWSERS | {Client.GO}


def _missing(exam: Exam) -> Iterator[Reason]:
    """Look for a host that only its common name names: some clients still take that, for DNS names."""
    if exam.kind is not Kind.HOST or exam.member.flaws or _hosts(exam):
        return
    names = exam.find(x509.SubjectAlternativeName)
    wanted = None if exam.filed_as is None else _reference(exam.filed_as)
    remedy = Remedy(Cure.REISSUE, names=_names_to_add(exam))
    why = "it has no subject alternative name" if names is None else "no subject alternative name of it is a host's"
    if wanted is not None and (not isinstance(wanted, str) or not _is_common_name(exam, wanted)):
        yield Reason(COMMON, f"{why}, and nothing else names {wanted}", remedy)
    else:
        empty = names is not None and not list(names.value)
        clients = _NO_COMMON_NAME | ({Client.STRICT, Client.JAVA} if empty else set())
        yield Reason(clients, f"{why}, and its common name does not count", remedy)


def _other_host(exam: Exam) -> Iterator[Reason]:
    names = exam.find(x509.SubjectAlternativeName)
    if exam.kind is not Kind.HOST or names is None or exam.filed_as is None or not _hosts(exam):
        return
    wanted = _reference(exam.filed_as)
    if wanted is None:
        return
    mismatch = host_mismatch(names.value, wanted)
    odd = any(_is_odd_wildcard(name) or name.endswith(".") for name in _dns_names(exam))
    if mismatch and not odd:  # who takes those is told apart
        yield Reason(COMMON, f"it {mismatch}", Remedy(Cure.REISSUE, names=_names_to_add(exam)))


def _wildcards(exam: Exam) -> Iterator[Reason]:
    for name in _dns_names(exam):
        remedy = Remedy(Cure.REISSUE)
        if _is_partial_wildcard(name):
            clients = frozenset({Client.GO, Client.GNUTLS, Client.CHROME, Client.FIREFOX, Client.STRICT, Client.APPLE})
            why = f"the wildcard in {printable(name)} is not the whole first label"
            yield Reason(clients, why, remedy)
        elif name == "*":
            clients = EITHER_OPENSSL | BROWSERS | {Client.GNUTLS, Client.JAVA}
            yield Reason(clients, "the wildcard * covers every host of one label", remedy)
        elif _is_odd_wildcard(name):
            clients = EITHER_OPENSSL | BROWSERS | {Client.GNUTLS}
            yield Reason(clients, f"the wildcard {printable(name)} covers a whole top-level domain", remedy)


def _is_odd_wildcard(name: str) -> bool:
    return _is_partial_wildcard(name) or ("*" in name and name.count(".") < 2)


def _is_partial_wildcard(name: str) -> bool:
    first, _, rest = name.partition(".")
    return "*" in rest or ("*" in first and first != "*")


def _odd_dns_names(exam: Exam) -> Iterator[Reason]:
    for name in _dns_names(exam):
        shown = printable(name)
        if ip_address(name) is not None:
            why = f"the address {shown} is written as a DNS name, where nobody looks for an address"
            yield Reason(COMMON, why, Remedy(Cure.REISSUE, names=(f"IP:{name}",)))
        elif name.endswith("."):
            why = f"the DNS name {shown} ends in a dot, which no host name in a URL does"
            yield Reason(COMMON - {Client.CHROME}, why, Remedy(Cure.REISSUE, names=(name.rstrip("."),)))
        elif not name.isascii():
            why = f"the DNS name {shown} is not ASCII, as its A-label would be"
            yield Reason(frozenset({Client.GO, Client.CHROME}), why, Remedy(Cure.REISSUE))
        elif not name:
            yield Reason(frozenset({Client.GNUTLS}), "one of its DNS names is empty", Remedy(Cure.REISSUE))
        elif "_" in name and exam.filed_as in (None, name):
            why = f"the host name {shown} has an underscore, and they do not connect to such hosts"
            yield Reason(frozenset({Client.JAVA}), why, Remedy(Cure.REISSUE))


def _empty_subject(exam: Exam) -> Iterator[Reason]:
    if exam.member.flaws or list(exam.certificate.subject):
        return
    if exam.is_ca:
        clients = frozenset({Client.STRICT, Client.JAVA, Client.FIREFOX})
        yield Reason(clients, "its subject is empty, and a CA is found by its subject", Remedy(Cure.NEW_CA))
        return
    names = exam.find(x509.SubjectAlternativeName)
    if names is not None and not names.critical:
        clients = frozenset({Client.STRICT, Client.JAVA, Client.CHROME})
        yield Reason(clients, "its subject is empty and its subject alternative name is not critical", exam.anew)


def _hosts(exam: Exam) -> list[x509.GeneralName]:
    """Return the alternative names that name hosts."""
    names = exam.find(x509.SubjectAlternativeName)
    return [name for name in names.value if isinstance(name, x509.DNSName | x509.IPAddress)] if names else []


def _is_common_name(exam: Exam, wanted: str) -> bool:
    name = common_name(exam.certificate.subject)
    return name is not None and dns_matches(name, wanted)


def _dns_names(exam: Exam) -> list[str]:
    names = exam.find(x509.SubjectAlternativeName)
    if names is None or exam.kind is not Kind.HOST:
        return []
    return names.value.get_values_for_type(x509.DNSName)


def _reference(filed_as: str) -> str | IpAddress | None:
    """Return what a client that asks for the host of this file name looks for; None where it can ask for none."""
    for text in (filed_as, filed_as.replace("_", ":")):  # an IPv6 address has underscores in its file name
        try:
            return host_reference(HostName(text))
        except InvalidInput:
            continue
    return None


def _names_to_add(exam: Exam) -> tuple[str, ...]:
    """Return the name that a new certificate must have beside that of its file."""
    name = None if exam.member.flaws else common_name(exam.certificate.subject)
    return (name,) if name and name != exam.filed_as and _reference(name) is not None else ()


RULES = (
    Rule(
        "no-alternative-name",
        "A host whose subject alternative names are missing, or hold no DNS name or address",
        COMMON,
        (
            "Go 1.15 release notes, crypto/x509: CommonName",
            "Chromium: net::ERR_CERT_COMMON_NAME_INVALID, since Chrome 58",
            "Firefox: mozilla::pkix CheckCertHostname, since Firefox 101 the subject is never looked at",
            "Apple 103769: DNS name in the SAN",
            "RFC 9525 section 2",
        ),
        _missing,
    ),
    Rule(
        "other-host",
        "A host whose subject alternative names lack the name that it is filed under",
        COMMON,
        ("RFC 9525 section 6", "RFC 2818 section 3.1"),
        _other_host,
    ),
    Rule(
        "wildcard",
        "A wildcard that is part of a label, not the first label, alone, or directly below a top-level domain",
        COMMON,
        (
            "RFC 9525 section 6.3",
            "OpenSSL: X509_check_host(3), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS (set by Python)",
            "Go: crypto/x509 matchHostnames",
            "Java: sun.security.util.HostnameChecker hasIllegalWildcard",
            "GnuTLS: gnutls_x509_crt_check_hostname2",
            "Firefox: mozilla::pkix MatchPresentedDNSIDWithReferenceDNSID",
        ),
        _wildcards,
    ),
    Rule(
        "odd-dns-name",
        "A DNS name that is an address, empty, not ASCII, ends in a dot or has an underscore",
        COMMON,
        (
            "RFC 5280 section 4.2.1.6",
            "RFC 9525 section 6.2",
            "Go: crypto/x509 (SAN dNSName is malformed)",
            "Java: javax.net.ssl.SNIHostName takes letters, digits and hyphens (java.net.IDN.USE_STD3_ASCII_RULES)",
        ),
        _odd_dns_names,
    ),
    Rule(
        "empty-subject",
        "An empty subject: of a CA, or of a certificate whose subject alternative name is not critical",
        frozenset({Client.STRICT, Client.JAVA, Client.FIREFOX, Client.CHROME}),
        (
            "RFC 5280 sections 4.1.2.6 and 4.2.1.6",
            "OpenSSL: X509_V_ERR_SUBJECT_NAME_EMPTY, X509_V_ERR_EMPTY_SUBJECT_SAN_NOT_CRITICAL",
            "Java: sun.security.x509.X509CertImpl verifyRFC3280",
        ),
        _empty_subject,
    ),
)
