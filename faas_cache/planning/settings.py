"""Rules A1, B, C1, C13, D1, D6 and D7: every form of the setting becomes the long form.

`inline` is `{from: [IMAGE]}`, and `max` is `{from: [NAME:buildcache], to: [NAME:buildcache]}`. From
there on, one set of rules applies, and the worked cases follow from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from faas_cache.model import entries
from faas_cache.model.backends import BACKENDS
from faas_cache.model.diagnostics import KeyPath, nearest
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.faults import FaultCollector
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.go import format_scalar
from faas_cache.model.masking import masked
from faas_cache.model.references import Reference
from faas_cache.model.specs import FunctionSpec, Setting
from faas_cache.planning.image_rules import CACHE_TAG, sanitize_scope

__all__ = ["LongForm", "WrittenEntry", "long_form"]

MODES = ("inline", "max", "none")
_SIDES = ("from", "to")
_MAX_SHOWN = 60
# B3: words for "no caching" in other tools and in YAML 1.1.
_OFF = frozenset({"false", "off", "no"})


class WrittenEntry(NamedTuple):
    """One entry as written and its key path; one that a mode generates has its reference and rule."""

    value: Setting
    path: KeyPath
    ref: Reference | None = None
    rule: str = ""


class LongForm(NamedTuple):
    """The entries of both sides."""

    imports: list[WrittenEntry]
    exports: list[WrittenEntry]


def long_form(
    spec: FunctionSpec, flags: CacheFlags, image: Reference | None, faults: FaultCollector
) -> LongForm | None:
    """The entries of both sides with their key paths, or `None` where caching is disabled (A1)."""
    # D1: `--no-build-cache` disables caching for every function.
    if not flags.enabled:
        return None
    # D1: the flag `--build-cache` replaces the whole setting.
    setting: Setting = spec.build_cache
    path: KeyPath = ("functions", spec.name, "build_cache")
    if flags.build_cache is not None:
        setting, path = flags.build_cache, ("--build-cache",)
    # B4: `none` disables caching for the function, and yields to the cache flags.
    if setting == "none":
        setting = None
    # A1: without a setting and without a cache flag, caching is disabled.
    if setting is None and not flags.cache_from and not flags.cache_to:
        return None
    before = len(faults.errors)
    imports, exports = _expand(spec, flags, setting, path, image, faults)
    # D1: a flag replaces the list of its side.
    if flags.cache_from:
        imports = [
            WrittenEntry(text, ("--cache-from", i)) for i, text in enumerate(flags.cache_from)
        ]
    if flags.cache_to:
        exports = [WrittenEntry(text, ("--cache-to", i)) for i, text in enumerate(flags.cache_to)]
    # C1: `{}` and two empty lists are errors.
    if (
        isinstance(setting, FrozenMap)
        and not (imports or exports)
        and len(faults.errors) == before
    ):
        hint = "remove it, or write `inline` or `max`"
        faults.report("empty-setting", "the cache setting is empty", path, hint)
    return LongForm(imports, exports)


def _expand(  # the parts of a function's resolution
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
    if isinstance(setting, FrozenMap):
        _check_scope(flags, path, faults)
        return _lists(flags, setting, path, faults)
    if setting == "inline":  # B1: imports from the image, exports nothing else than A2 does
        _check_scope(flags, path, faults)
        imports = [] if image is None else [WrittenEntry(spec.image, path, image, "B1")]
        return LongForm(imports, [])
    if setting == "max":  # B2: imports and exports the tag of the cache; D6: with a scope, its tag
        if image is None:
            return LongForm([], [])
        refs = [image.with_tag(tag) for tag in _cache_tags(spec, flags, faults)]
        imports = [WrittenEntry(str(ref), path, ref, "B2") for ref in refs]
        return LongForm(imports, imports[:1])
    _report_invalid_setting(setting, path, faults)
    return LongForm([], [])


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
    """C1: the mapping with the keys `from` and `to`; a side that a flag replaces is not read (D1)."""
    for key in setting:
        if key not in _SIDES:
            faults.report(
                "unknown-setting-key",
                f"unknown key `{masked(key)[:_MAX_SHOWN]}` in `build_cache`",
                (*path, key),
                nearest(key, _SIDES) or "remove it: the keys are `from` and `to`",
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
        while end < len(written) and _is_fragment(
            first, written[end].value, incomplete=incomplete
        ):
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


def _cache_tags(spec: FunctionSpec, flags: CacheFlags, faults: FaultCollector) -> list[str]:
    """D6: the tags that `max` imports, in order; it exports to the first."""
    scopes: list[tuple[KeyPath, str]] = []
    if flags.scope is not None:
        scopes.append((("--cache-scope",), flags.scope))
    scopes += [
        (("--cache-scope-fallback", i), scope) for i, scope in enumerate(flags.fallback_scopes)
    ]
    tags = [CACHE_TAG] if flags.scope is None else []
    platforms = spec.target_platforms or spec.platforms
    # D7: `{platform}` stands for the platforms of the plan.
    platform = "_".join(platform.replace("/", "-") for platform in platforms)
    for path, scope in scopes:
        if not scope:
            hint = "name the scope, or remove the flag"
            faults.report("invalid-scope", "the cache scope is empty", path, hint)
        elif "{platform}" in scope and not platforms:
            faults.report(
                "scope-without-platforms",
                "the scope contains `{platform}`, and the build has no platforms",
                path,
                "add `--platforms`, or remove `{platform}` from the scope",
            )
        else:
            tags.append(f"{CACHE_TAG}-{sanitize_scope(scope.replace('{platform}', platform))}")
    return list(dict.fromkeys(tags)) or [CACHE_TAG]


def _check_scope(flags: CacheFlags, path: KeyPath, faults: FaultCollector) -> None:
    """D6: a scope does not reach functions with another setting than `max`."""
    if flags.scope is not None:
        faults.report(
            "unused-scope",
            "the cache scope has no effect here, because it only changes the tag of `max`",
            path,
            "write `build_cache: max`, or put the scope into the entries",
            severity="warning",
        )
