"""Dialogs with real programs: those that answer, and those that end, hang or print something else."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.runner import dialogs
from faas_cache.runner.dialogs import ProgramFailed, dialog

# Without `site`, an interpreter starts faster, and nothing measures the coverage of one that is killed.
PYTHON = (sys.executable, "-S", "-c")
ECHO = "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)"


def conversation(code: str, *lines: str, timeout: float = 20.0) -> list[str]:
    """The answers of a few lines of Python to lines."""
    argv = (*PYTHON, code)
    with dialog(argv, environ=os.environ, timeout=timeout) as ask:
        return [ask(line) for line in lines]


def failure(code: str, *lines: str, timeout: float = 20.0) -> Diagnostic:
    """The diagnostic of a conversation that fails."""
    with pytest.raises(ProgramFailed) as caught:
        conversation(code, *lines, timeout=timeout)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def program_failed(message: str, hint: str) -> Diagnostic:
    """The diagnostic of a failed program."""
    return Diagnostic(name="program-failed", message=message, hint=hint)


def test_each_line_is_answered() -> None:
    """A line in, a line out, in order; characters beyond ASCII arrive."""
    assert conversation(ECHO, "a", "", "ü") == ["A", "", "Ü"]


def test_a_long_line_is_answered_while_it_is_written() -> None:
    """Lines that are longer than a pipe holds are written as the program reads them."""
    assert conversation(ECHO, 300_000 * "a") == [300_000 * "A"]


def test_the_environment_and_the_folder_are_those_given(tmp_path: Path) -> None:
    """The program runs with the environment and in the folder of the caller's choice."""
    code = "import os\ninput()\nprint(os.environ['A'], os.getcwd(), flush=True)\ninput()"
    environ = {**os.environ, "A": "b"}
    with dialog((*PYTHON, code), environ=environ, cwd=str(tmp_path), timeout=20) as ask:
        assert ask("") == f"b {tmp_path}"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit(3)", "the program exited with code 3 before it answered"),
        ("import os; os.kill(os.getpid(), 9)", "the program was ended by signal 9 before it answered"),
    ],
)  # fmt: skip
def test_a_program_that_ends(code: str, message: str) -> None:
    """The error says how the program ended."""
    assert failure(code, "a") == program_failed(message, "answer every line until the input ends")


def test_a_program_that_closes_its_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that runs on without an output is ended."""
    monkeypatch.setattr(dialogs, "_LAST_SECONDS", 0.1)
    assert failure("import os, time; os.close(1); time.sleep(60)", "a") == program_failed(
        "the program closed its output before it answered",
        "answer every line until the input ends",
    )


def test_a_program_that_ends_in_the_middle_of_a_line() -> None:
    """An answer without a newline is not an answer."""
    assert failure("print('{', end='')", "a") == program_failed(
        "the output ends in the middle of a line, after `{`", "end each answer with a newline"
    )


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "import time\nwhile True: print('.', end='', flush=True); time.sleep(.01)",
    ],
)
def test_a_program_that_hangs_is_killed(code: str) -> None:
    """After the time for an answer the program is ended at once, whether it prints or not."""
    start = time.monotonic()
    assert failure(code, "a", timeout=1.0) == program_failed(
        "no answer within 1 seconds", "flush the output after each line, or raise `--timeout`"
    )
    assert time.monotonic() - start < 20


def test_an_endless_line_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer has a limit."""
    monkeypatch.setattr(dialogs, "MAX_ANSWER", 2**20)
    assert failure("while True: print(1000 * 'a', end='')", "a") == program_failed(
        "the answer is longer than 1 MiB", "print one line for each input"
    )


def test_a_program_that_does_not_read_is_heard() -> None:
    """What a program printed before it ended is its answer, whether it read its input or not."""
    code = "import os; os.close(0); print('a', flush=True); import time; time.sleep(.5)"
    assert conversation(code, 300_000 * "x") == ["a"]


@pytest.mark.parametrize(
    ("program", "message"),
    [("no-such-program", "`no-such-program` not found on PATH"), ("/", "cannot start `/`: permission denied")],
)  # fmt: skip
def test_a_program_that_cannot_be_started(program: str, message: str) -> None:
    """The message is that of a build, without its advice about docker."""
    with (
        pytest.raises(ProgramFailed) as caught,
        dialog((program,), environ=os.environ, timeout=1),
    ):
        pytest.fail("it was started")
    assert [(d.name, d.message) for d in caught.value.diagnostics] == [("program-failed", message)]


def test_an_exception_ends_the_program() -> None:
    """An exception of the caller ends the program at once, also one that ignores signals."""
    code = "import signal\nsignal.signal(15, signal.SIG_IGN)\nwhile True: signal.pause()"
    start = time.monotonic()

    def fail(ask: Callable[[str], str]) -> None:
        raise KeyError(ask)

    with (
        pytest.raises(KeyError),
        dialog((*PYTHON, code), environ=os.environ, timeout=1) as ask,
    ):
        fail(ask)
    assert time.monotonic() - start < 9
