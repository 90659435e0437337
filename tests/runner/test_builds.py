"""Many builds: what becomes of each, in every way of running them. Docker is a script of ours that says what BuildKit said."""

import os
import subprocess
import time
from pathlib import Path

import attrs
import pytest

from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.plan import BuildPlan, resolve
from faas_cache.render.commands import Command, bake, buildx_build, docker_push
from faas_cache.runner.builds import Builds, Result
from faas_cache.runner.processes import end_all

STREAMS = Path(__file__).parents[1] / "vectors" / "streams"
RAW = f"cat {STREAMS}/buildx-0.29-warm.txt >&2"
BAKED = f"cat {STREAMS}/buildx-0.29-bake.txt >&2"

CANCELED = "#1 [one] exporting to image\\n#1 CANCELED\\n#2 [two 2/2] RUN x\\n#2 ERROR: no\\nERROR: target two: failed to solve: no\\n"


class Said(list[str]):
    """What was shown and said, in order."""

    def show(self, lines: bytes) -> None:
        """Takes lines of output."""
        self.append(lines.decode(errors="replace"))


@pytest.fixture
def said() -> Said:
    """Where words go."""
    return Said()


def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A docker that is our script."""
    (tmp_path / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def plans(*names: str, **more: object) -> list[BuildPlan]:
    """Plans of functions that cache."""
    return [
        resolve(FunctionSpec(name=name, image=f"acme/{name}", build_cache="max", **more))
        for name in names
    ]  # type: ignore[arg-type]  # any of its fields


def run(builds: Builds, *names: str) -> list[Result]:
    """Builds functions."""
    return list(builds.run([(plan, (buildx_build(plan),)) for plan in plans(*names)]))


def ends(results: list[Result]) -> list[str]:
    """What became of each."""
    return [result.end for result in results]


def test_json_is_shown_as_marked_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    """The builder is asked for JSON by its environment, so that the command is the plan's own; lines are whole and marked."""
    docker(
        tmp_path,
        monkeypatch,
        f'echo "$BUILDKIT_PROGRESS $*" > {tmp_path}/call; {RAW}; printf "\\377 last" >&2',
    )
    (result,) = run(Builds(show=said.show, say=said.append, reports="rawjson"), "fn")
    assert (result.end, result.exit_code, result.report.hit_ratio, result.explained.failure) == (
        "done",
        0,
        0.8,
        None,
    )
    assert (tmp_path / "call").read_text().startswith("rawjson buildx build --load --cache-from")
    lines = "".join(said[1:]).splitlines(keepends=True)
    assert (len(lines) > 20, {line[:5] for line in lines}, lines[-1]) == (
        True,
        {"fn | "},
        "fn | \ufffd last\n",
    )


@pytest.mark.parametrize("reports", ["rawjson", ""])
@pytest.mark.parametrize("code", [0, 1])
def test_quiet_shows_failures_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said, reports: str, code: int
) -> None:
    """Whatever the builder tells in."""
    docker(tmp_path, monkeypatch, f"echo plain >&2; exit {code}")
    (result,) = run(Builds(show=said.show, say=lambda _: None, reports=reports, quiet=True), "fn")  # type: ignore[arg-type]  # two of the three
    assert (result.exit_code, "plain" in "".join(said)) == (code, code == 1)


def test_a_terminal_is_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    """The builder draws; its record, which the metadata name, is read afterwards; one that failed has none."""
    script = f"""
    case "$2" in
      history) cat {STREAMS}/buildx-0.29-warm.txt;;
      *) echo "$*" > {tmp_path}/call; case "$*" in *bad*) exit 1;; esac; echo '{{"buildx.build.ref": "b/n/1"}}' > "$5";;
    esac"""
    docker(tmp_path, monkeypatch, script.replace('"$5"', '"$4"'))
    good, bad = run(Builds(show=said.show, say=said.append, reports="history"), "fn", "bad")
    assert (good.end, good.report.hit_ratio, bad.end, bad.report.steps) == (
        "done",
        0.8,
        "failed",
        (),
    )
    flag, path = (tmp_path / "call").read_text().split()[2:4]
    assert (flag, Path(path).parent.exists()) == ("--metadata-file", False)


def test_one_failure_stops_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    """Unless that is asked for: then what runs is ended, and the rest is not begun."""
    docker(tmp_path, monkeypatch, 'case "$*" in *bad*) sleep 2; exit 9;; *slow*) sleep 60;; esac')
    assert ends(run(Builds(show=said.show, say=said.append), "bad", "fn")) == ["failed", "done"]
    fast = Builds(show=said.show, say=said.append, fail_fast=True, parallel=2)
    assert ends(run(fast, "bad", "slow", "fn")) == ["failed", "stopped", "not begun"]


