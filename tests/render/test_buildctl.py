"""`buildctl build`: whole commands, compared with BuildKit's grammar of its arguments."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.resolution import resolve
from faas_cache.render import FRONT_ENDS, buildctl_build

PLAIN = BuildPlan(function="fn", tags=["a/b:1"], output="push")
HEAD = ("buildctl", "build", "--frontend", "dockerfile.v0")
LOCAL = ("--local", "context=.", "--local", "dockerfile=.")
PUSHED = ("--output", "type=image,name=a/b:1,push=true")
FULL = attrs.evolve(
    resolve(
        FunctionSpec(
            name="fn",
            image="ghcr.io/a/fn",
            build_cache={
                "from": ["ghcr.io/a/fn:cache", "type=gha,scope=x"],
                "to": ["ghcr.io/a/fn:cache"],
            },
            build_args={"B": "1 2", "A": "x=y"},
            build_labels={"l": "v"},
            build_secrets={"npm": "/a,b"},
            platforms="linux/amd64,linux/arm64",
            builder_flags=["--allow=network.host"],
            context="build/fn",
            output="push",
            pull=True,
            ssh="default",
            extra_tags=["v1"],
            provenance="mode=max",
            sbom=True,
        )
    ),
    address="tcp://buildkitd:1234",
    no_cache=True,
)


def test_a_plan_in_its_fixed_order() -> None:
    """Each part has the spelling of buildctl; docker's environment is not needed."""
    command = buildctl_build(FULL)
    assert command.argv == (
        *("buildctl", "--addr", "tcp://buildkitd:1234", "build", "--frontend", "dockerfile.v0"),
        *("--local", "context=build/fn", "--local", "dockerfile=build/fn"),
        *("--output", 'type=image,"name=ghcr.io/a/fn:latest,ghcr.io/a/fn:v1",push=true'),
        *("--import-cache", "type=registry,ref=ghcr.io/a/fn:cache"),
        *("--import-cache", "type=gha,scope=x"),
        *("--export-cache", "type=registry,ref=ghcr.io/a/fn:cache,mode=max"),
        *("--export-cache", "type=inline"),
        *("--opt", "platform=linux/amd64,linux/arm64"),
        *("--opt", "build-arg:A=x=y", "--opt", "build-arg:B=1 2"),
        *("--opt", "build-arg:BUILDKIT_INLINE_CACHE=1", "--opt", "label:l=v"),
        *("--opt", "image-resolve-mode=pull"),
        *("--opt", "attest:provenance=mode=max", "--opt", "attest:sbom="),
        *("--secret", 'id=npm,"src=/a,b"', "--ssh", "default", "--no-cache"),
        "--allow=network.host",
    )
    assert (command.kind, command.function, dict(command.env)) == ("build", "fn", {})
    assert command.unsupported == ()


CACHES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "a bare import gets a type": (
        {"cache_from": ["a/b:c"]},
        ("--import-cache", "type=registry,ref=a/b:c"),
    ),
    "buildctl knows the type in lower case only": (
        {"cache_to": ['TYPE=local,"dest=/a,b"']},
        ("--export-cache", 'type=local,"dest=/a,b"'),
    ),
    "a typed entry is passed as written": (
        {"cache_from": ["ref=a/b:c,type=registry"]},
        ("--import-cache", "ref=a/b:c,type=registry"),
    ),
    "the argument of the inline cache becomes an export": (
        {"build_args": {"BUILDKIT_INLINE_CACHE": "T"}},
        ("--export-cache", "type=inline", "--opt", "build-arg:BUILDKIT_INLINE_CACHE=T"),
    ),
    "a false argument does not": (
        {"build_args": {"BUILDKIT_INLINE_CACHE": "0"}},
        ("--opt", "build-arg:BUILDKIT_INLINE_CACHE=0"),
    ),
}


@pytest.mark.parametrize(("changes", "expected"), CACHES.values(), ids=CACHES)
def test_cache_entries(changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    """Entries and the inline cache as `--import-cache` and `--export-cache`."""
    plan = attrs.evolve(PLAIN, **changes)
    assert buildctl_build(plan).argv == (*HEAD, *LOCAL, *PUSHED, *expected)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("push", ("--output", "type=image,name=a/b:1,push=true")),
        ("type=oci,dest=x.tar", ("--output", "type=oci,dest=x.tar,name=a/b:1")),
        ("type=docker,name=other", ("--output", "type=docker,name=other")),
        ("type=registry", ("--output", "type=image,push=true,name=a/b:1")),
        ('TYPE=Image,"annotation.a=1,2"', ("--output", 'type=Image,"annotation.a=1,2"')),
        ("type=local,dest=out", ("--output", "type=local,dest=out")),
        ("out,put", ("--output", 'type=local,"dest=out,put"')),
        ("-", ("--output", "type=tar,dest=-")),
        ("load", ()),
        (None, ()),
    ],
)
def test_outputs(output: str | None, expected: tuple[str, ...]) -> None:
    """An output of buildx as buildctl reads it: with a type, and with the names of the image."""
    argv = buildctl_build(attrs.evolve(PLAIN, output=output)).argv
    assert argv == (*HEAD, *LOCAL, *expected)


@pytest.mark.parametrize(
    "context", ["https://h/x.git#main", "git@h:x.git", "github.com/a/b", "http://h/x.tar"]
)
def test_a_remote_context_is_read_by_the_daemon(context: str) -> None:
    """A URL is no local folder; the Dockerfile is in it too."""
    argv = buildctl_build(attrs.evolve(PLAIN, context=context)).argv
    assert argv == (*HEAD, "--opt", f"context={context}", *PUSHED)


@pytest.mark.parametrize(
    ("provenance", "sbom", "expected"),
    [
        (None, None, ()),
        ("false", "0", ()),
        ("true", "generator=x", ("--opt", "attest:provenance=", "--opt", "attest:sbom=generator=x")),
    ],
)  # fmt: skip
def test_attestations(provenance: str | None, sbom: str | None, expected: tuple[str, ...]) -> None:
    """`true` is the default of the frontend; without a value there are none."""
    plan = attrs.evolve(PLAIN, provenance=provenance, sbom=sbom)
    assert buildctl_build(plan).argv == (*HEAD, *LOCAL, *PUSHED, *expected)


LOAD = (
    "`buildctl build` does not support `--load`",
    "push the image with `--push`, or write `output: type=oci,dest=FILE`",
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"output": None}, [LOAD]),
        ({"output": "load"}, [LOAD]),
        ({"output": None, "builder_flags": ["--output=type=oci,dest=x"]}, []),
        ({"builder": "b"}, [("`buildctl build` does not support `--builder=b`", "name the daemon with `--addr`")]),
        ({"squash": True}, [("`buildctl build` does not support `--squash`", "use a multi-stage build instead")]),
    ],
)  # fmt: skip
def test_what_it_does_not_support(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """F5: an image that nothing keeps is an error, and so is what buildctl has no flag for."""
    unsupported = buildctl_build(attrs.evolve(PLAIN, **changes)).unsupported
    assert [(d.message, d.hint) for d in unsupported] == expected
    assert {d.severity for d in unsupported} <= {"error"}


def test_it_supports_every_feature() -> None:
    """What a plan needs is up to the daemon."""
    front_end = FRONT_ENDS["buildctl_build"]
    assert FULL.needs <= front_end.supported()
    assert (front_end.program, front_end.progress, front_end.push) == ("buildctl", "plain", None)
