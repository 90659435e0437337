"""Rules G3 and G4: a build whose cache is broken is repeated, and a useless cache is reported."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from fake_docker import FakeDocker
from stack_files import write_project

from faas_cache.buildkit.events import BuildStarted, Event
from faas_cache.buildkit.reports import CacheReport, Step
from faas_cache.buildkit.useless_imports import useless_import
from faas_cache.model.flags import CacheFlags
from faas_cache.planning.options import BuildOptions
from faas_cache.project import Project
from faas_cache.runner import stack_builds
from faas_cache.runner.builds import run_bake, run_builds
from faas_cache.runner.results import BuildResult, FunctionResult
from faas_cache.runner.stop import Stop

FUNCTIONS = "  fn: {image: r.test/fn, context: ., build_cache: max}\n"
GONE = "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:6d (application/x) from remote: not found"
BROKEN = f"""\
#4 importing cache manifest from r.test/fn:buildcache
#4 DONE 0.0s
#7 [2/2] RUN make
#7 CACHED
#11 exporting to image
#11 ERROR: {GONE}
ERROR: failed to build: failed to solve: {GONE}
"""
LOST = (
    "ERROR: failed to build: failed to solve: parent snapshot sha256:1 does not exist: not found\n"
)
FAILED = """\
#7 [2/2] RUN make
#7 ERROR: process "make" did not complete successfully: exit code: 2
ERROR: failed to build: failed to solve: process "make" did not complete successfully: exit code: 2
"""


@pytest.fixture
def project(tmp_path: Path, fake_docker: FakeDocker) -> Project:
    """A project with one function, whose docker is the fake."""
    fake_docker.describe()
    root = write_project(tmp_path / "project", FUNCTIONS, {"Dockerfile": "FROM a\nRUN make\n"})
    return Project.load(root=root, environ=fake_docker.environ)


def build(project: Project, **arguments: Any) -> BuildResult:  # noqa: ANN401  # those of plan and build
    """Builds without showing the output."""
    planned = {key: arguments.pop(key) for key in ("flags", "options") if key in arguments}
    return project.build(project.plan(**planned), **({"output": io.BytesIO()} | arguments))


def builds(fake: FakeDocker) -> list[str]:
    """The builds that were started: `--no-cache` where it was given."""
    calls = [call.argv for call in fake.calls if {"build", "bake"} & set(call.argv[:2])]
    return [f"{argv[1]} {' '.join(a for a in argv if a == '--no-cache')}".strip() for argv in calls]


def notes(function: FunctionResult) -> list[tuple[str, str]]:
    """The names and hints of the diagnostics of a result."""
    return [(note.diagnostic().name, note.fix) for note in function.notes]


REPAIRED = "check what deletes layers, such as a clean-up policy: this build repaired the cache"
STAYS = "build once with an export: without one, the cache stays broken"


@pytest.mark.parametrize(
    ("flags", "hint"), [(CacheFlags(), REPAIRED), (CacheFlags(export=False), STAYS)]
)
@pytest.mark.parametrize("bake", [False, True])
def test_g3_a_broken_cache_is_built_again_without_imports(
    project: Project,
    fake_docker: FakeDocker,
    flags: CacheFlags,
    hint: str,
    bake: bool,  # noqa: FBT001  # both ways of building
) -> None:
    """G3: the second attempt is the result, with a warning; events and report carry it."""
    fake_docker.answer("*buildx build*--no-cache*").answer("buildx b*", stderr=BROKEN, exit_code=1)
    events: list[Event] = []
    (function,) = build(project, flags=flags, bake=bake, on_event=events.append).functions
    attempts = [event.attempt for event in events if isinstance(event, BuildStarted)]
    assert (function.status, function.attempts, function.report.attempt, attempts) == (
        "built",
        2,
        2,
        [1, 2],
    )
    assert (notes(function), builds(fake_docker)) == (
        [("broken-cache", hint)],
        ["bake" if bake else "build", "build --no-cache"],
    )
    assert function.notes[0].diagnostic().message == (
        "the cache `r.test/fn:buildcache` lists layers that no longer exist, so the function was"
        " built again with `--no-cache`"
    )


RECOVERED = f"""\
#4 importing cache manifest from r.test/fn:buildcache
#4 DONE 0.0s
#7 [2/2] RUN make
#7 ERROR: {GONE}
#11 exporting to image
#11 DONE 0.1s
"""


@pytest.mark.parametrize(
    ("flags", "hint"),
    [
        (CacheFlags(), REPAIRED),
        (CacheFlags(export=False), "build once with `--no-cache`, which writes the cache again"),
    ],
)
def test_g3_a_step_that_buildkit_ran_again_is_a_warning(
    project: Project, fake_docker: FakeDocker, flags: CacheFlags, hint: str
) -> None:
    """G3: the build went on, the step ran, and an export has repaired the cache."""
    fake_docker.answer("buildx build*", stderr=RECOVERED)
    (function,) = build(project, flags=flags).functions
    assert (function.status, function.attempts) == ("built", 1)
    assert (function.report.cached, function.report.total) == (0, 1)
    assert notes(function) == [("import-failed", hint)]


def test_g3_the_second_attempt_has_no_import(project: Project, fake_docker: FakeDocker) -> None:
    """G3: as with D3, exports stay, and so do the pushes."""
    fake_docker.answer("*buildx build*--no-cache*").answer("buildx b*", stderr=BROKEN, exit_code=1)
    (function,) = build(project, options=BuildOptions(push=True)).functions
    argv = fake_docker.calls[-1].argv
    assert (function.status, "--cache-from" in argv, "--cache-to" in argv, "--push" in argv) == (
        "pushed",
        False,
        True,
        True,
    )


def test_g3_a_second_failure_is_the_result(project: Project, fake_docker: FakeDocker) -> None:
    """G3: a layer of the base image that was lost is a fault of the daemon; there is no third."""
    fake_docker.answer("*buildx build*--no-cache*", stderr=LOST, exit_code=1)
    fake_docker.answer("buildx b*", stderr=BROKEN, exit_code=1)
    (function,) = build(project, fail_fast=True).functions
    assert function.explanation is not None
    assert (function.attempts, function.explanation.step, function.explanation.cause) == (
        2,
        "daemon",
        "missing",
    )
    assert (notes(function), len(builds(fake_docker))) == ([("broken-cache", REPAIRED)], 2)


@pytest.mark.parametrize(
    ("log", "arguments"),
    [
        (BROKEN, {"retry": False}),
        (BROKEN, {"flags": CacheFlags(no_cache=True)}),
        (FAILED, {}),
        ("", {}),
        (FAILED, {"bake": True}),
    ],
)
def test_g3_other_failures_are_not_repeated(
    project: Project, fake_docker: FakeDocker, log: str, arguments: dict[str, Any]
) -> None:
    """G3: only the explanation of a broken cache is a reason, and `--no-retry` is none."""
    fake_docker.answer("buildx b*", stderr=log, exit_code=1)
    (function,) = build(project, **arguments).functions
    assert (function.status, function.attempts, len(builds(fake_docker))) == ("failed", 1, 1)


def test_g3_a_bake_is_not_repeated_after_a_stop(project: Project, fake_docker: FakeDocker) -> None:
    """G3: nothing is started after a stop."""
    fake_docker.answer("buildx b*", stderr=BROKEN, exit_code=1)
    stop = Stop()

    def finish(event: Event) -> None:
        if type(event).__name__ == "BuildFinished":
            stop.stop()

    (function,) = build(project, bake=True, on_event=finish, stop=stop).functions
    assert (function.attempts, len(builds(fake_docker))) == (1, 1)


def test_g3_a_bake_is_repeated_within_its_time(
    project: Project, fake_docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G3: the second attempt has the time that is left."""
    fake_docker.answer("*buildx build*--no-cache*").answer("buildx b*", stderr=BROKEN, exit_code=1)
    limits: list[float] = []

    def spy(run: Callable[..., BuildResult]) -> Callable[..., BuildResult]:
        def call(*items: object, **settings: Any) -> BuildResult:  # noqa: ANN401  # those of `run`
            limits.append(settings["timeout"])
            return run(*items, **settings)

        return call

    monkeypatch.setattr(stack_builds, "run_bake", spy(run_bake))
    monkeypatch.setattr(stack_builds, "run_builds", spy(run_builds))
    assert build(project, bake=True, timeout=600).functions[0].attempts == 2
    first, second = limits
    assert 600 > first > second > 0


