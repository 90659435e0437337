"""`resolve` against the rules: the vectors first, then examples."""

from collections.abc import Iterable
from typing import Any

import pytest

from faas_cache.conformance.protocol import plan_question
from faas_cache.conformance.vectors import Vector, load_vectors
from faas_cache.model.diagnostics import Diagnostic, Location, path_text
from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import InvalidFunction
from faas_cache.model.flags import CacheFlags
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.exports import destination_text, destinations, sets_output
from faas_cache.planning.image_rules import MAX_SCOPE, sanitize_scope, tagged_image
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.resolution import resolve

VECTORS = load_vectors()
VALID = [vector for vector in VECTORS if not vector.expected.errors]
FAULTY = [vector for vector in VECTORS if vector.expected.errors]
BY_ID = {vector.id: vector for vector in VECTORS}


def plan_of(vector: Vector) -> BuildPlan:
    """The plan of a vector."""
    return plan_question(vector.question)


def reported(diagnostics: Iterable[Diagnostic]) -> list[list[str]]:
    """The name, the severity and the key path of each diagnostic."""
    return [[d.name, d.severity, path_text(d.location.path)] for d in diagnostics]


def test_vector_ids_are_unique() -> None:
    """Each vector has an id of its own."""
    assert len(BY_ID) == len(VECTORS)


@pytest.mark.parametrize("vector", VALID, ids=lambda vector: vector.id)
def test_a_rule_gives_its_entries(vector: Vector) -> None:
    """Each rule's example becomes the entries, the arguments and the warnings of the rule."""
    plan = plan_of(vector)
    expected = vector.expected
    assert (
        tuple(map(str, plan.cache_from)),
        tuple(map(str, plan.cache_to)),
        plan.build_args,
        plan.env,
        reported(plan.diagnostics),
    ) == (
        expected.cache_from,
        expected.cache_to,
        expected.build_args,
        expected.env,
        vector.diagnostics,
    )


@pytest.mark.parametrize("vector", FAULTY, ids=lambda vector: vector.id)
def test_a_rule_rejects_its_fault(vector: Vector) -> None:
    """Each rule's fault is raised with its name and the key path of the text."""
    with pytest.raises(InvalidFunction) as caught:
        plan_of(vector)
    assert reported(caught.value.diagnostics) == vector.diagnostics


@pytest.mark.parametrize("vector", VALID, ids=lambda vector: vector.id)
def test_a2_caching_sets_the_environment(vector: Vector) -> None:
    """A2: DOCKER_BUILDKIT=1 is set exactly where caching is enabled."""
    plan = plan_of(vector)
    asked = vector.question
    settings = (
        asked.flags.get("build_cache"),
        asked.environ.get("FAAS_BUILD_CACHE"),
        asked.function.get("build_cache"),
        asked.configuration.get("build_cache"),
    )
    setting = next(filter(None, settings), "none")
    enabled = asked.flags.get("enabled", True) and (
        setting != "none"
        or not asked.flags.keys().isdisjoint({"cache_from", "cache_to"})
        or bool(asked.environ.get("FAAS_CACHE_FROM"))
    )
    expected = {"DOCKER_BUILDKIT": "1"} if enabled else {}
    assert (dict(plan.env), plan.caching, bool(plan.origins)) == (
        expected,
        bool(enabled),
        bool(enabled),
    )


