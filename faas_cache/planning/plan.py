"""`BuildPlan`: everything that a front end must be told about the build of one function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

import attrs

from faas_cache.model.backends import Direction
from faas_cache.model.builders import BUILDKIT
from faas_cache.model.converters import (
    read_boolean,
    read_diagnostics,
    read_list,
    read_optional_string,
    read_pairs,
    read_string,
    read_text,
)
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, type_name
from faas_cache.model.entries import CacheEntry, parse_entries
from faas_cache.model.errors import InvalidInput
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked, shown_fields

__all__ = ["BuildPlan", "Origin", "PlanField", "Why"]

# The fields of a plan whose values have an origin.
PlanField: TypeAlias = Literal["env", "cache_from", "cache_to", "build_args"]

# How the value of each of these fields is written on a command line.
_SPELLINGS: FrozenMap[str] = FrozenMap(
    env="{key}={value}",
    cache_from="--cache-from {value}",
    cache_to="--cache-to {value}",
    build_args="--build-arg {key}={value}",
)


@attrs.frozen(kw_only=True)
class Origin:
    """Where one value of a plan comes from: a rule, and the key path of the text behind it.

    `field` is the field of the plan, and `key` the position or the name of the value in it:
    `("cache_to", 0)` is the first export, `("build_args", "BUILDKIT_INLINE_CACHE")` an argument.
    """

    field: PlanField
    key: int | str
    rule: str
    path: KeyPath


@attrs.frozen(kw_only=True)
class Why:
    """The rule and the location behind one argument of a plan, whose secrets are masked."""

    part: str
    rule: str
    location: Location


def _text(value: object, field: attrs.Attribute[Any]) -> str:
    return read_string(value, (field.name,))


def _path(value: object, field: attrs.Attribute[Any]) -> str:
    return read_text(value, (field.name,))


def _optional(value: object, field: attrs.Attribute[Any]) -> str | None:
    return read_optional_string(value, (field.name,))


def _texts(value: object, field: attrs.Attribute[Any]) -> tuple[str, ...]:
    return read_list(value, (field.name,))


def _boolean(value: object, field: attrs.Attribute[Any]) -> bool:
    return read_boolean(value, (field.name,))


def _sorted_pairs(value: object, field: attrs.Attribute[Any]) -> FrozenMap[str]:
    """A mapping sorted by name, so that equal plans render to equal commands."""
    pairs = read_pairs(value, (field.name,))
    names = list(pairs)
    ordered = sorted(names)
    return pairs if names == ordered else FrozenMap({name: pairs[name] for name in ordered})


def _entries(value: object, field: attrs.Attribute[Any]) -> tuple[CacheEntry, ...]:
    if isinstance(value, (list, tuple)) and all(isinstance(item, CacheEntry) for item in value):
        return tuple(value)
    return parse_entries(read_list(value, (field.name,)))


def _names(value: object, field: attrs.Attribute[Any]) -> frozenset[str]:
    names = value if isinstance(value, (frozenset, set)) else read_list(value, (field.name,))
    return frozenset(read_list(sorted(names, key=str), (field.name,)))


def _diagnostics(value: object, field: attrs.Attribute[Any]) -> tuple[Diagnostic, ...]:
    return read_diagnostics(value, (field.name,))


def _origins(value: object, field: attrs.Attribute[Any]) -> tuple[Origin, ...]:
    if isinstance(value, (list, tuple)) and all(isinstance(item, Origin) for item in value):
        return tuple(value)
    raise InvalidInput(
        Diagnostic(
            name="invalid-type",
            message=f"expected a list of origins, got {type_name(value)}",
            location=Location(path=(field.name,)),
        )
    )


# Converters that know the name of their field, for the location of an error.
_TEXT = attrs.Converter(_text, takes_field=True)
_PATH = attrs.Converter(_path, takes_field=True)
_OPTIONAL = attrs.Converter(_optional, takes_field=True)
_TEXTS = attrs.Converter(_texts, takes_field=True)
_BOOLEAN = attrs.Converter(_boolean, takes_field=True)
_PAIRS = attrs.Converter(_sorted_pairs, takes_field=True)
_ENTRIES = attrs.Converter(_entries, takes_field=True)
_NAMES = attrs.Converter(_names, takes_field=True)
_DIAGNOSTICS = attrs.Converter(_diagnostics, takes_field=True)
_ORIGINS = attrs.Converter(_origins, takes_field=True)


@attrs.frozen(kw_only=True, repr=False)
class BuildPlan:
    """Everything that a front end must be told about the build of one function.

    Mappings are sorted by name. Plans are equal when they build the same: `lang`, `handler` and
    `build_options`, which say what the context is made from, do not count, and neither do
    `diagnostics` and `origins`. Raises `InvalidInput` for a value of the wrong type.

    >>> BuildPlan(function="fn", tags=["a/fn:1"], labels={"b": "2", "a": "1"}).labels
    {'a': '1', 'b': '2'}

    Attributes:
        function: The name of the function.
        tags: The images that the build makes, each with its tag.
        context: The build context: a path relative to the root of the project, or a URL.
        build_args: Build arguments by name.
        labels: Labels of the image by name.
        secrets: The path of the file of each build secret, by the secret's id.
        platforms: The platforms to build for; empty means that of the builder.
        cache_from: The imports, in order.
        cache_to: The exports, in order.
        builder: The name of the buildx builder; `None` means the current one.
        builder_flags: Further arguments for the builder, passed as written (D2).
        env: What the command adds to its environment.
        ssh: The values of `--ssh`.
        no_cache: Whether every step is run anew (D3).
        pull: Whether the base images are pulled even if they are present.
        squash: Whether the layers of the image are squashed.
        output: `push`, `load` or a value of `--output`; `None` leaves it to the front end (F5).
        provenance: The value of `--provenance`; `None` means the builder's default.
        sbom: The value of `--sbom`; `None` means the builder's default.
        needs: The features that the builder must have (F1).
        lang: The name of the template.
        handler: The folder of the function's code.
        build_options: The build options of the template that are selected.
        diagnostics: Warnings and notes of `resolve` about this function.
        origins: The rule and the key path behind each cache argument.
    """

    function: str = attrs.field(converter=_TEXT)
    tags: tuple[str, ...] = attrs.field(converter=_TEXTS)
    context: str = attrs.field(default=".", converter=_PATH)
    build_args: FrozenMap[str] = attrs.field(default=EMPTY, converter=_PAIRS)
    labels: FrozenMap[str] = attrs.field(default=EMPTY, converter=_PAIRS)
    secrets: FrozenMap[str] = attrs.field(default=EMPTY, converter=_PAIRS)
    platforms: tuple[str, ...] = attrs.field(default=(), converter=_TEXTS)
    cache_from: tuple[CacheEntry, ...] = attrs.field(default=(), converter=_ENTRIES)
    cache_to: tuple[CacheEntry, ...] = attrs.field(default=(), converter=_ENTRIES)
    builder: str | None = attrs.field(default=None, converter=_OPTIONAL)
    builder_flags: tuple[str, ...] = attrs.field(default=(), converter=_TEXTS)
    env: FrozenMap[str] = attrs.field(default=EMPTY, converter=_PAIRS)
    ssh: tuple[str, ...] = attrs.field(default=(), converter=_TEXTS)
    no_cache: bool = attrs.field(default=False, converter=_BOOLEAN)
    pull: bool = attrs.field(default=False, converter=_BOOLEAN)
    squash: bool = attrs.field(default=False, converter=_BOOLEAN)
    output: str | None = attrs.field(default=None, converter=_OPTIONAL)
    provenance: str | None = attrs.field(default=None, converter=_OPTIONAL)
    sbom: str | None = attrs.field(default=None, converter=_OPTIONAL)
    needs: frozenset[str] = attrs.field(default=frozenset(), converter=_NAMES)
    lang: str = attrs.field(default="", converter=_TEXT, eq=False)
    handler: str = attrs.field(default="", converter=_PATH, eq=False)
    build_options: tuple[str, ...] = attrs.field(default=(), converter=_TEXTS, eq=False)
    diagnostics: tuple[Diagnostic, ...] = attrs.field(default=(), converter=_DIAGNOSTICS, eq=False)
    origins: tuple[Origin, ...] = attrs.field(default=(), converter=_ORIGINS, eq=False, repr=False)

    @property
    def caching(self) -> bool:
        """Whether caching is enabled for this function (A2)."""
        return BUILDKIT in self.needs

    @property
    def why(self) -> tuple[Why, ...]:
        """The rule and the location behind each cache argument, in the order of the plan."""
        return tuple(self._reasons())

    def entries(self) -> Iterator[tuple[Direction, CacheEntry, KeyPath]]:
        """Every cache entry with its direction and the key path behind it, imports first."""
        paths = {(origin.field, origin.key): origin.path for origin in self.origins}
        top: KeyPath = ("functions", self.function)
        for i, entry in enumerate(self.cache_from):
            yield "from", entry, paths.get(("cache_from", i), top)
        for i, entry in enumerate(self.cache_to):
            yield "to", entry, paths.get(("cache_to", i), top)

    def _reasons(self) -> Iterator[Why]:
        for origin in self.origins:
            values: Any = getattr(self, origin.field)
            if not isinstance(values, Mapping):
                values = dict(enumerate(values))
            if origin.key in values:  # a changed copy of the plan may have lost it
                spelling = _SPELLINGS[origin.field]
                part = spelling.format(key=origin.key, value=values[origin.key])
                yield Why(part=masked(part), rule=origin.rule, location=Location(path=origin.path))

    __repr__ = shown_fields
