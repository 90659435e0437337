"""The protocol: questions and answers as lines of JSON, and what is not an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faas_cache.conformance.protocol import Answer, Question, answer, compare, read_answer, serve
from faas_cache.conformance.strategies import cases
from faas_cache.conformance.vectors import load_vectors
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.runner.dialogs import ProgramFailed

FULL = Answer(
    cache_from=("a/b:c",),
    cache_to=("type=gha",),
    build_args=FrozenMap(A="1"),
    env=FrozenMap(DOCKER_BUILDKIT="1"),
)
HINT = 'print one line of JSON for each line: `{"id": …, "cache_from": […], …}`'


@pytest.mark.parametrize("made", [Answer(), FULL, Answer(errors=("a", "b"))])
def test_an_answer_is_read_as_it_is_written(made: Answer) -> None:
    """An answer is the same after JSON."""
    assert read_answer("x", json.dumps({"id": "x", **made.to_json()})) == made


def test_no_errors_are_an_answer_with_entries() -> None:
    """An empty list of errors is as good as none: the other keys count, and are needed."""
    data = {"id": "x", "errors": [], **FULL.to_json()}
    assert read_answer("x", json.dumps(data)) == FULL
    with pytest.raises(ProgramFailed, match="has no key 'cache_from'"):
        read_answer("x", '{"id": "x", "errors": []}')


def test_errors_are_a_set() -> None:
    """The order of errors does not count, and neither do repetitions."""
    assert read_answer("x", '{"id": "x", "errors": ["b", "a", "b"]}') == Answer(errors=("a", "b"))


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("Traceback", "expected JSON, got `Traceback`", HINT),
        ("", "expected JSON, got ``", HINT),
        (100_000 * "[", f"expected JSON, got `{60 * '['}`", HINT),
        ("[1]", "expected an object, got `[1]`", HINT),
        ('{"id": "y"}', 'expected the answer to `x`, got `{"id": "y"}`', "answer the lines one by one, each with its `id`"),
        ('{"id": "x"}', "the answer to `x` has no key 'cache_from'", HINT),
        ('{"id": "x", "cache_from": [], "cache_to": [], "build_args": {}}', "the answer to `x` has no key 'env'", HINT),
        ('{"id": "x", "errors": {}}', "in the answer to `x`, `errors` is not a list of strings", HINT),
        ('{"id": "x", "errors": [1]}', "in the answer to `x`, `errors` is not a list of strings", HINT),
        ('{"id": "x", "cache_from": [], "cache_to": [], "build_args": [], "env": {}}', "in the answer to `x`, `build_args` is not an object of strings", HINT),
        ('{"id": "x", "cache_from": [], "cache_to": [], "build_args": {"A": 1}, "env": {}}', "in the answer to `x`, `build_args` is not an object of strings", HINT),
    ],
)  # fmt: skip
def test_a_line_that_is_not_an_answer(line: str, message: str, hint: str) -> None:
    """Each kind of garbage is an error that shows it."""
    with pytest.raises(ProgramFailed) as caught:
        read_answer("x", line)
    assert caught.value.diagnostics == (
        Diagnostic(name="program-failed", message=message, hint=hint),
    )


@settings(deadline=None)
@given(st.text())
def test_any_line_is_an_answer_or_an_error(line: str) -> None:
    """Any text is read or raises `ProgramFailed`."""
    try:
        read_answer("x", line)
    except ProgramFailed:
        return


@pytest.mark.parametrize(
    ("expected", "actual", "differences"),
    [
        (FULL, FULL, ()),
        (FULL, Answer(), (("cache_from", ["a/b:c"], []), ("cache_to", ["type=gha"], []), ("build_args", {"A": "1"}, {}), ("env", {"DOCKER_BUILDKIT": "1"}, {}))),
        (Answer(), Answer(errors=("a",)), (("errors", [], ["a"]),)),
        (Answer(errors=("a",)), Answer(errors=("b",)), (("errors", ["a"], ["b"]),)),
        (Answer(errors=("a",)), Answer(), (("errors", ["a"], Answer().to_json()),)),
    ],
)  # fmt: skip
def test_differences(expected: Answer, actual: Answer, differences: object) -> None:
    """A difference has the part, what was expected and what was given."""
    assert compare(expected, actual) == differences


@pytest.mark.parametrize("vector", load_vectors(), ids=lambda vector: vector.id)
def test_serve_answers_as_the_vectors_say(vector: Any) -> None:  # noqa: ANN401  # a parameter
    """The program of this package gives the expected answer of each vector, as a line."""
    lines: list[str] = []
    serve([json.dumps(vector.question.to_json())], lines.append)
    assert [read_answer(vector.id, line) for line in lines] == [vector.expected]


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        "[1]",
        '{"id": "x"}',
        '{"id": "x", "function": {"image": "a"}, "flags": {"bad": 1}}',
        '{"id": "x", "function": {"image": "a"}, "more": 1}',
        '{"id": "x", "function": {"image": "a"}, "configuration": "max"}',
        '{"id": "x", "function": {"image": "a"}, "environ": [1]}',
    ],
)
def test_a_line_that_is_not_a_question(line: str) -> None:
    """It is an error that shows the line."""
    with pytest.raises(InvalidInput, match="expected a question, got"):
        serve([f"{line}\n"], print)


@settings(deadline=None)
@given(cases())
def test_every_question_has_an_answer(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """A generated case gives a plan or errors, and no other exception; its answer survives JSON."""
    made = answer(Question(id="x", function=case[0], flags=case[1]))
    assert read_answer("x", json.dumps({"id": "x", **made.to_json()})) == made
