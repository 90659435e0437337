"""Cases with the answers of the real programs: drone/envsubst, yaml.v3 and RE2.

Ours are in `tests/vectors/`; the large collections are replayed where they are present.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from faas_cache.model.errors import InvalidInput, InvalidStack
from faas_cache.stack.selection import match_regex
from faas_cache.stack.stack_file import Stack
from faas_cache.stack.substitution import substitute

OURS = Path(__file__).parents[1] / "vectors"
SHARED = Path(__file__).parents[3] / "shared" / "vectors"

# How the decoded fields of go-sdk are named in a spec.
FIELDS = {
    "Language": "lang",
    "Handler": "handler",
    "Image": "image",
    "BuildArgs": "build_args",
    "BuildOptions": "build_options",
    "BuildSecrets": "build_secrets",
    "SkipBuild": "skip_build",
    "Platforms": "platforms",
}


def rows(path: Path) -> list[dict[str, Any]]:
    """The cases of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def substituted(source: str, environ: Mapping[str, str]) -> str | None:
    """The text; None where it is rejected."""
    try:
        return substitute(source, environ).text
    except InvalidStack:
        return None


def decoded(text: str) -> dict[str, Any] | None:
    """What a build needs of a file; None where it is rejected."""
    try:
        stack = Stack.loads(text, {})
    except InvalidStack:
        return None
    functions = {
        name: {field: getattr(spec, field) for field in FIELDS.values()}
        for name, spec in stack.functions.items()
    }
    return {"functions": functions, "copy": stack.copy_extra_paths, "templates": stack.templates}


def completed(functions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The same fields of the functions of a case, empty where the case leaves them out."""
    empty: dict[str, Any] = dict.fromkeys(FIELDS.values(), "")
    empty |= {"build_args": {}, "build_options": (), "build_secrets": {}}
    empty |= {"skip_build": False, "platforms": ""}
    result = {}
    for name, given in functions.items():
        fields = empty | dict(given)
        platforms = (word.strip() for word in fields["platforms"].split(","))
        result[name] = fields | {
            "build_options": tuple(fields["build_options"]),
            "platforms": tuple(filter(None, platforms)),
        }
    return result


def matched(regex: str, names: list[str]) -> list[str] | None:
    """The names that an expression matches; None where it is rejected."""
    try:
        matches = match_regex(regex)
    except InvalidInput:
        return None
    return [name for name in names if matches(name)]


def case_id(case: dict[str, Any]) -> str:
    """The id of a case."""
    return str(case["id"])


@pytest.mark.parametrize("case", rows(OURS / "substitutions.jsonl"), ids=case_id)
def test_a_substitution(case: dict[str, Any]) -> None:
    """What drone/envsubst makes of a text, or that it rejects it."""
    assert substituted(case["source"], case["environ"]) == case.get("text")


@pytest.mark.parametrize("case", rows(OURS / "decodings.jsonl"), ids=case_id)
def test_a_decoding(case: dict[str, Any]) -> None:
    """What yaml.v3 decodes of a file, or that it rejects it."""
    expected = None
    if "functions" in case:
        expected = {
            "functions": completed(case["functions"]),
            "copy": tuple(case["copy"]),
            "templates": case["templates"],
        }
    assert decoded(case["text"]) == expected


@pytest.mark.parametrize("case", rows(OURS / "expressions.jsonl"), ids=case_id)
def test_an_expression(case: dict[str, Any]) -> None:
    """Which names RE2 matches, or that it rejects the expression."""
    assert matched(case["regex"], case.get("names", [])) == case.get("matched")


@pytest.mark.shared
def test_every_substitution() -> None:
    """All of drone/envsubst's; where it crashes, any clear answer will do."""
    cases = [case for case in rows(SHARED / "envsubst.jsonl") if not case.get("panic")]
    answers = [substituted(case["text"], case["env"]) for case in cases]
    assert answers == [case.get("result") for case in cases]


@pytest.mark.shared
def test_every_decoding() -> None:
    """All of yaml.v3's."""
    for case in rows(SHARED / "stack_decode.jsonl"):
        expected = None
        if "decoded" in case:
            functions = {
                name: {FIELDS[key]: value for key, value in fields.items() if key in FIELDS}
                for name, fields in case["decoded"]["functions"].items()
            }
            copy = tuple(case["decoded"]["copy"] or ())
            expected = {"functions": completed(functions), "copy": copy, "templates": {}}
        assert decoded(case["text"]) == expected, case["text"]


@pytest.mark.shared
def test_every_expression() -> None:
    """What RE2 rejects; the lists of matches in this collection are empty and not compared."""
    cases = rows(SHARED / "regex.jsonl")
    accepted = [matched(case["regex"], []) is not None for case in cases]
    assert accepted == [not case.get("error") for case in cases]
