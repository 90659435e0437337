"""From a type hint to its shape; that of a class has its fields and the properties of `FORMS`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import Enum
from functools import cache
from itertools import islice
from types import UnionType
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from faas_cache.model.diagnostics import Diagnostic, nearest
from faas_cache.model.errors import FaasCacheError, InvalidInput
from faas_cache.model.faults import FaultCollector
from faas_cache.model.masking import masked, masked_message
from faas_cache.serialization.forms import FORMS, Form
from faas_cache.serialization.shapes import (
    ANYTHING,
    SCALARS,
    Schema,
    Shape,
    Writer,
    array,
    choice,
    expect,
    invalid,
    mapping,
    read_all,
    read_key,
    row,
    shorten,
    union,
)

__all__ = ["shape_of"]

_NO_FORM = Form("")
# As many unknown keys of one object are reported: the search for similar words is slow.
_MAX_UNKNOWN = 20


@cache
def shape_of(hint: Any) -> Shape:  # noqa: ANN401  # type hints have no common type
    """The shape of a type hint; raises `TypeError` for one that has no JSON form."""
    if hint in SCALARS:
        return SCALARS[hint]
    if _recursive(hint):
        return ANYTHING
    if get_origin(hint) is not None:
        return _generic(hint, get_origin(hint), get_args(hint))
    if isinstance(hint, type) and (attrs.has(hint) or issubclass(hint, Enum)):
        return _class(hint)
    raise _unsupported(hint)


def _generic(hint: object, origin: Any, arguments: tuple[Any, ...]) -> Shape:  # noqa: ANN401  # see above
    if origin is Literal:
        return choice(arguments)
    if origin in (Union, UnionType):
        return _union(arguments)
    if origin is tuple and arguments[-1] is not Ellipsis:
        return row(tuple(map(shape_of, arguments)))
    if origin in (tuple, frozenset):
        return array(origin, shape_of(arguments[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return mapping(shape_of(arguments[-1]))
    raise _unsupported(hint)


def _unsupported(hint: object) -> TypeError:
    return TypeError(f"no JSON form for the type hint {hint!r}")


def _recursive(hint: object) -> bool:
    """Whether a hint refers to itself, as the alias `Setting` does."""
    return isinstance(hint, ForwardRef) or any(map(_recursive, get_args(hint)))


def _union(hints: tuple[Any, ...]) -> Shape:
    """The classes of a union are distinguished by their names."""
    classes = tuple(hint for hint in hints if attrs.has(hint))
    if len(classes) < 2:  # noqa: PLR2004  # a class alone needs no name
        return union(tuple(map(shape_of, hints)))
    others = tuple(shape_of(hint) for hint in hints if hint not in classes)
    return union((*others, _named(classes)))


def _class(hint: type) -> Shape:
    if issubclass(hint, Enum):
        members = choice(tuple(member.value for member in hint), hint)
        return attrs.evolve(members, python=(hint,))
    if hint.__name__ == "FrontEnd":
        return _front_end(hint)
    form = FORMS.get(hint.__name__, _NO_FORM)
    return _parsed(hint, form.parsed) if form.parsed is not None else _record(hint, form)


def _named(classes: tuple[type, ...]) -> Shape:
    """One of several classes: an object with the name of its class as `type`."""
    shapes = {item.__name__: shape_of(item) for item in classes}

    def write(value: object, writer: Writer) -> object:
        name = type(value).__name__
        return {"type": name, **shapes[name].write(value, writer)}  # type: ignore[dict-item]  # an object

    def read(data: object) -> object:
        fields = dict(expect(dict, data))
        name = read_key(fields, "type", str)
        if name not in shapes:
            raise invalid(f"unknown type `{shorten(name)}`", ("type",), nearest(name, shapes))
        del fields["type"]
        return shapes[name].read(fields)

    def schema(known: Schema) -> Schema:
        return {
            "oneOf": [
                shape.schema(known)
                | {"properties": {"type": {"const": name}}, "required": ["type"]}
                for name, shape in shapes.items()
            ]
        }

    return Shape(python=classes, json=(dict,), write=write, read=read, schema=schema)


def _front_end(hint: type) -> Shape:
    """A front end, as its name: only those of this library can be read."""

    def read(data: object) -> object:
        from faas_cache.render.front_ends import FRONT_ENDS

        return choice(tuple(FRONT_ENDS), FRONT_ENDS.__getitem__).read(data)

    return Shape(
        python=(hint,),
        json=(str,),
        write=lambda value, _: value.name,
        read=read,
        schema=lambda _: {"type": "string"},
    )


def _parsed(hint: type, parts: Mapping[str, str]) -> Shape:
    """A value that is read from its text; its other keys are for people who read the JSON."""

    def write(value: object, writer: Writer) -> object:
        shown = {key: getattr(value, attribute) for key, attribute in parts.items()}
        return {"text": writer.text(str(value))} | {
            key: ANYTHING.write(part, writer) for key, part in shown.items()
        }

    def read(data: object) -> object:
        fields = expect(dict, data)
        text = read_key(fields, "text", str)
        _raise_unknown(fields, ["text", *parts])
        (value,) = read_all([("text", _parser(hint), text)])
        return value

    def schema(known: Schema) -> Schema:
        known[hint.__name__] = {
            "type": "object",
            "description": _summary(hint),
            "properties": {"text": {"type": "string"}} | {key: {"readOnly": True} for key in parts},
            "required": ["text"],
        }
        return _reference(hint)

    return Shape(python=(hint,), json=(dict,), write=write, read=read, schema=schema)


def _parser(hint: type) -> Callable[[str], object]:
    """The function that reads a value from its text; raises a `FaasCacheError`."""
    if hint.__name__ == "Reference":
        return hint.parse  # type: ignore[attr-defined, no-any-return]  # a reference has it
    from faas_cache.model.entries import parse_entries

    def parse(text: str) -> object:
        entries = parse_entries([text])
        if len(entries) != 1:
            raise invalid(f"expected one cache entry, got {len(entries)}")
        return entries[0]

    return parse


@attrs.frozen(kw_only=True)
class _Field:
    """One key of a record: its attribute, the constructor's argument if it has one, its shape."""

    name: str
    argument: str | None = None
    required: bool = False
    shape: Shape
    mask: Callable[[str], str]


