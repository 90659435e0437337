"""Processes: `run` runs one command and passes on what it says; `inspect_builder` describes this machine's builder.

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
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import BinaryIO, Protocol

import attrs

from faas_cache.builder import Builder, embedded_buildkit, parsed
from faas_cache.diagnostics import Diagnostic
from faas_cache.exceptions import BuilderLacks, InvalidCommandLine
from faas_cache.masking import masked

# How much of the end of a builder's output is kept: BuildKit's last words, with the excerpt of the Dockerfile, fit thrice.
TAIL = 2**16
# What ends a build politely: a terminal's Ctrl-C and its closing, and a CI system's cancel.
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# How docker says that no daemon answers: the client of 20 to 26, that of 28, and either where the address is wrong.
_DAEMON_DOWN = re.compile(
    rb"Cannot connect to the Docker daemon|failed to connect to the docker API|error during connect", re.IGNORECASE
)
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


@attrs.frozen(kw_only=True)
class Outcome:
    """How a command ended.

    `exit_code` is 128 and the signal's number where a signal ended it. `signal` is the one we were told to stop by, if any.
    `tail` holds the last 64 KiB of what it wrote to stderr, unless that is a terminal.
    """

    command: Runnable
    exit_code: int
    signal: int | None = None
    tail: bytes = attrs.field(default=b"", repr=False)


def run(
    command: Runnable,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: str | None = None,
    output: BinaryIO | None = None,
) -> Outcome:
    """Runs a command, its output passed through as it comes; raises `BuilderLacks` where it cannot be started.

    With an `output`, a file, all that the command writes goes there instead. SIGINT, SIGTERM and SIGHUP are passed on to the
    command's process group, and its end is waited for; in another thread than the main one, `forwarding` must do that.
    """
    piped = output is None and not (sys.__stderr__ and sys.__stderr__.isatty())
    environ = {**(os.environ if environ is None else environ), **command.env}
    with forwarding() as received:
        try:
            process = subprocess.Popen(  # noqa: S603  # the command is the caller's
                command.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE if piped else output,
                env=environ,
                cwd=cwd,
                process_group=0,
            )
        except (OSError, ValueError) as fault:
            raise BuilderLacks(_cannot_start(command.argv[0], fault)) from None
        _running.add(process)
        for number in tuple(received):  # one that came while this was being started was passed on without it
            _signal(process, number)
        try:
            tail = _passed_on(process.stderr.fileno()) if process.stderr else b""
            code = process.wait()
        finally:
            _running.discard(process)
            _end(process)
    code = code if code >= 0 else 128 - code
    return Outcome(command=command, exit_code=code, signal=received[0] if received else None, tail=tail or _tail_of(output))


def _tail_of(output: BinaryIO | None) -> bytes:
    """The end of what was written to a file."""
    if output is None:
        return b""
    end = output.seek(0, os.SEEK_END)
    output.seek(max(end - TAIL, 0))
    return output.read()


def daemon_is_down(tail: bytes) -> bool:
    """Whether the last words of a failed docker command say that no daemon answered."""
    return any(_DAEMON_DOWN.search(line) for line in tail.splitlines()[-5:])


# Every command that runs, and the signals received by whoever forwards them now.
_running: set[subprocess.Popen[bytes]] = set()
_receivers: list[list[int]] = []


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


def _forward(number: int, _frame: FrameType | None) -> None:
    for received in _receivers:
        received.append(number)
    for process in tuple(_running):
        _signal(process, number)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _passed_on(source: int) -> bytes:
    """Copies a stream to our stderr as it comes; returns its tail. A reader that has gone stops the copy, not the build."""
    tail = b""
    broken = False
    while block := os.read(source, TAIL):
        tail = (tail + block)[-TAIL:]
        while block and not broken:
            try:
                block = block[os.write(2, block) :]  # a pipe may take it in parts
            except OSError:
                broken = True
    return tail


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leaves nothing behind: whatever happened, the process and its group are gone and its pipe is closed."""
    if process.stderr:
        process.stderr.close()
    if process.poll() is None:
        _signal(process, signal.SIGKILL)
        process.wait()


