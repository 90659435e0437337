"""`resolve`: a function's spec and the cache flags in, a `BuildPlan` or every fault out.

The rules of a build are applied here in order; each other module of this package holds a part of
them. The numbers in the comments are those of the `build_cache` rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from faas_cache.model.backends import BACKENDS
from faas_cache.model.converters import read_attestation
from faas_cache.model.diagnostics import KeyPath
from faas_cache.model.errors import InvalidFunction
from faas_cache.model.faults import FaultCollector
from faas_cache.model.features import (
    BUILDKIT,
    BUILDX,
    CACHE_EXPORT,
    MULTI_PLATFORM,
    MULTIPLE_EXPORTS,
)
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.entry_rules import PlannedEntry, plan_entries
from faas_cache.planning.exports import (
    INLINE_CACHE,
    add_inline_cache,
    check_exports,
    pushes_image,
    sets_output,
)
from faas_cache.planning.image_rules import build_tags, function_image, with_default_tag
from faas_cache.planning.plan import BuildPlan, Origin, sort_pairs
from faas_cache.planning.settings import effective_setting, long_form

__all__ = ["BUILDKIT_ENABLED", "resolve"]

_NO_FLAGS = CacheFlags()
BUILDKIT_ENABLED: FrozenMap[str] = FrozenMap(DOCKER_BUILDKIT="1")
_BUILDER_FLAG = "--builder="


def resolve(spec: FunctionSpec, flags: CacheFlags = _NO_FLAGS) -> BuildPlan:
    """The plan of one function; raises `InvalidFunction` with every fault of that function.

    It reads nothing from the machine: the same arguments give the same plan.

    >>> plan = resolve(FunctionSpec(name="fn", image="ghcr.io/a/fn", build_cache="max"))
    >>> str(plan.cache_to[0])
    'type=registry,ref=ghcr.io/a/fn:buildcache,mode=max'
    """
    plan = _resolve(spec, flags)
    changing = [name for name in flags.variables if _changes(name, spec, flags, plan)]
    if not changing:
        return plan
    # D9: each environment variable that changed the plan is one of its reasons.
    variables = (Origin(field="variable", key=v, rule="D9", path=(v,)) for v in changing)
    return attrs.evolve(plan, origins=(*plan.origins, *variables))


def _changes(variable: str, spec: FunctionSpec, flags: CacheFlags, plan: BuildPlan) -> bool:
    """Whether the plan would be another one without an environment variable."""
    try:
        return _resolve(spec, flags.without(variable)) != plan
    except InvalidFunction:
        return True


def _resolve(spec: FunctionSpec, flags: CacheFlags) -> BuildPlan:
    """The plan, without the variables behind it."""
    faults = FaultCollector()
    export = _decided_export(flags, faults)
    image = function_image(spec, faults)
    tags = build_tags(spec, image, faults)
    builder, builder_flags = _builder_flags(spec, faults)
    platforms, complete = _platforms(spec)
    written = long_form(spec, flags, image, faults)
    imports: list[PlannedEntry] = []
    exports: list[PlannedEntry] = []
    build_args, inline = spec.build_args, False
    caching = written is not None
    if written is not None:
        exported = export and complete  # D11: one platform would replace the cache of several.
        if flags.export is not exported:
            flags = attrs.evolve(flags, export=exported)
        imports, exports = plan_entries(written, flags, faults)
        check_exports(spec, exports, tags, faults)
        build_args, inline = add_inline_cache(spec, exports, faults, export=exported)
    if not complete:
        _report_platforms(spec, faults, caching=caching and export)
    if spec.provenance or spec.sbom:
        top = ("functions", spec.name)
        faults.convert(read_attestation, spec.provenance, (*top, "provenance"))
        faults.convert(read_attestation, spec.sbom, (*top, "sbom"))
    faults.raise_errors(InvalidFunction)
    # A1: secrets and SSH need BuildKit without caching too. A2: caching enables it.
    buildkit = caching or bool(spec.build_secrets or spec.ssh)
    plan = BuildPlan.__new__(BuildPlan)  # every value has its type: none is converted again
    plan.__attrs_init__(
        function=spec.name,
        tags=tuple(map(with_default_tag, tags)),
        context=spec.context_path,
        build_args=sort_pairs(build_args),
        labels=sort_pairs(spec.build_labels),
        secrets=sort_pairs(spec.build_secrets),
        platforms=platforms,
        cache_from=tuple(item.entry for item in imports),
        cache_to=tuple(item.entry for item in exports),
        builder=builder,
        builder_flags=builder_flags,
        env=BUILDKIT_ENABLED if buildkit else EMPTY,
        ssh=spec.ssh,
        no_cache=flags.no_cache,
        pull=spec.pull,
        squash=spec.squash,
        output=spec.output,
        provenance=spec.provenance,
        sbom=spec.sbom,
        lang=spec.lang,
        handler=spec.handler,
        build_options=spec.build_options,
        scopes=() if written is None else written.scopes,
        needs=frozenset(_needs(spec, platforms, imports, exports, inline=inline, caching=caching)),
        diagnostics=tuple(faults.diagnostics),
        origins=tuple(_origins(spec, flags, build_args, imports, exports)) if caching else (),
    )
    return plan


def _decided_export(flags: CacheFlags, faults: FaultCollector) -> bool:
    """D10: whether caches are exported; the caller replaces `auto` by what the environment says."""
    if flags.export == "auto":
        message = "`auto` depends on the environment, which is not read here"
        hint = "call `resolve_export` first"
        faults.report("invalid-argument", message, flags.path("export"), hint)
        return False
    return flags.export


def _platforms(spec: FunctionSpec) -> tuple[tuple[str, ...], bool]:
    """D11: the platforms to build for, and whether they are all that the function has."""
    if spec.target_platforms or not spec.platforms:
        return spec.target_platforms, True
    if pushes_image(spec.output, spec.builder_flags):
        return spec.platforms, True
    return (), False


def _report_platforms(spec: FunctionSpec, faults: FaultCollector, *, caching: bool) -> None:
    """D11: the note about platforms that are left out, and exports with them."""
    if caching:
        message = "`platforms` and cache exports are ignored, because the image is not pushed"
    else:
        message = "`platforms` is ignored, because the image is not pushed"
    path: KeyPath = ("functions", spec.name, "platforms")
    hint = f"add `--push`, or `--platforms {masked(','.join(spec.platforms))}`"
    faults.report("unused-platforms", message, path, hint, severity="note")


def _builder_flags(
    spec: FunctionSpec, faults: FaultCollector
) -> tuple[str | None, tuple[str, ...]]:
    """D2: each item is one argument; the builder that one of them names is a part of the plan."""
    for i, flag in enumerate(spec.builder_flags):
        if not flag.startswith("-"):
            shown = masked(flag)
            faults.report(
                "invalid-builder-flag",
                f"the builder flag `{shown}` does not start with a dash",
                ("functions", spec.name, "builder_flags", i),
                f"write a flag and its value as one item: `--FLAG={shown}`",
            )
    names = [
        flag.removeprefix(_BUILDER_FLAG)
        for flag in spec.builder_flags
        if flag.startswith(_BUILDER_FLAG)
    ]
    if not names:
        return spec.builder, spec.builder_flags
    others = (flag for flag in spec.builder_flags if not flag.startswith(_BUILDER_FLAG))
    return spec.builder or names[-1], tuple(others)


def _needs(  # noqa: PLR0913  # all that a build needs features for
    spec: FunctionSpec,
    platforms: tuple[str, ...],
    imports: Iterable[PlannedEntry],
    exports: list[PlannedEntry],
    *,
    inline: bool,
    caching: bool,
) -> Iterator[str]:
    """F1: the features that the builder must have."""
    # F5: an image for several platforms that is not pushed must be stored, which few builders can.
    stored = spec.output in (None, "load") and not any(map(sets_output, spec.builder_flags))
    if stored and len(platforms) > 1:
        yield MULTI_PLATFORM
    if not caching:
        return
    yield BUILDKIT
    if inline:
        yield "inline"
    entries = [item.entry for item in (*imports, *exports)]
    yield from {entry.type for entry in entries} & BACKENDS.keys()
    # C2: only bare references, without an export, work without buildx.
    if exports or not all(entry.bare for entry in entries):
        yield BUILDX
    if any(item.entry.type != "inline" for item in exports):
        yield CACHE_EXPORT
    # F1: the inline export of A2 counts.
    if len(exports) + inline > 1:
        yield MULTIPLE_EXPORTS


def _origins(
    spec: FunctionSpec,
    flags: CacheFlags,
    build_args: FrozenMap[str],
    imports: Iterable[PlannedEntry],
    exports: Iterable[PlannedEntry],
) -> Iterator[Origin]:
    """The rule and the key path behind each cache argument."""
    top: KeyPath = ("functions", spec.name)
    value, setting = effective_setting(spec, flags)
    if value is None:  # D1: a cache flag alone enables caching
        setting = flags.path("cache_from" if flags.cache_from else "cache_to")
    yield Origin(field="env", key="DOCKER_BUILDKIT", rule="A2", path=setting)
    for i, item in enumerate(imports):
        yield Origin(field="cache_from", key=i, rule=item.rule, path=item.path)
    for i, item in enumerate(exports):
        yield Origin(field="cache_to", key=i, rule=item.rule, path=item.path)
    if INLINE_CACHE in spec.build_args:
        path = (*top, "build_args", INLINE_CACHE)
        yield Origin(field="build_args", key=INLINE_CACHE, rule="A3", path=path)
    elif INLINE_CACHE in build_args:
        yield Origin(field="build_args", key=INLINE_CACHE, rule="A2", path=setting)
