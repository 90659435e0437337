"""`check`: a vector and a near miss for every diagnostic, then laws, then whole sentences."""

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.builders import Builder
from faas_cache.model.catalogue import CATALOGUE as CODES
from faas_cache.model.diagnostics import Diagnostic, path_text
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.flags import CacheFlags
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.checks import MAX_PAIRS_OF, check
from faas_cache.planning.plan import BuildPlan, resolve
from faas_cache.stack.stack_file import Stack

VECTORS = Path(__file__).parents[1] / "vectors"
ROWS = [json.loads(line) for line in (VECTORS / "checks.jsonl").read_text().splitlines()]
# Codes of the command line, whose cases are in test_main.py, and of a parser that is not installed, in test_stack.py.
ELSEWHERE = {
    *(
        "context",
        "git",
        "lost",
        "name",
        "no-function",
        "secret-file",
        "slow-parser",
        "stack-file",
        "template",
        "usage",
    ),
    *("G1", "G2"),
}


def said(case: Mapping[str, Any]) -> tuple[Diagnostic, ...]:
    """Everything that is said of a case: the faults that are raised, or what `check` finds."""
    try:
        if "stack" in case:
            stack = Stack.loads(case["stack"])
            specs, notes = list(stack.functions.values()), stack.diagnostics
        else:
            specs = [
                FunctionSpec.from_mapping(name, mapping)
                for name, mapping in case["functions"].items()
            ]
            notes = ()
        flags = CacheFlags(**case.get("flags", {}))
        builder = Builder(**case["builder"]) if "builder" in case else None
        plans = [resolve(spec, flags) for spec in specs]
        return (*notes, *check(plans, builder, case.get("environ"), case.get("dockerfiles", {})))
    except FaasCacheError as fault:
        return fault.diagnostics


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['code']}-{row['id']}")
def test_a_diagnostic_is_raised_and_its_near_miss_is_not(row: dict[str, Any]) -> None:
    """Each code is said where its case is, at a severity of the catalogue, and not where it nearly is."""
    raised = [d for d in said(row["raises"]) if d.name == row["code"]]
    assert raised
    assert {d.severity for d in raised} <= set(CODES[row["code"]].severities)
    assert all(d.message and d.url for d in raised)
    assert [d for d in said(row["spares"]) if d.name == row["code"]] == []


def test_every_code_has_a_vector() -> None:
    """No code of the catalogue is without its case, and no case has a code that is not in the catalogue."""
    assert {row["code"] for row in ROWS} | ELSEWHERE == set(CODES)
    assert len({(row["code"], row["id"]) for row in ROWS}) == len(ROWS)


def test_no_secret_is_said() -> None:
    """Whatever a case holds, its diagnostics mask."""
    assert [
        d
        for row in ROWS
        for case in (row["raises"], row["spares"])
        for d in said(case)
        if "hunter2" in repr(d) + str(d)
    ] == []


# Laws.

IMAGES = st.sampled_from(["a/one", "a/two:1", "quay.io/a/b", "ghcr.io/a/fn:latest"])
ENTRIES = st.sampled_from(
    [
        "a/one",
        "a/two:c",
        "type=gha",
        "type=gha,scope=x,mode=medium",
        "type=local,dest=c",
        "type=local,dest=build/a",
        "type=inline",
        "type=registry,ref=quay.io/a/b:c",
        "ref=a/two:c,bogus=1",
        "type=s3,bucket=b,region=r,secret_access_key=hunter2",
        "type=azblob,account_url=https://u:hunter2@x/?s=y,name=a;b",
        "type=nope",
        "type=registry",
        "type=registry,ref=",
        "type=local,dest=,compression-level=99,compression=lz4",
        "type=registry,ref=a/x,compression=uncompressed,compression-level=99,force-compression=no",
    ]
)
FREE_ENTRIES = st.text(alphabet='typeregistyhalocnm=,":/.-0 é', max_size=40)
SETTINGS = st.one_of(
    st.none(),
    st.sampled_from(["inline", "max"]),
    st.fixed_dictionaries(
        {},
        optional={
            side: st.lists(st.one_of(ENTRIES, FREE_ENTRIES), max_size=3) for side in ("from", "to")
        },
    ),
)
BUILDERS = st.one_of(
    st.none(),
    st.builds(
        Builder,
        docker=st.sampled_from(
            [None, "", "20.10.24", "23.0.1", "26.1.5", "28.5.2+dfsg4", "x" * 200]
        ),
        buildx=st.sampled_from([None, "", "0.13.1+ds1", "v0.36.0-54-gabc"]),
        buildkit=st.sampled_from([None, "v0.0.0+unknown", "0.31.0"]),
        driver=st.sampled_from(["docker", "docker-container"]),
        containerd_store=st.booleans(),
    ),
)
ENVIRONMENTS = st.sampled_from(
    [
        None,
        {},
        {"ACTIONS_RUNTIME_TOKEN": "t", "ACTIONS_CACHE_URL": "u", "ACTIONS_CACHE_SERVICE_V2": "1"},
    ]
)
DOCKERFILES = st.one_of(
    st.text(alphabet="FROMCPYaAS <<E\n\\#=,-", max_size=80),
    st.just("FROM a AS b\nRUN x\nFROM c\nCOPY --from=b . .\n"),
)


