"""`run` runs a command and passes on its output; `ask` returns the output of a program.

Each program has its own process group, which is terminated, and killed after `GRACE`, if it times
out, is stopped, or the caller is interrupted. No signal handler is changed. The only
user of `subprocess`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, Protocol

import attrs

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import BuilderError
from faas_cache.runner import supervision
from faas_cache.runner.children import child
from faas_cache.runner.stop import Shutdown, Stop
from faas_cache.runner.supervision import GRACE, Supervisor
from faas_cache.runner.terminal import channel, follow_size, terminal_of, writer_for
from faas_cache.runner.workers import call_in_threads

__all__ = [
    "GRACE",
    "MAX_ANSWER",
    "TAIL",
    "Answer",
    "CannotStart",
    "Outcome",
    "ProgramNotFound",
    "Runnable",
    "ask",
    "ask_all",
    "linked_shutdown",
    "run",
    "run_in_worker",
    "started",
]

# How much of the end of a program's output `Outcome.tail` keeps, in bytes.
TAIL = 2**16
# How much an answer may hold, in bytes: `docker info` of a large machine has some 20 KiB.
MAX_ANSWER = 2**22


class Runnable(Protocol):
    """Protocol for the parts of a command that running it needs."""

    @property
    def argv(self) -> tuple[str, ...]:
        """The program and its arguments."""

    @property
    def env(self) -> Mapping[str, str]:
        """Variables that are added to the environment."""

    @property
    def stdin(self) -> str:
        """The text of its standard input."""


class CannotStart(BuilderError):
    """The system refuses to start a program."""


class ProgramNotFound(CannotStart):
    """A program is not in any folder of `PATH`."""


@attrs.frozen(kw_only=True)
class Outcome:
    """How a command ended.

    `exit_code` is 128 and the signal's number if a signal ended it. `stopped` and `timed_out` say
    that it was terminated, by a `Stop` or a timeout. `tail` holds the last 64 KiB of its output.
    """

    command: Runnable
    exit_code: int
    stopped: bool = False
    timed_out: bool = False
    tail: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen(kw_only=True)
class Answer:
    """What a program printed; `problem` is why it did not end by itself, empty if it did."""

    stdout: str = attrs.field(default="", repr=False)
    stderr: str = attrs.field(default="", repr=False)
    exit_code: int = 0
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether the program ended by itself with exit code 0."""
        return self.exit_code == 0 and not self.problem


def run(  # noqa: PLR0913  # what a process has, and what ends it
    command: Runnable,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: str | None = None,
    sink: Callable[[bytes], object] | None = None,
    capture_stdout: bool = False,
    timeout: float | None = None,
    stop: Stop | None = None,
) -> Outcome:
    """Runs a command; raises `CannotStart` if that is not possible.

    `sink` is called in this thread with what the command writes to stderr, with `capture_stdout` to
    stdout too; by default it is written to `sys.stderr`, and the command is given a terminal if
    that is one. After `timeout` seconds the command is terminated, and killed ten seconds later.
    The same happens when `stop` is stopped, when `sink` raises, and when a `KeyboardInterrupt` is
    raised in this thread: both exceptions are raised again when the command has ended.
    """
    terminal = terminal_of(None) if sink is None else None
    write = writer_for(None) if sink is None else sink
    with linked_shutdown(stop) as shutdown:
        (outcome,) = call_in_threads(
            [
                lambda mailbox: run_in_worker(
                    command,
                    environ=environ,
                    cwd=cwd,
                    sink=lambda block: mailbox.post(write, block),
                    ready=mailbox.ready,
                    capture_stdout=capture_stdout,
                    terminal=terminal,
                    timeout=timeout,
                    shutdown=shutdown,
                )
            ],
            shutdown,
        )
    return outcome


