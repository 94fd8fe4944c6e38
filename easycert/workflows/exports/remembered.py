"""Which exports are remembered: all, those that are asked about, those that a renewal concerns."""

from __future__ import annotations

from collections.abc import Iterable

from easycert.certdir import CertDir
from easycert.ledger.records import Export
from easycert.model import Kind
from easycert.workflows.lookup import spellings


def remembered_exports(
    certdir: CertDir, name: str = "", *, kind: Kind | None = None, recipe: str = "", destination: str = ""
) -> list[Export]:
    """Return the exports that are remembered: those of this name, kind, recipe and destination, where given.

    Raises LedgerUnusable.
    """
    if not certdir.ledger.exists():
        return []
    try:
        found = certdir.ledger.exports()
    finally:
        certdir.ledger.close()
    names = {*spellings(name, kind or Kind.HOST), name}
    found = [item for item in found if not name or item.name in names]
    wanted = {"kind": kind.value if kind else "", "recipe": recipe, "destination": destination}
    asked = {field: text for field, text in wanted.items() if text}
    return [item for item in found if all(getattr(item, field) == text for field, text in asked.items())]


def concerned(certdir: CertDir, renewed: Iterable[tuple[Kind, str]]) -> list[Export]:
    """Return the exports that a renewal of these certificates can change: that of a CA can change all.

    Raises LedgerUnusable.
    """
    places = {(kind.value, str(name)) for kind, name in renewed}
    found = remembered_exports(certdir)
    if any(kind == Kind.CA.value for kind, _ in places):
        return found
    return [item for item in found if (item.kind, item.name) in places]
