"""`Execution`: runs the commands of one call of `run_builds` or `run_bake`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Literal, Protocol, Self, TypeAlias

import attrs

from faas_cache.buildkit.events import Event
from faas_cache.buildkit.explanations import Explanation, explain
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.text import escape_line
from faas_cache.runner import supervision
from faas_cache.runner.processes import CannotStart, Outcome, ProgramNotFound, run_in_worker
from faas_cache.runner.recording import Display, Recorder
from faas_cache.runner.records import Metadata, history, parse_metadata, with_metadata
from faas_cache.runner.secrets import SecretValues
from faas_cache.runner.stop import Shutdown
from faas_cache.runner.workers import Mailbox

__all__ = ["Execution", "Finished", "PlannedCommand", "Progress"]

# How a builder reports its progress: by its own default, as lines, as JSON that is shown as lines
# (with `raw`, unchanged), or as JSON after the build (`Builder.progress_mode`), which is the only
# output of a `silent` build.
Progress: TypeAlias = Literal["", "none", "plain", "rawjson", "raw", "history", "silent"]
_VARIABLES: FrozenMap[FrozenMap[str]] = FrozenMap(
    plain=FrozenMap(BUILDKIT_PROGRESS="plain"),
    rawjson=FrozenMap(BUILDKIT_PROGRESS="rawjson"),
    raw=FrozenMap(BUILDKIT_PROGRESS="rawjson"),
    history=FrozenMap(BUILDKIT_PROGRESS="rawjson"),
)
# For these the builder is known to be a buildx that writes a metadata file.
_WITH_METADATA = frozenset({"rawjson", "history", "silent"})


class PlannedCommand(Protocol):
    """Protocol for the parts of a command that running it needs."""

    @property
    def argv(self) -> tuple[str, ...]:
        """The program and its arguments."""

    @property
    def env(self) -> Mapping[str, str]:
        """Variables that are added to the environment."""

    @property
    def stdin(self) -> str:
        """The text of its standard input."""

    @property
    def cwd(self) -> str:
        """The folder that it runs in; empty for that of the call."""

    @property
    def kind(self) -> str:
        """What it does: `build`, `push` or `bake`."""

    def masked(self) -> Self:
        """The same command without its secrets."""

    def shell(self) -> str:
        """The command as one line for a shell."""


@attrs.frozen(kw_only=True)
class _Invocation:
    """A command with what is added to it when it runs."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    stdin: str
    cwd: str


