"""Standard streams that are missing, closed or full, and signals in the middle of it."""

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import pytest

from faas_cache.cli import plan as plan_command
from faas_cache.cli.main import main
from faas_cache.cli.signals import Terminated, raising
from faas_cache.cli.streams import OutputError, _encode, open_streams, write_stdout


class Full(io.StringIO):
    """A stream to a full disk."""

    def __init__(self, *, at_the_end: bool = False) -> None:
        super().__init__()
        self.at_the_end = at_the_end

    def write(self, text: str) -> int:
        """Fails at once, or holds the text back."""
        return len(text) if self.at_the_end else self._fail()

    def flush(self) -> None:
        """Fails, where the text was held back."""
        if self.at_the_end:
            self._fail()

    def _fail(self) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_result_that_cannot_be_written_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once; what follows is discarded."""
    monkeypatch.setattr("sys.stdout", Full())
    with pytest.raises(OutputError, match="cannot write to stdout: no space left on device"):
        write_stdout("x")
    write_stdout("y")
    sys.stdout.close()


def test_text_that_was_held_back_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1."""
    monkeypatch.setattr("sys.stdout", Full(at_the_end=True))
    assert main(["--version"]) == 1
    sys.stdout.close()
    assert "[report-not-written]" in capsys.readouterr().err


def test_a_reader_that_has_gone_is_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is there to read it."""

    def write(_: str) -> int:
        raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", SimpleNamespace(write=write, fileno=lambda: -1))
    write_stdout("x")
    sys.stdout.close()


def test_streams_that_were_closed_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """To nothing, under their own numbers, so that no other file gets one of them."""
    opened: list[int] = []

    def is_open(number: int) -> object:
        if number == 0:
            raise OSError(errno.EBADF, "Bad file descriptor")
        return None

    with monkeypatch.context() as patch:
        patch.setattr("os.fstat", is_open)
        patch.setattr("os.set_inheritable", lambda number, _: opened.append(number))
        patch.setattr("sys.stderr", None)
        patch.setattr("sys.stdout", io.StringIO())
        open_streams()
        sys.stderr.close()
    for number in opened:
        os.close(number)
    assert len(opened) == 1


def test_a_stream_that_is_read_replaces_what_is_not_text() -> None:
    """As pytest reads the streams that it captures."""
    error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    assert _encode(error) == ("\ufffd", 1)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            OSError(errno.EMFILE, "Too many open files", "x"),
            "cannot continue: `x`: too many open files",
        ),
        (MemoryError(), "cannot continue: out of memory"),
        (RecursionError("too deep"), "cannot continue: too deep"),
    ],
)
def test_what_the_machine_refuses_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    message: str,
) -> None:
    """Not a traceback."""
    monkeypatch.setattr(plan_command, "run", raiser(error))
    assert main(["plan"]) == 1
    assert capsys.readouterr().err.startswith(f"error: {message} [system-error]")


def raiser(error: BaseException) -> Callable[[object], int]:
    """A command that raises."""

    def run(_: object) -> int:
        raise error

    return run


def test_a_second_signal_does_not_interrupt_the_end() -> None:
    """The first one is raised; programs are ended meanwhile."""
    ended = []

    def interrupted() -> None:
        with raising():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                signal.raise_signal(signal.SIGTERM)
                ended.append(True)

    with pytest.raises(Terminated):
        interrupted()
    assert ended == [True]


# Logs without an end.


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The command with small limits."""
    from faas_cache.cli import explain

    monkeypatch.setattr(explain, "MAX_LOG", 100)
    monkeypatch.setattr(explain, "MAX_INPUT", 1000)
    monkeypatch.setattr(explain, "_BLOCK", 90)
    return explain


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize("kind", ["endless", "broken"])
def test_a_log_that_cannot_be_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """One without an end, and one whose file fails."""

    class Log(io.BytesIO):
        def read1(self, _: int | None = -1, /) -> bytes:
            if kind == "broken":
                raise OSError(errno.EIO, "Input/output error")
            return b"x" * 90

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=Log()))
    assert main(["explain"]) == 2
    assert capsys.readouterr().err.startswith("error: cannot read the log on standard input: ")
