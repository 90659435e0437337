"""A Python function on an empty builder, without a cache and with `max`: the seconds of each build.

    eval "$(up docker26)"; .venv/bin/python benchmarks/empty_builder.py BASE [ROUNDS]

BASE is an image with Python and pip in the registry of `FAAS_CACHE_TEST_REGISTRY`. The wheels are
downloaded once and are part of the build context, since a `RUN` of the test engines has no network;
a build without them, over the network, takes longer. Each build changes the handler, so that the
last step always runs, and starts with an empty builder. Both ways push the image.
"""

import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from statistics import median
from time import perf_counter

REQUIREMENTS = ("numpy==2.2.6", "lxml==6.0.2", "cryptography==46.0.3", "Pillow==12.0.0")
DOCKERFILE = """FROM {base}
COPY wheels /wheels
RUN python3 -m pip install --break-system-packages --no-index --find-links /wheels {names}
COPY handler.py /
"""


def write(project: Path, base: str, handler: str, *, cached: bool) -> None:
    """Writes the stack file and the handler."""
    names = " ".join(requirement.partition("==")[0] for requirement in REQUIREMENTS)
    folder = project / "fn"
    (folder / "Dockerfile").write_text(DOCKERFILE.format(base=base, names=names))
    (folder / "handler.py").write_text(f"print({handler!r})\n")
    image = f"{os.environ['FAAS_CACHE_TEST_REGISTRY']}/{project.name}/fn:1"
    setting = ", build_cache: max" if cached else ""
    (project / "stack.yaml").write_text(
        "version: 1.0\nprovider: {name: openfaas}\nfunctions:\n"
        f"  fn: {{lang: dockerfile, handler: ./fn, image: '{image}'{setting}}}\n"
    )


def build(project: Path) -> float:
    """The seconds of a build on an empty builder."""
    subprocess.run(["docker", "builder", "prune", "-af"], check=True, capture_output=True)
    subprocess.run(["docker", "image", "prune", "-af"], check=True, capture_output=True)
    began = perf_counter()
    argv = [sys.executable, "-m", "faas_cache", "build", "--push", "--quiet"]
    subprocess.run(argv, check=True, cwd=project, capture_output=True)
    return perf_counter() - began


def main() -> None:
    """Fills the cache, measures both in turn, and prints."""
    base, *more = sys.argv[1:]
    rounds = int(more[0]) if more else 3
    with tempfile.TemporaryDirectory(prefix=uuid.uuid4().hex[:8]) as folder:
        project = Path(folder)
        wheels = project / "fn" / "wheels"
        pip = [sys.executable, "-m", "pip", "download", "-q", "-d", str(wheels)]
        subprocess.run([*pip, *REQUIREMENTS], check=True)
        size = sum(file.stat().st_size for file in wheels.iterdir())
        print(f"wheels: {size / 1e6:.0f} MB")
        write(project, base, "first", cached=True)
        build(project)
        seconds: dict[bool, list[float]] = {False: [], True: []}
        for number in range(rounds):
            for cached, times in seconds.items():
                write(project, base, f"{number} {cached}", cached=cached)
                times.append(build(project))
            print(f"without {seconds[False][-1]:.1f} s, max {seconds[True][-1]:.1f} s")
        plain, cached_time = median(seconds[False]), median(seconds[True])
        print(f"median: without {plain:.1f} s, max {cached_time:.1f} s")


if __name__ == "__main__":
    main()
