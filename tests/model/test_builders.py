"""The builder as data: features, versions, and what a plan needs that a builder lacks."""

import pickle
from typing import Any, NamedTuple

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.backends import BACKENDS
from faas_cache.model.builders import Builder, embedded_buildkit, missing_features
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidInput
from faas_cache.model.features import FEATURES
from faas_cache.model.versions import at_least, parse_version


class Plan(NamedTuple):
    """The parts of a plan that `missing_features` reads."""

    needs: frozenset[str]
    function: str = "fn"


def plan(*needs: str, name: str = "fn") -> Plan:
    """A plan with these needs."""
    return Plan(frozenset(needs), name)


OFF = plan()
INLINE = plan("buildkit", "registry", "inline")
MAX = plan("buildkit", "buildx", "cache-export", "multiple-exports", "registry", "inline")
PLATFORMS = plan("multi-platform")

DOCKER20 = Builder(docker="20.10.24+dfsg1")
DOCKER23 = Builder(docker="23.0.1")
CLASSIC = Builder(docker="26.1.5+dfsg1", buildx="0.13.1+ds1", buildkit="v0.0.0+unknown")
CONTAINERD = attrs.evolve(CLASSIC, containerd_store=True)
CONTAINER = Builder(docker="26.1.5", buildx="0.13.1", buildkit="0.26.3", driver="docker-container")
OLD_CONTAINER = attrs.evolve(CONTAINER, buildkit="0.8.3")
PODMAN = Builder(program="podman", declared_features={"registry"})

FEATURES_OF = {
    "nothing": (Builder(), set()),
    "docker-20": (DOCKER20, {"buildkit", "registry", "inline"}),
    "docker-23-without-buildx": (DOCKER23, set()),
    "unknown-docker-without-buildx": (Builder(docker=""), {"buildkit", "registry", "inline"}),
    "classic-store": (
        CLASSIC,
        {"buildkit", "buildx", "multiple-exports", "registry", "inline", "local"},
    ),
    "containerd-store": (
        CONTAINERD,
        {
            "buildkit",
            "buildx",
            "multiple-exports",
            "cache-export",
            "multi-platform",
            "registry",
            "inline",
            "local",
            "gha",
        },
    ),
    "container": (
        CONTAINER,
        {"buildkit", "buildx", "multiple-exports", "cache-export", *BACKENDS},
    ),
    "old-buildkit": (
        attrs.evolve(CONTAINER, buildkit="0.10.6"),
        {"buildkit", "buildx", "cache-export", "registry", "inline", "local", "gha"},
    ),
    "unknown-buildkit": (attrs.evolve(CONTAINER, buildkit=None), set(CONTAINER.features)),
    "docker-20-with-buildx": (
        attrs.evolve(DOCKER20, buildx="0.8.2"),
        {"buildkit", "buildx", "registry", "inline", "local"},
    ),
    "podman": (PODMAN, {"buildkit", "buildx", "registry"}),
    "unknown-program": (Builder(program="kaniko"), set(FEATURES)),
    "declared": (Builder(declared_features=["inline"]), {"inline"}),
}


@pytest.mark.parametrize("name", FEATURES_OF)
def test_f2_features_follow_from_the_builder(name: str) -> None:
    """F2: the features follow from versions, driver and image store, or are declared."""
    builder, features = FEATURES_OF[name]
    assert builder.features == features


VERSIONS = [
    ("0.13.1+ds1", "0.13.1+ds1"),
    ("v0.0.0+unknown", None),
    ("28.5.2+dfsg4", "28.5.2+dfsg4"),
    ("v0.36.0-54-gabcdef0", "0.36.0"),
    ("20.1-desktop.2", "20.1"),
    ("18.06.0-ce", "18.6.0"),
    ("0.11.0-rc1", "0.11.0rc1"),
    ("0.36.0-54", "0.36.0"),
    ("", None),
    (None, None),
    ("garbage", None),
    ("1" * 5000, None),
]


@pytest.mark.parametrize(
    ("text", "expected"), VERSIONS, ids=[str(text)[:20] for text, _ in VERSIONS]
)
def test_versions_are_read_in_every_spelling(text: str | None, expected: str | None) -> None:
    """The spellings of distributions and of git are read; anything else is unknown."""
    version = parse_version(text)
    assert (None if version is None else str(version)) == expected


@given(st.text())
def test_a_builder_is_described_by_any_versions(text: str) -> None:
    """Whatever a program prints as its version, it has features, and an unknown one all of them."""
    builder = Builder(docker=text, buildx=text, buildkit=text, containerd_store=True)
    unknown = parse_version(text) is None
    assert ("multiple-exports" in builder.features) >= unknown
    assert [d.severity for d in missing_features([INLINE], builder)] == ["note"] * unknown


