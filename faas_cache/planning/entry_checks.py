"""Rules E6 and F4 for one entry, against the table of backends, the builder and the environment.

What BuildKit rejects is an error, and what it silently drops or weakens is a warning. Both were
observed on BuildKit 0.13 and 0.25 unless the table of backends says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from faas_cache.model.backends import BACKENDS, VALUES, Backend, Direction, Field
from faas_cache.model.builders import Builder
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, Severity, nearest
from faas_cache.model.entries import CacheEntry, csv_field
from faas_cache.model.errors import InvalidReference
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.go import FALSE, TRUE, parse_duration, parse_integer
from faas_cache.model.masking import masked, masked_value
from faas_cache.model.references import Reference
from faas_cache.model.registries import IMAGE_MANIFEST, find_registry
from faas_cache.model.versions import at_least
from faas_cache.planning.plan import BuildPlan

__all__ = [
    "ENTRY_CHECKS",
    "IMAGE_MANIFEST_DEFAULT",
    "Environment",
    "PlanEntry",
    "check_entry",
    "entry_text",
    "is_official",
    "parsed_reference",
    "plan_entries",
]

# BuildKit 0.21: image manifests by default. BuildKit 0.20 and buildx 0.21: the second version of
# the cache service of GitHub Actions.
IMAGE_MANIFEST_DEFAULT = "0.21"
_GHA_SERVICE_2 = (("BuildKit", "0.20"), ("buildx", "0.21"))
# The levels of each compression: gzip and estargz 0 to 9, zstd 0 to 22 (BuildKit util/compression).
_LEVELS: FrozenMap[int] = FrozenMap(gzip=9, estargz=9, zstd=22)
_MAX_SHOWN = 60
_ACTION = "crazy-max/ghaction-github-runtime"


class PlanEntry(NamedTuple):
    """One entry of a plan, its direction, the key path behind it, and the row of its type."""

    plan: BuildPlan
    direction: Direction
    entry: CacheEntry
    path: KeyPath
    backend: Backend | None


class Environment(NamedTuple):
    """What is known about the machine; `None` where it was not inspected."""

    builder: Builder | None
    environ: Mapping[str, str] | None


class _KnownEntry(NamedTuple):
    """An entry whose type is in the table of backends."""

    plan: BuildPlan
    direction: Direction
    entry: CacheEntry
    path: KeyPath
    backend: Backend

    def diagnostic(
        self, name: str, message: str, hint: str, severity: Severity = "warning"
    ) -> Diagnostic:
        """A diagnostic about this entry."""
        location = Location(path=self.path)
        return Diagnostic(
            name=name, severity=severity, message=message, hint=hint, location=location
        )


def plan_entries(plan: BuildPlan) -> Iterator[PlanEntry]:
    """The entries of a plan, imports first."""
    for direction, entry, path in plan.entries():
        yield PlanEntry(plan, direction, entry, path, BACKENDS.get(entry.type))


def check_entry(item: PlanEntry, environment: Environment) -> Iterator[Diagnostic]:
    """What is wrong with one entry."""
    if item.backend is None:
        yield _unknown_backend(item)
        return
    known = _KnownEntry(item.plan, item.direction, item.entry, item.path, item.backend)
    for check in ENTRY_CHECKS:
        yield from check(known, environment)


def entry_text(entry: CacheEntry, changes: Mapping[str, str] = EMPTY) -> str:
    """The entry as it would be written with some fields changed; secrets are masked."""
    fields = {"type": entry.type, **entry.attrs, **changes}
    return masked(",".join(csv_field(f"{key}={value}") for key, value in fields.items()))


def parsed_reference(text: str | None) -> Reference | None:
    """The reference of a field, or `None` where it is not valid, which is reported elsewhere."""
    try:
        return Reference.parse(text or "")
    except InvalidReference:
        return None


def _unknown_backend(item: PlanEntry) -> Diagnostic:
    """A type that is not in the table: BuildKit rejects an export, and ignores an import."""
    kind = masked(item.entry.type)[:_MAX_SHOWN]
    hint = nearest(kind, BACKENDS) or (
        f"use one of {', '.join(BACKENDS)}, or pass the entry as one of `builder_flags`"
    )
    location = Location(path=item.path)
    if item.direction == "to":
        message = f"unknown cache backend `{kind}`: BuildKit rejects the export"
        return Diagnostic(name="unknown-backend", message=message, hint=hint, location=location)
    message = f"unknown cache backend `{kind}`: BuildKit silently imports nothing"
    return Diagnostic(
        name="unknown-backend", severity="warning", message=message, hint=hint, location=location
    )


def _check_inline_import(item: _KnownEntry, _: Environment) -> Iterator[Diagnostic]:
    """The importer of an inline cache is `registry`, not `inline`."""
    if item.entry.type == "inline" and item.direction == "from":
        image = item.plan.tags[0] if item.plan.tags else "IMAGE"
        message = "`type=inline` imports nothing, because BuildKit has no such importer"
        yield item.diagnostic("inline-import", message, f"import the image itself: `{image}`")


def _check_required_fields(item: _KnownEntry, _: Environment) -> Iterator[Diagnostic]:
    """Without them, BuildKit rejects the entry or reads the daemon's environment (s3, azblob)."""
    for name in item.backend.required(item.direction):
        if item.entry.attrs.get(name):
            continue
        kind = item.backend.name
        hint = f"write `{entry_text(item.entry, {name: '…'})}`"
        if kind in ("registry", "local"):
            message = f"`type={kind}` requires the field `{name}`"
            hint = _space_hint(name, item.entry.attrs) or hint
            yield item.diagnostic("missing-field", message, hint, "error")
        else:
            message = (
                f"`type={kind}` requires the field `{name}`, unless the daemon's environment has it"
            )
            yield item.diagnostic("missing-field", message, hint)


