"""What a template adds to the spec of a function: packages of its build options, and SSH."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidFunction
from faas_cache.model.faults import FaultCollector
from faas_cache.model.masking import masked
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.options import AGENT, PACKAGES
from faas_cache.planning.requests import PlanInputs
from faas_cache.stack.templates import Template

__all__ = ["apply_template", "check_agent", "has_agent", "mounts_ssh"]

_MAX_SHOWN = 60


def apply_template(
    spec: FunctionSpec, template: Template | None, *, agent: bool = True
) -> FunctionSpec:
    """The spec with the packages of its build options as a build argument, and with SSH.

    As in faas-cli, the argument is always there, its words are sorted by byte, and those that the
    function gives itself are among them. Without the template, which may still have to be pulled,
    there are only these. `agent` says whether there is an SSH agent. Raises `InvalidFunction` for a
    build option that the template lacks.
    """
    words = set(spec.build_args.get(PACKAGES, "").split())
    if template is not None:
        faults = FaultCollector()
        for option in spec.build_options:
            if option not in template.build_options:
                faults.add(_unknown_option(spec, option, template))
            words.update(template.build_options.get(option, ()))
        faults.raise_errors(InvalidFunction)
    packages = " ".join(sorted(words, key=lambda word: word.encode("utf-8", "surrogateescape")))
    mounted = template is not None and template.mount_ssh and agent
    ssh = ("default",) if mounted and not spec.ssh else spec.ssh
    return attrs.evolve(spec, build_args={**spec.build_args, PACKAGES: packages}, ssh=ssh)


def has_agent(inputs: PlanInputs) -> bool:
    """Whether there is an SSH agent, which is assumed where the environment was not read."""
    return inputs.environ is None or bool(inputs.environ.get(AGENT))


def mounts_ssh(spec: FunctionSpec, inputs: PlanInputs) -> bool:
    """Whether the template of a function, as it is in the stack file, has `mount_ssh`."""
    template = inputs.templates.get(spec.lang) if spec.context is None else None
    return template is not None and template.mount_ssh


def check_agent(spec: FunctionSpec, inputs: PlanInputs) -> Iterator[Diagnostic]:
    """A warning where a template mounts the SSH agent and there is none."""
    if mounts_ssh(spec, inputs) and not spec.ssh and not has_agent(inputs):
        yield Diagnostic(
            name="missing-ssh-agent",
            severity="warning",
            message=f"the template `{masked(spec.lang)[:_MAX_SHOWN]}` mounts the SSH agent, but"
            f" `{AGENT}` is not set, so the build has no `--ssh`",
            hint='start an agent with `eval "$(ssh-agent)"`, and add a key with `ssh-add`',
            location=Location(path=("functions", spec.name, "lang")),
        )


def _unknown_option(spec: FunctionSpec, option: str, template: Template) -> Diagnostic:
    known = ", ".join(template.build_options)
    shown = masked(option)[:_MAX_SHOWN]
    return Diagnostic(
        name="unknown-build-option",
        message=f"the template `{template.name}` has no build option `{shown}`",
        hint=f"use one of {known}" if known else "remove it: the template has no build options",
        location=Location(path=("functions", spec.name, "build_options")),
    )
