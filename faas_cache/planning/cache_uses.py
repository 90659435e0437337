"""`cache_uses`: the caches that plans read and write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import attrs

from faas_cache.model.backends import Direction
from faas_cache.model.diagnostics import KeyPath, Location
from faas_cache.model.entries import CacheEntry, parse_entries
from faas_cache.model.go import TRUE
from faas_cache.model.value import Value
from faas_cache.planning.exports import INLINE_CACHE
from faas_cache.planning.input_digests import cache_names, flag_entries
from faas_cache.planning.plan import BuildPlan

__all__ = ["CacheUse", "cache_uses"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CacheUse(Value):
    """One cache that a function imports from or exports to.

    Attributes:
        function: The name of the function.
        direction: `from` for an import, `to` for an export.
        entry: The entry as the builder reads it; `type=inline` for a cache that the build argument
            `BUILDKIT_INLINE_CACHE` alone exports.
        names: What the cache is called: the reference of an image in a registry, or the type and
            what names it there. Equal names are one cache.
        location: Where the text behind the entry is.
    """

    function: str
    direction: Direction
    entry: CacheEntry
    names: tuple[str, ...] = ()
    location: Location


def cache_uses(
    plans: Iterable[BuildPlan], locate: Callable[[Iterable[Location]], Iterable[Location]]
) -> tuple[CacheUse, ...]:
    """Every cache that plans import from and export to, by function and direction."""
    uses = [use for plan in plans for use in (*_entries(plan), *_inline_export(plan))]
    locations = locate(use.location for use in uses)
    return tuple(
        attrs.evolve(use, location=location) for use, location in zip(uses, locations, strict=True)
    )


def _entries(plan: BuildPlan) -> Iterator[CacheUse]:
    """The entries of the plan, then those among its builder flags, which are passed as written."""
    path: KeyPath = ("functions", plan.function, "builder_flags")
    directions: tuple[Direction, ...] = ("from", "to")
    flags = ((side, entry, path) for side in directions for entry in flag_entries(plan, side))
    for direction, entry, origin in (*plan.entries(), *flags):
        inline = direction == "to" and entry.type == "inline"
        names = plan.tags if inline else cache_names([entry], reading=direction == "from")
        yield CacheUse(
            function=plan.function,
            direction=direction,
            entry=entry,
            names=tuple(names),
            location=Location(path=origin),
        )


def _inline_export(plan: BuildPlan) -> Iterator[CacheUse]:
    """A2: without another export, the cache is written into the image."""
    if plan.cache_to or not plan.caching or plan.build_args.get(INLINE_CACHE) not in TRUE:
        return
    key = ("build_args", INLINE_CACHE)
    paths = (origin.path for origin in plan.origins if (origin.field, origin.key) == key)
    yield CacheUse(
        function=plan.function,
        direction="to",
        entry=parse_entries(["type=inline"])[0],
        names=plan.tags,
        location=Location(path=next(paths, ("functions", plan.function))),
    )
