"""Processes: real ones, with real signals; docker is a script of ours where it must answer something odd."""

import os
import signal
import subprocess
import sys
import termios
import textwrap
import threading
import time
from pathlib import Path

import attrs
import pytest

from faas_cache.model.builders import Builder
from faas_cache.model.errors import BuilderError
from faas_cache.render.commands import Command
from faas_cache.runner.processes import TAIL, Outcome, history, inspect_builder, refs, run

PYTHON = sys.executable
WAIT = 60.0


def python(code: str) -> Command:
    """A command that runs a few lines of Python."""
    return Command(argv=(PYTHON, "-c", textwrap.dedent(code)))


def in_child(code: str, **more: object) -> subprocess.Popen[bytes]:
    """A fresh interpreter that calls `run` as a user's script would."""
    head = "import sys; from faas_cache.runner.processes import run; from faas_cache.render.commands import Command\n"
    argv = [PYTHON, "-c", head + textwrap.dedent(code)]
    return subprocess.Popen(argv, **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more))  # type: ignore[call-overload,no-any-return]  # Popen's many forms


def wait_for(path: Path) -> None:
    """Waits until a file is there."""
    end = time.monotonic() + WAIT
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_output_passes_through_to_the_byte(capfd: pytest.CaptureFixture[str]) -> None:
    """What the command writes comes out as it went in, and the end of stderr is kept."""
    outcome = run(python("import os; os.write(1, b'out'); os.write(2, b'err')"))
    assert (outcome.exit_code, outcome.signal, outcome.tail) == (0, None, b"err")
    assert tuple(capfd.readouterr()) == ("out", "err")


def test_a_terminal_is_the_builders_own() -> None:
    """Where stderr is a terminal the command has one of the same size, follows it, and what it draws is kept."""
    terminal, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (33, 77))
    inner = """
    import os, sys, time
    os.write(2, f"{sys.stderr.isatty()} {os.get_terminal_size(2)}\\n".encode())
    while os.get_terminal_size(2).lines != 44:
        time.sleep(0.01)
    """
    child = in_child(
        f"print(run(Command(argv=(sys.executable, '-c', {textwrap.dedent(inner)!r}))).tail)",
        stderr=theirs,
        start_new_session=True,
    )
    drawn = b""
    while not drawn.endswith(b"\n"):
        drawn += os.read(terminal, 100)
    assert drawn == b"True os.terminal_size(columns=77, lines=33)\r\n"
    termios.tcsetwinsize(theirs, (44, 77))
    child.send_signal(signal.SIGWINCH)
    os.close(theirs)
    out = child.communicate(timeout=WAIT)[0]
    assert out == b"b'True os.terminal_size(columns=77, lines=33)\\n'\n"
    os.close(terminal)


def test_a_terminal_from_another_thread() -> None:
    """Only the main thread can follow the size; the others run all the same."""
    terminal, theirs = os.openpty()
    child = in_child(
        """
        import threading
        thread = threading.Thread(target=lambda: print(run(Command(argv=(sys.executable, "-c", "pass"))).exit_code))
        thread.start(); thread.join()
        """,
        stderr=theirs,
    )
    os.close(theirs)
    assert child.communicate(timeout=WAIT)[0] == b"0\n"
    os.close(terminal)


def test_time_that_is_up_ends_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told to end, and killed where it does not."""
    outcome = run(python(f"import time; time.sleep({WAIT})"), seconds=0.2)
    assert (outcome.exit_code, outcome.late, outcome.signal) == (143, True, None)
    monkeypatch.setattr("faas_cache.run.GRACE", 0.2)
    deaf = Command(argv=("sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"))
    assert run(deaf, seconds=2).exit_code == 137
    assert not run(python("pass"), seconds=WAIT).late


def test_a_command_reads_what_it_is_given(capfd: pytest.CaptureFixture[str]) -> None:
    """Standard input is the command's own text, else nothing."""
    code = "import sys; sys.stdout.write(sys.stdin.read().upper())"
    assert run(attrs.evolve(python(code), stdin="é" * 10)).exit_code == 0
    assert run(python(code)).exit_code == 0
    assert capfd.readouterr().out == "É" * 10


def test_a_sink_is_given_the_output(capfd: pytest.CaptureFixture[str]) -> None:
    """Of stderr, and of stdout where everything is wanted."""
    code = "import os; os.write(1, b'out'); os.write(2, b'err')"
    blocks: list[bytes] = []
    assert run(python(code), sink=blocks.append).tail == b"err"
    assert (b"".join(blocks), tuple(capfd.readouterr())) == (b"err", ("out", ""))
    run(python(code), sink=blocks.append, everything=True)
    assert (b"".join(blocks), tuple(capfd.readouterr())) == (b"errouterr", ("", ""))


