"""Cache arguments among the builder flags of a function, and the `build_cache` to write instead."""

from __future__ import annotations

import re

from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import FaasCacheError, InvalidReference
from faas_cache.model.faults import FaultCollector
from faas_cache.model.masking import masked
from faas_cache.model.references import Reference
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.image_rules import CACHE_TAG

__all__ = ["report_cache_flags"]

_FLAG = re.compile(
    r"--cache-(?P<side>from|to)(?:[= ](?P<value>.*))?|--build-arg[= ]BUILDKIT_INLINE_CACHE=.*",
    re.DOTALL,
)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")


def report_cache_flags(spec: FunctionSpec, image: Reference | None, faults: FaultCollector) -> None:
    """D2: a note on the first cache argument among the builder flags; it is passed as written."""
    matches = [
        (i, match) for i, flag in enumerate(spec.builder_flags) if (match := _FLAG.match(flag))
    ]
    if not matches:
        return
    sides: dict[str, list[str]] = {"from": [], "to": []}
    for _, match in matches:
        if match["side"]:
            sides[match["side"]] += _entries(match["value"] or "")
    index, first = matches[0]
    name = re.split("[= ]", first[0])[0]
    name = name if first["side"] else "--build-arg BUILDKIT_INLINE_CACHE"
    faults.report(
        "cache-in-builder-flags",
        f"`{name}` among the builder flags is passed as written, and not checked",
        ("functions", spec.name, "builder_flags", index),
        f"write `build_cache: {masked(_setting(sides, image))}` instead",
        severity="note",
    )


def _entries(value: str) -> list[str]:
    """The entries of a flag; references that are joined by commas are several (C7)."""
    try:
        return [str(entry) for entry in parse_entries([value])]
    except FaasCacheError:
        return [value] if value else []


def _setting(sides: dict[str, list[str]], image: Reference | None) -> str:
    """The value of `build_cache` that does the same: a mode, or a mapping."""
    imports, exports = sides["from"], sides["to"]
    if image is not None:
        if not exports and all(_target(text) == image.target for text in imports):
            return "inline"
        reference = f"{image.name}:{CACHE_TAG}"
        cache = f"type=registry,ref={reference}"
        if exports == [f"{cache},mode=max"] and imports in ([cache], [reference]):
            return "max"
    lists = (f"{side}: [{', '.join(map(_quoted, sides[side]))}]" for side in sides if sides[side])
    return f"{{{', '.join(lists)}}}"


def _target(text: str) -> str:
    """What a bare reference or a registry entry reads; empty for another entry."""
    try:
        return Reference.parse(text.removeprefix("type=registry,ref=")).target
    except InvalidReference:
        return ""


def _quoted(text: str) -> str:
    """A text as an item of a YAML list."""
    if _PLAIN.fullmatch(text):
        return text
    return "'" + text.replace("'", "''") + "'"
