"""Which recipes there are: the files of ``data/``, read when they are asked for."""

from __future__ import annotations

import os

from easycert.errors import InvalidInput
from easycert.recipes.schema import parse_recipe
from easycert.recipes.values import Recipe

_DATA = os.path.join(os.path.dirname(__file__), "data")
_SUFFIX = ".toml"


def names() -> tuple[str, ...]:
    """Return the names of all recipes, sorted."""
    return tuple(sorted(file.removesuffix(_SUFFIX) for file in os.listdir(_DATA) if file.endswith(_SUFFIX)))


def recipe(name: str) -> Recipe:
    """Return the recipe called *name*, case-free. Raises InvalidInput, which names those that are near."""
    known = names()
    wanted = name.lower()
    if wanted not in known:
        raise InvalidInput("recipe", name, f"is not known; {_nearby(wanted, known)}")
    with open(os.path.join(_DATA, wanted + _SUFFIX), "rb") as file:
        return parse_recipe(wanted, file.read())


def _nearby(name: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    near = [other for other in known if name and (name in other or other in name)]
    near = list(dict.fromkeys([*get_close_matches(name, known, n=3), *near]))[:3]
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
