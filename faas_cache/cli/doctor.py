"""`faas-cache doctor`: describes the builder of this machine, and which functions it can build."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from faas_cache.cli.loading import load_project, plan_functions
from faas_cache.cli.output import ExitCode, print_json, print_result
from faas_cache.project import STACK_FILES, Project

if TYPE_CHECKING:
    from faas_cache.model.builders import Builder
    from faas_cache.model.diagnostics import Diagnostic

__all__ = ["run"]


def run(arguments: Namespace) -> int:
    """Prints the builder, then one line for each function with what stops it."""
    has_stack = arguments.file is not None or any(map(os.path.exists, STACK_FILES))
    project = load_project(arguments) if has_stack else Project.of()
    plan = plan_functions(project, arguments)
    builder = project.inspect_builder(plan)
    faults = _faults_by_function(plan.on(builder).errors)
    names = [name for name in (*(p.function for p in plan.plans), *faults) if name]
    functions = {name: faults.get(name, []) for name in names}
    if arguments.json:
        from faas_cache.serialization import to_dict

        rows = {name: [to_dict(d) for d in found] for name, found in functions.items()}
        print_json({"builder": to_dict(builder), "functions": rows})
    else:
        print_result("".join(f"{line}\n" for line in describe(builder)))
        for name, found in functions.items():
            print_result(f"{name}: {'cannot be built here' if found else 'can be built here'}\n")
            print_result("".join(f"    {line}\n" for d in found for line in str(d).splitlines()))
    missing = builder.docker is None and builder.buildx is None
    if missing or any(d.rule in ("F2", "F3") for found in faults.values() for d in found):
        return ExitCode.UNSUPPORTED
    return ExitCode.INVALID_INPUT if faults else ExitCode.DONE


def _faults_by_function(errors: tuple[Diagnostic, ...]) -> dict[str, list[Diagnostic]]:
    """The errors of each function; those of no function under an empty name."""
    faults: dict[str, list[Diagnostic]] = {}
    for error in errors:
        path = error.location.path
        name = str(path[1]) if len(path) > 1 and path[0] == "functions" else ""
        faults.setdefault(name, []).append(error)
    return faults


def describe(builder: Builder) -> Iterator[str]:
    """A builder, for people."""
    exists = builder.docker is not None or builder.buildx is not None
    versions = (
        (builder.program, builder.docker),
        ("buildx", builder.buildx),
        ("BuildKit", builder.buildkit_version if exists else None),
    )
    for name, version in versions:
        yield f"{name}: {'not found' if version is None else version or 'unknown version'}"
    if exists:
        store = "containerd" if builder.containerd_store else "classic"
        suffix = f", {store} image store" if builder.driver == "docker" else ""
        yield f"builder: {builder.name or 'default'}, driver {builder.driver}{suffix}"
    yield f"features: {', '.join(sorted(builder.features)) or 'none'}"
