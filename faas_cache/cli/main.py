"""`faas-cache` and `python -m faas_cache`: reads words, calls `Project` and prints."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from faas_cache.cli.arguments import parse_arguments
from faas_cache.cli.output import ExitCode, open_streams, silence_stdout, warn
from faas_cache.cli.signals import Terminated, raising
from faas_cache.model.errors import FaasCacheError

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    0: done. 1: a build failed. 2: the input is invalid. 3: the builder cannot do it. 130, 143: a
    signal came.
    """
    open_streams()
    collecting = gc.isenabled()
    gc.disable()  # a run is short: looking through its objects would take a fifth of it
    try:
        with raising():
            return _run(sys.argv[1:] if words is None else words)
    except FaasCacheError as error:
        warn(*error.diagnostics)
        return error.exit_code
    except Terminated as error:
        return 128 + error.number
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        return _cannot_print(error)
    finally:
        if collecting:
            gc.enable()


def _run(words: Sequence[str]) -> int:
    """Parses the words and runs the command that they name."""
    parsed = parse_arguments(words)
    if isinstance(parsed, str):
        sys.stdout.write(parsed)
        code: int = ExitCode.DONE
    else:
        name, arguments = parsed
        code = import_module(f"faas_cache.cli.{name}").run(arguments)
    sys.stdout.flush()
    return code


def _cannot_print(error: OSError) -> int:
    """The exit code where stdout is full, closed, or has lost its reader, which is no news."""
    silence_stdout()
    if not isinstance(error, BrokenPipeError):
        cause = os.strerror(error.errno) if error.errno else str(error)
        warn(f"error: cannot write to standard output: {cause}")
    return ExitCode.FAILED
