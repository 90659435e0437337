"""Builders with several nodes."""

from __future__ import annotations

import attrs
import pytest

from faas_cache.model.builders import Builder
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.checks import check
from faas_cache.planning.node_checks import check_loading, check_nodes
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.resolution import resolve

TWO = Builder(
    docker="28.0", buildx="0.29.1", driver="remote", buildkit="0.25", name="b", nodes=("x", "y")
)


def plan(*platforms: str, to: tuple[str, ...] = ("type=registry,ref=a/c",)) -> BuildPlan:
    return resolve(
        FunctionSpec(
            name="fn", image="a/b", target_platforms=platforms, build_cache={"to": list(to)}
        )
    )


@pytest.mark.parametrize(
    ("build_plan", "builder"),
    [
        (plan("linux/amd64"), TWO),
        (plan("linux/amd64", "linux/arm64"), Builder(driver="remote", nodes=("x",))),
        (plan("linux/amd64", "linux/arm64", to=("type=inline",)), TWO),
    ],
    ids=["one platform", "one node", "no destination"],
)
def test_one_node_overwrites_nothing(build_plan: BuildPlan, builder: Builder) -> None:
    """Nor does a build for one platform, or a cache in the image."""
    assert list(check_nodes([build_plan], builder)) == []


def test_e5_each_node_replaces_the_cache_of_the_others() -> None:
    """A warning, once for each export."""
    shared = Diagnostic(
        name="shared-cache-destination",
        severity="warning",
        message="the 2 nodes of the builder `b` export to `type=registry docker.io/a/c:latest`,"
        " and the last one replaces the others",
        hint="build each platform by itself with `--cache-scope '{platform}'`,"
        " or use a builder with one node",
        location=Location(path=("functions", "fn", "build_cache", "to", 0)),
    )
    assert list(check_nodes([plan("linux/amd64", "linux/arm64")], TWO)) == [shared]


@pytest.mark.parametrize(
    ("node_platforms", "warns"),
    [
        (("linux/amd64,linux/arm64", "linux/amd64,linux/arm64"), False),
        (("linux/riscv64", "linux/amd64,linux/arm64"), False),
        (("linux/amd64*,linux/arm64*", "linux/arm64*"), False),
        (("linux/amd64", "linux/arm64"), True),
        (("linux/amd64*,linux/arm64", "linux/arm64*,linux/amd64"), True),
        (("linux/amd64,linux/arm64", "linux/arm64*"), False),
        (("linux/amd64", "linux/amd64"), True),
        (("", ""), True),
    ],
)
def test_e5_one_of_several_nodes_may_build_all(
    node_platforms: tuple[str, str],
    warns: bool,  # noqa: FBT001  # a column of the table
) -> None:
    """Replicas have the same platforms; a node that was created for a platform is preferred."""
    builder = attrs.evolve(TWO, node_platforms=node_platforms)
    assert bool([*check_nodes([plan("linux/amd64", "linux/arm64")], builder)]) == warns


def test_f2_silent_nodes_are_named() -> None:
    """A warning: the platforms of the others can be built."""
    builder = Builder(
        docker="28.0",
        buildx="0.29.1",
        buildkit="0.25",
        driver="remote",
        name="b\x1b",
        nodes=("x", "y"),
        silent_nodes=("y",),
    )
    assert check([plan()], builder) == (
        Diagnostic(
            name="daemon-unreachable",
            severity="warning",
            message="node `y` of the builder `b\\x1b` does not respond",
            hint="start it, or build only for platforms of the other nodes",
        ),
    )


WORDS = "Cannot connect to the Docker daemon at unix:///nope"
APART = Builder(
    docker="28", buildx="0.29.1", buildkit="0.25", driver="remote", name="b", daemon_error=WORDS
)


def loading(**fields: object) -> BuildPlan:
    return resolve(FunctionSpec(name="fn", image="a/b", **{"build_cache": "max", **fields}))  # type: ignore[arg-type]  # the fields of a spec


@pytest.mark.parametrize(
    ("build_plan", "builder"),
    [
        (loading(), attrs.evolve(APART, daemon_error="")),
        (loading(output="push"), APART),
        (loading(output="type=oci,dest=x"), APART),
        (loading(builder_flags=("--push",)), APART),
        (loading(build_cache=None), APART),
    ],
    ids=["a daemon", "pushed", "a file", "pushed by a flag", "docker build"],
)
def test_f5_an_image_that_is_not_loaded_needs_no_daemon(
    build_plan: BuildPlan, builder: Builder
) -> None:
    """A remote builder builds and pushes by itself."""
    assert list(check_loading([build_plan], builder)) == []


@pytest.mark.parametrize(
    "build_plan",
    [loading(), loading(output="load"), loading(builder_flags=("--load",))],
    ids=["by default", "by its output", "by a flag"],
)
def test_f5_a_daemon_that_does_not_respond_cannot_store_an_image(build_plan: BuildPlan) -> None:
    """An error before anything runs, with docker's words."""
    assert check([build_plan], APART) == (
        Diagnostic(
            name="daemon-unreachable",
            message="cannot connect to the Docker daemon, which stores the image of `--load`:"
            f" {WORDS}",
            hint="start it, check DOCKER_HOST and `docker context ls`, or push the image with"
            " `--push`",
            location=Location(path=("functions", "fn")),
        ),
    )
