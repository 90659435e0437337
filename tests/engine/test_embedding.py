"""`Project` inside another program, on real engines: builds that are stopped, and two runs of one project at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import attrs
import pytest
from engines import EngineProject, load, processes, write_template_stack

from faas_cache import BuildOptions, Project, Stop
from faas_cache.buildkit.events import Event, Output

pytestmark = pytest.mark.engine

WAIT = 120.0
PREBUILT = BuildOptions(prebuilt=True)

# Stopping.


def write_slow_function(project: EngineProject, seconds: int) -> Project:
    """A project of one function whose only step says `running` and then takes that long."""
    project.write("inline", "one")
    # The image in the step makes `processes` find the step itself, too.
    (project.folder / "build" / "fn" / "Dockerfile").write_text(
        f"FROM {project.environ['FAAS_CACHE_TEST_BASE']}\n"
        f"RUN : {project.image}; echo running; sleep {seconds}\n"
    )
    return load(project)


def is_running(event: Event) -> bool:
    """Whether the step of a slow function is in the middle."""
    return isinstance(event, Output) and event.step is not None and event.data == b"running\n"


def wait_until(condition: Callable[[], bool], seconds: float = WAIT) -> bool:
    """Waits for a condition; returns whether it came true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_a_cancelled_abuild_leaves_nothing(
    project: EngineProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelling `abuild` in mid-build ends its docker, its step and its files, and no other build."""
    temporary = project.folder / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    cancelled = write_slow_function(project, 300)
    (project.folder / "other").mkdir()
    other = attrs.evolve(
        project, folder=project.folder / "other", image=project.image.replace("/fn:", "/other:")
    )
    kept = write_slow_function(other, 5)

    async def main() -> tuple[str, list[bytes]]:
        both = asyncio.Barrier(3)

        def wait_in_step(event: Event) -> None:
            if is_running(event):
                waiting.append(asyncio.ensure_future(both.wait()))

        waiting: list[asyncio.Future[int]] = []
        tasks = [
            asyncio.create_task(
                library.abuild(library.plan(options=PREBUILT), quiet=True, on_event=wait_in_step)
            )
            for library in (cancelled, kept)
        ]
        await asyncio.wait_for(both.wait(), WAIT)
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        left = [line for line in processes(project) if b"docker" in line]
        assert not tasks[1].done()
        result = await tasks[1]
        await asyncio.gather(*waiting)
        return result.functions[0].status, left

    assert asyncio.run(main()) == ("built", [])
    assert wait_until(lambda: processes(project) == [], 20)
    assert list(temporary.iterdir()) == []
    project.write("inline", "two")
    assert [
        f.status for f in cancelled.build(cancelled.plan(options=PREBUILT), quiet=True).functions
    ] == ["built"]


@pytest.mark.parametrize("engine", ["docker20", "docker26", "docker28"])
def test_a_stop_ends_its_own_builds(project: EngineProject) -> None:
    """A `Stop` ends the build that was given it, in mid-build; its step ends, and a later build succeeds."""
    library = write_slow_function(project, 300)
    stop = Stop()

    def stop_in_step(event: Event) -> None:
        if is_running(event):
            stop.stop()

    result = library.build(
        library.plan(options=PREBUILT), quiet=True, on_event=stop_in_step, stop=stop
    )
    assert [(f.name, f.status) for f in result.functions] == [("fn", "stopped")]
    assert wait_until(lambda: processes(project) == [], 20)
    project.write("inline", "two")
    assert [
        f.status for f in library.build(library.plan(options=PREBUILT), quiet=True).functions
    ] == ["built"]


# Two runs of one project at once.

ROUNDS = 3
VARIANTS = ("red", "blue")
SLOW = "RUN sleep 1"


def write_variants(project: EngineProject, number: int) -> None:
    """Writes what the runs copy into their contexts, which is all that differs between them."""
    for variant in VARIANTS:
        (project.folder / variant).mkdir(exist_ok=True)
        (project.folder / variant / "variant.txt").write_text(f"{variant} {number}")


def variants_in_images(project: EngineProject) -> dict[str, str]:
    """The variants that are in the image of each function and run."""
    images = [f"{name}:{variant}" for name in ("one", "two") for variant in VARIANTS]
    script = "cat $(find /app -name variant.txt)"
    return {
        image: project.docker(
            "run", "--rm", "--network=none", f"{project.repository}/{image}", "sh", "-c", script
        )
        for image in images
    }


def expected_variants(number: int) -> dict[str, str]:
    """In each image the variant of its run, and no other."""
    return {
        f"{name}:{variant}": f"{variant} {number}"
        for name in ("one", "two")
        for variant in VARIANTS
    }


@pytest.mark.parametrize("engine", ["docker26"])
def test_two_threads_build_one_project(project: EngineProject) -> None:
    """Two threads prepare and build the same functions with different contexts: every image holds its own."""
    write_template_stack(project, SLOW)
    for number in range(ROUNDS):
        write_variants(project, number)
        barrier = Barrier(len(VARIANTS), timeout=WAIT)

        def build(variant: str, barrier: Barrier = barrier) -> list[str]:
            library = load(project, variant=variant)
            plan = library.prepare(library.plan(options=BuildOptions(copy_extra=[variant])))
            barrier.wait()  # both contexts have been written before either is built
            result = library.build(plan, parallel=2, quiet=True)
            return [function.status for function in result.functions]

        with ThreadPoolExecutor(len(VARIANTS)) as pool:
            assert list(pool.map(build, VARIANTS)) == [["built", "built"]] * len(VARIANTS)
        assert variants_in_images(project) == expected_variants(number)


@pytest.mark.parametrize("engine", ["docker26"])
def test_two_processes_build_one_project(project: EngineProject) -> None:
    """Two runs of the command line build the same functions with different contexts: every image holds its own."""
    write_template_stack(project, SLOW)
    for number in range(ROUNDS):
        write_variants(project, number)
        children = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "faas_cache", "build"),
                    *("--parallel", "2", "--quiet", "--copy-extra", variant),
                ],
                cwd=project.folder,
                env=project.environ | {"VARIANT": variant},
                stderr=subprocess.PIPE,
                text=True,
            )
            for variant in VARIANTS
        ]
        outputs = [child.communicate(timeout=WAIT)[1] for child in children]
        assert [child.returncode for child in children] == [0, 0], outputs
        assert variants_in_images(project) == expected_variants(number)
