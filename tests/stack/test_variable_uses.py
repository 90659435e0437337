"""Variables without a value, and variables that hold the name of a branch."""

from __future__ import annotations

import pytest

from faas_cache.model.diagnostics import Diagnostic, path_text
from faas_cache.model.errors import InvalidStack
from faas_cache.planning.requests import Purpose
from faas_cache.stack.stack_file import Stack
from faas_cache.stack_plan import plan_stack

HEAD = "provider: {name: openfaas}\nfunctions:\n"


def diagnostics(text: str, environ: dict[str, str]) -> tuple[Diagnostic, ...]:
    """Those of a stack file, and of its plan."""
    try:
        return plan_stack(Stack.loads(text, environ)).diagnostics
    except InvalidStack as error:
        return error.diagnostics


def unset(text: str, environ: dict[str, str]) -> list[tuple[str, str, str]]:
    """Key path, message and the default of the hint, of each `unset-variable`."""
    return [
        (path_text(d.location.path), d.message, d.hint.rpartition(" ")[2])
        for d in diagnostics(text, environ)
        if d.name == "unset-variable"
    ]


# The function, the environment, key path, message and hint of what is reported.
CASES: dict[str, tuple[str, dict[str, str], list[tuple[str, str, str]]]] = {
    "image": (
        "image: 'a/b:${TAG}'",
        {},
        [("image", "the variable `TAG` is not set, so the image is `a/b:`", "`${TAG:-latest}`")],
    ),
    "no-image": (
        "image: ${IMAGE}",
        {},
        [("image", "the variable `IMAGE` is not set, so there is no image", "`${IMAGE:-latest}`")],
    ),
    "empty": (
        "image: ${R}a/b",
        {"R": ""},
        [("image", "the variable `R` is empty, so the image is `a/b`", "`${R:-latest}`")],
    ),
    "entry": (
        "image: a/b\n    build_cache: {from: [a/b:c, 'a/b:c-${BRANCH}']}",
        {},
        [
            (
                "build_cache.from[1]",
                "the variable `BRANCH` is not set, so the cache setting is `a/b:c-`",
                "`${BRANCH:-main}`",
            )
        ],
    ),
    "scope": (
        "image: a/b\n    build_cache: {mode: max, scope: 'x-${BRANCH}'}",
        {},
        [
            (
                "build_cache.scope",
                "the variable `BRANCH` is not set, so the cache setting is `x-`",
                "`${BRANCH:-main}`",
            )
        ],
    ),
    "argument": (
        "image: a/b\n    build_args: {A: 'x${SHA}'}",
        {},
        [
            (
                "build_args.A",
                "the variable `SHA` is not set, so the build argument `A` is incomplete",
                "`${SHA:-unknown}`",
            )
        ],
    ),
    "arguments-without-quotes": (
        "image: a/b\n    build_args: {A: ${A}, B: b, C: ${C}}",
        {"A": "a"},
        [
            (
                "build_args.C",
                "the variable `C` is not set, so the build argument `C` is incomplete",
                "`${C:-unknown}`",
            )
        ],
    ),
    "argument-at-the-end": (
        "image: a/b\n    build_args:\n      A: ${A}",
        {},
        [
            (
                "build_args.A",
                "the variable `A` is not set, so the build argument `A` is incomplete",
                "`${A:-unknown}`",
            )
        ],
    ),
    "argument-that-is-empty": ("image: a/b\n    build_args: {A: '${A}'}", {"A": ""}, []),
    "proxy": ("image: a/b\n    build_args: {HTTPS_PROXY: '${HTTPS_PROXY}'}", {}, []),
    "default": ("image: 'a/b:${TAG:-1}'", {}, []),
    "empty-default": ("image: '${R:-}a/b${S=}'", {}, []),
    "default-without-a-value": (
        "image: 'a/b:1${A:-${B}}'",
        {},
        [("image", "the variable `B` is not set, so the image is `a/b:1`", "`${B:-latest}`")],
    ),
    "default-with-a-value": ("image: 'a/b:1${A:-${B}}'", {"B": "b"}, []),
    "second-default": ("image: 'a/b:1${A:-x${B}}'", {}, []),
    "changed": (
        "image: 'a/b:1${A//x/y}'",
        {},
        [("image", "the variable `A` is not set, so the image is `a/b:1`", "`${A:-latest}`")],
    ),
    "cut": ("image: 'a/b:1${A:5}'", {"A": "abc"}, []),
    "length": ("image: 'a/b:1${#A}'", {}, []),
    "environment": ("image: a/b\n    environment: {A: '${A}'}", {}, []),
    "comment": ("image: a/b # ${A}", {}, []),
    "empty-entry": ("image: a/b\n    build_cache: {from: [ '${A}' ]}", {}, []),
}


@pytest.mark.parametrize("name", CASES)
def test_a_variable_without_a_value(name: str) -> None:
    """A warning at each image, cache setting and build argument that it leaves incomplete."""
    function, environ, expected = CASES[name]
    prefix = "functions.fn."
    assert unset(f"{HEAD}  fn:\n    lang: x\n    {function}\n", environ) == [
        (f"{prefix}{path}", message, hint) for path, message, hint in expected
    ]


