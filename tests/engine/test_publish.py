"""Contexts, tags, `publish` and `push` on real engines."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest
from engines import EngineProject, steps

pytestmark = pytest.mark.engine

STEPS = ["COPY . /app", "RUN cat /proc/sys/kernel/random/uuid > /own"]


def write(project: EngineProject, folder: Path, setting: object, **more: object) -> EngineProject:
    """Writes a whole project: a stack file, a template, and the handlers of two functions."""
    base = project.environ["FAAS_CACHE_TEST_BASE"]
    functions = {
        name: {
            "lang": "tiny",
            "handler": f"./{name}",
            "image": project.image.replace("/fn:", f"/{name}:"),
            "build_cache": setting,
            **more,
        }
        for name in ("fn", "two")
    }
    folder.mkdir(exist_ok=True)
    (folder / "stack.yaml").write_text(
        json.dumps({"provider": {"name": "openfaas"}, "functions": functions})
    )
    template = folder / "template" / "tiny"
    (template / "function").mkdir(parents=True)
    (template / "template.yml").write_text(
        "language: tiny\nbuild_options: [{name: dev, packages: [make]}]\n"
    )
    (template / "Dockerfile").write_text(
        f"FROM {base}\nARG ADDITIONAL_PACKAGE\n" + "".join(f"{step}\n" for step in STEPS)
    )
    for name in ("fn", "two"):
        (folder / name).mkdir()
        (folder / name / "run.sh").write_text(f"#!/bin/sh\necho {name}\n")
        (folder / name / "run.sh").chmod(0o755)
    return attrs.evolve(project, folder=folder)


@pytest.mark.parametrize("engine", ["docker28"])
def test_a_context_written_on_another_machine_hits_every_copy(
    project: EngineProject, tmp_path: Path
) -> None:
    """The same project under another umask and with `CI=true` hits every layer of the first, `COPY .` included."""
    laptop = write(project, tmp_path / "laptop", "max")
    first = laptop.faas_cache("build", "--push", "fn", "--builder-flag=--progress=rawjson")
    assert (first.returncode, steps(first.stderr)) == (0, dict.fromkeys(STEPS, False)), first.stderr
    project.wipe()
    shutil.copytree(laptop.folder, tmp_path / "ci", ignore=shutil.ignore_patterns("build"))
    for path in (tmp_path / "ci").rglob("*"):
        path.chmod(0o700 if path.is_dir() or os.access(path, os.X_OK) else 0o600)
        if path.is_file():
            os.utime(path)
    ci = attrs.evolve(laptop, folder=tmp_path / "ci", environ=project.environ | {"CI": "true"})
    umask = os.umask(0o077)
    try:
        second = ci.faas_cache("build", "--push", "fn", "--builder-flag=--progress=rawjson")
    finally:
        os.umask(umask)
    assert (second.returncode, steps(second.stderr)) == (0, dict.fromkeys(STEPS, True)), (
        second.stderr
    )


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_publish_pushes_every_tag(project: EngineProject, tmp_path: Path) -> None:
    """`publish` builds for the default platform and pushes the tag of the image and the extra one."""
    project = write(project, tmp_path / "p", "inline")
    done = project.faas_cache("publish", "--extra-tag", "extra", "--parallel", "2")
    assert done.returncode == 0, done.stderr
    project.wipe()
    for image in (
        project.image,
        project.image.replace(":latest", ":extra"),
        project.image.replace("/fn:", "/two:"),
    ):
        project.docker("pull", "--quiet", image)
        assert project.docker(
            "run", "--rm", "--network=none", image, "/app/function/run.sh"
        ).strip() in ("fn", "two")
        project.docker("rmi", "-f", image)


@pytest.mark.parametrize("engine", ["docker26-graph"])
def test_f5_several_platforms_need_another_builder(project: EngineProject, tmp_path: Path) -> None:
    """F5: exit code 3 and the command that creates a builder; none is created, and the current one stays the same."""
    project = write(project, tmp_path / "p", None)
    before = project.docker("buildx", "ls")
    done = project.faas_cache("publish", "--platforms", "linux/amd64,linux/arm64")
    assert (done.returncode, "docker buildx create --name multiarch" in done.stderr) == (3, True), (
        done.stderr
    )
    assert project.docker("buildx", "ls") == before


@pytest.mark.parametrize("engine", ["docker20", "docker26"])
def test_build_then_push(project: EngineProject, tmp_path: Path) -> None:
    """Without caching, `build` works with secrets and in parallel, and `push` pushes what it left."""
    project = write(project, tmp_path / "p", None, build_secrets={"token": "to,ken"})
    (project.folder / "to,ken").write_text("hunter2")
    dockerfile = project.folder / "template/tiny/Dockerfile"
    dockerfile.write_text(
        dockerfile.read_text()
        + "RUN --mount=type=secret,id=token,required=true grep hunter2 /run/secrets/token\n"
    )
    done = project.faas_cache("build", "--parallel", "2", "--builder-flag=--progress=plain")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"2 functions in \d+\.\d s: 2 built", done.stderr.splitlines()[-1])
    assert project.faas_cache("push", "--quiet").returncode == 0
    project.wipe()
    project.docker("pull", "--quiet", project.image)


@pytest.mark.parametrize("engine", ["docker26"])
def test_ctrl_c_stops_every_build_at_once(project: EngineProject, tmp_path: Path) -> None:
    """SIGINT during a parallel build: exit code 130, and no process is left."""
    project = write(project, tmp_path / "p", None)
    dockerfile = project.folder / "template/tiny/Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + "RUN echo running && sleep 300\n")
    argv = [sys.executable, "-m", "faas_cache", "build", "--parallel", "2"]
    log = project.folder / "log"
    with log.open("w") as file:
        child = subprocess.Popen(argv, cwd=project.folder, env=project.environ, stderr=file)
    while sum(line.endswith(" running") for line in log.read_text().splitlines()) < 2:
        assert child.poll() is None, log.read_text()
        time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    assert (child.wait(60), "Traceback" in log.read_text()) == (130, False), log.read_text()
    left = subprocess.run(
        ["pgrep", "-f", str(project.folder)], check=False, capture_output=True, text=True
    ).stdout
    assert left == ""
