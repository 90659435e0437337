"""Function specs: what is read from YAML and from Python."""

import pickle
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.converters import Quoted
from faas_cache.model.diagnostics import path_text
from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import FaasCacheError, InvalidFunction
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.references import Reference
from faas_cache.model.specs import FunctionSpec


def faults(mapping: object) -> list[tuple[str, str]]:
    """The key paths and the messages of a mapping with faults."""
    with pytest.raises(InvalidFunction) as caught:
        FunctionSpec.from_mapping("fn", mapping)
    return [
        (path_text(d.location.path).removeprefix("functions.fn"), d.message)
        for d in caught.value.diagnostics
    ]


def test_from_mapping_reads_the_yaml_keys() -> None:
    """Every key of a build is read as an argument is, and deployment keys are accepted."""
    given_keys: dict[str, Any] = {
        "lang": "python3",
        "handler": "./fn",
        "image": "a/b",
        "build_args": {"A": 1, "B": True, "C": None},
        "platforms": "linux/amd64, linux/arm64",
        "build_options": ["dev"],
        "skip_build": "yes",
        "build_cache": {"from": ["x"], "to": "y"},
        "builder_flags": "--x",
    }
    deployment = {
        "environment": {"X": "y"},
        "limits": {"cpu": "1"},
        "secrets": ["s"],
        "readonly_root_filesystem": "on",
    }
    spec = FunctionSpec.from_mapping("fn", given_keys | deployment)
    same = FunctionSpec(name="fn", **given_keys)
    assert (spec, hash(spec), spec.diagnostics) == (same, hash(same), ())
    assert dict(spec.build_args) == {"A": "1", "B": "true", "C": ""}
    assert (spec.platforms, spec.builder_flags, spec.skip_build) == (
        ("linux/amd64", "linux/arm64"),
        ("--x",),
        True,
    )
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert attrs.evolve(spec, pull=True).pull


def test_a_null_function_is_empty() -> None:
    """faas-cli accepts a function without any key."""
    assert FunctionSpec.from_mapping("fn", None) == FunctionSpec(name="fn")


def test_a_text_stands_for_a_list_of_one() -> None:
    """From Python, a string instead of a list is a list of one."""
    spec = FunctionSpec(
        name="fn",
        build_options="dev",
        ssh="default",
        extra_tags="a/b",
        builder_flags="--x",
        platforms="p,q",
    )
    assert (spec.build_options, spec.ssh, spec.extra_tags, spec.builder_flags) == (
        ("dev",),
        ("default",),
        ("a/b",),
        ("--x",),
    )
    assert spec.platforms == ("p", "q")


def test_lists_are_any_iterables() -> None:
    """From Python, a list may be a generator, null is empty, and numbers are spelled as in Go."""
    given_args: dict[str, Any] = {"A": 10**20, "B": False}
    spec = FunctionSpec(name="fn", ssh=(word for word in ("a", "b")), build_args=given_args)
    assert (spec.ssh, dict(spec.build_args)) == (
        ("a", "b"),
        {"A": "100000000000000000000", "B": "false"},
    )
    null = FunctionSpec.from_mapping(
        "fn", dict.fromkeys(["image", "ssh", "build_args", "platforms", "pull", "build_cache"])
    )
    assert null == FunctionSpec(name="fn")


def test_a_name_is_text() -> None:
    """The function `5:` in YAML has the name `5`."""
    name: Any = 5
    assert (FunctionSpec(name=name).name, FunctionSpec.from_mapping(name, {}).name) == ("5", "5")


def test_a_spec_is_a_value() -> None:
    """Specs compare by their values and not by their diagnostics; they hash, evolve, are pickled."""
    spec = FunctionSpec.from_mapping(
        "fn", {"image": "a/b", "build_cache": {"to": ["x"]}, "other": 1}
    )
    same = FunctionSpec(name="fn", image="a/b", build_cache={"to": ["x"]})
    assert (spec, hash(spec), len(spec.diagnostics), same.diagnostics) == (same, hash(same), 1, ())
    assert (attrs.evolve(spec), pickle.loads(pickle.dumps(spec))) == (spec, spec)
    assert attrs.evolve(spec).diagnostics == spec.diagnostics
    assert attrs.evolve(spec, image="c") != spec
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        spec.image = "c"  # type: ignore[misc]  # the change is the point


class Mode(StrEnum):
    """A mode as an enum of strings."""

    MAX = "max"


class Level(IntEnum):
    """A number with a name."""

    ONE = 1


class Plain(Enum):
    """The same without the mixin."""

    MAX = "max"
    LIST = ("max",)