def test_the_tail_tells_of_the_build() -> None:
    """What was passed through can be explained."""
    outcome = Outcome(command=python("pass"), exit_code=1, tail=b"#1 [2/2] RUN x\n#1 ERROR: no\n")
    assert [(step.name, step.error) for step in outcome.progress.steps] == [("[2/2] RUN x", "no")]


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (b'{"buildx.build.ref": "b/n/1", "x": {}}', {"": "b/n/1"}),
        (
            b'{"one": {"buildx.build.ref": "b/n/1"}, "two": {"buildx.build.ref": "b/n/2"}, "x": 1}',
            {"one": "b/n/1", "two": "b/n/2"},
        ),
        (b"[]", {}),
        (b"\xff", {}),
    ],
)
def test_refs(metadata: bytes, expected: dict[str, str]) -> None:
    """The records of one build or of a bake."""
    assert refs(metadata) == expected


def test_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the builder remembers, or nothing."""
    monkeypatch.setenv(
        "PATH", fake_docker(tmp_path, 'echo "$*"; case "$*" in *gone*) exit 1;; esac')["PATH"]
    )
    assert history("b/n/1") == b"buildx history logs --builder b --progress rawjson 1\n"
    assert history("b/n/gone") == b""
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert history("b/n/1") == b""


def test_only_the_tail_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    """A long log is passed on whole and kept in part."""
    outcome = run(python(f"import sys; sys.stderr.write('x' * {TAIL} + 'y' * 10)"))
    assert (len(outcome.tail), outcome.tail[-10:], len(capfd.readouterr().err)) == (
        TAIL,
        b"y" * 10,
        TAIL + 10,
    )


def test_the_exit_code_and_the_environment() -> None:
    """The environment is added to what is given, and the code is the command's."""
    command = Command(
        argv=(PYTHON, "-c", "import os; os._exit(int(os.environ['A']))"),
        env=Command(argv=()).env | {"A": "7"},
    )
    assert run(command, environ={"B": "1"}).exit_code == 7


def test_a_signal_is_an_exit_code() -> None:
    """A command that a signal ended has 128 and its number."""
    assert run(python("import os; os.kill(os.getpid(), 9)")).exit_code == 137


def test_it_runs_outside_the_main_thread() -> None:
    """Without handlers for signals the command runs all the same."""
    found: list[Outcome] = []
    thread = threading.Thread(target=lambda: found.append(run(python("pass"))))
    thread.start()
    thread.join(WAIT)
    assert [outcome.exit_code for outcome in found] == [0]


def test_handlers_are_put_back() -> None:
    """What was done with Ctrl-C before is done again afterwards."""
    before = signal.getsignal(signal.SIGINT)
    run(python("pass"))
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_passed_on_and_the_end_is_waited_for(tmp_path: Path, number: int) -> None:
    """The command gets the signal, cleans up, and only then `run` returns what happened."""
    started, cleaned = tmp_path / "started", tmp_path / "cleaned"
    code = f"""
    inner = '''
    import signal, sys, time, pathlib
    def stop(*_):
        time.sleep(0.2); pathlib.Path({str(cleaned)!r}).touch(); sys.exit(5)
    signal.signal({int(number)}, stop)
    pathlib.Path({str(started)!r}).touch()
    time.sleep({WAIT})
    '''
    import textwrap
    outcome = run(Command(argv=(sys.executable, "-c", textwrap.dedent(inner))))
    print(outcome.exit_code, outcome.signal)
    """
    child = in_child(code)
    wait_for(started)
    child.send_signal(number)
    out, err = child.communicate(timeout=WAIT)
    assert (out.decode().split(), cleaned.exists(), err) == (["5", str(int(number))], True, b"")


