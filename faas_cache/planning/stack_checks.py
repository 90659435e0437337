"""Rules E4, E5 and E7 between functions: what caches and images of one overwrite of another."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

from faas_cache.model.backends import Backend
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.entries import CacheEntry
from faas_cache.model.references import Reference
from faas_cache.planning.entry_checks import entry_text, parsed_reference, plan_entries
from faas_cache.planning.equal_builds import MAX_PAIRS_OF, check_images, written_context
from faas_cache.planning.exports import Destination, destination_text, destinations
from faas_cache.planning.image_rules import CACHE_TAG, sanitize_scope
from faas_cache.planning.plan import BuildPlan

__all__ = ["check_between"]


class _Export(NamedTuple):
    """One export to a backend that has a destination."""

    plan: BuildPlan
    entry: CacheEntry
    path: KeyPath
    backend: Backend


def check_between(
    plans: Iterable[BuildPlan],
    others: Iterable[BuildPlan] = (),
    *,
    caches_of_others: bool = True,
) -> Iterator[Diagnostic]:
    """What the image and the cache of one function do to those of another.

    `others` are the functions that are not built now, whose caches count unless flags replace the
    settings of the file.
    """
    plans, others = tuple(plans), tuple(others)
    images = dict(check_images(plans, others))
    yield from images.values()
    plans = (*plans, *(others if caches_of_others else ()))
    exports = [
        _Export(item.plan, item.entry, item.path, item.backend)
        for plan in plans
        for item in plan_entries(plan)
        if item.direction == "to" and item.backend is not None and item.backend.destination
    ]
    if exports:
        yield from _check_images(exports, plans)
        yield from _check_destinations(exports, images.keys())


def _check_images(exports: Iterable[_Export], plans: Iterable[BuildPlan]) -> Iterator[Diagnostic]:
    """E4: the cache of one function would overwrite the image of another."""
    builders: dict[str, dict[str, None]] = {}
    for plan in sorted(plans, key=lambda plan: plan.function):
        for tag in plan.tags:
            if (image := parsed_reference(tag)) is not None:
                builders.setdefault(image.target, {})[plan.function] = None
    for export in exports:
        ref = parsed_reference(export.entry.attrs.get("ref"))
        if export.entry.type != "registry" or ref is None:
            continue
        own = export.plan.function
        others = [name for name in builders.get(ref.target, {}) if name != own]
        for other in others[:MAX_PAIRS_OF]:
            tag = sanitize_scope(f"{ref.tag or CACHE_TAG}-cache")
            yield Diagnostic(
                name="cache-overwrites-image",
                message=f"the cache of `{own}` would overwrite the image of `{other}`,"
                f" `{ref.target}`",
                hint=f"export to another tag, such as `{ref.with_tag(tag)}`",
                location=Location(path=export.path),
            )


def _check_destinations(
    exports: Iterable[_Export], reported: Collection[frozenset[str]]
) -> Iterator[Diagnostic]:
    """E5: each pair of functions with a common destination that are not one build listed twice.

    Where E7 is reported for the pair, another destination would not help.
    """
    writers: dict[Destination, list[_Export]] = {}
    for export in sorted(exports, key=lambda export: (export.plan.function, str(export.path))):
        for destination in destinations(export.entry):
            writers.setdefault(destination, []).append(export)
    for destination, group in sorted(writers.items()):
        first = group[0]
        pairs = (
            combinations(group, 2)
            if len(group) <= MAX_PAIRS_OF
            else ((first, other) for other in group[1:])
        )
        for one, two in pairs:
            names = frozenset((one.plan.function, two.plan.function))
            differ = len(names) > 1 and _sources(one.plan) != _sources(two.plan)
            if differ and names not in reported:
                yield _shared_destination(one, two, destination)


def _shared_destination(one: _Export, two: _Export, destination: Destination) -> Diagnostic:
    first, second = one.plan.function, two.plan.function
    return Diagnostic(
        name="shared-cache-destination",
        message=f"`{first}` and `{second}` export their caches to"
        f" `{destination_text(destination)}` and overwrite each other",
        hint=f"write `{_own_destination(one)}` for `{first}` and `{_own_destination(two)}` for"
        f" `{second}`, and import from the same",
        location=Location(path=two.path),
    )


def _sources(plan: BuildPlan) -> tuple[object, ...]:
    """What makes two functions one build listed twice, when it is equal."""
    # The context that is written for a function has its name.
    context = "" if written_context(plan) else plan.context
    handler = posixpath.normpath(plan.handler) if plan.handler else ""
    return (
        *(plan.tags, plan.lang, handler, plan.build_args, plan.build_options),
        *(plan.platforms, context),
    )


def _own_destination(export: _Export) -> str:
    """The entry as it would be written with a destination of the function's own."""
    key = export.backend.destination[-1]
    name, value = sanitize_scope(export.plan.function), export.entry.attrs.get(key, "")
    if export.entry.type == "registry":
        ref = Reference.parse(value)
        tag = sanitize_scope(f"{ref.tag or CACHE_TAG}-{name}")
        return entry_text(export.entry, {key: str(ref.with_tag(tag))})
    return entry_text(export.entry, {key: f"{value.rstrip('/')}-{name}" if value else name})
