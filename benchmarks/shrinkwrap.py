"""How long `build --shrinkwrap` takes, compared with `cp -a` of the same files.

    python benchmarks/shrinkwrap.py [FUNCTIONS] [ROUNDS]

Both write to a folder in memory if there is one. Printed are the medians and their ratios.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def project(root: Path, count: int) -> None:
    """Writes a stack of functions that share a template, each with its own handler."""
    template = root / "template" / "python"
    (template / "function").mkdir(parents=True)
    for name in (
        "template.yml",
        "Dockerfile",
        "index.py",
        "requirements.txt",
        "function/handler.py",
    ):
        (template / name).write_text("" if name == "template.yml" else f"# {name}\n" * 20)
    lines = ["provider: {name: openfaas}", "functions:"]
    for number in range(count):
        handler = root / "src" / f"fn{number}"
        handler.mkdir(parents=True)
        (handler / "handler.py").write_text(f"def handle(event):\n    return {number}\n")
        (handler / "requirements.txt").write_text("requests\n")
        lines.append(
            f"  fn{number}: {{lang: python, handler: ./src/fn{number},"
            f" image: ghcr.io/acme/fn{number}, build_cache: max}}"
        )
    (root / "stack.yaml").write_text("\n".join(lines))


def seconds(argv: list[str], root: Path) -> float:
    """The time that a command takes."""
    start = time.perf_counter()
    subprocess.run(argv, check=True, capture_output=True, cwd=root)
    return time.perf_counter() - start


def main() -> None:
    """Writes the project, measures in turn, and prints."""
    count, rounds = map(int, (*sys.argv[1:], *("1000", "5")[len(sys.argv) - 1 :]))
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        root = Path(folder)
        project(root, count)
        ours = [sys.executable, "-m", "faas_cache", "build", "--shrinkwrap"]
        seconds(ours, root)
        times: dict[str, list[float]] = {
            "build --shrinkwrap": [],
            "again, over the last": [],
            "cp -a": [],
        }
        for _ in range(rounds):
            shutil.rmtree(root / "copy", ignore_errors=True)
            times["cp -a"].append(seconds(["cp", "-a", "build", "copy"], root))
            shutil.rmtree(root / "build")
            times["build --shrinkwrap"].append(seconds(ours, root))
            times["again, over the last"].append(seconds(ours, root))
    base = statistics.median(times["cp -a"])
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:>22}: {median * 1000:6.0f} ms, {median / base:.2f} times cp -a")


if __name__ == "__main__":
    main()
