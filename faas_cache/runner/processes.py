"""Processes: `run` runs one command and passes on what it says; `inspect_builder` describes this machine's builder.

What a command writes to stderr goes to ours as it comes; where that is a terminal the command is given one of its own, so that
it draws as it always does, and we see what it draws.

The only user of `subprocess`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import BinaryIO, Protocol

import attrs

from faas_cache.buildkit.progress import Progress, read
from faas_cache.model.builders import Builder, embedded_buildkit
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import BuilderError, InvalidInput
from faas_cache.model.masking import masked
from faas_cache.model.versions import parse_version

# How much of the end of a builder's output is kept: BuildKit's last words, with the excerpt of the Dockerfile, fit thrice.
TAIL = 2**16
# What ends a build politely: a terminal's Ctrl-C and its closing, and a CI system's cancel.
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What a build that was told to end may take to do so, in seconds; then it is killed, with all that it started.
GRACE = 10.0
_INSTALL_URL = "https://docs.docker.com/engine/install/"
_DAEMON_URL = "https://docs.docker.com/engine/daemon/start/"


class Runnable(Protocol):
    """What is asked of a command here."""

    @property
    def argv(self) -> tuple[str, ...]:
        """The program and its arguments."""

    @property
    def env(self) -> Mapping[str, str]:
        """What to add to the environment."""

    @property
    def stdin(self) -> str:
        """What to give it to read."""


@attrs.frozen(kw_only=True)
class Outcome:
    """How a command ended.

    `exit_code` is 128 and the signal's number where a signal ended it. `signal` is the one we were told to stop by, if any;
    `late` says that its time was up. `tail` holds the last 64 KiB of what it wrote to stderr.
    """

    command: Runnable
    exit_code: int
    signal: int | None = None
    late: bool = False
    tail: bytes = attrs.field(default=b"", repr=False)

    @property
    def progress(self) -> Progress:
        """What the tail tells of the build."""
        return read(self.tail)[-1]


def run(  # noqa: PLR0913  # what Popen needs to be told
    command: Runnable,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: str | None = None,
    sink: Callable[[bytes], object] | None = None,
    everything: bool = False,
    seconds: float | None = None,
) -> Outcome:
    """Runs a command, its output passed through as it comes; raises `BuilderError` where it cannot be started.

    A `sink` is given what the command writes to stderr, in place of our own stderr; with `everything` stdout too. SIGINT,
    SIGTERM and SIGHUP are passed on to the command's process group, and its end is waited for; in another thread than the main
    one, `forwarding` must do that. After so many `seconds` it is told to end, and ten seconds later it is killed.
    """
    environ = {**(os.environ if environ is None else environ), **command.env}
    terminal = sink is None and sys.__stderr__ is not None and sys.__stderr__.isatty()
    with (
        forwarding() as received,
        _stdin(command.stdin) as stdin,
        _channel(terminal=terminal) as (source, target),
    ):
        try:
            process = subprocess.Popen(  # noqa: S603  # the command is the caller's
                command.argv,
                stdin=stdin,
                stdout=target if everything else None,
                stderr=target,
                env=environ,
                cwd=cwd,
                process_group=0,
            )
        except (OSError, ValueError) as fault:
            raise BuilderError(_cannot_start(command.argv[0], fault)) from None
        finally:
            os.close(target)
        _running.add(process)
        for number in (
            *received,
            *_told,
        ):  # one that came while this was being started was passed on without it
            _signal(process, number)
        try:
            with _limit(process, seconds) as late:
                tail = _passed_on(source, sink or _to_stderr())
                code = process.wait()
        finally:
            _running.discard(process)
            _end(process)
    code = code if code >= 0 else 128 - code
    return Outcome(
        command=command,
        exit_code=code,
        signal=received[0] if received else None,
        late=bool(late),
        tail=tail,
    )


def end_all() -> None:
    """Tells everything that `run` runs to end, and what is just being started."""
    _told.append(signal.SIGTERM)
    for process in tuple(_running):
        _signal(process, signal.SIGTERM)


@contextmanager
def _stdin(text: str) -> Iterator[int | BinaryIO]:
    """What a command reads."""
    if not text:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:  # it has no name, so that nothing can be left of it
        file.write(text.encode(errors="surrogateescape"))
        file.seek(0)
        yield file


@contextmanager
def _channel(*, terminal: bool) -> Iterator[tuple[int, int]]:
    """Where to read from and where a command writes to: a pipe, or a terminal of the size of ours, which follows it."""
    if not terminal:
        source, target = os.pipe()
        try:
            yield source, target
        finally:
            os.close(source)
        return
    source, target = os.openpty()
    tty.setraw(target)

    def resize(*_: object) -> None:
        with suppress(OSError, termios.error):
            termios.tcsetwinsize(source, termios.tcgetwinsize(2))

    resize()
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGWINCH, resize) if main else None
    try:
        yield source, target
    finally:
        if main:
            signal.signal(signal.SIGWINCH, before)
        os.close(source)


@contextmanager
def _limit(process: subprocess.Popen[bytes], seconds: float | None) -> Iterator[list[bool]]:
    """Tells a process to end when its time is up, and kills it where it does not."""
    late: list[bool] = []
    if seconds is None:
        yield late
        return
    over = threading.Event()

    def watch() -> None:
        if not over.wait(max(seconds, 0.0)):
            late.append(True)
            _signal(process, signal.SIGTERM)
            if not over.wait(GRACE):
                _signal(process, signal.SIGKILL)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield late
    finally:
        over.set()
        watcher.join()


# Every command that runs, the signals received by whoever forwards them now, and those that `end_all` sent meanwhile.
_running: set[subprocess.Popen[bytes]] = set()
_receivers: list[list[int]] = []
_told: list[int] = []


@contextmanager
def forwarding() -> Iterator[list[int]]:
    """Passes signals on to everything that `run` runs, and collects them; only the main thread can, once for all it calls."""
    if _receivers or threading.current_thread() is not threading.main_thread():
        yield _receivers[0] if _receivers else []
        return
    received: list[int] = []
    _receivers.append(received)
    before = {number: signal.signal(number, _forward) for number in _FORWARDED}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _receivers.remove(received)
        _told.clear()


def _forward(number: int, _frame: FrameType | None) -> None:
    for received in _receivers:
        received.append(number)
    for process in tuple(_running):
        _signal(process, number)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _passed_on(source: int, sink: Callable[[bytes], object]) -> bytes:
    """Copies a stream to a sink as it comes, and returns its tail."""
    tail = b""
    with suppress(OSError):  # a terminal whose other side is closed
        while block := os.read(source, TAIL):
            tail = (tail + block)[-TAIL:]
            sink(block)
    return tail


def _to_stderr() -> Callable[[bytes], object]:
    """A sink that is our stderr. A reader that has gone stops the copy, not the build."""
    broken: list[OSError] = []

    def write(block: bytes) -> None:
        while block and not broken:
            try:
                block = block[os.write(2, block) :]  # a pipe may take it in parts
            except OSError as fault:
                broken.append(fault)

    return write


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leaves nothing behind: whatever happened, the process and its group are gone."""
    _signal(process, signal.SIGKILL)
    process.wait()


