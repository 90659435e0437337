"""Linear time: four times the input takes about four times the time, whatever it is made of."""

import time
from collections.abc import Callable

import pytest

from faas_cache.model.errors import FaasCacheError
from faas_cache.stack.selection import match_glob, match_regex
from faas_cache.stack.stack_file import Stack

pytestmark = pytest.mark.cpu_time

HEAD = "provider: {name: openfaas}\nfunctions:\n"
ENVIRON = {"X": "a", "LONG": "a" * 1000}


def load(text: str) -> None:
    """Loads a text, with all its diagnostics and their locations."""
    try:
        Stack.loads(text, ENVIRON)
    except FaasCacheError:
        return


def stack(line: str) -> Callable[[int], None]:
    """A file with one variable and a line for each of n functions, faults included."""
    return lambda n: load(
        HEAD + "  v: {image: ${X}}\n" + "".join(line.replace("#", str(i)) for i in range(n))
    )


def text(part: str, end: str = "") -> Callable[[int], None]:
    """A file with one value in which a part is repeated n times."""
    return lambda n: load(f'{HEAD}  fn: {{image: "{part * n}{end}"}}\n')


GROWING: dict[str, tuple[int, Callable[[int], object]]] = {
    "functions": (500, stack("  f#: {image: a/b, build_cache: max}\n")),
    "type faults": (500, stack("  f#: {image: [a]}\n")),
    "duplicate keys": (500, stack("  f#: {image: a, image: b}\n")),
    "unknown keys": (100, stack("  f#: {zz#: a}\n")),
    "secrets": (100, stack("  f#: {build_cache: max, build_args: {http_proxy: 'http://a:b@c'}}\n")),
    "inserted secrets": (100, stack("  f#: {build_cache: {to: ['type=gha,token=${X}']}}\n")),
    "empty settings": (200, stack("  f#: {build_cache: ${GONE}}\n")),
    "misread forms": (1000, stack("  f#: {image: '${X:+a}'}\n")),
    "shared anchors": (
        500,
        lambda n: load(
            "x-e: &e {a: 1, a: 2}\n"
            + HEAD
            + "".join(f"  f{i}: {{environment: *e}}\n" for i in range(n))
        ),
    ),
    "escapes": (20_000, text("$$")),
    "variables": (10_000, text("${X}")),
    "a long default": (100_000, lambda n: load("# ${GONE:-" + "a" * n + "}\n")),
    "a long pattern": (20_000, lambda n: load("# ${LONG#*" + "a" * n + "}\n")),
    "many stars": (20_000, lambda n: load("# ${LONG##" + "*?" * n + "b}\n")),
    "a long replacement": (50_000, lambda n: load("# ${LONG/a/" + "$$" * n + "}\n")),
    "nested defaults": (500, lambda n: load("# " + "${GONE:-" * 60 + "a" * n + "}" * 60 + "\n")),
    "flow colons": (500, stack("  f#: {build_cache: {from: [a/b:c#]}}\n")),
    "lines": (50_000, lambda n: load("#\n" * n + HEAD + "  fn: {image: ${X}, zz: [}\n")),
    "regex": (2000, lambda n: match_regex("(a*)*(a|aa)+b")("a" * n)),
    "counted regex": (200, lambda n: match_regex("(a?){30}(a|b){30}$")("ab" * n + "-")),
    "glob": (20_000, lambda n: match_glob("*a*b*c")("ab" * n)),
}


def best_time(action: Callable[[int], object], size: int) -> float:
    """The least CPU time of three runs, in seconds."""
    times = []
    for _ in range(3):
        start = time.process_time()
        action(size)
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize("kind", GROWING)
def test_time_grows_with_the_input(kind: str) -> None:
    """Four times the input takes less than eight times the CPU time."""
    size, action = GROWING[kind]
    action(10)
    assert best_time(action, 4 * size) < 8 * best_time(action, size) + 0.002
