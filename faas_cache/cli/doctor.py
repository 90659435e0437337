"""`faas-cache doctor`: describes the builder of this machine, and which functions it can build."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.colors import painter
from faas_cache.cli.loading import exit_code_of, load_project, plan_functions
from faas_cache.cli.output import ExitCode, print_json, print_result, warn
from faas_cache.cli.streams import write_stdout
from faas_cache.model.builders import DOCKER, Builder
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.text import display
from faas_cache.project import Project, default_stack_file

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Prints the builder, then each function with what stops its build.

    The builder is described also where the stack file is invalid. The exit code is that of a build
    before it starts.
    """
    try:
        is_stack = bool(arguments.files) or os.path.exists(default_stack_file("."))
        project = load_project(arguments) if is_stack else Project.of()
        plan = plan_functions(project, arguments)
    except FaasCacheError as error:
        _print(Project.of().inspect_builder(), {}, [], json=arguments.json)
        warn(*error.diagnostics)
        return error.exit_code
    builder = project.inspect_builder(plan)
    plan = plan.on(builder)
    plan = project.check_sources(plan) if is_stack else plan
    named = {p.function for p in plan.resolved} | set(map(_function_of, plan.errors))
    faults: dict[str, list[Diagnostic]] = {
        name: [] for name in (*plan.stack.functions, *plan.stack.invalid_functions) if name in named
    }
    others: list[Diagnostic] = []
    for diagnostic in plan.errors:
        faults.get(_function_of(diagnostic), others).append(diagnostic)
    logins = [d for d in plan.diagnostics if d.name == "missing-credentials"]
    _print(builder, faults, logins, json=arguments.json)
    warn(*others)
    absent = builder.docker is None and builder.buildx is None
    return ExitCode.UNSUPPORTED if absent else exit_code_of(plan)


def _function_of(diagnostic: Diagnostic) -> str:
    """The name of the function that a diagnostic is about; empty for none."""
    path = diagnostic.location.path
    return str(path[1]) if path[:1] == ("functions",) and len(path) > 1 else ""


def _print(
    builder: Builder,
    faults: dict[str, list[Diagnostic]],
    warnings: list[Diagnostic],
    *,
    json: bool,
) -> None:
    if json:
        from faas_cache.serialization import to_dict

        functions = {name: [to_dict(d) for d in errors] for name, errors in faults.items()}
        print_json(
            {
                "builder": to_dict(builder),
                "functions": functions,
                "warnings": [to_dict(warning) for warning in warnings],
            }
        )
        return
    print_result(_lines(describe(builder)))
    paint = painter(sys.stdout)
    for name, errors in faults.items():
        can = paint("cannot be built here", "bad") if errors else paint("can be built here", "good")
        write_stdout(f"{display(name)}: {can}\n")
        print_result(_lines(f"    {line}" for d in errors for line in str(d).splitlines()))
    print_result(_lines(map(str, warnings)))


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


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
    for name in builder.nodes:
        yield f"node: {name}{', does not respond' if name in builder.silent_nodes else ''}"
    if exists and builder.driver != DOCKER and not builder.buildkit_version:
        runs = builder.buildkit is not None
        cause = (
            "because the version of BuildKit is unknown"
            if runs
            else "until the first build starts it"
        )
        yield f"features: unknown, {cause}"
        return
    yield f"features: {', '.join(sorted(builder.features)) or 'none'}"