def _cannot_start(program: str, fault: Exception) -> Diagnostic:
    if isinstance(fault, FileNotFoundError):
        return Diagnostic(
            name="F2",
            message=f"{program} is not there: no program of that name is on PATH",
            hint="install Docker, or put its `docker` on PATH",
            url=_INSTALL_URL,
        )
    return Diagnostic(
        name="F2",
        message=f"{program} cannot be started: {getattr(fault, 'strerror', None) or fault}",
        hint="see that it may be executed, and that the command is not too long",
        url=_INSTALL_URL,
    )


# The questions that describe a builder, asked at the same time.
_QUESTIONS = {
    "version": ("docker", "version", "--format", "{{json .}}"),
    "info": ("docker", "info", "--format", "{{json .DriverStatus}}"),
    "buildx": ("docker", "buildx", "version"),
    "inspect": ("docker", "buildx", "inspect"),
}
_BUILDX_VERSION = re.compile(r"^\S*docker/buildx (?P<version>\S+)", re.MULTILINE)
_NAME = re.compile(r"^Name:\s*(?P<name>\S+)", re.MULTILINE)
_DRIVER = re.compile(r"^Driver:\s*(?P<driver>\S+)", re.MULTILINE)
_REF = "buildx.build.ref"
_BUILDKIT = re.compile(r"^\s*Build[kK]it(?: version)?:\s*(?P<version>\S+)", re.MULTILINE)


def inspect_builder(
    *, environ: Mapping[str, str] | None = None, builder: str | None = None, timeout: float = 30.0
) -> Builder:
    """This machine's builder, or the buildx builder of that name, as data.

    `timeout` is in seconds, for each of the four questions. Raises `BuilderError` where Docker's daemon is needed and does
    not answer; a docker that is not there is a `Builder` without one.
    """
    name = () if builder is None else (builder,)
    try:
        answers = _ask({**_QUESTIONS, "inspect": (*_QUESTIONS["inspect"], *name)}, environ, timeout)
    except FileNotFoundError:
        return Builder()
    except OSError as fault:
        raise BuilderError(_cannot_start("docker", fault)) from None
    versions = _json(answers["version"].stdout)
    client, server = (_at(versions, side, "Version") for side in ("Client", "Server"))
    driver = _found(_DRIVER, answers["inspect"].stdout) or "docker"
    found = _found(_BUILDKIT, answers["inspect"].stdout)
    if driver == "docker":
        if not server:
            raise BuilderError(_no_daemon(answers["version"].stderr))
        if parse_version(found) is None and server != client:
            found = embedded_buildkit(server) or found
    return Builder(
        docker=client,
        buildx=_found(_BUILDX_VERSION, answers["buildx"].stdout),
        buildkit=found,
        driver=driver,
        name=_found(_NAME, answers["inspect"].stdout) or "",
        containerd_store="io.containerd.snapshotter.v1" in answers["info"].stdout,
    )


