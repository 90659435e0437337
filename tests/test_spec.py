"""Function specs: what is read from YAML and from Python."""

import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.diagnostics import path_text
from faas_cache.exceptions import FaasCacheError, InvalidFunction
from faas_cache.spec import CacheFlags, FunctionSpec, Quoted


def faults(mapping: object) -> list[tuple[str, str]]:
    """Where a mapping is at fault, and how."""
    with pytest.raises(InvalidFunction) as caught:
        FunctionSpec.from_mapping("fn", mapping)
    return [(path_text(d.place.path).removeprefix("functions.fn"), d.message) for d in caught.value.diagnostics]


def test_from_mapping_reads_the_yaml_keys() -> None:
    """Every key of a build is read, deployment keys are accepted, and a mapping is the same as arguments."""
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
    deployment = {"environment": {"X": "y"}, "limits": {"cpu": "1"}, "secrets": ["s"], "readonly_root_filesystem": "on"}
    spec = FunctionSpec.from_mapping("fn", given_keys | deployment)
    same = FunctionSpec(name="fn", **given_keys)
    assert (spec, hash(spec), spec.diagnostics) == (same, hash(same), ())
    assert dict(spec.build_args) == {"A": "1", "B": "true", "C": ""}
    assert (spec.platforms, spec.builder_flags, spec.skip_build) == (("linux/amd64", "linux/arm64"), ("--x",), True)
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert attrs.evolve(spec, pull=True).pull


def test_a_null_function_is_empty() -> None:
    """faas-cli takes a function without any key."""
    assert FunctionSpec.from_mapping("fn", None) == FunctionSpec(name="fn")


def test_a_text_stands_for_a_list_of_one() -> None:
    """From Python, a str where a list is meant is a list of one."""
    assert FunctionSpec(name="fn", build_options="dev").build_options == ("dev",)


FAULTS: list[tuple[object, list[tuple[str, str]]]] = [
    ("text", [("", "this must be a mapping with `image`, `lang`, `handler` …, not a text")]),
    ({"image": ["a"]}, [(".image", "this must be a text, not a list")]),
    ({"image": 1.5}, [(".image", "this must be a text, not a float")]),
    ({"image": "a\0"}, [(".image", "this holds a character that no command line can carry (NUL or half a surrogate pair)")]),
    ({"image": "\ud800"}, [(".image", "this holds a character that no command line can carry (NUL or half a surrogate pair)")]),
    ({"build_args": ["A"]}, [(".build_args", "this must be a mapping of texts, not a list")]),
    (
        {"build_args": {"A": [], "B": {}}},
        [(".build_args.A", "this must be a text, not a list"), (".build_args.B", "this must be a text, not a mapping")],
    ),
    ({"build_options": "dev"}, [(".build_options", "this must be a list of texts, not a text")]),
    ({"builder_flags": {"a": "b"}}, [(".builder_flags", "this must be a list of texts, not a mapping")]),
    ({"builder_flags": ["--x", []]}, [(".builder_flags[1]", "this must be a text, not a list")]),
    ({"skip_build": Quoted("true")}, [(".skip_build", "this must be a boolean, not a text")]),
    ({"skip_build": "1"}, [(".skip_build", "this must be a boolean, not a text")]),
    ({"environment": []}, [(".environment", "this must be a mapping of texts, not a list")]),
    ({"limits": "x"}, [(".limits", "this must be a mapping of texts, not a text")]),
    (
        {"build_cache": object()},
        [(".build_cache", "this must be `inline`, `max`, or a mapping with `from` and `to`, not a object")],
    ),
    (
        {"image": {}, "handler": []},
        [(".image", "this must be a text, not a mapping"), (".handler", "this must be a text, not a list")],
    ),
]


@pytest.mark.parametrize(("mapping", "expected"), FAULTS, ids=range(len(FAULTS)))
def test_type_faults(mapping: object, expected: list[tuple[str, str]]) -> None:
    """Values of the wrong type are refused where they stand, all together."""
    assert faults(mapping) == expected


def test_a_setting_that_holds_itself_is_refused() -> None:
    """A list that never ends is a fault, not a crash."""
    endless: list[object] = []
    endless.append(endless)
    assert [message for _, message in faults({"build_cache": endless})] == ["this is nested too deeply for a cache setting"]


def test_yaml_booleans() -> None:
    """yaml.v3 takes the words of YAML 1.1 for a boolean, quoted or not, but no quoted `true`."""
    specs = [FunctionSpec.from_mapping("fn", {"skip_build": word}) for word in ("on", Quoted("yes"), True, "NO", None)]
    assert [spec.skip_build for spec in specs] == [True, True, True, False, False]


def test_unknown_keys_are_warnings() -> None:
    """An unknown key is ignored with a warning that names the nearest known one."""
    spec = FunctionSpec.from_mapping("fn", {"image": "a", "build_caches": "max", 1: "x"})
    assert [(d.code, d.severity, d.place.path[2], d.hint) for d in spec.diagnostics] == [
        ("unknown-key", "warning", "build_caches", "did you mean `build_cache`?"),
        ("unknown-key", "warning", "1", "remove it, or keep it under a top-level key that begins with `x-`"),
    ]


def test_an_odd_text_is_kept() -> None:
    """Text beyond ASCII is text; a subclass of str becomes one; an output may be absent."""
    spec = FunctionSpec(name="fn", image=Quoted("é"), output="push")
    assert (spec.image, type(spec.image), spec.output) == ("é", str, "push")


def test_flags_refuse_what_is_no_list() -> None:
    """Values of the wrong type are refused with the flag's name."""
    with pytest.raises(InvalidFunction) as caught:
        CacheFlags(cache_from=1)  # type: ignore[arg-type,unused-ignore]  # the fault is the point
    assert [(d.place.path, d.message) for d in caught.value.diagnostics] == [
        (("--cache-from",), "this must be a list of texts, not a int")
    ]


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=10,
)
KEYS = ["image", "build_args", "build_cache", "platforms", "skip_build", "builder_flags", "secrets", "other"]


@given(json_like | st.dictionaries(st.sampled_from(KEYS), json_like))
def test_any_mapping_is_read_or_raises_our_error(mapping: object) -> None:
    """Whatever stands under a function gives a spec, or our error and no other."""
    try:
        spec = FunctionSpec.from_mapping("fn", mapping)
    except FaasCacheError:
        return
    # a NaN in a setting equals nothing, itself included
    assert pickle.loads(pickle.dumps(spec)) == spec or "nan" in repr(spec)
