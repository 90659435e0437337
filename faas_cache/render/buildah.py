"""`buildah build` and `podman build`, whose cache is one image for each step.

They import from and export to repositories, without a tag: each step is a tag of its own, named by
the digest of what it depends on. That is as good as `mode=max`, works with every registry, and is
never cleaned up. They know no other cache backend, and do not read the inline cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.entries import CacheEntry
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.go import FALSE, TRUE
from faas_cache.model.references import Reference
from faas_cache.planning.exports import INLINE_CACHE
from faas_cache.planning.plan import BuildPlan
from faas_cache.render.commands import (
    Command,
    common_arguments,
    each,
    unsupported,
)

__all__ = ["buildah_build", "buildah_push"]

_BUILDAH, _PODMAN = "buildah", "podman"
_URL = "https://github.com/containers/buildah/blob/main/docs/buildah-build.1.md"
# The values of `--output` that they accept.
_OUTPUTS = ("type=local,", "type=tar,")
# The fields of a registry entry without which nothing is lost: each step is a plain image.
_HARMLESS = frozenset({"ref", "mode", "image-manifest", "oci-mediatypes"})


def buildah_build(plan: BuildPlan, *, program: str = _BUILDAH) -> Command:
    """The plan as `buildah build`, or with `program="podman"` as `podman build`."""
    # It does not read the argument of the inline cache, and warns about unused ones.
    build_args = {key: value for key, value in plan.build_args.items() if key != INLINE_CACHE}
    imports, exports = (
        dict.fromkeys(filter(None, map(_repository, entries)))
        for entries in (_imports(plan), plan.cache_to)
    )
    # buildah ignores the cache flags without `--layers`; podman has it by default.
    layers = ("--layers",) if (imports or exports) and program == _BUILDAH else ()
    output = plan.output if _is_output(plan.output) else None
    argv = (
        *(program, "build"),
        *layers,
        *each("--platform", plan.platforms[:1]),
        *each("--output", (output,) if output else ()),
        *each("--cache-from", imports),
        *each("--cache-to", exports),
        *common_arguments(attrs.evolve(plan, build_args=build_args)),
        *(("--squash",) if plan.squash else ()),
        *plan.builder_flags,
        *each("--tag", plan.tags),
        plan.context,
    )
    return Command(
        argv=argv, function=plan.function, unsupported=tuple(_unsupported(plan, program))
    )


def buildah_push(plan: BuildPlan, *, program: str = _BUILDAH) -> tuple[Command, ...]:
    """One `buildah push` or `podman push` for each tag of the plan."""
    return tuple(
        Command(argv=(program, "push", tag), kind="push", function=plan.function)
        for tag in plan.tags
    )


def _is_output(output: str | None) -> bool:
    return output is not None and output.lower().startswith(_OUTPUTS)


def _imports(plan: BuildPlan) -> tuple[CacheEntry, ...]:
    """The imports that can hit: not those of the inline cache of an image that the plan makes."""
    return tuple(entry for entry in plan.cache_from if not _is_inline_import(entry, plan))


def _is_inline_import(entry: CacheEntry, plan: BuildPlan) -> bool:
    """Whether an entry imports what a build of this plan pushes as the image."""
    ref = _reference(entry)
    tags = {Reference.parse(tag).target for tag in plan.tags}
    return ref is not None and ref.target in tags


def _reference(entry: CacheEntry) -> Reference | None:
    if entry.type != "registry":
        return None
    try:
        return Reference.parse(entry.attrs.get("ref", ""))
    except FaasCacheError:  # reported as a warning of its own (E2)
        return None


def _repository(entry: CacheEntry) -> str:
    """The repository of a registry entry; empty for anything else."""
    ref = _reference(entry)
    return "" if ref is None else ref.name


def _unsupported(plan: BuildPlan, program: str) -> Iterator[Diagnostic]:
    """What is lost."""
    name = f"{program} build"
    yield from _lost_entries(plan, name)
    parts: list[tuple[str, str]] = []
    if len(plan.platforms) > 1:
        hint = "build for one platform at a time"
        parts.append((f"--platform {','.join(plan.platforms)}", hint))
    if plan.output not in (None, "push", "load") and not _is_output(plan.output):
        parts.append((f"--output {plan.output}", "use `type=local,dest=…` or `type=tar,dest=…`"))
    for flag, value in (("provenance", plan.provenance), ("sbom", plan.sbom)):
        if value is not None and value not in FALSE:
            parts.append((f"--{flag}={value}", "build with `docker buildx build`"))
    if plan.builder is not None:
        parts.append((f"--builder={plan.builder}", "remove the builder"))
    if plan.address is not None:
        parts.append((f"--addr {plan.address}", "add `--front-end buildctl_build`"))
    if plan.squash and program == _PODMAN and plan.caching:
        parts.append(("--squash", "use a multi-stage build instead, or `--no-build-cache`"))
    for part, hint in parts:
        yield unsupported(plan, name, part, hint, _URL)


def _lost_entries(plan: BuildPlan, name: str) -> Iterator[Diagnostic]:
    """The cache entries that cannot be passed, and notes about what others lose."""
    sides = (("--cache-from", plan.cache_from), ("--cache-to", plan.cache_to))
    for flag, entries in sides:
        for entry in entries:
            if entry.type != "registry":
                hint = "use a registry cache: `build_cache: max`"
                yield unsupported(plan, name, f"{flag} {entry}", hint, _URL)
            elif flag == "--cache-from" and _is_inline_import(entry, plan):
                hint = "use a registry cache: `build_cache: max`, in place of the inline cache"
                yield unsupported(plan, name, f"{flag} {entry}", hint, _URL)
            else:
                yield from _lost_fields(plan, name, flag, entry)
        repositories = list(dict.fromkeys(filter(None, map(_repository, entries))))
        if len(repositories) > 1:
            part = " ".join(each(flag, repositories))
            hint = "use buildah 1.39 or podman 5.4: 1.28 and 4.3 silently use only the last one"
            yield unsupported(plan, name, part, hint, _URL, severity="note")
    # A registry cache holds all steps, so nothing is lost beside one.
    if plan.build_args.get(INLINE_CACHE) in TRUE and not plan.cache_to:
        part = f"--build-arg {INLINE_CACHE}=1"
        hint = "use `build_cache: max` to export the cache"
        yield unsupported(plan, name, part, hint, _URL, severity="note")


def _lost_fields(plan: BuildPlan, name: str, flag: str, entry: CacheEntry) -> Iterator[Diagnostic]:
    """Notes about the tag and the fields of an entry that are left out."""
    ref = _reference(entry)
    if ref is not None and (ref.tag or ref.digest):
        hint = f"expect the steps as tags of `{ref.name}`, which are never removed"
        yield unsupported(plan, name, f"{flag} {ref}", hint, _URL, severity="note")
    for field in _lost(entry.attrs.items()):
        hint = f"remove `{field.partition('=')[0]}`, or build with `docker buildx build`"
        yield unsupported(plan, name, f"{flag} {field}", hint, _URL, severity="note")


def _lost(fields: Iterable[tuple[str, str]]) -> Iterator[str]:
    for key, value in fields:
        if key not in _HARMLESS or (key == "mode" and value == "min"):
            yield f"{key}={value}"
