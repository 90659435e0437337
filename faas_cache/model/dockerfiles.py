"""Dockerfiles, as far as a cache is concerned: which stages the final image is made of, and which are only copied from.

Read line by line: an instruction ends with its line unless a backslash goes on, comments and the bodies of here-documents are
none. Nothing is evaluated; a stage whose name comes from an argument is a name like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_FROM = re.compile(
    r"\s*FROM\s+(?:--\S+\s+)*(?P<base>\S+)(?:\s+AS\s+(?P<name>\S+))?\s*\Z", re.IGNORECASE
)
_USED = re.compile(r"(?:--from=|[,=\s]from=)[\"']?(?P<stage>[^\s,\"']+)", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?[\"']?(?P<word>[A-Za-z_][A-Za-z0-9_]*)[\"']?")
_WORKING = ("RUN", "COPY", "ADD")


class _Stage(NamedTuple):
    """One stage of a Dockerfile: what it begins from, the stages that it copies from, whether it does any work."""

    base: str
    used: set[str]
    works: list[bool]


def lost_stages(dockerfile: str) -> tuple[str, ...]:
    r"""The stages with work of their own whose layers are not in the final image, by name or number.

    A stage that the last one begins from is in the image; a stage that nothing leads to is not built.

    >>> lost_stages("FROM a AS build\nRUN make\nFROM b\nCOPY --from=build /x /x")
    ('build',)
    """
    stages: dict[str, _Stage] = {}
    aliases: dict[str, str] = {}
    for line in _instructions(dockerfile):
        match = _FROM.match(line)
        if match:
            number = str(len(stages))
            base = match["base"].lower()
            label = (match["name"] or number).lower()
            stages[label] = _Stage(aliases.get(base, base), set(), [])
            aliases |= {number: label, label: label}
        elif stages:
            last = stages[next(reversed(stages))]
            last.used.update(
                aliases.get(m["stage"].lower(), m["stage"].lower()) for m in _USED.finditer(line)
            )
            last.works.append(line.split(maxsplit=1)[0].upper() in _WORKING)
    if not stages:
        return ()
    kept: set[str] = set()
    label = next(reversed(stages))
    while label in stages and label not in kept:
        kept.add(label)
        label = stages[label].base
    needed: set[str] = set()
    queue = list(kept)
    while queue:
        label = queue.pop()
        if label in stages and label not in needed:
            needed.add(label)
            queue += [stages[label].base, *stages[label].used]
    return tuple(
        label for label, stage in stages.items() if label in needed - kept and any(stage.works)
    )


def _instructions(dockerfile: str) -> Iterator[str]:
    """The instructions of a Dockerfile, each in one line, without comments and the bodies of here-documents."""
    lines = iter(dockerfile.split("\n"))
    whole = ""
    for line in lines:
        body = line.strip()
        if not body or body.startswith("#"):
            continue  # also within an instruction that goes on
        if body.endswith("\\"):
            whole += body[:-1] + " "
            continue
        whole += body
        yield whole
        words = [match["word"] for match in _HEREDOC.finditer(whole)]
        whole = ""
        for word in words:
            for inner in lines:
                if inner.strip() == word:
                    break
    if whole.strip():
        yield whole.strip()
