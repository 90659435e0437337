"""`plan_stack`: the plans of many functions, the rules between them, and the front end they share.

Mistakes of the user do not raise: `StackPlan.diagnostics` has those of all functions.
Nothing is read, started or written here; `Project` reads what `PlanInputs` holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import attrs

from faas_cache.model.builders import DOCKER, Builder
from faas_cache.model.ci import resolve_export
from faas_cache.model.diagnostics import Diagnostic, errors
from faas_cache.model.errors import BuilderError, FaasCacheError, InvalidInput
from faas_cache.model.faults import FaultCollector
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.specs import FunctionSpec
from faas_cache.model.value import Value
from faas_cache.planning.cache_uses import CacheUse, cache_uses
from faas_cache.planning.checks import check_builder, check_each, check_files
from faas_cache.planning.context_files import ContextFiles, ReadFiles
from faas_cache.planning.equal_builds import equal_builds
from faas_cache.planning.options import BuildOptions, checked_environ
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.preparation import diagnostics_of, select_functions
from faas_cache.planning.purposes import FunctionPlans, plan_functions, plan_others, with_buildx
from faas_cache.planning.requests import PlanInputs, Purpose, Request
from faas_cache.planning.stack_checks import check_between
from faas_cache.planning.unread_exports import check_reads
from faas_cache.render.commands import Command
from faas_cache.render.docker import docker_push
from faas_cache.render.front_ends import (
    FRONT_ENDS,
    FrontEnd,
    check_features,
    choose_front_end,
)
from faas_cache.stack.stack_file import Stack

__all__ = ["CacheUse", "PlanInputs", "Request", "StackPlan", "plan_stack"]

# The builder that faas-cli makes for publishing, which is used where it exists.
MULTIARCH = "multiarch"
DOCKERFILE = "dockerfile"
_NO_FLAGS = CacheFlags()
_NO_OPTIONS = BuildOptions()
_NO_INPUTS = PlanInputs()
_NO_FILES: Mapping[str, ContextFiles] = FrozenMap()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class StackPlan(Value):
    """The plans of the selected functions of a stack, and everything that is wrong with them.

    Attributes:
        plans: The plans of the selected functions that have no error, in the order of the file.
        diagnostics: Every diagnostic, each once, with its location.
        builder: The builder that the plans were checked for; `None` means a current docker with
            buildx (F3).
        front_end: The front end that all plans share; `None` if the builder lacks a feature.
        request: What was planned.
        specs: The spec behind each plan by the function's name, with options and template applied.
        stack: The stack that was planned.
        inputs: What was read for it; of the environment only what checks read is kept.
        resolved: The plans of all selected functions that could be resolved.
        others: The plans of the functions that are not selected, for the rules between functions.
        faults: The diagnostics that do not depend on the builder and the front end.
        chosen: The front end that `using` was given; `None` means that F3 chooses.
    """

    plans: tuple[BuildPlan, ...]
    diagnostics: tuple[Diagnostic, ...]
    builder: Builder | None
    front_end: FrontEnd | None
    request: Request
    specs: FrozenMap[FunctionSpec] = attrs.field(repr=False)
    stack: Stack = attrs.field(repr=False)
    inputs: PlanInputs = attrs.field(repr=False)
    resolved: tuple[BuildPlan, ...] = attrs.field(repr=False)
    others: tuple[BuildPlan, ...] = attrs.field(repr=False)
    faults: tuple[Diagnostic, ...] = attrs.field(repr=False)
    chosen: FrontEnd | None = attrs.field(default=None, repr=False)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that stop a build."""
        return errors(self.diagnostics)

    @property
    def same_as(self) -> FrozenMap[str]:
        """E8: for each plan that is the same build as an earlier one, the function of that one.

        Contexts of an earlier run may differ, whatever they were made from.
        """
        return FrozenMap() if self.request.options.prebuilt else equal_builds(self.plans)

    def distinct(self) -> StackPlan:
        """The same plan with each build once, under the first of its functions (E8)."""
        same = self.same_as
        plans = tuple(plan for plan in self.plans if plan.function not in same)
        return attrs.evolve(self, plans=plans) if same else self

    @property
    def builder_name(self) -> str | None:
        """The buildx builder that the plans name; `None` is the current one."""
        return next((plan.builder for plan in self.resolved if plan.builder), None)

    @property
    def missing_templates(self) -> tuple[str, ...]:
        """The templates that the selected functions need and `inputs` does not have."""
        needed = (spec.lang for spec in self.specs.values() if spec.context is None and spec.lang)
        return tuple(
            dict.fromkeys(
                lang
                for lang in needed
                if lang not in self.inputs.templates and lang.lower() != DOCKERFILE
            )
        )

    @property
    def caches(self) -> tuple[CacheUse, ...]:
        """Every cache that the plans import from and export to, by function and direction."""
        return cache_uses(self.plans, self.stack.locations)

    def on(self, builder: Builder) -> StackPlan:
        """The same functions, checked for a builder, with the front end that it has (F2, F3).

        What `publish` does uses the builder of faas-cli where that was inspected.
        """
        resolved = self.resolved
        if self.request.options.publish and builder.name == MULTIARCH:
            resolved = tuple(_with_builder(plan, MULTIARCH) for plan in resolved)
        return _assemble(attrs.evolve(self, resolved=resolved, builder=builder))

    def using(self, front_end: FrontEnd) -> StackPlan:
        """The same functions, built with another front end."""
        return _assemble(attrs.evolve(self, chosen=front_end))

    def with_files(
        self, dockerfiles: Mapping[str, str], context_files: Mapping[str, ContextFiles] = _NO_FILES
    ) -> StackPlan:
        """The same functions, checked with what was read for them, by the name of the function."""
        inputs = attrs.evolve(self.inputs, dockerfiles=dockerfiles, context_files=context_files)
        return _assemble(attrs.evolve(self, inputs=inputs))

    def with_faults(self, diagnostics: Iterable[Diagnostic]) -> StackPlan:
        """The same functions, with more that is wrong with them."""
        more = tuple(diagnostics)
        return _assemble(attrs.evolve(self, faults=(*self.faults, *more))) if more else self

    def raise_errors(self) -> None:
        """Raises the errors, if there are any; `BuilderError` if all are about the builder."""
        if self.errors:
            raise self._error()

    def commands(self, *, bake: bool = False) -> tuple[Command, ...]:
        """The commands in order: for each function its build, then its pushes; or one bake for all.

        Equal builds have one command, under the first of their functions (E8). A plan of a push has
        only pushes, and one of contexts no commands.

        Raises with `.errors` if there are any.
        """
        if self.errors or self.front_end is None:  # without a front end there is an error
            raise self._error()
        plans = self.distinct().plans
        if self.request.purpose != "build":
            push = self.front_end.push or docker_push
            pushed = plans if self.request.purpose == "push" else ()
            return tuple(
                attrs.evolve(command, kind="push", function=plan.function, cwd=self.inputs.root)
                for plan in pushed
                for command in push(plan)
            )
        if not bake:
            return tuple(
                attrs.evolve(command, function=plan.function, cwd=self.inputs.root)
                for plan in plans
                for command in _commands(plan, self.front_end)
            )
        if self.front_end.together is None:
            if self.chosen is not None:
                raise InvalidInput(_no_bake(self.chosen))
            return self.using(FRONT_ENDS["buildx_build"]).commands(bake=True)
        command = self.front_end.together(plans)
        if unsupported := errors(command.unsupported):
            raise InvalidInput(*self.stack.with_locations(unsupported))
        return (attrs.evolve(command, kind="bake", cwd=self.inputs.root),)

    def _error(self) -> FaasCacheError:
        """The error with every diagnostic that stops a build."""
        failures = self.errors
        about_builder = all(_is_about_builder(diagnostic, self.builder) for diagnostic in failures)
        return BuilderError(*failures) if about_builder else InvalidInput(*failures)


