"""What a log shows about one build, collected from its events: its steps, and the last words of the builder."""

from __future__ import annotations

import re
import attrs

from faas_cache.buildkit.events import (
    BuildFinished,
    BuildStarted,
    Event,
    Output,
    StepFinished,
    StepKind,
    StepProgress,
    StepStarted,
)
from faas_cache.buildkit.messages import FailedStep  # noqa: TC001  # for get_type_hints
from faas_cache.buildkit.names import import_source, step_kind

__all__ = ["Build", "Final", "Vertex", "shorten"]

# Errors and lines are cut to twice this many characters before anything is matched.
_HALF = 2000


def shorten(text: str) -> str:
    """The beginning and the end of a text, cut between words, so that what is matched and masked is short.

    >>> shorten("a " * 9000) == ("a " * 1000).strip() + " … " + ("a " * 1000).strip()
    True
    """
    if len(text) <= 2 * _HALF:
        return text
    head = text[:_HALF].rpartition(" ")[0]
    tail = text[-_HALF:].partition(" ")[2]
    return f"{head.rstrip()} … {tail.strip()}"


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
        """The first line of its error, without what builders put before one."""
        return without_prefix(self.error.partition("\n")[0])

    @property
    def pushed(self) -> bool:
        """Whether it pushed the image: of several registries, all."""
        ended = self.finished and not self.error
        return ended and (self.manifest_pushed or self.name.endswith(" with docker"))


@attrs.frozen
class Final:
    """The error that a builder ended with.

    `more` holds the lines behind it that belong to it, `block` the name of the step that is set
    apart before it, `target` the target of the bake that it names; `pushing` says that it is of a
    `docker push`.
    """

    message: str
    more: str = ""
    pushing: bool = False
    block: str = ""
    target: str = ""
    foreign: bool = False


# What builders put before a message: `ERROR: target two: failed to build: failed to solve: …`.
_PREFIX = re.compile(
    r"(?:(?:ERROR|error|Error): |buildx (?:bake )?failed with: |target (?P<target>[\w-]+): |failed to build: "
    r"|failed to solve(?: with frontend [\w.]+)?: |failed to create LLB definition: "
    r"|rpc error: code = \w+ desc = )+"
)


def without_prefix(message: str) -> str:
    """The message without what builders put before it."""
    return _PREFIX.sub("", message, count=1) if _PREFIX.match(message) else message


class Build:
    """The evidence of one build: `add` each of its events.

    `of_events` says that other builds of one process may have the functions of its steps, as in a
    bake.
    """

    def __init__(self, function: str = "", *, of_events: bool = False) -> None:
        self.function = function
        self.of_events = of_events
        self.culprits: list[Vertex] = []
        self._reset()

    def _reset(self) -> None:
        self._steps: dict[str, Vertex] = {}
        self._text = LastWords()
        self.exit_code: int | None = None
        self.interrupted = False

    def add(self, event: Event) -> None:
        """Takes one more event into account."""
        match event:
            case BuildStarted():
                self._reset()
            case StepStarted():
                step = self._steps.setdefault(event.step, Vertex(event.name, event.kind))
                step.finished, step.error = False, ""
            case StepProgress():
                self._add_progress(event)
            case StepFinished():
                if step := self._steps.get(event.step):
                    step.finished, step.error = True, event.error
            case Output():
                if event.step is None:
                    self._text.read(event.data)
            case BuildFinished():
                self.exit_code = event.exit_code
                self.interrupted = event.status in ("stopped", "timed out", "not started")

    def _add_progress(self, event: StepProgress) -> None:
        step = self._steps.get(event.step)
        if step is None:
            return
        step.manifest_pushed |= event.done and event.status.startswith("pushing manifest for ")
        step.image_manifest |= event.status.startswith("writing cache image manifest")

    @property
    def has_text(self) -> bool:
        """Whether the builder printed anything but the progress of steps."""
        return bool(self._text.last)

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
        """The error that the builder ended with; `None` if it did not fail, or does not say so."""
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
        """The error of the step that failed last, if the builder printed no other; exports are often ignored."""
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


