"""The passphrase of an export: given, in a file of the operator's, in the file beside what it opens, or made now."""

from __future__ import annotations

import os
import secrets

from easycert.errors import InvalidInput, UnreadableFile
from easycert.recipes.contents import stored_passphrase
from easycert.recipes.rendering import file_names
from easycert.recipes.values import Material, Recipe, Secret
from easycert.store.files import read_file
from easycert.store.placing import look

#: 192 bits, in characters that no configuration takes for something else.
_RANDOM_BYTES = 24


def chosen(recipe: Recipe, material: Material, destination: str, given: bytes | None, file: str) -> bytes | None:
    """Return the passphrase that the files are to have: *given*, or the first line of *file* (empty: there is none).

    A recipe that puts the passphrase into a file keeps the one that is there, or gets a random one. Raises
    UnreadableFile and InvalidInput for a *file* that has none.
    """
    if given is not None:
        return given
    if file:
        return _first_line(read_file(file), file)
    if recipe.password_file is None:
        return None
    return _kept(recipe, material, destination) or secrets.token_urlsafe(_RANDOM_BYTES).encode()


def require_repeatable(recipe: Recipe, given: bytes | None, file: str) -> None:
    """Raise InvalidInput when a renewal could not have the passphrase that was *given* again."""
    if given is not None and not file and recipe.password_file is None and recipe.secret is not Secret.NONE:
        reason = "is needed to write it again: a passphrase that came another way is not kept; or say --no-remember"
        raise InvalidInput("option", "--passphrase-file", reason)


def _kept(recipe: Recipe, material: Material, destination: str) -> bytes | None:
    """Return the passphrase in the file that an earlier export left, if it is one that can be read."""
    for plan, name in zip(recipe.files, file_names(recipe, material), strict=True):
        if not plan.format.is_password:
            continue
        try:
            seen = look(os.path.join(destination, name))
            return stored_passphrase(plan.format, seen.data) if seen else None
        except (UnreadableFile, ValueError):  # nothing that was written here: it is replaced
            return None
    return None


def _first_line(data: bytes, source: str) -> bytes:
    line = data.split(b"\n", 1)[0].removesuffix(b"\r")
    if not line:
        raise InvalidInput("passphrase source", source, "holds no passphrase in its first line")
    return line
