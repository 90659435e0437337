"""Builds and pushes of a whole `StackPlan`: its commands, and how builders report progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypedDict

import attrs

from faas_cache.buildkit.events import Event
from faas_cache.buildkit.useless_imports import useless_import
from faas_cache.model.features import CACHE_EXPORT
from faas_cache.planning.advice import advise
from faas_cache.planning.plan import BuildPlan
from faas_cache.render.bake_file import target_names
from faas_cache.render.commands import Command
from faas_cache.runner.builds import BuildUnit, Guard, Progress, run_bake, run_builds
from faas_cache.runner.results import BuildResult, FunctionResult
from faas_cache.runner.retries import Retries
from faas_cache.runner.stop import Stop
from faas_cache.runner.terminal import Output, terminal_of
from faas_cache.stack_plan import StackPlan

__all__ = ["build_stack", "choose_progress", "push_stack"]

# What `BUILDKIT_PROGRESS` may be for us to choose: buildx reads it; its `plain` is like our lines.
_OURS = frozenset({"", "auto", "plain"})


class _Common(TypedDict):
    """The arguments that `run_builds` and `run_bake` have in common."""

    environ: Mapping[str, str]
    cwd: str
    progress: Progress
    on_event: Callable[[Event], object] | None
    output: Output
    quiet: bool
    stop: Stop | None
    guard: Guard


def build_stack(  # noqa: PLR0913  # what a run has
    plan: StackPlan,
    *,
    environ: Mapping[str, str],
    guard: Guard,
    parallel: int,
    bake: bool,
    fail_fast: bool,
    timeout: float | None,
    quiet: bool,
    on_event: Callable[[Event], object] | None,
    output: Output,
    stop: Stop | None,
    retry: bool = True,
) -> BuildResult:
    """Builds the functions of a plan, one by one or all with one bake; equal builds once (E8)."""
    if not plan.plans:
        return BuildResult()
    every, plan = plan, plan.distinct()
    alone = bake or parallel == 1 or len(plan.plans) == 1
    drawn = alone and not quiet and terminal_of(output) is not None
    progress = choose_progress(plan, environ, terminal=drawn)
    commands = plan.commands(bake=bake)
    retries = Retries(plan, enabled=retry)
    deadline = None if timeout is None else time.monotonic() + timeout
    common: _Common = {
        "environ": environ,
        "cwd": plan.inputs.root,
        "progress": progress,
        "on_event": on_event,
        "output": output,
        "quiet": quiet,
        "stop": stop,
        "guard": guard,
    }
    if bake:
        targets = dict(zip(target_names(plan.plans), plan.plans, strict=True))
        result = run_bake(targets, commands[0], timeout=timeout, **common)
        for unit in retries.units(result):  # G3: only the failed target, alone
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            if left != 0 and not (stop and stop.stopped):
                result = _replaced(result, run_builds([unit], timeout=left, **common))
    else:
        result = run_builds(
            _units(plan.plans, commands),
            parallel=parallel,
            fail_fast=fail_fast,
            timeout=timeout,
            retry=lambda item, failed: retries.commands(item.function, failed),
            **common,
        )
    functions = [
        _with_advice(_with_notes(retries.with_note(function), plan), plan)
        for function in result.functions
    ]
    if plan.request.strict:
        functions = list(map(_strict, functions))
    return _for_every_function(BuildResult(functions=functions), every)


def _replaced(result: BuildResult, again: BuildResult) -> BuildResult:
    """The result with that of a second attempt in place of the first."""
    by_name = {function.name: function for function in again.functions}
    return BuildResult(functions=[by_name.get(f.name, f) for f in result.functions])


def _strict(result: FunctionResult) -> FunctionResult:
    """Under `strict`, a build whose cache export was lost has failed."""
    lost = next((note for note in result.notes if note.step == "cache-export"), None)
    if lost is None or not result.ok:
        return result
    return attrs.evolve(
        result,
        status="failed",
        explanation=attrs.evolve(lost, severity="error"),
        notes=[note for note in result.notes if note is not lost],
    )


def _with_notes(result: FunctionResult, plan: StackPlan) -> FunctionResult:
    """G4: the result with the note about an import that was of no use."""
    build_plan = next(item for item in plan.plans if item.function == result.name)
    if not result.ok or build_plan.no_cache or result.attempts > 1:
        return result
    inline = "inline" in build_plan.needs and CACHE_EXPORT not in build_plan.needs
    note = useless_import(result.report, only_last_stage=inline)
    return result if note is None else attrs.evolve(result, notes=(*result.notes, note))


def _with_advice(result: FunctionResult, plan: StackPlan) -> FunctionResult:
    """The result with what to do about its failure, for its plan."""
    failure = result.explanation
    if failure is None:
        return result
    build_plan = next(item for item in plan.plans if item.function == result.name)
    advised = advise(failure, build_plan, plan.builder, plan.inputs.environ)
    return attrs.evolve(result, explanation=advised)


def push_stack(  # noqa: PLR0913  # the same
    plan: StackPlan,
    *,
    environ: Mapping[str, str],
    parallel: int = 1,
    fail_fast: bool = False,
    timeout: float | None = None,
    quiet: bool = False,
    on_event: Callable[[Event], object] | None = None,
    output: Output = None,
    stop: Stop | None = None,
) -> BuildResult:
    """Pushes the images of a plan that an earlier build left, with docker by default."""
    every, plan = plan, plan.distinct()
    result = run_builds(
        _units(plan.plans, plan.commands()),
        environ=environ,
        cwd=plan.inputs.root,
        parallel=parallel,
        fail_fast=fail_fast,
        timeout=timeout,
        on_event=on_event,
        output=output,
        quiet=quiet,
        stop=stop,
    )
    functions = [_with_advice(function, plan) for function in result.functions]
    return _for_every_function(BuildResult(functions=functions), every)


def _for_every_function(result: BuildResult, plan: StackPlan) -> BuildResult:
    """E8: the result of each function of a plan; equal builds have that of the first."""
    same, results = plan.same_as, {function.name: function for function in result.functions}
    functions: list[FunctionResult] = []
    for name in (build_plan.function for build_plan in plan.plans):
        first = same.get(name)
        functions.append(
            results[name]
            if first is None
            else attrs.evolve(results[first], name=name, same_as=first)
        )
    return BuildResult(functions=functions)


def choose_progress(
    plan: StackPlan, environ: Mapping[str, str], *, terminal: bool = False
) -> Progress:
    """How the builds of a plan report their progress; empty for a display that the user chose.

    `terminal` says that a build may draw on a terminal.
    """
    front_end, builder = plan.front_end, plan.builder
    chosen = environ.get("BUILDKIT_PROGRESS", "")
    flags = (flag for build_plan in plan.plans for flag in build_plan.builder_flags)
    if front_end is None or chosen not in _OURS or any(map(_chooses_progress, flags)):
        return ""
    if front_end.progress != "rawjson":
        return front_end.progress if front_end.progress == "plain" else ""
    if builder is None or not any(build_plan.caching for build_plan in plan.plans):
        return ""
    return builder.progress_mode(terminal=terminal and chosen != "plain")


def _chooses_progress(flag: str) -> bool:
    return flag.startswith("--progress")


def _units(plans: Iterable[BuildPlan], commands: Iterable[Command]) -> list[BuildUnit]:
    """Each plan with its commands, in order."""
    by_function: dict[str, list[Command]] = {}
    for command in commands:
        by_function.setdefault(command.function, []).append(command)
    return [BuildUnit(plan=plan, commands=by_function[plan.function]) for plan in plans]
