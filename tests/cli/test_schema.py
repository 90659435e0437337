"""`faas-cache schema`."""

import json
from importlib.resources import files

import pytest

from faas_cache.cli.main import main
from faas_cache.stack.json_schema import json_schema


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """It is JSON on standard output, as the package generates it."""
    assert main(["schema"]) == 0
    out, err = capsys.readouterr()
    assert (json.loads(out), err) == (json_schema(), "")
    assert main(["schema", "stack"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema()


def test_the_schema_of_a_report_is_that_of_the_values(capsys: pytest.CaptureFixture[str]) -> None:
    """It says what each name counts; the schema of all values is shipped beside it."""
    assert main(["schema", "report"]) == 0
    schema = json.loads(capsys.readouterr().out)
    shipped = json.loads((files("faas_cache") / "docs" / "values.schema.json").read_text())
    assert schema["oneOf"] == [
        form for form in shipped["oneOf"] if form["$ref"] == "#/$defs/BuildResult"
    ]
    definitions = schema["$defs"]
    assert definitions == {name: shipped["$defs"][name] for name in definitions}
    report = definitions["CacheReport"]["properties"]
    assert {name: report[name]["description"] for name in ("cached", "total", "hit_ratio")} == {
        "cached": "How many of the instructions came from the cache.",
        "total": "How many instructions there are: those that came from the cache, and those that ran.",
        "hit_ratio": "The share of the instructions that came from the cache.",
    }
    assert definitions["FunctionResult"]["properties"]["digest"]["description"] == (
        "The digest of its image, `None` unless the builder or the push printed it."
    )


def test_an_unknown_schema_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """With what was probably meant."""
    assert main(["schema", "reprot"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: unknown schema `reprot` [invalid-argument]",
        "    did you mean `report`?",
    ]
