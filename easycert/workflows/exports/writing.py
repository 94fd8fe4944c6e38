"""Writing an export: rendered, staged and durable beside its place, remembered, and then put in place."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from hashlib import sha256

from easycert.bookkeeping import Change
from easycert.certdir import CertDir
from easycert.errors import AlreadyExists, EasycertError, InvalidInput, StoreFailure
from easycert.ledger.entries import Event
from easycert.ledger.records import Export, export_details
from easycert.model import Kind, Value
from easycert.pki.encodings import Encoding
from easycert.pki.facts import fingerprint_of
from easycert.pki.names import SafeName
from easycert.pki.validity import rfc3339
from easycert.recipes.catalogue import recipe as recipe_called
from easycert.recipes.rendering import render
from easycert.recipes.values import Material, Recipe, Rendering, Wanted
from easycert.store import layout
from easycert.store.placing import Placed, Placing, ownership
from easycert.workflows.exports import passphrases
from easycert.workflows.exports.material import Materials, missing_above
from easycert.workflows.exports.remembered import remembered_exports
from easycert.workflows.exports.values import ExportedFiles, ExportRequest, overlapping, told_forgotten

_OTHERS, _GROUP, _GROUP_READS = 0o007, 0o070, 0o040
#: Owners that no service has; no owner means whoever writes.
_ROOT = ("", "0", "root")


class Prepared(Value):
    """An export that is ready to be written: the record of it, from what, how, and the files."""

    export: Export
    recipe: Recipe
    material: Material
    wanted: Wanted
    rendering: Rendering
    files: tuple[Placed, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The absolute paths of the files."""
        return tuple(os.path.join(self.export.destination, item.name) for item in self.files)


def export(certdir: CertDir, request: ExportRequest, *, replace: bool = False) -> ExportedFiles:
    """Write what *request* asks for; what is remembered already is written again, anything else only to *replace* it.

    Raises AlreadyExists, NotFound, AmbiguousName, KeyMismatch, IncompleteChain, InvalidInput, StoreFailure and
    StoreBusy, with nothing written, and HalfWritten.
    """
    recipe = recipe_called(request.recipe)
    _require_sense(certdir, request)
    if request.remember:
        passphrases.require_repeatable(recipe, request.passphrase, request.passphrase_file)
    to, materials, now = ownership(request.owner, request.group), Materials(certdir), certdir.now()
    kind, name = materials.place(request.name, request.kind, recipe)
    blank = _blank(request, recipe, kind, name)
    materials.of(kind, name, recipe)  # what is not here is told before a directory is made
    with Placing(request.destination, to, replace=replace) as placing:
        remembered = remembered_exports(certdir) if request.remember else []
        known = blank.key in {item.key for item in remembered}
        placing.replace |= known
        # It is remembered before the files are in place: if this is killed in between, --check says what is missing.
        with certdir.change(now) if request.remember else nullcontext() as change:
            prepared = prepared_export(materials, blank, recipe, request.passphrase)
            placing.stage(prepared.files)
            names = [item.name for item in prepared.files]
            if change is not None:
                others = overlapping(remembered, request.destination, names)
                forgotten = _forgotten(change, [item for item in others if item.key != blank.key])
                record(change, Event.EXPORTED, prepared.export)
        try:
            placing.put()
        except (AlreadyExists, StoreFailure):
            if request.remember and not known:
                _forget(certdir, prepared.export)
            raise
    if not request.remember:
        forgotten = give_way(certdir, request.destination, names)
    notes = [*_notes(prepared.material, now), *forgotten]
    return ExportedFiles(
        *(kind, name, recipe.name, request.destination, prepared.paths),
        *(prepared.rendering.snippet, prepared.rendering.reload, request.remember, tuple(notes)),
    )


def rendered(certdir: CertDir, request: ExportRequest) -> tuple[bytes, tuple[str, ...]]:
    """Return the one file that a recipe consists of, and notes, with nothing written.

    Raises what :func:`export` does, and InvalidInput for a recipe of several files.
    """
    recipe = recipe_called(request.recipe)
    if not recipe.is_single:
        raise InvalidInput("option", "--to", f"is missing: the recipe {recipe.name} is several files; name a directory")
    materials = Materials(certdir)
    kind, name = materials.place(request.name, request.kind, recipe)
    prepared = prepared_export(materials, _blank(request, recipe, kind, name), recipe, request.passphrase)
    return prepared.files[0].data, tuple(_notes(prepared.material, certdir.now()))


