"""`faas-cache explain`: explains why builds failed, from their logs."""

from __future__ import annotations

import select
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import BufferedReader, UnsupportedOperation

from faas_cache.buildkit.explanations import Explanation, explain_text
from faas_cache.cli.arguments import Arguments
from faas_cache.cli.output import ExitCode, print_block, print_json, print_result, warn
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.faults import FaultCollector
from faas_cache.model.masking import masked
from faas_cache.model.text import printable

__all__ = ["run"]

# As much of the end of a log as is explained: logs of a whole CI run have some MiB.
MAX_LOG = 2**24
# More than this is not a log, but a stream without an end.
MAX_INPUT = 2**30
_BLOCK = 2**20
_STDIN = "-"
# Milliseconds.
_TURN = 500


def run(arguments: Arguments) -> int:
    """Prints what failed, then what went wrong without failing a build.

    The exit code is 2 if a log cannot be read, 1 if a text is not the log of a build.
    """
    failures: list[tuple[str, Explanation]] = []
    notes: list[tuple[str, Explanation]] = []
    code = ExitCode.DONE
    faults = FaultCollector()
    logs = 0
    for name in dict.fromkeys(arguments.operands or [_STDIN]):
        with faults.catch():
            explanations, is_log = explain_text(_read_log(name))
            logs += is_log
            if not is_log:
                warn(_not_a_log(name))
                code = ExitCode.FAILED
                continue
            for item in explanations:
                (failures if item.severity == "error" else notes).append((name, item))
    if arguments.json:
        _print_json(failures, notes)
    else:
        for name, item in (*failures, *notes):
            place = () if name == _STDIN else (f"log: {printable(name)}",)
            print_block(f"{item.block(*place)}\n", item.severity)
        if logs and not failures:
            print_result("no failed build in the log\n")
    warn(*faults.diagnostics)
    return ExitCode.INVALID_INPUT if faults.diagnostics else code


def _print_json(
    failures: Sequence[tuple[str, Explanation]], notes: Sequence[tuple[str, Explanation]]
) -> None:
    from faas_cache.serialization import to_dict

    print_json(
        {
            "failures": [to_dict(item) for _, item in failures],
            "notes": [to_dict(item) for _, item in notes],
        }
    )


def _read_log(name: str) -> bytes:
    """The end of a log; `-` is standard input. Raises `InvalidInput` if it cannot be read."""
    try:
        if name == _STDIN:
            return _read_end(sys.stdin.buffer) if sys.stdin else b""  # type: ignore[arg-type]  # typeshed has no `read1` for it
        with open(name, "rb") as stream:
            return _read_end(stream)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(name, f"{reason[:1].lower()}{reason[1:]}") from None


def _read_block(stream: BufferedReader) -> bytes:
    """What can be read at once, up to a block.

    Waits for it in turns: a signal that comes just before a read would have no effect until the
    next data.
    """
    if hasattr(select, "poll"):
        with suppress(UnsupportedOperation):  # it is not a file, so nothing has to be waited for
            poll = select.poll()
            poll.register(stream.fileno(), select.POLLIN)
            while not poll.poll(_TURN):
                pass
    return stream.read1(_BLOCK)


def _read_end(stream: BufferedReader) -> bytes:
    """As much of the end of a log as is explained: the end says what failed."""
    log = bytearray()
    size = 0
    while block := _read_block(stream):
        log += block
        size += len(block)
        if len(log) > 2 * MAX_LOG:
            del log[:-MAX_LOG]
        if size > MAX_INPUT:
            raise ValueError(f"it does not end within {MAX_INPUT >> 30} GiB")
    if size > MAX_LOG:
        warn(f"the log is long: only its last {MAX_LOG >> 20} MiB are explained")
    return bytes(log[-MAX_LOG:])


def _shown(name: str) -> str:
    return "the standard input" if name == _STDIN else f"`{masked(name)}`"


def _unreadable(name: str, reason: str) -> InvalidInput:
    message = f"cannot read the log {'on standard input' if name == _STDIN else _shown(name)}"
    return InvalidInput(
        Diagnostic(
            name="invalid-argument",
            message=f"{message}: {reason}",
            hint="name the file with the log of a build, or pass the log on standard input",
            url="",
        )
    )


def _not_a_log(name: str) -> Diagnostic:
    return Diagnostic(
        name="invalid-argument",
        message=f"no log of a build in {_shown(name)}",
        hint="pass what `faas-cache build`, `docker build` or `docker push` printed, with stderr:"
        " `faas-cache build 2>&1 | tee build.log`",
        url="",
    )
