"""Reports that equal the history of the engine, terminals, a bake of a whole stack, and what an interrupted build leaves."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import pytest
from engines import UP, EngineProject, processes

from faas_cache.buildkit.reader import EventReader
from faas_cache.buildkit.reports import CacheReport, Step

pytestmark = pytest.mark.engine

WAIT = 120.0


def without_times(steps: Iterable[Step]) -> list[tuple[str, str, bool, bool, bool]]:
    """The steps without what differs between a live build and its record: the times, which the record rounds."""
    return sorted(
        (step.name, step.kind, step.cached, bool(step.error), step.finished) for step in steps
    )


@pytest.mark.parametrize("engine", ["docker28"])
def test_the_report_equals_the_history_of_the_engine(project: EngineProject) -> None:
    """Without a cache, with one, and failing: the steps are those of `docker buildx history`, and as many are cached."""
    flags = (
        "build",
        "--push",
        "--report",
        "report.json",
        "--builder-flag",
        f"--metadata-file={project.folder / 'm.json'}",
    )
    for handler, code in (("one", 0), ("two", 0), ("fail", 1)):
        project.write("max", handler)
        if code:
            dockerfile = project.folder / "build" / "fn" / "Dockerfile"
            dockerfile.write_text(dockerfile.read_text() + "RUN exit 7\n")
        done = project.faas_cache(*flags)
        assert done.returncode == code, done.stderr
        record = json.loads(
            project.docker("buildx", "history", "ls", "--format", "json").splitlines()[0]
        )
        ref = record["ref"].rpartition("/")[2]
        argv = ["docker", "buildx", "history", "logs", "--progress", "rawjson", ref]
        logs = subprocess.run(argv, check=True, capture_output=True, env=project.environ)
        reader = EventReader("fn")
        events = [*reader.feed(logs.stdout + logs.stderr), *reader.close()]
        expected = CacheReport.from_events("fn", events)
        report = project.report().functions[0].report
        steps = [step for step in report.steps if "provenance for metadata" not in step.name]
        assert without_times(steps) == without_times(expected.steps)
        assert (report.cached, report.total) == (expected.cached, expected.total)
        assert without_times(filter(None, [report.first_miss])) == without_times(
            filter(None, [expected.first_miss])
        )
        assert (len(steps), sum(step.cached for step in steps)) == (
            record["total_steps"],
            record["cached_steps"],
        )
        project.wipe()


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_the_report_of_a_build_with_a_cache(project: EngineProject) -> None:
    """The table and its Markdown form show the hits of the registry's cache, the first step that ran, and the export."""
    project.write("max", "one")
    assert project.faas_cache("build", "--push").returncode == 0
    project.wipe()
    project.write("max", "two")
    done = project.faas_cache(
        "build", "--push", "--report", "report.md", "--report-format", "github"
    )
    assert done.returncode == 0, done.stderr
    reason = "the first step that ran is `[stage-1 4/4] COPY function/ /function/`"
    line, why, image, _ = done.stderr.splitlines()[-4:]
    assert re.fullmatch(r"\[1/1\] fn  \d+\.\d s  4/5 cached  pushed", line)
    digest = remote_digest(project)
    assert why.startswith(f"    {reason}"), why  # and what it depends on
    assert image == f"    {project.repository}/fn@{digest}"
    summary = (project.folder / "report.md").read_text()
    assert re.search(r"\| <code>fn</code> \| pushed \| \d+\.\d s \| 4/5 \| found \| ", summary)
    assert digest.partition(":")[2] in summary


def remote_digest(project: EngineProject) -> str:
    """The digest that the registry has for the image."""
    host, _, rest = project.image.partition("/")
    repository, _, tag = rest.rpartition(":")
    accept = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
    url = f"http://{host}/v2/{repository}/manifests/{tag}"
    request = urllib.request.Request(url, headers={"Accept": accept}, method="HEAD")
    with urllib.request.urlopen(request) as answer:
        return str(answer.headers["Docker-Content-Digest"])


