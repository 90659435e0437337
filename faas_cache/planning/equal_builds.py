"""Rules E7 and E8: which functions are one build, and which overwrite each other's image."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from itertools import combinations

import attrs

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.planning.entry_checks import parsed_reference
from faas_cache.planning.exports import INLINE_CACHE
from faas_cache.planning.plan import BuildPlan

__all__ = ["MAX_PAIRS_OF", "check_images", "equal_builds", "written_context"]

# With more functions at one tag or destination, each is compared with the first only: a thousand
# functions have half a million pairs.
MAX_PAIRS_OF = 10


def equal_builds(plans: Iterable[BuildPlan]) -> FrozenMap[str]:
    """E8: for each plan that is the same build as an earlier one, the function of that one.

    >>> a, b = (BuildPlan(function=n, tags=["x/a"], context=f"build/{n}") for n in ("a", "b"))
    >>> equal_builds([a, b])
    {'b': 'a'}
    """
    by_tags: dict[tuple[str, ...], list[BuildPlan]] = {}
    for plan in plans:
        by_tags.setdefault(plan.tags, []).append(plan)
    same: dict[str, str] = {}
    for group in by_tags.values():
        first: dict[object, str] = {}
        for plan in group if len(group) > 1 else ():
            name = first.setdefault(_build(plan), plan.function)
            if name != plan.function:
                same[plan.function] = name
    return FrozenMap(same)


def check_images(
    plans: Iterable[BuildPlan], others: Iterable[BuildPlan]
) -> Iterator[tuple[frozenset[str], Diagnostic]]:
    """E7: each pair of functions with different builds under one tag, and its diagnostic.

    `others` are those that are not built now: a pair with one of them is a warning.
    """
    plans = tuple(plans)
    selected = {plan.function for plan in plans}
    candidates = [*plans, *(plan for plan in others if _would_be_built(plan))]
    candidates.sort(key=lambda plan: plan.function)
    by_tag: dict[str, dict[str, BuildPlan]] = {}
    for plan in candidates:
        for tag in plan.tags:
            if (image := parsed_reference(tag)) is not None:
                by_tag.setdefault(image.target, {})[plan.function] = plan
    reported: set[frozenset[str]] = set()
    for tag, group in by_tag.items():
        images = {name: _image(plan) for name, plan in group.items()} if len(group) > 1 else {}
        first = next(iter(images), "")
        pairs = (
            combinations(images, 2)
            if len(images) <= MAX_PAIRS_OF
            else ((first, other) for other in images if other != first)
        )
        for one, two in pairs:
            pair = frozenset((one, two))
            if pair & selected and pair not in reported and images[one] != images[two]:
                reported.add(pair)
                yield pair, _shared_image(one, two, tag, selected)


def _shared_image(one: str, two: str, tag: str, selected: set[str]) -> Diagnostic:
    both = {one, two} <= selected
    return Diagnostic(
        name="shared-image",
        severity="error" if both else "warning",
        message=f"`{one}` and `{two}` build different images under the tag `{tag}`, so one"
        " overwrites the other",
        hint="write another `image` for one of them",
        location=Location(path=("functions", two if two in selected else one, "image")),
    )


def _would_be_built(plan: BuildPlan) -> bool:
    """Whether a function that is not selected has something to build."""
    return bool(plan.lang) or not written_context(plan)


def written_context(plan: BuildPlan) -> bool:
    """Whether the context is written for the function; it has the name in its own file."""
    folder, _, name = plan.context.partition("/")
    return folder == "build" and (plan.function == name or plan.function.endswith(f": {name}"))


def _build(plan: BuildPlan) -> tuple[object, ...]:
    """E8: everything that reaches the builder."""
    context = "" if written_context(plan) else plan.context
    handler = posixpath.normpath(plan.handler) if plan.handler else ""
    same = attrs.evolve(plan, function="", context=context)
    return same, plan.lang, handler, plan.build_options


def _image(plan: BuildPlan) -> tuple[object, ...]:
    """E7: everything that reaches the builder but the cache."""
    arguments = {k: v for k, v in plan.build_args.items() if k != INLINE_CACHE}
    uncached = attrs.evolve(
        plan, cache_from=(), cache_to=(), build_args=arguments, env={}, needs=(), no_cache=False
    )
    return _build(uncached)[0], *_build(plan)[1:]
