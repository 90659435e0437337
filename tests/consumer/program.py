# pyright: strict
# ruff: noqa: T201, ARG005  # it prints, and is written as a user would
"""A program that uses the library, for type checkers; its pure parts are executed, too."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable

from faas_cache import (
    BuildOptions,
    BuildPlan,
    BuildResult,
    CacheEntry,
    CacheFlags,
    CacheReport,
    Command,
    Diagnostic,
    Explanation,
    FaasCacheError,
    FunctionSpec,
    Project,
    Reference,
    Stack,
    StackPlan,
    Stop,
    Template,
    __version__,
    check,
    explain,
    from_dict,
    inspect_builder,
    parse_entries,
    render,
    resolve,
    to_dict,
)
from faas_cache.buildkit.events import Event
from faas_cache.render.front_ends import FrontEnd


def build_everything() -> int:
    """The shortest program."""
    project = Project.load("stack.yaml")
    result = project.build(project.plan(), parallel=4)
    return result.exit_code


def build_some() -> int:
    """What it may grow into."""
    project = Project.load("stack.yaml")
    plan = project.plan(
        "resize", "notify", options=BuildOptions(push=True), flags=CacheFlags(scope="main")
    )
    plan = plan.on(project.inspect_builder(plan))
    for diagnostic in plan.diagnostics:
        print(diagnostic, file=sys.stderr)
    if plan.errors:
        return 2
    for command in plan.commands():
        print(command.shell())
    plan = project.prepare(plan)
    result = project.build(plan, parallel=4, on_event=lambda event: None)
    for function in result.functions:
        print(function.name, function.status, function.report.hit_ratio, function.explanation or "")
    return result.exit_code


def print_event(event: Event) -> None:
    """A callback."""
    print(event.function)


def build_until(stop: Stop) -> BuildResult:
    """Stopped by another thread."""
    project = Project.load("stack.yaml", root="/srv/functions", environ={"PATH": "/usr/bin"})
    plan: StackPlan = project.plan(filter="image-*", strict=True)
    return project.build(
        plan, fail_fast=True, timeout=600.0, retry=False, on_event=print_event, stop=stop
    )


async def build_later() -> BuildResult:
    """For asyncio."""
    project = Project.of(FunctionSpec(name="resize", image="acme/resize:1", build_cache="max"))
    return await asyncio.wait_for(project.abuild(project.plan()), timeout=60)


def describe(result: BuildResult) -> list[str]:
    """Reports and explanations."""
    report: CacheReport = result.report
    lines = [f"{report.cached} of {report.total} steps cached"]
    for function in result.functions:
        failure: Explanation | None = function.explanation
        if failure is not None:
            lines.append(f"{function.name}: {failure.message} ({failure.fix})")
    return lines


def plan_in_memory(text: str) -> tuple[BuildPlan, ...]:
    """Pure: a stack file's text to plans."""
    stack = Stack.loads(text, {})
    flags = CacheFlags(fallback_scopes=["main"], export=False)
    return tuple(resolve(spec, flags) for spec in stack.functions.values())


def render_commands(plans: Iterable[BuildPlan]) -> list[Command]:
    """Pure: plans to commands, with a front end of the program's own."""

    def build(plan: BuildPlan) -> Command:
        return Command(argv=("podman", "build", "--tag", *plan.tags, plan.context))

    podman = FrontEnd(name="podman", program="podman", build=build)
    return [
        front_end.build(plan)
        for plan in plans
        for front_end in (podman, render.FRONT_ENDS["buildx_build"])
    ]


def find_faults(plans: tuple[BuildPlan, ...]) -> list[Diagnostic]:
    """Those of the plans on this machine."""
    return [item for item in check(plans, inspect_builder()) if item.severity == "error"]


def read_log(log: str) -> list[str]:
    """Explanations of a recorded log."""
    return [explanation.message for explanation in explain(log, exit_code=1)]


def exports(texts: list[str]) -> dict[str, CacheEntry]:
    """Cache entries by the tag that they write."""
    entries = parse_entries(texts)
    return {Reference.parse(entry.attrs["ref"]).target: entry for entry in entries}


def store(plan: BuildPlan) -> str:
    """A plan as JSON text."""
    return json.dumps(to_dict(plan, secrets=True))


def restore(text: str) -> BuildPlan:
    """A plan from JSON text: its type is known to type checkers."""
    return from_dict(json.loads(text), BuildPlan)


def packages(template: Template) -> dict[str, tuple[str, ...]]:
    """The packages of each build option."""
    return dict(template.build_options)


def main() -> int:
    """Errors have an exit code of their own."""
    try:
        return build_some()
    except FaasCacheError as error:
        for diagnostic in error.diagnostics:
            print(f"faas-cache {__version__}: {diagnostic.location.path}: {diagnostic.message}")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