def test_an_engine_has_the_buildkit_of_its_release() -> None:
    """A release between two has the BuildKit of the older one."""
    versions = [embedded_buildkit(docker) for docker in ("17.0", "20.10.24", "28.4.0", "31.0", "")]
    assert versions == ["", "0.8", "0.23", "0.25", ""]


BUILDKITS = [
    (CONTAINER, "0.26.3"),
    (CLASSIC, "0.13"),
    (Builder(docker="26.1", driver="remote"), ""),
    (Builder(), ""),
]


@pytest.mark.parametrize(("builder", "version"), BUILDKITS)
def test_the_version_of_buildkit_is_its_own_or_the_engines(builder: Builder, version: str) -> None:
    """Only the driver `docker` has the BuildKit of the engine."""
    assert builder.buildkit_version == version


def test_a_release_candidate_is_older_than_its_release() -> None:
    """A pre-release does not have what its release added."""
    assert (
        at_least("0.11.0-rc1", "0.11", unknown=True),
        at_least("0.11.0", "0.11", unknown=False),
        at_least("", "0.11", unknown=True),
        at_least("", "0.11", unknown=False),
    ) == (False, True, True, False)


PROGRESS = [
    (Builder(docker="26.1.5"), ("", "")),
    (Builder(docker="26.1.5", buildx="0.12.1"), ("", "")),
    (Builder(docker="26.1.5", buildx="0.13.1"), ("rawjson", "rawjson")),
    (Builder(docker="28.5.1", buildx="0.20.0"), ("history", "rawjson")),
    (Builder(docker="28.5.1", buildx=""), ("", "")),
]


@pytest.mark.parametrize(("builder", "modes"), PROGRESS)
def test_progress_is_read_as_the_version_of_buildx_allows(
    builder: Builder, modes: tuple[str, str]
) -> None:
    """On a terminal, docker draws the progress itself if it can be read afterwards."""
    assert (
        builder.progress_mode(terminal=True),
        builder.progress_mode(terminal=False),
    ) == modes


INSTALL = "install the package `docker-buildx-plugin` (Docker) or `docker-buildx` (Debian)"
CREATE = "create another builder with `docker buildx create --driver docker-container --use`"
READ_ONLY = "only import the cache with `--no-cache-export`"
LEAVE_OUT = "leave out an export with `--no-cache-export`"
WITHOUT = "or build without a cache with `--no-build-cache`"
PUSH = "push the image with `--push`, or write it elsewhere with `--builder-flag=--output=…`"
STORE = (
    'enable the containerd image store (`{"features": {"containerd-snapshotter": true}}` in'
    " `/etc/docker/daemon.json`, and a restart of Docker)"
)
INLINE_OFF = "set the build argument `BUILDKIT_INLINE_CACHE` to `0`"
CACHES = "https://docs.docker.com/build/cache/backends/"
BUILDX_PAGE = "https://docs.docker.com/build/install-buildx/"
STORE_PAGE = "https://docs.docker.com/engine/storage/containerd/"
PLATFORMS_PAGE = "https://docs.docker.com/build/building/multi-platform/"
DRIVERS_PAGE = "https://docs.docker.com/build/builders/drivers/"

