"""What a log shows about one build: its steps, and the last lines of the builder."""

from __future__ import annotations

import attrs

from faas_cache.buildkit.events import (
    BuildStarted,
    Event,
    Output,
    StepFinished,
    StepKind,
    StepProgress,
    StepStarted,
)
from faas_cache.buildkit.last_words import Final, LastWords, without_prefix
from faas_cache.buildkit.messages import FailedStep
from faas_cache.buildkit.names import import_source, step_kind

__all__ = ["Build", "Vertex"]


@attrs.define
class Vertex:
    """One step of a build."""

    name: str
    kind: StepKind
    error: str = ""
    finished: bool = False
    manifest_pushed: bool = False
    image_manifest: bool = False

    @property
    def canceled(self) -> bool:
        """Whether BuildKit ended it because another step failed."""
        return self.error.endswith("context canceled")

    @property
    def bare(self) -> str:
        """The first line of its error, without the prefixes of builders."""
        return without_prefix(self.error.partition("\n")[0])

    @property
    def pushed(self) -> bool:
        """Whether it pushed the image, under all of its tags."""
        ended = self.finished and not self.error
        return ended and (self.manifest_pushed or self.name.endswith(" with docker"))


class Build:
    """The evidence of one build: `add` each of its events.

    `of_events` is true if it may share a process with builds of other functions, as in a bake.
    """

    def __init__(self, function: str = "", *, of_events: bool = False) -> None:
        self.function = function
        self.of_events = of_events
        self.shared: bool = of_events and not function  # by the functions of a bake
        self.culprits: list[Vertex] = []
        self._reset()

    def _reset(self) -> None:
        self._steps: dict[str, Vertex] = {}
        self._text = LastWords()
        self._announced = False
        self.exit_code: int | None = None
        self.interrupted: bool = False

    def add(self, event: Event) -> None:
        """Adds one event."""
        match event:
            case BuildStarted():
                self._reset()
                self._announced = True
            case StepStarted():
                started = self._steps.setdefault(event.step, Vertex(event.name, event.kind))
                started.finished, started.error = False, ""
            case StepProgress():
                self._add_progress(event)
            case StepFinished():
                if step := self._steps.get(event.step):
                    step.finished, step.error = True, event.error
            case Output():
                if event.step is None:
                    self._text.read(event.data, in_build=bool(self._steps))
            case _:
                self.exit_code = event.exit_code
                self.interrupted = event.status in ("stopped", "timed out", "not started")

    def _add_progress(self, event: StepProgress) -> None:
        step = self._steps.get(event.step)
        if step is None:
            return
        step.manifest_pushed |= event.done and event.status.startswith("pushing manifest for ")
        step.image_manifest |= event.status.startswith("writing cache image manifest")

    def may_have_failed(self, exit_code: int | None) -> bool:
        """Whether the build may have failed, by its exit code or that of all builds."""
        code = exit_code if self.exit_code is None else self.exit_code
        return code != 0 and not self.interrupted

    @property
    def explained_function(self) -> str:
        """The function that an explanation in the log names; empty if there is none."""
        return self._text.function

    @property
    def has_steps(self) -> bool:
        """Whether the builder printed the progress of steps."""
        return bool(self._steps)

    @property
    def has_text(self) -> bool:
        """Whether the builder printed more than the progress of steps."""
        return bool(self._text.last)

    @property
    def recognized(self) -> bool:
        """Whether something in the log is that of a builder, and of no other program."""
        steps = self._steps.values()
        known = any(s.finished or s.kind != "internal" or s.name[:1] == "[" for s in steps)
        return known or self._announced or self._text.recognized

    @property
    def whole(self) -> bool:
        """Whether the log begins with the first step."""
        return not self._steps or any(
            step in ("#0", "#1") or not step.startswith("#") for step in self._steps
        )

    @property
    def failed(self) -> list[Vertex]:
        """The steps that failed by themselves."""
        return [step for step in self._steps.values() if step.error and not step.canceled]

    @property
    def imported(self) -> tuple[str, ...]:
        """The caches whose manifest was imported."""
        return tuple(
            import_source(step.name)
            for step in self._steps.values()
            if step.kind == "import" and step.finished and not step.error
        )

    @property
    def lost_imports(self) -> list[tuple[str, str]]:
        """The caches that were not imported according to warnings, each with what was printed."""
        return list(self._text.lost_imports.items())

    @property
    def final(self) -> Final | None:
        """The error that the builder ended with; `None` if it printed none."""
        if self._text.final is not None:
            return self._text.final
        # BuildKit without buildx (docker 20) ends with the error of the step alone.
        last = self._text.last
        if any(step.bare and last.endswith(step.bare) for step in self._fatal()):
            return Final(without_prefix(last), block=self._text.block)
        return None

    def _fatal(self) -> list[Vertex]:
        return [step for step in self.failed if step.kind != "import"]

    def error_of_steps(self) -> Final | None:
        """The error of the step that failed last, where the builder printed no other.

        A failed export counts only if the build failed: its error may be ignored. Where the image
        was exported, BuildKit has run the step that failed once more (G3).
        """
        if self.exit_code is None and any(
            step.kind == "image" and step.finished and not step.error
            for step in self._steps.values()
        ):
            return None
        steps = [step for step in self._fatal() if step.kind in ("base", "build", "image")]
        steps = steps or (self._fatal() if self.exit_code else [])
        return Final(steps[-1].bare) if steps else None

    def last_words(self) -> Final:
        """The last line that the builder printed."""
        return Final(self._text.last, pushing=self._text.pushing)

    def culprit(self, final: Final) -> Vertex | None:
        """The step whose whole error ends the error of the builder.

        BuildKit cancels a push when the export of the cache fails, with an error that ends in that
        of the export.
        """
        steps = [step for step in self._fatal() if step.bare and final.message.endswith(step.bare)]
        exports = [step for step in steps if step.kind == "export"]
        return max(exports or reversed(steps), key=lambda step: len(step.error), default=None)

    def named(self, name: str) -> Vertex:
        """The step with this name, which may be known from the last words of the builder only."""
        known = (step for step in self._steps.values() if step.name == name)
        return next(known, None) or Vertex(name, step_kind(name))

    def pushed(self, step: FailedStep | None, culprit: Vertex | None, final: Final) -> bool | None:
        """Whether the image is in its registry, if the log shows it."""
        images = [vertex for vertex in self._steps.values() if vertex.kind == "image"]
        some = any(vertex.manifest_pushed or vertex.pushed for vertex in images)
        if all(vertex.finished and not vertex.error for vertex in images) and some:
            return True
        if step == "image-push":
            return None if some or final.foreign else False
        if images and (some or step == "cache-export"):
            return None
        if images:
            return (
                None
                if any(v.error or not v.finished for v in images if v is not culprit)
                else False
            )
        if final.foreign or (step is None and not self._steps):
            return None
        return None if step == "cache-export" and (culprit is not None or final.block) else False
