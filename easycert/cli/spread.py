"""Options that many commands share, declared once: a command takes a bundle, Typer sees the options in it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, ForwardRef, get_type_hints


def spread(function: Callable[..., None]) -> Callable[..., None]:
    """Return *function* for Typer: a parameter whose type is a NamedTuple becomes one option for each of its fields."""
    hints = _hints(function)
    bundles = {name: hint for name, hint in hints.items() if hasattr(hint, "_fields")}

    def command(**values: Any) -> None:
        gathered = {name: bundle(*(values.pop(field) for field in bundle._fields)) for name, bundle in bundles.items()}
        function(**values, **gathered)

    parameters = list(_parameters(function, hints, bundles))
    command.__doc__ = function.__doc__
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def _parameters(
    function: Callable[..., None], hints: dict[str, Any], bundles: dict[str, Any]
) -> Iterator[inspect.Parameter]:
    for parameter in inspect.signature(function).parameters.values():
        bundle = bundles.get(parameter.name)
        if bundle is None:
            yield _option(parameter.name, hints[parameter.name], parameter.default)
            continue
        for declared in reversed(bundle.__mro__):
            for field, hint in _hints(declared).items() if getattr(declared, "_fields", ()) else ():
                yield _option(field, hint, bundle._field_defaults[field])


def _hints(declared: Any) -> dict[str, Any]:
    """Return the annotations of a function or NamedTuple, evaluated; those that are not postponed cost nothing here."""
    hints: dict[str, Any] = declared.__annotations__
    if any(isinstance(hint, str | ForwardRef) for hint in hints.values()):
        return get_type_hints(declared, include_extras=True)
    return {name: hint for name, hint in hints.items() if name != "return"}


def _option(name: str, hint: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
