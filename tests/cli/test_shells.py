"""The command line as shells start it: closed and full streams, encodings, few descriptors."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

STACK = """\
provider: {name: openfaas}
functions:
  fn: {context: ., image: a/fn, build_cache: max}
"""
COMMANDS = (
    "--help",
    "--version",
    "plan",
    "plan --json",
    "check",
    "check --format sarif",
    "explain build.log",
    "help ci",
    "rule E4",
    "registries",
    "completion bash",
)


@pytest.fixture(autouse=True)
def stack(project: Path) -> None:
    (project / "stack.yaml").write_text(STACK)
    (project / "build.log").write_text("ERROR: failed to solve: secret tok: not found\n")


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
