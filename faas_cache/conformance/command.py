"""The command `python -m faas_cache.conformance`: tests a program, or is one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence

import attrs

from faas_cache.conformance.protocol import Answer, Ask, Question, read_answer, serve
from faas_cache.conformance.runner import find_difference, report, report_case, run_vectors
from faas_cache.conformance.vectors import Source, load_vectors
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import FaasCacheError, InvalidInput
from faas_cache.runner.dialogs import ProgramFailed, dialog

__all__ = ["main"]

USAGE = """\
Usage:
  python -m faas_cache.conformance run [flags] -- COMMAND
  python -m faas_cache.conformance serve

`run` sends the vectors to a program, one a line, and compares its answers. `serve` is such a
program: the implementation of this package.

Flags of `run`:
  --source NAME     only the vectors of `proposal` or of `extension`
  --generated N     also try N generated cases (needs faas-cache[testing])
  --seed N          generate other cases (default: 0)
  --timeout SECONDS the time for one answer (default: 10)

Exit codes: 0 all answers are right, 1 some differ, 2 the program or the command line is wrong,
130 interrupted.
"""


@attrs.frozen(kw_only=True)
class _Options:
    """The flags of `run`."""

    source: Source | None = None
    generated: int = 0
    seed: int = 0
    timeout: float = 10.0


def main(words: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    try:
        if words[-1:] in (["--help"], ["-h"]) and "--" not in words:
            sys.stdout.write(USAGE)
            return 0
        if words[:1] == ["run"]:
            return _run(words[1:])
        if words == ["serve"]:
            serve(sys.stdin, _write_line)
            return 0
        raise _invalid(f"expected `run` or `serve`, got `{' '.join(words)[:60]}`")
    except KeyboardInterrupt:
        return 130
    except FaasCacheError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _run(words: Sequence[str]) -> int:
    options, argv = _parse(words)
    vectors = load_vectors(options.source)
    with dialog(argv, environ=os.environ, timeout=options.timeout) as exchange:
        ask = _asking(exchange)
        results = run_vectors(ask, vectors)
        sys.stdout.write(report(results))
        case = None
        # Where vectors differ, a generated case would only show one of them again.
        failed = any(result.differences for result in results)
        if options.generated and not failed:
            case = find_difference(ask, options.generated, source=options.source, seed=options.seed)
            sys.stdout.write(
                f"{options.generated} generated cases pass\n" if case is None else report_case(case)
            )
    return 1 if failed or case is not None else 0


def _asking(exchange: Callable[[str], str]) -> Ask:
    """Asks a program that answers lines."""

    def ask(question: Question) -> Answer:
        line = json.dumps(question.to_json())
        try:
            return read_answer(question.id, exchange(line))
        except ProgramFailed as error:
            # The input that a program does not answer is what its author looks for.
            sys.stderr.write(f"the input was {line}\n")
            location = Location(path=(question.id,))
            moved = (attrs.evolve(d, location=location) for d in error.diagnostics)
            raise ProgramFailed(*moved) from None

    return ask


def _parse(words: Sequence[str]) -> tuple[_Options, list[str]]:
    """The flags before `--`, and the command behind it."""
    readers: dict[str, Callable[[str], object]] = {
        "--source": _read_source,
        "--generated": _read_count,
        "--seed": _read_count,
        "--timeout": _read_seconds,
    }
    given: dict[str, object] = {}
    rest = list(words)
    while rest and (word := rest.pop(0)) != "--":
        name, equals, value = word.partition("=")
        if name not in readers:
            raise _invalid(f"unknown flag `{name[:60]}`")
        if not equals and not rest:
            raise _invalid(f"the flag `{name}` has no value")
        try:
            given[name.removeprefix("--")] = readers[name](value if equals else rest.pop(0))
        except ValueError:
            raise _invalid(f"invalid value of the flag `{name}`") from None
    if not rest:
        raise _invalid("no command to test")
    return _Options(**given), rest  # type: ignore[arg-type]  # each reader returns what its field holds


def _read_source(text: str) -> str:
    if text not in ("proposal", "extension"):
        raise ValueError(text)
    return text


def _read_count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def _read_seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError(text)
    return seconds


def _write_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _invalid(message: str) -> InvalidInput:
    hint = "run `python -m faas_cache.conformance --help`"
    return InvalidInput(Diagnostic(name="invalid-argument", message=message, hint=hint))
