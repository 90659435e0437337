"""Rules C2 to C12, D3 to D5, D8 and E6: from entries as written to those the builder reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import attrs

from faas_cache.model import entries
from faas_cache.model.backends import Direction, guess_backend
from faas_cache.model.converters import Setting
from faas_cache.model.diagnostics import FaasCacheError, KeyPath
from faas_cache.model.entries import CacheEntry
from faas_cache.model.errors import InvalidReference
from faas_cache.model.faults import FaultCollector
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.go import FALSE, format_scalar
from faas_cache.model.masking import masked
from faas_cache.model.references import Reference
from faas_cache.planning.faults import parse_reference
from faas_cache.planning.image_rules import CACHE_TAG
from faas_cache.planning.settings import LongForm, WrittenEntry

__all__ = ["PlannedEntry", "plan_entries"]

# C11: words that buildx would take for images on Docker Hub, and what to write instead.
_BARE_KEYWORDS = {word: f"write `type={word}`" for word in ("gha", "local", "s3", "azblob")} | {
    "inline": "write `build_cache: inline`, or `type=inline` in `to`",
    "max": "write `build_cache: max`",
}


class _ParsedEntry(NamedTuple):
    """One entry after parsing: a bare reference has no fields."""

    text: str
    fields: FrozenMap[str] | None
    ref: Reference | None
    rule: str
    path: KeyPath


class PlannedEntry(NamedTuple):
    """One entry as the builder reads it, its reference if it has one, the rule and the key path."""

    entry: CacheEntry
    ref: Reference | None
    rule: str
    path: KeyPath


def plan_entries(
    written: LongForm, flags: CacheFlags, faults: FaultCollector
) -> tuple[list[PlannedEntry], list[PlannedEntry]]:
    """The imports and the exports of a build, in order."""
    imports = [item for entry in written.imports for item in _parse(entry, "from", faults)]
    exports = [item for entry in written.exports for item in _parse(entry, "to", faults)]
    # D4: a read-only run leaves the exports out.
    if not flags.export:
        exports = []
    typed = bool(exports)
    planned = [_plan_import(item, typed=typed) for item in imports]
    # D3: BuildKit would fetch the imports but not use them.
    if flags.no_cache:
        planned = []
    if flags.ignore_export_errors:
        _check_ignored_errors(exports, faults)
    return _distinct(planned), _distinct(
        [_plan_export(item, ignore_errors=flags.ignore_export_errors) for item in exports]
    )


def _check_ignored_errors(exports: Iterable[_ParsedEntry], faults: FaultCollector) -> None:
    """D5: typed entries are passed as written, so the flag does not apply to them."""
    for item in exports:
        if item.rule != "C6" or item.fields is None or "ignore-error" in item.fields:
            continue
        if entries.typed_entry(item.text, item.fields).type == "inline":  # it cannot fail
            continue
        faults.report(
            "unreached-export",
            "`--ignore-cache-errors` does not change a typed entry",
            item.path,
            f"write `{masked(item.text)},ignore-error=true`",
            severity="warning",
        )


def _distinct(items: Iterable[PlannedEntry]) -> list[PlannedEntry]:
    """C9: a later entry with the same type and fields as an earlier one is dropped."""
    first: dict[object, PlannedEntry] = {}
    for item in items:
        first.setdefault(item.entry.key, item)
    return list(first.values())


# From text to parsed entries.


def _parse(
    written: WrittenEntry, direction: Direction, faults: FaultCollector
) -> list[_ParsedEntry]:
    """The parsed entries of one item: several only for a list of references, none after a fault."""
    if written.ref is not None:
        return [_ParsedEntry(str(written.ref), None, written.ref, written.rule, written.path)]
    text, path = _text(written, faults), written.path
    if not text:
        return []
    try:
        if "=" in text:
            return _parse_fields(text, path, direction, faults)
        # C7: an entry with `,` but no `=` is a list of bare references.
        refs = entries.split(text) if "," in text or '"' in text else [text]
    except FaasCacheError as error:
        faults.add_error(error, *path)
        return []
    rule = "C7" if len(refs) > 1 else ""
    parsed = [_parse_reference(ref, path, direction, rule, faults) for ref in refs]
    return [item for item in parsed if item is not None]


def _text(written: WrittenEntry, faults: FaultCollector) -> str:
    """The text of one item; empty after a fault."""
    value, path, _, _ = written
    if isinstance(value, (bool, int)):
        value = format_scalar(value)
    if not isinstance(value, str):
        _report_wrong_type(value, path, faults)
        return ""
    # C1: one trailing newline is removed first, from typed entries too.
    text = entries.without_newline(value)
    # C12: an empty entry is an error.
    if not text:
        message = "the entry is empty, and buildx would silently skip it"
        faults.report("empty-entry", message, path, "add a value, or remove the entry")
    # C1: a newline inside an entry is the list form of build-push-action.
    if "\n" in text:
        lines = [masked(line.strip()) for line in text.splitlines() if line.strip()]
        message = "the entry contains several lines"
        faults.report("multiline-entry", message, path, f"write a list: `{lines!r}`")
        return ""
    return text


def _report_wrong_type(value: Setting, path: KeyPath, faults: FaultCollector) -> None:
    """C1, C12: an entry that is not a string."""
    if value is None:
        message = "the entry is null, probably because of an unset variable"
        faults.report("empty-entry", message, path, "add a value, or remove the entry")
    elif isinstance(value, FrozenMap):
        pairs = (f"{key}={format_scalar(item)}" for key, item in value.items())
        whole = masked(",".join(map(entries.csv_field, pairs)))
        message = "expected a string, got a mapping"
        faults.report("invalid-entry-type", message, path, f"write `{whole}`")
    else:
        kind = "a list" if isinstance(value, tuple) else "a float"
        message = f"expected a string, got {kind}"
        faults.report("invalid-entry-type", message, path, "write one quoted string per entry")


def _parse_reference(
    text: str, path: KeyPath, direction: Direction, rule: str, faults: FaultCollector
) -> _ParsedEntry | None:
    """A bare reference, or `None` after a fault."""
    # C12: two commas in a row, or one at an end.
    if not text:
        message = "the list of references has an empty item"
        faults.report("empty-entry", message, path, "remove the extra comma")
        return None
    # C11: a bare keyword would be an image on Docker Hub.
    if text in _BARE_KEYWORDS:
        message = f"`{text}` alone would be an image on Docker Hub"
        faults.report("bare-keyword", message, path, _BARE_KEYWORDS[text])
        return None
    ref = parse_reference(text, path, faults)
    if ref is None or (direction == "to" and _has_digest(ref, path, faults)):
        return None
    return _ParsedEntry(text, None, ref, rule, path)


def _parse_fields(
    text: str, path: KeyPath, direction: Direction, faults: FaultCollector
) -> list[_ParsedEntry]:
    """An entry with fields: typed (C6) or untyped (C5)."""
    fields = entries.parse_fields(text)
    if "type" in fields:
        kind = entries.typed_entry(text, fields).type
        ref = None
        # E2: the reference of a typed entry is checked, though the entry is passed as written.
        if kind == "registry" and "ref" in fields:
            ref = _typed_reference(fields["ref"], path, direction, faults)
        return [_ParsedEntry(text, fields, ref, "C6", path)]
    if "ref" not in fields:
        shown = masked(text)
        kind = guess_backend(frozenset(fields))
        hint = f"write `type={kind},{shown}`" if kind else "add `type=…`, or `ref=…`"
        message = f"the entry `{shown}` has neither `type` nor `ref`"
        faults.report("missing-type", message, path, hint)
        return []
    ref = parse_reference(fields["ref"], path, faults)
    if ref is None or (direction == "to" and _has_digest(ref, path, faults)):
        return []
    return [_ParsedEntry(text, fields, ref, "C5", path)]


def _typed_reference(
    text: str, path: KeyPath, direction: Direction, faults: FaultCollector
) -> Reference | None:
    """E2: the reference of a typed entry; in `from`, BuildKit only logs that it is invalid."""
    if direction == "to":
        ref = parse_reference(text, path, faults, rule="E2")
        if ref is not None:
            _has_digest(ref, path, faults)
        return ref
    try:
        return Reference.parse(text)
    except InvalidReference as error:
        for diagnostic in error.diagnostics:
            located = diagnostic.under(*path)
            faults.add(attrs.evolve(located, severity="warning", rule="E2"))
        return None


def _has_digest(ref: Reference, path: KeyPath, faults: FaultCollector) -> bool:
    """E2: with a digest in `to`, BuildKit pushes by digest and drops the tag."""
    if ref.digest is None:
        return False
    faults.report(
        "export-to-digest",
        f"`{ref}` has a digest, so the exported cache could not be found again",
        path,
        f"write `{ref.name}:{ref.tag or CACHE_TAG}`",
    )
    return True


# From parsed entries to those of the plan.


def _plan_import(item: _ParsedEntry, *, typed: bool) -> PlannedEntry:
    """C2, C3, C5, C6: what an item of `from` becomes; `typed` where something is exported too."""
    text, fields, ref, rule, path = item
    if fields is None:
        # C2: without `to`, a bare reference is passed bare.
        if not typed:
            return PlannedEntry(entries.reference_entry(text), ref, rule or "C2", path)
        # C3: with `to`, it becomes `type=registry,ref=REF`.
        entry = entries.reference_entry(text, text=f"type=registry,ref={text}")
        return PlannedEntry(entry, ref, rule or "C3", path)
    # C6: a typed entry is passed byte for byte.
    if rule == "C6":
        return PlannedEntry(entries.typed_entry(text, fields), ref, rule, path)
    # C5: `type=registry` is prepended.
    entry = CacheEntry(text=f"type=registry,{text}", type="registry", attrs=fields)
    return PlannedEntry(entry, ref, rule, path)


def _plan_export(item: _ParsedEntry, *, ignore_errors: bool) -> PlannedEntry:
    """C4, C5, C6: what an item of `to` becomes; D8 is the order of the fields."""
    text, fields, ref, rule, path = item
    # C6: a typed entry is passed byte for byte.
    if rule == "C6" and fields is not None:
        return PlannedEntry(entries.typed_entry(text, fields), ref, rule, path)
    written = FrozenMap(ref=text) if fields is None else fields
    # D8: a key that the user wrote is never added again.
    generated = _generated_fields(ref, written, ignore_errors=ignore_errors)
    added = {key: value for key, value in generated.items() if key not in written}
    head = f"ref={text}" if fields is None else text
    whole = ",".join(("type=registry", head, *(f"{key}={value}" for key, value in added.items())))
    entry = CacheEntry(text=whole, type="registry", attrs=written | added)
    return PlannedEntry(entry, ref, rule or "C4", path)


def _generated_fields(
    ref: Reference | None, written: FrozenMap[str], *, ignore_errors: bool
) -> dict[str, str]:
    """What a generated export has besides the user's fields."""
    from faas_cache.model.registries import IMAGE_MANIFEST, rejects_index  # a table for exports

    # C4, C5: `mode=max`.
    added = {"mode": "max"}
    # E6: registries that reject the default format need an image manifest.
    declined = FALSE & {written.get(key) for key in IMAGE_MANIFEST}
    if ref is not None and rejects_index(ref.domain) and not declined:
        added |= IMAGE_MANIFEST
    # D5: generated entries get `ignore-error=true`.
    if ignore_errors:
        added["ignore-error"] = "true"
    return added
