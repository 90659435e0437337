"""`advise`: what to do about a failure, for the plan that failed.

An explanation comes from a log alone. A plan adds details: the entries to write, the registry to
log in to, and the settings that are already there and need no advice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from faas_cache.buildkit.answers import with_login
from faas_cache.buildkit.cache_sentences import (
    CREATE_BUILDER,
    IGNORE_FIELD,
    IGNORE_FLAG,
    IMAGE_MANIFEST,
)
from faas_cache.buildkit.explanations import Explanation
from faas_cache.buildkit.sentences import PROVENANCE, SENTENCES
from faas_cache.model.builders import Builder
from faas_cache.model.entries import CacheEntry
from faas_cache.model.features import create_builder
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.go import FALSE, TRUE
from faas_cache.model.masking import masked
from faas_cache.model.registries import IMAGE_MANIFEST as FIELDS
from faas_cache.model.versions import at_least
from faas_cache.planning.entry_checks import IMAGE_MANIFEST_DEFAULT, entry_text, parsed_reference
from faas_cache.planning.plan import BuildPlan

__all__ = ["REPAIRED", "advise"]

# What to do about a broken cache that was written again (G3).
REPAIRED = "check what deletes layers, such as a clean-up policy: this build repaired the cache"

_IGNORE: FrozenMap[str] = FrozenMap({"ignore-error": "true"})
_TYPED, _MODE = "C6", "B2"


def advise(
    failure: Explanation,
    plan: BuildPlan,
    builder: Builder | None = None,
    environ: Mapping[str, str] | None = None,
) -> Explanation:
    """The failure of a plan with what to do about it.

    `environ` may hold `DOCKER_TLS_VERIFY`, which `docker buildx create` does not read.
    """
    if (failure.step, failure.cause) == ("daemon", "unreachable") and plan.address is not None:
        message, _, url = attrs.astuple(SENTENCES["daemon unreachable address"])
        fix = f"start it, or check its address: `--addr {masked(plan.address)}`"
        return attrs.evolve(failure, message=message, fix=fix, url=url)
    message, fix = failure.message, failure.fix
    broken = (failure.severity, failure.step, failure.cause, failure.name)
    if broken == ("warning", "cache-import", "missing", "") and any(_exports(plan)):
        fix = REPAIRED  # BuildKit has run the steps whose layers are gone
    if IMAGE_MANIFEST in fix:
        if _writes_image_manifests(plan, builder):
            message, fix, _ = attrs.astuple(SENTENCES["cache-export refused image-manifest"])
        else:
            fix = fix.replace(IMAGE_MANIFEST, _image_manifests(plan))
    for text in (IGNORE_FLAG, IGNORE_FIELD):
        if text in fix:
            fix = _ignoring(plan, fix, text)
    if _disables_provenance(plan):
        fix = fix.replace(f"{PROVENANCE}, or ", "")
    if environ is not None:
        fix = fix.replace(CREATE_BUILDER, f"create a builder with `{create_builder(environ)}`")
    registries = set(_registries(failure, plan))
    if len(registries) == 1:
        fix = with_login(fix, registries.pop())
    return attrs.evolve(failure, message=message, fix=fix)


def _exports(plan: BuildPlan) -> Iterator[tuple[CacheEntry, str, bool]]:
    """Each export that can fail, the rule behind it, and whether it is written in a file."""
    origins = {origin.key: origin for origin in plan.origins if origin.field == "cache_to"}
    for index, entry in enumerate(plan.cache_to):
        if entry.type != "inline":
            origin = origins.get(index)
            path = origin.path if origin else ()
            in_file = path[:1] in (("functions",), ("configuration",))
            yield entry, origin.rule if origin else _TYPED, in_file


def _writes_image_manifests(plan: BuildPlan, builder: Builder | None) -> bool:
    """Whether no export is an index, which is what registries reject."""
    version = None if builder is None else builder.buildkit_version
    by_default = at_least(version, IMAGE_MANIFEST_DEFAULT, unknown=False)
    entries = [entry.attrs for entry, _, _ in _exports(plan) if entry.type == "registry"]
    return bool(entries) and all(
        fields.get("image-manifest") in TRUE
        or (by_default and {*map(fields.get, FIELDS)}.isdisjoint(FALSE))
        for fields in entries
    )


def _image_manifests(plan: BuildPlan) -> str:
    """What to write for image manifests: entries, or all that takes the place of a mode."""
    exports = [item for item in _exports(plan) if item[0].type == "registry"]
    if not exports:
        return IMAGE_MANIFEST
    texts = [entry_text(entry, FIELDS) for entry, _, _ in exports]
    in_file = exports[0][-1]
    if any(rule != _MODE for _, rule, _ in exports):
        side = "into `to`" if in_file else "as `--cache-to`"
        return f"write {' and '.join(f'`{text}`' for text in texts)} {side}"
    # D3: without imports, the setting still names those of the next build.
    sources = plan.cache_from or [entry for entry, _, _ in exports]
    imports = [_import_text(entry) for entry in sources]
    if in_file:
        sides = (", ".join(f"'{text}'" for text in side) for side in (imports, texts))
        return "write `build_cache: {{from: [{}], to: [{}]}}` in place of the mode".format(*sides)
    flags = [*(f"--cache-from {text}" for text in imports), *(f"--cache-to {t}" for t in texts)]
    return f"pass `{' '.join(flags)}` in place of the mode"


def _import_text(entry: CacheEntry) -> str:
    """An import as it is written beside an export: a reference alone, or the whole entry (C3)."""
    ref = entry.attrs.get("ref", "")
    return (
        ref
        if entry.type == "registry" and entry.attrs.keys() <= {"ref", "mode"}
        else entry_text(entry)
    )


def _ignoring(plan: BuildPlan, fix: str, text: str) -> str:
    """The text with how exports may fail: typed entries are not changed by the flag (D5)."""
    lacking = [
        (e, rule) for e, rule, _ in _exports(plan) if e.attrs.get("ignore-error") not in TRUE
    ]
    typed = [f"`{entry_text(entry, _IGNORE)}`" for entry, rule in lacking if rule == _TYPED]
    parts = [f"write {' and '.join(typed)}"] if typed else []
    if len(lacking) > len(typed):
        parts.insert(0, "pass `--ignore-cache-errors`")
    if not parts:
        return fix.replace(f"; {text}", "")
    return fix.replace(text, f"{' and '.join(parts)} to let such a build pass")


def _disables_provenance(plan: BuildPlan) -> bool:
    flags = {flag for flag in plan.builder_flags if flag.startswith("--provenance=")}
    return plan.provenance in FALSE or flags == {"--provenance=false"}


def _registries(failure: Explanation, plan: BuildPlan) -> Iterator[str]:
    """The registries that a failure may be about, if its own error does not say."""
    texts: list[str] = []
    if failure.step == "image-push":
        texts = list(plan.tags)
    elif failure.step == "cache-export":
        texts = [entry.attrs.get("ref", "") for entry, _, _ in _exports(plan)]
    for text in texts:
        if (ref := parsed_reference(text)) is not None:
            yield ref.domain
