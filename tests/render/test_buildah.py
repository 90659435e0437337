"""`buildah build` and `podman build`: whole commands, and what is lost."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.resolution import resolve
from faas_cache.render import FRONT_ENDS, Command, buildah_build, buildah_push

PLAIN = BuildPlan(function="fn", tags=["a/b:1"])
MAX = resolve(
    FunctionSpec(
        name="fn",
        image="localhost:5000/a/fn:1",
        build_cache="max",
        build_args={"A": "x"},
        build_labels={"l": "v"},
        build_secrets={"npm": "/x"},
        builder_flags=["--isolation=chroot"],
        output="push",
        pull=True,
        ssh="default",
        extra_tags=["v1"],
    )
)
REST = (
    *("--cache-from", "localhost:5000/a/fn", "--cache-to", "localhost:5000/a/fn"),
    *("--build-arg", "A=x", "--label", "l=v", "--secret", "id=npm,src=/x", "--ssh", "default"),
    *("--pull", "--isolation=chroot", "--tag", "localhost:5000/a/fn:1"),
    *("--tag", "localhost:5000/a/fn:v1", "build/fn"),
)
STEPS = "expect the steps as tags of `{}`, which are never removed"


@pytest.mark.parametrize(
    ("program", "head"),
    [("buildah", ("buildah", "build", "--layers")), ("podman", ("podman", "build"))],
)
def test_max_is_a_cache_in_the_repository(program: str, head: tuple[str, ...]) -> None:
    """The repository has no tag; buildah reads it with `--layers` only; the lost tag is a note."""
    command = buildah_build(MAX, program=program)
    assert command.argv == (*head, *REST)
    assert (command.kind, command.function, dict(command.env)) == ("build", "fn", {})
    name = "localhost:5000/a/fn"
    message = f"`{program} build` does not support `--cache-{{}} {name}:buildcache`".format
    assert [(d.severity, d.message, d.hint) for d in command.unsupported] == [
        ("note", message("from"), STEPS.format(name)),
        ("note", message("to"), STEPS.format(name)),
    ]


def test_without_caching_nothing_is_added() -> None:
    """A1: the plain command."""
    assert buildah_build(PLAIN) == Command(
        argv=("buildah", "build", "--tag", "a/b:1", "."), function="fn"
    )


@pytest.mark.parametrize("program", ["buildah", "podman"])
def test_each_tag_is_pushed(program: str) -> None:
    """The build does not push; one command for each tag does."""
    assert buildah_push(attrs.evolve(PLAIN, tags=["a/b:1", "a/b:2"]), program=program) == tuple(
        Command(argv=(program, "push", tag), kind="push", function="fn")
        for tag in ("a/b:1", "a/b:2")
    )


# Changes of a plan, the words between `build` and `--tag`, and what is reported.
LOST: dict[str, tuple[dict[str, Any], tuple[str, ...], list[tuple[str, str]]]] = {
    "a repository without a tag loses nothing": (
        {"cache_from": ["x/y"], "cache_to": ["type=registry,ref=x/y,mode=max,image-manifest=true"]},
        ("--layers", "--cache-from", "x/y", "--cache-to", "x/y"),
        [],
    ),
    "two tags of one repository are one cache": (
        {"cache_from": ["x/y:1", "type=registry,ref=x/y:2"]},
        ("--layers", "--cache-from", "x/y"),
        [("note", "--cache-from x/y:1"), ("note", "--cache-from x/y:2")],
    ),
    "old versions use the last repository only": (
        {"cache_from": ["x/y", "x/z"]},
        ("--layers", "--cache-from", "x/y", "--cache-from", "x/z"),
        [("note", "--cache-from x/y --cache-from x/z")],
    ),
    "other backends": (
        {"cache_from": ["type=gha"], "cache_to": ["type=inline"]},
        (),
        [("error", "--cache-from type=gha"), ("error", "--cache-to type=inline")],
    ),
    "an ill-formed reference, which is a warning of its own": (
        {"cache_from": ["type=registry,ref=A/B"]},
        (),
        [],
    ),
    "the inline cache of the image": (
        {"cache_from": ["docker.io/a/b:1"], "build_args": {"BUILDKIT_INLINE_CACHE": "1"}},
        (),
        [("error", "--cache-from docker.io/a/b:1"), ("note", "--build-arg BUILDKIT_INLINE_CACHE=1")],
    ),
    "fields": (
        {"cache_to": ["type=registry,ref=x/y,mode=min,compression=zstd,ignore-error=true"]},
        ("--layers", "--cache-to", "x/y"),
        [("note", "--cache-to mode=min"), ("note", "--cache-to compression=zstd"), ("note", "--cache-to ignore-error=true")],
    ),
    "several platforms": (
        {"platforms": ["linux/amd64", "linux/arm64"]},
        ("--platform", "linux/amd64"),
        [("error", "--platform linux/amd64,linux/arm64")],
    ),
    "outputs": ({"output": "type=local,dest=x"}, ("--output", "type=local,dest=x"), []),
    "other outputs": ({"output": "type=oci,dest=x"}, (), [("error", "--output type=oci,dest=x")]),
    "the image stays in its store": ({"output": "load"}, (), []),
    "attestations": (
        {"provenance": "mode=max", "sbom": "true"},
        (),
        [("error", "--provenance=mode=max"), ("error", "--sbom=true")],
    ),
    "no attestations": ({"provenance": "false", "sbom": "0"}, (), []),
    "builders": (
        {"builder": "b", "address": "tcp://h:1"},
        (),
        [("error", "--builder=b"), ("error", "--addr tcp://h:1")],
    ),
    "squash": (
        {"squash": True, "needs": ["buildkit"], "cache_to": ["x/y"]},
        ("--layers", "--cache-to", "x/y", "--squash"),
        [],
    ),
    "no cache": ({"no_cache": True}, ("--no-cache",), []),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "words", "reported"), LOST.values(), ids=LOST)
def test_what_is_passed_and_what_is_lost(
    changes: dict[str, Any], words: tuple[str, ...], reported: list[tuple[str, str]]
) -> None:
    """Errors for what cannot be built, notes for what is left out."""
    command = buildah_build(attrs.evolve(PLAIN, **changes))
    assert command.argv == ("buildah", "build", *words, "--tag", "a/b:1", ".")
    assert [(d.severity, d.message) for d in command.unsupported] == [
        (severity, f"`buildah build` does not support `{part}`") for severity, part in reported
    ]


@pytest.mark.parametrize(("needs", "expected"), [(["buildkit"], ["error"]), ([], [])])
def test_podman_does_not_squash_a_cached_build(needs: list[str], expected: list[str]) -> None:
    """With `--squash`, podman 5 silently caches nothing, and podman 4 fails."""
    command = buildah_build(attrs.evolve(PLAIN, squash=True, needs=needs), program="podman")
    assert [d.severity for d in command.unsupported] == expected


def test_it_is_in_the_table() -> None:
    """Its push is its own, and no feature is missing: what is lost is reported part by part."""
    front_end = FRONT_ENDS["buildah_build"]
    assert (front_end.program, front_end.progress, front_end.push) == (
        "buildah",
        "none",
        buildah_push,
    )
    assert MAX.needs <= front_end.supported()
