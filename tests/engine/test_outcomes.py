"""What becomes of a build on each engine with each registry that misbehaves: outcome, exit code, explanation.

The builds of the table run side by side, once, each in a repository of its own: the classic image store tries a refused push
again for 50 seconds.
"""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from engines import MAY_BE_MISSING, Project, engine_environment

pytestmark = pytest.mark.engine

# Where the cache can be exported it is what the registry is asked for, else the image with its inline cache.
EXPORTS = {"docker26": True, "docker28": True, "docker26-graph": False, "docker20": False}
MODES = ("REJECT", "REJECT_INDEX", "READONLY", "AUTH", "FLAKY", "SLOW")
BUILT = (0, "done", None)
REFUSED = (1, "failed", ("cache-export", "refused", True))


def failed(cause: str, *, exports: bool) -> tuple[int, str, tuple[str, str, bool]]:
    """A failed export, behind the image, or a failed push."""
    return (1, "failed", ("cache-export", cause, True) if exports else ("image-push", cause, False))


def expected(engine: str, mode: str) -> tuple[tuple[object, ...], ...]:
    """What may become of a build."""
    exports = EXPORTS[engine]
    return {
        "REJECT": (REFUSED if exports else BUILT,),
        # docker28's BuildKit writes an image manifest
        "REJECT_INDEX": (REFUSED if engine == "docker26" else BUILT,),
        "READONLY": (failed("denied", exports=exports),),
        "AUTH": (failed("unauthorized", exports=exports),),
        # it hangs up on every third request of whoever asks: who tries again may get through
        "FLAKY": (BUILT, failed("unreachable", exports=exports)),
        "SLOW": (BUILT,),
    }[mode]


TABLE = {(engine, mode): expected(engine, mode) for engine in EXPORTS for mode in MODES}


@pytest.fixture(scope="module")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str, str], tuple[int, str, dict[str, Any]]]:
    """Exit code, words and report of every build of the table."""

    def outcome(engine: str, mode: str) -> tuple[int, str, dict[str, Any]]:
        environ = engine_environment(engine)
        assert environ is not None, engine
        name = f"{uuid.uuid4().hex}/fn"
        asked = f"{environ[f'FAAS_CACHE_TEST_REGISTRY_{mode}']}/{name}"
        image = (
            f"{environ['FAAS_CACHE_TEST_REGISTRY']}/{name}:1" if EXPORTS[engine] else f"{asked}:1"
        )
        project = Project(tmp_path_factory.mktemp(f"{engine}-{mode}"), environ, image)
        setting = (
            {"from": [f"{asked}:cache"], "to": [f"{asked}:cache"]} if EXPORTS[engine] else "inline"
        )
        project.write(setting, name)
        done = project.faas_cache("build", "--push", "--report", "report.json")
        return (
            done.returncode,
            done.stderr,
            json.loads((project.folder / "report.json").read_text())["functions"][0],
        )

    keys = [
        key
        for key in TABLE
        if key[0] not in MAY_BE_MISSING or engine_environment(key[0]) is not None
    ]
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(keys, pool.map(lambda key: outcome(*key), keys), strict=True))


@pytest.mark.parametrize(
    ("engine", "mode"), TABLE, ids=[f"{engine}-{mode.lower()}" for engine, mode in TABLE]
)
def test_outcome(
    outcomes: dict[tuple[str, str], tuple[int, str, dict[str, Any]]], engine: str, mode: str
) -> None:
    """The exit code, what failed and why, and whether the image is there; a missed import is reported and fails nothing."""
    code, said, report = outcomes[engine, mode]
    failure = report["failure"] and tuple(
        report["failure"][key] for key in ("step", "cause", "image_pushed")
    )
    assert (code, report["outcome"], failure) in TABLE[engine, mode], said
    assert "Traceback" not in said
    assert (report["failure"] or {"message": "fn: built"})["message"] in said
    if engine == "docker20":
        assert (report["steps"], "no report of the cache" in said) == ([], True)
    else:
        assert [one["found"] for one in report["imports"]] == [False]
        assert [one["step"] for one in report["notes"]] == ["cache-import"]
        assert [one["cause"] for one in report["notes"]] == [
            "unauthorized" if mode == "AUTH" else "missing"
        ] or mode == "FLAKY"
