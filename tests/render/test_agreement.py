"""The front ends of BuildKit pass the same cache entries for the same plan."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given, reject, settings

from faas_cache.conformance.strategies import cases
from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.flags import CacheFlags
from faas_cache.model.go import TRUE
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.exports import INLINE_CACHE
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.resolution import resolve
from faas_cache.render.bake_file import bake
from faas_cache.render.buildctl import buildctl_build
from faas_cache.render.buildx import buildx_build

INLINE = parse_entries(["type=inline"])[0].key


def plan(function: dict[str, Any], flags: dict[str, Any]) -> BuildPlan:
    """The plan of a generated case that has no errors."""
    try:
        return resolve(FunctionSpec.from_mapping("fn", function), CacheFlags(**flags))
    except FaasCacheError:
        reject()


def values(argv: tuple[str, ...], flag: str) -> list[str]:
    """The values of a flag, in order."""
    return [value for word, value in pairwise(argv) if word == flag]


def keys(texts: list[str]) -> list[object]:
    """What entries mean, in order."""
    return [entry.key for entry in parse_entries(texts)]


@settings(deadline=None, max_examples=200)
@given(cases())
def test_buildx_bake_and_buildctl_have_the_same_entries(
    case: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    """The inline cache is an export of buildctl, and a build argument of the others."""
    given_plan = plan({**case[0], "builder_flags": []}, case[1])
    expected = (
        [entry.key for entry in given_plan.cache_from],
        [entry.key for entry in given_plan.cache_to],
    )
    buildx = buildx_build(given_plan).argv
    assert (keys(values(buildx, "--cache-from")), keys(values(buildx, "--cache-to"))) == expected
    text = bake([given_plan]).stdin or ""
    target = json.loads(text.replace("$${", "${").replace("%%{", "%{"))["target"]["fn"]
    assert (keys(target.get("cache-from", [])), keys(target.get("cache-to", []))) == expected
    buildctl = buildctl_build(given_plan).argv
    inline = [INLINE] if given_plan.build_args.get(INLINE_CACHE) in TRUE else []
    assert keys(values(buildctl, "--import-cache")) == expected[0]
    assert keys(values(buildctl, "--export-cache")) == [*expected[1], *inline]
