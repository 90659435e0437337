"""`compare`: what changed between two runs."""

import json
from contextlib import suppress
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import instance_of

from faas_cache.buildkit.reports import CacheReport, Step
from faas_cache.comparison import Report, compare
from faas_cache.model.errors import InvalidInput
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.inputs import BuildInputs, Comparison
from faas_cache.runner.results import BuildResult, FunctionResult
from faas_cache.serialization import to_dict

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda items: st.lists(items) | st.dictionaries(st.text(), items),
    max_leaves=5,
)
CACHE = "r.test/fn:buildcache"
GONE = "r.test/fn:gone"
ONE, TWO = (f"sha256:{digit * 64}" for digit in "12")
INPUTS = BuildInputs(build_args=FrozenMap(SHA=ONE), imports=(CACHE,), exports=(CACHE,))
IMPORT = Step(name=f"importing cache manifest from {CACHE}", kind="import", finished=True)


def result(
    name: str = "fn", inputs: BuildInputs | None = INPUTS, *, cached: str = "", found: bool = True
) -> FunctionResult:
    """A result whose instructions were cached (`y`) or not (`n`)."""
    steps = tuple(
        Step(name=f"[{i}/9] RUN a", kind="build", cached=word == "y", finished=True)
        for i, word in enumerate(cached, 2)
    )
    imported = IMPORT if found else attrs.evolve(IMPORT, error="not found")
    report = CacheReport(function=name, steps=(imported, *steps))
    return FunctionResult(name=name, status="built", attempts=1, inputs=inputs, report=report)


def with_export(function: FunctionResult, error: str = "") -> FunctionResult:
    """The result with an export, which may have failed without failing the build."""
    step = Step(name="exporting cache to registry", kind="export", finished=True, error=error)
    report = attrs.evolve(function.report, steps=(*function.report.steps, step))
    return attrs.evolve(function, report=report)


def with_import(function: FunctionResult) -> FunctionResult:
    """The result with another import, which found nothing."""
    name = f"importing cache manifest from {GONE}"
    step = attrs.evolve(IMPORT, name=name, error="not found")
    report = attrs.evolve(function.report, steps=(step, *function.report.steps))
    return attrs.evolve(function, report=report)


def run(*functions: FunctionResult) -> BuildResult:
    """The result of a run."""
    return BuildResult(functions=functions)


OTHER = attrs.evolve(INPUTS, build_args=FrozenMap(SHA=TWO))
READS = attrs.evolve(INPUTS, exports=())
SINCE = (
    f"fn: the cache `{CACHE}` was written since by another function,"
    " or by a build with other inputs"
)
NOTHING = "fn: nothing that we know of changed"


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ((result(),), (result(inputs=OTHER),), ["fn: build argument `SHA` changed"]),
        ((result(),), (result(cached="yn"),), [NOTHING]),
        # The cache was found, and nothing matched, although the inputs are those that wrote it.
        ((result(),), (result(cached="nn"),), [SINCE]),
        ((result(),), (result(cached="nn", found=False),), [NOTHING]),
        ((result(inputs=READS),), (result(cached="nn"),), [NOTHING]),
        # It is not known that the earlier build wrote it.
        ((attrs.evolve(result(), status="failed"),), (result(cached="nn"),), [NOTHING]),
        ((with_export(result(), error="denied"),), (result(cached="nn"),), [NOTHING]),
        ((with_export(result()),), (result(cached="nn"),), [SINCE]),
        (
            (result(),),
            (result(inputs=OTHER, cached="nn"),),
            ["fn: build argument `SHA` changed"],
        ),
        # Of two caches, the one that was found is named; the other one was deleted.
        (
            (result(inputs=attrs.evolve(INPUTS, exports=(CACHE, GONE))),),
            (with_import(result(cached="nn", inputs=attrs.evolve(INPUTS, imports=(GONE, CACHE)))),),
            [SINCE],
        ),
        (
            (result(inputs=attrs.evolve(INPUTS, exports=(GONE,))),),
            (with_import(result(cached="nn", inputs=attrs.evolve(INPUTS, imports=(GONE, CACHE)))),),
            [NOTHING],
        ),
        # Another function that wrote it is named, in whichever report it is.
        (
            (result(), result("two")),
            (result(cached="nn"),),
            [f"fn: the cache `{CACHE}` was written by another function, `two`"],
        ),
        (
            (result(inputs=READS),),
            (result(cached="nn", inputs=READS), result("two", cached="y")),
            [
                f"fn: the cache `{CACHE}` was written by another function, `two`",
                "two: the earlier report does not have this function",
            ],
        ),
        (
            (result("two"),),
            (result(cached="nn"),),
            [
                f"fn: the cache `{CACHE}` was written by another function, `two`",
                "fn: the earlier report does not have this function",
            ],
        ),
        ((result(inputs=None),), (result(),), ["fn: a report has no digests of this function"]),
        ((result(),), (result(inputs=None),), ["fn: a report has no digests of this function"]),
        # What was not started was not built.
        ((result(),), (FunctionResult(name="fn", status="not started"),), []),
        (
            (FunctionResult(name="fn", status="not started"),),
            (result(),),
            ["fn: the earlier report does not have this function"],
        ),
    ],
)
def test_compare(
    old: tuple[FunctionResult, ...], new: tuple[FunctionResult, ...], lines: list[str]
) -> None:
    """For each function of the new run; values and JSON give the same."""
    comparisons = compare(run(*old), run(*new))
    as_json = [json.loads(json.dumps(to_dict(run(*functions)))) for functions in (old, new)]
    assert "\n".join(map(str, comparisons)).splitlines() == lines
    assert compare(*as_json) == comparisons


