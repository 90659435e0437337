"""The laws of the forms: every type is written, masked, described and read back."""

from __future__ import annotations

import json
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
from faas_cache import from_dict, to_dict
from faas_cache.model.errors import InvalidInput
from faas_cache.serialization.conversion import json_schema
from faas_cache.serialization.forms import FORMS, HEADER, class_of

SCHEMA = Path(faas_cache.__file__).parent / "docs" / "values.schema.json"
EVERY_TYPE = pytest.mark.parametrize("name", FORMS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda items: (
        st.lists(items, max_size=3) | st.dictionaries(st.text(max_size=5), items, max_size=3)
    ),
    max_leaves=5,
)


@cache
def validator() -> Draft202012Validator:
    """The validator of every form."""
    return Draft202012Validator(json_schema())


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
    with pytest.raises(InvalidInput):
        from_dict(form)
