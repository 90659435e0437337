"""Commands and plans as the runner takes them, and fresh interpreters that use it."""

from __future__ import annotations

import shlex
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from typing import Self

import attrs

from faas_cache.model.frozen_map import EMPTY


@attrs.frozen(kw_only=True)
class Program:
    """A command of any program."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = EMPTY
    stdin: str = ""
    cwd: str = ""
    kind: str = "build"

    def masked(self) -> Self:
        """The same command."""
        return self

    def shell(self) -> str:
        """The command as one line."""
        return shlex.join(self.argv)


@attrs.frozen(kw_only=True)
class Planned:
    """The plan of a function."""

    function: str
    tags: tuple[str, ...] = ("acme/fn:latest",)
    output: str | None = None
    builder_flags: tuple[str, ...] = ()


def python(code: str) -> Program:
    """A command that runs a few lines of Python."""
    return Program(argv=(sys.executable, "-c", textwrap.dedent(code)))


def shell(script: str, **fields: str) -> Program:
    """A command that runs a shell script."""
    return Program(argv=("sh", "-c", script), **fields)  # type: ignore[arg-type]  # all of them are strings


def interpreter(code: str, *arguments: object, **options: object) -> subprocess.Popen[bytes]:
    """A fresh interpreter that runs a program; its output is piped unless the options say otherwise."""
    argv = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(argv, **(pipes | options))  # type: ignore[call-overload,no-any-return]  # Popen's many forms
