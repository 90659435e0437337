"""Rules A1, B, C1, C13, D1 and D9: every form of the setting becomes the long form.

`inline` is `{from: [IMAGE]}`, and `max` is `{from: [NAME:buildcache], to: [NAME:buildcache]}`. From
there on, one set of rules applies, and the worked cases follow from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from faas_cache.model import entries
from faas_cache.model.backends import BACKENDS
from faas_cache.model.converters import Setting
from faas_cache.model.diagnostics import KeyPath, nearest
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.faults import FaultCollector
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.go import format_scalar
from faas_cache.model.masking import masked
from faas_cache.model.references import Reference
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.modes import MODES, OPTIONS, cache_references, read_mode

__all__ = ["LongForm", "WrittenEntry", "effective_setting", "is_max", "long_form"]

_SIDES = ("from", "to")
_MAX_SHOWN = 60
# B3: words for "no caching" in other tools and in YAML 1.1.
_OFF = frozenset({"false", "off", "no"})


class WrittenEntry(NamedTuple):
    """One entry as written, and its key path; a generated one has its reference and rule."""

    value: Setting
    path: KeyPath
    ref: Reference | None = None
    rule: str = ""


class LongForm(NamedTuple):
    """The entries of both sides, and the scope and fallback scopes of the cache of `max` (D6)."""

    imports: list[WrittenEntry]
    exports: list[WrittenEntry]
    scopes: tuple[str, ...] = ()


def effective_setting(spec: FunctionSpec, flags: CacheFlags) -> tuple[Setting, KeyPath]:
    """D9: the setting that applies to a function, and its key path; `None` where none does."""
    path: KeyPath = ("functions", spec.name, "build_cache")
    setting: Setting = spec.build_cache
    # D1: `--no-build-cache` disables caching for every function.
    if not flags.enabled:
        return None, path
    # D1: the flag `--build-cache` replaces the whole setting.
    if flags.build_cache is not None:
        setting, path = flags.build_cache, flags.path("build_cache")
    # D9: the default applies to a function without a setting of its own.
    elif setting is None and spec.default_cache is not None:
        setting, path = spec.default_cache, ("configuration", "build_cache")
    # B4: `none` disables caching for the function, and yields to the cache flags.
    return (None if setting == "none" else setting), path


def is_max(setting: Setting) -> bool:
    """Whether a setting is `max`, with options or without (B5)."""
    return (setting.get("mode") if isinstance(setting, FrozenMap) else setting) == "max"


def long_form(
    spec: FunctionSpec, flags: CacheFlags, image: Reference | None, faults: FaultCollector
) -> LongForm | None:
    """The entries of both sides with their key paths, or `None` where caching is disabled (A1)."""
    setting, path = effective_setting(spec, flags)
    # A1: without a setting and without a cache flag, caching is disabled.
    replaced = flags.enabled and (flags.cache_from or flags.cache_to)
    if setting is None and not replaced:
        return None
    before = len(faults.errors)
    imports, exports, scopes = _expand(spec, flags, setting, path, image, faults)
    # D1: a flag replaces the list of its side.
    if flags.cache_from:
        imports = _flag_entries(flags.cache_from, flags.path("cache_from"))
    if flags.cache_to:
        exports = _flag_entries(flags.cache_to, flags.path("cache_to"))
        scopes = ()
    # C1: `{}` and two empty lists are errors.
    lists = isinstance(setting, FrozenMap) and "mode" not in setting
    if lists and not (imports or exports) and len(faults.errors) == before:
        hint = "remove it, or write `inline` or `max`"
        faults.report("empty-setting", "the cache setting is empty", path, hint)
    return LongForm(imports, exports, scopes)


def _flag_entries(texts: tuple[str, ...], path: KeyPath) -> list[WrittenEntry]:
    """The entries of a flag or of its variable."""
    return [WrittenEntry(text, (*path, i)) for i, text in enumerate(texts)]


def _expand(  # noqa: PLR0913  # all that a setting depends on
    spec: FunctionSpec,
    flags: CacheFlags,
    setting: Setting,
    path: KeyPath,
    image: Reference | None,
    faults: FaultCollector,
) -> LongForm:
    """The long form of a setting alone."""
    if setting is None:
        return LongForm([], [])
    if isinstance(setting, FrozenMap) and "mode" not in setting:
        return _lists(flags, setting, path, faults)
    mode = read_mode(setting, path, faults)
    if mode is None:
        if not isinstance(setting, FrozenMap):
            _report_invalid_setting(setting, path, faults)
        return LongForm([], [])
    if mode.name == "inline":  # B1: imports from the image, exports nothing else than A2 does
        imports = [] if image is None else [WrittenEntry(spec.image, path, image, "B1")]
        return LongForm(imports, [])
    # B2, B5, D6: imports and exports the tag of the cache, with a scope its tag.
    scopes, refs = cache_references(spec, flags, mode, image, faults)
    rule = "B2" if mode.repository is None else "B5"
    imports = [WrittenEntry(str(ref), path, ref, rule) for ref in refs]
    return LongForm(imports, imports[:1], scopes)


def _report_invalid_setting(setting: Setting, path: KeyPath, faults: FaultCollector) -> None:
    """B3: the setting is neither a mode nor a mapping."""
    choices = "`inline`, `max`, `none` or a mapping with `from` and `to`"
    if isinstance(setting, tuple):
        hint = "write the list under `from:`, `to:` or both"
        faults.report("invalid-setting", f"expected {choices}, got a list", path, hint)
        return
    word = format_scalar(setting)
    if word.lower() in _OFF:
        hint = "write `none` to disable caching"
    elif word.lower() in MODES:
        hint = f"write `{word.lower()}`: modes are case-sensitive"
    else:
        hint = nearest(word, MODES)
    shown = masked(word)[:_MAX_SHOWN]
    faults.report("invalid-setting", f"expected {choices}, got `{shown}`", path, hint)


def _lists(
    flags: CacheFlags, setting: FrozenMap[Setting], path: KeyPath, faults: FaultCollector
) -> LongForm:
    """C1: the mapping with `from` and `to`; a side that a flag replaces is not read (D1)."""
    for key in setting:
        if key not in _SIDES:
            faults.report(
                "unknown-setting-key",
                f"unknown key `{masked(key)[:_MAX_SHOWN]}` in `build_cache`",
                (*path, key),
                "add `mode: max`"
                if key in OPTIONS
                else nearest(key, _SIDES) or "remove it: the keys are `from` and `to`",
            )
    imports = [] if flags.cache_from else _side(setting, "from", path, faults)
    exports = [] if flags.cache_to else _side(setting, "to", path, faults)
    return LongForm(imports, exports)


def _side(
    setting: FrozenMap[Setting], key: str, path: KeyPath, faults: FaultCollector
) -> list[WrittenEntry]:
    """One list of the mapping; C1: a single string means a list of one."""
    value = setting.get(key, ())
    path = (*path, key)
    if value is None:  # C12: a null list is usually an unset variable
        message = f"`{key}` is null, probably because of an unset variable"
        faults.report("empty-entry", message, path, f"add entries, or remove `{key}`")
        return []
    items = value if isinstance(value, tuple) else (value,)
    written = [WrittenEntry(item, (*path, i)) for i, item in enumerate(items)]
    return list(_unsplit(written, faults))


def _unsplit(written: list[WrittenEntry], faults: FaultCollector) -> Iterator[WrittenEntry]:
    """C13: entries that a flow list of YAML split are errors; the others are passed on."""
    start = 0
    while start < len(written):
        first = written[start].value
        incomplete = _lacks_required_field(first)
        end = start + 1
        while end < len(written) and _is_fragment(first, written[end].value, incomplete=incomplete):
            end += 1
        if end - start == 1:
            yield written[start]
        else:
            whole = masked(",".join(str(item.value) for item in written[start:end]))
            faults.report(
                "split-entry",
                f"YAML split one entry at its commas into {end - start} items",
                written[start].path,
                f'quote it: `["{whole}"]`',
            )
        start = end


def _lacks_required_field(value: Setting) -> bool:
    """C13: whether a value is a typed entry without a field that its type requires."""
    fields = _fields(value)
    backend = BACKENDS.get(fields.get("type", ""))
    return backend is not None and any(
        field.required and name not in fields for name, field in backend.fields.items()
    )


def _is_fragment(first: Setting, value: Setting, *, incomplete: bool) -> bool:
    """C13: whether a value was a part of the entry that begins with `first`."""
    fields = _fields(value)
    if not fields or "type" in fields or not _fields(first):
        return False
    return incomplete or "ref" not in fields


def _fields(value: Setting) -> FrozenMap[str]:
    """The fields of a value that is an entry with fields; none of anything else."""
    if not isinstance(value, str) or "=" not in value or "\n" in entries.without_newline(value):
        return EMPTY
    try:
        return entries.parse_fields(value)
    except FaasCacheError:  # reported when the entry is read
        return EMPTY
