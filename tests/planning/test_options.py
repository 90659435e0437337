"""`BuildOptions`: what the constructor accepts, and what it changes in the spec of a function."""

from typing import Any

import attrs
import pytest

from faas_cache.model.diagnostics import path_text
from faas_cache.model.errors import InvalidInput
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.function_names import check_name
from faas_cache.planning.options import (
    PLANNING_VARIABLES,
    BuildOptions,
    apply_options,
    checked_environ,
)
from faas_cache.planning.resolution import resolve
from faas_cache.render.buildx import buildx_build

SPEC = FunctionSpec(name="fn", image="a/fn")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("build_args", {"A": 1}, {"A": "1"}),
        ("build_args", [("A", "1"), ("A", "2")], {"A": "2"}),
        (
            "build_args",
            [("ADDITIONAL_PACKAGE", "a b"), ("B", "1"), ["ADDITIONAL_PACKAGE", "c"]],
            {"ADDITIONAL_PACKAGE": "a b c", "B": "1"},
        ),
        ("build_args", [], {}),
        ("build_labels", [("a", "1"), ("a", "2")], {"a": "2"}),
        ("build_labels", {"a": "1"}, {"a": "1"}),
        ("tag", "SHA", "sha"),
        ("tag", "", "latest"),
        ("platforms", "a, b", ("a", "b")),
        ("platforms", ["a"], ("a",)),
        ("builder_flags", "--x", ("--x",)),
        ("extra_tags", ["v1"], ("v1",)),
        ("provenance", False, "false"),
        ("provenance", "mode=max", "mode=max"),
        ("provenance", "", ""),
        ("provenance", None, None),
        ("push", "yes", True),
    ],
)
def test_what_is_unambiguous_is_converted(field: str, value: object, expected: object) -> None:
    """Lists, mappings, pairs and words become the immutable form."""
    arguments: Any = {field: value}
    assert getattr(BuildOptions(**arguments), field) == expected


@pytest.mark.parametrize(
    ("field", "value", "name", "path", "message"),
    [
        ("push", "maybe", "invalid-type", "push", "expected a boolean, got `maybe`"),
        ("sbom", "yes", "invalid-attestation", "sbom", "expected a boolean or fields, got `yes`"),
        (
            "build_args",
            ["A=1"],
            "invalid-type",
            "build_args",
            "expected a mapping of strings, got a list",
        ),
        (
            "build_labels",
            [("a", "b", "c")],
            "invalid-type",
            "build_labels",
            "expected a mapping of strings, got a list",
        ),
        (
            "build_args",
            [("ADDITIONAL_PACKAGE", "a"), ("ADDITIONAL_PACKAGE", 1.5)],
            "invalid-type",
            "build_args.ADDITIONAL_PACKAGE[1]",
            "expected a string, got a float",
        ),
        ("tag", "commit", "invalid-argument", "tag", "unknown kind of tag `commit`"),
        (
            "builder_flags",
            ["--x", "y"],
            "invalid-builder-flag",
            "builder_flags[1]",
            "the builder flag `y` does not start with a dash",
        ),
    ],
)
def test_a_wrong_value_names_the_field(
    field: str, value: object, name: str, path: str, message: str
) -> None:
    """A value that is not accepted raises our error with the field's key path."""
    arguments: Any = {field: value}
    with pytest.raises(InvalidInput) as caught:
        BuildOptions(**arguments)
    assert [(d.name, path_text(d.location.path), d.message) for d in caught.value.diagnostics] == [
        (name, path, message)
    ]


def test_e1_extra_tags_are_checked_as_tags() -> None:
    """E1: a tag that is not valid is an error at its position."""
    with pytest.raises(InvalidInput) as caught:
        BuildOptions(extra_tags=["v1", "-no"])
    assert [(d.name, d.location.path) for d in caught.value.diagnostics] == [
        ("invalid-reference", ("extra_tags", 1))
    ]


@pytest.mark.parametrize(
    ("tag", "hint"),
    [
        ("brnch", "did you mean `branch`?"),
        ("xyz", "use one of latest, sha, branch, describe, digest"),
    ],
)
def test_an_unknown_tag_suggests_another(tag: str, hint: str) -> None:
    """The hint names the nearest kind, or all of them."""
    with pytest.raises(InvalidInput) as caught:
        BuildOptions(tag=tag)
    assert [d.hint for d in caught.value.diagnostics] == [hint]


def test_no_options_change_nothing() -> None:
    """Without options and proxies, the spec is the same."""
    assert apply_options(SPEC, BuildOptions(), {"HOME": "/root"}) is SPEC
    assert apply_options(SPEC) is SPEC


