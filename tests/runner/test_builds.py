"""Builds: what becomes of each, in every way of running them."""

import io
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest
from fake_docker import PATIENCE, SLOW, STUBBORN, FakeDocker
from runner_values import Planned, Program, interpreter

from faas_cache.buildkit.events import BuildFinished, BuildStarted, Event
from faas_cache.buildkit.reports import CacheReport
from faas_cache.runner import supervision
from faas_cache.runner.builds import BuildUnit, Plan, run_bake, run_builds
from faas_cache.runner.results import BuildResult, FunctionResult
from faas_cache.runner.stop import Stop

STREAMS = Path(__file__).parents[1] / "vectors" / "streams"
WARM = (STREAMS / "buildx-0.29-warm.txt").read_bytes()
BAKED = (STREAMS / "buildx-0.29-bake.txt").read_bytes()
BAKE_FAILED = (STREAMS / "buildx-0.29-bake-failing.txt").read_bytes()
DIGEST = "sha256:" + "a" * 64
WARM_DIGEST = "sha256:70bf4af3e7af3f2742838e83149a87689325652844fe82ba688a84beb3d2d13c"
BOTH_FAILED = (
    b"#1 [one 1/2] RUN x\n#1 ERROR: a\n#2 [two 1/2] RUN y\n#2 ERROR: b\n"
    b"ERROR: target two: failed to solve: b\n"
)
CANCELED = b"#1 [one] exporting to image\n#1 CANCELED\n#2 [two 2/2] RUN x\n#2 ERROR: no\nERROR: target two: failed to solve: no\n"


def build(name: str, *words: str) -> Program:
    """A build of a function with buildx."""
    return Program(argv=("docker", "buildx", "build", *words, name))


def push(tag: str) -> Program:
    """A push of a tag."""
    return Program(argv=("docker", "push", tag), kind="push")


def unit(name: str, *commands: Program, output: str | None = None) -> BuildUnit:
    """A function with its commands: one build by default."""
    return BuildUnit(
        plan=Planned(function=name, output=output), commands=commands or (build(name),)
    )


class Output(io.BytesIO):
    """A stream that keeps what it got."""

    @property
    def lines(self) -> list[str]:
        """Its lines."""
        return self.getvalue().decode(errors="replace").splitlines()


def run(fake: FakeDocker, *units: BuildUnit, **options: object) -> BuildResult:
    """Builds functions with the fake docker; shows everything."""
    shown = {"output": io.BytesIO(), "verbose": True, "details": True}
    return run_builds(units, environ=fake.environ, **(shown | options))  # type: ignore[arg-type]  # its options


def statuses(result: BuildResult) -> list[str]:
    """What became of each function."""
    return [function.status for function in result.functions]


def test_json_is_shown_as_lines_with_the_name_of_the_function(fake_docker: FakeDocker) -> None:
    """The builder is asked for JSON by its environment, so that the command is that of the plan."""
    fake_docker.answer("buildx build *", stderr=WARM + b"\xff last")
    output, events = Output(), list[object]()
    result = run(fake_docker, unit("fn"), progress="rawjson", output=output, on_event=events.append)
    (function,) = result.functions
    assert (function.name, function.status, function.exit_code, function.attempts) == (
        "fn",
        "built",
        0,
        1,
    )
    assert (function.report.function, function.report.hit_ratio, function.tags) == (
        "fn",
        0.8,
        ("acme/fn:latest",),
    )
    assert (function.seconds > 0, function.explanation, len(events) > 10) == (True, None, True)
    (call,) = fake_docker.calls
    assert (call.progress, call.argv[:3], call.argv[4:]) == (
        "rawjson",
        ("buildx", "build", "--metadata-file"),
        ("fn",),
    )
    assert output.lines[0] == "fn: docker buildx build fn"
    assert {line[:5] for line in output.lines[1:]} == {"fn | "}
    assert output.lines[-1] == r"fn | \xff last"


def test_a_command_is_shown_in_one_line(fake_docker: FakeDocker) -> None:
    """Line breaks and control characters are escaped, so a command of a CI system never begins a line."""
    output = Output()
    command = build("fn", "--build-arg", "A=\x1b[31m\n::set-output name=a::b")
    run(fake_docker, unit("fn", command), output=output)
    assert output.lines == [
        r"fn: docker buildx build --build-arg 'A=\x1b[31m\n::set-output name=a::b' fn"
    ]


