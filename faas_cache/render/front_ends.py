"""The front ends: the programs that build a plan, as values in one table, and rule F3.

A program with a front end of its own makes a `FrontEnd`; nothing in this package must change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from faas_cache.model.builders import (
    BUILDKIT,
    BUILDX,
    DOCKER,
    MULTI_PLATFORM,
    Builder,
    missing_features,
)
from faas_cache.model.diagnostics import Diagnostic, Location, errors
from faas_cache.model.errors import BuilderError
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.value import Value
from faas_cache.planning.plan import BuildPlan
from faas_cache.render.bake_file import bake
from faas_cache.render.buildah import buildah_build, buildah_push
from faas_cache.render.buildctl import buildctl_build
from faas_cache.render.buildx import buildx_build
from faas_cache.render.commands import Command
from faas_cache.render.docker import docker_build, docker_push

__all__ = [
    "FRONT_ENDS",
    "Features",
    "FrontEnd",
    "Progress",
    "check_features",
    "choose_front_end",
]

Progress: TypeAlias = Literal["none", "plain", "rawjson"]
# The features that a front end supports: always the same ones, or depending on the builder.
Features: TypeAlias = frozenset[str] | Callable[[Builder], frozenset[str]]

# What is assumed where no builder was inspected: a current docker with buildx (F3).
_ASSUMED = Builder(docker="", buildx="", driver="docker-container")


def _features(value: Iterable[str] | Features | None) -> Features | None:
    return value if value is None or callable(value) else frozenset(value)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class FrontEnd(Value):
    """A program that builds plans.

    `build` turns a plan into a command, and `push` into the commands that push its images; it is
    `None` where the build pushes by itself. `together` turns several plans into one command, for a
    bake. `progress` is how the program can print its progress: BuildKit's raw JSON, its plain
    lines, or neither. `features` are those of `BuildPlan.needs` that it supports; `None` means all
    that the builder has.

    >>> from faas_cache.planning.plan import BuildPlan
    >>> def build(plan):
    ...     return Command(argv=("podman", "build", "--tag", *plan.tags, plan.context))
    >>> podman = FrontEnd(name="podman", program="podman", build=build)
    >>> podman.build(BuildPlan(function="fn", tags=["a/fn"])).shell()
    'podman build --tag a/fn .'
    """

    name: str
    build: Callable[[BuildPlan], Command]
    push: Callable[[BuildPlan], Sequence[Command]] | None = None
    together: Callable[[Sequence[BuildPlan]], Command] | None = None
    progress: Progress = "none"
    program: str = "docker"
    features: Features | None = attrs.field(default=None, converter=_features)

    def supported(self, builder: Builder | None = None) -> frozenset[str]:
        """The features that this front end supports on a builder of its program, or on any."""
        if builder is None or builder.program != self.program:
            builder = _ASSUMED if self.program == DOCKER else Builder(program=self.program)
        if self.features is None:
            return builder.features
        if not isinstance(self.features, frozenset):
            return self.features(builder)
        # F1: buildx and BuildKit are features of docker only.
        return self.features | (frozenset() if self.program == DOCKER else {BUILDKIT, BUILDX})


def _docker_features(builder: Builder) -> frozenset[str]:
    """F3: where buildx exists, `docker build` only serves builds without caching."""
    return frozenset({MULTI_PLATFORM}) if BUILDX in builder.features else builder.features


def _buildx_features(builder: Builder) -> frozenset[str]:
    return builder.features if BUILDX in builder.features else frozenset()


# Every front end by its name. F3 chooses among those of docker; the others are used by name.
FRONT_ENDS: FrozenMap[FrontEnd] = FrozenMap(
    docker_build=FrontEnd(
        name="docker_build", build=docker_build, push=docker_push, features=_docker_features
    ),
    buildx_build=FrontEnd(
        name="buildx_build",
        build=buildx_build,
        together=bake,
        progress="rawjson",
        features=_buildx_features,
    ),
    buildctl_build=FrontEnd(
        name="buildctl_build", build=buildctl_build, progress="plain", program="buildctl"
    ),
    buildah_build=FrontEnd(
        name="buildah_build", build=buildah_build, push=buildah_push, program="buildah"
    ),
)


def choose_front_end(
    plans: Iterable[BuildPlan],
    builder: Builder | None = None,
    among: Iterable[FrontEnd] | Mapping[str, FrontEnd] = FRONT_ENDS,
) -> FrontEnd:
    """F3: the first front end that supports what all plans need, so that all use one builder.

    Without a builder, a current docker with buildx is assumed. Of `FRONT_ENDS`, only those of
    docker are chosen. Raises `BuilderError` with every missing feature.

    >>> choose_front_end([BuildPlan(function="fn", tags=["a/fn"])]).name
    'docker_build'
    """
    plans = tuple(plans)
    if missing := errors(missing_features(plans, builder)):
        raise BuilderError(*missing)
    front_ends: tuple[FrontEnd, ...] = tuple(
        among.values() if isinstance(among, Mapping) else among
    )
    if among is FRONT_ENDS:
        front_ends = tuple(each for each in front_ends if each.program == DOCKER)
    needs = frozenset(need for plan in plans for need in plan.needs)
    fitting = [each for each in front_ends if builder is None or each.program == builder.program]
    for front_end in fitting:
        if needs <= front_end.supported(builder):
            return front_end
    if builder is not None and not fitting:
        raise BuilderError(
            Diagnostic(
                name="missing-feature",
                message=f"no front end is known for `{builder.program}`",
                hint="pass a `FrontEnd` for it to `StackPlan.using`",
            )
        )
    raise BuilderError(*(d for each in fitting for d in check_features(plans, each, builder)))


def check_features(
    plans: Iterable[BuildPlan], front_end: FrontEnd, builder: Builder | None = None
) -> tuple[Diagnostic, ...]:
    """An error for each feature that a plan needs, the builder has and the front end lacks."""
    supported = front_end.supported(builder)
    known: frozenset[str] | None = None
    if front_end.program == DOCKER:  # what the builder lacks is reported for the builder
        known = (_ASSUMED if builder is None else builder).features
    return tuple(
        Diagnostic(
            name="missing-feature",
            message=f"the front end `{front_end.name}` does not support `{need}`",
            hint="choose another front end, or build with `--no-build-cache`",
            location=Location(path=("functions", plan.function)),
        )
        for plan in plans
        for need in sorted((plan.needs if known is None else plan.needs & known) - supported)
    )
