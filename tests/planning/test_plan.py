"""`resolve` against the rules: tables first, then laws."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.diagnostics import path_text
from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import FaasCacheError, InvalidFunction
from faas_cache.model.flags import CacheFlags
from faas_cache.model.references import Reference
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.plan import MAX_SCOPE, BuildPlan, destinations, folded_scope, resolve
from faas_cache.render.commands import RENDERERS, buildx_build

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "vectors" / "rules.jsonl").read_text().splitlines()
]
GOOD = [row for row in ROWS if "faults" not in row]
BAD = [row for row in ROWS if "faults" in row]
MARKER = "hunter2"


def resolved(row: dict[str, Any]) -> BuildPlan:
    """The plan of a row of the table."""
    return resolve(FunctionSpec.from_mapping("fn", row["function"]), CacheFlags(**row["flags"]))


@pytest.mark.parametrize("row", GOOD, ids=lambda row: row["id"])
def test_a_rule_gives_its_entries(row: dict[str, Any]) -> None:
    """Each rule's example becomes the entries, the inline argument and the warnings that the rule says."""
    plan = resolved(row)
    assert {
        "cache_from": list(map(str, plan.cache_from)),
        "cache_to": list(map(str, plan.cache_to)),
        "inline_cache": plan.build_args.get("BUILDKIT_INLINE_CACHE"),
        "notes": [[d.name, d.severity, path_text(d.location.path)] for d in plan.diagnostics],
    } == {key: row[key] for key in ("cache_from", "cache_to", "inline_cache", "notes")}


@pytest.mark.parametrize("row", BAD, ids=lambda row: row["id"])
def test_a_rule_refuses_its_fault(row: dict[str, Any]) -> None:
    """Each rule's fault is raised with the rule's number and the place of the text."""
    with pytest.raises(InvalidFunction) as caught:
        resolved(row)
    assert [[d.name, path_text(d.location.path)] for d in caught.value.diagnostics] == row["faults"]
    assert all(d.severity == "error" and d.message for d in caught.value.diagnostics)


@pytest.mark.parametrize("row", GOOD, ids=lambda row: row["id"])
def test_a2_switching_on_sets_the_environment(row: dict[str, Any]) -> None:
    """A2: DOCKER_BUILDKIT=1 is set exactly where caching is on."""
    plan = resolved(row)
    on = row["flags"].get("enabled", True) and (
        "build_cache" in row["function"] or "cache_from" in row["flags"]
    )
    assert (dict(plan.env), plan.caching) == ({"DOCKER_BUILDKIT": "1"} if on else {}, bool(on))


HINTS = {
    "B3-case": "modes are in lower case: `max`",
    "C1-unknown-key": "did you mean `from`?",
    "C1-mapping-entry": "write 'type=local,dest=/a'",
    "C1-lines": "write a list: ['a/b:c', 'd/e:f']",
    "C5-no-ref": "write `type=local,src=/x`",
    "C11-gha": "write `type=gha`",
    "C13-three": 'quote it: `["type=registry,ref=a/b:c,mode=max"]`',
    "E2-digest": "write `image: a/b:latest`",
    "E2-digest-in-to": "write `a/b:buildcache`",
}


@pytest.mark.parametrize("name", HINTS)
def test_a_fault_says_what_to_write(name: str) -> None:
    """The hint holds the text that mends the fault."""
    with pytest.raises(InvalidFunction) as caught:
        resolved(next(row for row in BAD if row["id"] == name))
    assert caught.value.diagnostics[0].hint == HINTS[name]


NEEDS = {
    "A1-absent": set(),
    "case-1": {"buildkit", "inline", "registry"},
    "case-4": {"buildkit", "buildx", "cache-export", "several-exports", "inline", "gha"},
    "case-5": {"buildkit", "inline", "registry"},
    "case-6": {"buildkit", "buildx", "cache-export", "several-exports", "inline", "registry"},
    "A4-one-inline-exporter": {"buildkit", "buildx", "inline"},
    "D4-max": {"buildkit", "registry"},
    "D3-no-cache": {"buildkit", "buildx", "cache-export", "several-exports", "inline", "registry"},
}