IMAGE = BY_ID["case-1"].question.function["image"]
SENTENCES = {
    "B3-case": (
        "expected `inline`, `max`, `none` or a mapping with `from` and `to`, got `Max`",
        "write `max`: modes are case-sensitive",
    ),
    "B3-off": (
        "expected `inline`, `max`, `none` or a mapping with `from` and `to`, got `off`",
        "write `none` to disable caching",
    ),
    "B3-list": (
        "expected `inline`, `max`, `none` or a mapping with `from` and `to`, got a list",
        "write the list under `from:`, `to:` or both",
    ),
    "C1-unknown-key": ("unknown key `form` in `build_cache`", "did you mean `from`?"),
    "C1-mapping-entry": ("expected a string, got a mapping", "write `type=local,dest=/a`"),
    "C1-lines": ("the entry contains several lines", "write a list: `['a/b:c', 'd/e:f']`"),
    "C5-no-ref": (
        "the entry `src=/x` has neither `type` nor `ref`",
        "write `type=local,src=/x`",
    ),
    "C11-gha": ("`gha` alone would be an image on Docker Hub", "write `type=gha`"),
    "C13-three": (
        "YAML split one entry at its commas into 3 items",
        'quote it: `["type=registry,ref=a/b:c,mode=max"]`',
    ),
    "E2-digest": (
        f"the image `a/b@sha256:{64 * '0'}` has a digest, which docker rejects as a tag",
        "write `image: a/b:latest`",
    ),
    "E2-digest-in-to": (
        f"`a/b@sha256:{64 * '0'}` has a digest, so the exported cache could not be found again",
        "write `a/b:buildcache`",
    ),
    "E4-same": (
        f"the cache of `fn` would overwrite its own image `{IMAGE}`",
        f"export to another tag, such as `{IMAGE}-cache`",
    ),
    "E5-local": (
        "two exports of the function write to `type=local /a/b`",
        "remove one of them, or give each its own destination",
    ),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_a_fault_says_what_to_write(name: str) -> None:
    """The message shows the value, and the hint the text that cures the fault."""
    with pytest.raises(InvalidFunction) as caught:
        plan_of(BY_ID[name])
    first = caught.value.diagnostics[0]
    assert (first.message, first.hint) == SENTENCES[name]


NEEDS = {
    "A1-absent": set(),
    "case-1": {"buildkit", "inline", "registry"},
    "case-4": {"buildkit", "buildx", "cache-export", "multiple-exports", "inline", "gha"},
    "case-5": {"buildkit", "inline", "registry"},
    "case-6": {"buildkit", "buildx", "cache-export", "multiple-exports", "inline", "registry"},
    "A4-one-inline-exporter": {"buildkit", "buildx", "inline"},
    "D4-max": {"buildkit", "registry"},
    "D3-no-cache": {
        *("buildkit", "buildx", "cache-export", "multiple-exports", "inline", "registry"),
    },
}


@pytest.mark.parametrize("name", NEEDS)
def test_f1_a_plan_states_its_needs(name: str) -> None:
    """F1: the features that a builder must have follow from the entries."""
    assert plan_of(BY_ID[name]).needs == NEEDS[name]


@pytest.mark.parametrize(
    ("output", "flags", "expected"),
    [
        (None, (), {"multi-platform"}),
        ("load", (), {"multi-platform"}),
        ("push", (), set()),
        ("type=oci,dest=x", (), set()),
        (None, ("--push",), set()),
        (None, ("-otype=oci",), set()),
        (None, ("--output=type=oci",), set()),
    ],
)
def test_f5_several_platforms_must_be_stored(
    output: str | None, flags: tuple[str, ...], expected: set[str]
) -> None:
    """F5: several platforms that nothing pushes need a builder that stores them."""
    platforms = ("linux/amd64", "linux/arm64")
    spec = FunctionSpec(
        name="fn", image="a/b", output=output, builder_flags=flags, target_platforms=platforms
    )
    plan = resolve(spec)
    assert (set(plan.needs), plan.platforms) == (expected, platforms)


@pytest.mark.parametrize(
    ("output", "flags", "pushed"),
    [
        (None, (), False),
        ("load", ("--push=false",), False),
        ("type=oci,dest=x", ("--pull",), False),
        (None, ("--opt=push",), False),
        ("push", (), True),
        ("type=image,push=true", (), True),
        (None, ("--push",), True),
        (None, ("--push=true",), True),
        (None, ("--output=type=registry",), True),
        (None, ("-o=type=image,push=1",), True),
        (None, ("-otype=registry",), True),
    ],
)
def test_d11_platforms_of_the_file_apply_to_a_push(
    output: str | None,
    flags: tuple[str, ...],
    pushed: bool,  # noqa: FBT001  # a column of the table
) -> None:
    """D11: they are left out elsewhere, with a note, and the exports with them."""
    spec = FunctionSpec(
        name="fn",
        image="a/b",
        output=output,
        builder_flags=flags,
        platforms="linux/amd64",
        build_cache="max",
    )
    plan = resolve(spec)
    note = Diagnostic(
        name="unused-platforms",
        severity="note",
        message="`platforms` and cache exports are ignored, because the image is not pushed",
        hint="add `--push`, or `--platforms linux/amd64`",
        location=Location(path=("functions", "fn", "platforms")),
    )
    assert (plan.platforms, bool(plan.cache_to), plan.diagnostics) == (
        (("linux/amd64",), True, ()) if pushed else ((), False, (note,))
    )


def test_d11_without_an_export_the_note_is_about_platforms_alone() -> None:
    """D11: without caching there is no export to leave out."""
    (note,) = resolve(FunctionSpec(name="fn", image="a/b", platforms="linux/amd64")).diagnostics
    assert note.message == "`platforms` is ignored, because the image is not pushed"


def test_target_platforms_replace_those_of_the_file() -> None:
    """The platforms of the flag apply always, those of the stack file without them."""
    spec = FunctionSpec(name="fn", image="a/b", platforms="linux/arm64", target_platforms="x")
    assert resolve(spec).platforms == ("x",)


def test_all_faults_of_a_function_are_raised_together() -> None:
    """A fault in the image, a flag and each side are one error, in the order of the rules."""
    setting = {"from": ["gha", 1.5, None, ["x"]], "to": ["", True]}
    spec = FunctionSpec(
        name="fn", image="A", extra_tags=["x"], builder_flags=["x"], build_cache=setting
    )
    with pytest.raises(InvalidFunction) as caught:
        resolve(spec)
    assert [(d.name, path_text(d.location.path)) for d in caught.value.diagnostics] == [
        ("invalid-reference", "functions.fn.image"),
        ("invalid-builder-flag", "functions.fn.builder_flags[0]"),
        ("bare-keyword", "functions.fn.build_cache.from[0]"),
        ("invalid-entry-type", "functions.fn.build_cache.from[1]"),
        ("empty-entry", "functions.fn.build_cache.from[2]"),
        ("invalid-entry-type", "functions.fn.build_cache.from[3]"),
        ("empty-entry", "functions.fn.build_cache.to[0]"),
    ]


def test_e2_the_rule_of_an_invalid_image_is_e2() -> None:
    """E1, E2: an invalid reference cites the rule that rejects it."""
    spec = FunctionSpec(
        name="fn", image="A", build_cache={"from": ["type=registry,ref=B"], "to": ["C"]}
    )
    with pytest.raises(InvalidFunction) as caught:
        resolve(spec)
    assert [(d.rule, d.severity) for d in caught.value.diagnostics] == [
        ("E2", "error"),
        ("E2", "warning"),
        ("E1", "error"),
    ]


def test_e1_invalid_tags_are_faults() -> None:
    """E1: extra tags are checked as tags, and the image to tag instead as a reference."""
    spec = FunctionSpec(name="fn", image="a/b", extra_tags=["ok", "-no"], tag_as="a/B")
    with pytest.raises(InvalidFunction) as caught:
        resolve(spec)
    assert [(d.name, d.location.path[2:]) for d in caught.value.diagnostics] == [
        ("invalid-reference", ("tag_as",)),
        ("invalid-reference", ("extra_tags", 1)),
    ]


def test_extra_tags_replace_the_tag() -> None:
    """An image with a port and no tag keeps its port."""
    spec = FunctionSpec(name="fn", image="localhost:5000/fn", extra_tags=["v1"])
    assert resolve(spec).tags == ("localhost:5000/fn:latest", "localhost:5000/fn:v1")


def test_tag_as_replaces_the_image() -> None:
    """The build tags the image that stands in for the one of the file."""
    spec = FunctionSpec(name="fn", image="a/fn:1", tag_as="a/fn:1-abc", extra_tags=["v1"])
    assert resolve(spec).tags == ("a/fn:1-abc", "a/fn:v1")


@pytest.mark.parametrize("extra", [{"build_secrets": {"a": "b"}}, {"ssh": "default"}])
def test_a1_secrets_need_buildkit_without_caching(extra: dict[str, Any]) -> None:
    """A1: build secrets and SSH set DOCKER_BUILDKIT, and do not enable caching."""
    plan = resolve(FunctionSpec(name="fn", image="a", **extra))
    assert (dict(plan.env), plan.needs, plan.caching) == (
        {"DOCKER_BUILDKIT": "1"},
        frozenset(),
        False,
    )


@pytest.mark.parametrize(
    ("builder", "flags", "expected"),
    [
        (None, ["--x"], (None, ("--x",))),
        (None, ["--builder=a", "--x", "--builder=b"], ("b", ("--x",))),
        ("c", ["--builder=a"], ("c", ())),
    ],
)
def test_d2_the_builder_of_a_flag_is_a_part_of_the_plan(
    builder: str | None, flags: list[str], expected: tuple[object, object]
) -> None:
    """D2: of several builder flags the last wins, as for docker; the option wins over them."""
    plan = resolve(FunctionSpec(name="fn", image="a", builder=builder, builder_flags=flags))
    assert (plan.builder, plan.builder_flags) == expected


def test_d1_a_fault_of_a_flag_is_at_the_flag() -> None:
    """D1: a fault of `--build-cache` is located at the flag."""
    with pytest.raises(InvalidFunction) as caught:
        resolve(FunctionSpec(name="fn", image="a"), CacheFlags(build_cache="mx"))
    assert [(d.name, d.location.path, d.hint) for d in caught.value.diagnostics] == [
        ("invalid-setting", ("--build-cache",), "did you mean `max`?")
    ]


def test_d6_a_fallback_scope_without_a_scope() -> None:
    """D6: without a scope, the cache without one is imported first, and exported."""
    plan = resolve(
        FunctionSpec(name="fn", image="a", build_cache="max"), CacheFlags(fallback_scopes="main")
    )
    assert [entry.attrs["ref"] for entry in (*plan.cache_from, *plan.cache_to)] == [
        "a:buildcache",
        "a:buildcache-main",
        "a:buildcache",
    ]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("main", "main"),
        ("feature/x", "feature-x-217d2bf5"),
        ("x-217d2bf5", "x-217d2bf5-dcec0455"),
        ("217d2bf5", "217d2bf5"),
        ("a" * MAX_SCOPE, "a" * MAX_SCOPE),
    ],
)
def test_d6_a_scope_becomes_a_part_of_a_tag(scope: str, expected: str) -> None:
    """D6: a scope that changes, or that looks as if it had, gets digits of its hash."""
    assert sanitize_scope(scope) == expected


