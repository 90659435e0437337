"""`dialog`: a program that reads lines and answers each with a line, as a function of its lines.

The program is in a process group of its own, which ends with the block. Its standard error is ours.
Works where pipes can be selected: everywhere but on Windows.
"""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from io import FileIO

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.masking import masked
from faas_cache.runner.processes import MAX_ANSWER, CannotStart, started
from faas_cache.runner.stop import Shutdown
from faas_cache.runner.supervision import Process, Supervisor
from faas_cache.runner.terminal import channel

__all__ = ["ProgramFailed", "dialog", "program_failed"]

_BLOCK = 2**16
# How long a program may take to end by itself, in seconds: after its last answer, and after it has
# closed its output.
_LAST_SECONDS = 5.0


class ProgramFailed(InvalidInput):
    """A program in a dialog ended, timed out, or gave an answer that is not one."""


def program_failed(message: str, hint: str) -> ProgramFailed:
    """The error of a program in a dialog."""
    return ProgramFailed(Diagnostic(name="program-failed", message=message, hint=hint))


@contextmanager
def dialog(
    argv: Sequence[str],
    *,
    environ: Mapping[str, str],
    cwd: str | None = None,
    timeout: float,
) -> Iterator[Callable[[str], str]]:
    """Runs a program; yields a function from a line to the line that it answers.

    `timeout` is for each answer, in seconds. The function raises `ProgramFailed` if there is none;
    the program cannot be asked again then. Raises `ProgramFailed` too where it cannot be started.
    """
    shutdown = Shutdown()
    with ExitStack() as stack:
        source, target = stack.enter_context(channel(None))
        theirs, ours = os.pipe()
        stdin = stack.enter_context(os.fdopen(ours, "wb", buffering=0))
        try:
            process = stack.enter_context(
                started(
                    tuple(argv), stdin=theirs, stdout=target, stderr=None, environ=environ, cwd=cwd
                )
            )
        except CannotStart as error:
            (diagnostic,) = error.diagnostics
            raise program_failed(diagnostic.message, diagnostic.hint) from None
        finally:
            os.close(theirs)
            os.close(target)
        try:
            yield _Dialog(process, stdin, source, timeout).ask
        except BaseException:
            shutdown.kill()
            raise
        finally:
            stdin.close()
            Supervisor(process, {source: len}, shutdown, _LAST_SECONDS).run()


class _Dialog:
    """The lines that are written to a program and read from it."""

    def __init__(self, process: Process, stdin: FileIO, stdout: int, timeout: float) -> None:
        self._process = process
        self._stdin = stdin
        self._stdout = stdout
        self._timeout = timeout
        self._buffer = bytearray()
        self._unwritten = b""
        os.set_blocking(stdin.fileno(), False)

    def ask(self, line: str) -> str:
        """Writes a line, and returns the next line that the program prints."""
        self._unwritten += line.encode(errors="surrogateescape") + b"\n"
        until = time.monotonic() + self._timeout
        while (end := self._buffer.find(b"\n")) < 0:
            self._exchange(until - time.monotonic())
        answer = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return answer.decode(errors="replace")

    def _exchange(self, seconds: float) -> None:
        """Waits until the program reads or prints something, and passes that on."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ, self._read)
            if self._unwritten:
                selector.register(self._stdin, selectors.EVENT_WRITE, self._write)
            events = selector.select(seconds) if seconds > 0 else ()
        if not events:
            raise program_failed(
                f"no answer within {self._timeout:g} seconds",
                "flush the output after each line, or raise `--timeout`",
            )
        for key, _ in events:
            key.data()

    def _write(self) -> None:
        try:
            self._unwritten = self._unwritten[self._stdin.write(self._unwritten) :]
        except BrokenPipeError:  # it has ended; what it printed before may be the answer
            self._unwritten = b""

    def _read(self) -> None:
        block = os.read(self._stdout, _BLOCK)
        if not block:
            raise self._ended()
        self._buffer += block
        if len(self._buffer) > MAX_ANSWER:
            raise program_failed(
                f"the answer is longer than {MAX_ANSWER >> 20} MiB", "print one line for each input"
            )

    def _ended(self) -> ProgramFailed:
        """The error of a program that closed its output."""
        rest = masked(self._buffer.decode(errors="replace"))[:60]
        if rest:
            return program_failed(
                f"the output ends in the middle of a line, after `{rest}`",
                "end each answer with a newline",
            )
        until = time.monotonic() + _LAST_SECONDS
        while (code := self._process.poll()) is None and time.monotonic() < until:
            time.sleep(0.001)
        if code is None:
            message = "the program closed its output before it answered"
        elif code < 0:
            message = f"the program was ended by signal {-code} before it answered"
        else:
            message = f"the program exited with code {code} before it answered"
        return program_failed(message, "answer every line until the input ends")
