"""The output formats of `check`."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from faas_cache.cli.formats import FORMATTERS
from faas_cache.model.catalogue import CATALOGUE
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.text import escape
from faas_cache.serialization import to_dict

VECTORS = Path(__file__).parents[1] / "vectors"
SARIF = Draft202012Validator(json.loads((VECTORS / "sarif-2.1.0-reduced.schema.json").read_text()))
GITLAB = Draft202012Validator(
    json.loads((VECTORS / "gitlab-code-quality-reduced.schema.json").read_text())
)
ERROR = Diagnostic(
    name="invalid-mode",
    severity="error",
    message="100 % wrong",
    hint="write\nmode",
    location=Location(file="a,b: c%.yaml", line=3, column=5, path=("functions", "fn")),
)
WARNING = Diagnostic(name="invalid-mode", severity="warning", message="m", url="")
NOTE = Diagnostic(
    name="unknown-version", severity="note", message="\x1b[31m", location=Location(file="x")
)
TEXT = st.text(min_size=1)
DIAGNOSTICS = st.lists(
    st.builds(
        Diagnostic,
        name=st.sampled_from(sorted(CATALOGUE)),
        severity=st.sampled_from(("error", "warning", "note")),
        message=TEXT,
        hint=st.text(),
        location=st.builds(
            Location,
            file=st.none() | TEXT.map(lambda text: f"f{text}"),
            line=st.none() | st.integers(1, 99),
            column=st.none() | st.integers(1, 99),
            path=st.lists(TEXT | st.integers(0, 9), max_size=3).map(tuple),
        ),
    ),
    max_size=4,
)


def output(kind: str, *diagnostics: Diagnostic) -> Any:  # noqa: ANN401  # JSON
    """The JSON that a formatter writes."""
    return json.loads(FORMATTERS[kind](diagnostics))


def test_json_is_for_programs() -> None:
    """The forms of `to_dict`."""
    forms = [to_dict(ERROR), to_dict(NOTE)]
    assert output("json", ERROR, NOTE) == json.loads(json.dumps({"diagnostics": forms}))


@pytest.mark.parametrize(
    ("diagnostic", "line"),
    [
        (
            ERROR,
            "::error file=a%2Cb%3A c%25.yaml,line=3,col=5,title=invalid-mode::"
            "functions.fn%0A100 %25 wrong%0Awrite%0Amode%0A" + ERROR.url,
        ),
        (WARNING, "::warning title=invalid-mode::m"),
        (
            NOTE,
            "::notice file=x,title=unknown-version::\\x1b[31m%0A" + NOTE.url,
        ),
    ],
)
def test_github_shows_annotations(diagnostic: Diagnostic, line: str) -> None:
    """What would end a property or a line is escaped; what has no file is not given one."""
    assert FORMATTERS["github"]((diagnostic,)) == f"{line}\n"


def test_gitlab_shows_findings() -> None:
    """Each beside a line of a file, with an identity."""
    findings = output("gitlab", ERROR, WARNING, NOTE)
    assert [
        (f["check_name"], f["severity"], f["location"]["path"], f["location"]["lines"]["begin"])
        for f in findings
    ] == [
        ("invalid-mode", "major", "a,b: c%.yaml", 3),
        ("invalid-mode", "minor", "stack.yaml", 1),
        ("unknown-version", "info", "x", 1),
    ]
    assert findings[0]["description"] == f"functions.fn\n100 % wrong\nwrite\nmode\n{ERROR.url}"


def test_a_finding_that_moves_is_not_a_new_one() -> None:
    """Two equal ones are two; another message is another finding."""

    def at(line: int, message: str = "m") -> Diagnostic:
        location = Location(file="x", line=line)
        return Diagnostic(name="invalid-mode", message=message, location=location)

    first, second = (f["fingerprint"] for f in output("gitlab", at(1), at(2)))
    (moved,) = (f["fingerprint"] for f in output("gitlab", at(9)))
    (other,) = (f["fingerprint"] for f in output("gitlab", at(1, "n")))
    assert (first == moved, len({first, second, other})) == (True, 3)


def test_sarif_is_for_code_scanning() -> None:
    """Rules once each; results with their level and location."""
    (run,) = output("sarif", ERROR, WARNING, NOTE)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [
        "invalid-mode",
        "unknown-version",
    ]
    assert [(r["ruleIndex"], r["level"], "locations" in r) for r in run["results"]] == [
        (0, "error", True),
        (0, "warning", False),
        (1, "note", True),
    ]
    assert run["results"][0]["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "a%2Cb%3A%20c%25.yaml"},
                "region": {"startLine": 3, "startColumn": 5},
            }
        }
    ]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("https://h:1/a%20b?c=d#e", "https://h:1/a%20b?***"),
        ("ci/c:stack.yaml", "ci/c%3Astack.yaml"),
        ("\udcff.yaml", "%FF.yaml"),
        ("\ud800.yaml", "%3F.yaml"),
    ],
)
def test_a_file_is_a_reference(file: str, uri: str) -> None:
    """A URL stays one; nothing else in a name is read as a part of one."""
    item = Diagnostic(name="invalid-mode", message="m", location=Location(file=file))
    (result,) = output("sarif", item)["runs"][0]["results"]
    assert result["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": uri}}}]


def test_a_diagnostic_that_is_not_in_the_catalogue_is_a_rule_without_a_description() -> None:
    """A program may have names of its own."""
    own = Diagnostic(name="my-rule", message="m")
    (run,) = output("sarif", own)["runs"]
    assert run["tool"]["driver"]["rules"] == [
        {"id": "my-rule", "shortDescription": {"text": "my-rule"}}
    ]


@given(diagnostics=DIAGNOSTICS)
def test_sarif_is_valid(diagnostics: list[Diagnostic]) -> None:
    """By a reduced schema of our own, which says what it leaves out."""
    SARIF.validate(output("sarif", *diagnostics))


@given(diagnostics=DIAGNOSTICS)
def test_gitlab_is_valid(diagnostics: list[Diagnostic]) -> None:
    """By a reduced schema of our own; no fingerprint appears twice."""
    findings = output("gitlab", *diagnostics)
    GITLAB.validate(findings)
    assert len({finding["fingerprint"] for finding in findings}) == len(findings)


@given(diagnostics=DIAGNOSTICS)
def test_each_workflow_command_is_one_line(diagnostics: list[Diagnostic]) -> None:
    """Whatever a message holds, it cannot add a command of its own."""
    lines = FORMATTERS["github"](diagnostics).split("\n")
    assert (len(lines), lines.pop()) == (len(diagnostics) + 1, "")
    pattern = re.compile(r"::(error|warning|notice) [^:]*title=[a-z-]+::[^\r\n]*")
    assert [line for line in lines if not pattern.fullmatch(line)] == []


@given(diagnostics=DIAGNOSTICS, kind=st.sampled_from(sorted(FORMATTERS)))
def test_no_format_has_control_characters(diagnostics: list[Diagnostic], kind: str) -> None:
    """Nor marks that reorder text; only what is an annotation is a workflow command."""
    text = FORMATTERS[kind](diagnostics)
    if kind == "github":
        lines = text.splitlines()
        assert len(lines) == len(diagnostics)
        text = "\n".join(line.removeprefix("::") for line in lines)
    assert escape(text) == text
