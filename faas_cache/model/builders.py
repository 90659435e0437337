"""`Builder`: what docker, buildx, BuildKit and a driver support together, as data.

The facts are those of BuildKit, buildx and moby at their release tags: the version that added a
feature, and the drivers that have it. An unknown version never rejects a plan: it is assumed to
support what the plan needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, Protocol

import attrs

from faas_cache.model.backends import BACKENDS
from faas_cache.model.converters import (
    Reader,
    read_boolean,
    read_fields,
    read_optional_string,
    read_string,
    read_texts,
)
from faas_cache.model.diagnostics import Diagnostic, KeyPath
from faas_cache.model.features import (
    BUILDKIT,
    BUILDX,
    CACHE_EXPORT,
    FEATURES,
    MULTI_PLATFORM,
    MULTIPLE_EXPORTS,
    Situation,
    describe_missing,
)
from faas_cache.model.frozen_map import EMPTY
from faas_cache.model.value import Value
from faas_cache.model.versions import at_least, parse_version

__all__ = [
    "BUILDKIT",
    "BUILDX",
    "CACHE_EXPORT",
    "DOCKER",
    "FEATURES",
    "MULTIPLE_EXPORTS",
    "MULTI_PLATFORM",
    "Builder",
    "PlanNeeds",
    "embedded_buildkit",
    "missing_features",
]

DOCKER = "docker"  # the program and the driver of this name

# The BuildKit in each engine, from go.mod of each moby release. A release between two has the
# BuildKit of the older one or a newer one.
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
# docker/cli 23.0: `docker build` with BuildKit runs buildx, and fails where it is not installed.
_REQUIRES_BUILDX = "23.0"
# BuildKit 0.11 is the first that accepts more than one cache export.
_MULTIPLE_EXPORTS = "0.11"
# buildx 0.13: `--progress=rawjson`; 0.20: `docker buildx history logs`.
_RAWJSON, _HISTORY = "0.13", "0.20"
# moby: the driver `docker` has no s3 and no azblob; gha needs the containerd image store.
_CONTAINERD_BACKENDS = frozenset({"registry", "inline", "local", "gha"})
_CLASSIC_BACKENDS = frozenset({"registry", "inline", "local"})
# docker without buildx reads bare references, and writes the inline cache of the build argument.
_BACKENDS_WITHOUT_BUILDX = frozenset({"registry", "inline"})

_DOCKER_NOT_FOUND = Diagnostic(
    name="docker-not-found",
    message="`docker` not found on PATH",
    hint="install Docker, or add the folder of `docker` to PATH",
)


class PlanNeeds(Protocol):
    """Protocol for the parts of a plan that decide whether a builder supports it."""

    @property
    def function(self) -> str:
        """The name of the function."""

    @property
    def needs(self) -> frozenset[str]:
        """The features that the builder must have."""


def _read_optional_names(value: object, path: KeyPath) -> frozenset[str] | None:
    if value is None:
        return None
    return frozenset(
        read_texts(list(value) if isinstance(value, (set, frozenset)) else value, path)
    )


_READERS: dict[str, Reader] = {
    "docker": read_optional_string,
    "buildx": read_optional_string,
    "buildkit": read_optional_string,
    "driver": read_string,
    "containerd_store": read_boolean,
    "program": read_string,
    "declared_features": _read_optional_names,
    "name": read_string,
    "nodes": read_texts,
    "node_platforms": read_texts,
    "silent_nodes": read_texts,
    "daemon_error": read_string,
    "registries": _read_optional_names,
}


@attrs.frozen(kw_only=True, eq=False, repr=False, init=False)
class Builder(Value):
    """A builder: the versions of its parts, and what follows from them.

    Raises `InvalidInput` for values of the wrong type, with the name of each field.

    Attributes:
        docker: The version of the docker client, as it prints it; `None` means that docker is not
            installed, an empty string that the version is unknown.
        buildx: The version of buildx; `None` and empty as for `docker`.
        buildkit: The version of BuildKit; where it is `None` or unknown, the driver `docker` has
            the BuildKit of the docker version.
        driver: The buildx driver: `docker`, `docker-container`, `kubernetes` or `remote`.
        containerd_store: Whether the docker engine uses the containerd image store.
        program: The program that builds: `docker`, or another one such as `podman`.
        declared_features: What the builder supports, for a program that has other versions than
            these; `None` means that it follows from the versions, and that nothing is known to be
            missing in another program than docker.
        name: The name of the buildx builder; two builders that differ in this only are equal.
        nodes: The names of the nodes of a builder that has several.
        node_platforms: The platforms of each of them, comma-separated; `*` follows those that the
            node was created for.
        silent_nodes: The names of those that do not respond.
        daemon_error: Why the docker daemon, which stores the images of `--load`, does not respond;
            empty if it does.
        registries: The registries that docker's configuration has credentials for; `None` if that
            is not known. Two builders that differ in this only are equal.
    """

    docker: str | None = None
    buildx: str | None = None
    buildkit: str | None = None
    driver: str = DOCKER
    containerd_store: bool = False
    program: str = DOCKER
    declared_features: frozenset[str] | None = None
    name: str = attrs.field(default="", eq=False)
    nodes: tuple[str, ...] = ()
    node_platforms: tuple[str, ...] = ()
    silent_nodes: tuple[str, ...] = ()
    daemon_error: str = ""
    registries: frozenset[str] | None = attrs.field(default=None, eq=False)

    def __init__(  # noqa: PLR0913  # a parameter for each field
        self,
        *,
        docker: str | None = None,
        buildx: str | None = None,
        buildkit: str | None = None,
        driver: str = DOCKER,
        containerd_store: bool = False,
        program: str = DOCKER,
        declared_features: Iterable[str] | None = None,
        name: str = "",
        nodes: Iterable[str] = (),
        node_platforms: Iterable[str] = (),
        silent_nodes: Iterable[str] = (),
        daemon_error: str = "",
        registries: Iterable[str] | None = None,
    ) -> None:
        values = {key: value for key, value in locals().items() if key in _READERS}
        self.__attrs_init__(**read_fields(values, _READERS))

    @property
    def features(self) -> frozenset[str]:
        """What the builder supports, in the words of `BuildPlan.needs`.

        >>> sorted(Builder(docker="20.10.24").features)
        ['buildkit', 'inline', 'registry']
        """
        return _features(self)

    @property
    def buildkit_version(self) -> str:
        """The version of BuildKit: its own, or that of the docker engine; empty if unknown."""
        if self.buildkit is not None and parse_version(self.buildkit) is not None:
            return self.buildkit
        return embedded_buildkit(self.docker or "") if self.driver == DOCKER else ""

    def progress_mode(self, *, terminal: bool) -> Literal["history", "rawjson", ""]:
        """How the progress of a build can be read.

        `history` means from `docker buildx history logs` afterwards, which leaves the terminal to
        docker; `rawjson` from `--progress=rawjson`; an empty string not at all.

        >>> Builder(docker="26.1.5", buildx="0.13.1").progress_mode(terminal=True)
        'rawjson'
        """
        if terminal and at_least(self.buildx, _HISTORY, unknown=False):
            return "history"
        return "rawjson" if at_least(self.buildx, _RAWJSON, unknown=False) else ""


@lru_cache(maxsize=16)
def _features(builder: Builder) -> frozenset[str]:
    """What a builder supports; a run asks for each function."""
    if builder.program != DOCKER:
        # the versions of docker are irrelevant
        declared = builder.declared_features
        return FEATURES if declared is None else declared | {BUILDKIT, BUILDX}
    if builder.declared_features is not None:
        return builder.declared_features
    if _is_absent(builder):
        return frozenset()
    if builder.buildx is None:  # F3
        if at_least(builder.docker, _REQUIRES_BUILDX, unknown=False):
            return frozenset()
        return frozenset({BUILDKIT, *_BACKENDS_WITHOUT_BUILDX})
    features = {BUILDKIT, BUILDX}
    if builder.driver != DOCKER or builder.containerd_store:
        features.add(CACHE_EXPORT)
    if builder.driver == DOCKER and builder.containerd_store:
        features.add(MULTI_PLATFORM)
    if at_least(builder.buildkit_version, _MULTIPLE_EXPORTS, unknown=True):
        features.add(MULTIPLE_EXPORTS)
    return frozenset(
        features | {name for name in _driver_backends(builder) if not _too_old(builder, name)}
    )


def _is_absent(builder: Builder) -> bool:
    """Whether neither docker nor anything else that builds is known to be installed."""
    return (
        builder.program == DOCKER
        and builder.declared_features is None
        and builder.docker is None
        and builder.buildx is None
    )


def _driver_backends(builder: Builder) -> frozenset[str]:
    """The cache backends that the driver has in the newest version."""
    if builder.driver != DOCKER:
        return frozenset(BACKENDS)
    return _CONTAINERD_BACKENDS if builder.containerd_store else _CLASSIC_BACKENDS


def _too_old(builder: Builder, backend: str) -> bool:
    """Whether the BuildKit of a builder is known to be older than a cache backend."""
    return not at_least(builder.buildkit_version, BACKENDS[backend].buildkit, unknown=True)


def missing_features(
    plans: Sequence[PlanNeeds],
    builder: Builder | None,
    environ: Mapping[str, str] = EMPTY,
    *,
    publish: bool = False,
) -> tuple[Diagnostic, ...]:
    """What the plans need and the builder is known to lack, as errors (rules F2 and F5).

    If nothing is missing, but a version on which it depends is unknown, one note. `None` is a
    builder that was not inspected: only the output of several platforms is an error then, because
    few builders can store such an image. Of `environ`, `DOCKER_TLS_VERIFY` is read.
    `publish` says that the plans need buildx with a cache or without.
    """
    functions: dict[str, list[str]] = {}
    for plan in plans:
        for need in sorted(plan.needs):
            functions.setdefault(need, []).append(plan.function)
    if builder is None:
        unstored = functions.get(MULTI_PLATFORM)
        return (describe_missing(MULTI_PLATFORM, "not inspected", unstored),) if unstored else ()
    if not functions:
        return ()
    missing = functions.keys() - builder.features
    if missing and _is_absent(builder):
        return (_DOCKER_NOT_FOUND,)
    for cause in (BUILDX, BUILDKIT):
        if cause in missing:  # installing it fixes everything else
            missing = {cause}
    if missing:
        return tuple(
            describe_missing(
                need,
                _situation(need, builder, publish=publish),
                names,
                environ,
                program=builder.program,
                docker=builder.docker or "",
                driver=builder.driver,
                buildkit=builder.buildkit_version,
            )
            for need, names in functions.items()
            if need in missing
        )
    return tuple(_unknown_versions(builder))


def _situation(need: str, builder: Builder, *, publish: bool) -> Situation:
    """Why the builder lacks the feature."""
    if builder.declared_features is not None:
        return "declared"
    if builder.buildx is None:
        return "no buildx to publish" if publish and need == BUILDX else "no buildx"
    if need == MULTIPLE_EXPORTS:
        return "old BuildKit"
    if need in BACKENDS and builder.driver == DOCKER and need not in _CONTAINERD_BACKENDS:
        return "docker driver"
    if need in BACKENDS and need in _driver_backends(builder):
        return "old BuildKit"
    return "classic image store" if builder.driver == DOCKER else "other driver"


def _unknown_versions(builder: Builder) -> Iterable[Diagnostic]:
    """The note about what is unknown of a builder, if anything is."""
    if builder.declared_features is not None:
        return
    if builder.program != DOCKER:
        message = f"unknown features of `{builder.program}`, assuming that nothing is missing"
        yield Diagnostic(name="unknown-version", severity="note", message=message)
        return
    versions = {
        "docker": builder.docker,
        "buildx": builder.buildx,
        "BuildKit": builder.buildkit_version,
    }
    unknown = [
        name
        for name, version in versions.items()
        if version is not None and parse_version(version) is None
    ]
    if unknown:
        yield Diagnostic(
            name="unknown-version",
            severity="note",
            message=f"unknown version of {' and '.join(unknown)}, assuming that nothing is missing",
            hint="run `faas-cache doctor` to see what the builder reports",
        )


@lru_cache(maxsize=64)
def embedded_buildkit(docker: str) -> str:
    """The version of BuildKit in a docker engine of that version; empty if it is unknown.

    >>> embedded_buildkit("26.1.5+dfsg1")
    '0.13'
    """
    return next(
        (
            buildkit
            for engine, buildkit in reversed(_EMBEDDED)
            if at_least(docker, engine, unknown=False)
        ),
        "",
    )
