"""Twenty functions with a cache in the registry, on an empty builder: one `--bake` or one by one.

    eval "$(up docker28)"; .venv/bin/python benchmarks/bake.py [ROUNDS]

Engine, registry and base image are those of the environment (`FAAS_CACHE_TEST_REGISTRY`,
`FAAS_CACHE_TEST_BASE`). Each round changes the handlers, empties the builder and builds, once in
each way. Printed are seconds and the median of the ratios.
"""

import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from statistics import median

FUNCTIONS = 20
DOCKERFILE = """FROM {base}
RUN sleep 1
COPY requirements.txt /
RUN cat /requirements.txt > /deps; sleep 1
COPY handler.txt /
"""


def write(project: Path, handler: str) -> None:
    """Writes the stack file and the handlers."""
    registry, run = os.environ["FAAS_CACHE_TEST_REGISTRY"], project.name
    lines = ["version: 1.0", "provider: {name: openfaas}", "functions:"]
    for number in range(FUNCTIONS):
        name = f"fn-{number}"
        folder = project / name
        folder.mkdir(exist_ok=True)
        (folder / "Dockerfile").write_text(
            DOCKERFILE.format(base=os.environ["FAAS_CACHE_TEST_BASE"])
        )
        (folder / "requirements.txt").write_text(f"{run} {name}\n")
        (folder / "handler.txt").write_text(f"{handler} {name}\n")
        image = f"{registry}/{run}/{name}:1"
        lines.append(
            f"  {name}: {{lang: dockerfile, handler: ./{name}, image: '{image}', build_cache: max}}"
        )
    (project / "stack.yaml").write_text("\n".join(lines))


def build(project: Path, *flags: str) -> float:
    """The seconds of a build."""
    began = time.perf_counter()
    argv = [sys.executable, "-m", "faas_cache", "build", "--push", "--quiet", *flags]
    subprocess.run(argv, check=True, cwd=project, capture_output=True)
    return time.perf_counter() - began


def wipe() -> None:
    """Empties the builder."""
    subprocess.run(["docker", "builder", "prune", "-af"], check=True, capture_output=True)


def main() -> None:
    """Fills the cache, measures in turn, and prints."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory(prefix=uuid.uuid4().hex[:8]) as folder:
        project = Path(folder)
        write(project, "cold")
        wipe()
        build(project, "--bake")
        times: dict[str, list[float]] = {"--bake": [], "": []}
        for number in range(rounds):
            for flag, seconds in times.items():
                write(project, f"{number}{flag}")
                wipe()
                seconds.append(build(project, *filter(None, [flag])))
            print(f"one by one {times[''][-1]:.1f} s, --bake {times['--bake'][-1]:.1f} s")
        ratios = (a / b for a, b in zip(times["--bake"], times[""], strict=True))
        print(f"median ratio {median(ratios):.2f}")


if __name__ == "__main__":
    main()
