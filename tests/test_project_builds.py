"""`Project`: building and pushing, with a fake docker."""

import asyncio
import io
import threading
from pathlib import Path
from typing import Any

import pytest
from fake_docker import SLOW, FakeDocker
from project_runs import build, load, statuses
from stack_files import (
    CACHE,
    CACHED,
    HANDLER,
    PYTHON,
    TEMPLATE,
    TWO,
    builds,
    tree,
    write_project,
)

from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.options import BuildOptions
from faas_cache.planning.plan import BuildPlan
from faas_cache.project import Project
from faas_cache.render.commands import Command
from faas_cache.render.front_ends import FrontEnd
from faas_cache.runner.results import BuildResult
from faas_cache.runner.stop import Stop

STREAMS = Path(__file__).parent / "vectors" / "streams"
WRITTEN = {
    "fn/template.yml": TEMPLATE["template/py/template.yml"],
    "fn/Dockerfile": TEMPLATE["template/py/Dockerfile"],
    "fn/function/handler.py": HANDLER["fn/handler.py"],
}
BOTH = PYTHON + PYTHON.replace("fn: {image: a/fn", "two: {image: a/two")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a project, beside the fake docker."""
    return tmp_path / "project"


# Equal builds.


@pytest.mark.parametrize("bake", [False, True])
def test_e8_equal_builds_are_built_once(
    root: Path,
    fake_docker: FakeDocker,
    bake: bool,  # noqa: FBT001  # both ways of building
) -> None:
    """E8: one context and one call for both functions, and a result for each."""
    write_project(root, PYTHON + PYTHON.replace("fn:", "two:", 1), {**TEMPLATE, **HANDLER})
    fake_docker.describe()
    project = load(root, fake_docker)
    result = build(project, bake=bake)
    calls = [call for call in fake_docker.calls if {"build", "bake"} & set(call.argv[:2])]
    assert (
        [(f.name, f.status, f.same_as) for f in result.functions],
        len(calls),
        tree(root / "build") == WRITTEN,
    ) == ([("fn", "built", ""), ("two", "built", "fn")], 1, True)
    pushed = project.push(project.plan(), output=io.BytesIO())
    assert [(f.name, f.status, f.same_as) for f in pushed.functions] == [
        ("fn", "pushed", ""),
        ("two", "pushed", "fn"),
    ]
    project.write_contexts(project.plan())
    assert sorted(path.name for path in (root / "build").iterdir() if path.name[0] != ".") == [
        "fn",
        "two",
    ]


# Build and push.


def test_a_build_runs_what_the_plan_prints(root: Path, fake_docker: FakeDocker) -> None:
    """In the project's folder, with the environment of the project."""
    fake_docker.describe()
    fake_docker.answer("buildx build *", stderr=(STREAMS / "buildx-0.29-warm.txt").read_bytes())
    result = build(load(write_project(root, CACHED), fake_docker))
    call = fake_docker.calls[-1]
    assert (statuses(result), call.cwd, call.progress) == ([("fn", "built")], str(root), "rawjson")
    assert builds(fake_docker) == [f"buildx build --load {CACHE} --tag a/fn:latest ."]
    assert result.report.hit_ratio == 0.8


def test_one_failure_stops_no_other(root: Path, fake_docker: FakeDocker) -> None:
    """Unless `fail_fast` is set."""
    fake_docker.answer("*a/one:*", exit_code=1)
    project = load(write_project(root, TWO), fake_docker)
    results = [build(project), build(project, fail_fast=True)]
    assert list(map(statuses, results)) == [
        [("one", "failed"), ("two", "built")],
        [("one", "failed"), ("two", "not started")],
    ]


def test_builds_run_side_by_side(root: Path, fake_docker: FakeDocker) -> None:
    """Up to as many as `parallel`: each waits for the other here."""
    wait = (
        f"touch {root}/$$.began; while [ $(ls {root}/*.began | wc -l) -lt 2 ]; do sleep 0.01; done"
    )
    fake_docker.answer("build *", script=wait)
    project = load(write_project(root, TWO), fake_docker)
    assert statuses(build(project, parallel=2)) == [("one", "built"), ("two", "built")]


def test_a_bake_builds_all_at_once(root: Path, fake_docker: FakeDocker) -> None:
    """With one call, also where a single build would be `docker build`."""
    fake_docker.describe()
    result = build(load(write_project(root, TWO), fake_docker), bake=True)
    assert (statuses(result), builds(fake_docker)) == (
        [("one", "built"), ("two", "built")],
        ["buildx bake --file -"],
    )


def test_time_that_is_up_ends_builds(root: Path, fake_docker: FakeDocker) -> None:
    """Of all functions together."""
    fake_docker.answer("build *", script=SLOW)
    project = load(write_project(root, TWO), fake_docker)
    result = build(project, timeout=0.3)
    assert (statuses(result), result.exit_code) == (
        [("one", "timed out"), ("two", "not started")],
        1,
    )


def test_a_stop_before_the_start_starts_nothing(root: Path, fake_docker: FakeDocker) -> None:
    """Not even a question or a context."""
    write_project(
        root,
        CACHED + PYTHON.replace("fn: {image: a/fn", "py: {image: a/py"),
        {**TEMPLATE, **HANDLER},
    )
    stop = Stop()
    stop.stop()
    result = build(load(root, fake_docker), stop=stop)
    assert (statuses(result), fake_docker.calls, (root / "build").exists()) == (
        [("fn", "not started"), ("py", "not started")],
        [],
        False,
    )


