"""Linear time: four times the text takes about four times as long to mask, parse and check."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import process_time

import pytest

from faas_cache.model.dockerfile_inputs import context_copies, step_inputs
from faas_cache.model.dockerfiles import Dockerfile, uncached_stages
from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.masking import masked, masked_message
from faas_cache.model.references import Reference
from faas_cache.model.text import display, printable

# CPU time at 4 n over time at n: 4 where it grows with n, 16 where it grows with n squared.
LIMIT = 9
# What a loaded machine adds, in seconds.
SLACK = 0.15


def use(text: str) -> None:
    """Everything that is done with any text."""
    for function in (masked, masked_message, printable, display, uncached_stages):
        function(text)
    read_dockerfile(text)
    for parse in (Reference.parse, lambda text: parse_entries([text])):
        with suppress(FaasCacheError):
            parse(text)


def read_dockerfile(text: str) -> None:
    """Everything that is done with a Dockerfile: what it copies, and the inputs of its last step."""
    dockerfile = Dockerfile.parse(text, {"A": "a" * 100})
    for _ in context_copies(dockerfile):
        pass
    for step in dockerfile.steps()[-1:]:
        dockerfile.find_step(f"{step.label} {step.instruction.keyword}…")
        assert dockerfile.find_step(step.label) is not None
        step_inputs(dockerfile, step)


def repeated(part: str, before: str = "", after: str = "") -> Callable[[int], str]:
    return lambda n: before + part * (n // len(part)) + after


def numbered(line: str) -> Callable[[int], str]:
    return lambda n: "".join(line.replace("#", str(i)) for i in range(n // len(line)))


WORST: dict[str, Callable[[int], str]] = {
    "schemes": repeated("http://"),
    "URLs": repeated("http://a@b/?c "),
    "users": repeated("a@", "http://"),
    "slashes": repeated("/", "http://", "@"),
    "queries": repeated("?", "http://"),
    "names of secrets": repeated("TOKEN="),
    "fields of secrets": repeated(",token="),
    "quoted fields": repeated('","token='),
    "quotes": repeated('"', "type=gha,token="),
    "double quotes": repeated('""', 'type=gha,"token='),
    "commas": repeated(",", "token="),
    "URL fields": repeated("url=?,"),
    "proxies": repeated("_proxy=", "http"),
    "spaces": repeated(" ", "TOKEN", "="),
    "letters": repeated("a", "", "="),
    "dashes": repeated("-", "", "=1"),
    "backslashes": repeated("\\", "TOKEN="),
    "backticks": repeated("TOKEN=***`"),
    "control characters": repeated("\x1b\u202e"),
    "stages": numbered("FROM a# AS a#0\n"),
    "chained stages": lambda n: (
        "FROM a AS s0\n" + "".join(f"FROM s{i} AS s{i + 1}\n" for i in range(n // 16))
    ),
    "copied stages": lambda n: (
        "FROM a AS s0\n"
        + "".join(f"FROM b AS s{i + 1}\nCOPY --from=s{i} a a\n" for i in range(n // 32))
    ),
    "continued lines": repeated("a\\\n", "RUN "),
    "here-documents": repeated("<<E ", "RUN "),
    "open here-documents": repeated("RUN <<E 'a\n", "FROM a\n"),
    "steps": repeated("RUN x\n", "FROM a\n"),
    "copies": repeated("COPY $A b\n", "FROM a\nARG A\n"),
    "arguments": repeated("ARG A=$A$A\n", "FROM a\n", "RUN x"),
    "environment": numbered("ENV A#=$A\nRUN x\n"),
    "doubled variables": repeated("ENV B=$B$B$A\n", "FROM a\nARG A\n", "RUN x"),
    "open variables": repeated("${A:-", "FROM a\nARG A\nENV B=", "\nRUN x"),
    "patterns": repeated("${A//?*?*/a}", "FROM a\nARG A\nENV B=", "\nRUN x"),
    "triggers": lambda n: (
        "FROM a AS s0\n"
        + "ONBUILD RUN x\n" * (n // 32)
        + "".join(f"FROM s0\nCOPY --from={i} a a\n" for i in range(n // 64))
    ),
    "nested triggers": repeated("ONBUILD ", "FROM a\n"),
    "flags": repeated("--a ", "FROM a\nRUN "),
    "quotes of flags": repeated("'\"", "FROM a\nRUN --a"),
    "words": repeated("'\"", "FROM a\nENV "),
    "lists": repeated("[", "FROM a\nRUN "),
    "comments": repeated("#\n"),
    "a long name": repeated("a/"),
    "separators": repeated("a__"),
    "digests": repeated("@sha256:"),
}


def seconds(text: str) -> float:
    start = process_time()
    use(text)
    return process_time() - start


@pytest.mark.parametrize("make", WORST.values(), ids=WORST)
def test_time_grows_with_the_text(make: Callable[[int], str]) -> None:
    """Of the worst text that we know."""
    n = 40_000
    use(make(1000))  # patterns are compiled
    small = min(seconds(make(n)) for _ in range(2))
    assert seconds(make(4 * n)) <= LIMIT * small + SLACK
