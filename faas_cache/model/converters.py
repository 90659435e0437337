"""Converters of the values that specs, flags and options hold.

Each `read_…(value, path)` takes a value from Python, from YAML or from a variable, and returns it
in the immutable form that a public class keeps. What is unambiguous is converted: paths,
references, cache entries and enums become text, lists become tuples, integers and booleans become
text as Go prints them. Anything else raises `InvalidInput` with a diagnostic at `path`. Whether a
valid value makes sense is decided by `resolve`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeAlias, TypeVar

from faas_cache.model.diagnostics import (
    Diagnostic,
    FaasCacheError,
    KeyPath,
    Location,
    PathLike,
    type_name,
)
from faas_cache.model.entries import CacheEntry
from faas_cache.model.errors import InvalidInput
from faas_cache.model.faults import FaultCollector
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.go import format_scalar, parse_bool
from faas_cache.model.masking import masked, masked_value
from faas_cache.model.references import Reference

__all__ = [
    "Quoted",
    "Reader",
    "Setting",
    "SettingLike",
    "TextLike",
    "TextsLike",
    "read_attestation",
    "read_boolean",
    "read_diagnostics",
    "read_fields",
    "read_list",
    "read_optional_string",
    "read_optional_text",
    "read_pairs",
    "read_platforms",
    "read_setting",
    "read_string",
    "read_text",
    "read_texts",
]

T = TypeVar("T")

# A `build_cache` as written, made immutable.
Setting: TypeAlias = bool | int | float | str | tuple["Setting", ...] | FrozenMap["Setting"] | None
# What the constructors accept for a text, a list of texts and a setting.
TextLike: TypeAlias = str | int | Enum | Reference | CacheEntry | PathLike
TextsLike: TypeAlias = TextLike | Iterable[TextLike]
SettingLike: TypeAlias = TextLike | bool | float | Mapping[str, Any] | Sequence[Any] | None
Reader: TypeAlias = Callable[[Any, KeyPath], Any]

# A setting has three levels: a mapping, its lists, their entries.
_MAX_DEPTH = 8
# CPython refuses to print integers of more than 640 digits (2126 bits) in its strictest setting.
_MAX_BITS = 2048
_MAX_SHOWN = 60
# More pairs are left out of a hint.
_MAX_PAIRS = 5

# The words that faas-cli reads as booleans: those of YAML 1.2, and those of YAML 1.1 as yaml.v3
# reads them into a bool.
_CORE_BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_BOOLEANS = (
    _CORE_BOOLEANS
    | dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True)
    | dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False)
)


class Quoted(str):
    """A string that was quoted in the stack file.

    faas-cli does not accept `"true"` in quotes as a boolean, but it does accept `"yes"`.
    """

    __slots__ = ()


def read_text(value: object, path: KeyPath) -> str:
    """A text as Go would hold it: null is empty, integers and booleans are spelled as Go does."""
    if type(value) is str:
        text = value
    elif value is None:
        return ""
    else:
        text = _converted(value, path)
    if "\0" in text or not (text.isascii() or _is_encodable(text)):
        raise _fault(
            path,
            "the string contains a NUL character or half of a surrogate pair",
            "remove the character: no command line can contain it",
        )
    return text


def read_optional_text(value: object, path: KeyPath) -> str | None:
    """A text that may be absent."""
    return None if value is None else read_text(value, path)


def read_attestation(value: object, path: KeyPath) -> str | None:
    """The value of `--provenance` or `--sbom`: a boolean as buildx reads it, or fields."""
    text = read_optional_text(value, path)
    if not text or "=" in text or parse_bool(text) is not None:
        return text
    raise InvalidInput(
        Diagnostic(
            name="invalid-attestation",
            message=f"expected a boolean or fields, got `{masked(text)[:_MAX_SHOWN]}`",
            hint="write `false`, `true`, or fields such as `mode=max`",
            location=Location(path=path),
        )
    )


def read_string(value: object, path: KeyPath) -> str:
    """A string, where a number would be a mistake: a version as a program prints it, a name."""
    if not isinstance(value, str):
        raise _type_fault(path, "a string", value)
    return str.__str__(value)


def read_optional_string(value: object, path: KeyPath) -> str | None:
    """A string that may be `None`."""
    return None if value is None else read_string(value, path)


def read_texts(value: object, path: KeyPath) -> tuple[str, ...]:
    """A list of texts; one text stands for a list of one."""
    if type(value) is tuple and all(map(_is_plain, value)):
        return value
    if value is None:
        return ()
    if isinstance(value, str) or _is_text_like(value):
        return (read_text(value, path),)
    if isinstance(value, (Mapping, bytes, bytearray)) or not isinstance(value, Iterable):
        raise _type_fault(path, "a list of strings", value)
    if isinstance(value, (set, frozenset)):
        raise _type_fault(path, "a list of strings", value, "use a list: a set has no order")
    items = tuple(value)
    if all(map(_is_plain, items)):
        return items
    return tuple(_read_each(read_text, ((item, (*path, i)) for i, item in enumerate(items))))


def read_list(value: object, path: KeyPath) -> tuple[str, ...]:
    """A list of texts where faas-cli rejects a single string."""
    if isinstance(value, str):
        raise _type_fault(
            path, "a list of strings", value, f"write a list: `[{masked(value)[:_MAX_SHOWN]}]`"
        )
    return read_texts(value, path)


def read_platforms(value: object, path: KeyPath) -> tuple[str, ...]:
    """Platforms: a list, or comma-separated as in faas-cli."""
    platforms = value.split(",") if isinstance(value, str) else value
    return tuple(filter(None, (text.strip() for text in read_texts(platforms, path))))


def read_pairs(value: object, path: KeyPath) -> FrozenMap[str]:
    """A mapping from text to text."""
    if value is None:
        return EMPTY
    if not isinstance(value, (dict, Mapping)):
        raise _type_fault(path, "a mapping of strings", value, _mapping_hint(path, value))
    if all(map(_is_plain, value)) and all(map(_is_plain, value.values())):
        return value if type(value) is FrozenMap else FrozenMap(value) if value else EMPTY
    keys = _read_each(read_text, ((key, path) for key in value))
    values = _read_each(
        read_text, ((item, (*path, key)) for key, item in zip(keys, value.values(), strict=True))
    )
    return FrozenMap(zip(keys, values, strict=True)) if keys else EMPTY


def _mapping_hint(path: KeyPath, value: object) -> str:
    """The mapping to write in place of a list of pairs, as docker compose has them, or of one."""
    pairs: dict[str, str] = {}
    for item in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(item, Mapping):
            pairs |= {str(name): str(text or "") for name, text in item.items()}
        elif isinstance(item, str):
            name, _, text = item.partition("=")
            pairs[name.strip()] = text.strip()
    if not pairs or not path:
        return ""
    shown = ", ".join(
        f"{_quoted_unless_plain(name)}: {_quoted(masked_value(name, text))}"
        for name, text in list(pairs.items())[:_MAX_PAIRS]
    )
    more = ", …" if len(pairs) > _MAX_PAIRS else ""
    return f"write a mapping: `{path[-1]}: {{{shown}{more}}}`"


def _quoted(text: str) -> str:
    """A text in double quotes, which YAML reads as JSON does; cut where it is long."""
    from json import dumps

    return dumps(text[:_MAX_SHOWN], ensure_ascii=False)


def _quoted_unless_plain(name: str) -> str:
    return name if name.replace("_", "a").isalnum() and len(name) <= _MAX_SHOWN else _quoted(name)


def read_boolean(value: object, path: KeyPath) -> bool:
    """A boolean in any of the spellings that faas-cli accepts; null is false."""
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise _type_fault(path, "a boolean", value, "write `true` or `false`")
    text = str.__str__(value)
    if isinstance(value, Quoted) and text in _CORE_BOOLEANS:
        raise _type_fault(path, "a boolean", value, f"remove the quotes around `{text}`")
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    raise _fault(
        path,
        f"expected a boolean, got `{masked(text)[:_MAX_SHOWN]}`",
        "write `true` or `false`",
    )


def read_setting(value: object, path: KeyPath) -> Setting:
    """A `build_cache` as written, made immutable."""
    if isinstance(value, str) or _is_text_like(value):
        return read_text(value, path)
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        read_text(value, path)
        return int(value)
    if len(path) > _MAX_DEPTH:
        raise InvalidInput(
            Diagnostic(
                name="invalid-setting",
                rule="C1",
                message="the cache setting is nested too deeply",
                hint="write a mapping with the lists `from` and `to`",
                location=Location(path=path),
            )
        )
    if isinstance(value, Mapping):
        keys = (
            list(value)
            if all(map(_is_plain, value))
            else _read_each(read_text, ((key, path) for key in value))
        )
        items = _read_each(
            read_setting,
            ((item, (*path, key)) for key, item in zip(keys, value.values(), strict=True)),
        )
        return FrozenMap(zip(keys, items, strict=True))
    if isinstance(value, (list, tuple)):
        if all(map(_is_plain, value)):
            return tuple(value)
        return tuple(_read_each(read_setting, ((item, (*path, i)) for i, item in enumerate(value))))
    raise _type_fault(path, "a mode or a mapping", value, "write `inline` or `max`")


def read_diagnostics(value: object, path: KeyPath) -> tuple[Diagnostic, ...]:
    """A list of diagnostics."""
    if isinstance(value, (list, tuple)) and all(isinstance(item, Diagnostic) for item in value):
        return tuple(value)
    raise _type_fault(path, "a list of diagnostics", value)


def read_fields(
    values: Mapping[str, object],
    readers: Mapping[str, Reader],
    path: KeyPath = (),
    error: type[FaasCacheError] = InvalidInput,
) -> dict[str, Any]:
    """Every value read by the reader of its name; raises `error` with the faults of all.

    >>> read_fields({"pull": "yes"}, {"pull": read_boolean})
    {'pull': True}
    """
    try:
        return {name: readers[name](value, (*path, name)) for name, value in values.items()}
    except FaasCacheError:  # read them again, past the first fault
        faults = FaultCollector()
    for name, value in values.items():
        faults.convert(readers[name], value, (*path, name))
    raise error(*faults.diagnostics)


def _is_plain(value: object) -> bool:
    """Whether a value is a string that needs no conversion and no check: nearly every value is."""
    return type(value) is str and value.isascii() and "\0" not in value


def _is_text_like(value: object) -> bool:
    """Whether a value that is not a string stands for one text and for nothing else."""
    return (
        isinstance(value, (Reference, CacheEntry))
        or (isinstance(value, Enum) and not isinstance(value, int))
        or hasattr(type(value), "__fspath__")
    )


def _converted(value: object, path: KeyPath) -> str:
    """The text of a value that is not exactly a `str`."""
    if isinstance(value, str):
        return str.__str__(value)  # a str enum's own `__str__` is its name
    if isinstance(value, (Reference, CacheEntry)):
        return value.text
    if isinstance(value, Enum) and not isinstance(value, int):
        return read_text(value.value, path)
    if isinstance(value, bool):
        return format_scalar(value)
    if isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            raise _fault(path, f"the integer is longer than {_MAX_BITS} bits", "quote the number")
        return format_scalar(int(value))
    if isinstance(value, float):
        hint = "quote the number: as a float, `1.10` would become `1.1`"
        raise _type_fault(path, "a string", value, hint)
    convert = getattr(type(value), "__fspath__", None)
    text = convert(value) if convert else None
    if not isinstance(text, str):
        raise _type_fault(path, "a string", value)
    return text


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8", "surrogateescape")  # as the system encodes an argv
    except UnicodeEncodeError:
        return False
    return True


def _read_each(
    read: Callable[[object, KeyPath], T], items: Iterable[tuple[object, KeyPath]]
) -> list[T]:
    """Every item read; their faults are raised together."""
    faults = FaultCollector()
    values = [faults.convert(read, value, path) for value, path in items]
    faults.raise_errors(InvalidInput)
    return values  # type: ignore[return-value]  # without a fault, no item is None for lack of one


def _type_fault(path: KeyPath, expected: str, value: object, hint: str = "") -> InvalidInput:
    return _fault(path, f"expected {expected}, got {type_name(value)}", hint)


def _fault(path: KeyPath, message: str, hint: str) -> InvalidInput:
    return InvalidInput(
        Diagnostic(name="invalid-type", message=message, hint=hint, location=Location(path=path))
    )