# G4.

FOUND = "#4 importing cache manifest from r.test/fn:buildcache\n#4 DONE 0.0s\n"
RUN = "#7 [2/2] RUN make\n#7 DONE 1.0s\n"


@pytest.mark.parametrize(
    ("log", "flags", "expected"),
    [
        (FOUND + RUN, CacheFlags(), ["useless-import"]),
        (RUN, CacheFlags(), []),
        (FOUND + RUN, CacheFlags(no_cache=True), []),
        (FOUND + "#7 [2/2] RUN make\n#7 CACHED\n", CacheFlags(), []),
        (FOUND + RUN, CacheFlags(build_cache="inline"), ["useless-import"]),
        (
            FOUND + RUN + "#8 [deps 2/2] RUN x\n#8 DONE 1.0s\n",
            CacheFlags(build_cache="inline"),
            [],
        ),
    ],
)
def test_g4_a_cache_that_was_found_and_not_used_is_one_note(
    project: Project, fake_docker: FakeDocker, log: str, flags: CacheFlags, expected: list[str]
) -> None:
    """G4: not with `--no-cache`, and not for steps that `inline` cannot hold."""
    fake_docker.answer("buildx build*", stderr=log)
    (function,) = build(project, flags=flags).functions
    assert [name for name, _ in notes(function)] == expected


