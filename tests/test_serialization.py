"""The forms of public values: laws over every type, then the exact forms and faults of examples."""

from __future__ import annotations

import json
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from values import instance_of

import faas_cache
from faas_cache import FaasCacheError, from_dict, to_dict
from faas_cache.buildkit.reports import Step
from faas_cache.model.builders import Builder
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import InvalidInput
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.references import Reference
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.plan import BuildPlan
from faas_cache.render.commands import Command
from faas_cache.serialization.conversion import json_schema
from faas_cache.serialization.forms import FORMS, HEADER, class_of
from faas_cache.serialization.hints import shape_of
from faas_cache.serialization.shapes import SCALARS, Writer

SCHEMA = Path(faas_cache.__file__).parent / "docs" / "values.schema.json"
EVERY_TYPE = pytest.mark.parametrize("name", FORMS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda items: (
        st.lists(items, max_size=3) | st.dictionaries(st.text(max_size=5), items, max_size=3)
    ),
    max_leaves=5,
)


def faults(data: object, kind: type | None = None) -> list[tuple[str, str, str]]:
    """The key path, the message and the hint of each fault of the data."""
    with pytest.raises(InvalidInput) as caught:
        from_dict(data, kind)  # type: ignore[arg-type]  # what a caller may not check
    return [(str(item.location), item.message, item.hint) for item in caught.value.diagnostics]


@cache
def validator() -> Draft202012Validator:
    """The validator of every form."""
    return Draft202012Validator(json_schema())


# Laws


@EVERY_TYPE
@given(data=st.data())
@settings(max_examples=30)
def test_a_form_reads_back_as_the_same_value(name: str, data: st.DataObject) -> None:
    """`from_dict(to_dict(x, secrets=True)) == x`, directly and through JSON text."""
    value = data.draw(instance_of(name))
    form = to_dict(value, secrets=True)
    for read in (from_dict(form), from_dict(json.loads(json.dumps(form)), type(value))):
        assert read == value
        assert to_dict(read, secrets=True) == form  # what does not count for equality is kept, too


@EVERY_TYPE
@given(data=st.data())
@settings(max_examples=30)
def test_a_form_follows_the_schema(name: str, data: st.DataObject) -> None:
    """With secrets and masked."""
    value = data.draw(instance_of(name))
    for secrets in (True, False):
        validator().validate(json.loads(json.dumps(to_dict(value, secrets=secrets))))


@EVERY_TYPE
@given(data=st.data())
@settings(max_examples=30)
def test_a_masked_form_has_no_secret_and_says_so(name: str, data: st.DataObject) -> None:
    """`masked` is there exactly where the form with secrets is another one."""
    value = data.draw(instance_of(name))
    form = to_dict(value)
    assert "s3cr3t" not in json.dumps(form)
    with_masks = form.pop("masked", False)
    assert with_masks is (form != to_dict(value, secrets=True))


@EVERY_TYPE
@given(data=st.data())
@settings(max_examples=50)
def test_any_data_is_a_value_or_an_error(name: str, data: st.DataObject) -> None:
    """A form with one part replaced, removed or added."""
    form = to_dict(data.draw(instance_of(name)), secrets=True)
    _change(form, data)
    try:
        value = from_dict(form)
    except InvalidInput as error:
        assert all(item.severity == "error" for item in error.diagnostics)
    else:
        assert type(value).__name__ in FORMS


@given(data=JSON)
def test_any_json_is_an_error(data: object) -> None:
    """Data without a type is not a form."""
    with pytest.raises(InvalidInput):
        from_dict(data)


def _change(form: Any, data: st.DataObject) -> None:  # noqa: ANN401  # a list or a mapping
    """Replaces, removes or adds one part of a form, at any depth."""
    keys = list(form) if isinstance(form, dict) else list(range(len(form)))
    if not keys:
        return
    key = data.draw(st.sampled_from(keys))
    if form[key] and isinstance(form[key], (dict, list)) and data.draw(st.booleans()):
        _change(form[key], data)
        return
    action = data.draw(st.sampled_from(("replace", "remove", "add")))
    if action == "replace":
        form[key] = data.draw(JSON)
    elif action == "remove":
        del form[key]
    elif isinstance(form, dict):
        form[data.draw(st.text(max_size=5))] = data.draw(JSON)