def run_in_worker(  # noqa: PLR0913  # the same
    command: Runnable,
    *,
    environ: Mapping[str, str] | None,
    cwd: str | None,
    sink: Callable[[bytes], object],
    ready: Callable[[], bool],
    capture_stdout: bool,
    terminal: int | None,
    timeout: float | None,
    shutdown: Shutdown,
    grace: Callable[[], float] | None = None,
) -> Outcome:
    """`run` in a thread of `call_in_threads`, where `sink` is called while `ready` is true.

    Once `shutdown` is stopped, nothing is started.
    """
    if shutdown.stopped:
        return Outcome(command=command, exit_code=128 + shutdown.signal, stopped=True)
    tail = bytearray()

    def pass_on(block: bytes) -> None:
        tail.extend(block)
        del tail[:-TAIL]
        sink(block)

    with ExitStack() as stack:
        stdin = stack.enter_context(_stdin(command))
        source, target = stack.enter_context(channel(terminal))
        try:
            process = stack.enter_context(
                started(
                    command.argv,
                    stdin=stdin,
                    stdout=target if capture_stdout else None,
                    stderr=target,
                    environ={**(os.environ if environ is None else environ), **command.env},
                    cwd=_folder(cwd, command),
                )
            )
        finally:
            os.close(target)
        supervisor = Supervisor(process, {source: pass_on}, shutdown, timeout)
        supervisor.ready, supervisor.tick = ready, follow_size(source, terminal)
        if grace is not None:
            supervisor.grace = grace
        code = supervisor.run()
    return Outcome(
        command=command,
        exit_code=code,
        stopped=supervisor.stopped,
        timed_out=supervisor.timed_out,
        tail=bytes(tail),
    )


def ask(
    argv: tuple[str, ...],
    *,
    environ: Mapping[str, str] | None = None,
    cwd: str | None = None,
    timeout: float | None = None,
    stop: Stop | None = None,
) -> Answer:
    """What a program prints; raises `CannotStart`.

    The program is ended as `run` ends a command, and also if it prints more than `MAX_ANSWER`.
    """
    return ask_all({"": argv}, environ=environ, cwd=cwd, timeout=timeout, stop=stop)[""]


def ask_all(
    questions: Mapping[str, tuple[str, ...]],
    *,
    environ: Mapping[str, str] | None = None,
    cwd: str | None = None,
    timeout: float | None = None,
    stop: Stop | None = None,
) -> dict[str, Answer]:
    """`ask` for several programs at the same time, by the names of the questions."""
    variables = dict(os.environ if environ is None else environ)
    with linked_shutdown(stop) as shutdown:
        answers = call_in_threads(
            [
                lambda _, argv=argv: _answer(argv, variables, cwd, timeout, shutdown)  # type: ignore[misc]  # mypy cannot infer the type of a default
                for argv in questions.values()
            ],
            shutdown,
        )
    return dict(zip(questions, answers, strict=True))


def _answer(
    argv: tuple[str, ...],
    environ: Mapping[str, str],
    cwd: str | None,
    timeout: float | None,
    call: Shutdown,
) -> Answer:
    """The answer to one question, asked in a thread of `call_in_threads`."""
    if call.stopped:
        return Answer(exit_code=128 + call.signal, problem="stopped")
    with ExitStack() as stack:
        shutdown = Shutdown()
        stack.enter_context(call.on_stop(lambda: shutdown.follow(call)))
        channels = [stack.enter_context(channel(None)) for _ in range(2)]
        texts = [bytearray(), bytearray()]
        try:
            process = stack.enter_context(
                started(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=channels[0][1],
                    stderr=channels[1][1],
                    environ=environ,
                    cwd=cwd,
                )
            )
        finally:
            for _, target in channels:
                os.close(target)

        def keep(text: bytearray, block: bytes) -> None:
            text.extend(block[: MAX_ANSWER - len(text) + 1])
            if len(text) > MAX_ANSWER:
                shutdown.kill()

        supervisor = Supervisor(
            process,
            {
                source: lambda block, text=text: keep(text, block)  # type: ignore[misc]  # mypy cannot infer the type of a default
                for (source, _), text in zip(channels, texts, strict=True)
            },
            shutdown,
            timeout,
        )
        supervisor.grace = lambda: supervision.SHORT_GRACE
        code = supervisor.run()
    problem = ""
    if supervisor.timed_out:
        problem = f"no answer within {timeout:.3g} seconds"
    elif supervisor.stopped:
        too_long = any(len(text) > MAX_ANSWER for text in texts)
        problem = f"more than {MAX_ANSWER >> 20} MiB of output" if too_long else "stopped"
    stdout, stderr = (text.decode(errors="replace") for text in texts)
    return Answer(stdout=stdout, stderr=stderr, exit_code=code, problem=problem)