def test_python_values_are_converted() -> None:
    """Paths, references, entries and enums become the text that they stand for."""
    entry = parse_entries("type=gha,scope=a")[0]
    spec = FunctionSpec(
        name="fn",
        image=Reference.parse("ghcr.io/a/fn:1"),
        build_cache={"from": [entry], "to": Path("a/b")},
        build_args={"A": Path("x/y"), "B": Level.ONE, "C": Plain.MAX},
        handler=Path("./fn"),
        context=Path("build/other"),
        extra_tags=Mode.MAX,
        provenance=True,
        sbom="generator=x",
        target_platforms=["linux/arm64"],
    )
    expected: dict[str, Any] = {
        "image": "ghcr.io/a/fn:1",
        "build_cache": {"from": ("type=gha,scope=a",), "to": "a/b"},
        "build_args": {"A": "x/y", "B": "1", "C": "max"},
        "handler": "fn",
        "context": "build/other",
        "extra_tags": ("max",),
        "provenance": "true",
        "sbom": "generator=x",
        "target_platforms": ("linux/arm64",),
    }
    assert {name: getattr(spec, name) for name in expected} == expected
    assert FunctionSpec(name="fn", build_cache=Mode.MAX).build_cache == "max"
    plain: Any = Plain.MAX
    assert FunctionSpec(name="fn", build_cache=plain).build_cache == "max"


CONTEXTS: list[tuple[object, str | None, str]] = [
    (None, None, "build/fn"),
    ("", None, "build/fn"),
    (".", ".", "."),
    ("https://github.com/a/b.git", "https://github.com/a/b.git", "https://github.com/a/b.git"),
]


@pytest.mark.parametrize(("written", "context", "path"), CONTEXTS)
def test_a_context_that_is_not_given_is_the_one_of_a_build(
    written: object, context: str | None, path: str
) -> None:
    """Without a context of its own, a function is built from `build/NAME`."""
    spec = FunctionSpec.from_mapping("fn", {"context": written})
    assert (spec.context, spec.context_path) == (context, path)


ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"image": b"a"}, "functions.fn.image: expected a string, got a value of type `bytes`"),
    ({"tag_as": 1.5}, "functions.fn.tag_as: expected a string, got a float"),
    ({"build_options": Plain.LIST}, "functions.fn.build_options: expected a string, got a list"),
    ({"platforms": {"a"}}, "functions.fn.platforms: expected a list of strings, got a set"),
    ({"builder": ["a"]}, "functions.fn.builder: expected a string, got a list"),
    ({"build_cache": {"a"}}, "functions.fn.build_cache: expected a mode or a mapping, got a set"),
    ({"pull": 1}, "functions.fn.pull: expected a boolean, got an integer"),
    ({"pull": "maybe"}, "functions.fn.pull: expected a boolean, got `maybe`"),
    (
        {"diagnostics": ["x"]},
        "functions.fn.diagnostics: expected a list of diagnostics, got a list",
    ),
    (
        {"diagnostics": 1},
        "functions.fn.diagnostics: expected a list of diagnostics, got an integer",
    ),
    ({"name": []}, "name: expected a string, got a list"),
]


@pytest.mark.parametrize(("wrong", "text"), ARGUMENTS, ids=[text for _, text in ARGUMENTS])
def test_a_wrong_argument_is_rejected_with_its_name(wrong: dict[str, Any], text: str) -> None:
    """The key path of the error is that of the field."""
    with pytest.raises(InvalidFunction) as caught:
        FunctionSpec(**{"name": "fn", **wrong})
    assert [
        f"{path_text(error.location.path)}: {error.message}" for error in caught.value.diagnostics
    ] == [text]


