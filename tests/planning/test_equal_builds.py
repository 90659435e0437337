"""Rules E7 and E8: functions that are one build, and functions that share an image."""

from typing import Any

import attrs
import pytest

from faas_cache.model.diagnostics import path_text
from faas_cache.model.flags import CacheFlags
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.checks import check
from faas_cache.planning.equal_builds import MAX_PAIRS_OF, equal_builds
from faas_cache.planning.options import BuildOptions
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.resolution import resolve
from faas_cache.stack.combination import combine
from faas_cache.stack.stack_file import Stack
from faas_cache.stack_plan import StackPlan, plan_stack

FN: dict[str, Any] = {"image": "x/fn", "lang": "py", "handler": "./h"}


def plan_of(name: str, **fields: Any) -> BuildPlan:  # noqa: ANN401  # those of FunctionSpec
    """The plan of a function that differs from the others in these fields."""
    return resolve(FunctionSpec(name=name, **{**FN, **fields}))


def stack_plan(
    functions: dict[str, dict[str, Any]],
    *names: str,
    **arguments: Any,  # noqa: ANN401  # those of plan_stack
) -> StackPlan:
    """The plan of these functions."""
    specs = {name: FunctionSpec(name=name, **{**FN, **f}) for name, f in functions.items()}
    return plan_stack(Stack(functions=specs), names=names, **arguments)  # type: ignore[arg-type]


def findings(planned: StackPlan) -> list[tuple[str, str, str]]:
    """Name, severity and key path of each diagnostic."""
    return [(d.name, d.severity, path_text(d.location.path)) for d in planned.diagnostics]


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"handler": "h/"}, True),
        ({"handler": "./g"}, False),
        ({"lang": "go"}, False),
        ({"build_options": ["dev"]}, False),
        ({"build_args": {"A": "1"}}, False),
        ({"build_cache": "inline"}, False),
        ({"context": "src"}, False),
        ({"image": "x/other"}, False),
        ({"extra_tags": ["v1"]}, False),
        ({"builder_flags": ["--x"]}, False),
    ],
)
def test_e8_one_build_is_equal_in_all_that_reaches_the_builder(
    changes: dict[str, Any],
    same: bool,  # noqa: FBT001  # a column of the table
) -> None:
    """E8: the plan without the name, and what the context is made of."""
    plans = [plan_of("first"), plan_of("second", **changes)]
    assert dict(equal_builds(plans)) == ({"second": "first"} if same else {})


def test_e8_an_own_context_may_be_shared() -> None:
    """E8: a context of the functions' own is compared as it is written."""
    plans = [plan_of(name, context="src") for name in ("a", "b", "c")]
    assert dict(equal_builds(plans)) == {"b": "a", "c": "a"}


def test_e8_equal_builds_have_one_command() -> None:
    """E8: under the first of them, for a bake too; the plans of all stay."""
    functions = {"one": FN, "two": FN, "three": {**FN, "image": "x/three"}}
    planned = stack_plan(functions, options=BuildOptions(push=True))
    assert (
        dict(planned.same_as),
        [p.function for p in planned.plans],
        [(c.function, c.kind) for c in planned.commands()],
        planned.commands(bake=True)[0].stdin.count('"context"'),
    ) == (
        {"two": "one"},
        ["one", "two", "three"],
        [("one", "build"), ("one", "push"), ("three", "build"), ("three", "push")],
        2,
    )


def test_e8_contexts_of_an_earlier_run_may_differ() -> None:
    """E8: with prebuilt contexts nothing is grouped."""
    planned = stack_plan({"one": FN, "two": FN}, options=BuildOptions(prebuilt=True))
    assert (dict(planned.same_as), len(planned.commands())) == ({}, 2)


def test_e8_over_several_files() -> None:
    """E8: the context of a function has its name in its own file."""
    text = "provider: {name: openfaas}\nfunctions: {fn%s: {image: x/fn, lang: py, handler: h}}\n"
    stacks = {f"{i}.yml": Stack.loads(text % i, {}) for i in (1, 2)}
    assert dict(plan_stack(combine(stacks)).same_as) == {"2.yml: fn2": "1.yml: fn1"}


def test_e7_two_builds_of_one_image_are_an_error() -> None:
    """E7: with caching or without; only this is reported, and not E5."""
    for setting in (None, "max"):
        functions = {"b": {"build_cache": setting}, "a": {"handler": "g", "build_cache": setting}}
        (fault,) = stack_plan(functions).diagnostics
        assert (fault.name, fault.severity, fault.message, fault.location.path) == (
            "shared-image",
            "error",
            (
                "`a` and `b` build different images under the tag `docker.io/x/fn:latest`, so one"
                " overwrites the other"
            ),
            ("functions", "b", "image"),
        )


def test_e7_counts_extra_tags() -> None:
    """E7: any tag of one build is overwritten by the same tag of another."""
    functions: dict[str, dict[str, Any]] = {
        "a": {"image": "x/fn:1", "extra_tags": ["v"]},
        "b": {"image": "x/fn:v"},
    }
    assert findings(stack_plan(functions)) == [("shared-image", "error", "functions.b.image")]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"handler": "g"}, [("shared-image", "warning", "functions.a.image")]),
        ({"lang": "", "context": "src"}, [("shared-image", "warning", "functions.a.image")]),
        ({"lang": ""}, []),
        ({"handler": "g", "skip_build": True}, []),
        ({"image": "x/other"}, []),
        ({}, []),
    ],
)
def test_e7_a_function_that_is_not_selected_is_a_warning(
    other: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    """E7: if it would itself be built; flags for the cache change nothing."""
    for flags in (CacheFlags(), CacheFlags(enabled=False)):
        planned = stack_plan({"a": FN, "b": other}, "a", flags=flags)
        assert findings(planned) == expected


def test_e7_is_not_a_fault_where_nothing_is_built() -> None:
    """E7: not for a push and not for the contexts alone."""
    for purpose in ("push", "contexts"):
        planned = stack_plan({"a": FN, "b": {"handler": "g"}}, purpose=purpose)
        assert (planned.diagnostics, [p.function for p in planned.plans]) == ((), ["a", "b"])


def test_e7_of_many_functions_is_linear() -> None:
    """E7: with many functions under one tag, each is compared with the first only."""
    plans = [plan_of(f"f{i:03}", handler=str(i)) for i in range(100)]
    assert len(check(plans)) == 99
    assert len(check(plans[:MAX_PAIRS_OF])) == MAX_PAIRS_OF * (MAX_PAIRS_OF - 1) // 2
    assert len(check([attrs.evolve(p, tags=["A"]) for p in plans])) == 0