MISSING = {
    "docker": (
        Builder(),
        MAX,
        "docker-not-found",
        "`docker` not found on PATH",
        "install Docker, or add the folder of `docker` to PATH",
        "https://docs.docker.com/engine/install/",
    ),
    "buildx": (
        DOCKER20,
        MAX,
        "missing-feature",
        "buildx is not installed, but required for the cache of `fn`",
        f"{INSTALL}, {READ_ONLY}, {WITHOUT}",
        BUILDX_PAGE,
    ),
    "buildkit": (
        DOCKER23,
        INLINE,
        "missing-feature",
        "buildx is not installed, but docker 23.0.1 requires it for the cache of `fn`",
        f"{INSTALL}, {WITHOUT} (`--no-cache-export` is not enough)",
        BUILDX_PAGE,
    ),
    "platforms-without-buildx": (
        DOCKER20,
        PLATFORMS,
        "multi-platform-output",
        "buildx is not installed, but required for the platforms of `fn`",
        f"{INSTALL}, or build for one platform without `--push`",
        BUILDX_PAGE,
    ),
    "export-with-the-classic-store": (
        CLASSIC,
        MAX,
        "missing-feature",
        "Docker cannot export the cache of `fn` with its classic image store",
        f"write `build_cache: inline`, {STORE}, {CREATE}, {READ_ONLY}, {WITHOUT}",
        STORE_PAGE,
    ),
    "platforms-with-the-classic-store": (
        CLASSIC,
        PLATFORMS,
        "multi-platform-output",
        "Docker cannot store `fn` for several platforms with its classic image store",
        f"push the image with `--push`, or {STORE}",
        STORE_PAGE,
    ),
    "platforms-with-another-driver": (
        CONTAINER,
        PLATFORMS,
        "multi-platform-output",
        "a builder with the driver `docker-container` cannot load `fn` for several platforms",
        PUSH,
        PLATFORMS_PAGE,
    ),
    "several-exports": (
        attrs.evolve(CONTAINER, buildkit="0.10.6"),
        MAX,
        "missing-feature",
        "BuildKit 0.10.6 supports one cache export per build, but `fn` needs several",
        f"upgrade to BuildKit 0.11 or Docker 24, {INLINE_OFF} (the inline cache counts as an export), {READ_ONLY}, {WITHOUT}",
        f"{CACHES}#multiple-caches",
    ),
    "backend-of-a-newer-buildkit": (
        OLD_CONTAINER,
        plan("gha"),
        "missing-feature",
        "BuildKit 0.8.3 does not support `type=gha` caches, needed by `fn`",
        f"upgrade to BuildKit 0.9 or later, {LEAVE_OUT}, {WITHOUT}",
        CACHES,
    ),
    "backend-of-the-containerd-store": (
        CLASSIC,
        plan("gha"),
        "missing-feature",
        "Docker does not support `type=gha` caches with its classic image store, needed by `fn`",
        f"{STORE}, {CREATE}, {LEAVE_OUT}, {WITHOUT}",
        STORE_PAGE,
    ),
    "backend-of-other-drivers": (
        CONTAINERD,
        plan("s3"),
        "missing-feature",
        "the driver `docker` does not support `type=s3` caches, needed by `fn`",
        f"{CREATE}, {LEAVE_OUT}, {WITHOUT}",
        CACHES,
    ),
    "export-of-another-program": (
        PODMAN,
        plan("cache-export"),
        "missing-feature",
        "`podman` cannot export the cache of `fn`",
        f"use another builder, {READ_ONLY}, {WITHOUT}",
        CACHES,
    ),
    "exports-of-another-program": (
        PODMAN,
        plan("multiple-exports"),
        "missing-feature",
        "`podman` supports one cache export per build, but `fn` needs several",
        f"remove all but one, {READ_ONLY}, {WITHOUT}",
        CACHES,
    ),
    "platforms-of-another-program": (
        PODMAN,
        PLATFORMS,
        "multi-platform-output",
        "`podman` cannot store `fn` for several platforms",
        "push the image with `--push`, or build for one platform",
        PLATFORMS_PAGE,
    ),
    "backend-of-another-program": (
        PODMAN,
        plan("gha"),
        "missing-feature",
        "`podman` does not support `type=gha` caches, needed by `fn`",
        f"use another builder, {LEAVE_OUT}, {WITHOUT}",
        CACHES,
    ),
    "buildx-not-declared": (
        Builder(declared_features=["buildkit"]),
        MAX,
        "missing-feature",
        "`docker` has no buildx, which is required for the cache of `fn`",
        f"use another builder, {READ_ONLY}, {WITHOUT}",
        BUILDX_PAGE,
    ),
    "buildkit-not-declared": (
        Builder(declared_features=[]),
        INLINE,
        "missing-feature",
        "`docker` has no BuildKit, which is required for the cache of `fn`",
        f"use another builder, {WITHOUT} (`--no-cache-export` is not enough)",
        DRIVERS_PAGE,
    ),
    "unknown-feature": (
        CONTAINER,
        plan("teleport"),
        "missing-feature",
        "the builder does not support `teleport`, needed by `fn`",
        "use another builder",
        DRIVERS_PAGE,
    ),
    "not-inspected": (
        None,
        PLATFORMS,
        "multi-platform-output",
        "the image of `fn` has several platforms and is not pushed, which few builders support",
        PUSH,
        PLATFORMS_PAGE,
    ),
}


def test_f2_to_publish_needs_buildx_with_a_cache_or_without() -> None:
    """The cache is not the reason, and no flag of the cache helps."""
    error = Diagnostic(
        name="missing-feature",
        message="buildx is not installed, but required to publish `fn`",
        hint="install the package `docker-buildx-plugin` (Docker) or `docker-buildx` (Debian),"
        " or build for the platform of this machine with `faas-cache build --push`",
        url=BUILDX_PAGE,
    )
    for docker in ("20.10.24", "28.5.2"):
        for needs in (plan("buildx"), plan("buildkit", "buildx", "registry", "cache-export")):
            assert missing_features([needs], Builder(docker=docker), publish=True) == (error,)