CHARACTERS = "the string contains a NUL character or half of a surrogate pair"
BITS = "the integer is longer than 2048 bits"
FAULTS: list[tuple[object, list[tuple[str, str]]]] = [
    ("text", [("", "expected a mapping, got a string")]),
    ({"image": ["a"]}, [(".image", "expected a string, got a list")]),
    ({"image": 1.5}, [(".image", "expected a string, got a float")]),
    ({"image": "a\0"}, [(".image", CHARACTERS)]),
    ({"image": "\ud800"}, [(".image", CHARACTERS)]),
    ({"image": 1 << 20_000}, [(".image", BITS)]),
    ({"build_cache": {"to": [1 << 20_000]}}, [(".build_cache.to[0]", BITS)]),
    ({"build_args": {1 << 20_000: "x"}}, [(".build_args", BITS)]),
    ({1 << 20_000: "x"}, [("", BITS)]),
    ({"build_args": ["A"]}, [(".build_args", "expected a mapping of strings, got a list")]),
    (
        {"build_args": {"A": [], "B": {}}},
        [
            (".build_args.A", "expected a string, got a list"),
            (".build_args.B", "expected a string, got a mapping"),
        ],
    ),
    ({"build_options": "dev"}, [(".build_options", "expected a list of strings, got a string")]),
    (
        {"builder_flags": {"a": "b"}},
        [(".builder_flags", "expected a list of strings, got a mapping")],
    ),
    ({"builder_flags": ["--x", []]}, [(".builder_flags[1]", "expected a string, got a list")]),
    ({"skip_build": Quoted("true")}, [(".skip_build", "expected a boolean, got a string")]),
    ({"skip_build": "1"}, [(".skip_build", "expected a boolean, got `1`")]),
    ({"environment": []}, [(".environment", "expected a mapping of strings, got a list")]),
    ({"limits": "x"}, [(".limits", "expected a mapping of strings, got a string")]),
    (
        {"build_cache": object()},
        [(".build_cache", "expected a mode or a mapping, got a value of type `object`")],
    ),
    (
        {"image": {}, "handler": []},
        [
            (".image", "expected a string, got a mapping"),
            (".handler", "expected a string, got a list"),
        ],
    ),
]


@pytest.mark.parametrize(("mapping", "expected"), FAULTS, ids=range(len(FAULTS)))
def test_type_faults(mapping: object, expected: list[tuple[str, str]]) -> None:
    """Values of the wrong type are reported together, each with its key path."""
    assert faults(mapping) == expected


SETTINGS: list[tuple[object, object]] = [
    (None, None),
    ("max", "max"),
    (True, True),
    (1, 1),
    (1.5, 1.5),
    (Level.ONE, 1),
    (["x", 1], ("x", 1)),
    ({"from": ["x", {"type": "gha"}], 1: None}, {"from": ("x", {"type": "gha"}), "1": None}),
]


@pytest.mark.parametrize(
    ("written", "kept"), SETTINGS, ids=[repr(written) for written, _ in SETTINGS]
)
def test_a_setting_is_kept_as_written(written: object, kept: object) -> None:
    """B3, C1: a setting is made immutable here, and checked by `resolve`."""
    setting = FunctionSpec.from_mapping("fn", {"build_cache": written}).build_cache
    assert (setting, type(setting)) == (kept, FrozenMap if isinstance(kept, dict) else type(kept))
    assert isinstance(hash(setting), int)


def test_a_setting_that_contains_itself_is_rejected() -> None:
    """A list without an end is reported."""
    endless: list[object] = []
    endless.append(endless)
    assert [message for _, message in faults({"build_cache": endless})] == [
        "the cache setting is nested too deeply"
    ]


def test_yaml_booleans() -> None:
    """yaml.v3 reads the words of YAML 1.1 as booleans, quoted or not, but not a quoted `true`."""
    specs = [
        FunctionSpec.from_mapping("fn", {"skip_build": word})
        for word in ("on", Quoted("yes"), True, "NO", None)
    ]
    assert [spec.skip_build for spec in specs] == [True, True, True, False, False]


def test_unknown_keys_are_warnings() -> None:
    """An unknown key is ignored with a warning that suggests the nearest known one."""
    spec = FunctionSpec.from_mapping("fn", {"image": "a", "build_caches": "max", 1: "x"})
    assert [(d.name, d.severity, d.location.path[2], d.hint) for d in spec.diagnostics] == [
        ("unknown-key", "warning", "build_caches", "did you mean `build_cache`?"),
        (
            "unknown-key",
            "warning",
            "1",
            "remove it, or move it below a top-level key that starts with `x-`",
        ),
    ]


def test_text_becomes_a_plain_string() -> None:
    """Text beyond ASCII is kept; an instance of a subclass of `str` becomes a `str`."""
    spec = FunctionSpec(name="fn", image=Quoted("é"), output="push")
    assert (spec.image, type(spec.image), spec.output) == ("é", str, "push")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=10,
)
KEYS = [
    *attrs.fields_dict(FunctionSpec),
    "secrets",
    "limits",
    "environment",
    "readonly_root_filesystem",
    "other",
]


@given(json_like | st.dictionaries(st.sampled_from(KEYS), json_like))
def test_any_mapping_is_read_or_raises_our_error(mapping: object) -> None:
    """Any value of a function is a spec, or raises our error."""
    try:
        spec = FunctionSpec.from_mapping("fn", mapping)
    except FaasCacheError:
        return
    assert repr(spec) + repr(spec.diagnostics) + "".join(map(str, spec.diagnostics))
    # a NaN in a setting equals nothing, itself included
    assert pickle.loads(pickle.dumps(spec)) == spec or "nan" in repr(spec)
