"""The first five minutes of a new user, as transcripts: what is printed without a terminal, and on one.

A change of these texts is a change that users see: read them as one before you change them. Times are those of the recorded
progress, and 0.1 s for everything that is measured.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest
from progress import log, status, vertex
from stack_files import write_files

from faas_cache import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from fake_docker import FakeDocker

STACK = """\
version: 1.0
provider:
  name: openfaas
functions:
  hello:
    lang: python3
    handler: ./helo
    image: ghcr.io/acme/hello:latest
    build_cach: max
"""
FILES = {
    "stack.yaml": STACK,
    "hello/handler.py": "x = 1\n",
    "hello/requirements.txt": "flsk\n",
    "template/python3/template.yml": "language: python3\n",
    "template/python3/Dockerfile": "FROM python\nCOPY requirements.txt /\nRUN pip install -r requirements.txt\nCOPY . /\n",
}
CACHE = "ghcr.io/acme/hello:buildcache"
DIGEST = "sha256:" + "7" * 64
PIP = "RUN pip install -r requirements.txt"
EXIT = f'process "/bin/sh -c {PIP[4:]}" did not complete successfully: exit code: 1'
COMMAND = (
    f"DOCKER_BUILDKIT=1 docker buildx build --load --cache-from type=registry,ref={CACHE}"
    f" --cache-to type=registry,ref={CACHE},mode=max --build-arg ADDITIONAL_PACKAGE="
    " --build-arg BUILDKIT_INLINE_CACHE=1 --tag ghcr.io/acme/hello:latest build/hello"
)
ABSENT = f"failed to configure registry cache importer: {CACHE}: not found"
MISSING = status(
    vertexes=[vertex("a", f"importing cache manifest from {CACHE}", 1, 1, error=ABSENT)]
)
FOUND = status(vertexes=[vertex("a", f"importing cache manifest from {CACHE}", 1, 1)])
BASE = status(vertexes=[vertex("b", "[1/4] FROM python", 1, 2)])
PUSHED = {"vertex": "g", "id": f"pushing manifest for ghcr.io/acme/hello:latest@{DIGEST}"}
EXPORT = (
    status(vertexes=[vertex("g", "exporting to image", 10)])
    + status(statuses=[PUSHED | {"completed": "2026-01-01T00:00:11Z"}])
    + status(vertexes=[vertex("g", "exporting to image", 10, 12)])
    + status(vertexes=[vertex("h", "exporting cache to registry", 12, 13)])
)


def step(key: str, name: str, *run: float, **more: object) -> bytes:
    """A step that was started, and perhaps completed."""
    return status(vertexes=[vertex(key, name, *run, **more)])


MISTAKE = (
    step("i", "[internal] load build definition from Dockerfile", 1, 1)
    + MISSING
    + BASE
    + step("c", "[2/4] COPY requirements.txt /", 2, 2)
    + step("d", f"[3/4] {PIP}", 2)
    + status(logs=[log("d", b"No matching distribution found for flsk\n", 3)])
    + step("d", f"[3/4] {PIP}", 2, 4, error=EXIT)
    + f"Dockerfile:3\n>>> {PIP}\nERROR: failed to build: failed to solve: {EXIT}\n".encode()
)
FIRST = (
    MISSING
    + BASE
    + step("c", "[2/4] COPY requirements.txt /", 2, 2)
    + step("d", f"[3/4] {PIP}", 2)
    + status(logs=[log("d", b"Successfully installed flask\n", 8)])
    + step("d", f"[3/4] {PIP}", 2, 9)
    + step("e", "[4/4] COPY . /", 9, 10)
    + EXPORT
)
SECOND = (
    FOUND
    + BASE
    + step("c", "[2/4] COPY requirements.txt /", 2, 2, cached=True)
    + step("d", f"[3/4] {PIP}", 2, 2, cached=True)
    + step("e", "[4/4] COPY . /", 9, 10)
    + EXPORT
)


def session(project: Path, docker: FakeDocker, *, terminal: bool) -> list[str]:
    """What a user types and sees: install, plan, check, build with two mistakes, build, build again."""
    write_files(project, FILES)
    stack, lines = project / "stack.yaml", list[str]()

    def run(*words: str, progress: bytes = b"") -> None:
        docker.rules.clear()
        docker.describe(buildx="v0.13.1", client="26.1.5")
        docker.answer("buildx build *", stderr=progress, exit_code=int(b"ERROR:" in progress))
        lines.append(f"$ faas-cache {' '.join(words)}")
        text = typed(words, project, docker, terminal=terminal)
        lines.extend(TIMES.sub("0.1 s", text).removesuffix("\n").split("\n"))

    run("--version")
    run("biuld")
    run("plan")
    run("check")
    run("build")
    stack.write_text(STACK.replace("build_cach:", "build_cache:").replace("helo", "hello"))
    run("check")
    run("plan")
    run("build", "--push", progress=MISTAKE)
    run("build", "--push", progress=FIRST)
    (project / "hello" / "handler.py").write_text("x = 2\n")
    run("build", "--push", progress=SECOND)
    run("build", "--push", "-q", progress=SECOND)
    return lines


TIMES = re.compile(r"(?<=hello  )\d+\.\d s|(?<= in )\d+\.\d s")


def typed(words: tuple[str, ...], project: Path, docker: FakeDocker, *, terminal: bool) -> str:
    """What the command line prints on both streams: into a pipe, or on a terminal of 100 columns."""
    argv = [sys.executable, "-m", "faas_cache", *words]
    environ = {**docker.environ, "TERM": "xterm", "NO_COLOR": "", "FORCE_COLOR": ""}
    if not terminal:
        done = subprocess.run(
            argv,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=project,
            env=environ,
        )
        return done.stdout.decode()
    master, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    child = subprocess.Popen(argv, stdout=theirs, stderr=theirs, cwd=project, env=environ)
    os.close(theirs)
    screen = b""
    try:
        while block := os.read(master, 65536):
            screen += block
    except OSError:
        pass  # the other side is closed
    os.close(master)
    child.wait()
    return screen.decode().replace("\r\n", "\n")


UNKNOWN = "stack.yaml:9:5: functions.hello.build_cach: warning: unknown key `build_cach` (ignored) [unknown-key]"
HANDLER = """\
stack.yaml:7:5: functions.hello.handler: error: the handler `./helo` does not exist [invalid-context]
    create it, or correct `handler`
    https://docs.docker.com/reference/cli/docker/buildx/build/"""
