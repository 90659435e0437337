"""Cache arguments among the builder flags of a function, and the `build_cache` to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.masking import masked
from faas_cache.model.references import Reference
from faas_cache.planning.entry_checks import parsed_reference
from faas_cache.planning.image_rules import CACHE_TAG
from faas_cache.planning.plan import BuildPlan

__all__ = ["check_cache_flags"]

_FLAG = re.compile(
    r"(?P<name>--cache-(?P<side>from|to))(?:[= ](?P<value>.*))?"
    r"|--build-arg[= ]BUILDKIT_INLINE_CACHE=.*",
    re.DOTALL,
)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")


def check_cache_flags(plan: BuildPlan) -> Iterator[Diagnostic]:
    """D2: a note on cache arguments among the builder flags, which are passed as written."""
    matches = [match for flag in plan.builder_flags if (match := _FLAG.match(flag))]
    if not matches:
        return
    sides: dict[str, list[str]] = {"from": [], "to": []}
    for match in matches:
        if match["side"]:
            sides[match["side"]] += _entries(match["value"] or "")
    image = parsed_reference(plan.tags[0]) if plan.tags else None
    name = matches[0]["name"] or "--build-arg BUILDKIT_INLINE_CACHE"
    yield Diagnostic(
        name="cache-in-builder-flags",
        severity="note",
        message=f"`{name}` among the builder flags is passed as written, and not checked",
        hint=f"write `build_cache: {_setting(sides, image)}` instead",
        location=Location(path=("functions", plan.function, "builder_flags")),
    )


def _entries(value: str) -> list[str]:
    """The entries of a flag; references that are joined by commas are several (C7)."""
    try:
        return [masked(str(entry)) for entry in parse_entries([value])]
    except FaasCacheError:
        return [masked(value)] if value else []


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
    ref = parsed_reference(text.removeprefix("type=registry,ref="))
    return "" if ref is None else ref.target


def _quoted(text: str) -> str:
    """A text as an item of a YAML list."""
    if _PLAIN.fullmatch(text):
        return text
    return "'" + text.replace("'", "''") + "'"
