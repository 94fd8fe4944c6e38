"""What ``show`` prints for a person: one sheet for each thing in a file, labels left, facts right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from easycert.cli.overviews import time_left, urgency
from easycert.cli.render import Palette, aligned
from easycert.model import Kind
from easycert.pki.describe import (
    CertificateDescription,
    CrlDescription,
    Description,
    KeyDescription,
    Pkcs12Description,
    RequestDescription,
)
from easycert.pki.wording import one_line, with_unicode

if TYPE_CHECKING:
    from easycert.workflows.lookup import KeyBeside
    from easycert.workflows.show import Shown

#: Entries of a CRL that are shown to a person; ``-o json`` has them all.
ENTRIES_SHOWN = 20
_LABEL_WIDTH = 12
_KIND_TITLES = {
    Kind.CA: "CA",
    Kind.HOST: "host",
    Kind.USER: "user",
    Kind.CODE: "code-signing",
    Kind.OCSP: "OCSP signer's",
}
_Rows = Iterator[tuple[str, str]]


def shown_text(shown: Shown, palette: Palette) -> str:
    """Return everything about a file: its path, then a sheet for each thing in it."""
    parts = [palette.paint(one_line(shown.path), "dim")]
    for number, item in enumerate(shown.items, start=1):
        place = f" ({number} of {len(shown.items)})" if len(shown.items) > 1 else ""
        rows = [*_rows(item, palette, brief=number > 1), *_key_rows(shown.key if number == 1 else None, palette)]
        parts.append(_sheet(item, place, rows, palette))
    return "\n\n".join(parts)


def _sheet(item: Description, place: str, rows: Iterable[tuple[str, str]], palette: Palette) -> str:
    rows = [*rows, *_warning_rows(item.warnings, palette)]
    title = palette.paint(_title(item), "bold") + palette.paint(place, "dim")
    return "\n".join([title, *(_line(label, text, palette) for label, text in rows), *_below(item, palette)])


def _line(label: str, text: str, palette: Palette) -> str:
    return f"  {palette.paint(label.ljust(_LABEL_WIDTH), 'dim')} {text}"


def _title(item: Description) -> str:
    if isinstance(item, CertificateDescription):
        return f"{_KIND_TITLES[item.kind]} certificate" if item.kind else "certificate"
    return item.type


def _rows(item: Description, palette: Palette, *, brief: bool = False) -> _Rows:
    if isinstance(item, CertificateDescription):
        return _certificate_in_brief(item, palette) if brief else _certificate(item, palette)
    if isinstance(item, RequestDescription):
        return _request(item, palette)
    if isinstance(item, CrlDescription):
        return _crl(item, palette)
    return _key(item) if isinstance(item, KeyDescription) else _pkcs12(item)


def _certificate(item: CertificateDescription, palette: Palette) -> _Rows:
    yield "Subject", item.subject
    yield "Issuer", "itself (self-signed)" if item.self_signed else item.issuer
    yield from _list("Names", map(with_unicode, item.sans))
    yield "Valid", _validity(item, palette)
    yield "Key", item.key_type
    yield from _authority(item)
    yield from _list("Usage", _joined(item.key_usage, item.extended_key_usage))
    yield "Serial", item.serial
    yield "Signed with", item.signature_algorithm
    yield from _list("Key ID", _present(item.subject_key_identifier))
    if not item.self_signed:
        yield from _list("Issuer's ID", _present(item.authority_key_identifier))
    yield from _list("CRL", item.crl_urls)
    yield from _list("OCSP", item.ocsp_urls)
    yield from _list("Issuer at", item.issuer_urls)
    yield "SHA-256", item.sha256


def _certificate_in_brief(item: CertificateDescription, palette: Palette) -> _Rows:
    """Yield what matters of a certificate behind the first: the chain of a host is the same for all its neighbours."""
    yield "Subject", item.subject
    yield "Issuer", "itself (self-signed)" if item.self_signed else item.issuer
    yield "Valid", _validity(item, palette)
    yield "SHA-256", item.sha256


def _validity(item: CertificateDescription, palette: Palette) -> str:
    left = palette.paint(time_left(item.state, item.days_left), urgency(item.state, due=item.due))
    return f"{_time(item.not_before)} to {_time(item.not_after)} ({left}{' left' if item.state == 'valid' else ''})"


def _authority(item: CertificateDescription) -> _Rows:
    if not item.ca:
        return
    depth = "CAs may stand below it" if item.path_length is None else f"path length {item.path_length}"
    yield "CA", "no CA may stand below it" if item.path_length == 0 else depth
    if item.name_constraints:
        yield from _list("Permitted", item.name_constraints.permitted)
        yield from _list("Excluded", item.name_constraints.excluded)


def _request(item: RequestDescription, palette: Palette) -> _Rows:
    yield "Subject", item.subject
    yield from _list("Names", map(with_unicode, item.sans))
    yield "Key", item.key_type
    if item.ca:
        yield "Asks for", palette.paint("a CA certificate", "yellow")
    yield from _list("Usage", _joined(item.key_usage, item.extended_key_usage))
    yield from _list("Extensions", _joined(item.extensions))
    good = palette.paint("good", "green") if item.signature_ok else palette.paint("wrong", "red")
    yield "Signature", f"{good}, {item.signature_algorithm}"
    yield "Public key", f"SHA-256 {item.sha256}"


def _crl(item: CrlDescription, palette: Palette) -> _Rows:
    yield "Issuer", item.issuer
    yield "Number", "none" if item.number is None else str(item.number)
    yield "Issued", _time(item.this_update)
    state = palette.paint(item.state, "green" if item.state == "current" else "red")
    yield "Next one", f"{_time(item.next_update) if item.next_update else 'not promised'} ({state})"
    yield "Signed with", item.signature_algorithm
    yield from _list("Issuer's ID", _present(item.authority_key_identifier))
    yield "Revoked", f"{item.count} certificate{'' if item.count == 1 else 's'}"


def _key(item: KeyDescription) -> _Rows:
    yield "Key", item.key_type or "unknown until it is opened"
    if item.form:
        yield "Form", f"{item.form}, {'encrypted' if item.encrypted else 'not encrypted'}"
    yield from _list("Public key", (f"SHA-256 {text}" for text in _present(item.sha256)))


def _pkcs12(item: Pkcs12Description) -> _Rows:
    if not item.opened:
        yield "Contents", "unknown until it is opened with its passphrase"
        return
    yield "Protection", "a passphrase" if item.encrypted else "none"
    yield from _list("Called", _present(item.friendly_name))
    yield "Holds", ", ".join(_holdings(item))


def _holdings(item: Pkcs12Description) -> Iterator[str]:
    if item.key:
        yield f"a private key ({item.key.key_type})"
    if item.certificates:
        yield "a certificate" if len(item.certificates) == 1 else f"{len(item.certificates)} certificates"


def _below(item: Description, palette: Palette) -> Iterator[str]:
    """Yield what is too long for a row: a CRL's entries, the certificates in a PKCS#12 file."""
    if isinstance(item, CrlDescription):
        entries = [(entry.serial, _time(entry.date), entry.reason or "") for entry in item.revoked[:ENTRIES_SHOWN]]
        yield from (f"    {line}" for line in aligned(entries))
        hidden = item.count - ENTRIES_SHOWN
        if hidden > 0:
            yield palette.paint(f"    and {hidden} more; -o json has them all", "dim")
    if isinstance(item, Pkcs12Description):
        for number, certificate in enumerate(item.certificates, start=1):
            yield ""
            rows = _rows(certificate, palette, brief=number > 1)
            yield _sheet(certificate, f" ({number} of {len(item.certificates)})", rows, palette)


def _key_rows(key: KeyBeside | None, palette: Palette) -> _Rows:
    if key is None:
        return
    verdict = palette.paint(f"unusable: {key.problem}", "red") if key.problem else "belongs to it"
    exposed = palette.paint(", readable by others: chmod 600", "red") if key.exposed else ""
    yield "Private key", f"{one_line(key.path)} ({verdict}{exposed})"


def _warning_rows(warnings: Iterable[str], palette: Palette) -> _Rows:
    yield from _list(palette.paint("Warning", "yellow"), warnings)


def _list(label: str, texts: Iterable[str]) -> _Rows:
    """Yield a row for each text, the label before the first only."""
    for number, text in enumerate(texts):
        yield ("" if number else label), text


def _joined(*groups: tuple[str, ...]) -> Iterator[str]:
    together = ", ".join(item for group in groups for item in group)
    if together:
        yield together


def _present(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


def _time(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%SZ}"