def test_a_signal_during_the_start_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that was being started when the signal came gets it too."""

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *words: object, **more: object) -> None:
            super().__init__(*words, **more)  # type: ignore[call-overload]  # Popen's many forms
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    outcome = run(python(f"import time; time.sleep({WAIT})"))
    assert (outcome.exit_code, outcome.signal) == (143, signal.SIGTERM)


def test_a_reader_that_has_gone_stops_no_build(tmp_path: Path) -> None:
    """With nobody reading our stderr the command still ends by itself."""
    done = tmp_path / "done"
    inner = (
        f"import sys, pathlib; sys.stderr.write('x' * 2**20); pathlib.Path({str(done)!r}).touch()"
    )
    child = in_child(
        f"import time; time.sleep(0.2); print(run(Command(argv=(sys.executable, '-c', {inner!r}))).exit_code)"
    )
    assert child.stderr is not None
    child.stderr.close()
    child.stderr = None
    assert (child.communicate(timeout=WAIT)[0].split(), done.exists()) == ([b"0"], True)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong in `run`, the command is gone when it raises."""
    pid = tmp_path / "pid"

    def fail(_source: int, _sink: object) -> bytes:
        wait_for(pid)
        raise KeyboardInterrupt

    monkeypatch.setattr("faas_cache.run._passed_on", fail)
    code = f"import os, time, pathlib; p = pathlib.Path({str(pid)!r}); p.with_suffix('.part').write_text(str(os.getpid())); p.with_suffix('.part').rename(p); time.sleep({WAIT})"
    with pytest.raises(KeyboardInterrupt):
        run(python(code))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_a_missing_program_is_named() -> None:
    """Exit 3's reason: what is not there, and what to install."""
    with pytest.raises(BuilderError) as caught:
        run(Command(argv=("docker-that-is-not-there",)))
    assert [d.message for d in caught.value.diagnostics] == [
        "docker-that-is-not-there is not there: no program of that name is on PATH"
    ]


def test_a_program_that_cannot_start_is_named(tmp_path: Path) -> None:
    """A command that the system refuses is no traceback."""
    folder = str(tmp_path)
    for argv, cause in (
        ((folder,), "Permission denied"),
        ((PYTHON, "x" * 2**20), "Argument list too long"),
    ):
        with pytest.raises(BuilderError) as caught:
            run(Command(argv=argv))
        assert [d.message for d in caught.value.diagnostics] == [
            f"{argv[0]} cannot be started: {cause}"
        ]


def fake_docker(folder: Path, script: str) -> dict[str, str]:
    """An environment whose docker is a shell script."""
    docker = folder / "docker"
    docker.write_text("#!/bin/sh\n" + textwrap.dedent(script))
    docker.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


ANSWERS = """
case "$1 $2" in
  "version --format") echo '{"Client": {"Version": "28.5.2"}, "Server": {"Version": "SERVER"}}';;
  "info --format") echo '[["driver-type", "io.containerd.snapshotter.v1"]]';;
  "buildx version") echo 'github.com/docker/buildx v0.29.1 abc';;
  "buildx inspect") printf 'Name: x\\nDriver: DRIVER\\nNodes:\\nBuildKit version: KIT\\n';;
esac
"""


@pytest.mark.parametrize(
    ("server", "driver", "kit", "expected"),
    [
        ("28.5.2", "docker", "v0.25.1", "v0.25.1"),
        ("26.1.5", "docker", "v0.0.0+unknown", "0.13"),
        ("nonsense", "docker", "v0.0.0+unknown", "v0.0.0+unknown"),
        ("", "remote", "v0.26.3", "v0.26.3"),
    ],
)
def test_inspect_builder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: str,
    driver: str,
    kit: str,
    expected: str,
) -> None:
    """Versions, driver and store are read from docker's answers; the engine tells an unknown BuildKit's version."""
    script = ANSWERS.replace("SERVER", server).replace("DRIVER", driver).replace("KIT", kit)
    monkeypatch.setenv("PATH", fake_docker(tmp_path, script)["PATH"])
    for environ in (None, dict(os.environ)):
        assert inspect_builder(environ=environ, builder="x") == Builder(
            docker="28.5.2",
            buildx="v0.29.1",
            buildkit=expected,
            driver=driver,
            containerd_store=True,
        )


def test_no_docker_is_a_builder_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A docker that is not there is data, not an error."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert inspect_builder() == Builder()


def test_a_docker_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A docker that the system refuses to run is named."""
    (tmp_path / "docker").write_bytes(b"\x7fELF nonsense")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuilderError) as caught:
        inspect_builder()
    assert [d.message for d in caught.value.diagnostics] == [
        "docker cannot be started: Exec format error"
    ]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            'echo \'{"Client": {"Version": "26"}}\'; echo \'Cannot connect\' >&2; exit 1',
            ": Cannot connect",
        ),
        ("exit 1", ""),
        ("exec sleep 60", ": no answer within 0.5 seconds"),
    ],
)
def test_a_daemon_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    """A dead or hanging daemon is an error that says what to start."""
    monkeypatch.setenv("PATH", fake_docker(tmp_path, script)["PATH"])
    with pytest.raises(BuilderError) as caught:
        inspect_builder(timeout=0.5 if "sleep" in script else 30)
    assert [d.message for d in caught.value.diagnostics] == [
        f"the Docker daemon does not answer{said}"
    ]
