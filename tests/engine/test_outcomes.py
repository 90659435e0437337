"""The result of a build on each engine with each registry that misbehaves: status, exit code, explanation.

The builds of the table run in parallel, once, each with its own repository: the classic image store retries a rejected push
for 50 seconds.
"""

import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import pytest
from engines import OPTIONAL_ENGINES, EngineProject, engine_environment

from faas_cache.runner.results import FunctionResult

pytestmark = pytest.mark.engine

# Whether the engine can export a cache: then the registry of the row holds the cache, else the image with its inline cache.
EXPORTS = {"docker26": True, "docker28": True, "docker26-graph": False, "docker20": False}
MODES = ("REJECT", "REJECT_INDEX", "READONLY", "AUTH", "FLAKY", "SLOW")
# Exit code, status, and of the failure its step, its cause and whether the image was pushed.
Outcome: TypeAlias = tuple[int, str, tuple[str | None, str, bool | None] | None]
PUSHED: Outcome = (0, "pushed", None)
REFUSED: Outcome = (1, "failed", ("cache-export", "refused", True))


def failed(cause: str, *, exports: bool) -> Outcome:
    """A failed export after the push of the image, or a failed push."""
    return (1, "failed", ("cache-export", cause, True) if exports else ("image-push", cause, False))


def expected(engine: str, mode: str) -> tuple[Outcome, ...]:
    """The outcomes that a build may have."""
    exports = EXPORTS[engine]
    return {
        "REJECT": (REFUSED if exports else PUSHED,),
        # the BuildKit of docker28 writes an image manifest
        "REJECT_INDEX": (REFUSED if engine == "docker26" else PUSHED,),
        "READONLY": (failed("denied", exports=exports),),
        "AUTH": (failed("unauthorized", exports=exports),),
        # it drops every third request: a client that retries may succeed
        "FLAKY": (PUSHED, failed("unreachable", exports=exports)),
        "SLOW": (PUSHED,),
    }[mode]


TABLE = {(engine, mode): expected(engine, mode) for engine in EXPORTS for mode in MODES}


@pytest.fixture(scope="module")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str, str], tuple[subprocess.CompletedProcess[str], FunctionResult]]:
    """What the command line did in each build of the table, and the result that it reported."""

    def build(engine: str, mode: str) -> tuple[subprocess.CompletedProcess[str], FunctionResult]:
        environ = engine_environment(engine)
        assert environ is not None, engine
        name = f"{uuid.uuid4().hex}/fn"
        repository = f"{environ[f'FAAS_CACHE_TEST_REGISTRY_{mode}']}/{name}"
        registry = environ["FAAS_CACHE_TEST_REGISTRY"]
        image = f"{registry}/{name}:1" if EXPORTS[engine] else f"{repository}:1"
        project = EngineProject(tmp_path_factory.mktemp(f"{engine}-{mode}"), environ, image)
        cache = f"{repository}:cache"
        project.write({"from": [cache], "to": [cache]} if EXPORTS[engine] else "inline", name)
        done = project.faas_cache("build", "--push", "--report", "report.json")
        (result,) = project.report().functions
        return done, result

    keys = [
        key
        for key in TABLE
        if key[0] not in OPTIONAL_ENGINES or engine_environment(key[0]) is not None
    ]
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(keys, pool.map(lambda key: build(*key), keys), strict=True))


@pytest.mark.parametrize(
    ("engine", "mode"), TABLE, ids=[f"{engine}-{mode.lower()}" for engine, mode in TABLE]
)
def test_g2_outcome(
    outcomes: dict[tuple[str, str], tuple[subprocess.CompletedProcess[str], FunctionResult]],
    engine: str,
    mode: str,
) -> None:
    """G2: the exit code, what failed and why, and whether the image was pushed; a failed import fails nothing."""
    done, result = outcomes[engine, mode]
    failure = result.explanation
    outcome = (
        done.returncode,
        result.status,
        failure and (failure.step, failure.cause, failure.image_pushed),
    )
    assert outcome in TABLE[engine, mode], done.stderr
    lines = done.stderr.splitlines()
    assert lines[-1].endswith(f": 1 {result.status}")
    assert "Traceback" not in done.stderr
    if failure is not None:
        assert failure.block().splitlines()[0] in lines
    causes = [(note.step, note.cause) for note in result.notes]
    assert [bool(step.error) for step in result.report.imports] == [True]
    missing = "unauthorized" if mode == "AUTH" else "missing"
    if mode != "FLAKY":
        assert causes == [("cache-import", missing)]
    else:
        assert [step for step, _ in causes] == ["cache-import"]
