"""`docker build` and `docker push`: what a docker client without buildx understands."""

from __future__ import annotations

from collections.abc import Iterator

from faas_cache.model.diagnostics import Diagnostic
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

__all__ = ["docker_build", "docker_push"]

_PROGRAM = "docker build"
_INSTALL_URL = "https://docs.docker.com/build/install-buildx/"
_SQUASH_URL = "https://docs.docker.com/reference/cli/docker/buildx/build/"
_INSTALL = "install buildx: `docker-buildx` on Debian, `docker-buildx-plugin` from Docker"


def docker_build(plan: BuildPlan) -> Command:
    """The plan as `docker build`: it imports bare references, and exports only the inline cache."""
    bare = (entry for entry in plan.cache_from if entry.bare)
    output = None if plan.output in ("push", "load") else plan.output
    argv = (
        *("docker", "build"),
        *each("--platform", plan.platforms[:1]),
        *output_arguments(output),
        *each("--cache-from", bare),
        *common_arguments(plan),
        *(("--squash",) if plan.squash else ()),
        *last_arguments(plan),
    )
    return Command(
        argv=argv, env=plan.env, function=plan.function, unsupported=tuple(_unsupported(plan))
    )


def docker_push(plan: BuildPlan, *, quiet: bool = False) -> tuple[Command, ...]:
    """One `docker push` for each tag of the plan."""
    flags = ("--quiet",) if quiet else ()
    return tuple(
        Command(argv=("docker", "push", *flags, tag), kind="push", function=plan.function)
        for tag in plan.tags
    )


def _unsupported(plan: BuildPlan) -> Iterator[Diagnostic]:
    """What a docker client without buildx does not understand."""
    typed = (entry for entry in plan.cache_from if not entry.bare)
    parts = [f"--cache-from {entry}" for entry in typed]
    parts += [f"--cache-to {entry}" for entry in plan.cache_to]
    if len(plan.platforms) > 1:
        parts.append(f"--platform {','.join(plan.platforms)}")
    for part in parts:
        yield unsupported(plan, _PROGRAM, part, _INSTALL, _INSTALL_URL)
    if plan.output == "push":
        hint = "run `docker push` after the build"
        yield unsupported(plan, _PROGRAM, "--push", hint, _INSTALL_URL, severity="note")
    if plan.squash and plan.caching:  # a cache needs BuildKit, which does not squash
        hint = "use a multi-stage build instead"
        yield unsupported(plan, _PROGRAM, "--squash", hint, _SQUASH_URL)
    yield from unsupported_address(plan, _PROGRAM)
