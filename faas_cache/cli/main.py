"""`faas-cache` and `python -m faas_cache`: reads words, calls `Project` and prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module

from faas_cache.cli.arguments import parse_arguments
from faas_cache.cli.colors import choosing
from faas_cache.cli.output import ExitCode, warn
from faas_cache.cli.signals import Terminated, raising
from faas_cache.cli.streams import flush_stdout, open_streams, write_stdout
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import FaasCacheError

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    0: done. 1: a build failed. 2: the input is invalid. 3: the builder cannot do it. 130, 143: a
    signal came.
    """
    open_streams()
    stack = ExitStack()
    try:
        with raising():
            return _run(sys.argv[1:] if words is None else words, stack)
    except FaasCacheError as error:
        warn(*error.diagnostics)
        return error.exit_code
    except Terminated as error:
        return 128 + error.number
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        warn(_system_error(error))
        return ExitCode.FAILED
    finally:
        stack.close()


def _run(words: Sequence[str], stack: ExitStack) -> int:
    """Parses the words and runs the command that they name; its colors stay until the end."""
    parsed = parse_arguments(words)
    if isinstance(parsed, str):
        write_stdout(parsed)
        code: int = ExitCode.DONE
    else:
        name, arguments = parsed
        stack.enter_context(choosing(arguments.color))
        code = import_module(f"faas_cache.cli.{name}").run(arguments)
    flush_stdout()
    return code


def _system_error(error: BaseException) -> Diagnostic:
    """What the machine refuses, wherever that happens: a file, a descriptor, memory."""
    reason = getattr(error, "strerror", None) or str(error) or "out of memory"
    name = getattr(error, "filename", None)
    subject = f"`{os.fsdecode(name)}`: " if isinstance(name, str | bytes) else ""
    return Diagnostic(
        name="system-error",
        message=f"cannot continue: {subject}{reason[:1].lower()}{reason[1:]}",
        hint="check the files, the memory and the limits (`ulimit -a`) of this machine",
    )
