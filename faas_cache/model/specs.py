"""`FunctionSpec`: what a stack file says about one function, as far as its build is concerned.

Values are read here once. A fault of type (a list where a text belongs) is raised here; whether a valid value makes sense
is for `resolve` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

import attrs

from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, nearest
from faas_cache.model.errors import InvalidFunction
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked, shown_fields

T = TypeVar("T")

# The value of `build_cache` as written, made immutable; B3 and C1 judge it.
Setting: TypeAlias = "bool | int | float | str | tuple[Setting, ...] | FrozenMap[Setting] | None"

# The setting's own shape is three levels deep: a mapping, its lists, their entries.
_MAX_DEPTH = 8
# CPython spells no integer of more than 4300 digits, and can be told to stop at 640, which is 2126 bits.
_MAX_BITS = 2048

# The words that faas-cli takes for a boolean: those of YAML 1.2, and of YAML 1.1 as yaml.v3 reads them into a bool.
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
    """A text that stood in quotes in the stack file: quoted, `"true"` is no boolean to faas-cli, though `"yes"` is one."""

    __slots__ = ()


# Readers: each takes a value from Python or from a stack file to its frozen form, and raises `InvalidFunction`.


def _wrong(place: KeyPath, wanted: str, value: object, hint: str = "") -> InvalidFunction:
    kinds = {
        dict: "a mapping",
        list: "a list",
        tuple: "a list",
        str: "a text",
        bool: "a boolean",
        type(None): "nothing",
    }
    kind = next(
        (word for known, word in kinds.items() if isinstance(value, known)),
        f"a {type(value).__name__}",
    )
    return InvalidFunction(
        Diagnostic(
            name="type",
            message=f"this must be {wanted}, not {kind}",
            location=Location(path=place),
            hint=hint,
        )
    )


def _plain(value: object) -> bool:
    """Whether a value is a text with nothing left to read: nearly every value is."""
    return type(value) is str and value.isascii() and "\0" not in value


def _text(value: object, place: KeyPath) -> str:
    """A text as Go would hold it: null is empty, integers and booleans keep Go's spelling."""
    if type(value) is str:
        text = value
    elif value is None:
        return ""
    elif isinstance(value, bool):
        return "true" if value else "false"
    elif isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            raise _wrong(
                place, f"an integer of at most {_MAX_BITS} bits", value, "quote the number"
            )
        return int.__repr__(value)
    elif isinstance(value, str):
        text = str(value)
    elif isinstance(value, float):
        raise _wrong(
            place,
            "a text",
            value,
            "quote the number: as a float its spelling is lost (1.10 would become 1.1)",
        )
    else:
        raise _wrong(place, "a text", value)
    if "\0" in text or not (text.isascii() or _encodable(text)):
        raise InvalidFunction(
            Diagnostic(
                name="type",
                message="this holds a character that no command line can carry (NUL or half a surrogate pair)",
                location=Location(path=place),
                hint="remove it",
            )
        )
    return text


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8", "surrogateescape")  # as the system encodes an argv
    except UnicodeEncodeError:
        return False
    return True


def read_texts(value: object, place: KeyPath) -> tuple[str, ...]:
    """A list of texts; one text stands for a list of one."""
    if isinstance(value, str):
        return (_text(value, place),)
    if value is None:
        return ()
    if isinstance(value, (Mapping, bytes, bytearray)) or not isinstance(value, Iterable):
        raise _wrong(place, "a list of texts", value)
    items = tuple(value)
    if all(map(_plain, items)):
        return items
    return tuple(_each(_text, ((item, (*place, i)) for i, item in enumerate(items))))


def _list(value: object, place: KeyPath) -> tuple[str, ...]:
    """A list of texts where faas-cli refuses a single text: a list of one would hide that from its users."""
    if isinstance(value, str):
        raise _wrong(place, "a list of texts", value, f"write it as a list: `[{masked(value)}]`")
    return read_texts(value, place)


def _platforms(value: object, place: KeyPath) -> tuple[str, ...]:
    """Platforms: a list, or as in faas-cli one text with commas."""
    words = value.split(",") if isinstance(value, str) else value
    return tuple(filter(None, (word.strip() for word in read_texts(words, place))))


