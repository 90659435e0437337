"""Rule E9: caches that are exported and never imported."""

from typing import Any

import pytest

from faas_cache.model.diagnostics import Diagnostic, Location, path_text
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.specs import FunctionSpec
from faas_cache.stack.stack_file import Stack
from faas_cache.stack_plan import plan_stack

TO = "functions.a.build_cache.to[0]"


def unread(
    *settings: object,
    names: tuple[str, ...] = (),
    **flags: Any,  # noqa: ANN401  # those of CacheFlags
) -> list[str]:
    """The key path of each note about functions `a`, `b` … with these settings."""
    specs = {
        name: FunctionSpec(name=name, image=f"x/{name}:1", build_cache=setting)  # type: ignore[arg-type]  # a setting
        for name, setting in zip("abc", settings, strict=False)
    }
    stack = Stack(functions=FrozenMap(specs))
    plan = plan_stack(stack, names=names, flags=CacheFlags(**flags))
    return [path_text(d.location.path) for d in plan.diagnostics if d.name == "unread-export"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["max"], []),
        (["inline"], []),
        ([{"to": ["type=inline"]}], []),
        ([{"to": ["x/c:1"]}], [TO]),
        ([{"to": ["x/c"], "from": ["docker.io/x/c:latest"]}], []),
        ([{"to": ["x/c:1"]}, {"from": ["x/c:1"]}], []),
        ([{"to": ["x/c:1"]}, {"from": ["x/c:2"]}], [TO]),
        ([{"to": ["type=gha,scope=a"], "from": ["type=gha"]}], [TO]),
        ([{"to": ["type=gha,mode=max"], "from": ["type=gha"]}], []),
        ([{"to": ["type=local,dest=/c/"], "from": ["type=local,src=/c"]}], []),
        ([{"to": ["type=local,dest=/c"], "from": ["type=local,src=/d"]}], [TO]),
        ([{"to": ["type=local,dest=/c"], "from": ["type=local,dest=/c"]}], [TO]),
        (
            [
                {
                    "to": ["type=s3,bucket=b,region=r,name=main;next"],
                    "from": ["type=s3,bucket=b,region=r,name=next"],
                }
            ],
            [],
        ),
        ([{"to": ["type=other,x=1"]}], []),
        ([{"to": ["type=local"]}], []),
        ([{"to": ["x/c:1"]}, {"from": ["x/c:1", "gha"]}], [TO]),
    ],
)
def test_e9_an_export_that_nothing_imports_is_a_note(
    settings: list[object], expected: list[str]
) -> None:
    """E9: over all functions of the file; destinations are compared in normal form."""
    assert unread(*settings) == expected


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"export": False}, [TO]),
        ({"no_cache": True}, [TO]),
        ({"enabled": False}, []),
        ({"cache_from": ["x/c:1"]}, []),
        ({"cache_to": ["x/c:2"]}, ["--cache-to[0]"]),
        ({"cache_to": ["x/c:2"], "cache_from": ["x/c:2"]}, []),
    ],
)
def test_e9_before_no_cache_and_no_export_apply(flags: dict[str, Any], expected: list[str]) -> None:
    """E9: a run that reads or writes nothing says it all the same."""
    assert unread({"to": ["x/c:1"]}, **flags) == expected


def test_e9_flags_are_checked_over_the_selected_functions() -> None:
    """E9: entries of the file over the whole file, even where a flag replaces the imports."""
    reader = {"from": ["x/c:1"]}
    assert unread({"to": ["x/c:1"]}, reader, names=("a",)) == []
    assert unread({"to": ["x/c:1"]}, reader, cache_from=["x/d"]) == []
    assert unread("inline", reader, names=("a",), cache_to=["x/c:1"]) == ["--cache-to[0]"]
    assert unread("inline", reader, cache_to=["x/c:1"]) == []


def test_e9_says_where_the_cache_is() -> None:
    """E9: the destination in normal form."""
    spec = FunctionSpec(name="a", image="x/a:1", build_cache={"to": ["x/c:1"]})
    assert plan_stack(Stack(functions=FrozenMap(a=spec))).diagnostics == (
        Diagnostic(
            name="unread-export",
            severity="note",
            message="nothing imports the cache that is exported to `type=registry docker.io/x/c:1`",
            hint="import it in `from`, or remove the export",
            location=Location(path=("functions", "a", "build_cache", "to", 0)),
        ),
    )
