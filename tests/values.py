"""Hypothesis strategies for every public value, made from the hints of its fields."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin, get_type_hints

import attrs
from hypothesis import reject
from hypothesis import strategies as st

from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.references import Reference
from faas_cache.serialization.forms import FORMS, Form, class_of

ENTRIES = (
    "ghcr.io/acme/resize:latest",
    "type=gha,token=s3cr3t,scope=main",
    "type=registry,ref=ghcr.io/acme/resize:buildcache,mode=max",
    'type=local,"dest=/tmp/a,b"',
    "type=azblob,account_url=https://h/?sig=s3cr3t,name=x",
)
REFERENCES = (
    "resize",
    "ghcr.io/acme/resize:1",
    "localhost:5000/a/b@sha256:" + 64 * "0",
    "a_b.c/fn",
)
# Characters of an argument: no NUL; bytes that are not UTF-8 are the surrogates from U+DC80 on.
TEXT = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF),
    max_size=8,
) | st.sampled_from(("type=gha,token=s3cr3t", "http_proxy=http://u:s3cr3t@h", "true", "1.10"))
KEYS = TEXT | st.sampled_from(("token", "http_proxy", "url", "ref"))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SETTINGS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | NUMBERS | TEXT,
    lambda items: (
        st.lists(items, max_size=3).map(tuple)
        | st.dictionaries(KEYS, items, max_size=3).map(FrozenMap)
    ),
    max_leaves=5,
)
_SCALARS: dict[object, st.SearchStrategy[Any]] = {
    NoneType: st.none(),
    bool: st.booleans(),
    int: st.integers(),
    float: NUMBERS,
    str: TEXT,
    bytes: st.binary(max_size=8),
}


@cache
def values_of(hint: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401  # type hints have no common type
    """Values of a type hint."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if _is_recursive(hint):
        return SETTINGS
    if get_origin(hint) is not None:
        return _generic(get_origin(hint), get_args(hint))
    return instances(hint)


def _generic(origin: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:  # noqa: ANN401  # a hint's origin
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, UnionType):
        return st.one_of(*map(values_of, arguments))
    if origin is tuple and arguments[-1] is not Ellipsis:
        return st.tuples(*map(values_of, arguments))
    if origin in (tuple, frozenset):
        return st.lists(values_of(arguments[0]), max_size=2).map(origin)
    return st.dictionaries(KEYS, values_of(arguments[-1]), max_size=2).map(FrozenMap)


@cache
def instances(kind: type) -> st.SearchStrategy[Any]:
    """Instances of a public class, and of the classes that its fields hold."""
    if kind.__name__ == "CacheEntry":
        return st.sampled_from(parse_entries(ENTRIES))
    if kind is Reference:
        return st.sampled_from(REFERENCES).map(Reference.parse)
    if kind.__name__ == "FrontEnd":
        from faas_cache.render.front_ends import FRONT_ENDS

        return st.sampled_from(tuple(FRONT_ENDS.values()))
    if issubclass(kind, Enum):
        return st.sampled_from(tuple(kind))
    return st.deferred(lambda: _records(kind))


def instance_of(name: str) -> st.SearchStrategy[Any]:
    """Instances of a type in the table of forms."""
    return instances(class_of(name))


def _records(kind: type) -> st.SearchStrategy[Any]:
    """Instances made with the constructor, with any of the optional arguments."""
    form = FORMS.get(kind.__name__, Form(""))
    hints = get_type_hints(kind)
    fields = [
        field
        for field in attrs.fields(kind)
        if field.init and not field.name.startswith("_") and field.name not in form.omitted
    ]
    values = {field.alias: values_of(hints[field.name]) for field in fields}
    required = {field.alias for field in fields if field.default is attrs.NOTHING}
    return st.fixed_dictionaries(
        {name: values[name] for name in values if name in required},
        optional={name: value for name, value in values.items() if name not in required},
    ).map(_made_by(kind))


def _is_recursive(hint: object) -> bool:
    return isinstance(hint, ForwardRef) or any(map(_is_recursive, get_args(hint)))


def _made_by(kind: Callable[..., object]) -> Callable[[dict[str, Any]], object]:
    """The constructor; arguments that it rejects are not values."""

    def make(arguments: dict[str, Any]) -> object:
        try:
            return kind(**arguments)
        except FaasCacheError:
            reject()

    return make
