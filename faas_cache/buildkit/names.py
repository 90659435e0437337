"""The names of BuildKit's steps and their meaning.

`[stage 2/3] RUN …` (with one stage `[2/3] RUN …`) is an instruction of the Dockerfile; `[internal]
…` and `[auth] …` are BuildKit's own. In a bake of several targets the target comes first: `[target
stage 2/3] RUN …`, `[target] exporting …`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from faas_cache.buildkit.events import StepKind

__all__ = ["import_source", "split_target", "step_kind"]

# Longer names are cut before they are matched: an instruction can be a whole script.
_MAX_NAME = 1000

_INSTRUCTION = re.compile(
    r"\[(?!internal\b|auth\b)(?:[^\]]* )?[0-9]+/[0-9]+\] (?P<instruction>.*)", re.DOTALL
)
_TARGET = re.compile(r"\[(?P<target>[a-zA-Z0-9_-]+)(?P<rest>(?: [^\]]*)?)\] ?")
_IMPORTING = "importing cache manifest from "
# BuildKit's names for the export of a cache: to 0.10, of 0.11, and since 0.12.
_EXPORTING = (
    "exporting cache",
    "exporting content cache",
    "exporting to GitHub cache",
    "exporting to GitHub Actions Cache",
)
_IMAGE = re.compile(
    r"exporting to (?:image|docker image format|oci image format|client|client directory)$"
    r"|pushing \S+ with docker$"
)


def step_kind(name: str) -> StepKind:
    """The kind of the step with this name.

    A `LINK …` is BuildKit's merge of a `COPY --link`, besides the step of the instruction itself.

    >>> step_kind("[deps 2/3] COPY requirements.txt /"), step_kind("[2/4] LINK COPY --link a /")
    ('build', 'internal')
    """
    name = name[:_MAX_NAME]
    if match := _INSTRUCTION.match(name):
        instruction = match["instruction"]
        if instruction.startswith("LINK "):
            return "internal"
        return "base" if instruction.startswith("FROM ") else "build"
    target = _TARGET.match(name)
    bare = name[target.end() :] if target and not target["rest"] else name
    if bare.startswith(_IMPORTING):
        return "import"
    if bare.startswith(_EXPORTING):
        return "export"
    return "image" if _IMAGE.match(bare) else "internal"


def import_source(name: str) -> str:
    """The cache that a step of the kind `import` reads.

    >>> import_source("importing cache manifest from acme.io/fn:buildcache")
    'acme.io/fn:buildcache'
    """
    return name.partition(_IMPORTING)[2]


def split_target(name: str, targets: Mapping[str, str]) -> tuple[str, str]:
    """The target of a bake that a step belongs to (`""` for none), and the name without it.

    >>> split_target("[two stage 2/3] RUN make", {"one": "a", "two": "b"})
    ('two', '[stage 2/3] RUN make')
    """
    match = _TARGET.match(name[:_MAX_NAME])
    if match is None or match["target"] not in targets:
        return "", name
    rest, text = match["rest"].strip(), name[match.end() :]
    return match["target"], f"[{rest}] {text}" if rest else text
