"""The strategies give what they say: valid references, entries, functions and stack files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from faas_cache.conformance import strategies
from faas_cache.conformance.protocol import Question, answer
from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.references import Reference
from faas_cache.stack.stack_file import Stack


@settings(deadline=None)
@given(strategies.references(digests=True))
def test_references_are_valid(text: str) -> None:
    """Each reference parses."""
    assert str(Reference.parse(text)) == text


@pytest.mark.parametrize("side", ["from", "to"])
@settings(deadline=None)
@given(data=st.data())
def test_entries_of_the_proposal_are_valid(side: Any, data: st.DataObject) -> None:  # noqa: ANN401  # a side
    """Each entry of the proposal is a reference or has fields that buildx reads."""
    text = data.draw(strategies.entries(side, source="proposal"))
    parse_entries(text if "type=" in text or "=" not in text else f"type=registry,{text}")


@settings(deadline=None)
@given(strategies.cases(source="proposal"))
def test_cases_of_the_proposal_have_no_errors(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """The proposal's cases have a plan."""
    assert answer(Question(id="", function=case[0], flags=case[1])).errors == ()


@settings(deadline=None)
@given(strategies.functions(source="proposal"))
def test_functions_of_the_proposal_are_json(function: dict[str, Any]) -> None:
    """Functions are plain JSON data."""
    assert json.loads(json.dumps(function)) == function


@settings(deadline=None)
@given(strategies.stacks())
def test_stacks_are_stack_files(stack: dict[str, Any]) -> None:
    """A stack is a stack file without errors, whose functions have the settings of the data."""
    loaded = Stack.loads(json.dumps(stack), {}, envsubst=False)
    assert list(loaded.functions) == list(stack["functions"])


def is_invalid(function: dict[str, Any]) -> bool:
    """Whether a function has errors."""
    return bool(answer(Question(id="", function=function)).errors)


def test_functions_have_faults_and_others_have_none() -> None:
    """Both kinds are generated."""
    quick = settings(max_examples=500, database=None)
    assert is_invalid(find(strategies.functions(), is_invalid, settings=quick))
    valid = find(
        strategies.functions(),
        lambda f: "build_cache" in f and not is_invalid(f),
        settings=quick,
    )
    assert not is_invalid(valid)


@settings(deadline=None)
@given(strategies.entries("from"), strategies.entries("to"))
def test_entries_of_all_kinds_are_read_or_rejected(first: str, second: str) -> None:
    """Any generated entry is read or raises an error of this package."""
    for text in (first, second):
        try:
            parse_entries(text)
        except FaasCacheError:
            continue
