"""The time that reading and explaining take grows with the size of the input, and not faster."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from time import process_time

import pytest
from progress import clock, read

from faas_cache.buildkit.explanations import explain
from faas_cache.buildkit.lines import LineFormatter
from faas_cache.buildkit.reports import CacheReport

pytestmark = pytest.mark.cpu_time

# CPU time at 4 n over time at n: 4 where it grows with n, 16 where it grows with n squared.
LIMIT = 9
# What a loaded machine adds, in seconds.
SLACK = 0.15


def minified(n: int) -> bytes:
    script = "a=1;" * (n // 4)
    error = f'process "/bin/sh -c {script}" did not complete successfully: exit code: 1'
    return f"#1 [1/1] RUN {script}\n#1 ERROR: {error}\n > [1/1] RUN {script}:\nERROR: failed to solve: {error}\n".encode()


def starts(n: int) -> bytes:
    vertices = ({"digest": "a", "name": "x", "started": clock(at % 3600)} for at in range(n // 80))
    return b"".join(json.dumps({"vertexes": [vertex]}).encode() + b"\n" for vertex in vertices)


def output(n: int) -> bytes:
    data = b64encode(b"x\n" * (n // 3)).decode()
    return json.dumps({"logs": [{"vertex": "a", "data": data}]}).encode()


def numbered(line: bytes) -> Callable[[int], bytes]:
    return lambda n: b"".join(line.replace(b"%", b"%d" % at) for at in range(n // len(line)))


def repeated(text: bytes, before: bytes = b"") -> Callable[[int], bytes]:
    return lambda n: before + text * (n // len(text))


WORST: dict[str, Callable[[int], bytes]] = {
    "a minified line in an error": minified,
    "headers": numbered(b"#% [1/2] RUN x\n"),
    "starts of one step": starts,
    "output of one step": output,
    "large numbers": repeated(b'{"statuses":[{"vertex":"a","current":' + b"9" * 4300 + b"}]}\n"),
    "deep brackets": repeated(b"[", b'{"vertexes":'),
    "braces": repeated(b"{"),
    "lines of braces": repeated(b"{\n"),
    "an object that does not end": repeated(b"  [\n", b"{\n"),
    "objects on a line": repeated(b'{"logs":[]} '),
    "a long error": repeated(b"a", b"ERROR: "),
    "errors": repeated(b"ERROR: aaa\n"),
    "URLs": repeated(b"http://a@b/?c ", b"ERROR: failed: "),
    "quotes": repeated(b'" "', b'ERROR: "'),
    "slashes": repeated(b"a/", b"ERROR: "),
    "imports that fail": numbered(b"#% importing cache manifest from a\n#% ERROR: no %\n"),
    "steps that fail": numbered(b"#% [1/1] RUN a\n#% ERROR: no %\ntext %\n"),
    "functions": numbered(b"f% | #1 x\n"),
    "builds": repeated(b'#0 building with "x"\nERROR: x\n'),
    "blank lines": repeated(b"\n"),
    "functions of faas-cli": numbered(b"[0] > Building f%.\nERROR: x\n"),
    "repetitions of faas-cli": repeated(b"[0] > Building a.\nErrors received during build:\n"),
    "commands": repeated(b"a: docker push x\n"),
    "variables of a command": repeated(b"A_B=1 ", b"a: "),
    "pushes": repeated(b"The push refers to repository [x/a]\ndenied\n"),
    "blocks": repeated(b"------\n > x:\n"),
    "colours": repeated(b"\x1b[1"),
    "retries": repeated(b"Failed, retrying in "),
    "local imports": repeated(b"local cache import at "),
}


def use(data: bytes) -> None:
    """Everything that is done with a log."""
    events = read(data)
    CacheReport.from_events("fn", events)
    formatter = LineFormatter()
    for event in events:
        formatter.format(event)
    explain(data)


def seconds(data: bytes) -> float:
    start = process_time()
    use(data)
    return process_time() - start


@pytest.mark.parametrize("make", WORST.values(), ids=WORST)
def test_time_grows_with_the_input(make: Callable[[int], bytes]) -> None:
    """Of the worst input that we know, four times as much takes about four times as long."""
    n = 40_000
    use(make(1000))  # patterns are compiled
    small = min(seconds(make(n)) for _ in range(2))
    assert seconds(make(4 * n)) <= LIMIT * small + SLACK
