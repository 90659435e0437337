"""`BuildPlan`: everything that a front end needs to know about the build of one function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

import attrs

from faas_cache.model.backends import Direction
from faas_cache.model.converters import (
    Reader,
    TextLike,
    read_boolean,
    read_diagnostics,
    read_fields,
    read_list,
    read_optional_string,
    read_optional_text,
    read_pairs,
    read_string,
    read_text,
)
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, type_name
from faas_cache.model.entries import CacheEntry, parse_entries
from faas_cache.model.errors import InvalidInput
from faas_cache.model.features import BUILDKIT
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked
from faas_cache.model.value import Value

__all__ = ["BuildPlan", "Origin", "PlanField", "Why", "sort_pairs"]

# The fields of a plan whose values have an origin.
PlanField: TypeAlias = Literal["env", "cache_from", "cache_to", "build_args", "variable"]

# How the value of each of these fields is written on a command line.
_SPELLINGS: FrozenMap[str] = FrozenMap(
    env="{key}={value}",
    cache_from="--cache-from {value}",
    cache_to="--cache-to {value}",
    build_args="--build-arg {key}={value}",
)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Origin(Value):
    """Where one value of a plan comes from: a rule, and the key path of the text behind it.

    `field` is the field of the plan, and `key` the position or the name of the value in it:
    `("cache_to", 0)` is the first export, `("build_args", "BUILDKIT_INLINE_CACHE")` an argument.
    `variable` is not a field: its key is an environment variable that changed the plan (D9).
    """

    field: PlanField
    key: int | str
    rule: str
    path: KeyPath


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Why(Value):
    """The rule and the location behind one argument of a plan, whose secrets are masked."""

    part: str
    rule: str
    location: Location


def sort_pairs(pairs: FrozenMap[str]) -> FrozenMap[str]:
    """A mapping sorted by name, so that equal plans render to equal commands."""
    names = sorted(pairs)
    return pairs if list(pairs) == names else FrozenMap({name: pairs[name] for name in names})


def _read_sorted_pairs(value: object, path: KeyPath) -> FrozenMap[str]:
    return sort_pairs(read_pairs(value, path))


def _read_entries(value: object, path: KeyPath) -> tuple[CacheEntry, ...]:
    if isinstance(value, (list, tuple)) and all(isinstance(item, CacheEntry) for item in value):
        return tuple(value)
    return parse_entries(read_list(value, path))


def _read_names(value: object, path: KeyPath) -> frozenset[str]:
    names = sorted(value, key=str) if isinstance(value, (frozenset, set)) else value
    return frozenset(read_list(names, path))


def _read_origins(value: object, path: KeyPath) -> tuple[Origin, ...]:
    if isinstance(value, (list, tuple)) and all(isinstance(item, Origin) for item in value):
        return tuple(value)
    raise InvalidInput(
        Diagnostic(
            name="invalid-type",
            message=f"expected a list of origins, got {type_name(value)}",
            location=Location(path=path),
        )
    )


_READERS: dict[str, Reader] = {
    "function": read_string,
    "tags": read_list,
    "context": read_text,
    "build_args": _read_sorted_pairs,
    "labels": _read_sorted_pairs,
    "secrets": _read_sorted_pairs,
    "platforms": read_list,
    "cache_from": _read_entries,
    "cache_to": _read_entries,
    "builder": read_optional_string,
    "address": read_optional_string,
    "builder_flags": read_list,
    "env": _read_sorted_pairs,
    "ssh": read_list,
    "no_cache": read_boolean,
    "pull": read_boolean,
    "squash": read_boolean,
    "output": read_optional_text,
    "provenance": read_optional_text,
    "sbom": read_optional_text,
    "needs": _read_names,
    "lang": read_string,
    "handler": read_text,
    "build_options": read_list,
    "scopes": read_list,
    "diagnostics": read_diagnostics,
    "origins": _read_origins,
}


@attrs.frozen(kw_only=True, eq=False, repr=False, init=False)
class BuildPlan(Value):
    """Everything that a front end needs to know about the build of one function.

    Mappings are sorted by name. Plans are equal when they build the same: `lang`, `handler` and
    `build_options`, which say what the context is made from, do not count, and neither do
    `scopes`, `diagnostics` and `origins`. Raises `InvalidInput` for a value of the wrong type.

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
        address: The address of a BuildKit daemon that is used without docker; `None` means none.
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
        scopes: The scope of the cache of `max`, then its fallback scopes; empty without a scope
            (D6).
        diagnostics: Warnings and notes of `resolve` about this function.
        origins: The rule and the key path behind each cache argument.
    """

    function: str
    tags: tuple[str, ...]
    context: str = "."
    build_args: FrozenMap[str] = EMPTY
    labels: FrozenMap[str] = EMPTY
    secrets: FrozenMap[str] = EMPTY
    platforms: tuple[str, ...] = ()
    cache_from: tuple[CacheEntry, ...] = ()
    cache_to: tuple[CacheEntry, ...] = ()
    builder: str | None = None
    address: str | None = None
    builder_flags: tuple[str, ...] = ()
    env: FrozenMap[str] = EMPTY
    ssh: tuple[str, ...] = ()
    no_cache: bool = False
    pull: bool = False
    squash: bool = False
    output: str | None = None
    provenance: str | None = None
    sbom: str | None = None
    needs: frozenset[str] = frozenset()
    lang: str = attrs.field(default="", eq=False)
    handler: str = attrs.field(default="", eq=False)
    build_options: tuple[str, ...] = attrs.field(default=(), eq=False)
    scopes: tuple[str, ...] = attrs.field(default=(), eq=False)
    diagnostics: tuple[Diagnostic, ...] = attrs.field(default=(), eq=False)
    origins: tuple[Origin, ...] = attrs.field(default=(), eq=False, repr=False)

    def __init__(  # noqa: PLR0913  # a parameter for each field
        self,
        *,
        function: str,
        tags: Iterable[TextLike],
        context: TextLike = ".",
        build_args: Mapping[str, TextLike | None] = EMPTY,
        labels: Mapping[str, TextLike | None] = EMPTY,
        secrets: Mapping[str, TextLike] = EMPTY,
        platforms: Iterable[TextLike] = (),
        cache_from: Iterable[TextLike] = (),
        cache_to: Iterable[TextLike] = (),
        builder: str | None = None,
        address: str | None = None,
        builder_flags: Iterable[TextLike] = (),
        env: Mapping[str, TextLike | None] = EMPTY,
        ssh: Iterable[TextLike] = (),
        no_cache: bool = False,
        pull: bool = False,
        squash: bool = False,
        output: TextLike | None = None,
        provenance: str | bool | None = None,
        sbom: str | bool | None = None,
        needs: Iterable[str] = (),
        lang: str = "",
        handler: TextLike = "",
        build_options: Iterable[TextLike] = (),
        scopes: Iterable[TextLike] = (),
        diagnostics: Iterable[Diagnostic] = (),
        origins: Iterable[Origin] = (),
    ) -> None:
        values = {
            name: value
            for name, value in locals().items()
            # A default needs no conversion, and most fields of most plans have theirs.
            if name in _READERS and value is not _DEFAULTS[name]
        }
        self.__attrs_init__(**read_fields(values, _READERS))

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
            if origin.field == "variable":
                location = Location(path=origin.path)
                yield Why(part=str(origin.key), rule=origin.rule, location=location)
                continue
            values: Any = getattr(self, origin.field)
            if not isinstance(values, Mapping):
                values = dict(enumerate(values))
            if origin.key in values:  # a changed copy of the plan may have lost it
                spelling = _SPELLINGS[origin.field]
                part = spelling.format(key=origin.key, value=values[origin.key])
                yield Why(part=masked(part), rule=origin.rule, location=Location(path=origin.path))


_DEFAULTS: dict[str, object] = {field.name: field.default for field in attrs.fields(BuildPlan)}