def prepared_export(materials: Materials, export: Export, recipe: Recipe, given: bytes | None) -> Prepared:
    """Return *export* with the files that it consists of now; a passphrase is *given* or found where it was kept."""
    material = materials.of(Kind(export.kind), SafeName(export.name), recipe)
    secret = passphrases.chosen(recipe, material, export.destination, given, export.passphrase_file)
    wanted = Wanted(export.destination, secret, bool(export.legacy))
    rendering = render(recipe, material, wanted)
    files = tuple(Placed(item.name, item.data, _mode(item.mode, export)) for item in rendering.files)
    fingerprint = fingerprint_of(material.certificate.public_bytes(Encoding.DER))
    export = export._replace(fingerprint=fingerprint, files="\n".join(map(_line, files)))
    return Prepared(export, recipe, material, wanted, rendering, files)


def record(change: Change, event: Event, export: Export) -> None:
    """Stage the entry that *export* was written, or is forgotten."""
    what = {"kind": export.kind, "name": export.name, "fingerprint": export.fingerprint}
    change.record(event, **what, details=export_details(export))


def give_way(certdir: CertDir, destination: str, names: Collection[str]) -> list[str]:
    """Forget the exports that these files in *destination* took the place of, and return notes on them.

    The files are in place: what keeps the ledger from being read, or written to, is a note as well.
    """
    try:
        others = overlapping(remembered_exports(certdir), destination, names)
        if others:
            with certdir.change() as change:
                return _forgotten(change, others)
    except EasycertError as error:
        return [f"what was exported to this place before is still remembered, if anything was: {error}"]
    return []


def _forgotten(change: Change, exports: Iterable[Export]) -> list[str]:
    for export in exports:
        record(change, Event.FORGOTTEN, export)
    return [told_forgotten(export) for export in exports]


def _forget(certdir: CertDir, export: Export) -> None:
    with certdir.change() as change:
        record(change, Event.FORGOTTEN, export)


def _blank(request: ExportRequest, recipe: Recipe, kind: Kind, name: SafeName) -> Export:
    return Export(
        *(request.destination, recipe.name, kind.value, name, "", request.owner, request.group, request.hook),
        *("yes" if request.legacy else "", request.passphrase_file, "", ""),
    )


def _require_sense(certdir: CertDir, request: ExportRequest) -> None:
    """Raise InvalidInput for text that cannot be recorded, and for a place in the certificate directory itself."""
    texts = (("directory", request.destination), ("hook", request.hook), ("owner", request.owner))
    for what, text in (*texts, ("group", request.group), ("passphrase file", request.passphrase_file)):
        try:
            sound = "\0" not in text and bool(text.encode() or True)
        except UnicodeEncodeError:
            sound = False
        if not sound or (what != "hook" and not text.isprintable()):
            raise InvalidInput(what, text, "holds characters that cannot be recorded")
    if not os.path.isabs(request.destination):
        raise InvalidInput("directory", request.destination, "is not absolute")
    inside, own = os.path.realpath(request.destination), os.path.dirname(certdir.store.path(layout.SETTINGS))
    if f"{inside}/".startswith(f"{os.path.realpath(own)}/"):
        raise InvalidInput("directory", request.destination, "is in the certificate directory: choose one outside")


def _mode(mode: int, export: Export) -> int:
    """Return the mode of a file: what others may not read, a group may where one is named.

    Unless it goes to an owner of its own: some servers refuse a key of theirs that a group can read.
    """
    if mode & _OTHERS:
        return mode
    if not export.group:
        return mode & ~_GROUP
    return mode | _GROUP_READS if export.owner in _ROOT else mode


def _line(item: Placed) -> str:
    return f"{'-' if item.is_private else sha256(item.data).hexdigest()} {item.name}"


def _notes(material: Material, now: datetime) -> Sequence[str]:
    notes, name = [], f"{material.kind.value} {material.name}"
    if missing := missing_above(material):
        notes.append(f"{name}: the CA '{missing}' above it is not here; unless it is a root, import its certificate")
    end = material.certificate.not_valid_after_utc
    if end < now:
        notes.append(f"{name}: it expired on {rfc3339(end)}")
    return notes
