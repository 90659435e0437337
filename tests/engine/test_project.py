"""The library on real engines: the programs of the documentation, publishing, pushing, front ends and events."""

from __future__ import annotations

import subprocess
import sys
from threading import get_ident
from urllib.request import Request, urlopen

import attrs
import pytest
from documents import PAGES, fences
from engines import EngineProject, load, write_template_stack

from faas_cache import BuildOptions, BuildPlan, CacheReport, Command, Project
from faas_cache.buildkit.events import (
    BuildFinished,
    BuildStarted,
    Event,
    Output,
    StepFinished,
    StepProgress,
    StepStarted,
)
from faas_cache.render.docker import docker_build, docker_push
from faas_cache.render.front_ends import FrontEnd

pytestmark = pytest.mark.engine

LIBRARY = fences(PAGES["library.md"].read_text())
README = PAGES["README.md"].read_text()
PROGRAMS = {
    name: fences(README.partition(f"<!-- {name} -->\n")[2])[0].text
    for name in ("short program", "long program")
} | {f"library.md:{fence.line}": fence.text for fence in LIBRARY if fence.info == "python engine"}


def write_documented_stack(project: EngineProject, handler: str) -> None:
    """Writes the stack file of library.md, with the test registry, and the contexts of its functions."""
    (stack,) = (fence.text for fence in LIBRARY if fence.info == "yaml stack")
    (project.folder / "stack.yaml").write_text(stack.replace("ghcr.io/acme", project.repository))
    for name in ("resize", "notify"):
        context = project.folder / name
        context.mkdir(exist_ok=True)
        (context / "handler.txt").write_text(f"{name} {handler}")
        (context / "Dockerfile").write_text(
            f"FROM {project.environ['FAAS_CACHE_TEST_BASE']}\n"
            f"RUN echo {name} && cat /proc/sys/kernel/random/uuid > /own\n"
            "COPY handler.txt /\n"
        )


