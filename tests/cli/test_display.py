"""What is printed while functions are built."""

from __future__ import annotations

import io
import sys
import time

import pytest

from faas_cache.buildkit.events import (
    BuildFinished,
    BuildStarted,
    Event,
    Output,
    Status,
    StepFinished,
    StepKind,
    StepStarted,
)
from faas_cache.cli.display import Display, _cut, _terminal_size, showing


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """The stderr from here on: a terminal without colours."""
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    return stream


def step(name: str, number: int, kind: StepKind = "build") -> Event:
    """The start of a step."""
    return StepStarted(
        function=name, step=str(number), name=f"[{number}/3] RUN {number}", kind=kind
    )


def finished(name: str, status: Status = "built", seconds: float = 2.0) -> Event:
    """The end of a build."""
    return BuildFinished(function=name, status=status, exit_code=0, seconds=seconds)


def test_each_function_has_a_line_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbered, with what its cache did; a build that failed has no share of it; columns are aligned."""
    screen = on_terminal(monkeypatch)
    display = Display(["resize", "b"])
    for event in (
        BuildStarted(function="resize"),
        step("resize", 2),
        StepFinished(function="resize", step="2", cached=True),
        BuildStarted(function="b"),
        step("b", 2),
        StepFinished(function="b", step="2", error="no"),
        Output(function="b", data=b"x\n"),
        finished("b", "failed"),
        finished("resize", "pushed"),
    ):
        display.on_event(event)
    assert (display.live, screen.getvalue()) == (
        False,
        "[1/2] b       2.0 s  failed\n[2/2] resize  2.0 s  1/1 cached  pushed\n",
    )


def test_a_function_that_is_built_again_has_another_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under its number."""
    screen = on_terminal(monkeypatch)
    display = Display(["a", "b"])
    for event in (
        finished("a", "failed"),
        BuildStarted(function="a"),
        finished("a"),
        finished("b"),
    ):
        display.on_event(event)
    lines = [line.split()[:2] for line in screen.getvalue().splitlines()]
    assert lines == [["[1/2]", "a"], ["[1/2]", "a"], ["[2/2]", "b"]]


def test_long_names_do_not_move_all_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do names with control characters reach a terminal."""
    screen = on_terminal(monkeypatch)
    display = Display(["x" * 90, "\x1b"])
    display.on_event(finished("\x1b"))
    assert screen.getvalue() == f"[1/2] \\x1b{' ' * 36}  2.0 s  built\n"


def test_a_line_begins_after_output_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a log, builders write through the display, to the byte."""
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr("sys.stderr", stream)
    display = Display(["a", "b"])
    assert display.output == display.write
    display.write("é\n\xff last".encode("latin-1"))
    display.write(b"")
    display.on_event(finished("a"))
    display.write(b"whole\n")
    display.on_event(finished("b"))
    stream.flush()
    assert stream.buffer.getvalue() == (
        b"\xe9\n\xff last\n[1/2] a  2.0 s  built\nwhole\n[2/2] b  2.0 s  built\n"
    )


def test_builders_may_draw_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless what runs is drawn there."""
    screen = on_terminal(monkeypatch)
    assert (Display([]).output, Display([], live=True).output is None) == (None, False)
    assert screen.getvalue() == ""


def test_what_runs_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the lines that stay: each build with its time and its step; steps of the builder itself are left out."""
    screen = on_terminal(monkeypatch)
    clock = Clock()
    display = Display(["one", "two"], live=True, clock=clock, size=lambda: (24, 80))
    display.on_event(BuildStarted(function="one"))
    clock.now = 1.0
    display.on_event(BuildStarted(function="two"))
    display.on_event(step("one", 2))
    display.on_event(step("one", 1, "internal"))
    display.on_event(step("", 1))
    clock.now = 61.0
    display.on_event(step("two", 22222222222))
    display.write(b"oh no\n")
    display.draw()
    display.on_event(finished("one"))
    display.on_event(finished("two"))
    up = "\x1b[{}A\r\x1b[J".format
    assert screen.getvalue() == "".join(
        (
            "one  0.0 s\n",
            f"{up(1)}one  1.0 s\ntwo  0.0 s\n",
            f"{up(2)}one  1.0 s  [2/3] RUN 2\ntwo  0.0 s\n",
            f"{up(2)}one  1 min 1 s  [2/3] …\ntwo  1 min 0 s  [22222…\n",
            f"{up(2)}oh no\n",
            "one  1 min 1 s  [2/3] …\ntwo  1 min 0 s  [22222…\n",
            f"{up(2)}[1/2] one  2.0 s  built\ntwo  1 min 0 s  [22222…\n",
            f"{up(1)}[2/2] two  2.0 s  built\n",
        )
    )


def test_what_runs_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that have scrolled away cannot be erased."""
    screen = on_terminal(monkeypatch)
    names = [f"f{number}" for number in range(9)]
    display = Display(names, live=True, clock=Clock(), size=lambda: (80, 5))
    for name in names:
        display.on_event(BuildStarted(function=name))
    assert screen.getvalue().endswith("\x1b[3A\r\x1b[Jf0  0.0 s\nf1  0.0 s\nf2  0.0 s\n")


def test_times_go_on_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the block ends, which erases what was drawn."""
    screen = on_terminal(monkeypatch)
    monkeypatch.setattr("faas_cache.cli.display._INTERVAL", 0.01)
    with showing(["one"], quiet=True) as display:
        display.on_event(BuildStarted(function="one"))
        until = time.monotonic() + 60
        while screen.getvalue().count("one  ") < 3:
            assert time.monotonic() < until
            time.sleep(0.01)
    assert screen.getvalue().endswith("\x1b[1A\r\x1b[J")


@pytest.mark.parametrize("quiet", [True, False])
def test_nothing_is_drawn_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
    quiet: bool,  # noqa: FBT001  # a column of the table
) -> None:
    """In a log, and where builders draw."""
    stream = io.StringIO() if quiet else Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    with showing(["one"], quiet=quiet) as display:
        display.on_event(BuildStarted(function="one"))
        assert not display.live
    assert stream.getvalue() == ""


def test_the_size_of_a_terminal_that_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """80 columns and 24 lines."""
    screen = on_terminal(monkeypatch)
    assert (sys.stderr is screen, _terminal_size()) == (True, (80, 24))


@pytest.mark.parametrize(
    ("text", "columns", "cut"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("漢字", 4, "漢字"), ("漢字漢", 5, "漢字…"), ("漢字漢", 4, "漢…"), ("a", 0, "…")],
)  # fmt: skip
def test_a_line_is_cut_by_columns(text: str, columns: int, cut: str) -> None:
    """Some characters have two."""
    assert _cut(text, columns) == cut
