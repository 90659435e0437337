"""The front ends: whole commands compared word by word, and the choice of one (F3)."""

import json
from typing import Any

import attrs
import pytest

from faas_cache.model.builders import Builder
from faas_cache.model.errors import BuilderError
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.resolution import resolve
from faas_cache.render import (
    FRONT_ENDS,
    Command,
    FrontEnd,
    bake,
    buildx_build,
    choose_front_end,
    docker_build,
    docker_push,
)

FULL = resolve(
    FunctionSpec(
        name="fn",
        image="ghcr.io/a/fn",
        build_cache={"from": ["ghcr.io/a/fn:cache"], "to": ["ghcr.io/a/fn:cache"]},
        build_args={"B": "1 2", "A": "x"},
        build_labels={"l": "v"},
        build_secrets={"npm": "/a,b"},
        platforms="linux/amd64,linux/arm64",
        builder="x",
        builder_flags=["--progress=plain"],
        context="build/fn",
        output="push",
        pull=True,
        squash=True,
        ssh="default",
        extra_tags=["v1"],
        provenance="mode=max",
        sbom=True,
    )
)
PLAIN = BuildPlan(function="fn", tags=["a/b:1"])
LAST = (
    *("--build-arg", "A=x", "--build-arg", "B=1 2", "--build-arg", "BUILDKIT_INLINE_CACHE=1"),
    *("--label", "l=v", "--secret", 'id=npm,"src=/a,b"', "--ssh", "default", "--pull"),
)
ATTESTED = ("--provenance=mode=max", "--sbom=true", "--builder=x", "--progress=plain")
TAGS = ("--tag", "ghcr.io/a/fn:latest", "--tag", "ghcr.io/a/fn:v1", "build/fn")


def test_buildx_build_in_its_fixed_order() -> None:
    """The arguments are in the order of the module; only squashing is not supported."""
    command = buildx_build(FULL)
    assert command.argv == (
        *("docker", "buildx", "build", "--platform", "linux/amd64,linux/arm64", "--push"),
        *("--cache-from", "type=registry,ref=ghcr.io/a/fn:cache"),
        *("--cache-to", "type=registry,ref=ghcr.io/a/fn:cache,mode=max"),
        *(*LAST, *ATTESTED, *TAGS),
    )
    assert (command.kind, command.function, dict(command.env)) == (
        "build",
        "fn",
        {"DOCKER_BUILDKIT": "1"},
    )
    assert [str(d) for d in command.unsupported] == [
        (
            "functions.fn: error: `docker buildx build` does not support `--squash`"
            " [unsupported-by-front-end]\n    use a multi-stage build instead\n"
            "    https://docs.docker.com/reference/cli/docker/buildx/build/"
        )
    ]