@contextmanager
def linked_shutdown(stop: Stop | None) -> Iterator[Shutdown]:
    """The `Shutdown` of one call, which is stopped with the caller's `Stop`."""
    shutdown = Shutdown()
    if stop is None:
        yield shutdown
        return
    with stop.on_stop(shutdown.stop):
        yield shutdown


@contextmanager
def _stdin(command: Runnable) -> Iterator[int | BinaryIO]:
    """What a command reads: a file without a name, so that nothing is left of it."""
    if not command.stdin:
        yield subprocess.DEVNULL
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            data = memoryview(command.stdin.encode(errors="surrogateescape"))
            while data:
                data = data[file.write(data) :]
            file.seek(0)
        except OSError as error:
            raise _cannot_start(command.argv[0], f"no temporary file, {_words(error)}") from None
        yield file


def _folder(cwd: str | None, command: Runnable) -> str | None:
    """The folder that a command runs in: its own, relative to `cwd`."""
    own = getattr(command, "cwd", None)
    return os.path.join(cwd or "", own) if own else cwd  # noqa: PTH118  # text, as the command has it


@contextmanager
def started(  # noqa: PLR0913  # what Popen takes
    argv: tuple[str, ...],
    *,
    stdin: int | BinaryIO,
    stdout: int | None,
    stderr: int | None,
    environ: Mapping[str, str],
    cwd: str | None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a process group of its own, which ends with the interpreter."""
    program = _program(argv[0], environ)
    try:
        process = subprocess.Popen(  # noqa: S603  # the caller's command
            argv,
            executable=program,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=environ,
            cwd=cwd or None,
            process_group=0,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except (OSError, ValueError) as error:
        raise _cannot_start(argv[0], _words(error)) from None
    with child(process):
        yield process


# Where to get the programs of the front ends; `None` is docker's own page.
_URLS: dict[str, str | None] = {
    "docker": None,
    "buildctl": "https://github.com/moby/buildkit/releases",
    "buildah": "https://github.com/containers/buildah/blob/main/install.md",
    "podman": "https://podman.io/docs/installation",
}


def _program(name: str, environ: Mapping[str, str]) -> str:
    """The path of a program on the `PATH` of an environment; a path is taken as it is."""
    if os.path.dirname(name):  # noqa: PTH120  # text, as the command has it
        return name
    path = shutil.which(name, path=environ.get("PATH", os.defpath))
    if path is None:
        raise ProgramNotFound(
            Diagnostic(
                name="docker-not-found",
                message=f"`{name}` not found on PATH",
                hint=f"install `{name}`, or add its folder to PATH",
                url=_URLS.get(name, ""),
            )
        )
    return os.path.abspath(path)  # noqa: PTH100  # the same: the process may run in another folder


def _cannot_start(program: str, reason: str) -> CannotStart:
    return CannotStart(
        Diagnostic(
            name="docker-not-found",
            message=f"cannot start `{program}`: {reason}",
            hint="check that it is executable, and that the command is not too long",
            url=_URLS.get(program, ""),
        )
    )


def _words(error: OSError | ValueError) -> str:
    """The system's message for an error, in lower case."""
    words = str(getattr(error, "strerror", None) or error)
    return words[:1].lower() + words[1:]
