"""The vectors as a file: what each row holds, and that all rules have one."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from documents import PAGES, fences

from faas_cache.conformance.vectors import load_vectors
from faas_cache.model.catalogue import CATALOGUE

ROWS = [
    json.loads(line)
    for line in files("faas_cache.conformance").joinpath("vectors.jsonl").read_text().splitlines()
]
INPUT = ["id", "rule", "source", "why", "function", "flags"]
# The rules of one function; those of a builder, of several functions and of stack files follow.
RULES = [
    *(f"A{n}" for n in range(1, 5)),
    *(f"B{n}" for n in range(1, 6)),
    *(f"C{n}" for n in range(1, 14)),
    *(f"D{n}" for n in range(1, 12)),
    *("E1", "E2", "E4", "E5", "E6"),
]
# The rules of the proposal among them: all others are marked (ext).
PROPOSAL_RULES = ["A1", "A2", "B1", "B2", "C2", "C3", "C4", "C5", "C6", "C7", "D2"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_row_has_the_keys_of_the_format(row: dict[str, object]) -> None:
    """An input, then a plan or errors, then what this package reports besides."""
    keys = [key for key in row if key not in ("diagnostics", "configuration", "environ")]
    plan = ["cache_from", "cache_to", "build_args", "env"]
    assert keys in ([*INPUT, *plan], [*INPUT, "errors"])
    assert set(row.get("errors", ())) <= set(CATALOGUE)  # type: ignore[call-overload]  # a list of names


def test_rows_are_in_the_order_of_the_rules() -> None:
    """Every rule of one function has vectors, in the order of the rules."""
    assert list(dict.fromkeys(vector.rule for vector in load_vectors())) == RULES


def test_ids_begin_with_the_rule() -> None:
    """An id is a worked case or begins with the number of its rule, and there is no other such id."""
    ids = [vector.id for vector in load_vectors()]
    assert len(set(ids)) == len(ids)
    assert [
        vector.id
        for vector in load_vectors()
        if not vector.id.startswith((f"{vector.rule}-", "case-"))
    ] == []


def test_the_proposal_has_vectors_for_each_of_its_rules() -> None:
    """The vectors of the proposal are about its rules, and none expects an error of ours."""
    vectors = load_vectors("proposal")
    assert list(dict.fromkeys(vector.rule for vector in vectors)) == PROPOSAL_RULES
    assert [vector.id for vector in vectors if vector.expected.errors] == []


def test_sources_part_the_vectors() -> None:
    """Each vector belongs to one source."""
    parts = load_vectors("proposal") + load_vectors("extension")
    assert sorted(vector.id for vector in parts) == sorted(vector.id for vector in load_vectors())


def test_the_example_of_the_documentation_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The Python example of conformance.md prints what the page shows."""
    blocks = {fence.info: fence.text for fence in fences(PAGES["conformance.md"].read_text())}
    exec(blocks["python run"], {})
    assert capsys.readouterr().out == blocks["text output"]
