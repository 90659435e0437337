"""What to do about a failure, for the plan that failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from faas_cache.buildkit.explanations import Explanation, explain
from faas_cache.model.builders import Builder
from faas_cache.model.flags import CacheFlags
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.advice import advise
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.resolution import resolve

REF = "ghcr.io/acme/fn:buildcache"
FIELDS = "image-manifest=true,oci-mediatypes=true"
OWN = (
    "keep the cache in another registry with `build_cache: {mode: max, repository: REGISTRY/NAME}`"
)
FLAG = "pass `--ignore-cache-errors` to let such a build pass"
NO_EXPORT = "build with `--no-cache-export` to use the cache without writing it"
REJECTED = "the registry rejected the cache manifest"


def failure(error: str, step: str = "exporting cache to registry") -> Explanation:
    """The explanation of a build that failed in this step."""
    (explanation,) = explain(f"#9 {step}\n#9 ERROR: {error}\nERROR: failed to solve: {error}\n")
    return explanation


NO_FLAGS = CacheFlags()


def plan(
    setting: object, image: str = "ghcr.io/acme/fn:1", flags: CacheFlags = NO_FLAGS
) -> BuildPlan:
    """The plan of one function."""
    spec: Any = {"name": "fn", "image": image, "build_cache": setting}
    return resolve(FunctionSpec(**spec), flags)


REFUSED = failure("error writing manifest blob: unknown: manifest invalid")
DENIED = failure("error writing layer blob: denied")
DOWN = failure("error writing layer blob: dial tcp: connection refused")
PUSH = failure("failed to push: denied", "exporting to image")
UNSUPPORTED = explain(
    "ERROR: failed to build: Cache export is not supported for the docker driver.\n"
)[0]

ADVICE: dict[str, tuple[Explanation, BuildPlan, str]] = {
    "max": (
        REFUSED,
        plan("max"),
        (f"write `build_cache: {{from: ['{REF}'], to: ['type=registry,ref={REF},mode=max,{FIELDS}']}}`"
        f" in place of the mode, or {OWN}; {FLAG}"),
    ),
    "max-with-scopes": (
        REFUSED,
        plan({"mode": "max", "scope": "x", "fallback_scopes": "main"}),
        (f"write `build_cache: {{from: ['{REF}-x', '{REF}-main'],"
        f" to: ['type=registry,ref={REF}-x,mode=max,{FIELDS}']}}` in place of the mode, or {OWN}; {FLAG}"),
    ),
    "max-as-a-flag": (
        REFUSED,
        plan(None, flags=CacheFlags(build_cache="max")),
        (f"pass `--cache-from {REF} --cache-to type=registry,ref={REF},mode=max,{FIELDS}`"
        f" in place of the mode, or {OWN}; {FLAG}"),
    ),
    "max-without-imports": (
        REFUSED,
        plan("max", flags=CacheFlags(no_cache=True)),
        (f"write `build_cache: {{from: ['{REF}'], to: ['type=registry,ref={REF},mode=max,{FIELDS}']}}`"
        f" in place of the mode, or {OWN}; {FLAG}"),
    ),
    "a-reference": (
        REFUSED,
        plan({"to": ["ghcr.io/acme/c:1"]}),
        f"write `type=registry,ref=ghcr.io/acme/c:1,mode=max,{FIELDS}` into `to`, or {OWN}; {FLAG}",
    ),
    "a-reference-as-a-flag": (
        REFUSED,
        plan(None, flags=CacheFlags(cache_to=["ghcr.io/acme/c:1"])),
        f"write `type=registry,ref=ghcr.io/acme/c:1,mode=max,{FIELDS}` as `--cache-to`, or {OWN}; {FLAG}",
    ),
    "a-typed-entry": (
        REFUSED,
        plan({"to": ["type=registry,ref=ghcr.io/acme/c:1"]}),
        (f"write `type=registry,ref=ghcr.io/acme/c:1,{FIELDS}` into `to`, or {OWN};"
        " write `type=registry,ref=ghcr.io/acme/c:1,ignore-error=true` to let such a build pass"),
    ),
    "another-backend": (
        REFUSED,
        plan({"to": ["type=local,dest=c"]}),
        (f"write `{FIELDS}` into the `to` entry (BuildKit 0.12 or newer), or {OWN};"
        " write `type=local,dest=c,ignore-error=true` to let such a build pass"),
    ),
    "applied": (
        REFUSED,
        plan({"to": [f"type=registry,ref=ghcr.io/acme/c:1,{FIELDS},ignore-error=true"]}),
        OWN,
    ),
    "beside-an-inline-cache": (
        REFUSED,
        plan({"to": ["type=inline", f"type=registry,ref=ghcr.io/acme/c:1,{FIELDS},ignore-error=true"]}),
        OWN,
    ),
    "applied-by-us": (REFUSED, plan("max", image="quay.io/acme/fn:1"), f"{OWN}; {FLAG}"),
    "a-typed-and-a-generated-entry": (
        DOWN,
        plan({"to": ["type=gha", "ghcr.io/acme/c:1"]}),
        ("check that the address is reachable from the builder, and try again; pass"
        " `--ignore-cache-errors` and write `type=gha,ignore-error=true` to let such a build pass"),
    ),
    "the-registry-of-the-cache": (
        DENIED,
        plan("max"),
        f"run `docker login ghcr.io` with credentials that may write to the repository; {NO_EXPORT}",
    ),
    "one-of-two-registries": (
        DENIED,
        plan({"to": ["ghcr.io/acme/c:1", "quay.io/acme/c:1"]}),
        ("run `docker login` for this registry with credentials that may write to the repository;"
        f" {NO_EXPORT}"),
    ),
    "the-registry-of-the-image": (
        PUSH,
        plan(None, image="acme/fn:1"),
        "run `docker login` with credentials that may write to the repository",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ADVICE)
def test_the_advice_is_for_the_plan(case: str) -> None:
    """The whole entry or setting to paste, the registry, and nothing that is there already."""
    explanation, build_plan, fix = ADVICE[case]
    advised = advise(explanation, build_plan)
    assert advised.fix == fix
    assert attrs.evolve(advised, fix="", message="") == attrs.evolve(
        explanation, fix="", message=""
    )


@pytest.mark.parametrize(
    ("buildkit", "setting", "applied"),
    [
        ("0.25", {"to": ["type=registry,ref=ghcr.io/acme/c:1"]}, True),
        ("0.25", {"to": ["type=registry,ref=ghcr.io/acme/c:1,image-manifest=false"]}, False),
        ("0.25", {"to": ["type=registry,ref=ghcr.io/acme/c:1,oci-mediatypes=false"]}, False),
        ("0.20", {"to": ["type=registry,ref=ghcr.io/acme/c:1"]}, False),
    ],
)
def test_buildkit_0_21_writes_image_manifests(
    buildkit: str,
    setting: Mapping[str, list[str]],
    applied: bool,  # noqa: FBT001  # a column of the table
) -> None:
    """By default: then another registry is the way out."""
    builder = Builder(docker="28", buildx="0.29", buildkit=buildkit, driver="remote")
    advised = advise(REFUSED, plan(setting), builder)
    assert advised.fix.startswith("keep the cache in another registry") is applied
    assert (advised.message == f"{REJECTED}, although it is an image manifest") is applied


@pytest.mark.parametrize("field", ["provenance", "builder_flags", None])
def test_provenance_is_disabled_once(field: str | None) -> None:
    """By its flag, or among the builder flags."""
    refused = failure(
        "error writing manifest blob: unknown: manifest invalid", "exporting to image"
    )
    assert refused.step == "image-push"
    value: Any = {"provenance": "false", "builder_flags": ["--provenance=false"], None: ()}[field]
    build_plan = attrs.evolve(plan("max"), **({field: value} if field else {}))
    fix = "push to another registry"
    assert advise(refused, build_plan).fix == (
        fix if field else f"build with `--provenance=false`, or {fix}"
    )


@pytest.mark.parametrize("environ", [None, {}, {"DOCKER_TLS_VERIFY": "1"}])
def test_a_classic_image_store_has_several_ways_out(environ: dict[str, str] | None) -> None:
    """All of them; with TLS in the environment, a context comes first."""
    create = "docker buildx create --driver docker-container --use"
    hint = (
        " (where DOCKER_TLS_VERIFY is set, run `docker context create tls` first, and add `tls` at"
        " the end)"
    )
    if environ:
        create = f"docker context create tls && {create} tls"
    assert advise(UNSUPPORTED, plan("max"), environ=environ).fix == (
        "write `build_cache: inline`; or turn on the containerd image store of Docker with"
        ' `{"features": {"containerd-snapshotter": true}}` in `/etc/docker/daemon.json` and a restart'
        f" of Docker; or create a builder with `{create}`{hint if environ is None else ''};"
        f" or {NO_EXPORT}"
    )


@pytest.mark.parametrize("error", ["failed to list workers: Unavailable: x", "code = Unavailable"])
def test_a_daemon_is_named_by_its_address(error: str) -> None:
    """The daemon of buildctl is not docker's, whether it was never there or ended during the build."""
    unreachable = explain(f"error: {error}\n")[0]
    advised = advise(unreachable, attrs.evolve(plan("max"), address="tcp://u:hunter2@ci:1"))
    assert (advised.message, advised.fix, advised.url) == (
        "cannot connect to the BuildKit daemon",
        "start it, or check its address: `--addr tcp://***@ci:1`",
        "https://docs.docker.com/build/builders/drivers/remote/",
    )


def test_no_secret_is_advised() -> None:
    """The entry to write is masked."""
    entry = "type=s3,bucket=b,region=r,secret_access_key=hunter2"
    assert "hunter2" not in advise(DOWN, plan({"to": [entry]})).fix
    flags = CacheFlags(cache_from=["type=gha,token=hunter2"])
    advised = advise(REFUSED, plan("max", flags=flags)).fix
    assert advised.startswith("write `build_cache: {from: ['type=gha,token=***'], to: [")
