"""Builds and pushes of a whole `StackPlan`: its commands, and how builders report progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypedDict

import attrs

from faas_cache.buildkit.events import Event
from faas_cache.buildkit.explanations import Explanation
from faas_cache.buildkit.useless_imports import useless_import
from faas_cache.model.features import CACHE_EXPORT
from faas_cache.planning.advice import advise
from faas_cache.planning.plan import BuildPlan
from faas_cache.render.bake_file import target_names
from faas_cache.render.commands import Command
from faas_cache.runner.builds import BuildUnit, Guard, RunSettings, run_bake, run_builds
from faas_cache.runner.inputs import InputRecorder
from faas_cache.runner.progress import QUIET, ProgressRequest, check_progress
from faas_cache.runner.results import BuildResult, FunctionResult
from faas_cache.runner.retries import Retries
from faas_cache.runner.secrets import SecretValues
from faas_cache.runner.stop import Deadline, Stop
from faas_cache.runner.terminal import Output, terminal_of
from faas_cache.stack_plan import StackPlan

__all__ = ["build_stack", "push_stack"]


class _Held(TypedDict):
    """The other arguments that `run_builds` and `run_bake` have in common."""

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
    inputs: bool = False,
    verbose: bool = False,
    progress: str = "auto",
) -> BuildResult:
    """Builds the functions of a plan, one by one or all with one bake; equal builds once (E8)."""
    if not plan.plans:
        return BuildResult()
    began = time.monotonic()
    every, plan = plan, plan.distinct()
    several = not bake and parallel > 1 and len(plan.plans) > 1
    settings: RunSettings = {"environ": environ, "output": output, "on_event": on_event}
    settings |= {"quiet": quiet, "verbose": verbose, "timeout": timeout}
    _choose_output(settings, plan, progress, several=several)
    commands = plan.commands(bake=bake)
    retries = Retries(plan, enabled=retry)
    recorder = InputRecorder(plan, environ, Deadline(timeout, stop), digests=inputs)
    held: _Held = {"stop": stop, "guard": recorder.guard(guard)}
    if bake:
        result = _bake(plan, commands[0], retries, held, settings)
    else:
        result = run_builds(
            _units(plan.plans, commands),
            parallel=parallel,
            fail_fast=fail_fast,
            retry=lambda item, failed: retries.commands(item.function, failed),
            **held,
            **settings,
        )
    functions = [
        recorder.with_inputs(_with_advice(_with_notes(retries.with_note(function), plan), plan))
        for function in result.functions
    ]
    if plan.request.strict:
        functions = list(map(_strict, functions))
    return _for_every_function(functions, every, time.monotonic() - began)


def _choose_output(settings: RunSettings, plan: StackPlan, progress: str, *, several: bool) -> None:
    """Adds how the builds report their progress, and what of it is shown."""
    environ, output = settings["environ"] or {}, settings["output"]
    terminal = terminal_of(output) is not None
    check_progress(progress, terminal=terminal, several=several)
    asked = ProgressRequest.of(plan, environ, progress)
    drawn = terminal and not several and not settings["quiet"]
    settings["cwd"] = plan.inputs.root
    settings["progress"] = asked.choose(plan, terminal=drawn, several=several)
    settings["quiet"] = settings["quiet"] or asked.value in QUIET
    settings["details"] = settings["verbose"] or asked.value == "plain"
    settings["secrets"] = SecretValues.of(plan.plans, environ)


def _bake(
    plan: StackPlan, command: Command, retries: Retries, held: _Held, settings: RunSettings
) -> BuildResult:
    """Builds all functions with one bake; G3: a failed target is built again, alone."""
    deadline = Deadline(settings["timeout"], held["stop"])
    targets = dict(zip(target_names(plan.plans), plan.plans, strict=True))
    result = run_bake(targets, command, **held, **settings)
    for unit in retries.units(result):
        if not deadline.stopped:
            settings["timeout"] = deadline.remaining
            result = _replaced(result, run_builds([unit], **held, **settings))
    return result


def _replaced(result: BuildResult, again: BuildResult) -> BuildResult:
    """The result with that of a second attempt in place of the first."""
    by_name = {function.name: function for function in again.functions}
    return BuildResult(functions=[by_name.get(f.name, f) for f in result.functions])


def _strict(result: FunctionResult) -> FunctionResult:
    """With `strict`, a build whose cache export failed counts as failed."""
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
    """The result with the note about an import that matched nothing (G4)."""
    build_plan = next(item for item in plan.plans if item.function == result.name)
    inline = "inline" in build_plan.needs and CACHE_EXPORT not in build_plan.needs
    report = attrs.evolve(result.report, only_last_stage=inline)
    result = attrs.evolve(result, caching=build_plan.caching, report=report)
    if not result.ok or build_plan.no_cache or result.attempts > 1:
        return result
    note = useless_import(report)
    return result if note is None else attrs.evolve(result, notes=(*result.notes, note))


def _with_advice(result: FunctionResult, plan: StackPlan) -> FunctionResult:
    """The result with what to do about its failure and its notes, for its plan."""
    build_plan = next(item for item in plan.plans if item.function == result.name)

    def advised(item: Explanation) -> Explanation:
        return advise(item, build_plan, plan.builder, plan.inputs.environ)

    failure = result.explanation
    return attrs.evolve(
        result,
        explanation=failure and advised(failure),
        notes=[advised(note) for note in result.notes],
    )


def push_stack(  # noqa: PLR0913  # the same
    plan: StackPlan,
    *,
    environ: Mapping[str, str],
    parallel: int = 1,
    fail_fast: bool = False,
    timeout: float | None = None,
    quiet: bool = False,
    verbose: bool = False,
    on_event: Callable[[Event], object] | None = None,
    output: Output = None,
    stop: Stop | None = None,
) -> BuildResult:
    """Pushes the images of a plan that an earlier build left, with docker by default."""
    began = time.monotonic()
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
        verbose=verbose,
        stop=stop,
    )
    functions = [
        attrs.evolve(_with_advice(function, plan), caching=False) for function in result.functions
    ]
    return _for_every_function(functions, every, time.monotonic() - began)


def _for_every_function(
    done: Iterable[FunctionResult], plan: StackPlan, seconds: float
) -> BuildResult:
    """E8: the result of each function of a plan; equal builds have that of the first."""
    same, results = plan.same_as, {function.name: function for function in done}
    functions: list[FunctionResult] = []
    for name in (build_plan.function for build_plan in plan.plans):
        first = same.get(name)
        functions.append(
            results[name]
            if first is None
            else attrs.evolve(results[first], name=name, same_as=first)
        )
    return BuildResult(functions=functions, seconds=round(seconds, 3))


def _units(plans: Iterable[BuildPlan], commands: Iterable[Command]) -> list[BuildUnit]:
    """Each plan with its commands, in order."""
    by_function: dict[str, list[Command]] = {}
    for command in commands:
        by_function.setdefault(command.function, []).append(command)
    return [BuildUnit(plan=plan, commands=by_function[plan.function]) for plan in plans]
