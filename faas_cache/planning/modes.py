"""Rules B5, D6 and D7: a mode with its options, and the tags at which `max` keeps its cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from faas_cache.model.converters import Setting
from faas_cache.model.diagnostics import KeyPath, nearest
from faas_cache.model.faults import FaultCollector
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.go import format_scalar
from faas_cache.model.masking import masked
from faas_cache.model.references import Reference
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.faults import parse_reference
from faas_cache.planning.image_rules import CACHE_TAG, cut_tag, sanitize_scope

__all__ = ["MODES", "OPTIONS", "Mode", "cache_references", "read_mode"]

MODES = ("inline", "max", "none")
_CACHING_MODES = ("inline", "max")
OPTIONS = ("mode", "scope", "fallback_scopes", "repository")
_SIDES = ("from", "to")
_MAX_SHOWN = 60

_Scope = tuple[KeyPath, str]


class Mode(NamedTuple):
    """A mode that caches, with its options."""

    name: str
    scope: _Scope | None = None
    fallback_scopes: tuple[_Scope, ...] = ()
    repository: Reference | None = None


def read_mode(setting: Setting, path: KeyPath, faults: FaultCollector) -> Mode | None:
    """The mode that a setting names; `None` where it names none, or with its faults reported."""
    if isinstance(setting, FrozenMap):
        return _read_mapping(setting, path, faults)
    if isinstance(setting, str) and setting in _CACHING_MODES:
        return Mode(setting)
    return None


def _read_mapping(
    setting: FrozenMap[Setting], path: KeyPath, faults: FaultCollector
) -> Mode | None:
    """B5: the mapping with `mode`; it is read to its end, so that all its faults are reported."""
    for key in setting:
        _check_key(key, path, faults)
    name = _mode_name(setting["mode"], (*path, "mode"), faults)
    if name == "inline":
        for key in OPTIONS[1:]:
            if key in setting:
                message = f"`{key}` has no effect on `inline`, whose cache is in the image itself"
                hint = "write `mode: max`, or remove it"
                faults.report("invalid-setting", message, (*path, key), hint, rule="B5")
        return Mode(name)
    scopes = list(_scopes(setting, "scope", path, faults))
    fallback_scopes = tuple(_scopes(setting, "fallback_scopes", path, faults))
    repository = _repository(setting, (*path, "repository"), faults)
    if name is None or (repository is None and "repository" in setting):
        return None
    return Mode(name, scopes[0] if scopes else None, fallback_scopes, repository)


def _check_key(key: str, path: KeyPath, faults: FaultCollector) -> None:
    if key in _SIDES:
        message = f"`mode` conflicts with `{key}`"
        hint = "remove one of them: the mode says what is imported and exported"
        faults.report("invalid-setting", message, (*path, key), hint, rule="B5")
    elif key not in OPTIONS:
        faults.report(
            "unknown-setting-key",
            f"unknown key `{masked(key)[:_MAX_SHOWN]}` in `build_cache`",
            (*path, key),
            nearest(key, OPTIONS)
            or "remove it: the keys are `mode`, `scope`, `fallback_scopes` and `repository`",
            rule="B5",
        )


def _mode_name(value: Setting, path: KeyPath, faults: FaultCollector) -> str | None:
    """The name of the mode, `inline` or `max`."""
    if isinstance(value, str) and value in _CACHING_MODES:
        return value
    word = "null" if value is None else _scalar(value)
    if word is None:
        message, hint = "expected `inline` or `max`, got a list or a mapping", ""
    elif word == "none":
        message, hint = "`mode: none` has no options", "write `build_cache: none`"
    else:
        message = f"expected `inline` or `max`, got `{masked(word)[:_MAX_SHOWN]}`"
        hint = nearest(word, _CACHING_MODES)
    faults.report("invalid-setting", message, path, hint or "write `mode: max`", rule="B5")
    return None


def _scalar(value: Setting) -> str | None:
    """The text of a value as the stack file spells it; `None` for a list or a mapping."""
    return None if isinstance(value, (tuple, FrozenMap)) or value is None else format_scalar(value)


def _scopes(
    setting: FrozenMap[Setting], key: str, path: KeyPath, faults: FaultCollector
) -> Iterator[_Scope]:
    """The scopes of an option with their key paths: one, or for the fallback scopes a list."""
    path = (*path, key)
    value = setting.get(key, ())
    if value is None:  # C12: usually an unset variable
        message = f"`{key}` is null, probably because of an unset variable"
        faults.report("empty-entry", message, path, f"add a value, or remove `{key}`")
        return
    if isinstance(value, tuple) and key in setting and key != "fallback_scopes":
        message, hint = "expected a string, got a list", "write one scope"
        faults.report("invalid-type", message, path, hint)
        return
    items = value if isinstance(value, tuple) else (value,)
    for i, item in enumerate(items):
        item_path = (*path, i) if isinstance(value, tuple) else path
        text = _scalar(item)
        if text is None:
            message, hint = "expected a string", "write the name of a scope"
            faults.report("invalid-type", message, item_path, hint)
        else:
            yield item_path, text


def _repository(
    setting: FrozenMap[Setting], path: KeyPath, faults: FaultCollector
) -> Reference | None:
    """The repository of the cache: a name without tag and digest."""
    if "repository" not in setting:
        return None
    text = _scalar(setting["repository"])
    if not text:
        message = "`repository` is empty, probably because of an unset variable"
        hint = "write `repository: REGISTRY/NAME`, or remove it"
        faults.report("empty-entry", message, path, hint)
        return None
    ref = parse_reference(text, path, faults)
    if ref is not None and (ref.tag is not None or ref.digest is not None):
        message = f"the repository `{masked(text)[:_MAX_SHOWN]}` has a tag or a digest"
        hint = f"write `repository: {masked(ref.name)}`: each function gets a tag of its own"
        faults.report("invalid-setting", message, path, hint, rule="B5")
        return None
    return ref


def cache_references(
    spec: FunctionSpec,
    flags: CacheFlags,
    mode: Mode,
    image: Reference | None,
    faults: FaultCollector,
) -> tuple[tuple[str, ...], list[Reference]]:
    """B2, B5, D6: the scopes of `max`, and the references that it imports; it exports the first."""
    # D6: the flags replace the options of the setting.
    scope = (flags.path("scope"), flags.scope) if flags.scope is not None else mode.scope
    fallback_scopes = mode.fallback_scopes
    if flags.fallback_scopes:
        path = flags.path("fallback_scopes")
        fallback_scopes = tuple(((*path, i), text) for i, text in enumerate(flags.fallback_scopes))
    own = [] if scope is None else [_with_platforms(spec, *scope, faults)]
    fallbacks = [_with_platforms(spec, *item, faults) for item in fallback_scopes]
    if any(text is None for text in (*own, *fallbacks)):
        return (), []
    texts = [text for text in (*own, *fallbacks) if text is not None]
    tags = [_tag(spec, mode, text) for text in ([] if own else [""]) + texts]
    name = image if mode.repository is None else mode.repository
    refs: list[Reference] = []
    if name is not None:
        for tag in dict.fromkeys(tags):
            with faults.catch("functions", spec.name):
                refs.append(name.with_tag(tag))
    return (tuple(texts) if own else ()), refs


def _with_platforms(
    spec: FunctionSpec, path: KeyPath, scope: str, faults: FaultCollector
) -> str | None:
    """D7: the scope with `{platform}` replaced by the platforms of the function, of either kind."""
    if not scope:
        hint = "name the scope, or remove it"
        faults.report("invalid-scope", "the cache scope is empty", path, hint)
        return None
    platforms = spec.target_platforms or spec.platforms
    if "{platform}" in scope and not platforms:
        faults.report(
            "scope-without-platforms",
            "the scope contains `{platform}`, and the build has no platforms",
            path,
            "add `--platforms`, or remove `{platform}` from the scope",
        )
        return None
    joined = "_".join(platform.replace("/", "-") for platform in platforms)
    return scope.replace("{platform}", joined)


def _tag(spec: FunctionSpec, mode: Mode, scope: str) -> str:
    """The tag of the cache with a scope; without one, the scope is empty."""
    suffix = f"-{sanitize_scope(scope)}" if scope else ""
    if mode.repository is None:
        return f"{CACHE_TAG}{suffix}"
    # B5: in a repository of its own, the cache of each function has a tag.
    return cut_tag(f"{sanitize_scope(spec.cache_name or spec.name)}.{CACHE_TAG}{suffix}")
