"""`load_vectors`: the vectors that are shipped with the package, each with its rule and source."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Literal, TypeAlias

import attrs

from faas_cache.conformance.protocol import Answer, Json

__all__ = ["Source", "Vector", "load_vectors"]

# Where a rule comes from: the proposal, or this project where the proposal says nothing.
Source: TypeAlias = Literal["proposal", "extension"]


@attrs.frozen(kw_only=True, eq=False)
class Vector:
    """One example of a rule.

    Attributes:
        id: Its name, which begins with the number of a rule.
        rule: The number of the rule that it is an example of.
        source: `proposal` if a faithful implementation of the proposal alone gives this answer.
        why: What it shows, in one clause.
        function: The keys of the function, as in a stack file.
        flags: The fields of `CacheFlags` that are given.
        expected: The answer.
        diagnostics: The name, severity and key path of each diagnostic of this package, for its
            own tests.
    """

    id: str
    rule: str
    source: Source
    why: str
    function: dict[str, Json]
    flags: dict[str, Json]
    expected: Answer
    diagnostics: list[list[str]]


def load_vectors(source: Source | None = None) -> tuple[Vector, ...]:
    """The vectors, all of them or those of one source, in the order of their rules."""
    text = files("faas_cache.conformance").joinpath("vectors.jsonl").read_text(encoding="utf-8")
    vectors = map(_vector, map(json.loads, text.splitlines()))
    return tuple(vector for vector in vectors if source in (None, vector.source))


def _vector(row: dict[str, Json]) -> Vector:
    return Vector(
        id=row["id"],
        rule=row["rule"],
        source=row["source"],
        why=row["why"],
        function=row["function"],
        flags=row["flags"],
        expected=Answer.from_json(row),
        diagnostics=row.get("diagnostics", []),
    )
