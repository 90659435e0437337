"""Laws of plans, checks and front ends, for any input that Hypothesis finds."""

import pickle
from random import Random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.builders import Builder
from faas_cache.model.catalogue import CATALOGUE
from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.flags import CacheFlags
from faas_cache.model.references import Reference
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.checks import check
from faas_cache.planning.image_rules import sanitize_scope
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.resolution import resolve
from faas_cache.render import FRONT_ENDS, bake, buildx_build, docker_build

SECRET = "hunter2"

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
entry_texts = words | st.sampled_from(
    [
        *("a/b:c", "type=gha", "mode=max", "ref=a/b:c", "type=registry,ref=d/e", "a,b"),
        *("type=inline", 'x"', "type=local,dest=/x"),
    ]
)
any_setting = (
    st.sampled_from(["inline", "max", "none"])
    | values
    | st.fixed_dictionaries(
        {},
        optional={side: st.lists(entry_texts, max_size=4) for side in ("from", "to")},
    )
)
any_flags = st.builds(
    CacheFlags,
    cache_from=st.lists(entry_texts, max_size=2),
    cache_to=st.lists(entry_texts, max_size=2),
    no_cache=st.booleans(),
    export=st.booleans(),
    ignore_export_errors=st.booleans(),
    scope=st.none() | words,
    enabled=st.booleans(),
)


@given(any_setting, any_flags, st.dictionaries(words, words, max_size=2))
def test_any_function_resolves_or_raises_our_error(
    setting: object, flags: CacheFlags, args: dict[str, str]
) -> None:
    """Whatever the setting, `resolve` gives a value that renders and explains, or raises our error."""
    mapping = {"image": "a/b", "build_cache": setting, "build_args": args}
    try:
        plan = resolve(FunctionSpec.from_mapping("fn", mapping), flags)
    except FaasCacheError as error:
        assert error.diagnostics
        assert all(d.name in CATALOGUE for d in error.diagnostics)
        assert pickle.loads(pickle.dumps(error)) == error
        return
    copy = pickle.loads(pickle.dumps(plan))
    assert (copy, hash(copy)) == (plan, hash(plan))
    assert len(plan.why) == len(plan.origins)
    for front_end in FRONT_ENDS.values():
        assert front_end.build(plan) == front_end.build(copy)
    assert bake([plan]) == bake([copy])


@given(st.dictionaries(words, words, max_size=4), st.dictionaries(words, words, max_size=4))
def test_equal_plans_render_to_equal_commands(args: dict[str, str], labels: dict[str, str]) -> None:
    """The order in which a mapping was written changes nothing."""
    plans = []
    for reverse in (False, True):
        one, two = (dict(sorted(pairs.items(), reverse=reverse)) for pairs in (args, labels))
        plans.append(BuildPlan(function="fn", tags=["a"], build_args=one, labels=two))
    assert plans[0] == plans[1]
    for front_end in FRONT_ENDS.values():
        assert front_end.build(plans[0]).argv == front_end.build(plans[1]).argv
    assert bake(plans[:1]).stdin == bake(plans[1:]).stdin


@given(
    st.dictionaries(words, words, max_size=3),
    st.lists(words.map("-{}".format), max_size=3),
    st.booleans(),
)
def test_a1_without_a_setting_the_command_is_the_plain_one(
    args: dict[str, str],
    builder_flags: list[str],
    pull: bool,  # noqa: FBT001  # drawn, not passed
) -> None:
    """A1: the command has no trace of a cache, whatever else the function has."""
    spec = FunctionSpec(
        name="fn", image="a/b:1", build_args=args, builder_flags=builder_flags, pull=pull
    )
    command = docker_build(resolve(spec))
    plain = ["docker", "build"]
    for key in sorted(args):
        plain += ["--build-arg", f"{key}={args[key]}"]
    plain += ["--pull"] * pull + [*builder_flags, "--tag", "a/b:1", "build/fn"]
    assert (list(command.argv), dict(command.env), command.unsupported) == (plain, {}, ())


@given(
    st.sampled_from(["gha", "local", "s3", "azblob", "other"]),
    st.lists(st.tuples(words, words), max_size=4),
)
def test_c6_typed_entries_reach_argv_unchanged(kind: str, fields: list[tuple[str, str]]) -> None:
    """C6: a typed entry that buildx can read is passed byte for byte, on both sides."""
    pairs = (f"k{i}{key}={value}" for i, (key, value) in enumerate(fields))
    text = ",".join([f"type={kind}", *pairs])
    setting = {"from": [text], "to": [text]}
    try:
        parse_entries([text])
        plan = resolve(FunctionSpec(name="fn", image="a/b", build_cache=setting))
    except FaasCacheError:
        return
    text = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
    argv = buildx_build(plan).argv
    passed = (argv[argv.index("--cache-from") + 1], argv[argv.index("--cache-to") + 1])
    assert passed == (text, text)


@given(st.text(max_size=150))
def test_d6_any_scope_is_a_part_of_a_tag(scope: str) -> None:
    """D6: whatever the scope, the cache has a valid tag, and two scopes never share it."""
    tag = f"buildcache-{sanitize_scope(scope)}" if scope else "buildcache"
    assert Reference.parse("a/b").with_tag(tag).tag == tag
    assert sanitize_scope(scope) == scope or sanitize_scope(sanitize_scope(scope)) != scope


