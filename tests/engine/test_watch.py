"""Watching: reports equal to the engine's own history, a bake of a whole stack, and what is left when something is killed."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engines import UP, Project

from faas_cache.buildkit.progress import Progress

pytestmark = pytest.mark.engine

WAIT = 120.0


def report(project: Project) -> dict[str, object]:
    """The first function of the report that was written."""
    found: dict[str, object] = json.loads((project.folder / "report.json").read_text())[
        "functions"
    ][0]
    return found


def told(steps: list[dict[str, object]]) -> list[tuple[object, ...]]:
    """What two tellings of one build have in common: times are rounded by the one that is read back."""
    return sorted(
        (step["name"], step["kind"], step["cached"], bool(step["error"]), step["finished"])
        for step in steps
    )


@pytest.mark.parametrize("engine", ["docker28"])
def test_the_report_is_that_of_the_engines_history(project: Project) -> None:
    """Cold, warm and failing: step for step what `docker buildx history` says, and as many of them from the cache."""
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
        again = Progress()
        again.feed(logs.stdout + logs.stderr)
        expected = again.report("fn").as_dict()
        found = report(project)
        assert isinstance(found["steps"], list)
        assert isinstance(expected["steps"], list)
        ours = [step for step in found["steps"] if "provenance for metadata" not in step["name"]]
        assert told(ours) == told(expected["steps"])
        assert (found["cached"], found["built"], found["first_miss"]) == (
            expected["cached"], expected["built"], expected["first_miss"]
        )  # fmt: skip
        assert (len(ours), sum(bool(step["cached"]) for step in ours)) == (
            record["total_steps"],
            record["cached_steps"],
        )
        project.wipe()


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_the_report_of_a_warm_build(project: Project) -> None:
    """What came from the registry's cache, the first step that ran, and the export, in the table and as Markdown."""
    project.write("max", "one")
    assert project.faas_cache("build", "--push").returncode == 0
    project.wipe()
    project.write("max", "two")
    done = project.faas_cache(
        "build", "--push", "--report", "report.md", "--report-format", "github"
    )
    assert done.returncode == 0, done.stderr
    row = next(
        line for line in done.stderr.splitlines() if line.startswith("fn ") and " of " in line
    )
    assert row.split()[1:5] == ["4", "of", "5", "found"]
    assert row.endswith("[stage-1 4/4] COPY function/ /function/")
    assert "| <code>fn</code> | 4 of 5 | found |" in (project.folder / "report.md").read_text()


@pytest.mark.parametrize("engine", ["docker26", "docker28", "docker20"])
def test_on_a_terminal(project: Project) -> None:
    """BuildKit draws, and its history is read; an older buildx is told in lines; docker 20 tells nothing, and that is said."""
    project.write("inline", "one")
    master, theirs = pty.openpty()
    argv = [sys.executable, "-m", "faas_cache", "build", "--push", "--report", "report.json"]
    child = subprocess.Popen(
        argv, stderr=theirs, stdout=subprocess.DEVNULL, cwd=project.folder, env=project.environ
    )
    os.close(theirs)
    said = b""
    try:
        while block := os.read(master, 65536):
            said += block
    except OSError:
        pass  # the other side is closed
    os.close(master)
    assert child.wait(WAIT) == 0, said.decode()
    name = project.environ["FAAS_CACHE_TEST_ENGINE"]
    draws, lines, silent = (
        b"\x1b[?25" in said,
        b"fn | #1 " in said,
        b"no report of the cache" in said,
    )
    assert (draws, lines, silent) == (name != "docker26", name == "docker26", name == "docker20"), (
        said.decode()
    )
    found = report(project)
    assert (found["cached"], found["built"]) == ((0, 0) if name == "docker20" else (0, 5))


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_a_bake_shares_and_hits(project: Project) -> None:
    """Two functions as one bake: both images, both caches; on a wiped builder both hit; a `${` stays what it is."""
    project.write("max", "one", build_args={"PRICE": "$${HOME} %{x}"})
    stack = json.loads((project.folder / "stack.yaml").read_text())
    other = stack["functions"]["fn"] | {"image": project.image.replace("/fn:", "/other:")}
    stack["functions"]["an.other"] = other
    (project.folder / "stack.yaml").write_text(json.dumps(stack))
    (project.folder / "build" / "an.other").symlink_to("fn")
    for warm in (False, True):
        done = project.faas_cache(
            "build", "--bake", "--push", "--envsubst=false", "--report", "report.json"
        )
        assert done.returncode == 0, done.stderr
        functions = json.loads((project.folder / "report.json").read_text())["functions"]
        assert [one["outcome"] for one in functions] == ["done", "done"]
        # a step that both targets have runs once, and is a hit of the other
        assert (
            sum(one["cached"] for one in functions) == sum(one["built"] for one in functions)
        ) is warm
        assert [len(one["exports"]) for one in functions] == [1, 1]
        project.wipe()
    assert "an_other" in done.stderr
    (project.folder / "build" / "fn" / "Dockerfile").write_text("FROM scratch\nCOPY nothing /\n")
    done = project.faas_cache("build", "--bake")
    assert (done.returncode, "a step of the Dockerfile failed: it is not there" in done.stderr) == (
        1,
        True,
    ), done.stderr


