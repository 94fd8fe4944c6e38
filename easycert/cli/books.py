"""The ledger as text: what an audit found, what was made again, and its contents line by line, however many."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from easycert.cli.render import SCHEMA_VERSION, no_formula
from easycert.errors import printable
from easycert.ledger.entries import Event, written_instant
from easycert.ledger.records import Record
from easycert.pki.wording import one_line

if TYPE_CHECKING:
    from easycert.ledger.records import Chained
    from easycert.workflows.audit import Audit
    from easycert.workflows.history import Happened
    from easycert.workflows.rebuild import Rebuilt

Row = tuple[Any, ...]

#: Of the findings about one topic so many are shown to a person; a program gets all.
_SHOWN_AT_MOST = 50
_INSTANTS = ("not_before", "not_after")
_FIRST = ("kind", "name", "serial", "not_before", "not_after", "subject", "issuer", "sans", "key_type", "origin")
RECORD_COLUMNS = (*_FIRST, *(field for field in Record._fields if field not in _FIRST))
ENTRY_COLUMNS = ("number", "at", "actor", "event", "kind", "name", "fingerprint", "details", "id", "digest")
HAPPENED_COLUMNS = ("number", "at", "actor", "event", "kind", "name", "serial", "details")


# --- findings ---------------------------------------------------------------------------------------------------------


def audit_text(found: Audit) -> str:
    """Return what an audit found, for a person."""
    return "\n".join(_audit_lines(found))


def _audit_lines(found: Audit) -> Iterator[str]:
    topics = list(dict.fromkeys(finding.topic for finding in found.findings))
    for topic in topics:
        about = [finding for finding in found.findings if finding.topic is topic]
        yield from (f"- {finding.sentence}" for finding in about[:_SHOWN_AT_MOST])
        if len(about) > _SHOWN_AT_MOST:
            yield f"- ... and {len(about) - _SHOWN_AT_MOST} more about a {topic.value}; -o json has all"
    for intent in found.intents[:_SHOWN_AT_MOST]:
        yield (
            f"meant, and never recorded as signed: {intent.kind} {one_line(intent.name)}, serial {intent.serial}, "
            f"by {one_line(intent.actor)} on {intent.at}"
        )
    if found.head.number:
        how = "differ" if found.findings else "agree"
        entries, certificates = _many(found.head.number, "entry"), _many(found.counts.certificates, "certificate")
        yield f"ledger and files {how}: {entries}, {certificates}, {found.counts.revocations} revoked"
        if found.proven:
            yield f"nothing up to entry {found.proven}, which has the expected digest, was changed"
        yield f"digest of entry {found.head.number}, of {found.head.at}: {found.head.digest}"
    elif not found.findings:
        yield "there is nothing here yet: no certificates, and no ledger"


def rebuilt_text(rebuilt: Rebuilt) -> str:
    """Return what was made again, for a person."""
    return "\n".join(_rebuilt_lines(rebuilt))


_SOURCES = {
    "none": "from the files; there was no ledger",
    "left": "from the files alone",
    "unreadable": "from the files; the old ledger could not be read",
    "salvaged": "from the files, and what could be read of the old ledger",
    "continued": "its history, which is whole, goes on",
}


def _rebuilt_lines(rebuilt: Rebuilt) -> Iterator[str]:
    counts = rebuilt.counts
    yield (
        f"ledger made again: {_many(counts.certificates, 'certificate')}, {counts.revocations} revoked; "
        f"{_SOURCES[rebuilt.source.value]}"
    )
    if rebuilt.found:
        yield f"  new      {_many(rebuilt.found, 'entry')} from certificates and CRLs that were not in it"
    if rebuilt.kept:
        yield f"  kept     {rebuilt.kept}"
    if rebuilt.reason:
        yield f"  because  {one_line(rebuilt.reason)}"
    yield f"  digest   {rebuilt.head.digest} (entry {rebuilt.head.number})"
    if rebuilt.unknown:
        yield "nobody can know any more:"
        yield from (f"- {item}" for item in rebuilt.unknown)


def _many(count: int, what: str) -> str:
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{count} {what if count == 1 else plural}"


# --- contents ---------------------------------------------------------------------------------------------------------


def record_rows(records: Iterable[Record]) -> Iterator[Row]:
    """Yield certificates as rows of :data:`RECORD_COLUMNS`."""
    for record in records:
        fields = record._asdict() | {name: _instant(getattr(record, name)) for name in _INSTANTS}
        fields["sans"] = record.sans.replace("\n", ", ")
        fields["self_issued"] = bool(record.self_issued)
        yield tuple(fields[name] for name in RECORD_COLUMNS)


def entry_rows(entries: Iterable[Chained]) -> Iterator[Row]:
    """Yield entries as rows of :data:`ENTRY_COLUMNS`."""
    for number, entry, digest in entries:
        what = entry.event.value, entry.kind, entry.name, entry.fingerprint, dict(entry.details)
        yield (number, written_instant(entry.at), entry.actor, *what, entry.id, digest)


def happened_rows(told: Iterable[Happened]) -> Iterator[Row]:
    """Yield a history as rows of :data:`HAPPENED_COLUMNS`."""
    for item in told:
        entry = item.entry
        kind, name = entry.kind or entry.detail("kind"), entry.name or entry.detail("name")
        when = written_instant(entry.at), entry.actor, entry.event.value
        yield (item.number, *when, kind, name, item.serial, dict(entry.details))


def happened_lines(told: Iterable[Happened]) -> Iterator[str]:
    """Yield a history for people: when, by whom, what, and of which serial number."""
    for _, at, actor, event, kind, name, serial, details in happened_rows(told):
        what = f"{event} {_why(event, details)}".rstrip()
        shown = f"{kind} {name}".strip()
        parts = at, one_line(actor), what, one_line(shown), f"serial {serial}" if serial else ""
        yield "  ".join(part for part in parts if part)


_FIRST_ASKED = {
    Event.ISSUED: "origin",
    Event.REVOKED: "reason",
    Event.PUBLISHED: "number",
    Event.EXPORTED: "destination",
    Event.FORGOTTEN: "destination",
}


def _why(event: str, details: dict[str, str]) -> str:
    """Return the detail of an entry that a person asks for first."""
    name = _FIRST_ASKED.get(Event(event), "")
    return f"({printable(details[name])})" if name in details else ""


def tabbed_lines(rows: Iterable[Row]) -> Iterator[str]:
    """Yield *rows* as lines with tabs between the cells."""
    return ("\t".join(map(str, map(_cell, row))) for row in rows)


def csv_lines(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Yield *rows* as CSV (RFC 4180) below the names of the *columns*; no cell is a formula to a spreadsheet.

    What would be one, since certificates hold what strangers wrote, has an apostrophe before it.
    """
    import csv
    import io

    written = io.StringIO()
    writer = csv.writer(written, lineterminator="")
    writer.writerow(columns)
    yield written.getvalue()
    for row in rows:
        written.seek(0)
        written.truncate()
        writer.writerow([no_formula(_cell(cell)) for cell in row])
        yield written.getvalue()


def json_lines(kind: str, columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Yield versioned JSON with one of *rows* on each line."""
    yield f'{{"version": {SCHEMA_VERSION}, "kind": {json.dumps(kind)}, {json.dumps(kind)}: ['
    before = None
    for row in rows:
        if before is not None:
            yield f"{before},"
        before = json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False)
    if before is not None:
        yield before
    yield "]}"


def _cell(value: Any) -> str | int:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        value = " ".join(f"{name}={text}" for name, text in value.items())
    return value if isinstance(value, int) else one_line(value)


def _instant(seconds: int) -> str:
    return written_instant(datetime.fromtimestamp(seconds, UTC))
