"""`FrozenMap`: an immutable mapping; specs and plans that have one can be hashed and pickled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, NoReturn, TypeVar

from faas_cache.model.masking import MASK, is_secret_name, masked_value, shown

__all__ = ["EMPTY", "FrozenMap"]

V = TypeVar("V")


class FrozenMap(dict[str, V], Generic[V]):
    """An immutable mapping from text, in written order; hashable where its values are.

    Its `repr` masks secrets. It is a `dict` for the speed of its look-ups: a
    `types.MappingProxyType` can be neither hashed nor pickled.
    """

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]  # dict has None, because it can change
        return hash(frozenset(self.items()))

    def __repr__(self) -> str:
        items = (f"{shown(key)}: {_shown_value(key, value)}" for key, value in self.items())
        return f"{{{', '.join(items)}}}"

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenMap, (dict(self),)

    def __or__(self, other: Mapping[str, V]) -> FrozenMap[V]:  # type: ignore[override]  # narrower than dict's
        return FrozenMap({**self, **other})


def _reject(self: object, *_: object, **__: object) -> NoReturn:
    message = f"a {type(self).__name__} cannot change"
    raise TypeError(message)


# Set here, because type checkers compare methods of a class with those of `dict`.
for _name in (
    "__setitem__",
    "__delitem__",
    "__ior__",
    "clear",
    "pop",
    "popitem",
    "setdefault",
    "update",
):
    setattr(FrozenMap, _name, _reject)


def _shown_value(key: str, value: object) -> str:
    """The `repr` of the value of `key`, masked if the name of the key makes it a secret."""
    if isinstance(value, str):
        return repr(masked_value(key, value))
    if is_secret_name(key) and not hasattr(type(value), "__attrs_attrs__"):
        return repr(MASK)
    return shown(value)


EMPTY: FrozenMap[str] = FrozenMap()
