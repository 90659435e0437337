"""The standard streams of the process, whatever its caller made of them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from faas_cache.cli import streams
from faas_cache.cli.main import main

STACK = """\
provider: {name: openfaas}
functions:
  fn: {lang: dockerfile, handler: x, image: a/fn, build_cache: max}
"""
COMMANDS = (
    "--help",
    "--version",
    "plan",
    "plan --json",
    "check",
    "check --format sarif",
    "explain",
    "help ci",
    "rule E4",
    "registries",
    "completion bash",
)


@pytest.fixture(autouse=True)
def stack(project: Path) -> None:
    (project / "stack.yaml").write_text(STACK)


def shell(line: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a line of `sh` in which `$faas_cache` is the command line."""
    variables = os.environ | {"faas_cache": f"{sys.executable} -m faas_cache"} | environ
    return subprocess.run(
        ["bash", "-c", line],
        check=False,
        capture_output=True,
        env=variables,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    "line",
    [
        "set -o pipefail; $faas_cache {} | true",
        "$faas_cache {} >&-",
        "$faas_cache {} 2>&-",
        "$faas_cache {} <&-",
        "$faas_cache {} <&- >&- 2>&-",
        "$faas_cache {} 2>/dev/full",
    ],
)
def test_what_nobody_reads_fails_no_command(line: str) -> None:
    """The exit code is that of the command, and there is no traceback."""
    script = "; ".join(f"({line.format(command)}); echo $?" for command in COMMANDS)
    done = shell(f"exec 3>&1; ({script.replace('echo $?', 'echo $? >&3')}) > /dev/null")
    assert (done.stdout.split(), b"Traceback" in done.stderr) == ([b"0"] * len(COMMANDS), False)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_an_error(command: str) -> None:
    """With the words of the system."""
    done = shell(f"$faas_cache {command} > /dev/full")
    assert (done.returncode, done.stderr.splitlines()[-3]) == (
        1,
        b"error: cannot write to stdout: no space left on device [report-not-written]",
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_any_text_can_be_printed_on_any_terminal(project: Path, encoding: str) -> None:
    """What a terminal does not have is escaped; bytes that are no text pass as they are."""
    name = os.fsdecode("é…\xff".encode() + b"\xfe")
    (project / "stack.yaml").write_text(STACK.replace("image: a/fn", "image: 'a/…é'"))
    for command in ("plan", "check", "check --format json", "check --format github", "help ci"):
        done = shell(f"$faas_cache {command}", PYTHONIOENCODING=encoding)
        assert b"Traceback" not in done.stderr
    done = shell(f"$faas_cache rule '{name}'", PYTHONIOENCODING=encoding)
    assert (done.returncode, b"Traceback" in done.stderr) == (2, False)


def test_few_file_descriptors_are_an_error_or_enough() -> None:
    """Never a traceback."""
    for count, command in product((4, 5, 6, 8, 12, 20), ("plan", "check", "check --inspect")):
        done = shell(f"ulimit -n {count}; $faas_cache {command}")
        # with fewer, Python itself cannot import our modules
        if b"faas_cache/cli/main.py" in done.stderr or count > 6:
            assert b"Traceback" not in done.stderr, (count, command, done.stderr)


def test_a_current_folder_that_is_gone_is_an_error(project: Path) -> None:
    """For each command that needs it."""
    for command in ("plan", "check", "doctor", "build", "build --shrinkwrap", "set max"):
        folder = project / "gone"
        folder.mkdir()
        done = shell(f"cd gone; rmdir ../gone; $faas_cache {command}")
        assert done.returncode in {2, 3}
        assert b"Traceback" not in done.stderr


def test_a_system_error_has_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever it comes from; the file is named, if it is one."""
    errors = (
        OSError(24, "Too many open files", "a\x1b/b"),
        OSError("odd"),
        MemoryError(),
        RecursionError("maximum recursion depth exceeded"),
        ValueError("embedded null byte"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    )
    for error in errors:

        def fail(*_: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr("faas_cache.cli.main.parse_arguments", fail)
        assert main(["plan"]) == 1
    lines = capsys.readouterr().err.splitlines()[::3]
    assert [line.partition(" [")[0] for line in lines] == [
        "error: cannot continue: `a\\x1b/b`: too many open files",
        "error: cannot continue: odd",
        "error: cannot continue: memoryError",
        "error: cannot continue: maximum recursion depth exceeded",
        "error: cannot continue: embedded null byte",
        "error: cannot continue: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
    ]


def test_streams_without_a_file_are_silenced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may have replaced them."""

    class Broken(io.StringIO):
        def write(self, _: str, /) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise ValueError("closed")

    monkeypatch.setattr(sys, "stdout", Broken())
    monkeypatch.setattr(sys, "stderr", Broken())
    streams.write_stdout("x")
    streams.write_stderr("x")
    streams.write_stdout("y")
    opened = [sys.stdout, sys.stderr]
    monkeypatch.setattr(sys, "stdout", Broken())
    with pytest.raises(streams.OutputError, match="cannot write to stdout: closed"):
        streams.flush_stdout()
    opened.append(sys.stdout)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    streams.open_streams()
    streams.write_stdout("x")
    streams.write_stderr("x")
    for stream in (*opened, sys.stdout, sys.stderr):
        assert stream.name == os.devnull
        stream.close()
