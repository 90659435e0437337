"""`CacheFlags`: what the command line says about caching, for every function of a run."""

from __future__ import annotations

import attrs

from faas_cache.model.masking import shown_fields
from faas_cache.model.specs import Setting, read_setting, read_texts


def _build_cache_flag(value: object) -> Setting:
    return read_setting(value, ("--build-cache",))


def _from_flag(value: object) -> tuple[str, ...]:
    return read_texts(value, ("--cache-from",))


def _to_flag(value: object) -> tuple[str, ...]:
    return read_texts(value, ("--cache-to",))


def _builder_flag(value: object) -> tuple[str, ...]:
    return read_texts(value, ("--builder-flag",))


def _fallback_flag(value: object) -> tuple[str, ...]:
    return read_texts(value, ("--cache-scope-fallback",))


@attrs.frozen(kw_only=True, repr=False)
class CacheFlags:
    """What the command line says about caching, for every function of a run (rules D1 to D7).

    `build_cache` replaces the whole setting, `cache_from` and `cache_to` one side of it; `builder_flags` go after the
    function's own; `no_cache` leaves the imports out, `export=False` the exports; `enabled=False` takes caching away.
    `ignore_export_errors` adds `ignore-error=true` to our exports; `scope` and `fallback_scopes` name the cache of `max`.
    Raises `InvalidFunction` for values of the wrong type.
    """

    build_cache: Setting = attrs.field(default=None, converter=_build_cache_flag)
    cache_from: tuple[str, ...] = attrs.field(default=(), converter=_from_flag)
    cache_to: tuple[str, ...] = attrs.field(default=(), converter=_to_flag)
    builder_flags: tuple[str, ...] = attrs.field(default=(), converter=_builder_flag)
    no_cache: bool = False
    export: bool = True
    ignore_export_errors: bool = False
    scope: str | None = None
    fallback_scopes: tuple[str, ...] = attrs.field(default=(), converter=_fallback_flag)
    enabled: bool = True

    __repr__ = shown_fields
