"""Rules of a run: what variables, the default of the stack, scope flags and the CI job say."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from faas_cache.model.diagnostics import path_text
from faas_cache.model.errors import InvalidStack
from faas_cache.model.flags import CacheFlags
from faas_cache.planning.options import BuildOptions
from faas_cache.stack.combination import combine
from faas_cache.stack.stack_file import Stack
from faas_cache.stack_plan import PlanInputs, StackPlan, plan_stack


def stack_of(functions: Mapping[str, Any], default: object = None) -> Stack:
    """A stack file with these functions, each with a context, and this default."""
    functions = {name: {"context": f"build/{name}", **f} for name, f in functions.items()}
    text = json.dumps(
        {
            "provider": {"name": "openfaas"},
            "configuration": {"build_cache": default},
            "functions": functions,
        },
        indent=1,
    )
    try:
        return Stack.loads(text, {}, file="stack.yaml")
    except InvalidStack as error:
        assert isinstance(error.stack, Stack)
        return error.stack


def plan(
    functions: Mapping[str, Any],
    default: object = None,
    **arguments: Any,  # noqa: ANN401  # those of plan_stack
) -> StackPlan:
    """The plan of these functions."""
    return plan_stack(stack_of(functions, default), **arguments)


def findings(stack_plan: StackPlan) -> list[tuple[str, str, str]]:
    """Name, severity and key path of each diagnostic."""
    return [(d.name, d.severity, path_text(d.location.path)) for d in stack_plan.diagnostics]


def exports(stack_plan: StackPlan) -> dict[str, list[str]]:
    """The exports of each function."""
    return {p.function: list(map(str, p.cache_to)) for p in stack_plan.plans}


def max_of(image: str, scope: str = "") -> str:
    """The export of `max`."""
    return f"type=registry,ref={image}:buildcache{scope},mode=max"


A, B = {"image": "x/a:1"}, {"image": "x/b:1"}


# D9.


def test_d9_the_default_is_the_setting_of_functions_without_one() -> None:
    """D9: absent and null have the default; a setting, `none` too, replaces it as a whole."""
    result = plan(
        {
            "absent": A,
            "null": {**B, "build_cache": None},
            "none": {"image": "x/c:1", "build_cache": "none"},
            "own": {"image": "x/d:1", "build_cache": {"mode": "max"}},
        },
        {"mode": "max", "scope": "main"},
    )
    assert (exports(result), findings(result)) == (
        {
            "absent": [max_of("x/a", "-main")],
            "null": [max_of("x/b", "-main")],
            "none": [],
            "own": [max_of("x/d")],
        },
        [],
    )


@pytest.mark.parametrize(
    ("environ", "given", "expected"),
    [
        ({}, {}, [max_of("x/a")]),
        ({"FAAS_CACHE_TO": "type=gha"}, {}, ["type=gha"]),
        ({"FAAS_CACHE_TO": "type=gha"}, {"cache_to": "type=inline"}, ["type=inline"]),
        ({"FAAS_BUILD_CACHE": "none"}, {}, []),
        ({"FAAS_BUILD_CACHE": ""}, {}, [max_of("x/a")]),
        ({"FAAS_CACHE_EXPORT": "off"}, {}, []),
        ({"FAAS_CACHE_EXPORT": "off"}, {"export": True}, [max_of("x/a")]),
    ],
)
def test_d9_flag_before_variable_before_function_before_default(
    environ: dict[str, str], given: dict[str, Any], expected: list[str]
) -> None:
    """D9: the precedence of the four."""
    flags = CacheFlags.from_environ(environ, **given)
    assert exports(plan({"a": A}, "max", flags=flags)) == {"a": expected}


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        ("Max", ("invalid-setting", "configuration.build_cache")),
        ({"to": ["gha"]}, ("bare-keyword", "configuration.build_cache.to[0]")),
        ({"mode": "none"}, ("invalid-setting", "configuration.build_cache.mode")),
    ],
)
@pytest.mark.parametrize("functions", [{"a": A, "b": B}, {"a": {**A, "build_cache": "inline"}}])
def test_d9_a_fault_of_the_default_is_reported_once(
    functions: dict[str, Any], default: object, expected: tuple[str, str]
) -> None:
    """D9: at its line, however many functions have the default."""
    result = plan(functions, default)
    name, path = expected
    assert findings(result) == [(name, "error", path)]
    assert result.diagnostics[0].location.line


def test_d9_a_fault_that_depends_on_a_function_names_it() -> None:
    """D9: the default is right for one function, and overwrites the image of the other."""
    result = plan({"a": A, "b": B}, {"to": ["x/b:1"]}, names=["b"])
    assert [(d.name, d.message, d.location.path) for d in result.errors] == [
        (
            "cache-overwrites-image",
            "the cache of `b` would overwrite its own image `docker.io/x/b:1`",
            ("configuration", "build_cache", "to", 0),
        )
    ]


def test_d9_a_default_of_a_wrong_type_is_a_fault() -> None:
    """D9: a mapping without an end is too deep."""
    setting: dict[str, object] = {}
    for _ in range(9):
        setting = {"from": setting}
    assert findings(plan({"a": A}, setting))[0][0] == "invalid-setting"


def test_d9_each_variable_that_changed_a_plan_is_named() -> None:
    """D9: a variable that changed nothing is not."""
    environ = {
        "FAAS_BUILD_CACHE": "max",
        "FAAS_CACHE_SCOPE": "dev",
        "FAAS_CACHE_EXPORT": "on",
        "FAAS_IGNORE_CACHE_ERRORS": "0",
    }
    (planned,) = plan({"a": A}, "max", flags=CacheFlags.from_environ(environ)).plans
    assert [(w.part, w.rule, w.location.path) for w in planned.why if w.rule == "D9"] == [
        ("FAAS_CACHE_SCOPE", "D9", ("FAAS_CACHE_SCOPE",))
    ]


def test_d9_a_variable_that_makes_a_plan_possible_changed_it() -> None:
    """D9: without the variable the function has a fault."""
    flags = CacheFlags.from_environ({"FAAS_BUILD_CACHE": "inline"})
    (planned,) = plan({"a": {**A, "build_cache": "Max"}}, flags=flags).plans
    assert [w.location.path for w in planned.why] == [
        ("FAAS_BUILD_CACHE",),
        ("FAAS_BUILD_CACHE",),
        ("FAAS_BUILD_CACHE",),
        ("FAAS_BUILD_CACHE",),
    ]


def test_d9_a_fault_of_a_variable_is_at_its_name() -> None:
    """D9: its key path begins with the variable."""
    flags = CacheFlags.from_environ({"FAAS_CACHE_TO": "type=gha\ngha"})
    assert findings(plan({"a": A}, flags=flags)) == [("bare-keyword", "error", "FAAS_CACHE_TO[1]")]


def test_d9_each_of_several_files_has_its_own_default() -> None:
    """D9: the default of one file is not that of another, and its faults are in its file."""
    stacks = {
        "a.yml": stack_of({"fn": A}, {"mode": "max", "repository": "x/cache"}),
        "b.yml": stack_of({"fn": B, "own": {**B, "build_cache": "max"}}, {"to": ["gha"]}),
    }
    result = plan_stack(combine(stacks))
    assert exports(result) == {
        "a.yml: fn": ["type=registry,ref=x/cache:fn.buildcache,mode=max"],
        "b.yml: own": [max_of("x/b")],
    }
    (fault,) = result.errors
    assert (fault.name, fault.location.line) == (
        "bare-keyword",
        stacks["b.yml"].locate(("configuration", "build_cache", "to", 0)).line,
    )


# D6.


@pytest.mark.parametrize(
    ("functions", "flags", "expected"),
    [
        ({"a": {**A, "build_cache": "max"}}, {"scope": "x"}, []),
        ({"a": A, "b": {**B, "build_cache": {"mode": "max"}}}, {"scope": "x"}, []),
        (
            {"a": {**A, "build_cache": "inline"}, "b": {**B, "build_cache": "max"}},
            {"scope": "x"},
            [("unused-scope", "note", "--cache-scope")],
        ),
        ({"a": A}, {"scope": "x"}, [("unused-scope", "error", "--cache-scope")]),
        (
            {"a": {**A, "build_cache": "inline"}},
            {"fallback_scopes": ["x"]},
            [("unused-scope", "error", "--cache-scope-fallback")],
        ),
        ({"a": A}, {"scope": "x", "enabled": False}, []),
        ({"a": A}, {"scope": "x", "build_cache": "max"}, []),
    ],
)
def test_d6_a_scope_flag_that_misses_functions_is_one_note(
    functions: dict[str, Any], flags: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    """D6: a note that names them, and an error if the flag reaches none."""
    assert findings(plan(functions, flags=CacheFlags(**flags))) == expected


def test_d6_the_note_names_the_functions() -> None:
    """D6: a long list is cut."""
    functions = {
        f"f{i:02}": {"image": f"x/f{i}:1", "build_cache": "inline" if i else "max"}
        for i in range(13)
    }
    (note,) = plan(functions, flags=CacheFlags(scope="x")).diagnostics
    names = ", ".join(f"`f{i:02}`" for i in range(1, 11))
    assert note.message == (
        f"the cache scope does not apply to {names} and 2 more, because it only changes the cache of `max`"
    )


# D10.

PULL_REQUEST = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_BASE_REF": "main",
}
BRANCH = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push"}
MAX = {**A, "build_cache": "max"}


@pytest.mark.parametrize(
    ("environ", "flags", "expected"),
    [
        (PULL_REQUEST, {"export": "auto"}, []),
        (PULL_REQUEST, {"export": "auto", "cache_to": "type=gha"}, []),
        (BRANCH, {"export": "auto"}, [max_of("x/a")]),
        ({"CI": "true"}, {"export": "auto"}, [max_of("x/a")]),
        ({}, {"export": "auto"}, []),
        (None, {"export": "auto"}, []),
        ({}, {"export": "on"}, [max_of("x/a")]),
        ({}, {"export": "off"}, []),
    ],
)
def test_d10_auto_is_what_the_environment_says(
    environ: dict[str, str] | None, flags: dict[str, Any], expected: list[str]
) -> None:
    """D10: off in pull requests and outside of CI; the request keeps the word."""
    result = plan({"a": MAX}, flags=CacheFlags(**flags), inputs=PlanInputs(environ=environ))
    assert (exports(result), result.request.flags) == ({"a": expected}, CacheFlags(**flags))


UNTRUSTED = [("untrusted-export", "warning", "functions.a.build_cache")]
ENTRY = [("untrusted-export", "warning", "functions.a.build_cache.to[0]")]
PUSH = {"options": BuildOptions(push=True)}


@pytest.mark.parametrize(
    ("environ", "setting", "flags", "more", "expected"),
    [
        (PULL_REQUEST, "max", {}, {}, UNTRUSTED),
        (BRANCH, "max", {}, {}, []),
        ({}, "max", {}, {}, []),
        (PULL_REQUEST, "max", {"export": "auto"}, {}, []),
        (PULL_REQUEST, "max", {"scope": "x", "fallback_scopes": ["main"]}, {}, []),
        (PULL_REQUEST, "max", {"scope": "x"}, PUSH, []),
        (PULL_REQUEST, "max", {"scope": "main"}, {}, UNTRUSTED),
        (PULL_REQUEST, "max", {"scope": "x", "fallback_scopes": ["x"]}, {}, UNTRUSTED),
        (PULL_REQUEST, {"mode": "max", "scope": "x"}, {}, {}, []),
        (PULL_REQUEST, {"from": ["x/a:c"], "to": ["x/a:c"]}, {}, {}, ENTRY),
        (PULL_REQUEST, {"to": ["type=gha"]}, {}, {}, []),
        (PULL_REQUEST, {"to": ["type=inline"]}, {}, {}, []),
        (PULL_REQUEST, {"to": ["type=inline"]}, {}, PUSH, ENTRY),
        (PULL_REQUEST, "inline", {}, {}, []),
        (PULL_REQUEST, "inline", {}, PUSH, UNTRUSTED),
        (PULL_REQUEST, "inline", {}, {"options": BuildOptions(push=True, tag="sha")}, []),
    ],
)
def test_d10_an_export_that_a_pull_request_leaves_on_is_a_warning(
    environ: dict[str, str],
    setting: object,
    flags: dict[str, Any],
    more: dict[str, Any],
    expected: list[tuple[str, str, str]],
) -> None:
    """D10: unless the cache is one that no other branch imports."""
    inputs = PlanInputs(environ=environ, tags={"a": "1a2b3c4"})
    functions = {"a": {**A, "build_cache": setting}}
    result = plan(functions, flags=CacheFlags(**flags), inputs=inputs, **more)
    assert [item for item in findings(result) if item[0] == "untrusted-export"] == expected


def test_d10_the_warning_says_what_to_write() -> None:
    """D10: the flags, with the branch that the request is for."""
    (warning,) = plan({"a": MAX}, inputs=PlanInputs(environ=PULL_REQUEST)).diagnostics
    assert (warning.message, warning.hint) == (
        f"a pull request exports the cache `{max_of('x/a')}` of `a`, which other branches import",
        "add `--cache-export auto`, or `--cache-scope BRANCH --cache-scope-fallback main`",
    )


def test_d10_a_plan_keeps_what_tells_about_the_job() -> None:
    """D10: of the environment, only what the table needs; a URL is present or not."""
    environ = {"JENKINS_URL": "https://u:s3cr3t@h/", "CHANGE_ID": "7", "CHANGE_TARGET": "main"}
    result = plan({"a": MAX}, inputs=PlanInputs(environ=environ))
    assert (dict(result.inputs.environ or {}), findings(result)) == (
        {"JENKINS_URL": "1", "CHANGE_ID": "1", "CHANGE_TARGET": "main"},
        UNTRUSTED,
    )
