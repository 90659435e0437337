"""`BuildPlan` as a value: what its constructor accepts, equality, and `.why`."""

from pathlib import PurePosixPath
from typing import Any

import attrs
import pytest

from faas_cache.model.diagnostics import Diagnostic, path_text
from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.plan import BuildPlan, Origin
from faas_cache.planning.resolution import resolve

PLAN = BuildPlan(function="fn", tags=["a/fn:1"])


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("tags", ["a:1", "a:2"], ("a:1", "a:2")),
        ("context", PurePosixPath("build/fn"), "build/fn"),
        ("labels", {"b": 2, "a": None}, {"a": "", "b": "2"}),
        ("cache_to", ["type=gha"], parse_entries(["type=gha"])),
        ("cache_from", list(parse_entries(["a/b"])), parse_entries(["a/b"])),
        ("needs", ["buildx", "buildkit"], frozenset({"buildx", "buildkit"})),
        ("needs", {"buildx"}, frozenset({"buildx"})),
        ("pull", "yes", True),
        ("builder", None, None),
        ("origins", [], ()),
        ("diagnostics", [], ()),
    ],
)
def test_what_is_unambiguous_is_converted(field: str, value: object, expected: object) -> None:
    """Lists, mappings, paths and entries become the immutable form."""
    changes: Any = {field: value}
    assert getattr(attrs.evolve(PLAN, **changes), field) == expected


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("tags", "a:1", "expected a list of strings, got a string"),
        ("function", 1, "expected a string, got an integer"),
        ("labels", ["a=b"], "expected a mapping of strings, got a list"),
        ("pull", "maybe", "expected a boolean, got `maybe`"),
        ("needs", "buildx", "expected a list of strings, got a string"),
        ("cache_from", "a/b", "expected a list of strings, got a string"),
        ("origins", ["x"], "expected a list of origins, got a list"),
        ("diagnostics", "x", "expected a list of diagnostics, got a string"),
    ],
)
def test_a_wrong_type_names_the_field(field: str, value: object, message: str) -> None:
    """A value of another type raises our error, with the name of the field."""
    changes: Any = {field: value}
    with pytest.raises(FaasCacheError) as caught:
        attrs.evolve(PLAN, **changes)
    assert [(d.name, path_text(d.location.path), d.message) for d in caught.value.diagnostics] == [
        ("invalid-type", field, message)
    ]


def test_mappings_are_sorted_and_text_counts() -> None:
    """Plans are equal exactly when their commands are: mappings ignore order, entries do not."""
    one = attrs.evolve(PLAN, labels={"a": "1", "b": "2"}, cache_from=["type=local,src=x,tag=y"])
    two = attrs.evolve(PLAN, labels={"b": "2", "a": "1"}, cache_from=["type=local,src=x,tag=y"])
    other = attrs.evolve(one, cache_from=["type=local,tag=y,src=x"])
    assert (one == two, hash(one) == hash(two), list(two.labels), one == other) == (
        True,
        True,
        ["a", "b"],
        False,
    )


def test_diagnostics_and_origins_do_not_count() -> None:
    """Two plans that build the same are equal, whatever is known about their text."""
    diagnostic = Diagnostic(name="unused-scope", severity="warning", message="m")
    origin = Origin(field="env", key="X", rule="A2", path=())
    assert attrs.evolve(PLAN, diagnostics=[diagnostic], origins=[origin], lang="go") == PLAN


def test_why_names_the_rule_and_the_location() -> None:
    """Each cache argument has the rule and the key path behind it; secrets are masked."""
    entry = "type=s3,bucket=b,region=r,secret_access_key=hunter2"
    spec = FunctionSpec(name="fn", image="a", build_cache={"from": ["b", entry], "to": ["c"]})
    base = "functions.fn.build_cache"
    assert [(w.part, w.rule, path_text(w.location.path)) for w in resolve(spec).why] == [
        ("DOCKER_BUILDKIT=1", "A2", base),
        ("--cache-from type=registry,ref=b", "C3", base + ".from[0]"),
        ("--cache-from type=s3,bucket=b,region=r,secret_access_key=***", "C6", base + ".from[1]"),
        ("--cache-to type=registry,ref=c,mode=max", "C4", base + ".to[0]"),
        ("--build-arg BUILDKIT_INLINE_CACHE=1", "A2", base),
    ]


def test_why_of_the_users_argument_is_a3() -> None:
    """A3: the user's own inline argument is kept, and its origin is where the user wrote it."""
    args = {"BUILDKIT_INLINE_CACHE": "1"}
    spec = FunctionSpec(name="fn", image="a", build_cache="inline", build_args=args)
    last = resolve(spec).why[-1]
    assert (last.part, last.rule, path_text(last.location.path)) == (
        "--build-arg BUILDKIT_INLINE_CACHE=1",
        "A3",
        "functions.fn.build_args.BUILDKIT_INLINE_CACHE",
    )


def test_an_origin_whose_value_is_gone_is_skipped() -> None:
    """D3: a copy of a plan without its imports has no reason for them."""
    plan = resolve(FunctionSpec(name="fn", image="a", build_cache="inline"))
    assert [w.part for w in attrs.evolve(plan, cache_from=()).why] == [
        "DOCKER_BUILDKIT=1",
        "--build-arg BUILDKIT_INLINE_CACHE=1",
    ]


def test_an_entry_without_an_origin_is_at_the_function() -> None:
    """A plan that a program made has its entries at the key path of the function."""
    plan = attrs.evolve(PLAN, cache_from=["a/b"], cache_to=["type=gha"])
    assert [(way, str(entry), path) for way, entry, path in plan.entries()] == [
        ("from", "a/b", ("functions", "fn")),
        ("to", "type=gha", ("functions", "fn")),
    ]
