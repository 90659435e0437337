"""Results as values."""

import pickle

import attrs
import pytest

from faas_cache.buildkit.events import Status
from faas_cache.buildkit.explanations import Explanation
from faas_cache.buildkit.messages import FailedStep
from faas_cache.buildkit.reports import CacheReport, Step
from faas_cache.model.errors import InvalidInput
from faas_cache.runner.results import BuildResult, FunctionResult
from faas_cache.serialization import to_dict

DIGEST = "sha256:" + "a" * 64
FAILURE = Explanation(
    function="fn",
    severity="error",
    step="build-step",
    cause="failed",
    image_pushed=False,
    message="m",
    fix="f",
    url="u",
)


def test_a_result_is_a_value() -> None:
    """Compared, hashed and pickled; lists become tuples."""
    result = FunctionResult(
        name="fn", status="failed", exit_code=1, tags=["a:1"], explanation=FAILURE, notes=[FAILURE]
    )
    whole = BuildResult(functions=[result])
    assert pickle.loads(pickle.dumps(whole)) == whole
    assert (hash(whole), result.tags, result.notes) == (
        hash(BuildResult(functions=(attrs.evolve(result),))),
        ("a:1",),
        (FAILURE,),
    )
    assert result.report == CacheReport(function="fn")
    assert repr(whole).startswith(
        "BuildResult(functions=(FunctionResult(name='fn', status='failed'"
    )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", 1, "invalid `name` of FunctionResult: got int"),
        ("status", "done", "invalid `status` of FunctionResult: got str"),
        ("exit_code", True, "invalid `exit_code` of FunctionResult: got bool"),
        ("exit_code", "1", "invalid `exit_code` of FunctionResult: got str"),
        ("seconds", "1", "invalid `seconds` of FunctionResult: got str"),
        ("attempts", 1.5, "invalid `attempts` of FunctionResult: got float"),
        ("tags", "a:1", "invalid `tags` of FunctionResult: got str"),
        ("tags", [1], "invalid `tags` of FunctionResult: got int"),
        ("digest", 1, "invalid `digest` of FunctionResult: got int"),
        ("report", None, "invalid `report` of FunctionResult: got NoneType"),
        ("explanation", "text", "invalid `explanation` of FunctionResult: got str"),
        ("notes", ["text"], "invalid `notes` of FunctionResult: got str"),
    ],
)
def test_wrong_types_are_rejected_with_the_name_of_the_field(
    field: str, value: object, message: str
) -> None:
    """An `InvalidInput`, which has exit code 2."""
    with pytest.raises(InvalidInput) as caught:
        FunctionResult(**({"name": "fn", "status": "built"} | {field: value}))  # type: ignore[arg-type]  # the wrong type is the claim
    assert [d.message for d in caught.value.diagnostics] == [message]


def result(status: Status, step: FailedStep | None = None, name: str = "") -> FunctionResult:
    """A result, with a failure at a step."""
    failure = attrs.evolve(FAILURE, step=step, name=name) if step else None
    return FunctionResult(name="fn", status=status, explanation=failure)


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([], 0),
        ([result("built"), result("pushed")], 0),
        ([result("built"), result("failed", "build-step")], 1),
        ([result("failed")], 1),
        ([result("failed", "build-step"), result("failed", "daemon")], 3),
        ([result("failed", "front-end")], 1),
        ([result("failed", "front-end", "unknown-builder")], 3),
        ([result("stopped")], 1),
        ([result("timed out")], 1),
        ([result("not started")], 1),
    ],
)
def test_exit_codes(results: list[FunctionResult], code: int) -> None:
    """0 only if all was built or pushed; 3 if the builder is the cause."""
    whole = BuildResult(functions=results)
    assert (whole.exit_code, whole.ok) == (code, code == 0)


def test_the_report_of_a_run_is_that_of_all_its_functions() -> None:
    """Their steps together."""
    steps = (
        Step(name="[1/2] RUN a", kind="build", cached=True, finished=True),
        Step(name="[2/2] RUN b", kind="build", finished=True),
    )
    results = [
        FunctionResult(name=name, status="built", report=CacheReport(function=name, steps=(step,)))
        for name, step in zip("ab", steps, strict=True)
    ]
    report = BuildResult(functions=results).report
    assert (report.function, report.steps, report.hit_ratio) == ("", steps, 0.5)


def test_e8_equal_builds_count_once() -> None:
    """E8: the report of all functions has the steps of one build once."""
    step = Step(name="[1/1] RUN a", kind="build", finished=True)
    report = CacheReport(function="fn", steps=(step,))
    first = FunctionResult(name="fn", status="built", report=report)
    same = FunctionResult(name="two", status="built", report=report, same_as="fn")
    assert BuildResult(functions=[first, same]).report.steps == (step,)


@pytest.mark.parametrize(
    ("status", "tags", "digest", "image"),
    [
        ("pushed", ["a/fn:1", "a/fn:2"], DIGEST, f"a/fn@{DIGEST}"),
        ("pushed", ["localhost:5000/fn"], DIGEST, f"localhost:5000/fn@{DIGEST}"),
        ("pushed", [f"a/fn:1@{DIGEST}"], DIGEST, f"a/fn@{DIGEST}"),
        ("pushed", ["a/fn:1"], None, "a/fn:1"),
        ("built", ["a/fn:1"], DIGEST, "a/fn:1"),
        ("failed", [], None, ""),
    ],
)
def test_the_image_to_deploy(
    status: Status, tags: list[str], digest: str | None, image: str
) -> None:
    """By its digest once it is in the registry, which no later push can move."""
    result = FunctionResult(name="fn", status=status, tags=tags, digest=digest)
    assert (result.image, to_dict(result)["image"]) == (image, image)


def test_a_run_with_a_failure_has_no_share_of_the_cache() -> None:
    """Its steps are counted all the same."""
    hit = Step(name="[2/2] RUN a", kind="build", cached=True, finished=True)
    reports = [CacheReport(function="fn", steps=(hit,), complete=done) for done in (True, False)]
    functions = [FunctionResult(name="fn", status="built", report=report) for report in reports]
    results = [BuildResult(functions=functions[:count]) for count in (1, 2)]
    assert [(r.report.cached, r.report.hit_ratio) for r in results] == [(1, 1.0), (2, None)]
