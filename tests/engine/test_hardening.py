"""What must not break on real engines: signals, builders that do not respond, two runs at once."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engines import EngineProject, write_template_stack

pytestmark = pytest.mark.engine

ENGINES = pytest.mark.parametrize("engine", ["docker26", "docker28"])
PATIENCE = 60.0
NO_DAEMON = "error: cannot connect to the Docker daemon: Cannot connect to the Docker daemon at"
# Each command that asks or uses the builder.
ASKING = {
    "doctor": ("doctor",),
    "check": ("check", "--inspect"),
    "plan": ("plan", "--inspect"),
    "build": ("build",),
    "bake": ("build", "--bake"),
    "publish": ("publish",),
}
NO_CLUSTER = "error: the builder `kube` does not respond: failed to call diskusage: Unavailable"
# A builder that cannot be used: its variables, its flags, and how the error begins. A push uses a
# builder only if a flag names it.
DEAD: dict[str, tuple[dict[str, str], tuple[str, ...], str]] = {
    "no such builder": ({}, ("--builder", "nope"), "error: no builder named `nope`"),
    "a context": ({}, ("--builder", "other"), "error: `other` is a Docker context, not a builder"),
    "a remote that refuses": (
        {},
        ("--builder", "refuses"),
        "error: the builder `refuses` does not respond: node `refuses0` is inactive",
    ),
    "a cluster that refuses": ({}, ("--builder", "kube"), NO_CLUSTER),
    "no such current builder": ({"BUILDX_BUILDER": "nope"}, (), "error: no builder named `nope`"),
    "no such context": (
        {"DOCKER_HOST": "", "DOCKER_CONTEXT": "nope"},
        (),
        "error: cannot connect to the Docker daemon: Failed to initialize",
    ),
    "no socket": (
        {"DOCKER_HOST": "unix:///nope"},
        (),
        f"{NO_DAEMON} unix:///nope. Is the docker daemon running?",
    ),
    "a port that refuses": (
        {"DOCKER_HOST": "tcp://user:hunter2@127.0.0.1:1"},
        (),
        f"{NO_DAEMON} tcp://127.0.0.1:1. Is the docker daemon running?",
    ),
}
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
users: [{name: u, user: {token: hunter2}}]
"""


def start(project: EngineProject, *words: str, **environ: str) -> subprocess.Popen[str]:
    """Starts the command line in a process group of its own, with stderr in a file."""
    argv = project.argv(*words)
    with (project.folder / "stderr.txt").open("w") as stderr:
        return subprocess.Popen(
            argv,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            text=True,
            cwd=project.folder,
            env=project.environ | environ,
            process_group=0,
        )


