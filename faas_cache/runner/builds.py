"""The builds of a run: one after another, side by side, or all as one `bake`; what became of each, and its cache's report.

One failure stops no other build unless that was asked for; a signal, or time that is up, stops all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from faas_cache.buildkit.explanations import Explained, explain
from faas_cache.buildkit.progress import CacheReport, Progress
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.render.commands import Command, targets
from faas_cache.runner.processes import Outcome, end_all, forwarding, history, refs, run

if TYPE_CHECKING:
    from faas_cache.planning.plan import BuildPlan

End: TypeAlias = Literal["done", "failed", "stopped", "late", "not begun"]
_BLOCK = 2**16
_NOTHING = Explained(failure=None)


@attrs.frozen(kw_only=True)
class Result:
    """What became of one function; `exit_code` is docker's, None where nothing was run."""

    function: str
    end: End
    exit_code: int | None = None
    report: CacheReport
    explained: Explained = _NOTHING


@attrs.frozen(kw_only=True)
class _Ended:
    """A build whose every word was read."""

    exit_code: int
    progress: Progress


@attrs.define(kw_only=True)
class Builds:
    """How to run builds: so many at once, with so many seconds for all, and how the builder tells of them.

    `reports` is what `Builder.reports` says. `show` is given whole lines of output, `say` what we say ourselves.
    """

    show: Callable[[bytes], object]
    say: Callable[[str], object]
    parallel: int = 1
    quiet: bool = False
    fail_fast: bool = False
    seconds: float | None = None
    reports: Literal["history", "rawjson", ""] = ""
    received: list[int] = attrs.field(factory=list)
    _failed: bool = attrs.field(default=False, init=False)
    _until: float | None = attrs.field(default=None, init=False)
    _showing: Lock = attrs.field(factory=Lock, init=False)

    def run(self, each: Sequence[tuple[BuildPlan, Sequence[Command]]]) -> tuple[Result, ...]:
        """Runs the commands of each function up to the first that fails."""
        self._begin()
        with forwarding() as self.received:
            if self.parallel == 1 or len(each) == 1:
                return tuple(self._one(plan, commands) for plan, commands in each)
            with ThreadPoolExecutor(self.parallel) as pool:
                return tuple(pool.map(lambda item: self._one(*item, apart=True), each))

    def bake(self, plans: Sequence[BuildPlan], command: Command) -> tuple[Result, ...]:
        """Runs all the builds as one; a target that fails cancels the others."""
        self._begin()
        names = FrozenMap(dict(zip(targets(plans), (plan.function for plan in plans), strict=True)))
        self.say(f"bake: {command.masked().shell()}")
        with forwarding() as self.received:
            outcome, said = self._run("bake", command, apart=False)
        reports = (
            {report.function: report for report in said[""].reports(names)} if "" in said else {}
        )
        reports |= {
            names[key]: progress.report(names[key])
            for key, progress in said.items()
            if key in names
        }
        explained = self._explained(outcome, said.get(""), None)
        overall = self._end(outcome)
        whole = [reports.get(name, CacheReport(function=name)) for name in names.values()]
        ends = [_end_of(report) if overall == "failed" else overall for report in whole]
        if overall == "failed" and "failed" not in ends:
            ends = ["failed"] * len(
                ends
            )  # what failed was none of a target: the entries, the builder
        return tuple(
            Result(
                function=report.function,
                end=end,
                exit_code=outcome.exit_code,
                report=report,
                explained=explained if end in ("done", "failed") and end == overall else _NOTHING,
            )
            for report, end in zip(whole, ends, strict=True)
        )

    def _one(self, plan: BuildPlan, commands: Sequence[Command], *, apart: bool = False) -> Result:
        """One function."""
        found = Result(
            function=plan.function, end="not begun", report=CacheReport(function=plan.function)
        )
        for command in commands:
            if self._over():
                return found
            self.say(f"{plan.function}: {command.masked().shell()}")
            outcome, said = self._run(plan.function, command, apart=apart)
            progress = said.get("")
            found = attrs.evolve(
                found,
                end=self._end(outcome),
                exit_code=outcome.exit_code,
                report=progress.report(plan.function) if progress else found.report,
                explained=self._explained(
                    outcome, progress, plan, pushing=command.argv[1] == "push"
                ),
            )
            if found.end != "done":
                self._stop_others(found.end)
                return found
        return found

    def _begin(self) -> None:
        """The time counts from now, and nothing has failed yet."""
        self._until = None if self.seconds is None else time.monotonic() + self.seconds
        self._failed = False

    def _over(self) -> bool:
        """Whether nothing is begun any more."""
        return (
            bool(self.received)
            or self._failed
            or (self._until is not None and time.monotonic() >= self._until)
        )

    def _stop_others(self, end: End) -> None:
        if self.fail_fast and end == "failed":
            self._failed = True
            end_all()

    def _end(self, outcome: Outcome) -> End:
        if outcome.exit_code == 0:
            return "done"
        if outcome.late:
            return "late"
        return "stopped" if outcome.signal is not None or self._failed else "failed"

    def _explained(
        self,
        outcome: Outcome,
        progress: Progress | None,
        plan: BuildPlan | None,
        *,
        pushing: bool = False,
    ) -> Explained:
        if outcome.exit_code != 0 and self._end(outcome) != "failed":
            return _NOTHING
        return explain(
            _Ended(exit_code=outcome.exit_code, progress=progress) if progress else outcome,
            plan,
            pushing=pushing,
        )

    # One command.

    def _run(
        self, name: str, command: Command, *, apart: bool
    ) -> tuple[Outcome, dict[str, Progress]]:
        """Runs a command; returns how it ended and what it said, by target, or under an empty name for all."""
        left = None if self._until is None else max(self._until - time.monotonic(), 0.0)
        reports = self.reports if command.argv[1] == "buildx" else ""
        if reports == "history" and not apart and not self.quiet:
            return _run_on_terminal(command, left)
        if reports:
            return self._run_watched(name, command, left)
        if not apart and not self.quiet:
            return run(command, seconds=left), {}
        with TemporaryFile() as file:
            outcome = run(command, sink=file.write, everything=True, seconds=left)
            if outcome.exit_code != 0 or not self.quiet:
                file.seek(0)
                with self._showing:
                    while block := file.read(_BLOCK):
                        self.show(block)
        return outcome, {}

    def _run_watched(
        self, name: str, command: Command, seconds: float | None
    ) -> tuple[Outcome, dict[str, Progress]]:
        """A command whose progress is JSON: shown as whole lines with the function's name before each."""
        progress, kept, mark = (
            Progress(),
            list[bytes](),
            f"{name} | ".encode(errors="surrogateescape"),
        )

        def show(lines: list[bytes]) -> None:
            if self.quiet:
                kept.extend(lines)
            elif lines:
                with self._showing:
                    self.show(b"".join(mark + line.rstrip(b"\n") + b"\n" for line in lines))

        watched = attrs.evolve(command, env=command.env | {"BUILDKIT_PROGRESS": "rawjson"})
        outcome = run(watched, sink=lambda block: show(progress.feed(block)), seconds=seconds)
        show(progress.close())
        if kept and outcome.exit_code != 0:
            with self._showing:
                self.show(b"".join(mark + line.rstrip(b"\n") + b"\n" for line in kept))
        return outcome, {"": progress}


def _run_on_terminal(
    command: Command, seconds: float | None
) -> tuple[Outcome, dict[str, Progress]]:
    """A command that draws its own progress; what it did is read back from the builder's history."""
    with TemporaryDirectory(prefix="faas-cache-") as folder:
        file = Path(folder) / "metadata.json"
        flag = ("--metadata-file", str(file))
        outcome = run(
            attrs.evolve(command, argv=(*command.argv[:3], *flag, *command.argv[3:])),
            seconds=seconds,
        )
        found = refs(file.read_bytes()) if file.exists() else {}
    said = {}
    for target, ref in found.items():
        said[target] = Progress()
        said[target].feed(history(ref))
        said[target].close()
    return outcome, said


def _end_of(report: CacheReport) -> End:
    """What became of one target of a `bake` that failed."""
    if any(step.failed and step.kind != "import" for step in report.steps):
        return "failed"
    last = [step for step in report.steps if step.kind in ("image", "export")]
    return "done" if last and all(step.finished and not step.error for step in last) else "stopped"
