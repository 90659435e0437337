"""Rule D10: exports of a pull or merge request that overwrite what other branches import."""

from __future__ import annotations

from collections.abc import Iterator

from faas_cache.model.ci import CIJob
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.planning.entry_checks import entry_text, parsed_reference
from faas_cache.planning.exports import INLINE_CACHE, pushes_image
from faas_cache.planning.image_rules import sanitize_scope
from faas_cache.planning.plan import BuildPlan

__all__ = ["check_untrusted"]


def check_untrusted(plan: BuildPlan, job: CIJob | None) -> Iterator[Diagnostic]:
    """A warning for each export that a job of a pull or merge request leaves on."""
    if job is None or not job.is_request or _has_own_scope(plan, job):
        return
    pushes = pushes_image(plan.output, plan.builder_flags)
    for direction, entry, path in plan.entries():
        # GitHub keeps the caches of pull requests apart; an inline cache is a part of the image.
        if direction == "to" and entry.type != "gha" and (entry.type != "inline" or pushes):
            yield _untrusted_export(plan, job, entry_text(entry), path)
    if pushes and "inline" in plan.needs and all(e.type != "inline" for e in plan.cache_to):
        for export, path in _own_imports(plan):
            yield _untrusted_export(plan, job, export, path)


def _has_own_scope(plan: BuildPlan, job: CIJob) -> bool:
    """Whether the cache has a scope that no other branch imports, as far as that is known."""
    if not plan.scopes:
        return False
    scope, *fallback_scopes = map(sanitize_scope, plan.scopes)
    return scope not in fallback_scopes and (not job.target or scope != sanitize_scope(job.target))


def _own_imports(plan: BuildPlan) -> Iterator[tuple[str, KeyPath]]:
    """The images that a build with inline metadata both imports and pushes."""
    tags = {ref.target for tag in plan.tags if (ref := parsed_reference(tag)) is not None}
    for direction, entry, path in plan.entries():
        ref = parsed_reference(entry.attrs.get("ref"))
        if direction == "from" and ref is not None and ref.target in tags:
            yield f"{INLINE_CACHE}, {ref.target}", path


def _untrusted_export(plan: BuildPlan, job: CIJob, export: str, path: KeyPath) -> Diagnostic:
    target = job.target or "TARGET"
    return Diagnostic(
        name="untrusted-export",
        severity="warning",
        message=f"a pull request exports the cache `{export}` of `{plan.function}`, which other"
        " branches import",
        hint="add `--cache-export auto`, or `--cache-scope BRANCH --cache-scope-fallback"
        f" {target}`",
        location=Location(path=path),
    )
