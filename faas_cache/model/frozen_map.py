"""`FrozenMap`: a mapping that cannot change, so that a spec and a plan can be compared, hashed and pickled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from faas_cache.model.masking import MASK, SECRET_FIELDS, fold, masked_value, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

V = TypeVar("V")


class FrozenMap(dict[str, V], Generic[V]):
    """An immutable mapping from text, in written order, hashable where its values are; its `repr` masks secrets.

    A `dict` underneath, for the speed of its look-ups; a `types.MappingProxyType` can be neither hashed nor pickled.
    """

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]  # dict says None: it can change, this cannot
        return hash(frozenset(self.items()))

    def __repr__(self) -> str:
        return (
            f"{{{', '.join(f'{shown(key)}: {_shown(key, value)}' for key, value in self.items())}}}"
        )

    def __reduce__(self) -> tuple[type[FrozenMap[V]], tuple[dict[str, V]]]:
        return FrozenMap, (dict(self),)

    def __or__(self, other: Mapping[str, V]) -> FrozenMap[V]:  # type: ignore[override]  # narrower than dict's: still frozen
        return FrozenMap({**self, **other})

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        message = f"a {type(self).__name__} cannot change"
        raise TypeError(message)

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


def _shown(key: str, value: object) -> str:
    """The `repr` of the value of `key`, masked where either makes it a secret."""
    if isinstance(value, str):
        return repr(masked_value(key, value))
    return repr(MASK) if fold(key) in SECRET_FIELDS else shown(value)


EMPTY: FrozenMap[str] = FrozenMap()
