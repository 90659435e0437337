"""Many runs in one project: threads and processes that write, lock, swap and delete."""

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from context_projects import FILES, files_of, make_project, state_of, write

from faas_cache.contexts.assembly import Contexts
from faas_cache.contexts.locks import lock_context
from faas_cache.contexts.stamps import current_stamp
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.specs import FunctionSpec
from faas_cache.stack.templates import Template

project = pytest.fixture(make_project)
TINY = Template(name="tiny")
SECONDS = 1.0

# One run: it writes contexts as long as it is given, and holds the lock of each while it reads it.
RUN = """
import sys, time
from pathlib import Path
from faas_cache.contexts.assembly import Contexts
from faas_cache.contexts.locks import lock_context
from faas_cache.model.specs import FunctionSpec
from faas_cache.stack.templates import Template

root, seconds = sys.argv[1], float(sys.argv[2])
contexts = Contexts(root)
end = time.monotonic() + seconds
while time.monotonic() < end:
    for name in ("a", "b"):
        with lock_context(root, name) as lock:
            contexts.write(FunctionSpec(name=name, lang="tiny", handler=name), Template(name="tiny"), lock)
            text = Path(root, "build", name, "function/h").read_text()
            assert text == name, text
"""


def functions(project: Path) -> dict[str, dict[str, str]]:
    """Two handlers, and the files of their contexts."""
    write(project, {"a/h": "a", "b/h": "b"})
    common = {name: text for name, text in FILES.items() if name != "function/lib/x.sh"}
    return {name: common | {"function/h": name} for name in ("a", "b")}


def processes(project: Path, count: int) -> list[subprocess.Popen[str]]:
    """Runs in processes of their own."""
    argv = [sys.executable, "-c", RUN, str(project), str(SECONDS)]
    return [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(count)]


def test_runs_in_one_project_never_lose_each_others_files(project: Path) -> None:
    """Threads and processes; whoever holds a lock finds what it has written."""
    expected = functions(project)
    root, faults = str(project), list[str]()

    def run(number: int) -> None:
        choose = random.Random(number)
        contexts = Contexts(root)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            name = choose.choice("ab")
            with lock_context(root, name) as lock:
                spec = FunctionSpec(name=name, lang="tiny", handler=name)
                stamp = contexts.write(spec, TINY, lock)
                files = files_of(project / "build" / name)
                if files != expected[name] or current_stamp(root, name) != stamp:
                    faults.append(f"{number}: {files}")

    runs = processes(project, 2)
    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    errors = [process.communicate()[1] for process in runs]
    assert (faults, errors) == ([], ["", ""])
    assert {name: files_of(project / "build" / name) for name in expected} == expected
    assert state_of(project / "build") == []


def test_a_context_exists_at_any_time(project: Path) -> None:
    """Whoever looks for it without a lock finds a folder."""
    functions(project)
    contexts = Contexts(str(project))
    spec = FunctionSpec(name="a", lang="tiny", handler="a")
    contexts.write(spec, TINY)
    missing, folder = list[float](), str(project / "build/a")
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            if not os.path.isdir(folder):  # noqa: PTH112  # quick
                missing.append(time.monotonic())

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(200):
        contexts.write(spec, TINY)
    stop.set()
    watcher.join()
    assert missing == []


def test_runs_survive_that_others_are_killed_and_build_is_deleted(project: Path) -> None:
    """faas-cli and people delete `build`; every run writes whole contexts or reports an error."""
    expected = functions(project)
    root, reports = str(project), list[str]()

    def run(name: str) -> None:
        contexts = Contexts(root)
        spec = FunctionSpec(name=name, lang="tiny", handler=name)
        end = time.monotonic() + SECONDS / 2
        while time.monotonic() < end:
            try:
                contexts.write(spec, TINY)
            except FaasCacheError as error:
                reports.extend(diagnostic.name for diagnostic in error.diagnostics)

    killed = processes(project, 1)[0]
    threads = [threading.Thread(target=run, args=(name,)) for name in "aabb"]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS / 4)
    killed.kill()
    killed.communicate()
    for _ in range(5):
        shutil.rmtree(project / "build", ignore_errors=True)
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert {*reports} <= {"invalid-context"}
    for name in expected:
        Contexts(root).write(FunctionSpec(name=name, lang="tiny", handler=name), TINY)
    assert {name: files_of(project / "build" / name) for name in expected} == expected
    assert state_of(project / "build") == []
