"""Diagnostics: what is said, where, and that no secret is."""

import pickle

import attrs
import pytest

from faas_cache.model.diagnostics import Diagnostic, Location, errors, nearest, path_text

FAULT = Diagnostic(
    name="E4",
    message="one over the other",
    location=Location(path=("build_cache", "to", 1), file="stack.yaml", line=3, column=5),
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
    assert str(Diagnostic(name="x", severity="note", message="m")) == "note: m [x]"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a", "b-c_d", 0), "a.b-c_d[0]"),
        (("a", "b.c"), "a['b.c']"),
        (("x" * 70,), f"['{'x' * 60}…']"),
        (("a", ""), "a['']"),
        ((0, "a"), "[0].a"),
        (("https://me:hunter2@host",), "['https://***@host']"),
        ((f"https://{'u' * 60}:hunter2@host",), "['https://***@host']"),
    ],
)
def test_path_text(path: tuple[str | int, ...], text: str) -> None:
    """A path reads like the keys that lead to it; odd keys are quoted."""
    assert path_text(path) == text


def test_errors_are_those_that_stop() -> None:
    """Warnings and notes stop nothing."""
    note = Diagnostic(name="x", severity="note", message="m")
    assert errors([note, FAULT]) == (FAULT,)


def test_nearest() -> None:
    """The nearest word is named, and none where nothing is near."""
    assert (nearest("Mx", ["max", "inline"]), nearest("zzz", ["max"])) == (
        "did you mean `max`?",
        "",
    )


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Location(), ""),
        (Location(file="stack.yaml"), "stack.yaml"),
        (Location(line=3, column=5), "3:5"),
        (Location(path=("a", 1)), "a[1]"),
        (Location(path=("a",), file="stack.yaml", line=3), "stack.yaml:3: a"),
    ],
    ids=["nowhere", "file", "position", "path", "all"],
)
def test_a_place_reads_like_a_compilers(place: Location, text: str) -> None:
    """File, line and column as far as they are known, then the path."""
    assert str(place) == text


def test_a_diagnostic_is_a_value() -> None:
    """Diagnostics compare, hash and survive pickling, and cannot change."""
    same = attrs.evolve(FAULT)
    assert (same, hash(same), pickle.loads(pickle.dumps(same))) == (FAULT, hash(FAULT), FAULT)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        FAULT.message = "other"  # type: ignore[misc]  # the change is the point


def test_no_secret_in_a_place() -> None:
    """A key that holds a password leads to its place, and is shown without it."""
    fault = Diagnostic(
        name="type", message="m", location=Location(path=("a", "https://me:hunter2@host"))
    )
    assert fault.location.path[1] == "https://me:hunter2@host"
    assert "hunter2" not in repr(fault) + str(fault) + repr(fault.under("functions")) + str(
        fault.under("functions")
    )
