"""The program: exit codes, signals, and streams that are closed."""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_docker import PATIENCE, SLOW, FakeDocker
from stack_files import CACHED, HEAD, TWO, builds, write_project

from faas_cache.__main__ import run
from faas_cache.cli import plan as plan_command
from faas_cache.cli.main import main


def start(*words: str, **options: object) -> "subprocess.Popen[bytes]":
    """The command line in a process of its own; its stderr is a pipe."""
    argv = [sys.executable, "-m", "faas_cache", *words]
    return subprocess.Popen(argv, **({"stderr": subprocess.PIPE} | options))  # type: ignore[call-overload,no-any-return]  # Popen's many forms


def test_errors_go_to_stderr(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its location and a hint; nothing is on stdout."""
    write_project(
        project, "  a: {context: .}\n  b: {image: x, context: ., build_cache: {from: [gha]}}\n"
    )
    assert main(["plan"]) == 2
    out, err = capsys.readouterr()
    heads = [line for line in err.splitlines() if line.startswith("stack.yaml")]
    assert (out, heads) == (
        "",
        [
            "stack.yaml:4:3: functions.a.image: error: the function has no image [missing-image]",
            (
                "stack.yaml:5:50: functions.b.build_cache.from[0]: error:"
                " `gha` alone would be an image on Docker Hub [bare-keyword]"
            ),
        ],
    )


def test_the_words_are_those_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless they are given."""
    monkeypatch.setattr("sys.argv", ["faas-cache", "--help"])
    assert (main(), capsys.readouterr().out[:17]) == (0, "usage: faas-cache")


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(*, enabled: bool) -> None:
    """A program may call `main`; only the entry point of the process turns the collector off."""
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        main(["--version"])
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_a_command(
    project: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    """With 128 and its number, and without a traceback."""
    write_project(project, CACHED)

    def interrupted(_: object) -> int:
        signal.raise_signal(number)
        time.sleep(PATIENCE)
        return 0

    monkeypatch.setattr(plan_command, "run", interrupted)
    assert main(["plan"]) == code


def test_a_command_may_run_in_another_thread(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no signal can be handled."""
    write_project(project, TWO)
    thread = threading.Thread(target=main, args=(["plan"],))
    thread.start()
    thread.join()
    assert capsys.readouterr().out.count("docker build") == 2


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [
        (signal.SIGINT, 130, b""),
        (signal.SIGTERM, 143, b" 1 stopped, 1 not started\n"),
        (signal.SIGHUP, 129, b" 1 stopped, 1 not started\n"),
    ],
)
def test_a_signal_ends_the_builds(
    project: Path, docker: FakeDocker, number: int, code: int, line: bytes
) -> None:
    """The builder that runs is ended, and no other build is started."""
    write_project(project, TWO)
    docker.answer("build *", script=SLOW)
    child = start("build")
    docker.wait_for_calls()
    child.send_signal(number)
    err = child.communicate(timeout=PATIENCE)[1]
    assert (child.returncode, err.endswith(line), b"Traceback" in err) == (code, True, False)
    assert (len(docker.calls), docker.running()) == (1, set())


def test_a_signal_ends_a_question(project: Path, fake_docker: FakeDocker) -> None:
    """No program outlives the run."""
    write_project(project, CACHED)
    fake_docker.answer("*", script=SLOW)
    child = start("build", env=fake_docker.environ)
    fake_docker.wait_for_calls()
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=PATIENCE)
    assert (child.returncode, fake_docker.running()) == (143, set())


def test_an_ignored_signal_stays_ignored(project: Path, docker: FakeDocker) -> None:
    """As under `nohup`."""
    write_project(project, "  one: {image: a/one, context: .}\n")
    docker.answer("build *", script="sleep 1; exit 0")
    command = f"trap '' HUP; exec {sys.executable} -m faas_cache build"
    child = subprocess.Popen(["sh", "-c", command], stderr=subprocess.PIPE)
    docker.wait_for_calls()
    child.send_signal(signal.SIGHUP)
    child.communicate(timeout=PATIENCE)
    assert child.returncode == 0


def test_a_reader_that_has_gone_causes_no_traceback(project: Path) -> None:
    """`faas-cache plan | head -1` ends quietly."""
    write_project(project, "".join(f"  f{i}: {{image: a, context: .}}\n" for i in range(3000)))
    child = start("plan", stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read(10)
    child.stdout.close()
    child.stdout = None
    assert (child.communicate(timeout=PATIENCE)[1], child.returncode) == (b"", 0)


def test_a_reader_of_stderr_that_goes_stops_no_build(project: Path, docker: FakeDocker) -> None:
    """Nor one that has gone before."""
    write_project(project, TWO)
    docker.answer("build *", script="sleep 0.3; echo x; exit 0")
    child = start("build")
    assert child.stderr is not None
    assert child.stderr.readline().startswith(b"one: ")
    child.stderr.close()
    child.stderr = None
    assert (child.wait(PATIENCE), len(builds(docker))) == (0, 2)
    read, write = os.pipe()
    os.close(read)
    other = start("build", stderr=write)
    os.close(write)
    assert (other.wait(PATIENCE), len(builds(docker))) == (0, 4)


def test_closed_streams_cause_no_traceback(project: Path, docker: FakeDocker) -> None:
    """Neither a closed stderr nor a closed stdin stops a command."""
    write_project(project, TWO)
    assert docker.calls == []
    command = f"{sys.executable} -m faas_cache"
    done = subprocess.run(
        ["sh", "-c", f"{command} build 2>&- && {command} explain --json <&-"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, json.loads(done.stdout)) == (1, {"failures": [], "notes": []})
    assert done.stderr.startswith("error: no log of a build in the standard input")


def test_a_closed_stdout_causes_no_traceback(project: Path, docker: FakeDocker) -> None:
    """It is like `>/dev/null`."""
    write_project(project, TWO)
    command = f"exec {sys.executable} -m faas_cache"
    results = []
    for words in ("build", "--help", "plan"):
        argv = ["sh", "-c", f"{command} {words} >&-"]
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        results.append((words, done.returncode, "Traceback" in done.stderr))
    assert results == [("build", 0, False), ("--help", 0, False), ("plan", 0, False)]
    assert len(builds(docker)) == 2


def test_a_full_disk_is_an_error(project: Path) -> None:
    """Not a traceback."""
    write_project(project, TWO)
    with Path("/dev/full").open("wb") as full:
        child = start("plan", stdout=full)
        err = child.communicate(timeout=PATIENCE)[1]
    assert (child.returncode, err.splitlines()[0]) == (
        1,
        b"error: cannot write to stdout: no space left on device [report-not-written]",
    )


def test_a_current_folder_that_is_gone_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For what needs it."""
    project.rmdir()
    assert main(["plan", "-f", ""]) == 2
    assert capsys.readouterr().err.startswith("error: cannot find the current folder: No such")


@pytest.mark.parametrize(
    ("encoding", "printed"), [("ascii", b"\\xe4-\xff"), ("utf-8", b"\xc3\xa4-\xff")]
)
def test_every_text_can_be_printed(project: Path, encoding: str, printed: bytes) -> None:
    """Bytes that are not text as they are; characters that a terminal does not have, escaped."""
    write_project(project, "  one: {image: a/one, context: .}\n")
    words = (b"plan", b"--build-arg", b"A=\xc3\xa4-\xff")
    argv: list[str | bytes] = [sys.executable, "-m", "faas_cache", *words]
    environ = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"}
    done = subprocess.run(argv, check=False, capture_output=True, env=environ)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"docker build --build-arg 'A=" + printed + b"' --tag a/one:latest .\n"


def test_the_module_is_the_program() -> None:
    """`python -m faas_cache`."""
    argv = [sys.executable, "-m", "faas_cache", "--help"]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "usage: faas-cache COMMAND [flags] [FUNCTION...]",
    )


def test_a_program_with_another_stack_file(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second of the default names."""
    (project / "stack.yml").write_text(HEAD + TWO)
    assert (main(["plan", "one"]), capsys.readouterr().out) == (
        0,
        "docker build --tag a/one:latest .\n",
    )


@pytest.fixture
def collector() -> Iterator[None]:
    """Leaves the garbage collector as it was."""
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("collector")
def test_the_entry_point_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while its modules are being imported."""

    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("faas_cache.cli.main.main", lambda: 7)
    assert run() == 7
    monkeypatch.setattr("faas_cache.cli.main.main", interrupted)
    assert run() == 130


@pytest.mark.usefixtures("collector")
def test_no_garbage_is_collected_in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor when the process ends: nothing is left that the collector would look at."""
    enabled: list[bool] = []
    monkeypatch.setattr("faas_cache.cli.main.main", lambda: enabled.append(gc.isenabled()))
    run()
    assert (enabled, gc.isenabled(), gc.get_freeze_count() > 0) == ([False], False, True)
