"""Rules A2 to A4, E4, E5 and F5 for one function: what its exports add, and what they overwrite."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from contextlib import suppress

import attrs

from faas_cache.model.backends import BACKENDS
from faas_cache.model.entries import CacheEntry
from faas_cache.model.errors import InvalidReference
from faas_cache.model.faults import FaultCollector
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.go import TRUE
from faas_cache.model.masking import masked, masked_message, masked_value
from faas_cache.model.references import Reference
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.entry_rules import PlannedEntry
from faas_cache.planning.image_rules import CACHE_TAG

__all__ = [
    "INLINE_CACHE",
    "Destination",
    "add_inline_cache",
    "check_exports",
    "destination_text",
    "destinations",
    "import_destinations",
    "pushes_image",
    "sets_output",
]

INLINE_CACHE = "BUILDKIT_INLINE_CACHE"
_MAX_SHOWN = 60

# The type of an export and the values that name what it overwrites.
Destination = tuple[str, ...]


def add_inline_cache(
    spec: FunctionSpec, exports: Iterable[PlannedEntry], faults: FaultCollector, *, export: bool
) -> tuple[FrozenMap[str], bool]:
    """A2 to A4: the build arguments, and whether they export the inline cache."""
    value = spec.build_args.get(INLINE_CACHE)
    typed = next((item for item in exports if item.entry.type == "inline"), None)
    if value is None:
        # A4: a `type=inline` export does the same, and BuildKit 0.11 to 0.25 rejects the pair.
        # D4: without an export, the argument is not added.
        if typed or not export:
            return spec.build_args, False
        # A2: caching adds the build argument.
        return spec.build_args | {INLINE_CACHE: "1"}, True
    # A3: the value that the user wrote is kept.
    path = ("functions", spec.name, "build_args", INLINE_CACHE)
    if value not in TRUE:
        shown = masked_value(INLINE_CACHE, value)[:_MAX_SHOWN]
        faults.report(
            "inline-cache-disabled",
            f"the value `{shown}` of `{INLINE_CACHE}` disables the inline cache",
            path,
            "write `1`, or remove it",
            severity="warning",
        )
    elif typed:
        faults.report(
            "duplicate-inline-export",
            f"`{INLINE_CACHE}` and `type=inline` export the inline cache twice,"
            " which BuildKit 0.11 to 0.25 rejects",
            typed.path,
            f"remove the entry, or the build argument `{INLINE_CACHE}`",
        )
    return spec.build_args, value in TRUE


def check_exports(
    spec: FunctionSpec,
    exports: Iterable[PlannedEntry],
    tags: Iterable[Reference],
    faults: FaultCollector,
) -> None:
    """E4 against the tags of the function itself, and E5 within the function."""
    targets = {tag.target for tag in tags}
    written: set[Destination] = set()
    for item in exports:
        # E4: a cache under the tag of an image replaces the image, or is replaced by it.
        ref = item.ref if item.entry.type == "registry" else None
        if ref is not None and ref.target in targets:
            faults.report(
                "cache-overwrites-image",
                f"the cache of `{masked(spec.name)}` would overwrite its own image `{ref.target}`",
                item.path,
                f"export to another tag, such as `{ref.with_tag(f'{ref.tag or CACHE_TAG}-cache')}`",
            )
        # E5: two exports to one destination overwrite each other or are rejected.
        overwritten = destinations(item.entry, ref)
        if shared := overwritten & written:
            faults.report(
                "shared-cache-destination",
                f"two exports of the function write to `{destination_text(min(shared))}`",
                item.path,
                "remove one of them, or give each its own destination",
            )
        written |= overwritten


def destinations(entry: CacheEntry, ref: Reference | None = None) -> frozenset[Destination]:
    """What an export overwrites, in normal form: exports with a common destination collide (E5).

    `ref` is the reference of an export to a registry, if it is parsed already. The destination of
    an unknown type is all of its fields. An export without the field that names its destination has
    none.
    """
    if ref is not None:
        return frozenset({(entry.type, ref.target)})
    backend = BACKENDS.get(entry.type)
    if backend is None:
        return frozenset({(entry.type, *sorted(f"{k}={v}" for k, v in entry.attrs.items()))})
    values = [entry.attrs.get(name) or backend.fields[name].default for name in backend.destination]
    if values and not values[-1]:
        return frozenset()
    if entry.type == "registry":
        with suppress(InvalidReference):  # reported elsewhere, under its own rule
            values = [Reference.parse(values[0]).target]
    elif entry.type == "local":
        values = [posixpath.normpath(values[0])]
    elif backend.destination[-1:] == ("name",):
        # s3 and azblob accept several names, separated by semicolons.
        return frozenset((entry.type, *values[:-1], name) for name in values[-1].split(";"))
    return frozenset({(entry.type, *values)})


def import_destinations(entry: CacheEntry) -> frozenset[Destination]:
    """What an import reads, as the destinations of the exports that write it."""
    if entry.type == "local":  # it writes to `dest`, and reads from `src`
        entry = attrs.evolve(entry, attrs=entry.attrs | {"dest": entry.attrs.get("src", "")})
    return destinations(entry)


def destination_text(destination: Destination) -> str:
    """A destination for people; secrets are masked.

    >>> destination_text(("gha", "buildkit"))
    'type=gha buildkit'
    """
    kind, *values = destination
    return masked_message(" ".join((f"type={kind}", *filter(None, values))))


def sets_output(flag: str) -> bool:
    """Whether a builder flag says what becomes of the image (F5)."""
    name = flag.partition("=")[0]
    if name in ("--output", "--push", "--load"):
        return True
    return flag.startswith("-o") and not flag.startswith("--")


def pushes_image(output: str | None, builder_flags: Iterable[str]) -> bool:
    """Whether a build pushes its image: by its output, or by a builder flag.

    >>> pushes_image("push", ()), pushes_image(None, ("--output=type=image,push=true",))
    (True, True)
    """
    outputs = [output or ""]
    for flag in builder_flags:
        name, _, value = flag.partition("=")
        if name == "--push" and (not value or value in TRUE):
            return True
        if name in ("--output", "-o"):
            outputs.append(value)
        elif flag.startswith("-o") and not flag.startswith("--"):
            outputs.append(flag[2:])
    words = {word for text in outputs for word in text.split(",")}
    return bool(words & {"push", "type=registry", *(f"push={value}" for value in TRUE)})