def test_a_stop_ends_the_questions(root: Path, fake_docker: FakeDocker) -> None:
    """Nothing is started after them."""
    fake_docker.answer("*", script=SLOW)
    project, stop = load(write_project(root, CACHED), fake_docker), Stop()
    threading.Timer(0.3, stop.stop).start()
    result = build(project, stop=stop)
    assert (statuses(result), builds(fake_docker), fake_docker.running()) == (
        [("fn", "not started")],
        [],
        set(),
    )


def test_a_push_pushes_what_was_built(root: Path, fake_docker: FakeDocker) -> None:
    """Every tag, and no builder is asked."""
    project = load(write_project(root, CACHED), fake_docker)
    result = project.push(
        project.plan(options=BuildOptions(extra_tags=["v1"])), output=io.BytesIO()
    )
    assert (statuses(result), [call.argv for call in fake_docker.calls]) == (
        [("fn", "pushed")],
        [("push", "a/fn:latest"), ("push", "a/fn:v1")],
    )


def test_a_push_needs_no_builder(root: Path, fake_docker: FakeDocker) -> None:
    """Docker pushes: the builder that the options name for a build is not asked, and may be gone."""
    fake_docker.answer("buildx inspect nope", stderr="ERROR: no builder\n", exit_code=1)
    project = load(write_project(root, CACHED), fake_docker)
    plan = project.plan(options=BuildOptions(builder="nope"))
    assert statuses(project.push(plan, output=io.BytesIO())) == [("fn", "pushed")]
    assert [call.argv for call in fake_docker.calls] == [("push", "a/fn:latest")]


def test_events_and_output_come_in_the_calling_thread(root: Path, fake_docker: FakeDocker) -> None:
    """One at a time; `quiet` shows failures only."""
    fake_docker.describe()
    fake_docker.answer("buildx build *", stderr=(STREAMS / "buildx-0.29-warm.txt").read_bytes())
    threads, output = set(), io.BytesIO()
    project = load(write_project(root, CACHED), fake_docker)
    build(project, on_event=lambda _: threads.add(threading.current_thread()), output=output)
    quiet = io.BytesIO()
    build(project, quiet=True, output=quiet)
    assert (threads, bool(output.getvalue()), quiet.getvalue()) == (
        {threading.main_thread()},
        True,
        b"",
    )


def test_a_program_of_ones_own_builds(root: Path, fake_docker: FakeDocker) -> None:
    """Its front end renders, builds and pushes; docker's builder is not asked."""
    podman = FrontEnd(
        name="podman",
        program="podman",
        build=lambda plan: Command(argv=("podman", "build", "--tag", *plan.tags, plan.context)),
        push=lambda plan: [Command(argv=("podman", "push", tag)) for tag in plan.tags],
    )
    script = fake_docker.bin / "docker"
    script.with_name("podman").symlink_to(script)
    project = load(write_project(root, CACHED), fake_docker)
    plan = project.plan(options=BuildOptions(push=True)).using(podman)
    result = project.build(plan, output=io.BytesIO())
    pushed = project.push(plan, output=io.BytesIO())
    assert (statuses(result), statuses(pushed)) == ([("fn", "pushed")], [("fn", "pushed")])
    assert [" ".join(call.argv) for call in fake_docker.calls] == [
        "build --tag a/fn:latest .",
        "push a/fn:latest",
        "push a/fn:latest",
    ]


# asyncio.


def test_a_build_can_be_awaited(root: Path, fake_docker: FakeDocker) -> None:
    """Callbacks and streams are called in the thread of the event loop."""
    fake_docker.answer("build *", stderr="x\n")
    project = load(write_project(root, TWO), fake_docker)
    threads = set()

    class Output(io.BytesIO):
        def write(self, data: Any, /) -> int:  # noqa: ANN401  # any buffer
            threads.add(threading.current_thread())
            return super().write(data)

    async def main() -> BuildResult:
        events = threads.add
        return await project.abuild(
            project.plan(),
            parallel=2,
            on_event=lambda _: events(threading.current_thread()),
            output=Output(),
            timeout=None,
        )

    result = asyncio.run(main())
    assert (statuses(result), threads) == (
        [("one", "built"), ("two", "built")],
        {threading.main_thread()},
    )


def test_a_cancelled_build_has_ended(root: Path, fake_docker: FakeDocker) -> None:
    """Its programs too, when `CancelledError` is raised; another build goes on."""
    fake_docker.answer("*a/one:*", script=SLOW)
    project = load(write_project(root, TWO), fake_docker)

    async def main() -> BuildResult:
        other = asyncio.create_task(project.abuild(project.plan("two"), output=io.BytesIO()))
        task = asyncio.create_task(project.abuild(project.plan("one"), output=io.BytesIO()))
        await asyncio.to_thread(fake_docker.wait_for_calls, 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await other

    assert statuses(asyncio.run(main())) == [("two", "built")]
    assert fake_docker.running() == set()


# Threads.


def test_threads_may_share_a_project(root: Path, fake_docker: FakeDocker) -> None:
    """Each build finds the context of its function, however often it is written meanwhile."""
    write_project(root, BOTH, {**TEMPLATE, **HANDLER})
    fake_docker.answer("build *", script='eval "last=\\$$#"; test -f $last/function/handler.py')
    project = load(root, fake_docker)
    results: list[BuildResult] = []
    threads = [
        threading.Thread(target=lambda: results.append(build(project, parallel=2)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.ok for result in results] == [True] * 4


def test_the_values_of_a_plan_are_those_of_its_commands(root: Path) -> None:
    """A plan of specs, without a file, has them too."""
    spec = FunctionSpec(name="fn", image="a/fn", build_args={"A": "1"}, context=".")
    (plan,) = Project.of(spec, root=root, environ=FrozenMap()).plan().plans
    assert plan == BuildPlan(
        function="fn", tags=["a/fn:latest"], build_args={"A": "1"}, context="."
    )