def run_program(project: EngineProject, text: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of the documentation in the folder of the project."""
    argv = [sys.executable, "-c", text]
    return subprocess.run(
        argv, check=False, capture_output=True, text=True, cwd=project.folder, env=project.environ
    )


def content(project: EngineProject, image: str, path: str = "/handler.txt") -> str:
    """A file of an image, which docker pulls if it is not in the engine."""
    return project.docker("run", "--rm", "--network=none", image, "cat", path)


def remote_digest(image: str) -> str | None:
    """The digest of an image in its registry."""
    host, _, rest = image.partition("/")
    path, _, tag = rest.rpartition(":")
    accept = ", ".join(
        f"application/vnd.{kind}+json"
        for kind in (
            "oci.image.index.v1",
            "oci.image.manifest.v1",
            "docker.distribution.manifest.list.v2",
            "docker.distribution.manifest.v2",
        )
    )
    url = f"http://{host}/v2/{path}/manifests/{tag}"
    with urlopen(Request(url, method="HEAD", headers={"Accept": accept}), timeout=30) as answer:
        return str(answer.headers["Docker-Content-Digest"])


# The programs of the documentation.


@pytest.mark.parametrize("engine", ["docker26"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_documented_program_builds_the_stack(project: EngineProject, name: str) -> None:
    """Each program exits with 0, and both images hold what the functions are."""
    write_documented_stack(project, "one")
    done = run_program(project, PROGRAMS[name])
    assert done.returncode == 0, done.stderr
    images = {name: f"{project.repository}/{name}:1.0" for name in ("resize", "notify")}
    assert {name: content(project, image) for name, image in images.items()} == {
        "resize": "resize one",
        "notify": "notify one",
    }


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_the_long_program_prints_commands_and_hits(project: EngineProject) -> None:
    """It prints the commands of both builds and their results; on an empty builder, the steps above the handler are cached."""
    for handler, ratio in (("one", "0.0"), ("two", "0.5")):
        write_documented_stack(project, handler)
        done = run_program(project, PROGRAMS["long program"])
        lines = done.stdout.splitlines()
        resize, notify = (f"{project.repository}/{name}" for name in ("resize", "notify"))
        cache = f"type=registry,ref={resize}:buildcache-main"
        inline = "--build-arg BUILDKIT_INLINE_CACHE=1"
        buildx = "DOCKER_BUILDKIT=1 docker buildx build --push"
        assert (done.returncode, lines) == (
            0,
            [
                f"{buildx} --cache-from {cache} --cache-to {cache},mode=max {inline} --tag {resize}:1.0 ./resize",
                f"{buildx} --cache-from {notify}:1.0 {inline} --tag {notify}:1.0 ./notify",
                f"resize pushed {ratio} ",
                f"notify pushed {ratio} ",
            ],
        ), done.stderr
        project.wipe()


# What the command line does, too.


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_publish(project: EngineProject) -> None:
    """`publish=True` pushes every tag of every function; the result has the digest of the registry."""
    write_template_stack(project)
    library = load(project)
    options = BuildOptions(publish=True, extra_tags=["extra"])
    result = library.build(library.plan(options=options), parallel=2, quiet=True)
    tags = {
        name: tuple(f"{project.repository}/{name}:{tag}" for tag in ("1", "extra"))
        for name in ("one", "two")
    }
    digests = {name: {remote_digest(tag) for tag in tags[name]} for name in tags}
    assert [
        (function.name, function.status, function.tags, {function.digest})
        for function in result.functions
    ] == [(name, "pushed", tags[name], digests[name]) for name in tags]
    assert [content(project, tags[n][1], "/app/function/handler.txt") for n in tags] == list(tags)


@pytest.mark.parametrize("engine", ["docker20", "docker26", "docker28"])
def test_build_then_push(project: EngineProject) -> None:
    """`push` pushes what `build` left in the engine, and reports the digest of the registry."""
    write_template_stack(project)
    library = load(project)
    plan = library.plan()
    built = library.build(plan, parallel=2, quiet=True)
    assert [(f.name, f.status, f.exit_code) for f in built.functions] == [
        ("one", "built", 0),
        ("two", "built", 0),
    ]
    pushed = library.push(plan, parallel=2, quiet=True)
    assert [(f.name, f.status, f.digest) for f in pushed.functions] == [
        (name, "pushed", remote_digest(f"{project.repository}/{name}:1")) for name in ("one", "two")
    ]


@pytest.mark.parametrize("engine", ["docker26"])
def test_write_contexts(project: EngineProject) -> None:
    """`write_contexts` writes what docker alone can build, and runs no program."""
    write_template_stack(project)
    library = Project.load(root=project.folder, environ={"PATH": ""})
    library.write_contexts(library.plan("one"))
    context = project.folder / "build" / "one"
    files = sorted(str(path.relative_to(context)) for path in context.rglob("*") if path.is_file())
    assert files == ["Dockerfile", "function/handler.txt", "template.yml"]
    image = f"{project.repository}/one:alone"
    project.docker("build", "--tag", image, str(context))
    assert content(project, image, "/app/function/handler.txt") == "one"


@pytest.mark.parametrize("engine", ["docker26"])
def test_a_front_end_of_ones_own(project: EngineProject) -> None:
    """A program of another name builds, pushes and hits the inline cache, with the commands that its front end makes."""
    write_documented_stack(project, "one")
    log = project.folder / "log"
    program = project.folder / "bin" / "wrapped"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec docker "$@"\n')
    program.chmod(0o755)

    def rename(command: Command) -> Command:
        return attrs.evolve(command, argv=("wrapped", *command.argv[1:]))

    def build(plan: BuildPlan) -> Command:
        return rename(docker_build(plan))

    def push(plan: BuildPlan) -> list[Command]:
        return list(map(rename, docker_push(plan)))

    wrapped = FrontEnd(name="wrapped", program="wrapped", build=build, push=push, progress="plain")
    path = f"{program.parent}:{project.environ['PATH']}"
    library = Project.load(root=project.folder, environ=project.environ | {"PATH": path})
    image = f"{project.repository}/notify:1.0"
    numbers = set()
    for handler in ("one", "two"):
        write_documented_stack(project, handler)
        log.unlink(missing_ok=True)
        plan = library.plan("notify", options=BuildOptions(push=True)).using(wrapped)
        (function,) = library.build(plan, quiet=True).functions
        assert (function.status, function.report.total) == ("pushed", 2), function
        assert log.read_text().splitlines() == [
            " ".join(command.argv[1:]) for command in plan.commands()
        ]
        project.wipe()
        assert content(project, image) == f"notify {handler}"
        numbers.add(content(project, image, "/own"))
        project.wipe()
    assert len(numbers) == 1  # the RUN of the second build came from the cache


# Events.


@pytest.mark.parametrize("engine", ["docker20", "docker26", "docker28"])
def test_events(project: EngineProject) -> None:
    """The events of each function begin and end with the build, have ids and times, and fold into its report."""
    write_documented_stack(project, "one")
    (project.folder / "stack.yaml").write_text(
        (project.folder / "stack.yaml").read_text().replace(": max", ": inline")
    )
    library = load(project)
    received: list[tuple[int, Event]] = []
    result = library.build(
        library.plan(),
        parallel=2,
        quiet=True,
        on_event=lambda event: received.append((get_ident(), event)),
    )
    assert {thread for thread, _ in received} == {get_ident()}
    for function in result.functions:
        events = [event for _, event in received if event.function == function.name]
        check_events(events, timed=project.environ["FAAS_CACHE_TEST_ENGINE"] != "docker20")
        first, last = events[0], events[-1]
        assert first == BuildStarted(function=function.name, attempt=1, time=first.time)
        assert last == BuildFinished(
            function=function.name,
            status="built",
            exit_code=0,
            seconds=function.seconds,
            time=last.time,
        )
        folded = CacheReport.from_events(function.name, events)
        # The report also has what the plan knows.
        of_events = attrs.evolve(function.report, first_miss_inputs=(), only_last_stage=False)
        assert of_events == folded
        names = {event.step: event.name for event in events if isinstance(event, StepStarted)}
        printed = [
            (names[event.step or ""].partition("] ")[2], event.data)
            for event in events
            if isinstance(event, Output) and event.data.strip() == function.name.encode()
        ]
        run = f"RUN echo {function.name} && cat /proc/sys/kernel/random/uuid > /own"
        assert printed == [(run, f"{function.name}\n".encode())]


def check_events(events: list[Event], *, timed: bool) -> None:
    """The events of one build are in order: each step starts before it ends, and within the build."""
    began, ended = events[0].time, events[-1].time
    assert began is not None
    assert ended is not None
    started: set[str] = set()
    finished: set[str] = set()
    for event in events[1:-1]:
        match event:
            case StepStarted():
                started.add(event.step)
            case StepFinished():
                finished.add(event.step)
                assert event.step in started, event
            case StepProgress():
                assert event.step in started, event
            case Output():
                assert event.step is None or event.step in started, event
            case _:
                pytest.fail(f"a build has one start and one end: {event}")
        if timed and isinstance(event, (StepStarted, StepFinished)):
            assert event.time is not None
            assert began <= event.time <= ended, event
    assert started == finished
    assert len(started) >= 3