def _space_hint(name: str, fields: Mapping[str, str]) -> str:
    """A hint where the missing field is there with a space before it or after it."""
    if any(key.strip() == name for key in fields):
        return f"remove the space around `{name}`: it is a part of the name"
    return ""


def _check_fields(item: _KnownEntry, environment: Environment) -> Iterator[Diagnostic]:
    """Every field against its row: whether it exists, in this direction, with this value."""
    backend, direction = item.backend, item.direction
    if backend.name == "inline" and direction == "from":
        return  # none of its fields is read
    for key, value in item.entry.attrs.items():
        field = backend.fields.get(key)
        if field is None:
            known = [f.name for f in backend.fields.values() if direction in f.directions]
            message = f"unknown field `{masked(key)[:_MAX_SHOWN]}` of `type={backend.name}`"
            hint = nearest(key.strip(), known) or f"remove it, or use one of {', '.join(known)}"
            yield item.diagnostic("unknown-field", f"{message} (ignored by BuildKit)", hint)
        elif direction not in field.directions:
            other = "to" if direction == "from" else "from"
            message = f"`{key}` has no effect in `{direction}`, only in `{other}`"
            hint = f"move it to the entry in `{other}`, or remove it"
            yield item.diagnostic("unread-field", message, hint)
        else:
            yield from _VALUE_CHECKS[field.kind](item, field, value)
            yield from _check_field_versions(item, field, environment)


# The values of fields: one function for each kind. What BuildKit rejects in an export is an error.


def _severity(item: _KnownEntry, field: Field) -> Severity:
    return "error" if field.strict and item.direction == "to" else "warning"


def _shown(field: Field, value: str) -> str:
    return masked_value(field.name, value)[:_MAX_SHOWN]


def _check_text(item: _KnownEntry, field: Field, value: str) -> Iterator[Diagnostic]:
    """Any text is accepted."""
    del item, field, value
    return iter(())


def _check_mode(item: _KnownEntry, field: Field, value: str) -> Iterator[Diagnostic]:
    if item.entry.type == "inline" and value == "max":
        message = "`type=inline` ignores `mode=max` and exports only the last stage"
        hint = "remove the mode, or write `build_cache: max` for the layers of every stage"
        yield item.diagnostic("invalid-mode", message, hint)
    elif value not in VALUES["mode"]:
        message = f"invalid mode `{_shown(field, value)}`: BuildKit silently falls back to `min`"
        lower = value.lower()
        hint = (
            f"write `mode={lower}` in lower case"
            if lower in VALUES["mode"]
            else nearest(value, VALUES["mode"]) or "write `mode=max` for the layers of every stage"
        )
        yield item.diagnostic("invalid-mode", message, hint)