@pytest.mark.parametrize(
    ("image", "kind", "value", "expected"),
    [
        ("a/fn", "sha", "1a2b3c4", "a/fn:latest-1a2b3c4"),
        ("localhost:5000/fn:1", "describe", "v1+x", "localhost:5000/fn:1-v1-x"),
        ("a/fn:1", "digest", "abc", "a/fn:abc"),
    ],
)
def test_tagged_image(image: str, kind: str, value: str, expected: str) -> None:
    """`--tag` appends its value to the tag, and for `digest` replaces the tag."""
    assert tagged_image(image, kind, value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type=unknown,b=2,a=1", {("unknown", "a=1", "b=2")}),
        ("type=registry,ref=A/B", {("registry", "A/B")}),
        ("type=inline", {("inline",)}),
        ("type=registry,ref=", set()),
        ("type=local,mode=max", set()),
        (
            "type=s3,bucket=b,region=r,name=x;y",
            {
                ("s3", "", "b", "", "manifests/", "x"),
                ("s3", "", "b", "", "manifests/", "y"),
            },
        ),
        (
            "type=azblob,account_url=u",
            {("azblob", "u", "", "buildkit-cache", "", "manifests", "buildkit")},
        ),
    ],
)
def test_e5_destinations(text: str, expected: set[tuple[str, ...]]) -> None:
    """E5: destinations are in normal form, defaults included; an unknown type has its fields."""
    assert destinations(parse_entries([text])[0]) == expected


