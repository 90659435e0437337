"""`to_dict` and `from_dict`: every public value as plain JSON data, and back.

The form of a value is an object: `type`, `version`, `"masked": true` where a secret was masked, and
then one key for each field. The type hint of a field decides how it is written; nested values have
no `type` unless the hint allows several classes:

    bool int float str None    themselves; JSON has no infinity and no NaN, which become strings
    bytes                      a string; bytes that are not UTF-8 become surrogate escapes
    Literal, an enum           one of its values
    tuple, frozenset           a list; that of a set is sorted
    FrozenMap                  an object
    an attrs class             an object of its fields
    Reference, CacheEntry      an object with `text`, and what can be read from it
    FrontEnd                   its name
    a recursive alias          any JSON value, which the constructor checks

Some properties are written for readers, too (`Form.derived`); `from_dict` ignores them.
"""

from __future__ import annotations

from typing import Any, TypeVar, overload

from faas_cache.model.diagnostics import nearest
from faas_cache.serialization.forms import FORMS, HEADER, class_of
from faas_cache.serialization.hints import shape_of
from faas_cache.serialization.shapes import Schema, Writer, expect, invalid, read_key, shorten

__all__ = ["from_dict", "json_schema", "to_dict"]

T = TypeVar("T")


def to_dict(value: object, *, secrets: bool = False) -> dict[str, Any]:
    """A public value as plain JSON data; raises `InvalidInput` for any other value.

    Secrets are masked unless `secrets` is true. A form in which one was masked has `"masked": true`
    and cannot be read.

    >>> from faas_cache import Reference
    >>> to_dict(Reference.parse("fn:1"))["canonical"]
    'docker.io/library/fn:1'
    """
    name = type(value).__name__
    _check_public(type(value))
    writer = Writer(secrets=secrets)
    fields = expect(dict, shape_of(class_of(name)).write(value, writer))
    note = {"masked": True} if writer.has_masks else {}
    return {"type": name, "version": FORMS[name].version, **note, **fields}


@overload
def from_dict(data: object) -> Any: ...  # noqa: ANN401  # the data names the type
@overload
def from_dict(data: object, type: type[T]) -> T: ...
def from_dict(data: object, type: Any = None) -> Any:  # noqa: A002  # as the form calls it
    """The value of a form that `to_dict` wrote: `from_dict(to_dict(x, secrets=True)) == x`.

    The data names its type, which must be `type` where one is given. Raises `InvalidInput` with
    every fault, each with its key path: a masked form, an unknown type, a newer version, a value of
    the wrong kind, a missing or an unknown key.

    >>> from_dict({"type": "Reference", "version": 1, "text": "fn:1"}).tag
    '1'
    """
    if type is not None:
        _check_public(type)
    form = expect(dict, data)
    name = read_key(form, "type", str)
    if type is not None and name != type.__name__:
        message = f"expected the type `{type.__name__}`, got `{shorten(name)}`"
        raise invalid(message, ("type",), "use `from_dict(data)`, or give it the right data")
    if name not in FORMS:
        raise invalid(f"unknown type `{shorten(name)}`", ("type",), nearest(name, FORMS))
    _check_header(form, name)
    return shape_of(class_of(name)).read({key: form[key] for key in form if key not in HEADER})


def _check_public(kind: type) -> None:
    if kind.__name__ not in FORMS or kind is not class_of(kind.__name__):
        hint = "pass one of the values that `faas_cache` exports"
        raise invalid(f"`{kind.__name__}` is not a public value", hint=hint)


def _check_header(form: dict[str, object], name: str) -> None:
    """Raises for a version that this one cannot read, and for a masked form."""
    version, newest = read_key(form, "version", int), FORMS[name].version
    if version > newest:
        message = f"version {version} of `{name}` is newer than the supported version {newest}"
        raise invalid(message, ("version",), "update faas-cache")
    if version < 1:
        raise invalid(f"invalid version {version}", ("version",), f"write `{newest}`")
    if "masked" in form and read_key(form, "masked", bool):
        hint = "write the value with `to_dict(value, secrets=True)`"
        raise invalid("the secrets in this value are masked", ("masked",), hint)


def json_schema(*names: str) -> Schema:
    """The JSON Schema of the forms of these types; by default of all, `docs/values.schema.json`.

    `$defs` describes each type without its header.
    """
    definitions: Schema = {}
    forms = [
        shape_of(class_of(name)).schema(definitions)
        | {"properties": _header(name), "required": ["type", "version"]}
        for name in names or FORMS
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The values of faas-cache as JSON",
        "description": "What `to_dict` writes and `from_dict` reads.",
        "oneOf": forms,
        "$defs": dict(sorted(definitions.items())),
    }


def _header(name: str) -> Schema:
    return {
        "type": {"const": name},
        "version": {"const": FORMS[name].version},
        "masked": {
            "const": True,
            "description": "Secrets are masked; `from_dict` rejects the form.",
        },
    }