def _check_boolean(item: _KnownEntry, field: Field, value: str) -> Iterator[Diagnostic]:
    if value in VALUES[field.kind]:
        return
    shown, severity = _shown(field, value), _severity(item, field)
    hint = f"write `{field.name}=true` or `{field.name}=false`"
    if severity == "error":
        message = f"invalid boolean `{shown}` for `{field.name}`: BuildKit rejects it"
    else:
        message = f"invalid boolean `{shown}` for `{field.name}`: BuildKit silently ignores it"
    yield item.diagnostic("invalid-boolean", message, hint, severity)


def _check_compression(item: _KnownEntry, field: Field, value: str) -> Iterator[Diagnostic]:
    if value not in VALUES["compression"]:
        message = f"invalid compression `{_shown(field, value)}`: BuildKit rejects the entry"
        known = sorted(VALUES["compression"])
        hint = nearest(value, known) or f"use one of {', '.join(known)}"
        yield item.diagnostic("invalid-compression", message, hint, "error")


def _check_integer(item: _KnownEntry, field: Field, value: str) -> Iterator[Diagnostic]:
    level = parse_integer(value)
    if level is None:
        message = f"invalid integer `{_shown(field, value)}` for `{field.name}`"
        hint = f"write a number, or remove `{field.name}`"
        yield item.diagnostic("invalid-value", message, hint, _severity(item, field))
    elif field.name == "compression-level":
        compression = item.entry.attrs.get("compression", "gzip")
        highest = _LEVELS.get(compression)
        if highest is not None and not 0 <= level <= highest:
            message = f"invalid level `{level}` for the compression `{compression}`"
            yield item.diagnostic("invalid-value", message, f"write a level from 0 to {highest}")


def _check_duration(item: _KnownEntry, field: Field, value: str) -> Iterator[Diagnostic]:
    if parse_duration(value) is None:
        message = f"invalid duration `{_shown(field, value)}` for `{field.name}`"
        hint = "write a duration such as `10m` or `1h30m`"
        yield item.diagnostic("invalid-value", message, hint, _severity(item, field))


def _check_retry(item: _KnownEntry, field: Field, value: str) -> Iterator[Diagnostic]:
    if value not in VALUES["retry"]:
        message = f"invalid value `{_shown(field, value)}` for `{field.name}`"
        hint = f"use one of {', '.join(sorted(VALUES['retry']))}"
        yield item.diagnostic("invalid-value", message, hint, _severity(item, field))


_VALUE_CHECKS: FrozenMap[Callable[[_KnownEntry, Field, str], Iterator[Diagnostic]]] = FrozenMap(
    text=_check_text,
    bool=_check_boolean,
    flag=_check_boolean,
    mode=_check_mode,
    compression=_check_compression,
    integer=_check_integer,
    duration=_check_duration,
    retry=_check_retry,
)


def _check_field_versions(
    item: _KnownEntry, field: Field, environment: Environment
) -> Iterator[Diagnostic]:
    """A field that is newer than the BuildKit or the buildx of the builder is ignored."""
    builder = environment.builder
    if builder is None:
        return
    versions = (
        ("BuildKit", builder.buildkit_version, field.buildkit),
        ("buildx", builder.buildx, field.buildx),
    )
    for program, version, least in versions:
        if least and version is not None and not at_least(version, least, unknown=True):
            message = f"`{field.name}` requires {program} {least}: version {version} ignores it"
            hint = f"use {program} {least} or newer, or remove `{field.name}`"
            yield item.diagnostic("unsupported-field", message, hint)


def _check_media_types(item: _KnownEntry, _: Environment) -> Iterator[Diagnostic]:
    """An image manifest is an OCI manifest: without OCI media types, the export fails."""
    fields = item.entry.attrs
    wanted = fields.get("image-manifest") in TRUE and fields.get("oci-mediatypes") in FALSE
    if item.direction == "to" and wanted:
        message = "`image-manifest=true` requires OCI media types"
        hint = "remove `oci-mediatypes=false`"
        yield item.diagnostic("conflicting-media-types", message, hint, "error")


