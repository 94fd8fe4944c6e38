"""The schema of a recipe's file (TOML), strict: a key that is not known, or a contradiction, is refused.

=================  ====================================================================================
summary            one line: the program, and what it gets
group              format, server, client, store (:class:`~easycert.recipes.values.Group`)
sources            URLs of the documentation that says so
kinds              whose certificates it is for: ca, host, user, code, ocsp
quoting            how the snippet quotes (:class:`~easycert.recipes.values.Quoting`); plain by default
snippet            text for the configuration, with placeholders (:mod:`easycert.recipes.snippets`)
reload             a shell command, with placeholders, after which the program uses new files
secret             none, optional, required: whether there is a passphrase
default_passphrase only where no key is held: the passphrase that everybody knows
keys               the beginnings of the key types that the program knows ("rsa", "ec"); without it, all
[[file]]           name (may hold ``{name}``), format, mode ("0644"), and what it holds: ``holds``, a list of
                   key, leaf, chain, anchors; or ``[file.entries]`` with such a list for each value.
                   ``optional = true``: left out where there is nothing to hold
=================  ====================================================================================
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

from easycert.errors import Malformed
from easycert.model import Kind
from easycert.pki.keys import KeyType
from easycert.recipes.snippets import WORDS, placeholders
from easycert.recipes.values import Format, Group, Part, Parts, Plan, Quoting, Recipe, Secret

_Word = TypeVar("_Word", bound=Enum)
_KEYS = frozenset({*Recipe._fields, "file"}) - {"name", "files"}
_FILE_KEYS = frozenset(Plan._fields)
_REQUIRED = frozenset({"summary", "group", "kinds", "file"})
_FILE_NAME = re.compile(r"(\{name\})?[A-Za-z0-9_.-]*")
_MODE = re.compile(r"0[0-7]{3}")
#: A private key is for its owner and, where a service needs that, its group.
_NOT_FOR_OTHERS = 0o137
_NAMED = (Format.SECRET, Format.CONFIG_MAP, Format.DOTENV)

_KEY_AND_CHAIN = (Part.KEY, Part.LEAF, Part.CHAIN)
#: What the formats can hold that cannot hold everything.
_CAN_HOLD: dict[Format, tuple[Parts, ...]] = {
    Format.DER: ((Part.KEY,), (Part.LEAF,)),
    Format.PEM_TRADITIONAL: ((Part.KEY,),),
    Format.PKCS12: (_KEY_AND_CHAIN,),
    Format.PKCS12_LEGACY: (_KEY_AND_CHAIN,),
    Format.TRUST_STORE: ((Part.ANCHORS,),),
}


def parse_recipe(name: str, data: bytes) -> Recipe:
    """Return the recipe called *name* in the TOML text *data*. Raises Malformed."""
    try:
        table = tomllib.loads(data.decode())
        recipe = _recipe(name, table)
        _require_sense(recipe)
    except (ValueError, TypeError) as error:
        raise Malformed(f"{name}.toml", "a recipe", str(error)) from None
    return recipe


def _recipe(name: str, table: Mapping[str, Any]) -> Recipe:
    _require_keys(table, _KEYS, _REQUIRED)
    return Recipe(
        name=name,
        summary=_text(table, "summary"),
        group=_word(Group, table["group"]),
        sources=tuple(_texts(table.get("sources", []))),
        kinds=tuple(_word(Kind, kind) for kind in _texts(table["kinds"])),
        files=tuple(_plan(file) for file in table["file"]),
        quoting=_word(Quoting, table.get("quoting", Quoting.PLAIN.value)),
        snippet=_text(table, "snippet"),
        reload=_text(table, "reload"),
        secret=_word(Secret, table.get("secret", Secret.NONE.value)),
        default_passphrase=_text(table, "default_passphrase"),
        keys=tuple(_texts(table.get("keys", []))),
    )


def _plan(table: Mapping[str, Any]) -> Plan:
    _require_keys(table, _FILE_KEYS, frozenset({"name", "format", "mode"}))
    mode = _text(table, "mode")
    if not _MODE.fullmatch(mode):
        raise ValueError(f"'{mode}' is no mode like 0640")
    return Plan(
        name=_text(table, "name"),
        format=_word(Format, table["format"]),
        mode=int(mode, 8),
        holds=_parts(table.get("holds", [])),
        entries=tuple((key, _parts(parts)) for key, parts in _table(table.get("entries", {})).items()),
        optional=table.get("optional", False) is True,
    )


def _require_keys(table: Mapping[str, Any], known: frozenset[str], required: frozenset[str]) -> None:
    for key in _table(table):
        if key not in known:
            raise ValueError(f"the key '{key}' is not known")
    for key in sorted(required - table.keys()):
        raise ValueError(f"the key '{key}' is missing")


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"'{value}' is no table")
    return value


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise TypeError(f"'{key}' is no text")
    return value


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"'{value}' is no list of texts")
    return value


def _word(words: type[_Word], value: object) -> _Word:
    return words(value)


def _parts(value: object) -> Parts:
    return tuple(_word(Part, part) for part in _texts(value))


# --- what every recipe must be ---------------------------------------------------------------------------------------


def _require_sense(recipe: Recipe) -> None:
    if not (recipe.summary and recipe.kinds and recipe.files):
        raise ValueError("it has no summary, no kinds or no files")
    files = [plan.name for plan in recipe.files]
    if len(set(files)) < len(files):
        raise ValueError("two files have the same name")
    for plan in recipe.files:
        _require_sound(plan)
    known = {*WORDS, *(f"{what}:{file}" for file in files for what in ("path", "file"))}
    for unknown in sorted(placeholders(recipe.snippet + recipe.reload) - known):
        raise ValueError(f"the placeholder '{{{unknown}}}' is not known")
    for family in recipe.keys:
        if not any(key_type.value.startswith(family) for key_type in KeyType):
            raise ValueError(f"there is no key type '{family}'")
    _require_discretion(recipe)


def _require_discretion(recipe: Recipe) -> None:
    """Refuse what would give away a key or a passphrase, or could not be opened."""
    if recipe.needs_key and Kind.CA in recipe.kinds:
        raise ValueError("a CA's private key is not exported")
    encrypts = any(plan.format.is_pkcs12 for plan in recipe.files)
    if encrypts is (recipe.secret is Secret.NONE):
        raise ValueError("PKCS#12 takes a passphrase, and nothing else does")
    if recipe.default_passphrase and recipe.has_legacy:
        raise ValueError("a private key is not protected by a passphrase that everybody knows")
    if recipe.password_file and recipe.secret is not Secret.REQUIRED:
        raise ValueError("a file for the passphrase needs one")


def _require_sound(plan: Plan) -> None:
    where = f"the file '{plan.name}'"
    if not _FILE_NAME.fullmatch(plan.name) or plan.name in ("", ".", ".."):
        raise ValueError(f"{where} has an unfit name")
    secret = Part.KEY in plan.parts or plan.format.is_password
    if secret and plan.mode & _NOT_FOR_OTHERS:
        raise ValueError(f"{where} is secret and its mode lets others at it")
    if plan.format.is_password:
        if plan.parts:
            raise ValueError(f"{where} holds a passphrase and nothing else")
    elif bool(plan.entries) is not (plan.format in _NAMED) or bool(plan.holds) is bool(plan.entries):
        raise ValueError(f"{where} says in the wrong way what it holds")
    if Part.KEY in plan.holds[1:]:
        raise ValueError(f"{where} holds a key behind something else")
    can_hold = _CAN_HOLD.get(plan.format)
    if can_hold is not None and plan.holds not in can_hold:
        raise ValueError(f"{where} is of a format that cannot hold that")
