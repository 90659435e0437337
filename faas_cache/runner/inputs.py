"""Records what each function of a run is built from, while its context cannot change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import attrs

from faas_cache.buildkit.step_inputs import miss_inputs, resolved_images
from faas_cache.model.inputs import BuildInputs
from faas_cache.planning.builder_flags import build_arguments, dockerfile_path
from faas_cache.planning.plan import BuildPlan
from faas_cache.runner.builds import Guard, Plan
from faas_cache.runner.results import FunctionResult
from faas_cache.runner.stop import Deadline
from faas_cache.stack_plan import StackPlan

__all__ = ["InputRecorder"]


class InputRecorder:
    """The inputs of the functions of one run.

    `digests` says whether digests are recorded; the Dockerfile is read anyway, because it says
    what the first step that ran depends on. The deadline ends the digesting of a large context.
    """

    def __init__(
        self, plan: StackPlan, environ: Mapping[str, str], deadline: Deadline, *, digests: bool
    ) -> None:
        self._root = plan.inputs.root
        self._plans = {build_plan.function: build_plan for build_plan in plan.plans}
        self._environ = environ
        self._deadline = deadline
        self._digests = digests
        self._dockerfiles: dict[str, bytes] = {}
        self._inputs: dict[str, BuildInputs] = {}

    def guard(self, hold: Guard) -> Guard:
        """A guard that also records the inputs of a function, once its context is held."""

        @contextmanager
        def hold_and_record(item: Plan) -> Iterator[None]:
            with hold(item):
                self._record(self._plans[item.function])
                yield

        return hold_and_record

    def with_inputs(self, result: FunctionResult) -> FunctionResult:
        """The result with what was recorded, and with what the builder printed of it."""
        if not result.attempts:
            return result
        inputs, dockerfile = self._inputs.get(result.name), self._dockerfiles.get(result.name)
        report = result.report
        if dockerfile is not None:
            arguments = build_arguments(self._plans[result.name], self._environ)
            phrases = miss_inputs(report, dockerfile.decode(errors="replace"), arguments)
            report = attrs.evolve(report, first_miss_inputs=phrases)
        if inputs is not None:
            inputs = attrs.evolve(inputs, base_images=resolved_images(report))
        return attrs.evolve(result, report=report, inputs=inputs)

    def _record(self, plan: BuildPlan) -> None:
        from faas_cache.contexts.context_digests import digest_context, read_dockerfile
        from faas_cache.planning.input_digests import digest_plan, digest_text

        path = dockerfile_path(plan)
        dockerfile = None if path is None else read_dockerfile(self._root, path)
        if dockerfile is not None:
            self._dockerfiles[plan.function] = dockerfile
        if not self._digests:
            return
        inputs = digest_plan(plan, self._environ)
        if dockerfile is not None:
            inputs = attrs.evolve(inputs, dockerfile=digest_text(dockerfile))
        if plan.context != "-" and "://" not in plan.context:
            inputs = digest_context(
                self._root,
                plan.context,
                inputs,
                dockerfile=path,
                stopped=lambda: self._deadline.stopped,
            )
        self._inputs[plan.function] = inputs
