"""From arguments to a project: stack files, and functions that flags describe."""

from pathlib import Path

import pytest
from stack_files import CACHED, HEAD, TWO, write_files, write_project

from faas_cache.cli.main import main

DESCRIBED = ("--image=a/x", "--handler=fn", "--lang=dockerfile", "--name=x")
COMMAND = "docker build --build-arg ADDITIONAL_PACKAGE= --tag a/x:latest build/x\n"


@pytest.mark.parametrize(
    ("text", "words", "described"),
    [
        (None, [], True),
        (HEAD, [], True),
        (HEAD + TWO, ["-f", ""], True),
        (HEAD + TWO, [], False),
        (None, ["-f", "other.yml"], False),
    ],
    ids=["no file", "no function", "empty -f", "functions", "another file"],
)
def test_flags_describe_a_function(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    text: str | None,
    words: list[str],
    *,
    described: bool,
) -> None:
    """Where there is no stack file with a function, as for faas-cli."""
    write_files(project, {"other.yml": HEAD + TWO, **({"stack.yaml": text} if text else {})})
    assert main(["plan", *words, *DESCRIBED]) == 0
    assert (capsys.readouterr().out == COMMAND) is described


def test_a_function_with_an_error_is_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its error is not hidden by the flags."""
    write_project(project, "  fn: 1\n")
    assert main(["plan", *DESCRIBED]) == 2
    assert "[invalid-type]" in capsys.readouterr().err


def test_all_four_flags_are_needed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that are missing are named."""
    assert list(project.iterdir()) == []
    assert main(["plan", *DESCRIBED[:2]]) == 2
    assert capsys.readouterr().err.splitlines()[:2] == [
        "error: a function without a stack file also needs `--name`, `--lang` [conflicting-flags]",
        "    give all four flags, or name a stack file with `-f`",
    ]


def test_without_a_file_there_is_no_function(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`-f ""` alone plans nothing, which is an error as for faas-cli."""
    write_project(project, CACHED)
    assert main(["plan", "-f", ""]) == 2
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[0]) == (
        "",
        "error: there is no stack file, and no function [no-functions]",
    )


def test_variables_are_flags(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless a flag is given; an invalid one is an error that names it."""
    write_project(project, CACHED)
    monkeypatch.setenv("FAAS_CACHE_EXPORT", "off")
    monkeypatch.setenv("FAAS_BUILD_CACHE", "none")
    assert main(["plan", "--build-cache", "max"]) == 0
    assert capsys.readouterr().out == (
        "DOCKER_BUILDKIT=1 docker buildx build --load"
        " --cache-from a/fn:buildcache --tag a/fn:latest .\n"
    )
    monkeypatch.setenv("FAAS_CACHE_EXPORT", "perhaps")
    assert main(["plan"]) == 2
    assert capsys.readouterr().err.startswith("FAAS_CACHE_EXPORT: error: ")