@pytest.mark.parametrize("name", NEEDS)
def test_f1_a_plan_states_its_needs(name: str) -> None:
    """F1: the features that a builder must have follow from the entries."""
    assert resolved(next(row for row in GOOD if row["id"] == name)).needs == NEEDS[name]


@pytest.mark.parametrize(
    ("output", "flags", "expected"),
    [
        (None, (), {"several-platforms"}),
        ("load", (), {"several-platforms"}),
        ("push", (), set()),
        ("type=oci,dest=x", (), set()),
        (None, ("--push",), set()),
        (None, ("-otype=oci",), set()),
        (None, ("--output=type=oci",), set()),
    ],
)
def test_f5_several_platforms_must_go_somewhere(
    output: str | None, flags: tuple[str, ...], expected: set[str]
) -> None:
    """F5: several platforms that nothing pushes need a builder that stores them."""
    spec = FunctionSpec(
        name="fn",
        image="a/b",
        platforms="linux/amd64,linux/arm64",
        output=output,
        builder_flags=flags,
    )
    assert resolve(spec).needs == expected


def test_all_faults_of_a_function_are_raised_together() -> None:
    """A fault in the image, a flag and each side are one exception, in the order of the rules."""
    setting = {"from": ["gha", 1.5, None], "to": ["", True]}
    spec = FunctionSpec(
        name="fn", image="A", extra_tags=["x"], builder_flags=["x"], build_cache=setting
    )
    with pytest.raises(InvalidFunction) as caught:
        resolve(spec)
    codes = [(d.name, path_text(d.location.path)) for d in caught.value.diagnostics]
    base = "functions.fn."
    assert codes == [
        ("E2", base + "image"),
        ("D2", base + "builder_flags[0]"),
        ("C11", base + "build_cache.from[0]"),
        ("C1", base + "build_cache.from[1]"),
        ("C12", base + "build_cache.from[2]"),
        ("C12", base + "build_cache.to[0]"),
    ]


def test_an_extra_tag_that_is_none_is_a_fault() -> None:
    """E1: extra tags are judged as tags."""
    with pytest.raises(InvalidFunction) as caught:
        resolve(FunctionSpec(name="fn", image="a/b", extra_tags=["ok", "-no"]))
    assert [(d.name, d.location.path[2:]) for d in caught.value.diagnostics] == [
        ("E1", ("extra_tags", 1))
    ]


def test_extra_tags_go_on_the_name() -> None:
    """An image with a port and no tag keeps its port."""
    spec = FunctionSpec(name="fn", image="localhost:5000/fn", extra_tags=["v1"])
    assert resolve(spec).tags == ("localhost:5000/fn:latest", "localhost:5000/fn:v1")


def test_secrets_need_buildkit_without_caching() -> None:
    """A1: build secrets and ssh set DOCKER_BUILDKIT on their own, and switch no caching on."""
    plans = [
        resolve(FunctionSpec(name="fn", image="a", **extra))
        for extra in ({"build_secrets": {"a": "b"}}, {"ssh": "default"})
    ]
    assert [(dict(p.env), p.needs) for p in plans] == [({"DOCKER_BUILDKIT": "1"}, frozenset())] * 2


def test_d1_flag_setting_has_its_own_place() -> None:
    """D1: a fault of `--build-cache` is placed at the flag."""
    with pytest.raises(InvalidFunction) as caught:
        resolve(FunctionSpec(name="fn", image="a"), CacheFlags(build_cache="mx"))
    assert [(d.name, d.location.path, d.hint) for d in caught.value.diagnostics] == [
        ("B3", ("--build-cache",), "did you mean `max`?")
    ]


def test_d6_scope_with_an_object_is_a_warning() -> None:
    """D6: a scope beside lists changes nothing, and that is said."""
    plan = resolve(
        FunctionSpec(name="fn", image="a", build_cache={"from": ["b"]}), CacheFlags(scope="x")
    )
    assert [(d.name, d.severity) for d in plan.diagnostics] == [("D6", "warning")]


def test_d6_fallback_without_a_scope() -> None:
    """D6: a fallback alone is imported beside the cache without a scope."""
    plan = resolve(
        FunctionSpec(name="fn", image="a", build_cache="max"), CacheFlags(fallback_scopes="main")
    )
    assert [e.attrs["ref"] for e in (*plan.cache_from, *plan.cache_to)] == [
        "a:buildcache",
        "a:buildcache-main",
        "a:buildcache",
    ]