def test_e5_a_destination_is_shown_without_secrets() -> None:
    """E5: the userinfo of a URL is masked."""
    assert destination_text(("s3", "https://me:hunter2@x", "b")) == "type=s3 https://***@x b"


@pytest.mark.parametrize("flag", ["--output=x", "--push", "--load", "-o=x", "-otype=oci"])
def test_f5_a_flag_that_sets_the_output(flag: str) -> None:
    """F5: a builder flag may say what becomes of the image."""
    assert (sets_output(flag), sets_output("--other=x"), sets_output("--opt")) == (
        True,
        False,
        False,
    )


def test_d10_auto_is_not_for_resolve() -> None:
    """D10: the caller replaces `auto` by what the environment says; `resolve` rejects it."""
    spec = FunctionSpec(name="fn", image="ghcr.io/acme/fn:1", build_cache="max")
    with pytest.raises(InvalidFunction) as caught:
        resolve(spec, CacheFlags(export="auto"))
    assert reported(caught.value.diagnostics) == [["invalid-argument", "error", "--cache-export"]]


@pytest.mark.parametrize("key", ["provenance", "sbom"])
@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        *((value, True) for value in ("true", "0", "mode=max", "generator=a/b", "", None)),
        *((value, False) for value in ("yes", "max", "mode")),
    ],
)
def test_attestations_are_booleans_or_fields(key: str, value: str | None, accepted: bool) -> None:  # noqa: FBT001  # a column of the table
    """What buildx rejects is an error at its key, which names what buildx accepts."""
    spec = FunctionSpec.from_mapping("fn", {"image": "a/fn", key: value})
    if accepted:
        assert getattr(resolve(spec), key) == value
        return
    with pytest.raises(InvalidFunction) as caught:
        resolve(spec)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.name, str(diagnostic.location), diagnostic.message) == (
        "invalid-attestation",
        f"functions.fn.{key}",
        f"expected a boolean or fields, got `{value}`",
    )
