"""`run_builds` and `run_bake`: builds one after another, side by side, or all as one bake.

Every build runs in a thread of its own. What the caller passes — `on_event`, `output` — is called
in the thread that called, one call at a time. A failure stops no other build unless `fail_fast` is
set; a `Stop`, and time that is up, stop the builds of their own call only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from typing import Protocol, TypeAlias, TypedDict, Unpack

import attrs

from faas_cache.buildkit.events import BuildFinished, BuildStarted, Event, Status
from faas_cache.buildkit.explanations import Explanation
from faas_cache.buildkit.reports import CacheReport
from faas_cache.planning.exports import pushes_image
from faas_cache.runner.execution import Execution, Finished, PlannedCommand, Progress
from faas_cache.runner.processes import linked_shutdown
from faas_cache.runner.results import BuildResult, FunctionResult
from faas_cache.runner.secrets import NO_SECRETS, SecretValues
from faas_cache.runner.stop import Shutdown, Stop
from faas_cache.runner.terminal import Output, terminal_of, writer_for
from faas_cache.runner.workers import Mailbox, call_in_threads

# The prefix of lines that belong to no target of a bake.
_BAKE = "bake"

__all__ = [
    "BuildUnit",
    "Guard",
    "Plan",
    "Progress",
    "Retry",
    "RunSettings",
    "run_bake",
    "run_builds",
]


class Plan(Protocol):
    """Protocol for the parts of a plan that running its commands needs."""

    @property
    def function(self) -> str:
        """The name of the function."""

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of its image."""

    @property
    def output(self) -> str | None:
        """Where the image goes: `push`, `load`, or a value of `--output`."""

    @property
    def builder_flags(self) -> tuple[str, ...]:
        """Further arguments of the builder."""


# Holds what a build needs while it runs, such as the lock of its context; entered in the thread of
# the build.
Guard: TypeAlias = Callable[[Plan], AbstractContextManager[object]]
# The commands of a second attempt at a failed build; none for no second attempt. Called in the
# thread of the build.
Retry: TypeAlias = Callable[[Plan, FunctionResult], Sequence[PlannedCommand]]


def _as_tuple(commands: Iterable[PlannedCommand]) -> tuple[PlannedCommand, ...]:
    return tuple(commands)


@attrs.frozen(kw_only=True)
class BuildUnit:
    """One function of a run: its plan, and its commands in order: the build, then the pushes.

    `attempt` is the number of its first attempt.
    """

    plan: Plan
    commands: tuple[PlannedCommand, ...] = attrs.field(converter=_as_tuple)
    attempt: int = 1


def no_guard(_: Plan) -> AbstractContextManager[object]:
    """Holds nothing."""
    return nullcontext()


def no_retry(_plan: Plan, _result: FunctionResult) -> Sequence[PlannedCommand]:
    """The commands of no second attempt."""
    return ()


class RunSettings(TypedDict, total=False):
    """What runs of builds have in common.

    `timeout` is in seconds, for the whole run. `output` is a stream of text or bytes, by default
    `sys.stderr`; `quiet` shows failed builds only there, `details` the builder's own steps too, and
    `verbose` the commands; `secrets` are masked.
    """

    environ: Mapping[str, str] | None
    cwd: str | None
    timeout: float | None
    progress: Progress
    on_event: Callable[[Event], object] | None
    output: Output
    quiet: bool
    verbose: bool
    details: bool
    secrets: SecretValues


def run_builds(  # noqa: PLR0913  # what a run has
    units: Sequence[BuildUnit],
    *,
    parallel: int = 1,
    fail_fast: bool = False,
    stop: Stop | None = None,
    guard: Guard = no_guard,
    retry: Retry = no_retry,
    **settings: Unpack[RunSettings],
) -> BuildResult:
    """Runs the commands of each function up to the first that fails, `parallel` at a time.

    What `on_event`, `output`, `guard` or `retry` raises, and a `KeyboardInterrupt`, ends these
    builds, and is raised when they have ended.
    """
    alone = parallel == 1 or len(units) == 1
    with linked_shutdown(stop) as shutdown:
        execution = _execution(shutdown, settings, alone=alone, heading=len(units) > 1)
        results = call_in_threads(
            [
                partial(_build, execution, unit, guard=guard, retry=retry, fail_fast=fail_fast)
                for unit in units
            ],
            shutdown,
            threads=parallel,
        )
    return BuildResult(functions=results)


