"""Dockerfiles: finds the stages that the final image does not contain.

A Dockerfile is read line by line: an instruction ends with its line unless the line ends with a
backslash; comments and the bodies of here-documents are skipped. Nothing is evaluated: a stage
whose name contains an argument is a name like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import attrs

__all__ = ["uncached_stages"]

_SOURCE = re.compile(r"(?:--from=|[,=\s]from=)[\"']?(?P<stage>[^\s,\"']+)", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?[\"']?(?P<word>[A-Za-z_][A-Za-z0-9_]*)[\"']?")
# The instructions that make a layer.
_LAYERS = ("RUN", "COPY", "ADD")
# `FROM image AS name`: the words after FROM and its flags.
_NAMED, _UNNAMED = 3, 1


@attrs.define
class _Stage:
    """One stage: what it begins from, the stages that it copies from, whether it makes layers."""

    base: str
    sources: list[str] = attrs.field(factory=list)
    has_layers: bool = False


def uncached_stages(dockerfile: str) -> tuple[str, ...]:
    r"""The stages that the build runs and that an inline cache does not contain, by name or number.

    The final image consists of its last stage and of the stages that this one begins from; of a
    stage that it only copies from, no layer is in the image. A stage that the last one does not
    need is not built.

    >>> uncached_stages("FROM a AS build\nRUN make\nFROM b\nCOPY --from=build /x /x")
    ('build',)
    """
    stages = _read_stages(dockerfile)
    if not stages:
        return ()
    included = _reached(stages, next(reversed(stages)), copies=False)
    built = _reached(stages, *included, copies=True)
    return tuple(
        name
        for name, stage in stages.items()
        if name in built and name not in included and stage.has_layers
    )


def _read_stages(dockerfile: str) -> dict[str, _Stage]:
    """The stages by their lower-case names, or by their numbers where they have none."""
    stages: dict[str, _Stage] = {}
    names: dict[str, str] = {}
    stage: _Stage | None = None
    for words, text in _instructions(dockerfile):
        arguments = _from_arguments(words)
        if arguments:
            number = str(len(stages))
            base = arguments[0].lower()
            name = arguments[-1].lower() if len(arguments) == _NAMED else number
            stages.pop(name, None)  # of two stages with one name, the later one counts
            stage = stages[name] = _Stage(names.get(base, base))
            names |= {number: name, name: name}
        elif stage is not None:
            stage.sources += (
                names.get(source, source)
                for source in (match["stage"].lower() for match in _SOURCE.finditer(text))
            )
            stage.has_layers |= words[0].upper() in _LAYERS
    return stages


def _from_arguments(words: list[str]) -> list[str]:
    """`image`, or `image AS name`, of a FROM instruction; nothing for any other."""
    if words[0].upper() != "FROM":
        return []
    arguments = list(words[1:])
    flags = 0
    while flags < len(arguments) and arguments[flags].startswith("--"):
        flags += 1
    arguments = arguments[flags:]
    if len(arguments) == _NAMED and arguments[1].upper() == "AS":
        return arguments
    return arguments if len(arguments) == _UNNAMED else []


def _reached(stages: Mapping[str, _Stage], *names: str, copies: bool) -> dict[str, None]:
    """The stages that these begin from, directly or not; with `copies`, or copy from."""
    reached: dict[str, None] = {}
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in stages and name not in reached:
            reached[name] = None
            pending.append(stages[name].base)
            pending += stages[name].sources if copies else ()
    return reached


def _instructions(dockerfile: str) -> Iterator[tuple[list[str], str]]:
    """The instructions of a Dockerfile, each as its words and as one line of text."""
    lines = iter(dockerfile.split("\n"))
    parts: list[str] = []
    for line in lines:
        body = line.strip()
        if not body or body.startswith("#"):
            continue  # between the lines of an instruction too
        if body.endswith("\\"):
            parts += (body[:-1], " ")
            continue
        text = "".join((*parts, body))
        parts.clear()
        yield text.split(), text
        _skip_bodies(lines, text)
    if words := "".join(parts).split():
        yield words, "".join(parts)


def _skip_bodies(lines: Iterable[str], text: str) -> None:
    """Skips the bodies of the here-documents that an instruction begins."""
    for match in _HEREDOC.finditer(text):
        for line in lines:
            if line.strip() == match["word"]:
                break
