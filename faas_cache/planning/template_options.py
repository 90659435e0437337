"""What a template adds to the spec of a function: packages of its build options, and SSH."""

from __future__ import annotations

from typing import Protocol

import attrs

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidFunction
from faas_cache.model.faults import FaultCollector
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.masking import masked
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.options import PACKAGES

__all__ = ["TemplateLike", "apply_template"]

_MAX_SHOWN = 60


class TemplateLike(Protocol):
    """What `apply_template` reads of a template."""

    @property
    def name(self) -> str:
        """The name of the template."""

    @property
    def build_options(self) -> FrozenMap[tuple[str, ...]]:
        """The packages of each build option."""

    @property
    def mount_ssh(self) -> bool:
        """Whether the build gets the SSH agent."""


def apply_template(spec: FunctionSpec, template: TemplateLike | None) -> FunctionSpec:
    """The spec with the packages of its build options as a build argument, and with SSH.

    As in faas-cli, the argument is always there, its words are sorted by byte, and those that the
    function gives itself are among them. Without the template, which may still have to be pulled,
    there are only these. Raises `InvalidFunction` for a build option that the template lacks.
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
    ssh = ("default",) if template is not None and template.mount_ssh and not spec.ssh else spec.ssh
    return attrs.evolve(spec, build_args={**spec.build_args, PACKAGES: packages}, ssh=ssh)


def _unknown_option(spec: FunctionSpec, option: str, template: TemplateLike) -> Diagnostic:
    known = ", ".join(template.build_options)
    shown = masked(option)[:_MAX_SHOWN]
    return Diagnostic(
        name="unknown-build-option",
        message=f"the template `{template.name}` has no build option `{shown}`",
        hint=f"use one of {known}" if known else "remove it: the template has no build options",
        location=Location(path=("functions", spec.name, "build_options")),
    )
