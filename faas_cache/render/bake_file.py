"""`docker buildx bake`: many plans as one build, which shares contexts, base images and steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.go import parse_bool
from faas_cache.model.masking import masked, masked_value
from faas_cache.planning.plan import BuildPlan
from faas_cache.render.commands import Command, secret_value, unsupported, unsupported_address

__all__ = ["bake", "mask_file", "target_names"]

_PROGRAM = "docker buildx bake"
_BAKE_URL = "https://docs.docker.com/reference/cli/docker/buildx/bake/"
_BUILD_URL = "https://docs.docker.com/reference/cli/docker/buildx/build/"
# `--push` and `--load` as outputs of a target.
_OUTPUTS: FrozenMap[str] = FrozenMap(push="type=image,push=true", load="type=docker")
# buildx 0.20: without it, bake rejects a context, secret or local cache outside of the folder,
# which `docker buildx build` accepts.
_NO_ENTITLEMENTS = {"BUILDX_BAKE_ENTITLEMENTS_FS": "0"}


def bake(plans: Sequence[BuildPlan]) -> Command:
    """All plans as one `docker buildx bake`, whose file is JSON on standard input.

    Entries are strings, which every buildx reads. `target_names` gives the name of each target.
    """
    import json

    plans = tuple(plans)
    names = target_names(plans)
    groups = {"default": {"targets": list(names)}}
    targets = {name: _target(plan) for name, plan in zip(names, plans, strict=True)}
    builder = next((plan.builder for plan in plans if plan.builder is not None), None)
    argv = (
        *("docker", "buildx", "bake", "--file", "-"),
        *((f"--builder={builder}",) if builder is not None else ()),
        *(("--allow=ssh",) if any(plan.ssh for plan in plans) else ()),
    )
    env = {name: value for plan in plans for name, value in plan.env.items()}
    return Command(
        argv=argv,
        env=FrozenMap(env | _NO_ENTITLEMENTS),
        stdin=json.dumps(_escape({"group": groups, "target": targets}), indent=1),
        kind="bake",
        unsupported=tuple(d for plan in plans for d in _unsupported(plan, builder)),
    )


def target_names(plans: Iterable[BuildPlan]) -> tuple[str, ...]:
    """The name of each plan's target: letters, digits, `_` and `-`, and no name twice.

    >>> target_names([BuildPlan(function=name, tags=["a"]) for name in ("a.b", "a_b")])
    ('a_b', 'a_b_')
    """
    names: dict[str, None] = {}
    for plan in plans:
        name = "".join(c if _is_target_character(c) else "_" for c in plan.function)
        while name in names:
            name += "_"
        names[name] = None
    return tuple(names)


def _is_target_character(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in "_-")


def _target(plan: BuildPlan) -> dict[str, object]:
    """One plan as a target; empty values are left out."""
    attestations = (("provenance", plan.provenance), ("sbom", plan.sbom))
    target = {
        "context": plan.context,
        "tags": list(plan.tags),
        "args": dict(plan.build_args),
        "labels": dict(plan.labels),
        "cache-from": list(map(str, plan.cache_from)),
        "cache-to": list(map(str, plan.cache_to)),
        "platforms": list(plan.platforms),
        "secret": [secret_value(name, path) for name, path in plan.secrets.items()],
        "ssh": list(plan.ssh),
        "no-cache": plan.no_cache,
        "pull": plan.pull,
        "attest": [_attestation(kind, value) for kind, value in attestations if value is not None],
        "output": [_OUTPUTS.get(plan.output or "load") or plan.output],
    }
    return {key: value for key, value in target.items() if value}


def _attestation(kind: str, value: str) -> str:
    """The value of `--provenance` or `--sbom` as buildx turns it into one of `--attest`.

    >>> _attestation("provenance", "false"), _attestation("provenance", "mode=max")
    ('type=provenance,disabled=true', 'type=provenance,mode=max')
    """
    enabled = parse_bool(value)
    if enabled is None:
        return f"type={kind},{value}"
    return f"type={kind},disabled={'false' if enabled else 'true'}"


def mask_file(text: str) -> str:
    """The JSON of a bake file with every secret masked: for display, not to be built."""
    import json

    return json.dumps(_mask(json.loads(text)), indent=1)


def _mask(value: object, key: str = "") -> object:
    if isinstance(value, str):
        return masked_value(key, value) if key else masked(value)
    if isinstance(value, dict):
        return {name: _mask(item, name) for name, item in value.items()}
    return [_mask(item) for item in value] if isinstance(value, list) else value


def _escape(value: object) -> object:
    """A value as bake reads it: strings are HCL templates, and so are the keys of a mapping."""
    if isinstance(value, str):
        return value.replace("${", "$${").replace("%{", "%%{")
    if isinstance(value, dict):
        return {_escape(key): _escape(item) for key, item in value.items()}
    return [_escape(item) for item in value] if isinstance(value, list) else value


def _unsupported(plan: BuildPlan, builder: str | None) -> Iterator[Diagnostic]:
    if plan.builder != builder and plan.builder is not None:
        hint = "use one builder for all functions, or build without `--bake`"
        yield unsupported(plan, _PROGRAM, f"--builder={plan.builder}", hint, _BAKE_URL)
    for flag in plan.builder_flags:
        yield unsupported(plan, _PROGRAM, flag, "build without `--bake`", _BAKE_URL)
    if plan.squash:
        hint = "use a multi-stage build instead"
        yield unsupported(plan, _PROGRAM, "--squash", hint, _BUILD_URL)
    yield from unsupported_address(plan, _PROGRAM)
