"""The JSON Schema of a stack file accepts what `Stack.loads` and the rules of `build_cache` accept."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from faas_cache.model import specs
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.resolution import resolve
from faas_cache.stack.json_schema import json_schema
from faas_cache.stack.stack_file import Stack

SCHEMA = json_schema()
VALIDATOR = Draft7Validator(SCHEMA)
SHIPPED = files("faas_cache").joinpath("docs", "stack.schema.json")
FUNCTION_KEYS = SCHEMA["definitions"]["function"]["properties"]
# What the rules report about the kind of a value; everything else is about the text of one.
KINDS = {"invalid-setting", "invalid-entry-type", "invalid-type", "empty-entry"}


def is_accepted(document: object) -> bool:
    """Whether the document is a stack file whose cache settings have the right kinds."""
    try:
        stack = Stack.loads(json.dumps(document), {}, envsubst=False)
    except FaasCacheError:
        return False
    probe = attrs.evolve(FunctionSpec(name="probe", image="a/b"), default_cache=stack.build_cache)
    built = (s for name, s in stack.functions.items() if name not in stack.deployed_functions)
    for spec in (probe, *built):
        try:
            resolve(spec)
        except FaasCacheError as error:
            if {diagnostic.name for diagnostic in error.diagnostics} & KINDS:
                return False
    return True


# Texts that are valid wherever a text is: a boolean, an image, an entry.
SCALARS = st.sampled_from(["yes", "on", 1, 1.5, 0, True, False, None])
ANY = st.recursive(
    SCALARS,
    lambda items: (
        st.lists(items, max_size=3) | st.dictionaries(st.sampled_from("abc"), items, max_size=2)
    ),
    max_leaves=4,
)
SIDES = st.lists(st.just("yes"), max_size=2) | ANY
SETTINGS = st.one_of(
    st.sampled_from(["inline", "max", "none", "Max"]),
    ANY,
    st.fixed_dictionaries({}, optional={"from": SIDES, "to": SIDES, "scope": ANY, "x": ANY}),
    st.fixed_dictionaries(
        {"mode": st.sampled_from(["max", "inline", "none"]) | ANY},
        optional={
            "scope": SIDES,
            "fallback_scopes": SIDES,
            "repository": SCALARS | ANY,
            "from": SIDES,
            "x": ANY,
        },
    ),
)


def value_of(key: str) -> st.SearchStrategy[Any]:
    """Values of a key: half of them of the kind that it has."""
    if key == "build_cache":
        return SETTINGS
    pairs = st.dictionaries(st.sampled_from("ab"), SCALARS, max_size=2)
    return st.one_of(SCALARS, st.lists(SCALARS, max_size=2), pairs, ANY)


FUNCTIONS = st.one_of(
    st.sets(st.sampled_from([*FUNCTION_KEYS, "typo"]), max_size=3).flatmap(
        lambda keys: st.fixed_dictionaries({key: value_of(key) for key in keys})
    ),
    SETTINGS.map(lambda setting: {"image": "a/b", "lang": "py", "build_cache": setting}),
    st.fixed_dictionaries(
        {"image": st.just("a/b"), "build_cache": SETTINGS},
        optional={"lang": SCALARS, "context": ANY, "pull": ANY},
    ),
)
DOCUMENTS = st.fixed_dictionaries(
    {
        "provider": st.just({"name": "openfaas"})
        | st.fixed_dictionaries(
            {}, optional={"name": st.sampled_from(["openfaas", None, [], {}]), "gateway": ANY}
        )
        | SCALARS
    },
    optional={
        "version": st.sampled_from(["1.0", 1.0, None, [], {}]),
        "functions": st.dictionaries(st.sampled_from("fg"), FUNCTIONS | SCALARS, max_size=2) | ANY,
        "configuration": ANY
        | st.fixed_dictionaries(
            {},
            optional={
                "build_cache": SETTINGS,
                "copy": SIDES,
                "templates": ANY
                | st.lists(
                    st.fixed_dictionaries({}, optional={"name": ANY, "source": ANY}), max_size=2
                ),
                "other": ANY,
            },
        ),
        "other": ANY,
    },
)


@settings(max_examples=400, deadline=None)
@given(DOCUMENTS)
def test_the_schema_accepts_what_is_accepted(document: dict[str, Any]) -> None:
    """A document has the right keys and kinds for the schema exactly if it has for the package."""
    assert VALIDATOR.is_valid(document) == is_accepted(document)


@settings(max_examples=400, deadline=None)
@given(SETTINGS)
def test_the_schema_accepts_the_settings_that_are_accepted(setting: object) -> None:
    """The same for one cache setting."""
    document = {
        "provider": {"name": "openfaas"},
        "functions": {"fn": {"image": "a/b", "lang": "py", "build_cache": setting}},
    }
    assert VALIDATOR.is_valid(document) == is_accepted(document)


@pytest.mark.parametrize("key", FUNCTION_KEYS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_each_key_accepts_what_is_accepted(key: str, data: st.DataObject) -> None:
    """The same for each key of a function."""
    function = {"image": "a/b", "lang": "py", key: data.draw(value_of(key))}
    document = {"provider": {"name": "openfaas"}, "functions": {"fn": function}}
    assert VALIDATOR.is_valid(document) == is_accepted(document)


def test_every_key_of_a_function_is_described() -> None:
    """The schema has the keys that a stack file may have, and a description of each."""
    assert set(FUNCTION_KEYS) == {*specs._KEYS, *specs._DEPLOYMENT_KEYS}  # noqa: SLF001  # the list of keys
    assert [key for key, schema in FUNCTION_KEYS.items() if not schema["description"]] == []


def test_the_schema_is_valid() -> None:
    """It is a schema of draft 7."""
    Draft7Validator.check_schema(SCHEMA)


def test_the_shipped_schema_is_the_generated_one() -> None:
    """`docs/stack.schema.json` is what `json_schema` returns."""
    assert SHIPPED.read_text() == json.dumps(SCHEMA, indent=2) + "\n", (
        "write it again: `python -c 'import json; from faas_cache.stack.json_schema import"
        " json_schema; print(json.dumps(json_schema(), indent=2))' >faas_cache/docs/stack.schema.json`"
    )


@pytest.mark.parametrize(
    ("setting", "valid"),
    [
        ("${MODE:-max}", True),
        ({"mode": "${MODE}"}, True),
        ({"from": "${CACHE}", "to": ["${CACHE}"]}, True),
        ("Max", False),
        ("off", False),
        ({"mode": "max", "to": "a/b"}, False),
        ({"mode": "none"}, False),
        ({"mode": "inline", "scope": "a"}, False),
        ([{"type": "registry"}], False),
        ({"to": [{"type": "registry"}]}, False),
        (True, False),
    ],
)  # fmt: skip
def test_settings_as_an_editor_reads_them(setting: object, valid: bool) -> None:  # noqa: FBT001  # a column of the table
    """Before substitution, a variable may stand for a mode; what is an error is one in the editor."""
    document = {
        "provider": {"name": "openfaas"},
        "functions": {"fn": {"image": "a/b", "lang": "py", "build_cache": setting}},
    }
    assert VALIDATOR.is_valid(document) == valid


@pytest.mark.parametrize("lang", [{}, {"lang": ""}, {"lang": None}, {"lang": "", "context": None}])
def test_a_function_that_is_only_deployed_needs_no_valid_build_keys(
    lang: dict[str, object],
) -> None:
    """Only what faas-cli decodes has to be of the right kind."""
    function = {"image": "a/b", "pull": [], "build_cache": "off", **lang}
    document = {"provider": {"name": "openfaas"}, "functions": {"fn": function}}
    assert VALIDATOR.is_valid(document)
    assert is_accepted(document)
    function["platforms"] = []
    assert not VALIDATOR.is_valid(document)
    assert not is_accepted(document)


def test_the_example_stack_is_valid() -> None:
    """The stack file of the examples, read by a YAML parser as editors read it."""
    from ruamel.yaml import YAML

    text = (Path(__file__).parents[1] / "examples" / "stack.yaml").read_text()
    assert list(VALIDATOR.iter_errors(YAML(typ="safe").load(text))) == []
