"""Processes: real ones, with real signals."""

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from fake_docker import ESCAPED, PATIENCE, PIPE_HOLDING, SELF_STOPPING, SLOW, STUBBORN, FakeDocker
from runner_values import Program, interpreter, python, shell

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import BuilderError
from faas_cache.runner import children, supervision
from faas_cache.runner.processes import (
    MAX_ANSWER,
    TAIL,
    Answer,
    CannotStart,
    Outcome,
    ProgramNotFound,
    ask,
    ask_all,
    run,
    run_in_worker,
)
from faas_cache.runner.stop import Shutdown, Stop


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that do not end are killed at once."""
    monkeypatch.setattr(supervision, "GRACE", 0.1)
    monkeypatch.setattr(supervision, "_LAST_OUTPUT", 0.1)


def docker(fake: FakeDocker, script: str) -> Program:
    """A call of a fake docker that runs a script."""
    fake.answer("*", script=script)
    return Program(argv=("docker", "build", "."))


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for something that must happen."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def stop_when_called(fake: FakeDocker) -> Stop:
    """A stop that is stopped, in another thread, when the fake was called."""
    stop = Stop()

    def work() -> None:
        fake.wait_for_calls()
        stop.stop()

    threading.Thread(target=work, daemon=True).start()
    return stop


def test_output_passes_through_to_the_byte(capfd: pytest.CaptureFixture[str]) -> None:
    """Without a sink, stderr goes to `sys.stderr`, and stdout is ours."""
    outcome = run(python("import os; os.write(1, b'out'); os.write(2, b'err')"))
    assert (outcome.exit_code, outcome.stopped, outcome.tail) == (0, False, b"err")
    assert tuple(capfd.readouterr()) == ("out", "err")


def test_a_sink_is_called_in_the_calling_thread() -> None:
    """With stderr, or with all output."""
    blocks: list[bytes] = []
    threads = set[int]()

    def sink(block: bytes) -> None:
        threads.add(threading.get_ident())
        blocks.append(block)

    code = python("import os; os.write(1, b'out'); os.write(2, b'err')")
    assert run(code, sink=sink).tail == b"err"
    assert run(code, sink=sink, capture_stdout=True).tail == b"outerr"
    assert (b"".join(blocks), threads) == (b"errouterr", {threading.get_ident()})


def test_a_slow_sink_makes_the_program_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its output is not collected in memory; all of it arrives."""
    size, behind = 2**22, list[bool]()
    monkeypatch.setattr("faas_cache.runner.workers._MAX_PENDING", 2)

    def sink(block: bytes) -> None:
        behind.append(True)
        total.append(len(block))

    total: list[int] = []
    assert run(python(f"import os; os.write(2, b'x' * {size})"), sink=sink).exit_code == 0
    assert sum(total) == size


def test_standard_input_is_the_text_of_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    """Else it is empty."""
    code = python("import sys; sys.stdout.write(sys.stdin.read().upper())")
    assert run(attrs.evolve(code, stdin="é" * 10)).exit_code == 0
    assert run(code).exit_code == 0
    assert capfd.readouterr().out == "É" * 10


