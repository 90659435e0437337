"""`faas-cache bake`: the file of a bake on stdout."""

import json
from pathlib import Path

import pytest
from stack_files import CACHED, HEAD, write_project

from faas_cache.cli.main import main
from faas_cache.project import Project

ODD = "  f.n: {image: a/f, context: ., build_labels: {l: '$${A}'}}\n"
SECRET = (
    "  fn: {image: a/fn, context: ., build_cache: {to: ['type=gha,token=hunter2']},"
    " build_args: {NPM_TOKEN: hunter2}}\n"
)


def test_the_file_has_every_function(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is what a bake of the library reads, and the same bytes each time."""
    write_project(project, CACHED + ODD)
    assert main(["bake", "--push"]) == 0
    first, err = capsys.readouterr()
    assert main(["bake", "--push"]) == 0
    assert (capsys.readouterr().out, err) == (first, "")
    assert json.loads(first) == {
        "group": {"default": {"targets": ["fn", "f_n"]}},
        "target": {
            "fn": {
                "context": ".",
                "tags": ["a/fn:latest"],
                "args": {"BUILDKIT_INLINE_CACHE": "1"},
                "cache-from": ["type=registry,ref=a/fn:buildcache"],
                "cache-to": ["type=registry,ref=a/fn:buildcache,mode=max"],
                "output": ["type=image,push=true"],
            },
            "f_n": {
                "context": ".",
                "tags": ["a/f:latest"],
                "labels": {"l": "$${A}"},
                "output": ["type=image,push=true"],
            },
        },
    }


def test_the_file_is_that_of_the_library(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`plan.commands(bake=True)` has it as the input of the command."""
    write_project(project, CACHED)
    assert main(["bake"]) == 0
    (command,) = Project.load(root=project).plan().commands(bake=True)
    assert capsys.readouterr().out == f"{command.stdin}\n"


@pytest.mark.parametrize(("flags", "shown"), [((), False), (("--show-secrets",), True)])
def test_secrets_are_masked(
    project: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], *, shown: bool
) -> None:
    """Until they are asked for."""
    write_project(project, SECRET)
    assert main(["bake", *flags]) == 0
    out, err = capsys.readouterr()
    assert ("hunter2" in out, "--show-secrets prints the file" in err) == (shown, not shown)
    assert json.loads(out)["target"]["fn"]["tags"] == ["a/fn:latest"]


def test_what_a_bake_does_not_support_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed then."""
    (project / "stack.yaml").write_text(
        f"{HEAD}  fn: {{image: a/fn, context: ., builder_flags: [--network=host]}}\n"
    )
    assert main(["bake"]) == 2
    out, err = capsys.readouterr()
    assert (out, "does not support `--network=host`" in err) == ("", True)
