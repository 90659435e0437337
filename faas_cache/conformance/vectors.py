"""`load_vectors`: the vectors that are shipped with the package, each with its rule and source."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Literal, TypeAlias

import attrs

from faas_cache.conformance.protocol import Answer, Question

__all__ = ["Source", "Vector", "load_vectors"]

# Where a rule comes from: the proposal, or this project where the proposal says nothing.
Source: TypeAlias = Literal["proposal", "extension"]
_QUESTION = ("id", "function", "flags", "configuration", "environ")


@attrs.frozen(kw_only=True, eq=False)
class Vector:
    """One example of a rule.

    Attributes:
        rule: The number of the rule that it is an example of.
        source: `proposal` if a faithful implementation of the proposal alone gives this answer.
        why: What it shows, in one clause.
        question: What is asked; its id begins with the number of the rule.
        expected: The answer.
        diagnostics: The name, severity and key path of each diagnostic of this package, for its
            own tests.
    """

    rule: str
    source: Source
    why: str
    question: Question
    expected: Answer
    diagnostics: list[list[str]]

    @property
    def id(self) -> str:
        """Its name."""
        return self.question.id


def load_vectors(source: Source | None = None) -> tuple[Vector, ...]:
    """The vectors, all of them or those of one source, in the order of their rules."""
    text = files("faas_cache.conformance").joinpath("vectors.jsonl").read_text(encoding="utf-8")
    vectors = map(_vector, map(json.loads, text.splitlines()))
    return tuple(vector for vector in vectors if source in (None, vector.source))


def _vector(row: dict[str, Any]) -> Vector:
    return Vector(
        rule=row["rule"],
        source=row["source"],
        why=row["why"],
        question=Question(**{key: row[key] for key in _QUESTION if key in row}),
        expected=Answer.from_json(row),
        diagnostics=row.get("diagnostics", []),
    )
