"""Whether what was exported is there as it should be: judged against what would be written now."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from hashlib import sha256

from easycert.certdir import CertDir
from easycert.errors import EasycertError, LedgerUnusable, Malformed, UnreadableFile
from easycert.ledger.records import Export
from easycert.model import Kind
from easycert.recipes.catalogue import recipe as recipe_called
from easycert.recipes.rendering import is_same
from easycert.recipes.values import File
from easycert.store.placing import Ownership, Placed, Seen, has_leftover, look, ownership
from easycert.workflows.exports.material import Materials
from easycert.workflows.exports.values import Amiss, Drift, ExportState, digests_of
from easycert.workflows.exports.writing import Prepared, prepared_export


def states(certdir: CertDir, exports: Iterable[Export]) -> list[ExportState]:
    """Return for each of *exports* what is different from what would be written now; nothing is changed."""
    materials = Materials(certdir)
    return [state(materials, item) for item in exports]


def amiss(certdir: CertDir, exports: Iterable[Export]) -> tuple[Amiss, ...]:
    """Return those of *exports* that are not as they should be, and why. Raises LedgerUnusable."""
    return tuple(
        Amiss(
            *(item.export.kind, item.export.name, item.export.recipe, item.export.destination),
            what=(str(item.error),) if item.error else tuple(f"{drift.path} {drift.what}" for drift in item.drifts),
        )
        for item in states(certdir, exports)
        if not item.is_current
    )


def state(materials: Materials, export: Export) -> ExportState:
    """Return what is different about *export*."""
    try:
        prepared, to = prepared_again(materials, export), ownership(export.owner, export.group)
    except LedgerUnusable:
        raise
    except EasycertError as error:
        return ExportState(export, error=error)
    drifts = [drift for file in prepared.files for drift in _drifts(export, prepared, file, to)]
    if not drifts and export.hook and not _is_recorded(export, prepared):
        drifts = [Drift(export.destination, "is new, and its hook has not run yet")]
    return ExportState(export, tuple(drifts))


def prepared_again(materials: Materials, export: Export) -> Prepared:
    """Return *export* as it would be written now. Raises what the reasons are why it cannot be."""
    try:
        Kind(export.kind)
    except ValueError:
        raise Malformed("the ledger", "an export that is understood", f"'{export.kind}' is no kind") from None
    return prepared_export(materials, export, recipe_called(export.recipe), None)


def _is_recorded(export: Export, prepared: Prepared) -> bool:
    """Return whether what lies there is what was recorded last, which is done when its hook has run.

    Of private files nothing but the certificate is recorded.
    """
    if any(file.is_private for file in prepared.files) and export.fingerprint != prepared.export.fingerprint:
        return False
    known = digests_of(export)
    seen = {path: look(path) for path in prepared.paths}
    lying = {os.path.basename(path): sha256(item.data).hexdigest() for path, item in seen.items() if item}
    return all(file.is_private or known.get(file.name) == lying.get(file.name) for file in prepared.files)


def _drifts(export: Export, prepared: Prepared, file: Placed, to: Ownership) -> Iterator[Drift]:
    path = os.path.join(export.destination, file.name)
    try:
        seen = look(path)
    except UnreadableFile as error:
        yield Drift(path, f"cannot be read: {error.reason}")
        return
    if seen is None:
        yield Drift(path, "is missing")
        return
    if not is_same(prepared.recipe, prepared.wanted, File(*file), seen.data):
        yield Drift(path, _how_other(export, prepared, file, seen))
    if seen.mode != file.mode:
        yield Drift(path, f"has the mode {seen.mode:04o} and not {file.mode:04o}")
    if to.uid not in (-1, seen.uid):
        yield Drift(path, f"belongs to uid {seen.uid} and not to {export.owner}")
    if to.gid not in (-1, seen.gid):
        yield Drift(path, f"belongs to gid {seen.gid} and not to {export.group}")
    if has_leftover(path):
        yield Drift(path, "has beside it what a command left that was killed")


def _how_other(export: Export, prepared: Prepared, file: Placed, seen: Seen) -> str:
    """Return what is known of content that is not what it should be: as it was written, or somebody else's."""
    digest = digests_of(export).get(file.name)
    if digest is None:
        is_older = export.fingerprint != prepared.export.fingerprint
    else:
        is_older = digest == sha256(seen.data).hexdigest()
    return "is older than what is in the directory" if is_older else "is not what was written"
