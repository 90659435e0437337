"""Rules E3, F2, F4 and F5 for one plan."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from faas_cache.model.builders import CACHE_EXPORT, MULTI_PLATFORM, Builder
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.masking import masked
from faas_cache.planning.cache_flags import check_cache_flags
from faas_cache.planning.entry_checks import (
    Environment,
    check_entry,
    is_official,
    parsed_reference,
    plan_entries,
)
from faas_cache.planning.exports import pushes_image
from faas_cache.planning.plan import BuildPlan

__all__ = ["check_contexts", "check_plan"]

_MAX_SHOWN = 60


def check_plan(
    plan: BuildPlan, environment: Environment, dockerfile: str = ""
) -> Iterator[Diagnostic]:
    """The diagnostics of `resolve` about a plan, and those of its entries and its builder."""
    yield from plan.diagnostics
    for item in plan_entries(plan):
        yield from check_entry(item, environment)
    if "inline" in plan.needs and CACHE_EXPORT not in plan.needs:
        yield from _check_inline_tag(plan)
        yield from _check_inline_push(plan)
        yield from _check_stages(plan, dockerfile)
    if plan.builder_flags:
        yield from check_cache_flags(plan)
    if plan.caching:
        yield from _check_secrets(plan)
        yield from _check_repository(plan)
    yield from _check_multi_platform(plan, environment.builder)


def _check_inline_tag(plan: BuildPlan) -> Iterator[Diagnostic]:
    """E3: an inline cache is imported from the image as written, and is in the pushed one."""
    built = [ref for tag in plan.tags if (ref := parsed_reference(tag)) is not None]
    names = {(ref.domain, ref.path) for ref in built}
    targets = {ref.target for ref in built}
    imports = [
        (path, ref)
        for direction, entry, path in plan.entries()
        if direction == "from" and entry.type == "registry"
        if (ref := parsed_reference(entry.attrs.get("ref"))) is not None
        if (ref.domain, ref.path) in names
    ]
    if any(ref.target in targets for _, ref in imports):
        return
    for path, ref in imports:
        yield Diagnostic(
            name="inline-tag-mismatch",
            severity="warning",
            message=f"the inline cache is imported from `{ref.target}`,"
            f" but the build only tags `{', '.join(sorted(targets))}`",
            hint="push that tag as well, or write `build_cache: max`, whose cache has its own tag",
            location=Location(path=path),
        )


def _check_inline_push(plan: BuildPlan) -> Iterator[Diagnostic]:
    """E10: the inline cache is in the image, which only Docker can push there."""
    images = [ref for tag in plan.tags if (ref := parsed_reference(tag)) is not None]
    official = [ref.target for ref in images if is_official(ref)]
    if official and pushes_image(plan.output, plan.builder_flags):
        yield Diagnostic(
            name="default-registry",
            severity="warning",
            message=f"the inline cache is pushed to `{official[0]}`, where only Docker can push",
            hint="write the registry and the user in front: `REGISTRY/USER/NAME`",
            location=Location(path=("functions", plan.function, "image")),
        )


def _check_stages(plan: BuildPlan, dockerfile: str) -> Iterator[Diagnostic]:
    """F4: an inline cache holds the layers of the image, which are those of its last stage."""
    from faas_cache.model.dockerfiles import uncached_stages

    if stages := uncached_stages(dockerfile):
        names = ", ".join(f"`{masked(name)[:_MAX_SHOWN]}`" for name in stages)
        yield Diagnostic(
            name="uncached-stages",
            severity="warning",
            message=f"`inline` does not cache {names}, because it keeps only the last stage",
            hint="write `build_cache: max`, which keeps the layers of every stage",
            location=Location(path=("functions", plan.function, "build_cache")),
        )


def _check_secrets(plan: BuildPlan) -> Iterator[Diagnostic]:
    """A changed secret is not a changed input: the result of its step comes from the cache."""
    if plan.secrets:
        yield Diagnostic(
            name="cached-secret",
            severity="warning",
            message="a changed build secret does not run its step again, and the cache carries the"
            " old result to other machines",
            hint="pass a digest of the secret as a build argument that the step reads, or use a"
            " scope for each environment; then add `# faas-cache: ignore=cached-secret`",
            location=Location(path=("functions", plan.function, "build_secrets")),
        )


def _check_repository(plan: BuildPlan) -> Iterator[Diagnostic]:
    """B2: functions whose images differ only in their tags share one cache."""
    own = plan.function.rpartition(": ")[2]
    image = parsed_reference(plan.tags[0]) if plan.tags else None
    if image is None or image.tag != own or image.path.rpartition("/")[2] == own:
        return
    for origin in plan.origins:
        if origin.field == "cache_to" and origin.rule == "B2":
            yield Diagnostic(
                name="shared-repository",
                severity="note",
                message=f"the tag of the cache, `{plan.cache_to[int(origin.key)].attrs['ref']}`,"
                f" is the same for every function in `{image.name}`",
                hint=f"write `build_cache: {{mode: max, repository: {image.name}}}`, which has a"
                " tag for each function",
                location=Location(path=origin.path),
            )


def _check_multi_platform(plan: BuildPlan, builder: Builder | None) -> Iterator[Diagnostic]:
    """F2: Docker's own builder needs the containerd image store to build for several platforms."""
    if builder is None or len(plan.platforms) < 2 or MULTI_PLATFORM in plan.needs:  # noqa: PLR2004  # several
        return  # an image that must be stored is among the features that the builder lacks
    if builder.docker is not None and builder.driver == "docker" and not builder.containerd_store:
        yield Diagnostic(
            name="missing-feature",
            message="Docker's own builder needs the containerd image store to build for several"
            " platforms",
            hint="run `docker buildx create --name multiarch --driver docker-container`",
            location=Location(path=("functions", plan.function)),
        )


def check_contexts(plans: Iterable[BuildPlan]) -> Iterator[Diagnostic]:
    """F4: a local cache inside a context is sent to the builder, and `COPY .` copies it."""
    plans = tuple(plans)
    contexts = {posixpath.normpath(plan.context) for plan in plans if "://" not in plan.context}
    for plan in plans:
        for direction, entry, path in plan.entries():
            folder = entry.attrs.get("dest")
            if entry.type != "local" or direction != "to" or not folder:
                continue
            for context in _parents(posixpath.normpath(folder)):
                if context in contexts:
                    shown = masked(folder)[:_MAX_SHOWN]
                    yield Diagnostic(
                        name="cache-in-context",
                        severity="warning",
                        message=f"the cache in `{shown}` is inside the build context"
                        f" `{masked(context)[:_MAX_SHOWN]}`",
                        hint="move it to another folder, or exclude it in `.dockerignore`",
                        location=Location(path=path),
                    )


def _parents(path: str) -> Iterator[str]:
    """A normal path and the folders above it; a relative one is inside `.` unless it leads out."""
    while path not in ("", ".", "/", "..") and not path.endswith("/.."):
        yield path
        path = posixpath.dirname(path)
    yield path or "."
