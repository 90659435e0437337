"""Shapes of hints: those that no public value has, or that few have."""

from __future__ import annotations

from enum import Enum
from typing import Any

import attrs
import pytest

from faas_cache.model.errors import InvalidInput
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.serialization.hints import shape_of
from faas_cache.serialization.shapes import SCALARS, Writer


def read(hint: object, data: object) -> object:
    """The data as a value of the hint."""
    return shape_of(hint).read(data)


SHAPES = {
    "a row": (
        tuple[int, str],
        (1, "a"),
        [1, "a"],
        {
            "type": "array",
            "prefixItems": [{"type": "integer"}, {"type": "string"}],
            "minItems": 2,
            "items": False,
        },
    ),
    "a set": (
        frozenset[str],
        frozenset({"b", "a"}),
        ["a", "b"],
        {"type": "array", "items": {"type": "string"}},
    ),
    "bytes": (bytes, b"a\xff", "a\udcff", {"type": "string"}),
    "a number": (float, 1.5, 1.5, {"type": "number"}),
    "one of two": (int | None, 3, 3, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    "a mapping": (
        FrozenMap[int],
        FrozenMap(a=1),
        {"a": 1},
        {"type": "object", "additionalProperties": {"type": "integer"}},
    ),
}


@pytest.mark.parametrize(("hint", "value", "data", "schema"), SHAPES.values(), ids=SHAPES)
def test_shapes(hint: object, value: object, data: object, schema: dict[str, Any]) -> None:
    """A hint writes a value, reads it back, and has a schema."""
    shape = shape_of(hint)
    assert shape.write(value, Writer(secrets=False)) == data
    assert shape.read(data) == value
    assert shape.schema({}) == schema


class Colour(Enum):
    """An enum of text."""

    RED = "red"


@attrs.frozen
class Circle:
    """A circle."""

    radius: int
    area: int = attrs.field(init=False, default=0)


@attrs.frozen
class Square:
    """A square."""

    side: int = 1


FORM_OF_FIGURES = [
    "red",
    None,
    {"type": "Circle", "radius": 1, "area": 0},
    {"type": "Square", "side": 2},
]


def test_several_classes_are_told_apart_by_their_names() -> None:
    """An enum is one of its values."""
    shape = shape_of(tuple[Colour | Circle | Square | None, ...])
    value = (Colour.RED, None, Circle(1), Square(2))
    assert shape.write(value, Writer(secrets=True)) == FORM_OF_FIGURES
    assert shape.read(FORM_OF_FIGURES) == value
    definitions: dict[str, Any] = {}
    (red, null, figures) = shape.schema(definitions)["items"]["anyOf"]
    assert (red, null) == ({"enum": ["red"]}, {"type": "null"})
    assert figures == {
        "oneOf": [
            {
                "$ref": f"#/$defs/{name}",
                "unevaluatedProperties": False,
                "properties": {"type": {"const": name}},
                "required": ["type"],
            }
            for name in ("Circle", "Square")
        ]
    }
    assert definitions["Circle"] == {
        "type": "object",
        "description": "A circle.",
        "properties": {
            "radius": {"type": "integer"},
            "area": {"type": "integer", "readOnly": True},
        },
        "required": ["radius"],
    }


FAULTS_OF_SHAPES = {
    "an unknown class": (Circle | Square, {"type": "Sqare"}, "unknown type `Sqare`"),
    "a class without a name": (Circle | Square, {"side": 1}, "missing key `type`"),
    "a row of another length": (tuple[int, str], [1], "expected a list of 2 items, got 1"),
    "infinity": (float, float("inf"), "expected a finite number, got `inf`"),
    "a large integer": (float, 10**400, "the number is too large"),
    "half of a surrogate pair": (bytes, "\ud800", "the string contains half of a surrogate pair"),
}


@pytest.mark.parametrize(
    ("hint", "data", "message"), FAULTS_OF_SHAPES.values(), ids=FAULTS_OF_SHAPES
)
def test_faults_of_shapes(hint: object, data: object, message: str) -> None:
    """Data of the right kind that no value has."""
    with pytest.raises(InvalidInput) as caught:
        read(hint, data)
    assert [item.message for item in caught.value.diagnostics] == [message]


def test_an_integer_is_a_number() -> None:
    """JSON does not tell `1` from `1.0`."""
    assert (type(read(float, 1)), read(float, 1)) == (float, 1.0)


@pytest.mark.parametrize("hint", [dict, list[int], object(), type[int]], ids=repr)
def test_a_hint_without_a_form_is_a_bug(hint: object) -> None:
    """A field of such a type cannot be added by mistake."""
    with pytest.raises(TypeError, match="no JSON form for the type hint"):
        shape_of(hint)


def test_scalars_are_the_types_of_json() -> None:
    """And bytes."""
    assert set(SCALARS) == {type(None), bool, int, float, str, bytes}
