"""The catalogue: its rows, and that every name in the code is one of them."""

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

import faas_cache
from faas_cache.model.catalogue import CATALOGUE, Condition
from faas_cache.model.diagnostics import Diagnostic

ROOT = Path(faas_cache.__file__).parent
# The functions and methods whose first argument, or whose `name`, is the name of a diagnostic.
REPORTERS = {"Diagnostic", "report", "_Sentence"}


def names(source: str) -> Iterator[str]:
    """The names of diagnostics that are written as strings in calls."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        called = (
            function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        )
        if called not in REPORTERS:
            continue
        arguments = [keyword.value for keyword in node.keywords if keyword.arg == "name"]
        if called == "report":
            arguments += node.args[:1]
        for argument in arguments:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def test_every_name_in_the_code_is_in_the_catalogue() -> None:
    """A diagnostic without a row has no rule, no page and no section in the documentation."""
    used = {name for path in ROOT.rglob("*.py") for name in names(path.read_text())}
    assert sorted(used - CATALOGUE.keys()) == []


def test_every_row_is_used() -> None:
    """A name that nothing reports any more is removed."""
    code = "".join(path.read_text() for path in ROOT.rglob("*.py") if path.stem != "catalogue")
    assert [name for name in CATALOGUE if f'"{name}"' not in code] == []


def test_names_are_read_from_calls() -> None:
    """The names of `Diagnostic(name=…)` and `report(…)` count, other strings do not."""
    source = "Diagnostic(name='a'); faults.report('b', 'c'); Diagnostic(name=x); print('d'); f()()"
    assert list(names(source)) == ["a", "b"]


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_row_is_complete(name: str) -> None:
    """A name is kebab-case, a summary is a clause, and there is a page to read."""
    condition = CATALOGUE[name]
    assert name.replace("-", "").isalpha()
    assert name == name.lower()
    assert condition.rule == "" or (condition.rule[0] in "ABCDEFG" and condition.rule[1:].isdigit())
    assert set(condition.severities) <= {"error", "warning", "note"}
    assert condition.severities
    assert not condition.summary.endswith(".")
    assert condition.url.startswith("https://")


def test_a_diagnostic_has_the_rule_and_the_page_of_its_name() -> None:
    """The catalogue is the default; both can be replaced, and a name of its own has neither."""
    named = Diagnostic(name="cache-overwrites-image", message="m")
    condition = CATALOGUE["cache-overwrites-image"]
    assert (named.rule, named.url) == (condition.rule, condition.url)
    other = Diagnostic(name="cache-overwrites-image", message="m", rule="E5", url="")
    own = Diagnostic(name="mine", message="m")
    assert (other.rule, other.url, own.rule, own.url) == ("E5", "", "", "")


def test_the_catalogue_is_a_value() -> None:
    """The catalogue cannot change, and its rows compare and can be pickled."""
    assert pickle.loads(pickle.dumps(CATALOGUE)) == CATALOGUE
    assert isinstance(CATALOGUE["invalid-type"], Condition)
    with pytest.raises(TypeError, match="a FrozenMap cannot change"):
        CATALOGUE.clear()