def _check_gha(item: _KnownEntry, environment: Environment) -> Iterator[Diagnostic]:
    """`gha` needs what only a workflow of GitHub Actions has; buildx silently drops the entry."""
    if item.entry.type != "gha" or environment.environ is None:
        return
    fields, environ = item.entry.attrs, environment.environ
    if not (fields.get("token") or environ.get("ACTIONS_RUNTIME_TOKEN")):
        message = "buildx silently drops `type=gha`, because `ACTIONS_RUNTIME_TOKEN` is not set"
        hint = f"export it in the workflow, for example with `{_ACTION}`; elsewhere, use a registry"
        yield item.diagnostic("missing-gha-environment", message, hint)
        return
    url = fields.get("url") or fields.get("url_v2")
    if not (url or environ.get("ACTIONS_CACHE_URL") or environ.get("ACTIONS_RESULTS_URL")):
        message = "buildx silently drops `type=gha`, because `ACTIONS_RESULTS_URL` is not set"
        hint = f"export it in the workflow, for example with `{_ACTION}`; elsewhere, use a registry"
        yield item.diagnostic("missing-gha-environment", message, hint)
    elif environ.get("ACTIONS_CACHE_SERVICE_V2") in TRUE and "version" not in fields:
        yield from _check_gha_service(item, environment.builder)


def _check_gha_service(item: _KnownEntry, builder: Builder | None) -> Iterator[Diagnostic]:
    """The second version of the cache service needs a newer BuildKit and buildx."""
    versions = () if builder is None else (builder.buildkit_version, builder.buildx)
    for (program, least), version in zip(_GHA_SERVICE_2, versions, strict=False):
        if not at_least(version, least, unknown=True):
            message = f"{program} {version} does not support the cache service of GitHub Actions"
            hint = f"use {program} {least} or newer, or a registry"
            yield item.diagnostic("outdated-gha-service", message, hint)


def _check_manifest(item: _KnownEntry, environment: Environment) -> Iterator[Diagnostic]:
    """E6: a typed entry whose manifest the registry rejects; it is passed as written."""
    ref = parsed_reference(item.entry.attrs.get("ref")) if item.entry.type == "registry" else None
    if ref is None or item.direction != "to":
        return
    fields, row = item.entry.attrs, find_registry(ref.domain)
    if row is None or row.index != "rejects" or fields.get("image-manifest") in TRUE:
        return
    version = None if environment.builder is None else environment.builder.buildkit_version
    by_default = "image-manifest" not in fields and fields.get("oci-mediatypes") not in FALSE
    if by_default and at_least(version, IMAGE_MANIFEST_DEFAULT, unknown=False):
        return
    message = f"{row.name} rejects the manifest of this cache entry"
    hint = f"write `{entry_text(item.entry, IMAGE_MANIFEST)}`"
    yield item.diagnostic("unsupported-cache-manifest", message, hint)


def _check_default_registry(item: _KnownEntry, _: Environment) -> Iterator[Diagnostic]:
    """E10: only Docker can push to `docker.io/library/`."""
    ref = parsed_reference(item.entry.attrs.get("ref")) if item.entry.type == "registry" else None
    if item.direction == "to" and ref is not None and is_official(ref):
        message = f"the cache is exported to `{ref.target}`, where only Docker can push"
        hint = "write the registry and the user in front: `REGISTRY/USER/NAME`"
        yield item.diagnostic("default-registry", message, hint)


def is_official(ref: Reference) -> bool:
    """Whether a reference is one of the official images of Docker Hub (E10)."""
    return ref.domain == "docker.io" and ref.path.startswith("library/")


ENTRY_CHECKS: tuple[Callable[[_KnownEntry, Environment], Iterator[Diagnostic]], ...] = (
    _check_inline_import,
    _check_required_fields,
    _check_fields,
    _check_media_types,
    _check_gha,
    _check_manifest,
    _check_default_registry,
)
