"""Loading, resolving and rendering a stack, as ratios to a plain YAML load of the same text.

    python benchmarks/load.py [FUNCTIONS …]

Each round runs every candidate, because machines are noisy; printed are the medians of the ratios.
"""

from __future__ import annotations

import sys
from statistics import median
from time import process_time

from _ruamel_yaml import CParser
from ruamel.yaml import YAML

from faas_cache import Stack, render, resolve

ROUNDS = 7
FUNCTION = """\
  fn{i}:
    lang: python3-http
    handler: ./fn{i}
    image: ghcr.io/acme/fn{i}:latest
    environment:
      write_debug: true
      LOG_LEVEL: info
    labels:
      com.openfaas.scale.min: 1
      com.openfaas.scale.max: 10
    build_args:
      PYTHON_VERSION: 3.10
      GO111MODULE: on
    build_cache:
      from:
        - ghcr.io/acme/fn{i}:buildcache
        - ghcr.io/acme/base:buildcache
      to:
        - ghcr.io/acme/fn{i}:buildcache
"""


def stack_text(functions: int) -> str:
    """A stack file of that many functions of twenty lines."""
    body = "".join(FUNCTION.format(i=i) for i in range(functions))
    return f"version: 1.0\nprovider:\n  name: openfaas\nfunctions:\n{body}"


def events(text: str) -> None:
    """The lower bound: every event of the C parser, unused."""
    parser = CParser(text.encode())
    while parser.peek_event() is not None:
        parser.get_event()


def plan(text: str) -> None:
    """Does what `faas-cache plan` does, without printing."""
    for spec in Stack.loads(text).functions.values():
        render.buildx_build(resolve(spec))


CANDIDATES = {
    "ruamel.yaml, C, safe load": lambda text: YAML(typ="safe").load(text),
    "events alone": events,
    "Stack.loads": Stack.loads,
    "loads, resolve, render": plan,
}


def main() -> None:
    """Prints one table for each number of functions."""
    for functions in map(int, sys.argv[1:] or ("1", "10", "100", "1000")):
        text = stack_text(functions)
        seconds: dict[str, list[float]] = {name: [] for name in CANDIDATES}
        for _ in range(ROUNDS):
            for name, candidate in CANDIDATES.items():
                start = process_time()
                for _ in range(max(1, 200 // functions)):
                    candidate(text)
                seconds[name].append(process_time() - start)
        base = seconds["ruamel.yaml, C, safe load"]
        print(f"{functions} functions")
        for name, times in seconds.items():
            ratio = median(mine / theirs for mine, theirs in zip(times, base, strict=True))
            print(f"  {name:28} {ratio:5.2f}")


if __name__ == "__main__":
    main()
