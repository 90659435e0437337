"""`Preparation`: what happens before a build: errors, builder, errors, templates, errors, contexts.

Nothing is written before all errors are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack

import attrs

from faas_cache.contexts.installation import install_template
from faas_cache.contexts.locks import StopSignal
from faas_cache.contexts.project_sources import check_sources, missing_sources
from faas_cache.contexts.writer import ContextWriter
from faas_cache.model.builders import DOCKER, Builder
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.faults import FaultCollector
from faas_cache.planning.preparation import check_empty
from faas_cache.planning.requests import Purpose
from faas_cache.runner.git import CLONE_TIMEOUT, clone
from faas_cache.runner.inspection import INSPECTION_TIMEOUT, has_builder, inspect_builder
from faas_cache.runner.project_plans import plan_request
from faas_cache.runner.stop import Deadline, Stop
from faas_cache.stack_plan import MULTIARCH, StackPlan

__all__ = ["Preparation", "needs_builder", "pull_templates"]

NO_DEADLINE = Deadline(None)


@attrs.frozen(kw_only=True)
class Preparation:
    """Prepares the plans of one project.

    Attributes:
        root: The folder of the project.
        environ: The environment of docker, buildx and git.
        contexts: What writes the contexts, and remembers those that it wrote.
    """

    root: str
    environ: Mapping[str, str]
    contexts: ContextWriter

    def checked(self, plan: StackPlan) -> StackPlan:
        """The plan, if it can be built here and has no errors."""
        if plan.inputs.root != self.root:
            message = "the plan was made for another project folder"
            raise _invalid(message, "plan with the project that builds")
        if plan.stack.is_combined:
            message = "the project has several stack files"
            raise _invalid(message, "build one stack file at a time")
        plan.raise_errors()
        if empty := check_empty(plan.stack):
            raise InvalidInput(*empty)
        return plan

    def inspect(self, plan: StackPlan | None = None, deadline: Deadline = NO_DEADLINE) -> Builder:
        """The builder that a plan names, else the current one; for `publish`, `multiarch`."""
        name = None if plan is None else plan.builder_name
        if name is None and plan is not None and plan.request.options.publish:
            exists = has_builder(
                MULTIARCH,
                environ=self.environ,
                timeout=deadline.limit(INSPECTION_TIMEOUT),
                stop=deadline.stop,
            )
            name = MULTIARCH if exists else None
        return inspect_builder(
            environ=self.environ,
            builder=name,
            timeout=deadline.limit(INSPECTION_TIMEOUT),
            stop=deadline.stop,
        )

    def ready(
        self,
        plan: StackPlan,
        *,
        pull: bool = True,
        bake: bool = False,
        deadline: Deadline = NO_DEADLINE,
    ) -> StackPlan:
        """The plan for its builder, with all templates in place; no context is written."""
        plan = self.on_builder(plan, bake=bake, deadline=deadline)
        return self.with_templates(plan, pull=pull, deadline=deadline)

    def on_builder(
        self, plan: StackPlan, *, bake: bool = False, deadline: Deadline = NO_DEADLINE
    ) -> StackPlan:
        """The plan for the builder that a build would use, which is asked only if it matters."""
        plan = self.checked(plan)
        if needs_builder(plan, bake=bake):
            plan = self.checked(plan.on(self.inspect(plan, deadline)))
        plan.commands(bake=bake)  # raises for what the front end does not support
        return plan

    def with_sources(self, plan: StackPlan) -> StackPlan:
        """The plan with diagnostics about its sources; nothing is written or pulled."""
        faults = FaultCollector()
        faults.add(*check_empty(plan.stack), *check_sources(self.root, plan, pull=True))
        self.contexts.check(plan, faults)
        return plan.with_faults(faults.diagnostics)

    def with_templates(
        self, plan: StackPlan, *, pull: bool, deadline: Deadline = NO_DEADLINE
    ) -> StackPlan:
        """The plan once its sources exist.

        Templates that were pulled bring build options, so the plan is made again.
        """
        plan = self.checked(plan)
        faults = FaultCollector()
        faults.add(*check_sources(self.root, plan, pull=pull))
        _raise_errors(plan, faults)
        if sources := missing_sources(plan):
            pull_templates(self.root, sources, self.environ, deadline)
            plan = self.checked(self.again(plan))
        return plan

    def prepare(self, plan: StackPlan, *, pull: bool, bake: bool, deadline: Deadline) -> StackPlan:
        """The plan of `ready`, with its contexts written."""
        plan = self.ready(plan, pull=pull, bake=bake, deadline=deadline)
        self.write_contexts(plan.distinct(), stop=deadline)
        return plan

    def write_contexts(
        self, plan: StackPlan, *, again: bool = True, stop: StopSignal | None = None
    ) -> None:
        """Writes the contexts; with `again=False`, those that were not written or were built."""
        faults = FaultCollector()
        self.contexts.write(plan, faults, again=again, stop=stop)
        _raise_errors(plan, faults)

    def hold(
        self, plan: StackPlan, function: str, stop: Stop | None
    ) -> AbstractContextManager[None]:
        """Holds the context of a function while it is built."""
        return self.contexts.hold(plan, function, stop)

    def planned(self, plan: StackPlan, purpose: Purpose) -> StackPlan:
        """The plan for a purpose: the same, or that of the same request with this purpose."""
        if plan.request.purpose == purpose or plan.inputs.root != self.root:
            return plan  # `checked` rejects the plan of another folder
        return self.again(attrs.evolve(plan, request=attrs.evolve(plan.request, purpose=purpose)))

    def again(self, plan: StackPlan) -> StackPlan:
        """The plan of the same request, with the files as they are now."""
        again = plan_request(plan.stack, plan.request, self.root, self.environ, FaultCollector())
        again = again if plan.chosen is None else again.using(plan.chosen)
        return again if plan.builder is None else again.on(plan.builder)


def needs_builder(plan: StackPlan, *, bake: bool = False) -> bool:
    """Whether something depends on the builder of this machine, which is not known yet.

    Without caching, `docker build` is what faas-cli runs (F3), and docker itself says what is
    missing; `publish` runs buildx. A front end of another program does not use docker's builder.
    """
    if plan.builder is not None or _is_of_another_program(plan) or not plan.plans:
        return False
    publish = plan.request.options.publish
    return bake or publish or any(build_plan.caching for build_plan in plan.plans)


def _is_of_another_program(plan: StackPlan) -> bool:
    return plan.chosen is not None and plan.chosen.program != DOCKER


def pull_templates(
    root: str,
    sources: Mapping[str, str],
    environ: Mapping[str, str],
    deadline: Deadline = NO_DEADLINE,
) -> None:
    """Pulls templates, each language from its source; installs none if one cannot be cloned."""
    with ExitStack() as stack:
        folders = {
            lang: stack.enter_context(
                clone(
                    source,
                    cwd=root,
                    environ=environ,
                    timeout=deadline.limit(CLONE_TIMEOUT),
                    stop=deadline.stop,
                )
            )
            for lang, source in sources.items()
        }
        for lang, folder in folders.items():
            name = lang.partition("@")[0]
            install_template(root, lang, folder, source=sources[lang], name=name)


def _raise_errors(plan: StackPlan, faults: FaultCollector) -> None:
    """Raises with the errors that were collected, located in the stack file."""
    if faults.errors:
        raise InvalidInput(*plan.stack.with_locations(faults.errors))


def _invalid(message: str, hint: str) -> InvalidInput:
    return InvalidInput(Diagnostic(name="invalid-argument", message=message, hint=hint))
