"""The screen of ``status``: what needs doing, the most urgent first, each with the command that does it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from easycert.cli.overviews import painted_time_left
from easycert.cli.render import Palette, aligned
from easycert.pki.validity import rfc3339
from easycert.pki.wording import one_line, readable_name
from easycert.workflows.crl_states import CrlState
from easycert.workflows.status import LedgerState

if TYPE_CHECKING:
    from easycert.model import Kind
    from easycert.workflows.crl_states import CrlStatus
    from easycert.workflows.status import Counts, LedgerStatus, Outlived, Status

#: Rows of a section that a screen has room for; ``-o json`` has them all.
ROWS_SHOWN = 12
#: Names of certificates shown with the CA that they outlive.
_NAMES_SHOWN = 3
_Row: TypeAlias = tuple[str, ...]
_COLOURS = {
    CrlState.CURRENT: "green",
    CrlState.DUE: "yellow",
    CrlState.STALE: "red",
    CrlState.NOT_YET_VALID: "yellow",
    CrlState.MISSING: "red",
    CrlState.FOREIGN: "yellow",
    CrlState.UNREADABLE: "red",
}
_KINDS = {"ca": "CA", "host": "host", "user": "user", "code": "code signer", "ocsp": "OCSP signer"}
_CRL_NOTES = {
    CrlState.MISSING: "it revoked, and no CRL says so",
    CrlState.FOREIGN: "no CA here signed it",
    CrlState.UNREADABLE: "it cannot be read",
}


def screen(status: Status, palette: Palette) -> str:
    """Return the status as a person reads it."""
    calm = [palette.paint("Nothing needs doing.", "green")] if _is_calm(status) else []
    parts = [_head(status, palette), *calm, *_sections(status, palette), _ledger_line(status.ledger, palette)]
    return "\n\n".join(parts)


def _is_calm(status: Status) -> bool:
    amiss = status.ending or status.exposed or status.outlived or status.waiting or status.problems or status.exports
    crls = all(crl.state is CrlState.CURRENT for crl in status.crls)
    return not amiss and crls and not status.unfinished and status.ledger.state in (LedgerState.GOOD, LedgerState.NONE)


def _head(status: Status, palette: Palette) -> str:
    counts = status.counts
    kinds = ", ".join(_many(number, _KINDS[kind]) for kind, number in counts.kinds.items() if number)
    states = "".join(f", {palette.paint(text, colour)}" for text, colour in _states(counts))
    total = f"{_many(counts.certificates, 'certificate')} ({kinds})" if kinds else "no certificates"
    return f"{palette.paint(one_line(status.directory), 'bold')}: {total}{states}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _states(counts: Counts) -> Iterator[tuple[str, str]]:
    if counts.expired:
        yield f"{counts.expired} expired", "red"
    if counts.due:
        yield f"{counts.due} due", "yellow"
    if counts.revoked:
        yield f"{counts.revoked} revoked", "dim"


def _sections(status: Status, palette: Palette) -> Iterator[str]:
    ending = [
        (_named(item.kind, item.name, palette), f"{item.not_after:%Y-%m-%d}", painted_time_left(item, palette))
        for item in status.ending
    ]
    yield from _section("Ends soon or has ended", "easycert renew --due", ending, palette)
    yield from _section("CRLs", _crl_remedy(status.crls), [_crl(item, palette) for item in status.crls], palette)
    exposed = [(palette.paint(one_line(path), "red"),) for path in status.exposed]
    yield from _section("Keys that others can read", "easycert doctor --fix", exposed, palette)
    outlived = [row for item in status.outlived for row in _outlived(item, palette)]
    yield from _section("CAs that end before what they signed", "easycert renew CA", outlived, palette)
    exports = [
        (f"{item.kind} {palette.paint(readable_name(item.name), 'bold')}", one_line(item.recipe), one_line(what))
        for item in status.exports
        for what in item.what
    ]
    yield from _section("Exports that are not as they should be", "easycert export --refresh", exports, palette)
    waiting = [(_named(item.kind, item.name, palette), one_line(item.path)) for item in status.waiting]
    yield from _section("Requests without a certificate", "easycert import FILE", waiting, palette)
    broken = [(palette.paint(one_line(item.path), "red"), item.reason) for item in status.problems]
    yield from _section("Files that cannot be read", "easycert doctor", broken, palette)
    if status.unfinished:
        number = "A command was" if status.unfinished == 1 else f"{status.unfinished} commands were"
        yield f"{number} ended in the middle; the next one that may write finishes or undoes it"


def _section(title: str, remedy: str, rows: Sequence[_Row], palette: Palette) -> Iterator[str]:
    if not rows:
        return
    shown = [f"  {line}" for line in aligned(rows[:ROWS_SHOWN])]
    if len(rows) > ROWS_SHOWN:
        shown.append(palette.paint(f"  and {len(rows) - ROWS_SHOWN} more; -o json has them all", "dim"))
    hint = palette.paint(f" ({remedy})", "dim") if remedy else ""
    yield "\n".join([f"{palette.paint(title, 'bold')}{hint}", *shown])


def _named(kind: Kind, name: str, palette: Palette) -> str:
    return f"{kind.value} {palette.paint(readable_name(name), 'bold')}"


def _crl_remedy(crls: Sequence[CrlStatus]) -> str:
    missing = [crl.name for crl in crls if crl.state is CrlState.MISSING]
    if missing:
        return f"easycert crl {' '.join(map(shlex.quote, missing))}"
    return "easycert crl --due" if any(crl.state in (CrlState.DUE, CrlState.STALE) for crl in crls) else ""


def _crl(item: CrlStatus, palette: Palette) -> _Row:
    state = palette.paint(item.state.value, _COLOURS[item.state])
    note = _CRL_NOTES.get(item.state) or _next(item)
    count = f"{item.entries} revoked" if item.number is not None or item.entries else ""
    return palette.paint(readable_name(item.name), "bold"), state, note, count


def _next(item: CrlStatus) -> str:
    if item.next_update is None:
        return "it does not say when the next one comes"
    return f"{'since' if item.state is CrlState.STALE else 'until'} {rfc3339(item.next_update)}"


def _outlived(item: Outlived, palette: Palette) -> Iterator[_Row]:
    names = [f"{one.kind.value} {readable_name(one.name)}" for one in item.below[:_NAMES_SHOWN]]
    rest = len(item.below) - len(names)
    more = f" and {rest} more" if rest else ""
    name = palette.paint(readable_name(item.name), "bold")
    yield f"ca {name}", f"{item.not_after:%Y-%m-%d}", f"before {', '.join(names)}{more}"


def _ledger_line(ledger: LedgerStatus, palette: Palette) -> str:
    title = palette.paint("Ledger:", "bold")
    if ledger.state is LedgerState.NONE:
        return f"{title} none yet; the next command that writes begins it"
    if ledger.state is LedgerState.GOOD:
        last = f", the last of {rfc3339(ledger.last_at)}" if ledger.last_at else ""
        entries = "1 entry" if ledger.entries == 1 else f"{ledger.entries} entries"
        return f"{title} {entries}{last}"
    remedy = "use a newer easycert" if ledger.state is LedgerState.NEWER else "easycert ledger rebuild"
    return f"{title} {palette.paint(f'cannot be used: {ledger.reason}', 'red')}{palette.paint(f' ({remedy})', 'dim')}"
