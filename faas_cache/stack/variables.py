"""What variables did to the structure of a stack file: warnings about values that bring keys or lines, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.masking import masked
from faas_cache.stack.positions import LINE_END
from faas_cache.stack.substitution import Replacement, Substitution
from faas_cache.stack.values import NULLS, Document
from faas_cache.stack.yaml import read_document

__all__ = ["structure_warnings", "variable_warnings"]

# A value with none of these is one scalar wherever it is inserted.
_SUSPECT = re.compile(r"[\[\]{},&*!|>'\"%@`#\s]|:$|^[-?]")
# So many variables are tried one by one: each costs another reading of the file.
_MAX_SUSPECTS = 20
_SHOWN = 60


def variable_warnings(document: Document, marked: Callable[[], Document]) -> Iterator[Diagnostic]:
    """The warnings about the variables of a complete document; `marked` returns the same one with marks."""
    substitution = document.substitution
    for diagnostic in substitution.diagnostics:
        location = attrs.evolve(diagnostic.location, file=document.file)
        yield attrs.evolve(diagnostic, location=location)
    yield from structure_warnings(document)
    tree = document.value
    functions = tree.get("functions") if isinstance(tree, dict) else None
    if substitution.replacements and isinstance(functions, dict):
        for name, function in functions.items():
            if isinstance(function, dict) and function.get("build_cache", "") is None:
                yield from _empty_setting(("functions", str(name or ""), "build_cache"), marked())


def structure_warnings(document: Document) -> Iterator[Diagnostic]:
    """Warnings about the variables that change the structure of a document, or without which it would be valid."""
    substitution = document.substitution
    suspects: dict[str, Replacement] = {}
    values: set[tuple[str, str]] = set()
    for replacement in substitution.replacements:
        name, value = replacement.name, replacement.value
        if name not in suspects and (name, value) not in values:
            values.add((name, value))
            if _SUSPECT.search(value):
                suspects[name] = replacement
    shape = _shape(document.value) if suspects else []
    for name, replacement in sorted(suspects.items())[:_MAX_SUSPECTS]:
        text = substitution.text_with(name, "x")
        other = read_document(Substitution(text, text))
        if other.complete != document.complete or _shape(other.value) != shape:
            line, column = substitution.source_position(replacement.text_start)
            yield Diagnostic(
                name="variable-changes-structure",
                severity="warning",
                message=(
                    f"the value of `{masked(name)[:_SHOWN]}` changes the structure of the file, because variables are"
                    " replaced before YAML is read"
                ),
                hint="use a value of one line without special characters of YAML, or quote the `${…}`",
                location=Location(file=document.file, line=line, column=column),
            )


def _empty_setting(path: KeyPath, document: Document) -> Iterator[Diagnostic]:
    """C12: `build_cache: ${X}` without a value for X counts as absent."""
    substitution = document.substitution
    mark = document.marks.find(path)
    end = mark.value_end
    if mark.value_start == end:  # an empty scalar; the variable is behind it
        match = LINE_END.search(substitution.text, end)
        end = match.start() if match else len(substitution.text)
    for replacement in substitution.replaced_within(mark.value_start, end):
        before = substitution.text[mark.value_start : replacement.text_start]
        if replacement.value.strip() not in NULLS or before.strip():
            continue
        line, column = substitution.source_position(mark.start)
        name = masked(replacement.name)[:_SHOWN]
        yield Diagnostic(
            name="empty-setting",
            rule="C12",
            severity="warning",
            message=f"`build_cache` is empty because the variable `{name}` is empty, so nothing is cached",
            hint=f"set the variable, or give it a default, such as `${{{name}:-inline}}`",
            location=Location(path=path, file=document.file, line=line, column=column),
        )
        return


def _shape(value: Any) -> list[str | int]:  # noqa: ANN401  # any YAML value
    """A value without its texts: its mappings and lists from top to bottom, and how many items each has."""
    shape: list[str | int] = []
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            shape += ("{", len(value))
            pending += value.values()
        elif isinstance(value, list):
            shape += ("[", len(value))
            pending += value
        else:
            shape.append("")
    return shape