def run(project: EngineProject, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line with these variables; an empty one is removed."""
    variables = {key: value for key, value in (project.environ | environ).items() if value}
    argv = project.argv(*words)
    return subprocess.run(
        argv, check=False, capture_output=True, text=True, cwd=project.folder, env=variables
    )


def wait_for(project: EngineProject, pattern: str) -> None:
    """Waits until the command has printed something."""
    until = time.monotonic() + PATIENCE
    while not re.search(pattern, (project.folder / "stderr.txt").read_text(errors="replace")):
        assert time.monotonic() < until, (project.folder / "stderr.txt").read_text()
        time.sleep(0.05)


def running(project: EngineProject) -> list[str]:
    """The processes that run in the folder of a project."""
    names = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (path / "cwd").readlink() == project.folder:
                names.append((path / "comm").read_text().strip())
        except OSError:
            continue
    return names


def leftovers(project: EngineProject) -> list[str]:
    """What a run leaves beside contexts and templates."""
    return sorted(str(path) for path in project.folder.rglob(".faas-cache-*"))


def slow_project(project: EngineProject) -> None:
    """Two functions whose build takes a minute."""
    # BuildKit shares equal steps of builds that run at the same time.
    write_template_stack(project, f"RUN : {project.repository} && sleep 60")
    file = project.folder / "stack.yaml"
    stack = json.loads(file.read_text())
    for function in stack["functions"].values():
        function["build_cache"] = "inline"
    file.write_text(json.dumps(stack))


@ENGINES
@pytest.mark.parametrize("words", [("build",), ("build", "--bake"), ("publish",)], ids=" ".join)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_builds_and_leaves_nothing(
    project: EngineProject, words: tuple[str, ...], number: signal.Signals
) -> None:
    """No process and no file but whole contexts; the exit code tells the signal."""
    slow_project(project)
    child = start(project, *words, "--parallel", "2")
    wait_for(project, "RUN : .*sleep 60")
    child.send_signal(number)
    assert child.wait(PATIENCE) == 128 + number
    assert (running(project), leftovers(project)) == ([], [])
    for name in ("one", "two"):
        assert (project.folder / "build" / name / "function" / "handler.txt").read_text() == name


def create_builders(project: EngineProject) -> None:
    """Builders that do not respond, and a context, in a configuration of their own."""
    config, kubeconfig = project.folder / "config", project.folder / "kubeconfig"
    config.mkdir()
    kubeconfig.write_text(KUBECONFIG)
    (config / "cli-plugins").symlink_to(Path(project.environ["DOCKER_CONFIG"]) / "cli-plugins")
    project.environ |= {"DOCKER_CONFIG": str(config), "KUBECONFIG": str(kubeconfig)}
    host = project.environ["DOCKER_HOST"]
    project.docker("context", "create", "other", "--docker", f"host={host}")
    create = ("buildx", "create", "--name")
    project.docker(*create, "refuses", "--driver=remote", "tcp://127.0.0.1:1")
    project.docker(*create, "kube", "--driver=kubernetes", "--driver-opt=namespace=x")


@ENGINES
@pytest.mark.parametrize("name", ASKING)
def test_a_builder_that_is_not_reachable_is_exit_code_3(project: EngineProject, name: str) -> None:
    """With docker's words, whatever the reason, and the same for each command."""
    project.write("max", "one")
    create_builders(project)
    cases = DEAD
    results = {}
    for case, (environ, words, message) in cases.items():
        done = run(project, *ASKING[name], *words, **environ)
        text = done.stdout + done.stderr
        (line,) = [line for line in text.splitlines() if ": " in line and "error: " in line]
        results[case] = (done.returncode, line[: len(message)])
        assert "hunter2" not in text
    assert results == {case: (3, message) for case, (_, _, message) in cases.items()}


@ENGINES
@pytest.mark.parametrize("words", [("push",), ("build", "--no-build-cache")], ids=" ".join)
def test_what_docker_alone_finds_out_is_exit_code_3_too(
    project: EngineProject, words: tuple[str, ...]
) -> None:
    """Where no builder is asked before, by docker's words in its log."""
    project.write("max", "one")
    create_builders(project)
    codes = {}
    for case, (environ, flags, _) in DEAD.items():
        if words == ("push",) and (flags or case == "no such current builder"):
            continue  # it does not use a builder
        done = run(project, *words, *flags, **environ)
        codes[case] = done.returncode
        assert "hunter2" not in done.stdout + done.stderr
    assert set(codes.values()) == {3}, codes


@ENGINES
def test_the_time_limit_holds_for_everything(project: EngineProject) -> None:
    """A builder that accepts connections and says nothing takes 20 s of buildx's own patience."""
    project.write("max", "one")
    project.environ["BUILDX_CONFIG"] = str(project.folder / "buildx")
    code = (
        "import socket\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "print(listener.getsockname()[1], flush=True)\n"
        "connections = []\n"
        "while True: connections.append(listener.accept())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as silent:
        assert silent.stdout is not None
        port = silent.stdout.readline().strip()
        project.docker("buildx", "create", "--name=s", "--driver=remote", f"tcp://127.0.0.1:{port}")
        began = time.monotonic()
        done = project.faas_cache("build", "--builder", "s", "--timeout", "3s")
        seconds = time.monotonic() - began
        silent.kill()
    assert done.returncode == 3
    assert "error: the builder `s` does not respond: no answer within" in done.stderr
    assert seconds < 12


@ENGINES
@pytest.mark.parametrize("attempt", range(3))
def test_two_runs_in_one_project_build_their_own_files(
    project: EngineProject, attempt: int
) -> None:
    """Both exit with 0, and each image holds the files that its run was started with."""
    write_template_stack(project)
    for number in range(2):
        (project.folder / f"extra{number}").touch()
    children = [
        start(project, "build", "--copy-extra", f"extra{number}", VARIANT=f"{attempt}-{number}")
        for number in range(2)
    ]
    assert [child.wait(PATIENCE) for child in children] == [0, 0]
    contents = {
        (name, number): project.docker(
            "run",
            "--rm",
            "--network",
            "none",
            f"{project.repository}/{name}:{attempt}-{number}",
            "sh",
            "-c",
            "cat /app/function/handler.txt; cd /app/function; ls -d extra*",
        )
        for name in ("one", "two")
        for number in range(2)
    }
    assert contents == {(name, number): f"{name}extra{number}\n" for name, number in contents}
    assert leftovers(project) == []


@pytest.mark.parametrize("engine", ["docker26"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("words", ASKING.values(), ids=" ".join)
def test_a_signal_at_any_time_leaves_nothing(
    project: EngineProject, words: tuple[str, ...], number: signal.Signals
) -> None:
    """Also while templates are pulled, contexts are written, or the builder is asked."""
    slow_project(project)
    codes = set()
    for milliseconds in (150, 300, 500, 800, 1200):
        child = start(project, *words)
        time.sleep(milliseconds / 1000)
        child.send_signal(number)
        codes.add(child.wait(PATIENCE))
        text = (project.folder / "stderr.txt").read_text()
        assert "Traceback" not in text.replace("KeyboardInterrupt", ""), text
        assert (running(project), leftovers(project)) == ([], [])
    finished = {0, 1} if words[0] in ("doctor", "check", "plan", "push") else set()
    # Before our code runs, Python itself ends with the signal.
    assert codes <= {128 + number, -number, *finished}


@pytest.mark.parametrize("engine", ["docker28"])
def test_a_full_disk_and_a_closed_terminal_fail_no_build(project: EngineProject) -> None:
    """A build that is done is done, whatever becomes of what it prints."""
    project.write("max", "one")
    command = f"exec {sys.executable} -m faas_cache build --prebuilt"
    for redirection in (">&-", "2>&-", "2>/dev/full", ">/dev/full", ">&- 2>&- <&-"):
        argv = ["sh", "-c", f"{command} {redirection}"]
        done = subprocess.run(
            argv, check=False, capture_output=True, cwd=project.folder, env=project.environ
        )
        assert (redirection, done.returncode) == (redirection, 0)
        assert b"Traceback" not in done.stderr