def test_a_full_temporary_folder_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started, and nothing waits."""

    def full(**_: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(CannotStart) as caught:
        run(attrs.evolve(shell("cat"), stdin="text"))
    assert [d.message for d in caught.value.diagnostics] == [
        "cannot start `sh`: no temporary file, no space left on device"
    ]


def test_the_tail_is_bounded(capfd: pytest.CaptureFixture[str]) -> None:
    """A long log is passed on whole and kept in part."""
    outcome = run(python(f"import sys; sys.stderr.write('x' * {TAIL} + 'y' * 10)"))
    assert (len(outcome.tail), outcome.tail[-10:], len(capfd.readouterr().err)) == (
        TAIL,
        b"y" * 10,
        TAIL + 10,
    )


def test_exit_codes() -> None:
    """That of the program, or 128 and the number of the signal that ended it."""
    assert [run(shell("exit 7")).exit_code, run(shell("kill -9 $$")).exit_code] == [7, 137]


def test_the_environment_is_the_given_one(tmp_path: Path) -> None:
    """The variables of the command are added; the folder is that of the command in that of the call."""
    (tmp_path / "sub").mkdir()
    blocks: list[bytes] = []
    command = Program(
        argv=("/bin/sh", "-c", 'echo "$A $B ${HOME-none} $PWD" >&2'), env={"A": "1"}, cwd="sub"
    )
    run(command, environ={"A": "0", "B": "2"}, cwd=str(tmp_path), sink=blocks.append)
    assert b"".join(blocks) == f"1 2 none {tmp_path}/sub\n".encode()


def test_path_of_the_environment_finds_the_program(fake_docker: FakeDocker, tmp_path: Path) -> None:
    """Not our own PATH; also where its folders are relative, and the program runs in another folder."""
    relative = os.path.relpath(fake_docker.bin)
    for path in (str(fake_docker.bin), relative):
        environ = {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
        run(Program(argv=("docker", "x")), environ=environ, cwd=str(tmp_path))
    assert [(call.argv, call.cwd) for call in fake_docker.calls] == [(("x",), str(tmp_path))] * 2


@pytest.mark.parametrize(
    ("argv", "kind", "message"),
    [
        (("no-such",), ProgramNotFound, "`no-such` not found on PATH"),
        (("/", "x"), CannotStart, "cannot start `/`: permission denied"),
        (("sh", "x" * 2**20), CannotStart, "cannot start `sh`: argument list too long"),
        (("sh", "a\0b"), CannotStart, "cannot start `sh`: embedded null byte"),
    ],
    ids=["missing", "a folder", "too long", "null byte"],
)
def test_a_program_that_cannot_be_started(
    argv: tuple[str, ...], kind: type[BuilderError], message: str
) -> None:
    """An error with exit code 3, from `run` and `ask` alike; it can be pickled."""
    for call in (lambda: run(Program(argv=argv)), lambda: ask(argv)):
        with pytest.raises(BuilderError) as caught:
            call()
        assert type(caught.value) is kind
        assert [(d.name, d.message) for d in caught.value.diagnostics] == [
            ("docker-not-found", message)
        ]
        assert pickle.loads(pickle.dumps(caught.value)) == caught.value


@pytest.mark.parametrize(
    ("program", "url"),
    [
        ("docker", "https://docs.docker.com/engine/install/"),
        ("buildctl", "https://github.com/moby/buildkit/releases"),
        ("no-such", ""),
    ],
)
def test_a_program_that_is_missing_has_its_own_page(program: str, url: str) -> None:
    """Docker's page does not help where another program is missing."""
    with pytest.raises(ProgramNotFound) as caught:
        ask((program,), environ={"PATH": "/nowhere"})
    assert [d.url for d in caught.value.diagnostics] == [url]


def test_time_that_is_up_ends_a_program() -> None:
    """It is asked to; one that is done in time is not."""
    timed_out = run(shell(SLOW), timeout=0.1)
    assert (timed_out.exit_code, timed_out.timed_out, timed_out.stopped) == (143, True, False)
    assert not run(shell("exit 0"), timeout=PATIENCE).timed_out


def test_a_stop_ends_a_program(fake_docker: FakeDocker) -> None:
    """In another thread, and before the start: then nothing is started."""
    command = docker(fake_docker, SLOW)
    stop = stop_when_called(fake_docker)
    for _ in range(2):
        outcome = run(command, environ=fake_docker.environ, stop=stop)
        assert (outcome.exit_code, outcome.stopped, outcome.timed_out) == (143, True, False)
    assert (len(fake_docker.calls), fake_docker.running()) == (1, set())


@pytest.mark.usefixtures("no_grace")
@pytest.mark.parametrize("script", [STUBBORN, SELF_STOPPING], ids=["stubborn", "self-stopping"])
def test_a_program_that_does_not_end_is_killed(fake_docker: FakeDocker, script: str) -> None:
    """After the grace period, whatever it does with its signals."""
    command = docker(fake_docker, script)
    outcome = run(command, environ=fake_docker.environ, stop=stop_when_called(fake_docker))
    assert (outcome.exit_code, outcome.stopped, fake_docker.running()) == (137, True, set())


@pytest.mark.usefixtures("no_grace")
@pytest.mark.parametrize("script", [PIPE_HOLDING, ESCAPED], ids=["ignores signals", "escaped"])
def test_a_child_that_holds_the_pipe_is_not_waited_for(
    fake_docker: FakeDocker, script: str
) -> None:
    """The program has ended: its exit code is what counts, and what it left in its group ends."""
    outcome = run(docker(fake_docker, script), environ=fake_docker.environ)
    assert (outcome.exit_code, outcome.stopped, outcome.timed_out) == (0, False, False)
    wait_until(lambda: fake_docker.running() == set())


