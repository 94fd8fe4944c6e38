"""Writing remembered exports again where they have drifted, and telling those who read them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from easycert.certdir import LEDGER, CertDir
from easycert.errors import EasycertError, HookFailed, LedgerUnusable
from easycert.ledger.entries import Event
from easycert.ledger.records import Export
from easycert.model import Kind, Value
from easycert.pki.certificates import load_certificate
from easycert.pki.names import SafeName
from easycert.recipes.catalogue import recipe as recipe_called
from easycert.recipes.values import Part
from easycert.store import layout
from easycert.store.directories import require_no_strangers
from easycert.store.placing import Placing, ownership
from easycert.workflows.exports.checking import prepared_again, state
from easycert.workflows.exports.material import Materials
from easycert.workflows.exports.values import ExportState, RefreshRun
from easycert.workflows.exports.writing import Prepared, record


class HookTerms(Value):
    """How hooks are run: the *environment* they begin with, how many seconds each may take, and where it prints."""

    environment: Mapping[str, str]
    timeout: float = 300.0
    output: int = 2


class Told(Value):
    """What a hook is told of a certificate that was written again."""

    kind: Kind
    name: str
    certificate_path: str
    key_path: str | None


def refresh_exports(certdir: CertDir, exports: Iterable[Export], terms: HookTerms) -> RefreshRun:
    """Write those of *exports* again that are not as they should be, and then run their hooks, each once.

    What fails on one does not keep the others from theirs. An export counts as written only when its hook has run, so
    that one that was missed is run another time. Raises LedgerUnusable and StoreBusy, and UnsafeDirectory for root in a
    directory of somebody else.
    """
    _require_own(certdir)
    materials = Materials(certdir)
    written: list[tuple[ExportState, Prepared]] = []
    failed: list[ExportState] = []
    current = 0
    for item in exports:
        found = state(materials, item)
        if found.is_current:
            current += 1
        elif found.error is not None:
            failed.append(found)
        else:
            try:
                written.append((found, _written(materials, item)))
            except LedgerUnusable:
                raise
            except EasycertError as error:
                failed.append(found._replace(error=error))
    told = _tell(certdir, [prepared.export for _, prepared in written], terms)
    done = [prepared.export for _, prepared in written if prepared.export.hook not in told]
    if done:
        with certdir.change() as change:
            for export in done:
                record(change, Event.EXPORTED, export)
    states = tuple(found._replace(error=told.get(prepared.export.hook)) for found, prepared in written)
    return RefreshRun(states, tuple(failed), current)


def preview(certdir: CertDir, exports: Iterable[Export], renewed: Sequence[tuple[Kind, str]]) -> RefreshRun:
    """Return which of *exports* would be written were these certificates *renewed*; nothing is changed."""
    materials = Materials(certdir)
    written, failed, current = [], [], 0
    for item in exports:
        found = state(materials, item)
        if found.error is not None:
            failed.append(found)
        elif found.drifts or _would_change(certdir, materials, item, renewed):
            written.append(found)
        else:
            current += 1
    return RefreshRun(tuple(written), tuple(failed), current)


def forget(certdir: CertDir, exports: Sequence[Export]) -> None:
    """Forget *exports*: their files stay as they are, and are not written again."""
    if exports:
        with certdir.change() as change:
            for export in exports:
                record(change, Event.FORGOTTEN, export)


def _would_change(certdir: CertDir, materials: Materials, export: Export, renewed: Sequence[tuple[Kind, str]]) -> bool:
    """Return whether a file of *export* holds one of the certificates that are to be *renewed*, or its key."""
    recipe = recipe_called(export.recipe)
    parts = frozenset(part for plan in recipe.files for part in plan.parts)
    if (Kind(export.kind), export.name) in renewed and parts & {Part.KEY, Part.LEAF}:
        return True
    material = materials.of(Kind(export.kind), SafeName(export.name), recipe)
    above = {
        *(material.chain if Part.CHAIN in parts else ()),
        *(material.anchors if Part.ANCHORS in parts else ()),
    }
    data = (certdir.read(layout.certificate(kind, SafeName(name))) for kind, name in renewed if kind is Kind.CA)
    return any(found is not None and load_certificate(*found) in above for found in data)


def _require_own(certdir: CertDir) -> None:
    """Refuse to write where, and to run what, another user's ledger says. Raises UnsafeDirectory."""
    directory = os.path.dirname(certdir.store.path(layout.SETTINGS))
    state_directory = os.path.join(directory, layout.STATE)
    for path in (directory, state_directory, os.path.join(state_directory, LEDGER)):
        require_no_strangers(path)


def _written(materials: Materials, export: Export) -> Prepared:
    to = ownership(export.owner, export.group)
    with Placing(export.destination, to, replace=True) as placing:
        prepared = prepared_again(materials, export)  # nobody else writes here now, so the newest comes last
        placing.stage(prepared.files)
        placing.put()
    return prepared


def _tell(certdir: CertDir, written: Sequence[Export], terms: HookTerms) -> dict[str, HookFailed]:
    """Run each distinct hook of *written*, and return those that failed."""
    from easycert.workflows.deploy import Hook, run_hook  # most exports have no hook

    failed = {}
    for command in dict.fromkeys(item.hook for item in written if item.hook):
        concerned = [item for item in written if item.hook == command]
        places = "\n".join(dict.fromkeys(item.destination for item in concerned))
        environment = {**terms.environment, "EASYCERT_EXPORTED": places}
        try:
            run_hook(Hook(command, environment, terms.timeout, terms.output), [_told(certdir, it) for it in concerned])
        except HookFailed as error:
            failed[command] = error
    return failed


def _told(certdir: CertDir, export: Export) -> Told:
    kind, name = Kind(export.kind), SafeName(export.name)
    certificate = certdir.store.path(layout.certificate(kind, name))
    return Told(kind, name, certificate, certdir.store.find(layout.key(kind, name)))
