"""`--front-end` and `--addr` of `plan` and `build`."""

import os
import re
from pathlib import Path

import pytest
from stack_files import CACHED, write_project

from faas_cache.cli.flags import FRONT_END_NAMES
from faas_cache.cli.main import main
from faas_cache.render.front_ends import FRONT_ENDS

STREAMS = Path(__file__).parents[1] / "vectors" / "streams"
BUILDCTL = (
    "buildctl --addr tcp://h:1 build --frontend dockerfile.v0 --local context=. --local dockerfile=."
    " --output type=image,name=a/fn:latest,push=true"
    " --import-cache type=registry,ref=a/fn:buildcache"
    " --export-cache type=registry,ref=a/fn:buildcache,mode=max --export-cache type=inline"
    " --opt build-arg:BUILDKIT_INLINE_CACHE=1"
)


def program(folder: Path, name: str, script: str) -> None:
    """A program that is a shell script, in a folder of PATH."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_the_names_are_those_of_the_table() -> None:
    """Parsing a command line does not load the front ends."""
    assert tuple(FRONT_ENDS) == FRONT_END_NAMES


def test_plan_prints_the_commands_of_a_front_end(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Buildctl pushes by itself, buildah with commands of its own; notes say what is lost."""
    write_project(project, CACHED)
    buildctl = ["--front-end", "buildctl_build", "--addr", "tcp://h:1", "--push"]
    assert main(["plan", *buildctl]) == 0
    assert tuple(capsys.readouterr()) == (f"{BUILDCTL}\n", "")
    assert main(["plan", "--front-end", "buildah_build", "--push"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "buildah build --layers --cache-from a/fn --cache-to a/fn --tag a/fn:latest .",
        "buildah push a/fn:latest",
    ]
    assert err.count(": note: `buildah build` does not support `--cache-") == 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--front-end", "buildctl_build"], "`buildctl build` does not support `--load`"),
        (["--addr", "tcp://h:1"], "`docker buildx build` does not support `--addr tcp://h:1`"),
        (["--front-end", "kaniko"], "expected one of docker_build, buildx_build, buildctl_build, buildah_build, got `kaniko`"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["plan", "build"])
def test_what_does_not_fit_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str], command: str, flags: list[str], message: str
) -> None:
    """Before anything runs."""
    write_project(project, CACHED)
    assert main([command, *flags]) == 2
    out, err = capsys.readouterr()
    assert (out, message in err) == ("", True)


def test_a_bake_needs_buildx(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--bake` with a front end that builds one by one is a usage error."""
    write_project(project, CACHED)
    assert main(["build", "--bake", "--front-end", "buildah_build"]) == 2
    assert "`--bake` conflicts with the front end `buildah_build`" in capsys.readouterr().err


def test_buildctl_builds_with_reports(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """No docker is needed; BuildKit's progress gives the same report."""
    write_project(project, CACHED)
    program(tmp_path, "buildctl", f"cat {STREAMS / 'buildx-0.29-warm.txt'} >&2")
    program(tmp_path, "docker", "exit 9")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    words = ["build", "-v", "--front-end", "buildctl_build", "--addr", "tcp://h:1", "--push"]
    assert main(words) == 0
    lines = capfd.readouterr().err.splitlines()
    assert (lines[0], lines[-4].split()[-3:]) == (f"fn: {BUILDCTL}", ["4/5", "cached", "pushed"])


def test_buildah_builds_and_pushes(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Its commands run one after the other."""
    write_project(project, CACHED)
    program(tmp_path, "buildah", 'echo "$1"')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert main(["build", "--front-end", "buildah_build", "--push"]) == 0
    lines = capfd.readouterr().err.splitlines()
    assert [re.sub(r"\d+\.\d", "0.1", line) for line in lines if "does not" not in line][-3:] == [
        "push",
        "[1/1] fn  0.1 s  pushed",
        "1 function in 0.1 s: 1 pushed",
    ]