def folded(events: list[Event], name: str) -> CacheReport:
    """The report that the events of a function tell."""
    return CacheReport.from_events(name, events)


def test_a_report_is_a_fold_over_the_events(fake_docker: FakeDocker) -> None:
    """Of the last attempt; each build begins and ends with an event, and one that is not started has none."""
    fake_docker.answer("*--no-cache*", stderr=WARM).answer("*bad", exit_code=1, stderr=WARM)
    events: list[Event] = []
    stop = Stop()

    @contextmanager
    def guard(plan: Plan) -> Iterator[None]:
        if plan.function == "late":
            stop.stop()
        yield

    result = run(
        fake_docker,
        unit("bad"),
        unit("fn"),
        unit("late"),
        progress="rawjson",
        on_event=events.append,
        retry=lambda plan, _: [build(plan.function, "--no-cache")],
        fail_fast=True,
        guard=guard,
        stop=stop,
    )
    assert [(f.status, f.attempts) for f in result.functions] == [
        ("built", 2),
        ("built", 1),
        ("not started", 0),
    ]
    bad, fn, _ = result.functions
    assert (folded(events, "bad"), folded(events, "fn")) == (bad.report, fn.report)
    assert (bad.report.attempt, bad.report.seconds, bad.report.hit_ratio) == (2, bad.seconds, 0.8)
    ends = [event for event in events if isinstance(event, BuildStarted | BuildFinished)]
    assert [attrs.evolve(event, time=None) for event in ends] == [
        BuildStarted(function="bad"),
        BuildStarted(function="bad", attempt=2),
        BuildFinished(function="bad", status="built", exit_code=0, seconds=bad.seconds),
        BuildStarted(function="fn"),
        BuildFinished(function="fn", status="built", exit_code=0, seconds=fn.seconds),
    ]


def test_output_without_a_progress_passes_to_the_byte(fake_docker: FakeDocker) -> None:
    """Of stdout and stderr; the report is read from it all the same."""
    plain = b"#1 [1/2] RUN a\n#1 CACHED\n#2 [2/2] RUN b\n#2 DONE 1.0s\n"
    fake_docker.answer("*", stdout=b"out \xff\n", stderr=plain)
    output = Output()
    result = run(fake_docker, unit("fn"), output=output)
    assert output.getvalue() == b"fn: docker buildx build fn\nout \xff\n" + plain
    assert (result.report.hit_ratio, fake_docker.calls[0].progress) == (0.5, "")


def test_a_builder_with_plain_progress_is_asked_for_it(fake_docker: FakeDocker) -> None:
    """By its environment."""
    run(fake_docker, unit("fn"), progress="plain")
    assert [call.progress for call in fake_docker.calls] == ["plain"]


@pytest.mark.parametrize("progress", ["rawjson", ""])
@pytest.mark.parametrize("code", [0, 1])
def test_quiet_shows_failures_only(fake_docker: FakeDocker, progress: str, code: int) -> None:
    """In whatever form the builder tells."""
    fake_docker.answer("*", stderr=b"plain\n", exit_code=code)
    output = Output()
    result = run(fake_docker, unit("fn"), quiet=True, progress=progress, output=output)
    assert (result.functions[0].exit_code, output.lines) == (code, ["fn | plain"] if code else [])


