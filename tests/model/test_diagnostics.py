"""Diagnostics: what they print, what they accept, and that they show no secret."""

import pickle
from pathlib import PurePosixPath
from typing import Any

import attrs
import pytest

from faas_cache.model.diagnostics import (
    Diagnostic,
    FaasCacheError,
    Location,
    errors,
    nearest,
    path_text,
    type_name,
)

ERROR = Diagnostic(
    name="cache-overwrites-image",
    message="the cache would overwrite the image `a/b:1`",
    location=Location(path=("build_cache", "to", 1), file="stack.yaml", line=3, column=5),
    hint="write another tag",
    url="https://example.com",
)


def test_a_diagnostic_prints_location_message_hint_and_page() -> None:
    """The location comes first; each caller adds the keys that it knows."""
    assert str(ERROR.under("functions", "fn")) == (
        "stack.yaml:3:5: functions.fn.build_cache.to[1]: error: the cache would overwrite the image "
        "`a/b:1` [cache-overwrites-image]\n"
        "    write another tag\n"
        "    https://example.com"
    )
    assert str(Diagnostic(name="x", severity="note", message="m")) == "note: m [x]"


PATHS: list[tuple[tuple[str | int, ...], str]] = [
    ((), ""),
    (("a", "b-c_d", 0), "a.b-c_d[0]"),
    (("a", "b.c"), "a['b.c']"),
    (("x" * 70,), f"['{'x' * 60}…']"),
    (("a", ""), "a['']"),
    ((0, "a"), "[0].a"),
    (("https://me:hunter2@host",), "['https://***@host']"),
    ((f"https://{'u' * 60}:hunter2@host",), "['https://***@host']"),
]


@pytest.mark.parametrize(("path", "text"), PATHS)
def test_a_key_path_reads_like_the_keys(path: tuple[str | int, ...], text: str) -> None:
    """Keys are joined by dots; unusual keys are quoted, masked and cut."""
    assert path_text(path) == text


LOCATIONS = {
    "unknown": (Location(), ""),
    "file": (Location(file="stack.yaml"), "stack.yaml"),
    "position": (Location(line=3, column=5), "3:5"),
    "path": (Location(path=("a", 1)), "a[1]"),
    "all": (Location(path=("a",), file="stack.yaml", line=3), "stack.yaml:3: a"),
}


@pytest.mark.parametrize("name", LOCATIONS)
def test_a_location_reads_like_a_compilers(name: str) -> None:
    """File, line and column as far as they are known, then the key path."""
    location, text = LOCATIONS[name]
    assert str(location) == text


def test_a_location_converts_lists_and_paths() -> None:
    """A list of keys becomes a tuple, a path its text."""
    path: Any = ["a", 1]
    location = Location(path=path, file=PurePosixPath("a/stack.yaml"))
    assert location == Location(path=("a", 1), file="a/stack.yaml")


class BytesPath:
    """A path whose text is bytes."""

    def __fspath__(self) -> bytes:
        """The path as bytes."""
        return b"stack.yaml"


WRONG: list[tuple[type, dict[str, Any], str]] = [
    (Location, {"path": "a"}, "path: error: expected a list of keys and indices, got `a`"),
    (Location, {"path": 1}, "path: error: expected a list of keys and indices, got an integer"),
    (Location, {"path": (None,)}, "path: error: expected a list of keys and indices, got null"),
    (Location, {"file": 1}, "file: error: expected a path, got an integer"),
    (
        Location,
        {"file": BytesPath()},
        "file: error: expected a path, got a value of type `BytesPath`",
    ),
    (Location, {"line": "3"}, "line: error: expected an integer, got `3`"),
    (Location, {"column": True}, "column: error: expected an integer, got a boolean"),
    (Diagnostic, {"name": 1}, "name: error: expected a string, got an integer"),
    (Diagnostic, {"message": None}, "message: error: expected a string, got null"),
    (Diagnostic, {"hint": []}, "hint: error: expected a string, got a list"),
    (Diagnostic, {"rule": 4}, "rule: error: expected a string, got an integer"),
    (Diagnostic, {"url": {}}, "url: error: expected a string, got a mapping"),
    (
        Diagnostic,
        {"severity": "fatal"},
        "severity: error: expected `error`, `warning` or `note`, got `fatal`",
    ),
    (
        Diagnostic,
        {"severity": []},
        "severity: error: expected `error`, `warning` or `note`, got a list",
    ),
    (Diagnostic, {"location": "here"}, "location: error: expected a `Location`, got `here`"),
]


@pytest.mark.parametrize(("kind", "wrong", "text"), WRONG, ids=[row[2] for row in WRONG])
def test_a_wrong_type_is_rejected_with_the_name_of_its_field(
    kind: type, wrong: dict[str, Any], text: str
) -> None:
    """The key path of the error is the name of the argument."""
    arguments = {"name": "x", "message": "m"} if kind is Diagnostic else {}
    with pytest.raises(FaasCacheError) as caught:
        kind(**{**arguments, **wrong})
    assert str(caught.value).splitlines()[0] == f"{text} [invalid-type]"


TYPES: list[tuple[object, str]] = [
    ("", "a string"),
    (True, "a boolean"),
    (1, "an integer"),
    (1.5, "a float"),
    ([], "a list"),
    ((), "a list"),
    (set(), "a set"),
    (frozenset(), "a set"),
    ({}, "a mapping"),
    (None, "null"),
    (b"", "a value of type `bytes`"),
]


@pytest.mark.parametrize(("value", "name"), TYPES)
def test_types_are_named_as_in_yaml(value: object, name: str) -> None:
    """A message names a type in the words of its reader, not of Python."""
    assert type_name(value) == name


def test_errors_are_those_that_stop_a_build() -> None:
    """Warnings and notes stop nothing."""
    note = Diagnostic(name="x", severity="note", message="m")
    assert errors([note, ERROR]) == (ERROR,)


def test_the_nearest_word_is_suggested() -> None:
    """Nothing is suggested if no word is similar."""
    assert (nearest("Mx", ["max", "inline"]), nearest("zzz", ["max"])) == (
        "did you mean `max`?",
        "",
    )


def test_a_diagnostic_is_a_value() -> None:
    """Diagnostics compare, hash and are pickled, and cannot change."""
    same = attrs.evolve(ERROR)
    assert (same, hash(same), pickle.loads(pickle.dumps(same))) == (ERROR, hash(ERROR), ERROR)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        ERROR.message = "other"  # type: ignore[misc]  # the change is the point


def test_no_secret_in_a_location() -> None:
    """A key with a password can be looked up by it, and is shown without."""
    error = Diagnostic(
        name="invalid-type", message="m", location=Location(path=("a", "https://me:hunter2@host"))
    )
    below = error.under("functions")
    assert error.location.path[1] == "https://me:hunter2@host"
    assert "hunter2" not in repr(error) + str(error) + repr(below) + str(below)
