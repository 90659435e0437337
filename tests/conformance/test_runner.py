"""The runner: results of vectors, the report, and generated cases."""

from __future__ import annotations

import sys
from typing import Any

import attrs
import pytest

from faas_cache.conformance.protocol import Answer, Question, answer
from faas_cache.conformance.runner import find_difference, report, report_case, run_vectors
from faas_cache.conformance.vectors import load_vectors
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.runner.dialogs import ProgramFailed, program_failed

BY_ID = {vector.id: vector for vector in load_vectors()}


def without_env(question: Question) -> Answer:
    """Asks this package, and forgets the environment."""
    return attrs.evolve(answer(question), env=FrozenMap())


def test_the_report_counts_by_rule_and_shows_differences() -> None:
    """A line for each rule in its order, below it what failed, then the total."""
    vectors = [BY_ID[name] for name in ("B4-flag", "A1-absent", "D6-scope", "B4-none", "D1-off")]
    assert report(run_vectors(without_env, vectors)) == (
        "A1   1 of 1 vectors pass\n"
        "B4   2 of 2 vectors pass\n"
        "D1   1 of 1 vectors pass\n"
        "D6   0 of 1 vectors pass\n"
        "     D6-scope: a scope and a fallback scope\n"
        '       function: {"image": "ghcr.io/lucasroesler/my-function:latest", "build_cache": "max"}\n'
        '       flags: {"scope": "dev", "fallback_scopes": ["main"]}\n'
        '       env: expected {"DOCKER_BUILDKIT": "1"}, got {}\n'
        "4 of 5 vectors pass\n"
    )


@pytest.mark.parametrize("source", [None, "proposal"])
def test_generated_cases_pass_for_ours(source: Any) -> None:  # noqa: ANN401  # a source
    """This package gives its own answers."""
    assert find_difference(answer, 50, source=source) is None


def test_the_first_difference_is_shrunk() -> None:
    """Of the generated cases that differ, the smallest is reported."""
    case = find_difference(without_env, 200, source="proposal")
    assert case is not None
    assert report_case(case) == (
        "a generated case differs:\n"
        '       function: {"image": "0", "build_cache": "inline"}\n'
        '       env: expected {"DOCKER_BUILDKIT": "1"}, got {}\n'
    )


def test_an_answer_that_changes_is_a_difference() -> None:
    """A program that answers the same input in two ways is wrong, whichever is right."""
    answers = iter([False] + 100 * [True])

    def ask(question: Question) -> Answer:
        return answer(question) if next(answers) else Answer(errors=("once",))

    case = find_difference(ask, 20)
    assert case is not None
    assert [(part, given) for part, _, given in case.differences] == [("errors", ["once"])]


def test_the_same_seed_gives_the_same_cases() -> None:
    """Cases depend on the seed alone."""

    def questions(seed: int) -> list[object]:
        asked: list[object] = []

        def ask(question: Question) -> Answer:
            asked.append(question.to_json())
            return answer(question)

        find_difference(ask, 20, seed=seed)
        return asked

    assert questions(1) == questions(1) != questions(2)


def test_a_program_that_fails_is_asked_no_more() -> None:
    """An error of the program is raised as it is, at once."""
    asked = 0

    def ask(*_: object) -> Answer:
        nonlocal asked
        asked += 1
        raise program_failed("it hangs", "fix it")

    with pytest.raises(ProgramFailed) as caught:
        find_difference(ask, 20)
    assert (asked, caught.value) == (1, program_failed("it hangs", "fix it"))


def test_without_hypothesis_there_are_no_generated_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the error says how to install it."""
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(InvalidInput) as caught:
        find_difference(answer, 1)
    assert caught.value.diagnostics == (
        Diagnostic(
            name="invalid-argument",
            message="`--generated` needs Hypothesis, which is not installed",
            hint="run `pip install 'faas-cache[testing]'`",
        ),
    )
