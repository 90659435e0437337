"""What a plan says about the inputs of its build."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.entries import parse_entries
from faas_cache.model.inputs import BuildInputs
from faas_cache.planning.builder_flags import dockerfile_path
from faas_cache.planning.input_digests import cache_names, digest_plan
from faas_cache.planning.plan import BuildPlan


def digest(text: str) -> str:
    """The digest of a value."""
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def test_arguments_are_digests_and_secrets_are_names() -> None:
    """Those among the builder flags too; the argument of A2 is not an input of a step."""
    plan = BuildPlan(
        function="fn",
        tags=["a/fn:1"],
        build_args={
            "GIT_SHA": "abc",
            "NPM_TOKEN": "t0p",
            "PIP_INDEX": "https://user:t0p@host/",
            "BUILDKIT_INLINE_CACHE": "1",
        },
        builder_flags=[
            "--build-arg=BUILDKIT_INLINE_CACHE=1",
            "--build-arg=V=1",
            "--build-arg=HERE",
            "--build-arg=NOT_HERE",
        ],
        secrets={"conf": "/conf"},
        platforms=["linux/amd64"],
    )
    assert digest_plan(plan, {"HERE": "x"}) == BuildInputs(
        build_args={"GIT_SHA": digest("abc"), "HERE": digest("x"), "V": digest("1")},
        masked_args=("NPM_TOKEN", "PIP_INDEX"),
        secrets=("conf",),
        platforms=("linux/amd64",),
    )


@given(
    st.dictionaries(
        st.text("ABCDEFG_", min_size=1),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    )
)
def test_no_value_leaves_as_text(arguments: dict[str, str]) -> None:
    """Not one, whatever its name."""
    values = {name: f"<{value}>" for name, value in arguments.items()}
    inputs = digest_plan(BuildPlan(function="f", tags=["a"], build_args=values), {})
    shown = repr(inputs) + str(dict(inputs.build_args))
    assert [value for value in values.values() if value in shown] == []


@pytest.mark.parametrize(
    ("plan", "names"),
    [
        ({}, ((), ())),
        (
            {"cache_from": ["fn:1"], "cache_to": ["type=registry,ref=localhost:5000/fn:c"]},
            (("docker.io/library/fn:1",), ("localhost:5000/fn:c",)),
        ),
        (
            {"cache_from": ["type=gha,scope=x"], "cache_to": ["type=gha,scope=x,mode=max"]},
            (("type=gha x",), ("type=gha x",)),
        ),
        (
            {"cache_from": ["type=local,src=./a"], "cache_to": ["type=local,dest=a"]},
            (("type=local a",), ("type=local a",)),
        ),
        (
            {"cache_from": ["type=local,src=./a"] * 2, "cache_to": ["type=local,dest=a"] * 2},
            (("type=local a",), ("type=local a",)),
        ),
        # An inline cache is in the image, once that is pushed.
        ({"build_args": {"BUILDKIT_INLINE_CACHE": "1"}}, ((), ())),
        (
            {"build_args": {"BUILDKIT_INLINE_CACHE": "1"}, "output": "push"},
            ((), ("docker.io/a/fn:1",)),
        ),
        (
            {"builder_flags": ["--cache-from=a/x:1", "--cache-to=type=registry,ref=a/x:1"]},
            (("docker.io/a/x:1",), ("docker.io/a/x:1",)),
        ),
        (
            {"cache_to": ["type=inline"], "builder_flags": ["--push"]},
            ((), ("type=inline", "docker.io/a/fn:1")),
        ),
    ],
)
def test_caches_have_one_name_on_both_sides(
    plan: dict[str, object], names: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    """So that readers find the writers."""
    inputs = digest_plan(BuildPlan(function="fn", tags=["a/fn:1"], **plan), {})  # type: ignore[arg-type]  # the fields of the table
    assert (inputs.imports, inputs.exports) == names


def test_the_name_of_a_cache_has_no_secret() -> None:
    """A signature in a URL is one."""
    entry = "type=azblob,account_url=https://h/?sig=s3cr3t,name=x"
    assert "s3cr3t" not in " ".join(cache_names(parse_entries([entry])))


@pytest.mark.parametrize(
    ("flags", "context", "path"),
    [
        ([], "build/fn", "build/fn/Dockerfile"),
        (["--file=docker/D"], "build/fn", "docker/D"),
        (["-f", "-fdocker/D"], ".", "docker/D"),
        (["--file=-"], ".", None),
        (["-f=https://host/D"], ".", None),
        ([], "https://host/repo.git", None),
        ([], "-", None),
    ],
)
def test_the_dockerfile_of_a_plan(flags: list[str], context: str, path: str | None) -> None:
    """That of the context, or of a builder flag; one from elsewhere is not read."""
    plan = BuildPlan(function="fn", tags=["a"], context=context, builder_flags=flags)
    assert dockerfile_path(plan) == path
