"""`Stack`: functions with faults beside those without, selection, locations, any input."""

import pickle
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidInput, InvalidStack
from faas_cache.stack.stack_file import Stack

HEAD = "version: 1.0\nprovider:\n  name: openfaas\n  gateway: http://127.0.0.1:8080\nfunctions:\n"


def test_aliases_and_merges_are_located_where_they_are_written() -> None:
    """A path through an anchor leads to the text behind it."""
    head = "x: &e\n  image: a\n  build_cache: &c\n    to: [a, b]\n"
    stack = Stack.loads(f"{head}{HEAD}  f:\n    <<: *e\n  g: {{build_cache: *c}}\n")
    assert [
        stack.locate(path)
        for path in ("functions.f.image", "functions.g.build_cache.to[1]", "functions.g.zzz")
    ] == [
        (2, 3),
        (4, 13),
        (12, 3),
    ]


FILTERS = [
    ("a", "a"),
    ("*", "a ab abc b"),
    ("a*", "a ab abc"),
    ("*b*", "ab abc b"),
    ("a*c", "abc"),
    ("", "a ab abc b"),
    ("*b", "ab b"),
    ("a*b*c", "abc"),
]


@pytest.mark.parametrize(("pattern", "expected"), FILTERS)
def test_filter(pattern: str, expected: str) -> None:
    """Only `*` is special, and the whole name must match."""
    text = HEAD + "  a: {}\n  ab: {}\n  abc: {}\n  b: {}\n"
    assert " ".join(Stack.loads(text, filter=pattern).functions) == expected


@pytest.mark.parametrize("pattern", ["?", "[a]", "A", "ab*ab", "b*b", "x*", "*z*b", "abcd*"])
def test_a_filter_without_a_match(pattern: str) -> None:
    """A filter that matches no function shows the functions of the file."""
    with pytest.raises(InvalidInput) as caught:
        Stack.loads(HEAD + "  ab: {}\n  a: {}\n", filter=pattern)
    assert [(d.name, d.message, d.hint) for d in caught.value.diagnostics] == [
        (
            "unknown-function",
            f"no function matches `--filter {pattern}`",
            "choose from `ab`, `a`",
        )
    ]


BROKEN = HEAD + "  a: {image: x}\n  b: {image: [x]}\n  c: {image: x, zz: 1}\n"


def test_a_fault_drops_only_its_function() -> None:
    """The stack in the error has the other functions, and all diagnostics with locations."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(BROKEN, file="s.yaml")
    stack = caught.value.stack
    assert (list(stack.functions), stack.invalid_functions) == (["a", "c"], ("b",))
    assert [(d.name, d.severity, str(d.location)) for d in stack.diagnostics] == [
        ("invalid-type", "error", "s.yaml:7:7: functions.b.image"),
        ("unknown-key", "warning", "s.yaml:8:17: functions.c.zz"),
    ]
    assert caught.value.diagnostics == stack.diagnostics[:1]
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy, copy.stack) == (caught.value, stack)


def test_a_fault_in_the_configuration_drops_no_function() -> None:
    """The rest of the configuration is kept, too."""
    text = HEAD + "  a: {image: x}\nconfiguration: {copy: x, templates: [{name: t, source: u}]}\n"
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(text)
    stack = caught.value.stack
    assert (list(stack.functions), stack.copy_extra_paths, stack.templates) == (
        ["a"],
        (),
        {"t": "u"},
    )


@pytest.mark.parametrize(
    ("selection", "functions", "invalid", "names"),
    [
        ({"filter": "a"}, ["a"], (), ["invalid-type"]),
        ({"filter": "b"}, [], ("b",), ["invalid-type"]),
        ({"regex": "[bc]"}, ["c"], ("b",), ["invalid-type"]),
        ({"filter": "z"}, [], ("b",), ["invalid-type", "unknown-function"]),
        ({"filter": "a", "regex": "a"}, [], ("b",), ["invalid-type", "conflicting-flags"]),
    ],
)
def test_selection_beside_faults(
    selection: dict[str, Any], functions: list[str], invalid: tuple[str, ...], names: list[str]
) -> None:
    """A function with faults can be selected; a selection that fails selects nothing."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(BROKEN, **selection)
    stack = caught.value.stack
    assert (list(stack.functions), stack.invalid_functions) == (functions, invalid)
    assert [d.name for d in caught.value.diagnostics] == names


