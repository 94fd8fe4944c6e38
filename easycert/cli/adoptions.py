"""How adopting another tool's directory is told: a line for each certificate and CRL, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator

from easycert.cli.render import Palette, aligned
from easycert.errors import printable
from easycert.pki.wording import one_line
from easycert.workflows.adopt.placing import FILED
from easycert.workflows.adopt.results import Adopted, AdoptedCertificate, AdoptedCrl

#: Files that were left out for the same reason and are named before the rest is counted.
_NAMED = 5


def adoption_text(adopted: Adopted, palette: Palette) -> str:
    """Return what came in, and whether it verifies, for a person."""
    items: list[AdoptedCertificate | AdoptedCrl] = [*adopted.certificates, *adopted.crls]
    lines = aligned(_row(item, palette) for item in items)
    shown = [line for item, row in zip(items, lines, strict=True) for line in (row, *_reasons(item))]
    return "\n".join([*shown, _summary(adopted)])


def adoption_notes(adopted: Adopted) -> Iterator[str]:
    """Yield what a person should know besides."""
    yield from adopted.notes
    by_reason: dict[str, list[str]] = {}
    for path, reason in adopted.left_out:
        by_reason.setdefault(reason, []).append(printable(path))
    for reason, paths in by_reason.items():
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        yield f"left out {', '.join(paths[:_NAMED])}{more}: {one_line(reason)}"


def _row(item: AdoptedCertificate | AdoptedCrl, palette: Palette) -> tuple[str, str, str, str]:
    if isinstance(item, AdoptedCrl):
        return "crl", palette.paint(one_line(item.ca), "bold"), item.outcome.value, f"{item.revoked} revoked"
    outcome = item.outcome.value
    if item.with_key and item.outcome in FILED:
        outcome += " with its key"
    return item.kind.value, palette.paint(one_line(item.name), "bold"), outcome, _verdict(item, palette)


def _verdict(item: AdoptedCertificate, palette: Palette) -> str:
    if item.verified is None:
        return "" if item.state in ("valid", "revoked") else palette.paint(item.state, "yellow")
    return palette.paint("verifies", "green") if item.verified else palette.paint("does not verify", "red")


def _reasons(item: AdoptedCertificate | AdoptedCrl) -> Iterator[str]:
    if isinstance(item, AdoptedCertificate):
        yield from (f"  - {reason}" for reason in item.reasons)


def _summary(adopted: Adopted) -> str:
    came = [item for item in adopted.certificates if item.outcome in FILED]
    good = sum(item.verified is True for item in came)
    verb = "verifies" if good == 1 else "verify"
    told = f"{len(came)} of {len(adopted.certificates)} certificates, {good} of which {verb}"
    if adopted.dry_run:
        return f"{printable(adopted.directory)} ({adopted.origin.value}): {told}; nothing was written"
    return f"{printable(adopted.directory)} ({adopted.origin.value}): {told}"
