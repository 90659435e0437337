"""Function specs: what is read from YAML and from Python."""

import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.diagnostics import Diagnostic, Location, path_text
from faas_cache.model.errors import FaasCacheError, InvalidFunction
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.converters import Quoted
from faas_cache.model.specs import FunctionSpec


def faults(mapping: object) -> list[tuple[str, str]]:
    """Where a mapping is at fault, and how."""
    with pytest.raises(InvalidFunction) as caught:
        FunctionSpec.from_mapping("fn", mapping)
    return [
        (path_text(d.location.path).removeprefix("functions.fn"), d.message)
        for d in caught.value.diagnostics
    ]


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
    """faas-cli takes a function without any key."""
    assert FunctionSpec.from_mapping("fn", None) == FunctionSpec(name="fn")


def test_a_text_stands_for_a_list_of_one() -> None:
    """From Python, a str where a list is meant is a list of one."""
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
    """From Python, a list may be a tuple or a generator, null is empty, and numbers become Go's text."""
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


def test_a_name_is_a_text() -> None:
    """A function that is called 5 in YAML is called `5`."""
    name: Any = 5
    assert (FunctionSpec(name=name).name, FunctionSpec.from_mapping(name, {}).name) == ("5", "5")


def test_a_spec_is_a_value() -> None:
    """Specs and flags cannot change, compare by their values but not by their diagnostics, hash, evolve and survive pickling."""
    spec = FunctionSpec.from_mapping(
        "fn", {"image": "a/b", "build_cache": {"to": ["x"]}, "other": 1}
    )
    flags = CacheFlags(
        cache_from=["a"],
        build_cache={"to": "x"},
        fallback_scopes="main",
        builder_flags=["--x"],
        cache_to="b",
    )
    same = FunctionSpec(name="fn", image="a/b", build_cache={"to": ["x"]})
    assert (spec, hash(spec), len(spec.diagnostics), same.diagnostics) == (same, hash(same), 1, ())
    assert (attrs.evolve(spec), attrs.evolve(flags), hash(attrs.evolve(flags))) == (
        spec,
        flags,
        hash(flags),
    )
    assert (pickle.loads(pickle.dumps(spec)), pickle.loads(pickle.dumps(flags))) == (spec, flags)
    assert attrs.evolve(spec, image="c") != spec
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        spec.image = "c"  # type: ignore[misc]  # the change is the point
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        flags.export = False  # type: ignore[misc]  # the same


def test_a_repr_can_be_read() -> None:
    """The repr of the flags names every field."""
    assert repr(CacheFlags(cache_from=["type=gha,token=hunter2"], cache_to=["a", "b"])) == (
        "CacheFlags(build_cache=None, cache_from=('type=gha,token=***',), cache_to=('a', 'b'), builder_flags=(), "
        "no_cache=False, export=True, ignore_export_errors=False, scope=None, fallback_scopes=(), enabled=True)"
    )


FLAGS = {
    "build_cache": (
        "--build-cache",
        b"",
        "this must be `inline`, `max`, or a mapping with `from` and `to`, not a bytes",
    ),
    "cache_from": ("--cache-from", {}, "this must be a list of texts, not a mapping"),
    "cache_to": ("--cache-to", 1.5, "this must be a list of texts, not a float"),
    "builder_flags": ("--builder-flag", b"", "this must be a list of texts, not a bytes"),
    "fallback_scopes": (
        "--cache-scope-fallback",
        True,
        "this must be a list of texts, not a boolean",
    ),
}


@pytest.mark.parametrize("field", FLAGS)
def test_d1_a_flag_of_the_wrong_type_is_named(field: str) -> None:
    """D1: the place of a flag's fault is the flag."""
    flag, value, message = FLAGS[field]
    arguments: dict[str, Any] = {field: value}
    with pytest.raises(InvalidFunction) as caught:
        CacheFlags(**arguments)
    assert caught.value == InvalidFunction(
        Diagnostic(name="type", message=message, location=Location(path=(flag,)))
    )