def test_d6_an_empty_scope_is_refused() -> None:
    """D6: an unset variable in `--cache-scope` names no cache."""
    with pytest.raises(InvalidFunction) as caught:
        resolve(FunctionSpec(name="fn", image="a", build_cache="max"), CacheFlags(scope=""))
    assert [(d.name, d.location.path) for d in caught.value.diagnostics] == [
        ("D6", ("--cache-scope",))
    ]


def test_why_names_the_rule_and_the_place() -> None:
    """Each cache argument carries the rule and the place that made it; secrets are masked."""
    entry = f"type=s3,bucket=b,region=r,secret_access_key={MARKER}"
    spec = FunctionSpec(name="fn", image="a", build_cache={"from": ["b", entry], "to": ["c"]})
    found = [(w.part, w.rule, path_text(w.location.path)) for w in resolve(spec).why]
    base = "functions.fn.build_cache"
    assert found == [
        ("DOCKER_BUILDKIT=1", "A2", base),
        ("--cache-from type=registry,ref=b", "C3", base + ".from[0]"),
        ("--cache-from type=s3,bucket=b,region=r,secret_access_key=***", "C6", base + ".from[1]"),
        ("--cache-to type=registry,ref=c,mode=max", "C4", base + ".to[0]"),
        ("--build-arg BUILDKIT_INLINE_CACHE=1", "A2", base),
    ]


def test_why_of_the_users_argument_is_a3() -> None:
    """A3: the user's own inline argument is explained as such; with caching off nothing is."""
    spec = FunctionSpec(
        name="fn", image="a", build_cache="inline", build_args={"BUILDKIT_INLINE_CACHE": "1"}
    )
    assert [(w.part, w.rule) for w in resolve(spec).why][-1] == (
        "--build-arg BUILDKIT_INLINE_CACHE=1",
        "A3",
    )
    assert resolve(spec, CacheFlags(enabled=False)).why == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type=unknown,b=2,a=1", {("unknown", "a=1", "b=2")}),
        ("type=registry,ref=A/B", {("registry", "A/B")}),
        ("type=inline", {("inline",)}),
        ("type=registry,ref=", set()),
        ("type=local,mode=max", set()),
        (
            "type=azblob,account_url=u",
            {("azblob", "u", "", "buildkit-cache", "", "manifests", "buildkit")},
        ),
    ],
)
def test_e5_destinations(text: str, expected: set[tuple[str, ...]]) -> None:
    """E5: an export's places are normalised, defaults included, and an unknown type has its fields."""
    assert destinations(parse_entries([text])[0]) == expected


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("main", "main"),
        ("feature/x", "feature-x-217d2bf5"),
        ("x-217d2bf5", "x-217d2bf5-dcec0455"),
        ("a" * MAX_SCOPE, "a" * MAX_SCOPE),
    ],
)
def test_d6_folded_scope(scope: str, expected: str) -> None:
    """D6: a scope that folding would change, or that looks folded, carries digits of its hash."""
    assert folded_scope(scope) == expected


# Laws.

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
entry_texts = words | st.sampled_from(
    [
        "a/b:c",
        "type=gha",
        "mode=max",
        "ref=a/b:c",
        "type=registry,ref=d/e",
        "a,b",
        "type=inline",
        'x"',
        "type=local,dest=/x",
    ]
)
settings_ = (
    st.sampled_from(["inline", "max"])
    | values
    | st.fixed_dictionaries(
        {},
        optional={
            "from": st.lists(entry_texts, max_size=4),
            "to": st.lists(entry_texts, max_size=4),
        },
    )
)
flags_ = st.builds(
    CacheFlags,
    cache_from=st.lists(entry_texts, max_size=2),
    cache_to=st.lists(entry_texts, max_size=2),
    no_cache=st.booleans(),
    export=st.booleans(),
    ignore_export_errors=st.booleans(),
    scope=st.none() | words,
    enabled=st.booleans(),
)


