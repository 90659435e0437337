"""Reads builder flags: further arguments of the builder, which are passed as written (D2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from faas_cache.planning.plan import BuildPlan

__all__ = ["build_arguments", "dockerfile_path", "flag_values", "last_flag", "target_stage"]


def flag_values(flags: Iterable[str], *names: str) -> Iterator[str]:
    """The values of a flag among builder flags, each of which is one argument (D2).

    >>> list(flag_values(["--file=a", "-fb", "-f=c", "--push"], "--file", "-f"))
    ['a', 'b', 'c']
    """
    for flag in flags:
        name, equals, value = flag.partition("=")
        if equals and name in names:
            yield value
        elif short := next((n for n in names if not n.startswith("--") and flag[:2] == n), ""):
            yield flag.removeprefix(short)


def last_flag(flags: Iterable[str], *names: str) -> str:
    """The value that counts of a flag that may be given several times; empty if it is missing."""
    (*_, last) = ("", *flag_values(flags, *names))
    return last


def target_stage(plan: BuildPlan) -> str:
    """The stage that is built; empty for the last one."""
    return last_flag(plan.builder_flags, "--target")


def dockerfile_path(plan: BuildPlan) -> str | None:
    """The path of the Dockerfile, relative to the project; `None` if it is not a file here."""
    given = last_flag(plan.builder_flags, "--file", "-f")
    if given == "-" or "://" in given or plan.context == "-" or "://" in plan.context:
        return None
    return given or f"{plan.context}/Dockerfile"


def build_arguments(plan: BuildPlan, environ: Mapping[str, str]) -> dict[str, str]:
    """The build arguments of a plan, with those among its builder flags, which replace others.

    One that is passed by name alone has its value in `environ`, or is not passed.
    """
    arguments = dict(plan.build_args)
    for text in flag_values(plan.builder_flags, "--build-arg"):
        name, equals, value = text.partition("=")
        if equals or name in environ:
            arguments[name] = value if equals else environ[name]
    return arguments
