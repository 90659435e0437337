"""Build events: what happens in a build, as frozen values in the order in which it was reported.

`EventReader` creates the step and output events from BuildKit's output; the caller adds
`BuildStarted` and `BuildFinished`. Times are seconds since the epoch, or `None` where the builder
does not print them. `step` is an id that is unique within one attempt at one function. Names,
errors and output are as the builder printed them; a `repr` is masked.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from faas_cache.model.value import Value

__all__ = [
    "BuildFinished",
    "BuildStarted",
    "Event",
    "Output",
    "Status",
    "StepFinished",
    "StepKind",
    "StepProgress",
    "StepStarted",
]

StepKind: TypeAlias = Literal["build", "base", "import", "export", "image", "internal"]
# What became of a function in a run.
Status: TypeAlias = Literal["built", "pushed", "failed", "stopped", "timed out", "not started"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class BuildStarted(Value):
    """The build of a function starts; what earlier attempts reported no longer counts."""

    function: str
    attempt: int = 1
    time: float | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class StepStarted(Value):
    """A step starts, or starts again: BuildKit reports some steps as finished several times.

    `kind` is `build` for an instruction of the Dockerfile, `base` for `FROM`, `import` and `export`
    for caches, `image` for the export and the push of the image, and `internal` for the rest.
    """

    function: str
    step: str
    name: str
    kind: StepKind
    time: float | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class StepProgress(Value):
    """One part of a step moves on.

    `current` of `total` bytes were transferred, 0 where it has no size; `done` when it has ended.
    """

    function: str
    step: str
    status: str
    current: int = 0
    total: int = 0
    done: bool = False
    time: float | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class StepFinished(Value):
    """A step has ended: from the cache, by running for `seconds`, or with an `error`.

    An `error` that ends in `context canceled` is the failure of another step.
    """

    function: str
    step: str
    cached: bool = False
    error: str = ""
    seconds: float = 0.0
    time: float | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Output(Value):
    """One line, with its end: what a step printed, or the builder itself (`step` is `None`).

    `seconds` counts from the start of the step. `warning` marks a remark of BuildKit's on a step.
    """

    function: str
    step: str | None = None
    data: bytes = attrs.field(repr=False)
    seconds: float = 0.0
    warning: bool = False
    time: float | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class BuildFinished(Value):
    """The build of a function has ended; `status` is that of its result, such as `built`."""

    function: str
    status: Status
    exit_code: int | None
    seconds: float = 0.0
    time: float | None = None


Event: TypeAlias = BuildStarted | StepStarted | StepProgress | StepFinished | Output | BuildFinished
