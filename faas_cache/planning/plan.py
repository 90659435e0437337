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
    """The reason for one argument of a plan: the argument with its secrets masked, the rule and the location."""

    part: str
    rule: str
    location: Location


def _text(value: object, field: attrs.Attribute[Any]) -> str:
    return read_string(value, (field.name,))


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


def _field(convert: Any, default: Any = attrs.NOTHING, **options: Any) -> Any:  # noqa: ANN401  # what attrs.field accepts and returns
    """A field whose converter knows its name, for the location of an error."""
    return attrs.field(
        default=default, converter=attrs.Converter(convert, takes_field=True), **options
    )


@attrs.frozen(kw_only=True, repr=False)
class BuildPlan:
    """Everything that a front end must be told about the build of one function.

    Mappings are sorted by name. Plans are equal when they build the same: `lang`, `handler` and
    `build_options`, which say what the context is made from, do not count, and neither do
    `diagnostics` and `origins`. Raises `InvalidInput` for a value of the wrong type.

    >>> BuildPlan(function="fn", tags=["a/fn:1"], labels={"b": "2", "a": "1"}).labels
    {'a': '1', 'b': '2'}
    """

    function: str = _field(_text)
    # The images that the build makes, each with its tag.
    tags: tuple[str, ...] = _field(_texts)
    # The build context, relative to the root of the project; a URL is passed as it is.
    context: str = _field(_text, ".")
    build_args: FrozenMap[str] = _field(_sorted_pairs, EMPTY)
    labels: FrozenMap[str] = _field(_sorted_pairs, EMPTY)
    # The file of each build secret by its id.
    secrets: FrozenMap[str] = _field(_sorted_pairs, EMPTY)
    platforms: tuple[str, ...] = _field(_texts, ())
    cache_from: tuple[CacheEntry, ...] = _field(_entries, ())
    cache_to: tuple[CacheEntry, ...] = _field(_entries, ())
    # The name of the buildx builder; `None` is the current one.
    builder: str | None = _field(_optional, None)
    # More arguments for the builder, each passed as written (D2).
    builder_flags: tuple[str, ...] = _field(_texts, ())
    # What the command adds to its environment.
    env: FrozenMap[str] = _field(_sorted_pairs, EMPTY)
    ssh: tuple[str, ...] = _field(_texts, ())
    no_cache: bool = _field(_boolean, default=False)
    pull: bool = _field(_boolean, default=False)
    squash: bool = _field(_boolean, default=False)
    # `push`, `load` or a value of `--output`; `None` leaves it to the front end (F5).
    output: str | None = _field(_optional, None)
    # Values of `--provenance` and `--sbom`; `None` leaves them to the builder.
    provenance: str | None = _field(_optional, None)
    sbom: str | None = _field(_optional, None)
    # The features that the builder must have (F1).
    needs: frozenset[str] = _field(_names, frozenset())
    lang: str = _field(_text, "", eq=False)
    handler: str = _field(_text, "", eq=False)
    build_options: tuple[str, ...] = _field(_texts, (), eq=False)
    # Warnings and notes of `resolve` about this function.
    diagnostics: tuple[Diagnostic, ...] = _field(_diagnostics, (), eq=False)
    # The rule and the key path behind each cache argument.
    origins: tuple[Origin, ...] = _field(_origins, (), eq=False, repr=False)

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
                yield Why(
                    part=masked(part), rule=origin.rule, location=Location(path=origin.path)
                )

    __repr__ = shown_fields