def test_select() -> None:
    """A stack can be selected from later; nothing selects everything."""
    stack = Stack.loads(HEAD + "  ab: {}\n  a: {}\n")
    assert (list(stack.select("a").functions), stack.select()) == (["a"], stack)


def test_locate() -> None:
    """A path that is not in the file has the location of its nearest parent."""
    stack = Stack.loads(
        HEAD
        + "  fn:\n    image: a\n    build_cache:\n      from:\n        - x\n        - y\n  my.fn: {build_args: {A: b}, build_cache: {to: [[z]]}}\n"
    )
    paths: dict[str | tuple[str | int, ...], tuple[int, int]] = {
        ("functions", "fn"): (6, 3),
        ("functions", "fn", "build_cache", "from", 1): (11, 11),
        "functions.fn.build_cache.from[0]": (10, 11),
        ("functions", "fn", "image", 0): (7, 5),
        ("functions", "fn", "lang"): (6, 3),
        "functions['my.fn'].build_args.A": (12, 24),
        ("functions", "my.fn", "build_cache", "to", 0, 0): (12, 51),
        ("nothing",): (1, 1),
        "nothing": (1, 1),
    }
    assert {path: stack.locate(path) for path in paths} == paths


def test_with_locations_completes_paths_of_the_file() -> None:
    """Diagnostics get file, line and column, unless they have them or are about a flag."""
    stack = Stack.loads(HEAD + "  fn:\n    image: a\n", file="stack.yaml")
    diagnostics = [
        Diagnostic(name="x", message="m", location=Location(path=("functions", "fn", "image"))),
        Diagnostic(name="x", message="m", location=Location(path=("--cache-from", 0))),
    ]
    located = stack.with_locations(diagnostics)
    assert [str(d.location) for d in located] == [
        "stack.yaml:7:5: functions.fn.image",
        "--cache-from[0]",
    ]
    assert stack.with_locations(located) == located
    assert stack.with_locations(located[:1]) == located[:1]


def test_load(tmp_path: Path) -> None:
    """A file is read as bytes, and its name is kept for messages."""
    path = tmp_path / "stack.yaml"
    path.write_text(HEAD + "  fn: {image: a, zz: 1}\n")
    stack = Stack.load(path)
    assert (list(stack.functions), stack.file, [d.name for d in stack.diagnostics]) == (
        ["fn"],
        str(path),
        ["unknown-key"],
    )
    assert pickle.loads(pickle.dumps(stack)) == stack
    assert hash(stack) == hash(attrs.evolve(stack))
    assert "provider" not in repr(stack)


# Laws.

pieces = st.sampled_from(
    ["provider: {name: openfaas}\n", "functions:\n", "  fn:\n", "    image: a/b\n", "    build_cache: max\n", "- ", "? ", ": ", "[", "]", "{", "}", ",", "a", "a:b", "&x ", "*x", "<<: ", "!!int ", "!t ", "'", '"', "\n", "\t", "#", "---\n", "...\n", "|\n", "%YAML 1.1\n", "\\u", "~", "\ue000", "\0", "\ud800"]
)  # fmt: skip


@given(st.text() | st.binary() | st.lists(pieces, max_size=20).map("".join))
def test_any_input_is_a_stack_or_our_error(text: str | bytes) -> None:
    """Any input is read, or raises our error and no other."""
    try:
        stack = Stack.loads(text)
    except InvalidStack as fault:
        assert fault.diagnostics
        assert all(d.location.line is not None for d in fault.diagnostics)
        assert fault.stack is None or fault.stack.diagnostics
        return
    for name in stack.functions:
        assert stack.locate(("functions", name)) >= (1, 1)