YAML = "    https://docs.openfaas.com/reference/yaml/"
TRANSCRIPT = f"""\
$ faas-cache --version
{__version__}
$ faas-cache biuld
error: unknown command `biuld` [invalid-argument]
    did you mean `build`?
$ faas-cache plan
docker build --build-arg ADDITIONAL_PACKAGE= --tag ghcr.io/acme/hello:latest build/hello
{UNKNOWN}
    did you mean `build_cache`?
{YAML}
$ faas-cache check
{UNKNOWN}
    did you mean `build_cache`?
{YAML}
{HANDLER}
1 error, 1 warning, 0 notes
$ faas-cache build
{HANDLER}
$ faas-cache check
0 errors, 0 warnings, 0 notes
$ faas-cache plan
{COMMAND}
$ faas-cache build --push
hello | #2 importing cache manifest from {CACHE}
hello | #2 MISSING: {ABSENT}
hello | #3 [1/4] FROM python
hello | #3 DONE 1.0s
hello | #4 [2/4] COPY requirements.txt /
hello | #4 DONE 0.0s
hello | #5 [3/4] {PIP}
hello | #5 1.000 No matching distribution found for flsk
hello | #5 ERROR: {EXIT}
hello | Dockerfile:3
hello | >>> {PIP}
hello | ERROR: failed to build: failed to solve: {EXIT}
[1/1] hello  0.1 s  failed

hello: error: a command of the Dockerfile failed [build-failed]
    {EXIT}
    read the output of the command in the log, and correct it
    then run `faas-cache build hello` again with the same flags
    log: above
    https://docs.docker.com/reference/dockerfile/#run

1 function in 0.1 s: 1 failed
$ faas-cache build --push
hello | #1 importing cache manifest from {CACHE}
hello | #1 MISSING: {ABSENT}
hello | #2 [1/4] FROM python
hello | #2 DONE 1.0s
hello | #3 [2/4] COPY requirements.txt /
hello | #3 DONE 0.0s
hello | #4 [3/4] {PIP}
hello | #4 6.000 Successfully installed flask
hello | #4 DONE 7.0s
hello | #5 [4/4] COPY . /
hello | #5 DONE 1.0s
hello | #6 exporting to image
hello | #6 pushing manifest for ghcr.io/acme/hello:latest@{DIGEST} done
hello | #6 DONE 2.0s
hello | #7 exporting cache to registry
hello | #7 DONE 1.0s
[1/1] hello  0.1 s  0/3 cached  pushed
    the cache does not exist yet
    ghcr.io/acme/hello@{DIGEST}
1 function in 0.1 s: 1 pushed
$ faas-cache build --push
hello | #1 importing cache manifest from {CACHE}
hello | #1 DONE 0.0s
hello | #2 [1/4] FROM python
hello | #2 DONE 1.0s
hello | #3 [2/4] COPY requirements.txt /
hello | #3 CACHED
hello | #4 [3/4] {PIP}
hello | #4 CACHED
hello | #5 [4/4] COPY . /
hello | #5 DONE 1.0s
hello | #6 exporting to image
hello | #6 pushing manifest for ghcr.io/acme/hello:latest@{DIGEST} done
hello | #6 DONE 2.0s
hello | #7 exporting cache to registry
hello | #7 DONE 1.0s
[1/1] hello  0.1 s  2/3 cached  pushed
    the first step that ran is `[4/4] COPY . /`; it depends on the whole build context, and the base image `python`
    ghcr.io/acme/hello@{DIGEST}
1 function in 0.1 s: 1 pushed
$ faas-cache build --push -q
[1/1] hello  0.1 s  2/3 cached  pushed
    the first step that ran is `[4/4] COPY . /`; it depends on the whole build context, and the base image `python`
    ghcr.io/acme/hello@{DIGEST}
1 function in 0.1 s: 1 pushed
"""
# What is in colour on a terminal.
COLORS = (
    ("\x1b[1;31merror\x1b[0m: unknown command `biuld`", 1),
    ("\x1b[1;33mwarning\x1b[0m: unknown key `build_cach`", 2),
    ("\x1b[1;31merror\x1b[0m: the handler `./helo` does not exist", 2),
    ("hello  0.1 s  \x1b[31mfailed\x1b[0m", 1),
    ("\x1b[33m0/3 cached\x1b[0m  \x1b[32mpushed\x1b[0m", 1),
    ("\x1b[33m2/3 cached\x1b[0m  \x1b[32mpushed\x1b[0m", 2),
)
_COLOR, _DRAWN = (
    re.compile(r"\x1b\[[0-9;]*m"),
    re.compile(r"hello  0\.1 s[^\n]*\n\x1b\[1A\r\x1b\[J"),
)