def test_what_is_being_started_is_ended_too(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    """`--fail-fast` misses no build that is between its beginning and our knowing of it."""

    class Overtaken(subprocess.Popen[bytes]):
        def __init__(self, *words: object, **more: object) -> None:
            super().__init__(*words, **more)  # type: ignore[call-overload]  # Popen's many forms
            end_all()

    monkeypatch.setattr(subprocess, "Popen", Overtaken)
    builds = Builds(show=said.show, say=said.append, fail_fast=True)
    sleeping = Command(argv=("sh", "-c", "exec sleep 60"))
    (result,) = builds.run([(plans("fn")[0], (sleeping,))])
    assert (result.end, result.exit_code) == ("failed", 143)
    monkeypatch.undo()
    (result,) = builds.run([(plans("fn")[0], (Command(argv=("sh", "-c", "exit 0")),))])
    assert result.end == "done"  # what was told to the last run is not told to this one


def test_time_is_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    """What runs when it is up is ended, and nothing more is begun."""
    docker(tmp_path, monkeypatch, "exec sleep 60")
    began = time.monotonic()
    results = run(
        Builds(show=said.show, say=said.append, seconds=0.5, reports="rawjson"), "one", "two"
    )
    assert (ends(results), [result.exit_code for result in results]) == (
        ["late", "not begun"],
        [143, None],
    )
    assert time.monotonic() - began < 50


def test_side_by_side_without_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    """Each one's output comes in one piece."""
    docker(tmp_path, monkeypatch, 'echo "$*" | grep -o "acme/.*:latest"; sleep 0.2; echo more >&2')
    assert ends(run(Builds(show=said.show, say=lambda _: None, parallel=2), "one", "two")) == [
        "done",
        "done",
    ]
    assert sorted(len(piece.splitlines()) for piece in said) == [2, 2]


def test_a_push_after_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    """The report is the build's, the failure the push's."""
    docker(tmp_path, monkeypatch, f'case "$1" in push) echo "denied: no" >&2; exit 1;; esac; {RAW}')
    (plan,) = plans("fn")
    builds = Builds(show=said.show, say=said.append, reports="rawjson")
    (result,) = builds.run([(plan, (buildx_build(plan), *docker_push(plan)))])
    assert (result.end, result.report.hit_ratio) == ("failed", 0.8)
    failure = result.explained.failure
    assert failure
    assert (failure.step, failure.cause) == ("image-push", "denied")


@pytest.mark.parametrize(
    ("script", "seconds", "expected"),
    [
        (BAKED, None, ["done", "done"]),
        (f"{BAKED}; exit 1", None, ["failed", "failed"]),
        (f"cat {STREAMS}/buildx-0.29-bake-failing.txt >&2; exit 1", None, ["done", "failed"]),
        (f"printf '{CANCELED}' >&2; exit 1", None, ["stopped", "failed"]),
        ("echo 'ERROR: type required for' >&2; exit 1", None, ["failed", "failed"]),
        ("exec sleep 60", 3.0, ["late", "late"]),
    ],
    ids=["built", "said to be built", "one failed", "one canceled", "none begun", "late"],
)
def test_a_bake(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: Said,
    script: str,
    seconds: float | None,
    expected: list[str],
) -> None:
    """One call; each function's end and report is that of its target."""
    docker(tmp_path, monkeypatch, f"cat > {tmp_path}/bake.json; {script}")
    both = plans("one", "two")
    results = list(
        Builds(show=said.show, say=said.append, reports="rawjson", seconds=seconds).bake(
            both, bake(both)
        )
    )
    assert (ends(results), [result.function for result in results]) == (expected, ["one", "two"])
    assert '"targets": [' in (tmp_path / "bake.json").read_text()
    assert said[0].startswith(
        "bake: DOCKER_BUILDKIT=1 BUILDX_BAKE_ENTITLEMENTS_FS=0 docker buildx bake --file -"
    )
    assert [bool(r.explained.failure) for r in results] == [end == "failed" for end in expected]


def test_a_bake_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    """Each target has a record of its own; without JSON there is no report."""
    meta = '{"one": {"buildx.build.ref": "b/n/1"}, "two": {"buildx.build.ref": "b/n/2"}}'
    docker(
        tmp_path,
        monkeypatch,
        f'case "$2" in history) cat {STREAMS}/buildx-0.29-warm.txt;; *) echo \'{meta}\' > "$4";; esac',
    )
    both = plans("one", "two")
    builds = Builds(show=said.show, say=said.append, reports="history")
    assert [result.report.hit_ratio for result in builds.bake(both, bake(both))] == [0.8, 0.8]
    builds = Builds(show=said.show, say=said.append)
    plain = [attrs.evolve(bake(both), argv=("docker", "buildx", "bake"))]
    assert [result.report.steps for result in builds.bake(both, plain[0])] == [(), ()]
