"""Shapes: how the values of one type hint become JSON data and back, and their JSON Schema.

Writing never fails for a value of the hint's type. Reading raises `InvalidInput` with every fault,
each with its key path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import isfinite
from types import NoneType
from typing import Any, TypeAlias, TypeVar

import attrs

from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, type_name
from faas_cache.model.errors import InvalidInput
from faas_cache.model.faults import FaultCollector
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.masking import MASK, is_secret_name, masked, masked_value

__all__ = [
    "ANYTHING",
    "SCALARS",
    "Schema",
    "Shape",
    "Writer",
    "array",
    "choice",
    "expect",
    "invalid",
    "mapping",
    "read_all",
    "read_key",
    "row",
    "shorten",
    "union",
]

T = TypeVar("T")
Schema: TypeAlias = dict[str, Any]

# How much of a wrong value a message shows.
_SHOWN = 60
# The types of JSON data: for messages, and for JSON Schema.
_KINDS: dict[type, tuple[str, str]] = {
    NoneType: ("null", "null"),
    bool: ("a boolean", "boolean"),
    int: ("an integer", "integer"),
    float: ("a number", "number"),
    str: ("a string", "string"),
    list: ("a list", "array"),
    dict: ("a mapping", "object"),
}


def invalid(message: str, path: KeyPath = (), hint: str = "") -> InvalidInput:
    """The error for data that is not the form of a value."""
    return InvalidInput(
        Diagnostic(name="invalid-data", message=message, hint=hint, location=Location(path=path))
    )


def shorten(text: str) -> str:
    """A text as a message shows it: masked and short."""
    text = masked(text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def expect(kind: type[T], data: object) -> T:
    """The data, where it is of that kind."""
    if type(data) is kind:
        return data
    raise invalid(f"expected {_KINDS[kind][0]}, got {type_name(data)}")


def read_key(form: Mapping[str, object], key: str, kind: type[T]) -> T:
    """The value of a key that must exist."""
    if key not in form:
        raise invalid(f"missing key `{key}`", (key,))
    (value,) = read_all([(key, partial(expect, kind), form[key])])
    return value  # type: ignore[no-any-return]  # what `expect` returns


def read_all(items: Iterable[tuple[str | int, Callable[[Any], Any], object]]) -> list[Any]:
    """Every item read, given with its key and its reader; all faults are raised together."""
    faults, values = FaultCollector(), []
    for key, read, data in items:
        with faults.catch(key):
            values.append(read(data))
    faults.raise_errors(InvalidInput)
    return values


@attrs.define
class Writer:
    """The state of one call of `to_dict`.

    Attributes:
        secrets: Whether secrets are written; otherwise they are masked.
        mask: Masks the secrets of a text of the field that is being written.
        has_masks: Whether a secret was masked.
    """

    secrets: bool
    mask: Callable[[str], str] = masked
    has_masks: bool = False

    def text(self, text: str) -> str:
        """A text, masked where it contains a secret."""
        return self._shown(text, self.mask)

    def number(self, value: object) -> object:
        """A number of a value that has any type; JSON has neither infinity nor NaN."""
        if not self.secrets and self.mask is _hide and not isinstance(value, bool):
            return self.text(str(value))
        return str(value) if isinstance(value, float) and not isfinite(value) else value

    def items(self, write: Write, items: Mapping[str, object]) -> dict[str, object]:
        """A mapping as an object; the name of a key may make its value a secret."""
        return {self.text(key): self._item(key, item, write) for key, item in items.items()}

    def _item(self, key: str, value: object, write: Write) -> object:
        if isinstance(value, str) and self.mask is not _hide:
            return self._shown(value, partial(masked_value, key))
        if not is_secret_name(key) or attrs.has(type(value)):
            return write(value, self)
        outer, self.mask = self.mask, _hide
        data = write(value, self)
        self.mask = outer
        return data

    def _shown(self, text: str, mask: Callable[[str], str]) -> str:
        shown = text if self.secrets else mask(text)
        self.has_masks = self.has_masks or shown != text
        return str(shown)


def _hide(_: str) -> str:
    """Masks a text of a secret that has several parts."""
    return MASK


Write: TypeAlias = Callable[[Any, Writer], object]


@attrs.frozen
class Shape:
    """How the values of a type hint are written, read and described.

    Attributes:
        python: The types of the values, which decide between the members of a union.
        json: The types of the data, which decide likewise.
        write: Writes a value as JSON data.
        read: Reads data; raises `InvalidInput`.
        schema: Returns the JSON Schema of the data; adds what it refers to, to the definitions that
            it is given.
    """

    python: tuple[type, ...]
    json: tuple[type, ...]
    write: Write
    read: Callable[[object], Any]
    schema: Callable[[Schema], Schema]


def _itself(value: object, _: Writer) -> object:
    return value


def _write_text(value: str, writer: Writer) -> object:
    return writer.text(value)


def _write_number(value: float, writer: Writer) -> object:
    return writer.number(value)


def _read_number(data: object) -> float:
    try:
        number = float(data) if type(data) is int else expect(float, data)
    except OverflowError:
        raise invalid("the number is too large") from None
    if not isfinite(number):
        raise invalid(f"expected a finite number, got `{number}`")
    return number


def _write_bytes(value: bytes, writer: Writer) -> object:
    return writer.text(value.decode("utf-8", "surrogateescape"))


def _read_bytes(data: object) -> bytes:
    try:
        return expect(str, data).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise invalid("the string contains half of a surrogate pair", hint="remove it") from None


def _scalar(
    kind: type,
    write: Write = _itself,
    read: Callable[[object], object] | None = None,
    *json: type,
) -> Shape:
    json = json or (kind,)
    return Shape(
        python=(kind,),
        json=json,
        write=write,
        read=read or partial(expect, kind),
        schema=lambda _: {"type": _KINDS[json[0]][1]},
    )


SCALARS: dict[object, Shape] = {
    NoneType: _scalar(NoneType),
    bool: _scalar(bool),
    int: _scalar(int),
    float: _scalar(float, _write_number, _read_number, float, int),
    str: _scalar(str, _write_text),
    bytes: _scalar(bytes, _write_bytes, _read_bytes, str),
}


def _write_anything(value: object, writer: Writer) -> object:
    if isinstance(value, str):
        return writer.text(value)
    if isinstance(value, (int, float)):
        return writer.number(value)
    if isinstance(value, tuple):
        return [_write_anything(item, writer) for item in value]
    return writer.items(_write_anything, value) if isinstance(value, Mapping) else value


# Any JSON value, which the constructor of its owner checks: a setting as the user wrote it.
ANYTHING = Shape(
    python=(object,),
    json=(object,),
    write=_write_anything,
    read=lambda data: data,
    schema=lambda _: {},
)


def choice(values: tuple[object, ...], make: Callable[[Any], object] | None = None) -> Shape:
    """One of a few values: those of a `Literal`, or of an enum, whose members `make` returns."""

    def read(data: object) -> object:
        if not any(type(data) is type(value) and data == value for value in values):
            names = ", ".join(f"`{value}`" for value in values)
            got = f"`{shorten(data)}`" if isinstance(data, str) else type_name(data)
            raise invalid(f"expected one of {names}, got {got}")
        return data if make is None else make(data)

    return Shape(
        python=tuple({type(value) for value in values}),
        json=tuple({type(value) for value in values}),
        write=lambda value, _: value if make is None else value.value,
        read=read,
        schema=lambda _: {"enum": list(values)},
    )


def array(kind: type[tuple[Any, ...] | frozenset[Any]], item: Shape) -> Shape:
    """A tuple or a frozen set of any length, as a list; the list of a set is sorted."""

    def write(value: Iterable[Any], writer: Writer) -> object:
        items = [item.write(member, writer) for member in value]
        return sorted(items, key=str) if kind is frozenset else items

    def read(data: object) -> object:
        return kind(read_all((i, item.read, member) for i, member in enumerate(expect(list, data))))

    return Shape(
        python=(kind,),
        json=(list,),
        write=write,
        read=read,
        schema=lambda known: {"type": "array", "items": item.schema(known)},
    )


def row(items: tuple[Shape, ...]) -> Shape:
    """A tuple of a fixed length, as a list."""

    def read(data: object) -> object:
        members = expect(list, data)
        if len(members) != len(items):
            raise invalid(f"expected a list of {len(items)} items, got {len(members)}")
        return tuple(read_all((i, items[i].read, member) for i, member in enumerate(members)))

    def schema(known: Schema) -> Schema:
        members = [item.schema(known) for item in items]
        return {"type": "array", "prefixItems": members, "minItems": len(items), "items": False}

    return Shape(
        python=(tuple,),
        json=(list,),
        write=lambda value, writer: [
            item.write(member, writer) for item, member in zip(items, value, strict=True)
        ],
        read=read,
        schema=schema,
    )


def mapping(item: Shape) -> Shape:
    """A mapping from text, as an object."""

    def read(data: object) -> object:
        members = expect(dict, data)
        keys = [expect(str, key) for key in members]
        values = read_all((key, item.read, members[key]) for key in keys)
        return FrozenMap(zip(keys, values, strict=True))

    return Shape(
        python=(Mapping,),
        json=(dict,),
        write=lambda value, writer: writer.items(item.write, value),
        read=read,
        schema=lambda known: {"type": "object", "additionalProperties": item.schema(known)},
    )


def union(members: tuple[Shape, ...]) -> Shape:
    """One of several shapes, distinguished by the type of the value and the type of the data."""

    def write(value: object, writer: Writer) -> object:
        exact = [member for member in members if type(value) in member.python]
        similar = [member for member in members if isinstance(value, member.python)]
        return [*exact, *similar][0].write(value, writer)

    def read(data: object) -> object:
        for member in members:
            if type(data) in member.json:
                return member.read(data)
        kinds = [_KINDS[kind][0] for member in members for kind in member.json]
        raise invalid(f"expected {' or '.join(kinds)}, got {type_name(data)}")

    return Shape(
        python=tuple(kind for member in members for kind in member.python),
        json=tuple(kind for member in members for kind in member.json),
        write=write,
        read=read,
        schema=lambda known: {"anyOf": [member.schema(known) for member in members]},
    )