def test_quiet_needs_no_room(fake_docker: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in a temporary folder nor, for a long log, in memory: the end of it is shown."""
    monkeypatch.setattr("faas_cache.runner.recording._MAX_QUIET", 1000)
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    fake_docker.answer(
        "*", script="i=0; while [ $i -lt 500 ]; do i=$((i+1)); echo $i; done; exit 1"
    )
    output = Output()
    assert statuses(run(fake_docker, unit("fn"), quiet=True, output=output)) == ["failed"]
    assert (output.lines[-1], len(output.lines) < 500) == ("fn | 500", True)


def test_builds_side_by_side_show_whole_lines(fake_docker: FakeDocker) -> None:
    """Each with its function's name; what has no end of line gets one."""
    fake_docker.answer("*", script='eval "name=\\$$#"; echo $name; sleep 0.1; printf more >&2')
    output = Output()
    result = run(fake_docker, unit("one"), unit("two"), parallel=2, output=output)
    assert statuses(result) == ["built", "built"]
    assert sorted(output.lines) == sorted(
        f"{name}{end}"
        for name in ("one", "two")
        for end in (f": docker buildx build {name}", f" | {name}", " | more")
    )


def test_one_failure_stops_no_other_build(fake_docker: FakeDocker) -> None:
    """Unless that is asked for: then what runs is ended, and the rest is not started."""
    fake_docker.answer("* bad", script="while [ ! -e slow ]; do sleep 0.02; done; exit 9")
    fake_docker.answer("* slow", script=f"touch slow; {SLOW}").answer(
        "* first", script="touch slow"
    )
    folder = str(fake_docker.folder)
    result = run(fake_docker, unit("first"), unit("bad"), unit("fn"), cwd=folder)
    assert (statuses(result), result.exit_code) == (["built", "failed", "built"], 1)
    (fake_docker.folder / "slow").unlink()
    fast = run(
        fake_docker, unit("bad"), unit("slow"), unit("fn"), cwd=folder, parallel=2, fail_fast=True
    )
    assert statuses(fast) == ["failed", "stopped", "not started"]
    assert [function.exit_code for function in fast.functions] == [9, 143, None]
    assert fast.functions[0].explanation is not None
    assert fast.functions[1].explanation is None
    assert statuses(run(fake_docker, unit("fn"))) == ["built"]  # nothing later is stopped


def test_a_failure_is_explained(fake_docker: FakeDocker) -> None:
    """From the whole output, by the functions of `buildkit`."""
    fake_docker.answer(
        "*",
        stderr=b"#1 [2/2] RUN x\n#1 ERROR: no\n"
        + b"y\n" * 100_000
        + b"ERROR: failed to solve: no\n",
        exit_code=1,
    )
    (function,) = run(fake_docker, unit("fn"), progress="rawjson").functions
    assert function.explanation is not None
    assert function.explanation.step == "build-step"


def test_time_is_that_of_the_whole_call(fake_docker: FakeDocker) -> None:
    """What runs when it is up is ended, and nothing more is started; then not even the first."""
    fake_docker.answer("*", script=SLOW)
    result = run(fake_docker, unit("one"), unit("two"), timeout=0.3, progress="rawjson")
    assert statuses(result) == ["timed out", "not started"]
    assert [function.exit_code for function in result.functions] == [143, None]
    assert statuses(run(fake_docker, unit("one"), timeout=0)) == ["not started"]
    assert (len(fake_docker.calls), fake_docker.running()) == (1, set())


def test_a_stop_ends_its_own_builds_only(fake_docker: FakeDocker) -> None:
    """Also before they start."""
    fake_docker.answer("* slow", script=SLOW)
    stop, other = Stop(), Stop()

    def stop_both() -> None:
        fake_docker.wait_for_calls()
        other.stop()
        stop.stop()

    threading.Thread(target=stop_both).start()
    assert statuses(run(fake_docker, unit("slow"), unit("fn"), stop=stop)) == [
        "stopped",
        "not started",
    ]
    assert statuses(run(fake_docker, unit("fn"), stop=stop)) == ["not started"]
    assert statuses(run(fake_docker, unit("fn"))) == ["built"]


def test_a_push_after_the_build(fake_docker: FakeDocker) -> None:
    """Docker prints the digest; the report is that of the build."""
    fake_docker.answer("buildx *", stderr=WARM)
    fake_docker.answer("push *", stdout=f"latest: digest: {DIGEST} size: 1\n")
    output = Output()
    result = run(
        fake_docker,
        unit("fn", build("fn"), push("a:1"), push("a:2")),
        progress="rawjson",
        output=output,
    )
    (function,) = result.functions
    assert (function.status, function.digest, function.report.hit_ratio) == (
        "pushed",
        DIGEST,
        0.8,
    )
    assert [call.progress for call in fake_docker.calls] == ["rawjson", "", ""]
    assert output.lines[-2:] == ["fn: docker push a:2", f"latest: digest: {DIGEST} size: 1"]


def test_a_push_that_fails(fake_docker: FakeDocker) -> None:
    """The status and the explanation are those of the push, the report is that of the build; the next is not run."""
    fake_docker.answer("buildx *", stderr=WARM)
    fake_docker.answer("push *", stderr="denied: requested access is denied\n", exit_code=1)
    units = unit("fn", build("fn"), push("a:1"), push("a:2"))
    (function,) = run(fake_docker, units, progress="rawjson").functions
    assert (function.status, function.report.hit_ratio, function.explanation is not None) == (
        "failed",
        0.8,
        True,
    )
    assert len(fake_docker.calls) == 2


def test_a_stop_between_build_and_push(fake_docker: FakeDocker) -> None:
    """The function is stopped, not built: it was to be pushed."""
    stop = Stop()
    output = Output()
    fake_docker.answer("buildx *", script="trap '' TERM; echo stop; sleep 0.3; exit 0")

    def write(text: bytes) -> None:
        output.write(text)
        if text == b"stop\n":
            stop.stop()

    (function,) = run(
        fake_docker, unit("fn", build("fn"), push("a:1")), output=write, stop=stop
    ).functions
    assert (function.status, fake_docker.calls[-1].argv[0]) == ("stopped", "buildx")


@pytest.mark.parametrize(
    ("command", "output", "flags", "status"),
    [
        (build("fn"), None, (), "built"),
        (build("fn"), "load", (), "built"),
        (build("fn"), "push", (), "pushed"),
        (build("fn"), "type=image,push=true", (), "pushed"),
        (build("fn"), "type=image,push=false", (), "built"),
        (build("fn"), "type=registry", (), "pushed"),
        (build("fn"), None, ("--push=true",), "pushed"),
        (build("fn"), None, ("-o=type=registry",), "pushed"),
        (push("a:1"), None, (), "pushed"),
    ],
)
def test_what_is_pushed(
    fake_docker: FakeDocker,
    command: Program,
    output: str | None,
    flags: tuple[str, ...],
    status: str,
) -> None:
    """By a push, or by the build itself: its output or a builder flag says so."""
    plan = Planned(function="fn", output=output, builder_flags=flags)
    assert statuses(run(fake_docker, BuildUnit(plan=plan, commands=(command,)))) == [status]


def test_the_digest_is_in_the_metadata_of_buildx(fake_docker: FakeDocker) -> None:
    """The file is ours, and goes away."""
    metadata = json.dumps({"containerimage.digest": DIGEST})
    fake_docker.answer("*", script=f"echo '{metadata}' > \"$4\"")
    (function,) = run(fake_docker, unit("fn"), progress="rawjson").functions
    assert (function.digest, Path(fake_docker.calls[0].argv[3]).exists()) == (DIGEST, False)


def test_the_digest_is_in_the_progress_of_a_push(fake_docker: FakeDocker) -> None:
    """Without a metadata file: a buildx that is not known runs the command as it is planned."""
    line = f"#1 exporting to image\n#1 pushing manifest for a:1@{DIGEST} 0.1s done\n#1 DONE 0.2s\n"
    fake_docker.answer("*", stderr=line)
    (function,) = run(fake_docker, unit("fn"), progress="plain").functions
    assert (function.digest, fake_docker.calls[0].argv) == (DIGEST, ("buildx", "build", "fn"))


@pytest.mark.parametrize(
    ("argv", "step", "code"),
    [(("no-such",), "daemon", 3), (("docker", "x" * 2**20), "front-end", 1)],
    ids=["missing", "too long"],
)
def test_a_program_that_cannot_be_started_is_the_failure_of_its_function(
    fake_docker: FakeDocker, argv: tuple[str, ...], step: str, code: int
) -> None:
    """The others are built."""
    result = run(fake_docker, unit("bad", Program(argv=argv)), unit("fn"))
    assert (statuses(result), result.exit_code) == (["failed", "built"], code)
    failure = result.functions[0].explanation
    assert failure is not None
    assert (failure.function, failure.step, result.functions[0].exit_code) == ("bad", step, None)


def test_a_guard_is_held_while_the_function_is_built(fake_docker: FakeDocker) -> None:
    """In the thread of the build, for its pushes too."""
    held: list[str] = []

    @contextmanager
    def guard(plan: Plan) -> Iterator[None]:
        held.append(f"{plan.function} begins {len(fake_docker.calls)}")
        yield
        held.append(f"{plan.function} ends {len(fake_docker.calls)}")

    run(fake_docker, unit("one", build("one"), push("a:1")), unit("two"), guard=guard)
    assert held == ["one begins 0", "one ends 2", "two begins 2", "two ends 3"]


@pytest.mark.parametrize("where", ["on_event", "output", "guard", "retry"])
def test_what_the_caller_passes_may_raise(fake_docker: FakeDocker, where: str) -> None:
    """The builds of the call end, and the exception reaches the caller."""
    fake_docker.answer("* slow", script=SLOW).answer("*", stderr="line\n", exit_code=1)
    error = OSError("disk full")

    def fail(*_: object) -> None:
        fake_docker.wait_for_calls(1 if where == "guard" else 2)
        raise error

    class Broken(io.BytesIO):
        def write(self, data: object, /) -> int:
            if data:
                fail()
            return 0

    @contextmanager
    def guard(plan: Plan) -> Iterator[None]:
        if plan.function == "bad":
            fail()
        yield

    options: dict[str, object] = {
        "on_event": {"on_event": fail},
        "output": {"output": Broken()},
        "guard": {"guard": guard},
        "retry": {"retry": fail},
    }[where]  # type: ignore[assignment]  # mypy joins the types of the values
    with pytest.raises(OSError, match="disk full") as caught:
        run(fake_docker, unit("slow"), unit("bad"), parallel=2, **options)
    assert caught.value is error
    assert fake_docker.running() == set()


def test_callbacks_come_one_at_a_time_in_the_calling_thread(fake_docker: FakeDocker) -> None:
    """Events and output alike."""
    fake_docker.answer("*", stderr=WARM)
    busy, threads = threading.Lock(), set[int]()

    def call(_: object) -> None:
        assert busy.acquire(blocking=False)
        threads.add(threading.get_ident())
        time.sleep(0.0005)
        busy.release()

    units = [unit(f"fn{number}") for number in range(4)]
    run(fake_docker, *units, parallel=4, progress="rawjson", on_event=call, output=call)
    assert threads == {threading.get_ident()}


def test_a_second_attempt(fake_docker: FakeDocker) -> None:
    """Its result counts, before `fail_fast` does; the commands are those of `retry`."""
    fake_docker.answer("*--no-cache*").answer("*", exit_code=1)
    calls: list[tuple[str, int | None]] = []

    def retry(plan: Plan, result: FunctionResult) -> list[Program]:
        calls.append((plan.function, result.exit_code))
        return [build(plan.function, "--no-cache")] if plan.function == "one" else []

    result = run(fake_docker, unit("one"), unit("two"), retry=retry, fail_fast=True)
    assert [(f.status, f.attempts) for f in result.functions] == [("built", 2), ("failed", 1)]
    assert calls == [("one", 1), ("two", 1)]


def test_no_second_attempt_after_a_stop(fake_docker: FakeDocker) -> None:
    """The first result stays."""
    stop = Stop()
    fake_docker.answer("*", exit_code=1)

    def retry(_: Plan, __: FunctionResult) -> list[Program]:
        stop.stop()
        return [build("fn")]

    (function,) = run(fake_docker, unit("fn"), retry=retry, stop=stop).functions
    assert (function.status, function.attempts) == ("failed", 1)


def test_a_keyboard_interrupt_ends_all_builds(fake_docker: FakeDocker) -> None:
    """And is raised when they have ended; a second one kills what does not end."""
    fake_docker.answer("* slow", script=SLOW).answer("*", script=STUBBORN)
    code = """
    import sys
    sys.path.insert(0, sys.argv[1])
    from runner_values import Planned, Program
    from faas_cache.runner import supervision
    from faas_cache.runner.builds import BuildUnit, run_builds
    supervision.GRACE = supervision.SHORT_GRACE = 3600.0
    units = [
        BuildUnit(plan=Planned(function=name), commands=[Program(argv=("docker", name, name))])
        for name in ("slow", "stubborn", "third")
    ]
    try:
        run_builds(units, parallel=2)
    except KeyboardInterrupt:
        print("interrupted")
    """
    child = interpreter(code, Path(__file__).parents[1], env=fake_docker.environ)
    fake_docker.wait_for_calls(2)
    child.send_signal(signal.SIGINT)
    fake_docker.wait_for_running(1)
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=PATIENCE)[0] == b"interrupted\n"
    assert (len(fake_docker.calls), fake_docker.running()) == (2, set())