@pytest.mark.parametrize(
    ("cached", "missed"), [("yy", False), ("yn", True), ("nn", True), ("", True)]
)
def test_a_comparison_knows_whether_steps_ran(cached: str, *, missed: bool) -> None:
    """Where the builder printed no steps, it is not known, and may be so."""
    (comparison,) = compare(run(result()), run(result(cached=cached)))
    assert comparison.missed is missed


def test_masked_names_are_named() -> None:
    """Because a change of their values would not be noticed."""
    inputs = attrs.evolve(INPUTS, masked_args=("TOKEN",), secrets=("conf",))
    (comparison,) = compare(run(result(inputs=inputs)), run(result(inputs=inputs)))
    assert comparison == Comparison(function="fn", unrecorded=("TOKEN", "conf"))


@given(instance_of("BuildResult"))
def test_a_run_compared_with_itself(result: BuildResult) -> None:
    """Nothing changed but the caches of functions that share one, masked or not."""
    forms: tuple[Report, ...] = (result, to_dict(result))
    for form in forms:
        kinds = {change.kind for c in compare(form, form) for change in c.changes}
        assert kinds <= {"cache"}


def form(**changed: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON
    """A report with other values."""
    return to_dict(run(result(cached="y"))) | changed


def test_a_report_of_another_version_will_do() -> None:
    """Only the inputs must have the right form; keys that are unknown do not matter."""
    data = form(new_key=1, masked=True)
    data["functions"][0] |= {"report": {"steps": "other"}, "status": "other", "new_key": 1}
    (comparison,) = compare(run(result(inputs=OTHER)), data)
    assert str(comparison) == "fn: build argument `SHA` changed"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "expected a report of faas-cache"),
        ({}, "expected a report of faas-cache"),
        (form(type="Stack"), "expected a report of faas-cache"),
        (form(version=99), "version 99 of the report is newer than the supported version 1"),
        (form(version="1"), "expected an integer, got a string"),
        (form(functions=1), "expected a list, got an integer"),
        (form(functions=[1]), "expected a mapping, got an integer"),
        (form(functions=[{"attempts": 1}]), "missing key `name`"),
        (
            form(functions=[{"attempts": 1, "name": "fn", "inputs": 1}]),
            "expected a mapping, got an integer",
        ),
    ],
)
def test_other_data_is_rejected(data: Any, message: str) -> None:  # noqa: ANN401  # any JSON
    """With what is wrong."""
    with pytest.raises(InvalidInput) as caught:
        compare(data, run())
    assert [diagnostic.message for diagnostic in caught.value.diagnostics] == [message]


@given(st.data())
def test_any_data_is_compared_or_rejected(data: st.DataObject) -> None:
    """With one kind of error, wherever a report is damaged."""
    report: Any = to_dict(run(result(cached="y")))
    at: Any = report
    while True:
        key = data.draw(st.sampled_from([*at] if isinstance(at, dict) else range(len(at))))
        inner = at[key]
        if not (isinstance(inner, (dict, list)) and inner and data.draw(st.booleans())):
            break
        at = inner
    at[key] = data.draw(ANYTHING)
    with suppress(InvalidInput):
        assert isinstance(compare(report, report), tuple)