# Every type


@EVERY_TYPE
def test_no_field_has_a_name_of_the_header(name: str) -> None:
    """`type`, `version` and `masked` mean the same in every form."""
    if FORMS[name].parsed is None:
        assert {field.name for field in attrs.fields(class_of(name))} & {*HEADER} == set()


def test_the_shipped_schema_is_the_generated_one() -> None:
    """It holds the first paragraph of each class, and changes with it."""
    assert SCHEMA.read_text() == json.dumps(json_schema(), indent=2) + "\n", (
        "write it again: `python -c 'import json; from faas_cache.serialization.conversion import"
        " json_schema; print(json.dumps(json_schema(), indent=2))'"
        " >faas_cache/docs/values.schema.json`"
    )


def test_the_schema_is_valid() -> None:
    """As a schema of its draft."""
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "form",
    [
        {"type": "Builder", "version": 2},
        {"type": "Builder", "version": 1, "nam": "ci"},
        {"type": "Builder", "version": 1, "name": 1},
        {"type": "Biulder", "version": 1},
        {"type": "Builder"},
        {"type": "Location", "version": 1, "path": [None]},
        {"type": "Reference", "version": 1},
    ],
    ids=str,
)
def test_the_schema_rejects_what_from_dict_rejects(form: dict[str, Any]) -> None:
    """As far as a schema can."""
    assert not validator().is_valid(form)
    assert faults(form)


# Examples

FORM_OF_A_PLAN = {
    "type": "BuildPlan",
    "version": 1,
    "masked": True,
    "function": "resize",
    "tags": ["acme/resize:1"],
    "context": ".",
    "build_args": {"http_proxy": "http://***@proxy:3128"},
    "labels": {},
    "secrets": {},
    "platforms": [],
    "cache_from": [],
    "cache_to": [{"text": "type=gha,token=***", "backend": "gha", "fields": {"token": "***"}}],
    "builder": None,
    "builder_flags": [],
    "env": {"DOCKER_BUILDKIT": "1"},
    "ssh": [],
    "no_cache": False,
    "pull": False,
    "squash": False,
    "output": None,
    "provenance": None,
    "sbom": None,
    "needs": ["buildkit", "gha"],
    "lang": "",
    "handler": "",
    "build_options": [],
    "diagnostics": [],
    "origins": [{"field": "cache_to", "key": 0, "rule": "C5", "path": ["functions", "resize", 1]}],
    "caching": True,
    "why": [
        {
            "part": "--cache-to type=gha,token=***",
            "rule": "C5",
            "location": {
                "path": ["functions", "resize", 1],
                "file": None,
                "line": None,
                "column": None,
            },
        }
    ],
}


def plan() -> BuildPlan:
    """A plan with two secrets."""
    from faas_cache.planning.plan import Origin

    return BuildPlan(
        function="resize",
        tags=["acme/resize:1"],
        build_args={"http_proxy": "http://user:s3cr3t@proxy:3128"},
        cache_to=["type=gha,token=s3cr3t"],
        env={"DOCKER_BUILDKIT": "1"},
        needs={"gha", "buildkit"},
        origins=[Origin(field="cache_to", key=0, rule="C5", path=("functions", "resize", 1))],
    )