# How a builder ends that failed. `Error:` is that of buildah and podman.
_FINAL = re.compile(
    r"(?:Error: )?(?:buildx (?:bake )?failed with: )?(?:ERROR|error): \S.*|failed to solve(?: |:).*"
)
_FOREIGN = re.compile(r"Error: \S.*")
# The words of CI systems for the command that failed.
_OF_CI = re.compile(
    r"(?:ERROR|Error): (?:Job failed|Process completed|script returned exit code|failed to run)\b.*"
)
# How failures begin before which no `ERROR:` stands: docker's own, and those of the legacy builder.
_BARE = re.compile(
    r"The command '.*' returned a non-zero code: [0-9]+"
    r"|(?:Error response from daemon|error during connect|unable to prepare context|invalid argument"
    r"|unknown flag|unknown shorthand flag|failed to connect to the docker API"
    r"|permission denied while trying to connect|error from registry|An image does not exist locally"
    r"|push access denied)\b.*"
    r"|(?:docker: )?(?:Cannot connect to the Docker daemon|unknown command: docker buildx)\b.*"
    r"|(?:docker: )?'buildx' is not a docker command.*"
    r"|(?:.*: )?docker: (?:command )?not found"
    r"|(?:ADD|COPY) failed: .*|invalid value \".*"
    r"|no basic auth credentials|unauthorized: .*|denied: .*"
)
# An explanation of ours, in the log of a build that printed one.
_OURS = re.compile(r".*(?:error|warning|note): .* \[(?:build|export|import|cached-build)-failed\]")
_PUSHING = re.compile(r"The push refers to repository \[")
_END_OF_PUSH = re.compile(
    r"(?:denied|unsupported|unauthorized|unknown|EOF|received unexpected HTTP status)\b.*"
    r"|(?:Get|Put|Head|Post) \".*"
)
# What belongs to an error in the lines behind it: the answer of a registry, or of Azure.
_MORE = re.compile(
    r"(?:errors|unknown|unsupported|unauthorized|denied|unavailable|toomanyrequests)(?::.*)?"
    r"|(?i:RESPONSE|ERROR CODE|Description|RequestId|Time)[ :=].*|<.*|-{20,}",
    re.IGNORECASE,
)
_MAX_MORE = 20
_SUCCESS = re.compile(
    r"Successfully (?:built|tagged) |\S+: digest: sha256:[0-9a-f]{64} size: |STEP [0-9]+/[0-9]+: |COMMIT "
)
_LOST_LOCAL = re.compile(
    r"local cache import at (?P<name>.*?) (?:not found|skipped) due to err: (?P<error>[^\"]*)"
)
# buildah tags each layer of a cache with a key of 64 digits.
_LOST_REMOTE = re.compile(
    r"Failed, retrying in .*initializing source docker://(?P<name>\S+):[0-9a-f]{64}: (?P<error>.*)"
)
_MAX_LOST = 100


class LastWords:
    """What a builder printed beside the progress of its steps, line by line."""

    def __init__(self) -> None:
        self.final: Final | None = None
        self.last = ""
        self.block = ""
        self.pushing = False
        self.lost_imports: dict[str, str] = {}
        self._in_block = False
        self._more: list[str] | None = None

    def read(self, data: bytes) -> None:
        """Reads one line."""
        line = data.decode(errors="replace").rstrip("\r\n").rpartition("\r")[2]
        if line.startswith(" > ") and line.endswith(":"):
            name = line[3:-1]
            self.block = self.block if step_kind(name) == "import" else name
        whole, line = line.strip(), shorten(line.strip())
        if self._continue(line) or _OURS.fullmatch(line):
            return
        self.last = line or self.last
        if line.startswith("---"):
            self._in_block = not self._in_block and line == "------"
        elif _SUCCESS.match(line):
            self.final, self.pushing = None, False
        elif _PUSHING.match(line):
            self.pushing = True
        elif not self._in_block and self._is_final(line):
            match = _PREFIX.match(whole)
            self.final = Final(
                message=without_prefix(whole),
                pushing=self.pushing,
                block=self.block,
                target=(match["target"] or "") if match else "",
                foreign=_FINAL.fullmatch(line) is None and _FOREIGN.match(line) is not None,
            )
            self._more = []
        else:
            self._read_warning(line)

    def _continue(self, line: str) -> bool:
        """Whether the line belongs to the error before it."""
        if self._more is None or self.final is None:
            return False
        if len(self._more) < _MAX_MORE and _MORE.fullmatch(line):
            self._more.append(line)
            self.final = attrs.evolve(self.final, more="\n".join(self._more))
            return True
        self._more = None
        return False

    def _is_final(self, line: str) -> bool:
        if _OF_CI.fullmatch(line):
            return False
        return any(
            pattern.fullmatch(line) is not None
            for pattern in (_FINAL, _FOREIGN, _BARE, *((_END_OF_PUSH,) if self.pushing else ()))
        )

    def _read_warning(self, line: str) -> None:
        """A cache that is not imported, which is only a warning."""
        line = line.replace('\\"', "'")
        match = _LOST_LOCAL.search(line) or _LOST_REMOTE.search(line)
        if match is not None and len(self.lost_imports) < _MAX_LOST:
            self.lost_imports.setdefault(match["name"], match["error"].strip(' "'))
