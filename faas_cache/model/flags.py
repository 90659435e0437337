"""`CacheFlags`: the cache settings of flags and environment variables, for all functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, TypedDict, Unpack

import attrs

from faas_cache.model.converters import (
    Reader,
    Setting,
    SettingLike,
    TextLike,
    TextsLike,
    read_boolean,
    read_fields,
    read_optional_text,
    read_setting,
    read_texts,
)
from faas_cache.model.diagnostics import KeyPath
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.go import parse_bool
from faas_cache.model.value import Value

__all__ = ["VARIABLES", "CacheFlagValues", "CacheFlags", "Export"]

# Whether caches are exported; `auto` is decided by the environment (D10).
Export: TypeAlias = bool | Literal["auto"]
ExportLike: TypeAlias = bool | Literal["on", "off", "auto"]


class CacheFlagValues(TypedDict, total=False):
    """The fields of `CacheFlags` as keyword arguments; `None` means that a value is not given."""

    build_cache: SettingLike
    cache_from: TextsLike | None
    cache_to: TextsLike | None
    no_cache: bool | None
    export: ExportLike | None
    ignore_export_errors: bool | None
    scope: TextLike | None
    fallback_scopes: TextsLike | None
    enabled: bool | None
    variables: TextsLike | None


def _read_export(value: object, path: KeyPath) -> Export:
    """D10: `on`, `off`, `auto` or a boolean."""
    return "auto" if value == "auto" else read_boolean(value, path)


_READERS: dict[str, Reader] = {
    "build_cache": read_setting,
    "cache_from": read_texts,
    "cache_to": read_texts,
    "no_cache": read_boolean,
    "export": _read_export,
    "ignore_export_errors": read_boolean,
    "scope": read_optional_text,
    "fallback_scopes": read_texts,
    "enabled": read_boolean,
    "variables": read_texts,
}
# The flag of each field, for key paths.
_FLAGS: FrozenMap[str] = FrozenMap(
    build_cache="--build-cache",
    cache_from="--cache-from",
    cache_to="--cache-to",
    no_cache="--no-cache",
    export="--cache-export",
    ignore_export_errors="--ignore-cache-errors",
    scope="--cache-scope",
    fallback_scopes="--cache-scope-fallback",
    enabled="--no-build-cache",
)


@attrs.frozen(kw_only=True, eq=False, repr=False, init=False)
class CacheFlags(Value):
    """The cache settings of flags and environment variables, for all functions (rules D1 to D9).

    Raises `InvalidInput` for values of the wrong type, with the name of each field. An argument
    that is `None` is not given: the field has its default.

    Attributes:
        build_cache: A cache setting that replaces the setting of every function; `None` leaves it
            as it is.
        cache_from: Entries that replace the imports of every function.
        cache_to: Entries that replace the exports of every function.
        no_cache: Whether imports are left out; the run writes the cache anew (D3).
        export: Whether caches are exported; without, a run only reads them (D4). `auto` leaves it
            to the environment, which `resolve_export` reads (D10).
        ignore_export_errors: Whether a build succeeds if its cache cannot be exported (D5).
        scope: The scope of the cache of `max` (D6); `None` means the cache without a scope.
        fallback_scopes: The scopes that `max` imports after its own (D6).
        enabled: Whether caching is possible at all; `False` disables it for every function (D1).
        variables: The environment variables that set fields (D9). They do not count when flags are
            compared.
    """

    build_cache: Setting = None
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    no_cache: bool = False
    export: Export = True
    ignore_export_errors: bool = False
    scope: str | None = None
    fallback_scopes: tuple[str, ...] = ()
    enabled: bool = True
    variables: tuple[str, ...] = attrs.field(default=(), eq=False)

    def __init__(  # noqa: PLR0913  # a parameter for each field
        self,
        *,
        build_cache: SettingLike = None,
        cache_from: TextsLike | None = None,
        cache_to: TextsLike | None = None,
        no_cache: bool | None = None,
        export: ExportLike | None = None,
        ignore_export_errors: bool | None = None,
        scope: TextLike | None = None,
        fallback_scopes: TextsLike | None = None,
        enabled: bool | None = None,
        variables: TextsLike | None = None,
    ) -> None:
        arguments = locals()
        given = {name: arguments[name] for name in _READERS if arguments[name] is not None}
        self.__attrs_init__(**read_fields(given, _READERS))

    @classmethod
    def from_environ(
        cls, environ: Mapping[str, str], **given: Unpack[CacheFlagValues]
    ) -> CacheFlags:
        """The flags that the environment variables of `VARIABLES` set (rule D9).

        An empty variable counts as unset. What is given explicitly, and is not `None`, wins.
        Raises `InvalidInput` with the name of each variable that has an invalid value.

        >>> CacheFlags.from_environ({"FAAS_CACHE_SCOPE": "main"}, export=False).scope
        'main'
        """
        explicit = {name for name, value in given.items() if value is not None}
        variables = {
            variable: environ[variable]
            for variable, (field, _) in VARIABLES.items()
            if environ.get(variable) and field not in explicit
        }
        readers = {variable: read for variable, (_, read) in VARIABLES.items()}
        values: dict[str, Any] = {
            VARIABLES[variable][0]: value
            for variable, value in read_fields(variables, readers).items()
        }
        names = tuple(variable for variable in VARIABLES if variable in variables)
        return cls(**{**given, **values, "variables": names})

    def path(self, field: str) -> KeyPath:
        """The key path of a field: the variable that set it, else its flag (D9).

        >>> CacheFlags.from_environ({"FAAS_CACHE_SCOPE": "main"}).path("scope")
        ('FAAS_CACHE_SCOPE',)
        """
        variables = (name for name in self.variables if name in VARIABLES)
        variable = next((name for name in variables if VARIABLES[name][0] == field), None)
        return (_FLAGS[field] if variable is None else variable,)

    def without(self, variable: str) -> CacheFlags:
        """The flags as they would be if a variable were not set."""
        field = VARIABLES[variable][0]
        names = tuple(name for name in self.variables if name != variable)
        return attrs.evolve(self, variables=names, **{field: None})


def _read_lines(value: str, path: KeyPath) -> tuple[str, ...]:
    """The lines of a variable that are not empty."""
    return tuple(line for line in map(str.strip, read_texts(value, path)[0].split("\n")) if line)


def _read_export_word(value: str, path: KeyPath) -> Export:
    """`on`, `off`, `auto` or a boolean, of a variable."""
    return "auto" if value == "auto" else _read_switch(value, path)


def _read_switch(value: str, path: KeyPath) -> bool:
    """A boolean of a variable: as Go reads it, or one of the words of YAML."""
    switch = parse_bool(value)
    return read_boolean(value, path) if switch is None else switch


# D9: each variable with the field that it sets, and how its text is read.
VARIABLES: FrozenMap[tuple[str, Callable[[str, KeyPath], Any]]] = FrozenMap(
    FAAS_BUILD_CACHE=("build_cache", read_setting),
    FAAS_CACHE_FROM=("cache_from", _read_lines),
    FAAS_CACHE_TO=("cache_to", _read_lines),
    FAAS_CACHE_SCOPE=("scope", read_optional_text),
    FAAS_CACHE_SCOPE_FALLBACK=("fallback_scopes", _read_lines),
    FAAS_CACHE_EXPORT=("export", _read_export_word),
    FAAS_IGNORE_CACHE_ERRORS=("ignore_export_errors", _read_switch),
)
