"""What is not a form, and what has none: each fault with its key path."""

from __future__ import annotations

import pytest

from faas_cache import FaasCacheError, from_dict, to_dict
from faas_cache.model.builders import Builder
from faas_cache.model.errors import InvalidInput
from faas_cache.model.flags import CacheFlags


def faults(data: object, kind: type | None = None) -> list[tuple[str, str, str]]:
    """The key path, the message and the hint of each fault of the data."""
    with pytest.raises(InvalidInput) as caught:
        from_dict(data, kind)  # type: ignore[arg-type]  # what a caller may not check
    return [(str(item.location), item.message, item.hint) for item in caught.value.diagnostics]


V1 = {"version": 1}
SPEC = {"type": "FunctionSpec", "version": 1, "name": "fn"}
ENTRY = {"type": "CacheEntry", "version": 1}
FAULTS: dict[str, tuple[object, list[tuple[str, str, str]]]] = {
    "null": (None, [("", "expected a mapping, got null", "")]),
    "a list": ([], [("", "expected a mapping, got a list", "")]),
    "no type": (V1, [("type", "missing key `type`", "")]),
    "type of another kind": (V1 | {"type": 1}, [("type", "expected a string, got an integer", "")]),
    "unknown type": (
        V1 | {"type": "Comand"},
        [("type", "unknown type `Comand`", "did you mean `Command`?")],
    ),
    "no version": ({"type": "Builder"}, [("version", "missing key `version`", "")]),
    "newer version": (
        {"type": "Builder", "version": 2},
        [
            (
                "version",
                "version 2 of `Builder` is newer than the supported version 1",
                "update faas-cache",
            )
        ],
    ),
    "version 0": (
        {"type": "Builder", "version": 0},
        [("version", "invalid version 0", "write `1`")],
    ),
    "version as text": (
        {"type": "Builder", "version": "1"},
        [("version", "expected an integer, got a string", "")],
    ),
    "masked": (
        SPEC | {"masked": True},
        [
            (
                "masked",
                "the secrets in this value are masked",
                "write the value with `to_dict(value, secrets=True)`",
            )
        ],
    ),
    "masked of another kind": (
        SPEC | {"masked": 1},
        [("masked", "expected a boolean, got an integer", "")],
    ),
    "every fault": (
        {
            "type": "FunctionSpec",
            "version": 1,
            "image": 3,
            "build_args": {"a": []},
            "platforms": ["a", 1],
            "pul": True,
        },
        [
            ("name", "missing key `name`", ""),
            ("image", "expected a string, got an integer", ""),
            ("build_args.a", "expected a string, got a list", ""),
            ("platforms[1]", "expected a string, got an integer", ""),
            ("pul", "unknown key `pul`", "did you mean `pull`?"),
        ],
    ),
    "unlike any key": (SPEC | {"xyzzy": 1}, [("xyzzy", "unknown key `xyzzy`", "remove it")]),
    "the constructor's": (
        SPEC | {"name": "lang", "build_cache": {"to": ["\0"]}},
        [
            (
                "build_cache.to[0]",
                "the string contains a NUL character or half of a surrogate pair",
                "remove the character: no command line can contain it",
            )
        ],
    ),
    "a choice": (
        {"type": "Diagnostic", "version": 1, "name": "a", "message": "m", "severity": "fatal"},
        [("severity", "expected one of `error`, `warning`, `note`, got `fatal`", "")],
    ),
    "a choice of another kind": (
        {"type": "Diagnostic", "version": 1, "name": "a", "message": "m", "severity": 1},
        [("severity", "expected one of `error`, `warning`, `note`, got an integer", "")],
    ),
    "a union": (
        {"type": "Location", "version": 1, "path": [None]},
        [("path[0]", "expected a string or an integer, got null", "")],
    ),
    "not JSON": (
        {"type": "Location", "version": 1, "path": {1}},
        [("path", "expected a list, got a set", "")],
    ),
    "keys that are not text": (
        SPEC | {"build_args": {1: "a"}},
        [("build_args", "expected a string, got an integer", "")],
    ),
    "no text": (ENTRY, [("text", "missing key `text`", "")]),
    "no entry": (ENTRY | {"text": ""}, [("text", "expected one cache entry, got 0", "")]),
    "two entries": (ENTRY | {"text": "a,b"}, [("text", "expected one cache entry, got 2", "")]),
    "unknown key beside text": (
        ENTRY | {"text": "a", "ref": "a"},
        [("ref", "unknown key `ref`", "remove it")],
    ),
}


@pytest.mark.parametrize(("data", "expected"), FAULTS.values(), ids=FAULTS)
def test_data_that_is_not_a_form(data: object, expected: list[tuple[str, str, str]]) -> None:
    """Each fault with its key path."""
    assert faults(data) == expected


def test_few_unknown_keys_are_reported() -> None:
    """Looking for similar words takes its time."""
    form = to_dict(Builder()) | {f"key{i}": 1 for i in range(10_000)}
    assert [path for path, _, _ in faults(form)] == [f"key{i}" for i in range(20)]


def test_the_expected_type_is_checked() -> None:
    """The class of the argument, where one is given."""
    form = to_dict(Builder())
    hint = "use `from_dict(data)`, or give it the right data"
    assert faults(form, CacheFlags) == [
        ("type", "expected the type `CacheFlags`, got `Builder`", hint)
    ]
    assert faults(form, int) == [("", "`int` is not a public value", NOT_PUBLIC)]


NOT_PUBLIC = "pass one of the values that `faas_cache` exports"


@pytest.mark.parametrize("value", [None, {}, FaasCacheError(), type("Builder", (), {})()], ids=repr)
def test_only_public_values_are_written(value: object) -> None:
    """Neither other objects nor classes that have the name of one."""
    with pytest.raises(InvalidInput) as caught:
        to_dict(value)
    (fault,) = caught.value.diagnostics
    assert (fault.message, fault.hint) == (
        f"`{type(value).__name__}` is not a public value",
        NOT_PUBLIC,
    )
