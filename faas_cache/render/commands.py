"""`Command`: one program to run, as a value, and the arguments that the front ends have in common.

The order of the arguments is fixed: platform, output, cache-from, cache-to, build-arg, label,
secret, ssh, no-cache, pull, squash, provenance, sbom, builder, the builder flags, tag, context.
"""

from __future__ import annotations

from collections.abc import Iterable
from shlex import join, quote
from typing import Any, Literal, TypeAlias, get_args

import attrs

from faas_cache.model.converters import read_diagnostics, read_list, read_pairs, read_string
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, Severity
from faas_cache.model.entries import csv_field
from faas_cache.model.errors import InvalidInput
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked, shown_fields
from faas_cache.planning.plan import BuildPlan

__all__ = [
    "Command",
    "Kind",
    "common_arguments",
    "each",
    "last_arguments",
    "output_arguments",
    "secret_value",
    "unsupported",
]

Kind: TypeAlias = Literal["build", "push", "bake"]
_KINDS: tuple[str, ...] = get_args(Kind)


def _read_kind(value: object, path: KeyPath) -> Kind:
    kind = read_string(value, path)
    if kind not in _KINDS:
        raise InvalidInput(
            Diagnostic(
                name="invalid-argument",
                message=f"invalid kind `{masked(kind)[:60]}`",
                hint=f"use one of {', '.join(_KINDS)}",
                location=Location(path=path),
            )
        )
    return kind  # type: ignore[return-value]  # it is one of the three


def _field(read: Any, **more: Any) -> Any:  # noqa: ANN401  # what attrs.field accepts and returns
    """A field whose reader knows its name, for the location of an error."""

    def convert(value: object, field: attrs.Attribute[Any]) -> object:
        return read(value, (field.name,))

    return attrs.field(converter=attrs.Converter(convert, takes_field=True), **more)  # type: ignore[misc, call-overload]  # its types know no reader


@attrs.frozen(kw_only=True, repr=False)
class Command:
    """One command: its arguments, what it adds to its environment, its input and its folder.

    `kind` is what it does, and `function` the function that it does it for (empty for a bake).
    `cwd` is empty for the current folder. `unsupported` holds the parts of the plan that the front
    end does not support. `argv`, `env`, `stdin` and `shell()` hold the credentials that the builder
    must be given; `repr` and `masked()` hide them.
    """

    argv: tuple[str, ...] = _field(read_list)
    env: FrozenMap[str] = _field(read_pairs, default=EMPTY)
    stdin: str = _field(read_string, default="")
    cwd: str = _field(read_string, default="")
    kind: Kind = _field(_read_kind, default="build")
    function: str = _field(read_string, default="")
    unsupported: tuple[Diagnostic, ...] = _field(read_diagnostics, default=())

    __repr__ = shown_fields

    def shell(self) -> str:
        """The command as one line for a POSIX shell, with its environment in front.

        >>> Command(argv=("docker", "build", "a b"), env=FrozenMap(DOCKER_BUILDKIT="1")).shell()
        "DOCKER_BUILDKIT=1 docker build 'a b'"
        """
        env = (f"{name}={quote(value)}" for name, value in self.env.items())
        return " ".join([*env, join(self.argv)])

    def masked(self) -> Command:
        """The same command with every secret masked: for display, not to be run."""
        return attrs.evolve(self, argv=tuple(map(masked, self.argv)), stdin=masked(self.stdin))


def unsupported(  # noqa: PLR0913  # the parts of a diagnostic
    plan: BuildPlan,
    program: str,
    part: str,
    hint: str,
    url: str,
    *,
    severity: Severity = "error",
) -> Diagnostic:
    """The diagnostic of a part of a plan that a program does not support; secrets are masked."""
    return Diagnostic(
        name="unsupported-by-front-end",
        severity=severity,
        message=f"`{program}` does not support `{masked(part)}`",
        hint=hint,
        url=url,
        location=Location(path=("functions", plan.function)),
    )


def each(flag: str, values: Iterable[object]) -> list[str]:
    """The flag once for each value, as two arguments.

    >>> each("--tag", ["a", "b"])
    ['--tag', 'a', '--tag', 'b']
    """
    return [word for value in values for word in (flag, str(value))]


def output_arguments(output: str | None) -> list[str]:
    """`push` and `load` have flags of their own; anything else is a value of `--output`."""
    if output is None:
        return []
    return [f"--{output}"] if output in ("push", "load") else ["--output", output]


def secret_value(name: str, path: str) -> str:
    """The value of `--secret` for one build secret, as CSV."""
    return f"{csv_field(f'id={name}')},{csv_field(f'src={path}')}"


def common_arguments(plan: BuildPlan) -> list[str]:
    """The arguments from the build arguments to `--pull`, which every front end spells alike."""
    return [
        *each("--build-arg", (f"{key}={value}" for key, value in plan.build_args.items())),
        *each("--label", (f"{key}={value}" for key, value in plan.labels.items())),
        *each("--secret", (secret_value(name, path) for name, path in plan.secrets.items())),
        *each("--ssh", plan.ssh),
        *(("--no-cache",) if plan.no_cache else ()),
        *(("--pull",) if plan.pull else ()),
    ]


def last_arguments(plan: BuildPlan) -> list[str]:
    """The arguments from the attestations to the context."""
    return [
        *((f"--provenance={plan.provenance}",) if plan.provenance is not None else ()),
        *((f"--sbom={plan.sbom}",) if plan.sbom is not None else ()),
        *((f"--builder={plan.builder}",) if plan.builder is not None else ()),
        *plan.builder_flags,
        *each("--tag", plan.tags),
        plan.context,
    ]
