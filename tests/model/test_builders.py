"""The builder as data: features, versions, front ends, refusals."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.backends import BACKENDS
from faas_cache.model.builders import Builder, embedded_buildkit, unmet
from faas_cache.model.errors import BuilderError
from faas_cache.model.specs import FunctionSpec
from faas_cache.model.versions import at_least, parsed
from faas_cache.planning.plan import BuildPlan, resolve
from faas_cache.render.commands import RENDERERS

DOCKER20 = Builder(docker="20.10.24+dfsg1")
CLASSIC = Builder(docker="26.1.5+dfsg1", buildx="0.13.1+ds1", buildkit="v0.0.0+unknown")
STORE = attrs.evolve(CLASSIC, containerd_store=True)
CONTAINER = Builder(docker="26.1.5", buildx="0.13.1", buildkit="0.26.3", driver="docker-container")

FEATURES = [
    ("nothing", Builder(), set()),
    ("docker20", DOCKER20, {"buildkit", "registry", "inline"}),
    ("docker23-without-buildx", Builder(docker="23.0.1"), set()),
    ("unknown-without-buildx", Builder(docker=""), {"buildkit", "registry", "inline"}),
    ("classic", CLASSIC, {"buildkit", "buildx", "several-exports", "registry", "inline", "local"}),
    (
        "containerd-store",
        STORE,
        {
            "buildkit",
            "buildx",
            "several-exports",
            "cache-export",
            "several-platforms",
            "registry",
            "inline",
            "local",
            "gha",
        },
    ),
    ("container", CONTAINER, {"buildkit", "buildx", "several-exports", "cache-export", *BACKENDS}),
    (
        "old-buildkit",
        attrs.evolve(CONTAINER, buildkit="0.10.6"),
        {"buildkit", "buildx", "cache-export", "registry", "inline", "local", "gha"},
    ),
    ("unknown-buildkit", attrs.evolve(CONTAINER, buildkit=None), CONTAINER.features),
    (
        "docker20-with-buildx",
        attrs.evolve(DOCKER20, buildx="0.8.2"),
        {"buildkit", "buildx", "registry", "inline", "local"},
    ),
]


@pytest.mark.parametrize(
    ("builder", "expected"), [row[1:] for row in FEATURES], ids=[row[0] for row in FEATURES]
)
def test_f2_features(builder: Builder, expected: set[str]) -> None:
    """F2: what a builder can do follows from its versions, driver and store."""
    assert builder.features == expected


VERSIONS = [
    ("0.13.1+ds1", "0.13.1+ds1"),
    ("v0.0.0+unknown", None),
    ("28.5.2+dfsg4", "28.5.2+dfsg4"),
    ("v0.36.0-54-gabcdef0", "0.36.0"),
    ("20.1-desktop.2", "20.1"),
    ("18.06.0-ce", "18.6.0"),
    ("0.11.0-rc1", "0.11.0rc1"),
    ("0.36.0-54", "0.36.0"),
    ("", None),
    (None, None),
    ("garbage", None),
    ("1" * 5000, None),
]


@pytest.mark.parametrize(
    ("text", "expected"), VERSIONS, ids=[str(text)[:20] for text, _ in VERSIONS]
)
def test_versions_in_every_spelling(text: str | None, expected: str | None) -> None:
    """Distribution spellings are read, and what is no version is unknown."""
    assert (str(parsed(text)) if parsed(text) else None) == expected


@given(st.text())
def test_an_unknown_version_is_no_exception(text: str) -> None:
    """Whatever a tool says of its version, features and front end are found."""
    builder = Builder(docker=text, buildx=text, buildkit=text)
    known = parsed(text) is not None
    try:
        front_end = builder.front_end([plan("inline")])
    except BuilderError:
        assert known
    else:
        assert front_end == "buildx_build"


def test_embedded_buildkit() -> None:
    """The engine tells the BuildKit inside it; a release between two has the older one's."""
    found = [embedded_buildkit(version) for version in ("17.0", "20.10.24", "28.4.0", "31.0", "")]
    assert found == ["", "0.8", "0.23", "0.25", ""]