def _cannot_start(program: str, fault: Exception) -> Diagnostic:
    if isinstance(fault, FileNotFoundError):
        return Diagnostic(
            code="F2",
            message=f"{program} is not there: no program of that name is on PATH",
            hint="install Docker, or put its `docker` on PATH",
            url=_INSTALL_URL,
        )
    return Diagnostic(
        code="F2",
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
_DRIVER = re.compile(r"^Driver:\s*(?P<driver>\S+)", re.MULTILINE)
_BUILDKIT = re.compile(r"^\s*Build[kK]it(?: version)?:\s*(?P<version>\S+)", re.MULTILINE)


def inspect_builder(*, environ: Mapping[str, str] | None = None, builder: str | None = None, timeout: float = 30.0) -> Builder:
    """This machine's builder, or the buildx builder of that name, as data.

    `timeout` is in seconds, for each of the four questions. Raises `BuilderLacks` where Docker's daemon is needed and does
    not answer; a docker that is not there is a `Builder` without one.
    """
    name = () if builder is None else (builder,)
    try:
        answers = _ask({**_QUESTIONS, "inspect": (*_QUESTIONS["inspect"], *name)}, environ, timeout)
    except FileNotFoundError:
        return Builder()
    except OSError as fault:
        raise BuilderLacks(_cannot_start("docker", fault)) from None
    versions = _json(answers["version"].stdout)
    client, server = (_at(versions, side, "Version") for side in ("Client", "Server"))
    driver = _found(_DRIVER, answers["inspect"].stdout) or "docker"
    found = _found(_BUILDKIT, answers["inspect"].stdout)
    if driver == "docker":
        if not server:
            raise BuilderLacks(_no_daemon(answers["version"].stderr))
        if parsed(found) is None and server != client:
            found = embedded_buildkit(server) or found
    return Builder(
        docker=client,
        buildx=_found(_BUILDX_VERSION, answers["buildx"].stdout),
        buildkit=found,
        driver=driver,
        containerd_store="io.containerd.snapshotter.v1" in answers["info"].stdout,
    )


@attrs.frozen
class _Said:
    """What a question was answered with."""

    stdout: str = ""
    stderr: str = ""


def _ask(questions: Mapping[str, tuple[str, ...]], environ: Mapping[str, str] | None, timeout: float) -> dict[str, _Said]:
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
        return {name: _Said(*process.communicate(timeout=timeout)) for name, process in asked.items()}
    except subprocess.TimeoutExpired:
        raise BuilderLacks(_no_daemon(f"no answer within {timeout:g} seconds")) from None
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


# git.


_TAG_HINT = "run in a clone that has a commit, or leave --tag out"
_CLONE_HINT = "see that the source is right and can be reached, or put the template into `template` yourself"


def git(*words: str, cwd: str | None = None, hint: str = _TAG_HINT) -> str:
    """What git prints; raises `InvalidCommandLine` with git's own words where it fails."""
    argv, environ = ("git", *words), os.environ | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(argv, check=False, capture_output=True, text=True, errors="replace", cwd=cwd, env=environ)  # noqa: S603  # our own question
    except OSError as fault:
        raise InvalidCommandLine(_git_fault(f"git cannot be started: {fault.strerror}", hint)) from None
    if done.returncode != 0:
        said = masked(done.stderr.strip().rpartition("\n")[2])
        raise InvalidCommandLine(_git_fault(f"`git {words[0]}` failed: {said or f'exit code {done.returncode}'}", hint))
    return done.stdout.strip()


def _git_fault(message: str, hint: str) -> Diagnostic:
    return Diagnostic(code="git", message=message, hint=hint)


def tag_value(kind: str) -> str:
    """What `--tag sha`, `branch` and `describe` take from git, as faas-cli asks it."""
    if kind == "describe":
        return git("describe", "--tags", "--always")
    sha = git("rev-parse", "--short", "HEAD")
    return sha if kind == "sha" else f"{git('rev-parse', '--symbolic-full-name', '--abbrev-ref', 'HEAD')}-{sha}"


@contextmanager
def cloned(source: str) -> Iterator[str]:
    """A folder that holds a source of templates while it is needed: a git URL, `URL#ref`, or a local path.

    `#sha-` and 7 to 40 hexadecimal digits name a commit. Raises `InvalidCommandLine` where git fails.
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
        code="F2",
        message="the Docker daemon does not answer" + (f": {first}" if first else ""),
        hint="start it (`sudo systemctl start docker`, or Docker Desktop), or check DOCKER_HOST and `docker context ls`",
        url=_DAEMON_URL,
    )
