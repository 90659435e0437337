"""Digests of the inputs of a build that its plan contains, and the caches that it uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from faas_cache.model.backends import Direction
from faas_cache.model.entries import CacheEntry, parse_entries, reference_entry
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.go import TRUE
from faas_cache.model.inputs import BuildInputs
from faas_cache.model.masking import masked, masked_value
from faas_cache.planning.builder_flags import build_arguments, flag_values
from faas_cache.planning.exports import (
    INLINE_CACHE,
    destination_text,
    destinations,
    import_destinations,
    pushes_image,
)
from faas_cache.planning.plan import BuildPlan

__all__ = [
    "cache_names",
    "digest_plan",
    "digest_text",
    "flag_entries",
]


def digest_text(data: str | bytes) -> str:
    """The SHA-256 of a text, as Docker writes digests."""
    from hashlib import sha256

    data = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    return f"sha256:{sha256(data).hexdigest()}"


def digest_plan(plan: BuildPlan, environ: Mapping[str, str]) -> BuildInputs:
    """The inputs of a build that its plan knows: no file is read.

    `environ` has the values of build arguments that are passed by name alone. A value that is
    masked anywhere else is not recorded, not even as a digest.
    """
    arguments = build_arguments(plan, environ)
    arguments.pop(INLINE_CACHE, None)  # not an input of a step
    secret = {name for name, value in arguments.items() if masked_value(name, value) != value}
    exports = (*plan.cache_to, *flag_entries(plan, "to"))
    return BuildInputs(
        build_args=FrozenMap(
            {name: digest_text(arguments[name]) for name in sorted({*arguments} - secret)}
        ),
        masked_args=tuple(sorted(secret)),
        secrets=tuple(plan.secrets),
        platforms=plan.platforms,
        imports=tuple(cache_names((*plan.cache_from, *flag_entries(plan, "from")), reading=True)),
        exports=tuple(dict.fromkeys((*cache_names(exports), *_inline_exports(plan)))),
    )


def cache_names(entries: Iterable[CacheEntry], *, reading: bool = False) -> Iterator[str]:
    """What entries read or write, each once; equal names are one cache.

    A cache in a registry has the name of its image, another one its type and what names it there.
    """
    find = import_destinations if reading else destinations
    names = {name: None for entry in entries for name in sorted(find(entry))}
    for kind, *values in names:
        yield masked(values[0]) if kind == "registry" else destination_text((kind, *values))


def flag_entries(plan: BuildPlan, direction: Direction) -> Iterator[CacheEntry]:
    """The cache entries among the builder flags, which are passed as written (D2)."""
    for value in flag_values(plan.builder_flags, f"--cache-{direction}"):
        with suppress(FaasCacheError):
            yield from parse_entries([value])


def _inline_exports(plan: BuildPlan) -> Iterator[str]:
    """The tags that an inline cache is pushed to."""
    inline = plan.build_args.get(INLINE_CACHE) in TRUE or any(
        entry.type == "inline" for entry in plan.cache_to
    )
    if inline and pushes_image(plan.output, plan.builder_flags):
        yield from cache_names(map(reference_entry, plan.tags))