def run_bake(
    targets: Mapping[str, Plan],
    command: PlannedCommand,
    *,
    stop: Stop | None = None,
    guard: Guard = no_guard,
    **settings: Unpack[RunSettings],
) -> BuildResult:
    """Runs all builds as one; a target that fails cancels the others.

    `targets` holds the plan of each target of the bake file. Each function's result is that of its
    target. See `run_builds` for the other arguments. Guards are entered in the order of the
    functions' names.
    """
    with linked_shutdown(stop) as shutdown:
        execution = _execution(shutdown, settings, alone=True, heading=False)
        (results,) = call_in_threads(
            [lambda mailbox: _bake(execution, targets, command, guard, mailbox)], shutdown
        )
    return BuildResult(functions=results)


def _execution(
    shutdown: Shutdown, settings: RunSettings, *, alone: bool, heading: bool
) -> Execution:
    timeout, output = settings.get("timeout"), settings.get("output")
    environ = settings.get("environ")
    return Execution(
        environ=dict(os.environ if environ is None else environ),
        cwd=settings.get("cwd"),
        deadline=None if timeout is None else time.monotonic() + timeout,
        progress=settings.get("progress", ""),
        on_event=settings.get("on_event"),
        write=writer_for(output),
        terminal=terminal_of(output),
        alone=alone,
        quiet=settings.get("quiet", False),
        verbose=settings.get("verbose", False),
        details=settings.get("details", False),
        secrets=settings.get("secrets", NO_SECRETS),
        heading=heading,
        shutdown=shutdown,
    )


# One function.


def _build(  # noqa: PLR0913  # the parts of a run
    execution: Execution,
    unit: BuildUnit,
    mailbox: Mailbox,
    *,
    guard: Guard,
    retry: Retry,
    fail_fast: bool,
) -> FunctionResult:
    """Builds one function, a second time if `retry` has commands for that."""
    plan = unit.plan
    result = FunctionResult(name=plan.function, status="not started", tags=tuple(plan.tags))
    if execution.interrupted:
        return result
    with guard(plan):
        if execution.interrupted:
            return result
        began = time.monotonic()
        result = _attempt(execution, plan, unit.commands, mailbox, unit.attempt)
        commands = tuple(retry(plan, result)) if result.status == "failed" else ()
        if commands and not execution.interrupted:
            result = _attempt(execution, plan, commands, mailbox, unit.attempt + 1)
        result = _finished(execution, result, time.monotonic() - began, mailbox)
    if fail_fast and result.status == "failed":
        execution.shutdown.stop()
    return result


def _attempt(
    execution: Execution,
    plan: Plan,
    commands: Sequence[PlannedCommand],
    mailbox: Mailbox,
    attempt: int,
) -> FunctionResult:
    """Runs the commands of one function up to the first that does not succeed."""
    name = plan.function
    execution.emit(BuildStarted(function=name, attempt=attempt, time=time.time()), mailbox)
    result = FunctionResult(name=name, status="built", attempts=attempt, tags=tuple(plan.tags))
    for index, command in enumerate(commands):
        if index and execution.interrupted:
            return attrs.evolve(result, status=execution.interrupted)
        finished = execution.run(command, name, mailbox)
        result = _with(result, finished, command, _done(plan, command))
        if finished.status:
            break
    return result


def _finished(
    execution: Execution, result: FunctionResult, seconds: float, mailbox: Mailbox
) -> FunctionResult:
    """The result with its time; says that the build has ended."""
    seconds = round(seconds, 3)
    event = BuildFinished(
        function=result.name,
        status=result.status,
        exit_code=result.exit_code,
        seconds=seconds,
        time=time.time(),
    )
    execution.emit(event, mailbox)
    report = attrs.evolve(
        result.report,
        seconds=seconds,
        attempt=result.attempts,
        complete=result.ok or result.report.complete,
    )
    return attrs.evolve(result, seconds=seconds, report=report)


def _done(plan: Plan, command: PlannedCommand) -> Status:
    """What a function is after this command: its image is in a registry, or only built."""
    pushes = command.kind == "push" or pushes_image(plan.output, plan.builder_flags)
    return "pushed" if pushes else "built"