def test_a_polite_child_of_an_ended_program_is_asked_to_end(tmp_path: Path) -> None:
    """It gets SIGTERM, and may write until it ends."""
    blocks: list[bytes] = []
    script = "(trap 'echo bye >&2; exit' TERM; while :; do sleep 0.02; done) & exit 3"
    outcome = run(shell(script), sink=blocks.append, cwd=str(tmp_path))
    assert (outcome.exit_code, b"".join(blocks)[-4:]) == (3, b"bye\n")


def test_a_program_that_closes_its_output_is_waited_for() -> None:
    """The end of the output is not the end of the program."""
    assert run(shell("exec 2>&-; sleep 0.3; exit 4")).exit_code == 4


@pytest.mark.parametrize("error", [OSError("disk full"), ValueError("no"), KeyboardInterrupt()])
def test_a_sink_that_raises_ends_the_program(fake_docker: FakeDocker, error: BaseException) -> None:
    """Politely, though it writes for ever; the exception reaches the caller."""

    def sink(_: bytes) -> None:
        raise error

    command = docker(fake_docker, "while :; do echo line >&2; done")
    with pytest.raises(type(error)) as caught:
        run(command, environ=fake_docker.environ, sink=sink)
    assert (caught.value, fake_docker.running()) == (error, set())


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
def test_a_sink_that_raises_in_a_worker_ends_the_program(
    fake_docker: FakeDocker, *, stopped: bool
) -> None:
    """There it is called directly; what the program writes afterwards is discarded."""
    shutdown, error = Shutdown(), OSError("disk full")
    blocks: list[bytes] = []

    def sink(block: bytes) -> None:
        blocks.append(block)
        if stopped and not shutdown.stopped:
            shutdown.stop()
            return
        raise error

    command = docker(
        fake_docker,
        "trap 'echo a; sleep 0.1; echo b; exit' TERM; echo line; while :; do sleep 0.02; done",
    )
    with pytest.raises(OSError, match="disk full") as caught:
        run_in_worker(
            command,
            environ=fake_docker.environ,
            cwd=None,
            sink=sink,
            ready=lambda: True,
            capture_stdout=True,
            terminal=None,
            timeout=None,
            shutdown=shutdown,
        )
    assert (caught.value, fake_docker.running()) == (error, set())
    assert len(blocks) == (2 if stopped else 1)


def test_a_keyboard_interrupt_ends_the_program_and_is_raised(tmp_path: Path) -> None:
    """The program gets SIGINT and cleans up first; no signal handler is changed for it."""
    code = """
    import pathlib, signal, sys, time
    sys.path.insert(0, sys.argv[2])
    from runner_values import shell
    from faas_cache.runner.processes import run
    folder, handler = sys.argv[1], signal.getsignal(signal.SIGINT)
    script = f"trap 'touch {folder}/cleaned; exit' INT; touch {folder}/started; while :; do sleep 0.02; done"
    def sink(_):
        assert signal.getsignal(signal.SIGINT) is handler
    try:
        run(shell(script), sink=sink)
    except KeyboardInterrupt:
        print(pathlib.Path(folder, "cleaned").exists(), signal.getsignal(signal.SIGINT) is handler)
    """
    child = interpreter(code, tmp_path, Path(__file__).parents[1])
    wait_until((tmp_path / "started").exists)
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=PATIENCE) == (b"True True\n", b"")


def test_a_second_keyboard_interrupt_kills_at_once(tmp_path: Path) -> None:
    """The program ignores the first."""
    code = """
    import sys
    sys.path.insert(0, sys.argv[2])
    from runner_values import shell
    from faas_cache.runner import supervision
    from faas_cache.runner.processes import run
    supervision.GRACE = 3600.0
    folder = sys.argv[1]
    script = f"trap 'touch {folder}/interrupted' INT; touch {folder}/started; while :; do sleep 0.02; done"
    try:
        run(shell(script))
    except KeyboardInterrupt:
        print("interrupted")
    """
    child = interpreter(code, tmp_path, Path(__file__).parents[1])
    for name in ("started", "interrupted"):
        wait_until((tmp_path / name).exists)
        child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=PATIENCE) == (b"interrupted\n", b"")


