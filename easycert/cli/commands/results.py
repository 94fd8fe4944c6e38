"""How the commands that make things say what they made: a line for people, or versioned JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from easycert.cli.options import Habits, Output
from easycert.errors import printable
from easycert.pki.subjects import common_name, shown_name
from easycert.pki.validity import rfc3339

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from easycert.workflows.csr import CsrMade
    from easycert.workflows.issue import Issued

SCHEMA_VERSION = 1


def put_issued(issued: Sequence[Issued], habits: Habits) -> None:
    """Print certificates that were made; notes go to stderr."""
    for item in issued:
        for note in item.notes:
            habits.say(note)
    put(habits, "issued", (_issued_fields(item) for item in issued), (_issued_lines(item) for item in issued))


def put_requests(made: Sequence[CsrMade], habits: Habits) -> None:
    """Print signing requests that were made; notes go to stderr."""
    for item in made:
        for note in item.notes:
            habits.say(note)
    rows = (
        {"kind": item.kind.value, "name": item.name, "request": item.request_path, "key": item.key_path}
        for item in made
    )
    put(habits, "requests", rows, (_request_lines(item) for item in made))


def put(habits: Habits, kind: str, rows: Iterable[dict[str, Any]], texts: Iterable[str]) -> None:
    """Print *rows* as JSON or *texts* for people, as the options say; the others are never made."""
    if habits.output is Output.JSON:
        import json

        print(json.dumps({"version": SCHEMA_VERSION, "kind": kind, kind: list(rows)}, indent=2, ensure_ascii=False))
    elif not habits.quiet:
        for text in texts:
            print(text)


def _issued_fields(item: Issued) -> dict[str, Any]:
    from easycert.pki.wording import even_hex  # as the listing writes it; only for JSON

    certificate = item.certificate
    return {
        "kind": item.kind.value,
        "name": item.name,
        "issuer": shown_name(certificate.issuer),
        "serial": even_hex(certificate.serial_number),
        "not_before": rfc3339(certificate.not_valid_before_utc),
        "not_after": rfc3339(certificate.not_valid_after_utc),
        "certificate": item.certificate_path,
        "key": item.key_path,
        "notes": list(item.notes),
    }


def _issued_lines(item: Issued) -> str:
    certificate = item.certificate
    issuer = common_name(certificate.issuer)
    signed = "self-signed" if certificate.issuer == certificate.subject else f"signed by {printable(issuer)}"
    lines = [
        f"{item.kind.value} {item.name.display}: {signed}, valid until {shown_end(certificate)}",
        f"  certificate  {item.certificate_path}",
    ]
    if item.key_path:
        lines.append(f"  key          {item.key_path}")
    return "\n".join(lines)


def shown_end(certificate: Certificate) -> str:
    """Return when a certificate ends: the day, and the time too for one that lives only hours."""
    end, begin = certificate.not_valid_after_utc, certificate.not_valid_before_utc
    return f"{end:%Y-%m-%d}" if (end - begin).days > 1 else rfc3339(end)


def _request_lines(item: CsrMade) -> str:
    head = f"{item.kind.value} {item.name.display}: ready to be signed"
    return f"{head}\n  request  {item.request_path}\n  key      {item.key_path}"
