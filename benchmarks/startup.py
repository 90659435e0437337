"""The cost of a start, as ratios: `plan` to a bare interpreter, `resolve` to `import attr`.

    python benchmarks/startup.py [ROUNDS]

Each round runs every command once; printed are the medians of the ratios of their CPU times. To
measure another version of the package in the same rounds, set `FAAS_CACHE_OTHER` to its checkout.
The first round is not counted: it compiles modules that were never imported.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

STACK = """version: 1.0
provider:
  name: openfaas
functions:
  fn:
    lang: python3-http
    handler: ./fn
    image: ghcr.io/acme/fn:latest
    build_cache: max
"""
COMMANDS = {
    "python": ("-c", "pass"),
    "import attr": ("-c", "import attr"),
    "resolve": ("-c", "from faas_cache import resolve"),
    "plan": ("-m", "faas_cache", "plan"),
}
RATIOS = (("plan", "python"), ("resolve", "import attr"))


def cpu_seconds(argv: list[str], folder: str, checkout: str) -> float:
    """The CPU time of a process, its start included, with the package of a checkout."""
    env = {**os.environ, "PYTHONPATH": checkout, "PYTHONDONTWRITEBYTECODE": ""}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, check=True, cwd=folder, stdout=subprocess.DEVNULL, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Runs the rounds and prints the ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    checkouts = {"this": str(Path(__file__).resolve().parent.parent)}
    if other := os.environ.get("FAAS_CACHE_OTHER"):
        checkouts["other"] = str(Path(other).resolve())
    times: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "stack.yaml").write_text(STACK)
        for number in range(rounds + 1):
            for version, checkout in checkouts.items():
                for name, words in COMMANDS.items():
                    seconds = cpu_seconds([sys.executable, *words], folder, checkout)
                    if number:
                        times.setdefault((version, name), []).append(seconds)
    for version in checkouts:
        for one, base in RATIOS:
            pairs = zip(times[version, one], times[version, base], strict=True)
            ratio = median(a / b for a, b in pairs)
            print(f"{version}: {one} / {base}: {ratio:.2f}")


if __name__ == "__main__":
    main()
