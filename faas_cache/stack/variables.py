"""Warnings about variables that change the structure of a stack file, or leave a setting empty."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.masking import masked
from faas_cache.stack.positions import line_end_pattern
from faas_cache.stack.substitution import Replacement, Substitution
from faas_cache.stack.values import NULLS, Document
from faas_cache.stack.yaml import read_document

__all__ = ["structure_warnings", "variable_warnings"]

# A value with none of these is one scalar wherever it is inserted.
_SUSPECT = r"[\[\]{},&*!|>'\"%@`#\s]|:$|^[-?]"
# At most this many variables are tried one by one: each requires reading the file again.
_MAX_SUSPECTS = 20
_SHOWN = 60


def variable_warnings(document: Document, marked: Callable[[], Document]) -> Iterator[Diagnostic]:
    """The warnings about the variables of a document; `marked` returns it with marks."""
    substitution = document.substitution
    for diagnostic in substitution.diagnostics:
        location = attrs.evolve(diagnostic.location, file=document.file)
        yield attrs.evolve(diagnostic, location=location)
    yield from structure_warnings(document)
    tree = document.value
    functions = tree.get("functions") if isinstance(tree, dict) else None
    if not substitution.replacements or not isinstance(tree, dict):
        return
    configuration = tree.get("configuration")
    default = configuration.get("build_cache", "") if isinstance(configuration, dict) else ""
    if default is None:
        yield from _empty_setting(("configuration", "build_cache"), marked())
    for name, function in functions.items() if isinstance(functions, dict) else ():
        if isinstance(function, dict) and function.get("build_cache", "") is None:
            path = ("functions", str(name or ""), "build_cache")
            yield from _empty_setting(path, marked(), default=default)


def structure_warnings(document: Document) -> Iterator[Diagnostic]:
    """Warnings about the variables with another structure, or validity, than a plain word."""
    substitution = document.substitution
    suspects: dict[str, Replacement] = {}
    values: set[tuple[str, str]] = set()
    for replacement in substitution.replacements:
        name, value = replacement.name, replacement.value
        if name not in suspects and (name, value) not in values:
            values.add((name, value))
            if re.search(_SUSPECT, value):
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
                    f"the value of `{masked(name)[:_SHOWN]}` changes the structure of the file"
                ),
                hint="quote the `${…}`, or use a value without line breaks and YAML syntax",
                location=Location(file=document.file, line=line, column=column),
            )


def _empty_setting(
    path: KeyPath, document: Document, *, default: object = None
) -> Iterator[Diagnostic]:
    """C12: `build_cache: ${X}` without a value for X counts as absent; D9: the default applies."""
    substitution = document.substitution
    mark = document.marks.find(path)
    end = mark.value_end
    if mark.value_start == end:  # an empty scalar; the variable is behind it
        match = line_end_pattern().search(substitution.text, end)
        end = match.start() if match else len(substitution.text)
    for replacement in substitution.replaced_within(mark.value_start, end):
        before = substitution.text[mark.value_start : replacement.text_start]
        if replacement.value.strip() not in NULLS or before.strip():
            continue
        line, column = substitution.source_position(mark.start)
        name = masked(replacement.name)[:_SHOWN]
        message = f"nothing is cached, because the variable `{name}` leaves `build_cache` empty"
        if default:
            shown = masked(default)[:_SHOWN] if isinstance(default, str) else "{…}"
            message = (
                f"the variable `{name}` leaves `build_cache` empty, and the default of the stack,"
                f" `{shown}`, applies instead"
            )
        yield Diagnostic(
            name="empty-setting",
            rule="C12",
            severity="warning",
            message=message,
            hint=f"set the variable, or give it a default, such as `${{{name}:-inline}}`",
            location=Location(path=path, file=document.file, line=line, column=column),
        )
        return


def _shape(value: Any) -> list[str | int]:  # noqa: ANN401  # any YAML value
    """The structure of a value: its mappings and lists, and how many items each has."""
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