@st.composite
def plans_of_a_stack(draw: st.DrawFn) -> list[BuildPlan]:
    """The plans of a stack whose faulty functions were left out."""
    names = draw(st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), unique=True, max_size=5))
    plans = []
    for name in names:
        args = draw(
            st.sampled_from(
                [{}, {"BUILDKIT_INLINE_CACHE": "yes"}, {"http_proxy": "http://u:hunter2@p"}]
            )
        )
        spec = FunctionSpec(
            name=name, image=draw(IMAGES), build_cache=draw(SETTINGS_OR_VALID), build_args=args
        )
        try:
            plans.append(resolve(spec))
        except FaasCacheError:
            continue
    return plans


SETTINGS_OR_VALID = st.one_of(
    SETTINGS, st.sampled_from(["inline", "max"]), st.builds(lambda e: {"to": [e]}, ENTRIES)
)


@given(plans_of_a_stack(), BUILDERS, ENVIRONMENTS, DOCKERFILES)
def test_check_never_raises(
    plans: list[BuildPlan], builder: Builder | None, environ: dict[str, str] | None, dockerfile: str
) -> None:
    """Any plans that `resolve` made, any builder and any Dockerfile give diagnostics of the catalogue, and no secret."""
    found = check(plans, builder, environ, {plan.function: dockerfile for plan in plans})
    assert all(d.severity in CODES[d.name].severities for d in found)
    assert len(set(found)) == len(found)
    assert "hunter2" not in repr(found) + "".join(map(str, found))


@given(plans_of_a_stack(), BUILDERS, ENVIRONMENTS, st.randoms(use_true_random=False))
def test_order_permutes_nothing_but_order(
    plans: list[BuildPlan], builder: Builder | None, environ: dict[str, str] | None, random: Random
) -> None:
    """Permuting the functions changes what is said in nothing but its order."""
    shuffled = list(plans)
    random.shuffle(shuffled)
    assert set(check(shuffled, builder, environ)) == set(check(plans, builder, environ))


@given(plans_of_a_stack(), BUILDERS, ENVIRONMENTS)
def test_adding_a_function_takes_nothing_away(
    plans: list[BuildPlan], builder: Builder | None, environ: dict[str, str] | None
) -> None:
    """What is said of some functions is said of them beside any other."""
    assert set(check(plans[1:], builder, environ)) <= set(check(plans, builder, environ))


@given(plans_of_a_stack())
def test_others_are_judged_between_functions_alone(plans: list[BuildPlan]) -> None:
    """A function that is not built adds E4 and E5, and nothing of its own."""
    both, alone = check(plans[:1], others=plans[1:]), check(plans[:1])
    assert {d.name for d in both if d not in alone} <= {"E4", "E5"}
    assert [d for d in check(plans) if d.name in ("E4", "E5")] == [
        d for d in both if d.name in ("E4", "E5")
    ]