@attrs.frozen
class _Said:
    """What a question was answered with."""

    stdout: str = ""
    stderr: str = ""


def _ask(
    questions: Mapping[str, tuple[str, ...]], environ: Mapping[str, str] | None, timeout: float
) -> dict[str, _Said]:
    """The answers to all questions; none is left running."""
    asked: dict[str, subprocess.Popen[str]] = {}
    try:
        for name, argv in questions.items():
            asked[name] = subprocess.Popen(  # noqa: S603  # our own questions
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=None if environ is None else dict(environ),
            )
        return {
            name: _Said(*process.communicate(timeout=timeout)) for name, process in asked.items()
        }
    except subprocess.TimeoutExpired:
        raise BuilderError(_no_daemon(f"no answer within {timeout:g} seconds")) from None
    finally:
        for process in asked.values():
            process.kill()
            process.communicate()


def _found(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match[1] if match else None


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _at(value: object, *path: str) -> str:
    """The text at a path of a JSON value; empty where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def has_builder(name: str) -> bool:
    """Whether buildx knows a builder of that name."""
    argv = ("docker", "buildx", "inspect", name)
    try:
        return subprocess.run(argv, check=False, capture_output=True).returncode == 0  # noqa: S603  # our own question
    except OSError:
        return False


def refs(metadata: bytes) -> dict[str, str]:
    """The record of each build in what `--metadata-file` holds: by target for `bake`, else under an empty name."""
    found = _json(metadata.decode(errors="replace"))
    alone = {"": _at(found, _REF)}
    several = {name: _at(found, name, _REF) for name in (found if isinstance(found, dict) else ())}
    return {name: ref for name, ref in (alone | several).items() if ref}


def history(ref: str) -> bytes:
    """What a build said, as the builder remembers it: rawjson, empty where it does not; `ref` is that of `refs`."""
    builder, _, rest = ref.partition("/")
    argv = (
        "docker",
        "buildx",
        "history",
        "logs",
        "--builder",
        builder,
        "--progress",
        "rawjson",
        rest.rpartition("/")[2],
    )
    try:
        done = subprocess.run(argv, check=False, capture_output=True, stdin=subprocess.DEVNULL)  # noqa: S603  # our own question
    except OSError:
        return b""
    return done.stdout + done.stderr if done.returncode == 0 else b""


# git.


_TAG_HINT = "run in a clone that has a commit, or leave --tag out"
_CLONE_HINT = (
    "see that the source is right and can be reached, or put the template into `template` yourself"
)


def git(*words: str, cwd: str | None = None, hint: str = _TAG_HINT) -> str:
    """What git prints; raises `InvalidInput` with git's own words where it fails."""
    argv, environ = ("git", *words), os.environ | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            argv,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=cwd,
            env=environ,
        )  # noqa: S603  # our own question
    except OSError as fault:
        raise InvalidInput(_git_fault(f"git cannot be started: {fault.strerror}", hint)) from None
    if done.returncode != 0:
        said = masked(done.stderr.strip().rpartition("\n")[2])
        raise InvalidInput(
            _git_fault(f"`git {words[0]}` failed: {said or f'exit code {done.returncode}'}", hint)
        )
    return done.stdout.strip()


def _git_fault(message: str, hint: str) -> Diagnostic:
    return Diagnostic(name="git", message=message, hint=hint)


def tag_value(kind: str) -> str:
    """What `--tag sha`, `branch` and `describe` take from git, as faas-cli asks it."""
    if kind == "describe":
        return git("describe", "--tags", "--always")
    sha = git("rev-parse", "--short", "HEAD")
    return (
        sha
        if kind == "sha"
        else f"{git('rev-parse', '--symbolic-full-name', '--abbrev-ref', 'HEAD')}-{sha}"
    )


@contextmanager
def cloned(source: str) -> Iterator[str]:
    """A folder that holds a source of templates while it is needed: a git URL, `URL#ref`, or a local path.

    `#sha-` and 7 to 40 hexadecimal digits name a commit. Raises `InvalidInput` where git fails.
    """
    url, _, ref = source.partition("#")
    if os.path.isdir(url) and not ref and not os.path.exists(os.path.join(url, ".git")):  # noqa: PTH110, PTH112, PTH118  # text is what it is
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="faas-cache-") as folder:
        target = os.path.join(folder, "clone")  # noqa: PTH118  # the same
        commit = re.fullmatch(r"sha-([0-9a-f]{7,40})", ref)
        which = () if commit else ("--depth=1", *(("--branch", ref) if ref else ()))
        git("clone", "--quiet", *which, "--", url, target, hint=_CLONE_HINT)
        if commit:
            git("checkout", "--quiet", commit[1], cwd=target, hint=_CLONE_HINT)
        yield target


def _no_daemon(said: str) -> Diagnostic:
    first = said.strip().partition("\n")[0]
    return Diagnostic(
        name="F2",
        message="the Docker daemon does not answer" + (f": {first}" if first else ""),
        hint="start it (`sudo systemctl start docker`, or Docker Desktop), or check DOCKER_HOST and `docker context ls`",
        url=_DAEMON_URL,
    )