def test_docker_build_reports_what_it_does_not_support() -> None:
    """A docker without buildx gets what it understands, and the rest is reported."""
    command = docker_build(FULL)
    assert command.argv == (
        *("docker", "build", "--platform", "linux/amd64"),
        *(*LAST, "--squash", *ATTESTED, *TAGS),
    )
    message = "`docker build` does not support `{}`".format
    assert [(d.severity, d.message) for d in command.unsupported] == [
        ("error", message("--cache-from type=registry,ref=ghcr.io/a/fn:cache")),
        ("error", message("--cache-to type=registry,ref=ghcr.io/a/fn:cache,mode=max")),
        ("error", message("--platform linux/amd64,linux/arm64")),
        ("note", message("--push")),
        ("error", message("--squash")),
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("--load",)),
        ({"output": "load"}, ("--load",)),
        ({"output": "push"}, ("--push",)),
        ({"output": "type=oci,dest=x"}, ("--output", "type=oci,dest=x")),
        ({"builder_flags": ["--push"]}, ()),
        ({"builder_flags": ["--progress=plain"]}, ("--load",)),
    ],
)
def test_f5_the_image_is_kept(changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    """F5: without an output, and only then, a buildx build has `--load` in its position."""
    argv = buildx_build(attrs.evolve(PLAIN, **changes)).argv
    assert argv[3 : 3 + len(expected)] == expected
    assert sum(word in ("--load", "--push", "--output") for word in argv) == 1


def test_docker_build_passes_an_output() -> None:
    """`--output` is understood without buildx, `--load` is not needed."""
    plans = [attrs.evolve(PLAIN, output=output) for output in ("type=oci,dest=x", "load")]
    assert [docker_build(plan).argv[2:4] for plan in plans] == [
        ("--output", "type=oci,dest=x"),
        ("--tag", "a/b:1"),
    ]


def test_d3_no_cache() -> None:
    """D3: the run builds every step anew."""
    plan = resolve(FunctionSpec(name="fn", image="a/b:1"), CacheFlags(no_cache=True))
    assert docker_build(plan).argv == (
        *("docker", "build", "--no-cache", "--tag", "a/b:1", "build/fn"),
    )


def test_docker_build_imports_bare_references() -> None:
    """C2: a bare reference is the only import that docker understands without buildx."""
    command = docker_build(attrs.evolve(PLAIN, cache_from=["a/b:cache"]))
    assert command.argv[2:4] == ("--cache-from", "a/b:cache")
    assert command.unsupported == ()


def test_squash_without_caching_is_supported() -> None:
    """The classic builder squashes; BuildKit, which a cache needs, does not."""
    command = docker_build(attrs.evolve(PLAIN, squash=True))
    assert (command.argv[2], command.unsupported) == ("--squash", ())


@pytest.mark.parametrize(("quiet", "flags"), [(False, ()), (True, ("--quiet",))])
def test_docker_push_pushes_every_tag(quiet: bool, flags: tuple[str, ...]) -> None:  # noqa: FBT001  # a column
    """Where the build does not push, one command for each tag does."""
    commands = docker_push(attrs.evolve(PLAIN, tags=["a/b:1", "a/b:v1"]), quiet=quiet)
    assert commands == tuple(
        Command(argv=("docker", "push", *flags, tag), kind="push", function="fn")
        for tag in ("a/b:1", "a/b:v1")
    )


# Commands.


def test_shell_can_be_pasted() -> None:
    """The environment is in front, and every word is quoted where a shell would split it."""
    command = Command(argv=("docker", "build", "a b"), env=FrozenMap(A="1 2"))
    assert command.shell() == "A='1 2' docker build 'a b'"


def test_a_command_masks_its_secrets() -> None:
    """`argv` and `stdin` have what the builder must be given; `repr` and `masked` do not."""
    entry = "type=s3,bucket=b,region=r,session_token=hunter2,name=n"
    plan = attrs.evolve(PLAIN, cache_to=[entry])
    for command in (buildx_build(plan), docker_build(plan), bake([plan])):
        shown = command.masked()
        assert ("hunter2" in repr(command), "hunter2" in shown.shell() + shown.stdin) == (
            False,
            False,
        )
    assert "hunter2" in buildx_build(plan).shell() + bake([plan]).stdin


# Bake.


def test_bake_has_everything_of_every_plan() -> None:
    """One target for each plan; strings are no templates, and target names are unique."""
    full = attrs.evolve(FULL, builder_flags=[])
    odd = BuildPlan(function="f.n", tags=["a/b:1"], build_args={"A": "${B} %{c} $d"}, sbom="false")
    twin = attrs.evolve(
        PLAIN,
        function="f_n",
        output="type=local,dest=/x",
        builder_flags=["--network=host"],
        builder="y",
    )
    command = bake([full, odd, twin])
    assert command.argv == ("docker", "buildx", "bake", "--file", "-", "--builder=x", "--allow=ssh")
    assert (command.kind, command.function, dict(command.env)) == (
        "bake",
        "",
        {"DOCKER_BUILDKIT": "1", "BUILDX_BAKE_ENTITLEMENTS_FS": "0"},
    )
    assert [d.message for d in command.unsupported] == [
        "`docker buildx bake` does not support `--squash`",
        "`docker buildx bake` does not support `--builder=y`",
        "`docker buildx bake` does not support `--network=host`",
    ]
    assert json.loads(command.stdin) == {
        "group": {"default": {"targets": ["fn", "f_n", "f_n_"]}},
        "target": {
            "fn": {
                "context": "build/fn",
                "tags": ["ghcr.io/a/fn:latest", "ghcr.io/a/fn:v1"],
                "args": {"A": "x", "B": "1 2", "BUILDKIT_INLINE_CACHE": "1"},
                "labels": {"l": "v"},
                "cache-from": ["type=registry,ref=ghcr.io/a/fn:cache"],
                "cache-to": ["type=registry,ref=ghcr.io/a/fn:cache,mode=max"],
                "platforms": ["linux/amd64", "linux/arm64"],
                "secret": ['id=npm,"src=/a,b"'],
                "ssh": ["default"],
                "pull": True,
                "attest": ["type=provenance,mode=max", "type=sbom,disabled=false"],
                "output": ["type=image,push=true"],
            },
            "f_n": {
                "context": ".",
                "tags": ["a/b:1"],
                "args": {"A": "$${B} %%{c} $d"},
                "attest": ["type=sbom,disabled=true"],
                "output": ["type=docker"],
            },
            "f_n_": {"context": ".", "tags": ["a/b:1"], "output": ["type=local,dest=/x"]},
        },
    }


def test_bake_without_a_builder() -> None:
    """The current builder is used where no plan names one."""
    assert bake([PLAIN]).argv == ("docker", "buildx", "bake", "--file", "-")


# F3.


def needing(*needs: str) -> BuildPlan:
    """A plan that needs these features."""
    return attrs.evolve(PLAIN, needs=needs)


OLD = Builder(docker="20.10.24")
CURRENT = Builder(docker="28.5.2", buildx="0.29.1", containerd_store=True)


@pytest.mark.parametrize(
    ("plans", "builder", "expected"),
    [
        ([], None, "docker_build"),
        ([PLAIN], None, "docker_build"),
        ([PLAIN], CURRENT, "docker_build"),
        ([PLAIN, needing("buildkit", "registry")], None, "buildx_build"),
        ([needing("buildkit", "registry")], CURRENT, "buildx_build"),
        ([needing("buildkit", "registry")], OLD, "docker_build"),
        ([needing("multi-platform")], CURRENT, "docker_build"),
        ([needing("buildx")], None, "buildx_build"),
    ],
)
def test_f3_choose_front_end(
    plans: list[BuildPlan], builder: Builder | None, expected: str
) -> None:
    """F3: `docker build` without caching and where it suffices, else buildx."""
    assert choose_front_end(plans, builder).name == expected


def test_f3_a_missing_feature_is_raised() -> None:
    """F3: a builder that lacks a feature has no front end."""
    with pytest.raises(BuilderError) as caught:
        choose_front_end([needing("buildkit", "s3")], CURRENT)
    assert [d.name for d in caught.value.diagnostics] == ["missing-feature"]


def test_choose_front_end_among_others() -> None:
    """The first front end that supports what is needed is chosen, among any."""
    small = FrontEnd(name="small", build=docker_build, features=frozenset({"buildkit"}))
    large = FrontEnd(name="large", build=buildx_build)
    other = FrontEnd(name="podman", build=buildx_build, program="podman", features=["registry"])
    plan = needing("buildkit", "registry")
    assert choose_front_end([plan], CURRENT, [other, small, large]) == large
    assert choose_front_end([plan], None, {"podman": other, "large": large}) == other
    assert choose_front_end([plan], Builder(program="podman"), [large, other]) == other
    with pytest.raises(BuilderError) as caught:
        choose_front_end([plan], CURRENT, [small])
    assert [(d.name, d.message) for d in caught.value.diagnostics] == [
        ("missing-feature", "the front end `small` does not support `registry`")
    ]
    with pytest.raises(BuilderError) as caught:
        choose_front_end([plan], Builder(program="podman"))
    assert [d.message for d in caught.value.diagnostics] == ["no front end is known for `podman`"]


def test_every_front_end_has_its_name() -> None:
    """The table is keyed by the names of the front ends."""
    assert [front_end.name for front_end in FRONT_ENDS.values()] == list(FRONT_ENDS)


def test_bake_escapes_the_keys_of_mappings() -> None:
    """Bake reads the names of arguments and labels as templates, too."""
    plan = attrs.evolve(PLAIN, labels={"${a}": "%{b}"}, build_args={"%{c}": "$d"})
    target = json.loads(bake([plan]).stdin)["target"]["fn"]
    assert (target["labels"], target["args"]) == ({"$${a}": "%%{b}"}, {"%%{c}": "$d"})


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("docker build", docker_build),
        ("docker buildx build", buildx_build),
        ("docker buildx bake", lambda plan: bake([plan])),
    ],
)
def test_docker_does_not_support_an_address(program: str, command: Any) -> None:  # noqa: ANN401  # a front end
    """A daemon is a builder for docker; its address is for buildctl, and its secrets are masked."""
    (diagnostic,) = command(attrs.evolve(PLAIN, address="tcp://u:hunter2@h:1")).unsupported
    assert (diagnostic.severity, diagnostic.message, diagnostic.hint) == (
        "error",
        f"`{program}` does not support `--addr tcp://***@h:1`",
        "add `--front-end buildctl_build`, or name a builder with `--builder`",
    )


@pytest.mark.parametrize("program", ["buildctl", "buildah"])
def test_f3_other_programs_are_used_by_name_only(program: str) -> None:
    """F3 chooses among docker's; a program of its own is passed to `using`."""
    with pytest.raises(BuilderError) as caught:
        choose_front_end([PLAIN], Builder(program=program))
    assert [d.message for d in caught.value.diagnostics] == [
        f"no front end is known for `{program}`"
    ]
