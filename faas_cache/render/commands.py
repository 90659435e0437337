"""`Command`: one program to run, as a value, and the arguments that the front ends have in common.

The order of the arguments is fixed: platform, output, cache-from, cache-to, build-arg, label,
secret, ssh, no-cache, pull, squash, provenance, sbom, builder, the builder flags, tag, context.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from shlex import join, quote
from typing import Literal, TypeAlias, get_args

import attrs

from faas_cache.model.converters import (
    Reader,
    TextLike,
    read_diagnostics,
    read_fields,
    read_list,
    read_pairs,
    read_string,
)
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, Severity
from faas_cache.model.entries import csv_field
from faas_cache.model.errors import InvalidInput
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked
from faas_cache.model.value import Value
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
    "unsupported_address",
]

Kind: TypeAlias = Literal["build", "push", "bake"]
_DRIVERS_URL = "https://docs.docker.com/build/builders/drivers/remote/"
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


_READERS: dict[str, Reader] = {
    "argv": read_list,
    "env": read_pairs,
    "stdin": read_string,
    "cwd": read_string,
    "kind": _read_kind,
    "function": read_string,
    "unsupported": read_diagnostics,
}


@attrs.frozen(kw_only=True, eq=False, repr=False, init=False)
class Command(Value):
    """One command: its arguments, what it adds to its environment, its input and its folder.

    `kind` is what it does, and `function` the function that it does it for (empty for a bake).
    `cwd` is empty for the current folder. `unsupported` holds the parts of the plan that the front
    end does not support. `argv`, `env`, `stdin` and `shell()` hold the credentials that the builder
    must be given; `repr` and `masked()` hide them.
    """

    argv: tuple[str, ...]
    env: FrozenMap[str] = EMPTY
    stdin: str = ""
    cwd: str = ""
    kind: Kind = "build"
    function: str = ""
    unsupported: tuple[Diagnostic, ...] = ()

    def __init__(  # noqa: PLR0913  # a parameter for each field
        self,
        *,
        argv: Iterable[TextLike],
        env: Mapping[str, TextLike | None] = EMPTY,
        stdin: str = "",
        cwd: str = "",
        kind: Kind = "build",
        function: str = "",
        unsupported: Iterable[Diagnostic] = (),
    ) -> None:
        values = {name: value for name, value in locals().items() if name in _READERS}
        self.__attrs_init__(**read_fields(values, _READERS))

    def shell(self) -> str:
        """The command as one line for a POSIX shell, with its environment in front.

        >>> Command(argv=("docker", "build", "a b"), env=FrozenMap(DOCKER_BUILDKIT="1")).shell()
        "DOCKER_BUILDKIT=1 docker build 'a b'"
        """
        env = (f"{name}={quote(value)}" for name, value in self.env.items())
        return " ".join([*env, join(self.argv)])

    def masked(self) -> Command:
        """The same command with every secret masked: for display, not to be run."""
        argv, stdin = tuple(map(masked, self.argv)), masked(self.stdin)
        if (argv, stdin) == (self.argv, self.stdin):
            return self
        return attrs.evolve(self, argv=argv, stdin=stdin)


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


def unsupported_address(plan: BuildPlan, program: str) -> Iterator[Diagnostic]:
    """The diagnostic of the address of a builder, which docker finds by its name or context."""
    if plan.address is not None:
        hint = "add `--front-end buildctl_build`, or name a builder with `--builder`"
        yield unsupported(plan, program, f"--addr {plan.address}", hint, _DRIVERS_URL)


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
