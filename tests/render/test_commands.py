"""The renderers: whole commands compared with what Docker is told."""

import json

import attrs

from faas_cache.model.flags import CacheFlags
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.plan import resolve
from faas_cache.render.commands import Command, bake, buildx_build, docker_build, docker_push

FULL = FunctionSpec(
    name="fn",
    image="ghcr.io/a/fn",
    build_cache={"from": ["ghcr.io/a/fn:cache"], "to": ["ghcr.io/a/fn:cache"]},
    build_args={"A": "1 2"},
    build_labels={"l": "v"},
    build_secrets={"npm": "/a,b"},
    platforms="linux/amd64,linux/arm64",
    builder_flags=["--builder=x"],
    context="build/fn",
    output="push",
    pull=True,
    squash=True,
    ssh="default",
    extra_tags=["v1"],
)


def test_buildx_build_in_its_fixed_order() -> None:
    """The arguments follow one another as the module says; only what buildx cannot say is lost."""
    command = buildx_build(resolve(FULL, CacheFlags(builder_flags="--progress=plain")))
    assert command.argv == (
        *("docker", "buildx", "build", "--platform", "linux/amd64,linux/arm64", "--push"),
        *("--cache-from", "type=registry,ref=ghcr.io/a/fn:cache"),
        *("--cache-to", "type=registry,ref=ghcr.io/a/fn:cache,mode=max"),
        *("--build-arg", "A=1 2", "--build-arg", "BUILDKIT_INLINE_CACHE=1", "--label", "l=v"),
        *(
            "--secret",
            'id=npm,"src=/a,b"',
            "--ssh",
            "default",
            "--pull",
            "--builder=x",
            "--progress=plain",
        ),
        *("--tag", "ghcr.io/a/fn:latest", "--tag", "ghcr.io/a/fn:v1", "build/fn"),
    )
    assert [d.message for d in command.lost] == ["this front end cannot say `--squash`"]


def test_docker_build_reports_what_it_loses() -> None:
    """A docker without buildx is told what it understands, and the rest is reported."""
    command = docker_build(resolve(FULL))
    assert command.argv == (
        *("docker", "build", "--platform", "linux/amd64"),
        *("--build-arg", "A=1 2", "--build-arg", "BUILDKIT_INLINE_CACHE=1", "--label", "l=v"),
        *("--secret", 'id=npm,"src=/a,b"', "--ssh", "default", "--pull", "--squash", "--builder=x"),
        *("--tag", "ghcr.io/a/fn:latest", "--tag", "ghcr.io/a/fn:v1", "build/fn"),
    )
    assert [
        (d.severity, d.message.removeprefix("this front end cannot say ")) for d in command.lost
    ] == [
        ("error", "`--cache-from type=registry,ref=ghcr.io/a/fn:cache`"),
        ("error", "`--cache-to type=registry,ref=ghcr.io/a/fn:cache,mode=max`"),
        ("error", "`--platform linux/amd64,linux/arm64`"),
        ("note", "`--push`"),
        ("error", "`--squash`"),
    ]


def test_f5_the_image_is_kept() -> None:
    """F5: without an output, and only then, a buildx build carries --load in the output's place."""
    spec = FunctionSpec(name="fn", image="a/b:1", build_cache="inline")
    outputs = [
        buildx_build(resolve(spec)).argv[3],
        buildx_build(resolve(spec, CacheFlags(builder_flags="--push"))).argv[3],
        buildx_build(
            resolve(FunctionSpec(name="fn", image="a/b:1", output="type=oci,dest=x"))
        ).argv[3:5],
        docker_build(
            resolve(FunctionSpec(name="fn", image="a/b:1", output="type=oci,dest=x"))
        ).argv[2:4],
    ]
    assert outputs == [
        "--load",
        "--cache-from",
        ("--output", "type=oci,dest=x"),
        ("--output", "type=oci,dest=x"),
    ]


def test_d3_no_cache_is_said() -> None:
    """D3: the run builds every step anew."""
    command = docker_build(
        resolve(FunctionSpec(name="fn", image="a/b:1"), CacheFlags(no_cache=True))
    )
    assert command.argv == ("docker", "build", "--no-cache", "--tag", "a/b:1", ".")


def test_shell_can_be_pasted() -> None:
    """The environment stands in front and every word is quoted where a shell would split it."""
    command = Command(
        argv=("docker", "build", "a b"), env=resolve(FunctionSpec(name="f", image="a", ssh="x")).env
    )
    assert command.shell() == "DOCKER_BUILDKIT=1 docker build 'a b'"


def test_docker_push_pushes_every_tag() -> None:
    """Where the front end could not push, one command a tag does."""
    plan = resolve(FunctionSpec(name="fn", image="a/b", extra_tags=["v1"]))
    assert [c.argv for c in docker_push(plan)] == [
        ("docker", "push", "a/b:latest"),
        ("docker", "push", "a/b:v1"),
    ]


def test_bake_says_everything_of_every_plan() -> None:
    """One target a plan; texts are no templates, names are those that bake takes, and each stands once."""
    full = attrs.evolve(resolve(FULL), builder_flags=("--builder=x",))
    odd = resolve(FunctionSpec(name="f.n", image="a/b", build_args={"A": "${B} %{c} $d"}))
    twin = resolve(
        FunctionSpec(
            name="f_n", image="a/c", output="type=local,dest=/x", builder_flags=["--network=host"]
        )
    )
    command = bake([full, odd, twin])
    assert command.argv == ("docker", "buildx", "bake", "--file", "-", "--builder=x", "--allow=ssh")
    assert dict(command.env) == {"DOCKER_BUILDKIT": "1", "BUILDX_BAKE_ENTITLEMENTS_FS": "0"}
    assert [d.message for d in command.lost] == [
        "this front end cannot say the builder flag `--network=host`",
        "this front end cannot say `--squash`",
    ]
    assert json.loads(command.stdin) == {
        "group": {"default": {"targets": ["fn", "f_n", "f_n_"]}},
        "target": {
            "fn": {
                "context": "build/fn",
                "tags": ["ghcr.io/a/fn:latest", "ghcr.io/a/fn:v1"],
                "args": {"A": "1 2", "BUILDKIT_INLINE_CACHE": "1"},
                "labels": {"l": "v"},
                "cache-from": ["type=registry,ref=ghcr.io/a/fn:cache"],
                "cache-to": ["type=registry,ref=ghcr.io/a/fn:cache,mode=max"],
                "platforms": ["linux/amd64", "linux/arm64"],
                "secret": ['id=npm,"src=/a,b"'],
                "ssh": ["default"],
                "pull": True,
                "output": ["type=image,push=true"],
            },
            "f_n": {
                "context": ".",
                "tags": ["a/b:latest"],
                "args": {"A": "$${B} %%{c} $d"},
                "output": ["type=docker"],
            },
            "f_n_": {"context": ".", "tags": ["a/c:latest"], "output": ["type=local,dest=/x"]},
        },
    }


def test_what_bake_reads_is_masked_too() -> None:
    """Standard input holds what the builder must be given; its masked form does not."""
    plan = resolve(
        FunctionSpec(
            name="fn",
            image="a/b",
            build_cache={"to": ["type=s3,bucket=b,region=r,session_token=hunter2,name=n"]},
        )
    )
    command = bake([plan])
    assert (
        "hunter2" in command.stdin,
        "hunter2" in command.masked().stdin,
        "hunter2" in repr(command),
    ) == (True, False, False)
