"""The few values that every layer shares. Pure: no I/O, no clock, nothing imported but the standard library."""

from __future__ import annotations

from enum import Enum
from typing import Any, ClassVar, NoReturn, Self, dataclass_transform


class Kind(Enum):
    """The kinds of certificate that easycert makes; the value is the word used in code, CLI, docs and output."""

    CA = "ca"
    HOST = "host"
    USER = "user"
    CODE = "code"
    #: Signs OCSP responses for the CA that issued it (``docs/adr/0006-ocsp-signers.md``).
    OCSP = "ocsp"


@dataclass_transform(frozen_default=True)
class Value:
    """A frozen record: fields as annotations, compared and hashed by them, copied with changes by :meth:`_replace`.

    What a NamedTuple is, but for being a tuple, at a tenth of the time it takes to define one: a command defines some
    twenty at each start, which cost as much as all its signing and writing (``docs/adr/0002-start-up.md``).
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _field_defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        """Learn the fields and their defaults from the class body, behind those of the class above."""
        own = vars(cls)
        added = tuple(own.get("__annotations__", ()))
        cls._field_defaults = cls._field_defaults | {field: own[field] for field in added if field in own}
        cls._fields = cls._fields + added

    def __init__(self, *values: Any, **named: Any) -> None:
        """Take the fields by position or name. Raises TypeError for one that is missing, unknown or given twice."""
        given = dict(zip(self._fields, values, strict=False))
        known = self._field_defaults | given | named
        if len(values) > len(self._fields) or given.keys() & named or known.keys() != set(self._fields):
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(self._fields)}")
        self.__dict__.update(known)

    def _replace(self, **changes: Any) -> Self:
        """Return a copy with other values in some fields. Raises TypeError for a field that there is not."""
        return type(self)(**{**self.__dict__, **changes})

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: a value does not change."""
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse: a value does not change."""
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        """Return whether *other* is of the same type and its fields are equal."""
        return self.__dict__ == other.__dict__ if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        """Return a hash of the fields, which must all be hashable."""
        return hash(tuple(self.__dict__[field] for field in self._fields))

    def __repr__(self) -> str:
        """Return the value as it would be written in code."""
        return f"{type(self).__name__}({', '.join(f'{field}={getattr(self, field)!r}' for field in self._fields)})"
