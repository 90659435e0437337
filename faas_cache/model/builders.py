"""The builder as data: what a client, buildx, BuildKit and a driver can do together, and which front end serves a run.

The facts are those of BuildKit, buildx and moby at their release tags: which version a feature came with, and which driver
has it. An unknown version never refuses: it is taken for one that can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, Protocol

import attrs

from faas_cache.model.backends import BACKENDS
from faas_cache.model.diagnostics import Diagnostic, Location, errors
from faas_cache.model.errors import BuilderError
from faas_cache.model.versions import at_least, parsed

# F1's names, beside one for each cache backend; F5 adds `several-platforms`.
BUILDKIT, BUILDX, EXPORT = "buildkit", "buildx", "cache-export"
SEVERAL_EXPORTS, SEVERAL_PLATFORMS = "several-exports", "several-platforms"

# The BuildKit inside each engine: go.mod of each moby release. A release between two has the older one's or better.
_EMBEDDED = (
    ("18.09", "0.3"),
    ("19.03", "0.6"),
    ("20.10", "0.8"),
    ("23.0", "0.10"),
    ("24.0", "0.11"),
    ("25.0", "0.12"),
    ("26.0", "0.13"),
    ("27.0", "0.14"),
    ("28.0", "0.20"),
    ("28.1", "0.21"),
    ("28.2", "0.22"),
    ("28.3", "0.23"),
    ("28.5", "0.25"),
)
# docker/cli 23.0: `docker build` with BuildKit is buildx, and refuses where there is none.
_BUILDX_ONLY = "23.0"
# BuildKit 0.11: the first that takes more than one cache export.
_SEVERAL = "0.11"
# buildx 0.13: `--progress=rawjson`; 0.20: `docker buildx history logs`.
_RAWJSON, _HISTORY = "0.13", "0.20"
# moby: Docker's own builder has no s3 and no azblob; gha and local need the containerd image store to export.
_DOCKER_DRIVER = frozenset({"registry", "inline", "local", "gha"})
_CLASSIC_STORE = frozenset({"registry", "inline", "local"})
# What a docker without buildx reads: bare references, and the inline metadata of the build argument.
_WITHOUT_BUILDX = frozenset({"registry", "inline"})


class Plan(Protocol):
    """What is asked of a plan here."""

    @property
    def function(self) -> str:
        """The function's name."""

    @property
    def needs(self) -> frozenset[str]:
        """The features that its build must have."""


@attrs.frozen(kw_only=True)
class Builder:
    """A builder: versions as text, `None` for what is not there and `""` for an unknown version.

    `docker` is the client's version, and `name` what buildx calls the builder. With the driver `docker`, BuildKit's version
    follows from that of the client unless it is given.
    """

    docker: str | None = None
    buildx: str | None = None
    buildkit: str | None = None
    driver: str = "docker"
    containerd_store: bool = False
    name: str = attrs.field(default="", eq=False)

    @property
    def features(self) -> frozenset[str]:
        """What it can do, by the names that `BuildPlan.needs` uses.

        >>> sorted(Builder(docker="20.10.24").features)
        ['buildkit', 'inline', 'registry']
        """
        return _features(self)

    @property
    def buildkit_version(self) -> str:
        """BuildKit's version as far as it is known: its own, or that of the engine it is part of; empty where neither is."""
        if self.buildkit is not None and parsed(self.buildkit) is not None:
            return self.buildkit
        return embedded_buildkit(self.docker or "") if self.driver == "docker" else ""

    def reports(self, *, terminal: bool) -> Literal["history", "rawjson", ""]:
        """How this builder tells of a build: read back when it is over, as JSON while it runs, or not at all.

        >>> Builder(docker="26.1.5", buildx="0.13.1").reports(terminal=True)
        'rawjson'
        """
        if terminal and at_least(self.buildx, _HISTORY, unknown=False):
            return "history"
        return "rawjson" if at_least(self.buildx, _RAWJSON, unknown=False) else ""

    def front_end(self, plans: Sequence[Plan], *, bake: bool = False) -> str:
        """The key of `RENDERERS` for a whole run (F3), as one `bake` or not; raises `BuilderError` with what is missing.

        >>> Builder(docker="26.1.5", buildx="0.13.1").front_end([])
        'docker_build'
        """
        if lacks := errors(unmet(plans, self)):
            raise BuilderError(*lacks)
        if bake and self.buildx is None:
            raise BuilderError(_lack(BUILDX, (plan.function for plan in plans), self))
        if bake:
            return "buildx_build"
        caching = any(plan.needs - {SEVERAL_PLATFORMS} for plan in plans)
        return "buildx_build" if caching and self.buildx is not None else "docker_build"


@lru_cache(maxsize=16)
def _features(builder: Builder) -> frozenset[str]:
    """What a builder can do; a run asks for every function of one builder."""
    if builder.docker is None and builder.buildx is None:
        return frozenset()
    if builder.buildx is None:
        # F3: from 23 on, docker itself refuses BuildKit without buildx
        refuses = at_least(builder.docker, _BUILDX_ONLY, unknown=False)
        return frozenset() if refuses else frozenset({BUILDKIT, *_WITHOUT_BUILDX})
    found = {BUILDKIT, BUILDX}
    if builder.driver != "docker":
        found |= {EXPORT, *BACKENDS}
    elif builder.containerd_store:
        found |= {EXPORT, SEVERAL_PLATFORMS, *_DOCKER_DRIVER}
    else:
        found |= _CLASSIC_STORE
    version = builder.buildkit_version
    if at_least(version, _SEVERAL, unknown=True):
        found.add(SEVERAL_EXPORTS)
    return frozenset(
        name
        for name in found
        if name not in BACKENDS or at_least(version, BACKENDS[name].buildkit, unknown=True)
    )