@attrs.frozen(kw_only=True)
class Finished:
    """A command that has ended; `status` is empty if it succeeded."""

    status: Literal["", "failed", "stopped", "timed out"] = ""
    exit_code: int | None = None
    recorder: Recorder
    explanations: tuple[Explanation, ...] = ()
    metadata: Mapping[str, Metadata] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Execution:
    """What the commands of one call have in common.

    `deadline` is a time of `time.monotonic`. `alone` says that one command runs after another, so
    that it may draw on `terminal`, a file descriptor. `write` and `on_event` are called in the
    thread of the caller. `heading` says that the commands are those of several functions, and
    `verbose` that each is shown; `details` that all steps of a builder are.
    """

    environ: Mapping[str, str]
    cwd: str | None
    deadline: float | None
    progress: Progress
    on_event: Callable[[Event], object] | None
    write: Callable[[bytes], object]
    terminal: int | None
    alone: bool
    quiet: bool
    verbose: bool
    details: bool
    secrets: SecretValues
    heading: bool
    shutdown: Shutdown

    @property
    def interrupted(self) -> Literal["", "stopped", "timed out"]:
        """Why no further command starts; empty if one may start."""
        if self.shutdown.stopped:
            return "stopped"
        return "timed out" if self._remaining() == 0 else ""

    def run(
        self,
        command: PlannedCommand,
        function: str,
        mailbox: Mailbox,
        targets: Mapping[str, str] | None = None,
    ) -> Finished:
        """Runs one command, in the thread of its build."""
        drawn = self._draws(command)
        recorder = Recorder(
            function,
            targets,
            show=lambda text: mailbox.post(self.write, text),
            emit=lambda event: self.emit(event, mailbox),
            display="nothing" if drawn else self._display(command),
            details=self.details,
            secrets=self.secrets,
        )
        if heading := self._heading(command, function):
            recorder.show(f"{escape_line(heading)}\n".encode(errors="replace"))
        sink = recorder.draw if drawn else recorder.feed
        try:
            waits = not drawn and command.kind != "push"
            outcome, metadata = self._supervise(
                command,
                sink,
                mailbox.ready,
                drawn=drawn,
                grace=lambda: _grace(idle=waits and not recorder.started),
            )
        except CannotStart as error:
            explanation = _cannot_start(function, error)
            return Finished(status="failed", recorder=recorder, explanations=(explanation,))
        if drawn or self.progress == "silent":
            self._read_back(recorder, metadata, function, targets or {})
        recorder.close(outcome.exit_code)
        status = _status(outcome)
        return Finished(
            status=status,
            exit_code=outcome.exit_code,
            recorder=recorder,
            explanations=(
                self._explanations(recorder, outcome) if status in ("", "failed") else ()
            ),
            metadata=metadata,
        )

    def _supervise(
        self,
        command: PlannedCommand,
        sink: Callable[[bytes], object],
        ready: Callable[[], bool],
        *,
        drawn: bool,
        grace: Callable[[], float],
    ) -> tuple[Outcome, dict[str, Metadata]]:
        added = EMPTY if drawn or command.kind == "push" else _VARIABLES.get(self.progress, EMPTY)
        outcomes: list[Outcome] = []

        def run(argv: tuple[str, ...]) -> None:
            invocation = _Invocation(
                argv=argv, env={**command.env, **added}, stdin=command.stdin, cwd=command.cwd
            )
            outcomes.append(
                run_in_worker(
                    invocation,
                    environ=self.environ,
                    cwd=self.cwd,
                    sink=sink,
                    ready=ready,
                    capture_stdout=True,
                    terminal=self.terminal if drawn else None,
                    timeout=self._remaining(),
                    shutdown=self.shutdown,
                    grace=grace,
                )
            )

        # Arguments are only added for a buildx that is known to be new enough.
        if self.progress not in _WITH_METADATA or command.kind == "push":
            run(command.argv)
            return outcomes[0], {}
        data = with_metadata(command.argv, run)
        return outcomes[0], parse_metadata(data)

    def _read_back(
        self,
        recorder: Recorder,
        metadata: Mapping[str, Metadata],
        function: str,
        targets: Mapping[str, str],
    ) -> None:
        """Reads the events of builds that drew on the terminal from their builder's records."""
        for target, record in metadata.items():
            if record.ref:
                log = history(record.ref, environ=self.environ, stop=self.shutdown)
                recorder.replay(targets.get(target, function), log)

    def emit(self, event: Event, mailbox: Mailbox) -> None:
        """Passes an event to `on_event`, if there is one."""
        if self.on_event is not None:
            mailbox.post(self.on_event, event)

    def _draws(self, command: PlannedCommand) -> bool:
        """Whether a command draws its progress as it likes, on a terminal."""
        asked = self.progress in ("", "none", "history") and command.kind != "push"
        return asked and self.terminal is not None and self.alone and not self.quiet

    def _display(self, command: PlannedCommand) -> Display:
        if self.quiet:
            return "failure"
        json = self.progress in ("rawjson", "history") and command.kind != "push"
        return "output" if self.alone and not json else "lines"

    def _heading(self, command: PlannedCommand, function: str) -> str:
        """The line before the output of a command: which it is, if its lines do not say that."""
        if self.quiet:
            return ""
        if self.verbose:
            return f"{function}: {command.masked().shell()}"
        marked = not self._draws(command) and self._display(command) == "lines"
        if marked or not self.heading or self.progress == "raw":
            return ""
        return f"{function}: {'pushing' if command.kind == 'push' else 'building'}"

    def _explanations(self, recorder: Recorder, outcome: Outcome) -> tuple[Explanation, ...]:
        """Why a command failed, and what else went wrong; all that is left may be what it drew."""
        if recorder.empty:
            return explain(self.secrets.mask(outcome.tail), outcome.exit_code)
        return recorder.explain(outcome.exit_code)

    def _remaining(self) -> float | None:
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)


def _grace(*, idle: bool) -> float:
    """How long a build may take to end; one that has not begun has nothing to clean up."""
    return supervision.SHORT_GRACE if idle else supervision.GRACE


def _status(outcome: Outcome) -> Literal["", "failed", "stopped", "timed out"]:
    if outcome.exit_code == 0:
        return ""
    if outcome.timed_out:
        return "timed out"
    return "stopped" if outcome.stopped else "failed"


def _cannot_start(function: str, error: CannotStart) -> Explanation:
    """The failure of a function whose program cannot start."""
    (diagnostic,) = error.diagnostics
    missing = isinstance(error, ProgramNotFound)
    return Explanation(
        function=function,
        severity="error",
        step="daemon" if missing else "front-end",
        cause="missing" if missing else "invalid",
        image_pushed=False,
        message=diagnostic.message,
        fix=diagnostic.hint,
        url=diagnostic.url,
    )
