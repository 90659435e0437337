"""A docker that is a shell script: it records its calls and gives the answers that a test scripts.

The fixture `fake_docker` answers every call with exit code 0, until a test says
`fake_docker.answer("buildx build *", stderr="ERROR: no", exit_code=1)`; afterwards,
`fake_docker.calls` is `[Call(argv=("buildx", "build", "."))]`.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from pathlib import Path

import attrs
import pytest

# How long a test waits for something that must happen, in seconds: much longer than it ever takes.
PATIENCE = 60.0

# What a program does that must be ended: each is the rest of a script.
SLOW = "exec sleep 300"
STUBBORN = "trap '' INT TERM HUP; while :; do sleep 0.02; done"
SELF_STOPPING = "trap '' INT TERM HUP; while :; do kill -STOP $$; done"
# A child that ignores signals, and keeps the pipes of the script, which ends.
PIPE_HOLDING = "(trap '' INT TERM HUP; echo $$ > /dev/null; while :; do sleep 0.02; done) &\nexit 0"
# The same in a session of its own, which no signal to the group reaches.
ESCAPED = "setsid sleep 300 & exit 0"

_FIELD, _RECORD = "\x1f", "\x1e"


@attrs.frozen(kw_only=True)
class Call:
    """One call of the fake: its arguments; its folder and the progress mode are not compared."""

    argv: tuple[str, ...]
    cwd: str = attrs.field(default="", eq=False)
    progress: str = attrs.field(default="", eq=False)


@attrs.define
class FakeDocker:
    """A folder with the script, its answers, and what it recorded."""

    folder: Path
    rules: list[str] = attrs.field(factory=list)
    otherwise: str = "exit 0"

    def __attrs_post_init__(self) -> None:
        self.bin.mkdir(parents=True, exist_ok=True)
        self._write()

    @property
    def bin(self) -> Path:
        """The folder that belongs on PATH."""
        return self.folder / "bin"

    @property
    def environ(self) -> dict[str, str]:
        """The environment of this process with the fake in front of PATH."""
        dropped = {"BUILDX_BUILDER", "BUILDKIT_PROGRESS", "DOCKER_HOST", "DOCKER_CONTEXT"}
        kept = {key: value for key, value in os.environ.items() if key not in dropped}
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        return kept | {"PATH": path, "DOCKER_CONFIG": str(self.config)}

    @property
    def config(self) -> Path:
        """The folder of docker's configuration, which names a helper that may know any registry."""
        folder = self.folder / "config"
        if not folder.exists():
            folder.mkdir()
            (folder / "config.json").write_text('{"credsStore": "fake"}')
        return folder

    def answer(
        self,
        pattern: str,
        *,
        stdout: bytes | str = b"",
        stderr: bytes | str = b"",
        exit_code: int = 0,
        script: str = "",
    ) -> FakeDocker:
        """Answers the calls whose arguments match a shell pattern; the first that matches counts.

        `script` is run after the output, in place of the exit.
        """
        number = len(self.rules)
        lines = []
        for name, data, target in (("stdout", stdout, ""), ("stderr", stderr, " >&2")):
            if data:
                file = self.folder / f"{number}.{name}"
                file.write_bytes(data.encode() if isinstance(data, str) else data)
                lines.append(f"cat {shlex.quote(str(file))}{target}")
        lines.append(script or f"exit {exit_code}")
        words = "*".join(shlex.quote(part) if part else "" for part in pattern.split("*"))
        self.rules.append(f"{words})\n" + "\n".join(lines) + "\n;;")
        self._write()
        return self

    def describe(
        self,
        *,
        client: str = "28.5.2",
        server: str | None = None,
        buildx: str = "v0.29.1",
        inspect: str = "Name: default\nDriver: docker\n\nNodes:\nName: default\nStatus: running\n",
        store: str = "io.containerd.snapshotter.v1",
        context: str = "default",
    ) -> FakeDocker:
        """Answers the questions about a builder; an empty `server` is a daemon that does not run."""
        server = client if server is None else server
        running = f', "Server": {{"Version": "{server}"}}' if server else ""
        self.answer(
            "version --format *",
            stdout=f'{{"Client": {{"Version": "{client}", "Context": "{context}"}}{running}}}',
            stderr="" if server else "Cannot connect to the Docker daemon at unix:///x.\n",
            exit_code=0 if server else 1,
        )
        self.answer("info --format *", stdout=f'[["driver-type", "{store}"]]')
        if buildx:
            self.answer("buildx version", stdout=f"github.com/docker/buildx {buildx} abc\n")
        else:
            missing = "docker: 'buildx' is not a docker command.\nSee 'docker --help'\n"
            self.answer("buildx *", stderr=missing, exit_code=1)
        self.answer("buildx inspect*", stdout=inspect)
        return self

    @property
    def calls(self) -> list[Call]:
        """The calls in the order of their beginnings."""
        file = self.folder / "calls"
        text = file.read_text() if file.exists() else ""
        calls = []
        for record in text.split(_RECORD)[:-1]:
            cwd, progress, *argv = record.split(_FIELD)
            calls.append(Call(argv=tuple(argv), cwd=cwd, progress=progress))
        return calls

    @property
    def pids(self) -> set[int]:
        """The process ids of all calls."""
        return {int(path.name) for path in (self.folder / "pids").iterdir()}

    def running(self) -> set[int]:
        """The calls that have not ended, with all that is in their process groups."""
        return self.pids & _process_groups()

    def wait_for_calls(self, count: int = 1) -> None:
        """Waits until the fake was called so often."""
        until = time.monotonic() + PATIENCE
        while len(self.calls) < count:
            assert time.monotonic() < until, f"{len(self.calls)} of {count} calls"
            time.sleep(0.01)

    def wait_for_running(self, count: int = 0) -> None:
        """Waits until only so many calls run."""
        until = time.monotonic() + PATIENCE
        while len(self.running()) > count:
            assert time.monotonic() < until, f"{self.running()} still run"
            time.sleep(0.01)

    def _write(self) -> None:
        (self.folder / "pids").mkdir(exist_ok=True)
        calls, pids = (shlex.quote(str(self.folder / name)) for name in ("calls", "pids"))
        script = "\n".join(
            [
                "#!/bin/sh",
                f": > {pids}/$$",
                f"call() {{ IFS='{_FIELD}'; printf '%s{_RECORD}' \"$*\" >> {calls}; unset IFS; }}",
                'call "$PWD" "$BUILDKIT_PROGRESS" "$@"',
                'case "$*" in',
                *self.rules,
                "esac",
                self.otherwise,
                "",
            ]
        )
        partial = self.bin / "docker.part"
        partial.write_text(script)
        partial.chmod(0o755)
        partial.replace(self.bin / "docker")


def _process_groups() -> set[int]:
    """The process groups that have a member; one that has ended and was not reaped yet is none."""
    if not Path("/proc/self/stat").exists():
        argv = ["ps", "-A", "-o", "stat=,pgid="]
        lines = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
        return {int(line.split()[1]) for line in lines if line[:1] not in "ZX"}
    groups = set()
    for name in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208  # names are enough
        try:
            text = Path("/proc", name, "stat").read_text(errors="replace")
        except OSError:
            continue  # it has just ended
        state, _, group, *_ = text.rpartition(") ")[2].split()
        if state not in "ZX":
            groups.add(int(group))
    return groups


@pytest.fixture
def fake_docker(tmp_path: Path) -> FakeDocker:
    """A docker that answers every call with exit code 0."""
    return FakeDocker(tmp_path / "fake-docker")