@pytest.mark.parametrize("engine", ["docker20", "docker26-graph", "docker28"])
def test_the_doctor(project: Project) -> None:
    """What this builder is, and which functions it can serve, with what to do for the others."""
    project.write("max", "one")
    done = project.faas_cache("doctor")
    name = project.environ["FAAS_CACHE_TEST_ENGINE"]
    assert done.returncode == (0 if name == "docker28" else 3)
    expected = {
        "docker20": "buildx: not there",
        "docker26-graph": "builder: default, driver docker, classic image store",
        "docker28": "builder: default, driver docker, containerd image store",
    }
    assert expected[name] in done.stdout.splitlines()
    assert f"fn: {'can' if name == 'docker28' else 'cannot'} be built here" in done.stdout


# Killing.


def started(project: Project, seconds: int) -> subprocess.Popen[bytes]:
    """A build that is in the middle of a step."""
    project.write("inline", "one")
    dockerfile = project.folder / "build" / "fn" / "Dockerfile"
    dockerfile.write_text(
        f"FROM {project.environ['FAAS_CACHE_TEST_BASE']}\nRUN echo begun && sleep {seconds}\n"
    )
    argv = [sys.executable, "-m", "faas_cache", "build"]
    log = (project.folder / "log").open("wb")
    child = subprocess.Popen(argv, stderr=log, stdout=log, cwd=project.folder, env=project.environ)
    log.close()
    end = time.monotonic() + WAIT
    while not any(b" begun" in line and b"echo" not in line for line in said(project).splitlines()):
        assert child.poll() is None, said(project)
        assert time.monotonic() < end, said(project)
        time.sleep(0.05)
    return child


def said(project: Project) -> bytes:
    """What a build has said so far."""
    return (project.folder / "log").read_bytes()


def left(project: Project) -> list[bytes]:
    """The processes that still speak of this project's image."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if project.image.encode() in line:
            found.append(line)
    return found


def builds_again(project: Project) -> bool:
    """Whether the next run does what it should."""
    project.write("inline", "again")
    done = project.faas_cache("build")
    return done.returncode == 0


@pytest.mark.parametrize("engine", ["docker20", "docker26", "docker28"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_build(project: Project, number: int, code: int) -> None:
    """The builder ends, nothing is left, and what was not finished is said."""
    before = set(Path("/tmp").glob("faas-cache-*"))
    child = started(project, 60)
    child.send_signal(number)
    assert child.wait(WAIT) == code, said(project)
    assert (left(project), set(Path("/tmp").glob("faas-cache-*")) - before) == ([], set())
    assert said(project).endswith(b"fn: stopped, not built\n")
    assert b"Traceback" not in said(project)
    assert builds_again(project)


@pytest.mark.parametrize("engine", ["docker26"])
def test_a_killed_command_line(project: Project) -> None:
    """Nothing that it leaves stops the next run."""
    child = started(project, 3)
    child.kill()
    assert child.wait(WAIT) == -signal.SIGKILL
    assert builds_again(project)


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_a_killed_daemon(project: Project) -> None:
    """The build ends, the daemon is named, and with a new daemon the next run works."""
    child = started(project, 60)
    folder = Path(project.environ["DOCKER_HOST"].removeprefix("unix://")).parent
    os.kill(int((folder / "dockerd.pid").read_text()), signal.SIGKILL)
    code = child.wait(WAIT)
    words = said(project)
    subprocess.run([UP, project.environ["FAAS_CACHE_TEST_ENGINE"]], check=True, capture_output=True)
    assert (code, b"the Docker daemon could not do it: it cannot be reached" in words) == (
        3,
        True,
    ), words
    assert builds_again(project)
