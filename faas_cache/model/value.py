"""`Value`: the methods that all public values share.

attrs would generate them for each class anew, whenever it is imported.
"""

from __future__ import annotations

from typing import Any

import attrs

from faas_cache.model.masking import shown

__all__ = ["Value"]


class Value:
    """The base of attrs classes that have `eq=False` and `repr=False`.

    Two values are equal if they have the same class and equal fields; fields with `eq=False` do not
    count. The `repr` is masked, and shows no field with `repr=False`.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), _compared(self)))

    def __repr__(self) -> str:
        value: Any = self
        names = (field.name for field in attrs.fields(type(value)) if field.repr)
        arguments = ", ".join(f"{name}={shown(getattr(self, name))}" for name in names)
        return f"{type(self).__name__}({arguments})"


def _compared(value: Any) -> tuple[object, ...]:  # noqa: ANN401  # any attrs instance; they share no type
    """The fields that count when values are compared."""
    return tuple(getattr(value, field.name) for field in attrs.fields(type(value)) if field.eq)
