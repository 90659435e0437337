"""Contexts that are not written: those of an earlier run, and a function's own."""

from __future__ import annotations

import os

from faas_cache.contexts.names import BUILD_FOLDER, quoted
from faas_cache.model.diagnostics import Diagnostic, Location

__all__ = ["check_context", "check_prebuilt", "is_prebuilt"]


def is_prebuilt(root: str, name: str) -> bool:
    """Whether an earlier run left `build/NAME`."""
    return os.path.isdir(os.path.join(root, BUILD_FOLDER, name))


def check_prebuilt(root: str, name: str, own_name: str) -> Diagnostic | None:
    """The error of `--prebuilt` for a function whose context does not exist."""
    if is_prebuilt(root, own_name):
        return None
    return Diagnostic(
        name="missing-context",
        message=f"the build context {quoted(f'{BUILD_FOLDER}/{own_name}')} does not exist",
        hint="write it with `faas-cache build --shrinkwrap`, or leave out `--prebuilt`",
        location=Location(path=("functions", name)),
    )


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
