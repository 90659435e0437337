"""Rule G3: the second attempt of a build whose cache is broken."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from faas_cache.buildkit.explanations import Explanation
from faas_cache.planning.advice import REPAIRED
from faas_cache.render.commands import Command
from faas_cache.runner.builds import BuildUnit
from faas_cache.runner.results import BuildResult, FunctionResult
from faas_cache.stack_plan import StackPlan

__all__ = ["Retries"]

_STAYS_BROKEN = "build once with an export: without one, the cache stays broken"


class Retries:
    """The second attempts of one run; they are asked for in the threads of the builds."""

    def __init__(self, plan: StackPlan, *, enabled: bool) -> None:
        self._plans = {plan.function: plan for plan in plan.plans} if enabled else {}
        self._plan = plan
        self._notes: dict[str, Explanation] = {}

    def commands(self, function: str, result: FunctionResult) -> tuple[Command, ...]:
        """The commands of the second attempt: those of D3; none where it would be of no use."""
        plan, failure = self._plans.get(function), result.explanation
        if plan is None or plan.no_cache or failure is None:
            return ()
        if (failure.step, failure.cause) != ("cache-import", "missing"):
            return ()
        again = attrs.evolve(plan, no_cache=True, cache_from=())
        self._notes[function] = _broken_cache(failure, exported=bool(again.cache_to))
        return attrs.evolve(self._plan, plans=(again,)).commands()

    def units(self, result: BuildResult) -> Iterator[BuildUnit]:
        """The failed targets of a bake that are built again."""
        for function in result.functions:
            commands = self.commands(function.name, function) if function.status == "failed" else ()
            if commands:
                yield BuildUnit(plan=self._plans[function.name], commands=commands, attempt=2)

    def with_note(self, result: FunctionResult) -> FunctionResult:
        """The result with the warning that a second attempt was made."""
        note = self._notes.get(result.name) if result.attempts > 1 else None
        return result if note is None else attrs.evolve(result, notes=(note, *result.notes))


def _broken_cache(failure: Explanation, *, exported: bool) -> Explanation:
    fix = REPAIRED if exported else _STAYS_BROKEN
    return attrs.evolve(
        failure,
        name="broken-cache",
        severity="warning",
        image_pushed=None,
        message=f"{failure.message}, so the function was built again with `--no-cache`",
        fix=fix,
        error="",
    )
