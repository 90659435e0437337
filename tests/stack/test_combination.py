"""Several stack files as one `Stack`."""

import pytest

from faas_cache.model.diagnostics import Location
from faas_cache.model.errors import InvalidInput, InvalidStack
from faas_cache.stack.combination import CombinedStack, combine
from faas_cache.stack.positions import Position
from faas_cache.stack.stack_file import Stack

HEAD = "provider: {name: openfaas}\nfunctions:\n"


def loads(text: str, file: str) -> Stack:
    """One stack, as far as it can be read."""
    try:
        return Stack.loads(HEAD + text, {}, file=file)
    except InvalidStack as error:
        assert error.stack is not None
        return error.stack  # type: ignore[no-any-return]  # a lower package does not know `Stack`


def combined() -> CombinedStack:
    """Two files: one with an invalid function, one with an unknown key."""
    a = loads("  fn: {image: a}\n  bad: 1\n", "a.yml")
    b = loads("  # a comment\n  fn: {image: b, zz: 1}\n", "b.yml")
    return combine({"a.yml": a, "b.yml": b})


def test_names_have_their_file() -> None:
    """Those of invalid functions, too."""
    stack = combined()
    assert (list(stack.functions), stack.invalid_functions, stack.is_combined) == (
        ["a.yml: fn", "b.yml: fn"],
        ("a.yml: bad",),
        True,
    )
    assert [spec.name for spec in stack.functions.values()] == ["a.yml: fn", "b.yml: fn"]


def test_diagnostics_name_the_function_and_keep_their_location() -> None:
    """File, line and column are those of the file."""
    locations = [diagnostic.location for diagnostic in combined().diagnostics]
    assert locations == [
        Location(file="a.yml", line=4, column=3, path=("functions", "a.yml: bad")),
        Location(file="b.yml", line=4, column=18, path=("functions", "b.yml: fn", "zz")),
    ]


def test_a_diagnostic_of_the_file_is_left_alone() -> None:
    """It is about no function."""
    stack = loads("  fn: {image: a}\n---\nx: 1\n", "a.yml")
    assert combine({"a.yml": stack}).diagnostics == stack.diagnostics != ()


def test_locations_are_found_in_the_file_of_the_function() -> None:
    """One that is known already, and one of no function here, are left alone."""
    path = ("functions", "b.yml: fn", "image")
    given = [
        Location(path=path),
        Location(path=("functions", "a.yml: fn")),
        Location(path=path, file="x", line=1, column=1),
        Location(path=("functions", "c.yml: fn")),
        Location(path=("functions",)),
        Location(path=("--tag",)),
    ]
    assert combined().locations(given) == (
        Location(path=path, file="b.yml", line=4, column=8),
        Location(path=("functions", "a.yml: fn"), file="a.yml", line=3, column=3),
        *given[2:],
    )


def test_a_key_path_is_located_in_its_file() -> None:
    """As in that file alone."""
    position = combined().locate(("functions", "b.yml: fn", "image"))
    assert position == Position(line=4, column=8)


@pytest.mark.parametrize("path", [("functions", "fn"), "functions.fn", ("configuration",)])
def test_another_key_path_raises(path: tuple[str, ...] | str) -> None:
    """There is no telling in which file it is."""
    with pytest.raises(InvalidInput, match="does not name a function of the stack files"):
        combined().locate(path)


def test_one_file_has_short_names() -> None:
    """What a combined stack does to names, another does not."""
    stack = loads("  fn: {image: a}\n", "a.yml")
    assert (stack.own_name("fn"), stack.full_names(["fn"]), stack.is_combined) == (
        "fn",
        ("fn",),
        False,
    )
