"""`docker buildx build`: the front end that supports every cache backend."""

from __future__ import annotations

from collections.abc import Iterator

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.planning.exports import sets_output
from faas_cache.planning.plan import BuildPlan
from faas_cache.render.commands import (
    Command,
    common_arguments,
    each,
    last_arguments,
    output_arguments,
    unsupported,
    unsupported_address,
)

__all__ = ["buildx_build"]

_PROGRAM = "docker buildx build"
_URL = "https://docs.docker.com/reference/cli/docker/buildx/build/"


def buildx_build(plan: BuildPlan) -> Command:
    """The plan as `docker buildx build`."""
    output = plan.output
    if output is None and not any(map(sets_output, plan.builder_flags)):
        output = "load"  # F5: otherwise the image stays inside builders other than Docker's own
    argv = (
        *("docker", "buildx", "build"),
        *each("--platform", (",".join(plan.platforms),) if plan.platforms else ()),
        *output_arguments(output),
        *each("--cache-from", plan.cache_from),
        *each("--cache-to", plan.cache_to),
        *common_arguments(plan),
        *last_arguments(plan),
    )
    return Command(
        argv=argv, env=plan.env, function=plan.function, unsupported=tuple(_unsupported(plan))
    )


def _unsupported(plan: BuildPlan) -> Iterator[Diagnostic]:
    if plan.squash:
        hint = "use a multi-stage build instead"
        yield unsupported(plan, _PROGRAM, "--squash", hint, _URL)
    yield from unsupported_address(plan, _PROGRAM)
