"""Checks of the variables in a stack file: those without a value, and names of branches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from faas_cache.model.diagnostics import Diagnostic, KeyPath
from faas_cache.model.masking import masked
from faas_cache.model.specs import FunctionSpec
from faas_cache.stack.positions import line_end_pattern
from faas_cache.stack.substitution import Missing, Replacement, Substitution
from faas_cache.stack.values import Document
from faas_cache.stack.yaml import read_document

__all__ = [
    "argument_variables",
    "unset_warnings",
    "variables_at",
    "with_branch_hint",
    "with_unset_variable",
]

# The keys of a function in which a variable without a value goes unnoticed, and a default for it.
_DEFAULTS = {"build_args": "unknown", "build_cache": "main", "image": "latest"}
_PROXY = "_proxy"
# At most this many variables are tried one by one: each requires reading the file again.
_MAX_TRIED = 20
_SHOWN = 60
_BRANCH = "write `${{{name}//\\//-}}`, which replaces each `/` with `-`"


def variables_at(document: Document, path: KeyPath) -> tuple[Replacement, ...]:
    """The variables in the value at a key path, or at its nearest parent."""
    mark, substitution = document.marks.find(path), document.substitution
    if mark.value_start != mark.value_end:
        return substitution.replaced_within(mark.value_start, mark.value_end)
    # An empty scalar: the variable is behind it, after nothing but spaces.
    text, start = substitution.text, mark.value_start
    match = line_end_pattern().search(text, start)
    found = substitution.replaced_within(start, match.start() if match else len(text))
    return tuple(item for item in found if not text[start : item.text_start].strip())


def argument_variables(
    document: Document, specs: Iterable[FunctionSpec]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """The names of the variables in each build argument, by function and argument."""
    variables: dict[str, dict[str, tuple[str, ...]]] = {}
    for spec in specs:
        for argument in spec.build_args:
            path = ("functions", spec.name, "build_args", argument)
            names = tuple(item.name for item in variables_at(document, path))
            variables.setdefault(spec.name, {})[argument] = names
    return variables


# Variables without a value.


def unset_warnings(document: Document) -> Iterator[Diagnostic]:
    """A warning for each variable without a value in an image, a cache or a build argument.

    The document has marks. What an empty value makes invalid is reported besides.
    """
    for path, text in _values(document.value):
        for replacement in variables_at(document, path):
            missing = replacement.missing
            # A build argument may be meant to be empty; a proxy is often not set.
            if missing is not None and not (
                "build_args" in path and (missing.is_set or str(path[-1]).lower().endswith(_PROXY))
            ):
                yield Diagnostic(
                    name="unset-variable",
                    severity="warning",
                    message=_message(missing, path, text),
                    hint=_hint(missing.name, next(v for k, v in _DEFAULTS.items() if k in path)),
                    location=document.location(path),
                )


def _message(missing: Missing, path: KeyPath, text: str) -> str:
    state = "empty" if missing.is_set else "not set"
    start = f"the variable `{masked(missing.name)[:_SHOWN]}` is {state}, so"
    if "build_args" in path:
        return f"{start} the build argument `{masked(str(path[-1]))[:_SHOWN]}` is incomplete"
    what = "image" if path[-1] == "image" else "cache setting"
    return (
        f"{start} the {what} is `{masked(text)[:_SHOWN]}`"
        if text
        else f"{start} there is no {what}"
    )


def _hint(name: str, default: str = "latest") -> str:
    shown = masked(name)[:_SHOWN]
    return f"set the variable, or give it a default, such as `${{{shown}:-{default}}}`"


def _values(tree: Any) -> Iterator[tuple[KeyPath, str]]:  # noqa: ANN401  # any YAML value
    """The texts of images, cache settings and build arguments, with their key paths."""
    if not isinstance(tree, dict):
        return
    configuration, functions = tree.get("configuration"), tree.get("functions")
    if isinstance(configuration, dict):
        yield from _texts(configuration.get("build_cache"), ("configuration", "build_cache"))
    for name, function in functions.items() if isinstance(functions, dict) else ():
        for key in _DEFAULTS if isinstance(function, dict) else ():
            if key in function:
                yield from _texts(function[key], ("functions", str(name or ""), key))


def _texts(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:  # noqa: ANN401  # any YAML value
    """The texts in a value, with their key paths; an empty cache entry is reported elsewhere."""
    pending: list[tuple[Any, KeyPath]] = [(value, path)]
    while pending:
        value, path = pending.pop()
        if isinstance(value, dict):
            pending += ((item, (*path, str(key or ""))) for key, item in value.items())
        elif isinstance(value, list):
            pending += ((item, (*path, index)) for index, item in enumerate(value))
        elif value or "build_cache" not in path:
            yield path, str(value or "")


def with_unset_variable(document: Document, diagnostic: Diagnostic) -> Diagnostic:
    """The fault of a text that is not valid YAML; the hint names the variable without a value.

    That is one with which the text would be valid YAML if it had a value.
    """
    substitution = document.substitution
    tried = {r.name: r.missing.name for r in substitution.replacements if r.missing is not None}
    for name, missing in list(tried.items())[:_MAX_TRIED]:
        text = substitution.text_with(name, "x")
        if read_document(Substitution(text, text)).complete:
            shown = masked(missing)[:_SHOWN]
            message = f"{diagnostic.message}, because the variable `{shown}` has no value"
            return attrs.evolve(diagnostic, message=message, hint=_hint(missing))
    return diagnostic


# Names of branches.


def with_branch_hint(document: Document, diagnostic: Diagnostic, path: KeyPath) -> Diagnostic:
    """An invalid reference whose hint names the variable that puts a `/` into its tag.

    `path` is that of the reference in the document, which has marks.
    """
    start, text = document.marks.find(path).value_start, document.substitution.text
    for replacement in variables_at(document, path):
        last = text[start : replacement.text_start].rpartition("/")[2]
        if "/" in replacement.value and ":" in last:
            name = masked(replacement.name)[:_SHOWN]
            hint = f"write `${{{name}//\\//-}}`, which replaces each `/` with `-`"
            if "build_cache" in path:
                hint += f", or `build_cache: {{mode: max, scope: '${{{name}}}'}}`"
            return attrs.evolve(diagnostic, hint=hint)
    return diagnostic
