"""The certificate directory at a glance: the table of ``list`` and the tree of ``tree``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from easycert.cli.render import Palette, aligned, comma_separated, shortened, tab_separated, width
from easycert.pki.validity import rfc3339
from easycert.pki.wording import one_line, readable_name

if TYPE_CHECKING:
    from easycert.workflows.listing import Listed, Listing
    from easycert.workflows.tree import Branch, Tree

#: A line of the tree: what it is, until when, how long still, its key type, and a note on its key.
_Row = tuple[str, str, str, str, str]
_BLANK: _Row = ("", "", "", "", "")
_HEADER = ("KIND", "NAME", "EXPIRES", "LEFT", "KEY", "ISSUER", "")
_ISSUER = _HEADER.index("ISSUER")
#: No column is made narrower than this for a terminal that is too narrow for the table.
_NARROWEST = 8
_CSV_HEADER = (
    "kind",
    "name",
    "not_before",
    "not_after",
    "state",
    "days_left",
    "due",
    "key_type",
    "key",
    "subject",
    "issuer",
    "serial",
    "sha256",
    "sans",
    "revoked_at",
    "reason",
    "replaced_by",
    "path",
)


class Lines(NamedTuple):
    """What draws a tree: before a branch, before the last one, and before what hangs below either."""

    branch: str
    last: str
    through: str
    blank: str


UNICODE = Lines("├── ", "└── ", "│   ", "    ")
ASCII = Lines("|-- ", "`-- ", "|   ", "    ")


def time_left(state: str, days: int) -> str:
    """Return how long something is still valid, or how long it has not been: ``397 days``, ``expired 2 days ago``."""
    if state == "expired":
        past = -days - 1  # days_left rounds down: an hour after the end it is -1
        return "expired today" if past == 0 else f"expired {_days(past)} ago"
    if state != "valid":
        return state
    return "less than a day" if days == 0 else _days(days)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def painted_time_left(item: Listed, palette: Palette) -> str:
    """Return the time left in the colour of its urgency."""
    return palette.paint(time_left(item.state, item.days_left), urgency(item.state, due=item.due))


def urgency(state: str, *, due: bool) -> str:
    """Return the colour for a validity: red when it is over, yellow when it is due for renewal or has not begun."""
    if state in ("expired", "revoked"):
        return "red"
    return "green" if state == "valid" and not due else "yellow"


def listing_table(listing: Listing, palette: Palette, columns: int) -> str:
    """Return the certificates as a table for a person whose terminal has so many *columns*."""
    rows = [_HEADER, *(_table_row(item, palette) for item in listing.items)]
    lines = aligned(rows)
    excess = max(map(width, lines)) - columns
    if excess > 0:
        room = max(width(row[_ISSUER]) for row in rows) - excess
        lines = aligned([_narrowed(row, max(room, _NARROWEST)) for row in rows])
    return "\n".join([palette.paint(lines[0], "dim"), *lines[1:]])


def _narrowed(row: tuple[str, ...], room: int) -> tuple[str, ...]:
    return (*row[:_ISSUER], shortened(row[_ISSUER], room), *row[_ISSUER + 1 :])


def _table_row(item: Listed, palette: Palette) -> tuple[str, ...]:
    return (
        item.kind.value,
        palette.paint(readable_name(item.name), "bold"),
        f"{item.not_after:%Y-%m-%d}",
        painted_time_left(item, palette),
        item.key_type,
        "(itself)" if item.self_signed else item.issuer,
        palette.paint(_note(item), "red" if item.key_exposed else "dim"),
    )


def _note(item: Listed) -> str:
    if item.path is None:
        return "replaced" if item.replaced_by else "file gone"
    if item.key_exposed:
        return "key readable by others"
    return "" if item.has_key else "no key here"


def listing_lines(listing: Listing) -> str:
    """Return the certificates for programs: kind, name, end, state, days left, key type, key here, issuer, path."""
    return tab_separated(
        (
            item.kind.value,
            item.name,
            rfc3339(item.not_after),
            item.state,
            str(item.days_left),
            item.key_type,
            _key(item),
            item.issuer,
            one_line(item.path or ""),
        )
        for item in listing.items
    )


def listing_csv(listing: Listing) -> str:
    """Return the certificates as CSV, with a header."""
    return comma_separated([_CSV_HEADER, *map(_csv_row, listing.items)])


def _csv_row(item: Listed) -> tuple[str | int, ...]:
    return (
        item.kind.value,
        item.name,
        rfc3339(item.not_before),
        rfc3339(item.not_after),
        item.state,
        item.days_left,
        "yes" if item.due else "no",
        item.key_type,
        _key(item),
        item.subject,
        item.issuer,
        item.serial,
        item.sha256,
        " ".join(item.sans),
        rfc3339(item.revoked_at) if item.revoked_at else "",
        item.reason or "",
        item.replaced_by or "",
        one_line(item.path or ""),
    )


def _key(item: Listed) -> str:
    return "exposed" if item.key_exposed else "key" if item.has_key else "no key"


def tree_text(tree: Tree, palette: Palette, lines: Lines) -> str:
    """Return the tree of who signed whom, and apart from it what is self-signed or of unknown issuers."""
    rows: list[_Row] = []
    for root in tree.roots:
        rows += [_BLANK] * bool(rows) + list(_branch(root, palette, lines))
    rows += _group("Self-signed", tree.self_signed, palette, lines, first=not rows)
    rows += _group("Signed by a CA that is not here", tree.unknown_issuer, palette, lines, first=not rows)
    return "\n".join(aligned(rows))


def _group(title: str, branches: tuple[Branch, ...], palette: Palette, lines: Lines, *, first: bool) -> Iterator[_Row]:
    if not branches:
        return
    if not first:
        yield _BLANK
    yield palette.paint(title, "dim"), "", "", "", ""
    for branch in branches:
        for row in _branch(branch, palette, lines):
            yield f"  {row[0]}", *row[1:]


def _branch(branch: Branch, palette: Palette, lines: Lines) -> Iterator[_Row]:
    yield _tree_row(branch.item, palette)
    for child in branch.below:
        is_last = child is branch.below[-1]
        first, rest = (lines.last, lines.blank) if is_last else (lines.branch, lines.through)
        for number, row in enumerate(_branch(child, palette, lines)):
            yield palette.paint(rest if number else first, "dim") + row[0], *row[1:]


def _tree_row(item: Listed, palette: Palette) -> _Row:
    return (
        f"{item.kind.value} {palette.paint(readable_name(item.name), 'bold')}",
        f"{item.not_after:%Y-%m-%d}",
        painted_time_left(item, palette),
        item.key_type,
        palette.paint(_note(item), "red" if item.key_exposed else "dim"),
    )