def _pairs(value: object, place: KeyPath) -> FrozenMap[str]:
    """A mapping from text to text."""
    if value is None:
        return EMPTY
    if not isinstance(value, Mapping):
        raise _wrong(place, "a mapping of texts", value)
    if all(map(_plain, value)) and all(map(_plain, value.values())):
        return value if type(value) is FrozenMap else FrozenMap(value) if value else EMPTY
    keys = _each(_text, ((key, place) for key in value))
    values = _each(
        _text, ((item, (*place, key)) for key, item in zip(keys, value.values(), strict=True))
    )
    return FrozenMap(zip(keys, values, strict=True)) if keys else EMPTY


def boolean(value: object, place: KeyPath) -> bool:
    """A boolean in any of the spellings that faas-cli takes."""
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    if isinstance(value, Quoted) and value in _CORE_BOOLEANS:
        raise _wrong(place, "a boolean", str(value), f"remove the quotes around `{value}`")
    if isinstance(value, str) and value in _BOOLEANS:
        return _BOOLEANS[value]
    raise _wrong(place, "a boolean", value, "write `true` or `false`")


def read_setting(value: object, place: KeyPath) -> Setting:
    """A `build_cache` as written, made immutable."""
    if isinstance(value, str):
        return _text(value, place)
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        _text(value, place)
        return value
    if len(place) > _MAX_DEPTH:
        raise InvalidFunction(
            Diagnostic(
                name="C1",
                message="this is nested too deeply for a cache setting",
                location=Location(path=place),
            )
        )
    if isinstance(value, Mapping):
        keys = (
            list(value)
            if all(map(_plain, value))
            else _each(_text, ((key, place) for key in value))
        )
        items = _each(
            read_setting,
            ((item, (*place, key)) for key, item in zip(keys, value.values(), strict=True)),
        )
        return FrozenMap(zip(keys, items, strict=True))
    if isinstance(value, (list, tuple)):
        if all(map(_plain, value)):
            return tuple(value)
        return tuple(_each(read_setting, ((item, (*place, i)) for i, item in enumerate(value))))
    raise _wrong(place, "`inline`, `max`, or a mapping with `from` and `to`", value)


def _optional(value: object, place: KeyPath) -> str | None:
    """A text that may be absent."""
    return None if value is None else _text(value, place)


def _ignored(value: object, place: KeyPath) -> None:
    """A mapping of texts that only a deployment reads: `limits` and `requests`."""
    _pairs(value, place)


def _each(read: Callable[[Any, KeyPath], T], items: Iterable[tuple[object, KeyPath]]) -> list[T]:
    """Every item read; their faults are raised together."""
    values: list[T] = []
    faults: list[Diagnostic] = []
    for value, place in items:
        try:
            values.append(read(value, place))
        except InvalidFunction as fault:
            faults += fault.diagnostics
    if faults:
        raise InvalidFunction(*faults)
    return values


# What a function of a stack file may hold, and how faas-cli reads it (go-sdk stack/schema.go), then what is ours.
_READERS: dict[str, Callable[[Any, KeyPath], Any]] = {
    "lang": _text,
    "handler": _text,
    "image": _text,
    "build_args": _pairs,
    "build_secrets": _pairs,
    "build_options": _list,
    "platforms": _platforms,
    "skip_build": boolean,
    "build_cache": read_setting,
    "builder_flags": read_texts,
    "build_labels": _pairs,
    "context": _text,
    "output": _optional,
    "pull": boolean,
    "squash": boolean,
    "ssh": read_texts,
    "extra_tags": read_texts,
    "tag_as": _optional,
}
_DEPLOYMENT: dict[str, Callable[[Any, KeyPath], Any]] = {
    "fprocess": _text,
    "namespace": _text,
    "environment": _pairs,
    "labels": _pairs,
    "annotations": _pairs,
    "environment_file": _list,
    "secrets": _list,
    "constraints": _list,
    "readonly_root_filesystem": boolean,
    "limits": _ignored,
    "requests": _ignored,
}