# Terminals.


@pytest.fixture
def terminal() -> Iterator[Callable[[], bytes]]:
    """A terminal on stderr's side; what was drawn on it is returned when it is asked for."""
    ours, theirs = os.openpty()
    drawn = bytearray()

    def read() -> None:
        try:
            while block := os.read(ours, 4096):
                drawn.extend(block)
        except OSError:
            pass

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(theirs, "wb", buffering=0) as stream:

        def close() -> bytes:
            stream.close()
            reader.join()
            return bytes(drawn)

        close.stream = stream  # type: ignore[attr-defined]  # what the test writes to
        yield close
    reader.join()
    os.close(ours)


def test_a_builder_draws_on_a_terminal(
    fake_docker: FakeDocker, terminal: Callable[[], bytes]
) -> None:
    """Its record is read afterwards, for events and the report; a failed build has none, and is explained by what it drew."""
    fake_docker.answer("buildx history *", stderr=WARM)
    fake_docker.answer("* bad", stderr="ERROR: failed to solve: no\n", exit_code=1)
    metadata = json.dumps({"buildx.build.ref": "b/n/1", "containerimage.digest": DIGEST})
    fake_docker.answer("*", script=f"[ -t 2 ] && echo terminal >&2; echo '{metadata}' > \"$4\"")
    events: list[object] = []
    good, bad = run(
        fake_docker,
        unit("fn"),
        unit("bad"),
        progress="history",
        output=terminal.stream,  # type: ignore[attr-defined]  # of the fixture
        on_event=events.append,
    ).functions
    assert (good.status, good.report.hit_ratio, good.digest, len(events) > 10) == (
        "built",
        0.8,
        DIGEST,
        True,
    )
    assert (bad.status, bad.report.steps, bad.explanation is not None) == ("failed", (), True)
    assert [call.progress for call in fake_docker.calls if "build" in call.argv] == ["", ""]
    assert terminal().replace(b"\r", b"").splitlines() == [
        b"fn: docker buildx build fn",
        b"terminal",
        b"bad: docker buildx build bad",
        b"ERROR: failed to solve: no",
    ]