FAULTS: list[tuple[object, list[tuple[str, str]]]] = [
    ("text", [("", "this must be a mapping with `image`, `lang`, `handler` …, not a text")]),
    ({"image": ["a"]}, [(".image", "this must be a text, not a list")]),
    ({"image": 1.5}, [(".image", "this must be a text, not a float")]),
    (
        {"image": "a\0"},
        [
            (
                ".image",
                "this holds a character that no command line can carry (NUL or half a surrogate pair)",
            )
        ],
    ),
    (
        {"image": "\ud800"},
        [
            (
                ".image",
                "this holds a character that no command line can carry (NUL or half a surrogate pair)",
            )
        ],
    ),
    (
        {"image": 1 << 20_000},
        [(".image", "this must be an integer of at most 2048 bits, not a int")],
    ),
    (
        {"build_cache": {"to": [1 << 20_000]}},
        [(".build_cache.to[0]", "this must be an integer of at most 2048 bits, not a int")],
    ),
    (
        {"build_args": {1 << 20_000: "x"}},
        [(".build_args", "this must be an integer of at most 2048 bits, not a int")],
    ),
    ({1 << 20_000: "x"}, [("", "this must be an integer of at most 2048 bits, not a int")]),
    ({"build_args": ["A"]}, [(".build_args", "this must be a mapping of texts, not a list")]),
    (
        {"build_args": {"A": [], "B": {}}},
        [
            (".build_args.A", "this must be a text, not a list"),
            (".build_args.B", "this must be a text, not a mapping"),
        ],
    ),
    ({"build_options": "dev"}, [(".build_options", "this must be a list of texts, not a text")]),
    (
        {"builder_flags": {"a": "b"}},
        [(".builder_flags", "this must be a list of texts, not a mapping")],
    ),
    ({"builder_flags": ["--x", []]}, [(".builder_flags[1]", "this must be a text, not a list")]),
    ({"skip_build": Quoted("true")}, [(".skip_build", "this must be a boolean, not a text")]),
    ({"skip_build": "1"}, [(".skip_build", "this must be a boolean, not a text")]),
    ({"environment": []}, [(".environment", "this must be a mapping of texts, not a list")]),
    ({"limits": "x"}, [(".limits", "this must be a mapping of texts, not a text")]),
    (
        {"build_cache": object()},
        [
            (
                ".build_cache",
                "this must be `inline`, `max`, or a mapping with `from` and `to`, not a object",
            )
        ],
    ),
    (
        {"image": {}, "handler": []},
        [
            (".image", "this must be a text, not a mapping"),
            (".handler", "this must be a text, not a list"),
        ],
    ),
]


@pytest.mark.parametrize(("mapping", "expected"), FAULTS, ids=range(len(FAULTS)))
def test_type_faults(mapping: object, expected: list[tuple[str, str]]) -> None:
    """Values of the wrong type are refused where they stand, all together."""
    assert faults(mapping) == expected


SETTINGS: list[tuple[object, object]] = [
    (None, None),
    ("max", "max"),
    (True, True),
    (1, 1),
    (1.5, 1.5),
    (["x", 1], ("x", 1)),
    ({"from": ["x", {"type": "gha"}], 1: None}, {"from": ("x", {"type": "gha"}), "1": None}),
]


@pytest.mark.parametrize(
    ("written", "kept"), SETTINGS, ids=[repr(written) for written, _ in SETTINGS]
)
def test_a_setting_is_kept_as_written(written: object, kept: object) -> None:
    """B3, C1: what `build_cache` holds is not judged here, only made immutable."""
    setting = FunctionSpec.from_mapping("fn", {"build_cache": written}).build_cache
    assert (setting, type(setting)) == (kept, FrozenMap if isinstance(kept, dict) else type(kept))
    assert hash(setting) == hash(CacheFlags(build_cache=setting).build_cache)


def test_a_setting_that_holds_itself_is_refused() -> None:
    """A list that never ends is a fault, not a crash."""
    endless: list[object] = []
    endless.append(endless)
    assert [message for _, message in faults({"build_cache": endless})] == [
        "this is nested too deeply for a cache setting"
    ]


def test_yaml_booleans() -> None:
    """yaml.v3 takes the words of YAML 1.1 for a boolean, quoted or not, but no quoted `true`."""
    specs = [
        FunctionSpec.from_mapping("fn", {"skip_build": word})
        for word in ("on", Quoted("yes"), True, "NO", None)
    ]
    assert [spec.skip_build for spec in specs] == [True, True, True, False, False]


def test_unknown_keys_are_warnings() -> None:
    """An unknown key is ignored with a warning that names the nearest known one."""
    spec = FunctionSpec.from_mapping("fn", {"image": "a", "build_caches": "max", 1: "x"})
    assert [(d.name, d.severity, d.location.path[2], d.hint) for d in spec.diagnostics] == [
        ("unknown-key", "warning", "build_caches", "did you mean `build_cache`?"),
        (
            "unknown-key",
            "warning",
            "1",
            "remove it, or keep it under a top-level key that begins with `x-`",
        ),
    ]


def test_an_odd_text_is_kept() -> None:
    """Text beyond ASCII is text; a subclass of str becomes one; an output may be absent."""
    spec = FunctionSpec(name="fn", image=Quoted("é"), output="push")
    assert (spec.image, type(spec.image), spec.output) == ("é", str, "push")


def test_flags_refuse_what_is_no_list() -> None:
    """Values of the wrong type are refused with the flag's name."""
    with pytest.raises(InvalidFunction) as caught:
        CacheFlags(cache_from=1)  # type: ignore[arg-type,unused-ignore]  # the fault is the point
    assert [(d.location.path, d.message) for d in caught.value.diagnostics] == [
        (("--cache-from",), "this must be a list of texts, not a int")
    ]


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
    """Whatever stands under a function gives a spec, or our error and no other."""
    try:
        spec = FunctionSpec.from_mapping("fn", mapping)
    except FaasCacheError:
        return
    assert repr(spec) + repr(spec.diagnostics) + "".join(map(str, spec.diagnostics))
    # a NaN in a setting equals nothing, itself included
    assert pickle.loads(pickle.dumps(spec)) == spec or "nan" in repr(spec)
