"""`ignore_names`: which ignore files count for the context that is written for a build."""

from __future__ import annotations

from collections.abc import Mapping

from faas_cache.model.go import parse_bool
from faas_cache.model.versions import at_least
from faas_cache.planning.context_files import IGNORE_FILES
from faas_cache.planning.plan import BuildPlan
from faas_cache.render.front_ends import FRONT_ENDS
from faas_cache.stack_plan import StackPlan

__all__ = ["ignore_names"]

# The front ends whose programs read ignore files as docker does. Buildah prefers a
# `.containerignore`, and what the front end of a caller reads is unknown.
_FRONT_ENDS = ("docker_build", "buildx_build", "buildctl_build")
# Builder flags that read something of a context besides what the Dockerfile copies.
_READING = ("--build-context", "--file")
_SWITCH = "DOCKER_BUILDKIT"
# docker/cli 23.0: `docker build` uses BuildKit by default.
_BUILDKIT_DEFAULT = "23.0"


def ignore_names(plan: StackPlan, function: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The ignore files that the build of a function reads, the first one that exists.

    None of them if the whole context is written: where nothing is built, where the program may read
    other ignore files, and where a builder flag or a secret may read what is excluded.
    """
    front_end = plan.front_end
    known = (FRONT_ENDS[name] for name in _FRONT_ENDS)
    if plan.request.purpose != "build" or front_end is None or front_end not in known:
        return ()
    build_plan = next((each for each in plan.plans if each.function == function), None)
    if build_plan is None or _reads_context(build_plan):
        return ()
    classic = front_end.name == "docker_build" and _is_classic(plan, build_plan, environ)
    return () if classic else IGNORE_FILES


def _reads_context(plan: BuildPlan) -> bool:
    """Whether the builder may read a file of the context that its ignore file excludes."""
    folder = f"{plan.context}/"
    if any(f"/{folder}" in f"/{path}" for path in plan.secrets.values()):
        return True
    return any(
        flag.partition("=")[0] in _READING
        or ("f" in flag and not flag.startswith("--"))  # `-f`, also behind other letters
        or folder in flag
        for flag in plan.builder_flags
    )


def _is_classic(plan: StackPlan, build_plan: BuildPlan, environ: Mapping[str, str]) -> bool:
    """Whether `docker build` is known to build without BuildKit, which reads one ignore file."""
    switch = parse_bool(build_plan.env.get(_SWITCH, environ.get(_SWITCH, "")))
    if switch is not None:
        return not switch
    version = None if plan.builder is None else plan.builder.docker
    return not at_least(version, _BUILDKIT_DEFAULT, unknown=True)
