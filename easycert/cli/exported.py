"""Remembered exports as text and JSON, for the commands that write them again."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from easycert.errors import NotFound, printable

if TYPE_CHECKING:
    from easycert.cli.options import Habits
    from easycert.workflows.exports.refreshing import HookTerms
    from easycert.workflows.exports.values import ExportState, RefreshRun


def hook_terms(habits: Habits, timeout: float) -> HookTerms:
    """Return how hooks are run, with the directory that this command works in named to them."""
    from easycert.workflows.exports.refreshing import HookTerms

    sys.stdout.flush()
    directory = {} if habits.certdir is None else {"EASYCERT_CERTDIR": os.path.abspath(habits.certdir)}
    return HookTerms({**os.environ, **directory}, timeout)


def say_failures(run: RefreshRun) -> None:
    """Say which exports failed, and the command that tries again."""
    for item in (*run.failed, *(item for item in run.written if item.error)):
        if item.error is not None:
            print(f"error: {described(item)}: {item.error}", file=sys.stderr)
            gone = f", or, if it is gone for good: {repeat(item, 'forget')}" if isinstance(item.error, NotFound) else ""
            print(f"hint: mend it, then: {repeat(item)}{gone}", file=sys.stderr)


def described(item: ExportState) -> str:
    """Return an export as a person reads it."""
    export = item.export
    return f"{export.kind} {printable(export.name)} for {printable(export.recipe)} in {printable(export.destination)}"


def repeat(item: ExportState, action: str = "refresh") -> str:
    """Return the command that writes an export again, or forgets it."""
    export = item.export
    words = ["easycert", "export", export.name, f"--{action}", "--for", export.recipe, "--to", export.destination]
    return shlex.join(map(printable, words))


def refreshed_rows(run: RefreshRun) -> Iterator[dict[str, Any]]:
    """Yield what was written again, and what was not, as rows of JSON."""
    for item in run.written:
        yield {**state_row(item), "state": "failed" if item.error else "written"}
    for item in run.failed:
        yield {**state_row(item), "state": "failed"}


def refreshed_text(item: ExportState) -> str:
    """Return that an export was written again."""
    return f"{described(item)}: written again"


def state_word(item: ExportState) -> str:
    """Return the state of an export in one word."""
    return "broken" if item.error else "drifted" if item.drifts else "current"


def state_row(item: ExportState) -> dict[str, Any]:
    """Return an export and its state as a row of JSON."""
    from easycert.workflows.exports.values import names_of

    export = item.export
    return {
        "state": state_word(item),
        "kind": export.kind,
        "name": export.name,
        "recipe": export.recipe,
        "destination": export.destination,
        "owner": export.owner or None,
        "group": export.group or None,
        "hook": export.hook or None,
        "legacy": bool(export.legacy),
        "passphrase_file": export.passphrase_file or None,
        "files": [os.path.join(export.destination, name) for name in names_of(export)],
        "at": export.at,
        "drifts": [{"path": drift.path, "what": drift.what} for drift in item.drifts],
        "error": None if item.error is None else str(item.error),
    }


def drift_lines(item: ExportState) -> Iterator[str]:
    """Yield what is not as it should be about an export, a line each."""
    yield f"{described(item)}:"
    if item.error is not None:
        yield f"  {item.error}"
    for drift in item.drifts:
        yield f"  {printable(drift.path)} {drift.what}"
