"""The frozen mapping."""

import pickle
from collections.abc import Callable

import pytest

from faas_cache.mapping import FrozenMap


def test_it_cannot_change() -> None:
    """Every way to change a dict is refused."""
    value = FrozenMap(a="1")
    changes: list[Callable[[], object]] = [
        lambda: value.__setitem__("a", "2"),
        lambda: value.__delitem__("a"),
        lambda: value.__ior__({"a": "2"}),
        lambda: value.update(a="2"),
        value.clear,
        value.popitem,
        lambda: value.pop("a"),
        lambda: value.setdefault("b", "2"),
    ]
    for change in changes:
        with pytest.raises(TypeError, match="a FrozenMap cannot change"):
            change()
    assert value == {"a": "1"}


def test_it_is_a_value() -> None:
    """Equal mappings have equal hashes in any order, survive pickling, and join into a new one."""
    one, other = FrozenMap(a="1", b="2"), FrozenMap(b="2", a="1")
    assert (one, hash(one), pickle.loads(pickle.dumps(one))) == (other, hash(other), other)
    joined = one | {"c": "3"}
    assert (type(joined), list(joined), list(one)) == (FrozenMap, ["a", "b", "c"], ["a", "b"])
