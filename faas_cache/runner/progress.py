"""How the builds of a plan report their progress: what was requested, and what a builder supports.

The values are docker's. They come from a `--progress` among the builder flags, which is passed on,
else from the caller, else from `BUILDKIT_PROGRESS`.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.planning.builder_flags import last_flag
from faas_cache.runner.execution import Progress
from faas_cache.stack_plan import StackPlan

__all__ = ["PROGRESS", "QUIET", "ProgressRequest", "check_progress"]

PROGRESS = ("auto", "plain", "tty", "rawjson", "quiet", "none")
# With these, a builder prints nothing: the output of failed builds is shown.
QUIET = frozenset({"quiet", "none"})


def check_progress(value: str, *, terminal: bool, several: bool) -> None:
    """Raises `InvalidInput` for a progress that these builds cannot have.

    `terminal` says that the output is one, and `several` that several builds run at once.
    """
    if value not in PROGRESS:
        raise _invalid(f"invalid progress `{value[:60]}`", f"use one of {', '.join(PROGRESS)}")
    if value == "tty" and not terminal:
        raise _invalid("`--progress tty` needs a terminal", "use `--progress plain`")
    if value in ("tty", "rawjson") and several:
        raise _invalid(
            f"`--progress {value}` conflicts with `--parallel`",
            "remove one of them: the output of several builds at once is shown as lines",
        )


def _invalid(message: str, hint: str) -> InvalidInput:
    return InvalidInput(Diagnostic(name="conflicting-flags", message=message, hint=hint, url=""))


@attrs.frozen(kw_only=True)
class ProgressRequest:
    """The requested progress; `fixed` if it is a builder flag, which cannot be replaced."""

    value: str
    fixed: bool = False

    @classmethod
    def of(cls, plan: StackPlan, environ: Mapping[str, str], value: str) -> ProgressRequest:
        """The progress that a caller requests with `value`, by default `auto`."""
        flags = (flag for item in plan.plans for flag in item.builder_flags)
        flag = last_flag(flags, "--progress")
        if flag:
            return cls(value=flag, fixed=True)
        return cls(value=value if value != "auto" else environ.get("BUILDKIT_PROGRESS") or "auto")

    def choose(self, plan: StackPlan, *, terminal: bool = False, several: bool = False) -> Progress:
        """How the builds of a plan report their progress.

        `terminal` says that a build may draw on one, and `several` that several run at once.
        """
        builder, printed = plan.builder, plan.front_end and plan.front_end.progress
        if printed == "plain":
            return "plain"
        known = printed == "rawjson" and any(item.caching for item in plan.plans)
        lines: Progress = ""
        drawn: Progress = ""
        if known and builder is not None:
            lines = builder.progress_mode(terminal=False)
            drawn = builder.progress_mode(terminal=True)
        has_history = drawn == "history"
        silent: Progress = lines
        if self.fixed:
            silent = "silent" if has_history else "plain"
        choices: dict[str, Progress] = {
            "auto": drawn if terminal else lines,
            "plain": "plain" if self.fixed else lines or "plain",
            "tty": ("history" if has_history else "") if terminal else lines,
            "rawjson": "rawjson" if several else "raw",
            **dict.fromkeys(QUIET, silent),
        }
        return choices.get(self.value, "")