def test_a_release_candidate_is_older() -> None:
    """A pre-release does not have what its release brings."""
    assert (
        at_least("0.11.0-rc1", "0.11", unknown=True),
        at_least("0.11.0", "0.11", unknown=False),
    ) == (False, True)


def plan(setting: object = None, name: str = "fn", platforms: str = "") -> BuildPlan:
    """A plan with that setting."""
    return resolve(
        FunctionSpec(name=name, image="ghcr.io/a/fn", build_cache=setting, platforms=platforms)
    )


FRONT_ENDS = [
    ("off", DOCKER20, [plan()], "docker_build"),
    ("off-with-buildx", STORE, [plan()], "docker_build"),
    ("inline-without-buildx", DOCKER20, [plan("inline")], "docker_build"),
    ("inline-with-buildx", CLASSIC, [plan("inline")], "buildx_build"),
    ("one-is-enough", STORE, [plan(), plan("max")], "buildx_build"),
    ("nothing-to-build", Builder(), [], "docker_build"),
    (
        "several-platforms-stored",
        STORE,
        [plan(platforms="linux/amd64,linux/arm64")],
        "docker_build",
    ),
]


@pytest.mark.parametrize(
    ("builder", "plans", "expected"),
    [row[1:] for row in FRONT_ENDS],
    ids=[row[0] for row in FRONT_ENDS],
)
def test_f3_front_end(builder: Builder, plans: list[BuildPlan], expected: str) -> None:
    """F3: one front end serves a whole run."""
    assert builder.front_end(plans) == expected
    assert expected in RENDERERS


REFUSALS = [
    (
        "no-docker",
        Builder(),
        plan("inline"),
        ["docker is not there: no program of that name is on PATH"],
    ),
    (
        "max-without-buildx",
        DOCKER20,
        plan("max"),
        ["buildx is missing: docker 20.10.24+dfsg1 has none, and `fn` cannot be built without"],
    ),
    (
        "docker23-without-buildx",
        Builder(docker="23.0"),
        plan("inline"),
        ["buildx is missing: docker 23.0 refuses BuildKit without it, and `fn` cannot be cached"],
    ),
    (
        "classic-store",
        CLASSIC,
        plan("max"),
        ["Docker's own builder with the classic image store cannot export the cache of `fn`"],
    ),
    (
        "s3-on-docker",
        STORE,
        plan({"from": ["type=s3,bucket=b,region=r"]}),
        [
            "Docker's own builder with the containerd image store has no `type=s3` cache, which `fn` uses"
        ],
    ),
    (
        "several-exports",
        attrs.evolve(CONTAINER, buildkit="0.10.6"),
        plan("max"),
        ["BuildKit 0.10.6 takes one cache export, and `fn` has several (the inline one counts)"],
    ),
    (
        "several-platforms",
        CONTAINER,
        plan(platforms="linux/amd64,linux/arm64"),
        [
            "`fn` is built for several platforms and goes nowhere: few builders can store such an image"
        ],
    ),
]


@pytest.mark.parametrize(
    ("builder", "needy", "messages"),
    [row[1:] for row in REFUSALS],
    ids=[row[0] for row in REFUSALS],
)
def test_f2_a_lack_is_reported(builder: Builder, needy: BuildPlan, messages: list[str]) -> None:
    """F2: what is missing, for whom, what to do and where to read more, before anything runs."""
    with pytest.raises(BuilderError) as caught:
        builder.front_end([needy])
    found = caught.value.diagnostics
    assert [d.message for d in found] == messages
    assert all(d.hint and d.url for d in found)


def test_f5_nobody_was_asked() -> None:
    """F5: with an unknown builder several platforms that go nowhere are an error, and nothing else is."""
    plans = [plan("max"), plan(name="b", platforms="linux/amd64,linux/arm64")]
    assert [(d.name, "--push" in d.hint) for d in unmet(plans, None)] == [("F5", True)]


def test_an_unknown_version_is_one_note() -> None:
    """F2: what depends on an unknown version is taken for granted, and that is said once."""
    found = unmet(
        [plan("max"), plan("inline", name="b")], attrs.evolve(CONTAINER, buildkit="", docker="")
    )
    assert [(d.severity, d.message) for d in found] == [
        (
            "note",
            "the version of docker and BuildKit is not known: what depends on it is taken for granted",
        )
    ]