def test_a1_without_a_setting_nothing_is_said() -> None:
    """A1: a stack without a `build_cache` hears nothing of caches, whatever builds it."""
    specs = [
        FunctionSpec(
            name=n,
            image="a/b",
            build_args={"http_proxy": "http://u:p@h", "BUILDKIT_INLINE_CACHE": "yes"},
        )
        for n in "ab"
    ]
    assert (
        check([resolve(spec) for spec in specs], Builder(docker="20.10.24"), {}, {"a": "FROM a"})
        == ()
    )


# Sentences.


def sentences(case: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """What is said, flat."""
    return [(d.name, d.severity, path_text(d.location.path), d.message, d.hint) for d in said(case)]


def test_e5_names_both_and_prints_what_to_write() -> None:
    """E5: the worked case: two functions in the default scope of gha."""
    functions = {
        name: {"image": f"a/{name}", "build_cache": {"to": ["type=gha,mode=max"]}}
        for name in ("one", "two")
    }
    assert sentences({"functions": functions}) == [
        (
            "E5",
            "error",
            "functions.two.build_cache.to[0]",
            "`one` and `two` export their caches to one place, type=gha buildkit: each overwrites the other's",
            "write `type=gha,mode=max,scope=one` for `one` and `type=gha,mode=max,scope=two` for `two`, and import from the same",
        )
    ]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("ghcr.io/a/shared", "type=registry,ref=ghcr.io/a/shared:buildcache-one,mode=max"),
        ("type=registry,ref=ghcr.io/a/shared:x", "type=registry,ref=ghcr.io/a/shared:x-one"),
        ('type=local,"dest=/a,b/"', 'type=local,"dest=/a,b-one"'),
        ("type=s3,bucket=b,region=r", "type=s3,bucket=b,region=r,name=one"),
    ],
)
def test_e5_prints_a_place_of_ones_own(entry: str, expected: str) -> None:
    """The value to write keeps the user's fields, with the function's name where the place is named."""
    functions = {
        name: {"image": f"a/{name}", "build_cache": {"to": [entry]}} for name in ("one", "two")
    }
    (found,) = said({"functions": functions})
    assert found.hint.startswith(f"write `{expected}` for `one` and ")


def test_e5_of_many_functions_is_no_flood() -> None:
    """Beyond a few functions, each is told of the first alone."""
    plans = [
        resolve(FunctionSpec(name=f"f{i:03}", image=f"a/f{i}", build_cache={"to": ["type=gha"]}))
        for i in range(100)
    ]
    assert len(check(plans)) == 99
    assert len(check(plans[:MAX_PAIRS_OF])) == MAX_PAIRS_OF * (MAX_PAIRS_OF - 1) // 2


def test_a_missing_field_says_what_was_probably_meant() -> None:
    """A space after the comma makes another key; both are said."""
    assert [
        (code, hint)
        for code, _, _, _, hint in sentences(
            {
                "functions": {
                    "fn": {"image": "a/b", "build_cache": {"to": ["type=registry, ref=a/b:c"]}}
                }
            }
        )
    ] == [
        (
            "missing-field",
            "remove the space around `ref`: nothing is trimmed, so the key is ' ref'",
        ),
        ("unknown-field", "did you mean `ref`?"),
    ]


def test_e6_prints_the_entry_to_write() -> None:
    """E6: the user's entry with the two fields, in place of what forbids them."""
    entry = "type=registry,ref=quay.io/a/b:c,oci-mediatypes=false"
    found = said({"functions": {"fn": {"image": "a/b", "build_cache": {"to": [entry]}}}})
    assert [d.hint for d in found] == [
        "write `type=registry,ref=quay.io/a/b:c,oci-mediatypes=true,image-manifest=true`"
    ]


def test_f2_is_said_of_each_function() -> None:
    """What the builder lacks is placed at each function that needs it; the version is one note."""
    plans = [
        resolve(FunctionSpec(name=name, image=f"a/{name}", build_cache="max"))
        for name in ("one", "two")
    ]
    lacking = check(plans, Builder(docker="26.1.5", buildx="0.13.1"))
    assert [(d.name, path_text(d.location.path)) for d in lacking] == [
        ("F2", "functions.one"),
        ("F2", "functions.two"),
    ]
    unknown = check(plans, Builder(docker="26.1.5", buildx="", containerd_store=True))
    assert [(d.name, d.severity, d.location.path) for d in unknown] == [("F2", "note", ())]
