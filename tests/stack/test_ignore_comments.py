"""`# faas-cache: ignore=NAME` in a stack file."""

from __future__ import annotations

import pytest

from faas_cache.planning.options import BuildOptions
from faas_cache.stack.combination import combine
from faas_cache.stack.ignore_comments import ignored_names
from faas_cache.stack.stack_file import Stack
from faas_cache.stack_plan import plan_stack

SECRET = "cached-secret"
# A stack with one warning, and where a comment can stand in it.
TEXT = """\
provider: {{name: openfaas}}
functions:{functions}
{above}  fn:{function}
    image: a/b:1{image}
    context: .
    build_cache: max
    {before}build_secrets:{key}
      a: /a{value}
"""
PLACES = ("functions", "above", "function", "image", "before", "key", "value")


def stack(*, file: str | None = None, **places: str) -> Stack:
    """The stack with comments in these places."""
    return Stack.loads(TEXT.format_map(dict.fromkeys(PLACES, "") | places), {}, file=file)


@pytest.mark.parametrize(
    ("place", "comment", "ignored"),
    [
        ("key", "  # faas-cache: ignore=cached-secret", True),
        ("key", " #faas-cache:ignore=cached-secret (why)", True),
        ("key", " # faas-cache: ignore=unknown-key, cached-secret", True),
        ("function", " # faas-cache: ignore=cached-secret", True),
        ("functions", " # faas-cache: ignore=cached-secret", True),
        ("above", "  # faas-cache: ignore=cached-secret\n\n  # why\n", True),
        ("before", "# faas-cache: ignore=cached-secret\n    ", True),
        ("image", " # faas-cache: ignore=cached-secret", False),
        ("value", " # faas-cache: ignore=cached-secret", False),
        ("key", " # faas-cache: ignore=cached-secrets", False),
        ("key", " # faas-cache: ignore=*", False),
        ("key", " # faas-cache: cached-secret", False),
        ("key", " # xfaas-cache: ignore=cached-secret", False),
    ],
)
def test_places(place: str, comment: str, ignored: bool) -> None:  # noqa: FBT001  # a column of the table
    """At the key, above it, and at each key around it; `--strict` comes after that."""
    for strict in (False, True):
        plan = plan_stack(stack(**{place: comment}), strict=strict)
        assert [d.name for d in plan.diagnostics] == ([] if ignored else [SECRET])


def test_warnings_about_the_text() -> None:
    """Those that are known when the file is read are switched off as well."""
    text = (
        "provider: {name: openfaas}\nfunctions:\n  fn:\n    image: a${X} # faas-cache: ignore=unset-variable\n"
        "    foo: 1 # faas-cache: ignore=unknown-key\n    bar: 1\n"
    )
    loaded = Stack.loads(text, {})
    assert [d.location.path[-1] for d in loaded.diagnostics] == ["bar"]


def test_errors_stay() -> None:
    """An error stops the build, whatever a comment says."""
    text = "provider: {name: openfaas}\nfunctions:\n  fn: {lang: x} # faas-cache: ignore=missing-image\n"
    assert [d.name for d in plan_stack(Stack.loads(text, {})).diagnostics] == ["missing-image"]


def test_diagnostics_that_are_not_in_the_file() -> None:
    """A comment does not reach what a flag causes."""
    loaded = stack(functions=" # faas-cache: ignore=cached-secret,unused-scope")
    options = BuildOptions(build_args={"A": "1"})
    plan = plan_stack(loaded, options=options, names=["other"])
    assert [d.name for d in plan.diagnostics] == ["unknown-function"]


def test_each_file_of_several_has_its_own_comments() -> None:
    """A comment of one file does not change what is reported of another."""
    stacks = {
        "a.yml": stack(key=" # faas-cache: ignore=cached-secret", file="a.yml"),
        "b.yml": stack(file="b.yml"),
    }
    reported = plan_stack(combine(stacks)).diagnostics
    named = [(d.name, d.location.file) for d in reported if d.severity == "warning"]
    assert named == [(SECRET, "b.yml")]
    plan = plan_stack(combine(stacks), names=["other"])
    assert [d.name for d in plan.diagnostics] == ["unknown-function"]


def test_ignored_names() -> None:
    """By line; a comment that nothing follows applies to nothing."""
    text = (
        "a: 1 # faas-cache: ignore=x\r\n# faas-cache: ignore=y,z # c\n#\n\nb: 1 # faas-cache: ignore=w\n"
        "c: 1\n# faas-cache: ignore=v\n"
    )
    assert ignored_names(text) == {1: {"x"}, 5: {"w", "y", "z"}}