def test_programs_end_with_the_interpreter(fake_docker: FakeDocker) -> None:
    """Those of daemon threads, stubborn ones too; a fork that exits leaves them alone."""
    fake_docker.answer("stubborn", script=STUBBORN).answer("fork", script="exit 0")
    fake_docker.answer("slow", script=SLOW)
    code = """
    import os, sys, threading, time
    sys.path.insert(0, sys.argv[2])
    from runner_values import Program
    from faas_cache.runner import children, processes
    children.GRACE = 0.3
    for kind in ("slow", "stubborn"):
        command = Program(argv=("docker", kind))
        threading.Thread(target=processes.run, args=(command,), daemon=True).start()
    while len(os.listdir(sys.argv[1])) < 2 or len(children.CHILDREN) < 2:
        time.sleep(0.01)
    if not os.fork():
        sys.exit(0)
    os.wait()
    print(len([p for p in children.CHILDREN if p.poll() is None]))
    """
    child = interpreter(
        code, fake_docker.folder / "pids", Path(__file__).parents[1], env=fake_docker.environ
    )
    assert child.communicate(timeout=PATIENCE)[0] == b"2\n"
    wait_until(lambda: fake_docker.running() == set())


def test_the_interpreter_ends_what_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Politely, then at once."""
    assert set() == children.CHILDREN
    outcomes: list[Outcome] = []
    # The polite end has all the time of a busy machine: of two signals that wait, the kernel
    # delivers the one that kills first.
    for script, grace in (
        (f"echo >&2; {SLOW}", PATIENCE),
        (f"trap '' TERM; echo >&2; {STUBBORN}", 0.2),
    ):
        monkeypatch.setattr(children, "GRACE", grace)
        command = shell(script)
        started = threading.Event()
        thread = threading.Thread(
            target=lambda command=command, started=started: outcomes.append(
                run(command, sink=lambda _: started.set())
            )
        )
        thread.start()
        started.wait()
        children.end_children()
        thread.join()
    assert [outcome.exit_code for outcome in outcomes] == [143, 137]
    assert set() == children.CHILDREN


def test_answers() -> None:
    """What a program prints, and its exit code."""
    answer = ask(("sh", "-c", "echo out; printf 'err\\377' >&2; exit 3"))
    assert answer == Answer(stdout="out\n", stderr="err\ufffd", exit_code=3)
    assert [answer.ok, ask(("sh", "-c", "exit 0")).ok] == [False, True]
    assert "out" not in repr(answer)


def test_several_questions_are_asked_at_the_same_time(tmp_path: Path) -> None:
    """Each waits for the others."""
    names = ("a", "b", "c")
    wait = " && ".join(f"[ -e {name} ]" for name in names)
    questions = {
        name: ("sh", "-c", f"touch {name}; until {wait}; do sleep 0.01; done; echo {name}")
        for name in names
    }
    answers = ask_all(questions, cwd=str(tmp_path))
    assert {name: answer.stdout for name, answer in answers.items()} == {
        name: f"{name}\n" for name in names
    }


def test_an_answer_has_a_limit() -> None:
    """A program that prints for ever is ended."""
    answer = ask(("sh", "-c", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"))
    assert (answer.problem, answer.ok) == ("more than 4 MiB of output", False)
    assert len(answer.stdout) == MAX_ANSWER + 1


def test_a_question_has_a_time_limit_and_ends_with_a_stop(fake_docker: FakeDocker) -> None:
    """Each says why there is no answer."""
    fake_docker.answer("*", script=SLOW)
    argv = ("docker", "version")
    timed_out = ask(argv, environ=fake_docker.environ, timeout=0.1)
    stopped = ask(argv, environ=fake_docker.environ, stop=stop_when_called(fake_docker))
    assert [timed_out.problem, stopped.problem] == ["no answer within 0.1 seconds", "stopped"]
    stop = Stop()
    stop.stop()
    assert ask(("no-such-program",), stop=stop) == Answer(exit_code=143, problem="stopped")
    assert fake_docker.running() == set()


@pytest.mark.parametrize("interrupts", [1, 2])
def test_a_keyboard_interrupt_ends_a_question(fake_docker: FakeDocker, interrupts: int) -> None:
    """A second one kills."""
    fake_docker.answer("*", script="trap 'exit 0' INT; echo started; while :; do sleep 0.02; done")
    if interrupts == 2:
        fake_docker.rules.clear()
        fake_docker.answer(
            "*", script=f"trap 'touch {fake_docker.folder}/again' INT; while :; do sleep 0.02; done"
        )
    code = """
    import sys
    from faas_cache.runner import supervision
    from faas_cache.runner.processes import ask
    supervision.GRACE = 3600.0
    try:
        ask(("docker", "version"))
    except KeyboardInterrupt:
        print("interrupted")
    """
    child = interpreter(code, env=fake_docker.environ)
    fake_docker.wait_for_calls()
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    if interrupts == 2:
        wait_until((fake_docker.folder / "again").exists)
        child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=PATIENCE) == (b"interrupted\n", b"")
    assert fake_docker.running() == set()


def test_a_question_gets_the_signal_of_the_interrupt(fake_docker: FakeDocker) -> None:
    """SIGINT, as a program in the foreground does."""
    fake_docker.answer(
        "*", script="trap 'touch interrupted; exit' INT; touch ready; while :; do sleep 0.02; done"
    )
    folder = fake_docker.folder

    def interrupt() -> None:
        wait_until((folder / "ready").exists)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        ask(("docker", "version"), environ=fake_docker.environ, cwd=str(folder))
    assert ((folder / "interrupted").exists(), fake_docker.running()) == (True, set())


def test_a_terminal_is_given_where_stderr_is_one() -> None:
    """The program has one of the same size, follows it, and what it draws is passed on to the byte."""
    termios = pytest.importorskip("termios")
    terminal, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (33, 77))
    code = """
    import sys
    sys.path.insert(0, sys.argv[1])
    from runner_values import python
    from faas_cache.runner.processes import run
    inner = '''
    import os, sys, time
    os.write(2, f"{sys.stderr.isatty()} {os.get_terminal_size(2)}\\\\n".encode())
    while os.get_terminal_size(2).lines != 44:
        time.sleep(0.01)
    '''
    print(run(python(inner)).tail)
    """
    child = interpreter(code, Path(__file__).parents[1], stderr=theirs, start_new_session=True)
    drawn = b""
    while not drawn.endswith(b"\n"):
        drawn += os.read(terminal, 100)
    assert drawn == b"True os.terminal_size(columns=77, lines=33)\r\n"
    termios.tcsetwinsize(theirs, (44, 77))
    os.close(theirs)
    out = child.communicate(timeout=PATIENCE)[0]
    assert out == b"b'True os.terminal_size(columns=77, lines=33)\\n'\n"
    os.close(terminal)


def test_pipes_that_cannot_be_selected_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    monkeypatch.setattr(supervision, "_PIPES_CAN_BE_SELECTED", False)
    size = 2**20
    answer = ask((sys.executable, "-c", f"print('x' * {size}); import os; os.write(2, b'err')"))
    assert (answer.stdout == "x" * size + "\n", answer.stderr, answer.ok) == (True, "err", True)


@pytest.mark.parametrize("name", ["killpg", "waitid"])
def test_what_a_system_lacks_is_not_used(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Windows has no process groups, and macOS gives no status without reaping the process."""
    monkeypatch.delattr(os, name)
    monkeypatch.setattr(supervision, "_SIGCONT", None)
    monkeypatch.setattr(supervision, "GRACE", 0.1)
    assert [run(shell("exit 5")).exit_code, run(shell(SLOW), timeout=0.1).exit_code] == [5, 143]
    stubborn = python("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(300)")
    assert run(stubborn, timeout=1).exit_code == 137


