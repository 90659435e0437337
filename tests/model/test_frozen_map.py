"""The frozen mapping."""

import pickle
from collections.abc import Callable

import pytest

from faas_cache.model.diagnostics import Location
from faas_cache.model.frozen_map import EMPTY, FrozenMap


def test_it_cannot_change() -> None:
    """Every method that changes a dict is rejected."""
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
    """Equal mappings have equal hashes in any order, can be pickled, and join into a new one."""
    one, other = FrozenMap(a="1", b="2"), FrozenMap(b="2", a="1")
    assert (one, hash(one), pickle.loads(pickle.dumps(one))) == (other, hash(other), other)
    joined = one | {"c": "3"}
    assert (type(joined), list(joined), list(one)) == (FrozenMap, ["a", "b", "c"], ["a", "b"])


def test_it_can_be_a_key() -> None:
    """A mapping is hashable where its values are, mappings and tuples among them."""
    nested = FrozenMap({"to": FrozenMap({"a": ("x",)}), "from": ("y",)})
    same = FrozenMap({"from": ("y",), "to": FrozenMap({"a": ("x",)})})
    assert ({nested: 1}[same], len({EMPTY, FrozenMap()})) == (1, 1)
    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        hash(FrozenMap({"a": []}))


SHOWN = [
    (FrozenMap(a="1", b="2"), "{'a': '1', 'b': '2'}"),
    (FrozenMap({"Token": "hunter2"}), "{'Token': '***'}"),
    (FrozenMap({"NPM_TOKEN": "hunter2"}), "{'NPM_TOKEN': '***'}"),
    (FrozenMap({"api-key": FrozenMap({"x": "hunter2"})}), "{'api-key': '***'}"),
    (FrozenMap({"SECRETS": "visible"}), "{'SECRETS': 'visible'}"),
    (FrozenMap({"token-service": Location(line=1)}), f"{{'token-service': {Location(line=1)!r}}}"),
    (FrozenMap({"GHTOKEN": 12345}), "{'GHTOKEN': '***'}"),
    (FrozenMap({"session_token": ("hunter2",)}), "{'session_token': '***'}"),
    (FrozenMap({"HTTP_PROXY": "me:hunter2@proxy"}), "{'HTTP_PROXY': '***@proxy'}"),
    (FrozenMap({"url": "https://host/?sig=hunter2"}), "{'url': 'https://host/?***'}"),
    (FrozenMap({"https://me:hunter2@host": 1}), "{'https://***@host': 1}"),
    (FrozenMap({"to": (FrozenMap({"ghtoken": "hunter2"}),)}), "{'to': ({'ghtoken': '***'},)}"),
]


@pytest.mark.parametrize(("value", "text"), SHOWN, ids=[text for _, text in SHOWN])
def test_its_repr_masks_secrets(value: FrozenMap[object], text: str) -> None:
    """A repr has the written order, and masks the secrets in keys and values."""
    assert repr(value) == text
