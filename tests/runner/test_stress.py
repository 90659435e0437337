"""Eight threads build at the same time, and are stopped at random: nothing outlives its build, nothing else is touched."""

import io
import os
import random
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from fake_docker import ESCAPED, PIPE_HOLDING, SELF_STOPPING, SLOW, STUBBORN, FakeDocker
from runner_values import Planned, Program

from faas_cache.runner import supervision
from faas_cache.runner.builds import BuildUnit, run_builds
from faas_cache.runner.results import BuildResult
from faas_cache.runner.stop import Stop

ROUNDS, THREADS = 200, 8
KINDS = {
    "good": "echo line >&2; exit 0",
    "bad": "echo line >&2; exit 3",
    "short": "sleep 0.05; exit 0",
    "slow": SLOW,
    "stubborn": STUBBORN,
    "stopping": SELF_STOPPING,
    "holding": PIPE_HOLDING,
}
# What a function of each kind may become: a stop may come before, while, and after it runs.
OWN_END = {"good": "built", "bad": "failed", "short": "built", "holding": "built"}


def build(fake: FakeDocker, kinds: list[str], choice: random.Random) -> BuildResult:
    """Builds functions of these kinds; something ends them if they do not end by themselves."""
    stop = Stop()
    endless = any(kind not in OWN_END for kind in kinds)
    how = choice.choice(["stop", "timeout", "raise"] if endless else ["stop", "timeout", "none"])
    delay = choice.uniform(0, 0.2)
    timer = threading.Timer(delay, stop.stop)
    if how in ("stop", "raise"):
        timer.start()
    try:
        return run_builds(
            [
                BuildUnit(
                    plan=Planned(function=f"{kind}-{number}"),
                    commands=(Program(argv=("docker", kind)),),
                )
                for number, kind in enumerate(kinds)
            ],
            environ=fake.environ,
            parallel=choice.randint(1, 3),
            fail_fast=choice.random() < 0.3,
            timeout=delay if how == "timeout" else None,
            output=io.BytesIO(),
            stop=stop,
        )
    finally:
        timer.cancel()


def signals(fake: FakeDocker, over: threading.Event, choice: random.Random) -> None:
    """Sends signals to random builds that run, as an operator might."""
    while not over.is_set():
        if pids := sorted(fake.running()):
            number = choice.choice([signal.SIGTERM, signal.SIGSTOP, signal.SIGCONT, signal.SIGKILL])
            with suppress(ProcessLookupError):
                os.kill(choice.choice(pids), number)
        over.wait(0.05)


def test_nothing_outlives_its_build_and_nothing_else_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program of ours that runs beside them all lives on, and so do signal handlers and threads."""
    monkeypatch.setattr(supervision, "GRACE", 0.2)
    monkeypatch.setattr(supervision, "_LAST_OUTPUT", 0.1)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    bystander = subprocess.Popen(["sleep", "300"], process_group=0)
    threads, left, wrong = set(threading.enumerate()), list(range(ROUNDS)), list[object]()
    over = threading.Event()
    fakes = [FakeDocker(tmp_path / str(number)) for number in range(THREADS)]

    def work(number: int) -> None:
        choice, fake = random.Random(number), fakes[number]
        for kind, script in KINDS.items():
            fake.answer(kind, script=script)
        while left:
            try:
                left.pop()
            except IndexError:
                return
            kinds = choice.choices(list(KINDS), k=choice.randint(1, 3))
            result = build(fake, kinds, choice)
            statuses = [function.status for function in result.functions]
            if len(statuses) != len(kinds) or not wait_for_end(fake):
                wrong.append((kinds, statuses, fake.running()))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    operators = [
        threading.Thread(target=signals, args=(fake, over, random.Random(str(fake.folder.name))))
        for fake in fakes[:2]
    ]
    for thread in (*workers, *operators):
        thread.start()
    for thread in workers:
        thread.join()
    over.set()
    for thread in operators:
        thread.join()
    assert wrong == []
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    until = time.monotonic() + 10
    while set(threading.enumerate()) - threads and time.monotonic() < until:
        time.sleep(0.01)
    assert set(threading.enumerate()) - threads == set()


def wait_for_end(fake: FakeDocker) -> bool:
    """Whether everything of a fake ends: what was killed may need a moment to be gone."""
    until = time.monotonic() + 10
    while fake.calls and fake.running():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def test_kinds_of_the_fake_are_all_used() -> None:
    """But the one whose child no signal reaches, which ends by itself."""
    assert ESCAPED not in KINDS.values()