def test_a_builder_without_records_draws_too(
    fake_docker: FakeDocker, terminal: Callable[[], bytes]
) -> None:
    """No record is asked for where the build has none; side by side nothing is drawn."""
    script = """[ -t 2 ] && echo terminal >&2
    [ "$3" != --metadata-file ] || echo '{"x": {"containerimage.digest": "%s"}}' > "$4" """
    fake_docker.answer("*", script=script % DIGEST)
    stream = terminal.stream  # type: ignore[attr-defined]  # of the fixture
    run(fake_docker, unit("fn"), output=stream)
    run(fake_docker, unit("fn"), output=stream, progress="history")
    run(fake_docker, unit("one"), unit("two"), output=stream, parallel=2)
    assert (terminal().count(b"terminal"), len(fake_docker.calls)) == (2, 4)


# Bakes.

BAKE = Program(argv=("docker", "buildx", "bake", "--file", "-"), stdin="{}", kind="bake")


def bake(fake: FakeDocker, **options: object) -> BuildResult:
    """Builds two functions as one."""
    targets = {name: Planned(function=name) for name in ("one", "two")}
    return run_bake(
        targets,
        BAKE,
        environ=fake.environ,
        **({"output": io.BytesIO(), "progress": "rawjson", "details": True} | options),  # type: ignore[arg-type]  # its options
    )


