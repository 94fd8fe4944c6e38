"""Name constraints: which names a CA may put its name to (RFC 5280 section 4.2.1.10).

:func:`breaches` judges the names of one certificate; :func:`parse_constraint` and :func:`name_constraints` make the
extension. Judging fails closed: a name that cannot be compared with a constraint of its own form is a breach, because
an attacker chooses the name and the CA only chose the constraint.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.x509.oid import NameOID

from easycert.errors import InvalidInput, InvalidSan, printable
from easycert.pki.distinguished import comparable
from easycert.pki.identity import mailbox
from easycert.pki.sans import SanType, typed_san

#: Names times constraints that are compared before we refuse: ten thousand names and ten constraints.
MOST_COMPARISONS = 100_000
#: Constraints named in one sentence; a CA may have hundreds.
_SHOWN_CONSTRAINTS = 3
#: Lexical only, and wide: what counts is that no separator or control character hides a suffix (CVE-2009-2408).
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
#: The local part of a mailbox: RFC 5321 section 4.1.2 (Dot-string or Quoted-string), beyond ASCII as RFC 6531 has it.
_LOCAL_PART = re.compile(r"""[^\s"(),:;<>@\[\\\]]+|"(?:[^"\\]|\\.)*\"""")
_WHAT = "name constraint"

_Labels = tuple[str, ...]


class _Incomparable(Exception):
    """A name or a constraint that is not well-formed, so that no comparison means anything."""


class _Judged(NamedTuple):
    """A name or constraint with its form; only values of one form are compared."""

    form: str
    value: Any

    def __str__(self) -> str:
        value = self.value.rfc4514_string() if isinstance(self.value, x509.Name) else self.value
        return printable(f"{self.form}:{value}")


class _Subtrees(NamedTuple):
    permitted: tuple[_Judged, ...]
    excluded: tuple[_Judged, ...]


def breaches(
    names: Iterable[x509.GeneralName], subject: x509.Name, constraints: x509.NameConstraints
) -> tuple[str, ...]:
    """Return how a certificate with these alternative *names* and this *subject* breaks *constraints*; empty is good.

    Each breach is a fragment such as ``DNS:www.evil.test is outside the permitted DNS:example.com``. The subject is
    judged as a directory name, and every emailAddress in it as an e-mail name; its common name is not a name of a host.
    """
    judged = tuple(dict.fromkeys(chain(map(_judged, names), _subject_names(subject))))
    permitted = tuple(map(_judged, constraints.permitted_subtrees or ()))
    excluded = tuple(map(_judged, constraints.excluded_subtrees or ()))
    if len(judged) * (len(permitted) + len(excluded)) > MOST_COMPARISONS:
        return (f"{len(judged)} names and {len(permitted) + len(excluded)} constraints are too many to compare",)
    subtrees = {
        form: _Subtrees(_of_form(form, permitted), _of_form(form, excluded)) for form in {name.form for name in judged}
    }
    return tuple(breach for name in judged for breach in _breaches_of(name, subtrees[name.form]))


def parse_constraint(text: str) -> x509.GeneralName:
    """Parse one constraint as a person writes it: ``example.com``, ``10.0.0.0/8``, ``bob@example.com``.

    ``DNS: IP: email: URI:`` before it says its type, else it is guessed. A DNS constraint covers the name and all below
    it, so a leading dot is dropped; an e-mail or URI constraint is one host, or with a leading dot all hosts below it.
    Raises InvalidInput.
    """
    prefix, colon, value = text.strip().partition(":")
    types = {san_type.value.lower(): san_type for san_type in SanType}
    san_type = types.get(prefix.strip().lower()) if colon else None
    if san_type is None:
        value = text.strip()
        san_type = _guessed_type(value)
    return _MAKERS[san_type](text, value)


def name_constraints(
    permit: Sequence[x509.GeneralName], exclude: Sequence[x509.GeneralName]
) -> x509.NameConstraints | None:
    """Return the extension that permits and excludes these names (repetitions dropped), or None when there are none."""
    if not permit and not exclude:
        return None
    return x509.NameConstraints(list(dict.fromkeys(permit)) or None, list(dict.fromkeys(exclude)) or None)


# --- judging ---------------------------------------------------------------------------------------------------------


def _breaches_of(name: _Judged, subtrees: _Subtrees) -> Iterator[str]:
    covers = _COVERS.get(name.form)
    if covers is None:
        if subtrees.permitted or subtrees.excluded:
            yield f"{name} is of a form whose constraints easycert cannot judge"
        return
    try:
        excluded = tuple(base for base in subtrees.excluded if covers(base.value, name.value, True))
        permitted = any(covers(base.value, name.value, False) for base in subtrees.permitted)
    except _Incomparable:
        yield f"{name} cannot be compared with {_listed(subtrees.permitted + subtrees.excluded)}"
        return
    if excluded:
        yield f"{name} is inside the excluded {_listed(excluded)}"
    if subtrees.permitted and not permitted:
        yield f"{name} is outside the permitted {_listed(subtrees.permitted)}"


def _listed(bases: Sequence[_Judged]) -> str:
    shown = ", ".join(map(str, bases[:_SHOWN_CONSTRAINTS]))
    hidden = len(bases) - _SHOWN_CONSTRAINTS
    return f"{shown} and {hidden} more" if hidden > 0 else shown


def _of_form(form: str, judged: Iterable[_Judged]) -> tuple[_Judged, ...]:
    return tuple(each for each in judged if each.form == form)


def _subject_names(subject: x509.Name) -> Iterator[_Judged]:
    if list(subject):  # an empty subject is not a name: RFC 5280 section 4.2.1.10
        yield _Judged("dirName", subject)
    for attribute in subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        yield _Judged("email", attribute.value)


def _judged(name: x509.GeneralName) -> _Judged:
    address = mailbox(name)
    if address is not None:  # an SmtpUTF8Mailbox is judged as an rfc822Name is: RFC 9598 section 6
        return _Judged("email", address)
    if isinstance(name, x509.OtherName):
        return _Judged(f"otherName {name.type_id.dotted_string}", name.value.hex())
    if isinstance(name, x509.RegisteredID):
        return _Judged("registeredID", name.value.dotted_string)
    return _Judged(_FORMS[type(name)], name.value)


_FORMS: dict[type[x509.GeneralName], str] = {
    x509.DNSName: "DNS",
    x509.IPAddress: "IP",
    x509.UniformResourceIdentifier: "URI",
    x509.DirectoryName: "dirName",
}


# --- one comparison for each form: (constraint, name, is it an exclusion) -> is the name covered ---------------------


def _dns_covers(base: str, name: str, excluding: bool) -> bool:
    """Judge a host name: a base covers itself and all below it; one with a leading dot, as OpenSSL has it, is none."""
    wanted, labels = _labels(base), _labels(name, wildcard=True)
    if excluding and labels[0] == "*" and len(labels) == len(wanted):
        labels = wanted[:1] + labels[1:]  # a wildcard reaches the excluded name itself
    return _is_below(labels, wanted, itself=True)


def _ip_covers(base: object, name: object, excluding: bool) -> bool:
    if isinstance(name, ipaddress.IPv4Address) and isinstance(base, ipaddress.IPv4Network):
        return name in base
    if isinstance(name, ipaddress.IPv6Address) and isinstance(base, ipaddress.IPv6Network):
        return name in base
    if not isinstance(name, ipaddress.IPv4Address | ipaddress.IPv6Address):
        raise _Incomparable
    mapped = getattr(name, "ipv4_mapped", None)  # ::ffff:10.0.0.1 reaches the same machine as 10.0.0.1
    return excluding and mapped is not None and _ip_covers(base, mapped, excluding)


def _email_covers(base: str, name: str, excluding: bool) -> bool:  # noqa: ARG001 - one signature for all forms
    local, labels = _mailbox(name)
    if "@" in base:  # one mailbox; the local part is compared exactly: RFC 5280 section 7.5
        return (local, labels) == _mailbox(base)
    return _host_covers(base, labels)


@lru_cache(maxsize=1024)
def _mailbox(address: str) -> tuple[str, _Labels]:
    """Return the local part, without its quotes, and the labels of the domain."""
    local, _, host = address.rpartition("@")
    labels = _labels(host)
    if not labels or not local.isprintable() or not _LOCAL_PART.fullmatch(local):
        raise _Incomparable
    return _unquoted(local), labels


def _uri_covers(base: str, name: str, excluding: bool) -> bool:  # noqa: ARG001 - one signature for all forms
    return _host_covers(base, _uri_host(name))


@lru_cache(maxsize=256)
def _uri_host(uri: str) -> _Labels:
    from urllib.parse import urlsplit

    if "\\" in uri or not uri.isprintable():  # readers of URIs disagree about where the host of these ends
        raise _Incomparable
    try:
        labels = _labels(urlsplit(uri).hostname or "")
    except ValueError:
        raise _Incomparable from None
    if not labels or labels[-1].isdigit():  # no host name, or an IP address: rejected by RFC 5280 section 4.2.1.10
        raise _Incomparable
    return labels


def _directory_covers(base: x509.Name, name: x509.Name, excluding: bool) -> bool:  # noqa: ARG001 - as above
    wanted = comparable(base)
    return wanted == comparable(name)[: len(wanted)]


_COVERS: dict[str, Callable[[Any, Any, bool], bool]] = {
    "DNS": _dns_covers,
    "IP": _ip_covers,
    "email": _email_covers,
    "URI": _uri_covers,
    "dirName": _directory_covers,
}


def _host_covers(base: str, labels: _Labels) -> bool:
    """Judge a host in an e-mail address or URI: a bare host covers only itself, ``.domain`` only what is below it."""
    if not base or base.startswith("."):
        return _is_below(labels, _labels(base.removeprefix(".")), itself=not base)
    return labels == _labels(base)


def _is_below(labels: _Labels, base: _Labels, *, itself: bool) -> bool:
    if len(labels) == len(base):
        return itself and labels == base
    return labels[max(0, len(labels) - len(base)) :] == base


@lru_cache(maxsize=4096)  # every name is compared with every constraint
def _labels(name: str, *, wildcard: bool = False) -> _Labels:
    """Return the labels of a DNS name, compared without regard to case (RFC 5280 section 7.2); of ``""`` none."""
    if wildcard and name.startswith("*."):
        return ("*", *_labels(name[2:]))
    labels = tuple(name.removesuffix(".").lower().split(".")) if name else ()
    if not all(map(_LABEL.fullmatch, labels)) or (wildcard and not labels):
        raise _Incomparable
    return labels


def _unquoted(local: str) -> str:
    quoted = len(local) > 1 and local[0] == local[-1] == '"'
    return re.sub(r"\\(.)", r"\1", local[1:-1]) if quoted else local


# --- parsing ---------------------------------------------------------------------------------------------------------


def _guessed_type(value: str) -> SanType:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        if "://" in value:
            return SanType.URI
        return SanType.EMAIL if "@" in value else SanType.DNS
    return SanType.IP


def _dns_constraint(text: str, value: str) -> x509.GeneralName:
    if "*" in value:
        raise InvalidInput(_WHAT, text, "needs no '*': it covers the name and every name below it")
    return x509.DNSName(_dns_name(text, value.removeprefix(".")))


def _ip_constraint(text: str, value: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_network(value))
    except ValueError as error:
        reason = "has bits set to the right of its mask" if "host bits" in str(error) else "is not an IP network"
        raise InvalidInput(_WHAT, text, reason) from None


def _email_constraint(text: str, value: str) -> x509.GeneralName:
    if "@" not in value:
        return x509.RFC822Name(_host(text, value))
    try:
        mailbox = typed_san(SanType.EMAIL, value).value
    except InvalidSan as error:
        raise InvalidInput(_WHAT, text, error.reason) from None
    if not mailbox.isascii():
        raise InvalidInput(_WHAT, text, "must be ASCII left of the '@' (RFC 9598 section 6)")
    return x509.RFC822Name(mailbox)


def _uri_constraint(text: str, value: str) -> x509.GeneralName:
    if "/" in value or ":" in value:
        raise InvalidInput(_WHAT, text, "must be the host of a URI, not a URI")
    return x509.UniformResourceIdentifier(_host(text, value))


_MAKERS: dict[SanType, Callable[[str, str], x509.GeneralName]] = {
    SanType.DNS: _dns_constraint,
    SanType.IP: _ip_constraint,
    SanType.EMAIL: _email_constraint,
    SanType.URI: _uri_constraint,
}


def _host(text: str, value: str) -> str:
    """Return a host, or all hosts below a domain when it starts with a dot."""
    dot = "." if value.startswith(".") else ""
    return dot + _dns_name(text, value.removeprefix("."))


def _dns_name(text: str, value: str) -> str:
    try:
        san = typed_san(SanType.DNS, value)
    except InvalidSan as error:
        raise InvalidInput(_WHAT, text, error.reason) from None
    if san.type is not SanType.DNS or "*" in san.value:
        raise InvalidInput(_WHAT, text, "is not a DNS name")
    return san.value