@pytest.mark.parametrize(
    "field", ["token", "ghtoken", "secret_access_key", "access_key_id", "session_token", "TOKEN"]
)
def test_no_secret_in_any_repr(field: str) -> None:
    """Neither spec, flags, plan, reasons nor command show a credential; the argv has it."""
    text = f"type=s3,bucket=b,region=r,{field}={SECRET}"
    spec = FunctionSpec(
        name="fn",
        image="a/b",
        build_cache={"from": [text]},
        build_args={"http_proxy": f"http://me:{SECRET}@proxy:1"},
        builder_flags=[f"--cache-to={text}", f"-x={field}={SECRET}"],
    )
    flags = CacheFlags(cache_to=[text])
    plan = resolve(spec, flags)
    command = buildx_build(plan)
    shown = (spec, flags, plan, plan.why, plan.cache_from, plan.build_args, command)
    assert [value for value in shown if SECRET in repr(value)] == []
    assert (SECRET in command.masked().shell(), SECRET in command.shell()) == (False, True)


# Checks.

IMAGES = st.sampled_from(["a/one", "a/two:1", "quay.io/a/b", "ghcr.io/a/fn:latest"])
CHECKED_ENTRIES = st.sampled_from(
    [
        *("a/one", "a/two:c", "type=gha", "type=gha,scope=x,mode=medium", "type=local,dest=c"),
        *("type=local,dest=build/a", "type=inline", "type=registry,ref=quay.io/a/b:c"),
        *("ref=a/two:c,bogus=1", "type=nope", "type=registry", "type=registry,ref="),
        "type=s3,bucket=b,region=r,secret_access_key=hunter2",
        "type=azblob,account_url=https://u:hunter2@x/?s=y,name=a;b",
        "type=local,dest=,compression-level=99,compression=lz4",
        "type=registry,ref=a/x,compression=uncompressed,compression-level=99,force-compression=no",
    ]
)
FREE_ENTRIES = st.text(alphabet='typeregistyhalocnm=,":/.-0 é', max_size=40)
SETTINGS = st.one_of(
    st.none(),
    st.sampled_from(["inline", "max"]),
    st.builds(lambda entry: {"to": [entry]}, CHECKED_ENTRIES),
    st.fixed_dictionaries(
        {},
        optional={
            side: st.lists(st.one_of(CHECKED_ENTRIES, FREE_ENTRIES), max_size=3)
            for side in ("from", "to")
        },
    ),
)
BUILDERS = st.one_of(
    st.none(),
    st.builds(
        Builder,
        docker=st.sampled_from([None, "", "20.10.24", "23.0.1", "28.5.2+dfsg4", "x" * 200]),
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
ARGUMENTS = st.sampled_from(
    [{}, {"BUILDKIT_INLINE_CACHE": "yes"}, {"http_proxy": "http://u:hunter2@p"}]
)


@st.composite
def plans_of_a_stack(draw: st.DrawFn) -> list[BuildPlan]:
    """The plans of the functions of a stack that have no fault."""
    names = draw(st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), unique=True, max_size=5))
    plans = []
    for name in names:
        spec = FunctionSpec(
            name=name,
            image=draw(IMAGES),
            build_cache=draw(SETTINGS),
            build_args=draw(ARGUMENTS),
            platforms=draw(st.sampled_from([(), ("a", "b")])),
        )
        try:
            plans.append(resolve(spec))
        except FaasCacheError:
            continue
    return plans


@given(plans_of_a_stack(), BUILDERS, ENVIRONMENTS, DOCKERFILES)
def test_check_never_raises(
    plans: list[BuildPlan], builder: Builder | None, environ: dict[str, str] | None, dockerfile: str
) -> None:
    """Any plans, builder and Dockerfile give diagnostics of the catalogue, without a secret."""
    diagnostics = check(plans, builder, environ, {plan.function: dockerfile for plan in plans})
    assert all(d.severity in CATALOGUE[d.name].severities for d in diagnostics)
    assert SECRET not in repr(diagnostics) + "".join(map(str, diagnostics))


@given(plans_of_a_stack(), BUILDERS, ENVIRONMENTS, st.randoms(use_true_random=False))
def test_the_order_of_functions_changes_only_the_order(
    plans: list[BuildPlan],
    builder: Builder | None,
    environ: dict[str, str] | None,
    random: Random,
) -> None:
    """Functions in another order have the same diagnostics."""
    shuffled = list(plans)
    random.shuffle(shuffled)
    assert set(check(shuffled, builder, environ)) == set(check(plans, builder, environ))


@given(plans_of_a_stack(), BUILDERS, ENVIRONMENTS)
def test_another_function_hides_nothing(
    plans: list[BuildPlan], builder: Builder | None, environ: dict[str, str] | None
) -> None:
    """The diagnostics of some functions are reported beside any other function too."""
    assert set(check(plans[1:], builder, environ)) <= set(check(plans, builder, environ))


def test_a1_without_a_setting_there_is_no_cache_diagnostic() -> None:
    """A1: a stack without a cache has no diagnostic about one, whatever builds it."""
    args = {"http_proxy": "http://u:p@h", "BUILDKIT_INLINE_CACHE": "yes"}
    specs = [FunctionSpec(name=name, image="a/b", build_args=args) for name in "ab"]
    plans = [resolve(spec) for spec in specs]
    assert check(plans, Builder(docker="20.10.24"), {}, {"a": "FROM a"}) == ()


def test_a_plan_is_immutable() -> None:
    """A plan is changed by making another."""
    plan = BuildPlan(function="fn", tags=["a"])
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        plan.pull = True  # type: ignore[misc]  # the assignment is the test
