"""Ignore files: the recorded table of docker, how lines are read, and that nothing is slow."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ignored_trees import TREE, Vector, kept, random_text, read_vectors

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import FaasCacheError, InvalidInput
from faas_cache.planning.ignore_files import IgnoredFolder, parse_ignore_file

VECTORS = read_vectors()
TEXTS = st.text(st.sampled_from("ab/*?[]!^-\\#. \n\r\ufeffédQzy{"), max_size=30)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: repr(vector.text)[:40])
def test_recorded_contexts(vector: Vector) -> None:
    """What docker 26 sent of one tree, for hand-written and generated files."""
    assert kept(vector.text) == vector.kept


def test_folders_that_are_not_walked_change_nothing() -> None:
    """The law behind `may_include`; an invalid exception may be found only by the longer walk."""
    compared = 0
    for number in range(500):
        text = random_text(number)
        everything = kept(text, prune=False)
        if everything is not None:
            assert kept(text) == everything, text
            compared += 1
    assert compared > 450  # of 464; the others are invalid


@given(TEXTS)
def test_any_text_parses_or_raises(text: str) -> None:
    """And the bytes of a text say the same."""
    assert kept(text, ("a/b", "é"), prune=False) == kept(text.encode(), ("a/b", "é"), prune=False)


@given(st.binary(max_size=60), st.binary(min_size=1, max_size=9))
def test_any_bytes_parse_or_raise(data: bytes, name: bytes) -> None:
    try:
        parse_ignore_file(data).excludes(name.decode(errors="surrogateescape"))
    except FaasCacheError as error:
        assert {diagnostic.name for diagnostic in error.diagnostics} == {"invalid-ignore-pattern"}


@pytest.mark.parametrize(
    ("text", "path", "excluded"),
    [
        pytest.param("\ufeffa\n", "a", True, id="byte-order-mark"),
        pytest.param("d\n\ufeffa\n", "a", False, id="byte-order-mark-of-a-literal"),
        pytest.param("d\n\ufeff?\n", "a", True, id="byte-order-mark-of-an-expression"),
        pytest.param("#" + "x" * 65534 + "\na\n", "a", True, id="longest-line"),
        pytest.param("a\nb", "b", True, id="no-newline-at-the-end"),
        pytest.param("a/**\n", "a", False, id="what-is-in-a-folder-is-not-the-folder"),
        pytest.param("a/**\n", "a/b/c", True, id="at-any-depth"),
        pytest.param("a?\n", "a\udcff", True, id="invalid-byte-of-a-name"),
        pytest.param("?\udcff\n", "b\udcfe", True, id="go-reads-every-invalid-byte-as-one"),
        pytest.param("*a\n", "b\na", True, id="newline-in-a-name"),
        pytest.param("d/**/*a\n", "d/b\n/a", False, id="but-not-below-a-folder"),
        pytest.param("*\n" * 2 + "!a\n", "a", False, id="duplicates"),
        pytest.param("a\\Qb?\n", "ab?c", False, id="quoted-text-has-no-end"),
        pytest.param("a\\Qb\n", "ab$c", True, id="quoted-end-of-the-expression"),
    ],
)
def test_lines_and_names(text: str, path: str, *, excluded: bool) -> None:
    data = text.encode(errors="surrogateescape")
    assert parse_ignore_file(data).excludes(path) is excluded


def test_every_fault_has_its_line() -> None:
    """All faults that docker finds when it reads the file."""
    with pytest.raises(InvalidInput) as caught:
        parse_ignore_file(
            "[a\nok\n!\nb\\\n" + "x" * 65536 + "\n[\udcff]\n" + "?" * 2049, "fn/.dockerignore"
        )
    advice = "close each `[`, and write `\\` before a special character to match it literally"
    expected = [
        (1, "invalid pattern `[a`: docker cannot read the file", advice),
        (
            3,
            "invalid pattern `!`: docker cannot read the file",
            "write a path after `!`, or remove the line",
        ),
        (4, "invalid pattern `b\\`: docker cannot read the file", advice),
        (5, "line longer than 65535 bytes: docker cannot read the file", "split the line"),
        (6, "invalid pattern `[\udcff]`: docker cannot read the file", advice),
        (7, "pattern longer than 2048 characters", "shorten it"),
    ]
    assert caught.value.diagnostics == tuple(
        Diagnostic(
            name="invalid-ignore-pattern",
            message=message,
            hint=hint,
            location=Location(file="fn/.dockerignore", line=line),
        )
        for line, message, hint in expected
    )


def test_go_rejects_some_patterns_only_when_it_compares() -> None:
    """Then docker fails only for a context with a file that the pattern is compared with."""
    file = parse_ignore_file("a\n![z-a]\n\\y\n" + "\\pX\nb?\n", ".dockerignore")
    warnings = file.check()
    assert [(d.severity, d.location.line) for d in warnings] == [
        ("warning", 2),
        ("warning", 3),
        ("warning", 4),
    ]
    with pytest.raises(InvalidInput) as caught:
        file.excludes("a")
    assert [(d.severity, d.location.line) for d in caught.value.diagnostics] == [("error", 2)]


def walked(text: str, tree: tuple[str, ...] = TREE) -> set[str]:
    """The folders of a tree that are walked."""
    root = parse_ignore_file(text).root
    folders: dict[str, IgnoredFolder] = {"": root}
    for path in tree:
        above = ""
        for name in path.split("/")[:-1]:
            inside = f"{above}{name}/"
            if above not in folders:
                break
            folder = folders[above].enter(name)
            if not folder.may_include:
                break
            folders[inside] = folder
            above = inside
    return set(folders) - {""}


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        pytest.param("*", "", id="no-exception"),
        pytest.param("!dir/b\n*", "", id="earlier-exception"),
        pytest.param("*\n!dir/b", "dir/ dir/b/", id="literal"),
        pytest.param("*\n!foo/bar/**", "foo/ foo/bar/", id="everything-in-a-folder"),
        pytest.param("*\n!d?r/sub/k*", "dir/ dir/sub/", id="expression"),
        pytest.param("*\n!deep/*/2/x", "deep/ deep/1/ deep/1/2/ deep/a/", id="expression-with-a-star"),
        pytest.param(
            "*\n!foo/**\nfoo", "foo/ foo/bar/", id="docker-does-not-compare-what-is-excluded-already"
        ),
    ],
)  # fmt: skip
def test_only_folders_where_an_exception_can_match_are_walked(text: str, folders: str) -> None:
    assert walked(text) == set(folders.split())


@pytest.mark.parametrize("exception", ["**/keep", "**keep", "**/k*", "**/sub/keep", "**"])
def test_an_exception_at_any_depth_walks_everything(exception: str) -> None:
    assert walked(f"*\n!{exception}") == walked("") > {"dir/", "deep/1/2/3/"}


def test_names_with_many_characters_are_not_all_remembered() -> None:
    file = parse_ignore_file("?*[x-z]\n")
    names = (chr(0x4E00 + number) for number in range(10_050))
    assert [name for name in names if file.excludes(name) or not file.excludes(f"{name}x")] == []


def test_patterns_take_linear_time() -> None:
    """Also those on which a backtracking matcher never ends, and those with many states."""
    file = parse_ignore_file("**/" + "a*" * 100 + "b\n" + "(" * 5000 + "\n" + "*/" * 1000 + "x\n")
    start = time.perf_counter()
    for number in range(20):
        assert not file.excludes("/".join(["a" * 200, "a" * 200, str(number)]))
    assert time.perf_counter() - start < 5  # measured: 0.2 s