@pytest.mark.parametrize(("purpose", "count"), [("build", 0), ("contexts", 0), ("push", 1)])
def test_what_is_only_deployed_has_no_image_to_build(purpose: Purpose, count: int) -> None:
    """A push takes every image."""
    stack = Stack.loads(f"{HEAD}  fn: {{image: 'a/b:${{TAG}}'}}\n", {})
    names = [d.name for d in plan_stack(stack, purpose=purpose).diagnostics]
    assert names.count("unset-variable") == count


def test_the_default_of_the_stack() -> None:
    """It is checked once, at its line."""
    text = f"configuration: {{build_cache: {{from: ['a/c:${{B}}x']}}}}\n{HEAD}  a: {{image: a}}\n"
    (warning,) = (d for d in diagnostics(text, {}) if d.name == "unset-variable")
    assert (path_text(warning.location.path), warning.location.line) == (
        "configuration.build_cache.from[0]",
        1,
    )


@pytest.mark.parametrize("tree", ["x", "functions: x", "functions: {fn: x}", "configuration: x"])
def test_other_trees(tree: str) -> None:
    """A file that is not a stack has no such warnings."""
    assert unset(f"{tree} # ${{A}}", {}) == []


BROKEN = [
    ("image: fa:${TAG}", {}, "TAG"),
    ("image: ${REGISTRY}:${TAG}", {}, "TAG"),
    ("image: fa:${A:-${B}}", {}, "B"),
    ("image: fa:${TAG}", {"TAG": ""}, "TAG"),
]


@pytest.mark.parametrize(("line", "environ", "name"), BROKEN)
def test_yaml_that_is_invalid_without_a_value(
    line: str, environ: dict[str, str], name: str
) -> None:
    """The error and its hint name the variable, at its line."""
    (error,) = diagnostics(f"{HEAD}  fn:\n    {line}\n", environ)
    assert (error.name, error.location.line, error.message, error.hint) == (
        "invalid-yaml",
        4,
        (
            "invalid YAML: mapping values are not allowed in this context, because the variable"
            f" `{name}` has no value"
        ),
        f"set the variable, or give it a default, such as `${{{name}:-latest}}`",
    )


def test_yaml_that_is_invalid_anyway() -> None:
    """A variable without a value is not to blame."""
    (error,) = diagnostics(f"{HEAD}  fn: [\n    image: '${{TAG}}'\n", {})
    assert "TAG" not in error.message + error.hint


def test_in_a_flow_mapping_the_warning_is_beside_the_error() -> None:
    """There `fa:` is a text."""
    found = diagnostics(f"{HEAD}  fn: {{image: fa:${{TAG}}, lang: x}}\n", {})
    assert [(d.name, d.location.line) for d in found] == [
        ("unset-variable", 3),
        ("invalid-reference", 3),
    ]


def test_a_warning_about_a_variable_stays_beside_errors() -> None:
    """It may be the reason for one."""
    text = f"{HEAD}  fn: {{context: ., image: 'a/b:${{TAG}}', pull: maybe}}\n"
    assert [d.name for d in diagnostics(text, {})] == ["invalid-type", "unset-variable"]


# Branches.

SLASHES = "write `${BRANCH//\\//-}`, which replaces each `/` with `-`"
SCOPE = ", or `build_cache: {mode: max, scope: '${BRANCH}'}`"


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        ("image: 'ghcr.io/a/b:${BRANCH}'", SLASHES),
        ("image: 'localhost:5000/a/b:v-${BRANCH}'", SLASHES),
        ("image: a/b\n    build_cache: {to: ['a/b:c-${BRANCH}']}", SLASHES + SCOPE),
        (
            "image: a/b\n    build_cache: {to: ['type=registry,ref=a/b:c-${BRANCH},mode=max']}",
            SLASHES + SCOPE,
        ),
    ],
)
def test_a_tag_with_the_name_of_a_branch(function: str, hint: str) -> None:
    """The hint names the variable, and for a cache a scope."""
    text = f"{HEAD}  fn:\n    context: .\n    {function}\n"
    hints = {d.hint for d in diagnostics(text, {"BRANCH": "feature/x"}) if d.severity == "error"}
    assert hints == {hint}


@pytest.mark.parametrize(
    ("image", "branch"),
    [("a/b:${BRANCH}", "x#1"), ("a/${BRANCH}", "Feature/x"), ("localhost:5000/${BRANCH}:_", "a/B")],
)
def test_other_invalid_references(image: str, branch: str) -> None:
    """The hint is that of the reference where no `/` in the tag comes from a variable."""
    (error,) = diagnostics(f"{HEAD}  fn: {{context: ., image: '{image}'}}\n", {"BRANCH": branch})
    assert error.name == "invalid-reference"
    assert "BRANCH" not in error.hint


def test_the_advice_is_valid() -> None:
    """What the hint shows gives a valid tag."""
    text = f"{HEAD}  fn: {{image: 'a/b:${{BRANCH//\\//-}}'}}\n"
    assert Stack.loads(text, {"BRANCH": "a/b/c"}).functions["fn"].image == "a/b:a-b-c"
