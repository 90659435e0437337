"""Parses references inside larger values, and collects their faults."""

from __future__ import annotations

import attrs

from faas_cache.model.diagnostics import KeyPath
from faas_cache.model.errors import InvalidReference
from faas_cache.model.faults import FaultCollector
from faas_cache.model.references import Reference

__all__ = ["parse_reference"]


def parse_reference(
    text: str, path: KeyPath, faults: FaultCollector, *, rule: str | None = None
) -> Reference | None:
    """The reference at a key path, or `None` with its fault reported, under `rule` if given."""
    try:
        return Reference.parse(text)
    except InvalidReference as error:
        for diagnostic in error.diagnostics:
            located = diagnostic.under(*path)
            faults.add(located if rule is None else attrs.evolve(located, rule=rule))
        return None
