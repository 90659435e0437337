"""`Dockerfile`: the stages of a Dockerfile and the steps of its build.

A `Dockerfile` is read from any text; what the builder would reject is left out. Nothing is built:
what a base image brings (`ONBUILD`, `ENV`) is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice, takewhile

import attrs

from faas_cache.model.dockerfile_lines import Instruction, read_instructions
from faas_cache.model.dockerfile_words import Expander
from faas_cache.model.frozen_map import EMPTY, FrozenMap

__all__ = ["Dockerfile", "Stage", "Step", "uncached_stages"]

# The instructions that make a layer with content.
_LAYERS = frozenset({"ADD", "COPY", "RUN"})
# An image without content, which no registry has.
_SCRATCH = "scratch"
# `FROM image AS name`: the words after FROM and its flags.
_NAMED, _UNNAMED = 3, 1
# Of a stage that many others begin from, no more triggers are read.
_MAX_TRIGGERS = 100
_NUMBER = re.compile(r"[0-9]{1,6}")
_ONBUILD = "ONBUILD "
# A word that is the same in the name of a step.
_PLAIN = re.compile(r"[^$'\"\\`<\[]+")
_LABEL = re.compile(r"\[(?:(?P<words>[^\]]*) )? *(?P<number>\d{1,6})/(?P<total>\d{1,6})\]")


@attrs.frozen(kw_only=True)
class Stage:
    """One stage of a Dockerfile.

    Attributes:
        number: Its position, from 0.
        name: Its name in lower case; empty where it has none.
        base: The image or the stage after FROM, with its variables replaced.
        base_stage: The number of the stage that it begins from; `None` for an image.
        platform: The value of `--platform`, with its variables replaced.
        instructions: Its instructions, without FROM.
        triggers: The instructions of ONBUILD in the stage that it begins from, which run first.
        sources: The numbers of the stages that it copies from or mounts.
        line: The line of its FROM, from 1.
    """

    number: int
    name: str
    base: str
    base_stage: int | None
    platform: str
    instructions: tuple[Instruction, ...] = ()
    triggers: tuple[Instruction, ...] = ()
    sources: tuple[int, ...] = ()
    line: int = 1

    @property
    def effective(self) -> tuple[Instruction, ...]:
        """All instructions in the order in which they take effect: triggers first."""
        return (*self.triggers, *self.instructions)


@attrs.frozen(kw_only=True)
class Step:
    """One RUN, COPY, ADD or WORKDIR of a build; FROM is the first step where it names an image.

    Attributes:
        stage: The stage that it is in.
        number: Its number in its stage, as BuildKit counts; FROM is 1.
        total: The number of steps of its stage.
        instruction: Its instruction.
        label: The beginning of the name that BuildKit gives it: `[build 2/4]`. Where the stage
            has triggers, BuildKit 0.13 does not count them in the total, and 0.25 does.
    """

    stage: Stage
    number: int
    total: int
    instruction: Instruction
    label: str

    def is_named(self, text: str) -> bool:
        """Whether BuildKit can have given it a name with this text behind the label.

        Only the words before the first quote or variable are compared; no text fits every step.
        """
        flags = [f"--{name}" for name, _ in self.instruction.flags[:1]]
        words = self.instruction.text.split()
        plain = takewhile(_PLAIN.fullmatch, () if flags else words)
        named = " ".join(text.split())
        return not named or named.startswith(" ".join((self.instruction.keyword, *flags, *plain)))


@attrs.frozen(kw_only=True, slots=False)
class Dockerfile:
    r"""A Dockerfile as it is built with some build arguments.

    >>> text = "ARG V=1\nFROM a:$V AS b\nRUN x\nFROM b\nARG T\nCOPY . /$T"
    >>> dockerfile = Dockerfile.parse(text, {"V": "2", "T": "t"})
    >>> [step.label for step in dockerfile.steps()]
    ['[b 2/2]', '[stage-1 1/1]']
    >>> dockerfile.find_step("[stage-1 1/1] COPY . /t").instruction.line
    6

    Attributes:
        escape: Its escape character.
        build_args: The build arguments, by name.
        instructions: All of its instructions.
        global_arguments: The values of the ARG instructions before the first FROM, by name; one
            without a value is missing.
        stages: Its stages.
    """

    escape: str = "\\"
    build_args: FrozenMap[str] = attrs.field(default=EMPTY, repr=False)
    instructions: tuple[Instruction, ...] = ()
    global_arguments: FrozenMap[str] = attrs.field(default=EMPTY, repr=False)
    stages: tuple[Stage, ...] = ()

    @classmethod
    def parse(cls, text: str, build_args: Mapping[str, str] = EMPTY) -> Dockerfile:
        """The Dockerfile in a text; no text is rejected."""
        escape, instructions = read_instructions(text)
        variables = _global_variables(instructions, escape, build_args)
        return cls(
            escape=escape,
            build_args=FrozenMap(build_args),
            instructions=instructions,
            global_arguments=FrozenMap(variables),
            stages=_read_stages(instructions, Expander(variables, escape)),
        )

    @cached_property
    def declared(self) -> frozenset[str]:
        """The names of all build arguments that an ARG declares, one of ONBUILD too."""
        own = (instruction.trigger or instruction for instruction in self.instructions)
        return frozenset(name for i in own if i.keyword == "ARG" for name, _ in i.assignments)

    def stage(self, name: str) -> Stage | None:
        """The stage with a name or a number; of two with one name the later one."""
        number = _find_stage(name, self._names, len(self.stages))
        return None if number is None else self.stages[number]

    def source_stage(self, instruction: Instruction, name: str) -> int | None:
        """The number of the stage that `from` of an instruction names; `None` for an image."""
        return _source_stage(instruction, name, self._names, len(self.stages))

    def built(self, target: str = "") -> tuple[Stage, ...]:
        """The stages that the build of a target (by default the last stage) needs, in order."""
        return self._reached(target, copies=True)

    def included(self, target: str = "") -> tuple[Stage, ...]:
        """The stages whose layers are in the image of a target, in order."""
        return self._reached(target, copies=False)

    def steps(self, target: str = "") -> tuple[Step, ...]:
        """The steps of the build of a target, by stage, in the order of the file, without FROM."""
        return tuple(step for stage in self.built(target) for step in self.steps_of(stage))

    def steps_of(self, stage: Stage) -> tuple[Step, ...]:
        """The steps of one stage, without FROM."""
        counted = [i for i in stage.effective if i.is_step]
        first = 1 if stage.base_stage is not None or stage.base == _SCRATCH else 2
        # All triggers count, and a WORKDIR of the root, which makes no step.
        others = sum(not trigger.is_step for trigger in stage.triggers)
        total = len(counted) + first - 1 + others
        name = self._label_name(stage)
        start, width = f"[{name + ' ' if name else ''}", len(str(total))
        instructions = (i for i in counted if not _is_root(i))
        return tuple(
            Step(
                stage=stage,
                number=number,
                total=total,
                instruction=instruction,
                label=f"{start}{number:>{width}}/{total}]",
            )
            for number, instruction in enumerate(instructions, first)
        )

    def find_step(self, name: str) -> Step | None:
        """The step that BuildKit names so: `[build 2/4] RUN make`, with a platform or without.

        The triggers of a base image have the first numbers, which shifts the others: where number
        and text do not agree, the text decides.
        """
        match = _LABEL.match(name)
        if match is None:
            return None
        word = next(reversed((match["words"] or "").split()), "")
        word = "" if len(self.stages) == 1 and "/" in word else word  # a platform
        text = name[match.end() :].strip().removeprefix(_ONBUILD)
        stages = (stage for stage in self.stages if word == self._label_name(stage))
        for stage in stages:
            steps = [step for step in self.steps_of(stage) if step.is_named(text)]
            exact = (step for step in steps if step.number == int(match["number"]))
            return next(exact, steps[0] if steps and text else None)
        return None

    def base_images(self, target: str = "") -> tuple[str, ...]:
        """The images that the stages of a build begin from, each once."""
        images = (stage.base for stage in self.built(target) if stage.base_stage is None)
        return tuple(dict.fromkeys(image for image in images if image and image != _SCRATCH))

    def chain(self, stage: Stage) -> tuple[Stage, ...]:
        """The stage that begins from an image, those that begin from it, and last the stage."""
        stages = [stage]
        while stages[-1].base_stage is not None:
            stages.append(self.stages[stages[-1].base_stage])
        return tuple(reversed(stages))

    @cached_property
    def _names(self) -> dict[str, int]:
        return {stage.name: stage.number for stage in self.stages if stage.name}

    def _reached(self, target: str, *, copies: bool) -> tuple[Stage, ...]:
        first = self.stage(target) if target else self.stages[-1] if self.stages else None
        numbers = _reached(self.stages, () if first is None else (first.number,), copies=copies)
        return tuple(self.stages[number] for number in sorted(numbers))

    def _label_name(self, stage: Stage) -> str:
        """The name of a stage in the names of steps; one that is alone has none."""
        if len(self.stages) == 1:
            return ""
        return stage.name or f"stage-{stage.number}"


def uncached_stages(dockerfile: str) -> tuple[str, ...]:
    r"""The stages that the build runs and that an inline cache does not contain, by name or number.

    The final image consists of its last stage and of the stages that this one begins from; of a
    stage that it only copies from, no layer is in the image. A stage that the last one does not
    need is not built.

    >>> uncached_stages("FROM a AS build\nRUN make\nFROM b\nCOPY --from=build /x /x")
    ('build',)
    """
    read = Dockerfile.parse(dockerfile)
    included = frozenset(stage.number for stage in read.included())
    return tuple(
        stage.name or str(stage.number)
        for stage in read.built()
        if stage.number not in included and any(i.keyword in _LAYERS for i in stage.effective)
    )


def _is_root(instruction: Instruction) -> bool:
    """Whether it is a WORKDIR of `/`, which is there already."""
    return instruction.keyword == "WORKDIR" and not instruction.text.strip("/\"'")


def _global_variables(
    instructions: Iterable[Instruction], escape: str, build_args: Mapping[str, str]
) -> dict[str, str]:
    """The values of the build arguments that FROM can use."""
    variables: dict[str, str] = {}
    expander = Expander(variables, escape)
    for instruction in instructions:
        if instruction.keyword == "FROM":
            break
        for name, value in instruction.assignments if instruction.keyword == "ARG" else ():
            if name in build_args:
                variables[name] = build_args[name]
            elif value is not None:
                variables[name] = expander.expand(value)
    return variables


def _read_stages(instructions: Iterable[Instruction], expander: Expander) -> tuple[Stage, ...]:
    """The stages, first without the stages that they copy from, which may come later."""
    stages: list[Stage] = []
    names: dict[str, int] = {}
    own: list[Instruction] = []
    for instruction in instructions:
        words = instruction.words if instruction.keyword == "FROM" else ()
        is_named = len(words) == _NAMED and words[1].upper() == "AS"
        if not is_named and len(words) != _UNNAMED:
            if instruction.keyword != "FROM":
                own.append(instruction)
            continue
        _finish(stages, own)
        own = []
        base = expander.expand(words[0])
        base_stage = names.get(base.lower())
        name = words[-1].lower() if is_named else ""
        stages.append(
            Stage(
                number=len(stages),
                name=name,
                base=base,
                base_stage=base_stage,
                platform=expander.expand(next(iter(instruction.flag("platform")), "")),
                triggers=_triggers(() if base_stage is None else stages[base_stage].instructions),
                line=instruction.line,
            )
        )
        if name:
            names[name] = len(stages) - 1
    _finish(stages, own)
    return tuple(
        attrs.evolve(stage, sources=tuple(_stage_sources(stage, names, len(stages))))
        for stage in stages
    )


def _finish(stages: list[Stage], instructions: list[Instruction]) -> None:
    """Gives the last stage its instructions; those before the first FROM belong to none."""
    if stages:
        stages[-1] = attrs.evolve(stages[-1], instructions=tuple(instructions))


def _triggers(instructions: Iterable[Instruction]) -> tuple[Instruction, ...]:
    triggers = (i.trigger for i in instructions if i.trigger is not None)
    return tuple(islice(triggers, _MAX_TRIGGERS))


def _stage_sources(stage: Stage, names: Mapping[str, int], count: int) -> Iterator[int]:
    """The numbers of the stages that a stage copies from or mounts, each once."""
    numbers = {
        _source_stage(instruction, name, names, count): None
        for instruction in stage.effective
        for name in instruction.origins
    }
    return (number for number in numbers if number is not None)


def _source_stage(
    instruction: Instruction, name: str, names: Mapping[str, int], count: int
) -> int | None:
    """COPY names a stage by its name or its number, a mount of RUN only by its name."""
    if instruction.keyword == "COPY":
        return _find_stage(name, names, count)
    return names.get(name.lower())


def _find_stage(name: str, names: Mapping[str, int], count: int) -> int | None:
    number = names.get(name.lower())
    if number is None and _NUMBER.fullmatch(name) and int(name) < count:
        number = int(name)
    return number


def _reached(stages: tuple[Stage, ...], numbers: Iterable[int], *, copies: bool) -> set[int]:
    """The stages that these begin from, directly or not; with `copies`, or copy from."""
    reached: set[int] = set()
    pending = list(numbers)
    while pending:
        number = pending.pop()
        if number not in reached:
            reached.add(number)
            stage = stages[number]
            pending += () if stage.base_stage is None else (stage.base_stage,)
            pending += stage.sources if copies else ()
    return reached
