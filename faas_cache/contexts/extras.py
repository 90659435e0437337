"""The extra paths of a context: those of `configuration.copy` and `--copy-extra`."""

from __future__ import annotations

import os
from collections.abc import Iterator

from faas_cache.contexts.names import BUILD_FOLDER, quoted
from faas_cache.contexts.sources import is_within
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.stack_plan import StackPlan

__all__ = ["check_extras", "extra_fault", "extra_paths"]


def extra_paths(plan: StackPlan, function: str) -> tuple[str, ...]:
    """The extra paths of the context of a function, those of flags first, each once."""
    in_file = plan.stack.file_of(function).copy_extra_paths
    return tuple(dict.fromkeys((*plan.request.options.copy_extra, *in_file)))


def extra_fault(root: str, extra: str) -> tuple[str, str] | None:
    """What is wrong with an extra path, and what to do; `root` is the real path of the project."""
    path = os.path.normpath(os.path.join(root, extra))
    if not extra or "\0" in extra or not is_within(path, root) or path == root:
        return (
            f"the extra path {quoted(extra)} is not inside the project",
            "name a file or folder of the project",
        )
    if is_within(path, os.path.join(root, BUILD_FOLDER)):
        return (
            f"the extra path {quoted(extra)} is inside `{BUILD_FOLDER}`, which is generated",
            "move it to another folder",
        )
    if not os.path.lexists(path):
        return (
            f"the extra path {quoted(extra)} does not exist",
            "create it, or remove it from `configuration.copy` and --copy-extra",
        )
    return None


def check_extras(root: str, plan: StackPlan, function: str) -> Iterator[Diagnostic]:
    """An error for each extra path of a function that cannot be copied, where it is written."""
    root = os.path.realpath(root)
    stack = plan.stack.file_of(function)
    for extra in extra_paths(plan, function):
        fault = extra_fault(root, extra)
        if fault is not None:
            path: KeyPath = ("--copy-extra",)
            if extra in stack.copy_extra_paths:
                path = ("configuration", "copy", stack.copy_extra_paths.index(extra))
            diagnostic = Diagnostic(
                name="invalid-context",
                message=fault[0],
                hint=fault[1],
                location=Location(path=path),
            )
            yield from stack.with_locations((diagnostic,))