def _with(
    result: FunctionResult, finished: Finished, command: PlannedCommand, done: Status
) -> FunctionResult:
    """The result after one more command; the report stays that of the build."""
    recorder, records = finished.recorder, finished.metadata.values()
    digests = [record.digest for record in records if record.digest]
    failures, notes = _split(finished.explanations, failed=finished.status == "failed")
    build = command.kind != "push"
    return attrs.evolve(
        result,
        status=finished.status or done,
        exit_code=finished.exit_code,
        digest=next(iter(digests), recorder.digests.get(result.name, result.digest)),
        report=recorder.report(result.name) if build else result.report,
        explanation=failures[0] if failures else None,
        notes=(*result.notes, *failures[1:], *notes),
    )


def _split(
    explanations: Sequence[Explanation], *, failed: bool
) -> tuple[tuple[Explanation, ...], tuple[Explanation, ...]]:
    """The failures and the notes; what did not fail has notes only."""
    failures = tuple(item for item in explanations if failed and item.severity == "error")
    return failures, tuple(item for item in explanations if item not in failures)


# All functions at once.


def _bake(
    execution: Execution,
    targets: Mapping[str, Plan],
    command: PlannedCommand,
    guard: Guard,
    mailbox: Mailbox,
) -> tuple[FunctionResult, ...]:
    names = {target: plan.function for target, plan in targets.items()}
    empty = {
        name: FunctionResult(name=plan.function, status="not started", tags=tuple(plan.tags))
        for name, plan in targets.items()
    }
    if execution.interrupted:
        return tuple(empty.values())
    with ExitStack() as stack:
        for plan in sorted(targets.values(), key=lambda plan: plan.function):
            stack.enter_context(guard(plan))
        if execution.interrupted:
            return tuple(empty.values())
        for plan in targets.values():
            event = BuildStarted(function=plan.function, time=time.time())
            execution.emit(event, mailbox)
        began = time.monotonic()
        finished = execution.run(command, _BAKE, mailbox, names)
        seconds = time.monotonic() - began
    statuses = _statuses(finished, targets)
    return tuple(
        _finished(
            execution, _target_result(result, finished, target, statuses[target]), seconds, mailbox
        )
        for target, result in empty.items()
    )


def _statuses(finished: Finished, targets: Mapping[str, Plan]) -> dict[str, Status]:
    """The status of each target: some may be done when the bake fails or is stopped."""
    done: dict[str, Status] = {
        target: "pushed" if pushes_image(plan.output, plan.builder_flags) else "built"
        for target, plan in targets.items()
    }
    if not finished.status:
        return done
    report = finished.recorder.report
    failed = finished.status == "failed"
    otherwise: Status = "stopped" if failed else finished.status
    statuses = {
        target: _target_status(report(plan.function), done[target], otherwise)
        for target, plan in targets.items()
    }
    if failed and "failed" not in statuses.values():
        # If no target failed by itself, the bake file, the entries or the builder failed.
        return dict.fromkeys(targets, "failed")
    return statuses


def _target_status(report: CacheReport, done: Status, otherwise: Status) -> Status:
    """The status of one target of a bake that did not end well."""
    if any(step.failed and step.kind != "import" for step in report.steps):
        return "failed"
    last = [step for step in report.steps if step.kind in ("image", "export")]
    return done if last and all(step.finished and not step.error for step in last) else otherwise


def _target_result(
    result: FunctionResult, finished: Finished, target: str, status: Status
) -> FunctionResult:
    """The result of one target, with the explanations of its function, or of the whole bake."""
    name = result.name
    own = [item for item in finished.explanations if item.function == name]
    shared = [item for item in finished.explanations if item.function in ("", _BAKE)]
    failures, notes = _split((*own, *shared), failed=status == "failed")
    if status == "failed" and not failures:  # the bake failed after its targets were done
        failures = tuple(item for item in finished.explanations if item.severity == "error")
    record = finished.metadata.get(target) or finished.metadata.get("")
    return attrs.evolve(
        result,
        status=status,
        exit_code=finished.exit_code,
        attempts=1,
        digest=(record and record.digest) or finished.recorder.digests.get(name),
        report=finished.recorder.report(name),
        explanation=attrs.evolve(failures[0], function=name) if failures else None,
        notes=(*failures[1:], *(note for note in notes if note.severity != "error")),
    )
