"""Colours: where they are, and where they are not."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stack_files import CACHED, write_project

from faas_cache.cli.colors import choosing, is_colored, is_terminal, paint_severity, painter
from faas_cache.cli.main import main

if TYPE_CHECKING:
    from fake_docker import FakeDocker

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
WARNING = "  Fn: {image: a/fn, context: ., zz: 1}\n"


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable decides."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("variables", "terminal", "pipe"),
    [
        ({}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "", "TERM": "dumb"}, False, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("when", ["auto", "always", "never"])
def test_the_flag_decides_then_the_variables_then_the_stream(
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    terminal: bool,  # noqa: FBT001  # a column of the table
    pipe: bool,  # noqa: FBT001  # the same
    when: str,
) -> None:
    """The environment is as before afterwards."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with choosing(when):
        found = (is_colored(Terminal()), is_colored(io.StringIO()))
    expected = {"auto": (terminal, pipe), "always": (True, True), "never": (False, False)}
    assert (found, dict(os.environ)) == (expected[when], before)


def test_a_closed_stream_is_not_a_terminal() -> None:
    """Nor an error."""
    stream = io.StringIO()
    stream.close()
    assert not is_terminal(stream)


@pytest.mark.parametrize(
    ("text", "painted"),
    [
        ("warning: x [n]", "<warning>: x [n]"),
        ("s.yaml:1:2: functions.a: warning: x: warning: y", "s.yaml:1:2: functions.a: <warning>: x: warning: y"),
    ],
)  # fmt: skip
def test_the_severity_is_in_colour(text: str, painted: str) -> None:
    """Its word alone, so that a location can still be clicked."""
    shown = paint_severity(text, "warning", Terminal())
    assert shown == painted.replace("<warning>", "\x1b[1;33mwarning\x1b[0m")
    assert paint_severity(text, "warning", io.StringIO()) == text


def test_a_painter_knows_its_stream() -> None:
    """Text for a file stays as it is."""
    shown = [painter(stream)("x", "good") for stream in (Terminal(), io.StringIO())]
    assert shown == ["\x1b[32mx\x1b[0m", "x"]


@pytest.mark.parametrize(
    ("words", "streams"),
    [
        (["build"], "err"),
        (["check"], "out"),
        (["doctor"], "out"),
        (["plan"], "err"),
        (["build", "--report", "-"], "err"),
        (["check", "--format", "json"], ""),
        (["check", "--format", "github"], ""),
        (["plan", "--json"], "err"),
        (["doctor", "--json"], ""),
    ],
    ids=" ".join,
)
def test_colours_are_for_people(
    project: Path,
    docker: FakeDocker,
    capfd: pytest.CaptureFixture[str],
    words: list[str],
    streams: str,
) -> None:
    """Never in JSON or in what a program reads; without them, the text is the same."""
    write_project(project, WARNING)
    assert docker.calls == []
    texts = {}
    for when in ("always", "never"):
        main([f"--color={when}", *words])
        texts[when] = tuple(re.sub(r"\d+\.\d+", "0", text) for text in capfd.readouterr())
    found = "".join(
        name
        for name, text in zip(("out", "err"), texts["always"], strict=True)
        if ESCAPE.search(text)
    )
    assert found == streams
    assert tuple(ESCAPE.sub("", text) for text in texts["always"]) == texts["never"]


def test_docker_has_no_colours_either(project: Path, docker: FakeDocker) -> None:
    """`--color never` is passed on as `NO_COLOR`, whatever stands before or behind the command."""
    write_project(project, CACHED)
    docker.answer("buildx build *", script=f'echo "$NO_COLOR:$FORCE_COLOR" >> {project}/seen')
    for words in (["--color", "never", "build"], ["build", "--color=always"], ["build"]):
        assert main(words) == 0
    assert (project / "seen").read_text().splitlines() == ["1:", ":1", ":"]


@pytest.mark.parametrize("words", [["--color"], ["--color", "never"], ["--color=never"]])
def test_a_colour_alone_is_not_a_command(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """There is nothing to do."""
    assert main(words) == 2
    assert "unknown command `--color" in capsys.readouterr().err


def test_an_error_of_a_run_has_the_colours_of_its_flag(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also after the command has raised."""
    write_project(project, "  fn: {context: .}\n")
    assert main(["build", "--color", "always"]) == 2
    assert "\x1b[1;31merror\x1b[0m: " in capsys.readouterr().err
