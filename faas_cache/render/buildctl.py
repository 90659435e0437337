"""`buildctl build`: BuildKit daemons without docker, as in Kubernetes.

The words are those of BuildKit's `cmd/buildctl`: there is no context argument, `--opt` passes what
the Dockerfile frontend reads, and an image is only kept where an output puts it.
"""

from __future__ import annotations

from collections.abc import Iterator

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.entries import CacheEntry, csv_field, parse_fields, split
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.go import TRUE, parse_bool
from faas_cache.planning.exports import INLINE_CACHE, sets_output
from faas_cache.planning.plan import BuildPlan
from faas_cache.render.commands import Command, each, secret_value, unsupported

__all__ = ["buildctl_build"]

_PROGRAM = "buildctl build"
_URL = "https://github.com/moby/buildkit#output"
_FRONTEND_URL = "https://docs.docker.com/reference/dockerfile/"
# The exporters that buildx gives the tags of the build as names (buildx build/opt.go).
_NAMED = frozenset({"image", "oci", "docker"})
# What docker reads as the URL of a context (docker/cli cli/command/image/build).
_URLS = ("http://", "https://", "git://", "git@", "ssh://", "github.com/")


def buildctl_build(plan: BuildPlan) -> Command:
    """The plan as `buildctl build`, for the daemon of `--addr` or of `$BUILDKIT_HOST`."""
    exports = [_typed(entry) for entry in plan.cache_to]
    # A2: buildx turns the build argument into an export; buildctl only passes it on.
    if plan.build_args.get(INLINE_CACHE) in TRUE:
        exports.append("type=inline")
    argv = (
        "buildctl",
        *(("--addr", plan.address) if plan.address is not None else ()),
        *("build", "--frontend", "dockerfile.v0"),
        *_context(plan.context),
        *each("--output", _outputs(plan)),
        *each("--import-cache", map(_typed, plan.cache_from)),
        *each("--export-cache", exports),
        *each("--opt", _options(plan)),
        *each("--secret", (secret_value(name, path) for name, path in plan.secrets.items())),
        *each("--ssh", plan.ssh),
        *(("--no-cache",) if plan.no_cache else ()),
        *plan.builder_flags,
    )
    return Command(argv=argv, function=plan.function, unsupported=tuple(_unsupported(plan)))


def _typed(entry: CacheEntry) -> str:
    """The entry with a type: buildctl reads text without `type=` as a reference."""
    if "type=" in entry.text:
        return entry.text
    fields = (f"{key}={value}" for key, value in entry.attrs.items())
    return ",".join(map(csv_field, (f"type={entry.type}", *fields)))


def _context(context: str) -> tuple[str, ...]:
    """The context, which also holds the Dockerfile: a folder, or a URL that the daemon reads."""
    if context.startswith(_URLS):
        return "--opt", f"context={context}"
    return "--local", f"context={context}", "--local", f"dockerfile={context}"


def _outputs(plan: BuildPlan) -> Iterator[str]:
    """The output with the names of the image; none where the builder flags have one."""
    name = csv_field(f"name={','.join(plan.tags)}")
    if plan.output == "push":
        yield f"type=image,{name},push=true"
    elif plan.output is not None and plan.output != "load":
        yield _output(plan.output, name)


def _output(text: str, name: str) -> str:
    """A value of `--output` of buildx as buildctl reads it.

    >>> _output("out", "name=a/fn"), _output("type=registry", "name=a/fn")
    ('type=local,dest=out', 'type=image,push=true,name=a/fn')
    """
    if "=" not in text:  # buildx: a folder, or `-` for a tar archive on standard output
        kind = "tar" if text == "-" else "local"
        return ",".join((f"type={kind}", csv_field(f"dest={text}")))
    fields = parse_fields(text)
    parts = [part for part in split(text) if part.partition("=")[0].lower() != "type"]
    kind = fields.get("type", "")
    if kind == "registry":
        kind = "image"
        parts.append("push=true")
    named = (name,) if kind in _NAMED and "name" not in fields else ()
    return ",".join((f"type={kind}", *map(csv_field, parts), *named))


def _options(plan: BuildPlan) -> Iterator[str]:
    """What the Dockerfile frontend reads."""
    if plan.platforms:
        yield f"platform={','.join(plan.platforms)}"
    yield from (f"build-arg:{key}={value}" for key, value in plan.build_args.items())
    yield from (f"label:{key}={value}" for key, value in plan.labels.items())
    if plan.pull:
        yield "image-resolve-mode=pull"
    for kind, value in _attestations(plan).items():
        # `true` asks for the default of the frontend; without the option there is none.
        enabled = parse_bool(value)
        if enabled is not False:
            yield f"attest:{kind}={'' if enabled else value}"


def _attestations(plan: BuildPlan) -> FrozenMap[str]:
    values = {"provenance": plan.provenance, "sbom": plan.sbom}
    return FrozenMap({kind: value for kind, value in values.items() if value is not None})


def _unsupported(plan: BuildPlan) -> Iterator[Diagnostic]:
    if plan.output in (None, "load") and not any(map(sets_output, plan.builder_flags)):
        # F5: the image would stay in the daemon's cache, and the build would succeed.
        hint = "push the image with `--push`, or write `output: type=oci,dest=FILE`"
        yield unsupported(plan, _PROGRAM, "--load", hint, _URL)
    if plan.builder is not None:
        hint = "name the daemon with `--addr`"
        yield unsupported(plan, _PROGRAM, f"--builder={plan.builder}", hint, _URL)
    if plan.squash:
        hint = "use a multi-stage build instead"
        yield unsupported(plan, _PROGRAM, "--squash", hint, _FRONTEND_URL)