FORMS_OF_VALUES = {
    "reference": (
        Reference.parse("fn:1"),
        {
            "type": "Reference",
            "version": 1,
            "text": "fn:1",
            "domain": "docker.io",
            "path": "library/fn",
            "tag": "1",
            "digest": None,
            "canonical": "docker.io/library/fn:1",
        },
    ),
    "entry": (
        parse_entries("type=gha,token=s3cr3t,scope=main")[0],
        {
            "type": "CacheEntry",
            "version": 1,
            "masked": True,
            "text": "type=gha,token=***,scope=main",
            "backend": "gha",
            "fields": {"token": "***", "scope": "main"},
        },
    ),
    "builder": (
        Builder(docker="20.10.24", name="ci"),
        {
            "type": "Builder",
            "version": 1,
            "docker": "20.10.24",
            "buildx": None,
            "buildkit": None,
            "driver": "docker",
            "containerd_store": False,
            "program": "docker",
            "declared_features": None,
            "name": "ci",
            "buildkit_version": "0.8",
            "features": ["buildkit", "inline", "registry"],
        },
    ),
    "diagnostic": (
        Diagnostic(
            name="cache-overwrites-image",
            message="the cache overwrites the image",
            url="https://example.org/",
            location=Location(path=("functions", "fn", "build_cache", "to", 1), line=7),
        ),
        {
            "type": "Diagnostic",
            "version": 1,
            "name": "cache-overwrites-image",
            "severity": "error",
            "message": "the cache overwrites the image",
            "hint": "",
            "location": {
                "path": ["functions", "fn", "build_cache", "to", 1],
                "file": None,
                "line": 7,
                "column": None,
            },
            "rule": "E4",
            "url": "https://example.org/",
        },
    ),
    "flags": (
        CacheFlags(
            build_cache={"to": [{"type": "s3", "access_key_id": ["s3cr3t", 1, True], "n": 1.5}]}
        ),
        {
            "type": "CacheFlags",
            "version": 1,
            "masked": True,
            "build_cache": {
                "to": [{"type": "s3", "access_key_id": ["***", "***", True], "n": 1.5}]
            },
            "cache_from": [],
            "cache_to": [],
            "no_cache": False,
            "export": True,
            "ignore_export_errors": False,
            "scope": None,
            "fallback_scopes": [],
            "enabled": True,
        },
    ),
}


@pytest.mark.parametrize(("value", "form"), FORMS_OF_VALUES.values(), ids=FORMS_OF_VALUES)
def test_the_form_of_a_value(value: object, form: dict[str, Any]) -> None:
    """Whole, in its order: fields first, then what is only for readers."""
    assert list(to_dict(value).items()) == list(form.items())


def test_the_form_of_a_plan() -> None:
    """Nested values have no header; secrets are masked in arguments, entries and reasons."""
    assert to_dict(plan()) == FORM_OF_A_PLAN


def test_a_masked_command_has_a_masked_form() -> None:
    """A command masks itself, its arguments one by one."""
    command = Command(argv=("docker", "build", "--cache-to", "type=gha,token=s3cr3t", "."))
    form = to_dict(command)
    assert form["argv"] == ["docker", "build", "--cache-to", "type=gha,token=***", "."]
    assert form["masked"] is True


def test_a_secret_in_prose_ends_with_its_word() -> None:
    """In names of steps and in logs; a message of ours is masked when it is made."""
    step = Step(name="RUN NPM_TOKEN=s3cr3t npm ci", kind="build")
    assert to_dict(step)["name"] == "RUN NPM_TOKEN=*** npm ci"
    message = "the build argument `NPM_TOKEN=***` is a secret"
    assert to_dict(Diagnostic(name="secret-in-file", message=message)).get("masked") is None


def test_bytes_that_are_not_utf_8_pass_through_json() -> None:
    """As surrogate escapes, which is how Python holds arguments and file names."""
    spec = FunctionSpec(name="fn", handler="caf\udce9")
    text = json.dumps(to_dict(spec))
    assert text.isascii()
    assert from_dict(json.loads(text)) == spec


def test_what_is_not_a_number_is_written_as_text() -> None:
    """JSON has no infinity; such a setting is invalid anyhow."""
    assert to_dict(CacheFlags(build_cache=float("inf")))["build_cache"] == "inf"


def test_integers_have_any_size() -> None:
    """Larger than a float can be, for one."""
    flags = CacheFlags(build_cache=2**2000)
    assert from_dict(to_dict(flags)) == flags


def test_properties_for_readers_are_ignored() -> None:
    """They follow from the fields."""
    form = to_dict(Builder(docker="26.1.5"))
    assert from_dict({**form, "features": "anything"}) == Builder(docker="26.1.5")


def test_keys_with_a_default_may_be_absent() -> None:
    """A form may be written by hand."""
    form = {"type": "FunctionSpec", "version": 1, "name": "fn", "build_cache": "max"}
    assert from_dict(form, FunctionSpec) == FunctionSpec(name="fn", build_cache="max")


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


# Shapes that no public value has, or that few have


def read(hint: object, data: object) -> object:
    """The data as a value of the hint."""
    return shape_of(hint).read(data)


