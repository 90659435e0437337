"""Contexts that are not written: those of an earlier run, and a function's own."""

from __future__ import annotations

import os

from faas_cache.contexts.names import BUILD_FOLDER, quoted
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.specs import FunctionSpec

__all__ = ["check_context", "check_prebuilt"]


def check_prebuilt(root: str, spec: FunctionSpec) -> Diagnostic | None:
    """Whether the existing `build/NAME` is built, because it cannot be written again.

    That is the case where the handler does not exist, as after `--shrinkwrap` on another machine,
    or the function has no `lang`: a note. Without `lang` and without `build/NAME`, an error. None
    where the context is to be written.
    """
    location = Location(path=("functions", spec.name))
    context = quoted(f"{BUILD_FOLDER}/{spec.name}")
    exists = os.path.isdir(os.path.join(root, BUILD_FOLDER, spec.name))
    if not spec.lang:
        if exists:
            return Diagnostic(
                name="prebuilt-context",
                severity="note",
                message=f"building {context} as an earlier run left it, because the function"
                " has no `lang`",
                location=location,
            )
        return Diagnostic(
            name="missing-context",
            message="the function has no `lang`, so its build context cannot be written",
            hint="write `lang: TEMPLATE` or `lang: dockerfile`, or give the function a `context`",
            location=location,
        )
    if exists and not os.path.lexists(os.path.join(root, spec.handler)):
        return Diagnostic(
            name="prebuilt-context",
            severity="note",
            message=f"building {context} as an earlier run left it, because the handler"
            f" {quoted(spec.handler)} does not exist",
            location=location,
        )
    return None


def check_context(root: str, name: str, context: str) -> Diagnostic | None:
    """The error of an own context that is not a folder; a URL and `-` are up to the builder."""
    if "://" in context or context == "-" or os.path.isdir(os.path.join(root, context)):
        return None
    return Diagnostic(
        name="missing-context",
        message=f"the build context {quoted(context)} is not a folder",
        hint="create it, or remove `context` to have it written",
        location=Location(path=("functions", name)),
    )
