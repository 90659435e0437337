"""Selects the functions of a stack, and applies options and templates to their specs."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

import attrs

from faas_cache.model.diagnostics import Diagnostic, Location, errors, nearest
from faas_cache.model.errors import FaasCacheError, InvalidInput
from faas_cache.model.faults import FaultCollector
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import EMPTY
from faas_cache.model.masking import masked
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.image_rules import tagged_image
from faas_cache.planning.options import BuildOptions, apply_options
from faas_cache.planning.requests import PlanInputs, Purpose, Request
from faas_cache.planning.template_options import apply_template, has_agent
from faas_cache.stack.stack_file import Stack

__all__ = [
    "check_conflicts",
    "check_empty",
    "diagnostics_of",
    "prepare_function",
    "prepare_push",
    "select_functions",
]

_MAX_SHOWN = 60
_MAX_CHOICES = 20


def select_functions(
    stack: Stack, request: Request, faults: FaultCollector
) -> tuple[FunctionSpec, ...]:
    """The functions to plan, in the order of the file, without those that skip their build.

    Functions that are only deployed are not built, which is noted, but pushed as faas-cli does.
    """
    try:
        stack = stack.select(request.filter, request.regex)
    except FaasCacheError as error:
        faults.add(*error.diagnostics)
        return ()
    functions = stack.functions
    for name in request.names:
        if name not in functions and name not in stack.invalid_functions:
            choices = ", ".join(list(functions)[:_MAX_CHOICES])
            hint = nearest(name, functions) or (
                f"choose from {choices}" if choices else "write it under `functions`"
            )
            message = f"unknown function `{masked(name)[:_MAX_SHOWN]}`"
            faults.report("unknown-function", message, hint=hint)
    chosen = tuple(
        spec
        for name, spec in functions.items()
        if (not request.names or name in request.names) and not spec.skip_build
    )
    if request.purpose == "push":
        return chosen
    deployed = frozenset(stack.deployed_functions)
    faults.add(*(_only_deployed(stack, spec) for spec in chosen if spec.name in deployed))
    return tuple(spec for spec in chosen if spec.name not in deployed)


def diagnostics_of(stack: Stack, purpose: Purpose) -> Iterator[Diagnostic]:
    """The diagnostics of a stack file, without those of images and caches that nothing builds.

    A push takes the images of functions that are only deployed, too.
    """
    deployed = frozenset(stack.deployed_functions if purpose != "push" else ())
    for diagnostic in stack.diagnostics:
        name = diagnostic.location.path[1:2]
        if diagnostic.name != "unset-variable" or deployed.isdisjoint(name):
            yield diagnostic


def check_empty(stack: Stack) -> tuple[Diagnostic, ...]:
    """The error of a stack without functions, whose key may be misspelled."""
    if stack.functions or stack.invalid_functions:
        return ()
    message, hint = "the stack has no functions", "write one under `functions`"
    if stack.file is None and not stack.is_combined:
        message, hint = "there is no stack file, and no function", "name a stack file with `-f`"
    return (Diagnostic(name="no-functions", message=message, hint=hint),)


def _only_deployed(stack: Stack, spec: FunctionSpec) -> Diagnostic:
    """The note about a function that has nothing to build."""
    own = masked(stack.own_name(spec.name))[:_MAX_SHOWN]
    return Diagnostic(
        name="deploy-only",
        severity="note",
        message=f"function `{own}` is skipped: without `lang` and `context` it is only deployed",
        location=Location(path=("functions", spec.name)),
    )


def check_conflicts(flags: CacheFlags, faults: FaultCollector) -> None:
    """D1: `--no-build-cache` disables what these flags ask for."""
    if flags.enabled:
        return
    asking = (
        ("--build-cache", flags.build_cache is not None),
        ("--cache-from", bool(flags.cache_from)),
        ("--cache-to", bool(flags.cache_to)),
    )
    for flag, given in asking:
        if given:
            message = f"`--no-build-cache` conflicts with `{flag}`"
            faults.report("conflicting-flags", message, (flag,), "remove one of them")


def prepare_function(spec: FunctionSpec, options: BuildOptions, inputs: PlanInputs) -> FunctionSpec:
    """The spec with options, environment, `--tag` and template applied."""
    spec = apply_options(spec, options, inputs.environ)
    if spec.build_secrets:
        home = (inputs.environ or EMPTY).get("HOME", "")
        secrets = {
            name: _absolute(path, inputs.root, home) for name, path in spec.build_secrets.items()
        }
        spec = attrs.evolve(spec, build_secrets=secrets)
    if options.tag != "latest" and spec.image:
        spec = _apply_tag(spec, options.tag, inputs)
    if spec.context is not None or not spec.lang:
        return spec
    return apply_template(spec, inputs.templates.get(spec.lang), agent=has_agent(inputs))


def prepare_push(spec: FunctionSpec, options: BuildOptions, inputs: PlanInputs) -> FunctionSpec:
    """The spec with the image that a push needs, and without what only a build reads."""
    spec = attrs.evolve(
        spec,
        extra_tags=(*spec.extra_tags, *options.extra_tags),
        build_cache=None,
        default_cache=None,
        builder_flags=(),
        platforms=(),
    )
    return (
        spec if options.tag == "latest" or not spec.image else _apply_tag(spec, options.tag, inputs)
    )


def _apply_tag(spec: FunctionSpec, kind: str, inputs: PlanInputs) -> FunctionSpec:
    """The spec with the image that `--tag` makes; without a value, its own fault is reported."""
    value = inputs.tags.get(spec.name)
    if value is not None:
        return attrs.evolve(spec, tag_as=tagged_image(spec.image, kind, value))
    if errors(inputs.diagnostics):  # why there is no value
        return spec
    raise InvalidInput(
        Diagnostic(
            name="invalid-argument",
            message=f"missing value for `--tag {kind}`",
            hint="pass the value in `PlanInputs.tags`",
            location=Location(path=("functions", spec.name)),
        )
    )


def _absolute(path: str, root: str, home: str) -> str:
    """The path of a secret as faas-cli passes it: absolute, with `~` expanded."""
    if home and (path == "~" or path.startswith("~/")):
        path = home + path[1:]
    return posixpath.normpath(posixpath.join(root, path)) if root else path