def unmet(plans: Sequence[Plan], builder: Builder | None) -> tuple[Diagnostic, ...]:
    """What the plans need and the builder is known to lack, as errors; and a note where a version decides and is unknown.

    With no builder, nobody was asked: then only F5 speaks, for few builders store several platforms.
    """
    needs: dict[str, list[str]] = {}
    for plan in plans:
        for need in sorted(plan.needs):
            needs.setdefault(need, []).append(plan.function)
    if builder is None:
        return tuple(
            _lack(need, names, Builder())
            for need, names in needs.items()
            if need == SEVERAL_PLATFORMS
        )
    if needs and builder.docker is None and builder.buildx is None:
        return (_NO_DOCKER,)
    missing = needs.keys() - builder.features
    if BUILDX in missing or BUILDKIT in missing:
        # the one lack that is behind all the others
        missing = {BUILDX if BUILDX in missing else BUILDKIT}
    found = [_lack(need, names, builder) for need, names in needs.items() if need in missing]
    versions = (
        ("docker", builder.docker),
        ("buildx", builder.buildx),
        ("BuildKit", builder.buildkit_version),
    )
    unknown = [
        name for name, version in versions if version is not None and parsed(version) is None
    ]
    if needs and unknown and not found:
        found.append(_unknown(unknown))
    return tuple(found)


# What each lack is called, why, and what to do about it.

_READ_ONLY = (
    "`--no-cache-export` builds with the cache and writes none, `--no-build-cache` builds without"
)
_DRIVERS_URL = "https://docs.docker.com/build/builders/drivers/"
_STORE_HINT = "turn on the containerd image store, or use a builder of `docker buildx create --driver docker-container`"

_NO_DOCKER = Diagnostic(
    name="F2",
    message="docker is not there: no program of that name is on PATH",
    hint="install Docker, or put its `docker` on PATH",
    url="https://docs.docker.com/engine/install/",
)


def _lack(need: str, functions: Iterable[str], builder: Builder) -> Diagnostic:
    """One missing feature: what, for whom, why, and what to do."""
    who = ", ".join(f"`{name}`" for name in functions)
    docker = f"docker {builder.docker or 'of an unknown version'}"
    store = "the containerd" if builder.containerd_store else "the classic"
    where = (
        f"Docker's own builder with {store} image store"
        if builder.driver == "docker"
        else f"the {builder.driver} builder"
    )
    buildkit = f"BuildKit {builder.buildkit_version}"
    code, message, hint, url = {
        BUILDX: (
            "F2",
            f"buildx is missing: {docker} has none, and {who} cannot be built without",
            f"install `docker-buildx-plugin` (Docker's packages) or `docker-buildx` (Debian's); {_READ_ONLY}",
            "https://docs.docker.com/build/install-buildx/",
        ),
        BUILDKIT: (
            "F2",
            f"buildx is missing: {docker} refuses BuildKit without it, and {who} cannot be cached",
            f"install `docker-buildx-plugin` (Docker's packages) or `docker-buildx` (Debian's); {_READ_ONLY}",
            "https://docs.docker.com/build/install-buildx/",
        ),
        EXPORT: (
            "F2",
            f"{where} cannot export the cache of {who}",
            f"{_STORE_HINT}; {_READ_ONLY}",
            _DRIVERS_URL,
        ),
        SEVERAL_EXPORTS: (
            "F2",
            f"{buildkit} takes one cache export, and {who} has several (the inline one counts)",
            f"use BuildKit 0.11 or Docker 24, or set the build argument BUILDKIT_INLINE_CACHE to 0; {_READ_ONLY}",
            "https://docs.docker.com/build/cache/backends/#multiple-caches",
        ),
        SEVERAL_PLATFORMS: (
            "F5",
            f"{who} is built for several platforms and goes nowhere: few builders can store such an image",
            "push it with `--push`, or say where it goes with `--builder-flag=--output=…`",
            "https://docs.docker.com/build/building/multi-platform/",
        ),
    }.get(need) or (
        "F2",
        f"{where} has no `type={need}` cache, which {who} uses",
        f"make a builder with `docker buildx create --driver docker-container` and use it; {_READ_ONLY}",
        "https://docs.docker.com/build/cache/backends/",
    )
    return Diagnostic(name=code, message=message, hint=hint, url=url)


def _unknown(names: list[str]) -> Diagnostic:
    message = f"the version of {' and '.join(names)} is not known: what depends on it is taken for granted"
    return Diagnostic(name="F2", severity="note", message=message, location=Location())


@lru_cache(maxsize=64)
def embedded_buildkit(docker: str) -> str:
    """The version of the BuildKit inside an engine of that version; empty where it is not known.

    >>> embedded_buildkit("26.1.5+dfsg1")
    '0.13'
    """
    return next(
        (
            inside
            for engine, inside in reversed(_EMBEDDED)
            if at_least(docker, engine, unknown=False)
        ),
        "",
    )