@pytest.mark.parametrize(
    ("stderr", "code", "expected"),
    [
        (BAKED, 0, ["built", "built"]),
        (BAKED, 1, ["failed", "failed"]),
        (BAKED + b"ERROR: target one: failed to solve: no\n", 1, ["failed", "failed"]),
        (BAKE_FAILED, 1, ["built", "failed"]),
        (CANCELED, 1, ["stopped", "failed"]),
        (BOTH_FAILED, 1, ["failed", "failed"]),
        (b"ERROR: type required for\n", 1, ["failed", "failed"]),
    ],
    ids=[
        "built",
        "failed as a whole",
        "failed with the name of one",
        "one failed",
        "one canceled",
        "both failed",
        "none started",
    ],
)
def test_a_bake(fake_docker: FakeDocker, stderr: bytes, code: int, expected: list[str]) -> None:
    """One call; the status and the report of each function are those of its target."""
    fake_docker.answer("*", stderr=stderr, exit_code=code)
    result = bake(fake_docker)
    assert (statuses(result), [f.name for f in result.functions]) == (expected, ["one", "two"])
    assert [f.explanation is not None for f in result.functions] == [
        s == "failed" for s in expected
    ]
    assert {(f.exit_code, f.attempts) for f in result.functions} == {(code, 1)}
    assert [f.report.function for f in result.functions] == ["one", "two"]


