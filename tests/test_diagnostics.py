"""Diagnostics and the exceptions that carry them."""

import pickle

import pytest

from faas_cache.diagnostics import Diagnostic, Place, errors, nearest, path_text
from faas_cache.exceptions import BuilderLacks, FaasCacheError, InvalidEntry

FAULT = Diagnostic(
    code="E4",
    message="one over the other",
    place=Place(path=("build_cache", "to", 1), file="stack.yaml", line=3, column=5),
    hint="write another",
    url="https://example.com",
)


def test_a_diagnostic_says_where_what_why_and_what_to_do() -> None:
    """The sentence of a diagnostic, prefixed by who knows more."""
    assert str(FAULT.under("functions", "fn")) == (
        "stack.yaml:3:5: functions.fn.build_cache.to[1]: error: one over the other [E4]\n"
        "    write another\n"
        "    https://example.com"
    )
    assert str(Diagnostic(code="x", severity="note", message="m")) == "note: m [x]"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a", "b-c_d", 0), "a.b-c_d[0]"),
        (("a", "b.c"), "a['b.c']"),
        (("x" * 70,), f"['{'x' * 60}…']"),
    ],
)
def test_path_text(path: tuple[str | int, ...], text: str) -> None:
    """A path reads like the keys that lead to it; odd keys are quoted."""
    assert path_text(path) == text


def test_errors_are_those_that_stop() -> None:
    """Warnings and notes stop nothing."""
    note = Diagnostic(code="x", severity="note", message="m")
    assert errors([note, FAULT]) == (FAULT,)


def test_nearest() -> None:
    """The nearest word is named, and none where nothing is near."""
    assert (nearest("Mx", ["max", "inline"]), nearest("zzz", ["max"])) == ("did you mean `max`?", "")


def test_exceptions_are_values() -> None:
    """Exceptions compare by type and diagnostics, survive pickling, and read as their diagnostics."""
    fault = InvalidEntry(FAULT)
    assert (fault, hash(fault)) == (InvalidEntry(FAULT), hash(InvalidEntry(FAULT)))
    assert (fault != BuilderLacks(FAULT), fault != "x") == (True, True)
    assert (pickle.loads(pickle.dumps(fault)), str(fault)) == (fault, str(FAULT))
    assert isinstance(fault, FaasCacheError)
    assert isinstance(fault, ValueError)
