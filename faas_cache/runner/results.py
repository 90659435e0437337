"""`BuildResult`: the result of one run for each function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import attrs

from faas_cache.buildkit.events import Status
from faas_cache.buildkit.explanations import Explanation
from faas_cache.buildkit.reports import CacheReport
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.inputs import BuildInputs
from faas_cache.model.value import Value

__all__ = ["BuildResult", "FunctionResult"]

_STATUSES: tuple[str, ...] = get_args(Status)
_INTERRUPTED: dict[str, str] = {
    "stopped": "the build was stopped",
    "timed out": "the run timed out before the build ended",
    "not started": "the run ended before the build started",
}
# The exit codes of a run whose builds failed, and of one whose builder did not respond.
_FAILED, _UNSUPPORTED = 1, 3


def _reject(instance: object, field: str, value: object, expected: str) -> InvalidInput:
    message = f"invalid `{field}` of {type(instance).__name__}: got {type(value).__name__}"
    return InvalidInput(
        Diagnostic(name="invalid-argument", message=message, hint=f"pass {expected}")
    )


def _is(*types: type, expected: str) -> Any:  # noqa: ANN401  # attrs types a validator of any field so
    """A validator of a field's type; a `bool` is not a number."""

    def validate(instance: object, attribute: attrs.Attribute[object], value: object) -> None:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise _reject(instance, attribute.name, value, expected)

    return validate


def _each(kind: type, expected: str) -> Any:  # noqa: ANN401  # the same
    """A validator of the items of a tuple."""

    def validate(instance: object, attribute: attrs.Attribute[object], value: object) -> None:
        if not isinstance(value, tuple):
            raise _reject(instance, attribute.name, value, expected)
        for item in value:
            if not isinstance(item, kind):
                raise _reject(instance, attribute.name, item, expected)

    return validate


def _tuple(value: object) -> object:
    """A list as a tuple; anything else is left to the validator."""
    return tuple(value) if isinstance(value, list) else value


def _is_status(instance: object, attribute: attrs.Attribute[object], value: object) -> None:
    if value not in _STATUSES:
        raise _reject(instance, attribute.name, value, f"one of {', '.join(_STATUSES)}")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class FunctionResult(Value):
    """The result of one function.

    Attributes:
        name: The function.
        status: `built`, `pushed`, `failed`, `stopped`, `timed out` or `not started`.
        exit_code: The exit code of its last command; `None` if none was run.
        seconds: How long its commands took together.
        attempts: How often it was built; 0 if it was not started.
        tags: The tags of its image.
        digest: The digest of its image, `None` unless the builder or the push printed it.
        report: What its cache did.
        explanation: Why it failed; `None` unless it did.
        notes: What went wrong without failing the build.
        inputs: What it was built from, where that was recorded.
        same_as: The function that was built, where this one is the same build (E8); else empty.
        caching: Whether it imports or exports a cache.
    """

    name: str = attrs.field(validator=_is(str, expected="a string"))
    status: Status = attrs.field(validator=_is_status)
    exit_code: int | None = attrs.field(
        default=None, validator=_is(int, type(None), expected="an integer or None")
    )
    seconds: float = attrs.field(default=0.0, validator=_is(int, float, expected="a number"))
    attempts: int = attrs.field(default=0, validator=_is(int, expected="an integer"))
    tags: tuple[str, ...] = attrs.field(
        default=(), converter=_tuple, validator=_each(str, "strings")
    )
    digest: str | None = attrs.field(
        default=None, validator=_is(str, type(None), expected="a string or None")
    )
    report: CacheReport = attrs.field(validator=_is(CacheReport, expected="a CacheReport"))
    explanation: Explanation | None = attrs.field(
        default=None, validator=_is(Explanation, type(None), expected="an Explanation or None")
    )
    notes: tuple[Explanation, ...] = attrs.field(
        default=(), converter=_tuple, validator=_each(Explanation, "Explanations")
    )
    inputs: BuildInputs | None = attrs.field(
        default=None, validator=_is(BuildInputs, type(None), expected="BuildInputs or None")
    )
    same_as: str = attrs.field(default="", validator=_is(str, expected="a string"))
    caching: bool = attrs.field(default=True, validator=_is(bool, expected="true or false"))

    @report.default
    def _empty_report(self) -> CacheReport:
        return CacheReport(function=self.name)

    @property
    def ok(self) -> bool:
        """Whether the function was built, or pushed."""
        return self.status in ("built", "pushed")

    @property
    def image(self) -> str:
        """The image to deploy: by its digest where it was pushed, else its first tag.

        >>> digest = "sha256:" + "0" * 64
        >>> FunctionResult(name="fn", status="pushed", tags=["a/fn:1"], digest=digest).image[:14]
        'a/fn@sha256:00'
        """
        tag = next(iter(self.tags), "")
        if self.status != "pushed" or not self.digest:
            return tag
        host, slash, name = tag.partition("@")[0].rpartition("/")
        return f"{host}{slash}{name.partition(':')[0]}@{self.digest}"

    @property
    def reason(self) -> str:
        """Why the function has this status, or why steps of it ran, in one sentence.

        >>> FunctionResult(name="fn", status="built", caching=False).reason
        'caching is off'
        """
        if self.status == "failed":
            return self.explanation.message if self.explanation else "the build failed"
        if not self.ok:
            return _INTERRUPTED[self.status]
        if self.same_as:
            return f"the same build as `{self.same_as}`"
        if not self.caching:
            return "caching is off"
        if not self.report.steps:
            return "the builder did not print its steps"
        return self.report.reason or "every step came from the cache"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class BuildResult(Value):
    """The results of one run, in the order of the plan.

    Attributes:
        functions: The result of each function.
        seconds: How long the run took.
    """

    functions: tuple[FunctionResult, ...] = attrs.field(
        default=(), converter=_tuple, validator=_each(FunctionResult, "FunctionResults")
    )
    seconds: float = attrs.field(default=0.0, validator=_is(int, float, expected="a number"))

    @property
    def ok(self) -> bool:
        """Whether every function was built, or pushed."""
        return all(function.ok for function in self.functions)

    @property
    def exit_code(self) -> int:
        """The exit code for a program: 0; 3 if a function failed because of its builder, else 1.

        >>> BuildResult(functions=[FunctionResult(name="fn", status="stopped")]).exit_code
        1
        """
        if self.ok:
            return 0
        failures = (function.explanation for function in self.functions)
        unreachable = any(failure and _is_about_builder(failure) for failure in failures)
        return _UNSUPPORTED if unreachable else _FAILED

    @property
    def report(self) -> CacheReport:
        """What the caches of all functions did together; equal builds count once (E8)."""
        complete = all(function.report.complete for function in self.functions)
        return CacheReport(function="", steps=_steps(self.functions), complete=complete)


def _is_about_builder(failure: Explanation) -> bool:
    """Whether a build failed because its builder does not exist or does not respond."""
    return failure.step == "daemon" or failure.name == "unknown-builder"


def _steps(functions: Iterable[FunctionResult]) -> tuple[Any, ...]:
    built = (function for function in functions if not function.same_as)
    return tuple(step for function in built for step in function.report.steps)