def test_a_process_that_somebody_else_reaps_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """An embedding program may wait for any child."""

    def reaped(*_: object) -> object:
        raise ChildProcessError

    monkeypatch.setattr(os, "waitid", reaped)
    assert run(shell("exit 0")).exit_code == 0


def test_a_process_that_cannot_be_killed_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of another user; nothing waits for it longer than the grace period."""
    monkeypatch.setattr(supervision, "GRACE", 0.1)
    monkeypatch.setattr(supervision, "_LAST_OUTPUT", 0.1)
    killpg, pids = os.killpg, list[int]()

    def refuse(pid: int, _: int) -> None:
        pids.append(pid)
        raise PermissionError

    monkeypatch.setattr(os, "killpg", refuse)
    outcome = run(shell(SLOW), timeout=0.1)
    assert (outcome.exit_code, outcome.timed_out) == (137, True)
    killpg(pids[0], signal.SIGKILL)
    wait_until(lambda: not _exists(pids[0]))


def _exists(pid: int) -> bool:
    """Whether there is a process, a zombie included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_diagnostics_of_the_runner_are_in_the_catalogue() -> None:
    """The names that this package uses have a rule and a page."""
    names = ("docker-not-found", "daemon-unreachable", "unknown-builder", "git-failed")
    assert [bool(Diagnostic(name=name, message="m").url) for name in names] == [True] * 4