LINKED = (
    "COPY --link requirements.txt /requirements.txt\n"
    "RUN cat /proc/sys/kernel/random/uuid > /deps\n"
    "COPY --link function/ /function/\n"
)


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
@pytest.mark.parametrize(
    "words",
    [[], ["--parallel", "2"], ["--bake"], ["--progress", "plain"], ["-q"]],
    ids=" ".join,
)  # fmt: skip
def test_a_dockerfile_has_one_total(project: EngineProject, words: list[str]) -> None:
    """Alone, side by side and in a bake, in every form of progress: merges of `COPY --link` are no steps; digests are the registry's."""
    project.write("max", "one")
    stack = json.loads((project.folder / "stack.yaml").read_text())
    for name in ("fn", "other"):
        image = project.image.replace("/fn:", f"/{name}:")
        stack["functions"][name] = stack["functions"]["fn"] | {"image": image}
        context = project.folder / "build" / name
        if name != "fn":
            shutil.copytree(project.folder / "build" / "fn", context)
        base = project.environ["FAAS_CACHE_TEST_BASE"]
        (context / "Dockerfile").write_text(f"FROM {base}\n{LINKED}")
        (context / "requirements.txt").write_text(name)
        (context / "function" / "handler.txt").write_text(name)
    (project.folder / "stack.yaml").write_text(json.dumps(stack))
    for cached in (0, 3):
        done = project.faas_cache("build", "--push", "--report", "report.json", *words)
        assert done.returncode == 0, done.stderr
        functions = project.report().functions
        reports = [function.report for function in functions]
        assert [(report.cached, report.total) for report in reports] == [(cached, 3)] * 2
        assert functions[0].image == f"{project.repository}/fn@{remote_digest(project)}"
        assert done.stderr.count(f"  {cached}/3 cached  pushed") == 2
        project.wipe()


@pytest.mark.parametrize("engine", ["docker28"])
@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--builder-flag=--progress=quiet"], ""),
        (["--progress=quiet"], ""),
        (["--progress=rawjson"], '"vertexes"'),
    ],
)
def test_every_progress_has_a_report(project: EngineProject, words: list[str], shown: str) -> None:
    """Also where the builder prints nothing, or JSON."""
    project.write("max", "one")
    done = project.faas_cache("build", "--report", "report.json", *words)
    report = project.report().functions[0].report
    assert (done.returncode, report.total, shown in done.stderr) == (0, 5, True), done.stderr
    assert "fn | #" not in done.stderr


@pytest.mark.parametrize("engine", ["docker26", "docker28", "docker20"])
def test_on_a_terminal(project: EngineProject) -> None:
    """BuildKit draws and its history is read; an older buildx prints lines; docker 20 only draws, so there is no report."""
    project.write("inline", "one")
    master, theirs = pty.openpty()
    argv = project.argv("build", "--push", "--report", "report.json")
    child = subprocess.Popen(
        argv, stderr=theirs, stdout=subprocess.DEVNULL, cwd=project.folder, env=project.environ
    )
    os.close(theirs)
    screen = b""
    try:
        while block := os.read(master, 65536):
            screen += block
    except OSError:
        pass  # the other side is closed
    os.close(master)
    assert child.wait(WAIT) == 0, screen.decode()
    name = project.environ["FAAS_CACHE_TEST_ENGINE"]
    draws, lines, silent = (
        b"\x1b[?25" in screen,
        b"fn | #" in screen,
        b"no cache report: " in screen,
    )
    assert (draws, lines, silent) == (name != "docker26", name == "docker26", name == "docker20"), (
        screen.decode()
    )
    report = project.report().functions[0].report
    assert (report.cached, report.total) == ((0, 0) if name == "docker20" else (0, 5))


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_a_bake_shares_and_hits(project: EngineProject) -> None:
    """One bake of two functions pushes both images and caches; on an empty builder both hit; `${` is passed unchanged."""
    project.write("max", "one", build_args={"PRICE": "$${HOME} %{x}"})
    stack = json.loads((project.folder / "stack.yaml").read_text())
    other = stack["functions"]["fn"] | {"image": project.image.replace("/fn:", "/other:")}
    stack["functions"]["an.other"] = other
    (project.folder / "stack.yaml").write_text(json.dumps(stack))
    (project.folder / "build" / "an.other").symlink_to("fn")
    for second in (False, True):
        done = project.faas_cache(
            *("build", "--bake", "--push", "--envsubst=false", "--report", "report.json", "-v")
        )
        assert done.returncode == 0, done.stderr
        result = project.report()
        assert [(function.name, function.status) for function in result.functions] == [
            ("fn", "pushed"),
            ("an.other", "pushed"),
        ]
        # A step of both targets runs once, and is a hit of the other.
        assert (result.report.cached == result.report.total) is second
        assert [len(function.report.exports) for function in result.functions] == [1, 1]
        project.wipe()
    # Each line says which function it is about.
    marks = {line.partition(" | #")[0] for line in done.stderr.splitlines() if " | #" in line}
    assert marks == {"fn", "an.other", "bake"}
    (project.folder / "build" / "fn" / "Dockerfile").write_text("FROM scratch\nCOPY nothing /\n")
    done = project.faas_cache("build", "--bake", "--report", "report.json")
    # The step is of both targets: BuildKit names one or both, and cancels the rest.
    outcomes = {
        (f.status, f.explanation and (f.explanation.step, f.explanation.cause))
        for f in project.report().functions
    }
    failed = ("failed", ("build-step", "missing"))
    assert (done.returncode, outcomes - {("stopped", None)}) == (1, {failed}), done.stderr


