"""Rule E9: caches that are exported and never imported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from faas_cache.model.backends import BACKENDS
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.entries import CacheEntry
from faas_cache.model.faults import FaultCollector
from faas_cache.model.flags import VARIABLES, CacheFlags
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.entry_rules import PlannedEntry, plan_entries
from faas_cache.planning.exports import (
    Destination,
    destination_text,
    destinations,
    import_destinations,
)
from faas_cache.planning.image_rules import function_image
from faas_cache.planning.settings import long_form

__all__ = ["check_reads"]

_NO_FLAGS = CacheFlags()


def check_reads(
    selected: Iterable[FunctionSpec], all_specs: Iterable[FunctionSpec], flags: CacheFlags
) -> Iterator[Diagnostic]:
    """A note for each export of the selected functions that no function imports.

    Entries of the file are looked for in the imports of the whole file, those of flags in the
    imports of the selected functions.
    """
    flags = attrs.evolve(flags, no_cache=False, export=True)  # before D3 and D4 apply
    entries = [_entries(spec, flags) for spec in selected]
    exports = [item for _, written in entries for item in written if _has_readers(item.entry)]
    if not exports:
        return
    read = _sources(item.entry for imports, _ in entries for item in imports)
    read_in_file: frozenset[Destination] | None = None
    for item in exports:
        written = destinations(item.entry)
        if not written or written & read:
            continue
        if not _is_of_a_flag(item):
            if read_in_file is None:
                imports = (i for spec in all_specs for i in _entries(spec, _NO_FLAGS)[0])
                read_in_file = _sources(i.entry for i in imports)
            if written & read_in_file:
                continue
        yield _unread_export(item, min(written))


def _entries(
    spec: FunctionSpec, flags: CacheFlags
) -> tuple[list[PlannedEntry], list[PlannedEntry]]:
    """The imports and exports of a function; none with a fault."""
    faults = FaultCollector()
    written = long_form(spec, flags, function_image(spec, faults), faults)
    entries = ([], []) if written is None else plan_entries(written, flags, faults)
    return ([], []) if faults.errors else entries


def _has_readers(entry: CacheEntry) -> bool:
    """Whether another build can import what an entry exports; `inline` is read as an image."""
    return entry.type in BACKENDS and entry.type != "inline"


def _is_of_a_flag(item: PlannedEntry) -> bool:
    first = str(item.path[0])
    return first.startswith("--") or first in VARIABLES


def _sources(imports: Iterable[CacheEntry]) -> frozenset[Destination]:
    """What imports read, as the destinations of the exports that write it."""
    return frozenset(source for entry in imports for source in import_destinations(entry))


def _unread_export(item: PlannedEntry, destination: Destination) -> Diagnostic:
    return Diagnostic(
        name="unread-export",
        severity="note",
        message=f"nothing imports the cache that is exported to `{destination_text(destination)}`",
        hint="import it in `from`, or remove the export",
        location=Location(path=item.path),
    )