def _fields(hint: type, form: Form) -> Iterator[_Field]:
    hints = get_type_hints(hint)
    for field in attrs.fields(hint):
        if not field.name.startswith("_") and field.name not in form.omitted:
            yield _Field(
                name=field.name,
                argument=field.alias if field.init else None,
                required=field.init and field.default is attrs.NOTHING,
                shape=shape_of(hints[field.name]),
                mask=_mask_of(field.name, form),
            )
    for name in form.derived:
        shape = shape_of(get_type_hints(getattr(hint, name).fget)["return"])
        yield _Field(name=name, shape=shape, mask=_mask_of(name, form))


def _mask_of(name: str, form: Form) -> Callable[[str], str]:
    return masked_message if name in form.prose else masked


def _record(hint: type, form: Form) -> Shape:
    """The fields of an attrs class, in their order."""
    record = _Record(hint=hint, fields={field.name: field for field in _fields(hint, form)})
    return Shape(
        python=(hint,), json=(dict,), write=record.write, read=record.read, schema=record.schema
    )


@attrs.frozen(kw_only=True)
class _Record:
    hint: type
    fields: Mapping[str, _Field]

    def write(self, value: Any, writer: Writer) -> object:  # noqa: ANN401  # an instance of the class
        if not writer.secrets and hasattr(value, "masked"):
            writer.has_masks = writer.has_masks or value.masked() != value
            value = value.masked()
        data = {}
        for name, field in self.fields.items():
            outer, writer.mask = writer.mask, field.mask
            data[name] = field.shape.write(getattr(value, name), writer)
            writer.mask = outer
        return data

    def read(self, data: object) -> object:
        items, faults = expect(dict, data), FaultCollector()
        arguments: dict[str, object] = {}
        for name, field in self.fields.items():
            if field.argument is not None and name in items:
                with faults.catch(name):
                    arguments[field.argument] = field.shape.read(items[name])
            elif field.required:
                faults.add(*invalid(f"missing key `{name}`", (name,)).diagnostics)
        with faults.catch():
            _raise_unknown(items, self.fields)
        faults.raise_errors(InvalidInput)
        try:
            return self.hint(**arguments)
        except FaasCacheError as error:
            diagnostics = (_relocated(item, self.fields) for item in error.diagnostics)
            raise InvalidInput(*diagnostics) from None

    def schema(self, known: Schema) -> Schema:
        if self.hint.__name__ not in known:
            known[self.hint.__name__] = {}  # for a class that contains itself
            known[self.hint.__name__] = _described(self.hint, self.fields, known)
        return _reference(self.hint)


def _raise_unknown(items: Mapping[object, object], names: Collection[str]) -> None:
    faults = FaultCollector()
    unknown = (key for key in items if key not in names)
    for key in islice(unknown, _MAX_UNKNOWN):
        word = shorten(str(key))
        hint = nearest(word, names) or "remove it"
        faults.add(*invalid(f"unknown key `{word}`", (word,), hint).diagnostics)
    faults.raise_errors(InvalidInput)


def _relocated(diagnostic: Diagnostic, fields: Mapping[str, _Field]) -> Diagnostic:
    """A diagnostic of the constructor with its key path in the data."""
    path = diagnostic.location.path
    path = path[2:] if path[:1] == ("functions",) else path
    keys = [str(step).removeprefix("--").replace("-", "_") for step in path]
    start = next((i for i, key in enumerate(keys) if key in fields), len(path))
    location = attrs.evolve(
        diagnostic.location, path=(*keys[start : start + 1], *path[start + 1 :])
    )
    return attrs.evolve(diagnostic, location=location)


def _described(hint: type, fields: Mapping[str, _Field], known: Schema) -> Schema:
    texts = {match["name"]: match["text"] for match in _ATTRIBUTE.finditer(hint.__doc__ or "")}
    properties: Schema = {}
    for name, field in fields.items():
        text = " ".join(texts.get(name, "").split()) or _summary(getattr(hint, name, None))
        properties[name] = field.shape.schema(known)
        properties[name] |= {"readOnly": True} if field.argument is None else {}
        properties[name] |= {"description": text} if text else {}
    return {
        "type": "object",
        "description": _summary(hint),
        "properties": properties,
        "required": [name for name, field in fields.items() if field.required],
    }


# A line below `Attributes:` in a docstring, with those that continue it.
_ATTRIBUTE = re.compile(r"^ {8}(?P<name>\w+): (?P<text>.*(?:\n {12}.*)*)", re.MULTILINE)


def _summary(item: object) -> str:
    """The first paragraph of the docstring of a class or a property."""
    documented = isinstance(item, type | property)
    return " ".join((item.__doc__ or "").partition("\n\n")[0].split()) if documented else ""


def _reference(hint: type) -> Schema:
    return {"$ref": f"#/$defs/{hint.__name__}", "unevaluatedProperties": False}