IMPORT = Step(name="importing cache manifest from a/b", kind="import", finished=True)
MISS = Step(name="[stage-1 2/3] COPY a  /", kind="build", finished=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "[stage-1 2/3] COPY a  /",
            (
                "a cache was found and not used, because files of the step"
                " `[stage-1 2/3] COPY a /` changed"
            ),
        ),
        ("[2/3] RUN make", "a cache was found and not used, because it matches no step"),
        (
            "[2/3] COPY --from=deps /a /",
            "a cache was found and not used, because it matches no step",
        ),
    ],
)
def test_g4_says_what_changed(name: str, expected: str) -> None:
    """G4: a first step that copies from the context has other files."""
    report = CacheReport(function="fn", steps=(IMPORT, attrs.evolve(MISS, name=name)))
    note = useless_import(report)
    assert note is not None
    assert note.message == expected


def test_g4_needs_an_import_that_was_found() -> None:
    """G4: not for a cache that is missing, or that does not say whether it held anything."""
    for step in (
        attrs.evolve(IMPORT, error="not found"),
        attrs.evolve(IMPORT, name="importing cache manifest from gha:1234"),
    ):
        assert useless_import(CacheReport(function="fn", steps=(step, MISS))) is None
    assert useless_import(CacheReport(function="fn", steps=(IMPORT,))) is None


@pytest.mark.parametrize(
    ("stages", "only_last_stage", "expected"),
    [
        (("", ""), False, True),
        (("", ""), True, True),
        (("deps ", "stage-1 "), False, True),
        (("deps ", "stage-1 "), True, False),
    ],
)
def test_g4_the_reason_agrees_with_the_note(
    stages: tuple[str, ...], *, only_last_stage: bool, expected: bool
) -> None:
    """G4: of the steps that `inline` cannot hold, the first that ran is named as in any build."""
    steps = [attrs.evolve(MISS, name=f"[{stage}2/3] RUN a") for stage in stages]
    report = CacheReport(function="fn", steps=(IMPORT, *steps), only_last_stage=only_last_stage)
    assert (
        report.useless_import,
        useless_import(report) is not None,
        report.reason.startswith("the imported cache matches no step"),
    ) == (expected,) * 3