def _no_bake(front_end: FrontEnd) -> Diagnostic:
    return Diagnostic(
        name="conflicting-flags",
        message=f"`--bake` conflicts with the front end `{front_end.name}`",
        hint="remove one of them: a bake needs `buildx_build`",
    )


def plan_stack(  # noqa: PLR0913  # the fields of a request, and what was read for it
    stack: Stack,
    *,
    names: Sequence[str] = (),
    filter: str | None = None,  # noqa: A002  # faas-cli's name
    regex: str | None = None,
    flags: CacheFlags = _NO_FLAGS,
    options: BuildOptions = _NO_OPTIONS,
    strict: bool = False,
    inputs: PlanInputs = _NO_INPUTS,
    builder: Builder | None = None,
    purpose: Purpose = "build",
    read_files: Callable[[StackPlan], ReadFiles] | None = None,
) -> StackPlan:
    """The plan of the selected functions of a stack; mistakes of the user do not raise.

    Pure: what was read is in `inputs`. Which Dockerfiles and contexts are read depends on the
    plans: `read_files` gets them before they are checked.
    """
    request = Request(
        names=names,
        filter=filter,
        regex=regex,
        flags=flags,
        options=options,
        strict=strict,
        purpose=purpose,
    )
    faults = FaultCollector()
    faults.add(*diagnostics_of(stack, request.purpose), *inputs.diagnostics)
    decided = attrs.evolve(request, flags=resolve_export(flags, inputs.environ))  # D10
    planning = FunctionPlans(stack, decided, inputs, faults)
    selected = select_functions(stack, request, faults)
    plan_functions(planning, selected)
    environ = None if inputs.environ is None else checked_environ(inputs.environ)
    stack_plan = StackPlan(
        plans=tuple(planning.plans),
        diagnostics=(),
        builder=builder,
        front_end=None,
        request=request,
        specs=FrozenMap(planning.specs),
        stack=stack,
        inputs=attrs.evolve(inputs, environ=environ),
        resolved=tuple(planning.plans),
        others=plan_others(planning, (spec.name for spec in selected)),
        faults=tuple(faults.diagnostics),
    )
    if read_files is not None:
        return stack_plan.with_files(*read_files(stack_plan))
    return _assemble(stack_plan)