def test_without_a_terminal(project: Path, docker: FakeDocker) -> None:
    """As in a log of CI."""
    assert session(project, docker, terminal=False) == TRANSCRIPT.splitlines()


def test_on_a_terminal(project: Path, docker: FakeDocker) -> None:
    """The same words, in colours; with `-q`, what runs is drawn and erased."""
    lines = session(project, docker, terminal=True)
    text = "\n".join(lines) + "\n"
    assert [(part, text.count(part)) for part, _ in COLORS] == list(COLORS)
    before, quiet = text.split("$ faas-cache build --push -q\n")
    assert "\x1b[J" not in before
    assert "hello  0.1 s  [3/4] RUN pip install" in quiet
    plain = _COLOR.sub("", text)
    while (erased := _DRAWN.sub("", plain)) != plain:
        plain = erased
    assert plain.splitlines() == TRANSCRIPT.splitlines()


@pytest.mark.parametrize("words", [("plan",), ("check",), ("build", "--push")])
def test_no_sentence_is_printed_twice(
    project: Path, docker: FakeDocker, words: tuple[str, ...]
) -> None:
    """Nothing has to be read twice."""
    write_files(project, FILES | {"helo/x": ""})
    docker.answer("build *", stderr=MISTAKE, exit_code=1)
    lines = [line for line in typed(words, project, docker, terminal=False).splitlines() if line]
    assert len(lines) == len(set(lines))