SHAPES = {
    "a row": (
        tuple[int, str],
        (1, "a"),
        [1, "a"],
        {
            "type": "array",
            "prefixItems": [{"type": "integer"}, {"type": "string"}],
            "minItems": 2,
            "items": False,
        },
    ),
    "a set": (
        frozenset[str],
        frozenset({"b", "a"}),
        ["a", "b"],
        {"type": "array", "items": {"type": "string"}},
    ),
    "bytes": (bytes, b"a\xff", "a\udcff", {"type": "string"}),
    "a number": (float, 1.5, 1.5, {"type": "number"}),
    "one of two": (int | None, 3, 3, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    "a mapping": (
        FrozenMap[int],
        FrozenMap(a=1),
        {"a": 1},
        {"type": "object", "additionalProperties": {"type": "integer"}},
    ),
}


@pytest.mark.parametrize(("hint", "value", "data", "schema"), SHAPES.values(), ids=SHAPES)
def test_shapes(hint: object, value: object, data: object, schema: dict[str, Any]) -> None:
    """A hint writes a value, reads it back, and has a schema."""
    shape = shape_of(hint)
    assert shape.write(value, Writer(secrets=False)) == data
    assert shape.read(data) == value
    assert shape.schema({}) == schema


class Colour(Enum):
    """An enum of text."""

    RED = "red"


@attrs.frozen
class Circle:
    """A circle."""

    radius: int
    area: int = attrs.field(init=False, default=0)


@attrs.frozen
class Square:
    """A square."""

    side: int = 1


FORM_OF_FIGURES = [
    "red",
    None,
    {"type": "Circle", "radius": 1, "area": 0},
    {"type": "Square", "side": 2},
]


def test_several_classes_are_told_apart_by_their_names() -> None:
    """An enum is one of its values."""
    shape = shape_of(tuple[Colour | Circle | Square | None, ...])
    value = (Colour.RED, None, Circle(1), Square(2))
    assert shape.write(value, Writer(secrets=True)) == FORM_OF_FIGURES
    assert shape.read(FORM_OF_FIGURES) == value
    definitions: dict[str, Any] = {}
    (red, null, figures) = shape.schema(definitions)["items"]["anyOf"]
    assert (red, null) == ({"enum": ["red"]}, {"type": "null"})
    assert figures == {
        "oneOf": [
            {
                "$ref": f"#/$defs/{name}",
                "unevaluatedProperties": False,
                "properties": {"type": {"const": name}},
                "required": ["type"],
            }
            for name in ("Circle", "Square")
        ]
    }
    assert definitions["Circle"] == {
        "type": "object",
        "description": "A circle.",
        "properties": {
            "radius": {"type": "integer"},
            "area": {"type": "integer", "readOnly": True},
        },
        "required": ["radius"],
    }


FAULTS_OF_SHAPES = {
    "an unknown class": (Circle | Square, {"type": "Sqare"}, "unknown type `Sqare`"),
    "a class without a name": (Circle | Square, {"side": 1}, "missing key `type`"),
    "a row of another length": (tuple[int, str], [1], "expected a list of 2 items, got 1"),
    "infinity": (float, float("inf"), "expected a finite number, got `inf`"),
    "a large integer": (float, 10**400, "the number is too large"),
    "half of a surrogate pair": (bytes, "\ud800", "the string contains half of a surrogate pair"),
}


@pytest.mark.parametrize(
    ("hint", "data", "message"), FAULTS_OF_SHAPES.values(), ids=FAULTS_OF_SHAPES
)
def test_faults_of_shapes(hint: object, data: object, message: str) -> None:
    """Data of the right kind that no value has."""
    with pytest.raises(InvalidInput) as caught:
        read(hint, data)
    assert [item.message for item in caught.value.diagnostics] == [message]


def test_an_integer_is_a_number() -> None:
    """JSON does not tell `1` from `1.0`."""
    assert (type(read(float, 1)), read(float, 1)) == (float, 1.0)


@pytest.mark.parametrize("hint", [dict, list[int], object(), type[int]], ids=repr)
def test_a_hint_without_a_form_is_a_bug(hint: object) -> None:
    """A field of such a type cannot be added by mistake."""
    with pytest.raises(TypeError, match="no JSON form for the type hint"):
        shape_of(hint)


def test_scalars_are_the_types_of_json() -> None:
    """And bytes."""
    assert set(SCALARS) == {type(None), bool, int, float, str, bytes}