def _with_builder(plan: BuildPlan, name: str) -> BuildPlan:
    return plan if plan.builder is not None else attrs.evolve(plan, builder=name)


# From plans to a stack plan.


def _assemble(stack_plan: StackPlan) -> StackPlan:
    """The stack plan with what follows from its builder, its front end and what was read."""
    if stack_plan.request.purpose != "build":
        pushing = stack_plan.chosen or FRONT_ENDS["docker_build"]
        return _finish(stack_plan, stack_plan.resolved, stack_plan.faults, pushing)
    builder, chosen, inputs = stack_plan.builder, stack_plan.chosen, stack_plan.inputs
    plans = stack_plan.resolved
    if chosen == FRONT_ENDS["buildx_build"]:
        plans = tuple(map(with_buildx, plans))
    faults = FaultCollector(stack_plan.faults)
    faults.add(*check_each(plans, builder, inputs.environ, inputs.dockerfiles))
    if inputs.dockerfiles or inputs.context_files:
        variables = stack_plan.stack.argument_variables()
        common = stack_plan.request.options.build_args
        read = inputs.dockerfiles, variables, common, inputs.context_files
        faults.add(*check_files(plans, *read))
    faults.add(
        *check_between(
            plans,
            stack_plan.others,
            caches_of_others=_has_settings(stack_plan.request.flags),
        )
    )
    stack, specs = stack_plan.stack, stack_plan.specs.values()
    if not stack.invalid_functions:  # one of them may import what is exported (E9)
        deployed = frozenset(stack.deployed_functions)
        readers = (spec for name, spec in stack.functions.items() if name not in deployed)
        faults.add(*check_reads(specs, readers, stack_plan.request.flags))
    # A front end of another program does not use docker's builder.
    other = chosen is not None and chosen.program != (builder.program if builder else DOCKER)
    publish = stack_plan.request.options.publish
    missing = () if other else check_builder(plans, builder, inputs.environ, publish=publish)
    faults.add(*missing)
    front_end = chosen
    if chosen is not None:
        faults.add(*check_features(plans, chosen, builder))
    elif not errors(missing):
        with faults.catch():
            front_end = choose_front_end(plans, builder)
    if front_end is not None:
        for plan in plans:
            unsupported = [d for c in _commands(plan, front_end) for d in c.unsupported]
            # What docker does not support in a build, it does otherwise; other programs lose it.
            faults.add(*(errors(unsupported) if front_end.program == DOCKER else unsupported))
    return _finish(stack_plan, plans, faults.diagnostics, front_end)


def _finish(
    stack_plan: StackPlan,
    plans: Iterable[BuildPlan],
    faults: Iterable[Diagnostic],
    front_end: FrontEnd | None,
) -> StackPlan:
    """The stack plan with its diagnostics located, and without the plans of faulty functions."""
    # A fault of a flag is one fault, however many functions it reaches.
    diagnostics = stack_plan.stack.report(dict.fromkeys(faults))
    if stack_plan.request.strict:
        diagnostics = tuple(map(_strict, diagnostics))
    plans = tuple(plans)
    faulty = _faulty_functions(plans, diagnostics)
    return attrs.evolve(
        stack_plan,
        plans=tuple(plan for plan in plans if plan.function not in faulty),
        diagnostics=diagnostics,
        front_end=front_end,
    )


def _has_settings(flags: CacheFlags) -> bool:
    """E4, E5: settings are checked over the whole file, flags over the selected functions."""
    return flags.enabled and flags.build_cache is None and not flags.cache_to


def _commands(plan: BuildPlan, front_end: FrontEnd) -> Iterator[Command]:
    """The build of a plan, then its pushes if the build does not push by itself."""
    yield front_end.build(plan)
    if front_end.push and plan.output == "push":
        for command in front_end.push(plan):
            yield attrs.evolve(command, kind="push")


def _strict(diagnostic: Diagnostic) -> Diagnostic:
    """Under `strict`, a warning is an error."""
    return (
        attrs.evolve(diagnostic, severity="error")
        if diagnostic.severity == "warning"
        else diagnostic
    )


def _faulty_functions(plans: Iterable[BuildPlan], diagnostics: Iterable[Diagnostic]) -> set[object]:
    """The functions with an error: at their own key path, or at a flag that gave them an entry."""
    paths = {diagnostic.location.path for diagnostic in errors(diagnostics)}
    faulty: set[object] = {path[1] for path in paths if path[:1] == ("functions",) and path[1:]}
    for plan in plans:
        if any(path in paths for _, _, path in plan.entries()):
            faulty.add(plan.function)
    return faulty


def _is_about_builder(diagnostic: Diagnostic, builder: Builder | None) -> bool:
    """Whether an error depends only on the builder."""
    return diagnostic.rule == "F2" or (diagnostic.rule == "F5" and builder is not None)