@attrs.frozen(kw_only=True, repr=False, init=False)
class FunctionSpec:
    """One function as far as its build is concerned: the YAML keys, and what flags set for every function.

    `image` is the text as written. `output` is a value of `--output`, or `push` or `load` for the flags of that name.
    `context` is a path as the builder will read it; `tag_as` is the image to tag where that is another than `image`.
    Raises `InvalidFunction` for values of the wrong type.
    """

    name: str
    image: str = ""
    build_cache: Setting = None
    build_args: FrozenMap[str] = EMPTY
    build_labels: FrozenMap[str] = EMPTY
    build_secrets: FrozenMap[str] = EMPTY
    build_options: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    builder_flags: tuple[str, ...] = ()
    lang: str = ""
    handler: str = ""
    context: str = "."
    output: str | None = None
    pull: bool = False
    squash: bool = False
    ssh: tuple[str, ...] = ()
    extra_tags: tuple[str, ...] = ()
    tag_as: str | None = None
    skip_build: bool = False
    diagnostics: tuple[Diagnostic, ...] = attrs.field(default=(), eq=False)

    def __init__(  # noqa: PLR0913  # one for each thing a build can be told
        self,
        *,
        name: str,
        image: str = "",
        build_cache: object = None,
        build_args: Mapping[str, str | int | None] = EMPTY,
        build_labels: Mapping[str, str | int | None] = EMPTY,
        build_secrets: Mapping[str, str] = EMPTY,
        build_options: Iterable[str] = (),
        platforms: Iterable[str] = (),
        builder_flags: Iterable[str] = (),
        lang: str = "",
        handler: str = "",
        context: str = ".",
        output: str | None = None,
        pull: bool = False,
        squash: bool = False,
        ssh: Iterable[str] = (),
        extra_tags: Iterable[str] = (),
        tag_as: str | None = None,
        skip_build: bool = False,
        diagnostics: tuple[Diagnostic, ...] = (),
    ) -> None:
        build_options = (build_options,) if isinstance(build_options, str) else build_options
        given = {key: value for key, value in locals().items() if key in _READERS}
        name = _text(name, ())
        found = _read(given, ("functions", name))
        self.__attrs_init__(name=name, diagnostics=diagnostics, **found)

    @classmethod
    def from_mapping(cls, name: str, mapping: object) -> FunctionSpec:
        """The spec of a function from its YAML keys; unknown keys become warnings in `.diagnostics`.

        Raises `InvalidFunction` with every fault of type, each placed under `functions.NAME`.

        >>> FunctionSpec.from_mapping("fn", {"image": "ghcr.io/a/fn", "build_cache": "max"}).build_cache
        'max'
        """
        name = _text(name, ())
        top: KeyPath = ("functions", name)
        if mapping is None:
            mapping = EMPTY
        if not isinstance(mapping, Mapping):
            raise _wrong(top, "a mapping with `image`, `lang`, `handler` …", mapping)
        found = _read(mapping, top)
        unknown = tuple(
            _unknown(key, top) for key in mapping if key not in _READERS and key not in _DEPLOYMENT
        )
        spec = cls.__new__(cls)
        spec.__attrs_init__(name=name, diagnostics=unknown, **found)
        return spec

    __repr__ = shown_fields


def _read(mapping: Mapping[Any, Any], top: KeyPath) -> dict[str, Any]:
    """The values that a build needs, read; the rest is checked for type alone, as faas-cli would."""
    found: dict[str, Any] = {}
    faults: list[Diagnostic] = []
    for key, value in mapping.items():
        read = _READERS.get(key)
        try:
            if read is not None:
                found[key] = read(value, (*top, key))
            elif key in _DEPLOYMENT:
                _DEPLOYMENT[key](value, (*top, key))
        except InvalidFunction as fault:
            faults += fault.diagnostics
    if faults:
        raise InvalidFunction(*faults)
    return found


def _unknown(key: object, top: KeyPath) -> Diagnostic:
    word = _text(key, top) if isinstance(key, int) else str(key)
    known = [*_READERS, *_DEPLOYMENT]
    return Diagnostic(
        name="unknown-key",
        severity="warning",
        message=f"`{masked(word)[:60]}` is no key of a function, and is ignored",
        location=Location(path=(*top, word)),
        hint=nearest(word, known)
        or "remove it, or keep it under a top-level key that begins with `x-`",
    )
