"""The collector of faults."""

import pytest

from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.errors import InvalidFunction, InvalidInput, InvalidStack
from faas_cache.model.faults import FaultCollector

ERROR = Diagnostic(name="invalid-type", message="expected a string, got a list")
NOTE = Diagnostic(name="unknown-version", severity="note", message="unknown version of docker")


def test_diagnostics_are_kept_in_order() -> None:
    """What is reported and what is added come in the order of the calls."""
    faults = FaultCollector()
    faults.report(
        "unknown-key", "unknown key `x` (ignored)", ("x",), "remove it", severity="warning"
    )
    faults.add(ERROR, NOTE)
    faults.report("empty-entry", "the entry is empty", rule="C1")
    warning = Diagnostic(
        name="unknown-key",
        severity="warning",
        message="unknown key `x` (ignored)",
        hint="remove it",
        location=Location(path=("x",)),
    )
    empty = Diagnostic(name="empty-entry", message="the entry is empty", rule="C1")
    assert faults.diagnostics == [warning, ERROR, NOTE, empty]
    assert faults.errors == (ERROR, empty)


def test_an_error_is_caught_with_its_key_path() -> None:
    """The key path of the caller comes first; another exception is not caught."""
    faults = FaultCollector()
    with faults.catch("functions", "fn"):
        raise InvalidInput(ERROR.under("image"), NOTE)
    assert faults.diagnostics == [
        ERROR.under("functions", "fn", "image"),
        NOTE.under("functions", "fn"),
    ]
    with faults.catch():
        pass
    with pytest.raises(KeyError), faults.catch():
        raise KeyError


def read(value: object, path: KeyPath) -> str:
    """A reader that accepts only strings."""
    if isinstance(value, str):
        return value
    raise InvalidInput(ERROR.under(*path))


def test_a_value_is_converted_or_reported() -> None:
    """The value of a reader that raises is `None`, and its diagnostics are collected."""
    faults = FaultCollector()
    assert (faults.convert(read, "x", ("a",)), faults.convert(read, 1, ("b",))) == ("x", None)
    assert faults.diagnostics == [ERROR.under("b")]


def test_a_limit_bounds_the_number_of_diagnostics() -> None:
    """What is more than the limit is dropped, and the collector says so."""
    faults = FaultCollector(limit=2)
    faults.add(ERROR, NOTE)
    assert (faults.full, len(faults.diagnostics)) == (False, 2)
    faults.add(NOTE, NOTE)
    assert (faults.full, faults.diagnostics) == (True, [ERROR, NOTE])


def test_errors_are_raised_together() -> None:
    """Everything is raised with the first error, and nothing without one."""
    faults = FaultCollector()
    faults.raise_errors(InvalidFunction)
    faults.add(NOTE)
    faults.raise_errors(InvalidFunction)
    faults.add(ERROR)
    with pytest.raises(InvalidStack) as caught:
        faults.raise_errors(InvalidStack, [NOTE])
    assert caught.value == InvalidStack(NOTE, ERROR, NOTE)