def test_f2_a_builder_is_created_from_a_context_where_tls_is_in_the_environment() -> None:
    """Because `docker buildx create` fails there (docker:dind in GitLab)."""
    environ = {"DOCKER_TLS_VERIFY": "1"}
    for case in ("export-with-the-classic-store", "backend-of-other-drivers"):
        builder, needs, _, _, hint, _ = MISSING[case]
        (error,) = missing_features([needs], builder, environ)
        assert error.hint == hint.replace(
            "docker buildx create --driver docker-container --use",
            "docker context create tls && docker buildx create --driver docker-container --use tls",
        )
        assert error.hint != hint


@pytest.mark.parametrize("case", MISSING)
def test_f2_a_missing_feature_is_an_error(case: str) -> None:
    """F2, F5: what is missing, for which function, what to do and where to read more."""
    builder, needs, name, message, hint, url = MISSING[case]
    error = Diagnostic(name=name, message=message, hint=hint, url=url)
    assert missing_features([needs], builder) == (error,)


ENOUGH = {
    "no-cache": (DOCKER23, OFF),
    "nothing-installed": (Builder(), OFF),
    "inline-without-buildx": (DOCKER20, INLINE),
    "inline": (CLASSIC, INLINE),
    "max": (CONTAINERD, MAX),
    "platforms": (CONTAINERD, PLATFORMS),
    "declared": (PODMAN, plan("buildkit", "buildx", "registry")),
    "not-inspected": (None, MAX),
}


@pytest.mark.parametrize("case", ENOUGH)
def test_f2_a_builder_that_has_what_is_needed_is_silent(case: str) -> None:
    """F2: nothing is reported where nothing is missing."""
    builder, needs = ENOUGH[case]
    assert missing_features([needs], builder) == ()


def test_f2_one_diagnostic_names_all_functions() -> None:
    """F2: a feature is reported once, with the functions that need it; a long list is cut."""
    plans = [plan("gha", name=f"fn{i}") for i in range(13)]
    messages = [d.message for d in missing_features([OFF, *plans, plan("s3")], OLD_CONTAINER)]
    names = ", ".join(f"`fn{i}`" for i in range(10))
    assert messages == [
        f"BuildKit 0.8.3 does not support `type=gha` caches, needed by {names} and 3 more",
        "BuildKit 0.8.3 does not support `type=s3` caches, needed by `fn`",
    ]


UNKNOWN = {
    "docker-and-buildkit": (
        attrs.evolve(CONTAINER, buildkit="", docker=""),
        "unknown version of docker and BuildKit, assuming that nothing is missing",
        "run `faas-cache doctor` to see what the builder reports",
    ),
    "another-program": (
        Builder(program="kaniko"),
        "unknown features of `kaniko`, assuming that nothing is missing",
        "",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_f2_an_unknown_version_is_one_note(case: str) -> None:
    """F2: an unknown version rejects no build."""
    builder, message, hint = UNKNOWN[case]
    note = Diagnostic(name="unknown-version", severity="note", message=message, hint=hint)
    assert missing_features([MAX, plan("inline", name="b")], builder) == (note,)


def test_a_builder_is_a_value() -> None:
    """Builders compare by what they can do and not by name; they hash, evolve and are pickled."""
    named = attrs.evolve(PODMAN, name="ci", registries={"ghcr.io"})
    assert (named, hash(named), pickle.loads(pickle.dumps(named))) == (PODMAN, hash(PODMAN), PODMAN)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        named.name = "x"  # type: ignore[misc]  # the change is the point
    assert repr(Builder(name="https://me:hunter2@host")) == (
        "Builder(docker=None, buildx=None, buildkit=None, driver='docker', containerd_store=False, "
        "program='docker', declared_features=None, name='https://***@host', "
        "nodes=(), node_platforms=(), silent_nodes=(), daemon_error='', registries=None)"
    )


def test_a_builder_rejects_wrong_types() -> None:
    """Every field of the wrong type is named."""
    arguments: dict[str, Any] = {
        "docker": 26,
        "driver": 3,
        "containerd_store": "maybe",
        "declared_features": 1,
    }
    with pytest.raises(InvalidInput) as caught:
        Builder(**arguments)
    assert [(d.location, d.message) for d in caught.value.diagnostics] == [
        (Location(path=("docker",)), "expected a string, got an integer"),
        (Location(path=("driver",)), "expected a string, got an integer"),
        (Location(path=("containerd_store",)), "expected a boolean, got `maybe`"),
        (Location(path=("declared_features",)), "expected a list of strings, got an integer"),
    ]
