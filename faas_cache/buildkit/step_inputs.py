"""Finds the inputs of a build from its steps and its Dockerfile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from faas_cache.buildkit.reports import CacheReport
from faas_cache.model.dockerfile_inputs import step_inputs
from faas_cache.model.dockerfiles import Dockerfile
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.masking import MASK, masked, masked_message

__all__ = ["miss_inputs", "resolved_images"]

# `[build 1/2] FROM docker.io/library/python:3@sha256:…`; an image of `COPY --from` has no label.
_FROM = re.compile(r"(?:\[[^\]]*+\] )?FROM (?P<image>\S+)@(?P<digest>sha256:[0-9a-f]{64})")
# How many names one phrase lists.
_MAX_NAMES = 10


def resolved_images(report: CacheReport) -> FrozenMap[str]:
    """The digest of each image that a build began from or copied from, by the image's name."""
    matches = (_FROM.fullmatch(step.name) for step in report.steps)
    images = {match["image"]: match["digest"] for match in matches if match}
    return FrozenMap({name: images[name] for name in sorted(images)})


def miss_inputs(
    report: CacheReport, dockerfile: str, build_args: Iterable[str] = ()
) -> tuple[str, ...]:
    r"""What the first step that ran depends on beside the step before it, one phrase for each kind.

    Of build arguments only the names are needed: their values are in no phrase.

    >>> from faas_cache.buildkit.reports import Step
    >>> steps = (Step(name="[2/3] COPY a b /", kind="build", finished=True),)
    >>> miss_inputs(CacheReport(function="fn", steps=steps), "FROM x\nCOPY a b /\nRUN make")
    ('the files `a` and `b`', 'the base image `x`')
    """
    miss = report.first_miss
    if miss is None:
        return ()
    # A reference to itself as the value of each argument keeps the values out.
    read = Dockerfile.parse(dockerfile, {name: f"${{{name}}}" for name in build_args})
    step = read.find_step(miss.name)
    if step is None and MASK in miss.name:  # its text is not that of the Dockerfile
        step = read.find_step(miss.name.partition("]")[0] + "]")
    if step is None:
        return ()
    inputs = step_inputs(read, step)
    stages = (read.stages[number].name or f"stage-{number}" for number in inputs.stages)
    groups: tuple[tuple[str, Iterable[str]], ...] = (
        ("file", (path for path in inputs.files if path != ".")),
        ("URL", inputs.urls),
        ("stage", stages),
        ("image", inputs.images),
        ("build argument", inputs.arguments),
        ("environment variable", inputs.environment),
        ("base image", filter(None, [inputs.base])),
    )
    whole = ("the whole build context",) if "." in inputs.files else ()
    return (*whole, *_phrases(groups))


def _phrases(groups: Iterable[tuple[str, Iterable[str]]]) -> Iterator[str]:
    for noun, members in groups:
        names = [f"`{masked_message(masked(name))}`" for name in members]
        if not names:
            continue
        if len(names) > _MAX_NAMES:
            names[_MAX_NAMES:] = [f"{len(names) - _MAX_NAMES} more"]
        *first, last = names
        listed = f"{', '.join(first)} and {last}" if first else last
        yield f"the {noun}{'s' * bool(first)} {listed}"