def test_every_option_is_applied() -> None:
    """Arguments and labels are replaced by name, lists are extended, switches are added."""
    spec = attrs.evolve(
        SPEC,
        build_args={"A": "1", "B": "1"},
        build_labels={"l": "1"},
        build_options=["dev"],
        builder_flags=["--a"],
        extra_tags=["v1"],
        platforms=["linux/arm64"],
        builder="old",
        provenance="true",
        sbom="true",
    )
    options = BuildOptions(
        build_args={"B": "2"},
        build_labels={"m": "2"},
        build_options=["dev", "more"],
        builder_flags=["--b"],
        extra_tags=["v2"],
        platforms="linux/amd64",
        builder="new",
        pull=True,
        squash=True,
        push=True,
        provenance="false",
    )
    assert apply_options(spec, options, {"http_proxy": "p", "A": "x", "NO_PROXY": ""}) == (
        attrs.evolve(
            spec,
            build_args={"http_proxy": "p", "A": "1", "B": "2"},
            build_labels={"l": "1", "m": "2"},
            build_options=["dev", "more"],
            builder_flags=["--a", "--b"],
            extra_tags=["v1", "v2"],
            target_platforms=["linux/amd64"],
            builder="new",
            pull=True,
            squash=True,
            output="push",
            provenance="false",
        )
    )


def test_a_build_argument_wins_over_a_proxy() -> None:
    """The function's own argument replaces the proxy of the environment."""
    spec = attrs.evolve(SPEC, build_args={"http_proxy": "own"})
    assert apply_options(spec, environ={"http_proxy": "env"}).build_args == {"http_proxy": "own"}


@pytest.mark.parametrize(
    ("platforms", "flag", "expected"),
    [((), (), ("linux/amd64",)), (("a",), (), ()), (("a",), ("b",), ("b",)), ((), ("b",), ("b",))],
)
def test_publish_has_a_default_platform(
    platforms: tuple[str, ...], flag: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """`publish` builds for linux/amd64 unless the function or the flag names platforms."""
    spec = attrs.evolve(SPEC, platforms=platforms)
    result = apply_options(spec, BuildOptions(publish=True, platforms=flag))
    assert (result.target_platforms, result.output) == (expected, "push")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"ACTIONS_RUNTIME_TOKEN": "hunter2", "PATH": "/bin"}, {"ACTIONS_RUNTIME_TOKEN": "1"}),
        ({"ACTIONS_CACHE_URL": ""}, {}),
        ({"ACTIONS_CACHE_SERVICE_V2": "True"}, {"ACTIONS_CACHE_SERVICE_V2": "1"}),
        ({"ACTIONS_CACHE_SERVICE_V2": "false"}, {}),
    ],
)
def test_the_environment_of_checks(environ: dict[str, str], expected: dict[str, str]) -> None:
    """Checks read whether a variable is present, not what it holds."""
    assert checked_environ(environ) == expected
    assert environ.keys() - set(PLANNING_VARIABLES) <= {"PATH"}


def test_no_secret_in_the_repr_of_options() -> None:
    """The credentials of a proxy are masked."""
    options = BuildOptions(
        build_args={"http_proxy": "http://me:hunter2@p", "NPM_TOKEN": "hunter2"},
        builder_flags=["--x=token=hunter2"],
    )
    assert "hunter2" not in repr(options)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fn-1", None),
        ("Fn", "undeployable-name"),
        ("a" * 64, "undeployable-name"),
        ("", "invalid-function-name"),
        ("..", "invalid-function-name"),
        ("a/b", "invalid-function-name"),
        ("a\\b", "invalid-function-name"),
        ("é" * 128, "invalid-function-name"),
        ("\ud800", "invalid-function-name"),
        (".faas-cache-1", "invalid-function-name"),
        (".FAAS-CACHE-x", "invalid-function-name"),
    ],
)
def test_names_of_functions(name: str, expected: str | None) -> None:
    """A name is a folder, which must stay in `build`, and a DNS label, without which it is a warning."""
    names = [(d.name, d.location.path) for d in check_name(name)]
    assert names == ([] if expected is None else [(expected, ("functions", name))])


@pytest.mark.parametrize(
    ("option", "expected"), [(None, "--provenance=false"), ("mode=max", "--provenance=mode=max")]
)
def test_attestations_of_a_function_and_of_the_flags(option: str | None, expected: str) -> None:
    """The keys of a function are those of docker; the flags replace them."""
    spec = FunctionSpec.from_mapping("fn", {"image": "a/fn", "provenance": "false", "sbom": "true"})
    assert spec.diagnostics == ()
    argv = buildx_build(resolve(apply_options(spec, BuildOptions(provenance=option)))).argv
    assert (expected in argv, "--sbom=true" in argv) == (True, True)
