"""`faas-cache explain`: explains why builds failed, from their log."""

from __future__ import annotations

import sys
from typing import BinaryIO

from faas_cache.buildkit.explanations import explain
from faas_cache.cli.arguments import Arguments
from faas_cache.cli.output import ExitCode, print_json, print_result, warn
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput

__all__ = ["run"]

# As much of the end of a log as is explained: logs of a whole CI run have some MiB.
MAX_LOG = 2**24
# More than this is not a log, but a stream without an end.
MAX_INPUT = 2**30
_BLOCK = 2**20


def run(arguments: Arguments) -> int:
    """Prints what failed, then what went wrong without failing a build."""
    log, is_whole = _read_log(sys.stdin.buffer) if sys.stdin else (b"", True)
    if not is_whole:
        warn(f"the log is long: only its last {MAX_LOG >> 20} MiB are explained")
    explanations = explain(log)
    failures = [item for item in explanations if item.severity == "error"]
    notes = [item for item in explanations if item.severity != "error"]
    if arguments.json:
        from faas_cache.serialization import to_dict

        print_json(
            {
                "failures": [to_dict(item) for item in failures],
                "notes": [to_dict(item) for item in notes],
            }
        )
        return ExitCode.DONE
    for item in (*failures, *notes):
        print_result(f"{item}\n")
    if not failures:
        print_result("no failed build in the log\n")
    return ExitCode.DONE


def _read_log(stream: BinaryIO) -> tuple[bytes, bool]:
    """The end of a log, which is where it says what failed; and whether that is all of it."""
    log = bytearray()
    size = 0
    try:
        # One system call at a time: a signal that comes between two of them is not lost.
        while block := stream.read1(_BLOCK):  # type: ignore[attr-defined]  # it is a BufferedReader
            log += block
            size += len(block)
            if len(log) > 2 * MAX_LOG:
                del log[:-MAX_LOG]
            if size > MAX_INPUT:
                raise _unreadable(f"it does not end within {MAX_INPUT >> 30} GiB")
    except OSError as error:
        raise _unreadable((error.strerror or str(error)).lower()) from None
    return bytes(log[-MAX_LOG:]), size <= MAX_LOG


def _unreadable(reason: str) -> InvalidInput:
    return InvalidInput(
        Diagnostic(
            name="invalid-argument",
            message=f"cannot read the log: {reason}",
            hint="pass the log of a build on standard input (`< build.log`)",
        )
    )
