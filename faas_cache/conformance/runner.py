"""Runs vectors and generated cases against an implementation, and reports rule by rule."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from faas_cache.conformance.protocol import Answer, Ask, Difference, Question, answer, compare
from faas_cache.conformance.vectors import Source, Vector
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput

__all__ = ["Case", "VectorResult", "find_difference", "report", "report_case", "run_vectors"]


@attrs.frozen(kw_only=True)
class VectorResult:
    """A vector and the differences of an answer from it; none if it passed."""

    vector: Vector
    differences: tuple[Difference, ...]


@attrs.frozen(kw_only=True, eq=False)
class Case:
    """A generated function with flags, and how an answer differs from that of this package."""

    question: Question
    differences: tuple[Difference, ...]


class _Abort(BaseException):
    """Carries an error out of Hypothesis, which would call the function again for another one."""


def run_vectors(ask: Ask, vectors: Iterable[Vector]) -> tuple[VectorResult, ...]:
    """The result of each vector, in order."""
    return tuple(
        VectorResult(
            vector=vector,
            differences=compare(vector.expected, ask(vector.question)),
        )
        for vector in vectors
    )


def find_difference(
    ask: Ask, count: int, *, source: Source | None = None, seed: int = 0
) -> Case | None:
    """The smallest case that Hypothesis finds for which the answer is not that of this package.

    Tries `count` generated cases, the same ones for the same `seed`. Raises `InvalidInput` if
    Hypothesis is not installed.
    """
    try:
        import hypothesis
    except ImportError:
        raise InvalidInput(
            Diagnostic(
                name="invalid-argument",
                message="`--generated` needs Hypothesis, which is not installed",
                hint="run `pip install 'faas-cache[testing]'`",
            )
        ) from None
    from faas_cache.conformance.strategies import cases

    numbers = iter(range(1, 10**9))
    smallest: Case | None = None

    def check(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
        nonlocal smallest
        question = Question(id=f"generated-{next(numbers)}", function=case[0], flags=case[1])
        try:
            actual: Answer = ask(question)
        except Exception as error:
            raise _Abort(error) from error
        if differences := compare(answer(question), actual):
            smallest = Case(question=question, differences=differences)
            raise AssertionError

    settings = hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )
    try:
        hypothesis.seed(seed)(settings(hypothesis.given(cases(source=source))(check)))()
    except (AssertionError, hypothesis.errors.Flaky):  # flaky: another answer at the second time
        return smallest
    except _Abort as abort:
        raise abort.args[0] from None
    return None


def report(results: Iterable[VectorResult]) -> str:
    """The results as text: a line for each rule, and below it the vectors that differ."""
    by_rule: dict[str, list[VectorResult]] = {}
    for result in results:
        by_rule.setdefault(result.vector.rule, []).append(result)
    lines: list[str] = []
    for rule, group in sorted(by_rule.items(), key=lambda item: (item[0][0], int(item[0][1:]))):
        failed = [result for result in group if result.differences]
        lines.append(f"{rule:<4} {len(group) - len(failed)} of {len(group)} vectors pass")
        for result in failed:
            vector = result.vector
            lines.append(f"     {vector.id}: {vector.why}")
            lines += _details(vector.question, result.differences)
    failures = sum(bool(result.differences) for group in by_rule.values() for result in group)
    total = sum(map(len, by_rule.values()))
    lines.append(f"{total - failures} of {total} vectors pass")
    return "".join(f"{line}\n" for line in lines)


def report_case(case: Case) -> str:
    """A generated case as text."""
    lines = ["a generated case differs:", *_details(case.question, case.differences)]
    return "".join(f"{line}\n" for line in lines)


def _details(question: Question, differences: tuple[Difference, ...]) -> Iterator[str]:
    """The input and the differences, one a line."""
    for key, value in question.to_json().items():
        if key == "function" or (key != "id" and value):
            yield f"       {key}: {json.dumps(value)}"
    for part, expected, actual in differences:
        yield f"       {part}: expected {json.dumps(expected)}, got {json.dumps(actual)}"