@pytest.mark.parametrize("engine", ["docker20", "docker26-graph", "docker28"])
def test_the_doctor(project: EngineProject) -> None:
    """The doctor describes the builder, and says which functions it can build."""
    project.write("max", "one")
    done = project.faas_cache("doctor")
    name = project.environ["FAAS_CACHE_TEST_ENGINE"]
    assert done.returncode == (0 if name == "docker28" else 3)
    expected = {
        "docker20": "buildx: not found",
        "docker26-graph": "builder: default, driver docker, classic image store",
        "docker28": "builder: default, driver docker, containerd image store",
    }
    assert expected[name] in done.stdout.splitlines()
    can = "can" if name == "docker28" else "cannot"
    assert f"fn: {can} be built here" in done.stdout.splitlines()


# Killing.


def started(project: EngineProject, seconds: int) -> subprocess.Popen[bytes]:
    """Starts a build, and returns it in the middle of a step."""
    project.write("inline", "one")
    dockerfile = project.folder / "build" / "fn" / "Dockerfile"
    dockerfile.write_text(
        f"FROM {project.environ['FAAS_CACHE_TEST_BASE']}\nRUN echo running && sleep {seconds}\n"
    )
    argv = project.argv("build")
    (project.folder / "tmp").mkdir()
    environ = project.environ | {"TMPDIR": str(project.folder / "tmp")}
    with (project.folder / "log").open("wb") as log:
        child = subprocess.Popen(argv, stderr=log, stdout=log, cwd=project.folder, env=environ)
    end = time.monotonic() + WAIT
    while not any(
        b" running" in line and b"echo" not in line for line in log_of(project).splitlines()
    ):
        assert child.poll() is None, log_of(project)
        assert time.monotonic() < end, log_of(project)
        time.sleep(0.05)
    return child


def log_of(project: EngineProject) -> bytes:
    """What a build has printed so far."""
    return (project.folder / "log").read_bytes()


def builds_again(project: EngineProject) -> bool:
    """Whether the next run succeeds."""
    project.write("inline", "again")
    done = project.faas_cache("build")
    return done.returncode == 0


@pytest.mark.parametrize("engine", ["docker20", "docker26", "docker28"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_build(project: EngineProject, number: int, code: int) -> None:
    """The builder ends and nothing is left; SIGTERM leaves a summary, Ctrl-C ends at once."""
    child = started(project, 60)
    child.send_signal(number)
    assert child.wait(WAIT) == code, log_of(project)
    assert (processes(project), list((project.folder / "tmp").iterdir())) == ([], [])
    assert log_of(project).endswith(b": 1 stopped\n") is (number == signal.SIGTERM)
    assert b"Traceback" not in log_of(project)
    assert builds_again(project)


@pytest.mark.parametrize("engine", ["docker26"])
def test_a_killed_command_line(project: EngineProject) -> None:
    """What a killed run leaves does not disturb the next one."""
    child = started(project, 3)
    child.kill()
    assert child.wait(WAIT) == -signal.SIGKILL
    assert builds_again(project)


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_a_killed_daemon(project: EngineProject) -> None:
    """The build ends and the daemon is reported; with a new daemon, the next run works."""
    child = started(project, 60)
    folder = Path(project.environ["DOCKER_HOST"].removeprefix("unix://")).parent
    os.kill(int((folder / "dockerd.pid").read_text()), signal.SIGKILL)
    code = child.wait(WAIT)
    log = log_of(project)
    subprocess.run([UP, project.environ["FAAS_CACHE_TEST_ENGINE"]], check=True, capture_output=True)
    assert (code, b"cannot connect to the builder" in log) == (3, True), log
    assert builds_again(project)
