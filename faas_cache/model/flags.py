"""`CacheFlags`: what flags and environment variables say about caching, for all functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict, Unpack

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
from faas_cache.model.masking import shown_fields

__all__ = ["VARIABLES", "CacheFlagValues", "CacheFlags"]


class CacheFlagValues(TypedDict, total=False):
    """The fields of `CacheFlags` as keyword arguments; `None` means that a value is not given."""

    build_cache: SettingLike
    cache_from: TextsLike | None
    cache_to: TextsLike | None
    no_cache: bool | None
    export: bool | None
    ignore_export_errors: bool | None
    scope: TextLike | None
    fallback_scopes: TextsLike | None
    enabled: bool | None


_READERS: dict[str, Reader] = {
    "build_cache": read_setting,
    "cache_from": read_texts,
    "cache_to": read_texts,
    "no_cache": read_boolean,
    "export": read_boolean,
    "ignore_export_errors": read_boolean,
    "scope": read_optional_text,
    "fallback_scopes": read_texts,
    "enabled": read_boolean,
}


@attrs.frozen(kw_only=True, repr=False, init=False)
class CacheFlags:
    """What flags and environment variables say about caching, for all functions (rules D1 to D9).

    Raises `InvalidInput` for values of the wrong type, with the name of each field. An argument
    that is `None` is not given: the field has its default.

    Attributes:
        build_cache: A cache setting that replaces the setting of every function; `None` leaves it
            as it is.
        cache_from: Entries that replace the imports of every function.
        cache_to: Entries that replace the exports of every function.
        no_cache: Whether imports are left out; the run writes the cache anew (D3).
        export: Whether caches are exported; without, a run only reads them (D4).
        ignore_export_errors: Whether a build succeeds if its cache cannot be exported (D5).
        scope: The scope of the cache of `max` (D6); `None` means the cache without a scope.
        fallback_scopes: The scopes that `max` imports after its own (D6).
        enabled: Whether caching is possible at all; `False` disables it for every function (D1).
    """

    build_cache: Setting = None
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    no_cache: bool = False
    export: bool = True
    ignore_export_errors: bool = False
    scope: str | None = None
    fallback_scopes: tuple[str, ...] = ()
    enabled: bool = True

    def __init__(  # noqa: PLR0913  # a parameter for each field
        self,
        *,
        build_cache: SettingLike = None,
        cache_from: TextsLike | None = None,
        cache_to: TextsLike | None = None,
        no_cache: bool | None = None,
        export: bool | None = None,
        ignore_export_errors: bool | None = None,
        scope: TextLike | None = None,
        fallback_scopes: TextsLike | None = None,
        enabled: bool | None = None,
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
        return cls(**{**given, **values})

    __repr__ = shown_fields


def _read_lines(value: str, path: KeyPath) -> tuple[str, ...]:
    """The lines of a variable that are not empty."""
    return tuple(line for line in map(str.strip, read_texts(value, path)[0].split("\n")) if line)


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
    FAAS_CACHE_EXPORT=("export", _read_switch),
    FAAS_IGNORE_CACHE_ERRORS=("ignore_export_errors", _read_switch),
)