@given(settings_, flags_, st.dictionaries(words, words, max_size=2))
def test_any_function_resolves_or_raises_our_error(
    setting: object, flags: CacheFlags, args: dict[str, str]
) -> None:
    """Whatever the setting, `resolve` gives a plan that renders the same twice and survives pickling, or raises our error."""
    try:
        plan = resolve(
            FunctionSpec.from_mapping(
                "fn", {"image": "a/b", "build_cache": setting, "build_args": args}
            ),
            flags,
        )
    except FaasCacheError as fault:
        assert fault.diagnostics
        assert pickle.loads(pickle.dumps(fault)) == fault
        return
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert hash(plan) == hash(pickle.loads(pickle.dumps(plan)))
    for renderer in RENDERERS.values():
        assert renderer(plan) == renderer(plan)
    assert len(plan.why) == (
        2 + len(plan.cache_from) + len(plan.cache_to) if plan.caching else 0
    ) - (plan.caching and "BUILDKIT_INLINE_CACHE" not in plan.build_args)


@given(
    st.dictionaries(words, words, max_size=3),
    st.lists(words.map("-{}".format), max_size=3),
    st.booleans(),
)
def test_a1_no_setting_is_the_plain_command(
    args: dict[str, str], builder_flags: list[str], pull: bool
) -> None:  # noqa: FBT001  # drawn, not passed
    """A1: without a setting the command is the plain one, whatever else the function holds."""
    spec = FunctionSpec(
        name="fn", image="a/b:1", build_args=args, builder_flags=builder_flags, pull=pull
    )
    command = RENDERERS["docker_build"](resolve(spec))
    plain = ["docker", "build"]
    for key, value in args.items():
        plain += ["--build-arg", f"{key}={value}"]
    plain += ["--pull"] * pull + [*builder_flags, "--tag", "a/b:1", "."]
    assert (list(command.argv), dict(command.env), command.lost) == (plain, {}, ())


@given(
    st.sampled_from(["gha", "local", "s3", "azblob", "other"]),
    st.lists(st.tuples(words, words), max_size=4),
)
def test_c6_typed_entries_reach_argv_unchanged(kind: str, fields: list[tuple[str, str]]) -> None:
    """C6: a typed entry that buildx would read is passed to the byte, on both sides."""
    text = ",".join(
        [f"type={kind}", *(f"k{i}{key}={value}" for i, (key, value) in enumerate(fields))]
    )
    try:
        parse_entries([text])
        plan = resolve(
            FunctionSpec(name="fn", image="a/b", build_cache={"from": [text], "to": [text]})
        )
    except FaasCacheError:
        return
    text = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
    argv = buildx_build(plan).argv
    assert (argv[argv.index("--cache-from") + 1], argv[argv.index("--cache-to") + 1]) == (
        text,
        text,
    )


@given(st.text(max_size=150))
def test_d6_a_folded_scope_is_part_of_a_tag(scope: str) -> None:
    """D6: whatever the scope, the cache has a legal tag, and folding again changes a folded one."""
    folded = folded_scope(scope) if scope else "x"
    assert Reference.parse("a/b").with_tag(f"buildcache-{folded}").tag == f"buildcache-{folded}"


@pytest.mark.parametrize(
    "field", ["token", "ghtoken", "secret_access_key", "access_key_id", "session_token", "TOKEN"]
)
def test_no_secret_in_any_repr(field: str) -> None:
    """Neither the spec, the flags, the plan, its reasons nor the command show a credential; the argv holds it."""
    text = f"type=s3,bucket=b,region=r,{field}={MARKER}"
    args = {"http_proxy": f"http://me:{MARKER}@proxy:1"}
    spec = FunctionSpec(
        name="fn",
        image="a/b",
        build_cache={"from": [text]},
        build_args=args,
        builder_flags=[f"--cache-to={text}"],
    )
    flags = CacheFlags(cache_to=[text], builder_flags=[f"-x={field}={MARKER}"])
    plan = resolve(spec, flags)
    command = buildx_build(plan)
    for value in (
        spec,
        flags,
        plan,
        plan.why,
        plan.cache_from,
        plan.build_args,
        command,
        command.masked().shell(),
    ):
        assert MARKER not in repr(value)
    assert MARKER in command.shell()
