"""What the steps of a Dockerfile depend on: files, variables, images and other stages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

import attrs

from faas_cache.model.dockerfile_lines import Instruction
from faas_cache.model.dockerfile_words import Expander
from faas_cache.model.dockerfiles import Dockerfile, Step
from faas_cache.model.frozen_map import EMPTY, FrozenMap

__all__ = ["ContextCopy", "StepInputs", "context_copies", "step_inputs"]

# What ADD fetches itself.
_REMOTE = re.compile(r"[a-z]{2,}:/|git@")
# How many steps with variables in their sources are evaluated; of others they stay as written.
_MAX_EVALUATIONS = 100


@attrs.frozen(kw_only=True)
class StepInputs:
    """What the result of a step depends on, beside the step before it.

    Attributes:
        base: The image at the beginning of its stage, or of the stage that this one begins from;
            empty where variables leave it empty.
        files: The paths and patterns of the build context that it reads; `.` for all of it.
        excludes: The patterns of `--exclude`.
        urls: What ADD fetches.
        stages: The numbers of the stages that it copies from or mounts.
        images: The images that it copies from or mounts.
        arguments: The build arguments in scope (RUN), or that its words use (others), by name.
        environment: The same for ENV.
        secrets: The ids of the secrets that it mounts: a change of these does not run it again.
    """

    base: str = ""
    files: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    stages: tuple[int, ...] = ()
    images: tuple[str, ...] = ()
    arguments: FrozenMap[str] = EMPTY
    environment: FrozenMap[str] = EMPTY
    secrets: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ContextCopy:
    """What one COPY or ADD copies from the build context.

    Attributes:
        paths: Its sources relative to the root of the context; `.` is the whole context.
        excludes: The patterns of its `--exclude`.
        step: The step.
    """

    paths: tuple[str, ...]
    excludes: tuple[str, ...]
    step: Step

    @property
    def is_whole(self) -> bool:
        """Whether it copies everything in the context: `COPY . /app` or `COPY * /app`."""
        return "." in self.paths or "*" in self.paths


def context_copies(dockerfile: Dockerfile, target: str = "") -> Iterator[ContextCopy]:
    r"""What the build of a target copies from its context, in the order of the file.

    >>> dockerfile = Dockerfile.parse("FROM a\nCOPY package.json /\nCOPY ./ /app")
    >>> [(copy.paths, copy.is_whole) for copy in context_copies(dockerfile)]
    [(('package.json',), False), (('.',), True)]
    """
    evaluations = _MAX_EVALUATIONS
    for step in dockerfile.steps(target):
        instruction = step.instruction
        if instruction.keyword not in ("COPY", "ADD") or instruction.origins:
            continue
        paths = tuple(map(_context_path, instruction.sources))
        if any("$" in path for path in paths) and evaluations:
            evaluations -= 1
            paths = step_inputs(dockerfile, step).files
        if paths := tuple(path for path in paths if not _is_remote(instruction, path)):
            yield ContextCopy(paths=paths, excludes=instruction.flag("exclude"), step=step)


def step_inputs(dockerfile: Dockerfile, step: Step) -> StepInputs:
    r"""What the result of a step depends on; the environment is that before the step.

    >>> text = "ARG V\nFROM a:$V\nARG T\nENV E=e\nCOPY . /$T\nRUN make"
    >>> dockerfile = Dockerfile.parse(text, {"V": "2", "T": "t"})
    >>> copy, run = (step_inputs(dockerfile, step) for step in dockerfile.steps())
    >>> copy.base, copy.files, copy.arguments, copy.environment
    ('a:2', ('.',), {'T': 't'}, {})
    >>> run.files, run.arguments, run.environment
    ((), {'T': 't'}, {'E': 'e'})
    """
    chain = dockerfile.chain(step.stage)
    scope = _Scope(dockerfile)
    for stage in chain[:-1]:
        scope.add(stage.effective)
    scope.add(_before(step))
    instruction, expander = step.instruction, scope.expander
    expander.used.clear()
    if instruction.keyword == "RUN":  # every variable is in its environment
        expander.used.update(dict.fromkeys(scope.values))
    expand = expander.expand
    mounts = [{name: expand(text) for name, text in m.items()} for m in instruction.mounts]
    if instruction.keyword != "RUN":
        for word in (*instruction.words[-1:], *(text for _, text in instruction.flags)):
            expand(word)
        for heredoc in instruction.heredocs:
            expand(heredoc.text if heredoc.expands else "")
    sources = list(map(expand, instruction.sources))
    urls = [text for text in sources if _is_remote(instruction, text)]
    origins = {name: dockerfile.source_stage(instruction, name) for name in instruction.origins}
    copied = () if instruction.origins else (text for text in sources if text not in urls)
    return StepInputs(
        base=chain[0].base,
        files=tuple(dict.fromkeys((*map(_context_path, copied), *_mounted_files(mounts)))),
        excludes=instruction.flag("exclude"),
        urls=tuple(urls),
        stages=tuple(dict.fromkeys(n for n in origins.values() if n is not None)),
        images=tuple(name for name, number in origins.items() if number is None),
        arguments=scope.used("ARG"),
        environment=scope.used("ENV"),
        secrets=tuple(_secrets(mounts)),
    )


def _is_remote(instruction: Instruction, source: str) -> bool:
    return instruction.keyword == "ADD" and _REMOTE.match(source) is not None


def _before(step: Step) -> Iterator[Instruction]:
    """The instructions of a stage before one of its steps; no two of them are on one line."""
    return takewhile(lambda instruction: instruction != step.instruction, step.stage.effective)


class _Scope:
    """The variables of a stage after the instructions that were added."""

    def __init__(self, dockerfile: Dockerfile) -> None:
        self.dockerfile = dockerfile
        self.values: dict[str, str] = {}
        self.keywords: dict[str, str] = {}
        self.expander = Expander(self.values, dockerfile.escape)

    def add(self, instructions: Iterable[Instruction]) -> None:
        """Applies ARG and ENV."""
        for instruction in instructions:
            if instruction.keyword == "ARG":
                for name, text in instruction.assignments:
                    self._set("ARG", {name: self._argument(name, text)})
            elif instruction.keyword == "ENV":
                pairs = ((name, text or "") for name, text in instruction.assignments)
                expand = self.expander.expand
                self._set("ENV", {expand(name): expand(text) for name, text in pairs})

    def used(self, keyword: str) -> FrozenMap[str]:
        """The variables that were used and that such an instruction set."""
        names = (n for n in self.values if n in self.expander.used and self.keywords[n] == keyword)
        return FrozenMap({name: self.values[name] for name in names})

    def _argument(self, name: str, text: str | None) -> str | None:
        if name in self.dockerfile.build_args:
            return self.dockerfile.build_args[name]
        if text is None:
            return self.dockerfile.global_arguments.get(name)
        return self.expander.expand(text)

    def _set(self, keyword: str, values: dict[str, str | None] | dict[str, str]) -> None:
        for name, value in values.items():
            if value is not None:
                self.values[name] = value
                self.keywords[name] = keyword


def _mounted_files(mounts: Iterable[dict[str, str]]) -> Iterator[str]:
    """What RUN mounts of the build context."""
    for mount in mounts:
        if mount["type"] == "bind" and not mount.get("from"):
            yield _context_path(mount.get("source", mount.get("src", ".")))


def _secrets(mounts: Iterable[dict[str, str]]) -> Iterator[str]:
    for mount in mounts:
        if mount["type"] == "secret":
            target = mount.get("target") or mount.get("dst") or mount.get("destination") or ""
            name = mount.get("id") or mount.get("source") or mount.get("src")
            yield name or posixpath.basename(target)


def _context_path(path: str) -> str:
    """A path or a pattern relative to the root of the build context.

    >>> _context_path("./a/../b/"), _context_path("/")
    ('b', '.')
    """
    return posixpath.normpath(f"/{path}").lstrip("/") or "."