def test_each_line_of_a_bake_has_its_function(fake_docker: FakeDocker) -> None:
    """A line begins with the function of its step, or with `bake` if the step belongs to none."""
    fake_docker.answer("*", stderr=BAKED)
    output = io.BytesIO()
    bake(fake_docker, output=output)
    lines = output.getvalue().decode().splitlines()
    assert [
        line for line in lines if "local bake definitions" in line or "COPY function/" in line
    ] == [
        "bake | #1 [internal] load local bake definitions",
        "two | #17 [stage-1 4/4] COPY function/ /function/",
        "one | #22 [stage-1 4/4] COPY function/ /function/",
    ]


def test_reports_of_a_bake_are_folds_over_the_events(fake_docker: FakeDocker) -> None:
    """Each function has its own."""
    fake_docker.answer("*", stderr=BAKED)
    events: list[Event] = []
    for function in bake(fake_docker, on_event=events.append).functions:
        assert folded(events, function.name) == function.report
        assert function.report.total > 0


def test_a_bake_that_is_stopped_or_late(fake_docker: FakeDocker) -> None:
    """So are all its targets; before the start nothing is started."""
    fake_docker.answer("*", script=SLOW)
    stop = Stop()

    def stop_later() -> None:
        fake_docker.wait_for_calls(2)
        stop.stop()

    assert statuses(bake(fake_docker, timeout=0.3)) == ["timed out", "timed out"]
    threading.Thread(target=stop_later).start()
    assert statuses(bake(fake_docker, stop=stop)) == ["stopped", "stopped"]
    assert statuses(bake(fake_docker, stop=stop)) == ["not started", "not started"]
    assert len(fake_docker.calls) == 2


def test_a_target_may_be_done_before_a_bake_ends(fake_docker: FakeDocker) -> None:
    """What is in a registry is pushed, also where the time ran out for another target."""
    log = "#1 [one] exporting to image\n#1 DONE 0.1s\n#2 [two 2/2] RUN sleep 60\n"
    fake_docker.answer("*", script=f"printf '{log}' >&2; {SLOW}")
    targets = {name: Planned(function=f"fn-{name}", output="push") for name in ("one", "two")}
    result = run_bake(targets, BAKE, environ=fake_docker.environ, progress="plain", timeout=1)
    assert statuses(result) == ["pushed", "timed out"]


def test_guards_of_a_bake_are_entered_in_one_order(fake_docker: FakeDocker) -> None:
    """So that two bakes never wait for each other; a stop meanwhile starts nothing."""
    order, stop = list[str](), Stop()

    @contextmanager
    def guard(plan: Plan) -> Iterator[None]:
        order.append(plan.function)
        if plan.function == "b":
            stop.stop()
        yield

    targets = {name: Planned(function=name) for name in ("b", "a")}
    result = run_bake(targets, BAKE, environ=fake_docker.environ, guard=guard, stop=stop)
    assert (order, statuses(result), fake_docker.calls) == (["a", "b"], ["not started"] * 2, [])


def test_records_of_a_bake(fake_docker: FakeDocker, terminal: Callable[[], bytes]) -> None:
    """Each target has one, and a digest; a pushed image is pushed."""
    fake_docker.answer("buildx history *", stderr=WARM)
    metadata = {
        "one": {"buildx.build.ref": "b/n/1", "containerimage.digest": DIGEST},
        "two": {"buildx.build.ref": "b/n/2"},
    }
    fake_docker.answer("*", script=f"echo '{json.dumps(metadata)}' > \"$4\"")
    targets = {name: Planned(function=f"fn-{name}", output="push") for name in ("one", "two")}
    result = run_bake(
        targets,
        BAKE,
        environ=fake_docker.environ,
        progress="history",
        output=terminal.stream,  # type: ignore[attr-defined]  # of the fixture
    )
    terminal()
    assert [(f.name, f.status, f.digest, f.report.hit_ratio) for f in result.functions] == [
        ("fn-one", "pushed", DIGEST, 0.8),
        ("fn-two", "pushed", WARM_DIGEST, 0.8),  # of its progress
    ]


def test_the_grace_period_is_ten_seconds() -> None:
    """As `docker stop` has it."""
    assert supervision.GRACE == 10.0
