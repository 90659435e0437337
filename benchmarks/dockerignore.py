"""How long it takes to write a context with excluded files, compared with all of its files.

    python benchmarks/dockerignore.py [FILES] [ROUNDS]

A handler has a `node_modules` of 10,000 files in 500 packages, and the template has a
`.dockerignore`. Both write to a folder in memory if there is one. Printed are the medians and their
ratios: everything (as `--shrinkwrap` does), without `node_modules`, and the same with an exception
that may match anywhere, for which the excluded folders are searched.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from faas_cache.contexts.assembly import Contexts
from faas_cache.contexts.templates import find_template
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.context_files import IGNORE_FILES

FILES_OF_A_PACKAGE = 20
PATTERNS = {
    "everything": "",
    "without node_modules": "**/node_modules\n",
    "with an exception": "**/node_modules\n!**/keep\n",
}


def project(root: Path, count: int) -> None:
    """Writes a template, and a handler with that many files in `node_modules`."""
    template = root / "template" / "node"
    template.mkdir(parents=True)
    (template / "template.yml").write_text("")
    (template / "Dockerfile").write_text("FROM node\nCOPY . /app\n")
    for number in range(count):
        package = root / "fn" / "node_modules" / f"package{number // FILES_OF_A_PACKAGE}" / "lib"
        if number % FILES_OF_A_PACKAGE == 0:
            package.mkdir(parents=True)
        (package / f"module{number}.js").write_text("module.exports = {}\n" * 50)
    (root / "fn" / "handler.js").write_text("")


def main() -> None:
    """Writes the project, measures in turn, and prints."""
    count, rounds = map(int, (*sys.argv[1:], *("10000", "7")[len(sys.argv) - 1 :]))
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        project(Path(folder), count)
        spec = FunctionSpec(name="fn", lang="node", handler="fn")
        template = find_template(folder, "node")
        assert template is not None
        times: dict[str, list[float]] = {name: [] for name in PATTERNS}
        for _ in range(rounds):
            for name, text in PATTERNS.items():
                (Path(folder) / "template/node/.dockerignore").write_text(text)
                shutil.rmtree(f"{folder}/build", ignore_errors=True)
                start = time.perf_counter()
                Contexts(folder).write(spec, template, ignore_names=IGNORE_FILES if text else ())
                times[name].append(time.perf_counter() - start)
                written = sum(len(files) for _, _, files in os.walk(f"{folder}/build/fn"))
                assert (written > count) == (not text)
    base = statistics.median(times["everything"])
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:>22}: {median * 1000:7.1f} ms, {base / median:6.1f} times faster")


if __name__ == "__main__":
    main()
